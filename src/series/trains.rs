//! Trains followed through a site's observations: since when the cars of each string have been standing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::record::SceneRecord;
use super::same_train::match_cars;
use super::store::StringRow;
use crate::count::Status;

/// What the report says of one observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainNote {
    /// Name of the image.
    pub image: String,
    /// Image of the observation that it is compared with.
    pub before: String,
    /// When that was taken.
    pub before_acquired: Timestamp,
    /// Freight cars seen.
    pub cars: usize,
    /// Of these, cars that stood in the same place before.
    pub standing: usize,
    /// Of these, cars that were elsewhere in the yard before.
    pub moved: usize,
    /// Cars that were not recognised: new, or not seen before.
    pub new: usize,
    /// When the longest-standing of them was first seen.
    pub standing_since: Option<Timestamp>,
}

impl TrainNote {
    /// The note as a sentence.
    pub fn sentence(&self) -> String {
        let before = day(self.before_acquired);
        if self.standing + self.moved == 0 {
            return format!("none of the {} freight cars was recognised from {before}", self.cars);
        }
        let mut parts = Vec::new();
        if self.standing > 0 {
            let since = self.standing_since.map_or_else(|| before.clone(), day);
            parts.push(format!("{} of {} freight cars still standing since {since}", self.standing, self.cars));
        }
        if self.moved > 0 {
            parts.push(format!("{} in the same order as on {before}, but moved", self.moved));
        }
        if self.new > 0 {
            parts.push(format!("{} new or not recognised", self.new));
        }
        parts.join(", ")
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Compares each usable observation with the one before it. The order of `records` does not matter.
pub fn follow(records: &[&SceneRecord]) -> (Vec<StringRow>, Vec<TrainNote>) {
    let mut dated: Vec<(Timestamp, &SceneRecord)> = records
        .iter()
        .filter(|record| record.result.count.status != Status::Unusable)
        .filter_map(|record| Some((record.acquired?, *record)))
        .collect();
    dated.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.image.cmp(&b.1.image)));
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut previous: Option<(&SceneRecord, Vec<Timestamp>)> = None;
    for (time, record) in dated {
        // Since when each vehicle stands: since now, unless it is recognised.
        let mut since = vec![time; record.result.vehicles.len()];
        let mut from: Vec<Option<usize>> = vec![None; since.len()];
        let same = previous.as_ref().map(|(before, _)| match_cars(before, record)).unwrap_or_default();
        for car in &same {
            from[car.now] = Some(car.before);
            if let (true, Some((_, earlier))) = (car.in_place, &previous) {
                since[car.now] = earlier[car.before];
            }
        }
        if let Some((before, _)) = &previous {
            notes.extend(note(before, record, &same, &since));
        }
        rows.extend(string_rows(previous.as_ref().map(|p| p.0), record, &from, &since));
        previous = Some((record, since));
    }
    (rows, notes)
}

fn note(
    before: &SceneRecord,
    record: &SceneRecord,
    same: &[super::same_train::SameCar],
    since: &[Timestamp],
) -> Option<TrainNote> {
    let cars = record.result.vehicles.iter().filter(|v| v.class.is_freight()).count();
    let standing = same.iter().filter(|car| car.in_place).count();
    let oldest = same.iter().filter(|car| car.in_place).map(|car| since[car.now]).min();
    (cars > 0).then(|| TrainNote {
        image: record.image.clone(),
        before: before.image.clone(),
        // Only dated records are compared.
        before_acquired: before.acquired.unwrap_or_default(),
        cars,
        standing,
        moved: same.len() - standing,
        new: cars.saturating_sub(same.len()),
        standing_since: oldest,
    })
}

fn string_rows(
    before: Option<&SceneRecord>,
    record: &SceneRecord,
    from: &[Option<usize>],
    since: &[Timestamp],
) -> Vec<StringRow> {
    let mut strings: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, vehicle) in record.result.vehicles.iter().enumerate().filter(|(_, v)| v.class.is_freight()) {
        strings.entry(vehicle.string).or_default().push(index);
    }
    strings
        .into_iter()
        .map(|(string, cars)| {
            let mut origins: BTreeMap<u32, usize> = BTreeMap::new();
            let earlier = cars.iter().filter_map(|&car| before?.result.vehicles.get(from[car]?));
            earlier.for_each(|vehicle| *origins.entry(vehicle.string).or_default() += 1);
            let origin = origins.iter().max_by_key(|(string, number)| (**number, std::cmp::Reverse(**string)));
            let track = cars.first().and_then(|&car| record.result.tracks.get(record.result.vehicles[car].track));
            StringRow {
                scene: record.image.clone(),
                acquired: record.acquired,
                string,
                track: track.map_or_else(String::new, |track| track.name.clone()),
                cars: cars.len(),
                matched: cars.iter().filter(|&&car| from[car].is_some()).count(),
                same_as: origin
                    .zip(before)
                    .map_or_else(String::new, |((string, _), before)| format!("{} string {string}", before.image)),
                standing_since: cars.iter().map(|&car| since[car]).min(),
            }
        })
        .collect()
}

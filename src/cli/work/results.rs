//! What the record says after counting and correcting: observations, days' counts, trains; and the files of it.

use super::{Planned, Workplace};
use crate::cli::{Terminal, request::Request};
use crate::compare::{CLASS_NAMES, DatedCount};
use crate::count::{Status, Yard};
use crate::report::counts_csv::counts_csv;
use crate::report::geojson::cars_geojson;
use crate::series::atomic::write_whole;
use crate::series::corrections::{self, Corrected};
use crate::series::record::SceneRecord;
use crate::series::store::{IntervalKind, Observation, StringRow};
use crate::series::trains::{self, TrainNote};
use crate::{Error, Result};

/// A scene of the record.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The scene as it counts: with an analyst's corrections.
    pub record: SceneRecord,
    /// From where its interval comes.
    pub interval: IntervalKind,
    /// BLAKE3 of what its picture should show.
    pub drawn: String,
    /// And of what it shows.
    pub drawn_before: String,
}

/// Everything that follows from the record.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// All scenes in the order of their names.
    pub scenes: Vec<Scene>,
    /// One row per image, in the order of time.
    pub observations: Vec<Observation>,
    /// Images and folders that cannot be used, with the reason.
    pub failures: Vec<(String, String)>,
    /// Coupled cars and since when they stand.
    pub strings: Vec<StringRow>,
    /// What there is to say about trains that stayed.
    pub trains: Vec<TrainNote>,
    /// Images that had been counted before.
    pub kept: usize,
    /// Images of the record that are not among the inputs.
    pub missing: usize,
    /// The yard as it was counted: with the tracks of the survey where none were given.
    pub yard: Yard,
}

impl Results {
    /// The counts as the comparer wants them: those with a time.
    pub fn dated_counts(&self) -> Vec<DatedCount> {
        let dated = self.observations.iter().filter_map(|o| Some((o, o.count.as_ref()?, o.acquired?)));
        dated
            .map(|(o, count, time)| {
                let scene = self.scenes.iter().find(|scene| scene.record.image == o.image);
                DatedCount {
                    image: o.image.clone(),
                    low: Some(f64::from(count.low)),
                    high: Some(f64::from(count.high)),
                    coverage: count.coverage,
                    usable: count.status != Status::Unusable,
                    by_hand: o.interval != IntervalKind::Model,
                    reason: count.reason.clone(),
                    classes: scene.and_then(|scene| classes(&scene.record)),
                    ..DatedCount::new(o.site.clone(), time, f64::from(count.freight_cars))
                }
            })
            .collect()
    }

    /// Counted images without a time: they cannot be compared.
    pub fn undated(&self) -> Vec<&str> {
        self.observations.iter().filter(|o| o.count.is_some() && o.acquired.is_none()).map(|o| o.image.as_str()).collect()
    }
}

/// Cars per class, where the classes of most cars are known.
fn classes(record: &SceneRecord) -> Option<[u32; 5]> {
    let mut counts = [0; 5];
    let mut unknown = 0u32;
    for vehicle in record.result.vehicles.iter().filter(|v| v.class.is_freight()) {
        match CLASS_NAMES.iter().position(|name| *name == vehicle.class.name()) {
            Some(index) => counts[index] += 1,
            None => unknown += 1,
        }
    }
    (counts.iter().sum::<u32>() > unknown).then_some(counts)
}

/// Reads the record back, with the corrections that were made to it.
pub fn collect(request: &Request, place: &mut Workplace, planned: &Planned, terminal: &Terminal) -> Result<Results> {
    let mut results = Results { kept: planned.kept, missing: planned.missing, yard: planned.yard(request), ..Results::default() };
    for stored in place.store.scenes()? {
        let rows = place.store.cars(&stored.record.image)?;
        let Corrected { record, interval, edits, changes, notes } = corrections::apply(&stored, &rows);
        notes.iter().for_each(|note| terminal.warn(note));
        if !changes.is_empty() {
            place.store.mark_corrected(&record, &changes)?;
        }
        if interval != IntervalKind::Model {
            terminal.detail(&format!("{}: by hand: {edits:?}", record.image));
        }
        let drawn = super::one_image::drawn_key(&record);
        results.observations.push(observation(&record, interval, &request.site));
        results.scenes.push(Scene { record, interval, drawn, drawn_before: stored.drawn });
    }
    warn_of_strays(place, planned, terminal)?;
    // A folder is no image: it has no row among the observations.
    results.failures.extend(planned.folders.iter().cloned());
    for (image, reason) in &planned.failures {
        results.failures.push((image.clone(), reason.clone()));
        if !results.observations.iter().any(|o| o.image == *image) {
            results.observations.push(failure(image, reason, &request.site));
        }
    }
    results
        .observations
        .sort_by(|a, b| (a.acquired.is_none(), a.acquired, &a.image).cmp(&(b.acquired.is_none(), b.acquired, &b.image)));
    let records: Vec<&SceneRecord> = results.scenes.iter().map(|scene| &scene.record).collect();
    (results.strings, results.trains) = trains::follow(&records);
    Ok(results)
}

/// Says which cars of the layer count for nothing.
fn warn_of_strays(place: &Workplace, planned: &Planned, terminal: &Terminal) -> Result<()> {
    let cars = |number: u64, one: &str, many: &str| match number {
        1 => format!("1 car in the layer cars {one}"),
        _ => format!("{number} cars in the layer cars {many}"),
    };
    let mut strays = 0;
    for (scene, number) in place.store.stray_cars()? {
        match scene.filter(|scene| planned.failures.contains_key(scene)) {
            Some(image) => terminal.warn(&format!(
                "{} for {image}, which could not be counted: kept, and counted as soon as the image can be",
                cars(number, "was drawn", "were drawn")
            )),
            None => strays += number,
        }
    }
    if strays > 0 {
        terminal.warn(&format!(
            "{} to no image of the record: give the column scene the name of one, or delete what is not needed",
            cars(strays, "belongs", "belong")
        ));
    }
    Ok(())
}

fn observation(record: &SceneRecord, interval: IntervalKind, site: &str) -> Observation {
    Observation {
        image: record.image.clone(),
        site: site.to_owned(),
        acquired: record.acquired,
        date_only: record.date_only,
        count: Some(record.result.count.clone()),
        gsd_m: record.gsd(),
        interval,
        failure: String::new(),
    }
}

fn failure(image: &str, reason: &str, site: &str) -> Observation {
    Observation {
        image: image.to_owned(),
        site: site.to_owned(),
        acquired: None,
        date_only: false,
        count: None,
        gsd_m: None,
        interval: IntervalKind::Model,
        failure: reason.to_owned(),
    }
}

/// The vehicles' file of a scene.
///
/// # Errors
/// None as things are; see [`cars_geojson`].
pub fn geojson(record: &SceneRecord, site: &str, interval: IntervalKind) -> Result<Vec<u8>> {
    cars_geojson(record, site, interval).map_err(|e| Error::document(&record.image, e.to_string()))
}

/// Writes `cars/` and `counts.csv` where they differ from what is there.
pub fn write(request: &Request, place: &Workplace, results: &Results) -> Result<()> {
    for scene in &results.scenes {
        write_whole(&place.cars_file(&scene.record.stem), &geojson(&scene.record, &request.site, scene.interval)?)?;
    }
    let path = place.out.join("counts.csv");
    let bytes = counts_csv(&results.observations).map_err(|e| Error::document(&path, e.to_string()))?;
    write_whole(&path, &bytes)
}

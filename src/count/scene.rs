//! The count of one scene: pixels to tracks to cars.

use std::path::PathBuf;

use rayon::prelude::*;

use super::chunk::{Chunk, chunks};
use super::interval::interval;
use super::site::{Ground, Site};
use super::{Count, SceneCount, SceneTrack, Status, Vehicle};
use crate::error::Result;
use crate::raster::Scene;
use crate::segment::class::classify;
use crate::segment::columns::{COLUMN_M, Column, columns};
use crate::segment::semi_markov::{Segment, segment};
use crate::segment::side_by_side::{Footprint, number_strings, resolve};
use crate::threshold::{Plane, YardMap, plane, yard_map};
use crate::tile::{self, Area};
use crate::track::Centreline;
use crate::track::align::align;
use crate::track::find::find;
use crate::track::line::smoothed;
use crate::track::strip::{ALONG_M, strip};

/// What is known of the yard, in WGS84; both parts may be empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Yard {
    /// Centrelines of its tracks.
    pub tracks: Vec<GivenTrack>,
    /// Rings of its outline as (longitude, latitude); inside is what an odd number of rings encloses.
    pub aoi: Vec<Vec<[f64; 2]>>,
}

/// A track that was given, not found.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenTrack {
    /// Its name.
    pub name: String,
    /// Centreline as (longitude, latitude).
    pub line: Vec<[f64; 2]>,
}

/// How to count, apart from the yard.
#[derive(Debug, Clone)]
pub struct CountOptions {
    /// Memory for pixels in MiB.
    pub max_memory_mib: usize,
    /// Where to write intermediate maps.
    pub debug_dir: Option<PathBuf>,
    /// Core size of the tiles in metres, a multiple of 64; the result does not depend on it.
    pub tile_size: Option<u32>,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { max_memory_mib: 1024, debug_dir: None, tile_size: None }
    }
}

/// GSD above which cars cannot be counted at all, metres.
const COARSEST_M: f64 = 1.2;
/// Width of a body, metres: 2.9 to 3.3 m everywhere in the world.
const BODY_WIDTH_M: f64 = 3.1;
/// A car is believed only when a body at its middle is at least this probable.
const BELIEVED: f64 = 0.5;
/// A strip whose columns are centred on a track less than this, on average under a car, holds no car of that track.
const ON_TRACK: f64 = 0.30;
/// A car whose centre lies this far from the strip's axis belongs to another track, metres.
const OFF_AXIS_M: f64 = 1.6;
/// Half the length over which a line is brought to the centre that its own strip shows, metres: about one car.
const RECENTRE_M: f64 = 8.0;
/// How far given tracks may lie from where they are seen, metres.
const REGISTRATION_M: f64 = 9.0;
/// Coverage below which a scene says nothing, and above which nothing worth mentioning is missing.
const LEAST_COVERAGE: f64 = 0.3;
const WHOLE_COVERAGE: f64 = 0.97;

/// A car on its track, before neighbouring tracks have been heard.
struct Candidate {
    vehicle: Vehicle,
    footprint: Footprint,
    coupled: bool,
}

/// Counts the vehicles of a scene.
///
/// # Errors
/// When the image cannot be decoded where the yard lies.
pub fn count_scene(scene: &Scene, yard: &Yard, options: &CountOptions) -> Result<SceneCount> {
    let ground = Ground::of(scene);
    let gsd = scene.gsd_m[0].max(scene.gsd_m[1]);
    if gsd > COARSEST_M {
        return Ok(unusable(format!("GSD of {gsd:.2} m is too coarse: cars are counted up to {COARSEST_M} m")));
    }
    let site = Site::new(yard, &ground);
    let Some(area) = site.area(ground.area()) else {
        return Ok(unusable("the yard lies outside the image".into()));
    };
    let Some(stretch) = plane::scene_stretch(scene, area)? else {
        return Ok(unusable("no valid pixel over the yard".into()));
    };
    let mut all = Parts::default();
    for chunk in chunks(area) {
        if let Some(plane) = Plane::read(scene, stretch, chunk.read)? {
            all.add(&plane, &ground, &site, &chunk, options);
        }
    }
    Ok(all.finish(&ground, &site, gsd))
}

/// Results of the chunks of a scene.
#[derive(Default)]
struct Parts {
    candidates: Vec<Candidate>,
    tracks: Vec<SceneTrack>,
    shift: [f64; 2],
    confidence: f64,
    seen_m: f64,
    length_m: f64,
}

impl Parts {
    fn add(&mut self, plane: &Plane, ground: &Ground, site: &Site, chunk: &Chunk, options: &CountOptions) {
        let core_m =
            options.tile_size.map_or(yard_map::CORE_M, |size| (size as usize).div_ceil(yard_map::PATCH_M) * yard_map::PATCH_M);
        let wanted = |patch: Area| patch.intersection(chunk.read).is_some() && site.wants(patch);
        let cores: Vec<_> = tile::cores(chunk.read, core_m as f64)
            .into_iter()
            .filter(|core| {
                tile::cores(core.area(core_m as f64), yard_map::PATCH_M as f64)
                    .iter()
                    .any(|p| wanted(p.area(yard_map::PATCH_M as f64)))
            })
            .collect();
        let map = YardMap::look(plane, &cores, core_m, wanted);
        let (lines, names): (Vec<Centreline>, Vec<String>) = if site.lines.is_empty() {
            let found = find(&map).into_iter().filter(|found| site.admits(&found.line));
            found.enumerate().map(|(i, found)| (found.line, format!("t{}", self.tracks.len() + i + 1))).unzip()
        } else {
            let aligned = align(&site.lines, &map, REGISTRATION_M);
            (self.shift, self.confidence) = (aligned.shift, aligned.confidence);
            (aligned.lines, site.names.clone())
        };
        let first = self.tracks.len();
        let walked: Vec<_> = lines.par_iter().enumerate().map(|(i, line)| walk(plane, &map, ground, line, first + i)).collect();
        for ((line, name), (candidates, seen)) in lines.iter().zip(names).zip(walked) {
            let points: Vec<[f64; 2]> =
                line.points.iter().step_by((2.0 / line.step).ceil() as usize).map(|&p| ground.to_pixel(p)).collect();
            self.tracks.push(SceneTrack { name, line: points, visible: seen });
            self.seen_m += seen * line.length();
            self.length_m += line.length();
            self.candidates.extend(candidates.into_iter().filter(|c| chunk.core.contains(c.footprint.centre)));
        }
    }

    fn finish(self, ground: &Ground, site: &Site, gsd: f64) -> SceneCount {
        let footprints: Vec<Footprint> = self.candidates.iter().map(|candidate| candidate.footprint).collect();
        let stays = resolve(&footprints);
        let kept: Vec<Candidate> =
            self.candidates.into_iter().zip(stays).filter(|(_, stays)| *stays).map(|(candidate, _)| candidate).collect();
        let coupled: Vec<bool> = kept.iter().map(|candidate| candidate.coupled).collect();
        let mut vehicles: Vec<Vehicle> = kept.into_iter().map(|candidate| candidate.vehicle).collect();
        number_strings(&mut vehicles, &coupled);
        vehicles.iter_mut().enumerate().for_each(|(i, vehicle)| vehicle.id = i as u32 + 1);
        let track_share = if self.length_m > 0.0 { self.seen_m / self.length_m } else { 1.0 };
        let coverage = (site.share_inside(ground.area()) * track_share).clamp(0.0, 1.0);
        let number = |class: fn(&Vehicle) -> bool| vehicles.iter().filter(|vehicle| class(vehicle)).count() as u32;
        let freight = number(|vehicle| vehicle.class.is_freight());
        let (low, high) = interval(&vehicles, gsd);
        let (status, reason) = if coverage < LEAST_COVERAGE {
            (Status::Unusable, format!("only {:.0} % of the yard is seen", coverage * 100.0))
        } else if self.tracks.is_empty() {
            (Status::Ok, "no track found".into())
        } else if coverage < WHOLE_COVERAGE {
            (Status::Partial, format!("{:.0} % of the yard is seen", coverage * 100.0))
        } else {
            (Status::Ok, String::new())
        };
        let count = Count {
            freight_cars: freight,
            low,
            high,
            locomotives: number(|vehicle| vehicle.class == super::Class::Locomotive),
            coaches: number(|vehicle| vehicle.class == super::Class::Coach),
            coverage,
            status,
            reason,
        };
        let registration_m = [self.shift[0], -self.shift[1]];
        SceneCount { count, vehicles, tracks: self.tracks, registration_m, registration_confidence: self.confidence }
    }
}

fn unusable(reason: String) -> SceneCount {
    let count =
        Count { freight_cars: 0, low: 0, high: 0, locomotives: 0, coaches: 0, coverage: 0.0, status: Status::Unusable, reason };
    SceneCount { count, vehicles: Vec::new(), tracks: Vec::new(), registration_m: [0.0; 2], registration_confidence: 0.0 }
}

/// Finds the cars of one track; also the share of its length that was seen.
fn walk(plane: &Plane, map: &YardMap, ground: &Ground, line: &Centreline, track: usize) -> (Vec<Candidate>, f64) {
    let Some(line) = line.with_step(ALONG_M) else { return (Vec::new(), 0.0) };
    // The strip itself shows best where its centre lies: look, move, look again.
    let first = columns(&strip(plane, &line));
    if first.is_empty() {
        return (Vec::new(), 0.0);
    }
    let Some(line) = recentred(&line, &first).with_step(ALONG_M) else { return (Vec::new(), 0.0) };
    let columns = columns(&strip(plane, &line));
    let seen = columns.iter().filter(|column| column.seen).count() as f64 / columns.len() as f64;
    let cars = segment(&columns).cars;
    let candidates = cars.iter().filter_map(|car| candidate(plane, map, ground, &line, &columns, car, track)).collect();
    (candidates, seen)
}

/// The line moved to where its columns see the centre of the track, smoothed over [`RECENTRE_M`].
fn recentred(line: &Centreline, columns: &[Column]) -> Centreline {
    // Columns that see no track have no say; a slight pull to the given line steadies stretches without any.
    let weight = |column: &Column| if column.seen { f64::from(column.on_track).powi(2) } else { 0.0 };
    let reach = (RECENTRE_M / COLUMN_M) as usize;
    let sum = |values: Vec<f64>| {
        let mut total = vec![0.0];
        for value in values {
            total.push(total[total.len() - 1] + value);
        }
        total
    };
    let weights = sum(columns.iter().map(weight).collect());
    let pulls = sum(columns.iter().map(|column| weight(column) * f64::from(column.offset_m.clamp(-1.5, 1.5))).collect());
    let moved: Vec<f64> = (0..columns.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(columns.len()));
            (pulls[to] - pulls[from]) / (weights[to] - weights[from] + 2.0)
        })
        .collect();
    let moved = smoothed(&moved, reach / 2);
    let per_column = (COLUMN_M / line.step).round() as usize;
    let offsets: Vec<f64> = (0..line.points.len()).map(|i| moved[(i / per_column).min(moved.len() - 1)]).collect();
    line.moved(&smoothed(&offsets, 2 * per_column))
}

fn candidate(
    plane: &Plane,
    map: &YardMap,
    ground: &Ground,
    line: &Centreline,
    columns: &[Column],
    car: &Segment,
    track: usize,
) -> Option<Candidate> {
    let body = &columns[car.from..car.to];
    let mean = |value: fn(&Column) -> f32| body.iter().map(|column| f64::from(value(column))).sum::<f64>() / body.len() as f64;
    let offset = mean(|column| column.offset_m);
    let on_track = mean(|column| column.on_track);
    if car.existence < BELIEVED || on_track < ON_TRACK || offset.abs() > OFF_AXIS_M {
        return None;
    }
    let per_column = (COLUMN_M / line.step).round() as usize;
    let (first, last) = (car.from * per_column, (car.to * per_column).min(line.points.len() - 1));
    let at = |index: usize| {
        let ([x, y], [tx, ty]) = (line.points[index], line.tangent(index));
        [x - ty * offset, y + tx * offset]
    };
    // A body is rigid: its axis is the chord.
    let (a, b) = (at(first), at(last));
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx.hypot(dy).max(1e-6);
    let axis = [dx / length, dy / length];
    let middle = at((first + last) / 2);
    let centre = [(a[0] + b[0]) / 4.0 + middle[0] / 2.0, (a[1] + b[1]) / 4.0 + middle[1] / 2.0];
    let (class, _) = classify(body);
    let roof = (0..9).filter_map(|k| {
        let t = (f64::from(k) / 8.0 - 0.5) * 0.7 * length;
        plane.colour(centre[0] + axis[0] * t, centre[1] + axis[1] * t)
    });
    let (mut colour, mut n) = ([0.0f32; 3], 0.0f32);
    for sample in roof {
        (0..3).for_each(|i| colour[i] += sample[i]);
        n += 1.0;
    }
    let body_seen = map.at(centre[0], centre[1]).body;
    let claim = body.iter().map(|column| f64::from(column.state[1] - column.state[0]).clamp(-3.0, 3.0)).sum::<f64>() * on_track
        + f64::from(body_seen);
    let corner = |along: f64, across: f64| {
        let (u, v) = (along * length / 2.0, across * BODY_WIDTH_M / 2.0);
        ground.to_pixel([centre[0] + axis[0] * u - axis[1] * v, centre[1] + axis[1] * u + axis[0] * v])
    };
    let [col, row] = ground.to_pixel(centre);
    let vehicle = Vehicle {
        id: 0,
        class,
        confidence: (car.existence * (0.6 + 0.4 * car.probability)).clamp(0.0, 1.0),
        length_m: length,
        width_m: BODY_WIDTH_M,
        heading_deg: ground.heading_deg(centre, axis),
        track,
        string: 0,
        col,
        row,
        corners: [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)],
        colour: colour.map(|v| (v / n.max(1.0) * 255.0).clamp(0.0, 255.0) as u8),
    };
    Some(Candidate { vehicle, footprint: Footprint { centre, axis, length, claim, track }, coupled: car.coupled })
}

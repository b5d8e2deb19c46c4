//! Corrections by hand: what an analyst did to the layer `cars` of a scene, and the count that follows from it.
//!
//! Nothing is recorded while the analyst edits. The store keeps what the program found; a row of `cars` that is gone was a
//! false alarm, a row without a number was missed, a row whose class or place differs was wrong. The edits stay in `cars`, are
//! read anew at every run, and a scene that has any is never counted again by the program.

use super::record::{Point, SceneRecord};
use super::store::geometry::encloses;
use super::store::{CarChange, CarRow, IntervalKind, Stored};
use crate::count::{Class, Status, Vehicle};
use crate::raster::{Crs, Georeference};

/// Lengths of a car that somebody drew, metres: with much room on either side.
const CAR_M: std::ops::RangeInclusive<f64> = 3.0..=60.0;
/// A polygon is where it was when all corners are within so many degrees: about 3 mm, more than rounding does.
const SAME_PLACE_DEG: f64 = 3e-8;

/// Geotransform of an image that has none, as QGIS and GDAL show it: x is the column, y minus the row.
const AS_SHOWN: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];

/// A length that differs by more than this (metres) is written back.
const SAME_LENGTH_M: f64 = 0.011;

/// What an analyst did to a scene.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Cars deleted, or moved out of the image: false alarms.
    pub removed: usize,
    /// Cars added: missed ones.
    pub added: usize,
    /// Cars given another class.
    pub reclassified: usize,
    /// Cars given another place or shape.
    pub moved: usize,
    /// Cars marked as reviewed and otherwise left as they were.
    pub confirmed: usize,
}

impl Edits {
    fn changed(&self) -> usize {
        self.removed + self.added + self.reclassified + self.moved
    }

    fn sentence(&self) -> String {
        let parts = [
            (self.removed, "removed"),
            (self.added, "added"),
            (self.reclassified, "reclassified"),
            (self.moved, "moved"),
            (self.confirmed, "confirmed"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "unchanged".to_owned() } else { parts.join(", ") }
    }
}

/// A scene as the analyst left it.
#[derive(Debug, Clone)]
pub struct Corrected {
    /// The scene with the corrected vehicles and the count that follows from them.
    pub record: SceneRecord,
    /// From where its interval comes.
    pub interval: IntervalKind,
    /// What was done; nothing for a scene that nobody touched.
    pub edits: Edits,
    /// What is to be written back to `cars`, so that corrected cars are marked and complete.
    pub changes: Vec<CarChange>,
    /// Edits that could not be understood, as sentences.
    pub notes: Vec<String>,
}

/// Compares the rows of `cars` with what the program had found.
pub fn apply(stored: &Stored, rows: &[CarRow]) -> Corrected {
    let original = &stored.record;
    let mut out = Corrected {
        record: original.clone(),
        interval: IntervalKind::Model,
        edits: Edits::default(),
        changes: Vec::new(),
        notes: Vec::new(),
    };
    let mut used = vec![false; original.result.vehicles.len()];
    let (mut vehicles, mut places) = (Vec::new(), Vec::new());
    let mut added = Vec::new();
    let mut certain_freight = 0;
    for row in rows {
        let index = row.number.and_then(|n| original.result.vehicles.iter().position(|v| v.id == n)).filter(|&i| !used[i]);
        // A copy of a car in QGIS carries its number a second time: it is an addition.
        let Some(index) = index else {
            added.push(row);
            continue;
        };
        used[index] = true;
        let (mut vehicle, mut place) =
            (original.result.vehicles[index].clone(), original.places.get(index).cloned().unwrap_or_default());
        let class = class_of(row, vehicle.class, original, &mut out.notes);
        let reclassified = class != vehicle.class;
        vehicle.class = class;
        if row.corners.is_none() && !place.is_empty() {
            out.notes.push(format!(
                "{}: car {} has no polygon any more and is not counted (fid {}); delete its row if it is none, or draw it again",
                original.image, vehicle.id, row.fid
            ));
            out.edits.removed += 1;
            continue;
        }
        let moved = row.corners.as_ref().filter(|corners| !same_place(corners, &place));
        if let Some(corners) = moved {
            if outside(original, corners) && (place.is_empty() || !outside(original, &place)) {
                out.notes.push(format!(
                    "{}: car {} was moved outside the image and is not counted (fid {}){}; delete it if it is none",
                    original.image,
                    vehicle.id,
                    row.fid,
                    how_to_draw(original)
                ));
                out.edits.removed += 1;
                continue;
            }
            place = on_the_ground(corners, original);
            put(&mut vehicle, corners, original);
        }
        out.edits.reclassified += usize::from(reclassified);
        out.edits.moved += usize::from(moved.is_some());
        let touched = reclassified || moved.is_some() || row.reviewed;
        if touched {
            vehicle.confidence = 1.0;
            certain_freight += u32::from(vehicle.class.is_freight());
            out.edits.confirmed += usize::from(!reclassified && moved.is_none());
            note_change(row, &vehicle, &mut out.changes);
        }
        vehicles.push(vehicle);
        places.push(place);
    }
    out.edits.removed += used.iter().filter(|&&used| !used).count();
    let mut next_id = original.result.vehicles.iter().map(|v| v.id).max().unwrap_or(0);
    let mut next_string = original.result.vehicles.iter().map(|v| v.string).max().unwrap_or(0);
    for row in added {
        let Some(corners) = &row.corners else {
            out.notes.push(format!("{}: a car added without a polygon is not counted (fid {})", original.image, row.fid));
            continue;
        };
        if outside(original, corners) {
            out.notes.push(format!(
                "{}: a car added outside the image is not counted (fid {}){}; is its scene right?",
                original.image,
                row.fid,
                how_to_draw(original)
            ));
            continue;
        }
        (next_id, next_string) = (next_id + 1, next_string + 1);
        let mut vehicle = new_vehicle(next_id, next_string);
        vehicle.class = class_of(row, Class::Freight, original, &mut out.notes);
        put(&mut vehicle, corners, original);
        note_change(row, &vehicle, &mut out.changes);
        certain_freight += u32::from(vehicle.class.is_freight());
        out.edits.added += 1;
        vehicles.push(vehicle);
        places.push(on_the_ground(corners, original));
    }
    if out.edits != Edits::default() || stored.reviewed {
        recount(&mut out, original, &vehicles, stored.reviewed, certain_freight);
        out.record.result.vehicles = vehicles;
        out.record.places = places;
        out.record.round();
    }
    out
}

/// Whether somebody worked on a scene's cars: also where it made no difference to the count, since a new count would delete it.
pub fn touched(stored: &Stored, rows: &[CarRow]) -> bool {
    let corrected = apply(stored, rows);
    corrected.interval != IntervalKind::Model || !corrected.notes.is_empty()
}

/// The count of the corrected cars. `whole`: somebody has looked through the image and not only at these cars, which are marked as reviewed in any case.
fn recount(out: &mut Corrected, original: &SceneRecord, vehicles: &[Vehicle], whole: bool, certain_freight: u32) {
    let number = |class: fn(Class) -> bool| vehicles.iter().filter(|v| class(v.class)).count() as u32;
    let freight = number(Class::is_freight);
    let drawn = original.result.vehicles.iter().filter(|v| v.class.is_freight()).count() as u32;
    let count = &mut out.record.result.count;
    count.locomotives = number(|c| c == Class::Locomotive);
    count.coaches = number(|c| c == Class::Coach);
    let word = if whole {
        out.interval = IntervalKind::Reviewed;
        (count.freight_cars, count.low, count.high) = (freight, freight, freight);
        "reviewed"
    } else {
        out.interval = IntervalKind::Corrected;
        let shift = |value: u32| (value + freight).saturating_sub(drawn);
        count.freight_cars = freight;
        count.low = shift(count.low).max(certain_freight).min(count.freight_cars);
        count.high = shift(count.high).max(count.freight_cars);
        "corrected"
    };
    let sentence = if out.edits.changed() > 0 || !whole {
        format!("{word} by hand: {}", out.edits.sentence())
    } else {
        format!("{word} by hand")
    };
    count.reason = if whole && count.status == Status::Unusable {
        // The analyst saw what the program could not. (Where it saw enough, as in a partial image, coverage goes on saying of how much of the yard.)
        (count.status, count.coverage) = (Status::Ok, 1.0);
        format!("{sentence}; to the program it was unusable: {}", count.reason)
    } else if count.reason.is_empty() {
        sentence
    } else {
        format!("{}; {sentence}", count.reason)
    };
}

/// The class that a text names, if it does.
fn class_named(text: &str) -> Option<Class> {
    Class::from_name(&text.trim().to_ascii_lowercase())
}

fn class_of(row: &CarRow, otherwise: Class, record: &SceneRecord, notes: &mut Vec<String>) -> Class {
    if row.class.trim().is_empty() {
        return otherwise;
    }
    class_named(&row.class).unwrap_or_else(|| {
        let known: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        notes.push(format!(
            "{}: class {:?} is taken as {} (fid {}); known are {}",
            record.image,
            row.class,
            otherwise.name(),
            row.fid,
            known.join(", ")
        ));
        otherwise
    })
}

/// Whether a polygon lies outside its image.
fn outside(record: &SceneRecord, corners: &[Point]) -> bool {
    let centre = centre_of(corners);
    match picture(record) {
        Some(picture) => !shows(&picture, record, centre) && !is_car_in_degrees(corners),
        None => record.footprint.len() > 2 && !encloses(&record.footprint, centre),
    }
}

/// Whether a picture shows a place.
fn shows(picture: &Georeference, record: &SceneRecord, [x, y]: Point) -> bool {
    let size = [record.width, record.height].map(f64::from);
    picture.from_crs(x, y).is_some_and(|[col, row]| (0.0..=size[0]).contains(&col) && (0.0..=size[1]).contains(&row))
}

/// The picture over which a polygon was drawn; none for one on the ground: a GIS that was told where the image lies stores it in degrees.
fn picture_under(record: &SceneRecord, corners: &[Point]) -> Option<Georeference> {
    picture(record).filter(|picture| shows(picture, record, centre_of(corners)) || !is_car_in_degrees(corners))
}

/// Whether a polygon has the size of a car where its coordinates are taken for longitude and latitude.
fn is_car_in_degrees(corners: &[Point]) -> bool {
    let &[a, b, c, d] = corners else { return false };
    let mut vehicle = new_vehicle(0, 0);
    measure(&mut vehicle, [a, b, c, d], metres_per_degree(a[1]));
    corners.iter().all(|[lon, lat]| lon.abs() <= 180.0 && lat.abs() <= 90.0) && CAR_M.contains(&vehicle.length_m)
}

/// How a GIS shows an image of which nobody knows where it lies, and cars are drawn over it: none for images whose place is known.
fn picture(record: &SceneRecord) -> Option<Georeference> {
    let unplaced = record.footprint.is_empty() && georeference(record).is_none();
    unplaced.then(|| Georeference::new(record.geotransform.unwrap_or(AS_SHOWN), None))
}

/// A polygon drawn over a picture lies nowhere on the ground.
fn on_the_ground(corners: &[Point], record: &SceneRecord) -> Vec<Point> {
    if picture_under(record, corners).is_some() { Vec::new() } else { corners.to_vec() }
}

/// The part of a sentence about a polygon that lies outside a picture.
fn how_to_draw(record: &SceneRecord) -> &'static str {
    match (picture(record), record.geotransform) {
        (Some(_), None) => "; the image has no georeference, so draw over it as a GIS shows it: x is the column, y minus the row",
        (Some(_), Some(_)) => "; where the image lies is not known, so draw over it in its own coordinates",
        (None, _) => "",
    }
}

fn same_place(a: &[Point], b: &[Point]) -> bool {
    let near = |p: &Point, q: &Point| (p[0] - q[0]).abs() <= SAME_PLACE_DEG && (p[1] - q[1]).abs() <= SAME_PLACE_DEG;
    a.len() == b.len() && a.iter().all(|p| b.iter().any(|q| near(p, q)))
}

fn note_change(row: &CarRow, vehicle: &Vehicle, changes: &mut Vec<CarChange>) {
    let same_length = row.length_m.is_some_and(|length| (length - vehicle.length_m).abs() <= SAME_LENGTH_M);
    // What is no class stays as it was written: only whoever wrote it knows what it should be.
    let as_written = !row.class.trim().is_empty() && class_named(&row.class).is_none();
    let class = if as_written { row.class.as_str() } else { vehicle.class.name() };
    if row.reviewed && row.class == class && same_length {
        return;
    }
    let round = |value: f64, unit: f64| (value * unit).round() / unit;
    changes.push(CarChange {
        fid: row.fid,
        class: class.to_owned(),
        size: [round(vehicle.length_m, 100.0), round(vehicle.width_m, 100.0), round(vehicle.heading_deg, 10.0)],
        position: [round(vehicle.col, 100.0), round(vehicle.row, 100.0)],
    });
}

fn new_vehicle(id: u32, string: u32) -> Vehicle {
    Vehicle {
        id,
        class: Class::Freight,
        confidence: 1.0,
        length_m: 0.0,
        width_m: 0.0,
        heading_deg: 0.0,
        track: usize::MAX,
        string,
        col: 0.0,
        row: 0.0,
        corners: [[0.0; 2]; 4],
        colour: [128; 3],
    }
}

/// Gives a vehicle the place, size and heading of a polygon on the ground, and the track nearest to it.
fn put(vehicle: &mut Vehicle, corners: &[Point], record: &SceneRecord) {
    let &[a, b, c, d] = corners else { return };
    if let Some(picture) = picture_under(record, corners) {
        let pixel = |[x, y]: Point| picture.from_crs(x, y).unwrap_or([0.0; 2]);
        vehicle.corners = [pixel(a), pixel(b), pixel(c), pixel(d)];
        [vehicle.col, vehicle.row] = centre_of(&vehicle.corners);
        vehicle.track = usize::MAX;
        // North is taken to be up.
        let [x, y] = record.gsd_m.unwrap_or([1.0; 2]);
        return measure(vehicle, vehicle.corners, [x, -y]);
    }
    let metres = metres_per_degree(a[1]);
    measure(vehicle, [a, b, c, d], metres);
    let centre = centre_of(corners);
    vehicle.track = nearest_track(centre, metres, record);
    if let Some(georeference) = georeference(record) {
        let pixel = |p: Point| georeference.from_lonlat(p[0], p[1]).unwrap_or([0.0; 2]);
        [vehicle.col, vehicle.row] = pixel(centre);
        vehicle.corners = [pixel(a), pixel(b), pixel(c), pixel(d)];
    }
}

/// Gives a vehicle the size and heading of a polygon; `metres` east and north per unit of its coordinates.
fn measure(vehicle: &mut Vehicle, [a, b, c, d]: [Point; 4], metres: Point) {
    let vector = |from: Point, to: Point| [(to[0] - from[0]) * metres[0], (to[1] - from[1]) * metres[1]];
    // Opposite sides of a hand-drawn box differ a little: their mean.
    let mean = |u: Point, v: Point| [(u[0] + v[0]) / 2.0, (u[1] + v[1]) / 2.0];
    let (first, second) = (mean(vector(a, b), vector(d, c)), mean(vector(b, c), vector(a, d)));
    let (long, short) = if first[0].hypot(first[1]) >= second[0].hypot(second[1]) { (first, second) } else { (second, first) };
    vehicle.length_m = long[0].hypot(long[1]);
    vehicle.width_m = short[0].hypot(short[1]);
    vehicle.heading_deg = long[0].atan2(long[1]).to_degrees().rem_euclid(180.0);
}

fn centre_of(corners: &[Point]) -> Point {
    [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum::<f64>() / corners.len() as f64)
}

fn georeference(record: &SceneRecord) -> Option<Georeference> {
    let crs = match record.epsg {
        Some(code) => Crs::from_epsg(code),
        None => record.proj.as_deref().and_then(|text| Crs::from_proj_string(text, "")),
    };
    Some(Georeference::new(record.geotransform?, Some(crs?)))
}

/// Length in metres of a degree of longitude and of latitude (series for the WGS84 ellipsoid, good to a centimetre).
pub(crate) fn metres_per_degree(latitude: f64) -> Point {
    let phi = latitude.to_radians();
    [
        111_412.84 * phi.cos() - 93.5 * (3.0 * phi).cos() + 0.118 * (5.0 * phi).cos(),
        111_132.92 - 559.82 * (2.0 * phi).cos() + 1.175 * (4.0 * phi).cos(),
    ]
}

fn nearest_track(centre: Point, metres: Point, record: &SceneRecord) -> usize {
    let distance = |line: &Vec<Point>| {
        let local: Vec<Point> = line.iter().map(|p| [(p[0] - centre[0]) * metres[0], (p[1] - centre[1]) * metres[1]]).collect();
        local.windows(2).map(|ends| distance_of_origin(ends[0], ends[1])).fold(f64::INFINITY, f64::min)
    };
    let distances = record.track_places.iter().map(distance).enumerate();
    distances.filter(|(_, d)| d.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1)).map_or(usize::MAX, |(index, _)| index)
}

fn distance_of_origin(a: Point, b: Point) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let along = if dx == 0.0 && dy == 0.0 { 0.0 } else { (-(a[0] * dx + a[1] * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0) };
    (a[0] + along * dx).hypot(a[1] + along * dy)
}

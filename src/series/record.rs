//! What is kept of a scene that was counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::count::SceneCount;

/// A position as (longitude, latitude) in WGS84, or as (col, row).
pub type Point = [f64; 2];

/// A counted scene: what the image says of itself, what was found in it, and from what the result was computed.
///
/// All numbers are rounded before they are kept ([`SceneRecord::round`]), so that results written from a fresh count and
/// from the store are the same to the byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SceneRecord {
    /// Name of the image in all outputs: its path relative to the folder that was given, with `/` between folders.
    pub image: String,
    /// Name of its output files, without folder and extension.
    pub stem: String,
    /// BLAKE3 of the image's bytes and of its sidecar files.
    pub content: String,
    /// BLAKE3 of the settings that touch the count.
    pub settings: String,
    /// Version of the program that counted.
    pub program: String,
    /// When the image was taken.
    pub acquired: Option<Timestamp>,
    /// Only the date of that is known; the time then stands at 00:00.
    #[serde(default)]
    pub date_only: bool,
    /// Metres per pixel along columns and rows.
    pub gsd_m: Option<[f64; 2]>,
    /// What took the image, if the file says so.
    pub sensor: Option<String>,
    /// EPSG code of its reference system.
    pub epsg: Option<u32>,
    /// The reference system in PROJ's words, where it has no code.
    pub proj: Option<String>,
    /// Six numbers in GDAL's order, from pixels to the reference system; none without georeference.
    pub geotransform: Option<[f64; 6]>,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Outline of the image on the ground, closed; empty without georeference.
    pub footprint: Vec<Point>,
    /// What was found.
    pub result: SceneCount,
    /// Per vehicle its four corners on the ground, in the order of its corners in pixels; empty without georeference.
    pub places: Vec<Vec<Point>>,
    /// Per track its line on the ground; empty without georeference.
    pub track_places: Vec<Vec<Point>>,
    /// Things a reader should know about how the scene was read.
    pub notes: Vec<String>,
    /// Seconds the count took.
    #[serde(skip)]
    pub elapsed_s: f64,
}

impl SceneRecord {
    /// One number for the pixel size, where both directions are known: their geometric mean.
    pub fn gsd(&self) -> Option<f64> {
        self.gsd_m.map(|[x, y]| (x * y).sqrt())
    }

    /// Rounds everything to what it is good for: pixels to 1/100, metres to centimetres, degrees on the ground to about a
    /// millimetre, confidence to 1/1000.
    pub fn round(&mut self) {
        let to = |value: &mut f64, digits: i32| {
            let unit = 10f64.powi(digits);
            // Adding zero turns -0 into 0.
            *value = (*value * unit).round() / unit + 0.0;
        };
        let ground = |points: &mut [Point]| points.iter_mut().flatten().for_each(|value| to(value, 8));
        ground(&mut self.footprint);
        self.places.iter_mut().for_each(|place| ground(place));
        self.track_places.iter_mut().for_each(|place| ground(place));
        self.gsd_m.iter_mut().flatten().for_each(|value| to(value, 5));
        to(&mut self.result.count.coverage, 3);
        to(&mut self.result.registration_confidence, 3);
        if let Some(turn) = &mut self.result.registration_turn {
            to(&mut turn.degrees, 3);
            to(&mut turn.scale, 5);
            turn.about.iter_mut().for_each(|value| to(value, 8));
        }
        self.result.registration_m.iter_mut().for_each(|value| to(value, 2));
        for vehicle in &mut self.result.vehicles {
            to(&mut vehicle.confidence, 3);
            to(&mut vehicle.length_m, 2);
            to(&mut vehicle.width_m, 2);
            to(&mut vehicle.heading_deg, 1);
            to(&mut vehicle.col, 2);
            to(&mut vehicle.row, 2);
            vehicle.corners.iter_mut().flatten().for_each(|value| to(value, 2));
        }
        for track in &mut self.result.tracks {
            to(&mut track.visible, 3);
            track.line.iter_mut().flatten().for_each(|value| to(value, 2));
        }
    }
}

//! A scene's result: the vehicles, their count with its interval, what could be seen, and whether the scene is usable.

mod belief;
mod caveats;
mod coverage;
mod debug;
mod elsewhere;
pub mod evidence;
mod fill;
mod follow;
pub mod interval;
mod mapping;
mod memory;
pub mod outline;
pub mod scene;
pub mod site;
pub mod usual;
pub mod vehicle;
mod walk;

pub use scene::{CountOptions, GivenTrack, Origin, Yard, count_scene};
use serde::{Deserialize, Serialize};

use crate::raster::Turn;
pub use crate::segment::Class;
pub use vehicle::Vehicle;

/// Whether a scene's count may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The yard was seen.
    Ok,
    /// A part of the yard was seen; the count is that of the part.
    Partial,
    /// Too little was seen to count anything.
    Unusable,
}

impl Status {
    /// The name used in every output file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Unusable => "unusable",
        }
    }
}

/// A track as it lies in the scene, after alignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SceneTrack {
    /// Name: the property `track`, `name` or `id` of the given line, or `t1`, `t2` ... where it was found in the image.
    pub name: String,
    /// Centreline as (col, row) in pixels.
    pub line: Vec<[f64; 2]>,
    /// Share of the track's length on which a car would have been seen, 0 to 1.
    pub visible: f64,
}

/// The scene's numbers, as they stand in `counts.csv` and in the member `count` of the scene's GeoJSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Freight cars seen.
    pub freight_cars: u32,
    /// Lower end of the 95 % interval.
    pub low: u32,
    /// Upper end of the 95 % interval.
    pub high: u32,
    /// Locomotives seen.
    pub locomotives: u32,
    /// Passenger coaches seen.
    pub coaches: u32,
    /// Visible share of the yard, 0 to 1.
    pub coverage: f64,
    /// Whether the count may be used.
    pub status: Status,
    /// Why the scene is partial or unusable, or what else a reader must know; empty when there is nothing to say.
    pub reason: String,
}

/// Everything that was found in one scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SceneCount {
    /// The numbers.
    pub count: Count,
    /// Every vehicle, freight or not.
    pub vehicles: Vec<Vehicle>,
    /// The tracks on which they were looked for.
    pub tracks: Vec<SceneTrack>,
    /// Shift that brought the site's tracks or edges onto the scene, metres east and north; zero where there are none.
    pub registration_m: [f64; 2],
    /// How the scene shows the site turned and enlarged about the place that the shift is of; none where the shift is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_turn: Option<Turn>,
    /// How sure the shift is, 0 (not found) to 1.
    pub registration_confidence: f64,
}

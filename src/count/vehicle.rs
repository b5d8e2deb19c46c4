//! A rail vehicle found in a scene.

use serde::{Deserialize, Serialize};

/// What a vehicle is. Everything but [`Class::Locomotive`] and [`Class::Coach`] is a freight car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A freight car whose kind cannot be told.
    Freight,
    /// Open box car for ore, coal, scrap.
    Gondola,
    /// Covered car.
    Boxcar,
    /// Tank car.
    Tank,
    /// Covered hopper.
    Hopper,
    /// Flat car, bare or with containers (two containers on one wagon are one car).
    Flat,
    /// Locomotive.
    Locomotive,
    /// Passenger coach.
    Coach,
}

impl Class {
    /// All classes, in the order in which tables list them.
    pub const ALL: [Class; 8] =
        [Self::Freight, Self::Gondola, Self::Boxcar, Self::Tank, Self::Hopper, Self::Flat, Self::Locomotive, Self::Coach];

    /// Whether the vehicle counts as a freight car.
    pub fn is_freight(self) -> bool {
        !matches!(self, Self::Locomotive | Self::Coach)
    }

    /// The name used in every output file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freight => "freight",
            Self::Gondola => "gondola",
            Self::Boxcar => "boxcar",
            Self::Tank => "tank",
            Self::Hopper => "hopper",
            Self::Flat => "flat",
            Self::Locomotive => "locomotive",
            Self::Coach => "coach",
        }
    }

    /// The class of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// One vehicle: an oriented box with class and confidence. Pixel coordinates are (col, row) from the outer
/// corner of the top-left pixel of the scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vehicle {
    /// Number of the vehicle in its scene, from 1, in the order of tracks and along them.
    pub id: u32,
    /// What it is.
    pub class: Class,
    /// Probability that the vehicle is there, 0 to 1.
    pub confidence: f64,
    /// Body length in metres.
    pub length_m: f64,
    /// Body width in metres.
    pub width_m: f64,
    /// Direction of the long axis in degrees clockwise from north (image up when there is no georeference), 0 to 180.
    pub heading_deg: f64,
    /// The track it stands on: index into [`SceneCount::tracks`](super::SceneCount::tracks).
    pub track: usize,
    /// Coupled cars share a string; number of the string in the scene, from 1.
    pub string: u32,
    /// Centre, column in pixels.
    pub col: f64,
    /// Centre, row in pixels.
    pub row: f64,
    /// The four corners (col, row) in pixels, in ring order.
    pub corners: [[f64; 2]; 4],
    /// Mean colour of the roof as red, green, blue, 0 to 255 after the scene's display stretch (grey: three equal values).
    pub colour: [u8; 3],
}

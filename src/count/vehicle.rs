//! A rail vehicle found in a scene.

use serde::{Deserialize, Serialize};

use crate::segment::Class;

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

/// Numbers the strings: coupled neighbours share one. Vehicles must be in order along their tracks; `coupled[i]` says whether vehicle `i`
/// is coupled to the one before it.
pub(super) fn number_strings(vehicles: &mut [Vehicle], coupled: &[bool]) {
    let mut string = 0;
    for i in 0..vehicles.len() {
        if i == 0 || !coupled[i] || vehicles[i].track != vehicles[i - 1].track {
            string += 1;
        }
        vehicles[i].string = string;
    }
}

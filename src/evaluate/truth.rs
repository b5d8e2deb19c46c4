//! The truth of a scene: `truth.json`, one entry per vehicle, as written by the renderer or by a labelling tool.

use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// What is known of one scene.
#[derive(Debug, Clone, Deserialize)]
pub struct Truth {
    /// File name of the image.
    pub image: String,
    /// Kind of scene, under which its numbers are summed; empty when the file names none.
    #[serde(default)]
    pub preset: String,
    /// Number of the scene within its kind.
    #[serde(default)]
    pub seed: i64,
    /// Metres per pixel.
    pub gsd: f64,
    /// Columns.
    pub width: f64,
    /// Rows.
    pub height: f64,
    /// EPSG code of the geotransform; without it only predictions with pixel positions can be scored.
    #[serde(default)]
    pub epsg: Option<u32>,
    /// Pixel to CRS, in GDAL's order.
    #[serde(default)]
    pub geotransform: Option<[f64; 6]>,
    /// Every rail vehicle.
    pub cars: Vec<TruthCar>,
}

/// One vehicle of the truth.
#[derive(Debug, Clone, Deserialize)]
pub struct TruthCar {
    /// What it is.
    pub class: String,
    /// Whether it counts as a freight car.
    pub freight: bool,
    /// Ground centre, column in pixels.
    pub col: f64,
    /// Ground centre, row in pixels.
    pub row: f64,
    /// Degrees clockwise from north.
    pub heading: f64,
    /// Body length in metres.
    pub length: f64,
    /// Where the view angle puts the roof, as (col, row) from the ground centre.
    #[serde(default)]
    pub top_shift: [f64; 2],
    /// Share of the body that lies in the image and is not under cloud, 0 to 1.
    pub clear: f64,
}

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a truth file (said with line and column).
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        serde_json::from_str(&text)
            .map_err(|e| Error::document(path, format!("not a truth file ({e}); it needs image, gsd, width, height and cars")))
    }

    /// The image's name without its extension, by which predictions are found.
    pub fn stem(&self) -> &str {
        match self.image.rfind('.') {
            Some(dot) if dot > 0 => &self.image[..dot],
            _ => &self.image,
        }
    }
}

//! The truth of a scene: `truth.json`, one entry per vehicle, as written by the renderer or by a labelling tool; or the cars of an image
//! that an analyst has looked through, as `analyze` writes them.

use crate::count::Class;
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
    /// Reads a truth file, or the reviewed cars of an image (`cars/*.geojson`).
    ///
    /// # Errors
    /// The file cannot be read, is not a truth file (said with line and column), or holds cars that nobody has reviewed.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        if path.extension().is_some_and(|extension| extension == "geojson") {
            return serde_json::from_str::<Looked>(&text)
                .map_err(|e| Error::document(path, format!("not a file of cars as this program writes it ({e})")))?
                .truth()
                .ok_or_else(|| {
                    Error::document(path, "its cars are the program's: set reviewed on the image's row of the table scenes")
                });
        }
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

/// A file of cars as `analyze` writes it.
#[derive(Deserialize)]
struct Looked {
    scene: LookedScene,
    features: Vec<LookedCar>,
}

#[derive(Deserialize)]
struct LookedScene {
    image: String,
    gsd_m: f64,
    width: f64,
    height: f64,
    interval: String,
}

#[derive(Deserialize)]
struct LookedCar {
    properties: LookedProperties,
}

#[derive(Deserialize)]
struct LookedProperties {
    class: String,
    col: f64,
    row: f64,
    heading_deg: f64,
    length_m: f64,
}

impl Looked {
    /// What is true of an image that was looked through as a whole.
    fn truth(self) -> Option<Truth> {
        let car = |LookedCar { properties: car }: LookedCar| TruthCar {
            freight: Class::from_name(&car.class).is_none_or(Class::is_freight),
            class: car.class,
            col: car.col,
            row: car.row,
            heading: car.heading_deg,
            length: car.length_m,
            // Cars are outlined where their roofs are seen.
            top_shift: [0.0; 2],
            clear: 1.0,
        };
        let LookedScene { image, gsd_m, width, height, interval } = self.scene;
        let cars = self.features.into_iter().map(car).collect();
        let truth =
            Truth { image, preset: String::new(), seed: 0, gsd: gsd_m, width, height, epsg: None, geotransform: None, cars };
        (interval == "reviewed").then_some(truth)
    }
}

/// Whether a file of cars says that an analyst has looked through its image; whether it can be used is asked by [`Truth::read`].
pub fn is_reviewed(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|file| file["scene"]["interval"] == "reviewed")
}

/// The image that a file of cars says it is of.
pub fn image_of(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let file: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(file["scene"]["image"].as_str()?.to_owned())
}

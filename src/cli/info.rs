//! `yardwatch info`: what the program understands of an image.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::inputs::positive;
use super::{Outcome, Terminal};
use crate::count::Status;
use crate::raster::{Description, SceneOptions, Turn, describe, find_images};
use crate::series::corrections;
use crate::series::key::content_key;
use crate::series::record::SceneRecord;
use crate::series::store::Store;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  yardwatch info yard.tif
  yardwatch info images/ --checksum --format json
  yardwatch info images/ --record report

An image that can be read but not counted (no scale, not orthorectified) is described, and `problem` says what is missing.";

/// Arguments of `yardwatch info`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct InfoArgs {
    /// Images, or folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Decode every pixel; print the SHA-256 of the samples (band-sequential, little-endian, in the file's own type) and the number
    /// of valid pixels
    #[arg(long)]
    pub checksum: bool,
    /// Ground sample distance in metres per pixel, for images that do not say it
    #[arg(long, value_name = "M", value_parser = positive)]
    pub gsd: Option<f64>,
    /// Folder of an earlier run (its --out): also say what its record holds of each image: shift against the site, coverage, count
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
}

/// An image with what a record holds of it, for programs.
#[derive(Debug, Serialize)]
struct Described {
    #[serde(flatten)]
    description: Description,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Recorded>,
}

/// What the record of a site holds of an image.
#[derive(Debug, Serialize)]
struct Recorded {
    image: String,
    /// Metres east and north by which the image shows the site away from its place.
    registration_m: [f64; 2],
    /// And turned (clockwise) and enlarged, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_turn: Option<Turn>,
    registration_confidence: f64,
    coverage: f64,
    freight_cars: Option<u32>,
    status: &'static str,
    reason: String,
}

impl Recorded {
    fn of(record: &SceneRecord) -> Self {
        let result = &record.result;
        Self {
            image: record.image.clone(),
            registration_m: result.registration_m,
            registration_turn: result.registration_turn,
            registration_confidence: result.registration_confidence,
            coverage: result.count.coverage,
            freight_cars: (result.count.status != Status::Unusable).then_some(result.count.freight_cars),
            status: result.count.status.name(),
            reason: result.count.reason.clone(),
        }
    }

    fn sentence(&self) -> String {
        let [east, north] = self.registration_m;
        let side =
            |value: f64, ahead: &str, back: &str| format!("{:.2} m {}", value.abs(), if value < 0.0 { back } else { ahead });
        let shift = if self.registration_confidence > 0.0 {
            let (east, north) = (side(east, "east", "west"), side(north, "north", "south"));
            let turn = self.registration_turn.map_or_else(String::new, |turn| format!(", {}", turn.sentence()));
            format!("shifted {east} and {north}{turn} (confidence {:.2})", self.registration_confidence)
        } else {
            "not registered".to_owned()
        };
        let cars = self.freight_cars.map_or_else(|| self.reason.clone(), |cars| format!("{cars} freight cars"));
        format!("record: {} {}, coverage {:.2}, {cars}", self.image, shift, self.coverage)
    }
}

/// An image that cannot be read, for programs.
#[derive(Debug, Serialize)]
struct Unreadable {
    image: String,
    error: String,
}

/// Does what the arguments say.
///
/// # Errors
/// When standard output cannot be written; a bad image is an [`Outcome`].
pub fn run(args: &InfoArgs, terminal: &Terminal) -> Result<Outcome> {
    let listing = find_images(&args.inputs);
    let options = SceneOptions { gsd_m: args.gsd, acquired: None, max_memory_mib: terminal.shared.max_memory as usize };
    let mut bad: Vec<(PathBuf, Error)> = listing.unusable;
    let mut documents = Vec::new();
    // By content: images may have been moved or renamed since.
    let stored = args.record.as_deref().map(Store::read_scenes).transpose()?.unwrap_or_default();
    let stored: Vec<SceneRecord> = stored.iter().map(|(scene, cars)| corrections::apply(scene, cars).record).collect();
    for path in &listing.images {
        let described = describe(path, &options, args.checksum).and_then(|description| {
            let key = if stored.is_empty() { String::new() } else { content_key(path)? };
            let record = stored.iter().find(|record| record.content == key).map(Recorded::of);
            Ok(Described { description, record })
        });
        match described {
            Ok(described) if terminal.json() => documents.push(serde_json::to_value(&described).unwrap_or_default()),
            Ok(Described { description, record }) => {
                let record = record.map_or_else(String::new, |record| format!("\n  {}", record.sentence()));
                terminal.say(&format!("{}{record}", description.to_string().trim_end()))?;
            }
            Err(error) => bad.push((path.clone(), error)),
        }
    }
    for (path, error) in &bad {
        terminal.error(&error.to_string());
        let unreadable = Unreadable { image: path.display().to_string(), error: error.to_string() };
        documents.push(serde_json::to_value(unreadable).unwrap_or_default());
    }
    if terminal.json() {
        terminal.print_json(&documents)?;
    }
    Ok(if bad.is_empty() { Outcome::Done } else { Outcome::SomeInputsUnused })
}

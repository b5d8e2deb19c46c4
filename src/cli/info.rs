//! `yardwatch info`: what the program understands of an image.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::inputs::positive;
use super::{Outcome, Terminal};
use crate::raster::{SceneOptions, describe, find_images};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  yardwatch info yard.tif
  yardwatch info images/ --checksum --format json

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
    for path in &listing.images {
        match describe(path, &options, args.checksum) {
            Ok(description) if terminal.json() => documents.push(serde_json::to_value(&description).unwrap_or_default()),
            Ok(description) => terminal.say(description.to_string().trim_end())?,
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

//! `yardwatch evaluate`: predictions against truth.

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, Terminal};
use crate::evaluate::{MIN_CLEAR, evaluate, text};
use crate::series::atomic::write_whole;
use crate::{Error, Result};

/// Arguments of `yardwatch evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Predictions: a GeoJSON file (scored against the image that it names, where there is truth of several), or a folder of them (one per image, named like the image; the folder `--out` of a run will do)
    #[arg(value_name = "PRED")]
    pub predictions: PathBuf,
    /// Truth: a truth.json, or a folder with truth.json, */truth.json or truth/*.json
    #[arg(value_name = "TRUTH")]
    pub truth: PathBuf,
    /// Write all numbers to this file (JSON)
    #[arg(long, value_name = "F")]
    pub json: Option<PathBuf>,
    /// Cars of which less than this share is clear (cloud, image edge) need not be found, and predictions on them are ignored
    #[arg(long, value_name = "SHARE", default_value_t = MIN_CLEAR, value_parser = share)]
    pub min_clear: f64,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(|| "expected a number from 0 to 1".into())
}

/// Does what the arguments say.
///
/// # Errors
/// There is no truth or it cannot be read; there is not one usable prediction; a result cannot be written.
pub fn run(args: &EvaluateArgs, terminal: &Terminal) -> Result<Outcome> {
    let evaluation = evaluate(&args.predictions, &args.truth, args.min_clear)?;
    for problem in &evaluation.problems {
        terminal.warn(problem);
    }
    if evaluation.problems.len() == evaluation.scenes.len() {
        let reason = "no usable prediction for any image of the truth; expected <image stem>.geojson";
        return Err(Error::document(&args.predictions, reason));
    }
    if evaluation.passed_over > 0 {
        let (file, passed) = (args.predictions.display(), evaluation.passed_over);
        terminal.note(&format!("{file} says which image it is of: {passed} of the truths are of others and passed over"));
    }
    if let Some(path) = &args.json {
        write_whole(path, format!("{:#}\n", evaluation.to_json()).as_bytes())?;
    }
    if terminal.json() {
        terminal.print_json(&evaluation.to_json())?;
    } else {
        terminal.say(&text::text(&evaluation))?;
    }
    Ok(if evaluation.problems.is_empty() { Outcome::Done } else { Outcome::SomeInputsUnused })
}

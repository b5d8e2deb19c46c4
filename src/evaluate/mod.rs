//! Predictions against truth: matching, rates, count errors, intervals, classes.

pub mod assignment;
pub mod confusion;
pub mod files;
pub mod game;
pub mod matching;
pub mod prediction;
pub mod score;
pub mod summary;
pub mod text;
pub mod truth;

pub use prediction::Prediction;
pub use score::{SceneScore, score};
pub use summary::Summary;
pub use truth::Truth;

use crate::{Error, Result};
use std::path::Path;

/// Freight cars that are less clear than this (cloud, nodata, the image's edge) need not be found.
pub const MIN_CLEAR: f64 = 0.5;

/// The scores of all scenes.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Per scene, by name of its truth file.
    pub scenes: Vec<SceneScore>,
    /// Per kind of scene and over all ([`summary::ALL`], last).
    pub presets: Vec<(String, Summary)>,
    /// What could not be used, one sentence each; these scenes are scored as if nothing had been found.
    pub problems: Vec<String>,
    /// How many truths were passed over, since the only file of predictions says that it is of another image.
    pub passed_over: usize,
}

impl Evaluation {
    /// As a JSON object: `scenes` (an array) and `presets` (an object).
    pub fn to_json(&self) -> serde_json::Value {
        let presets: serde_json::Map<_, _> = self.presets.iter().map(|(name, s)| (name.clone(), serde_json::json!(s))).collect();
        serde_json::json!({ "scenes": self.scenes, "presets": presets })
    }
}

/// Scores the predictions at `predictions` (a file or a folder) against the truth at `truth` (a file, a suite or a series). A single file
/// that names its image, as this program's do, is scored against that image alone of several.
///
/// # Errors
/// There is no truth (of that image), or a truth file cannot be read. Predictions that are missing or cannot be read are stated in
/// [`Evaluation::problems`].
pub fn evaluate(predictions: &Path, truth: &Path, min_clear: f64) -> Result<Evaluation> {
    let (mut scenes, mut problems, mut passed_over) = (Vec::new(), Vec::new(), 0);
    // Two files given together belong together, whatever their images are called.
    let only_of = if predictions.is_file() && truth.is_dir() { truth::image_of(predictions) } else { None };
    for path in files::truths(truth)? {
        let truth = Truth::read(&path)?;
        if only_of.as_ref().is_some_and(|image| !files::same_image(image, &truth.image)) {
            passed_over += 1;
            continue;
        }
        let prediction = match files::prediction(predictions, &truth, &path)? {
            None => {
                problems.push(format!("{}: no prediction found for this image", truth.image));
                None
            }
            Some(file) => match Prediction::read(&file, &truth, &path) {
                Ok(prediction) => Some(prediction),
                Err(e) => {
                    problems.push(e.to_string());
                    None
                }
            },
        };
        scenes.push(score(prediction.as_ref(), &truth, min_clear));
    }
    if let (Some(image), true) = (only_of, scenes.is_empty()) {
        let reason =
            format!("is of {image}, of which {} has no truth; name the truth file to score it all the same", truth.display());
        return Err(Error::document(predictions, reason));
    }
    let presets = summary::summaries(&scenes);
    Ok(Evaluation { scenes, presets, problems, passed_over })
}

//! What a reader of a count must know, though no pixel shows it.

use super::scene::{Origin, Yard};
use crate::raster::Scene;
use crate::threshold::sun_doubt;

/// In sentences, for the count's reason.
pub(super) fn caveats(scene: &Scene, yard: &Yard) -> Vec<String> {
    scene.caveats.iter().cloned().chain(sun_doubt(scene)).chain(not_laid(scene, yard)).collect()
}

/// That what was given of the yard could not be used.
fn not_laid(scene: &Scene, yard: &Yard) -> Option<String> {
    let why = match &scene.georeference {
        None => "no georeference",
        Some(georeference) if georeference.crs.is_none() => "the CRS is not known",
        Some(_) => return None,
    };
    let tracks = !yard.tracks.is_empty() && yard.origin != Origin::Found;
    let what = match (tracks, !yard.aoi.is_empty()) {
        (true, true) => "the outline and the tracks given",
        (true, false) => "the tracks given",
        (false, true) => "the outline given",
        (false, false) => return None,
    };
    Some(format!("{why}: {what} could not be laid on it, and tracks were looked for in the whole image"))
}

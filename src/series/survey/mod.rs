//! The survey of a site: what all its scenes have in common. New scenes are brought onto its edges, and where no tracks were given
//! its tracks are those that the scenes show together.
//!
//! A survey is made once, from the images of the first run, and kept in the store, so that images that come later change nothing
//! about those that were counted before.

pub mod congeal;
pub mod edges;
pub mod frame;
pub mod look;
pub mod luminance;
pub mod register;
pub mod retrace;
pub mod similarity;
pub mod tracks;
pub mod usual;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::count::{GivenTrack, Origin, Yard};
use crate::raster::Scene;
use crate::track::align::{Registration, error_of_tracks};
use edges::{Edges, ONE};
use frame::Frame;
use look::Look;
use register::Reference;

/// Scenes that a survey rests on: its edges gain nothing from more, but its place on earth does (with the root of their number).
pub const MOST_SCENES: usize = 64;
/// As long as a survey rests on fewer scenes than this, a run that has more makes it anew.
pub const FEW_SCENES: usize = 3;
/// Ground around a yard that takes part in registration, metres: fields, roads and roofs that tell one track from the next.
pub const MARGIN_M: f64 = 80.0;
/// Standard deviation of an image's georeference along one axis, metres: 5 m are what vendors state for 90 % of all points.
const GEOREFERENCE_SD_M: f64 = 2.3;

/// What all scenes of a site have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Ground of the site.
    pub frame: Frame,
    /// Names of the images it was made from, in order.
    pub images: Vec<String>,
    /// How many of them lie on each other.
    pub registered: usize,
    /// Tracks that they show together: found where none were given, else the given ones retraced.
    pub tracks: Vec<GivenTrack>,
    /// Whether the given ones that were retraced lie on the tracks for sure.
    pub tracks_sure: bool,
    /// How far east and north of their place the scenes together show the given tracks, metres.
    pub tracks_shown_m: Option<[f64; 2]>,
    /// Mean edges, row by row, in units of the largest.
    #[serde(skip)]
    pub edges: Vec<[i8; 2]>,
    /// What most images show of the ground, if there are enough.
    #[serde(skip)]
    pub usual: Option<Look>,
}

impl Survey {
    /// BLAKE3 of everything a count takes from the survey.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // Numbers, texts and lists always become JSON.
        hasher.update(&serde_json::to_vec(self).unwrap_or_default());
        hasher.update(&self.edge_bytes());
        self.usual.iter().for_each(|usual| {
            hasher.update(&usual.bytes());
        });
        hasher.finalize().to_hex().to_string()
    }

    /// The edges as bytes, east and south of each cell in turn.
    pub fn edge_bytes(&self) -> Vec<u8> {
        self.edges.iter().flatten().map(|value| value.to_le_bytes()[0]).collect()
    }

    /// The edges from their bytes.
    pub fn set_edge_bytes(&mut self, bytes: &[u8]) {
        self.edges = bytes.chunks_exact(2).map(|pair| [i8::from_le_bytes([pair[0]]), i8::from_le_bytes([pair[1]])]).collect();
    }

    /// Whether its parts fit together.
    pub fn is_sound(&self) -> bool {
        self.frame.cols.checked_mul(self.frame.rows) == Some(self.edges.len()) && self.usual.as_ref().is_none_or(Look::is_sound)
    }

    /// The site's edges as scenes are held against them.
    pub fn reference(&self) -> Reference {
        let mean: Vec<[f32; 2]> = self.edges.iter().map(|edge| edge.map(f32::from)).collect();
        Reference::new(self.frame.cols, self.frame.rows, &mean)
    }

    /// Brings a scene onto the site; none where it shows too little of it, or something else.
    ///
    /// # Errors
    /// When the image cannot be decoded.
    pub fn register(&self, reference: &Reference, scene: &Scene) -> Result<Option<Registration>> {
        let Some(edges) = Edges::of(scene, &self.frame)? else { return Ok(None) };
        let mut registration = register::register(reference, &edges, &self.frame, self.site_sd_m());
        if let (Some(registration), Some(shown)) = (&mut registration, self.tracks_shown_m) {
            // Tracks and outline were drawn on one map: both are brought to where the scenes show the tracks.
            (0..2).for_each(|axis| registration.shift_m[axis] += shown[axis]);
            registration.tracks_error_m = Some(error_of_tracks(shown, self.site_sd_m()));
        }
        Ok(registration)
    }

    /// How well the site's own place is known, metres along one axis: the mean of the georeferences of its scenes.
    pub fn site_sd_m(&self) -> f64 {
        GEOREFERENCE_SD_M / (self.registered.max(1) as f64).sqrt()
    }

    /// The yard with the survey's tracks, if it has any.
    pub fn complete(&self, yard: &Yard) -> Yard {
        if self.tracks.is_empty() {
            return yard.clone();
        }
        let origin = match (yard.tracks.is_empty(), self.tracks_sure) {
            (true, _) => Origin::Found,
            (false, true) => Origin::Retraced,
            (false, false) => Origin::Given,
        };
        Yard { tracks: self.tracks.clone(), aoi: yard.aoi.clone(), origin }
    }
}

/// Sums of edges in whole numbers, the largest of them [`ONE`].
fn quantised(sum: &[[f32; 2]]) -> Vec<[i8; 2]> {
    let largest = sum.iter().flatten().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = if largest > 0.0 { ONE / largest } else { 0.0 };
    sum.iter().map(|edge| edge.map(|value| (value * scale).round() as i8)).collect()
}

/// Scenes on each other, and what is kept of them: the survey without tracks, and the shift of each scene in metres east and north.
pub fn survey(frame: Frame, images: Vec<String>, scenes: &[Edges]) -> Option<(Survey, Vec<Option<[f64; 2]>>)> {
    let congealed = congeal::congeal(scenes, frame.cell_m)?;
    let metres = |cells: [f64; 2]| [cells[0] * frame.cell_m, -cells[1] * frame.cell_m];
    let shifts: Vec<Option<[f64; 2]>> = congealed.shifts.iter().map(|cells| cells.map(metres)).collect();
    let registered = shifts.iter().flatten().count();
    let edges = quantised(&congealed.edges);
    Some((
        Survey { frame, images, registered, tracks: Vec::new(), tracks_sure: false, tracks_shown_m: None, edges, usual: None },
        shifts,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_tracks_are_counted_along_as_the_survey_has_them_and_trusted_only_where_it_is_sure() {
        let track = |latitude: f64| GivenTrack { name: "1".into(), line: vec![[130.0, latitude], [130.01, latitude]] };
        let survey = |tracks: Vec<GivenTrack>, tracks_sure: bool| Survey {
            frame: Frame::around(&[[130.0, 42.0], [130.01, 42.0]], MARGIN_M).unwrap(),
            images: Vec::new(),
            registered: 3,
            tracks,
            tracks_sure,
            tracks_shown_m: None,
            edges: Vec::new(),
            usual: None,
        };
        let given = Yard { tracks: vec![track(42.0)], ..Yard::default() };
        let counted = |yard: &Yard, tracks: Vec<GivenTrack>, sure: bool| {
            let Yard { tracks, origin, .. } = survey(tracks, sure).complete(yard);
            (tracks, origin)
        };
        let seen = || vec![track(42.00001)];
        assert_eq!(counted(&given, seen(), true), (seen(), Origin::Retraced));
        assert_eq!(counted(&given, seen(), false), (seen(), Origin::Given));
        assert_eq!(counted(&Yard::default(), seen(), false), (seen(), Origin::Found));
        assert_eq!(counted(&given, Vec::new(), false), (given.tracks.clone(), Origin::Given));
    }
}

//! The cars of every track, a few tracks at a time: as many as have their pixels in memory together.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::coverage::Seen;
use super::debug::Debug;
use super::memory::Memory;
use super::site::{Ground, Site};
use super::walk::{ONWARD_M, ONWARD_STEPS, Onward, REACH_M, Walk, Walked};
use crate::error::Result;
use crate::raster::Scene;
use crate::threshold::spare::Spares;
use crate::threshold::{Plane, YardMap};
use crate::tile::{Area, Core, PATCH_M};
use crate::track::Centreline;
use crate::track::beside::{Heading, Lines, ahead, ends};

/// Bytes that a walk takes for each metre of its track: the strip, what the strip network makes of it, and the scores of all bodies.
const BYTES_PER_METRE: usize = 16 << 10;
/// Two lines that are nowhere further apart than this are one, metres: a walk moves either to the same centre.
const SAME_M: f64 = 0.3;
/// Ground beside the pixels looked at on which their statistics are kept: one cell of 4 m.
const CELL_M: f64 = 4.0;

/// The tracks of a scene and what they lie in.
pub struct Tracks<'a> {
    /// The lines.
    pub lines: &'a [Centreline],
    /// For given tracks, what else each may be.
    pub others: &'a [Vec<Centreline>],
    /// Number of the first of them among the scene's tracks.
    pub first: usize,
    /// All lines that the scene has so far, these among them, by their numbers.
    pub known: &'a Lines,
    /// The image.
    pub scene: &'a Scene,
    /// What is known of the yard.
    pub site: &'a Site,
    /// Pixels, metres and degrees.
    pub ground: &'a Ground<'a>,
    /// The yard map.
    pub map: &'a YardMap,
    /// Where pictures go.
    pub debug: Option<&'a Debug>,
    /// Memory to keep to.
    pub memory: Memory,
}

impl Tracks<'_> {
    /// Walks along every track, in their order; also says what was seen along them.
    ///
    /// # Errors
    /// When the image cannot be decoded along a track, or the pixels of one track do not fit in memory.
    pub fn walked(&self, plane: &mut Plane) -> Result<(Vec<Walked>, Seen)> {
        let (mut walked, mut seen) = (Vec::with_capacity(self.lines.len()), Seen::default());
        let mut from = 0;
        while from < self.lines.len() {
            let (to, patches) = self.together(plane, from);
            plane.require(self.scene, &patches)?;
            // Of these tracks only: what is spare after long ones is not left beside the others'.
            let spares = Spares::default();
            let plane = &*plane;
            let Self { map, ground, debug, .. } = *self;
            let walk = Walk { plane, map, ground, found: self.site.found, placed: self.site.placed, debug, spares: &spares };
            for line in &self.lines[from..to] {
                seen = seen.and(Seen::along(self.site, line, plane, map, ground.area()));
            }
            let part: Vec<Walked> = (from..to)
                .into_par_iter()
                .map(|i| walk.along(&self.possible(i), [None; 2], self.first + i))
                .collect::<Result<_>>()?;
            walked.extend(part);
            from = to;
        }
        // Few lines that were found end among cars: each is walked again, with the ground onwards.
        for (i, walked) in walked.iter_mut().enumerate().filter(|_| self.site.found) {
            let onward = self.onward(i, walked.full);
            if onward != [None; 2] {
                let mut patches = self.patches(plane, i);
                patches.extend(Self::patches_onward(plane, onward));
                plane.require(self.scene, &patches)?;
                let spares = Spares::default();
                let Self { map, ground, debug, .. } = *self;
                let walk = Walk { plane, map, ground, found: self.site.found, placed: self.site.placed, debug, spares: &spares };
                *walked = walk.along(&self.possible(i), onward, self.first + i)?;
            }
        }
        Ok((walked, seen))
    }

    /// How much the lines look like tracks: mean probability that a column is centred on one, 0 to 1.
    ///
    /// # Errors
    /// As [`Self::walked`].
    pub fn look_like_tracks(&self, plane: &mut Plane) -> Result<f64> {
        let (mut on_track, mut seen, mut from) = (0.0, 0.0, 0);
        while from < self.lines.len() {
            let (to, patches) = self.together(plane, from);
            plane.require(self.scene, &patches)?;
            let (plane, spares) = (&*plane, Spares::default());
            let Self { map, ground, debug, .. } = *self;
            let walk = Walk { plane, map, ground, found: self.site.found, placed: self.site.placed, debug, spares: &spares };
            let part: Vec<[f64; 2]> = self.lines[from..to].par_iter().map(|line| walk.on_track(line)).collect();
            // In their order: sums of floating-point numbers hang on it.
            part.iter().for_each(|part| (on_track, seen) = (on_track + part[0], seen + part[1]));
            from = to;
        }
        Ok(if seen > 0.0 { on_track / seen } else { 0.0 })
    }

    /// The end of the lines from one on that are walked together, and the patches they need.
    fn together(&self, plane: &Plane, from: usize) -> (usize, BTreeSet<Core>) {
        let mut patches = self.patches(plane, from);
        let (mut to, mut bytes) = (from + 1, self.bytes(from));
        while to < self.lines.len() {
            let own = self.patches(plane, to);
            let more = own.difference(&patches).count();
            bytes += self.bytes(to);
            if (patches.len() + more) * plane.patch_bytes() > plane.memory() || bytes > self.memory.networks {
                break;
            }
            patches.extend(own);
            to += 1;
        }
        (to, patches)
    }

    /// Where a line may go on: from an end that is `full` of cars, on ground that is searched, as far as no other line runs there. The tracker
    /// stops where a wood hides the rails.
    fn onward(&self, track: usize, full: [bool; 2]) -> [Option<Onward>; 2] {
        let (number, image) = (self.first + track, self.ground.area());
        let free = |end: Heading, metres: f64| {
            let point = ahead(end, metres);
            image.contains(point) && self.site.searches(point) && !self.known.taken(number, (point, end.1))
        };
        let onward = |from: Heading| {
            let step = |step: &usize| [0.25, 0.75].iter().all(|part| free(from, (*step as f64 + part) * ONWARD_M));
            let steps = (0..ONWARD_STEPS).take_while(step).count();
            (steps > 0).then_some(Onward { from, steps })
        };
        let mut ends = ends(&self.lines[track]);
        full.map(|full| ends.next().filter(|_| full).and_then(onward))
    }

    fn possible(&self, track: usize) -> Vec<&Centreline> {
        let line = &self.lines[track];
        let apart = |other: &&Centreline| {
            let far = |(a, b): (&[f64; 2], &[f64; 2])| (a[0] - b[0]).hypot(a[1] - b[1]) > SAME_M;
            line.points.len() != other.points.len() || line.points.iter().zip(&other.points).any(far)
        };
        std::iter::once(line).chain(self.others.get(track).into_iter().flatten().filter(apart)).collect()
    }

    fn bytes(&self, track: usize) -> usize {
        self.lines[track].length() as usize * BYTES_PER_METRE
    }

    /// The patches beyond the ends of a track that a walk may look at where it goes on.
    fn patches_onward(plane: &Plane, onward: [Option<Onward>; 2]) -> BTreeSet<Core> {
        let places = onward
            .into_iter()
            .flatten()
            .flat_map(|Onward { from, steps }| (1..=steps).map(move |step| ahead(from, step as f64 * ONWARD_M)));
        let around = |[x, y]: [f64; 2]| Area { x0: x, y0: y, x1: x, y1: y }.grown(REACH_M + CELL_M + ONWARD_M / 2.0);
        places.flat_map(|place| plane.patches_in(around(place)).collect::<Vec<_>>()).collect()
    }

    /// The patches that a walk along a track may look at.
    fn patches(&self, plane: &Plane, track: usize) -> BTreeSet<Core> {
        let mut patches = BTreeSet::new();
        for line in self.possible(track) {
            let every = (PATCH_M as f64 / 4.0 / line.step).max(1.0) as usize;
            // Half of the way to the next point looked at, on either side.
            let reach = REACH_M + CELL_M + every as f64 * line.step / 2.0;
            for point in line.points.iter().step_by(every).chain(line.points.last()) {
                patches.extend(plane.patches_in(Area { x0: point[0], y0: point[1], x1: point[0], y1: point[1] }.grown(reach)));
            }
        }
        patches
    }
}

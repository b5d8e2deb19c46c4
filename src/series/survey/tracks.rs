//! Tracks of a site from all its scenes together: what is hidden under a string of cars, a cloud or snow in one is bare in another,
//! and a row of lorries is not there twice.

use std::collections::BTreeMap;

use super::FEW_SCENES;
use super::frame::Frame;
use super::retrace::{Retraced, retrace};
use crate::Result;
use crate::count::evidence::each_cell;
use crate::count::outline::Outline;
use crate::count::{GivenTrack, Yard};
use crate::raster::Scene;
use crate::threshold::{Evidence, YardMap};
use crate::track::Centreline;
use crate::track::align::{Expected, common_shift};
use crate::track::find::find;

/// Scenes looked at: more make the tracks no better, and of six some cars lie a metre from a given track that was retraced.
pub const MOST_SCENES: usize = 12;
/// Side of the squares in which evidence is gathered, metres.
const PATCH: i64 = 64;
/// Share of a cell that must have been seen for a scene to say anything of it.
const SEEN: f32 = 0.5;
/// Distance between the points of a track that is written out, metres: at a radius of 150 m it strays by 8 cm.
const POINT_M: f64 = 10.0;
/// Length of a track on which nothing stands in most images, metres, and the mean probability of a car up to which that holds. Lines that
/// are never bare are rows of containers or sheds; one image cannot tell them from a siding that is full.
const BARE_M: f64 = 25.0;
const BARE_BODY: f32 = 0.3;
const BARE_SCENES: usize = 3;
/// Share of a track that must lie inside the outline.
const INSIDE: f64 = 0.5;

/// Distances at which a neighbouring ridge is looked for, metres: half a spacing, more or less.
const BESIDE_M: [f64; 3] = [2.0, 2.5, 3.0];
/// Share of the strongest neighbour that is taken off a cell. The ridges between tracks reach half of what the tracks do.
const SUPPRESSION: f32 = 0.5;

/// Evidence of one scene, or of all, about one square metre of the frame: weight, track, body, heading (doubled angle, weighted by track).
type Sums = [f32; 5];

/// Evidence gathered over scenes on the ground of a site.
#[derive(Debug)]
pub struct Gathered {
    frame: Frame,
    scenes: usize,
    /// Per cell the sums of what is kept of each scene.
    patches: BTreeMap<(i64, i64), Vec<Sums>>,
}

/// Given tracks as the scenes of a site show them together.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// How far east and north of their place, metres, all of them.
    pub moved_m: [f64; 2],
    /// The tracks at their place, but each retraced along what is shown; none of fewer than three scenes, which know no more than one.
    pub retraced: Vec<GivenTrack>,
    /// Whether they lie on the tracks for sure.
    pub sure: bool,
}

/// Evidence of one scene on a site's ground.
pub type OneScene = BTreeMap<(i64, i64), Vec<Sums>>;

impl Gathered {
    /// Nothing so far.
    pub fn new(frame: Frame) -> Self {
        Self { frame, scenes: 0, patches: BTreeMap::new() }
    }

    /// Looks at a scene that shows everything `shift_m` metres east and north of its place.
    ///
    /// # Errors
    /// When the image cannot be decoded.
    pub fn look(frame: &Frame, scene: &Scene, yard: &Yard, shift_m: [f64; 2], max_memory_mib: usize) -> Result<OneScene> {
        let mut patches = OneScene::new();
        let Some(map) = scene.georeference.as_ref().and_then(|g| frame.from_pixels(g)) else { return Ok(patches) };
        let [gx, gy] = scene.gsd_m;
        let place = |[x, y]: [f64; 2]| {
            let [east, south] = map.apply([x / gx, y / gy]);
            [east - shift_m[0], south + shift_m[1]]
        };
        let [width, height] = frame.size_m();
        each_cell(scene, yard, shift_m, max_memory_mib, |ground, evidence| {
            let [x, y] = place(ground);
            if !(x >= 1.0 && y >= 1.0 && x < width - 1.0 && y < height - 1.0) {
                return;
            }
            let heading = f64::from(evidence.heading[1]).atan2(f64::from(evidence.heading[0])) / 2.0;
            let [ahead_x, ahead_y] = place([ground[0] + heading.cos(), ground[1] + heading.sin()]);
            let doubled = 2.0 * (ahead_y - y).atan2(ahead_x - x);
            let sight = 1.0 - evidence.cloud;
            let (u, v) = (x - 0.5, y - 0.5);
            let (col, row) = (u.floor(), v.floor());
            for (r, wr) in [(row, 1.0 - (v - row)), (row + 1.0, v - row)] {
                for (c, wc) in [(col, 1.0 - (u - col)), (col + 1.0, u - col)] {
                    let weight = (wr * wc) as f32 * sight;
                    let track = weight * evidence.track;
                    let sums = cell(&mut patches, c as i64, r as i64);
                    let more =
                        [weight, track, weight * evidence.body, track * doubled.cos() as f32, track * doubled.sin() as f32];
                    sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
                }
            }
        })?;
        Ok(patches)
    }

    /// Adds a scene: each says as much as any other, however often its cells fall on a cell of the frame.
    pub fn add(&mut self, scene: OneScene) {
        self.scenes += 1;
        for (key, cells) in scene {
            let target = self.patches.entry(key).or_insert_with(|| vec![[0.0; 5]; (PATCH * PATCH) as usize]);
            for (target, sums) in target.iter_mut().zip(cells).filter(|(_, sums)| sums[0] > SEEN) {
                target[0] += 1.0;
                (1..5).for_each(|k| target[k] += sums[k] / sums[0]);
            }
        }
    }

    /// Mean evidence of every cell that was seen.
    fn cells(&self) -> impl Iterator<Item = (i64, i64, Evidence)> + '_ {
        self.patches.iter().flat_map(|(&(row, col), cells)| {
            cells.iter().enumerate().filter(|(_, sums)| sums[0] > 0.0).map(move |(i, sums)| {
                let [n, track, body, cos, sin] = *sums;
                let norm = cos.hypot(sin).max(1e-6);
                let evidence = Evidence { track: track / n, body: body / n, heading: [cos / norm, sin / norm], cloud: 0.0 };
                (col * PATCH + i as i64 % PATCH, row * PATCH + i as i64 / PATCH, evidence)
            })
        })
    }

    /// Where the scenes together show given tracks; none where they show nothing of them. The site's place is known to `sd_m` along one axis, if the
    /// georeferences do not err all in one direction.
    pub fn shown(&self, tracks: &[GivenTrack], sd_m: f64) -> Option<Shown> {
        let map = YardMap::of_cells(self.cells());
        let line = |track: &GivenTrack| {
            let points: Vec<[f64; 2]> = track.line.iter().map(|&place| self.frame.from_lonlat(place)).collect();
            Centreline::resampled(&points, 1.0)
        };
        let (names, lines): (Vec<&String>, Vec<Centreline>) =
            tracks.iter().filter_map(|track| Some((&track.name, line(track)?))).unzip();
        let seen: Vec<Centreline> = lines.iter().flat_map(|line| self.seen_parts(line)).collect();
        let (shift, confidence) = common_shift(&seen, &map, Expected::of_site(sd_m));
        if confidence <= 0.0 {
            return None;
        }
        if self.scenes < FEW_SCENES {
            return Some(Shown { moved_m: [shift[0], -shift[1]], retraced: Vec::new(), sure: false });
        }
        let placed: Vec<Centreline> = lines.iter().map(|line| line.shifted(shift)).collect();
        let Retraced { lines, sure } = retrace(&placed, &map);
        let back = |line: &Centreline| self.written(&line.shifted(shift.map(|metres| -metres)));
        let retraced =
            names.into_iter().zip(&lines).map(|(name, line)| GivenTrack { name: name.clone(), line: back(line) }).collect();
        Some(Shown { moved_m: [shift[0], -shift[1]], retraced, sure })
    }

    /// The points of a line as they are kept, in degrees.
    fn written(&self, line: &Centreline) -> Vec<[f64; 2]> {
        let step = (POINT_M / line.step).round().max(1.0) as usize;
        let last = line.points.len().saturating_sub(1);
        let thinned = line.points[..last].iter().step_by(step).chain(line.points.last());
        thinned.map(|&point| self.frame.to_lonlat(point).map(rounded)).collect()
    }

    /// A line as far as any scene shows its ground: beyond, it neither speaks for a shift nor against it.
    fn seen_parts(&self, line: &Centreline) -> Vec<Centreline> {
        let is_seen = |&i: &usize| {
            let [col, row] = line.points[i].map(|metres| metres.floor() as i64);
            let patch = self.patches.get(&(row.div_euclid(PATCH), col.div_euclid(PATCH)));
            patch.is_some_and(|cells| cells[(row.rem_euclid(PATCH) * PATCH + col.rem_euclid(PATCH)) as usize][0] > 0.0)
        };
        let numbers: Vec<usize> = (0..line.points.len()).collect();
        let runs = numbers.chunk_by(|a, b| is_seen(a) == is_seen(b)).filter(|run| is_seen(&run[0]));
        runs.map(|run| line.part(run[0], run[run.len() - 1])).collect()
    }

    /// The tracks that the scenes show together, those inside the yard's outline.
    pub fn tracks(&self, yard: &Yard) -> Vec<GivenTrack> {
        let map = between_suppressed(&YardMap::of_cells(self.cells()));
        let outline = Outline::new(yard.aoi.iter().cloned());
        let inside = |line: &[[f64; 2]]| {
            outline.is_empty() || line.iter().filter(|&&p| outline.contains(p)).count() as f64 >= INSIDE * line.len() as f64
        };
        let mut lines: Vec<Vec<[f64; 2]>> = find(&map)
            .iter()
            .filter(|found| {
                let bare = found.line.points.iter().filter(|p| map.at(p[0], p[1]).body < BARE_BODY).count();
                self.scenes < BARE_SCENES || bare as f64 * found.line.step >= BARE_M
            })
            .map(|found| self.written(&found.line))
            .filter(|line| inside(line))
            .collect();
        // From north to south, so that numbers mean something to a person.
        lines.sort_by(|a, b| middle(b)[1].total_cmp(&middle(a)[1]).then(middle(a)[0].total_cmp(&middle(b)[0])));
        lines.into_iter().enumerate().map(|(i, line)| GivenTrack { name: format!("t{}", i + 1), line }).collect()
    }
}

/// The map without the ridges that run between two tracks: the strip of ballast there looks like a track in some scenes, but tracks are at
/// least 3.6 m apart, so the stronger ridge of two nearer ones is the track.
pub(super) fn between_suppressed(map: &YardMap) -> YardMap {
    YardMap::of_cells(map.cells().map(|(col, row, evidence)| {
        let (x, y) = (col as f64 + 0.5, row as f64 + 0.5);
        let heading = f64::from(evidence.heading[1]).atan2(f64::from(evidence.heading[0])) / 2.0;
        let (nx, ny) = (-heading.sin(), heading.cos());
        let beside = BESIDE_M
            .iter()
            .flat_map(|&d| [map.at(x + d * nx, y + d * ny).track, map.at(x - d * nx, y - d * ny).track])
            .fold(0.0, f32::max);
        // A ridge without a neighbour stays as it is.
        let left = (evidence.track - SUPPRESSION * beside) / (1.0 - SUPPRESSION);
        (col, row, Evidence { track: left.clamp(0.0, evidence.track), ..evidence })
    }))
}

fn cell(patches: &mut OneScene, col: i64, row: i64) -> &mut Sums {
    let patch =
        patches.entry((row.div_euclid(PATCH), col.div_euclid(PATCH))).or_insert_with(|| vec![[0.0; 5]; (PATCH * PATCH) as usize]);
    &mut patch[(row.rem_euclid(PATCH) * PATCH + col.rem_euclid(PATCH)) as usize]
}

fn middle(line: &[[f64; 2]]) -> [f64; 2] {
    line[line.len() / 2]
}

/// Degrees to about a millimetre.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e8).round() / 1e8
}

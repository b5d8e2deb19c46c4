//! Given tracks brought onto the image: one shift for the scene, one residual for each track, one that varies smoothly along it.
//!
//! Lines from a map are up to a few metres off, the georeference as well, and the view angle displaces roofs. The evidence is the track
//! map of [`crate::threshold::yard_map`], which follows roofs where cars stand and rails where none do. The residuals are those of
//! `abreast.rs`.

use crate::raster::Turn;

use super::abreast::follow;
use super::line::Centreline;
use crate::threshold::YardMap;

/// Step of the points that are held against the map, metres.
const STEP_M: f64 = 2.0;
/// Cost of a scene's shift of one standard deviation. Where nothing else is known (2.3 m), one track spacing (5 m) costs less than the
/// loss of one track in twenty.
const SHIFT_COST: f64 = 0.0063;
/// How far given tracks may lie from where they are seen when nothing else is known, and the standard deviation of that, metres.
const REGISTRATION_M: f64 = 15.0;
const REGISTRATION_SD_M: f64 = 2.3;
/// Where the scene was registered by its edges: standard deviations looked at, and the error of the lines themselves, metres.
const DEVIATIONS: f64 = 3.0;
const LINES_M: f64 = 1.5;
/// Shifts across the tracks that are different answers, metres: more than half a spacing.
const APART_M: f64 = 2.5;
/// Mean evidence by which the best shift must lead the next one to be sure.
const SURE: f64 = 0.2;
/// Step of the coarse search for the shift, and of all finer ones, metres.
const COARSE_M: f64 = 1.0;
const FINE_M: f64 = 0.25;

/// Given tracks as they lie in the image.
#[derive(Debug)]
pub struct Aligned {
    /// The lines, in the order given, each as far as it follows the evidence beside it.
    pub lines: Vec<Centreline>,
    /// What else each may be: where it is its neighbour's track that it followed, along its own, and moved by the scene's shift alone (where a
    /// shadow looks like a track, that is the better one).
    pub others: Vec<Vec<Centreline>>,
    /// The scene's shift, metres (x to the right, y down).
    pub shift: [f64; 2],
    /// How much better the shift is than any other more than 2.5 m across the tracks, 0 to 1. Along them it may be anything.
    pub confidence: f64,
}

/// Where a scene shows the site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    /// Everything is shown so many metres east and north of where it is.
    pub shift_m: [f64; 2],
    /// And turned, where a shift alone does not bring it onto the site.
    pub turn: Option<Turn>,
    /// Standard deviation of the shift along one axis, metres.
    pub sd_m: f64,
    /// How sure it is, above 0 to 1.
    pub confidence: f64,
}

/// What is known of a scene's shift before its tracks are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    reach_m: f64,
    cost: f64,
}

impl Expected {
    /// Given lines that were moved by a registration, if there was one.
    pub fn of(registration: Option<Registration>) -> Self {
        match registration {
            Some(Registration { sd_m, .. }) => {
                Self { reach_m: (DEVIATIONS * sd_m + LINES_M).min(REGISTRATION_M), cost: SHIFT_COST / sd_m.powi(2) }
            }
            None => Self { reach_m: REGISTRATION_M, cost: SHIFT_COST / REGISTRATION_SD_M.powi(2) },
        }
    }
}

/// Track evidence at a point for a line with this tangent.
pub(super) fn support(map: &YardMap, [x, y]: [f64; 2], [tx, ty]: [f64; 2]) -> f64 {
    let here = map.at(x, y);
    if here.track < 0.02 {
        return 0.0;
    }
    let agreement = f64::from(here.heading[0]) * (tx * tx - ty * ty) + f64::from(here.heading[1]) * 2.0 * tx * ty;
    f64::from(here.track) * (0.5 + 0.5 * agreement)
}

/// Aligns given lines.
pub fn align(lines: &[Centreline], map: &YardMap, expected: Expected) -> Aligned {
    let coarse: Vec<Vec<([f64; 2], [f64; 2])>> = lines
        .iter()
        .map(|line| {
            let line = line.with_step(STEP_M);
            line.map_or_else(Vec::new, |line| (0..line.points.len()).map(|i| (line.points[i], line.tangent(i))).collect())
        })
        .collect();
    let points: Vec<([f64; 2], [f64; 2])> = coarse.iter().flatten().copied().collect();
    let (shift, confidence) = scene_shift(&points, map, expected);
    let shifted: Vec<Centreline> = lines.iter().map(|line| line.shifted(shift)).collect();
    let (lines, mut others) = follow(&shifted, map);
    others.iter_mut().zip(shifted).for_each(|(others, shifted)| others.push(shifted));
    Aligned { lines, others, shift, confidence }
}

fn scene_shift(points: &[([f64; 2], [f64; 2])], map: &YardMap, Expected { reach_m, cost }: Expected) -> ([f64; 2], f64) {
    if points.is_empty() {
        return ([0.0; 2], 0.0);
    }
    // Every fourth point is plenty for the coarse search.
    let few: Vec<_> = points.iter().step_by((points.len() / 1500).max(1)).copied().collect();
    let score = |points: &[([f64; 2], [f64; 2])], [gx, gy]: [f64; 2]| {
        let sum: f64 = points.iter().map(|([x, y], t)| support(map, [x + gx, y + gy], *t)).sum();
        sum / points.len() as f64 - cost * (gx * gx + gy * gy)
    };
    let n = (reach_m / COARSE_M).floor() as i32;
    let mut tried: Vec<([f64; 2], f64)> = Vec::new();
    for i in -n..=n {
        for j in -n..=n {
            let g = [f64::from(i) * COARSE_M, f64::from(j) * COARSE_M];
            if g[0].hypot(g[1]) <= reach_m {
                tried.push((g, score(&few, g)));
            }
        }
    }
    let best_of = |tried: &mut dyn Iterator<Item = ([f64; 2], f64)>| {
        tried.fold(([0.0; 2], f64::MIN), |best, t| if t.1 > best.1 { t } else { best })
    };
    let (coarse, value) = best_of(&mut tried.iter().copied());
    let [nx, ny] = across(points);
    let apart = |g: [f64; 2]| ((g[0] - coarse[0]) * nx + (g[1] - coarse[1]) * ny).abs() > APART_M;
    let second = best_of(&mut tried.iter().copied().filter(|(g, _)| apart(*g))).1;
    let confidence = if second > f64::MIN { ((value - second) / SURE).clamp(0.0, 1.0) } else { 0.0 };
    let at = |i: i32, j: i32| {
        let g = [coarse[0] + f64::from(i) * FINE_M, coarse[1] + f64::from(j) * FINE_M];
        (g, score(points, g))
    };
    let mut fine = (-4..=4).flat_map(|i| (-4..=4).map(move |j| (i, j))).map(|(i, j)| at(i, j));
    let (best, value) = best_of(&mut fine);
    // The top of the parabola through the neighbours, along each axis.
    let refined = [0, 1].map(|axis| {
        let beside = |side: f64| {
            let mut g = best;
            g[axis] += side * FINE_M;
            score(points, g)
        };
        let (a, c) = (beside(-1.0), beside(1.0));
        let bend = a - 2.0 * value + c;
        best[axis] + if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) * FINE_M } else { 0.0 }
    });
    (refined, confidence)
}

/// The direction across most of the tracks.
fn across(points: &[([f64; 2], [f64; 2])]) -> [f64; 2] {
    let (cos, sin) = points.iter().fold((0.0, 0.0), |(c, s), (_, [x, y])| (c + x * x - y * y, s + 2.0 * x * y));
    let heading = f64::atan2(sin, cos) / 2.0;
    [-heading.sin(), heading.cos()]
}

//! Given tracks brought onto the image: one shift for the scene, one residual for each track, one that varies smoothly along it.
//!
//! Lines from a map are up to a few metres off, the georeference as well, and the view angle displaces roofs. The evidence is the track
//! map of [`crate::threshold::yard_map`], which follows roofs where cars stand and rails where none do. The residual along a track is a
//! Viterbi path (Forney, "The Viterbi algorithm", 1973) over lateral offsets.

use crate::raster::Turn;

use super::line::{Centreline, smoothed};
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
/// Largest lateral residual of a track against the scene's shift, metres; tracks are at least 3.6 m apart.
const RESIDUAL_M: f64 = 2.25;
/// Cost per square metre of a track's own residual, and of a point's against its track.
const TRACK_COST: f64 = 0.04;
const POINT_COST: f64 = 0.05;
/// Cost of one step (FINE_M) of change between neighbouring points.
const BEND_COST: f64 = 0.12;
/// Length over which the residual is smoothed, metres.
const SMOOTH_M: f64 = 14.0;

/// Given tracks as they lie in the image.
#[derive(Debug)]
pub struct Aligned {
    /// The lines, in the order given, each as far as it follows the evidence beside it.
    pub lines: Vec<Centreline>,
    /// The lines moved by the scene's shift alone: where a shadow looks like a track, these are the better ones.
    pub shifted: Vec<Centreline>,
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
fn support(map: &YardMap, [x, y]: [f64; 2], [tx, ty]: [f64; 2]) -> f64 {
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
    Aligned { lines: shifted.iter().map(|line| follow(line, map)).collect(), shifted, shift, confidence }
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

/// Follows the evidence along a line.
fn follow(line: &Centreline, map: &YardMap) -> Centreline {
    let Some(coarse) = line.with_step(STEP_M) else { return line.clone() };
    let n = (2.0 * RESIDUAL_M / FINE_M).round() as usize + 1;
    let offset = |k: usize| k as f64 * FINE_M - RESIDUAL_M;
    let raw: Vec<Vec<f64>> = (0..coarse.points.len())
        .map(|i| {
            let ([x, y], t) = (coarse.points[i], coarse.tangent(i));
            (0..n).map(|k| support(map, [x - t[1] * offset(k), y + t[0] * offset(k)], t)).collect()
        })
        .collect();
    let mean = |k: usize| raw.iter().map(|r| r[k]).sum::<f64>() / raw.len() as f64 - TRACK_COST * offset(k).powi(2);
    let track = (0..n).fold((0, f64::MIN), |best, k| if mean(k) > best.1 { (k, mean(k)) } else { best }).0;
    // Viterbi over offsets.
    let unary = |i: usize, k: usize| raw[i][k] - POINT_COST * (offset(k) - offset(track)).powi(2);
    let mut value: Vec<f64> = (0..n).map(|k| unary(0, k)).collect();
    let mut from: Vec<Vec<usize>> = vec![Vec::new()];
    for i in 1..raw.len() {
        let (mut next, mut back) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for k in 0..n {
            let near = k.saturating_sub(3)..(k + 4).min(n);
            let (source, best) = near.fold((k, f64::MIN), |best, j| {
                let v = value[j] - BEND_COST * (j as f64 - k as f64).powi(2);
                if v > best.1 { (j, v) } else { best }
            });
            next.push(best + unary(i, k));
            back.push(source);
        }
        value = next;
        from.push(back);
    }
    let mut k = (0..n).fold((0, f64::MIN), |best, k| if value[k] > best.1 { (k, value[k]) } else { best }).0;
    let mut path = vec![0.0; raw.len()];
    for i in (0..raw.len()).rev() {
        path[i] = offset(k);
        if i > 0 {
            k = from[i][k];
        }
    }
    let path = smoothed(&path, (SMOOTH_M / 2.0 / STEP_M) as usize);
    let fine: Vec<f64> = (0..line.points.len())
        .map(|i| {
            let at = (i as f64 * line.step / STEP_M).min((path.len() - 1) as f64);
            let (a, f) = (at.floor() as usize, at.fract());
            path[a] * (1.0 - f) + path[(a + 1).min(path.len() - 1)] * f
        })
        .collect();
    line.moved(&fine)
}

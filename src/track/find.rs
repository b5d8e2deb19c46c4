//! Tracks found in the image: ridges of the track map followed along their heading, as a train would run.
//!
//! Following a ridge with look-ahead arcs of bounded curvature is road tracking after Steger ("An unbiased detector of curvilinear
//! structures", 1998) and Geman and Jedynak ("An active testing model for tracking roads in satellite images", 1996), on learnt evidence.

use std::f64::consts::PI;

use super::line::{Centreline, smoothed};
use super::near::Near;
use crate::threshold::YardMap;
use crate::threshold::evidence::{Ridge, Unpacked};
use crate::tile::{Area, PlaceMap};

/// Evidence at which a ridge may start a track.
const SEED: f32 = 0.45;
/// Step of the tracker, metres.
const STEP_M: f64 = 2.0;
/// Look-ahead, metres: longer than a car, so that one whose evidence is poor does not turn the walk.
const AHEAD_M: f64 = 30.0;
/// Tightest curve, metres: yard tracks go down to 180 m, turnouts to 150 m.
const RADIUS_M: f64 = 150.0;
/// How far the tightest one leads aside over [`AHEAD_M`] in whole steps, metres.
const ASIDE_M: f64 = AHEAD_M * (AHEAD_M + STEP_M) / 2.0 / RADIUS_M;
/// Curvatures tried on either side of straight on.
const ARCS: i32 = 6;
/// Cost of a change of curvature from one step to the next, and of curvature itself, relative to the tightest and squared.
const TURN_COST: f64 = 0.20;
const BEND_COST: f64 = 0.05;
/// A track ends where the mean evidence over [`AHEAD_M`] falls below this.
const END: f64 = 0.13;
/// A ridge this close to a followed track, running the same way, is that track: metres.
const OWN_M: f64 = 1.6;
/// Largest angle between two lines that run the same way, radians.
const SAME_WAY: f64 = 0.30;
/// Shortest track kept, metres, and its least mean evidence.
pub const SHORTEST_M: f64 = 35.0;
const LEAST: f64 = 0.30;
/// Widest gap over which two pieces are joined, metres.
const JOIN_M: f64 = 70.0;
/// Metres by which a track is drawn on beyond the last evidence: half a car.
const BEYOND_M: f64 = 8.0;

/// A track found in the image.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its centreline.
    pub line: Centreline,
    /// Mean evidence along it, 0 to 1.
    pub evidence: f64,
}

/// Follows every track of the map; longest first.
pub fn find(map: &YardMap) -> Vec<Found> {
    let mut followed = Followed::default();
    let mut pieces: Vec<Found> = Vec::new();
    for (col, row, _) in seeds(map) {
        let start = [col as f64 + 0.5, row as f64 + 0.5];
        let here = map.at(start[0], start[1]);
        let heading = f64::from(here.heading[1]).atan2(f64::from(here.heading[0])) / 2.0;
        if followed.has(start, heading) {
            continue;
        }
        let start = centred(map, start, heading);
        let back = walk(map, &followed, start, heading + PI);
        let forth = walk(map, &followed, start, heading);
        let points: Vec<[f64; 2]> = back.into_iter().rev().chain([start]).chain(forth).collect();
        let Some(line) = Centreline::resampled(&points, STEP_M) else {
            followed.mark(&points);
            continue;
        };
        followed.mark(&line.points);
        let evidence = mean_support(map, &line);
        if evidence >= LEAST * 0.8 && line.length() >= 16.0 {
            pieces.push(Found { line, evidence });
        }
    }
    join(&mut pieces);
    pieces.retain(|piece| piece.line.length() >= SHORTEST_M && piece.evidence >= LEAST);
    pieces.sort_by(|a, b| b.line.length().total_cmp(&a.line.length()));
    drop_doubles(&mut pieces);
    pieces.iter_mut().for_each(|piece| piece.line = finished(&piece.line));
    pieces
}

/// Local maxima of the track evidence across its heading, strongest first.
fn seeds(map: &YardMap) -> Vec<(i64, i64, f32)> {
    let mut seeds: Vec<(i64, i64, f32)> = map
        .cells()
        .filter(|(col, row, evidence)| {
            if evidence.track < SEED {
                return false;
            }
            let (x, y) = (*col as f64 + 0.5, *row as f64 + 0.5);
            let heading = f64::from(evidence.heading[1]).atan2(f64::from(evidence.heading[0])) / 2.0;
            let (nx, ny) = (-heading.sin(), heading.cos());
            [-1.0, 1.0].iter().all(|side| map.at(x + side * nx, y + side * ny).track <= evidence.track)
        })
        .map(|(col, row, evidence)| (col, row, evidence.track))
        .collect();
    seeds.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.1, a.0).cmp(&(b.1, b.0))));
    seeds
}

/// Evidence for a track in a direction, given the cosine and sine of twice its heading.
fn support([track, c, s, _]: Ridge, [cos, sin]: [f64; 2]) -> f64 {
    let agreement = f64::from(c) * cos + f64::from(s) * sin;
    // Ten degrees off cost a tenth: enough to keep a walk from crossing to the next track, little enough for a turnout.
    f64::from(track) * agreement.max(0.0).powi(2)
}

/// Cosine and sine.
fn unit(angle: f64) -> [f64; 2] {
    [angle.cos(), angle.sin()]
}

/// The cosine and sine of the sum of two angles of which both are given.
fn turned([c, s]: [f64; 2], [cos, sin]: [f64; 2]) -> [f64; 2] {
    [c * cos - s * sin, s * cos + c * sin]
}

fn mean_support(map: &YardMap, line: &Centreline) -> f64 {
    let sum: f64 = (0..line.points.len())
        .map(|i| {
            let [tx, ty] = line.tangent(i);
            let [x, y] = line.points[i];
            support(map.at(x, y).ridge(), unit(2.0 * ty.atan2(tx)))
        })
        .sum();
    sum / line.points.len().max(1) as f64
}

/// The point moved across the heading onto the ridge, by at most a metre.
fn centred(map: &YardMap, [x, y]: [f64; 2], heading: f64) -> [f64; 2] {
    let (nx, ny) = (-heading.sin(), heading.cos());
    let doubled = unit(2.0 * heading);
    let (mut sum, mut weight) = (0.0, 1e-6);
    for k in -4..=4 {
        let offset = f64::from(k) * 0.25;
        let value = support(map.at(x + nx * offset, y + ny * offset).ridge(), doubled).powi(2);
        sum += value * offset;
        weight += value;
    }
    let offset = sum / weight;
    [x + nx * offset, y + ny * offset]
}

/// Follows a track one way until its evidence ends or it runs into one that is already followed.
fn walk(map: &YardMap, followed: &Followed, start: [f64; 2], heading: f64) -> Vec<[f64; 2]> {
    let (mut at, mut heading, mut curvature) = (start, heading, 0.0);
    let mut points = Vec::new();
    let mut shared = 0;
    let mut ground = Unpacked::of(map);
    let mut arcs: Vec<Arc> = (-ARCS..=ARCS).map(Arc::of).collect();
    // No yard is longer than this many steps (20 km); the bound keeps a circular track from being followed for ever.
    for _ in 0..10_000 {
        let cost = |bend: f64| TURN_COST * ((bend - curvature) * RADIUS_M).powi(2) + BEND_COST * (bend * RADIUS_M).powi(2);
        // The cheapest first, so that most others need not be followed to their ends.
        arcs.sort_unstable_by(|a, b| cost(a.bend).total_cmp(&cost(b.bend)));
        let direction = unit(heading);
        // Beyond what the arcs see now, as much as serves some more steps.
        if !ground.covers(before(at, direction, AHEAD_M, ASIDE_M)) {
            ground.unpack(before(at, direction, 1.5 * AHEAD_M, 2.0 * ASIDE_M));
        }
        let mut best: Option<(f64, f64)> = None;
        for arc in &arcs {
            let cost = cost(arc.bend);
            let least = best.map_or(END, |(value, _)| value);
            let Some(value) = arc.ahead(&ground, at, direction, least + cost).map(|evidence| evidence - cost) else { continue };
            // Of equal ones the first from the left.
            let is_better = best.is_none_or(|(highest, bend)| value > highest || (value == highest && arc.bend < bend));
            if is_better && value >= END {
                best = Some((value, arc.bend));
            }
        }
        let Some((_, bend)) = best else { break };
        curvature = 0.5 * curvature + 0.5 * bend;
        heading += bend * STEP_M;
        at = [at[0] + heading.cos() * STEP_M, at[1] + heading.sin() * STEP_M];
        let pulled = centred(map, at, heading);
        at = [at[0] + 0.35 * (pulled[0] - at[0]), at[1] + 0.35 * (pulled[1] - at[1])];
        // The network's own heading keeps the direction from drifting.
        let here = map.at(at[0], at[1]);
        if here.track > 0.3 {
            let own = f64::from(here.heading[1]).atan2(f64::from(here.heading[0])) / 2.0;
            let difference = (own - heading + PI / 2.0).rem_euclid(PI) - PI / 2.0;
            if difference.abs() < SAME_WAY {
                heading += 0.15 * difference;
            }
        }
        shared = if followed.has(at, heading) { shared + 1 } else { 0 };
        points.push(at);
        if shared >= 4 {
            break;
        }
    }
    // The last metres were walked on look-ahead alone.
    while points.last().is_some_and(|&p| f64::from(map.at(p[0], p[1]).track) < END) {
        points.pop();
    }
    points
}

/// An arc along which a walk may go on.
struct Arc {
    /// Its curvature.
    bend: f64,
    /// Cosine and sine of the angle by which a step turns.
    turn: [f64; 2],
}

impl Arc {
    fn of(number: i32) -> Self {
        let bend = f64::from(number) / f64::from(ARCS) / RADIUS_M;
        Self { bend, turn: unit(bend * STEP_M) }
    }

    /// Mean evidence along it from a point and direction; none where it becomes clear that it is less than `least`.
    fn ahead(&self, ground: &Unpacked, mut at: [f64; 2], mut direction: [f64; 2], least: f64) -> Option<f64> {
        /// No point has more evidence, whatever is lost to rounding.
        const MOST: f64 = 1.001;
        let n = (AHEAD_M / STEP_M) as usize;
        let mut sum = 0.0;
        for left in (1..=n).rev() {
            if sum + left as f64 * MOST < least * n as f64 {
                return None;
            }
            direction = turned(direction, self.turn);
            at = [at[0] + direction[0] * STEP_M, at[1] + direction[1] * STEP_M];
            sum += support(ground.at(at), turned(direction, direction));
        }
        Some(sum / n as f64)
    }
}

/// The ground before a point, so many metres in a direction and more to every side.
fn before([x, y]: [f64; 2], [cos, sin]: [f64; 2], metres: f64, more: f64) -> Area {
    let (to_x, to_y) = (x + cos * metres, y + sin * metres);
    Area { x0: x.min(to_x), y0: y.min(to_y), x1: x.max(to_x), y1: y.max(to_y) }.grown(more)
}

/// Which ground belongs to tracks that are already followed, and which way they run there.
#[derive(Default)]
struct Followed {
    cells: PlaceMap<Vec<f64>>,
}

impl Followed {
    fn has(&self, [x, y]: [f64; 2], heading: f64) -> bool {
        let headings = self.cells.get(&(x.floor() as i64, y.floor() as i64));
        headings
            .is_some_and(|all| all.iter().any(|other| ((other - heading + PI / 2.0).rem_euclid(PI) - PI / 2.0).abs() < SAME_WAY))
    }

    fn mark(&mut self, points: &[[f64; 2]]) {
        for pair in points.windows(2) {
            let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
            let heading = dy.atan2(dx);
            let (nx, ny) = (-heading.sin(), heading.cos());
            let mut last = None;
            for along in [0.0, 0.5] {
                for k in -3..=3 {
                    let v = f64::from(k) / 3.0 * OWN_M;
                    let cell =
                        ((pair[0][0] + dx * along + nx * v).floor() as i64, (pair[0][1] + dy * along + ny * v).floor() as i64);
                    if last.replace(cell) == Some(cell) {
                        continue;
                    }
                    let headings = self.cells.entry(cell).or_default();
                    if !headings.iter().any(|other| (other - heading).abs() < 0.05) {
                        headings.push(heading);
                    }
                }
            }
        }
    }
}

/// Joins pieces whose ends face each other across a gap, the narrowest gaps first; every end is used once.
fn join(pieces: &mut Vec<Found>) {
    // End 2 i is the start of piece i, end 2 i + 1 its end.
    let ends: Vec<_> = (0..2 * pieces.len()).map(|e| end(&pieces[e / 2].line, e % 2 == 0)).collect();
    let mut near = Near::within(JOIN_M);
    ends.iter().enumerate().for_each(|(e, (at, _))| near.add(*at, e));
    let mut gaps: Vec<(f64, usize, usize)> = Vec::new();
    for (e, &(a, ta)) in ends.iter().enumerate() {
        for &f in near.of(a).filter(|&&f| f > e && f / 2 != e / 2) {
            let (b, tb) = ends[f];
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let gap = dx.hypot(dy);
            let along = dx * ta[0] + dy * ta[1];
            let across = (dy * ta[0] - dx * ta[1]).abs();
            let turn = (-ta[0] * tb[0] - ta[1] * tb[1]).clamp(-1.0, 1.0).acos();
            if gap < JOIN_M && along > -4.0 && across < 1.2 + 0.05 * gap && turn < 0.06 + gap / 400.0 {
                gaps.push((gap, e, f));
            }
        }
    }
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut partner: Vec<Option<usize>> = vec![None; ends.len()];
    for (_, e, f) in gaps {
        if partner[e].is_none() && partner[f].is_none() && far_end(&partner, e) != f {
            (partner[e], partner[f]) = (Some(f), Some(e));
        }
    }
    let mut joined = Vec::new();
    for start in (0..ends.len()).filter(|&e| partner[e].is_none()) {
        // Each chain is met from both of its free ends; it is built from the lower one.
        if far_end(&partner, start) < start {
            continue;
        }
        let (mut points, mut evidence, mut length): (Vec<[f64; 2]>, f64, f64) = (Vec::new(), 0.0, 0.0);
        let mut entered = start;
        loop {
            let piece = &pieces[entered / 2];
            let mut own = piece.line.points.clone();
            if entered % 2 == 1 {
                own.reverse();
            }
            // An overlap of a few metres is dropped before the line goes on.
            let skipped = match points.last() {
                Some(last) => {
                    let (_, t) = ends[entered];
                    own.iter().take_while(|p| (p[0] - last[0]) * -t[0] + (p[1] - last[1]) * -t[1] <= 0.0).count()
                }
                None => 0,
            };
            points.extend(own.into_iter().skip(skipped));
            evidence += piece.evidence * piece.line.length();
            length += piece.line.length();
            match partner[entered ^ 1] {
                Some(next) => entered = next,
                None => break,
            }
        }
        if let Some(line) = Centreline::resampled(&points, STEP_M) {
            joined.push(Found { line, evidence: evidence / length.max(1e-9) });
        }
    }
    *pieces = joined;
}

/// The free end of the chain that one enters at end `e`.
fn far_end(partner: &[Option<usize>], e: usize) -> usize {
    let mut out = e ^ 1;
    // A chain has no loops, so this ends.
    while let Some(next) = partner[out] {
        out = next ^ 1;
    }
    out
}

/// The last point of a line (the first, when reversed) and the direction in which it leaves.
fn end(line: &Centreline, reversed: bool) -> ([f64; 2], [f64; 2]) {
    let n = line.points.len();
    let reach = (10.0 / line.step) as usize;
    let (last, before) = if reversed {
        (line.points[0], line.points[reach.min(n - 1)])
    } else {
        (line.points[n - 1], line.points[n - 1 - reach.min(n - 1)])
    };
    let (dx, dy) = (last[0] - before[0], last[1] - before[1]);
    let norm = dx.hypot(dy).max(1e-9);
    (last, [dx / norm, dy / norm])
}

/// Drops pieces that run within a track's own width of a longer one for most of their length.
fn drop_doubles(pieces: &mut Vec<Found>) {
    let mut kept: Vec<Found> = Vec::new();
    let mut followed = Followed::default();
    for piece in pieces.drain(..) {
        let inside = (0..piece.line.points.len())
            .filter(|&i| {
                let [tx, ty] = piece.line.tangent(i);
                followed.has(piece.line.points[i], ty.atan2(tx))
            })
            .count();
        if inside * 2 < piece.line.points.len() {
            followed.mark(&piece.line.points);
            kept.push(piece);
        }
    }
    *pieces = kept;
}

/// Smoothed, and drawn on a little beyond both ends.
fn finished(line: &Centreline) -> Centreline {
    let reach = (8.0 / line.step) as usize;
    let axis = |k: usize| smoothed(&line.points.iter().map(|p| p[k]).collect::<Vec<_>>(), reach);
    let (xs, ys) = (axis(0), axis(1));
    let mut points: Vec<[f64; 2]> = xs.into_iter().zip(ys).map(|(x, y)| [x, y]).collect();
    let smooth = Centreline { points: points.clone(), step: line.step };
    let ((a, ta), (b, tb)) = (end(&smooth, true), end(&smooth, false));
    points.insert(0, [a[0] + ta[0] * BEYOND_M, a[1] + ta[1] * BEYOND_M]);
    points.push([b[0] + tb[0] * BEYOND_M, b[1] + tb[1] * BEYOND_M]);
    Centreline::resampled(&points, line.step).unwrap_or(smooth)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::threshold::Evidence;

    /// The map that the yard network would give of these lines: see [`Evidence::track`].
    fn map_of(lines: &[Vec<[f64; 2]>]) -> YardMap {
        let mut cells: HashMap<(i64, i64), (f64, f64)> = HashMap::new();
        for line in lines {
            let line = Centreline::resampled(line, 0.25).unwrap();
            for (i, &[x, y]) in line.points.iter().enumerate() {
                let [tx, ty] = line.tangent(i);
                for (col, row) in (-3..=3).flat_map(|r| (-3..=3).map(move |c| (x.floor() as i64 + c, y.floor() as i64 + r))) {
                    let (dx, dy) = (col as f64 + 0.5 - x, row as f64 + 0.5 - y);
                    let nearness = (-(dx * dx + dy * dy) / (2.0 * 0.8 * 0.8)).exp();
                    let cell = cells.entry((col, row)).or_insert((0.0, 0.0));
                    if nearness > cell.0 {
                        *cell = (nearness, ty.atan2(tx));
                    }
                }
            }
        }
        YardMap::of_cells(cells.into_iter().map(|((col, row), (track, heading))| {
            let heading = [(2.0 * heading).cos() as f32, (2.0 * heading).sin() as f32];
            (col, row, Evidence { track: track as f32, heading, ..Evidence::default() })
        }))
    }

    fn farthest(line: &Centreline, away: impl Fn([f64; 2]) -> f64) -> f64 {
        line.points.iter().map(|&point| away(point).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn tracks_at_the_narrowest_spacing_are_found_each_on_its_own() {
        // Four tracks 3.6 m apart, aslant to the pixels.
        let (c, s) = (0.4f64.cos(), 0.4f64.sin());
        let lines: Vec<_> = (0..4)
            .map(|k| 3.6 * f64::from(k))
            .map(|v| vec![[20.0 - s * v, 20.0 + c * v], [20.0 + 200.0 * c - s * v, 20.0 + 200.0 * s + c * v]])
            .collect();
        let found = find(&map_of(&lines));
        let mut across: Vec<f64> = found
            .iter()
            .map(|found| {
                let v = |[x, y]: [f64; 2]| (y - 20.0) * c - (x - 20.0) * s;
                let middle = v(found.line.points[found.line.points.len() / 2]);
                assert!(farthest(&found.line, |point| v(point) - middle) < 0.5 && found.line.length() > 190.0);
                middle
            })
            .collect();
        across.sort_by(f64::total_cmp);
        assert_eq!(across.len(), 4, "{across:?}");
        assert!((0..4).all(|k| (across[k] - 3.6 * k as f64).abs() < 0.3), "{across:?}");
    }

    #[test]
    fn the_tightest_curve_of_a_yard_is_followed_all_round() {
        let curve =
            (0..=100).map(|i| f64::from(i) / 100.0 * 1.5).map(|a| [50.0 + 180.0 * a.sin(), 250.0 - 180.0 * a.cos()]).collect();
        let found = find(&map_of(&[curve]));
        assert_eq!(found.len(), 1);
        assert!(found[0].line.length() > 180.0 * 1.5 - 10.0, "{}", found[0].line.length());
        // The line is drawn on straight beyond both ends.
        assert!(farthest(&found[0].line, |[x, y]| (x - 50.0).hypot(y - 250.0) - 180.0) < 0.7);
    }

    #[test]
    fn what_faces_each_other_across_a_gap_is_one_track_and_what_is_too_far_is_two() {
        let pieces = |gap: f64| vec![vec![[20.0, 30.5], [120.0, 30.5]], vec![[120.0 + gap, 30.5], [220.0 + gap, 30.5]]];
        let lengths = |gap: f64| find(&map_of(&pieces(gap))).iter().map(|found| found.line.length()).collect::<Vec<_>>();
        let joined = lengths(60.0);
        assert!(joined.len() == 1 && (joined[0] - 276.0).abs() < 12.0, "{joined:?}");
        assert_eq!(lengths(110.0).len(), 2);
        // Nor are they one where the second runs 9 m beside the first.
        let mut aside = pieces(60.0);
        aside[1].iter_mut().for_each(|point| point[1] += 9.0);
        assert_eq!(find(&map_of(&aside)).len(), 2);
    }

    #[test]
    fn a_turnout_gives_two_tracks_and_a_crossing_road_does_not_stop_either() {
        // A branch at one in nine.
        let branch = vec![[60.0, 50.5], [90.0, 52.0], [117.0, 55.0], [225.0, 67.0]];
        let found = find(&map_of(&[vec![[10.0, 50.5], [240.0, 50.5]], branch, vec![[150.0, 10.0], [150.0, 110.0]]]));
        let ends = |at: [f64; 2]| {
            found.iter().filter(|found| found.line.points.iter().any(|p| (p[0] - at[0]).hypot(p[1] - at[1]) < 1.5)).count()
        };
        assert_eq!(found.len(), 3, "{:?}", found.iter().map(|found| found.line.length()).collect::<Vec<_>>());
        assert_eq!([ends([235.0, 50.5]), ends([220.0, 66.4]), ends([20.0, 50.5])], [1, 1, 1]);
    }

    #[test]
    fn a_ridge_shorter_than_three_cars_or_faint_all_along_is_no_track() {
        assert!(find(&map_of(&[vec![[20.0, 20.5], [30.0, 20.5]]])).is_empty());
        let faint = map_of(&[vec![[20.0, 20.5], [220.0, 20.5]]]);
        let faint =
            YardMap::of_cells(faint.cells().map(|(col, row, cell)| (col, row, Evidence { track: 0.25 * cell.track, ..cell })));
        assert!(find(&faint).is_empty());
    }
}

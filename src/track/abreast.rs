//! Given lines brought onto the tracks that the yard map shows, all of them together: a track that one line follows is not there for another.
//!
//! Each line follows the evidence beside it by a Viterbi path (Forney, "The Viterbi algorithm", 1973) over lateral offsets. A line that was drawn
//! nearer to its neighbour's track than to its own takes that one. Where that shows, the tracks found in the image are dealt out
//! (`assign.rs`), and the line keeps to its own.

use super::align::support;
use super::assign::own_tracks;
use super::line::{Centreline, smoothed};
use super::near::Near;
use crate::threshold::YardMap;

/// Step of the points that are held against the map, metres.
pub(super) const STEP_M: f64 = 2.0;
/// Largest offset of a line against the scene's shift, metres, while it follows what is beside it (tracks are at least 3.6 m apart), and along its own
/// track: lines drawn by hand are nearly a track's spacing off here and there.
const NEAR_M: f64 = 2.25;
pub(super) const REACH_M: f64 = 4.0;
/// Step of the offsets, metres.
const FINE_M: f64 = 0.25;
/// Cost per square metre of a line's own offset, and of a point's against its line or its own track.
const TRACK_COST: f64 = 0.04;
const POINT_COST: f64 = 0.05;
/// Cost of one step ([`FINE_M`]) of change between neighbouring points.
const BEND_COST: f64 = 0.12;
/// Length over which the offset is smoothed, metres.
const SMOOTH_M: f64 = 14.0;
/// Tracks side by side are at least 3.6 m apart: two lines that are within a third of that follow one track.
const SAME_M: f64 = 1.2;
/// Where two lines were given nearer to each other than this, metres, they meet at a switch, and share the evidence.
const MEET_M: f64 = 2.2;
/// A line that shares a track over more than this, metres, or whose track is shared, keeps to its own: about a car.
const ASTRAY_M: f64 = 20.0;

/// The lines as far as each follows the evidence beside it; and for each, where that leads it along another's track, the line along its own.
pub fn follow(lines: &[Centreline], map: &YardMap) -> (Vec<Centreline>, Vec<Vec<Centreline>>) {
    let coarse: Vec<Option<Centreline>> = lines.iter().map(|line| line.with_step(STEP_M)).collect();
    let beside = |line: &Option<Centreline>| Some(Lane::new(line.clone()?, None, map));
    let lanes: Vec<Option<Lane>> = coarse.iter().map(beside).collect();
    let moved = |(lane, line): (&Option<Lane>, &Centreline)| lane.as_ref().map_or_else(|| line.clone(), |lane| lane.moved(line));
    let followed = lanes.iter().zip(lines).map(moved).collect();
    let mut others = vec![Vec::new(); lines.len()];
    let mut places = Near::within(SAME_M);
    for (number, lane) in lanes.iter().enumerate().filter_map(|(number, lane)| Some((number, lane.as_ref()?))) {
        lane.places(number).for_each(|place| places.add(place.now, place));
    }
    let is_astray = |lane: &Lane, number: usize| lane.metres_on_anothers(number, &places) > ASTRAY_M;
    let astray: Vec<usize> =
        (0..lanes.len()).filter(|&number| lanes[number].as_ref().is_some_and(|lane| is_astray(lane, number))).collect();
    if !astray.is_empty() {
        let mut own = own_tracks(&coarse, map);
        for number in astray {
            let own = std::mem::take(&mut own[number]);
            if let Some(line) = coarse[number].clone().filter(|_| own.iter().any(Option::is_some)) {
                others[number].push(Lane::new(line, Some(own), map).moved(&lines[number]));
            }
        }
    }
    (followed, others)
}

/// Each line along the track of the map that is its own, however near another one runs.
pub fn along_own(lines: &[Centreline], map: &YardMap) -> Vec<Centreline> {
    let coarse: Vec<Option<Centreline>> = lines.iter().map(|line| line.with_step(STEP_M)).collect();
    let own = own_tracks(&coarse, map);
    let along = |((line, coarse), own): ((&Centreline, Option<Centreline>), Vec<Option<f64>>)| {
        coarse.map_or_else(|| line.clone(), |coarse| Lane::new(coarse, Some(own), map).moved(line))
    };
    lines.iter().zip(coarse).zip(own).map(along).collect()
}

/// A line and what the map shows beside it.
struct Lane {
    line: Centreline,
    /// Largest offset, metres to either side.
    reach_m: f64,
    /// Evidence for each point and offset.
    evidence: Vec<Vec<f64>>,
    /// Offset of each point along the path, as its number.
    path: Vec<usize>,
}

/// Where a lane runs now, and where it was given.
struct Place {
    lane: usize,
    now: [f64; 2],
    given: [f64; 2],
}

impl Lane {
    /// A line beside which the evidence is followed; of one that keeps to its `own` track, with the offset of that at each point, metres, where there is
    /// one.
    fn new(line: Centreline, own: Option<Vec<Option<f64>>>, map: &YardMap) -> Self {
        let reach_m = if own.is_some() { REACH_M } else { NEAR_M };
        let offsets = (2.0 * reach_m / FINE_M).round() as usize + 1;
        let mut lane = Self { line, reach_m, evidence: Vec::new(), path: Vec::new() };
        let at = |i: usize| {
            let tangent = lane.line.tangent(i);
            (0..offsets).map(|k| support(map, lane.beside(i, tangent, k), tangent)).collect()
        };
        lane.evidence = (0..lane.line.points.len()).map(at).collect();
        lane.path = lane.path(&own.unwrap_or_default());
        lane
    }

    /// Offset with a number, metres to the right.
    fn offset(&self, k: usize) -> f64 {
        k as f64 * FINE_M - self.reach_m
    }

    fn place(&self, i: usize, k: usize) -> [f64; 2] {
        self.beside(i, self.line.tangent(i), k)
    }

    fn beside(&self, i: usize, tangent: [f64; 2], k: usize) -> [f64; 2] {
        let [x, y] = self.line.points[i];
        [x - tangent[1] * self.offset(k), y + tangent[0] * self.offset(k)]
    }

    /// Where it runs, as the lane with a number.
    fn places(&self, lane: usize) -> impl Iterator<Item = Place> {
        self.path.iter().enumerate().map(move |(i, &k)| Place { lane, now: self.place(i, k), given: self.line.points[i] })
    }

    /// Length of the path on which another line runs along the same track, but where both were given together.
    fn metres_on_anothers(&self, number: usize, places: &Near<Place>) -> f64 {
        let far = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        let shared = |own: &Place| {
            let other = |place: &&Place| place.lane != number && far(place.now, own.now) <= SAME_M;
            places.of(own.now).filter(other).any(|place| far(place.given, own.given) > MEET_M)
        };
        self.places(number).filter(shared).count() as f64 * STEP_M
    }

    /// The path along the evidence, near to the line's `own` track where there is one, else near to the line.
    fn path(&self, own: &[Option<f64>]) -> Vec<usize> {
        let (evidence, offset) = (&self.evidence, |k: usize| self.offset(k));
        let n = evidence.first().map_or(0, Vec::len);
        let mean = |k: usize| evidence.iter().map(|r| r[k]).sum::<f64>() / evidence.len() as f64 - TRACK_COST * offset(k).powi(2);
        let near = (0..n).filter(|&k| offset(k).abs() <= NEAR_M);
        let line = offset(near.fold((0, f64::MIN), |best, k| if mean(k) > best.1 { (k, mean(k)) } else { best }).0);
        let from_track = |i: usize, k: usize| offset(k) - own.get(i).copied().flatten().unwrap_or(line);
        let unary = |i: usize, k: usize| evidence[i][k] - POINT_COST * from_track(i, k).powi(2);
        let mut value: Vec<f64> = (0..n).map(|k| unary(0, k)).collect();
        let mut from: Vec<Vec<usize>> = vec![Vec::new()];
        for i in 1..evidence.len() {
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
        let mut path = vec![0; evidence.len()];
        for i in (0..evidence.len()).rev() {
            path[i] = k;
            if i > 0 {
                k = from[i][k];
            }
        }
        path
    }

    /// The line as it was given, moved onto the path.
    fn moved(&self, line: &Centreline) -> Centreline {
        let offsets: Vec<f64> = self.path.iter().map(|k| self.offset(*k)).collect();
        let path = smoothed(&offsets, (SMOOTH_M / 2.0 / STEP_M) as usize);
        let fine: Vec<f64> = (0..line.points.len())
            .map(|i| {
                let at = (i as f64 * line.step / STEP_M).min((path.len() - 1) as f64);
                let (a, f) = (at.floor() as usize, at.fract());
                path[a] * (1.0 - f) + path[(a + 1).min(path.len() - 1)] * f
            })
            .collect();
        line.moved(&fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Evidence;

    /// A map that shows tracks whose distance from the x axis is given for every x.
    fn map(tracks: &[&dyn Fn(f64) -> f64]) -> YardMap {
        let cells = (0..400).flat_map(|col| (0..40).map(move |row| (col, row)));
        YardMap::of_cells(cells.map(|(col, row)| {
            let nearest = tracks.iter().map(|track| (track(col as f64 + 0.5) - row as f64 - 0.5).abs()).fold(f64::MAX, f64::min);
            (
                col,
                row,
                Evidence {
                    track: 0.9 * (-0.5 * (nearest / 0.8).powi(2)).exp() as f32,
                    heading: [1.0, 0.0],
                    ..Evidence::default()
                },
            )
        }))
    }

    fn line(y: &dyn Fn(f64) -> f64) -> Centreline {
        let points: Vec<[f64; 2]> = (0..=80).map(|i| [f64::from(i) * 5.0, y(f64::from(i) * 5.0)]).collect();
        Centreline::resampled(&points, 0.5).unwrap()
    }

    /// The furthest that a line is from where its track is, 10 m off the map's ends.
    fn off(line: &Centreline, track: &dyn Fn(f64) -> f64) -> f64 {
        let inner = line.points.iter().filter(|p| (10.0..390.0).contains(&p[0]));
        inner.map(|p| (p[1] - track(p[0])).abs()).fold(0.0, f64::max)
    }

    /// Each line along its own track where it followed another's.
    fn own(lines: &[Centreline], map: &YardMap) -> Vec<Centreline> {
        let (followed, others) = follow(lines, map);
        followed.into_iter().zip(others).map(|(line, mut own)| own.pop().unwrap_or(line)).collect()
    }

    /// It followed its neighbour's, and the cars of its own were lost.
    #[test]
    fn a_line_drawn_nearer_to_its_neighbours_track_finds_its_own() {
        let tracks: [&dyn Fn(f64) -> f64; 3] = [&|_| 10.0, &|_| 14.8, &|_| 19.6];
        let given = [line(&|_| 9.0), line(&|_| 12.2), line(&|_| 19.3)];
        for (line, track) in own(&given, &map(&tracks)).iter().zip(tracks) {
            assert!(off(line, track) < 1.0, "{}", off(line, track));
        }
    }

    #[test]
    fn lines_that_meet_at_a_switch_share_the_track_before_it() {
        let branch = |x: f64| 10.0 + (x - 150.0).max(0.0) / 9.0;
        let tracks: [&dyn Fn(f64) -> f64; 2] = [&|_| 10.0, &branch];
        let given = [line(&|_| 11.0), line(&|x| branch(x) + 1.8)];
        let (followed, others) = follow(&given, &map(&tracks));
        for (line, track) in followed.iter().zip(tracks) {
            assert!(off(line, track) < 1.0, "{}", off(line, track));
        }
        assert!(others.iter().all(Vec::is_empty), "none is astray");
    }

    #[test]
    fn where_the_map_shows_nothing_lines_stay() {
        let given = [line(&|_| 10.0), line(&|_| 12.0)];
        let empty = YardMap::of_cells([]);
        assert!(own(&given, &empty).iter().zip(&given).all(|(a, b)| off(a, &|_| b.points[0][1]) < 1e-9));
        assert!(own(&[], &empty).is_empty());
    }
}

//! Given tracks retraced along what the scenes of a site show together.
//!
//! One image shows a track under strings and shadows; many show where it lies. A track that was drawn along its course is off by much the same all
//! along, and follows what is beside it. One that was drawn freehand wanders across its neighbours' and is dealt the track that is its own.

use super::tracks::between_suppressed;
use crate::threshold::YardMap;
use crate::track::Centreline;
use crate::track::abreast::{along_own, follow};

/// Tracks of which the error varies by more than this along each of them, metres (root mean square over all), were drawn freehand. Sixteen rendered series
/// have less; of nine whose lines were made to wander by 0.5 to 1.8 m (`training/misdrawn.py`) eight have more.
const WANDERING_M: f64 = 0.35;

/// Tracks as they were retraced.
#[derive(Debug)]
pub struct Retraced {
    /// The lines, in the order given.
    pub lines: Vec<Centreline>,
    /// Whether the given ones were drawn along their tracks, so that these lie on them to a few decimetres.
    pub sure: bool,
}

/// Retraces lines that are off by their own errors only, not by one that they have in common.
pub fn retrace(lines: &[Centreline], map: &YardMap) -> Retraced {
    let (beside, _) = follow(lines, map);
    if wandering_m(lines, &beside, map) <= WANDERING_M {
        return Retraced { lines: beside, sure: true };
    }
    Retraced { lines: along_own(lines, &between_suppressed(map)), sure: false }
}

/// How much the way from lines to the same ones on the map varies along each of them, metres: root mean square over all points at which the map shows
/// something. A main line may run on for kilometres beyond it.
fn wandering_m(lines: &[Centreline], moved: &[Centreline], map: &YardMap) -> f64 {
    let (mut sum, mut number) = (0.0, 0.0);
    for (line, moved) in lines.iter().zip(moved) {
        let right = |(i, [x, y]): (usize, &[f64; 2])| {
            let ([px, py], [tx, ty]) = (line.points[i], line.tangent(i));
            (y - py) * tx - (x - px) * ty
        };
        let points = moved.points.iter().enumerate().take(line.points.len());
        let offsets: Vec<f64> = points.filter(|(_, [x, y])| map.at(*x, *y).track > 0.0).map(right).collect();
        let count = offsets.len() as f64;
        let mean = offsets.iter().sum::<f64>() / count.max(1.0);
        sum += offsets.iter().map(|offset| (offset - mean).powi(2)).sum::<f64>();
        number += count;
    }
    if number > 0.0 { f64::sqrt(sum / number) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Evidence;

    /// Tracks 5 m apart along the x axis.
    const TRACKS: [f64; 3] = [20.0, 25.0, 30.0];

    fn map() -> YardMap {
        let cells = (0..400).flat_map(|col| (0..50).map(move |row| (col, row)));
        YardMap::of_cells(cells.map(|(col, row)| {
            let nearest = TRACKS.iter().map(|track| (track - row as f64 - 0.5).abs()).fold(f64::MAX, f64::min);
            let track = 0.9 * (-0.5 * (nearest / 0.8).powi(2)).exp() as f32;
            (col, row, Evidence { track, heading: [1.0, 0.0], ..Evidence::default() })
        }))
    }

    fn drawn(error: impl Fn(usize, f64) -> f64) -> Vec<Centreline> {
        let line = |(k, track): (usize, &f64)| {
            let points: Vec<[f64; 2]> = (0..=80).map(|i| [f64::from(i) * 5.0, track + error(k, f64::from(i) * 5.0)]).collect();
            Centreline::resampled(&points, 1.0)
        };
        TRACKS.iter().enumerate().filter_map(line).collect()
    }

    fn largest_error(lines: &[Centreline]) -> f64 {
        let far =
            |(line, track): (&Centreline, &f64)| line.points[30..370].iter().map(|p| (p[1] - track).abs()).fold(0.0, f64::max);
        lines.iter().zip(&TRACKS).map(far).fold(0.0, f64::max)
    }

    #[test]
    fn lines_that_are_off_by_the_same_all_along_are_sure_and_lie_on_their_tracks() {
        let retraced = retrace(&drawn(|k, _| [1.2, -0.8, 0.5][k]), &map());
        assert!(retraced.sure && largest_error(&retraced.lines) < 0.6, "{}", largest_error(&retraced.lines));
    }

    /// Half a spacing and more off, in turn to either side: each would follow its neighbour's track here and there.
    #[test]
    fn lines_that_wander_are_not_sure_and_keep_to_their_own_tracks() {
        let lines = drawn(|k, x| 2.8 * (x / 40.0 + k as f64).sin());
        assert!(largest_error(&follow(&lines, &map()).0) > 3.0, "following what is beside them they stray");
        let retraced = retrace(&lines, &map());
        assert!(!retraced.sure && largest_error(&retraced.lines) < 1.0, "{}", largest_error(&retraced.lines));
    }

    /// The lines' ground beyond the map would hide that they wander on it.
    #[test]
    fn lines_that_run_on_beyond_the_map_wander_as_those_that_end_there() {
        let long = drawn(|k, x| 2.8 * (x / 40.0 + k as f64).sin()).into_iter().map(|line| {
            let end = line.points[line.points.len() - 1];
            let points: Vec<[f64; 2]> = line.points.into_iter().chain([[end[0] + 20_000.0, end[1]]]).collect();
            Centreline::resampled(&points, 1.0)
        });
        assert!(!retrace(&long.flatten().collect::<Vec<_>>(), &map()).sure);
    }
}

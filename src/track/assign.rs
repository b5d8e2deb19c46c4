//! Which track found in the image is which given line's: pairs of a line and a found track beside it are accepted from the nearest on, each stretch of either
//! once (greedy matching of a bipartite graph).

use std::collections::BTreeMap;

use super::abreast::{REACH_M, STEP_M};
use super::find::find;
use super::line::Centreline;
use super::near::Near;
use crate::threshold::YardMap;

/// A found track runs beside a line where they go the same way (16 degrees), over at least so many metres.
const SAME_WAY: f64 = 0.96;
const TOGETHER_M: f64 = 30.0;

/// A point of a line, the one of a found track beside it, and how far that lies to the right, metres.
type Beside = (usize, usize, f64);

/// For each point of each line (with points every [`STEP_M`]) how far to its right the found track lies that is its own, metres; none where there is none.
pub fn own_tracks(lines: &[Option<Centreline>], map: &YardMap) -> Vec<Vec<Option<f64>>> {
    let found: Vec<Centreline> = find(map).into_iter().filter_map(|found| found.line.with_step(STEP_M)).collect();
    dealt_out(lines, &found)
}

fn dealt_out(lines: &[Option<Centreline>], found: &[Centreline]) -> Vec<Vec<Option<f64>>> {
    let mut pairs: Vec<(f64, (usize, usize), Vec<Beside>)> = beside(lines, found)
        .into_iter()
        .filter(|(_, points)| points.len() as f64 * STEP_M >= TOGETHER_M)
        .map(|(pair, points)| (points.iter().map(|(_, _, right)| right * right).sum::<f64>() / points.len() as f64, pair, points))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut own: Vec<Vec<Option<f64>>> =
        lines.iter().map(|line| vec![None; line.as_ref().map_or(0, |line| line.points.len())]).collect();
    let mut taken: Vec<Vec<bool>> = found.iter().map(|track| vec![false; track.points.len()]).collect();
    for (_, (line, track), points) in pairs {
        let free: Vec<&Beside> = points.iter().filter(|(i, j, _)| own[line][*i].is_none() && !taken[track][*j]).collect();
        if 2 * free.len() >= points.len() {
            for &&(i, j, right) in &free {
                own[line][i] = Some(right);
                taken[track][j] = true;
            }
        }
    }
    own
}

/// Where found tracks (the second of each pair) run beside lines.
fn beside(lines: &[Option<Centreline>], found: &[Centreline]) -> BTreeMap<(usize, usize), Vec<Beside>> {
    let mut near = Near::within(2.0 * REACH_M);
    for (track, line) in found.iter().enumerate() {
        line.points.iter().enumerate().for_each(|(j, &point)| near.add(point, (track, j)));
    }
    let mut pairs: BTreeMap<(usize, usize), Vec<Beside>> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate().filter_map(|(number, line)| Some((number, line.as_ref()?))) {
        for (i, &[x, y]) in line.points.iter().enumerate() {
            let t = line.tangent(i);
            for &(track, j) in near.of([x, y]) {
                let ([fx, fy], ft) = (found[track].points[j], found[track].tangent(j));
                let (along, right) = ((fx - x) * t[0] + (fy - y) * t[1], (fy - y) * t[0] - (fx - x) * t[1]);
                let same_way = (t[0] * ft[0] + t[1] * ft[1]).abs() >= SAME_WAY;
                if same_way && along.abs() <= STEP_M / 2.0 && right.abs() <= REACH_M {
                    pairs.entry((number, track)).or_default().push((i, j, right));
                }
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(y: f64, from: f64, to: f64) -> Centreline {
        Centreline::resampled(&[[from, y], [to, y]], STEP_M).unwrap()
    }

    fn own(lines: &[Centreline], found: &[Centreline]) -> Vec<Option<f64>> {
        let lines: Vec<Option<Centreline>> = lines.iter().cloned().map(Some).collect();
        dealt_out(&lines, found).iter().map(|own| own[own.len() / 2]).collect()
    }

    #[test]
    fn each_line_has_a_track_of_its_own_though_both_are_nearest_to_one() {
        let lines = [line(0.0, 0.0, 200.0), line(3.0, 0.0, 200.0)];
        // Tracks at 2.4 and 6.4: the second is the first line's neighbour's, which lies 0.6 from the first track.
        assert_eq!(own(&lines, &[line(2.4, -50.0, 250.0), line(6.4, -50.0, 250.0)]), [None, Some(2.4 - 3.0)]);
        assert_eq!(own(&lines, &[line(-1.4, 0.0, 200.0), line(2.4, 0.0, 200.0)]), [Some(-1.4), Some(2.4 - 3.0)]);
    }

    #[test]
    fn a_track_that_is_crossed_or_short_or_too_far_is_nobodys() {
        let crossing = Centreline::resampled(&[[100.0, -100.0], [100.0, 100.0]], STEP_M).unwrap();
        assert_eq!(own(&[line(0.0, 0.0, 200.0)], &[crossing, line(1.0, 90.0, 115.0), line(4.5, 0.0, 200.0)]), [None]);
    }

    #[test]
    fn one_found_track_may_be_two_lines_one_after_the_other() {
        assert_eq!(own(&[line(0.0, 0.0, 100.0), line(1.0, 102.0, 200.0)], &[line(0.5, 0.0, 200.0)]), [Some(0.5), Some(-0.5)]);
    }

    #[test]
    fn a_track_most_of_which_is_anothers_is_not_dealt_out_again() {
        // The nearest line takes so many metres of the 200 that the second has beside the track.
        let at_the_end = |taken: f64| {
            let lines = [line(0.0, 0.0, taken), line(2.0, 0.0, 200.0)].map(Some);
            dealt_out(&lines, &[line(0.5, 0.0, 200.0)])[1].last().copied().flatten()
        };
        assert_eq!(at_the_end(130.0), None);
        assert_eq!(at_the_end(80.0), Some(0.5 - 2.0));
    }
}

//! Which of the lines that were found are tracks: a line for itself, and a line as part of a yard.
//!
//! A car is believed only on a track. Rows of containers, lorries and sheds make lines that hold something like cars; they are short and
//! doubtful all along, and they do not run beside tracks that are certain, as the tracks of a yard do.

use std::collections::HashMap;

use super::Class;
use super::walk::Walked;
use crate::tile::Area;
use crate::track::Centreline;

/// What is asked of a line ([`features`]), in the order of [`WEIGHTS`].
pub const FEATURES: [&str; 9] = ["score", "log_length", "beside", "between", "flats", "lone", "bare", "existence", "log_cars"];
/// Log odds that the cars of a line are cars: constant, and weight of each feature. Made by `training/belief.py`.
const CONSTANT: f64 = -4.74;
const WEIGHTS: [f64; FEATURES.len()] = [0.67, -0.86, 2.11, 0.68, -1.85, -0.6, 0.02, 2.65, -0.14];
/// Log odds from which cars are believed.
const BELIEVED: f64 = 0.0;
/// A line that lies in the image with both ends and is shorter than the shortest siding, metres, stands alone.
const LONE_M: f64 = 100.0;
/// A line that ends this near to the image's border may go on beyond it, metres.
const BORDER_M: f64 = 15.0;
/// Score from which a line is certain, so that it speaks for its neighbours; a line without cars speaks for them when it is bare track over
/// this length, metres.
const CERTAIN: f64 = 4.5;
const BARE_M: f64 = 100.0;
/// Shortest line that speaks for its neighbours, metres, unless it crosses the whole image: rows of trees are 60 to 110 m long on rendered scenes,
/// sidings beside which nothing longer runs are rare.
const SOMEWHERE_M: f64 = 150.0;
/// Tracks of a yard lie this far apart, metres: the narrowest spacing, and a road or a platform between two tracks.
const APART_M: [f64; 2] = [3.4, 14.0];
/// Between two tracks that lie this near on either side, metres, there is room for a track and for nothing else: no road, no platform, no row of
/// containers.
const NEXT_M: [f64; 2] = [3.4, 6.5];
/// Cosine of the largest angle between neighbours, 8 degrees: the angle of a ladder.
const PARALLEL: f64 = 0.99;
/// Distance between the points of a line that are compared, metres.
const STEP_M: f64 = 5.0;

/// What is thought of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Its features, see [`FEATURES`].
    pub features: [f64; FEATURES.len()],
    /// Whether its cars are believed.
    pub believed: bool,
}

/// Judges every line; `image` is the ground that the image covers.
pub fn judged(lines: &[Walked], image: Area) -> Vec<Judgement> {
    let mut neighbours = Neighbours::default();
    for (number, walked) in lines.iter().enumerate() {
        let sure: f64 = walked.sure.iter().map(Centreline::length).sum();
        if !leads_somewhere(&walked.line, image) {
            continue;
        }
        if if walked.candidates.is_empty() { sure >= BARE_M } else { walked.score >= CERTAIN } {
            walked.sure.iter().for_each(|stretch| neighbours.add(number, stretch));
        }
    }
    lines
        .iter()
        .enumerate()
        .map(|(number, walked)| {
            let features = features(walked, neighbours.shares(number, &walked.line), image);
            let log_odds = CONSTANT + features.iter().zip(WEIGHTS).map(|(feature, weight)| feature * weight).sum::<f64>();
            Judgement { features, believed: log_odds >= BELIEVED }
        })
        .collect()
}

/// The features of a line, of which such shares run beside a certain track, and between two.
fn features(walked: &Walked, [beside, between]: [f64; 2], image: Area) -> [f64; FEATURES.len()] {
    let length = walked.line.length().max(1.0);
    let lone = length < LONE_M && open_ends(&walked.line, image) == 0;
    let cars = walked.candidates.len().max(1) as f64;
    [
        walked.score,
        (length / LONE_M).ln(),
        beside,
        between,
        flats(walked),
        f64::from(u8::from(lone)),
        walked.bare,
        walked.existence,
        cars.ln(),
    ]
}

/// Share of a line's cars that are flats.
fn flats(walked: &Walked) -> f64 {
    let flats = walked.candidates.iter().filter(|candidate| candidate.vehicle.class == Class::Flat).count();
    flats as f64 / walked.candidates.len().max(1) as f64
}

/// How many ends of a line may go on beyond the image.
fn open_ends(line: &Centreline, image: Area) -> usize {
    let inner = image.grown(-BORDER_M);
    line.points.first().into_iter().chain(line.points.last()).filter(|&&end| !inner.contains(end)).count()
}

/// Whether a line is long enough to speak for its neighbours. The rows of an orchard lie side by side as tracks do, and each would speak for all;
/// they lead nowhere.
fn leads_somewhere(line: &Centreline, image: Area) -> bool {
    line.length() >= SOMEWHERE_M || open_ends(line, image) == 2
}

/// A point of a certain track.
struct Beside {
    track: usize,
    point: [f64; 2],
    tangent: [f64; 2],
}

/// Points of the certain tracks, in cells of [`APART_M`].
#[derive(Default)]
struct Neighbours {
    cells: HashMap<(i64, i64), Vec<Beside>>,
}

impl Neighbours {
    fn cell([x, y]: [f64; 2]) -> (i64, i64) {
        ((x / APART_M[1]).floor() as i64, (y / APART_M[1]).floor() as i64)
    }

    fn points(line: &Centreline) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
        let every = (STEP_M / line.step).max(1.0) as usize;
        (0..line.points.len()).step_by(every).map(|i| (line.points[i], line.tangent(i)))
    }

    fn add(&mut self, track: usize, line: &Centreline) {
        for (point, tangent) in Self::points(line) {
            self.cells.entry(Self::cell(point)).or_default().push(Beside { track, point, tangent });
        }
    }

    /// Shares of a line's points that have a certain track beside them, and the next track on either side.
    fn shares(&self, number: usize, line: &Centreline) -> [f64; 2] {
        let (mut beside, mut between, mut all) = (0usize, 0usize, 0usize);
        for (point, tangent) in Self::points(line) {
            let (col, row) = Self::cell(point);
            let near = (-1..=1).flat_map(|dc| (-1..=1).map(move |dr| (col + dc, row + dr)));
            let across = near.filter_map(|key| self.cells.get(&key)).flatten().filter_map(|other| {
                let ([x, y], [tx, ty]) = (other.point, other.tangent);
                let (dx, dy) = (x - point[0], y - point[1]);
                let along = (dx * tangent[0] + dy * tangent[1]).abs();
                let parallel = (tx * tangent[0] + ty * tangent[1]).abs() >= PARALLEL;
                (other.track != number && parallel && along <= STEP_M).then_some(dy * tangent[0] - dx * tangent[1])
            });
            let (mut any, mut left, mut right) = (false, false, false);
            for across in across {
                any |= within(across.abs(), APART_M);
                left |= within(-across, NEXT_M);
                right |= within(across, NEXT_M);
            }
            all += 1;
            beside += usize::from(any);
            between += usize::from(left && right);
        }
        [beside, between].map(|points| points as f64 / all.max(1) as f64)
    }
}

fn within(metres: f64, [least, most]: [f64; 2]) -> bool {
    (least..=most).contains(&metres)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Vehicle;
    use crate::count::walk::Candidate;
    use crate::segment::side_by_side::Footprint;

    const IMAGE: Area = Area { x0: -100.0, y0: -100.0, x1: 400.0, y1: 400.0 };

    fn line(y: f64, score: f64) -> Walked {
        stretch([0.0, 300.0], y, score)
    }

    fn stretch([from, to]: [f64; 2], y: f64, score: f64) -> Walked {
        let line = Centreline::resampled(&[[from, y], [to, y]], 0.25).unwrap();
        Walked { sure: vec![line.clone()], line, score, existence: 0.9, bare: 0.5, ..Walked::default() }
    }

    fn believed(lines: &[Walked]) -> Vec<bool> {
        judged(lines, IMAGE).iter().map(|judgement| judgement.believed).collect()
    }

    #[test]
    fn a_doubtful_line_is_believed_beside_a_bare_track_and_not_alone() {
        let bare = line(0.0, 0.0);
        let judged = |other: Walked| believed(&[line(0.0, 0.0), other])[1];
        assert!(judged(line(4.5, 2.5)), "one spacing from a bare track");
        assert!(!judged(line(40.0, 2.5)), "far from it");
        assert!(!judged(line(1.5, 2.5)), "on the same track");
        assert!(!judged(line(4.5, 0.5)), "hardly a track at all");
        assert!(!believed(&[Walked { sure: Vec::new(), ..bare }, line(4.5, 2.5)])[1], "beside what is no track");
    }

    /// In the Muttenz yard six cars beside full tracks were dropped, since what had been missed beside them did not look like track.
    #[test]
    fn a_line_between_two_certain_tracks_needs_less() {
        let between = |score: f64| believed(&[line(0.0, 6.0), line(4.5, score), line(9.0, 6.0)])[1];
        let beside = |score: f64| believed(&[line(0.0, 6.0), line(4.5, score)])[1];
        let least = |believed: &dyn Fn(f64) -> bool| (0..100).map(|k| f64::from(k) / 10.0).find(|&score| believed(score));
        assert!(least(&between) < least(&beside), "{:?} {:?}", least(&between), least(&beside));
    }

    fn holding(walked: Walked, classes: &[Class]) -> Walked {
        let candidate = |&class: &Class| Candidate {
            vehicle: Vehicle {
                id: 0,
                class,
                confidence: 1.0,
                length_m: 14.0,
                width_m: 3.1,
                heading_deg: 90.0,
                track: 0,
                string: 0,
                col: 0.0,
                row: 0.0,
                corners: [[0.0; 2]; 4],
                colour: [0; 3],
            },
            footprint: Footprint { centre: [0.0; 2], axis: [1.0, 0.0], length: 14.0, claim: 1.0, track: 0 },
            coupled: false,
        };
        Walked { candidates: classes.iter().map(candidate).collect(), ..walked }
    }

    /// 214 trees of two orchards were counted in a winter scene.
    #[test]
    fn short_rows_side_by_side_do_not_speak_for_each_other() {
        let rows = |metres: f64| {
            let rows: Vec<Walked> =
                (0..6).map(|k| holding(stretch([0.0, metres], 5.0 * f64::from(k), 5.2), &[Class::Flat; 5])).collect();
            believed(&rows)
        };
        assert_eq!(rows(105.0), [false; 6], "trees");
        assert_eq!(rows(300.0), [true; 6], "tracks");
    }

    #[test]
    fn a_line_of_flats_must_be_surer() {
        let least = |classes: &[Class]| {
            let mut scores = (0..100).map(|k| f64::from(k) / 10.0);
            scores.find(|&score| believed(&[line(0.0, 5.0), holding(line(4.5, score), classes)])[1])
        };
        assert!(least(&[Class::Flat; 3]) > least(&[Class::Gondola; 3]));
    }
}

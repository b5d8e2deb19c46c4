//! Which of the lines that were found are tracks: a line for itself, and a line as part of a yard.
//!
//! A car is believed only on a track. Rows of containers, lorries and sheds make lines that hold something like cars; they are short and
//! doubtful all along, and they do not run beside tracks that are certain, as the tracks of a yard do.

use std::collections::HashMap;

use super::Class;
use super::walk::Walked;
use crate::tile::Area;
use crate::track::Centreline;

/// Least score ([`Walked::score`]) of a line that stands alone, and of one that runs beside certain tracks. Looked at on the lines found in the
/// shared labelled scenes, in the two Muttenz crops, and in the real images without railway.
const ALONE: f64 = 3.0;
const BESIDE: f64 = 1.5;
/// A strip of bare ground between tracks or a verge looks like a row of empty flat cars: a line of which at least this share of cars are flats
/// must be certain by itself. Of lines less sure than that, 45 of 76 such cars were false on rendered scenes.
const FLATS: f64 = 0.6;
/// A line that stands alone and lies in the image with both ends must be as long as the shortest siding, metres: shorter ones were pieces of
/// road, in 9 of 11 cars on rendered scenes.
const LONE_M: f64 = 100.0;
/// A line that ends this near to the image's border may go on beyond it, metres.
const BORDER_M: f64 = 15.0;
/// Score from which a line is certain, so that it speaks for its neighbours; a line without cars speaks for them when it is bare track over
/// this length, metres.
const CERTAIN: f64 = 4.5;
const BARE_M: f64 = 100.0;
/// Tracks of a yard lie this far apart, metres: the narrowest spacing, and a road or a platform between two tracks.
const APART_M: [f64; 2] = [3.4, 14.0];
/// Share of a line's length that must have such a neighbour.
const SHARE: f64 = 0.6;
/// Cosine of the largest angle between neighbours, 8 degrees: the angle of a ladder.
const PARALLEL: f64 = 0.99;
/// Distance between the points of a line that are compared, metres.
const STEP_M: f64 = 5.0;

/// For each line whether its cars are believed; `image` is the ground that the image covers.
pub fn believed(lines: &[Walked], image: Area) -> Vec<bool> {
    let mut neighbours = Neighbours::default();
    for (number, walked) in lines.iter().enumerate() {
        let sure: f64 = walked.sure.iter().map(Centreline::length).sum();
        if if walked.candidates.is_empty() { sure >= BARE_M } else { walked.score >= CERTAIN } {
            walked.sure.iter().for_each(|stretch| neighbours.add(number, stretch));
        }
    }
    lines
        .iter()
        .enumerate()
        .map(|(number, walked)| {
            let bars = if flats(walked) < FLATS { [ALONE, BESIDE] } else { [CERTAIN; 2] };
            walked.score >= bars[0] && (walked.line.length() >= LONE_M || goes_on(&walked.line, image))
                || walked.score >= bars[1] && neighbours.share(number, &walked.line) >= SHARE
        })
        .collect()
}

/// Share of a line's cars that are flats.
fn flats(walked: &Walked) -> f64 {
    let flats = walked.candidates.iter().filter(|candidate| candidate.vehicle.class == Class::Flat).count();
    flats as f64 / walked.candidates.len().max(1) as f64
}

/// Whether a line may go on beyond the image.
fn goes_on(line: &Centreline, image: Area) -> bool {
    let inner = image.grown(-BORDER_M);
    line.points.first().into_iter().chain(line.points.last()).any(|&end| !inner.contains(end))
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

    /// Share of a line's points that have a certain track beside them.
    fn share(&self, number: usize, line: &Centreline) -> f64 {
        let (mut beside, mut all) = (0usize, 0usize);
        for (point, tangent) in Self::points(line) {
            let (col, row) = Self::cell(point);
            let mut near = (-1..=1)
                .flat_map(|dc| (-1..=1).map(move |dr| (col + dc, row + dr)))
                .filter_map(|key| self.cells.get(&key))
                .flatten();
            all += 1;
            beside += usize::from(near.any(|other| {
                let ([x, y], [tx, ty]) = (other.point, other.tangent);
                let (dx, dy) = (x - point[0], y - point[1]);
                let across = (dy * tangent[0] - dx * tangent[1]).abs();
                let along = (dx * tangent[0] + dy * tangent[1]).abs();
                let parallel = (tx * tangent[0] + ty * tangent[1]).abs() >= PARALLEL;
                other.track != number && parallel && along <= STEP_M && (APART_M[0]..=APART_M[1]).contains(&across)
            }));
        }
        beside as f64 / all.max(1) as f64
    }
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
        Walked { sure: vec![line.clone()], line, score, ..Walked::default() }
    }

    #[test]
    fn a_doubtful_line_is_believed_beside_a_bare_track_and_not_alone() {
        let bare = line(0.0, 0.0);
        let judged = |other: Walked| believed(&[line(0.0, 0.0), other], IMAGE)[1];
        assert!(judged(line(4.5, 2.0)), "one spacing from a bare track");
        assert!(!judged(line(40.0, 2.0)), "far from it");
        assert!(!judged(line(1.5, 2.0)), "on the same track");
        assert!(!judged(line(4.5, 1.0)), "hardly a track at all");
        assert!(!believed(&[Walked { sure: Vec::new(), ..bare }, line(4.5, 2.0)], IMAGE)[1], "beside what is no track");
    }

    #[test]
    fn a_short_line_is_no_track_unless_it_goes_on_or_has_neighbours() {
        let alone = |ends: [f64; 2]| believed(&[stretch(ends, 200.0, 4.0)], IMAGE)[0];
        assert!(alone([50.0, 170.0]) && !alone([50.0, 110.0]), "120 and 60 m inside the image");
        assert!(alone([330.0, 390.0]) && alone([-95.0, -35.0]), "at either border");
        assert!(believed(&[line(0.0, 5.0), stretch([50.0, 110.0], 4.5, 4.0)], IMAGE)[1], "beside a certain track");
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

    #[test]
    fn a_line_of_flats_must_be_certain_even_beside_a_certain_one() {
        let judged = |score: f64, classes: &[Class]| {
            believed(&[line(0.0, 5.0), holding(line(4.5, score), classes), holding(line(90.0, score), classes)], IMAGE)
        };
        let mixed = [Class::Flat, Class::Gondola, Class::Gondola];
        assert_eq!(judged(4.0, &mixed), [true; 3], "a third are flats");
        assert_eq!(judged(4.0, &[Class::Flat; 3]), [true, false, false]);
        assert_eq!(judged(5.0, &[Class::Flat; 3]), [true; 3]);
    }
}

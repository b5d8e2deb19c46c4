//! What is always there: a bush beside the rails, a patch of oil between them or a platform's roof looks like a car in some images of a site, and the same in
//! all of them. A car comes and goes.

use std::fmt;
use std::sync::Arc;

use super::Vehicle;
use super::walk::Walked;

/// How much the ground under and around a vehicle looks in a scene as it does in most images of its site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Correlation of the two looks.
    pub correlation: f64,
    /// Mean difference between them, in standard deviations of the surroundings.
    pub difference: f64,
}

/// How much the place of a vehicle looks as usual; nothing of places that too few images show.
pub type LikenessOf = dyn Fn(&Vehicle) -> Option<Likeness> + Send + Sync;

/// Compares a scene with its site.
#[derive(Clone)]
pub struct Compare(pub Arc<LikenessOf>);

impl fmt::Debug for Compare {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Compare")
    }
}

/// Log odds that something is always there: constant, and weight of the correlation, of the difference, and of the log odds of the car's confidence. Made by
/// `training/usual.py`, of series in which some cars never move: those are seen for cars in most images, and stay.
const USUAL: [f64; 4] = [1.91, 3.04, -4.95, -0.95];
/// Log odds that the cars of a found line are cars: constant, and weight of the log odds by the image itself ([`super::belief`]), of the mean correlation and of
/// the mean difference. Made by `training/usual.py`.
const LINE: [f64; 4] = [-1.67, 1.14, -2.48, 3.44];
/// The site's other images take off a line at most so much, log odds: what always looks so may be cars that never move. Of 183 lines of such cars in three
/// rendered series two are lost so, four without; 103 false cars of 22 series are left, 96 without.
const AT_MOST: f64 = 1.5;
/// No car is taken to be surer than this.
const SUREST: f64 = 0.998;

/// A car and what the site says of it.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Column and row of its middle.
    pub place: [f64; 2],
    /// How sure it is.
    pub confidence: f64,
    /// How much it looks as its place always does.
    pub likeness: Likeness,
}

/// Takes off their lines what is always there, and notes it on them; says what was compared.
pub fn drop_usual(lines: &mut [Walked], compare: &Compare) -> Vec<Compared> {
    let mut compared = Vec::new();
    for walked in lines {
        let (usual, likenesses) = (&mut walked.usual, &mut walked.likenesses);
        walked.candidates.retain(|candidate| {
            let Some(likeness) = (compare.0)(&candidate.vehicle) else { return true };
            let Vehicle { col, row, confidence, .. } = candidate.vehicle;
            compared.push(Compared { place: [col, row], confidence, likeness });
            let stays = log_odds(confidence, likeness) < 0.0;
            if stays {
                likenesses.push(likeness);
            } else {
                usual.push(candidate.footprint.centre);
            }
            stays
        });
    }
    compared
}

/// Log odds that the cars of a found line are cars, by what the image says of it and by how much they look as their places always do: roofs do, and a train
/// does not. As the image says where nothing is known of that.
pub fn of_line(own: f64, likenesses: &[Likeness]) -> f64 {
    if likenesses.is_empty() {
        return own;
    }
    let mean = |value: fn(&Likeness) -> f64| likenesses.iter().map(value).sum::<f64>() / likenesses.len() as f64;
    let [constant, image, correlation, difference] = LINE;
    let likeness = correlation * mean(|likeness| likeness.correlation) + difference * mean(|likeness| likeness.difference);
    (constant + image * own + likeness).max(own - AT_MOST)
}

/// The sentence about so many things that are not counted.
pub fn said(number: usize) -> Option<String> {
    match number {
        0 => None,
        1 => Some("1 thing that looks like a car and is always there is not counted".into()),
        _ => Some(format!("{number} things that look like cars and are always there are not counted")),
    }
}

fn log_odds(confidence: f64, likeness: Likeness) -> f64 {
    let p = confidence.clamp(1.0 - SUREST, SUREST);
    let [constant, correlation, difference, confidence] = USUAL;
    constant + correlation * likeness.correlation + difference * likeness.difference + confidence * (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::walk::Candidate;

    /// What is left of two cars, of which the second looks as its place always does.
    fn left(confidence: f64, correlation: f64, difference: f64) -> usize {
        let candidates = [0.0, 20.0].map(|x| Candidate::example(confidence, 4.0, [x, 0.0])).into();
        let mut lines = [Walked { candidates, ..Walked::default() }];
        let compare =
            Compare(Arc::new(move |vehicle: &Vehicle| (vehicle.col > 10.0).then_some(Likeness { correlation, difference })));
        assert_eq!(drop_usual(&mut lines, &compare).len(), 1);
        assert_eq!(lines[0].usual.len() + lines[0].candidates.len(), 2);
        lines[0].candidates.len()
    }

    /// The only two strings of an image were not believed.
    #[test]
    fn a_doubtful_line_is_believed_where_nothing_like_it_stood_before_and_not_where_it_always_looks_so() {
        let of = |correlation: f64, difference: f64| of_line(0.0, &[Likeness { correlation, difference }; 5]);
        assert!(of(0.2, 1.0) > 1.0 && of(0.9, 0.3) == -AT_MOST);
        assert_eq!(of_line(0.7, &[]), 0.7);
    }

    /// Twelve of 17 false cars of a rendered series stood in four places, patches of oil and bushes, in up to five images each.
    #[test]
    fn what_looks_a_little_like_a_car_and_as_its_place_always_does_is_none() {
        assert_eq!(left(0.9, 0.92, 0.3), 1);
        assert_eq!(left(0.9, 0.1, 1.0), 2, "nothing stood there before");
        assert_eq!(left(1.0, 0.95, 0.2), 2, "a car that never moves is seen for one");
    }
}

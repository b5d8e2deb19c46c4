//! One car cannot stand on two tracks: of two boxes that overlap, the surer one stays.

use crate::track::near::Near;

/// Two bodies whose centre lines are closer than this, in metres, claim the same ground: bodies are 2.9 to 3.3 m wide, and tracks
/// at least 3.6 m apart.
const TOO_CLOSE_M: f64 = 2.7;
/// Overlap along the track that is allowed, metres: the uncertainty of a body's end.
const OVERLAP_M: f64 = 2.0;
/// No body is longer, metres: the centres of two that overlap are nearer to each other.
const LONGEST_M: f64 = 30.0;

/// A vehicle's place on the ground, metres.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Centre.
    pub centre: [f64; 2],
    /// Unit vector along the body.
    pub axis: [f64; 2],
    /// Length of the body.
    pub length: f64,
    /// How much its claim is worth.
    pub claim: f64,
    /// The track it was found on.
    pub track: usize,
}

/// Which of the vehicles stay, in their order. The strongest claim is heard first; ties go to the first in order.
pub fn resolve(footprints: &[Footprint]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..footprints.len()).collect();
    order.sort_by(|&a, &b| footprints[b].claim.total_cmp(&footprints[a].claim).then(a.cmp(&b)));
    let mut staying = Near::within(LONGEST_M);
    let mut stays = vec![false; footprints.len()];
    for index in order {
        let own = &footprints[index];
        if !staying.of(own.centre).any(|other: &&Footprint| overlap(own, other)) {
            stays[index] = true;
            staying.add(own.centre, own);
        }
    }
    stays
}

fn overlap(a: &Footprint, b: &Footprint) -> bool {
    let (dx, dy) = (b.centre[0] - a.centre[0], b.centre[1] - a.centre[1]);
    let parallel = (a.axis[0] * b.axis[0] + a.axis[1] * b.axis[1]).abs();
    let measure = |axis: [f64; 2]| ((dx * axis[0] + dy * axis[1]).abs(), (dy * axis[0] - dx * axis[1]).abs());
    let (along, across) = measure(a.axis);
    let (along_b, across_b) = measure(b.axis);
    let reach = (a.length + b.length) / 2.0 - OVERLAP_M;
    if parallel > 0.8 {
        along.min(along_b) < reach && across.min(across_b) < TOO_CLOSE_M
    } else {
        // Crossing lines: a point of one body's axis inside the other body.
        inside(a, b) || inside(b, a)
    }
}

/// Whether a point of `b`'s axis lies inside `a`.
fn inside(a: &Footprint, b: &Footprint) -> bool {
    (-4..=4).any(|k| {
        let t = f64::from(k) / 8.0 * b.length;
        let (dx, dy) = (b.centre[0] + b.axis[0] * t - a.centre[0], b.centre[1] + b.axis[1] * t - a.centre[1]);
        let (along, across) = ((dx * a.axis[0] + dy * a.axis[1]).abs(), (dy * a.axis[0] - dx * a.axis[1]).abs());
        along < a.length / 2.0 - 0.5 && across < 1.5
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car(x: f64, y: f64, claim: f64, track: usize) -> Footprint {
        Footprint { centre: [x, y], axis: [1.0, 0.0], length: 13.0, claim, track }
    }

    #[test]
    fn the_surer_of_two_claims_to_the_same_ground_stays() {
        assert_eq!(resolve(&[car(0.0, 0.0, 0.6, 0), car(3.0, 1.5, 0.9, 1)]), [false, true]);
    }

    #[test]
    fn cars_on_neighbouring_tracks_both_stay() {
        assert_eq!(resolve(&[car(0.0, 0.0, 0.6, 0), car(3.0, 3.6, 0.9, 1)]), [true, true]);
    }

    #[test]
    fn the_next_car_of_the_string_stays() {
        assert_eq!(resolve(&[car(0.0, 0.0, 0.9, 0), car(14.0, 0.0, 0.9, 0)]), [true, true]);
    }

    /// A line drawn along a track and back doubled every car.
    #[test]
    fn a_line_that_runs_over_the_same_ground_twice_counts_it_once() {
        let back = Footprint { axis: [-1.0, 0.0], ..car(1.0, 0.2, 0.6, 0) };
        assert_eq!(resolve(&[car(0.0, 0.0, 0.9, 0), back]), [true, false]);
    }

    #[test]
    fn of_two_cars_where_tracks_cross_the_surer_one_stays_and_beside_the_crossing_both() {
        let crossing = |x: f64, claim: f64| Footprint { axis: [0.0, 1.0], ..car(x, 4.0, claim, 1) };
        assert_eq!(resolve(&[car(0.0, 0.0, 0.6, 0), crossing(2.0, 0.9)]), [false, true]);
        assert_eq!(resolve(&[car(0.0, 0.0, 0.6, 0), crossing(9.0, 0.9)]), [true, true], "2.5 m beyond its end");
    }
}

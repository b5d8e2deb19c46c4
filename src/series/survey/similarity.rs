//! Rotation and scale of a scene against a site, where a shift alone leaves its far ends off.
//!
//! About the best shift a few turns and scales are tried, and from the best of them the agreement of the edges is climbed in rotation,
//! scale and shift, one after the other, with steps that halve (pattern search after Hooke and Jeeves, "Direct search solution of numerical
//! and statistical problems", 1961). The middle of the site agrees from the start; as the turn comes right, agreement grows outwards from
//! there.

use super::edges::Edges;
use super::register::{Reference, Shift};

/// Turns and changes of scale that are tried first, in cells at the far ends of the site: a few peaks' widths.
const FIRST: [f64; 7] = [0.0, -3.0, 3.0, -6.0, 6.0, -9.0, 9.0];
/// First and last step of the climb from the best of them, in the same unit.
const STEPS: [f64; 2] = [2.0, 0.25];
/// Rounds of one step width, at most.
const MOST_ROUNDS: usize = 20;
/// Largest turn that is believed, radians, and change of scale: what orthorectification leaves.
const LARGEST: f64 = 0.02;
/// A turn is taken where the edges agree this many times better than with the shift alone, and the far ends move by this much, cells. Twenty
/// images of a rendered series that were shifted only stayed below 1.025 and 0.8 cells; nine that were turned by 0.13 to 0.7 degrees reached
/// 1.046 to 1.54 and 1.6 to 6.8 cells.
const BETTER: f64 = 1.035;
const LEAST_CELLS: f64 = 1.0;

/// A similarity of the ground, in cells of the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Shift of the frame's middle, cells east and south.
    pub cells: [f64; 2],
    /// Clockwise, radians.
    pub rotation: f64,
    /// Natural logarithm of the scale.
    pub log_scale: f64,
}

impl Similarity {
    /// Where the scene shows a point that lies so many cells east and south of the frame's middle.
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.rotation.sin_cos();
        let scale = self.log_scale.exp();
        [scale * (x * cos - y * sin) + self.cells[0], scale * (x * sin + y * cos) + self.cells[1]]
    }
}

/// Shifts of a scene that fits nowhere unturned are looked for at these turns, radians: a peak's width apart at the ends of a yard of a
/// kilometre.
const TURNS: [f64; 4] = [-0.015, -0.0075, 0.0075, 0.015];

/// Where a scene that fits nowhere unturned may be turned to fit: the best shift, and the turn.
pub fn turned_shift(reference: &Reference, scene: &Edges, reach: i32, apart: f64) -> Option<(Shift, f64)> {
    let found = TURNS.iter().filter_map(|&rotation| {
        let turn = Similarity { cells: [0.0; 2], rotation, log_scale: 0.0 };
        Some((reference.turned(&turn).shift(scene, reach, apart)?, rotation))
    });
    found.reduce(|best, next| if next.0.ratio > best.0.ratio { next } else { best }).filter(|(shift, _)| shift.confidence() > 0.0)
}

/// The similarity about a shift that was found at a turn (radians), where the evidence asks for one, and how many times better it is.
pub fn similarity(reference: &Reference, scene: &Edges, shift: Shift, from: f64) -> Option<(Similarity, f64)> {
    let end = reference.half_diagonal();
    let agreement = |similarity: &Similarity| reference.agreement_of(scene, similarity);
    let start = Similarity { cells: shift.cells, rotation: from, log_scale: 0.0 };
    let first = agreement(&start);
    let (mut best, mut peak) = (start, first);
    let mut take = |next: Similarity, best: &mut Similarity| {
        let value = agreement(&next);
        if value > peak {
            (*best, peak) = (next, value);
        }
    };
    for (rotation, log_scale) in
        FIRST.iter().flat_map(|rotation| FIRST.iter().map(move |scale| (from + rotation / end, scale / end)))
    {
        take(Similarity { rotation, log_scale, ..start }, &mut best);
    }
    let mut step = STEPS[0];
    while step >= STEPS[1] {
        for _ in 0..MOST_ROUNDS {
            let before = best;
            for side in [-step, step] {
                take(Similarity { rotation: best.rotation + side / end, ..best }, &mut best);
                take(Similarity { log_scale: best.log_scale + side / end, ..best }, &mut best);
                for axis in 0..2 {
                    let mut next = best;
                    next.cells[axis] += side / 2.0;
                    take(next, &mut best);
                }
            }
            if best == before {
                break;
            }
        }
        step /= 2.0;
    }
    let better = agreement(&best) / first.max(f64::MIN_POSITIVE);
    let moved = end * best.rotation.hypot(best.log_scale);
    let believed = best.rotation.abs() <= LARGEST && best.log_scale.abs() <= LARGEST;
    let asked_for = from != 0.0 || better >= BETTER && moved >= LEAST_CELLS;
    (asked_for && believed).then_some((best, better))
}

#[cfg(test)]
mod tests {
    use super::super::edges::tests::{edges_of, roofs};
    use super::super::register::sum;
    use super::*;

    const SIZE: (usize, usize) = (420, 300);

    fn reference() -> Reference {
        let site = edges_of(SIZE.0, SIZE.1, |x, y| roofs(0, x, y));
        Reference::new(SIZE.0, SIZE.1, &sum(SIZE.0, SIZE.1, [(&site, [0.0; 2])].into_iter()))
    }

    /// The site as a scene shows it that is moved, turned and enlarged, light and dark swapped.
    fn scene(true_one: Similarity) -> Edges {
        let middle = [SIZE.0 as f64 / 2.0, SIZE.1 as f64 / 2.0];
        edges_of(SIZE.0, SIZE.1, |x, y| {
            let (dx, dy) = (f64::from(x) - middle[0] - true_one.cells[0], f64::from(y) - middle[1] - true_one.cells[1]);
            let (sin, cos) = true_one.rotation.sin_cos();
            let scale = (-true_one.log_scale).exp();
            let [u, v] = [scale * (dx * cos + dy * sin), scale * (dy * cos - dx * sin)];
            1.0 - roofs(0, (u + middle[0]) as f32, (v + middle[1]) as f32)
        })
    }

    #[test]
    fn a_turned_scene_is_found_to_half_a_cell_at_its_ends_and_one_that_is_not_turned_gets_no_turn() {
        let reference = reference();
        for (degrees, log_scale) in [(0.0, 0.0), (0.5, 0.004), (-0.7, 0.0), (0.0, -0.008), (0.3, 0.003)] {
            let truth = Similarity { cells: [3.3, -2.0], rotation: f64::to_radians(degrees), log_scale };
            let scene = scene(truth);
            let shift = reference.shift(&scene, 15, 3.5).unwrap();
            let found = similarity(&reference, &scene, shift, 0.0);
            assert_eq!(found.is_some(), degrees != 0.0 || log_scale != 0.0, "{degrees} {log_scale}: {found:?}");
            if let Some((found, _)) = found {
                for corner in [[-200.0, -140.0], [200.0, 140.0], [-200.0, 140.0]] {
                    let (a, b) = (truth.apply(corner), found.apply(corner));
                    assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 0.5, "{degrees} {log_scale}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_scene_turned_so_far_that_no_shift_fits_is_found_and_a_foreign_one_is_not() {
        let reference = reference();
        let truth = Similarity { cells: [-4.0, 6.5], rotation: f64::to_radians(1.1), log_scale: 0.0 };
        let (shift, rotation) = turned_shift(&reference, &scene(truth), 15, 3.5).unwrap();
        let (found, _) = similarity(&reference, &scene(truth), shift, rotation).unwrap();
        assert!((found.rotation - truth.rotation).abs() < 0.002, "{found:?}");
        let foreign = edges_of(SIZE.0, SIZE.1, |x, y| roofs(1, x, y));
        assert!(turned_shift(&reference, &foreign, 15, 3.5).is_none());
    }
}

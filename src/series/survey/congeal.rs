//! Many scenes of one site brought onto each other: every scene is held against the mean of all others until nothing moves
//! ("congealing" after Learned-Miller, "Data driven image models through continuous joint alignment", 2006).
//!
//! Where the site as a whole lies is not in the images. The georeferences of many scenes err independently, so the spatial median of
//! their shifts is taken for the truth; along given tracks nothing better is known, across them each scene follows the tracks.

use rayon::prelude::*;

use super::edges::Edges;
use super::register::{REACH_M, Reference, Shift, sum};

/// Scenes tried as the first to hold the others against: one of them is not under cloud.
const FIRST: usize = 3;
/// Rounds after the first one, in which each scene is held against the mean of the others.
const ROUNDS: usize = 2;
/// Steps of the iteration for the spatial median: after them it moves by less than a thousandth of a cell.
const WEISZFELD_STEPS: usize = 60;
/// Points this near to the spatial median weigh no more than others, cells: shifts are not known better.
const SAME_CELLS: f64 = 0.1;
/// Different answers lie this far apart, metres.
const APART_M: f64 = 3.5;

/// Scenes on each other.
#[derive(Debug, Clone)]
pub struct Congealed {
    /// Sum of their edges.
    pub edges: Vec<[f32; 2]>,
    /// The shift of each scene in cells, about a spatial median of zero; none for those that fit nowhere.
    pub shifts: Vec<Option<[f64; 2]>>,
}

/// Brings scenes onto each other. All must lie on the same frame; at least one is needed.
pub fn congeal(scenes: &[Edges], cell_m: f64) -> Option<Congealed> {
    let first = scenes.first()?;
    let (cols, rows) = (first.cols, first.rows);
    let (reach, apart) = ((REACH_M / cell_m).ceil() as i32, APART_M / cell_m);
    let against = |edges: &[[f32; 2]]| -> Vec<Option<Shift>> {
        let reference = Reference::new(cols, rows, edges);
        scenes.par_iter().map(|scene| reference.shift(scene, reach, apart)).collect()
    };
    // A scene agrees with itself in every case: what the others say decides.
    let candidates = (0..FIRST.min(scenes.len())).map(|k| k * scenes.len() / FIRST.min(scenes.len()));
    let tried = candidates.map(|k| {
        let shifts = against(&sum(cols, rows, [(&scenes[k], [0.0; 2])].into_iter()));
        let others = shifts.iter().enumerate().filter(|(i, _)| *i != k);
        let trust: f64 = others.map(|(_, shift)| shift.map_or(0.0, |shift| shift.confidence())).sum();
        (trust, shifts)
    });
    let (_, found) = tried.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let mut shifts = centred(&found);
    for _ in 0..ROUNDS {
        let total = total(scenes, &shifts);
        let found: Vec<Option<Shift>> = (0..scenes.len())
            .into_par_iter()
            .map(|i| {
                // Without its own edges, unless it is alone.
                let others: Vec<[f32; 2]> = match shifts[i] {
                    Some(shift) if shifts.iter().flatten().count() > 1 => {
                        let own = sum(cols, rows, [(&scenes[i], shift)].into_iter());
                        total.iter().zip(own).map(|(a, b)| [a[0] - b[0], a[1] - b[1]]).collect()
                    }
                    _ => total.clone(),
                };
                Reference::new(cols, rows, &others).shift(&scenes[i], reach, apart)
            })
            .collect();
        shifts = centred(&found);
    }
    Some(Congealed { edges: total(scenes, &shifts), shifts })
}

fn total(scenes: &[Edges], shifts: &[Option<[f64; 2]>]) -> Vec<[f32; 2]> {
    let (cols, rows) = (scenes[0].cols, scenes[0].rows);
    sum(cols, rows, scenes.iter().zip(shifts).filter_map(|(scene, shift)| Some((scene, (*shift)?))))
}

/// The shifts that are trusted, about a spatial median of zero.
fn centred(found: &[Option<Shift>]) -> Vec<Option<[f64; 2]>> {
    let trusted: Vec<Option<[f64; 2]>> =
        found.iter().map(|shift| shift.filter(|shift| shift.confidence() > 0.0).map(|shift| shift.cells)).collect();
    let middle = spatial_median(&trusted.iter().flatten().copied().collect::<Vec<_>>());
    trusted.into_iter().map(|cells| cells.map(|cells| [cells[0] - middle[0], cells[1] - middle[1]])).collect()
}

/// The point whose distances to all points have the least sum (Weiszfeld's iteration, 1937), in cells; the origin where there is none.
/// Georeferences err often a little and now and then a lot, in any direction: there it is nearer to the truth than the medians of the two axes.
fn spatial_median(points: &[[f64; 2]]) -> [f64; 2] {
    let mean = |weight: &dyn Fn(&[f64; 2]) -> f64| {
        let total: f64 = points.iter().map(weight).sum();
        [0, 1].map(|axis| points.iter().map(|p| weight(p) * p[axis]).sum::<f64>() / total.max(f64::MIN_POSITIVE))
    };
    (0..WEISZFELD_STEPS).fold(mean(&|_| 1.0), |[x, y], _| mean(&|p| 1.0 / (p[0] - x).hypot(p[1] - y).max(SAME_CELLS)))
}

#[cfg(test)]
mod tests {
    use super::super::edges::tests::{edges_of, roofs};
    use super::*;

    #[test]
    fn the_spatial_median_is_that_of_the_many_and_turns_with_them() {
        assert_eq!(spatial_median(&[]), [0.0, 0.0]);
        let points = [[1.0, 2.0], [1.1, 2.0], [1.0, 2.1], [0.9, 1.9], [14.0, -9.0]];
        let [x, y] = spatial_median(&points);
        assert!((x - 1.0).hypot(y - 2.0) < 0.1, "{x} {y}");
        let (sin, cos) = 0.7f64.sin_cos();
        let turned = spatial_median(&points.map(|[x, y]| [x * cos - y * sin, x * sin + y * cos]));
        assert!((turned[0] - (x * cos - y * sin)).hypot(turned[1] - (x * sin + y * cos)) < 1e-9);
    }

    #[test]
    fn scenes_come_onto_each_other_and_a_foreign_one_among_them_is_left_out() {
        let wrong = [(2.0f32, -1.0f32), (-3.5, 0.5), (0.0, 4.0), (6.2, -7.4), (-1.0, 1.5)];
        let mut scenes: Vec<Edges> = wrong.iter().map(|&(dx, dy)| edges_of(200, 160, |x, y| roofs(0, x - dx, y - dy))).collect();
        // Another yard.
        scenes.insert(0, edges_of(200, 160, |x, y| roofs(1, x, y)));
        let congealed = congeal(&scenes, 1.0).unwrap();
        assert_eq!(congealed.shifts[0], None);
        let found: Vec<[f64; 2]> = congealed.shifts[1..].iter().map(|shift| shift.unwrap()).collect();
        let middle = spatial_median(&wrong.map(|(dx, dy)| [dx.into(), dy.into()]));
        for (shift, (dx, dy)) in found.iter().zip(wrong) {
            let error = (shift[0] - f64::from(dx) + middle[0]).hypot(shift[1] - f64::from(dy) + middle[1]);
            assert!(error < 0.3, "{shift:?} {dx} {dy}");
        }
    }
}

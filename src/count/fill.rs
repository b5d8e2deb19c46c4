//! Undeclared nodata: ground at the image's edge on which all pixels are exactly alike, as where a producer filled what lies beyond his scene.
//!
//! With an outline or tracks, such ground counts as not seen because the network takes it for cloud, or nothing can be told apart there. Where
//! nothing is given, only found tracks tell what was seen, and none is found there.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{GRID_M, grid_points};
use crate::threshold::Plane;
use crate::tile::{Area, Core, PATCH_M};

/// Ground that far from the image's edge lies at it, metres: more than the grid of points that are looked at leaves free there.
const AT_EDGE_M: f64 = 12.0;
/// Fewer points than this are no fill: a thousand square metres, a roof on which the sensor was saturated.
const LEAST_POINTS: usize = 28;
/// Difference of two samples across the border of fill, in the scene's range of brightness. A cloud that saturates the sensor fades: of a rendered one
/// 99 of 100 samples beside the saturated ones differ by less than 0.02.
const HARD: f32 = 0.05;
/// Samples beyond the first in which a border may still follow: lossy compression blurs it within its blocks, of 16 for colour.
const BLOCK: usize = 16;
/// Two stretched values that differ by less are one.
const SAME: f32 = 1e-4;

/// Points of a patch that lie on constant ground.
#[derive(Debug, Default, Clone, Copy)]
struct Constant {
    points: usize,
    at_edge: bool,
    /// Places where it borders on other ground, and how many of those are hard.
    borders: usize,
    hard: usize,
}

/// Constant ground of an image, patch by patch.
#[derive(Debug, Default)]
pub struct Fill {
    patches: BTreeMap<Core, Constant>,
    looked: usize,
}

impl Fill {
    /// Looks at the ground of a patch, whose pixels and those around must be in the plane.
    pub fn look(&mut self, patch: Core, image: Area, plane: &Plane) {
        let inner = image.grown(-AT_EDGE_M);
        let mut constant = Constant::default();
        for [x, y] in grid_points(patch.area(PATCH_M as f64)).filter(|&p| image.contains(p)) {
            let constant_here = plane.is_constant_at([x, y]);
            self.looked += usize::from(constant_here || plane.colour(x, y).is_some());
            if constant_here {
                constant.points += 1;
                constant.at_edge |= !inner.contains([x, y]);
                let ways = [[GRID_M, 0.0], [0.0, GRID_M], [-GRID_M, 0.0], [0.0, -GRID_M]];
                for hard in ways.into_iter().filter_map(|way| border(plane, [x, y], way)) {
                    constant.borders += 1;
                    constant.hard += usize::from(hard);
                }
            }
        }
        if constant.points > 0 {
            self.patches.insert(patch, constant);
        }
    }

    /// Its share of what the image has data for, 0 to 1: constant ground that hangs together, patch by patch, reaches the image's edge, is large,
    /// and ends hard.
    pub fn share(&self) -> f64 {
        let (mut reached, mut fill) = (BTreeSet::new(), 0);
        for (&seed, _) in self.patches.iter().filter(|(_, constant)| constant.at_edge) {
            let whole = self.around(seed, &mut reached);
            if whole.points >= LEAST_POINTS && 2 * whole.hard > whole.borders {
                fill += whole.points;
            }
        }
        fill as f64 / self.looked.max(1) as f64
    }

    /// What hangs together with a patch and was not `reached` before.
    fn around(&self, seed: Core, reached: &mut BTreeSet<Core>) -> Constant {
        let mut whole = Constant::default();
        let mut open = vec![seed];
        while let Some(patch) = open.pop() {
            let Some(constant) = self.patches.get(&patch).filter(|_| reached.insert(patch)) else { continue };
            whole.points += constant.points;
            whole.borders += constant.borders;
            whole.hard += constant.hard;
            let Core { row, col } = patch;
            open.extend([(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)].map(|(row, col)| Core { row, col }));
        }
        whole
    }
}

/// Whether constant ground ends hard on the way from a point of it; None where it does not end.
fn border(plane: &Plane, [x, y]: [f64; 2], [right, down]: [f64; 2]) -> Option<bool> {
    let steps = (right.hypot(down) / plane.step_m[0].max(plane.step_m[1])).ceil();
    let at = |x: f64, y: f64| plane.fill_at([x, y]).map(|fill| [fill; 3]).or_else(|| plane.colour(x, y));
    let own = at(x, y)?;
    let along = |step: usize| {
        let part = step as f64 / steps;
        at(x + right * part, y + down * part)
    };
    let differ = |a: [f32; 3], b: [f32; 3]| (0..3).map(|band| (a[band] - b[band]).abs()).sum::<f32>() / 3.0;
    let end = (1..=steps as usize).find(|&step| along(step).is_some_and(|other| differ(own, other) > SAME))?;
    // The first may lie between two samples.
    let first = along(end + 1).map(|other| differ(own, other) > HARD)?;
    // A step away from what is still black, not the texture of the ground behind a cloud that fades.
    let hard = |step: usize| Some(differ(own, along(step)?) < HARD && differ(own, along(step + 1)?) > 2.0 * HARD);
    let black = plane.fill_at([x, y]).is_some();
    Some(first || black && (end + 1..end + BLOCK).any(|step| hard(step) == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(hard: usize, patches: &[(i64, i64, usize, bool)]) -> f64 {
        let constant = |points, at_edge| Constant { points, at_edge, borders: 10, hard };
        let patches = patches.iter().map(|&(row, col, points, at_edge)| (Core { row, col }, constant(points, at_edge)));
        Fill { patches: patches.collect(), looked: 1000 }.share()
    }

    #[test]
    fn only_large_ground_that_reaches_the_edge_and_ends_hard_is_fill() {
        assert_eq!(share(9, &[]), 0.0);
        assert_eq!(share(9, &[(0, 0, 100, true), (0, 1, 100, false), (1, 1, 50, true)]), 0.25);
        assert_eq!(share(9, &[(2, 2, 100, false)]), 0.0, "a lake");
        assert_eq!(share(9, &[(0, 0, 100, true), (1, 1, 100, false)]), 0.1, "a lake, and fill elsewhere");
        assert_eq!(share(9, &[(0, 0, 20, true)]), 0.0, "a roof");
        assert_eq!(share(1, &[(0, 0, 100, true)]), 0.0, "a cloud");
    }
}

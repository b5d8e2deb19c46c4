//! Where shadows fall, seen from the scene's own cars: for images whose time, and so whose sun, is not known.
//!
//! The ground beside a car is darker on the side away from the sun, and shadows of cars are the strongest that stand beside roofs. So the
//! ground at every displacement from a roof is averaged over all roofs of the scene, and the displacements are weighed by how dark they
//! are (the idea of locating buildings by their shadows: Irvin and McKeown, "Methods for exploiting the relationship between buildings
//! and their shadows in aerial imagery", 1989).

use super::Evidence;
use crate::tile::{Area, Core, PATCH_M};

/// Farthest ground looked at from a roof, metres: the shadow of a car at a sun of 40 degrees, and half its width.
const REACH_M: i64 = 6;
/// Displacements on a side of the square of displacements.
const SIDE: usize = 2 * REACH_M as usize + 1;
/// A square metre is a roof, or surely none, when the network gives it this probability.
const ROOF: f32 = 0.5;
const NO_ROOF: f32 = 0.25;
/// A roof among whose surroundings this share is roof stands in a full yard, where each string's shadow falls beside the next.
const CROWDED: f64 = 0.42;
/// Roofs that must be seen at a displacement for it to count, and least strength of the direction for it to be believed. The strength is a
/// sum of mean darknesses over the displacements, in local standard deviations: scenes of flat wagons and lone cars stay below, hazy ones
/// do not always. Looked at on the labelled scenes and on the two Muttenz crops.
const LEAST_SEEN: f64 = 20.0;
const LEAST_STRENGTH: f64 = 2.0;
/// Darkness is held between these, in local standard deviations, so that single black or white pixels do not decide.
const DARKNESS: [f32; 2] = [-1.0, 2.5];

/// Sums over the roofs of a scene, by displacement.
#[derive(Debug, Clone)]
pub struct ShadowSide {
    /// Darkness, and number of roofs, at each displacement.
    sums: Vec<(f64, f64)>,
}

impl Default for ShadowSide {
    fn default() -> Self {
        Self { sums: vec![(0.0, 0.0); SIDE * SIDE] }
    }
}

impl ShadowSide {
    /// Adds the roofs of a patch, from its evidence row by row. `light` is how bright a point of ground is beside the ground about it, in
    /// local standard deviations; None where it was not seen.
    pub fn add(&mut self, patch: Core, evidence: &[Evidence], mut light: impl FnMut(f64, f64) -> Option<f32>) {
        let side = PATCH_M as i64;
        if !evidence.iter().any(|cell| cell.body > ROOF) {
            return;
        }
        let Area { x0, y0, .. } = patch.area(PATCH_M as f64);
        let darkness: Vec<Option<f32>> = (0..side * side)
            .map(|i| light(x0 + (i % side) as f64 + 0.5, y0 + (i / side) as f64 + 0.5))
            .map(|light| light.map(|light| (-light).clamp(DARKNESS[0], DARKNESS[1])))
            .collect();
        let displacements = || (-REACH_M..=REACH_M).flat_map(|dy| (-REACH_M..=REACH_M).map(move |dx| (dx, dy)));
        let inside = |col: i64, row: i64| (0..side).contains(&col) && (0..side).contains(&row);
        for (col, row) in (0..side).flat_map(|row| (0..side).map(move |col| (col, row))) {
            let cell = |dx: i64, dy: i64| ((row + dy) * side + col + dx) as usize;
            if evidence[cell(0, 0)].body <= ROOF {
                continue;
            }
            let around: Vec<(i64, i64)> = displacements().filter(|(dx, dy)| inside(col + dx, row + dy)).collect();
            let roofs = around.iter().filter(|(dx, dy)| evidence[cell(*dx, *dy)].body > ROOF).count();
            if roofs as f64 > CROWDED * around.len() as f64 {
                continue;
            }
            for (dx, dy) in around {
                let other = cell(dx, dy);
                if evidence[other].body < NO_ROOF
                    && let Some(dark) = darkness[other]
                {
                    let sum = &mut self.sums[((dy + REACH_M) as usize) * SIDE + (dx + REACH_M) as usize];
                    sum.0 += f64::from(dark);
                    sum.1 += 1.0;
                }
            }
        }
    }

    /// The shadow vector for a sun at 45 degrees, in metres to the right and down; None where too little is seen of shadows. Its length is
    /// not measured: the networks look mostly at the side.
    pub fn vector(&self) -> Option<[f32; 2]> {
        let mut sum = [0.0; 2];
        for (i, (dark, number)) in self.sums.iter().enumerate() {
            let (dx, dy) = ((i % SIDE) as f64 - REACH_M as f64, (i / SIDE) as f64 - REACH_M as f64);
            let far = dx.hypot(dy);
            if far > 1.0 && far < REACH_M as f64 - 0.5 && *number >= LEAST_SEEN {
                sum[0] += dark / number * dx / far;
                sum[1] += dark / number * dy / far;
            }
        }
        let strength = sum[0].hypot(sum[1]);
        (strength >= LEAST_STRENGTH).then(|| sum.map(|v| (v / strength) as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen of cars of 12 x 3 m, 20 m apart, with shadows of this darkness that fall `side` metres to the right and down.
    fn seen(darkness: f32, side: [f64; 2]) -> Option<[f32; 2]> {
        let roof = |x: f64, y: f64| (4.0..16.0).contains(&x.rem_euclid(20.0)) && (8.0..11.0).contains(&y.rem_euclid(20.0));
        let mut shadows = ShadowSide::default();
        for patch in (0..2).map(|col| Core { row: 0, col }) {
            let Area { x0, y0, .. } = patch.area(PATCH_M as f64);
            let at = |i: usize| (x0 + (i % PATCH_M) as f64 + 0.5, y0 + (i / PATCH_M) as f64 + 0.5);
            let evidence: Vec<Evidence> = (0..PATCH_M * PATCH_M)
                .map(|i| Evidence { body: if roof(at(i).0, at(i).1) { 0.9 } else { 0.0 }, ..Evidence::default() })
                .collect();
            shadows.add(patch, &evidence, |x, y| Some(if roof(x - side[0], y - side[1]) { -darkness } else { 0.0 }));
        }
        shadows.vector()
    }

    #[test]
    fn shadows_are_seen_on_the_side_on_which_they_fall() {
        for side in [[0.0, 3.0], [0.0, -3.0], [2.0, 3.0]] {
            let [x, y] = seen(2.0, side).expect("the shadows are dark").map(f64::from);
            let length = f64::hypot(side[0], side[1]);
            // The side along the cars shows at their ends only.
            assert!(y * side[1] / length > 0.6 && x * side[0] >= 0.0, "{side:?}: {x}, {y}");
            assert!((x.hypot(y) - 1.0).abs() < 1e-6);
        }
        assert_eq!(seen(0.1, [0.0, 3.0]), None, "too faint");
    }
}

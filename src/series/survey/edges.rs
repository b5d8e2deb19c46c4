//! What of a scene stays the same from season to season and sensor to sensor: where edges run, not how bright things are.
//!
//! Each cell holds its gradient as a doubled angle, so that a roof that is darker than the ground in summer and lighter in winter has
//! the same edge, with a weight that tells an edge from noise but not a strong edge from a weaker one (orientation correlation after
//! Fitch, Kadyrov, Christmas and Kittler, "Orientation correlation", 2002, with the doubled angle of the structure tensor).

use super::frame::Frame;
use super::luminance::Sums;
use crate::error::Result;
use crate::raster::Scene;

/// Standard deviation of the smoothing, cells.
const SMOOTH: f32 = 1.0;
/// Half width of its kernel, cells.
const REACH: usize = 3;
/// Squared gradient of log luminance below which there is no edge: the rounding of a picture without contrast, far under the faintest grey level.
const NOTHING: f32 = 1e-7;
/// Share of a full cell that must have been seen.
const SEEN: f32 = 0.2;
/// Edges of weight 1 are kept as this number.
pub const ONE: f32 = 127.0;

/// Edges of a scene on the grid of a frame: per cell the doubled angle times its weight, in units of 1 / [`ONE`]; zero where
/// nothing was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Edges {
    /// Cells from west to east.
    pub cols: usize,
    /// Cells from north to south.
    pub rows: usize,
    /// Row by row from the north-western cell.
    pub cells: Vec<[i8; 2]>,
}

impl Edges {
    /// Of a scene on a frame; none where the scene shows nothing of it or is not georeferenced.
    ///
    /// # Errors
    /// When the image cannot be decoded there.
    pub fn of(scene: &Scene, frame: &Frame) -> Result<Option<Self>> {
        Ok(Sums::of(scene, frame)?.map(Self::from))
    }
}

impl From<Sums> for Edges {
    /// Smoothed over what was seen, differentiated, and each edge weighted against the scene's median.
    fn from(sums: Sums) -> Self {
        let (cols, rows) = (sums.cols, sums.rows);
        let seen: Vec<f32> = sums.weight.iter().map(|&w| if w > SEEN * sums.full { 1.0 } else { 0.0 }).collect();
        let mean: Vec<f32> = (0..cols * rows).map(|i| if seen[i] > 0.0 { sums.value[i] / sums.weight[i] } else { 0.0 }).collect();
        let (mean, share) = (smooth(&mean, cols, rows), smooth(&seen, cols, rows));
        let level: Vec<f32> = mean.iter().zip(&share).map(|(m, s)| if *s > 0.0 { m / s } else { 0.0 }).collect();
        // Where a part of the kernel lies beyond the image, the image's own edge would show.
        let whole = |i: usize| share[i] > 0.999;
        let mut gradient = vec![[0.0f32; 2]; cols * rows];
        let mut strengths = Vec::new();
        for row in 1..rows.saturating_sub(1) {
            for col in 1..cols.saturating_sub(1) {
                let i = row * cols + col;
                if [i, i - 1, i + 1, i - cols, i + cols].into_iter().all(whole) {
                    gradient[i] = [(level[i + 1] - level[i - 1]) / 2.0, (level[i + cols] - level[i - cols]) / 2.0];
                    strengths.push(gradient[i][0].powi(2) + gradient[i][1].powi(2));
                }
            }
        }
        let median = match strengths.len() {
            0 => 0.0,
            n => *strengths.select_nth_unstable_by(n / 2, f32::total_cmp).1,
        };
        let cell = |[x, y]: [f32; 2]| {
            let weight = ONE / (x * x + y * y + median).max(NOTHING);
            [((x * x - y * y) * weight).round() as i8, (2.0 * x * y * weight).round() as i8]
        };
        Edges { cols, rows, cells: gradient.into_iter().map(cell).collect() }
    }
}

/// Gaussian smoothing with zeros beyond the border.
fn smooth(values: &[f32], cols: usize, rows: usize) -> Vec<f32> {
    let kernel: Vec<f32> = (0..=2 * REACH).map(|k| (-0.5 * ((k as f32 - REACH as f32) / SMOOTH).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    let pass = |values: &[f32], step: usize, place: &dyn Fn(usize) -> usize, length: usize| -> Vec<f32> {
        (0..values.len())
            .map(|i| {
                let at = place(i);
                let mut total = 0.0;
                for (k, weight) in kernel.iter().enumerate() {
                    if at + k >= REACH && at + k - REACH < length {
                        total += weight / sum * values[i + k * step - REACH * step];
                    }
                }
                total
            })
            .collect()
    };
    let across = pass(values, 1, &|i| i % cols, cols);
    pass(&across, cols, &|i| i / cols, rows)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Edges of a made-up picture, `picture(x, y)` in metres, on a grid of one-metre cells.
    pub fn edges_of(cols: usize, rows: usize, picture: impl Fn(f32, f32) -> f32) -> Edges {
        let mut sums = Sums::new([cols, rows], 4.0);
        for row in 0..2 * rows {
            for col in 0..2 * cols {
                let (x, y) = (col as f32 / 2.0 + 0.25, row as f32 / 2.0 + 0.25);
                sums.add(x, y, picture(x, y));
            }
        }
        Edges::from(sums)
    }

    /// Round roofs, one on every 11 m, each with a place, size and brightness of its own; another `town` has others.
    pub fn roofs(town: u32, x: f32, y: f32) -> f32 {
        let (i, j) = ((x / 11.0).floor(), (y / 11.0).floor());
        let own = |k: u32| {
            let mixed = (i as i32 as u32).wrapping_mul(374_761_393)
                ^ (j as i32 as u32).wrapping_mul(668_265_263)
                ^ (town * 8 + k).wrapping_mul(2_246_822_519);
            let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177);
            ((mixed ^ (mixed >> 16)) & 0xffff) as f32 / 65536.0
        };
        let centre = [(i + 0.3 + 0.4 * own(1)) * 11.0, (j + 0.3 + 0.4 * own(2)) * 11.0];
        if (x - centre[0]).hypot(y - centre[1]) < 1.5 + 1.8 * own(3) { own(4) } else { 0.45 }
    }

    /// Two black images once lay on each other with all confidence: the rounding of their smoothing made edges.
    #[test]
    fn a_picture_without_contrast_has_no_edges() {
        let rounded = edges_of(60, 40, |x, y| 0.1f32.ln() + 1e-5 * (x.sin() + y.cos()));
        assert!(rounded.cells.iter().all(|cell| *cell == [0, 0]));
    }

    #[test]
    fn an_edge_looks_the_same_from_dark_to_light_and_from_light_to_dark() {
        let up = edges_of(40, 40, |x, _| if x < 20.0 { 0.0 } else { 1.0 });
        let down = edges_of(40, 40, |x, _| if x < 20.0 { 1.0 } else { 0.0 });
        assert_eq!(up, down);
        assert!(up.cells[20 * 40 + 19][0] > 60, "{:?}", up.cells[20 * 40 + 19]);
        assert_eq!(up.cells[20 * 40 + 5], [0, 0]);
    }
}

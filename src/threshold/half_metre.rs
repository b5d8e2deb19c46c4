//! A square of ground at half a metre, as the yard network sees it.
//!
//! Every pixel is the mean of four bilinear samples, a quarter of a metre apart, as in training. Bilinear weights are products of a weight
//! along each axis, so rows are mixed first and columns after.

use pulp::{Arch, Simd, WithSimd};

use super::plane::{NOTHING, Plane, floor};
use super::radiometry::{CELL_M, POINTS, inputs_of};

/// Side of a pixel, metres, and how far from its middle the samples lie along each axis.
const PIXEL_M: f64 = 0.5;
const SAMPLE_M: f64 = 0.125;
/// Samples of the plane that a pixel takes in along an axis: those round two points a quarter of a metre apart, at 0.2 m or coarser.
const TAPS: usize = 4;

/// What a pixel takes from the samples along one axis.
struct Taps {
    first: usize,
    /// Share of each sample in the colour; the border repeats.
    weights: [f32; TAPS],
    /// Share of each sample in what was seen; beyond the border nothing was.
    inside: [f32; TAPS],
}

/// Taps of `count` pixels from `start` metres on, over `size` samples of `step` metres, the first of which begins at `origin`.
fn taps(start: f64, count: usize, origin: f64, step: f64, size: usize) -> Vec<Taps> {
    let last = size as i64 - 1;
    (0..count)
        .map(|index| {
            let middle = start + (index as f64 + 0.5) * PIXEL_M;
            let at = |metres: f64| (metres - origin) / step - 0.5;
            let first = floor(at(middle - SAMPLE_M)).clamp(0, last);
            let mut taps = Taps { first: first as usize, weights: [0.0; TAPS], inside: [0.0; TAPS] };
            for u in [at(middle - SAMPLE_M), at(middle + SAMPLE_M)] {
                let left = floor(u);
                let share = (u - left as f64) as f32;
                for (sample, weight) in [(left, 0.5 * (1.0 - share)), (left.saturating_add(1), 0.5 * share)] {
                    let place = ((sample.clamp(0, last) - first) as usize).min(TAPS - 1);
                    taps.weights[place] += weight;
                    taps.inside[place] += if (0..=last).contains(&sample) { weight } else { 0.0 };
                }
            }
            taps
        })
        .collect()
}

/// At most [`POINTS`] pixels of a row, not none.
struct Pixels<'a> {
    cols: &'a [Taps],
    /// See [`cells`].
    places: &'a [(usize, f32)],
    /// Red, green, blue and what was seen of the samples, and the statistics of the cells, from those of the first pixel on.
    mixed: &'a [[f32; 4]],
    local: &'a [[f32; 4]],
    colour: bool,
}

impl WithSimd for Pixels<'_> {
    type Output = [[f32; POINTS]; 4];

    /// Compiled for each kind of processor, which takes the numbers of the arrays several at a time.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let (mut looked, mut statistics) = ([[0.0; 4]; POINTS], [[1.0; 4]; POINTS]);
        let (first, first_cell) = (self.cols[0].first, self.places[0].0);
        for (i, (taps, &(place, share))) in self.cols.iter().zip(self.places).enumerate() {
            let mut sum = [0.0f32; 4];
            for (k, mixed) in self.mixed[taps.first - first..][..TAPS].iter().enumerate() {
                let shares = [taps.weights[k], taps.weights[k], taps.weights[k], taps.inside[k]];
                for band in 0..4 {
                    sum[band] += shares[band] * mixed[band];
                }
            }
            looked[i] = sum;
            let cells = &self.local[place - first_cell..][..2];
            for k in 0..4 {
                statistics[i][k] = cells[0][k] * (1.0 - share) + cells[1][k] * share;
            }
        }
        inputs_of(&looked, &statistics, self.colour)
    }
}

impl Plane {
    /// The four network inputs of so many rows and columns of half a metre from `start` (metres) on, into four planes that follow one after the other.
    pub(super) fn half_metre(&self, start: [f64; 2], [height, width]: [usize; 2], out: &mut [f32]) {
        let size = height * width;
        let cols = taps(start[0], width, self.origin[0], self.step_m[0], self.x.len());
        let rows = taps(start[1], height, self.origin[1], self.step_m[1], self.y.len());
        let (Some(first), Some(last)) = (cols.first(), cols.last()) else { return };
        let range = first.first..(last.first + TAPS).min(self.x.len());
        let (places_x, places_y) = (cells(start[0], width, self.x.cells), cells(start[1], height, self.y.cells));
        // Red, green, blue and what was seen of each column, summed over the samples of a row of pixels; a few more than there are, so that
        // every pixel finds all its taps.
        let mut mixed = vec![[0.0f32; 4]; range.len() + TAPS];
        let (mut local, arch): (Vec<[f32; 4]>, _) = (Vec::new(), Arch::new());
        for (row, taps) in rows.iter().enumerate() {
            mixed.fill([0.0; 4]);
            for (k, (&weight, &inside)) in taps.weights.iter().zip(&taps.inside).enumerate() {
                if weight > 0.0 {
                    self.held.row(&self.x, &self.y, taps.first + k, range.clone(), |col, samples| {
                        for (mixed, sample) in mixed[col - range.start..].iter_mut().zip(samples) {
                            if sample[0] != NOTHING {
                                (0..3).for_each(|band| mixed[band] += weight * f32::from(sample[band]));
                                mixed[3] += inside;
                            }
                        }
                    });
                }
            }
            self.mix_cells(&places_x, &places_y[row], &mut local);
            for col in (0..width).step_by(POINTS) {
                let pixels = col..(col + POINTS).min(width);
                let (cols, places) = (&cols[pixels.clone()], &places_x[pixels.clone()]);
                let (mixed, local) = (&mixed[cols[0].first - range.start..], &local[places[0].0 - places_x[0].0..]);
                let inputs = arch.dispatch(Pixels { cols, places, mixed, local, colour: self.colour });
                for (plane, inputs) in out.chunks_exact_mut(size).zip(&inputs) {
                    plane[row * width..][pixels.clone()].copy_from_slice(&inputs[..cols.len()]);
                }
            }
        }
    }

    /// The local statistics of the cells under a row of pixels, and one more.
    fn mix_cells(&self, places: &[(usize, f32)], &(row, share): &(usize, f32), local: &mut Vec<[f32; 4]>) {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
        let (cols, rows) = (self.x.cells.1, self.y.cells.1);
        local.clear();
        local.extend((first.0..=last.0 + 1).map(|col| {
            let col = col.min(cols - 1);
            let [upper, lower] = [row, (row + 1).min(rows - 1)].map(|row| self.held.local(&self.x, &self.y, col, row));
            std::array::from_fn(|i| upper[i] * (1.0 - share) + lower[i] * share)
        }));
    }
}

/// For each pixel the cell whose middle lies before it, counted from the first, and how far on the way to the next it lies.
fn cells(start: f64, count: usize, (first, cells): (i64, usize)) -> Vec<(usize, f32)> {
    (0..count)
        .map(|index| {
            let u = (start + (index as f64 + 0.5) * PIXEL_M) / CELL_M - first as f64 - 0.5;
            let u = u.clamp(0.0, (cells - 1) as f64);
            (u as usize, (u - u.floor()) as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::{Scene, SceneOptions};
    use crate::threshold::radiometry::channels;
    use crate::threshold::scene_stretch;
    use crate::tile::Area;

    #[test]
    fn a_pixel_is_the_mean_of_four_points_whatever_the_gsd_and_at_every_border() {
        for gsd in [0.2, 0.31, 0.5, 1.1] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("scene.png");
            let picture = image::RgbaImage::from_fn(260, 190, |col, row| {
                let noise = ((col * 7919 + row * 104_729) % 251) as u8;
                image::Rgba([noise, row as u8, (col / 2) as u8, if col + row < 40 { 0 } else { 255 }])
            });
            picture.save(&path).unwrap();
            let scene = Scene::open(&path, &SceneOptions { gsd_m: Some(gsd), ..SceneOptions::default() }).unwrap();
            let area = Area { x0: 0.0, y0: 0.0, x1: 260.0 * gsd, y1: 190.0 * gsd };
            let stretch = scene_stretch(&scene, area).unwrap().unwrap();
            let mut plane = Plane::new(&scene, stretch, area, 64 << 20, 64 << 20).unwrap().unwrap();
            let all = plane.patches_in(area).collect();
            plane.require(&scene, &all).unwrap();
            let start = [-4.0, (190.0 * gsd).floor() - 20.0];
            let [height, width] = [60, (2.0 * (260.0 * gsd + 8.0)) as usize];
            let mut own = vec![0.0; 4 * height * width];
            plane.half_metre(start, [height, width], &mut own);
            let mut told_apart = 0;
            for (row, col) in (0..height).flat_map(|row| (0..width).map(move |col| (row, col))) {
                let middle = [start[0] + (col as f64 + 0.5) * PIXEL_M, start[1] + (row as f64 + 0.5) * PIXEL_M];
                let (mut colour, mut seen) = ([0.0f32; 3], 0.0);
                for (dx, dy) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
                    let (part, share) = plane.sample(middle[0] + dx * SAMPLE_M, middle[1] + dy * SAMPLE_M);
                    (0..3).for_each(|band| colour[band] += part[band] / 4.0);
                    seen += share / 4.0;
                }
                if (seen - 0.5).abs() < 1e-3 {
                    continue;
                }
                let expected = if seen > 0.5 { channels(colour, plane.local_at(middle[0], middle[1]), true) } else { [0.0; 4] };
                told_apart += usize::from(seen > 0.5);
                for (channel, expected) in expected.into_iter().enumerate() {
                    let own = own[(channel * height + row) * width + col];
                    assert!((own - expected).abs() < 2e-3, "{gsd} m, row {row}, column {col}: {own} against {expected}");
                }
            }
            assert!(told_apart > 1000 && told_apart < height * width, "some seen, some not: {told_apart}");
        }
    }
}

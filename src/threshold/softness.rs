//! How soft the pixels of a scene are, and the sharpening of soft ones: what was enlarged, resampled or is out of focus.
//!
//! Mean square differences of neighbours and of pixels two apart tell (a structure function, as in [`super::clarity`]): where an image is as sharp as its
//! pixels the first are a third of the second and more, noise makes them equal, and where every edge is spread over several pixels differences grow with
//! the distance, and the ratio nears a quarter. Soft images are sharpened by unsharp masking (Polesel, Ramponi and Mathews, "Image enhancement via
//! adaptive unsharp masking", 2000), the softer the more: the networks have seldom been shown such edges.

use std::ops::Range;

use rayon::prelude::*;

use super::plane::NOTHING;
use super::radiometry::{STEPS, STRETCH_TOP};

/// Ratio from which an image is as sharp as its pixels: none of 90 rendered scenes has less than 0.309, parts of a real yard have 0.40 to 0.64 as they are.
const SHARP: f64 = 0.305;
/// Ratio up to which it is sharpened most: the real yard, blurred by 1.6 pixels, has 0.266 to 0.276, enlarged twice 0.294 to 0.310.
const SOFT: f64 = 0.265;
/// Most times that what a Gaussian takes away is added. With 3, a little more is found in the real yard and as much more is false in rendered ones that
/// were enlarged three times (training/README.md).
const MOST: f64 = 2.0;
/// Standard deviation of that Gaussian, samples.
const SIGMA: f32 = 1.5;
/// Samples on either side that it takes in.
pub(super) const REACH: u32 = 5;

/// Windows of a scene, and how soft each is.
#[derive(Default)]
pub(super) struct Softness {
    ratios: Vec<f64>,
}

impl Softness {
    /// Looks at a window, row by row, in blocks of so many pixels across and down that make up a sample.
    pub fn look(&mut self, rgb: &[[f32; 3]], valid: &[bool], width: usize, block: [u32; 2]) {
        let [across, down] = block.map(|pixels| pixels as usize);
        let (cols, rows) = (width / across, rgb.len() / width.max(1) / down);
        let sample = |at: usize| {
            let first = at / cols * down * width + at % cols * across;
            let pixels = (0..down).flat_map(|row| (0..across).map(move |col| first + row * width + col));
            // What is not valid is no number, nor is its difference from anything.
            pixels.map(|at| if valid[at] { rgb[at].iter().sum::<f32>() } else { f32::NAN }).sum::<f32>()
        };
        let samples: Vec<f32> = (0..cols * rows).map(sample).collect();
        let square = |steps: usize| {
            let along = samples.chunks_exact(cols.max(1)).flat_map(|line| line.iter().zip(line.iter().skip(steps)));
            let pairs = along.chain(samples.iter().zip(samples.iter().skip(steps * cols)));
            pairs.map(|(a, b)| f64::from(a - b)).filter(|difference| !difference.is_nan()).map(|d| d * d).sum::<f64>()
        };
        let (one, two) = (square(1), square(2));
        if two > 0.0 {
            self.ratios.push(one / two);
        }
    }

    /// How many times what a Gaussian takes away is to be added, by the median of the windows: a cloud's soft edges are no matter.
    pub fn sharpening(mut self) -> f32 {
        let middle = self.ratios.len() / 2;
        if self.ratios.is_empty() {
            return 0.0;
        }
        let ratio = *self.ratios.select_nth_unstable_by(middle, f64::total_cmp).1;
        (MOST * ((SHARP - ratio) / (SHARP - SOFT)).clamp(0.0, 1.0)) as f32
    }
}

/// The samples of some columns and rows, sharpened, from those of more columns and rows `around` them, [`REACH`] more where the image has them.
pub(super) fn sharpened(samples: &[[u16; 3]], around: &[Range<u32>; 2], inner: &[Range<u32>; 2], times: f32) -> Vec<[u16; 3]> {
    let weight = |distance: u32| (-0.5 * (distance as f32 / SIGMA).powi(2)).exp();
    let near = |at: u32, axis: &Range<u32>| at.saturating_sub(REACH).max(axis.start)..(at + REACH + 1).min(axis.end);
    let ([wide, high], [cols, rows]) = (around, inner);
    let at = |col: u32, row: u32| ((row - high.start) * (wide.end - wide.start) + col - wide.start) as usize;
    // Sums of the three bands along a row, and of the weights of what was seen.
    let along = |row: u32, col: u32| {
        let mut sums = [0.0f32; 4];
        for near in near(col, wide) {
            let sample = samples[at(near, row)];
            if sample[0] != NOTHING {
                let weight = weight(near.abs_diff(col));
                (0..3).for_each(|band| sums[band] += weight * f32::from(sample[band]));
                sums[3] += weight;
            }
        }
        sums
    };
    let width = (cols.end - cols.start) as usize;
    let mut sums = vec![[0.0f32; 4]; (high.end - high.start) as usize * width];
    sums.par_chunks_mut(width).zip(high.clone()).for_each(|(line, row)| {
        line.iter_mut().zip(cols.clone()).for_each(|(sums, col)| *sums = along(row, col));
    });
    let mut sharp = vec![[NOTHING; 3]; (rows.end - rows.start) as usize * width];
    sharp.par_chunks_mut(width).zip(rows.clone()).for_each(|(line, row)| {
        for ((number, target), col) in line.iter_mut().enumerate().zip(cols.clone()) {
            let sample = samples[at(col, row)];
            *target = sample;
            if sample[0] == NOTHING {
                continue;
            }
            let mut mean = [0.0f32; 4];
            for near in near(row, high) {
                let (weight, sums) = (weight(near.abs_diff(row)), sums[(near - high.start) as usize * width + number]);
                (0..4).for_each(|i| mean[i] += weight * sums[i]);
            }
            *target = std::array::from_fn(|band| {
                let value = f32::from(sample[band]);
                (value + times * (value - mean[band] / mean[3])).round().clamp(0.0, STRETCH_TOP * STEPS) as u16
            });
        }
    });
    sharp
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 96;

    fn noise(at: usize) -> f32 {
        let mixed = (at as u32).wrapping_mul(2_654_435_761);
        ((mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 16) as f32 / 65536.0
    }

    /// Bright squares of 7 pixels on darker ground, softened over so many pixels to the right and down.
    fn squares(soft: usize) -> Vec<[f32; 3]> {
        let at = |col: usize, row: usize| if col / 7 % 2 == row / 7 % 2 { 200.0 } else { 80.0 } + 9.0 * noise(row * 977 + col);
        let mean = |i: usize| {
            let window = (0..=soft).flat_map(|r| (0..=soft).map(move |c| (r, c)));
            window.map(|(r, c)| at(i % SIDE + c, i / SIDE + r)).sum::<f32>() / ((soft + 1) * (soft + 1)) as f32
        };
        (0..SIDE * SIDE).map(|i| [mean(i); 3]).collect()
    }

    fn sharpening(windows: &[Vec<[f32; 3]>], block: [u32; 2]) -> f32 {
        let mut softness = Softness::default();
        windows.iter().for_each(|window| softness.look(window, &vec![true; window.len()], SIDE, block));
        softness.sharpening()
    }

    #[test]
    fn what_is_as_sharp_as_its_pixels_is_left_and_what_is_soft_is_sharpened_the_more() {
        assert_eq!(sharpening(&[squares(0)], [1, 1]), 0.0);
        assert_eq!(sharpening(&[squares(1)], [1, 1]), 0.0, "half an edge on either pixel");
        let [softer, softest] = [2, 4].map(|soft| sharpening(&[squares(soft)], [1, 1]));
        assert!(0.0 < softer && softer < softest && softest <= 2.0, "{softer} {softest}");
        assert_eq!(sharpening(&[squares(6)], [4, 4]), 0.0, "as samples of four pixels");
        assert_eq!(sharpening(&[], [1, 1]), 0.0);
        assert_eq!(sharpening(&[vec![[7.0; 3]; SIDE * SIDE]], [1, 1]), 0.0, "nothing to see");
        assert_eq!(sharpening(&[squares(0), squares(0), squares(6)], [1, 1]), 0.0, "a cloud over a third");
    }

    fn samples(soft: usize) -> Vec<[u16; 3]> {
        squares(soft).into_iter().map(|pixel| pixel.map(|value| (value / 255.0 * STEPS) as u16)).collect()
    }

    #[test]
    fn edges_become_steeper_and_ground_without_any_stays() {
        let all = [0..SIDE as u32, 0..SIDE as u32];
        let steepest = |samples: &[[u16; 3]]| samples.windows(2).map(|pair| pair[0][0].abs_diff(pair[1][0])).max();
        let soft = samples(5);
        assert!(steepest(&sharpened(&soft, &all, &all, 2.0)) > steepest(&soft));
        let flat = vec![[9000, 20000, 1]; SIDE * SIDE];
        assert_eq!(sharpened(&flat, &all, &all, 2.0), flat);
    }

    #[test]
    fn a_part_is_sharpened_as_the_whole_is_and_what_was_not_seen_has_no_say() {
        let mut soft = samples(4);
        for (i, sample) in soft.iter_mut().enumerate().filter(|(i, _)| i % SIDE < 20) {
            *sample = if i % 2 == 0 { [NOTHING; 3] } else { [NOTHING, 500, 500] };
        }
        let all = [0..SIDE as u32, 0..SIDE as u32];
        let whole = sharpened(&soft, &all, &all, 1.3);
        let (inner, around) = ([18..61, 40..43], [13..66, 35..48]);
        let cut = |samples: &[[u16; 3]], part: &[Range<u32>; 2]| -> Vec<[u16; 3]> {
            let places = part[1].clone().flat_map(|row| part[0].clone().map(move |col| row as usize * SIDE + col as usize));
            places.map(|at| samples[at]).collect()
        };
        assert_eq!(sharpened(&cut(&soft, &around), &around, &inner, 1.3), cut(&whole, &inner));
        assert!(whole.iter().zip(&soft).all(|(a, b)| (b[0] != NOTHING) || a == b));
        // Beside what was not seen the mean is that of what was.
        let even: Vec<[u16; 3]> = (0..SIDE * SIDE).map(|i| if i % SIDE < 20 { [NOTHING; 3] } else { [30000; 3] }).collect();
        assert_eq!(sharpened(&even, &all, &all, 2.0), even);
    }
}

//! How sharp the pixels of a scene are, and bringing them to a sharpness that the networks know.
//!
//! Mean square differences of neighbours and of pixels two apart tell (a structure function, as in [`super::clarity`]): where an image is as sharp as its
//! pixels the first are a third of the second and more; noise, sharpening and detail finer than the pixels make them equal; and where every edge is spread
//! over several pixels, as in what was enlarged or is out of focus, differences grow with the distance, and the ratio nears a quarter. Soft images are sharpened
//! by unsharp masking (Polesel, Ramponi and Mathews, "Image enhancement via adaptive unsharp masking", 2000), the softer the more, and harsh ones
//! are smoothed: the networks have seldom been shown either.

use std::ops::Range;

use rayon::prelude::*;

use super::plane::NOTHING;
use super::radiometry::{STEPS, STRETCH_TOP};

/// Ratio up to which an image is sharpened: none of 83 rendered scenes has less than 0.305, parts of a real yard have 0.40 to 0.63 as they are.
const SOFT: f64 = 0.302;
/// Ratio up to which it is sharpened most: the real yard, blurred by 1.6 pixels, has 0.261 to 0.273, enlarged twice 0.290 to 0.309.
const SOFTEST: f64 = 0.262;
/// Most times that what a Gaussian takes away is added. With 3, a little more is found in the real yard and as much more is false in rendered ones that
/// were enlarged three times (training/README.md).
const MOST: f64 = 2.0;
/// Standard deviation of that Gaussian, samples.
const SIGMA: f64 = 1.5;
/// Ratio from which an image is smoothed, and from which it is wholly: of those rendered scenes eleven have more than 0.42, in haze and winter, the real yard 0.60 and 0.63 at
/// 0.255 m, 0.70 and 0.71 where it was sharpened.
const HARSH: f64 = 0.40;
const HARSHEST: f64 = 0.50;
/// Standard deviation of the Gaussian by which it is smoothed, metres: the networks look at points half a metre apart, across the track, and finer detail only
/// disturbs. Where it is less than so many samples, there is none.
const SMOOTH_M: f64 = 0.18;
const LEAST_SIGMA: f64 = 0.4;
/// Least pairs of samples that a window has a say with: slivers at an image's edge have few.
const LEAST_PAIRS: usize = 500;
/// Standard deviations of a Gaussian that are taken in on either side.
const STANDARD_DEVIATIONS: f64 = 3.0;

/// What is done to the samples of a scene: so many times what a Gaussian takes away is added.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Focus {
    /// Negative where it is taken away, zero where the samples are left as they are.
    times: f32,
    /// Standard deviations of the Gaussian in x and y, samples.
    sigma: [f64; 2],
}

/// Windows of a scene, and how sharp each is.
#[derive(Default)]
pub(super) struct Sharpness {
    ratios: Vec<f64>,
}

impl Sharpness {
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
        // Their squares' sum, and their number.
        let differences = |steps: usize| {
            let along = samples.chunks_exact(cols.max(1)).flat_map(|line| line.iter().zip(line.iter().skip(steps)));
            let pairs = along.chain(samples.iter().zip(samples.iter().skip(steps * cols)));
            let seen = pairs.map(|(a, b)| f64::from(a - b)).filter(|difference| !difference.is_nan());
            seen.fold((0.0, 0), |(sum, number), difference| (sum + difference * difference, number + 1))
        };
        let ((one, ones), (two, twos)) = (differences(1), differences(2));
        if two > 0.0 && ones.min(twos) >= LEAST_PAIRS {
            self.ratios.push(one / ones as f64 / (two / twos as f64));
        }
    }

    /// What is to be done to samples of so many metres, by the median of the windows: a cloud's soft edges are no matter.
    pub fn focus(mut self, step_m: [f64; 2]) -> Focus {
        let middle = self.ratios.len() / 2;
        if self.ratios.is_empty() {
            return Focus::default();
        }
        let ratio = *self.ratios.select_nth_unstable_by(middle, f64::total_cmp).1;
        let smooth = step_m.map(|step| SMOOTH_M / step);
        if ratio < SOFT {
            let times = MOST * ((SOFT - ratio) / (SOFT - SOFTEST)).min(1.0);
            Focus { times: times as f32, sigma: [SIGMA; 2] }
        } else if ratio > HARSH && smooth.iter().any(|&sigma| sigma >= LEAST_SIGMA) {
            let times = -((ratio - HARSH) / (HARSHEST - HARSH)).min(1.0);
            Focus { times: times as f32, sigma: smooth }
        } else {
            Focus::default()
        }
    }
}

impl Focus {
    /// Whether samples are changed at all.
    pub fn changes(&self) -> bool {
        self.times != 0.0
    }

    /// Whether they become sharper.
    pub fn sharpens(&self) -> bool {
        self.times > 0.0
    }

    /// How many times as large the ratio that [`super::clarity`] looks at becomes in samples of so many metres that are blurred by a Gaussian of `blur_m` metres: the
    /// response at that scale. Near differences grow by its square, and far ones grow too (three tiles: by 1.12 to 1.3 in all where it is 1.15 to 1.36).
    pub fn response(&self, step_m: [f64; 2], blur_m: f64) -> f64 {
        if !self.changes() {
            return 1.0;
        }
        let taken = 1.0 - (-0.5 * (self.sigma[0] * step_m[0] / blur_m).powi(2)).exp();
        1.0 + f64::from(self.times) * taken
    }

    /// Samples on either side that are looked at for one, in x and y.
    pub fn reach(&self) -> [u32; 2] {
        self.sigma.map(|sigma| (STANDARD_DEVIATIONS * sigma).ceil() as u32)
    }

    /// The samples of some columns and rows from those of more columns and rows `around` them: [`Self::reach`] more where the image has them.
    pub(super) fn applied(&self, samples: &[[u16; 3]], around: &[Range<u32>; 2], inner: &[Range<u32>; 2]) -> Vec<[u16; 3]> {
        let reach = self.reach();
        let weights = [0, 1].map(|axis| {
            let weight = |distance: u32| (-0.5 * (f64::from(distance) / self.sigma[axis]).powi(2)).exp() as f32;
            (0..=reach[axis]).map(weight).collect::<Vec<f32>>()
        });
        let near = |at: u32, axis: usize| {
            let (reach, all) = (reach[axis], &around[axis]);
            at.saturating_sub(reach).max(all.start)..(at + reach + 1).min(all.end)
        };
        let ([wide, high], [cols, rows]) = (around, inner);
        let at = |col: u32, row: u32| ((row - high.start) * (wide.end - wide.start) + col - wide.start) as usize;
        // Sums of the three bands along a row, and of the weights of what was seen.
        let along = |row: u32, col: u32| {
            let mut sums = [0.0f32; 4];
            for near in near(col, 0) {
                let sample = samples[at(near, row)];
                if sample[0] != NOTHING {
                    let weight = weights[0][near.abs_diff(col) as usize];
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
        let mut focused = vec![[NOTHING; 3]; (rows.end - rows.start) as usize * width];
        focused.par_chunks_mut(width).zip(rows.clone()).for_each(|(line, row)| {
            for ((number, target), col) in line.iter_mut().enumerate().zip(cols.clone()) {
                let sample = samples[at(col, row)];
                *target = sample;
                if sample[0] == NOTHING {
                    continue;
                }
                let mut mean = [0.0f32; 4];
                for near in near(row, 1) {
                    let weight = weights[1][near.abs_diff(row) as usize];
                    let sums = sums[(near - high.start) as usize * width + number];
                    (0..4).for_each(|i| mean[i] += weight * sums[i]);
                }
                *target = std::array::from_fn(|band| {
                    let value = f32::from(sample[band]);
                    (value + self.times * (value - mean[band] / mean[3])).round().clamp(0.0, STRETCH_TOP * STEPS) as u16
                });
            }
        });
        focused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 96;
    const HALF: [f64; 2] = [0.5; 2];

    fn noise(at: usize) -> f32 {
        let mixed = (at as u32).wrapping_mul(2_654_435_761);
        ((mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 16) as f32 / 65536.0
    }

    /// Bright squares of 7 pixels on darker ground, with some noise, softened over so many pixels to the right and down.
    fn squares(soft: usize, noisy: f32) -> Vec<[f32; 3]> {
        let at = |col: usize, row: usize| if col / 7 % 2 == row / 7 % 2 { 200.0 } else { 80.0 } + noisy * noise(row * 977 + col);
        let mean = |i: usize| {
            let window = (0..=soft).flat_map(|r| (0..=soft).map(move |c| (r, c)));
            window.map(|(r, c)| at(i % SIDE + c, i / SIDE + r)).sum::<f32>() / ((soft + 1) * (soft + 1)) as f32
        };
        (0..SIDE * SIDE).map(|i| [mean(i); 3]).collect()
    }

    fn focus(windows: &[Vec<[f32; 3]>], block: [u32; 2], step_m: [f64; 2]) -> Focus {
        let mut sharpness = Sharpness::default();
        windows.iter().for_each(|window| sharpness.look(window, &vec![true; window.len()], SIDE, block));
        sharpness.focus(step_m)
    }

    #[test]
    fn the_softer_an_image_the_more_it_is_sharpened_and_one_as_sharp_as_its_pixels_is_left() {
        let times = |windows: &[Vec<[f32; 3]>], block: [u32; 2]| focus(windows, block, HALF).times;
        let soft = |soft: usize| squares(soft, 9.0);
        assert_eq!(times(&[soft(1)], [1, 1]), 0.0, "half an edge on either pixel");
        let [softer, softest] = [2, 4].map(|pixels| times(&[soft(pixels)], [1, 1]));
        assert!(0.0 < softer && softer < softest && softest <= 2.0, "{softer} {softest}");
        assert!(times(&[soft(4)], [3, 3]) <= 0.0, "as samples of three pixels");
        assert_eq!(times(&[], [1, 1]), 0.0);
        assert_eq!(times(&[vec![[7.0; 3]; SIDE * SIDE]], [1, 1]), 0.0, "nothing to see");
        assert_eq!(times(&[soft(1), soft(1), soft(4)], [1, 1]), 0.0, "a cloud over a third");
    }

    #[test]
    fn fine_pixels_that_are_harsh_are_smoothed_and_coarse_ones_are_left() {
        let harsh = [squares(0, 90.0)];
        let fine = focus(&harsh, [1, 1], [0.25; 2]);
        assert!(fine.times < 0.0 && fine.reach() == [3, 3], "{fine:?}");
        assert_eq!(focus(&harsh, [1, 1], [0.5; 2]), Focus::default());
        let sliver: Vec<[f32; 3]> = squares(0, 90.0)[..3 * SIDE].to_vec();
        assert_eq!(focus(&[sliver], [1, 1], [0.25; 2]), Focus::default(), "has no say");
    }

    fn samples(soft: usize) -> Vec<[u16; 3]> {
        squares(soft, 9.0).into_iter().map(|pixel| pixel.map(|value| (value / 255.0 * STEPS) as u16)).collect()
    }

    fn sharpening(times: f32) -> Focus {
        Focus { times, sigma: [1.5, 1.2] }
    }

    #[test]
    fn edges_become_steeper_or_less_so_and_ground_without_any_stays() {
        let all = [0..SIDE as u32, 0..SIDE as u32];
        let steepest = |samples: &[[u16; 3]]| {
            let pairs = samples.chunks_exact(SIDE).flat_map(|line| line.windows(2));
            pairs.map(|pair| pair[0][0].abs_diff(pair[1][0])).max()
        };
        let soft = samples(5);
        let steepest_with = |times: f32| steepest(&sharpening(times).applied(&soft, &all, &all));
        assert!(steepest_with(2.0) > steepest(&soft) && steepest_with(-1.0) < steepest(&soft));
        let flat = vec![[9000, 20000, 1]; SIDE * SIDE];
        assert_eq!(sharpening(2.0).applied(&flat, &all, &all), flat);
    }

    #[test]
    fn a_part_is_focused_as_the_whole_is_and_what_was_not_seen_has_no_say() {
        let mut soft = samples(4);
        for (i, sample) in soft.iter_mut().enumerate().filter(|(i, _)| i % SIDE < 20) {
            *sample = if i % 2 == 0 { [NOTHING; 3] } else { [NOTHING, 500, 500] };
        }
        let all = [0..SIDE as u32, 0..SIDE as u32];
        let whole = sharpening(1.3).applied(&soft, &all, &all);
        let (inner, around) = ([18..61, 40..43], [13..66, 36..47]);
        let cut = |samples: &[[u16; 3]], part: &[Range<u32>; 2]| -> Vec<[u16; 3]> {
            let places = part[1].clone().flat_map(|row| part[0].clone().map(move |col| row as usize * SIDE + col as usize));
            places.map(|at| samples[at]).collect()
        };
        assert_eq!(sharpening(1.3).applied(&cut(&soft, &around), &around, &inner), cut(&whole, &inner));
        assert!(whole.iter().zip(&soft).all(|(a, b)| (b[0] != NOTHING) || a == b));
        // Beside what was not seen the mean is that of what was.
        let even: Vec<[u16; 3]> = (0..SIDE * SIDE).map(|i| if i % SIDE < 20 { [NOTHING; 3] } else { [30000; 3] }).collect();
        assert_eq!(sharpening(2.0).applied(&even, &all, &all), even);
    }
}

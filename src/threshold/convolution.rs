//! One layer of a convolutional network.
//!
//! The windows are not unfolded (im2col) but read where they lie: rows of the input are laid out once, padded and with the columns of a stride
//! apart, and a block of output pixels by output channels is summed in registers (Zhang, Franchetti and Low, "High performance zero-memory
//! overhead direct convolutions", 2018). Every output number is summed in one fixed order, so results do not depend on tiles or threads.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use pulp::{Arch, Simd, WithSimd};

use super::network::Maps;

/// Shape of a convolution: kernel, stride, zero padding and dilation, each as (rows, columns).
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Kernel size.
    pub kernel: (usize, usize),
    /// Stride.
    pub stride: (usize, usize),
    /// Zeros added on each side.
    pub padding: (usize, usize),
    /// Distance between kernel columns.
    pub dilation: usize,
}

impl Shape {
    /// 3 x 3, padded to keep the size at stride 1.
    pub fn three(stride: usize) -> Self {
        Self { kernel: (3, 3), stride: (stride, stride), padding: (1, 1), dilation: 1 }
    }

    /// 1 x 1.
    pub fn point() -> Self {
        Self { kernel: (1, 1), stride: (1, 1), padding: (0, 0), dilation: 1 }
    }
}

/// A convolution with bias.
#[derive(Debug, Clone)]
pub struct Convolution {
    shape: Shape,
    inputs: usize,
    bias: Vec<f32>,
    /// Blocks of [`BLOCK`] output channels, one after the other (the last filled up with zeros): for each input channel, kernel row and kernel
    /// column the weights of the block's channels.
    blocked: Vec<[f32; BLOCK]>,
    /// The same for a kernel of one pixel, as a matrix of outputs x inputs.
    matrix: Vec<f32>,
}

/// Output channels whose weights lie side by side.
const BLOCK: usize = 4;
/// Floats that the laid-out rows of the input may take at a time: a quarter of a common second-level cache.
const BAND: usize = 64 << 10;
/// The widest block of output pixels, two vectors of 512 bits; laid-out rows are filled up to a multiple of it.
const WIDEST: usize = 32;

impl Convolution {
    /// Of `inputs` channels to as many as there are numbers in `bias`; `weights` are outputs x (inputs * kernel rows * kernel columns).
    pub fn new(shape: Shape, inputs: usize, weights: &[f32], bias: Vec<f32>) -> Self {
        let depth = inputs * shape.kernel.0 * shape.kernel.1;
        let mut blocked = vec![[0.0; BLOCK]; bias.len().div_ceil(BLOCK) * depth];
        for (output, weights) in weights.chunks_exact(depth).enumerate() {
            for (tap, &weight) in weights.iter().enumerate() {
                blocked[output / BLOCK * depth + tap][output % BLOCK] = weight;
            }
        }
        let matrix = if shape.kernel == (1, 1) { weights.to_vec() } else { Vec::new() };
        Self { shape, inputs, bias, blocked, matrix }
    }

    /// Applies the convolution; with `rectify`, negative results become zero.
    pub fn apply(&self, input: &Maps, rectify: bool) -> Maps {
        debug_assert_eq!(input.channels, self.inputs);
        let (kr, kc) = self.shape.kernel;
        let reach = (kc - 1) * self.shape.dilation + 1;
        let rows = (input.rows + 2 * self.shape.padding.0 - kr) / self.shape.stride.0 + 1;
        let cols = (input.cols + 2 * self.shape.padding.1 - reach) / self.shape.stride.1 + 1;
        let mut out = Maps::zeros(self.bias.len(), rows, cols);
        let least = if rectify { 0.0 } else { f32::NEG_INFINITY };
        if self.shape.kernel == (1, 1) {
            self.multiply(input, &mut out);
            for (plane, &bias) in out.data.chunks_exact_mut((rows * cols).max(1)).zip(&self.bias) {
                plane.iter_mut().for_each(|value| *value = (*value + bias).max(least));
            }
        } else {
            let mut band = Band::new(self.shape, self.inputs, cols);
            let (step, arch) = (band.rows_within(BAND), Arch::new());
            for from in (0..rows).step_by(step) {
                let to = (from + step).min(rows);
                band.lay(input, from, to);
                let Self { blocked: weights, bias, .. } = self;
                arch.dispatch(Convolved { band: &band, weights, bias, least, rows: from..to, out: &mut out });
            }
        }
        out
    }

    /// A kernel of one pixel is a matrix product.
    fn multiply(&self, input: &Maps, out: &mut Maps) {
        let pixels = input.rows * input.cols;
        // The shapes agree by construction: the views cover their vectors exactly.
        if let (Ok(weights), Ok(input), Ok(mut out)) = (
            ArrayView2::from_shape((self.bias.len(), self.inputs), &self.matrix),
            ArrayView2::from_shape((self.inputs, pixels), &input.data),
            ArrayViewMut2::from_shape((self.bias.len(), pixels), &mut out.data),
        ) {
            general_mat_mul(1.0, &weights, &input, 0.0, &mut out);
        }
    }
}

/// The input rows under some output rows: for each channel and row the columns of each phase of the stride, padded.
struct Band {
    shape: Shape,
    inputs: usize,
    /// Floats of one phase of a row.
    pitch: usize,
    /// Input rows of a channel in the band.
    rows: usize,
    samples: Vec<f32>,
    /// Where the first pixel of an output row finds each of its inputs, in the order of the weights, from the start of the band.
    taps: Vec<usize>,
}

impl Band {
    fn new(shape: Shape, inputs: usize, cols: usize) -> Self {
        let pitch = cols.next_multiple_of(WIDEST) + (shape.kernel.1 - 1) * shape.dilation / shape.stride.1;
        Self { shape, inputs, pitch, rows: 0, samples: Vec::new(), taps: Vec::new() }
    }

    /// Floats of one input row of one channel.
    fn row(&self) -> usize {
        self.shape.stride.1 * self.pitch
    }

    /// Output rows whose input rows take no more than so many floats; at least one.
    fn rows_within(&self, floats: usize) -> usize {
        (floats / self.inputs / self.row()).saturating_sub(self.shape.kernel.0) / self.shape.stride.0 + 1
    }

    /// Lays out what output rows `from..to` look at.
    fn lay(&mut self, input: &Maps, from: usize, to: usize) {
        let ((kr, kc), (sr, sc), (pr, pc)) = (self.shape.kernel, self.shape.stride, self.shape.padding);
        self.rows = (to - from - 1) * sr + kr;
        let row = self.row();
        self.samples.resize(self.inputs * self.rows * row, 0.0);
        for (number, target) in self.samples.chunks_exact_mut(row).enumerate() {
            let (channel, r) = (number / self.rows, number % self.rows);
            let Some(source) = (from * sr + r).checked_sub(pr).filter(|&source| source < input.rows) else {
                target.fill(0.0);
                continue;
            };
            let source = &input.plane(channel)[source * input.cols..(source + 1) * input.cols];
            for (phase, target) in target.chunks_exact_mut(self.pitch).enumerate() {
                // The padded column of element i is i * sc + phase.
                let first = pc.saturating_sub(phase).div_ceil(sc).min(target.len());
                let source = source.get(first * sc + phase - pc..).unwrap_or_default();
                let last = (first + source.len().div_ceil(sc)).min(target.len());
                target[..first].fill(0.0);
                target[last..].fill(0.0);
                if sc == 1 {
                    target[first..last].copy_from_slice(&source[..last - first]);
                } else {
                    target[first..last].iter_mut().zip(source.iter().step_by(sc)).for_each(|(t, &s)| *t = s);
                }
            }
        }
        let place = |line: usize| {
            let (channel, r, c) = (line / (kr * kc), line / kc % kr, line % kc * self.shape.dilation);
            (channel * self.rows + r) * row + c % sc * self.pitch + c / sc
        };
        self.taps = (0..self.inputs * kr * kc).map(place).collect();
    }
}

/// Output rows to be summed from what is laid out.
struct Convolved<'a> {
    band: &'a Band,
    /// See [`Convolution::blocked`].
    weights: &'a [[f32; BLOCK]],
    bias: &'a [f32],
    /// Results below this become this.
    least: f32,
    rows: Range<usize>,
    out: &'a mut Maps,
}

impl WithSimd for Convolved<'_> {
    type Output = ();

    /// Compiled for each kind of processor: sums blocks of two vectors of pixels by [`BLOCK`] channels.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { band, weights, bias, least, rows, out } = self;
        let (lanes, least) = (S::F32_LANES, simd.splat_f32s(least));
        let plane = out.rows * out.cols;
        for (block, weights) in weights.chunks_exact(band.taps.len()).enumerate() {
            let first = block * BLOCK;
            for (number, row) in rows.clone().enumerate() {
                for col in (0..out.cols).step_by(2 * lanes) {
                    let start = number * band.shape.stride.0 * band.row() + col;
                    let mut sums = [[simd.splat_f32s(0.0); 2]; BLOCK];
                    for (tap, weights) in band.taps.iter().zip(weights) {
                        let (pixels, _) = S::as_simd_f32s(&band.samples[start + tap..][..2 * lanes]);
                        for (sums, &weight) in sums.iter_mut().zip(weights) {
                            let weight = simd.splat_f32s(weight);
                            *sums = [
                                simd.mul_add_e_f32s(pixels[0], weight, sums[0]),
                                simd.mul_add_e_f32s(pixels[1], weight, sums[1]),
                            ];
                        }
                    }
                    let count = (2 * lanes).min(out.cols - col);
                    for ((channel, sums), &bias) in (first..).zip(sums).zip(&bias[first..]) {
                        let target = &mut out.data[channel * plane + row * out.cols + col..][..count];
                        let (left, right) = target.split_at_mut(count.min(lanes));
                        // No closures here: they are not compiled for the processor at hand.
                        let bias = simd.splat_f32s(bias);
                        let left_sum = simd.max_f32s(simd.add_f32s(sums[0], bias), least);
                        let right_sum = simd.max_f32s(simd.add_f32s(sums[1], bias), least);
                        simd.partial_store_f32s(left, left_sum);
                        simd.partial_store_f32s(right, right_sum);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::network::probe;

    /// A convolution computed as its definition says.
    fn plainly(c: &Convolution, weights: &[f32], input: &Maps) -> Maps {
        let (kr, kc) = c.shape.kernel;
        let rows = (input.rows + 2 * c.shape.padding.0 - kr) / c.shape.stride.0 + 1;
        let cols = (input.cols + 2 * c.shape.padding.1 - (kc - 1) * c.shape.dilation - 1) / c.shape.stride.1 + 1;
        let mut out = Maps::zeros(c.bias.len(), rows, cols);
        for o in 0..c.bias.len() {
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                let mut sum = c.bias[o];
                for (k, r, s) in (0..c.inputs).flat_map(|k| (0..kr).flat_map(move |r| (0..kc).map(move |s| (k, r, s)))) {
                    let row = (i * c.shape.stride.0 + r) as i64 - c.shape.padding.0 as i64;
                    let col = (j * c.shape.stride.1 + s * c.shape.dilation) as i64 - c.shape.padding.1 as i64;
                    if row >= 0 && col >= 0 && (row as usize) < input.rows && (col as usize) < input.cols {
                        let weight = weights[((o * c.inputs + k) * kr + r) * kc + s];
                        sum += weight * input.plane(k)[row as usize * input.cols + col as usize];
                    }
                }
                out.data[(o * rows + i) * cols + j] = sum;
            }
        }
        out
    }

    #[test]
    fn convolutions_equal_their_definition() {
        let shapes = [
            (Shape::three(1), 9, 13),
            (Shape::three(2), 10, 14),
            (Shape { kernel: (5, 5), stride: (2, 2), padding: (2, 2), dilation: 1 }, 12, 8),
            (Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 }, 8, 18),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 8), dilation: 8 }, 1, 11),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 32), dilation: 32 }, 1, 20),
            (Shape::point(), 4, 5),
            // Several blocks of columns and, with a band of 64 Ki floats, several bands.
            (Shape::three(1), 210, 130),
            (Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 }, 300, 166),
        ];
        for (shape, rows, cols) in shapes {
            let depth = 3 * shape.kernel.0 * shape.kernel.1;
            let weights: Vec<f32> = (0..5 * depth).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
            let c = Convolution::new(shape, 3, &weights, vec![0.5, -1.0, 0.0, 2.0, 1.0]);
            let input = probe(3, rows, cols);
            let (own, plain) = (c.apply(&input, false), plainly(&c, &weights, &input));
            assert_eq!((own.rows, own.cols), (plain.rows, plain.cols), "{shape:?}");
            assert!(own.data.iter().zip(&plain.data).all(|(a, b)| (a - b).abs() < 1e-3), "{shape:?}");
        }
    }

    #[test]
    fn every_processor_sums_the_same() {
        let shape = Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 };
        let weights: Vec<f32> = (0..6 * 45).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let c = Convolution::new(shape, 3, &weights, vec![0.5, -1.0, 0.0, 2.0, 1.0, 3.0]);
        let input = probe(3, 20, 150);
        let expected = c.apply(&input, false);
        let mut band = Band::new(shape, 3, 75);
        band.lay(&input, 0, 10);
        let mut out = Maps::zeros(6, 10, 75);
        fn convolved<'a>(c: &'a Convolution, band: &'a Band, out: &'a mut Maps) -> Convolved<'a> {
            Convolved { band, weights: &c.blocked, bias: &c.bias, least: f32::NEG_INFINITY, rows: 0..10, out }
        }
        Simd::vectorize(pulp::Scalar::new(), convolved(&c, &band, &mut out));
        assert!(out.data.iter().zip(&expected.data).all(|(a, b)| (a - b).abs() < 1e-3));
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            Simd::vectorize(simd, convolved(&c, &band, &mut out));
            assert_eq!(out, expected, "wider vectors sum in the same order");
        }
    }
}

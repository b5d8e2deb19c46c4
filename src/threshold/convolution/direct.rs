//! Convolutions as they are defined.
//!
//! The windows are not unfolded (im2col) but read where they lie: rows of the input are laid out once, padded and with the columns of a stride
//! apart (Zhang, Franchetti and Low, "High performance zero-memory overhead direct convolutions", 2018).

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::block::{BAND, BLOCK, WIDEST, blocked, store, sums};
use super::{Finish, Shape};
use crate::threshold::network::Maps;

/// Floats that all outputs of some columns look at before the next columns' turn: they stay in the first-level cache.
const NEAR: usize = 8 << 10;

/// A convolution of any shape.
#[derive(Debug, Clone)]
pub struct Direct {
    shape: Shape,
    inputs: usize,
    /// For each input channel, kernel row and kernel column: see [`blocked`].
    weights: Vec<[f32; BLOCK]>,
}

impl Direct {
    /// `weights` are outputs x inputs x kernel rows x kernel columns.
    pub fn new(shape: Shape, inputs: usize, weights: &[f32]) -> Self {
        Self { shape, inputs, weights: blocked(weights, inputs * shape.kernel.0 * shape.kernel.1) }
    }

    /// Applies it.
    pub fn apply(&self, input: &Maps, finish: Finish, out: &mut Maps) {
        let mut band = Band::new(self.shape, self.inputs, out.cols);
        let (step, arch) = (band.rows_within(BAND), Arch::new());
        for from in (0..out.rows).step_by(step) {
            let to = (from + step).min(out.rows);
            band.lay(input, from, to);
            arch.dispatch(Convolved { band: &band, weights: &self.weights, finish, rows: from..to, out: &mut *out });
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
                let target = &mut target[first..last];
                match sc {
                    1 => target.copy_from_slice(&source[..last - first]),
                    // In pairs, of which many are taken apart at once.
                    2 => {
                        let (pairs, rest) = source.as_chunks::<2>();
                        target.iter_mut().zip(pairs).for_each(|(t, pair)| *t = pair[0]);
                        target.iter_mut().skip(pairs.len()).zip(rest).for_each(|(t, &s)| *t = s);
                    }
                    _ => target.iter_mut().zip(source.iter().step_by(sc)).for_each(|(t, &s)| *t = s),
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
    /// See [`Direct::weights`].
    weights: &'a [[f32; BLOCK]],
    finish: Finish<'a>,
    rows: Range<usize>,
    out: &'a mut Maps,
}

impl WithSimd for Convolved<'_> {
    type Output = ();

    /// Compiled for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { band, weights, finish, rows, out } = self;
        let (wide, depth, least) = (2 * S::F32_LANES, band.taps.len(), simd.splat_f32s(finish.least));
        let near = (NEAR / depth / wide).max(1) * wide;
        let plane = out.rows * out.cols;
        for (number, row) in rows.enumerate() {
            let samples = &band.samples[number * band.shape.stride.0 * band.row()..];
            for from in (0..out.cols).step_by(near) {
                for (block, weights) in weights.chunks_exact(depth).enumerate() {
                    let first = block * BLOCK;
                    for col in (from..out.cols.min(from + near)).step_by(wide) {
                        let sums = sums(simd, &samples[col..], &band.taps, weights);
                        let count = wide.min(out.cols - col);
                        for ((channel, sums), &bias) in (first..).zip(sums).zip(&finish.bias[first..]) {
                            // No closures here: they are not compiled for the processor at hand.
                            let bias = simd.splat_f32s(bias);
                            let left = simd.max_f32s(simd.add_f32s(sums[0], bias), least);
                            let right = simd.max_f32s(simd.add_f32s(sums[1], bias), least);
                            store(simd, [left, right], &mut out.data[channel * plane + row * out.cols + col..][..count]);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::convolution::block::tests::on_every_processor;

    #[test]
    fn every_processor_sums_the_same() {
        let shape = Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 };
        on_every_processor([3, 20, 150], [7, 10, 75], 45, |weights, input, finish, out, run| {
            let direct = Direct::new(shape, 3, weights);
            let mut band = Band::new(shape, 3, 75);
            band.lay(input, 0, 10);
            run.run(Convolved { band: &band, weights: &direct.weights, finish, rows: 0..10, out });
        });
    }
}

//! Convolutions of 3 x 3 pixels at stride 1, four rows of output at a time ([`super::minimal`]).

use pulp::{Arch, Simd, WithSimd};

use super::block::{BLOCK, WIDEST, store};
use super::minimal::{PRODUCTS, TILE, outputs_of_tiles, sums_of_inputs, weights_of_products};
use super::{Finish, Shape};
use crate::threshold::network::Maps;

/// A convolution of 3 x 3 pixels.
#[derive(Debug, Clone)]
pub struct FourRows {
    inputs: usize,
    /// See [`weights_of_products`]; a kernel is a column of the weights of an input channel.
    weights: Vec<[f32; BLOCK]>,
}

impl FourRows {
    /// `weights` are outputs x inputs x 3 x 3; None for another shape than [`Shape::three`] at stride 1.
    pub fn new(shape: Shape, inputs: usize, weights: &[f32]) -> Option<Self> {
        let Shape { kernel: (3, 3), stride: (1, 1), padding: (1, 1), dilation: 1 } = shape else { return None };
        let (squares, _) = weights.as_chunks::<9>();
        let columns = |square: &[f32; 9]| [0, 1, 2].map(|col| [square[col], square[3 + col], square[6 + col]]);
        let kernels: Vec<[f32; 3]> = squares.iter().flat_map(columns).collect();
        Some(Self { inputs, weights: weights_of_products(&kernels, 3 * inputs) })
    }

    /// Applies it.
    pub fn apply(&self, input: &Maps, finish: Finish, out: &mut Maps) {
        // A column of zeros on either side.
        let pitch = out.cols.next_multiple_of(WIDEST) + 2;
        let mut samples = vec![0.0; self.inputs * PRODUCTS * pitch];
        let taps: Vec<usize> = (0..3 * self.inputs).map(|tap| tap / 3 * PRODUCTS * pitch + tap % 3).collect();
        let (weights, nothing, arch) = (&self.weights, vec![0.0; input.cols], Arch::new());
        for row in (0..out.rows).step_by(TILE) {
            let (samples, taps, nothing, out) = (&mut samples, &taps, &nothing, &mut *out);
            arch.dispatch(Rows { weights, input, nothing, samples, pitch, taps, finish, row, out });
        }
    }
}

/// Four rows of output.
struct Rows<'a> {
    weights: &'a [[f32; BLOCK]],
    input: &'a Maps,
    /// A row of zeros.
    nothing: &'a [f32],
    /// The sums of the inputs: for each channel and product a padded row of `pitch` floats.
    samples: &'a mut [f32],
    pitch: usize,
    taps: &'a [usize],
    finish: Finish<'a>,
    row: usize,
    out: &'a mut Maps,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    /// Compiled for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { weights, input, nothing, samples, pitch, taps, finish, row, out } = self;
        for (channel, samples) in samples.chunks_exact_mut(PRODUCTS * pitch).enumerate() {
            let mut rows = [nothing; PRODUCTS];
            for (k, line) in rows.iter_mut().enumerate() {
                let row = (row + k).wrapping_sub(1);
                if row < input.rows {
                    *line = &input.plane(channel)[row * input.cols..(row + 1) * input.cols];
                }
            }
            let (s0, rest) = samples.split_at_mut(pitch);
            let (s1, rest) = rest.split_at_mut(pitch);
            let (s2, rest) = rest.split_at_mut(pitch);
            let (s3, rest) = rest.split_at_mut(pitch);
            let (s4, s5) = rest.split_at_mut(pitch);
            let cols = 1..=input.cols;
            let (s0, s1, s2) = (&mut s0[cols.clone()], &mut s1[cols.clone()], &mut s2[cols.clone()]);
            let (s3, s4, s5) = (&mut s3[cols.clone()], &mut s4[cols.clone()], &mut s5[cols]);
            sums_of_inputs(rows, [s0, s1, s2, s3, s4, s5]);
        }
        let (wide, plane) = (2 * S::F32_LANES, out.rows * out.cols);
        let mut outputs = [[[simd.splat_f32s(0.0); 2]; TILE]; BLOCK];
        let rows = row..out.rows.min(row + TILE);
        for col in (0..out.cols).step_by(wide) {
            let count = wide.min(out.cols - col);
            for (block, weights) in weights.chunks_exact(PRODUCTS * taps.len()).enumerate() {
                let first = block * BLOCK;
                let finish = Finish { bias: &finish.bias[first..], ..finish };
                outputs_of_tiles(simd, (&samples[col..], pitch), taps, weights, finish, &mut outputs);
                for (channel, outputs) in (first..out.channels).zip(&outputs) {
                    for (row, &output) in rows.clone().zip(outputs) {
                        store(simd, output, &mut out.data[channel * plane + row * out.cols + col..][..count]);
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
        on_every_processor([3, 4, 75], [7, 4, 75], 27, |weights, input, finish, out, run| {
            let rows = FourRows::new(Shape::three(1), 3, weights).unwrap();
            let (pitch, nothing) = (96 + 2, [0.0; 75]);
            let mut samples = vec![0.0; 3 * PRODUCTS * pitch];
            let taps: Vec<usize> = (0..9).map(|tap| tap / 3 * PRODUCTS * pitch + tap % 3).collect();
            let (weights, samples, taps) = (&rows.weights, &mut samples[..], &taps[..]);
            run.run(Rows { weights, input, nothing: &nothing, samples, pitch, taps, finish, row: 0, out });
        });
    }
}

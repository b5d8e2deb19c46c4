//! Convolutions with three kernel columns at stride 1, four columns of output at a time ([`super::minimal`]).
//!
//! The columns of a tile lie a dilation apart, so the tiles of a run of `D` columns, `D` the dilation, take up four runs. Runs are taken apart before
//! and put together after, and what is between goes through tiles that lie side by side.

use pulp::{Arch, Simd, WithSimd};

use super::block::{BAND, BLOCK, WIDEST};
use super::minimal::{PRODUCTS, TILE, outputs_of_tiles, sums_of_inputs, weights_of_products};
use super::{Finish, Shape};
use crate::threshold::network::Maps;

/// Tiles that are laid out at a time along a row; a multiple of every dilation.
const TILES: usize = WIDEST;

/// The sums of the inputs of some tiles.
type Summed = [[f32; TILES]; PRODUCTS];

/// A convolution with three kernel columns.
#[derive(Debug, Clone)]
pub struct FourColumns {
    shape: Shape,
    inputs: usize,
    /// See [`weights_of_products`]; a kernel is a row of the weights of an input channel.
    weights: Vec<[f32; BLOCK]>,
}

impl FourColumns {
    /// `weights` are outputs x inputs x kernel rows x 3. None for shapes that have not three kernel columns at stride 1, a dilation that is a power of two
    /// up to [`TILES`], and as much padding.
    pub fn new(shape: Shape, inputs: usize, weights: &[f32]) -> Option<Self> {
        let Shape { kernel: (rows, 3), stride: (_, 1), padding: (_, padding), dilation } = shape else { return None };
        if padding != dilation || !dilation.is_power_of_two() || dilation > TILES {
            return None;
        }
        let (kernels, _) = weights.as_chunks::<3>();
        Some(Self { shape, inputs, weights: weights_of_products(kernels, rows * inputs) })
    }

    /// Applies it.
    pub fn apply(&self, input: &Maps, finish: Finish, out: &mut Maps) {
        match self.shape.dilation {
            1 => self.apply_at::<1>(input, finish, out),
            2 => self.apply_at::<2>(input, finish, out),
            4 => self.apply_at::<4>(input, finish, out),
            8 => self.apply_at::<8>(input, finish, out),
            16 => self.apply_at::<16>(input, finish, out),
            _ => self.apply_at::<TILES>(input, finish, out),
        }
    }

    /// Applies it at dilation `D`.
    fn apply_at<const D: usize>(&self, input: &Maps, finish: Finish, out: &mut Maps) {
        let ((kr, _), (sr, _)) = (self.shape.kernel, self.shape.stride);
        let step = (BAND / (self.inputs * PRODUCTS * TILES)).saturating_sub(kr) / sr + 1;
        let (mut samples, mut taps, arch) = (Vec::new(), Vec::new(), Arch::new());
        for row in (0..out.rows).step_by(step) {
            let rows = step.min(out.rows - row);
            let laid = (rows - 1) * sr + kr;
            samples.resize(self.inputs * laid, [[0.0; TILES]; PRODUCTS]);
            taps.clear();
            taps.extend((0..self.inputs * kr).map(|tap| (tap / kr * laid + tap % kr) * PRODUCTS * TILES));
            for col in (0..out.cols).step_by(TILE * TILES) {
                let (samples, taps, out) = (&mut samples, &taps, &mut *out);
                arch.dispatch(Columns::<D> { convolution: self, input, samples, taps, finish, row, rows, col, out });
            }
        }
    }
}

/// Some rows and [`TILE`] times [`TILES`] columns of output, at dilation `D`.
struct Columns<'a, const D: usize> {
    convolution: &'a FourColumns,
    input: &'a Maps,
    /// For each channel all input rows of the output rows.
    samples: &'a mut [Summed],
    taps: &'a [usize],
    finish: Finish<'a>,
    row: usize,
    rows: usize,
    col: usize,
    out: &'a mut Maps,
}

impl<const D: usize> WithSimd for Columns<'_, D> {
    type Output = ();

    /// Compiled for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, input, samples, taps, finish, row, rows, col, out } = self;
        let Shape { stride: (sr, _), padding: (pr, _), .. } = convolution.shape;
        let laid = samples.len() / convolution.inputs;
        let mut padded = [0.0; (TILE + 2) * TILES];
        for (number, sums) in samples.iter_mut().enumerate() {
            let (channel, r) = (number / laid, number % laid);
            let row = (row * sr + r).wrapping_sub(pr);
            if row >= input.rows {
                *sums = [[0.0; TILES]; PRODUCTS];
                continue;
            }
            let line = &input.plane(channel)[row * input.cols..(row + 1) * input.cols];
            // From a dilation before these columns to one after them.
            let before = D.saturating_sub(col);
            let line = line.get(col + before - D..).unwrap_or_default();
            let count = line.len().min(TILE * TILES + 2 * D - before);
            padded[before..before + count].copy_from_slice(&line[..count]);
            padded[before + count..].fill(0.0);
            lay::<D>(&padded, sums);
        }
        let samples = samples.as_flattened().as_flattened();
        let (lanes, plane) = (S::F32_LANES, out.rows * out.cols);
        let mut outputs = [[[simd.splat_f32s(0.0); 2]; TILE]; BLOCK];
        let mut tiles = [[[0.0; TILES]; TILE]; BLOCK];
        for number in 0..rows {
            let samples = &samples[number * sr * PRODUCTS * TILES..];
            for (block, weights) in convolution.weights.chunks_exact(PRODUCTS * taps.len()).enumerate() {
                let first = block * BLOCK;
                let finish = Finish { bias: &finish.bias[first..], ..finish };
                for tile in (0..TILES).step_by(2 * lanes) {
                    outputs_of_tiles(simd, (&samples[tile..], TILES), taps, weights, finish, &mut outputs);
                    for (tiles, output) in tiles.as_flattened_mut().iter_mut().zip(outputs.as_flattened()) {
                        S::as_mut_simd_f32s(&mut tiles[tile..tile + 2 * lanes]).0.copy_from_slice(output);
                    }
                }
                for (channel, tiles) in (first..out.channels).zip(&tiles) {
                    let target = &mut out.data[channel * plane + (row + number) * out.cols..][col..out.cols];
                    together::<D>(tiles, target);
                }
            }
        }
    }
}

/// Sums up the inputs of the tiles of a padded row, at dilation `D`.
#[inline(always)]
fn lay<const D: usize>(padded: &[f32; (TILE + 2) * TILES], sums: &mut Summed) {
    // The runs of the first to fourth inputs of all tiles; their fifth and sixth are the first and second of a run further on.
    let mut apart = [[0.0; 2 * TILES]; TILE];
    for (four, runs) in padded.as_chunks::<D>().0.chunks(TILE).enumerate() {
        for (apart, run) in apart.iter_mut().zip(runs) {
            if let Some(target) = apart.as_chunks_mut::<D>().0.get_mut(four) {
                *target = *run;
            }
        }
    }
    let [x0, x1, x2, x3] = &apart;
    let [s0, s1, s2, s3, s4, s5] = sums;
    sums_of_inputs([x0, x1, x2, x3, &x0[D..], &x1[D..]], [s0, s1, s2, s3, s4, s5]);
}

/// Puts the outputs of all tiles in their places in a row, at dilation `D`, as far as the row goes.
#[inline(always)]
fn together<const D: usize>(tiles: &[[f32; TILES]; TILE], row: &mut [f32]) {
    let mut whole = [0.0; TILE * TILES];
    for (four, runs) in whole.as_chunks_mut::<D>().0.chunks_exact_mut(TILE).enumerate() {
        for (run, tiles) in runs.iter_mut().zip(tiles) {
            *run = tiles.as_chunks::<D>().0[four];
        }
    }
    let count = row.len().min(whole.len());
    row[..count].copy_from_slice(&whole[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::convolution::block::tests::on_every_processor;

    #[test]
    fn every_processor_sums_the_same() {
        let shape = Shape { kernel: (3, 3), stride: (2, 1), padding: (1, 2), dilation: 2 };
        on_every_processor([3, 8, 101], [7, 4, 101], 27, |weights, input, finish, out, run| {
            let columns = FourColumns::new(shape, 3, weights).unwrap();
            let mut samples = vec![[[0.0; TILES]; PRODUCTS]; 3 * 9];
            let taps: Vec<usize> = (0..9).map(|tap| (tap / 3 * 9 + tap % 3) * PRODUCTS * TILES).collect();
            let (samples, taps) = (&mut samples[..], &taps[..]);
            run.run(Columns::<2> { convolution: &columns, input, samples, taps, finish, row: 0, rows: 4, col: 0, out });
        });
    }
}

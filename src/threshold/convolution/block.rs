//! The innermost sums of a convolution: some output channels by two vectors of pixels, held in registers.

use pulp::Simd;

/// Output channels whose weights lie side by side, and whose sums are held together: with two vectors of pixels they take twelve of the sixteen
/// registers of most processors, which leaves room for the pixels and a weight.
pub const BLOCK: usize = 6;
/// The widest pair of vectors, of 512 bits each; rows of pixels are filled up to a multiple of it.
pub const WIDEST: usize = 32;
/// Floats that laid-out rows of the input may take at a time: a quarter of a common second-level cache.
pub const BAND: usize = 64 << 10;

/// Sums of two vectors of pixels for each channel of a block.
pub type Sums<S> = [[<S as Simd>::f32s; 2]; BLOCK];

/// Weights of outputs x `depth` in blocks of [`BLOCK`] outputs, one after the other (the last filled up with zeros): for each of the `depth` taps the
/// weights of the block's outputs.
pub fn blocked(weights: &[f32], depth: usize) -> Vec<[f32; BLOCK]> {
    let mut blocked = vec![[0.0; BLOCK]; (weights.len() / depth).div_ceil(BLOCK) * depth];
    for (output, weights) in weights.chunks_exact(depth).enumerate() {
        for (tap, &weight) in weights.iter().enumerate() {
            blocked[output / BLOCK * depth + tap][output % BLOCK] = weight;
        }
    }
    blocked
}

/// The sums over `taps` (places in `samples`) of the pixels there with the weights of each.
#[inline(always)]
pub fn sums<S: Simd>(simd: S, samples: &[f32], taps: &[usize], weights: &[[f32; BLOCK]]) -> Sums<S> {
    let mut sums = [[simd.splat_f32s(0.0); 2]; BLOCK];
    for (&tap, weights) in taps.iter().zip(weights) {
        let (pixels, _) = S::as_simd_f32s(&samples[tap..][..2 * S::F32_LANES]);
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(weight);
            *sums = [simd.mul_add_e_f32s(pixels[0], weight, sums[0]), simd.mul_add_e_f32s(pixels[1], weight, sums[1])];
        }
    }
    sums
}

/// Writes two vectors to as much of them as `target` takes, which are at most two vectors.
#[inline(always)]
pub fn store<S: Simd>(simd: S, [left, right]: [S::f32s; 2], target: &mut [f32]) {
    if let ([a, b], []) = S::as_mut_simd_f32s(target) {
        (*a, *b) = (left, right);
    } else {
        let (a, b) = target.split_at_mut(target.len().min(S::F32_LANES));
        simd.partial_store_f32s(a, left);
        simd.partial_store_f32s(b, right);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use pulp::{Arch, Simd, WithSimd};

    use crate::threshold::convolution::Finish;
    use crate::threshold::network::{Maps, probe};

    /// Kinds of processors: the one at hand, and what any can do with vectors of one, eight and sixteen numbers.
    #[derive(Clone, Copy)]
    pub enum Processor {
        AtHand,
        One,
        Eight,
        Sixteen,
    }

    impl Processor {
        pub fn run<T: WithSimd>(&self, task: T) -> T::Output {
            match self {
                Self::AtHand => Arch::new().dispatch(task),
                Self::One => Simd::vectorize(pulp::Scalar::new(), task),
                Self::Eight => Simd::vectorize(pulp::Scalar256b, task),
                Self::Sixteen => Simd::vectorize(pulp::Scalar512b, task),
            }
        }
    }

    /// Holds what `apply` makes of some weights (`depth` for each output) and input (channels, rows and columns, as those of the output) on each
    /// kind of processor against the others.
    pub fn on_every_processor(
        [inputs, rows, cols]: [usize; 3],
        of_output: [usize; 3],
        depth: usize,
        apply: impl Fn(&[f32], &Maps, Finish, &mut Maps, &Processor),
    ) {
        let weights: Vec<f32> = (0..of_output[0] * depth).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let (bias, input) = ([0.5, -1.0, 0.0, 2.0, 1.0, 3.0, -2.0], probe(inputs, rows, cols));
        let finish = Finish { bias: &bias[..of_output[0]], least: -100.0 };
        let on = |processor: Processor| {
            let mut out = Maps::zeros(of_output[0], of_output[1], of_output[2]);
            apply(&weights, &input, finish, &mut out, &processor);
            out
        };
        let (at_hand, eight) = (on(Processor::AtHand), on(Processor::Eight));
        assert!(at_hand.data.iter().any(|value| value.abs() > 10.0), "something is summed");
        for other in [&eight, &on(Processor::One)] {
            assert!(at_hand.data.iter().zip(&other.data).all(|(a, b)| (a - b).abs() < 1e-3));
        }
        assert_eq!(on(Processor::Sixteen), eight, "wider vectors sum in the same order");
    }
}

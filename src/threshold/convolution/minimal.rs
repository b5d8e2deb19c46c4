//! Four outputs of a kernel of three pixels with six products instead of twelve.
//!
//! F(4, 3) of Winograd, with the points 0, 1, -1, 2 and -2, as by Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016: the
//! products are of sums of the weights, made once, and sums of the inputs, which serve all output channels. In 32-bit floats the result differs from
//! the definition in the sixth digit.

use pulp::Simd;

use super::Finish;
use super::block::{BLOCK, Sums, blocked, sums};

/// Outputs of a tile.
pub const TILE: usize = 4;
/// Products that the outputs of a tile need of each kernel of three pixels, and inputs that they look at.
pub const PRODUCTS: usize = 6;

/// The weights of all products: of each output for each product the `depth` kernels of three pixels, [`blocked`]. `kernels` are outputs x depth.
pub fn weights_of_products(kernels: &[[f32; 3]], depth: usize) -> Vec<[f32; BLOCK]> {
    let mut weights = Vec::with_capacity(PRODUCTS * kernels.len());
    for output in kernels.chunks_exact(depth) {
        weights.extend((0..PRODUCTS).flat_map(|product| output.iter().map(move |&kernel| of_weights(kernel)[product])));
    }
    blocked(&weights, PRODUCTS * depth)
}

fn of_weights([a, b, c]: [f32; 3]) -> [f32; PRODUCTS] {
    let (outer, double) = (a + c, a + 4.0 * c);
    [a / 4.0, -(outer + b) / 6.0, (b - outer) / 6.0, (double + 2.0 * b) / 24.0, (double - 2.0 * b) / 24.0, c]
}

/// The sums of the six inputs of each tile: the first inputs of all tiles, their second ones and so on; all slices are equally long.
#[inline(always)]
pub fn sums_of_inputs(inputs: [&[f32]; PRODUCTS], to: [&mut [f32]; PRODUCTS]) {
    let tiles = to[0].len();
    let [x0, x1, x2, x3, x4, x5] = inputs;
    let (x0, x1, x2, x3, x4, x5) = (&x0[..tiles], &x1[..tiles], &x2[..tiles], &x3[..tiles], &x4[..tiles], &x5[..tiles]);
    let [s0, s1, s2, s3, s4, s5] = to;
    let (s1, s2, s3, s4, s5) = (&mut s1[..tiles], &mut s2[..tiles], &mut s3[..tiles], &mut s4[..tiles], &mut s5[..tiles]);
    for i in 0..tiles {
        let (even, odd) = (x4[i] - 4.0 * x2[i], x3[i] - 4.0 * x1[i]);
        let (near, far) = (x4[i] - x2[i], 2.0 * (x3[i] - x1[i]));
        s0[i] = 4.0 * x0[i] - 5.0 * x2[i] + x4[i];
        s1[i] = even + odd;
        s2[i] = even - odd;
        s3[i] = near + far;
        s4[i] = near - far;
        s5[i] = 4.0 * x1[i] - 5.0 * x3[i] + x5[i];
    }
}

/// Two vectors of each of the outputs of tiles, for each channel of a block.
pub type Outputs<S> = [[[<S as Simd>::f32s; 2]; TILE]; BLOCK];

/// The outputs of two vectors of tiles: `samples` hold the sums of the inputs, those of a product so many floats after those of the product
/// before. Places of channels that are filled up are left as they were.
#[inline(always)]
pub fn outputs_of_tiles<S: Simd>(
    simd: S,
    (samples, apart): (&[f32], usize),
    taps: &[usize],
    weights: &[[f32; BLOCK]],
    finish: Finish,
    outputs: &mut Outputs<S>,
) {
    let mut products: [Sums<S>; PRODUCTS] = [[[simd.splat_f32s(0.0); 2]; BLOCK]; PRODUCTS];
    for ((number, product), weights) in products.iter_mut().enumerate().zip(weights.chunks_exact(taps.len())) {
        *product = sums(simd, &samples[number * apart..], taps, weights);
    }
    // No closures here and in what calls this: they are not compiled for the processor at hand.
    let (least, two, four, eight) =
        (simd.splat_f32s(finish.least), simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
    for ((channel, outputs), &bias) in outputs.iter_mut().enumerate().zip(finish.bias) {
        let bias = simd.splat_f32s(bias);
        for half in 0..2 {
            let [m0, m1, m2, m3, m4, m5] = &products;
            let (m0, m1, m2) = (m0[channel][half], m1[channel][half], m2[channel][half]);
            let (m3, m4, m5) = (m3[channel][half], m4[channel][half], m5[channel][half]);
            let (a, b) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
            let (c, d) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
            let of_tile = [
                simd.add_f32s(m0, simd.add_f32s(a, c)),
                simd.mul_add_e_f32s(d, two, b),
                simd.mul_add_e_f32s(c, four, a),
                simd.add_f32s(simd.mul_add_e_f32s(d, eight, b), m5),
            ];
            for (output, of_tile) in outputs.iter_mut().zip(of_tile) {
                output[half] = simd.max_f32s(simd.add_f32s(of_tile, bias), least);
            }
        }
    }
}

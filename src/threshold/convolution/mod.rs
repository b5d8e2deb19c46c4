//! One layer of a convolutional network.
//!
//! Each way of computing it is a file of its own. Every output number is summed in one fixed order, so results do not depend on threads; and since
//! all cores begin on the same raster of ground, not on tiles either.

mod block;
mod direct;
mod four_columns;
mod four_rows;
mod minimal;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::network::Maps;
use super::spare::Spare;
use direct::Direct;
use four_columns::FourColumns;
use four_rows::FourRows;

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

    /// Rows and columns of the result for an input of so many.
    fn result(&self, rows: usize, cols: usize) -> [usize; 2] {
        let reach = (self.kernel.1 - 1) * self.dilation + 1;
        [(rows + 2 * self.padding.0 - self.kernel.0) / self.stride.0 + 1, (cols + 2 * self.padding.1 - reach) / self.stride.1 + 1]
    }
}

/// A convolution with bias.
#[derive(Debug, Clone)]
pub struct Convolution {
    shape: Shape,
    inputs: usize,
    bias: Vec<f32>,
    method: Method,
}

/// How a convolution is computed.
#[derive(Debug, Clone)]
enum Method {
    /// A kernel of one pixel is a matrix, outputs x inputs.
    Matrix(Vec<f32>),
    /// Four rows at a time.
    Rows(FourRows),
    /// Four columns at a time.
    Columns(FourColumns),
    /// By its definition.
    Direct(Direct),
}

/// What is done with the sums of a convolution: the bias of each output is added, and results below `least` become that.
#[derive(Clone, Copy)]
struct Finish<'a> {
    bias: &'a [f32],
    least: f32,
}

impl Convolution {
    /// Of `inputs` channels to as many as there are numbers in `bias`; `weights` are outputs x (inputs * kernel rows * kernel columns).
    pub fn new(shape: Shape, inputs: usize, weights: &[f32], bias: Vec<f32>) -> Self {
        let method = if shape.kernel == (1, 1) {
            Method::Matrix(weights.to_vec())
        } else if let Some(rows) = FourRows::new(shape, inputs, weights) {
            Method::Rows(rows)
        } else if let Some(columns) = FourColumns::new(shape, inputs, weights) {
            Method::Columns(columns)
        } else {
            Method::Direct(Direct::new(shape, inputs, weights))
        };
        Self { shape, inputs, bias, method }
    }

    /// Applies the convolution; with `rectify`, negative results become zero.
    pub fn apply(&self, input: &Maps, rectify: bool, spare: &mut Spare) -> Maps {
        debug_assert_eq!(input.channels, self.inputs);
        let [rows, cols] = self.shape.result(input.rows, input.cols);
        let mut out = Maps::of_spare(spare, self.bias.len(), rows, cols);
        let finish = Finish { bias: &self.bias, least: if rectify { 0.0 } else { f32::NEG_INFINITY } };
        match &self.method {
            Method::Matrix(matrix) => multiply(matrix, input, finish, &mut out),
            Method::Rows(rows) => rows.apply(input, finish, &mut out),
            Method::Columns(columns) => columns.apply(input, finish, &mut out),
            Method::Direct(direct) => direct.apply(input, finish, &mut out),
        }
        out
    }
}

/// The product of a matrix of outputs x inputs with the pixels.
fn multiply(matrix: &[f32], input: &Maps, finish: Finish, out: &mut Maps) {
    let pixels = input.rows * input.cols;
    // The shapes agree by construction: the views cover their vectors exactly.
    if let (Ok(weights), Ok(input), Ok(mut out)) = (
        ArrayView2::from_shape((out.channels, input.channels), matrix),
        ArrayView2::from_shape((input.channels, pixels), &input.data),
        ArrayViewMut2::from_shape((out.channels, pixels), &mut out.data),
    ) {
        general_mat_mul(1.0, &weights, &input, 0.0, &mut out);
    }
    for (plane, &bias) in out.data.chunks_exact_mut(pixels.max(1)).zip(finish.bias) {
        plane.iter_mut().for_each(|value| *value = (*value + bias).max(finish.least));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::network::probe;

    /// A convolution computed as its definition says.
    fn plainly(c: &Convolution, weights: &[f32], input: &Maps) -> Maps {
        let (kr, kc) = c.shape.kernel;
        let [rows, cols] = c.shape.result(input.rows, input.cols);
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
            (Shape::three(1), 1, 1),
            (Shape { kernel: (3, 3), stride: (2, 1), padding: (1, 1), dilation: 1 }, 2, 1),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 32), dilation: 32 }, 1, 1),
            (Shape::three(2), 10, 14),
            (Shape { kernel: (5, 5), stride: (2, 2), padding: (2, 2), dilation: 1 }, 12, 8),
            (Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 }, 8, 18),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 8), dilation: 8 }, 1, 11),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 32), dilation: 32 }, 1, 20),
            (Shape::point(), 4, 5),
            // Several times the columns that are laid out together, at every dilation.
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 1), dilation: 1 }, 1, 301),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 2), dilation: 2 }, 1, 300),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 4), dilation: 4 }, 2, 299),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 8), dilation: 8 }, 1, 302),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 16), dilation: 16 }, 1, 303),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 32), dilation: 32 }, 1, 304),
            (Shape { kernel: (3, 3), stride: (2, 1), padding: (1, 1), dilation: 1 }, 230, 131),
            (Shape::three(1), 210, 130),
            // Several bands, and more columns than are looked at before the next block of outputs.
            (Shape { kernel: (3, 5), stride: (2, 2), padding: (1, 2), dilation: 1 }, 200, 430),
            // Three columns that cannot be taken four at a time.
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 0), dilation: 1 }, 2, 40),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 3), dilation: 3 }, 2, 40),
            (Shape { kernel: (1, 3), stride: (1, 1), padding: (0, 64), dilation: 64 }, 1, 200),
        ];
        for (shape, rows, cols) in shapes {
            let depth = 3 * shape.kernel.0 * shape.kernel.1;
            let weights: Vec<f32> = (0..7 * depth).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
            let c = Convolution::new(shape, 3, &weights, vec![0.5, -1.0, 0.0, 2.0, 1.0, -3.0, 4.0]);
            let input = probe(3, rows, cols);
            let mut used = Spare::default();
            used.keep(vec![f32::NAN; 7 * rows * cols]);
            let (own, plain) = (c.apply(&input, false, &mut used), plainly(&c, &weights, &input));
            assert_eq!((own.rows, own.cols), (plain.rows, plain.cols), "{shape:?}");
            assert!(own.data.iter().zip(&plain.data).all(|(a, b)| (a - b).abs() < 1e-3), "{shape:?}");
        }
    }
}

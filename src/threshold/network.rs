//! Small convolutional networks, run without any learning framework: the layers, and the reading of their weights.
//!
//! A convolution is a matrix product over unfolded windows (im2col: Chellapilla, Puri and Simard, "High performance
//! convolutional neural networks for document processing", 2006); the product itself is `matrixmultiply`'s, through ndarray. Every output
//! number is summed in one fixed order, so results do not depend on tiles or threads.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

/// Feature maps: `channels` planes of `rows` x `cols`, row-major, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Maps {
    /// Number of planes.
    pub channels: usize,
    /// Rows of a plane.
    pub rows: usize,
    /// Columns of a plane.
    pub cols: usize,
    /// The numbers.
    pub data: Vec<f32>,
}

impl Maps {
    /// Planes of zeros.
    pub fn zeros(channels: usize, rows: usize, cols: usize) -> Self {
        Self { channels, rows, cols, data: vec![0.0; channels * rows * cols] }
    }

    /// One plane.
    pub fn plane(&self, channel: usize) -> &[f32] {
        let size = self.rows * self.cols;
        &self.data[channel * size..(channel + 1) * size]
    }

    /// The part that remains when `margin` rows and columns are taken off on every side.
    pub fn trimmed(&self, margin: usize) -> Self {
        if margin == 0 {
            return self.clone();
        }
        let (rows, cols) = (self.rows - 2 * margin, self.cols - 2 * margin);
        let mut data = Vec::with_capacity(self.channels * rows * cols);
        for channel in 0..self.channels {
            let plane = self.plane(channel);
            for row in margin..margin + rows {
                let start = row * self.cols + margin;
                data.extend_from_slice(&plane[start..start + cols]);
            }
        }
        Self { channels: self.channels, rows, cols, data }
    }

    /// Twice the size by repetition, followed by the planes of `other`, which must have that size.
    pub fn doubled_with(&self, other: &Self) -> Self {
        debug_assert!(other.rows == 2 * self.rows && other.cols == 2 * self.cols);
        let mut data = Vec::with_capacity((self.channels + other.channels) * other.rows * other.cols);
        for channel in 0..self.channels {
            let plane = self.plane(channel);
            for row in 0..other.rows {
                let line = &plane[row / 2 * self.cols..(row / 2 + 1) * self.cols];
                data.extend(line.iter().flat_map(|&value| [value, value]));
            }
        }
        data.extend_from_slice(&other.data);
        Self { channels: self.channels + other.channels, rows: other.rows, cols: other.cols, data }
    }
}

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
    outputs: usize,
    /// outputs x (inputs * kernel rows * kernel columns)
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Unfolded windows are built for about this many output pixels at a time, which keeps them in the second-level cache.
const UNFOLDED_PIXELS: usize = 2048;

impl Convolution {
    /// Applies the convolution; with `rectify`, negative results become zero.
    pub fn apply(&self, input: &Maps, rectify: bool) -> Maps {
        debug_assert_eq!(input.channels, self.inputs);
        let (kr, kc) = self.shape.kernel;
        let reach = (kc - 1) * self.shape.dilation + 1;
        let rows = (input.rows + 2 * self.shape.padding.0 - kr) / self.shape.stride.0 + 1;
        let cols = (input.cols + 2 * self.shape.padding.1 - reach) / self.shape.stride.1 + 1;
        let mut out = Maps::zeros(self.outputs, rows, cols);
        let depth = self.inputs * kr * kc;
        let step = (UNFOLDED_PIXELS / cols).max(1);
        let mut unfolded = vec![0.0f32; depth * step * cols];
        // The shapes agree by construction: the views cover their vectors exactly.
        let Ok(weights) = ArrayView2::from_shape((self.outputs, depth), &self.weights) else { return out };
        let mut from = 0;
        while from < rows {
            let to = (from + step).min(rows);
            let width = (to - from) * cols;
            self.unfold(input, from, to, cols, &mut unfolded[..depth * width]);
            let (Ok(window), Ok(mut whole)) = (
                ArrayView2::from_shape((depth, width), &unfolded[..depth * width]),
                ArrayViewMut2::from_shape((self.outputs, rows * cols), &mut out.data),
            ) else {
                return out;
            };
            let mut target = whole.slice_mut(s![.., from * cols..to * cols]);
            general_mat_mul(1.0, &weights, &window, 0.0, &mut target);
            from = to;
        }
        for (plane, &bias) in out.data.chunks_exact_mut(rows * cols).zip(&self.bias) {
            if rectify {
                plane.iter_mut().for_each(|value| *value = (*value + bias).max(0.0));
            } else {
                plane.iter_mut().for_each(|value| *value += bias);
            }
        }
        out
    }

    /// Lays the windows of output rows `from..to` side by side: one line per weight, one column per output pixel.
    fn unfold(&self, input: &Maps, from: usize, to: usize, cols: usize, unfolded: &mut [f32]) {
        let (kr, kc) = self.shape.kernel;
        let (sr, sc) = self.shape.stride;
        let (pr, pc) = self.shape.padding;
        let width = (to - from) * cols;
        for (line, target) in unfolded.chunks_exact_mut(width).enumerate() {
            let (channel, r, c) = (line / (kr * kc), line / kc % kr, line % kc * self.shape.dilation);
            let plane = input.plane(channel);
            for (target, row) in target.chunks_exact_mut(cols).zip(from..to) {
                let source = (row * sr + r).checked_sub(pr).filter(|&source| source < input.rows);
                let Some(source) = source else {
                    target.fill(0.0);
                    continue;
                };
                let source = &plane[source * input.cols..(source + 1) * input.cols];
                // Output columns whose window column lies inside the input.
                let first = pc.saturating_sub(c).div_ceil(sc).min(cols);
                let last = if input.cols + pc > c { ((input.cols + pc - c - 1) / sc + 1).min(cols) } else { 0 };
                let last = last.max(first);
                target[..first].fill(0.0);
                target[last..].fill(0.0);
                if first == last {
                    continue;
                }
                let start = first * sc + c - pc;
                if sc == 1 {
                    target[first..last].copy_from_slice(&source[start..start + last - first]);
                } else {
                    let taken = source[start..].iter().step_by(sc);
                    target[first..last].iter_mut().zip(taken).for_each(|(t, &s)| *t = s);
                }
            }
        }
    }
}

/// Reads weights in the order in which `training/export.py` wrote them: per convolution and output channel one scale
/// (32-bit float), one bias (32-bit float) and the weights as 16-bit integers in units of the scale; little-endian.
#[derive(Debug)]
pub struct Weights<'a> {
    bytes: &'a [u8],
}

impl<'a> Weights<'a> {
    /// Over the bytes of a weight file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        // A short file gives zeros; the tests check that the files have exactly the length that the networks read.
        let mut taken = [0; N];
        if let Some((head, tail)) = self.bytes.split_first_chunk::<N>() {
            taken = *head;
            self.bytes = tail;
        }
        taken
    }

    /// The next convolution.
    pub fn convolution(&mut self, inputs: usize, outputs: usize, shape: Shape) -> Convolution {
        let depth = inputs * shape.kernel.0 * shape.kernel.1;
        let (mut weights, mut bias) = (Vec::with_capacity(outputs * depth), Vec::with_capacity(outputs));
        for _ in 0..outputs {
            let scale = f32::from_le_bytes(self.take());
            bias.push(f32::from_le_bytes(self.take()));
            weights.extend((0..depth).map(|_| f32::from(i16::from_le_bytes(self.take())) * scale));
        }
        Convolution { shape, inputs, outputs, weights, bias }
    }

    /// Bytes not yet read.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }
}

/// The logistic function.
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// A fixed input that every language can make, for tests against the training framework.
#[cfg(test)]
pub(crate) fn probe(channels: usize, rows: usize, cols: usize) -> Maps {
    let data = (0..channels * rows * cols).map(|i| ((i * 7919 % 257) as f32 - 128.0) / 64.0).collect();
    Maps { channels, rows, cols, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A convolution computed as its definition says.
    fn plainly(c: &Convolution, input: &Maps) -> Maps {
        let (kr, kc) = c.shape.kernel;
        let rows = (input.rows + 2 * c.shape.padding.0 - kr) / c.shape.stride.0 + 1;
        let cols = (input.cols + 2 * c.shape.padding.1 - (kc - 1) * c.shape.dilation - 1) / c.shape.stride.1 + 1;
        let mut out = Maps::zeros(c.outputs, rows, cols);
        for o in 0..c.outputs {
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                let mut sum = c.bias[o];
                for (k, r, s) in (0..c.inputs).flat_map(|k| (0..kr).flat_map(move |r| (0..kc).map(move |s| (k, r, s)))) {
                    let row = (i * c.shape.stride.0 + r) as i64 - c.shape.padding.0 as i64;
                    let col = (j * c.shape.stride.1 + s * c.shape.dilation) as i64 - c.shape.padding.1 as i64;
                    if row >= 0 && col >= 0 && (row as usize) < input.rows && (col as usize) < input.cols {
                        let weight = c.weights[((o * c.inputs + k) * kr + r) * kc + s];
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
        ];
        for (shape, rows, cols) in shapes {
            let depth = 3 * shape.kernel.0 * shape.kernel.1;
            let weights = (0..4 * depth).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
            let c = Convolution { shape, inputs: 3, outputs: 4, weights, bias: vec![0.5, -1.0, 0.0, 2.0] };
            let input = probe(3, rows, cols);
            let (own, plain) = (c.apply(&input, false), plainly(&c, &input));
            assert_eq!((own.rows, own.cols), (plain.rows, plain.cols), "{shape:?}");
            assert!(own.data.iter().zip(&plain.data).all(|(a, b)| (a - b).abs() < 1e-3), "{shape:?}");
        }
    }
}

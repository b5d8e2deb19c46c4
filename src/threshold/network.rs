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

//! Small convolutional networks, run without any learning framework: their feature maps, and the reading of their weights.

use super::convolution::{Convolution, Shape};
use super::spare::Spare;

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

    /// Planes of whatever numbers are left in memory that is spare: for those who write all of them.
    pub fn of_spare(spare: &mut Spare, channels: usize, rows: usize, cols: usize) -> Self {
        Self { channels, rows, cols, data: spare.floats(channels * rows * cols) }
    }

    /// One plane.
    pub fn plane(&self, channel: usize) -> &[f32] {
        let size = self.rows * self.cols;
        &self.data[channel * size..(channel + 1) * size]
    }

    /// The part that remains when `margin` rows and columns are taken off on every side.
    pub fn trimmed(self, margin: usize, spare: &mut Spare) -> Self {
        if margin == 0 {
            return self;
        }
        let mut trimmed = Self::of_spare(spare, self.channels, self.rows - 2 * margin, self.cols - 2 * margin);
        let rows = trimmed.rows;
        for (number, target) in trimmed.data.chunks_exact_mut(trimmed.cols).enumerate() {
            let start = (number / rows * self.rows + number % rows + margin) * self.cols + margin;
            target.copy_from_slice(&self.data[start..start + target.len()]);
        }
        spare.keep(self.data);
        trimmed
    }

    /// Twice the size by repetition, followed by the planes of `other`, which must have that size.
    pub fn doubled_with(self, other: Self, spare: &mut Spare) -> Self {
        debug_assert!(other.rows == 2 * self.rows && other.cols == 2 * self.cols);
        let mut both = Self::of_spare(spare, self.channels + other.channels, other.rows, other.cols);
        let (doubled, same) = both.data.split_at_mut(self.channels * other.rows * other.cols);
        same.copy_from_slice(&other.data);
        for (number, pair) in doubled.chunks_exact_mut(2 * other.cols).enumerate() {
            let line = &self.data[number * self.cols..(number + 1) * self.cols];
            let (upper, lower) = pair.split_at_mut(other.cols);
            upper.chunks_exact_mut(2).zip(line).for_each(|(two, &value)| two.fill(value));
            lower.copy_from_slice(upper);
        }
        spare.keep(self.data);
        spare.keep(other.data);
        both
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
        Convolution::new(shape, inputs, &weights, bias)
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

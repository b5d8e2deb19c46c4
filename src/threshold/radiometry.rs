//! From a sensor's numbers to values that mean the same in every image: a robust stretch, then log luminance and chroma
//! against their local mean over [`LOCAL_M`] metres, so that exposure, haze, season and bit depth drop out.
//!
//! The networks were trained on exactly these numbers (`training/scenes.py`); change both together.

use super::fill_colour::FillColour;
use super::sharpness::Focus;

/// Standard deviation of the Gaussian that defines the local mean and deviation, metres: wider than a string of cars beside
/// another, narrower than a cloud.
pub const LOCAL_M: f64 = 40.0;
/// Cell of the grid on which the local statistics are kept, metres.
pub const CELL_M: f64 = 4.0;
/// Cells on either side that the Gaussian takes in: four standard deviations.
pub const LOCAL_REACH: usize = 40;
/// Added to luminance before the logarithm: the noise floor of a stretched image.
const LOG_FLOOR: f32 = 0.05;
/// Least local deviation of log luminance, so that a bare field does not become noise.
const MIN_DEVIATION: f32 = 0.12;
/// Luminance below which chroma is not divided any further.
const CHROMA_FLOOR: f32 = 0.1;
/// Gain of the chroma planes.
const CHROMA_GAIN: f32 = 3.0;
/// Quantiles of valid luminance that become 0 and 1.
pub const STRETCH_QUANTILES: [f64; 2] = [0.005, 0.995];
/// Largest stretched value kept.
pub(super) const STRETCH_TOP: f32 = 1.5;
/// Stretched values are kept as 16-bit integers in units of 1 / STEPS.
pub(super) const STEPS: f32 = 40000.0;

/// The linear stretch of a scene: sample values that become 0 and 1, which are no ground, and how samples are focused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Becomes 0.
    pub low: f32,
    /// Becomes 1.
    pub high: f32,
    /// Its undeclared nodata.
    pub fill: FillColour,
    /// How its samples are brought to the sharpness that the networks know.
    pub focus: Focus,
}

impl Stretch {
    /// From luminances of valid pixels; the order of the samples does not matter. None when there are none.
    pub fn from_luminance(samples: &mut [f32]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let mut at = |quantile: f64| {
            let place = (quantile * (samples.len() - 1) as f64).round() as usize;
            *samples.select_nth_unstable_by(place, f32::total_cmp).1
        };
        let (low, high) = (at(STRETCH_QUANTILES[0]), at(STRETCH_QUANTILES[1]));
        Some(Self { low, high: high.max(low + 1e-6), fill: FillColour::default(), focus: Focus::default() })
    }

    /// The stretched value of a sample.
    pub fn apply(&self, sample: f32) -> f32 {
        ((sample - self.low) / (self.high - self.low)).clamp(0.0, STRETCH_TOP)
    }
}

/// The natural logarithm of a positive, normal number to a few units in the last place, without a branch, so that processors take several numbers at
/// a time; the same on all of them, as the C libraries' are not (the polynomial of Moshier's Cephes library, `logf`, 1989).
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    // x is m * 2^e with m from the root of a half to that of two.
    let low = (bits & 0x7f_ffff) | 0x3f00_0000 < std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let exponent = (bits >> 23) as i32 - if low { 127 } else { 126 };
    let e = exponent as f32;
    let m = f32::from_bits((bits & 0x7f_ffff) | if low { 0x3f80_0000 } else { 0x3f00_0000 }) - 1.0;
    let square = m * m;
    let series = [
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let mut sum = 7.037_683_6e-2;
    for term in series {
        sum = sum * m + term;
    }
    // The logarithm of two in two parts, of which the larger is exact in e times it.
    m + (sum * m * square - 2.121_944_4e-4 * e - 0.5 * square) + 355.0 / 512.0 * e
}

/// Log luminance and the two chroma differences (red - green, blue - yellow) of a stretched pixel.
#[inline(always)]
pub fn log_chroma(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb;
    let luminance = (r + g + b) / 3.0;
    let d = luminance.max(CHROMA_FLOOR);
    [ln(luminance + LOG_FLOOR), (r - g) / d, (b - 0.5 * (r + g)) / d]
}

/// The four network inputs of a valid pixel from its stretched colour and the local statistics there
/// (mean and deviation of log luminance, means of the two chroma differences). An invalid pixel is four zeros.
#[inline(always)]
pub fn channels(rgb: [f32; 3], local: [f32; 4], colour: bool) -> [f32; 4] {
    let [log, c1, c2] = log_chroma(rgb);
    let gain = if colour { CHROMA_GAIN } else { 0.0 };
    [
        ((log - local[0]) / local[1]).clamp(-4.0, 4.0),
        ((c1 - local[2]) * gain).clamp(-3.0, 3.0),
        ((c2 - local[3]) * gain).clamp(-3.0, 3.0),
        1.0,
    ]
}

/// Points whose inputs are made together: two of the widest vectors.
pub const POINTS: usize = 32;

/// The four network inputs of some points (rows): of each red, green and blue in units of 1 / [`STEPS`] with the share that was seen, and the local
/// statistics there. A point of which not more than half was seen is four zeros.
#[inline(always)]
pub(super) fn inputs_of(looked: &[[f32; 4]; POINTS], local: &[[f32; 4]; POINTS], colour: bool) -> [[f32; POINTS]; 4] {
    let ([red, green, blue, seen], [mean, deviation, c1, c2]) = (planes(looked), planes(local));
    let mut inputs = [[0.0; POINTS]; 4];
    for i in 0..POINTS {
        let rgb = [red[i] / STEPS, green[i] / STEPS, blue[i] / STEPS];
        let values = channels(rgb, [mean[i], deviation[i], c1[i], c2[i]], colour);
        for k in 0..4 {
            inputs[k][i] = if seen[i] > 0.5 { values[k] } else { 0.0 };
        }
    }
    inputs
}

/// Each of the four numbers of all points.
#[inline(always)]
fn planes(points: &[[f32; 4]; POINTS]) -> [[f32; POINTS]; 4] {
    let mut planes = [[0.0; POINTS]; 4];
    for k in 0..4 {
        for i in 0..POINTS {
            planes[k][i] = points[i][k];
        }
    }
    planes
}

/// Sums over the valid pixels of a cell: count, log luminance, its square, the two chroma differences.
pub type CellSums = [f32; 5];

/// Local statistics on a grid of [`CELL_M`] cells, from the sums of each cell (row-major, `cols` wide) and the number of pixels
/// that a whole cell holds. The outer `margin` cells on every side are only looked at and get no statistics of their own; with a margin
/// of [`LOCAL_REACH`] the statistics of a cell are the same, to the bit, whatever larger grid its surroundings are cut from.
pub fn local_statistics(sums: &[CellSums], cols: usize, pixels_per_cell: f32, margin: usize) -> Vec<[f32; 4]> {
    let rows = sums.len().checked_div(cols).unwrap_or(0);
    let (inner_cols, inner_rows) = (cols.saturating_sub(2 * margin), rows.saturating_sub(2 * margin));
    let sigma = (LOCAL_M / CELL_M) as f32;
    let mut kernel: Vec<f32> =
        (-(LOCAL_REACH as i32)..=LOCAL_REACH as i32).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
    let total: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= total);
    // The weighted sum over the cells along one axis, in their order.
    let blur = |cells: &[CellSums], centre: usize, stride: usize, length: usize| {
        let (from, to) = (centre.saturating_sub(LOCAL_REACH), (centre + LOCAL_REACH + 1).min(length));
        (from..to).fold([0.0f32; 5], |mut sum, i| {
            let weight = kernel[i + LOCAL_REACH - centre];
            sum.iter_mut().zip(&cells[i * stride]).for_each(|(s, c)| *s += weight * c);
            sum
        })
    };
    let scaled: Vec<CellSums> = sums.iter().map(|cell| cell.map(|value| value / pixels_per_cell.max(1e-6))).collect();
    let mut across = Vec::with_capacity(rows * inner_cols);
    for line in scaled.chunks_exact(cols.max(1)) {
        across.extend((0..inner_cols).map(|col| blur(line, margin + col, 1, cols)));
    }
    (0..inner_rows * inner_cols)
        .map(|i| {
            let [n, log, square, c1, c2] = blur(&across[i % inner_cols..], margin + i / inner_cols, inner_cols, rows);
            let n = n.max(1e-4);
            let mean = log / n;
            let deviation = (square / n - mean * mean).max(0.0).sqrt();
            [mean, deviation.max(MIN_DEVIATION), c1 / n, c2 / n]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_and_offset_do_not_change_the_stretched_values() {
        let raw: Vec<f32> = (0..5000).map(|i| ((i * 7919) % 4093) as f32).collect();
        let brighter: Vec<f32> = raw.iter().map(|v| v * 3.7 + 211.0).collect();
        let a = Stretch::from_luminance(&mut raw.clone()).unwrap();
        let b = Stretch::from_luminance(&mut brighter.clone()).unwrap();
        for (x, y) in raw.iter().zip(&brighter) {
            assert!((a.apply(*x) - b.apply(*y)).abs() < 1e-4);
        }
    }

    #[test]
    fn the_logarithm_is_that_of_twice_as_many_digits() {
        for k in 0..40_000 {
            let x = 0.03 * (1.0 + k as f32 / 8000.0).powi(3);
            let (own, exact) = (f64::from(ln(x)), f64::from(x).ln());
            assert!((own - exact).abs() < 1.5e-7 * exact.abs().max(1.0), "{x}: {own} against {exact}");
        }
    }

    #[test]
    fn a_uniform_field_has_its_own_mean_and_the_least_deviation() {
        let cell = [64.0, 64.0 * -0.7, 64.0 * 0.49, 6.4, -3.2];
        let local = local_statistics(&vec![cell; 30 * 20], 30, 64.0, 0);
        for value in local {
            assert!((value[0] + 0.7).abs() < 1e-4 && (value[1] - MIN_DEVIATION).abs() < 1e-3);
            assert!((value[2] - 0.1).abs() < 1e-4 && (value[3] + 0.05).abs() < 1e-4);
        }
    }

    #[test]
    fn cells_without_valid_pixels_take_no_part() {
        let mut cells = vec![[64.0, 64.0, 64.0, 0.0, 0.0]; 400];
        cells[200..].fill([0.0; 5]);
        let local = local_statistics(&cells, 20, 64.0, 0);
        assert!((local[15 * 20 + 3][0] - 1.0).abs() < 1e-3);
    }
}

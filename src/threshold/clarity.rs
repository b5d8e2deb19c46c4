//! Whether the ground can be seen at all: not blurred beyond a car's width, not drowned in noise, not without any contrast.
//!
//! The mean square difference of luminance at one metre against that at eight (a structure function after Kolmogorov; Curran, "The
//! semivariogram in remote sensing", 1988) tells: blur makes neighbours alike, and the ratio falls with the square of the distance; noise makes
//! them as different as far points, and the ratio rises to one, whatever is left of the ground in dense haze or deep shadow. Where the sensor was
//! saturated or got no light there is no difference at all.

use std::ops::Range;

/// Sums that are added up side by side.
const LANES: usize = 8;
/// Distances that are compared, in half metres: along an axis, and diagonally.
const NEAR: [usize; 2] = [2, 1];
const FAR: [usize; 2] = [16, 11];
/// Ratio below which nothing can be made out. Patches of rendered and real yards, in any season and haze, had 0.05 to 0.51, real ground without
/// railway 0.056 to 0.7. Of two rendered yards (0.3 and 0.5 m), blurred with 1.5 m, cars but not their couplings are still found: no patch had less
/// than 0.020, the median 0.024 and 0.030; nothing is found when they are blurred with 2.5 m, or smeared over 10 m.
const BLURRED: f64 = 0.022;
/// Standard deviation of a blur of that ratio, metres.
pub const BLUR_M: f64 = 1.7;
/// Ratio above which noise is all there is. Of 80 fresh scenes one had a patch with more (0.77), of a real yard none had more than 0.33; with a
/// hundredth of its contrast, and noise of one grey level, the yard of 0.5 m has a median of 0.77 (haze: a tenth of its cars are found) and 0.71
/// (darkness: a third), that of 0.3 m, where most are found, 0.69 and 0.60. Of real ground without railway, 2 of 128 patches of a town and 2 of 69 of
/// small tiles have more.
const DROWNED: f64 = 0.70;
/// Mean square difference at eight metres below which there is nothing at all, in squares of a local standard deviation.
const NOTHING: f64 = 1e-6;
/// Share of the pairs that must have been seen.
const SEEN: f64 = 0.25;

/// How well the ground of a patch can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clarity {
    /// As far as the pixels go.
    Clear,
    /// Out of focus, smeared, or enlarged from far coarser pixels.
    Blurred,
    /// So dark or hazy that the sensor's noise covers what there is.
    Drowned,
    /// Saturated or black: without any contrast.
    Blank,
}

impl Clarity {
    /// Of a square of half-metre pixels: luminance in any scale that varies slowly, and whether each was seen; `at(row, col)`. `response` says how many times
    /// as large the ratio was made where blur is as large as [`BLUR_M`].
    pub fn of(side: usize, response: f64, at: impl Fn(usize, usize) -> Option<f32>) -> Self {
        // What was not seen is no number, nor is its difference from anything.
        let mut pixels = Vec::with_capacity(side * side);
        (0..side).for_each(|row| pixels.extend((0..side).map(|col| at(row, col).unwrap_or(f32::NAN))));
        // The direction in which neighbours are most alike: an image may be smeared in one only.
        let ratios = [[0i64, 1], [1, 0], [1, 1], [1, -1]].map(|step| {
            let diagonal = usize::from(step[0] != 0 && step[1] != 0);
            let near = mean_square(&pixels, side, step, NEAR[diagonal])?;
            let far = mean_square(&pixels, side, step, FAR[diagonal])?;
            // Half of the metre and a half of a diagonal's two steps would be 0.7 m: as if they were one metre apart.
            let stretch = if diagonal == 1 { std::f64::consts::SQRT_2 } else { 1.0 };
            Some(if far < NOTHING { f64::INFINITY } else { stretch * near / far })
        });
        match ratios.into_iter().flatten().reduce(f64::min) {
            Some(ratio) if ratio < BLURRED * response => Self::Blurred,
            Some(f64::INFINITY) => Self::Blank,
            Some(ratio) if ratio > DROWNED => Self::Drowned,
            _ => Self::Clear,
        }
    }
}

/// Mean square difference of the pixels so many steps apart; none where too few were seen.
fn mean_square(pixels: &[f32], side: usize, [down, right]: [i64; 2], steps: usize) -> Option<f64> {
    let (rows, shift) = (steps * down as usize, steps as i64 * right);
    let (from, to) = ((-shift).max(0) as usize, (side as i64 - shift.max(0)).max(0) as usize);
    let (mut sums, mut seen, mut all) = ([0.0f64; LANES], [0u32; LANES], 0);
    for row in 0..side.saturating_sub(rows) {
        let line = |row: usize, cols: Range<usize>| &pixels[row * side + cols.start..row * side + cols.end];
        let there = |col: usize| (col as i64 + shift) as usize;
        let (here, there) = (line(row, from..to), line(row + rows, there(from)..there(to)));
        all += here.len();
        for (here, there) in here.chunks(LANES).zip(there.chunks(LANES)) {
            for (((sum, seen), a), b) in sums.iter_mut().zip(&mut seen).zip(here).zip(there) {
                let difference = f64::from(a - b);
                *sum += if difference.is_nan() { 0.0 } else { difference * difference };
                *seen += u32::from(!difference.is_nan());
            }
        }
    }
    let seen = f64::from(seen.iter().sum::<u32>());
    (seen > SEEN * all as f64).then(|| sums.iter().sum::<f64>() / seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 128;

    fn noise(row: usize, col: usize) -> f32 {
        let mixed = (row as u32).wrapping_mul(374_761_393) ^ (col as u32).wrapping_mul(668_265_263);
        let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177);
        ((mixed ^ (mixed >> 16)) & 0xffff) as f32 / 65536.0 - 0.5
    }

    /// Roofs of 17 x 3 m, each of its own brightness, on tracks 5 m apart, softened over so many half metres down and right.
    fn yard(soft: [usize; 2]) -> Vec<f32> {
        let car = |row: usize, col: usize| {
            let (x, y) = (col as f32 / 2.0, row as f32 / 2.0);
            let place = x + 7.0 * (y / 5.0).floor();
            let own = noise((y / 5.0) as usize, (place / 17.0) as usize + 50);
            if y % 5.0 < 3.0 { 1.0 + own } else { 0.05 * noise(row, col) }
        };
        let [down, right] = soft;
        (0..SIDE * SIDE)
            .map(|i| {
                let window = (0..=down).flat_map(|r| (0..=right).map(move |c| (r, c)));
                window.map(|(r, c)| car(i / SIDE + r, i % SIDE + c)).sum::<f32>() / ((down + 1) * (right + 1)) as f32
            })
            .collect()
    }

    fn clarity(pixels: &[f32]) -> Clarity {
        Clarity::of(SIDE, 1.0, |row, col| Some(pixels[row * SIDE + col]))
    }

    #[test]
    fn a_yard_is_clear_unless_it_is_smeared_drowned_or_blank_and_the_scale_does_not_matter() {
        let sharp = yard([0, 0]);
        assert_eq!(clarity(&sharp), Clarity::Clear);
        assert_eq!(clarity(&yard([2, 2])), Clarity::Clear, "pixels of 1.5 m");
        assert_eq!(clarity(&yard([0, 30])), Clarity::Blurred, "moved by 15 m");
        let of_contrast = |contrast: f32| -> Vec<f32> {
            sharp.iter().enumerate().map(|(i, v)| 100.0 * (contrast * v + noise(i % SIDE + 1000, i / SIDE))).collect()
        };
        assert_eq!(clarity(&of_contrast(2.0)), Clarity::Clear);
        assert_eq!(clarity(&of_contrast(0.03)), Clarity::Drowned);
        assert_eq!(clarity(&vec![0.7; SIDE * SIDE]), Clarity::Blank, "overexposed");
    }

    #[test]
    fn what_is_not_seen_has_no_say() {
        let sharp = yard([0, 0]);
        let half = Clarity::of(SIDE, 1.0, |row, col| (row >= SIDE / 2).then(|| sharp[row * SIDE + col]));
        assert_eq!(half, Clarity::Clear);
        assert_eq!(Clarity::of(SIDE, 1.0, |_, _| None), Clarity::Clear, "without data, which is another matter");
    }
}

//! What the ground of a site looks like in a scene, whatever its light, haze and sensor: how much brighter or darker each place is than what is around it.

use super::frame::Frame;
use super::luminance::Sums;
use crate::error::Result;
use crate::raster::Scene;
use crate::series::record::Point;

/// Cells of a look along a cell of the site's frame.
const FINER: usize = 2;
/// Coarsest cell of a look, metres: in cells of a metre it tells nearly as well as in those of half a one, a car is three metres wide. Larger sites have none.
const COARSEST_M: f64 = 1.0;
/// Side of the square of ground that a place is held against, metres: a few cars' lengths.
const AROUND_M: f64 = 30.0;
/// Least deviation of log luminance over it: what is plainer (snow, water) is not made to stand out.
const PLAIN: f32 = 0.03;
/// Share of a full cell that must have been seen, its neighbours helping: pixels are up to two and a half cells apart.
const SEEN: f32 = 0.05;
/// A look's values are kept as so many steps per standard deviation, up to four of them either way.
const STEPS: f32 = 31.0;
/// The value of a cell that was not seen.
pub const UNSEEN: i8 = i8::MIN;

/// Brightness of a scene against its surroundings, in standard deviations, on the ground of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Its grid.
    pub frame: Frame,
    /// Row by row from the north-western cell, in steps; [`UNSEEN`] where nothing was seen.
    pub cells: Vec<i8>,
}

impl Look {
    /// Of a scene on a site's frame; none where the scene shows nothing of it or is not georeferenced, or the site is so large that its cells are too coarse.
    ///
    /// # Errors
    /// When the image cannot be decoded there.
    pub fn of(scene: &Scene, site: &Frame) -> Result<Option<Self>> {
        let frame = site.finer(FINER);
        if frame.cell_m > COARSEST_M {
            return Ok(None);
        }
        Ok(Sums::of(scene, &frame)?.map(|sums| Self { cells: against_surroundings(sums, frame.cell_m), frame }))
    }

    /// The value at a place, metres east and south of the frame's corner, in standard deviations; none where a cell about it was not seen.
    pub fn at(&self, [x, y]: Point) -> Option<f32> {
        let (u, v) = (x / self.frame.cell_m - 0.5, y / self.frame.cell_m - 0.5);
        let (last_col, last_row) = (self.frame.cols as f64 - 1.0, self.frame.rows as f64 - 1.0);
        if !(u >= 0.0 && v >= 0.0 && u < last_col && v < last_row) {
            return None;
        }
        let (col, row) = (u as usize, v as usize);
        let (fu, fv) = ((u - col as f64) as f32, (v - row as f64) as f32);
        let first = row * self.frame.cols + col;
        let [a, b, c, d] = [first, first + 1, first + self.frame.cols, first + self.frame.cols + 1].map(|i| self.cells[i]);
        if [a, b, c, d].contains(&UNSEEN) {
            return None;
        }
        let [a, b, c, d] = [a, b, c, d].map(f32::from);
        Some(((a * (1.0 - fu) + b * fu) * (1.0 - fv) + (c * (1.0 - fu) + d * fu) * fv) / STEPS)
    }

    /// Its cells as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.cells.iter().flat_map(|cell| cell.to_le_bytes()).collect()
    }

    /// On a site's frame, from its bytes.
    pub fn from_bytes(site: &Frame, bytes: &[u8]) -> Self {
        Self { frame: site.finer(FINER), cells: bytes.iter().map(|byte| i8::from_le_bytes([*byte])).collect() }
    }

    /// Whether its cells fill its frame.
    pub fn is_sound(&self) -> bool {
        self.frame.cols.checked_mul(self.frame.rows) == Some(self.cells.len())
    }

    /// A value as it is kept.
    pub fn kept(value: f32) -> i8 {
        (value * STEPS).round().clamp(-127.0, 127.0) as i8
    }
}

/// Sums over squares about cells: of what was seen, how many, how bright, and the squares of that.
type Moments = [f64; 3];

/// Log luminance of each cell, less the mean around it, over the standard deviation around it.
fn against_surroundings(sums: Sums, cell_m: f64) -> Vec<i8> {
    let Sums { cols, rows, value, weight, full } = sums;
    let (value, weight) = (blurred(value, cols), blurred(weight, cols));
    let log: Vec<f32> = value.iter().zip(&weight).map(|(v, w)| if *w > SEEN * full { v / w } else { f32::NAN }).collect();
    let reach = (AROUND_M / 2.0 / cell_m).round() as usize;
    let mut cells = vec![UNSEEN; cols * rows];
    let moments = |value: f32| {
        if value.is_nan() { [0.0; 3] } else { [1.0, f64::from(value), f64::from(value) * f64::from(value)] }
    };
    // Sums over the columns of the rows about the one at hand, and over so many of these.
    let mut columns: Vec<Moments> = vec![[0.0; 3]; cols];
    let add = |columns: &mut [Moments], row: usize, sign: f64| {
        for (sum, &value) in columns.iter_mut().zip(&log[row * cols..(row + 1) * cols]) {
            let more = moments(value);
            (0..3).for_each(|k| sum[k] += sign * more[k]);
        }
    };
    (0..reach.min(rows)).for_each(|row| add(&mut columns, row, 1.0));
    for row in 0..rows {
        if row + reach < rows {
            add(&mut columns, row + reach, 1.0);
        }
        if row > reach {
            add(&mut columns, row - reach - 1, -1.0);
        }
        let mut window = [0.0; 3];
        columns[..reach.min(cols)].iter().for_each(|sum| (0..3).for_each(|k| window[k] += sum[k]));
        for col in 0..cols {
            if col + reach < cols {
                (0..3).for_each(|k| window[k] += columns[col + reach][k]);
            }
            if col > reach {
                (0..3).for_each(|k| window[k] -= columns[col - reach - 1][k]);
            }
            let value = log[row * cols + col];
            if !value.is_nan() {
                let [n, sum, squares] = window;
                let mean = sum / n;
                let deviation = ((squares / n - mean * mean).max(0.0).sqrt() as f32).max(PLAIN);
                cells[row * cols + col] = Look::kept((value - mean as f32) / deviation);
            }
        }
    }
    cells
}

/// Each cell with its neighbours, a quarter, a half and a quarter along either side.
fn blurred(values: Vec<f32>, cols: usize) -> Vec<f32> {
    let mut across = values.clone();
    for (row, from) in across.chunks_mut(cols).zip(values.chunks(cols)) {
        for col in 1..cols.saturating_sub(1) {
            row[col] = 0.25 * from[col - 1] + 0.5 * from[col] + 0.25 * from[col + 1];
        }
    }
    let mut down = across.clone();
    for i in cols..values.len().saturating_sub(cols) {
        down[i] = 0.25 * across[i - cols] + 0.5 * across[i] + 0.25 * across[i + cols];
    }
    down
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The look of a made-up picture, `picture(x, y)` of log luminance in metres, seen where `seen` says so; cells of half a metre.
    pub fn look_of(side_m: usize, picture: impl Fn(f32, f32) -> f32, seen: impl Fn(f32, f32) -> bool) -> Look {
        let site = Frame::around(&[[130.0, 42.0]], side_m as f64 / 2.0).unwrap();
        let frame = site.finer(FINER);
        let mut sums = Sums::new([frame.cols, frame.rows], 1.0);
        for (row, col) in (0..frame.rows).flat_map(|row| (0..frame.cols).map(move |col| (row, col))) {
            let (x, y) = ((col as f32 + 0.5) / 2.0, (row as f32 + 0.5) / 2.0);
            if seen(x, y) {
                sums.add(col as f32 + 0.5, row as f32 + 0.5, picture(x, y));
            }
        }
        Look { cells: against_surroundings(sums, frame.cell_m), frame }
    }

    /// Ground without two places alike.
    pub fn ground(x: f32, y: f32) -> f32 {
        (0.9 * x + 0.3 * (0.7 * y).sin()).sin() + (1.1 * y + 0.5 * (0.4 * x).cos()).sin()
    }

    #[test]
    fn a_place_looks_the_same_in_any_light_and_haze() {
        let seen = |_: f32, _: f32| true;
        let (bright, hazy) = (look_of(60, ground, seen), look_of(60, |x, y| 0.2 * ground(x, y) - 3.0, seen));
        let apart = bright.cells.iter().zip(&hazy.cells).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(1), "{apart:?} steps");
        assert!(bright.cells.iter().any(|cell| cell.abs() > 30));
    }

    #[test]
    fn plain_ground_is_not_made_to_stand_out_and_ground_that_was_not_seen_says_nothing() {
        let look = look_of(60, |x, y| 0.001 * ground(x, y), |x, _| x < 30.0);
        assert!(look.at([20.2, 30.1]).unwrap().abs() < 0.2);
        assert_eq!(look.at([40.0, 30.0]), None);
        assert_eq!((look.at([-1.0, 5.0]), look.at([1e9, 5.0]), look.at([f64::NAN, 5.0])), (None, None, None));
    }

    #[test]
    fn bytes_give_the_same_look_again() {
        let look = look_of(40, ground, |_, y| y < 30.0);
        let site = Frame::around(&[[130.0, 42.0]], 20.0).unwrap();
        assert_eq!(Look::from_bytes(&site, &look.bytes()), look);
        assert!(look.is_sound() && !Look::from_bytes(&site, &look.bytes()[1..]).is_sound());
    }
}

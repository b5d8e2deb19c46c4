//! A box of ground cut out of a plane, for looking at many points that lie close together.
//!
//! The samples and statistics of the box are laid out once, side by side, whatever patches they come from; then points are looked at some
//! vectors of numbers at a time.

use pulp::{Arch, Simd, WithSimd};

use super::plane::{NOTHING, Plane};
use super::radiometry::{CELL_M, POINTS, inputs_of};
use crate::tile::Area;

/// A whole number to which this is added ends in its own last 32 bits (1.5 * 2^52): several are converted at a time, which a cast is not.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// Samples and statistics of a box of ground.
pub struct Cutout<'a> {
    plane: &'a Plane,
    /// Column and row of the first sample, and samples of a row.
    first: [i32; 2],
    width: usize,
    /// Red, green and blue in steps of a stretched value, and 1 where anything was seen; beyond the plane its border is repeated, but not seen.
    samples: Vec<[f32; 4]>,
    /// The same of the cells of the statistics.
    first_cell: [i32; 2],
    cells_across: usize,
    cells: Vec<[f32; 4]>,
}

/// Where points lie along an axis: the sample or cell before each, and how far on the way to the next it lies.
#[derive(Clone, Copy)]
struct Places {
    before: [i32; POINTS],
    share: [f32; POINTS],
}

/// How points along an axis are counted: so many `per_metre` from the `origin` on; none is taken to lie before `least` or beyond `most`.
#[derive(Clone, Copy)]
struct Scale {
    origin: f64,
    per_metre: f64,
    least: f64,
    most: f64,
}

impl Scale {
    #[inline(always)]
    fn at(self, metres: f64) -> f64 {
        ((metres - self.origin) * self.per_metre - 0.5).max(self.least).min(self.most)
    }

    #[inline(always)]
    fn places(self, metres: &[f64; POINTS]) -> Places {
        let mut places = Places { before: [0; POINTS], share: [0.0; POINTS] };
        for ((whole, share), &metres) in places.before.iter_mut().zip(&mut places.share).zip(metres) {
            let at = self.at(metres);
            let before = at.floor();
            *whole = (before + WHOLE).to_bits() as i32;
            *share = (at - before) as f32;
        }
        places
    }
}

impl<'a> Cutout<'a> {
    /// Of nothing yet.
    pub fn of(plane: &'a Plane) -> Self {
        let (samples, cells) = (Vec::new(), Vec::new());
        Self { plane, first: [0; 2], width: 0, samples, first_cell: [0; 2], cells_across: 0, cells }
    }

    /// How samples lie along x and y. Two steps beyond the plane nothing is seen any more.
    fn samples_along(plane: &Plane) -> [Scale; 2] {
        let scale = |origin: f64, step: f64, size: usize| Scale { origin, per_metre: 1.0 / step, least: -2.0, most: size as f64 };
        [scale(plane.origin[0], plane.step_m[0], plane.x.len()), scale(plane.origin[1], plane.step_m[1], plane.y.len())]
    }

    fn cells_along(plane: &Plane) -> [Scale; 2] {
        [plane.x.cells, plane.y.cells].map(|(first, cells)| {
            let origin = first as f64 * CELL_M;
            Scale { origin, per_metre: 1.0 / CELL_M, least: 0.0, most: (cells - 1) as f64 }
        })
    }

    /// Lays out what points within a box of ground may look at.
    pub fn lay(&mut self, ground: Area) {
        let plane = self.plane;
        let range = |scale: Scale, from: f64, to: f64| (scale.at(from).floor() as i32, scale.at(to).floor() as i32 + 2);
        let [x, y] = Self::samples_along(plane);
        let ((left, right), (top, bottom)) = (range(x, ground.x0, ground.x1), range(y, ground.y0, ground.y1));
        self.first = [left, top];
        self.width = (right - left) as usize;
        self.samples.clear();
        self.samples.resize(self.width * (bottom - top) as usize, [0.0; 4]);
        let inside = |at: i32, size: usize| at.clamp(0, size as i32 - 1) as usize;
        let cols = left.max(0) as usize..right.clamp(0, plane.x.len() as i32) as usize;
        for (row, line) in (top..bottom).zip(self.samples.chunks_exact_mut(self.width)) {
            let (Some(before), false) = ((cols.start as i32).checked_sub(left), cols.is_empty()) else { continue };
            let (before, rest) = line.split_at_mut(before as usize);
            let (within, after) = rest.split_at_mut(cols.len());
            plane.held.row(&plane.x, &plane.y, inside(row, plane.y.len()), cols.clone(), |col, samples| {
                for (target, sample) in within[col - cols.start..].iter_mut().zip(samples) {
                    if sample[0] != NOTHING {
                        let [red, green, blue] = sample.map(f32::from);
                        *target = [red, green, blue, 1.0];
                    }
                }
            });
            let beyond = |[red, green, blue, _]: [f32; 4]| [red, green, blue, 0.0];
            before.fill(beyond(within[0]));
            after.fill(beyond(within[within.len() - 1]));
            if row < 0 || row >= plane.y.len() as i32 {
                within.iter_mut().for_each(|sample| *sample = beyond(*sample));
            }
        }
        let [x, y] = Self::cells_along(plane);
        let ((left, right), (top, bottom)) = (range(x, ground.x0, ground.x1), range(y, ground.y0, ground.y1));
        self.first_cell = [left, top];
        self.cells_across = (right - left) as usize;
        self.cells.clear();
        for row in top..bottom {
            let row = inside(row, plane.y.cells.1);
            self.cells.extend((left..right).map(|col| plane.held.local(&plane.x, &plane.y, inside(col, plane.x.cells.1), row)));
        }
    }

    /// The four network inputs of points of ground, all of which must lie in the box that was laid out.
    pub fn inputs(&self, x: &[f64; POINTS], y: &[f64; POINTS]) -> [[f32; POINTS]; 4] {
        Arch::new().dispatch(Inputs { cutout: self, x, y })
    }
}

struct Inputs<'a> {
    cutout: &'a Cutout<'a>,
    x: &'a [f64; POINTS],
    y: &'a [f64; POINTS],
}

impl WithSimd for Inputs<'_> {
    type Output = [[f32; POINTS]; 4];

    /// Compiled for each kind of processor, which takes the numbers of the arrays several at a time.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let Self { cutout, x, y } = self;
        let [samples_x, samples_y] = Cutout::samples_along(cutout.plane);
        let looked = mixed((&cutout.samples, cutout.width), cutout.first, &samples_x.places(x), &samples_y.places(y));
        let [cells_x, cells_y] = Cutout::cells_along(cutout.plane);
        let local = mixed((&cutout.cells, cutout.cells_across), cutout.first_cell, &cells_x.places(x), &cells_y.places(y));
        inputs_of(&looked, &local, cutout.plane.colour)
    }
}

/// The means of the four numbers of four neighbours in a grid, whose first has a column and a row, at some points.
#[inline(always)]
fn mixed((grid, width): (&[[f32; 4]], usize), first: [i32; 2], x: &Places, y: &Places) -> [[f32; 4]; POINTS] {
    let mut mixed = [[0.0; 4]; POINTS];
    for (i, mixed) in mixed.iter_mut().enumerate() {
        let at = (y.before[i] - first[1]) as usize * width + (x.before[i] - first[0]) as usize;
        let (upper, lower) = (&grid[at..at + 2], &grid[at + width..at + width + 2]);
        let (u, v) = (x.share[i], y.share[i]);
        let weights = [(1.0 - v) * (1.0 - u), (1.0 - v) * u, v * (1.0 - u), v * u];
        let mut sum = [0.0; 4];
        for (weight, corner) in weights.into_iter().zip([upper[0], upper[1], lower[0], lower[1]]) {
            for k in 0..4 {
                sum[k] += weight * corner[k];
            }
        }
        *mixed = sum;
    }
    mixed
}

//! How bright a scene is on the grid of a site, as a logarithm.

use super::frame::Frame;
use crate::error::Result;
use crate::raster::{Scene, Window};
use crate::threshold::scene_stretch;
use crate::tile::Area;

/// Added to luminance (0 to 1) before the logarithm: keeps the noise of shadows from standing out.
const FLOOR: f32 = 0.1;
/// Pixels decoded at a time.
const PIXELS_AT_A_TIME: u32 = 1 << 20;

/// Sums of pixel values over cells, each pixel shared among the four nearest cells.
pub struct Sums {
    /// Cells from west to east.
    pub cols: usize,
    /// Cells from north to south.
    pub rows: usize,
    /// Sum of log luminance times weight, row by row from the north-western cell.
    pub value: Vec<f32>,
    /// Sum of the pixels' weights.
    pub weight: Vec<f32>,
    /// Weight of a cell that was seen whole.
    pub full: f32,
}

impl Sums {
    /// Nothing seen so far.
    pub fn new([cols, rows]: [usize; 2], full: f32) -> Self {
        Self { cols, rows, value: vec![0.0; cols * rows], weight: vec![0.0; cols * rows], full }
    }

    /// Of a scene on a frame; none where the scene shows nothing of it or is not georeferenced.
    ///
    /// # Errors
    /// When the image cannot be decoded there.
    pub fn of(scene: &Scene, frame: &Frame) -> Result<Option<Self>> {
        let Some(map) = scene.georeference.as_ref().and_then(|g| frame.from_pixels(g)) else { return Ok(None) };
        let Some(back) = map.inverse() else { return Ok(None) };
        let [width, height] = frame.size_m();
        let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]].map(|p| back.apply(p));
        let limit = |value: f64, size: u32| value.clamp(0.0, f64::from(size)) as u32;
        let (cols, rows) = (scene.source.width(), scene.source.height());
        let Some(around) = Area::around(&corners) else { return Ok(None) };
        let (c0, c1) = (limit(around.x0.floor(), cols), limit(around.x1.ceil(), cols));
        let (r0, r1) = (limit(around.y0.floor(), rows), limit(around.y1.ceil(), rows));
        if c0 >= c1 || r0 >= r1 {
            return Ok(None);
        }
        let [gx, gy] = scene.gsd_m;
        let area = Area { x0: f64::from(c0) * gx, y0: f64::from(r0) * gy, x1: f64::from(c1) * gx, y1: f64::from(r1) * gy };
        let Some(stretch) = scene_stretch(scene, area)? else { return Ok(None) };
        let full = (frame.cell_m * frame.cell_m / (gx * gy)) as f32;
        let mut sums = Self::new([frame.cols, frame.rows], full);
        let bands = scene.bands.luminance();
        let unit = scene.source.block_size()[1].max(1);
        let lines = (PIXELS_AT_A_TIME / (c1 - c0) / unit).max(1) * unit;
        let mut from = r0;
        while from < r1 {
            // Up to the next multiple, so that no block of the file is decoded twice.
            let to = ((from / lines + 1) * lines).min(r1);
            let window = Window::new(c0, from, c1 - c0, to - from);
            let block = scene.source.read(window)?;
            let mut luminance = vec![0.0f32; window.pixels()];
            for &(band, weight) in &bands {
                luminance.iter_mut().zip(block.band_f32(band)).for_each(|(sum, value)| *sum += weight * value);
            }
            for (i, value) in
                luminance.into_iter().enumerate().filter(|(i, value)| block.valid[*i] && !stretch.fill.is_luminance(*value))
            {
                let (col, row) = (i as u32 % window.width, i as u32 / window.width);
                let [x, y] = map.apply([f64::from(c0 + col) + 0.5, f64::from(from + row) + 0.5]);
                let log = (stretch.apply(value).min(1.0) + FLOOR).ln();
                sums.add((x / frame.cell_m) as f32, (y / frame.cell_m) as f32, log);
            }
            from = to;
        }
        Ok(Some(sums))
    }

    /// Adds a pixel that lies so many cells east and south of the corner.
    pub fn add(&mut self, x: f32, y: f32, value: f32) {
        let (u, v) = (x - 0.5, y - 0.5);
        let (col, row) = (floor(u), floor(v));
        let (fu, fv) = (u - col as f32, v - row as f32);
        for (row, wr) in [(row, 1.0 - fv), (row.saturating_add(1), fv)] {
            for (col, wc) in [(col, 1.0 - fu), (col.saturating_add(1), fu)] {
                if (0..self.rows as i32).contains(&row) && (0..self.cols as i32).contains(&col) {
                    let index = row as usize * self.cols + col as usize;
                    self.value[index] += wr * wc * value;
                    self.weight[index] += wr * wc;
                }
            }
        }
    }
}

/// The largest whole number that is not above a number; `f32::floor` is a call into the C library on common processors.
fn floor(value: f32) -> i32 {
    let whole = value as i32;
    if whole as f32 > value { whole.saturating_sub(1) } else { whole }
}

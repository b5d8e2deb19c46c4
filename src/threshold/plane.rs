//! A part of a scene in memory: stretched samples, their validity, and the local statistics around them.

use super::radiometry::{CELL_M, CellSums, LOCAL_REACH, Stretch, channels, local_statistics, log_chroma};
use crate::error::Result;
use crate::raster::{Role, Scene, Window};
use crate::tile::Area;

/// Pixels finer than this are averaged in whole blocks when they are read: metres. A quarter of a metre resolves the gap between two
/// cars four times over; anything finer costs memory only.
const FINEST_M: f64 = 0.2;
/// Stretched values are kept as 16-bit integers in units of 1 / STEPS.
const STEPS: f32 = 40000.0;
/// Pixels decoded at a time while a plane is filled.
const PIXELS_AT_A_TIME: usize = 1 << 21;
/// Metres around the pixels looked at that their local statistics take in.
pub const STATISTICS_REACH_M: f64 = (LOCAL_REACH + 1) as f64 * CELL_M;

/// Samples of a part of a scene on the scene's own grid (or whole blocks of it), with local statistics.
#[derive(Debug)]
pub struct Plane {
    /// Metres per sample in x and y.
    pub step_m: [f64; 2],
    /// Ground of the first sample's outer corner.
    origin: [f64; 2],
    cols: usize,
    rows: usize,
    colour: bool,
    samples: Vec<[u16; 3]>,
    valid: Vec<bool>,
    cell_col: i64,
    cell_row: i64,
    cell_cols: usize,
    local: Vec<[f32; 4]>,
    /// Where the shadow of one metre of height falls: metres to the right and down; zero when the sun is not known.
    pub shadow: [f32; 2],
}

impl Plane {
    /// Reads the part of the scene that lies in `area`. None when nothing of the scene does.
    ///
    /// # Errors
    /// When the image cannot be decoded there.
    pub fn read(scene: &Scene, stretch: Stretch, area: Area) -> Result<Option<Self>> {
        let gsd = scene.gsd_m;
        let block = gsd.map(|g| ((FINEST_M / g).ceil() as u32).max(1));
        let (width, height) = (scene.source.width(), scene.source.height());
        // Blocks are counted from the scene's corner, so that every plane averages the same pixels.
        let range = |from: f64, to: f64, g: f64, block: u32, size: u32| {
            let first = (from / g / f64::from(block)).floor().max(0.0) as u32;
            let last = (to / g / f64::from(block)).ceil().clamp(0.0, f64::from(size / block)) as u32;
            (first, last)
        };
        let (c0, c1) = range(area.x0, area.x1, gsd[0], block[0], width);
        let (r0, r1) = range(area.y0, area.y1, gsd[1], block[1], height);
        if c0 >= c1 || r0 >= r1 {
            return Ok(None);
        }
        let (cols, rows) = ((c1 - c0) as usize, (r1 - r0) as usize);
        let step_m = [gsd[0] * f64::from(block[0]), gsd[1] * f64::from(block[1])];
        let mut plane = Self {
            step_m,
            origin: [f64::from(c0) * step_m[0], f64::from(r0) * step_m[1]],
            cols,
            rows,
            colour: colour_is_known(scene),
            samples: vec![[0; 3]; cols * rows],
            valid: vec![false; cols * rows],
            cell_col: 0,
            cell_row: 0,
            cell_cols: 0,
            local: Vec::new(),
            shadow: shadow_vector(scene),
        };
        let unit = scene.source.block_size()[1].max(1).div_ceil(block[1]);
        let wanted = (PIXELS_AT_A_TIME / (cols * block[0] as usize * block[1] as usize)).max(1) as u32;
        let lines = (wanted / unit).max(1) * unit;
        let mut from = r0;
        while from < r1 {
            // Up to the next multiple, so that no block of the file is decoded twice.
            let to = ((from / lines + 1) * lines).min(r1);
            let window = Window::new(c0 * block[0], from * block[1], (c1 - c0) * block[0], (to - from) * block[1]);
            let (rgb, valid) = read_rgb(scene, window)?;
            plane.fill((from - r0) as usize, (to - from) as usize, block, &rgb, &valid, stretch);
            from = to;
        }
        plane.set_local();
        Ok(Some(plane))
    }

    /// Averages decoded pixels over blocks into rows `from..from + rows`.
    fn fill(&mut self, from: usize, rows: usize, block: [u32; 2], rgb: &[[f32; 3]], valid: &[bool], stretch: Stretch) {
        let (bc, br) = (block[0] as usize, block[1] as usize);
        let width = self.cols * bc;
        for row in 0..rows {
            for col in 0..self.cols {
                let (mut sum, mut count) = ([0.0f32; 3], 0u32);
                for r in row * br..(row + 1) * br {
                    for c in col * bc..(col + 1) * bc {
                        if valid[r * width + c] {
                            count += 1;
                            let pixel = rgb[r * width + c];
                            (0..3).for_each(|band| sum[band] += stretch.apply(pixel[band]));
                        }
                    }
                }
                // A block counts as seen when at least half of it was.
                if count as usize * 2 >= bc * br {
                    let target = (from + row) * self.cols + col;
                    self.valid[target] = true;
                    self.samples[target] = sum.map(|value| (value / count as f32 * STEPS + 0.5) as u16);
                }
            }
        }
    }

    fn set_local(&mut self) {
        let cell = |metres: f64| (metres / CELL_M).floor() as i64;
        let middle = |index: usize, axis: usize| self.origin[axis] + (index as f64 + 0.5) * self.step_m[axis];
        (self.cell_col, self.cell_row) = (cell(middle(0, 0)), cell(middle(0, 1)));
        let cell_rows = (cell(middle(self.rows - 1, 1)) - self.cell_row + 1) as usize;
        self.cell_cols = (cell(middle(self.cols - 1, 0)) - self.cell_col + 1) as usize;
        let mut sums: Vec<CellSums> = vec![[0.0; 5]; self.cell_cols * cell_rows];
        for row in 0..self.rows {
            let line = (cell(middle(row, 1)) - self.cell_row) as usize * self.cell_cols;
            for col in 0..self.cols {
                let index = row * self.cols + col;
                if self.valid[index] {
                    let [log, c1, c2] = log_chroma(self.samples[index].map(|v| f32::from(v) / STEPS));
                    let sum = &mut sums[line + (cell(middle(col, 0)) - self.cell_col) as usize];
                    *sum = [sum[0] + 1.0, sum[1] + log, sum[2] + log * log, sum[3] + c1, sum[4] + c2];
                }
            }
        }
        let whole = (CELL_M * CELL_M / (self.step_m[0] * self.step_m[1])) as f32;
        self.local = local_statistics(&sums, self.cell_cols, whole);
    }

    /// Stretched colour at a point of ground, bilinear between samples (the border repeats), and how valid the point is, 0 to 1.
    fn sample(&self, x: f64, y: f64) -> ([f32; 3], f32) {
        let (u, v) = ((x - self.origin[0]) / self.step_m[0] - 0.5, (y - self.origin[1]) / self.step_m[1] - 0.5);
        let (cu, cv) = (u.floor(), v.floor());
        let (fu, fv) = ((u - cu) as f32, (v - cv) as f32);
        let (mut colour, mut seen) = ([0.0f32; 3], 0.0f32);
        for (dr, wr) in [(0.0, 1.0 - fv), (1.0, fv)] {
            for (dc, wc) in [(0.0, 1.0 - fu), (1.0, fu)] {
                let (r, c) = (cv + dr, cu + dc);
                let inside = r >= 0.0 && c >= 0.0 && r < self.rows as f64 && c < self.cols as f64;
                let index =
                    r.clamp(0.0, (self.rows - 1) as f64) as usize * self.cols + c.clamp(0.0, (self.cols - 1) as f64) as usize;
                let weight = wr * wc;
                let pixel = self.samples[index];
                (0..3).for_each(|band| colour[band] += weight * f32::from(pixel[band]));
                if inside && self.valid[index] {
                    seen += weight;
                }
            }
        }
        (colour.map(|value| value / STEPS), seen)
    }

    /// Local statistics at a point of ground, bilinear between cells.
    fn local_at(&self, x: f64, y: f64) -> [f32; 4] {
        let cell_rows = self.local.len() / self.cell_cols;
        let (u, v) = (x / CELL_M - self.cell_col as f64 - 0.5, y / CELL_M - self.cell_row as f64 - 0.5);
        let (u, v) = (u.clamp(0.0, (self.cell_cols - 1) as f64), v.clamp(0.0, (cell_rows - 1) as f64));
        let (c, r) = (u.floor() as usize, v.floor() as usize);
        let (fu, fv) = ((u - c as f64) as f32, (v - r as f64) as f32);
        let (c2, r2) = ((c + 1).min(self.cell_cols - 1), (r + 1).min(cell_rows - 1));
        let at = |r: usize, c: usize| &self.local[r * self.cell_cols + c];
        let (a, b, d, e) = (at(r, c), at(r, c2), at(r2, c), at(r2, c2));
        std::array::from_fn(|i| (a[i] * (1.0 - fu) + b[i] * fu) * (1.0 - fv) + (d[i] * (1.0 - fu) + e[i] * fu) * fv)
    }

    /// The four network inputs at a point of ground.
    pub fn inputs(&self, x: f64, y: f64) -> [f32; 4] {
        let (colour, seen) = self.sample(x, y);
        if seen > 0.5 { channels(colour, self.local_at(x, y), self.colour) } else { [0.0; 4] }
    }

    /// The four network inputs of a square of ground: the mean of four samples a quarter of `2 * half_m` apart, as in training.
    pub fn inputs_averaged(&self, x: f64, y: f64, half_m: f64) -> [f32; 4] {
        let (mut colour, mut seen) = ([0.0f32; 3], 0.0);
        for (dx, dy) in [(-half_m, -half_m), (half_m, -half_m), (-half_m, half_m), (half_m, half_m)] {
            let (part, valid) = self.sample(x + dx, y + dy);
            (0..3).for_each(|band| colour[band] += 0.25 * part[band]);
            seen += 0.25 * valid;
        }
        if seen > 0.5 { channels(colour, self.local_at(x, y), self.colour) } else { [0.0; 4] }
    }

    /// Stretched colour at a point of ground; None where nothing was seen.
    pub fn colour(&self, x: f64, y: f64) -> Option<[f32; 3]> {
        let (colour, seen) = self.sample(x, y);
        (seen > 0.5).then_some(colour)
    }
}

/// The bands that serve as red, green and blue, and whether they are three different ones. A panchromatic image serves three times.
fn rgb_bands(scene: &Scene) -> ([usize; 3], bool) {
    let [red, green, blue] = [Role::Red, Role::Green, Role::Blue].map(|role| scene.bands.find(role));
    match (red, green, blue) {
        (Some(red), Some(green), Some(blue)) => ([red, green, blue], true),
        _ => ([scene.bands.luminance().first().map_or(0, |(band, _)| *band); 3], false),
    }
}

/// Whether chroma may be looked at. Of four bands and more without metadata nobody knows whether red or blue comes first, and
/// colours the wrong way round make cars of snow; luminance, the mean of the three, is the same either way.
fn colour_is_known(scene: &Scene) -> bool {
    rgb_bands(scene).1 && (scene.bands.stated || scene.source.bands() < 4)
}

/// Red, green, blue and validity of the pixels of a window, in the file's own numbers.
fn read_rgb(scene: &Scene, window: Window) -> Result<(Vec<[f32; 3]>, Vec<bool>)> {
    let block = scene.source.read(window)?;
    let (bands, colour) = rgb_bands(scene);
    let red = block.band_f32(bands[0]);
    let rgb = if colour {
        let (green, blue) = (block.band_f32(bands[1]), block.band_f32(bands[2]));
        red.into_iter().zip(green).zip(blue).map(|((r, g), b)| [r, g, b]).collect()
    } else {
        red.into_iter().map(|v| [v; 3]).collect()
    };
    Ok((rgb, block.valid))
}

/// Luminances looked at for the stretch of a scene.
const STRETCH_WINDOWS: u32 = 16;
const STRETCH_WINDOW_PX: u32 = 96;

/// The stretch of a scene from its pixels in `area`: from a grid of 16 x 16 windows of at most 96 x 96 pixels, spread evenly.
/// None when no valid pixel was met.
///
/// # Errors
/// When the image cannot be decoded there.
pub fn scene_stretch(scene: &Scene, area: Area) -> Result<Option<Stretch>> {
    let (width, height) = (scene.source.width(), scene.source.height());
    let pixel = |metres: f64, g: f64, size: u32| (metres / g).floor().clamp(0.0, f64::from(size)) as u32;
    let (c0, c1) = (pixel(area.x0, scene.gsd_m[0], width), pixel(area.x1, scene.gsd_m[0], width));
    let (r0, r1) = (pixel(area.y0, scene.gsd_m[1], height), pixel(area.y1, scene.gsd_m[1], height));
    let spread = |from: u32, to: u32| {
        let step = ((to - from) / STRETCH_WINDOWS).max(STRETCH_WINDOW_PX);
        (from..to).step_by(step as usize).map(move |at| (at, STRETCH_WINDOW_PX.min(to - at)))
    };
    let mut luminance = Vec::new();
    for (row, rows) in spread(r0, r1) {
        for (col, cols) in spread(c0, c1) {
            let (rgb, valid) = read_rgb(scene, Window::new(col, row, cols, rows))?;
            luminance.extend(rgb.iter().zip(valid).filter(|(_, valid)| *valid).map(|(p, _)| (p[0] + p[1] + p[2]) / 3.0));
        }
    }
    Ok(Stretch::from_luminance(&mut luminance))
}

/// Longest shadow vector the networks were trained with.
const LONGEST_SHADOW: f64 = 3.0;
/// Below this elevation, in degrees, the time of the image cannot be right.
const LOWEST_SUN_DEG: f64 = 5.0;

/// Where the shadow of one metre of height falls in a scene; zero when the sun is not known.
fn shadow_vector(scene: &Scene) -> [f32; 2] {
    let Some(sun) = scene.sun.filter(|sun| sun.elevation_deg > LOWEST_SUN_DEG) else { return [0.0; 2] };
    let middle = (f64::from(scene.source.width()) / 2.0, f64::from(scene.source.height()) / 2.0);
    let up = scene.georeference.as_ref().map_or(0.0, |g| g.up_azimuth_deg(middle.0, middle.1));
    let length = (1.0 / sun.elevation_deg.to_radians().tan()).min(LONGEST_SHADOW);
    let azimuth = (sun.azimuth_deg - up).to_radians();
    [(-azimuth.sin() * length) as f32, (azimuth.cos() * length) as f32]
}

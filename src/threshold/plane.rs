//! The pixels of a scene as the networks see them: stretched samples, their validity, and the local statistics around them.
//!
//! A plane covers the ground of interest, but holds only the patches that were asked for (see `patches.rs`). What a sample or a
//! statistic is depends on the scene and the ground of interest alone, never on which patches are held or were read together.

use super::axis::Axis;
use super::colours::colour_is_known;
use super::patches::Held;
use super::radiometry::{CELL_M, LOCAL_REACH, STEPS, Stretch, channels};
use crate::error::Result;
use crate::raster::{Georeference, Scene, Sun};
use crate::tile::{Area, PATCH_M};

/// Pixels finer than this are averaged in whole blocks when they are read: metres. A quarter of a metre resolves the gap between two
/// cars four times over; anything finer costs memory only.
const FINEST_M: f64 = 0.2;
/// Side of the least ground that can be said to be constant, metres: twice the width of a car, so that a roof on which the sensor was saturated is not.
const CONSTANT_M: f64 = 6.0;
/// A sample that was not seen; no stretched value is as large.
pub(super) const UNSEEN: [u16; 3] = [NOTHING; 3];
/// What a sample of fill begins with in place of a stretched value; its luminance follows.
pub(super) const NOTHING: u16 = u16::MAX;
/// Cells of the local statistics along a patch's side.
pub(super) const CELLS: usize = PATCH_M / CELL_M as usize;
/// Patches on either side that the local statistics of a patch take in.
pub(super) const STATISTICS_PATCHES: usize = LOCAL_REACH.div_ceil(CELLS);

/// Samples of a part of a scene on the scene's own grid (or whole blocks of it), with local statistics.
#[derive(Debug)]
pub struct Plane {
    /// Metres per sample in x and y.
    pub step_m: [f64; 2],
    /// Ground of the first sample's outer corner.
    pub(super) origin: [f64; 2],
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Pixels of the file that are averaged into a sample, in x and y.
    pub(super) block: [u32; 2],
    pub(super) stretch: Stretch,
    pub(super) colour: bool,
    pub(super) held: Held,
    /// Where the shadow of one metre of height falls: metres to the right and down; zero when the sun is not known.
    pub shadow: [f32; 2],
}

impl Plane {
    /// Whether the scene is softer than its pixels and was sharpened: what a car looks like in detail cannot be told.
    pub fn is_soft(&self) -> bool {
        self.stretch.focus.sharpens()
    }

    /// Of the part of the scene that lies in `area`, with no patch read yet; patches will take up to `memory` bytes, or up
    /// to `most` where that many are asked for together. None when nothing of the scene lies there.
    ///
    /// # Errors
    /// When even the list of patches takes more than that.
    pub fn new(scene: &Scene, stretch: Stretch, area: Area, memory: usize, most: usize) -> Result<Option<Self>> {
        let gsd = scene.gsd_m;
        let (block, step_m) = blocks(gsd);
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
        let (x, y) = (Axis::new(c0, c1, step_m[0]), Axis::new(r0, r1, step_m[1]));
        Ok(Some(Self {
            step_m,
            origin: [f64::from(c0) * step_m[0], f64::from(r0) * step_m[1]],
            held: Held::new(scene, &x, &y, memory, most)?,
            x,
            y,
            block,
            stretch,
            colour: colour_is_known(scene),
            shadow: shadow_vector(scene),
        }))
    }

    /// Whether a point lies on ground where all samples are exactly alike, in some square of `CONSTANT_M` that it is a corner of: where there was
    /// nothing to see. What lies around it must be in memory.
    pub fn is_constant_at(&self, [x, y]: [f64; 2]) -> bool {
        self.fill_at([x, y]).is_some()
            || [-CONSTANT_M, 0.0]
                .into_iter()
                .any(|up| [-CONSTANT_M, 0.0].into_iter().any(|left| self.is_constant([x + left, y + up])))
    }

    /// The stretched luminance of undeclared nodata at a point of ground; None where there is none.
    pub fn fill_at(&self, [x, y]: [f64; 2]) -> Option<f32> {
        let place = |at: f64, origin: f64, step: f64, size: usize| {
            usize::try_from(floor((at - origin) / step)).ok().filter(|&place| place < size)
        };
        let col = place(x, self.origin[0], self.step_m[0], self.x.len())?;
        let row = place(y, self.origin[1], self.step_m[1], self.y.len())?;
        let [sample, ..] = self.held.samples(&self.x, &self.y, [col; 2], [row; 2]);
        (sample[0] == NOTHING && sample != UNSEEN).then(|| f32::from(sample[1]) / STEPS)
    }

    /// Whether all samples are alike in the square with this upper left corner.
    fn is_constant(&self, [x, y]: [f64; 2]) -> bool {
        let range = |from: f64, origin: f64, step: f64, size: usize| {
            let (first, end) = (floor((from - origin) / step), floor((from + CONSTANT_M - origin) / step) + 1);
            (first >= 0 && end <= size as i64).then_some(first as usize..end as usize)
        };
        let cols = range(x, self.origin[0], self.step_m[0], self.x.len());
        let rows = range(y, self.origin[1], self.step_m[1], self.y.len());
        let (Some(cols), Some(mut rows)) = (cols, rows) else { return false };
        let mut first = None;
        let mut alike = |row: usize| {
            let (mut alike, mut held) = (true, 0);
            self.held.row(&self.x, &self.y, row, cols.clone(), |_, samples| {
                alike &= samples.iter().all(|sample| *first.get_or_insert(*sample) == *sample);
                held += samples.len();
            });
            alike && held == cols.len()
        };
        rows.all(&mut alike) && first != Some(UNSEEN)
    }

    /// Stretched colour at a point of ground; None where nothing was seen.
    pub fn colour(&self, x: f64, y: f64) -> Option<[f32; 3]> {
        let (colour, seen) = self.sample(x, y);
        (seen > 0.5).then_some(colour)
    }

    /// Stretched colour at a point of ground, bilinear between samples (the border repeats), and how valid the point is, 0 to 1.
    pub(super) fn sample(&self, x: f64, y: f64) -> ([f32; 3], f32) {
        let (u, v) = ((x - self.origin[0]) / self.step_m[0] - 0.5, (y - self.origin[1]) / self.step_m[1] - 0.5);
        let (col, row) = (floor(u), floor(v));
        let (fu, fv) = ((u - col as f64) as f32, (v - row as f64) as f32);
        let weights = [(1.0 - fv) * (1.0 - fu), (1.0 - fv) * fu, fv * (1.0 - fu), fv * fu];
        let (cols, rows) = (self.x.len() as i64, self.y.len() as i64);
        let place = |at: i64, size: i64| at.clamp(0, size - 1) as usize;
        let (left, right) = (place(col, cols), place(col.saturating_add(1), cols));
        let (upper, lower) = (place(row, rows), place(row.saturating_add(1), rows));
        let samples = self.held.samples(&self.x, &self.y, [left, right], [upper, lower]);
        let inside = |at: i64, size: i64| if at >= 0 && at < size { 1.0 } else { 0.0 };
        let [in_left, in_right] = [inside(col, cols), inside(col.saturating_add(1), cols)];
        let [in_upper, in_lower] = [inside(row, rows), inside(row.saturating_add(1), rows)];
        let inside = [in_upper * in_left, in_upper * in_right, in_lower * in_left, in_lower * in_right];
        mixed(samples, weights, std::array::from_fn(|i| weights[i] * inside[i]))
    }

    /// Local statistics at a point of ground, bilinear between cells.
    pub(super) fn local_at(&self, x: f64, y: f64) -> [f32; 4] {
        let ((first_col, cols), (first_row, rows)) = (self.x.cells, self.y.cells);
        let (u, v) = (x / CELL_M - first_col as f64 - 0.5, y / CELL_M - first_row as f64 - 0.5);
        let (u, v) = (u.clamp(0.0, (cols - 1) as f64), v.clamp(0.0, (rows - 1) as f64));
        let (c, r) = (u as usize, v as usize);
        let (fu, fv) = ((u - c as f64) as f32, (v - r as f64) as f32);
        let at = |col: usize, row: usize| self.held.local(&self.x, &self.y, col.min(cols - 1), row.min(rows - 1));
        let [a, b, d, e] = [at(c, r), at(c + 1, r), at(c, r + 1), at(c + 1, r + 1)];
        std::array::from_fn(|i| (a[i] * (1.0 - fu) + b[i] * fu) * (1.0 - fv) + (d[i] * (1.0 - fu) + e[i] * fu) * fv)
    }

    /// The four network inputs at a point of ground.
    pub fn inputs(&self, x: f64, y: f64) -> [f32; 4] {
        let (colour, seen) = self.sample(x, y);
        if seen > 0.5 { channels(colour, self.local_at(x, y), self.colour) } else { [0.0; 4] }
    }
}

/// How many pixels of so many metres are averaged into a sample, in x and y, and the metres of that.
pub(super) fn blocks(gsd_m: [f64; 2]) -> ([u32; 2], [f64; 2]) {
    let block = gsd_m.map(|gsd| ((FINEST_M / gsd).ceil() as u32).max(1));
    (block, [0, 1].map(|axis| gsd_m[axis] * f64::from(block[axis])))
}

/// The mean of four samples with some weights, and how valid it is by others.
fn mixed(samples: [[u16; 3]; 4], weights: [f32; 4], inside: [f32; 4]) -> ([f32; 3], f32) {
    let (mut colour, mut seen) = ([0.0f32; 3], 0.0f32);
    for ((pixel, weight), inside) in samples.into_iter().zip(weights).zip(inside) {
        if pixel[0] != NOTHING {
            (0..3).for_each(|band| colour[band] += weight * f32::from(pixel[band]));
            seen += inside;
        }
    }
    (colour.map(|band| band / STEPS), seen)
}

/// The largest whole number that is not above a number. `f64::floor` is a call into the C library on common processors.
pub(super) fn floor(value: f64) -> i64 {
    let whole = value as i64;
    if whole as f64 > value { whole - 1 } else { whole }
}

/// Longest shadow vector the networks were trained with.
const LONGEST_SHADOW: f64 = 3.0;
/// Below this elevation, in degrees, the time of the image cannot be right.
const LOWEST_SUN_DEG: f64 = 5.0;

/// That the sun cannot have stood where it is said to, and is not believed.
pub fn sun_doubt(scene: &Scene) -> Option<String> {
    let elevation = scene.sun.filter(|sun| sun.elevation_deg <= LOWEST_SUN_DEG)?.elevation_deg;
    let (by, question) = if scene.sun_computed {
        ("by the image's time and place", "is the time right, and UTC?")
    } else {
        ("by the metadata", "are they this image's?")
    };
    let side = if elevation < 0.0 { "below" } else { "above" };
    Some(format!(
        "{by} the sun stood {:.0} degrees {side} the horizon, where no image is taken: {question} Where shadows fall is not known",
        elevation.abs()
    ))
}

/// Where the shadow of one metre of height falls in a scene; zero when the sun is not known.
fn shadow_vector(scene: &Scene) -> [f32; 2] {
    let middle = (f64::from(scene.source.width()) / 2.0, f64::from(scene.source.height()) / 2.0);
    let believed = scene.sun.filter(|sun| sun.elevation_deg > LOWEST_SUN_DEG);
    believed.map_or([0.0; 2], |sun| shadow_of(sun, scene.georeference.as_ref(), middle))
}

/// The same of a sun that is believed, at a pixel position.
fn shadow_of(sun: Sun, georeference: Option<&Georeference>, (col, row): (f64, f64)) -> [f32; 2] {
    let up = georeference.map_or(0.0, |g| g.up_azimuth_deg(col, row));
    // In a mirrored image azimuths run anticlockwise.
    let side = if georeference.is_some_and(Georeference::is_mirrored) { -1.0 } else { 1.0 };
    let length = (1.0 / sun.elevation_deg.to_radians().tan()).min(LONGEST_SHADOW);
    let azimuth = (sun.azimuth_deg - up).to_radians();
    [(-side * azimuth.sin() * length) as f32, (azimuth.cos() * length) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Crs;

    /// The azimuth was taken to run clockwise in every image: south up or transposed, shadows were looked for on the wrong side.
    #[test]
    fn shadows_fall_away_from_the_sun_in_mirrored_and_turned_images() {
        let crs = Crs::from_epsg(32652);
        let sun = Sun { azimuth_deg: 140.0, elevation_deg: 30.0 };
        let (x, y, step, half) = (512_345.0, 4_698_765.0, 0.5, 0.25 * 2f64.sqrt());
        // What a pixel to the right and one further down add to x and y.
        for [a, b, d, e] in [
            [step, 0.0, 0.0, -step],
            [step, 0.0, 0.0, step],
            [-step, 0.0, 0.0, -step],
            [-step, 0.0, 0.0, step],
            [0.0, step, step, 0.0],
            [0.0, -step, -step, 0.0],
            [0.0, step, -step, 0.0],
            [half, half, half, -half],
            [half, -half, half, half],
        ] {
            let georeference = Georeference::new([x, a, b, y, d, e], crs.clone());
            let [right, down] = shadow_of(sun, Some(&georeference), (500.0, 500.0)).map(f64::from);
            let (from, to) = (georeference.to_lonlat(500.0, 500.0).unwrap(), {
                georeference.to_lonlat(500.0 + 20.0 * right / step, 500.0 + 20.0 * down / step).unwrap()
            });
            let east = (to[0] - from[0]) * from[1].to_radians().cos();
            let azimuth = east.atan2(to[1] - from[1]).to_degrees().rem_euclid(360.0);
            assert!((azimuth - 320.0).abs() < 0.5, "{:?}: the shadow falls towards {azimuth}", georeference.geotransform);
            assert!((right.hypot(down) - 3f64.sqrt()).abs() < 1e-5);
        }
    }

    /// Without a georeference north is up.
    #[test]
    fn without_a_georeference_the_sun_in_the_east_throws_shadows_to_the_left() {
        let [right, down] = shadow_of(Sun { azimuth_deg: 90.0, elevation_deg: 45.0 }, None, (0.0, 0.0));
        assert!((right + 1.0).abs() < 1e-6 && down.abs() < 1e-6, "{right} {down}");
    }
}

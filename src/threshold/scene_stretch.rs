//! The one stretch of a scene: quantiles of its luminance, without fill, and without a cloud that saturates the sensor; and how sharp it is.

use super::colours::read_rgb;
use super::fill_colour::{FillColour, Search};
use super::plane::{UNSEEN, blocks};
use super::radiometry::{STEPS, Stretch};
use super::sharpness::Sharpness;
use crate::error::Result;
use crate::raster::{Scene, Window};
use crate::tile::Area;

/// Most times as far above the darkest ground as the median that 1 may lie where what is brighter is cloud: else the ground under a cloud that
/// saturates the sensor is drowned in the logarithm's floor. None of 146 scenes that the networks were trained on has more than 5.1, a sample image
/// under such a cloud 13.
const BRIGHTEST: f32 = 5.0;
/// Difference of neighbours, in shares of their luminance, below which they are smooth, and share of what is brighter that must be for it to be a
/// cloud: of two clouds 84 and 99 % are, of roofs and quays beside dark water (six harbours of 0.3 m) at most 35 %, of enlarged pixels and snow there up to
/// 70 %.
const SMOOTH: f32 = 0.03;
const SMOOTH_SHARE: f64 = 0.6;
/// Share of it that must be saturated, within a hundredth of the brightest pixel: four tenths under that cloud.
const SATURATED: f32 = 0.99;
const SATURATED_SHARE: f64 = 0.2;
/// Where this share of the image is looked at, nothing is known of the yard, and the median may be water: the range is not cut.
const WHOLE: f64 = 0.99;
/// Luminances looked at for the stretch of a scene: windows along each side, and how many where fewer met no valid pixel (a mosaic of which
/// little is filled).
const STRETCH_WINDOWS: [u32; 3] = [16, 32, 64];
const STRETCH_WINDOW_PX: u32 = 96;
/// Ground read around the ground of interest, metres: the networks' reach, and enough for the local statistics. Its fill would be taken in as well.
pub const MARGIN_M: f64 = 64.0;

/// The stretch of a scene from its pixels in `area`: from a grid of 16 x 16 windows of at most 96 x 96 pixels, spread evenly (where those
/// meet no valid pixel, of up to 64 x 64). None when no valid pixel was met.
///
/// # Errors
/// When the image cannot be decoded there.
pub fn scene_stretch(scene: &Scene, area: Area) -> Result<Option<Stretch>> {
    let (width, height) = (scene.source.width(), scene.source.height());
    let pixel = |metres: f64, g: f64, size: u32| (metres / g).floor().clamp(0.0, f64::from(size)) as u32;
    let (c0, c1) = (pixel(area.x0, scene.gsd_m[0], width), pixel(area.x1, scene.gsd_m[0], width));
    let (r0, r1) = (pixel(area.y0, scene.gsd_m[1], height), pixel(area.y1, scene.gsd_m[1], height));
    let (block, step_m) = blocks(scene.gsd_m);
    let rim = rim_fill(scene, [c0, c1, r0, r1])?;
    for number in STRETCH_WINDOWS {
        let step = |from: u32, to: u32| ((to - from) / number).max(STRETCH_WINDOW_PX);
        let spread =
            |from: u32, to: u32| (from..to).step_by(step(from, to) as usize).map(move |at| (at, STRETCH_WINDOW_PX.min(to - at)));
        let windows: Vec<Window> = spread(r0, r1)
            .flat_map(|(row, rows)| spread(c0, c1).map(move |(col, cols)| Window::new(col, row, cols, rows)))
            .collect();
        let (mut seen, mut search) = (Luminance::default(), Search::new(scene.gsd_m[0].max(scene.gsd_m[1])));
        let mut sharpness = Sharpness::default();
        for &window in &windows {
            let (rgb, valid) = read_rgb(scene, window)?;
            search.look(&rgb, &valid, window.width as usize);
            seen.look(&rgb, &valid, window.width as usize);
            sharpness.look(&rgb, &valid, window.width as usize, block);
        }
        let whole = step(r0, r1) == STRETCH_WINDOW_PX && step(c0, c1) == STRETCH_WINDOW_PX;
        let fill = if search.found() == FillColour::default() { rim } else { search.found() };
        let (seen, fill) = if fill == FillColour::default() {
            (seen, fill)
        } else {
            let ground = seen.without(|value| fill.is_luminance(value));
            // Where nothing is left, it is no fill, but an image of two colours.
            if ground.values.is_empty() { (seen, FillColour::default()) } else { (ground, fill) }
        };
        let part = f64::from(c1 - c0) * f64::from(r1 - r0) < WHOLE * f64::from(width) * f64::from(height);
        let cloud = search.brightest().filter(|_| part && seen.is_under_cloud());
        // What is saturated there is cloud, and as good as fill.
        let (seen, fill) = match cloud {
            Some(colour) => {
                let fill = fill.with_cloud(colour);
                (seen.without(|value| fill.is_luminance(value)), fill)
            }
            None => (seen, fill),
        };
        if let Some(stretch) = seen.stretch(cloud.is_some()) {
            let stretch = Stretch { fill, focus: sharpness.focus(step_m), ..stretch };
            // Under a cloud the range is no matter of quantiles.
            let focused = if cloud.is_none() && stretch.focus.sharpens() { in_focus(scene, &windows, stretch)? } else { None };
            return Ok(Some(focused.unwrap_or(stretch)));
        }
        if whole {
            break;
        }
    }
    Ok(None)
}

/// The stretch by the quantiles of samples that were sharpened: then a soft scene has deeper shadows and brighter roofs. None when no whole sample is seen.
fn in_focus(scene: &Scene, windows: &[Window], stretch: Stretch) -> Result<Option<Stretch>> {
    let ([across, down], _) = blocks(scene.gsd_m);
    let half = (stretch.high - stretch.low) / 2.0;
    let wide = Stretch { low: stretch.low - half, high: stretch.high + half, ..stretch };
    let mut values = Vec::new();
    for &window in windows {
        let (rgb, valid) = read_rgb(scene, window)?;
        let (cols, rows) = (window.width / across, window.height / down);
        let sample = |col: u32, row: u32| {
            let pixels =
                (row * down..(row + 1) * down).flat_map(|row| (col * across..(col + 1) * across).map(move |col| (row, col)));
            let mut sum = [0.0f32; 3];
            for at in pixels.map(|(row, col)| (row * window.width + col) as usize) {
                if !valid[at] || stretch.fill.is(rgb[at]) {
                    return UNSEEN;
                }
                (0..3).for_each(|band| sum[band] += wide.apply(rgb[at][band]));
            }
            sum.map(|value| (value / (across * down) as f32 * STEPS + 0.5) as u16)
        };
        let samples: Vec<[u16; 3]> = (0..rows).flat_map(|row| (0..cols).map(move |col| sample(col, row))).collect();
        let all = [0..cols, 0..rows];
        let focused = stretch.focus.applied(&samples, &all, &all).into_iter().filter(|sample| *sample != UNSEEN);
        values.extend(focused.map(|[r, g, b]| (f32::from(r) + f32::from(g) + f32::from(b)) / (3.0 * STEPS)));
    }
    let of_file = |value: f32| wide.low + value * (wide.high - wide.low);
    Ok(Stretch::from_luminance(&mut values).map(|s| Stretch { low: of_file(s.low), high: of_file(s.high), ..stretch }))
}

/// The fill in the ground around a part of the scene (its first and last columns and rows).
fn rim_fill(scene: &Scene, [c0, c1, r0, r1]: [u32; 4]) -> Result<FillColour> {
    let (width, height) = (scene.source.width(), scene.source.height());
    let [across, down] = scene.gsd_m.map(|gsd| (MARGIN_M / gsd).ceil() as u32);
    let (left, right) = (c0.saturating_sub(across), c1.saturating_add(across).min(width));
    let (upper, lower) = (r0.saturating_sub(down), r1.saturating_add(down).min(height));
    let mut search = Search::new(scene.gsd_m[0].max(scene.gsd_m[1]));
    for [c0, c1, r0, r1] in [[left, right, upper, r0], [left, right, r1, lower], [left, c0, r0, r1], [c1, right, r0, r1]] {
        let spread = |from: u32, to: u32| {
            let step = ((to - from) / STRETCH_WINDOWS[0]).max(STRETCH_WINDOW_PX);
            (from..to).step_by(step as usize).map(move |at| (at, STRETCH_WINDOW_PX.min(to - at)))
        };
        for (row, rows) in spread(r0, r1) {
            for (col, cols) in spread(c0, c1) {
                let (rgb, valid) = read_rgb(scene, Window::new(col, row, cols, rows))?;
                search.look(&rgb, &valid, cols as usize);
            }
        }
    }
    Ok(search.found())
}

/// Luminances of valid pixels.
#[derive(Default)]
struct Luminance {
    values: Vec<f32>,
    /// Whether each differs little from the next ones.
    smooth: Vec<bool>,
}

impl Luminance {
    /// Looks at a window, row by row.
    fn look(&mut self, rgb: &[[f32; 3]], valid: &[bool], width: usize) {
        // What is not valid is no number, and near to nothing.
        let luminance = |(rgb, valid): (&[f32; 3], &bool)| if *valid { (rgb[0] + rgb[1] + rgb[2]) / 3.0 } else { f32::NAN };
        let values: Vec<f32> = rgb.iter().zip(valid).map(luminance).collect();
        for (row, line) in values.chunks(width).enumerate() {
            let below = values.get((row + 1) * width..).unwrap_or_default();
            for (col, &value) in line.iter().enumerate().filter(|(col, _)| valid[row * width + col]) {
                let near = |next: Option<&f32>| next.is_some_and(|next| (next - value).abs() < SMOOTH * value);
                self.values.push(value);
                self.smooth.push(near(line.get(col + 1)) & near(below.get(col)));
            }
        }
    }

    fn without(&self, dropped: impl Fn(f32) -> bool) -> Self {
        let kept = self.values.iter().zip(&self.smooth).filter(|(value, _)| !dropped(**value));
        let (values, smooth) = kept.unzip();
        Self { values, smooth }
    }

    /// The least luminance that is brighter than ground may be.
    fn cut(&self) -> Option<f32> {
        let mut all = self.values.clone();
        let low = Stretch::from_luminance(&mut all)?.low;
        let middle = all.len() / 2;
        Some(low + BRIGHTEST * (*all.select_nth_unstable_by(middle, f32::total_cmp).1 - low)).filter(|&cut| cut > low)
    }

    /// Whether a cloud that saturates the sensor takes up the range.
    fn is_under_cloud(&self) -> bool {
        let Some(cut) = self.cut() else { return false };
        let above = |least: f32| self.values.iter().filter(|value| **value > least).count() as f64;
        let smooth = self.values.iter().zip(&self.smooth).filter(|(value, smooth)| **smooth && **value > cut).count() as f64;
        let bright = above(cut);
        let saturated = above((self.values.iter().copied().fold(f32::MIN, f32::max) * SATURATED).max(cut));
        smooth > SMOOTH_SHARE * bright && saturated > SATURATED_SHARE * bright
    }

    /// Their quantiles; under a cloud that saturates the sensor no more than the ground needs.
    fn stretch(&self, cloud: bool) -> Option<Stretch> {
        let stretch = Stretch::from_luminance(&mut self.values.clone())?;
        let cut = if cloud { self.cut() } else { None };
        let high = cut.map_or(stretch.high, |cut| stretch.high.min(cut));
        Some(Stretch { high, ..stretch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::SceneOptions;

    #[test]
    fn the_one_filled_corner_of_a_mosaic_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mosaic.png");
        // Between the windows of a grid of 16 x 16, whose step is 200 pixels.
        let filled = |at: u32| (1710..1790).contains(&at);
        let picture = image::GrayAlphaImage::from_fn(3200, 3200, |col, row| {
            image::LumaA([(col % 200) as u8, if filled(col) && filled(row) { 255 } else { 0 }])
        });
        picture.save(&path).unwrap();
        let scene = Scene::open(&path, &SceneOptions { gsd_m: Some(0.5), ..SceneOptions::default() }).unwrap();
        let stretch = |x1: f64| scene_stretch(&scene, Area { x0: 0.0, y0: 0.0, x1, y1: 1600.0 }).unwrap();
        assert!(stretch(1600.0).is_some());
        assert!(stretch(800.0).is_none(), "the left half is empty");
    }

    /// It was looked for on the outline's ground alone: 22 cars of 24 were counted, and 30 where it was declared.
    #[test]
    fn fill_just_beyond_the_ground_of_interest_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("padded.png");
        let picture = image::GrayImage::from_fn(400, 300, |col, row| {
            image::Luma([if col < 300 { 1 + (col * 7 + row) as u8 % 200 } else { 0 }])
        });
        picture.save(&path).unwrap();
        let scene = Scene::open(&path, &SceneOptions { gsd_m: Some(0.5), ..SceneOptions::default() }).unwrap();
        let fill = |x1: f64| scene_stretch(&scene, Area { x0: 0.0, y0: 0.0, x1, y1: 150.0 }).unwrap().unwrap().fill;
        assert!(fill(200.0).is([0.0; 3]) && fill(140.0).is([0.0; 3]));
        assert!(!fill(80.0).is([0.0; 3]), "farther than is read");
    }

    /// Of fourteen cars beside a wood five were missed: to an overexposed cloud all of the yard was black.
    #[test]
    fn an_overexposed_cloud_does_not_take_up_the_range_and_a_quay_beside_dark_water_does() {
        let stretched = |dark: usize, bright: fn(usize) -> usize| {
            let pixels: Vec<[f32; 3]> =
                (0..96 * 96).map(|at| [if at / 96 < dark { 10 + (at * 7919) % 101 } else { bright(at) } as f32; 3]).collect();
            let mut seen = Luminance::default();
            seen.look(&pixels, &vec![true; pixels.len()], 96);
            (seen.is_under_cloud(), seen.stretch(seen.is_under_cloud()).unwrap().high)
        };
        let cloud = |at: usize| if at % 96 < 40 { 2000 } else { 1700 + (at % 96) * 3 };
        let (cut, high) = stretched(70, cloud);
        assert!(cut && high < 400.0, "a cloud: {high}");
        assert_eq!(stretched(70, |at| if at % 2 == 0 { 1000 } else { 2000 }), (false, 2000.0), "a quay");
        assert!(!stretched(70, |at| 1000 + (at % 96) * 10 + at / 96).0, "smooth land");
        assert_eq!(stretched(0, |_| 7), (false, 7.0 + 1e-6), "nothing");
    }
}

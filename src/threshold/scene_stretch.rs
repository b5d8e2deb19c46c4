//! The one stretch of a scene: quantiles of its luminance, without fill, and without what is overexposed.

use super::colours::read_rgb;
use super::fill_colour::Search;
use super::radiometry::Stretch;
use crate::error::Result;
use crate::raster::{Scene, Window};
use crate::tile::Area;

/// Most times as far above the darkest ground as the median that 1 may lie where what is brighter is cloud: else the ground under a cloud that
/// saturates the sensor is drowned in the logarithm's floor. None of 180 scenes that the networks were trained on has more than 5.1, a sample image
/// under such a cloud 13.
const BRIGHTEST: f32 = 5.0;
/// Difference of neighbours, in shares of their luminance, below which they are smooth, and share of what is brighter that must be for it to be a
/// cloud: of clouds 84 and 99 % are, of roofs and quays beside dark water (six harbours of 0.3 m) at most 35 %.
const SMOOTH: f32 = 0.03;
const SMOOTH_SHARE: f64 = 0.6;
/// Luminances looked at for the stretch of a scene: windows along each side, and how many where fewer met no valid pixel (a mosaic of which
/// little is filled).
const STRETCH_WINDOWS: [u32; 3] = [16, 32, 64];
const STRETCH_WINDOW_PX: u32 = 96;

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
    for windows in STRETCH_WINDOWS {
        let step = |from: u32, to: u32| ((to - from) / windows).max(STRETCH_WINDOW_PX);
        let spread =
            |from: u32, to: u32| (from..to).step_by(step(from, to) as usize).map(move |at| (at, STRETCH_WINDOW_PX.min(to - at)));
        let (mut seen, mut search) = (Luminance::default(), Search::new(scene.gsd_m[0].max(scene.gsd_m[1])));
        for (row, rows) in spread(r0, r1) {
            for (col, cols) in spread(c0, c1) {
                let (rgb, valid) = read_rgb(scene, Window::new(col, row, cols, rows))?;
                search.look(&rgb, &valid, cols as usize);
                seen.look(&rgb, &valid, cols as usize);
            }
        }
        let whole = step(r0, r1) == STRETCH_WINDOW_PX && step(c0, c1) == STRETCH_WINDOW_PX;
        let fill = search.found();
        seen.retain(|value| !fill.is_luminance(value));
        if let Some(stretch) = seen.stretch() {
            return Ok(Some(Stretch { fill, ..stretch }));
        }
        if whole {
            break;
        }
    }
    Ok(None)
}

/// Luminances of valid pixels: of those that differ little from the next ones, and of the others.
#[derive(Default)]
struct Luminance {
    smooth: Vec<f32>,
    rough: Vec<f32>,
}

impl Luminance {
    /// Looks at a window, row by row.
    fn look(&mut self, rgb: &[[f32; 3]], valid: &[bool], width: usize) {
        let at = |at: usize| valid[at].then(|| (rgb[at][0] + rgb[at][1] + rgb[at][2]) / 3.0);
        for pixel in 0..rgb.len() {
            let Some(value) = at(pixel) else { continue };
            let inside = pixel % width + 1 < width && pixel + width < rgb.len();
            let near = |next: usize| at(next).is_some_and(|next| (next - value).abs() < SMOOTH * value);
            let kind = if inside && near(pixel + 1) && near(pixel + width) { &mut self.smooth } else { &mut self.rough };
            kind.push(value);
        }
    }

    fn retain(&mut self, kept: impl Fn(f32) -> bool) {
        self.smooth.retain(|&value| kept(value));
        self.rough.retain(|&value| kept(value));
    }

    /// Their quantiles; where an overexposed cloud takes up the range, no more than the ground needs.
    fn stretch(&self) -> Option<Stretch> {
        let mut all: Vec<f32> = self.smooth.iter().chain(&self.rough).copied().collect();
        let stretch = Stretch::from_luminance(&mut all)?;
        let middle = all.len() / 2;
        let median = *all.select_nth_unstable_by(middle, f32::total_cmp).1;
        let brightest = stretch.low + BRIGHTEST * (median - stretch.low);
        let above = |values: &[f32]| values.iter().filter(|value| **value > brightest).count() as f64;
        let cloud = above(&self.smooth) > SMOOTH_SHARE * (above(&self.smooth) + above(&self.rough));
        let high = if cloud && brightest > stretch.low { stretch.high.min(brightest) } else { stretch.high };
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

    /// Of fourteen cars beside a wood five were missed: to an overexposed cloud all of the yard was black.
    #[test]
    fn an_overexposed_cloud_does_not_take_up_the_range_and_a_quay_beside_dark_water_does() {
        let high = |dark: usize, bright: fn(usize) -> usize| {
            let pixels: Vec<[f32; 3]> =
                (0..96 * 96).map(|at| [if at / 96 < dark { 10 + (at * 7919) % 101 } else { bright(at) } as f32; 3]).collect();
            let mut seen = Luminance::default();
            seen.look(&pixels, &vec![true; pixels.len()], 96);
            seen.stretch().unwrap().high
        };
        assert!(high(70, |at| 2000 + at % 40) < 400.0, "a cloud");
        assert_eq!(high(70, |at| if at % 2 == 0 { 1000 } else { 2000 }), 2000.0, "a quay");
        assert_eq!(high(70, |at| 110 + at % 2), 111.0, "ground");
        assert_eq!(high(0, |_| 7), 7.0 + 1e-6, "nothing");
    }
}

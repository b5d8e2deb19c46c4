//! Which bands are looked at, and the one stretch of a scene.

use super::radiometry::Stretch;
use crate::error::Result;
use crate::raster::{Role, Scene, Window};
use crate::tile::Area;

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
pub(super) fn colour_is_known(scene: &Scene) -> bool {
    rgb_bands(scene).1 && (scene.bands.stated || scene.source.bands() < 4)
}

/// Red, green, blue and validity of the pixels of a window, in the file's own numbers.
pub(super) fn read_rgb(scene: &Scene, window: Window) -> Result<(Vec<[f32; 3]>, Vec<bool>)> {
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

//! Which bands are looked at, and the one stretch of a scene.

use super::fill_colour::Search;
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
        let (mut luminance, mut search) = (Vec::new(), Search::new(scene.gsd_m[0].max(scene.gsd_m[1])));
        for (row, rows) in spread(r0, r1) {
            for (col, cols) in spread(c0, c1) {
                let (rgb, valid) = read_rgb(scene, Window::new(col, row, cols, rows))?;
                search.look(&rgb, &valid, cols as usize);
                luminance.extend(rgb.iter().zip(valid).filter(|(_, valid)| *valid).map(|(p, _)| (p[0] + p[1] + p[2]) / 3.0));
            }
        }
        let whole = step(r0, r1) == STRETCH_WINDOW_PX && step(c0, c1) == STRETCH_WINDOW_PX;
        let fill = search.found();
        luminance.retain(|&value| !fill.is_luminance(value));
        if let Some(stretch) = Stretch::from_luminance(&mut luminance) {
            return Ok(Some(Stretch { fill, ..stretch }));
        }
        if whole {
            break;
        }
    }
    Ok(None)
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
}

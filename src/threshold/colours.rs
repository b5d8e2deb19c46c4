//! Which bands are looked at.

use crate::error::Result;
use crate::raster::{Role, Scene, Window};

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

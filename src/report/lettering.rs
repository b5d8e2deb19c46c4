//! Lettering on pictures, without a font engine: the glyphs of ISO 8859-1 are a small picture of their own.
//!
//! `glyphs.png` was drawn once from DejaVu Sans Mono at 20 pixels: 32 columns of cells 12 by 26, codes 0x20 to 0x7f and 0xa0
//! to 0xff, with an en dash in the place of 0x7f.

use std::sync::LazyLock;

use image::{GrayImage, Rgb, RgbImage};

/// Width of a character in pixels.
pub const CHARACTER_WIDTH: u32 = 12;
/// Height of a line in pixels.
pub const LINE_HEIGHT: u32 = 26;

const COLUMNS: u32 = 32;

static GLYPHS: LazyLock<GrayImage> = LazyLock::new(|| {
    // The picture is a part of the program; a test reads it. An empty one draws nothing.
    image::load_from_memory_with_format(include_bytes!("glyphs.png"), image::ImageFormat::Png)
        .map(|i| i.to_luma8())
        .unwrap_or_default()
});

/// Width of a text in pixels.
pub fn width(text: &str) -> u32 {
    text.chars().count() as u32 * CHARACTER_WIDTH
}

/// Draws a text with its top left corner at (x, y). What lies outside the picture is cut off.
pub fn draw(picture: &mut RgbImage, x: u32, y: u32, text: &str, colour: [u8; 3]) {
    for (index, character) in text.chars().enumerate() {
        let (cell_x, cell_y) = cell(character);
        let left = x.saturating_add(index as u32 * CHARACTER_WIDTH);
        for row in 0..LINE_HEIGHT {
            for col in 0..CHARACTER_WIDTH {
                let Some(ink) = GLYPHS.get_pixel_checked(cell_x + col, cell_y + row).map(|p| u32::from(p.0[0])) else { continue };
                if let Some(Rgb(under)) = picture.get_pixel_mut_checked(left.saturating_add(col), y.saturating_add(row)) {
                    for (channel, &ours) in under.iter_mut().zip(&colour) {
                        *channel = ((u32::from(*channel) * (255 - ink) + u32::from(ours) * ink + 127) / 255) as u8;
                    }
                }
            }
        }
    }
}

/// Where the glyph of a character lies; characters that have none are drawn as `?`.
fn cell(character: char) -> (u32, u32) {
    let code = match character {
        '\u{2013}' | '\u{2014}' => 0x7f,
        other => u32::from(other),
    };
    let index = match code {
        0x20..=0x7f => code - 0x20,
        0xa0..=0xff => code - 0xa0 + 0x60,
        _ => u32::from(b'?') - 0x20,
    };
    (index % COLUMNS * CHARACTER_WIDTH, index / COLUMNS * LINE_HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(text: &str) -> RgbImage {
        let mut picture = RgbImage::new(CHARACTER_WIDTH * 2, LINE_HEIGHT);
        draw(&mut picture, 0, 0, text, [255, 255, 255]);
        picture
    }

    #[test]
    fn characters_look_different_and_unknown_ones_are_question_marks() {
        assert_ne!(ink("8"), ink("B"));
        assert_ne!(ink("é"), ink("e"));
        assert_eq!(ink("\u{8c46}"), ink("?"));
        assert_eq!(ink(" "), RgbImage::new(CHARACTER_WIDTH * 2, LINE_HEIGHT));
    }

    #[test]
    fn text_beyond_the_edge_is_cut_off() {
        let mut picture = RgbImage::new(5, 5);
        draw(&mut picture, 3, 2, "cut off", [255, 0, 0]);
        draw(&mut picture, u32::MAX - 3, u32::MAX - 3, "x", [255, 0, 0]);
    }
}

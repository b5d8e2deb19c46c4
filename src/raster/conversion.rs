//! Colours of a TIFF: which are read, and what becomes of stored samples before anyone sees them, as in GDAL.

use std::path::Path;

use tiff_reader::{ByteOrder, Ifd, InkSet, RasterLayout};

use crate::error::{Error, Result};

/// TIFF photometric codes of red, green and blue, of inks (CMYK), of luma with colour differences, and of CIE L*a*b*.
const RGB: u16 = 2;
const SEPARATED: u16 = 5;
pub(crate) const YCBCR: u16 = 6;
const LAB: u16 = 8;
const ICC_LAB: u16 = 9;
const ITU_LAB: u16 = 10;
/// TIFF compression codes.
pub(crate) const JPEG: u16 = 7;
const LERC: u16 = 34887;
const TAG_ORIENTATION: u16 = 274;

/// What becomes of stored samples before anyone sees them, as in GDAL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Conversion {
    None,
    /// 16-bit floats become 32-bit ones.
    Half,
    /// Inks of 8 bits (cyan, magenta, yellow, black) become red, green, blue and a full alpha.
    Inks,
    /// CIE L*a*b* of 8 bits becomes red, green, blue and a full alpha.
    Lab,
    /// Luma and colour differences of 8 bits, outside JPEG, become red, green and blue.
    Differences,
    /// Two samples, whole numbers or floats, become a complex number of floats.
    Complex,
    /// libtiff swaps the bytes of samples before LERC encodes them, where the file is big-endian: they are swapped back.
    SwappedLerc,
}

impl Conversion {
    /// Of an image whose colours are read ([`check_colours`]).
    pub(crate) fn of(ifd: &Ifd, layout: &RasterLayout, byte_order: ByteOrder) -> Self {
        match Self::to_rgb(ifd) {
            _ if is_complex(ifd) => Self::Complex,
            Self::None if layout.sample_format == 3 && layout.bits_per_sample == 16 => Self::Half,
            Self::None if ifd.compression() == LERC && byte_order == ByteOrder::BigEndian => Self::SwappedLerc,
            to_rgb => to_rgb,
        }
    }

    /// What makes red, green and blue of samples of 8 bits that are other colours.
    fn to_rgb(ifd: &Ifd) -> Self {
        match ifd.photometric_interpretation().filter(|_| is_byte(ifd)) {
            Some(SEPARATED) if inks_are_converted(ifd) => Self::Inks,
            Some(LAB) => Self::Lab,
            // JPEG decoders convert these themselves.
            Some(YCBCR) if ifd.compression() != JPEG => Self::Differences,
            _ => Self::None,
        }
    }
}

/// Whether the first three bands that are shown are red, green and blue.
pub(crate) fn shows_rgb(ifd: &Ifd) -> bool {
    let colours = ifd.photometric_interpretation();
    colours == Some(RGB) || (colours == Some(YCBCR) && is_byte(ifd)) || Conversion::to_rgb(ifd) != Conversion::None
}

/// The name of the colours that are shown as they are stored, though they are no brightness.
pub(crate) fn strange_colours(ifd: &Ifd) -> Option<&'static str> {
    match ifd.photometric_interpretation().filter(|_| !shows_rgb(ifd))? {
        SEPARATED => Some("inks (CMYK)"),
        YCBCR => Some("luma and colour differences (YCbCr)"),
        LAB | ICC_LAB | ITU_LAB => Some("L*a*b* colours"),
        _ => None,
    }
}

/// Colour models whose samples GDAL converts before anyone sees them, in ways that are not known here; raw, they would be wrong
/// without a word.
pub(crate) fn check_colours(path: &Path, ifd: &Ifd) -> Result<()> {
    let (chunky, samples) = (ifd.planar_configuration() == 1, ifd.samples_per_pixel());
    let model = match ifd.photometric_interpretation() {
        Some(SEPARATED) if inks_are_converted(ifd) && !is_upright(ifd) => "inks (CMYK) with an orientation",
        Some(SEPARATED) if inks_are_converted(ifd) && samples > 4 && !chunky => "inks (CMYK) with further bands, band after band",
        Some(LAB) if bits(ifd) != Some(16) && !lab_is_read(ifd) => "CIE L*a*b* colours of this kind",
        Some(YCBCR) if samples != 3 => "YCbCr colours of other than three bands",
        Some(YCBCR) if is_byte(ifd) && ifd.compression() != JPEG && !is_upright(ifd) => "YCbCr colours with an orientation",
        Some(32844 | 32845) => "LogLuv colours",
        _ => return Ok(()),
    };
    Err(Error::image(path, format!("{model} are not read; {CONVERT}")))
}

/// What to do with a TIFF that is not read here.
pub(crate) const CONVERT: &str = "convert the image with `gdal_translate -co TILED=YES -co COMPRESS=DEFLATE IN OUT.tif`";

/// Whether inks are converted: those of 8 bits, if they are the usual four; others are given as they are, as in GDAL.
fn inks_are_converted(ifd: &Ifd) -> bool {
    is_byte(ifd) && are_four_inks(ifd) && ifd.samples_per_pixel() >= 4
}

/// Cyan, magenta, yellow and black, unless the tag `InkSet` speaks of others.
fn are_four_inks(ifd: &Ifd) -> bool {
    matches!(ifd.ink_set(), Ok(None | Some(InkSet::Cmyk)))
}

/// Whether CIE L*a*b* colours are read: three unsigned samples of 8 bits, pixel by pixel.
fn lab_is_read(ifd: &Ifd) -> bool {
    let chunky = ifd.planar_configuration() == 1 && ifd.samples_per_pixel() == 3;
    is_byte(ifd) && chunky && is_upright(ifd) && ifd.compression() != JPEG
}

/// Whether rows run from top to bottom and columns from left to right. GDAL ignores the tag, but where it converts colours.
fn is_upright(ifd: &Ifd) -> bool {
    !ifd.tag(TAG_ORIENTATION).and_then(|tag| tag.value.as_u32()).is_some_and(|code| (2..=8).contains(&code))
}

/// Whether samples are complex numbers (the decoder is shown their parts).
pub(crate) fn is_complex(ifd: &Ifd) -> bool {
    ifd.sample_format().is_ok_and(|formats| matches!(formats.first(), Some(5 | 6)))
}

/// Appends the native bytes of a part of a complex number, as GDAL gives it: whole numbers become 32-bit floats.
pub(crate) fn push_part(format: u16, part: &[u8], to: &mut Vec<u8>) {
    match (format, part) {
        (2, &[a, b]) => to.extend(f32::from(i16::from_ne_bytes([a, b])).to_ne_bytes()),
        (2, &[a, b, c, d]) => to.extend((i32::from_ne_bytes([a, b, c, d]) as f32).to_ne_bytes()),
        _ => to.extend(part),
    }
}

/// Whether samples are unsigned and of 8 bits.
fn is_byte(ifd: &Ifd) -> bool {
    bits(ifd) == Some(8) && ifd.sample_format().is_ok_and(|formats| formats.first() == Some(&1))
}

fn bits(ifd: &Ifd) -> Option<u16> {
    ifd.bits_per_sample().ok()?.first().copied()
}

/// A 32-bit float of a 16-bit one; what a NaN carries is kept, as in GDAL.
pub(crate) fn from_half(pair: &[u8]) -> [u8; 4] {
    let half = half::f16::from_ne_bytes([pair[0], pair[1]]);
    if half.is_nan() {
        let [sign, mantissa] = [0x8000, 0x03FF].map(|mask| u32::from(half.to_bits() & mask));
        return f32::from_bits((sign << 16) | 0x7F80_0000 | (mantissa << 13)).to_ne_bytes();
    }
    half.to_f32().to_ne_bytes()
}

/// Red, green, blue and full alpha of a pixel of cyan, magenta, yellow and black, as libtiff computes them.
pub(crate) fn from_inks(inks: &[u8]) -> [u8; 4] {
    let light = |ink: u8| (u16::from(255 - inks[3]) * u16::from(255 - ink) / 255) as u8;
    [light(inks[0]), light(inks[1]), light(inks[2]), 255]
}

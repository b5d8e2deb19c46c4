//! What the decoder of TIFFs refuses, as a sentence that says what, where and what to do.

use std::path::Path;

use tiff_reader::TiffError;

use super::conversion::CONVERT;
use crate::error::Error;

/// The name of a TIFF compression.
pub(crate) fn compression_name(code: u16) -> String {
    let name = match code {
        1 => "uncompressed",
        2 => "CCITT RLE",
        3 => "CCITT Group 3",
        4 => "CCITT Group 4",
        5 => "LZW",
        6 => "old-style JPEG",
        7 => "JPEG",
        8 | 32946 => "Deflate",
        32773 => "PackBits",
        34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "ZSTD",
        50001 => "WebP",
        50002 => "JPEG XL",
        _ => return format!("compression {code}"),
    };
    name.to_owned()
}

/// How complex numbers become real ones.
const MAGNITUDE: &str = "`gdal_calc.py -A IN --calc=\"abs(A)\" --type=Float32 --outfile=OUT.tif`";

/// A decoder's error as one sentence with what to do.
pub(crate) fn explain(path: &Path, error: &TiffError) -> Error {
    let reason = match error {
        TiffError::Io(source, _) => return Error::io(path, std::io::Error::new(source.kind(), source.to_string())),
        TiffError::UnsupportedCompression(code) => {
            let name = compression_name(*code);
            format!("{name} compression is not read by this build; {CONVERT}, or build yardwatch with `--features gdal`")
        }
        TiffError::InvalidMagic | TiffError::UnsupportedVersion(_) | TiffError::InvalidBigTiffHeader(_) => {
            format!("not a TIFF file, or a damaged one: {error}")
        }
        TiffError::DecodeOutputTooLarge { .. } | TiffError::DecodeOutputAllocationFailed { .. } => {
            format!("{error}; raise --max-memory or cut the image into tiles with `gdal_translate -co TILED=YES IN OUT`")
        }
        TiffError::OffsetOutOfBounds { .. } | TiffError::Truncated { .. } => {
            format!("the file is damaged or cut short: {error}; copy or download it again")
        }
        TiffError::DecompressionFailed { index, reason } if reason.contains("unsupported") => {
            format!("block {index} is coded in a way that is not read: {reason}; {CONVERT}")
        }
        TiffError::DecompressionFailed { index, reason } => {
            format!("the file is damaged in block {index}: {reason}; copy or download it again")
        }
        TiffError::UnsupportedSampleFormat(5 | 6) => {
            format!("complex numbers with a predictor, or band after band, are not read; write their magnitude: {MAGNITUDE}")
        }
        TiffError::UnsupportedSampleFormat(code) => format!("samples of the unknown format {code} are not read"),
        TiffError::UnsupportedBitsPerSample(bits) => format!("samples of {bits} bits of this format are not read; {CONVERT}"),
        TiffError::UnsupportedPredictor(code) => {
            format!("differences between samples of the kind {code} (predictor) are not read; {CONVERT}")
        }
        TiffError::TagNotFound(tag) => {
            format!("the file is damaged or incomplete: the TIFF tag {tag} is missing; copy or download it again")
        }
        _ => format!("the TIFF cannot be read: {error}; if GDAL reads it, {CONVERT}"),
    };
    Error::image(path, reason)
}

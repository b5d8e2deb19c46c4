//! The SHA-256 of an image's decoded pixels, to compare decoders with.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::source::RasterSource;
use super::window::Window;
use crate::error::Result;

/// Bytes of samples that are held at a time.
const BUFFER_BYTES: usize = 16 << 20;

/// What the pixels of an image sum up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checksum {
    /// SHA-256 of the samples: band after band, row after row, little-endian, in the file's own type. Lower-case hex.
    pub sha256: String,
    /// Pixels that nodata, mask and alpha leave valid.
    pub valid_pixels: u64,
}

/// Hashes every pixel of an image. Images whose samples take more than 16 MiB are read in bars of whole rows, once per band.
///
/// # Errors
/// When any part of the image cannot be decoded.
pub fn checksum(source: &dyn RasterSource) -> Result<Checksum> {
    let (width, height, bands) = (source.width(), source.height(), source.bands());
    let row_bytes = (width as usize).saturating_mul(source.sample_type().bytes());
    let block_rows = source.block_size()[1].max(1);
    // As many rows as the buffer holds, in whole blocks if there is room for one, else in single rows.
    let rows = |row_bytes: usize| {
        let rows = u32::try_from(BUFFER_BYTES / row_bytes.max(1)).unwrap_or(u32::MAX).clamp(1, height);
        if rows > block_rows && rows < height { rows / block_rows * block_rows } else { rows }
    };
    let all_rows = rows(row_bytes.saturating_mul(bands));
    let mut hash = Sha256::new();
    let mut valid_pixels = 0;
    for window in bars(width, height, all_rows) {
        let block = source.read(window)?;
        valid_pixels += (block.valid.iter().filter(|&&valid| valid).count() + block.not_finite) as u64;
        // With all rows in one bar, so are all bands.
        let samples = if all_rows >= height { block.samples.len() } else { window.pixels() };
        block.samples.hash_into(&mut hash, 0..samples);
    }
    if all_rows < height {
        for band in 1..bands {
            for window in bars(width, height, rows(row_bytes)) {
                let samples = source.read_band(window, band)?;
                samples.hash_into(&mut hash, 0..samples.len());
            }
        }
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Checksum { sha256, valid_pixels })
}

/// The image cut into bars of so many rows.
fn bars(width: u32, height: u32, rows: u32) -> impl Iterator<Item = Window> {
    (0..height).step_by(rows.max(1) as usize).map(move |row| Window::new(0, row, width, rows.min(height - row)))
}

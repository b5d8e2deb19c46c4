//! Rows of uncompressed strips, read straight from the file: a giant strip is never held in memory whole.

use tiff_reader::source::SharedSource;
use tiff_reader::{ByteOrder, Ifd, RasterLayout, TiffError};

use super::conversion::YCBCR;
use super::window::Window;

/// Strips up to this size go through the decoder and its cache, which reads them once for many windows.
const SMALL_STRIP_BYTES: usize = 1 << 20;
/// TIFF compression code of stored samples.
const UNCOMPRESSED: u16 = 1;

/// Where the rows of an uncompressed striped image lie.
pub(crate) struct DirectRows {
    source: SharedSource,
    offsets: Vec<u64>,
    rows_per_strip: usize,
    strips_per_plane: usize,
    layout: RasterLayout,
    swap: bool,
}

impl DirectRows {
    /// A reader, if the image is of the kind: uncompressed large strips of whole bytes that all lie inside the file.
    pub(crate) fn new(ifd: &Ifd, layout: &RasterLayout, order: ByteOrder, source: SharedSource) -> Option<Self> {
        let whole_bytes = matches!(layout.bits_per_sample, 8 | 16 | 32 | 64);
        let plain = ifd.compression() == UNCOMPRESSED && ifd.fill_order() == 1;
        if ifd.is_tiled() || !whole_bytes || !plain || ifd.photometric_interpretation() == Some(YCBCR) {
            return None;
        }
        let rows_per_strip = (ifd.rows_per_strip() as usize).clamp(1, layout.height);
        let strips_per_plane = layout.height.div_ceil(rows_per_strip);
        let planes = if layout.planar_configuration == 1 { 1 } else { layout.samples_per_pixel };
        let row_bytes = row_bytes(layout)?;
        if rows_per_strip.checked_mul(row_bytes)? <= SMALL_STRIP_BYTES {
            return None;
        }
        let offsets = ifd.strip_offsets()?;
        let counts = ifd.strip_byte_counts()?;
        if offsets.len() != strips_per_plane.checked_mul(planes)? || counts.len() != offsets.len() {
            return None;
        }
        // A strip that is missing or shorter than its rows is left to the decoder, which knows what to say.
        let complete = offsets.iter().zip(&counts).enumerate().all(|(index, (&offset, &count))| {
            let first = index % strips_per_plane * rows_per_strip;
            let needed = (rows_per_strip.min(layout.height - first) * row_bytes) as u64;
            offset != 0 && count >= needed && offset.checked_add(needed).is_some_and(|end| end <= source.len())
        });
        let swap = layout.bytes_per_sample > 1 && order != native();
        complete.then(|| Self { source, offsets, rows_per_strip, strips_per_plane, layout: *layout, swap })
    }

    /// The samples of a window (of one band, if one is named), those of a pixel side by side, native-endian.
    pub(crate) fn read(&self, window: Window, band: Option<usize>) -> Result<Vec<u8>, TiffError> {
        let bands = self.layout.samples_per_pixel;
        if band.is_some_and(|band| band >= bands) {
            return Err(TiffError::BandIndexOutOfBounds { index: band.unwrap_or_default(), band_count: bands });
        }
        let size = self.layout.bytes_per_sample;
        let wanted = band.map_or(0..bands, |band| band..band + 1);
        let (width, height) = (window.width as usize, window.height as usize);
        let pixel = wanted.len() * size;
        let mut output = vec![0; width * height * pixel];
        for (row, line) in output.chunks_exact_mut((width * pixel).max(1)).enumerate() {
            let row = window.row as usize + row;
            if self.layout.planar_configuration == 1 {
                let stored = self.line(row, 0, window, bands * size)?;
                if wanted.len() == bands {
                    line.copy_from_slice(&stored);
                } else {
                    copy_samples(line, 0, pixel, &stored[wanted.start * size..], bands * size, size);
                }
            } else {
                for (position, plane) in wanted.clone().enumerate() {
                    let stored = self.line(row, plane, window, size)?;
                    copy_samples(line, position * size, pixel, &stored, size, size);
                }
            }
        }
        if self.swap {
            output.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(output)
    }

    /// The stored bytes of one row of the window in one plane.
    fn line(&self, row: usize, plane: usize, window: Window, pixel: usize) -> Result<Vec<u8>, TiffError> {
        let strip = plane * self.strips_per_plane + row / self.rows_per_strip;
        let within = (row % self.rows_per_strip) * self.layout.width * pixel + window.col as usize * pixel;
        let offset = self.offsets.get(strip).map(|offset| offset + within as u64);
        let offset = offset.ok_or_else(|| TiffError::Other(format!("there is no strip {strip}")))?;
        self.source.read_exact_at(offset, window.width as usize * pixel)
    }
}

/// Bytes of a row in one plane.
fn row_bytes(layout: &RasterLayout) -> Option<usize> {
    let samples = if layout.planar_configuration == 1 { layout.samples_per_pixel } else { 1 };
    layout.width.checked_mul(samples)?.checked_mul(layout.bytes_per_sample)
}

fn native() -> ByteOrder {
    if cfg!(target_endian = "big") { ByteOrder::BigEndian } else { ByteOrder::LittleEndian }
}

/// Copies one sample of each pixel from a row with one spacing to a row with another.
fn copy_samples(to: &mut [u8], start: usize, to_step: usize, from: &[u8], from_step: usize, size: usize) {
    for (to, from) in to.chunks_exact_mut(to_step).zip(from.chunks(from_step)) {
        to[start..start + size].copy_from_slice(&from[..size]);
    }
}

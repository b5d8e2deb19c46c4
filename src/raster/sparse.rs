//! Blocks of a TIFF that are not stored (`SPARSE_OK`), and where blocks lie.

use std::ops::Range;

use tiff_reader::{Ifd, RasterLayout};

use super::samples::SampleType;
use super::window::Window;

/// Which blocks of an image are not stored.
pub(crate) struct Sparse {
    /// Of every block, plane by plane; empty if all are stored.
    missing: Vec<bool>,
    /// Width and height of a block, and how many lie side by side and in a plane.
    block: (usize, usize),
    across: usize,
    per_plane: usize,
    /// One, unless bands are stored one after the other.
    planes: usize,
}

impl Sparse {
    /// A block is not stored when its offset or length is zero.
    pub(crate) fn new(ifd: &Ifd, layout: &RasterLayout) -> Self {
        let tables = if ifd.is_tiled() {
            (ifd.tile_offsets(), ifd.tile_byte_counts())
        } else {
            (ifd.strip_offsets(), ifd.strip_byte_counts())
        };
        let (offsets, counts) = (tables.0.unwrap_or_default(), tables.1.unwrap_or_default());
        let missing: Vec<bool> = offsets.iter().zip(&counts).map(|(&offset, &count)| offset == 0 || count == 0).collect();
        let block = block_size(ifd, layout);
        let across = layout.width.div_ceil(block.0);
        Self {
            missing: if missing.contains(&true) { missing } else { Vec::new() },
            block,
            across,
            per_plane: across * layout.height.div_ceil(block.1),
            planes: if layout.planar_configuration == 2 { layout.samples_per_pixel } else { 1 },
        }
    }

    fn is_missing(&self, plane: usize, block: usize) -> bool {
        self.missing.get(plane * self.per_plane + block) == Some(&true)
    }

    /// Whether none of the blocks that a window touches is stored, of any band.
    pub(crate) fn lacks(&self, window: Window) -> bool {
        if self.missing.is_empty() || window.pixels() == 0 {
            return false;
        }
        let touched =
            |start: u32, length: u32, size: usize| start as usize / size..(start as usize + length as usize).div_ceil(size);
        let cols = touched(window.col, window.width, self.block.0);
        let mut rows = touched(window.row, window.height, self.block.1);
        let nowhere = |block: usize| (0..self.planes).all(|plane| self.is_missing(plane, block));
        rows.all(|row| cols.clone().all(|col| nowhere(row * self.across + col)))
    }

    /// Blocks that are not stored read as nodata where there is such a value (zero otherwise), as in GDAL. `bands` are
    /// those whose samples lie side by side in `bytes`.
    pub(crate) fn fill(&self, bytes: &mut [u8], window: Window, bands: Range<usize>, kind: SampleType, nodata: Option<f64>) {
        let Some(fill) = nodata.filter(|&value| !self.missing.is_empty() && value != 0.0) else { return };
        let pattern = encode(kind, fill);
        for (index, pixel) in bytes.chunks_exact_mut(bands.len() * pattern.len()).enumerate() {
            let (row, col) = (index / window.width as usize, index % window.width as usize);
            let block = (window.row as usize + row) / self.block.1 * self.across + (window.col as usize + col) / self.block.0;
            for (sample, band) in pixel.chunks_exact_mut(pattern.len()).zip(bands.clone()) {
                if self.is_missing(if self.planes > 1 { band } else { 0 }, block) {
                    sample.copy_from_slice(&pattern);
                }
            }
        }
    }
}

/// Width and height of a tile or strip, at least 1 and, for strips, no larger than the image.
pub(crate) fn block_size(ifd: &Ifd, layout: &RasterLayout) -> (usize, usize) {
    match (ifd.tile_width(), ifd.tile_height()) {
        (Some(width), Some(height)) if ifd.is_tiled() => (width.max(1) as usize, height.max(1) as usize),
        _ => (layout.width, (ifd.rows_per_strip() as usize).clamp(1, layout.height)),
    }
}

/// A number in the native-endian bytes of a sample type.
fn encode(kind: SampleType, value: f64) -> Vec<u8> {
    match kind {
        SampleType::U8 => (value as u8).to_ne_bytes().to_vec(),
        SampleType::I8 => (value as i8).to_ne_bytes().to_vec(),
        SampleType::U16 => (value as u16).to_ne_bytes().to_vec(),
        SampleType::I16 => (value as i16).to_ne_bytes().to_vec(),
        SampleType::U32 => (value as u32).to_ne_bytes().to_vec(),
        SampleType::I32 => (value as i32).to_ne_bytes().to_vec(),
        SampleType::U64 => (value as u64).to_ne_bytes().to_vec(),
        SampleType::I64 => (value as i64).to_ne_bytes().to_vec(),
        SampleType::F32 => (value as f32).to_ne_bytes().to_vec(),
        SampleType::F64 => value.to_ne_bytes().to_vec(),
        SampleType::C64 => [value as f32, 0.0].map(f32::to_ne_bytes).concat(),
        SampleType::C128 => [value, 0.0].map(f64::to_ne_bytes).concat(),
    }
}

//! What every image format looks like from outside.

use super::samples::{Block, SampleType, Samples};
use super::window::Window;
use crate::error::Result;

/// An image whose windows can be read, by several threads at a time.
pub trait RasterSource: Send + Sync {
    /// Columns.
    fn width(&self) -> u32;
    /// Rows.
    fn height(&self) -> u32;
    /// Bands, alpha included.
    fn bands(&self) -> usize;
    /// Type of the samples.
    fn sample_type(&self) -> SampleType;
    /// The value that stands for "nothing here", if the file names one.
    fn nodata(&self) -> Option<f64>;
    /// Width and height of the unit in which the file is decoded: windows that follow it are cheapest.
    fn block_size(&self) -> [u32; 2];
    /// How the pixels are stored, in words: `tiled 256 x 256, deflate`.
    fn layout(&self) -> String;
    /// Index of the alpha band, if there is one.
    fn alpha(&self) -> Option<usize>;

    /// Whether no pixel of a window is valid, as far as that is known without decoding it: false where it is not known.
    fn is_empty(&self, _window: Window) -> bool {
        false
    }

    /// Decodes a window: all bands, and which pixels are valid. Only the blocks that it touches are decoded.
    ///
    /// # Errors
    /// When the window does not lie in the image, or the file is damaged there, or a block does not fit in memory.
    fn read(&self, window: Window) -> Result<Block>;

    /// Decodes one band of a window, row-major, without its validity.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when there is no such band.
    fn read_band(&self, window: Window, band: usize) -> Result<Samples>;
}

//! PNG, JPEG and WebP: decoded whole, once, at the first window that is read.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::guard::guarded;
use super::samples::{Block, SampleType, Samples};
use super::source::RasterSource;
use super::window::Window;
use crate::error::{Error, Result};

/// A picture in a format that has no blocks.
pub struct PictureSource {
    path: PathBuf,
    format: ImageFormat,
    width: u32,
    height: u32,
    bands: usize,
    kind: SampleType,
    alpha: Option<usize>,
    max_memory: usize,
    pixels: OnceLock<Result<DynamicImage, String>>,
    exif: Option<Vec<u8>>,
}

impl PictureSource {
    /// Reads the header of a picture. The pixels are decoded when the first window is read.
    ///
    /// # Errors
    /// When the file cannot be read, is none of the formats, or its pixels would take more than half of `max_memory` bytes.
    pub fn open(path: &Path, format: ImageFormat, max_memory: usize) -> Result<Self> {
        let mut decoder = reader(path, format, max_memory)?.into_decoder().map_err(|error| explain(path, &error.to_string()))?;
        let (width, height) = decoder.dimensions();
        let (bands, kind, alpha) = layout(decoder.color_type())
            .ok_or_else(|| Error::image(path, format!("pixels of the kind {:?} are not read", decoder.color_type())))?;
        if width == 0 || height == 0 {
            return Err(Error::image(path, "the image has no pixels"));
        }
        let needed = decoder.total_bytes();
        if needed > max_memory as u64 / 2 {
            return Err(Error::image(
                path,
                format!(
                    "{width} x {height} pixels take {} MiB, too much for --max-memory, since {format:?} can only be decoded whole; \
                     raise it to {} or convert the image with `gdal_translate -co TILED=YES -co COMPRESS=DEFLATE IN OUT.tif`",
                    needed >> 20,
                    (needed.saturating_mul(2) >> 20) + 1
                ),
            ));
        }
        let exif = decoder.exif_metadata().ok().flatten();
        let path = path.to_owned();
        Ok(Self { path, format, width, height, bands, kind, alpha, max_memory, pixels: OnceLock::new(), exif })
    }

    /// The file's EXIF block, if it has one.
    pub(crate) fn take_exif(&mut self) -> Option<Vec<u8>> {
        self.exif.take()
    }

    fn pixels(&self) -> Result<&DynamicImage> {
        let decode = || {
            let reader = reader(&self.path, self.format, self.max_memory).map_err(|error| error.to_string())?;
            let image = reader.decode().map_err(|error| error.to_string())?;
            let same = (image.width(), image.height()) == (self.width, self.height);
            let same = same && layout(image.color()) == Some((self.bands, self.kind, self.alpha));
            same.then_some(image).ok_or_else(|| "the file changed while it was read".to_owned())
        };
        let decode = || guarded(&self.path, || Ok(decode())).unwrap_or_else(|error| Err(error.to_string()));
        self.pixels.get_or_init(decode).as_ref().map_err(|reason| explain(&self.path, reason))
    }
}

impl RasterSource for PictureSource {
    fn width(&self) -> u32 {
        self.width
    }

    fn height(&self) -> u32 {
        self.height
    }

    fn bands(&self) -> usize {
        self.bands
    }

    fn sample_type(&self) -> SampleType {
        self.kind
    }

    fn nodata(&self) -> Option<f64> {
        None
    }

    fn block_size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    fn layout(&self) -> String {
        format!("{:?}, decoded whole", self.format)
    }

    fn alpha(&self) -> Option<usize> {
        self.alpha
    }

    fn read(&self, window: Window) -> Result<Block> {
        let samples = self.samples(window, 0..self.bands)?;
        Ok(Block::new(window, self.bands, samples, None, self.alpha, None))
    }

    fn read_band(&self, window: Window, band: usize) -> Result<Samples> {
        if band >= self.bands {
            return Err(Error::image(&self.path, format!("there is no band {band}")));
        }
        self.samples(window, band..band + 1)
    }
}

impl PictureSource {
    fn samples(&self, window: Window, wanted: std::ops::Range<usize>) -> Result<Samples> {
        if !window.fits(self.width, self.height) {
            return Err(Error::image(&self.path, format!("the window {window:?} does not lie in the image")));
        }
        let bytes = self.pixels()?.as_bytes();
        let pixel = self.bands * self.kind.bytes();
        let length = window.width as usize * pixel;
        let mut cut = Vec::with_capacity(length * window.height as usize);
        for row in window.row..window.row + window.height {
            let start = (row as usize * self.width as usize + window.col as usize) * pixel;
            cut.extend_from_slice(&bytes[start..start + length]);
        }
        Ok(Samples::from_interleaved(self.kind, &cut, self.bands, wanted))
    }
}

fn reader(path: &Path, format: ImageFormat, max_memory: usize) -> Result<ImageReader<BufReader<File>>> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let mut reader = ImageReader::with_format(BufReader::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(max_memory as u64);
    reader.limits(limits);
    Ok(reader)
}

/// Bands, sample type and alpha band of a colour type.
fn layout(color: ColorType) -> Option<(usize, SampleType, Option<usize>)> {
    Some(match color {
        ColorType::L8 => (1, SampleType::U8, None),
        ColorType::La8 => (2, SampleType::U8, Some(1)),
        ColorType::Rgb8 => (3, SampleType::U8, None),
        ColorType::Rgba8 => (4, SampleType::U8, Some(3)),
        ColorType::L16 => (1, SampleType::U16, None),
        ColorType::La16 => (2, SampleType::U16, Some(1)),
        ColorType::Rgb16 => (3, SampleType::U16, None),
        ColorType::Rgba16 => (4, SampleType::U16, Some(3)),
        _ => return None,
    })
}

fn explain(path: &Path, reason: &str) -> Error {
    Error::image(path, format!("the file is damaged or of a kind that is not read: {reason}"))
}

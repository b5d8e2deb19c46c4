//! From a path to a source of pixels: the format is told from the first bytes, not from the name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use image::ImageFormat;

use super::bands::{BandRoles, Role};
use super::file_tags;
use super::geotiff::{self, Tie};
use super::guard::guarded;
use super::metadata::Metadata;
use super::picture::PictureSource;
use super::source::RasterSource;
use super::tiff::TiffSource;
use crate::error::{Error, Result};

/// An open image of any format, with what the file itself says about it.
pub(crate) struct Opened {
    /// The pixels.
    pub source: Box<dyn RasterSource>,
    /// How it is tied to the ground.
    pub tie: Tie,
    /// When it was acquired.
    pub metadata: Metadata,
    /// What its bands show.
    pub bands: Option<BandRoles>,
    /// Why its samples are no measure of brightness, if they are not.
    pub not_brightness: Option<String>,
}

/// Opens an image to read pixels from, without asking where it lies.
///
/// # Errors
/// When the path is not a regular file, cannot be read, or is of no format that this build reads.
pub fn open_raster(path: &Path, max_memory_mib: usize) -> Result<Box<dyn RasterSource>> {
    open(path, max_memory_mib, None).map(|opened| opened.source)
}

/// What the file system knows of a regular file.
///
/// # Errors
/// When there is none, or it is a folder, a pipe or a device, which would be waited for without end.
pub(crate) fn regular_file(path: &Path) -> Result<std::fs::Metadata> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
    let kind = if metadata.is_dir() { "this is a folder, not an image" } else { "this is not a regular file" };
    if metadata.is_file() { Ok(metadata) } else { Err(Error::image(path, kind)) }
}

/// Opens an image; `nodata` is the value that a side file names.
pub(crate) fn open(path: &Path, max_memory_mib: usize, nodata: Option<f64>) -> Result<Opened> {
    regular_file(path)?;
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut start)).map_err(|error| Error::io(path, error))?;
    let max_memory = max_memory_mib.saturating_mul(1 << 20);
    let picture = |format| guarded(path, || PictureSource::open(path, format, max_memory)).map(picture);
    match start.as_slice() {
        [] => Err(Error::image(path, "the file is empty")),
        [b'I', b'I', ..] | [b'M', b'M', ..] => guarded(path, || tiff(path, TiffSource::open(path, max_memory)?, nodata)),
        [0x89, b'P', b'N', b'G', ..] => picture(ImageFormat::Png),
        [0xFF, 0xD8, 0xFF, ..] => picture(ImageFormat::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => picture(ImageFormat::WebP),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => Err(Error::image(
            path,
            "JPEG 2000 is not read; convert the image with `gdal_translate -co TILED=YES -co COMPRESS=DEFLATE IN OUT.tif`",
        )),
        _ => Err(Error::image(path, "not an image that is read here (TIFF, PNG, JPEG, WebP)")),
    }
}

fn tiff(path: &Path, mut tiff: TiffSource, nodata: Option<f64>) -> Result<Opened> {
    tiff.set_nodata(nodata);
    let ifd = tiff.ifd()?;
    Ok(Opened {
        tie: geotiff::tie(ifd),
        metadata: file_tags::acquired(tiff.tiff(), ifd),
        bands: file_tags::bands(ifd, tiff.bands(), tiff.alpha()),
        not_brightness: file_tags::not_brightness(ifd),
        source: pixels(path, tiff)?,
    })
}

/// Who decodes a TIFF's pixels: GDAL, where it is built in, those that the default reader cannot.
#[cfg(feature = "gdal")]
fn pixels(path: &Path, tiff: TiffSource) -> Result<Box<dyn RasterSource>> {
    if tiff.decodes()? { Ok(Box::new(tiff)) } else { Ok(Box::new(super::gdal_source::GdalSource::open(tiff, path)?)) }
}

#[cfg(not(feature = "gdal"))]
fn pixels(_path: &Path, tiff: TiffSource) -> Result<Box<dyn RasterSource>> {
    Ok(Box::new(tiff))
}

fn picture(mut picture: PictureSource) -> Opened {
    let metadata = picture.take_exif().map(file_tags::exif_metadata).unwrap_or_default();
    // These formats have no other order.
    let bands = (picture.bands() >= 3)
        .then(|| {
            BandRoles::stated(vec![Role::Red, Role::Green, Role::Blue], picture.bands(), picture.alpha(), "the picture's format")
        })
        .flatten();
    Opened { tie: Tie::None(None), metadata, bands, not_brightness: None, source: Box::new(picture) }
}

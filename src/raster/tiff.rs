//! TIFF, BigTIFF, GeoTIFF and Cloud-Optimized GeoTIFF, decoded by `tiff-reader` block by block.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use tiff_reader::source::{FileSource, SharedSource, TiffSource as _};
use tiff_reader::{ExtraSample, Ifd, OpenOptions, ParseBudgets, RasterLayout, TiffError, TiffFile};

use super::beside::find_appended;
use super::conversion::{
    CONVERT, Conversion, JPEG, YCBCR, check_colours, from_half, from_inks, is_complex, push_part, shows_rgb,
};
use super::file_tags::stated_alpha;
use super::guard::guarded;
use super::jpeg_frame::is_subsampled;
use super::refusal::{compression_name, explain};
use super::rewritten::Rewritten;
use super::rows::DirectRows;
use super::samples::{Block, SampleType, Samples};
use super::source::RasterSource;
use super::sparse::{Sparse, block_size};
use super::window::Window;
use super::ycbcr::YCbCr;
use crate::error::{Error, Result};

/// Decoded blocks are kept up to so many bytes (or a sixteenth of the memory allowed, if that is less).
const CACHE_BYTES: usize = 32 << 20;
/// Blocks from this size on are decoded by one thread at a time, so that memory does not grow with the threads.
const LARGE_BLOCK_BYTES: usize = 16 << 20;
/// Metadata beyond these sizes belongs to no image: 64 MiB of block offsets make 8 million blocks.
pub(crate) const PARSE_BUDGETS: ParseBudgets =
    ParseBudgets { max_ifds: 1024, max_ifd_entries: 4096, max_tag_value_bytes: 64 << 20, max_metadata_value_bytes: 160 << 20 };
/// `NewSubfileType`, whose bit 2 marks a mask and bit 0 a reduced image.
const TAG_NEW_SUBFILE_TYPE: u16 = 254;
/// GDAL's nodata value, as text.
const TAG_GDAL_NODATA: u16 = 42113;

/// Where the image's mask is.
enum Mask {
    None,
    /// In this directory of the file.
    Inside(usize),
    /// In the file `IMAGE.msk`.
    Beside(Box<TiffFile>),
}

/// An open TIFF.
pub struct TiffSource {
    path: PathBuf,
    /// The file as it is.
    tiff: TiffFile,
    /// Its first image as libtiff understands it, where the decoder would not.
    rewritten: Option<TiffFile>,
    /// The same with all blocks decoded here, once the decoder gave up on one.
    decoded: OnceLock<Option<TiffFile>>,
    file: Arc<FileSource>,
    options: OpenOptions,
    layout: RasterLayout,
    kind: SampleType,
    conversion: Conversion,
    nodata: Option<f64>,
    alpha: Option<usize>,
    mask: Mask,
    sparse: Sparse,
    rows: Option<DirectRows>,
    large_block: Option<Mutex<()>>,
}

impl TiffSource {
    /// Opens the first image of a TIFF file. Nothing is decoded yet.
    ///
    /// # Errors
    /// When the file cannot be read, its header makes no sense, its kind is not read by this build, or one of its blocks
    /// cannot be decoded within `max_memory` bytes.
    pub fn open(path: &Path, max_memory: usize) -> Result<Self> {
        let file = Arc::new(FileSource::open(path).map_err(|error| explain(path, &error))?);
        let options = |cache: usize| OpenOptions {
            block_cache_bytes: cache,
            block_cache_slots: 4096,
            parse_budgets: PARSE_BUDGETS,
            decode_output_bytes: max_memory / 2,
        };
        let cache = CACHE_BYTES.min(max_memory / 16);
        let open = |source: &SharedSource, cache: usize| {
            TiffFile::from_source_with_options(source.clone(), options(cache)).map_err(|error| explain(path, &error))
        };
        let mut shown: SharedSource = file.clone();
        let mut tiff = open(&shown, cache)?;
        check_colours(path, first(path, &tiff)?)?;
        let other = Rewritten::new(&file, tiff.byte_order(), first(path, &tiff)?).map(Arc::new);
        let decodes = other.as_ref().is_some_and(|other| other.decodes());
        let mut rewritten = None;
        if let Some(other) = other {
            shown = other;
            rewritten = Some(open(&shown, cache)?);
        }
        let ifd = first(path, &tiff)?;
        let pixels = first(path, rewritten.as_ref().unwrap_or(&tiff))?;
        let layout = pixels.raster_layout().map_err(|error| explain(path, &error))?;
        let kind = if is_complex(ifd) { complex_type(&layout) } else { sample_type(&layout) }
            .ok_or_else(|| Error::image(path, format!("samples of {} bits are not read", layout.bits_per_sample)))?;
        if layout.predictor == 3 && layout.sample_format != 3 {
            return Err(explain(path, &TiffError::UnsupportedPredictor(3)));
        }
        if pixels.is_tiled() && (pixels.tile_width() == Some(0) || pixels.tile_height() == Some(0)) {
            return Err(Error::image(path, "the file is damaged: its tiles have no size; copy or download it again"));
        }
        if shares_colours(&*shown, pixels) && ifd.photometric_interpretation() != Some(YCBCR) {
            return Err(Error::image(
                path,
                format!("its JPEG coding shares colours between pixels, but the tags say that they are no YCbCr; {CONVERT}"),
            ));
        }
        let rows = if decodes { None } else { DirectRows::new(pixels, &layout, tiff.byte_order(), shown.clone()) };
        let block_bytes = check_blocks(path, ifd, &layout, rows.is_some(), file.len(), max_memory)?;
        let large_block = (rows.is_none() && block_bytes > LARGE_BLOCK_BYTES).then(|| Mutex::new(()));
        let sparse = Sparse::new(pixels, &layout);
        let nodata = nodata(ifd).map(|value| as_stored(kind, value));
        let conversion = Conversion::of(ifd, &layout, tiff.byte_order());
        let alpha = match conversion {
            Conversion::Inks | Conversion::Lab => Some(3),
            Conversion::Complex => None,
            _ => alpha(ifd, layout.samples_per_pixel).or_else(|| stated_alpha(ifd, layout.samples_per_pixel)),
        };
        let mask = find_mask(path, &tiff, &layout, options(cache / 4));
        if large_block.is_some() && block_bytes > cache {
            // A block that is larger than the cache would be decoded again for every window.
            *rewritten.as_mut().unwrap_or(&mut tiff) = open(&shown, block_bytes)?;
        }
        Ok(Self {
            path: path.to_owned(),
            tiff,
            rewritten,
            decoded: OnceLock::new(),
            file,
            options: options(cache.max(if large_block.is_some() { block_bytes } else { 0 })),
            layout,
            kind,
            conversion,
            nodata,
            alpha,
            mask,
            sparse,
            rows,
            large_block,
        })
    }

    /// The file's metadata.
    pub(crate) fn tiff(&self) -> &TiffFile {
        &self.tiff
    }

    /// Sets the nodata value that a side file names, if the file itself names none.
    pub(crate) fn set_nodata(&mut self, nodata: Option<f64>) {
        self.nodata = self.nodata.or(nodata.map(|value| as_stored(self.kind, value)));
    }

    /// The first image's directory.
    pub(crate) fn ifd(&self) -> Result<&Ifd> {
        first(&self.path, &self.tiff)
    }

    /// Whether the compression is one that this reader decodes.
    #[cfg(feature = "gdal")]
    pub(super) fn decodes(&self) -> Result<bool> {
        Ok(matches!(self.ifd()?.compression(), 1..=5 | 7 | 8 | 32773 | 32946 | 34887 | 34925 | 50000 | 50001))
    }

    /// Decoded bytes of all bands, or of one, samples of a pixel side by side, in the type that is shown.
    fn bytes(&self, window: Window, band: Option<usize>) -> Result<Vec<u8>> {
        match self.conversion {
            Conversion::None => self.stored(window, band),
            Conversion::Half => Ok(self.stored(window, band)?.chunks_exact(2).flat_map(from_half).collect()),
            Conversion::SwappedLerc => {
                let mut samples = self.stored(window, band)?;
                samples.chunks_exact_mut(self.layout.bytes_per_sample).for_each(<[u8]>::reverse);
                Ok(samples)
            }
            Conversion::Complex => {
                let (part, format) = (self.layout.bytes_per_sample, self.layout.sample_format);
                let stored = self.stored(window, None)?;
                let pixel = 2 * part * self.bands();
                let wanted = band.map_or(0..pixel, |band| (2 * part * band).min(pixel)..(2 * part * (band + 1)).min(pixel));
                let parts = stored.chunks_exact(pixel.max(1)).flat_map(|pixel| pixel[wanted.clone()].chunks_exact(part));
                let mut samples = Vec::with_capacity(window.pixels() * self.kind.bytes());
                parts.for_each(|part| push_part(format, part, &mut samples));
                Ok(samples)
            }
            Conversion::Inks | Conversion::Lab | Conversion::Differences => {
                let pixels = self.colours(window)?;
                Ok(match band {
                    None => pixels,
                    Some(band) => pixels.chunks_exact(self.bands()).filter_map(|pixel| pixel.get(band).copied()).collect(),
                })
            }
        }
    }

    /// Red, green and blue (and full alpha) of what is stored as other colours.
    fn colours(&self, window: Window) -> Result<Vec<u8>> {
        if self.conversion == Conversion::Lab {
            let read = |tiff: &TiffFile, [col, row, width, height]: [usize; 4]| {
                tiff.read_decoded_window_bytes(0, row, col, height, width)
            };
            return Ok(self.decoded(window, read)?.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect());
        }
        let stored = self.stored(window, None)?;
        Ok(if self.conversion == Conversion::Inks {
            stored.chunks_exact(self.layout.samples_per_pixel).flat_map(from_inks).collect()
        } else {
            let colours = YCbCr::new(self.ifd()?);
            stored.chunks_exact(3).flat_map(|pixel| colours.to_rgb(pixel)).collect()
        })
    }

    /// Bytes of all bands, or of one, as they are stored.
    fn stored(&self, window: Window, band: Option<usize>) -> Result<Vec<u8>> {
        let bands = self.layout.samples_per_pixel;
        if window.fits(self.width(), self.height()) && band.is_none_or(|band| band < bands) && self.sparse.lacks(window) {
            let pixel = if band.is_some() { 1 } else { bands } * self.layout.bytes_per_sample;
            let requested = window.pixels().saturating_mul(pixel);
            let limit = self.options.decode_output_bytes;
            let too_large = || explain(&self.path, &TiffError::DecodeOutputTooLarge { requested, limit });
            return if requested > limit { Err(too_large()) } else { Ok(vec![0; requested]) };
        }
        self.decoded(window, |tiff, [col, row, width, height]| match (&self.rows, band) {
            (Some(rows), band) => rows.read(window, band),
            (None, Some(band)) => tiff.read_band_window_bytes(0, band, row, col, height, width),
            (None, None) => tiff.read_window_bytes(0, row, col, height, width),
        })
    }

    /// What the decoder makes of a window, given as column, row, width and height.
    fn decoded(
        &self,
        window: Window,
        read: impl Fn(&TiffFile, [usize; 4]) -> std::result::Result<Vec<u8>, TiffError>,
    ) -> Result<Vec<u8>> {
        if !window.fits(self.width(), self.height()) {
            return Err(Error::image(&self.path, format!("the window {window:?} does not lie in the image")));
        }
        let Window { col, row, width, height } = window;
        let place = [col, row, width, height].map(|value| value as usize);
        // A poisoned lock guards no data: it only keeps decoders from running side by side.
        let _one_at_a_time = self.large_block.as_ref().map(|lock| lock.lock().unwrap_or_else(|poison| poison.into_inner()));
        guarded(&self.path, || {
            let pixels = self.rewritten.as_ref().unwrap_or(&self.tiff);
            let result = match read(pixels, place) {
                // The decoder wants blocks to hold what they should and nothing else; libtiff takes what it needs.
                Err(error @ TiffError::DecompressionFailed { .. }) => {
                    self.decoded_here().and_then(|tiff| read(tiff, place).ok()).ok_or(error)
                }
                result => result,
            };
            result.map_err(|error| explain(&self.path, &error))
        })
    }

    /// The first image with its blocks decoded here, if they can be.
    fn decoded_here(&self) -> Option<&TiffFile> {
        let open = || {
            let shown: SharedSource = Arc::new(Rewritten::decoded(&self.file, self.tiff.byte_order(), self.ifd().ok()?)?);
            let tiff = TiffFile::from_source_with_options(shown, self.options).ok()?;
            let same = tiff.ifd(0).ok()?.raster_layout().ok()? == self.layout;
            same.then_some(tiff)
        };
        self.decoded.get_or_init(open).as_ref()
    }

    /// What the mask says of a window, 0 = not valid; `None` without a mask.
    pub(super) fn mask(&self, window: Window) -> Result<Option<Vec<u8>>> {
        let Window { col, row, width, height } = window;
        let [col, row, width, height] = [col, row, width, height].map(|value| value as usize);
        let (tiff, index) = match &self.mask {
            Mask::None => return Ok(None),
            Mask::Inside(index) => (&self.tiff, *index),
            Mask::Beside(tiff) => (&**tiff, 0),
        };
        let read = || tiff.read_window_bytes(index, row, col, height, width).map_err(|error| explain(&self.path, &error));
        guarded(&self.path, read).map(Some)
    }
}

impl RasterSource for TiffSource {
    fn width(&self) -> u32 {
        // TIFF sizes are 32-bit numbers.
        self.layout.width as u32
    }

    fn height(&self) -> u32 {
        self.layout.height as u32
    }

    fn bands(&self) -> usize {
        match self.conversion {
            Conversion::Lab | Conversion::Inks => 4,
            Conversion::Complex => self.layout.samples_per_pixel / 2,
            _ => self.layout.samples_per_pixel,
        }
    }

    fn sample_type(&self) -> SampleType {
        self.kind
    }

    fn nodata(&self) -> Option<f64> {
        self.nodata
    }

    fn block_size(&self) -> [u32; 2] {
        let Ok(ifd) = self.ifd() else { return [self.width(), 1] };
        let (width, height) = block_size(ifd, &self.layout);
        // Rows that are read directly have no blocks; the size is only a convenient one.
        if self.rows.is_some() { [self.width(), self.height().min(64)] } else { [width as u32, height as u32] }
    }

    fn layout(&self) -> String {
        let Ok(ifd) = self.ifd() else { return String::new() };
        let (width, height) = block_size(ifd, &self.layout);
        let shape = if ifd.is_tiled() { format!("tiles of {width} x {height}") } else { format!("strips of {height} rows") };
        let planes = if self.layout.planar_configuration == 2 && self.bands() > 1 { ", band after band" } else { "" };
        let big = if self.tiff.is_bigtiff() { "BigTIFF" } else { "TIFF" };
        format!("{big}, {shape}, {}{planes}", compression_name(ifd.compression()))
    }

    fn alpha(&self) -> Option<usize> {
        self.alpha
    }

    /// Blocks that are not stored tell it. What they read as is the same everywhere, so one pixel shows whether it is valid.
    fn is_empty(&self, window: Window) -> bool {
        let first = Window { width: 1, height: 1, ..window };
        matches!(self.mask, Mask::None)
            && window.fits(self.width(), self.height())
            && self.sparse.lacks(window)
            && self.read(first).is_ok_and(|block| block.valid == [false])
    }

    fn read(&self, window: Window) -> Result<Block> {
        let mut bytes = self.bytes(window, None)?;
        let bands = self.bands();
        self.sparse.fill(&mut bytes, window, 0..bands, self.kind, self.nodata);
        let samples = Samples::from_interleaved(self.kind, &bytes, bands, 0..bands);
        drop(bytes);
        let mask = self.mask(window)?;
        Ok(Block::new(window, bands, samples, self.nodata, self.alpha, mask.as_deref()))
    }

    fn read_band(&self, window: Window, band: usize) -> Result<Samples> {
        let mut bytes = self.bytes(window, Some(band))?;
        self.sparse.fill(&mut bytes, window, band..band + 1, self.kind, self.nodata);
        Ok(Samples::from_interleaved(self.kind, &bytes, 1, 0..1))
    }
}

/// Whether the first stored block is a JPEG of several components of which some are subsampled.
fn shares_colours(source: &dyn tiff_reader::source::TiffSource, pixels: &Ifd) -> bool {
    /// The frame header lies near the beginning.
    const HEAD_BYTES: u64 = 4096;
    if pixels.compression() != JPEG || pixels.samples_per_pixel() < 2 || pixels.planar_configuration() != 1 {
        return false;
    }
    let tables = if pixels.is_tiled() {
        (pixels.tile_offsets(), pixels.tile_byte_counts())
    } else {
        (pixels.strip_offsets(), pixels.strip_byte_counts())
    };
    let stored =
        tables.0.into_iter().flatten().zip(tables.1.into_iter().flatten()).find(|&(offset, count)| offset > 0 && count > 0);
    let head = stored.and_then(|(offset, count)| source.read_exact_at(offset, count.min(HEAD_BYTES) as usize).ok());
    head.is_some_and(|head| is_subsampled(&head))
}

fn first<'a>(path: &Path, tiff: &'a TiffFile) -> Result<&'a Ifd> {
    tiff.ifd(0).map_err(|_| Error::image(path, "the TIFF holds no image"))
}

fn sample_type(layout: &RasterLayout) -> Option<SampleType> {
    Some(match (layout.sample_format, layout.bytes_per_sample) {
        (1, 1) => SampleType::U8,
        (1, 2) => SampleType::U16,
        (1, 4) => SampleType::U32,
        (1, 8) => SampleType::U64,
        (2, 1) => SampleType::I8,
        (2, 2) => SampleType::I16,
        (2, 4) => SampleType::I32,
        (2, 8) => SampleType::I64,
        (3, 2 | 4) => SampleType::F32,
        (3, 8) => SampleType::F64,
        _ => return None,
    })
}

/// The type of complex numbers whose parts are laid out as samples.
fn complex_type(layout: &RasterLayout) -> Option<SampleType> {
    match (layout.sample_format, layout.bytes_per_sample) {
        (2, 2 | 4) | (3, 4) => Some(SampleType::C64),
        (3, 8) => Some(SampleType::C128),
        _ => None,
    }
}

/// Bytes of a decoded block; an error if one cannot be decoded in the memory that is allowed.
fn check_blocks(
    path: &Path,
    ifd: &Ifd,
    layout: &RasterLayout,
    direct: bool,
    file_length: u64,
    max_memory: usize,
) -> Result<usize> {
    let (width, height) = block_size(ifd, layout);
    let samples = if layout.planar_configuration == 1 { layout.samples_per_pixel } else { 1 };
    let decoded = width.saturating_mul(height).saturating_mul(samples).saturating_mul(layout.bytes_per_sample);
    // Decoded and encoded form exist at the same time, and half of the memory is for everything else.
    if !direct && decoded.saturating_mul(2) > max_memory / 2 {
        let whole = (decoded as u64).max((layout.width as u64).saturating_mul(layout.height as u64));
        if ifd.compression() == 1 && whole > file_length {
            let (width, height) = (layout.width, layout.height);
            return Err(Error::image(
                path,
                format!("the file is damaged or cut short: it claims {width} x {height} pixels but has {file_length} bytes"),
            ));
        }
        let block = if ifd.is_tiled() { "tile" } else { "strip" };
        return Err(Error::image(
            path,
            format!(
                "one {block} of {width} x {height} pixels takes {} MiB, too much for --max-memory; raise it to {} or cut the image \
                 into tiles with `gdal_translate -co TILED=YES -co COMPRESS=DEFLATE IN OUT`",
                decoded >> 20,
                (decoded.saturating_mul(4) >> 20) + 1
            ),
        ));
    }
    Ok(decoded)
}

/// The value that stands for nothing. As in GDAL, what follows the number is ignored, and what is no number is 0.
fn nodata(ifd: &Ifd) -> Option<f64> {
    let text = ifd.tag(TAG_GDAL_NODATA)?.value.as_str()?.trim_matches(|c: char| c.is_whitespace() || c == '\0').replace(',', ".");
    if text.contains("#QNAN") || text.contains("#IND") {
        return Some(f64::NAN); // as older C libraries of Microsoft write it
    }
    // Rust also reads "nan", "inf" and "-inf", in any case.
    let longest = (1..=text.len()).rev().find_map(|end| text.get(..end)?.parse().ok());
    (!text.is_empty()).then(|| longest.unwrap_or(0.0))
}

/// A nodata value as precise as the samples are: `0.1` is no 32-bit float.
fn as_stored(kind: SampleType, value: f64) -> f64 {
    if matches!(kind, SampleType::F32 | SampleType::C64) { f64::from(value as f32) } else { value }
}

/// The first band behind the colours that is stated to be alpha. As in libtiff, 999 says so too.
fn alpha(ifd: &Ifd, bands: usize) -> Option<usize> {
    let extra = ifd.extra_samples().ok()?;
    let first = bands.checked_sub(extra.len())?;
    let is_alpha = |sample: &ExtraSample| {
        matches!(sample, ExtraSample::AssociatedAlpha | ExtraSample::UnassociatedAlpha | ExtraSample::Unknown(999))
    };
    let colours = if shows_rgb(ifd) { 3 } else { 1 };
    extra.iter().enumerate().find_map(|(index, sample)| (first + index >= colours && is_alpha(sample)).then_some(first + index))
}

/// The mask of the first image: a directory marked as mask, not as overview; else GDAL's `IMAGE.msk`. It has the image's
/// size and one sample.
fn find_mask(path: &Path, tiff: &TiffFile, layout: &RasterLayout, options: OpenOptions) -> Mask {
    let fits = |ifd: &Ifd| {
        let same_size = ifd.width() as usize == layout.width && ifd.height() as usize == layout.height;
        same_size && ifd.raster_layout().is_ok_and(|mask| mask.samples_per_pixel == 1 && mask.bytes_per_sample == 1)
    };
    let inside = tiff.ifds().iter().enumerate().skip(1).find_map(|(index, ifd)| {
        let kind = ifd.tag(TAG_NEW_SUBFILE_TYPE)?.value.as_u32()?;
        (kind & 4 != 0 && kind & 1 == 0 && fits(ifd)).then_some(index)
    });
    if let Some(index) = inside {
        return Mask::Inside(index);
    }
    let beside = find_appended(path, ".msk").and_then(|path| TiffFile::open_with_options(path, options).ok());
    beside.filter(|mask| mask.ifd(0).is_ok_and(fits)).map_or(Mask::None, |mask| Mask::Beside(Box::new(mask)))
}

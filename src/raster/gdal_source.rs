//! Pixels that GDAL decodes (cargo feature `gdal`): TIFFs of a compression that the default reader does not know. Everything but
//! the pixels (size, type, georeference, dates, masks) still comes from the file's tags, read by the default reader.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gdal::raster::GdalType;
use gdal::{Dataset, DatasetOptions, config};

use super::guard::guarded;
use super::samples::{Block, SampleType, Samples};
use super::source::RasterSource;
use super::tiff::TiffSource;
use super::window::Window;
use crate::error::{Error, Result};

/// GDAL's own settings: nothing but the file itself is looked at, and little is remembered.
const SETTINGS: [(&str, &str); 4] = [
    ("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"),
    ("GDAL_PAM_ENABLED", "NO"),
    ("GDAL_CACHEMAX", "64"), // MiB
    ("CPL_LOG_ERRORS", "OFF"),
];

/// A TIFF whose tags are read by the default reader and whose pixels by GDAL.
pub struct GdalSource {
    path: PathBuf,
    tags: TiffSource,
    dataset: Mutex<Dataset>,
}

impl GdalSource {
    /// Opens with GDAL what the default reader has opened already, which has checked its size against the memory allowed.
    ///
    /// # Errors
    /// When GDAL cannot open the file, or sees another image in it than the default reader.
    pub fn open(tags: TiffSource, path: &Path) -> Result<Self> {
        for (name, value) in SETTINGS {
            config::set_config_option(name, value).map_err(|error| explain(path, &error))?;
        }
        // A true path: GDAL takes some names for addresses and archives.
        let real = path.canonicalize().map_err(|error| Error::io(path, error))?;
        let options = DatasetOptions { allowed_drivers: Some(&["GTiff"]), ..DatasetOptions::default() };
        let dataset = guarded(path, || Dataset::open_ex(&real, options).map_err(|error| explain(path, &error)))?;
        if dataset.raster_size() != (tags.width() as usize, tags.height() as usize) || dataset.raster_count() != tags.bands() {
            return Err(Error::image(path, "GDAL sees another size or number of bands in it than its tags say"));
        }
        Ok(Self { path: path.to_owned(), tags, dataset: Mutex::new(dataset) })
    }

    /// The samples of some bands, band after band.
    fn samples(&self, window: Window, bands: std::ops::Range<usize>) -> Result<Samples> {
        if !window.fits(self.width(), self.height()) {
            return Err(Error::image(&self.path, format!("the window {window:?} does not lie in the image")));
        }
        let values = |kind| match kind {
            SampleType::U8 => Ok(Samples::U8(self.values(window, bands.clone())?)),
            SampleType::U16 => Ok(Samples::U16(self.values(window, bands.clone())?)),
            SampleType::I16 => Ok(Samples::I16(self.values(window, bands.clone())?)),
            SampleType::U32 => Ok(Samples::U32(self.values(window, bands.clone())?)),
            SampleType::I32 => Ok(Samples::I32(self.values(window, bands.clone())?)),
            SampleType::F32 => Ok(Samples::F32(self.values(window, bands.clone())?)),
            SampleType::F64 => Ok(Samples::F64(self.values(window, bands.clone())?)),
            // Not in every version of GDAL.
            other => Err(Error::image(&self.path, format!("samples of the type {} are not read through GDAL", other.name()))),
        };
        guarded(&self.path, || values(self.sample_type()))
    }

    fn values<T: Copy + GdalType>(&self, window: Window, bands: std::ops::Range<usize>) -> Result<Vec<T>> {
        let size = (window.width as usize, window.height as usize);
        // A poisoned lock guards no data: GDAL only must not be used by two threads at a time.
        let dataset = self.dataset.lock().unwrap_or_else(|poison| poison.into_inner());
        let mut values = Vec::with_capacity(window.pixels() * bands.len());
        for band in bands {
            let read = dataset
                .rasterband(band + 1)
                .and_then(|band| band.read_as::<T>((window.col as isize, window.row as isize), size, size, None));
            values.extend_from_slice(read.map_err(|error| explain(&self.path, &error))?.data());
        }
        Ok(values)
    }
}

fn explain(path: &Path, error: &gdal::errors::GdalError) -> Error {
    Error::image(path, format!("GDAL cannot read it: {error}"))
}

impl RasterSource for GdalSource {
    fn width(&self) -> u32 {
        self.tags.width()
    }

    fn height(&self) -> u32 {
        self.tags.height()
    }

    fn bands(&self) -> usize {
        self.tags.bands()
    }

    fn sample_type(&self) -> SampleType {
        self.tags.sample_type()
    }

    fn nodata(&self) -> Option<f64> {
        self.tags.nodata()
    }

    fn block_size(&self) -> [u32; 2] {
        self.tags.block_size()
    }

    fn layout(&self) -> String {
        format!("{}, decoded by GDAL", self.tags.layout())
    }

    fn alpha(&self) -> Option<usize> {
        self.tags.alpha()
    }

    fn read(&self, window: Window) -> Result<Block> {
        let bands = self.bands();
        let samples = self.samples(window, 0..bands)?;
        let mask = self.tags.mask(window)?;
        Ok(Block::new(window, bands, samples, self.nodata(), self.alpha(), mask.as_deref()))
    }

    fn read_band(&self, window: Window, band: usize) -> Result<Samples> {
        if band >= self.bands() {
            return Err(Error::image(&self.path, format!("there is no band {band}")));
        }
        self.samples(window, band..band + 1)
    }
}

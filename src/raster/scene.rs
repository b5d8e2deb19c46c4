//! One image with everything that is known about it: where it lies, how large a pixel is, when it was acquired, where
//! the sun stood.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::acquired::{Acquired, AcquiredFrom};
use super::bands::BandRoles;
use super::beside::{find_beside, read_text};
use super::georeference::Georeference;
use super::geotiff::{self, Tie};
use super::name_date::date_in_name;
use super::open::{self, Opened};
use super::source::RasterSource;
use super::sun::Sun;
use super::{wkt, world_file};
use crate::error::{Error, Result};

/// Memory that is allowed when nothing else is said, in MiB.
pub const DEFAULT_MAX_MEMORY_MIB: usize = 1024;
/// Texts of coordinate reference systems are smaller than this.
const MAX_PRJ_BYTES: u64 = 1 << 20;

/// What the user says about the images.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneOptions {
    /// Metres per pixel, for images that do not say it themselves.
    pub gsd_m: Option<f64>,
    /// Time of acquisition, for images that do not say it themselves.
    pub acquired: Option<Timestamp>,
    /// Memory that decoding may take, in MiB.
    pub max_memory_mib: usize,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self { gsd_m: None, acquired: None, max_memory_mib: DEFAULT_MAX_MEMORY_MIB }
    }
}

/// An image, open for reading, with what is known about it.
pub struct Scene {
    /// The image file.
    pub path: PathBuf,
    /// Where it lies; `None` for images that are worked on in pixels.
    pub georeference: Option<Georeference>,
    /// Metres per pixel along columns (x) and rows (y), at the image's centre.
    pub gsd_m: [f64; 2],
    /// When it was acquired, if anything says it.
    pub acquired: Option<Acquired>,
    /// Where the sun stood: from the metadata, else computed from time and place.
    pub sun: Option<Sun>,
    /// Whether `sun` was computed; else it is stated in the metadata.
    pub sun_computed: bool,
    /// Angle between the line of sight and the vertical, degrees.
    pub off_nadir_deg: Option<f64>,
    /// Share of the image under cloud, 0 to 1, as the vendor states it.
    pub cloud_cover: Option<f64>,
    /// Satellite or sensor.
    pub sensor: Option<String>,
    /// Which band shows what.
    pub bands: BandRoles,
    /// What was assumed or left aside, in sentences for the log.
    pub notes: Vec<String>,
    /// The pixels.
    pub source: Box<dyn RasterSource>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("path", &self.path).field("gsd_m", &self.gsd_m).finish_non_exhaustive()
    }
}

impl Scene {
    /// Opens an image and reads what it and the files beside it say. No pixel is decoded.
    ///
    /// # Errors
    /// When the image cannot be read, when it is tied to the ground by control points or RPCs only, or when neither it
    /// nor the options say how large a pixel is.
    pub fn open(path: &Path, options: &SceneOptions) -> Result<Self> {
        let opened = open::open(path, options.max_memory_mib)?;
        let mut notes = Vec::new();
        let georeference = georeference(path, &opened, options, &mut notes)?;
        let source = opened.into_source();
        let centre = [f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0];
        let gsd_m = gsd(path, georeference.as_ref(), centre, options)?;
        let acquired = path
            .file_stem()
            .and_then(|stem| date_in_name(&stem.to_string_lossy()))
            .or_else(|| options.acquired.map(|time| Acquired { time, from: AcquiredFrom::Option, date_only: false }));
        let place = georeference.as_ref().and_then(|georeference| georeference.to_lonlat(centre[0], centre[1]));
        let sun = acquired
            .filter(|acquired| !acquired.date_only)
            .zip(place)
            .map(|(acquired, [lon, lat])| Sun::at(acquired.time, lon, lat));
        let bands = BandRoles::assumed(source.bands(), source.alpha(), source.sample_type());
        Ok(Self {
            path: path.to_owned(),
            georeference,
            gsd_m,
            acquired,
            sun,
            sun_computed: sun.is_some(),
            off_nadir_deg: None,
            cloud_cover: None,
            sensor: None,
            bands,
            notes,
            source,
        })
    }
}

/// Where the image lies: its own tags, else the world file and `.prj` beside it.
fn georeference(path: &Path, opened: &Opened, options: &SceneOptions, notes: &mut Vec<String>) -> Result<Option<Georeference>> {
    let tie = match opened {
        Opened::Tiff(tiff) => geotiff::tie(tiff.ifd()?),
        Opened::Picture(_) => Tie::None(None),
    };
    let crs = match tie {
        Tie::Affine(georeference) => return Ok(Some(georeference)),
        Tie::ControlPoints | Tie::Rational if options.gsd_m.is_some() => {
            notes.push("the image is not orthorectified; it is worked on in pixels with --gsd".to_owned());
            return Ok(None);
        }
        Tie::ControlPoints => {
            return Err(Error::image(
                path,
                "the image is tied to the ground by control points (GCPs) only; orthorectify it first with `gdalwarp -r cubic -order 1 \
                 -t_srs EPSG:CODE IN OUT`",
            ));
        }
        Tie::Rational => {
            return Err(Error::image(
                path,
                "the image is tied to the ground by RPCs only; orthorectify it first with `gdalwarp -rpc -r cubic -to RPC_DEM=DEM.tif \
                 -t_srs EPSG:CODE IN OUT`",
            ));
        }
        Tie::None(crs) => crs,
    };
    let Some((_, transform)) = world_file::beside(path)? else { return Ok(None) };
    let crs = match (crs, find_beside(path, "prj")) {
        (Some(crs), _) => Some(crs),
        (None, Some(prj)) => {
            let crs = wkt::crs_from_wkt(&read_text(&prj, MAX_PRJ_BYTES)?);
            if crs.is_none() {
                notes.push(format!("the CRS in {} is not understood", prj.display()));
            }
            crs
        }
        (None, None) => None,
    };
    Ok(Some(Georeference::new(transform, crs)).filter(Georeference::is_sound))
}

/// Metres per pixel.
fn gsd(path: &Path, georeference: Option<&Georeference>, centre: [f64; 2], options: &SceneOptions) -> Result<[f64; 2]> {
    if let Some(gsd) = options.gsd_m.filter(|gsd| !(gsd.is_finite() && *gsd > 0.0)) {
        return Err(Error::Setting(format!("a GSD of {gsd} m makes no sense; give the metres per pixel with --gsd, 0.5 say")));
    }
    let own = georeference.and_then(|georeference| georeference.gsd_m(centre[0], centre[1]));
    own.or(options.gsd_m.map(|gsd| [gsd, gsd])).ok_or_else(|| {
        Error::image(path, "the image has no georeference, so its scale is not known; give the metres per pixel with --gsd")
    })
}

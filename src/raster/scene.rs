//! One image with everything that is known about it: where it lies, how large a pixel is, when it was acquired, where
//! the sun stood.

use std::path::{Path, PathBuf};

use super::acquired::{Acquired, AcquiredFrom};
use super::aux_xml::{AuxXml, parse_aux_xml};
use super::bands::{BandRoles, Role};
use super::beside::{find_appended, find_beside, find_stem, read_text};
use super::file_tags::COLOUR_INDICES;
use super::georeference::Georeference;
use super::geotiff::Tie;
use super::metadata::Metadata;
use super::name_date::{date_in_name, doubt_in_name, zone_doubt_in_name};
use super::source::RasterSource;
use super::stated_crs::StatedCrs;
use super::sun::Sun;
use super::wkt::stated_by_wkt;
use super::{open, sidecar, world_file};
use crate::error::{Error, Result};

/// Memory that is allowed when nothing else is said, in MiB.
pub const DEFAULT_MAX_MEMORY_MIB: usize = 1024;
/// Texts of coordinate reference systems are smaller than this.
const MAX_PRJ_BYTES: u64 = 1 << 20;

/// Pixels smaller than this, where the CRS is not known, are degrees.
const MIN_METRES_PER_PIXEL: f64 = 0.02;
const CONTROL_POINTS_ONLY: &str = "the image is tied to the ground by control points (GCPs) only; orthorectify it first with `gdalwarp -r \
                                   cubic -order 1 -t_srs EPSG:CODE IN OUT`";
const RATIONAL_ONLY: &str = "the image is tied to the ground by RPCs only; orthorectify it first with `gdalwarp -rpc -r cubic -to \
                             RPC_DEM=DEM.tif -t_srs EPSG:CODE IN OUT`";

/// What the user says about the images.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneOptions {
    /// Metres per pixel, for images that do not say it themselves.
    pub gsd_m: Option<f64>,
    /// Time of acquisition, for images that do not say it themselves.
    pub acquired: Option<Acquired>,
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
    /// What says so: `georeference`, `--gsd`, or the metadata's name.
    pub gsd_from: &'static str,
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
    /// Those of the notes that a reader of the count must know.
    pub caveats: Vec<String>,
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
        let mut notes = Vec::new();
        let aux = aux_xml(path, &mut notes);
        let opened = open::open(path, options.max_memory_mib, aux.nodata)?;
        if let Some(reason) = opened.not_brightness {
            return Err(Error::image(path, reason));
        }
        let source = opened.source;
        // Formats whose colour tables are their own are read as RGB.
        if aux.palette && source.bands() == 1 {
            return Err(Error::image(path, COLOUR_INDICES));
        }
        let found = Facts::collect(path, opened.metadata, options, &mut notes);
        let mut doubts = Vec::new();
        let georeference = georeference(path, opened.tie, &aux, options, &mut notes, &mut doubts)?;
        let centre = [f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0];
        let (gsd_m, gsd_from) = gsd(path, georeference.as_ref(), centre, found.metadata.gsd_m, options, &mut notes)?;
        let (sun, sun_computed) = sun(&found, georeference.as_ref(), centre);
        let bands = bands(&*source, &found, opened.bands, aux.bands, &mut notes);
        let Metadata { off_nadir_deg, cloud_cover, sensor, .. } = found.metadata;
        let path = path.to_owned();
        notes.extend(doubts.iter().cloned());
        let (acquired, caveats) = (found.acquired, [found.caveats, doubts].concat());
        Ok(Self {
            path,
            georeference,
            gsd_m,
            gsd_from,
            acquired,
            sun,
            sun_computed,
            off_nadir_deg,
            cloud_cover,
            sensor,
            bands,
            notes,
            caveats,
            source,
        })
    }
}

/// Two statements of when an image was acquired that differ by more seconds than this are not of one pass.
const DIFFERENT_S: i64 = 2 * 86_400;

/// What clocks say that were never set, in seconds since 1970: midnight of the first of January of 1970 (computers), 1980 (file systems) and
/// 2000 (cameras).
const UNSET_CLOCKS_S: [i64; 3] = [0, 315_532_800, 946_684_800];

/// What STAC item, vendor's metadata, tags, file name and user say together.
struct Facts {
    metadata: Metadata,
    acquired: Option<Acquired>,
    /// The file that says what the bands are.
    bands_from: String,
    /// Doubts about the time, which are also among the notes.
    caveats: Vec<String>,
}

impl Facts {
    fn collect(path: &Path, mut tags: Metadata, options: &SceneOptions, notes: &mut Vec<String>) -> Self {
        let stac = sidecar::stac(path, notes);
        let vendor = sidecar::vendor(path, notes);
        let bands_from = stac.iter().chain(&vendor).find(|(metadata, _)| metadata.bands.is_some());
        let bands_from = bands_from.map(|(_, file)| sidecar::name_of(file)).unwrap_or_default();

        let by_name = path.file_stem().and_then(|stem| date_in_name(&stem.to_string_lossy()));
        let (mut caveats, mut unset) = (Vec::new(), None);
        if let Some(time) = tags.acquired.filter(|time| UNSET_CLOCKS_S.contains(&time.as_second())) {
            tags.acquired = None;
            unset = Some(format!(
                "the tag in the file says {}, as clocks do that were never set, and is not used",
                time.strftime("%F %H:%M")
            ));
        }
        let mut acquired = None;
        let mut metadata = Metadata::default();
        let sources = [
            (stac.map(|(metadata, _)| metadata), AcquiredFrom::Stac),
            (vendor.map(|(metadata, _)| metadata), AcquiredFrom::Vendor),
            (Some(tags), AcquiredFrom::File),
        ];
        for (source, from) in sources {
            let Some(source) = source else { continue };
            if let (None, Some(time)) = (acquired, source.acquired) {
                acquired = Some(Acquired { time, from, date_only: source.date_only });
            }
            metadata.fill(source);
        }
        if let (Some(stated), Some(by_name)) = (acquired, by_name) {
            let later_s = stated.time.as_second() - by_name.time.as_second();
            if later_s.abs() > DIFFERENT_S {
                // Programs write there when they processed the image, or what a clock says that is wrong, or what another image had; a name is
                // what somebody sees.
                let taken = match stated.from {
                    AcquiredFrom::File if later_s > 0 => ", which is taken: the tag may be the time of processing",
                    AcquiredFrom::File => ", which is taken: the tag may be another image's, or of a clock that was wrong",
                    _ => "",
                };
                if !taken.is_empty() {
                    acquired = Some(by_name);
                }
                caveats.push(format!(
                    "acquired on {} by the {}, but the file name says {}{taken}",
                    stated.time.strftime("%F"),
                    stated.from.name(),
                    by_name.time.strftime("%F"),
                ));
            }
        }
        let acquired = acquired.or(by_name).or(options.acquired);
        match acquired {
            // Nobody asks for the tag where the time is known without it.
            Some(_) => notes.extend(unset),
            None => caveats.extend(unset),
        }
        notes.extend(caveats.iter().cloned());
        if acquired.is_none()
            && let Some(doubt) = path.file_stem().and_then(|stem| doubt_in_name(&stem.to_string_lossy()))
        {
            notes.push(format!("{doubt}; say when the image was acquired with --acquired"));
        }
        if acquired.is_some_and(|acquired| acquired.from == AcquiredFrom::FileName)
            && let Some(doubt) = path.file_stem().and_then(|stem| zone_doubt_in_name(&stem.to_string_lossy()))
        {
            notes.push(doubt.to_owned());
        }
        Self { metadata, acquired, bands_from, caveats }
    }
}

/// The sun as the metadata state it, else computed (`true`) where time of day and place are known.
fn sun(facts: &Facts, georeference: Option<&Georeference>, centre: [f64; 2]) -> (Option<Sun>, bool) {
    if let (Some(azimuth), Some(elevation_deg)) = (facts.metadata.sun_azimuth_deg, facts.metadata.sun_elevation_deg) {
        return (Some(Sun { azimuth_deg: azimuth.rem_euclid(360.0), elevation_deg }), false);
    }
    let time = facts.acquired.filter(|acquired| !acquired.date_only).map(|acquired| acquired.time);
    let place = georeference.and_then(|georeference| georeference.to_lonlat(centre[0], centre[1]));
    let sun = time.zip(place).map(|(time, [lon, lat])| Sun::at(time, lon, lat));
    (sun, sun.is_some())
}

/// What the bands show: by STAC or vendor, by the file's tags, by GDAL's side file, else assumed.
fn bands(
    source: &dyn RasterSource,
    facts: &Facts,
    tags: Option<BandRoles>,
    aux: Option<Vec<Role>>,
    notes: &mut Vec<String>,
) -> BandRoles {
    let (count, alpha) = (source.bands(), source.alpha());
    let stated = |roles: Option<Vec<Role>>, from: &str| roles.and_then(|roles| BandRoles::stated(roles, count, alpha, from));
    stated(facts.metadata.bands.clone(), &facts.bands_from).or(tags).or_else(|| stated(aux, "the .aux.xml file")).unwrap_or_else(
        || {
            let assumed = BandRoles::assumed(count, alpha);
            if count > 1 {
                notes.push(format!("no metadata say what the bands are: {}", assumed.from));
            }
            assumed
        },
    )
}

/// GDAL's side file beside the image; one that cannot be read is noted.
fn aux_xml(path: &Path, notes: &mut Vec<String>) -> AuxXml {
    let Some(file) = find_appended(path, ".aux.xml") else { return AuxXml::default() };
    let parsed = read_text(&file, sidecar::MAX_BYTES).map_err(|error| error.to_string()).and_then(|text| parse_aux_xml(&text));
    parsed.unwrap_or_else(|reason| {
        notes.push(format!("{} is left aside: {reason}", sidecar::name_of(&file)));
        AuxXml::default()
    })
}

/// Where the image lies: GDAL's side file, the image's own tags, the world file; the CRS from the same, or from a `.prj`.
fn georeference(
    path: &Path,
    tie: Tie,
    aux: &AuxXml,
    options: &SceneOptions,
    notes: &mut Vec<String>,
    doubts: &mut Vec<String>,
) -> Result<Option<Georeference>> {
    let (own_transform, own_crs) = match &tie {
        Tie::Affine(transform, crs) => (Some(*transform), crs.clone()),
        Tie::None(crs) => (None, crs.clone()),
        _ => (None, None),
    };
    let transform = match aux.geotransform.or(own_transform) {
        None => world_file::beside(path)?.map(|(_, transform)| transform),
        transform => transform,
    };
    if let Some(transform) = transform {
        let crs = stated_crs(path, aux.crs.clone(), own_crs, notes, doubts);
        return Ok(Some(Georeference::stated(transform, crs)).filter(Georeference::is_sound));
    }
    let reason = match tie {
        Tie::None(_) if aux.control_points => CONTROL_POINTS_ONLY,
        Tie::None(_) if find_stem(path, "_RPC.TXT").or_else(|| find_beside(path, "rpb")).is_some() => RATIONAL_ONLY,
        Tie::None(_) | Tie::Affine(..) => return Ok(None),
        Tie::ControlPoints => CONTROL_POINTS_ONLY,
        Tie::Rational => RATIONAL_ONLY,
    };
    if options.gsd_m.is_none() {
        return Err(Error::image(path, reason));
    }
    notes.push("the image is not orthorectified; it is worked on in pixels with --gsd".to_owned());
    Ok(None)
}

/// The first CRS that is understood of what GDAL's side file, the image itself and a `.prj` beside it state; else one of which the unit is known.
fn stated_crs(
    path: &Path,
    aux: Option<StatedCrs>,
    own: Option<StatedCrs>,
    notes: &mut Vec<String>,
    doubts: &mut Vec<String>,
) -> Option<StatedCrs> {
    let mut stated: Vec<(StatedCrs, String)> = Vec::new();
    stated.extend(aux.map(|crs| (crs, "the .aux.xml file".to_owned())));
    stated.extend(own.map(|crs| (crs, "the image's tags".to_owned())));
    if stated.iter().all(|(crs, _)| crs.crs.is_none()) {
        stated.extend(prj(path));
    }
    let understood = stated.iter().position(|(crs, _)| crs.crs.is_some());
    // One metre is also what is assumed where no unit could be read.
    let index = understood.or_else(|| stated.iter().position(|(crs, _)| crs.unit_m != 1.0)).unwrap_or(0);
    let problem = |(crs, file): &(StatedCrs, String)| {
        let name = if crs.name.is_empty() { String::new() } else { format!(" ({})", crs.name) };
        format!("the CRS in {file}{name} is not understood")
    };
    let found = stated.get(index)?;
    let (taken, file) = found;
    if understood.is_some() {
        notes.extend(stated.iter().take(index).map(|other| format!("{}; that in {file} is taken", problem(other))));
    } else {
        doubts.push(format!(
            "{}: pixels are measured by its unit of {} m, and places are not known; name a CRS by its EPSG code with `gdal_edit.py -a_srs \
             EPSG:CODE IMAGE`",
            problem(found),
            taken.unit_m
        ));
    }
    if let Some(crs) = taken.crs.as_ref().filter(|crs| !crs.lies_known()) {
        doubts.push(format!(
            "it is not known here how the datum of {} lies to WGS84: places may be some hundred metres off, and a yard given elsewhere may not \
             be found; reproject the image with `gdalwarp -r cubic -t_srs EPSG:CODE IN OUT`, CODE being a UTM zone on WGS84",
            if crs.name.is_empty() { "the CRS" } else { &crs.name }
        ));
    }
    Some(taken.clone())
}

/// The CRS of the `.prj` file beside an image, and that file's name.
fn prj(path: &Path) -> Option<(StatedCrs, String)> {
    let file = find_beside(path, "prj")?;
    let text = read_text(&file, MAX_PRJ_BYTES).unwrap_or_default();
    Some((stated_by_wkt(&text), sidecar::name_of(&file)))
}

/// Metres per pixel: by the georeference, by `--gsd`, by the metadata.
fn gsd(
    path: &Path,
    georeference: Option<&Georeference>,
    centre: [f64; 2],
    stated: Option<f64>,
    options: &SceneOptions,
    notes: &mut Vec<String>,
) -> Result<([f64; 2], &'static str)> {
    if let Some(gsd) = options.gsd_m.filter(|gsd| !(gsd.is_finite() && *gsd > 0.0)) {
        return Err(Error::Setting(format!("a GSD of {gsd} m makes no sense; give the metres per pixel with --gsd, 0.5 say")));
    }
    let mut own = georeference.and_then(|georeference| georeference.gsd_m(centre[0], centre[1]));
    if let (Some([x, y]), Some(true)) = (own, georeference.map(|georeference| georeference.crs.is_none())) {
        // Without a CRS the numbers may be degrees: no satellite has pixels of 2 cm.
        if x.min(y) < MIN_METRES_PER_PIXEL || options.gsd_m.is_some() {
            own = None;
        } else {
            notes.push(format!("the CRS is not known; the pixel size is taken as {x} m"));
        }
    }
    let given = options.gsd_m.map(|gsd| [gsd, gsd]);
    if let (Some([x, y]), Some([gsd, _])) = (own, given)
        && (x / gsd - 1.0).abs().max((y / gsd - 1.0).abs()) > 0.1
    {
        notes.push(format!("--gsd {gsd} is not used: the georeference gives {x:.3} x {y:.3} m"));
    }
    let own = own.map(|own| (own, "georeference"));
    let given = given.map(|given| (given, "--gsd"));
    let stated = stated.map(|gsd| ([gsd, gsd], "STAC item or vendor metadata"));
    own.or(given).or(stated).ok_or_else(|| {
        let reason = match georeference {
            None => "the image has no georeference, so its scale is not known; give the metres per pixel with --gsd",
            Some(georeference) if georeference.crs.is_none() => {
                "the image's pixels are too small for metres, so they are in degrees of a CRS that is not known; put a .prj file that names it \
                 (EPSG:4326, say) beside the image, or give the metres per pixel with --gsd"
            }
            Some(_) => {
                "the image's middle lies where its CRS makes no sense, so its scale is not known; correct the CRS, or give the metres per pixel \
                 with --gsd"
            }
        };
        Error::image(path, reason)
    })
}

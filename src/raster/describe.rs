//! What the program understands of an image, for `yardwatch info`.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::acquired::Acquired;
use super::bands::BandRoles;
use super::checksum::{Checksum, checksum};
use super::georeference::Georeference;
use super::geotiff::Tie;
use super::open;
use super::scene::{Scene, SceneOptions};
use super::source::RasterSource;
use super::sun::Sun;
use crate::error::Result;

/// Everything that is known about an image. Prints as text for people, serialises for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    /// The image, as it was given.
    pub image: String,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Number of bands, alpha included.
    pub bands: usize,
    /// Type of the samples, as GDAL and NumPy name it.
    pub sample_type: &'static str,
    /// Nodata value as text (`nan` is one), if there is one.
    pub nodata: Option<String>,
    /// How the pixels are stored.
    pub layout: String,
    /// Six numbers in GDAL's order.
    pub geotransform: Option<[f64; 6]>,
    /// EPSG code of the CRS.
    pub epsg: Option<u32>,
    /// Name of the CRS.
    pub crs: Option<String>,
    /// WGS84 longitude and latitude of the image's centre, degrees.
    pub centre: Option<[f64; 2]>,
    /// Metres per pixel along columns and rows.
    pub gsd_m: Option<[f64; 2]>,
    /// What says so.
    pub gsd_from: Option<&'static str>,
    /// When it was acquired, and how we know.
    pub acquired: Option<Acquired>,
    /// Where the sun stood.
    pub sun: Option<Sun>,
    /// Whether the sun was computed from time and place; else it is stated in the metadata.
    pub sun_computed: bool,
    /// Angle between the line of sight and the vertical, degrees.
    pub off_nadir_deg: Option<f64>,
    /// Share under cloud as the vendor states it, 0 to 1.
    pub cloud_cover: Option<f64>,
    /// Satellite or sensor.
    pub sensor: Option<String>,
    /// What the bands show.
    pub band_roles: Option<BandRoles>,
    /// What was assumed or left aside.
    pub notes: Vec<String>,
    /// Why the image can be read but not be counted on, if that is so.
    pub problem: Option<String>,
    /// Sum of the decoded pixels, if it was asked for.
    pub checksum: Option<Checksum>,
}

/// Describes an image; with `with_checksum`, every pixel is decoded.
///
/// # Errors
/// When the image's pixels cannot be read at all. An image that can be read but not counted on (no scale, control points
/// only) is described, and `problem` says why.
pub fn describe(path: &Path, options: &SceneOptions, with_checksum: bool) -> Result<Description> {
    match Scene::open(path, options) {
        Ok(scene) => {
            let mut description = of_source(path, &*scene.source, with_checksum)?;
            if let Some(georeference) = &scene.georeference {
                description.set_place(georeference, &*scene.source);
            }
            description.gsd_m = Some(scene.gsd_m);
            description.gsd_from = Some(scene.gsd_from);
            description.acquired = scene.acquired;
            description.sun = scene.sun;
            description.sun_computed = scene.sun_computed;
            description.off_nadir_deg = scene.off_nadir_deg;
            description.cloud_cover = scene.cloud_cover;
            description.sensor = scene.sensor;
            description.band_roles = Some(scene.bands);
            description.notes = scene.notes;
            Ok(description)
        }
        Err(error) => {
            // When the pixels cannot be read either, the error says why.
            let opened = open::open(path, options.max_memory_mib, None)?;
            let mut description = of_source(path, &*opened.source, with_checksum)?;
            if let Tie::Affine(transform, crs) = opened.tie {
                description.set_place(&Georeference::stated(transform, crs), &*opened.source);
            }
            let reason = error.to_string();
            let prefix = format!("{}: ", path.display());
            description.problem = Some(reason.strip_prefix(&prefix).unwrap_or(&reason).to_owned());
            Ok(description)
        }
    }
}

fn of_source(path: &Path, source: &dyn RasterSource, with_checksum: bool) -> Result<Description> {
    Ok(Description {
        image: path.display().to_string(),
        width: source.width(),
        height: source.height(),
        bands: source.bands(),
        sample_type: source.sample_type().name(),
        nodata: source.nodata().map(|value| value.to_string().to_lowercase()),
        layout: source.layout(),
        geotransform: None,
        epsg: None,
        crs: None,
        centre: None,
        gsd_m: None,
        gsd_from: None,
        acquired: None,
        sun: None,
        sun_computed: false,
        off_nadir_deg: None,
        cloud_cover: None,
        sensor: None,
        band_roles: None,
        notes: Vec::new(),
        problem: None,
        checksum: if with_checksum { Some(checksum(source)?) } else { None },
    })
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.image)?;
        for (name, value) in self.lines() {
            writeln!(f, "  {name:<13}{value}")?;
        }
        Ok(())
    }
}

impl Description {
    fn set_place(&mut self, georeference: &Georeference, source: &dyn RasterSource) {
        let [col, row] = [f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0];
        self.geotransform = Some(georeference.geotransform);
        self.epsg = georeference.epsg;
        self.crs = georeference.crs.as_ref().map(|crs| crs.name.clone());
        self.centre = georeference.to_lonlat(col, row);
        self.gsd_m = georeference.gsd_m(col, row);
    }

    /// Name and value of each line that people read.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let unknown = || "not known".to_owned();
        let plural = if self.bands == 1 { "band" } else { "bands" };
        let mut lines = vec![
            ("size", format!("{} x {} pixels, {} {plural}, {}", self.width, self.height, self.bands, self.sample_type)),
            ("stored as", self.layout.clone()),
            ("nodata", self.nodata.clone().unwrap_or_else(|| "none".to_owned())),
        ];
        if let Some(roles) = &self.band_roles {
            // More names than this nobody reads; `--format json` has all.
            const NAMES: usize = 16;
            let mut names: Vec<String> = roles.roles.iter().take(NAMES).map(|role| role.name().to_owned()).collect();
            if roles.roles.len() > NAMES {
                names.push(format!("{} more", roles.roles.len() - NAMES));
            }
            let how = if roles.stated { "stated by" } else { "assumed:" };
            lines.push(("bands", format!("{} ({how} {})", names.join(", "), roles.from)));
        }
        if let Some(transform) = self.geotransform {
            let crs = match (self.epsg, &self.crs) {
                (Some(code), Some(name)) => format!("EPSG:{code} {name}"),
                (Some(code), None) => format!("EPSG:{code} (not known to this program)"),
                (None, Some(name)) => name.clone(),
                (None, None) => unknown(),
            };
            lines.push(("CRS", crs));
            lines.push(("geotransform", transform.map(|value| value.to_string()).join(" ")));
        } else if self.problem.is_none() {
            lines.push(("CRS", "no georeference: everything is in pixels".to_owned()));
        }
        if let Some([lon, lat]) = self.centre {
            lines.push(("centre", format!("{lat:.6} N {lon:.6} E")));
        }
        if let Some([x, y]) = self.gsd_m {
            let from = self.gsd_from.map(|from| format!(" ({from})")).unwrap_or_default();
            lines.push(("GSD", format!("{x:.4} m across, {y:.4} m down{from}")));
        }
        if self.problem.is_none() {
            let acquired = self.acquired.map_or_else(unknown, |acquired| {
                let time = if acquired.date_only { acquired.time.strftime("%F").to_string() } else { acquired.time.to_string() };
                format!("{time} ({})", acquired.from.name())
            });
            lines.push(("acquired", acquired));
            let sun = self.sun.map_or_else(unknown, |sun| {
                let how = if self.sun_computed { "computed from time and place" } else { "stated" };
                format!("azimuth {:.1}, elevation {:.1} degrees ({how})", sun.azimuth_deg, sun.elevation_deg)
            });
            lines.push(("sun", sun));
        }
        lines.extend(self.off_nadir_deg.map(|angle| ("off nadir", format!("{angle:.1} degrees"))));
        lines.extend(self.cloud_cover.map(|share| ("cloud cover", format!("{:.0} %", share * 100.0))));
        lines.extend(self.sensor.clone().map(|sensor| ("sensor", sensor)));
        lines.extend(self.notes.iter().map(|note| ("note", note.clone())));
        lines.extend(self.problem.iter().map(|problem| ("cannot count", problem.clone())));
        if let Some(checksum) = &self.checksum {
            lines.push(("SHA-256", checksum.sha256.clone()));
            lines.push(("valid pixels", checksum.valid_pixels.to_string()));
        }
        lines
    }
}

//! Coordinate reference systems: from an EPSG code or a PROJ string to WGS84 and back, with `proj4rs` (a port of PROJ.4).
//!
//! No datum grids are used: for systems that need one for full accuracy (British OSGB36, Dutch RD) the Helmert
//! transformation of the EPSG registry is taken, which is what PROJ does without grids.

use proj4rs::Proj;
use proj4rs::transform::transform;

use super::datum::lies_known;

/// WGS84 longitude and latitude.
const WGS84: &str = "+proj=longlat +datum=WGS84 +no_defs";

/// The longest unit of a registered system that is taken, metres: above a yard.
const LONGEST_UNIT_M: f64 = 2.0;

/// A coordinate reference system.
#[derive(Clone)]
pub struct Crs {
    /// EPSG code, where the file names one.
    pub epsg: Option<u32>,
    /// A name for people.
    pub name: String,
    /// The PROJ string behind the transformation.
    pub proj_string: String,
    proj: Proj,
    wgs84: Proj,
}

impl std::fmt::Debug for Crs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crs").field("epsg", &self.epsg).field("name", &self.name).field("proj", &self.proj_string).finish()
    }
}

impl Crs {
    /// The system of an EPSG code, if it is known.
    pub fn from_epsg(code: u32) -> Option<Self> {
        let definition = crs_definitions::from_code(u16::try_from(code).ok()?)?;
        let (text, proj) = (definition.wkt, definition.proj4);
        // PROJ.4 could say neither of these, and its words are for another system.
        let has_unsaid_axes = text.contains(",WEST]") && !proj.contains("+axis=");
        let is_in_grads = proj.contains("+proj=longlat") && text.contains("UNIT[\"grad\"");
        let name = text.split('"').nth(1).unwrap_or_default().to_owned();
        let mut crs = Self::from_proj_string(proj, &name).filter(|_| !has_unsaid_axes && !is_in_grads)?;
        crs.epsg = Some(code);
        // Definitions in chains are not all in chains throughout.
        (crs.is_geographic() || crs.unit_m() < LONGEST_UNIT_M).then_some(crs)
    }

    /// The system of a PROJ string, if `proj4rs` understands it. Grid files are left out.
    pub fn from_proj_string(text: &str, name: &str) -> Option<Self> {
        let text = text.split_whitespace().filter(|part| !part.starts_with("+nadgrids")).collect::<Vec<_>>().join(" ");
        let proj = Proj::from_proj_string(&text).ok()?;
        let wgs84 = Proj::from_proj_string(WGS84).ok()?;
        (proj.has_inverse() && !proj.is_geocent()).then(|| Self {
            epsg: None,
            name: name.to_owned(),
            proj_string: text,
            proj,
            wgs84,
        })
    }

    /// Whether it is known how its datum lies to WGS84. Where it is not, the datum is taken as WGS84, and places may be some hundred
    /// metres off.
    pub fn lies_known(&self) -> bool {
        lies_known(&self.proj_string)
    }

    /// Whether coordinates are longitude and latitude in degrees.
    pub fn is_geographic(&self) -> bool {
        self.proj.is_latlong()
    }

    /// Metres per unit of a projected system.
    pub fn unit_m(&self) -> f64 {
        self.proj.to_meter()
    }

    /// WGS84 `[longitude, latitude]` in degrees of a position in this system (degrees if geographic).
    pub fn to_lonlat(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let mut point = if self.is_geographic() { (x.to_radians(), y.to_radians(), 0.0) } else { (x, y, 0.0) };
        if !(point.0.is_finite() && point.1.is_finite()) || (self.is_geographic() && y.abs() > 90.0) {
            return None;
        }
        transform(&self.proj, &self.wgs84, &mut point).ok()?;
        let [lon, lat] = [point.0.to_degrees(), point.1.to_degrees()];
        (lon.is_finite() && lat.is_finite() && lat.abs() <= 90.0 + 1e-9).then(|| [normal_longitude(lon), lat])
    }

    /// Position in this system (degrees if geographic) of a WGS84 longitude and latitude in degrees.
    pub fn from_lonlat(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        if !(lon.is_finite() && lat.abs() <= 90.0) {
            return None;
        }
        let mut point = (lon.to_radians(), lat.to_radians(), 0.0);
        transform(&self.wgs84, &self.proj, &mut point).ok()?;
        let [x, y] = if self.is_geographic() { [point.0.to_degrees(), point.1.to_degrees()] } else { [point.0, point.1] };
        (x.is_finite() && y.is_finite()).then_some([x, y])
    }
}

/// Degrees that bring a longitude next to another one, be it across the 180th meridian: none, or whole turns.
pub fn turns_towards(lon: f64, other: f64) -> f64 {
    360.0 * ((other - lon) / 360.0).round()
}

/// The same longitude between -180 and 180 degrees.
fn normal_longitude(lon: f64) -> f64 {
    if (-180.0..=180.0).contains(&lon) { lon } else { (lon + 180.0).rem_euclid(360.0) - 180.0 }
}

//! User-defined projections: from a method and its parameters to a PROJ string.

use super::crs::Crs;

/// A projected or geographic CRS as a file spells it out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Projection {
    /// Method, lower-case letters and digits only (`transversemercator`); empty for a geographic CRS.
    pub method: String,
    /// Parameters by name, lower-case letters and digits only; angles in degrees, lengths in the CRS's units.
    pub parameters: Vec<(String, f64)>,
    /// PROJ's words for datum or ellipsoid.
    pub datum: String,
    /// Metres per unit.
    pub unit_m: f64,
}

/// Letters and digits only, in lower case: names differ in little else between writers.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// What the dialects call the same parameter.
const LONGITUDE: [&str; 7] = [
    "centralmeridian",
    "longitudeofcenter",
    "longitudeofprojectioncentre",
    "longitudeoforigin",
    "longitudeofnaturalorigin",
    "longitudeoffalseorigin",
    "straightverticallongitudefrompole",
];
const LATITUDE: [&str; 5] =
    ["latitudeoforigin", "latitudeofcenter", "latitudeofprojectioncentre", "latitudeofnaturalorigin", "latitudeoffalseorigin"];
const SCALE: [&str; 3] = ["scalefactor", "scalefactoratnaturalorigin", "scalefactoratprojectioncentre"];
const FIRST_PARALLEL: [&str; 3] = ["standardparallel1", "latitudeof1ststandardparallel", "latitudeofstandardparallel"];
const SECOND_PARALLEL: [&str; 2] = ["standardparallel2", "latitudeof2ndstandardparallel"];
const EASTING: [&str; 3] = ["falseeasting", "eastingatfalseorigin", "eastingatprojectioncentre"];
const NORTHING: [&str; 3] = ["falsenorthing", "northingatfalseorigin", "northingatprojectioncentre"];
const AZIMUTH: [&str; 2] = ["azimuth", "azimuthatprojectioncentre"];
const SKEW: [&str; 2] = ["rectifiedgridangle", "anglefromrectifiedtoskewgrid"];

/// Parameters that have not been used.
struct Unused(Vec<(String, f64)>);

impl Unused {
    fn take(&mut self, names: &[&str]) -> Option<f64> {
        let index = self.0.iter().position(|(name, _)| names.contains(&name.as_str()))?;
        Some(self.0.swap_remove(index).1)
    }

    /// Whether what is left changes nothing: angles and lengths of zero, scales of one.
    fn is_neutral(&self) -> bool {
        self.0.iter().all(|(name, value)| *value == if SCALE.contains(&name.as_str()) { 1.0 } else { 0.0 })
    }
}

impl Projection {
    /// The CRS, if the method is one of those that imagery comes in and makes use of all parameters.
    pub(crate) fn crs(&self, name: &str) -> Option<Crs> {
        Crs::from_proj_string(&self.proj_string()?, name)
    }

    fn proj_string(&self) -> Option<String> {
        if self.method.is_empty() {
            return Some(format!("+proj=longlat {} +no_defs", self.datum));
        }
        let mut unused = Unused(self.parameters.clone());
        let lon = unused.take(&LONGITUDE).unwrap_or(0.0);
        let body = self.body(lon, &mut unused)?;
        // PROJ wants false eastings in metres, files give them in the CRS's units.
        let [east, north] = [EASTING, NORTHING].map(|names| unused.take(&names).unwrap_or(0.0) * self.unit_m);
        let tail = format!("+x_0={east} +y_0={north} {} +to_meter={} +no_defs", self.datum, self.unit_m);
        unused.is_neutral().then(|| format!("{body} {tail}"))
    }

    /// PROJ's words for the method.
    fn body(&self, lon: f64, unused: &mut Unused) -> Option<String> {
        fn latitude(unused: &mut Unused) -> f64 {
            unused.take(&LATITUDE).unwrap_or(0.0)
        }
        fn scale(unused: &mut Unused) -> f64 {
            unused.take(&SCALE).unwrap_or(1.0)
        }
        Some(match self.method.as_str() {
            "transversemercator" | "gausskruger" => {
                format!("+proj=tmerc +lat_0={} +lon_0={lon} +k={}", latitude(unused), scale(unused))
            }
            // A sphere, whatever the datum's ellipsoid is.
            "mercatorauxiliarysphere" | "popularvisualisationpseudomercator" => {
                format!("+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0={lon} +k=1")
            }
            "mercator" | "mercator1sp" | "mercator2sp" | "mercatorvarianta" | "mercatorvariantb" => {
                match unused.take(&FIRST_PARALLEL) {
                    Some(parallel) => format!("+proj=merc +lon_0={lon} +lat_ts={parallel}"),
                    None => format!("+proj=merc +lon_0={lon} +k={}", scale(unused)),
                }
            }
            "lambertconformalconic"
            | "lambertconformalconic2sp"
            | "lambertconformalconic1sp"
            | "lambertconicconformal2sp"
            | "lambertconicconformal1sp" => {
                let (lat, scale) = (latitude(unused), scale(unused));
                let first = unused.take(&FIRST_PARALLEL).unwrap_or(lat);
                let second = unused.take(&SECOND_PARALLEL).unwrap_or(first);
                format!("+proj=lcc +lat_1={first} +lat_2={second} +lat_0={lat} +lon_0={lon} +k_0={scale}")
            }
            "albers" | "albersconicequalarea" | "albersequalarea" => {
                let (first, second) = (unused.take(&FIRST_PARALLEL)?, unused.take(&SECOND_PARALLEL)?);
                format!("+proj=aea +lat_1={first} +lat_2={second} +lat_0={} +lon_0={lon}", latitude(unused))
            }
            "lambertazimuthalequalarea" => format!("+proj=laea +lat_0={} +lon_0={lon}", latitude(unused)),
            "polarstereographic"
            | "polarstereographicvarianta"
            | "polarstereographicvariantb"
            | "stereographicnorthpole"
            | "stereographicsouthpole" => {
                let (first, scale) = (unused.take(&FIRST_PARALLEL), scale(unused));
                let parallel = first.or_else(|| unused.take(&LATITUDE)).unwrap_or(0.0);
                let pole = if parallel < 0.0 || self.method.contains("south") { -90 } else { 90 };
                let scale = match (parallel.abs() == 90.0, scale == 1.0) {
                    (true, _) => format!("+k={scale}"),
                    (false, true) => format!("+lat_ts={parallel}"),
                    (false, false) => return None,
                };
                format!("+proj=stere +lat_0={pole} +lon_0={lon} {scale}")
            }
            "obliquestereographic" | "doublestereographic" => {
                format!("+proj=sterea +lat_0={} +lon_0={lon} +k={}", latitude(unused), scale(unused))
            }
            // The Swiss case of the oblique Mercator; others are rare enough to be left out.
            "hotineobliquemercatorazimuthcenter" | "hotineobliquemercator" | "hotineobliquemercatorvariantb" => {
                let right = |angle: Option<f64>| angle.is_some_and(|angle| angle == 90.0);
                let is_swiss = right(unused.take(&AZIMUTH)) && right(unused.take(&SKEW).or(Some(90.0)));
                let (lat, scale) = (latitude(unused), scale(unused));
                return is_swiss.then(|| format!("+proj=somerc +lat_0={lat} +lon_0={lon} +k_0={scale}"));
            }
            _ => return None,
        })
    }
}

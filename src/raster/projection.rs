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

impl Projection {
    fn get(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| *value))
    }

    /// The CRS, if the method is one of those that imagery comes in.
    pub(crate) fn crs(&self, name: &str) -> Option<Crs> {
        Crs::from_proj_string(&self.proj_string()?, name)
    }

    fn proj_string(&self) -> Option<String> {
        if self.method.is_empty() {
            return Some(format!("+proj=longlat {} +no_defs", self.datum));
        }
        let lon =
            self.get(&["centralmeridian", "longitudeofcenter", "longitudeoforigin", "longitudeofnaturalorigin"]).unwrap_or(0.0);
        let lat = self.get(&["latitudeoforigin", "latitudeofcenter", "latitudeofnaturalorigin"]).unwrap_or(0.0);
        let scale = self.get(&["scalefactor", "scalefactoratnaturalorigin"]).unwrap_or(1.0);
        let first = self.get(&["standardparallel1", "latitudeof1ststandardparallel"]);
        let second = self.get(&["standardparallel2", "latitudeof2ndstandardparallel"]);
        let body = match self.method.as_str() {
            "transversemercator" | "gausskruger" => format!("+proj=tmerc +lat_0={lat} +lon_0={lon} +k={scale}"),
            "mercatorauxiliarysphere" | "popularvisualisationpseudomercator" => {
                return Some(format!(
                    "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0={lon} +x_0=0 +y_0=0 +k=1 +units=m +no_defs"
                ));
            }
            "mercator" | "mercator1sp" | "mercator2sp" => match first {
                Some(parallel) => format!("+proj=merc +lon_0={lon} +lat_ts={parallel}"),
                None => format!("+proj=merc +lon_0={lon} +k={scale}"),
            },
            "lambertconformalconic" | "lambertconformalconic2sp" | "lambertconformalconic1sp" => {
                let first = first.unwrap_or(lat);
                format!("+proj=lcc +lat_1={first} +lat_2={} +lat_0={lat} +lon_0={lon} +k_0={scale}", second.unwrap_or(first))
            }
            "albers" | "albersconicequalarea" | "albersequalarea" => {
                format!("+proj=aea +lat_1={} +lat_2={} +lat_0={lat} +lon_0={lon}", first?, second?)
            }
            "lambertazimuthalequalarea" => format!("+proj=laea +lat_0={lat} +lon_0={lon}"),
            "polarstereographic" | "stereographicnorthpole" | "stereographicsouthpole" => {
                let parallel = first.unwrap_or(lat);
                let lon = self.get(&["straightverticallongitudefrompole"]).unwrap_or(lon);
                let pole = if parallel < 0.0 || self.method.contains("south") { -90 } else { 90 };
                let scale = if parallel.abs() == 90.0 { format!("+k={scale}") } else { format!("+lat_ts={parallel}") };
                format!("+proj=stere +lat_0={pole} +lon_0={lon} {scale}")
            }
            "obliquestereographic" | "doublestereographic" => format!("+proj=sterea +lat_0={lat} +lon_0={lon} +k={scale}"),
            // The Swiss case of the oblique Mercator; others are rare enough to be left out.
            "hotineobliquemercatorazimuthcenter" | "hotineobliquemercator" if self.get(&["azimuth"]) == Some(90.0) => {
                format!("+proj=somerc +lat_0={lat} +lon_0={lon} +k_0={scale}")
            }
            _ => return None,
        };
        // PROJ wants false eastings in metres, files give them in the CRS's units.
        let [east, north] = ["falseeasting", "falsenorthing"].map(|name| self.get(&[name]).unwrap_or(0.0) * self.unit_m);
        Some(format!("{body} +x_0={east} +y_0={north} {} +to_meter={} +no_defs", self.datum, self.unit_m))
    }
}

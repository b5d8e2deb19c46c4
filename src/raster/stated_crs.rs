//! A CRS as a file states it, be it understood or not.

use super::crs::Crs;

/// What a file says of the CRS: one that is not understood may still tell how long its unit is.
#[derive(Debug, Clone)]
pub struct StatedCrs {
    /// The CRS, if it is understood.
    pub crs: Option<Crs>,
    /// Its EPSG code, if the file names one.
    pub epsg: Option<u32>,
    /// Its name; empty if it has none.
    pub name: String,
    /// Metres per unit of a projected system: 1 where nothing is said.
    pub unit_m: f64,
}

impl StatedCrs {
    /// One that is not understood, of which only name and unit are.
    pub(crate) fn unknown(name: &str, unit_m: Option<f64>) -> Self {
        let unit_m = unit_m.filter(|unit| unit.is_finite() && *unit > 0.0).unwrap_or(1.0);
        Self { crs: None, epsg: None, name: name.to_owned(), unit_m }
    }
}

impl From<Crs> for StatedCrs {
    fn from(crs: Crs) -> Self {
        let unit_m = if crs.is_geographic() { 1.0 } else { crs.unit_m() };
        Self { epsg: crs.epsg, name: crs.name.clone(), unit_m, crs: Some(crs) }
    }
}

//! Longitude and latitude to the pixels of the scene that is scored.

use super::truth::Truth;
use crate::{Error, Result};
use proj4rs::Proj;
use std::path::Path;

/// From WGS84 to the pixels of one scene.
pub struct Locator {
    wgs84: Proj,
    crs: Proj,
    geotransform: [f64; 6],
}

impl Locator {
    /// For the scene of `truth`, which was read from `path`.
    ///
    /// # Errors
    /// The truth names no CRS or geotransform, or a CRS that is not known here.
    pub fn new(truth: &Truth, path: &Path) -> Result<Self> {
        let (Some(epsg), Some(geotransform)) = (truth.epsg, truth.geotransform) else {
            let reason = "no epsg and geotransform, so positions in longitude and latitude cannot be placed in the image; \
                          give the predictions the properties col and row";
            return Err(Error::document(path, reason));
        };
        let unknown = || Error::document(path, format!("EPSG:{epsg} is not a CRS that this program knows"));
        let definition = u16::try_from(epsg).ok().and_then(crs_definitions::from_code).ok_or_else(unknown)?;
        let crs = Proj::from_proj_string(definition.proj4).map_err(|_| unknown())?;
        let wgs84 = Proj::from_proj_string(crs_definitions::EPSG_4326.proj4).map_err(|_| unknown())?;
        Ok(Self { wgs84, crs, geotransform })
    }

    /// The (col, row) of a longitude and latitude in degrees; infinite where the CRS has no such place.
    pub fn pixel(&self, longitude: f64, latitude: f64) -> [f64; 2] {
        let mut p = (longitude.to_radians(), latitude.to_radians());
        if proj4rs::transform::transform(&self.wgs84, &self.crs, &mut p).is_err() {
            return [f64::INFINITY; 2];
        }
        if self.crs.is_latlong() {
            p = (p.0.to_degrees(), p.1.to_degrees());
        }
        let g = &self.geotransform;
        let (x, y) = (p.0 - g[0], p.1 - g[3]);
        if g[2] == 0.0 && g[4] == 0.0 {
            return [x / g[1], y / g[5]];
        }
        let determinant = g[1] * g[5] - g[2] * g[4];
        [(x * g[5] - y * g[2]) / determinant, (y * g[1] - x * g[4]) / determinant]
    }
}

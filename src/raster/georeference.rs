//! Where an image lies: pixels to coordinates to WGS84 and back, and how many metres a pixel measures.

use geographiclib_rs::{Geodesic, InverseGeodesic};

use super::crs::{Crs, turns_towards};
use super::stated_crs::StatedCrs;
use super::turn::Turn;

/// Nominal and true scale of a projected system may differ by so much (share) before the true one is used: below it
/// the nominal number that the image was ordered with is the better-known one (UTM is off by 0.04 %).
const NOMINAL_SCALE_TOLERANCE: f64 = 0.01;

/// Geotransform and CRS of an image.
#[derive(Debug, Clone)]
pub struct Georeference {
    /// Six numbers in GDAL's order: `x = g[0] + col * g[1] + row * g[2]`, `y = g[3] + col * g[4] + row * g[5]`, with
    /// (col, row) counted from the outer corner of the top-left pixel.
    pub geotransform: [f64; 6],
    /// EPSG code of the CRS, if it is known.
    pub epsg: Option<u32>,
    /// The CRS, if it is known and can be transformed.
    pub crs: Option<Crs>,
    /// Metres per unit of the CRS, where no `crs` says it: 1 when nothing is known.
    pub unit_m: f64,
}

impl Georeference {
    /// A georeference from its parts.
    pub fn new(geotransform: [f64; 6], crs: Option<Crs>) -> Self {
        let epsg = crs.as_ref().and_then(|crs| crs.epsg);
        let unit_m = crs.as_ref().filter(|crs| !crs.is_geographic()).map_or(1.0, Crs::unit_m);
        Self { geotransform, epsg, crs, unit_m }
    }

    /// A georeference with the CRS that a file states, if one does.
    pub(crate) fn stated(geotransform: [f64; 6], stated: Option<StatedCrs>) -> Self {
        stated.map_or_else(
            || Self::new(geotransform, None),
            |StatedCrs { crs, epsg, unit_m, .. }| Self { geotransform, epsg, crs, unit_m },
        )
    }

    /// The georeference that an image of this size (columns, rows) would have if it did not show its ground turned: exact at three of its
    /// corners. None where places cannot be told.
    pub fn put_right(&self, turn: &Turn, [width, height]: [f64; 2]) -> Option<Self> {
        let corner = |col: f64, row: f64| {
            let [lon, lat] = turn.undo(self.to_lonlat(col, row)?);
            self.crs.as_ref()?.from_lonlat(lon, lat)
        };
        let (first, right, down) = (corner(0.0, 0.0)?, corner(width, 0.0)?, corner(0.0, height)?);
        let along = |end: [f64; 2], size: f64| [(end[0] - first[0]) / size, (end[1] - first[1]) / size];
        let (x, y) = (along(right, width), along(down, height));
        let moved = Self { geotransform: [first[0], x[0], y[0], first[1], x[1], y[1]], ..self.clone() };
        moved.is_sound().then_some(moved)
    }

    /// Whether the geotransform can be inverted and holds only numbers.
    pub fn is_sound(&self) -> bool {
        let determinant = self.determinant();
        self.geotransform.iter().all(|value| value.is_finite()) && determinant.is_finite() && determinant != 0.0
    }

    /// Whether the image shows the ground mirrored (stored south up, or transposed): its rows turn the other way round from its columns.
    pub fn is_mirrored(&self) -> bool {
        self.determinant() > 0.0
    }

    fn determinant(&self) -> f64 {
        let g = &self.geotransform;
        g[1] * g[5] - g[2] * g[4]
    }

    /// Coordinates in the image's CRS of a pixel position.
    pub fn to_crs(&self, col: f64, row: f64) -> [f64; 2] {
        let g = &self.geotransform;
        [g[0] + col * g[1] + row * g[2], g[3] + col * g[4] + row * g[5]]
    }

    /// Pixel position of coordinates in the image's CRS.
    pub fn from_crs(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let g = &self.geotransform;
        let (dx, dy, determinant) = (x - g[0], y - g[3], self.determinant());
        let position = [(dx * g[5] - dy * g[2]) / determinant, (dy * g[1] - dx * g[4]) / determinant];
        position.iter().all(|value| value.is_finite()).then_some(position)
    }

    /// WGS84 `[longitude, latitude]` in degrees of a pixel position; `None` without a known CRS or outside its domain.
    pub fn to_lonlat(&self, col: f64, row: f64) -> Option<[f64; 2]> {
        let [x, y] = self.to_crs(col, row);
        self.crs.as_ref()?.to_lonlat(x, y)
    }

    /// Pixel position `[col, row]` of a WGS84 longitude and latitude in degrees; `None` without a known CRS or outside
    /// its domain.
    pub fn from_lonlat(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        let crs = self.crs.as_ref()?;
        let [mut x, y] = crs.from_lonlat(lon, lat)?;
        if crs.is_geographic() {
            // Images across the antimeridian, or given as 0 to 360 degrees.
            x += turns_towards(x, self.geotransform[0]);
        }
        self.from_crs(x, y)
    }

    /// Ground sample distance in metres along the columns' and the rows' direction, at a pixel position (the image's
    /// centre, say): geodesic on WGS84 for geographic systems and for those whose scale is off by more than 1 % there
    /// (web Mercator at 38 degrees by 27 %), else nominal. `None` where it cannot be told.
    pub fn gsd_m(&self, col: f64, row: f64) -> Option<[f64; 2]> {
        let g = &self.geotransform;
        let nominal = [g[1].hypot(g[4]) * self.unit_m, g[2].hypot(g[5]) * self.unit_m];
        let usable = |gsd: &[f64; 2]| gsd.iter().all(|value| value.is_finite() && *value > 0.0);
        let Some(crs) = &self.crs else { return Some(nominal).filter(usable) };
        let step = |across: f64, down: f64| -> Option<f64> {
            let [west, south] = self.to_lonlat(col - across, row - down)?;
            let [east, north] = self.to_lonlat(col + across, row + down)?;
            // Positional arguments are latitude first.
            let distance: f64 = Geodesic::wgs84().inverse(south, west, north, east);
            Some(distance)
        };
        // Over 100 pixels, so that rounding in the transformation does not show.
        let geodesic = match (step(50.0, 0.0), step(0.0, 50.0)) {
            (Some(x), Some(y)) => [x / 100.0, y / 100.0],
            _ if crs.is_geographic() => return None,
            _ => return Some(nominal).filter(usable),
        };
        let close = |a: f64, b: f64| (a / b - 1.0).abs() <= NOMINAL_SCALE_TOLERANCE;
        let keep = !crs.is_geographic() && close(nominal[0], geodesic[0]) && close(nominal[1], geodesic[1]);
        Some(if keep { nominal } else { geodesic }).filter(usable)
    }

    /// Direction of the image's upward axis (decreasing row) at a pixel position, in degrees clockwise from true north.
    /// Zero without a known CRS, where north is taken to be up.
    pub fn up_azimuth_deg(&self, col: f64, row: f64) -> f64 {
        let ends = self.to_lonlat(col, row + 50.0).zip(self.to_lonlat(col, row - 50.0));
        ends.map_or(0.0, |([lon0, lat0], [lon1, lat1])| {
            let (_, azimuth, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(lat0, lon0, lat1, lon1);
            azimuth.rem_euclid(360.0)
        })
    }
}

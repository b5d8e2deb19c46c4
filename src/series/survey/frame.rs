//! The ground of a site as a grid: metres east and south of its north-western corner, in a plane that touches the site.

use serde::{Deserialize, Serialize};

use crate::raster::Georeference;
use crate::series::corrections::metres_per_degree;
use crate::series::record::Point;

/// Finest cell, metres: edges of fields, roads and roofs are placed to a fifth of it.
const CELL_M: f64 = 1.0;
/// Cells of a frame: larger sites get larger cells, so that the scenes of a survey stay under 160 MB.
const MAX_CELLS: f64 = 1.2e6;
/// Longest side of a frame, metres: a yard and what lies around it, whatever the images cover.
const LONGEST_M: f64 = 4000.0;

/// A grid on the ground of a site. Cell (0, 0) is the north-western one; x runs east, y south.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// North-western corner as (longitude, latitude).
    pub corner: Point,
    /// Metres per degree of longitude and latitude.
    metres: Point,
    /// Side of a cell in metres.
    pub cell_m: f64,
    /// Cells from west to east.
    pub cols: usize,
    /// Cells from north to south.
    pub rows: usize,
}

impl Frame {
    /// The frame round some places, `margin_m` wider on every side, around their middle when they lie too far apart; none
    /// without places.
    pub fn around(places: &[Point], margin_m: f64) -> Option<Self> {
        let first = *places.first()?;
        let [west, south, east, north] = places.iter().fold([first[0], first[1], first[0], first[1]], |[w, s, e, n], p| {
            [w.min(p[0]), s.min(p[1]), e.max(p[0]), n.max(p[1])]
        });
        let middle = [(west + east) / 2.0, (south + north) / 2.0];
        let metres = metres_per_degree(middle[1]);
        let side = |degrees: f64, metres: f64| (degrees * metres + 2.0 * margin_m).min(LONGEST_M);
        let (width, height) = (side(east - west, metres[0]), side(north - south, metres[1]));
        let cell_m = (width * height / MAX_CELLS).sqrt().max(CELL_M);
        if ![width, height, cell_m].iter().all(|v| v.is_finite() && *v > 0.0) || metres[0] <= 0.0 {
            return None;
        }
        let corner = [middle[0] - width / 2.0 / metres[0], middle[1] + height / 2.0 / metres[1]];
        Some(Self { corner, metres, cell_m, cols: (width / cell_m).ceil() as usize, rows: (height / cell_m).ceil() as usize })
    }

    /// The same ground in cells of which so many lie along one of these.
    pub fn finer(&self, times: usize) -> Self {
        Self { cell_m: self.cell_m / times as f64, cols: self.cols * times, rows: self.rows * times, ..self.clone() }
    }

    /// Longitude and latitude of a point of the frame, metres east and south of its corner.
    pub fn to_lonlat(&self, [x, y]: Point) -> Point {
        [self.corner[0] + x / self.metres[0], self.corner[1] - y / self.metres[1]]
    }

    /// Metres east and south of the corner.
    pub fn from_lonlat(&self, [lon, lat]: Point) -> Point {
        [(lon - self.corner[0]) * self.metres[0], (self.corner[1] - lat) * self.metres[1]]
    }

    /// Size in metres.
    pub fn size_m(&self) -> Point {
        [self.cols as f64 * self.cell_m, self.rows as f64 * self.cell_m]
    }

    /// The map from pixels (col, row) of an image to metres of the frame: over a site it is affine to a few centimetres.
    /// None where the image's reference system does not reach.
    pub fn from_pixels(&self, georeference: &Georeference) -> Option<Affine> {
        let [width, height] = self.size_m();
        let pixel = |p: Point| {
            let [lon, lat] = self.to_lonlat(p);
            georeference.from_lonlat(lon, lat)
        };
        let (origin, right, down) = (pixel([0.0, 0.0])?, pixel([width, 0.0])?, pixel([0.0, height])?);
        Affine {
            origin,
            x: [(right[0] - origin[0]) / width, (right[1] - origin[1]) / width],
            y: [(down[0] - origin[0]) / height, (down[1] - origin[1]) / height],
        }
        .inverse()
    }
}

/// `origin + u x + v y`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    origin: Point,
    x: Point,
    y: Point,
}

impl Affine {
    /// Where a point goes.
    pub fn apply(&self, [u, v]: Point) -> Point {
        [self.origin[0] + u * self.x[0] + v * self.y[0], self.origin[1] + u * self.x[1] + v * self.y[1]]
    }

    /// The way back; none where the map is flat.
    pub fn inverse(&self) -> Option<Self> {
        let determinant = self.x[0] * self.y[1] - self.x[1] * self.y[0];
        if !(determinant.is_finite() && determinant != 0.0) {
            return None;
        }
        let x = [self.y[1] / determinant, -self.x[1] / determinant];
        let y = [-self.y[0] / determinant, self.x[0] / determinant];
        let origin = [-(self.origin[0] * x[0] + self.origin[1] * y[0]), -(self.origin[0] * x[1] + self.origin[1] * y[1])];
        Some(Self { origin, x, y })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Crs;

    #[test]
    fn pixels_of_a_utm_image_come_to_the_same_metres_as_through_longitude_and_latitude() {
        let crs = Crs::from_epsg(32652).unwrap();
        let georeference = Georeference::new([500_000.0, 0.5, 0.0, 4_690_000.0, 0.0, -0.5], Some(crs));
        let places: Vec<Point> =
            [[0.0, 0.0], [1600.0, 900.0]].iter().map(|p: &Point| georeference.to_lonlat(p[0], p[1]).unwrap()).collect();
        let frame = Frame::around(&places, 50.0).unwrap();
        let map = frame.from_pixels(&georeference).unwrap();
        for pixel in [[10.0, 10.0], [1500.0, 20.0], [800.0, 850.0]] {
            let [lon, lat] = georeference.to_lonlat(pixel[0], pixel[1]).unwrap();
            let (direct, mapped) = (frame.from_lonlat([lon, lat]), map.apply(pixel));
            assert!((direct[0] - mapped[0]).hypot(direct[1] - mapped[1]) < 0.05, "{direct:?} {mapped:?}");
        }
        // 800 m by 450 m, to the difference between the map's scale and the ground's.
        let size = frame.size_m();
        assert!((size[0] - 900.0).abs() < 3.0 && (size[1] - 550.0).abs() < 3.0, "{size:?}");
    }

    #[test]
    fn places_far_apart_get_a_frame_that_fits_in_memory_and_no_place_gets_none() {
        let frame = Frame::around(&[[130.0, 42.0], [131.0, 43.0]], 0.0).unwrap();
        assert!(frame.cols * frame.rows < 1_300_000);
        assert!(Frame::around(&[], 10.0).is_none());
    }
}

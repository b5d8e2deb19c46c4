//! A small rotation and change of scale about a place on earth: what is left between two images of a site when a shift cannot bring one
//! onto the other.

use serde::{Deserialize, Serialize};

/// How an image shows the ground about a place turned and enlarged. The place itself stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Clockwise, degrees.
    pub degrees: f64,
    /// How many times as large.
    pub scale: f64,
    /// The place, `[longitude, latitude]` in degrees.
    pub about: [f64; 2],
}

impl Turn {
    /// Where a place is shown.
    pub fn apply(&self, place: [f64; 2]) -> [f64; 2] {
        self.turned(place, self.degrees, self.scale)
    }

    /// The place that is shown there.
    pub fn undo(&self, shown: [f64; 2]) -> [f64; 2] {
        self.turned(shown, -self.degrees, 1.0 / self.scale)
    }

    /// Said: "turned by 0.31 degrees clockwise, 0.2 % larger".
    pub fn sentence(&self) -> String {
        let side = if self.degrees < 0.0 { "anticlockwise" } else { "clockwise" };
        let size = if self.scale < 1.0 { "smaller" } else { "larger" };
        let percent = (self.scale - 1.0).abs() * 100.0;
        let scaled = if percent < 0.05 { String::new() } else { format!(", {percent:.1} % {size}") };
        format!("turned by {:.2} degrees {side}{scaled}", self.degrees.abs())
    }

    fn turned(&self, [lon, lat]: [f64; 2], degrees: f64, scale: f64) -> [f64; 2] {
        // A degree of longitude in units of a degree of latitude, on the sphere: a yard is small, and so is the turn.
        let shrunk = self.about[1].to_radians().cos();
        let (east, north) = ((lon - self.about[0]) * shrunk, lat - self.about[1]);
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (turned_east, turned_north) = (east * cos + north * sin, north * cos - east * sin);
        [self.about[0] + scale * turned_east / shrunk, self.about[1] + scale * turned_north]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of an image that shows its ground turned lie, once it is put right, where what they show is.
    #[test]
    fn a_georeference_that_is_put_right_gives_the_place_that_a_pixel_shows() {
        use crate::raster::{Crs, Georeference};
        let shown = Georeference::new([500_000.0, 0.5, 0.0, 4_690_000.0, 0.0, -0.5], Crs::from_epsg(32652));
        let about = shown.to_lonlat(700.0, 500.0).unwrap();
        let turn = Turn { degrees: 0.6, scale: 1.004, about };
        let right = shown.put_right(&turn, [1600.0, 900.0]).unwrap();
        for [col, row] in [[0.0, 0.0], [1600.0, 900.0], [300.0, 800.0]] {
            let [lon, lat] = turn.undo(shown.to_lonlat(col, row).unwrap());
            let back = right.from_lonlat(lon, lat).unwrap();
            assert!((back[0] - col).hypot(back[1] - row) < 0.05, "{col} {row}: {back:?}");
            let [lon, lat] = shown.to_lonlat(col, row).unwrap();
            let away = right.from_lonlat(lon, lat).unwrap();
            assert!((away[0] - col).hypot(away[1] - row) > 3.0, "{col} {row}: the corners move by metres");
        }
    }

    #[test]
    fn clockwise_is_from_north_to_east_and_undone_it_is_gone() {
        let turn = Turn { degrees: 90.0, scale: 2.0, about: [130.0, 60.0] };
        let [lon, lat] = turn.apply([130.0, 60.01]);
        // At 60 degrees a degree of longitude is half as long.
        assert!((lon - 130.04).abs() < 1e-9 && (lat - 60.0).abs() < 1e-9, "{lon} {lat}");
        let small = Turn { degrees: -0.4, scale: 1.003, about: [130.6, 42.3] };
        let place = [130.612, 42.296];
        let back = small.undo(small.apply(place));
        assert_eq!(small.sentence(), "turned by 0.40 degrees anticlockwise, 0.3 % larger");
        assert_eq!(Turn { scale: 1.0001, ..small }.sentence(), "turned by 0.40 degrees anticlockwise");
        assert!((back[0] - place[0]).abs() < 1e-9 && (back[1] - place[1]).abs() < 1e-9);
    }
}

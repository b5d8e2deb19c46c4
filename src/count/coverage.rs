//! The visible share of a yard: what the image's edge, nodata and clouds leave of it.

use super::site::Site;
use crate::threshold::{Plane, YardMap};
use crate::tile::Area;
use crate::track::Centreline;

/// Cloud probability from which the ground counts as hidden.
const HIDDEN: f32 = 0.5;
/// Distance of the points that are looked at, metres: over the outline's ground, and along tracks.
const GRID_M: f64 = 6.0;
const ALONG_M: f64 = 3.0;

/// How many points of a yard were looked at, and why those not seen were not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    all: usize,
    outside: usize,
    nodata: usize,
    cloud: usize,
}

impl Seen {
    /// Looks at the ground of the outline, or along the tracks where there is none, as far as it lies in `core`.
    pub fn look(site: &Site, lines: &[Centreline], plane: &Plane, map: &YardMap, image: Area, core: Area) -> Self {
        let mut seen = Self::default();
        if let Some(around) = site.outline_area() {
            // Points outside the image belong to no chunk's plane; they are counted by `outside_only`.
            let (cols, rows) = ((around.width() / GRID_M) as usize + 1, (around.height() / GRID_M) as usize + 1);
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                let p = [around.x0 + (j as f64 + 0.5) * GRID_M, around.y0 + (i as f64 + 0.5) * GRID_M];
                if core.contains(p) && image.contains(p) && site.inside(p) {
                    seen.add(p, plane, map, image);
                }
            }
        } else {
            // Where a given track leaves the image, a part of the yard is missing; a found one is drawn on beyond the edge by the tracker.
            let given = !site.lines.is_empty();
            for line in lines {
                let step = (ALONG_M / line.step).ceil() as usize;
                line.points
                    .iter()
                    .step_by(step)
                    .filter(|&&p| if image.contains(p) { core.contains(p) } else { given })
                    .for_each(|&p| seen.add(p, plane, map, image));
            }
        }
        seen
    }

    /// The part of the outline that lies outside the image.
    pub fn outside_only(site: &Site, image: Area) -> Self {
        let mut seen = Self::default();
        if let Some(around) = site.outline_area() {
            let (cols, rows) = ((around.width() / GRID_M) as usize + 1, (around.height() / GRID_M) as usize + 1);
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                let p = [around.x0 + (j as f64 + 0.5) * GRID_M, around.y0 + (i as f64 + 0.5) * GRID_M];
                if !image.contains(p) && site.inside(p) {
                    seen.all += 1;
                    seen.outside += 1;
                }
            }
        }
        seen
    }

    fn add(&mut self, p: [f64; 2], plane: &Plane, map: &YardMap, image: Area) {
        self.all += 1;
        if !image.contains(p) {
            self.outside += 1;
        } else if plane.colour(p[0], p[1]).is_none() {
            self.nodata += 1;
        } else if map.at(p[0], p[1]).cloud > HIDDEN {
            self.cloud += 1;
        }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            outside: self.outside + other.outside,
            nodata: self.nodata + other.nodata,
            cloud: self.cloud + other.cloud,
        }
    }

    /// Visible share, 0 to 1; 1 where there was nothing to look at.
    pub fn share(self) -> f64 {
        if self.all == 0 { 1.0 } else { (self.all - self.outside - self.nodata - self.cloud) as f64 / self.all as f64 }
    }

    /// Why not all was seen: "cloud hides 31 %, 8 % lies outside the image".
    pub fn why(self) -> String {
        let percent = |part: usize| 100.0 * part as f64 / self.all.max(1) as f64;
        let parts = [(self.cloud, "% under cloud"), (self.outside, "% outside the image"), (self.nodata, "% without data")];
        let said: Vec<String> = parts
            .iter()
            .filter(|(part, _)| percent(*part) >= 0.5)
            .map(|(part, what)| format!("{:.0} {what}", percent(*part)))
            .collect();
        said.join(", ")
    }
}

//! The visible share of a yard: what the image's edge, nodata, clouds, blur, noise and exposure leave of it.

use super::site::Site;
use crate::threshold::clarity::Clarity;
use crate::threshold::evidence::HIDDEN;
use crate::threshold::{Evidence, Plane, YardMap};
use crate::tile::{Area, Core, PATCH_M, cores};
use crate::track::Centreline;

/// Distance of the points that are looked at, metres: over the outline's ground, and along tracks.
pub(super) const GRID_M: f64 = 6.0;
const ALONG_M: f64 = 3.0;
/// Share of fill from which it makes no difference how much there is: nothing is seen.
const MOST_FILL: f64 = 0.99;
/// Ground that may be a single field or wood, square metres.
const FIELD_M2: f64 = 1e5;

/// How many points of a yard were looked at, and why those not seen were not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    all: usize,
    outside: usize,
    nodata: usize,
    cloud: usize,
    blurred: usize,
    drowned: usize,
    blank: usize,
}

impl Seen {
    /// Looks at the outline's ground, or at all of it where nothing is known of the yard, in a patch that the network looked at, as far as it
    /// lies in the image; with the evidence of the patch's square metres, and how clear it is.
    pub fn of_ground(site: &Site, patch: Core, image: Area, plane: &Plane, (evidence, clarity): (&[Evidence], Clarity)) -> Self {
        let mut seen = Self::default();
        let ground = patch.area(PATCH_M as f64);
        let mut add = |p: [f64; 2]| {
            let (col, row) = ((p[0] - ground.x0) as usize, (p[1] - ground.y0) as usize);
            seen.add(p, plane, evidence.get(row * PATCH_M + col).map_or(0.0, |cell| cell.cloud), clarity);
        };
        outline_points(site, ground).filter(|&p| image.contains(p)).for_each(&mut add);
        if site.is_unknown() {
            // What lies beyond a mosaic's pixels was not asked for.
            let shown = |p: &[f64; 2]| image.contains(*p) && (plane.colour(p[0], p[1]).is_some() || plane.fill_at(*p).is_some());
            grid_points(ground).filter(shown).for_each(&mut add);
        }
        seen
    }

    /// The outline's ground outside the image, of the patches that would have been looked at.
    pub fn outside(site: &Site, image: Area) -> Self {
        let patches = site.outline_area().map_or_else(Vec::new, |around| cores(around, PATCH_M as f64));
        let grounds = patches.into_iter().map(|patch| patch.area(PATCH_M as f64));
        let beyond = grounds.filter(|&ground| ground.intersection(image) != Some(ground) && site.wants(ground));
        let outside = beyond.map(|ground| outline_points(site, ground).filter(|&p| !image.contains(p)).count()).sum();
        Self { all: outside, outside, ..Self::default() }
    }

    /// What given tracks have beyond the ground that the image can show, where there is no outline.
    pub fn beyond(site: &Site) -> Self {
        let outside = if site.outline_area().is_none() { (site.beyond_m() / ALONG_M).round() as usize } else { 0 };
        Self { all: outside, outside, ..Self::default() }
    }

    /// Looks along a track where there is no outline. Where a given track leaves the image, or what it has data for, a part of the yard is missing;
    /// a found one is drawn on beyond the edge by the tracker.
    pub fn along(site: &Site, line: &Centreline, plane: &Plane, map: &YardMap, image: Area) -> Self {
        let mut seen = Self::default();
        if site.outline_area().is_none() {
            let (given, step) = (!site.lines.is_empty(), (ALONG_M / line.step).ceil() as usize);
            let points: Vec<[f64; 2]> = line.points.iter().step_by(step).copied().collect();
            let shown = |p: &[f64; 2]| given || plane.colour(p[0], p[1]).is_some() || plane.fill_at(*p).is_some();
            let from = points.iter().position(shown).unwrap_or(points.len());
            let to = points.iter().rposition(shown).map_or(from, |last| last + 1);
            for &p in &points[from..to] {
                if image.contains(p) {
                    seen.add(p, plane, map.at(p[0], p[1]).cloud, map.clarity(p[0], p[1]));
                } else if given {
                    seen.all += 1;
                    seen.outside += 1;
                }
            }
        }
        seen
    }

    fn add(&mut self, p: [f64; 2], plane: &Plane, cloud: f32, clarity: Clarity) {
        self.all += 1;
        if plane.fill_at(p).is_some() {
            self.blank += 1;
        } else if plane.colour(p[0], p[1]).is_none() {
            self.nodata += 1;
        } else if clarity == Clarity::Blank {
            // To the network this is cloud; whether it is nobody can see.
            self.blank += 1;
        } else if cloud > HIDDEN {
            // The same where only a part of the patch is without contrast.
            let blank = plane.is_constant_at(p);
            self.blank += usize::from(blank);
            self.cloud += usize::from(!blank);
        } else {
            self.blurred += usize::from(clarity == Clarity::Blurred);
            self.drowned += usize::from(clarity == Clarity::Drowned);
        }
    }

    /// Of country without any track, where woods and ploughed fields look like noise: noise only where it covers most, of more than one field.
    pub fn of_country(self) -> Self {
        let field = (FIELD_M2 / GRID_M.powi(2)) as usize;
        Self { drowned: if 2 * self.drowned > self.all && self.all > field { self.drowned } else { 0 }, ..self }
    }

    /// What was seen along lines without a car, which may be no tracks (or along none at all): what was seen of the country, where that is less or
    /// noise may have made the lines.
    pub fn or_country(self, country: Self) -> Self {
        if self.drowned > 0 || country.share() < self.share() { country } else { self }
    }

    /// What was seen along found tracks of an image of which this share, 0 to 1, is fill: there the yard is taken to have as much track as elsewhere.
    pub fn with_fill(self, share: f64) -> Self {
        let share = share.min(MOST_FILL);
        let beyond = (self.all as f64 * share / (1.0 - share)).round() as usize;
        Self { all: self.all + beyond, blank: self.blank + beyond, ..self }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            outside: self.outside + other.outside,
            nodata: self.nodata + other.nodata,
            cloud: self.cloud + other.cloud,
            blurred: self.blurred + other.blurred,
            drowned: self.drowned + other.drowned,
            blank: self.blank + other.blank,
        }
    }

    /// Visible share, 0 to 1; 1 where there was nothing to look at.
    pub fn share(self) -> f64 {
        let hidden = self.outside + self.nodata + self.cloud + self.blurred + self.drowned + self.blank;
        if self.all == 0 { 1.0 } else { (self.all - hidden) as f64 / self.all as f64 }
    }

    /// Share that clouds hide, 0 to 1.
    pub fn cloud_share(self) -> f64 {
        self.cloud as f64 / self.all.max(1) as f64
    }

    /// Why not all was seen: "cloud hides 31 %, 8 % lies outside the image".
    pub fn why(self) -> String {
        let percent = |part: usize| 100.0 * part as f64 / self.all.max(1) as f64;
        let parts = [
            (self.cloud, "% under cloud"),
            (self.outside, "% outside the image"),
            (self.nodata, "% without data"),
            (self.blurred, "% too blurred"),
            (self.drowned, "% drowned in noise"),
            (self.blank, "% without any contrast"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(part, _)| percent(*part) >= 0.5)
            .map(|(part, what)| format!("{:.0} {what}", percent(*part)))
            .collect();
        said.join(", ")
    }
}

/// The points of a grid over an area.
pub(super) fn grid_points(area: Area) -> impl Iterator<Item = [f64; 2]> {
    let number = |size: f64| (size / GRID_M).floor() as usize;
    let (cols, rows) = (number(area.width()), number(area.height()));
    (0..rows * cols).map(move |i| [area.x0 + ((i % cols) as f64 + 0.5) * GRID_M, area.y0 + ((i / cols) as f64 + 0.5) * GRID_M])
}

/// The points of the outline's grid that lie inside the outline, in an area.
fn outline_points(site: &Site, area: Area) -> impl Iterator<Item = [f64; 2]> + '_ {
    let around = site.outline_area();
    around.into_iter().flat_map(move |around| {
        // A point more on either side than the grid has there: whether it lies in the area is asked for each.
        let range = |from: f64, to: f64, start: f64, size: f64| {
            let last = (size / GRID_M) as i64;
            (((from - start) / GRID_M - 1.0).floor() as i64).max(0)..=(((to - start) / GRID_M).ceil() as i64).min(last)
        };
        let cols = range(area.x0, area.x1, around.x0, around.width());
        let points = range(area.y0, area.y1, around.y0, around.height()).flat_map(move |i| cols.clone().map(move |j| (i, j)));
        points
            .map(move |(i, j)| [around.x0 + (j as f64 + 0.5) * GRID_M, around.y0 + (i as f64 + 0.5) * GRID_M])
            .filter(move |&p| area.contains(p) && site.inside(p))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real tile of furrows was "drowned in noise".
    #[test]
    fn in_country_without_tracks_noise_counts_only_where_it_covers_most_of_more_than_a_field() {
        let share = |all: usize, drowned: usize| Seen { all, drowned, ..Seen::default() }.of_country().share();
        assert_eq!(share(160, 150), 1.0, "a tile of 77 m");
        assert_eq!(share(20_000, 2_000), 1.0, "a wood in a large image");
        assert_eq!(share(20_000, 15_000), 0.25);
        let (line, tile) = (Seen { all: 20, drowned: 16, ..Seen::default() }, Seen { all: 160, ..Seen::default() });
        assert_eq!(line.or_country(tile).share(), 1.0, "a line along furrows");
        let hidden = Seen { all: 100, cloud: 40, ..Seen::default() };
        assert_eq!(hidden.or_country(tile).share(), 0.6, "tracks under cloud");
        assert_eq!(Seen::default().or_country(hidden).share(), 0.6, "no line at all");
    }
}

//! The yard as it lies in a scene: lines and outline in metres from the scene's corner.

use super::scene::Yard;
use crate::raster::Scene;
use crate::tile::Area;
use crate::track::Centreline;

/// Between pixels, metres and degrees of one scene.
pub struct Ground<'a> {
    scene: &'a Scene,
}

impl<'a> Ground<'a> {
    /// Of a scene.
    pub fn of(scene: &'a Scene) -> Self {
        Self { scene }
    }

    /// The ground that the image covers.
    pub fn area(&self) -> Area {
        let [gx, gy] = self.scene.gsd_m;
        Area { x0: 0.0, y0: 0.0, x1: f64::from(self.scene.source.width()) * gx, y1: f64::from(self.scene.source.height()) * gy }
    }

    /// Pixel (col, row) of a point of ground.
    pub fn to_pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x / self.scene.gsd_m[0], y / self.scene.gsd_m[1]]
    }

    /// Ground of a place on earth; None without georeference.
    pub fn from_lonlat(&self, [lon, lat]: [f64; 2]) -> Option<[f64; 2]> {
        let [col, row] = self.scene.georeference.as_ref()?.from_lonlat(lon, lat)?;
        Some([col * self.scene.gsd_m[0], row * self.scene.gsd_m[1]])
    }

    /// Direction of an axis in degrees clockwise from north, 0 to 180; from the top of the image without georeference.
    pub fn heading_deg(&self, centre: [f64; 2], axis: [f64; 2]) -> f64 {
        let place = |side: f64| {
            let [col, row] = self.to_pixel([centre[0] + side * axis[0] * 20.0, centre[1] + side * axis[1] * 20.0]);
            self.scene.georeference.as_ref()?.to_lonlat(col, row)
        };
        let (east, north) = match (place(-1.0), place(1.0)) {
            (Some(a), Some(b)) => ((b[0] - a[0]) * a[1].to_radians().cos(), b[1] - a[1]),
            _ => (axis[0], -axis[1]),
        };
        let degrees = east.atan2(north).to_degrees().rem_euclid(180.0);
        if degrees >= 180.0 { 0.0 } else { degrees }
    }
}

/// Ground on either side of a given track that is looked at, metres: its error, the shift of the scene, and the strip's half width.
const CORRIDOR_M: f64 = 20.0;
/// Ground around an outline that is looked at, metres.
const OUTLINE_MARGIN_M: f64 = 12.0;
/// Share of a found track that must lie inside the outline.
const INSIDE: f64 = 0.5;
/// Length of the pieces into which lines are cut to see which ground they touch, metres.
const PIECE_M: f64 = 16.0;

/// What is known of the yard, in the scene's ground.
pub struct Site {
    /// Given tracks, a point every metre.
    pub lines: Vec<Centreline>,
    /// Their names.
    pub names: Vec<String>,
    outline: Vec<Vec<[f64; 2]>>,
}

impl Site {
    /// Brings a yard onto the ground of a scene. Without georeference nothing can be brought, and the whole image is searched.
    pub fn new(yard: &Yard, ground: &Ground) -> Self {
        let bring = |line: &[[f64; 2]]| line.iter().filter_map(|&p| ground.from_lonlat(p)).collect::<Vec<_>>();
        let (mut lines, mut names) = (Vec::new(), Vec::new());
        for track in &yard.tracks {
            if let Some(line) = Centreline::resampled(&bring(&track.line), 1.0) {
                lines.push(line);
                names.push(track.name.clone());
            }
        }
        let outline = yard.aoi.iter().map(|ring| bring(ring)).filter(|ring| ring.len() > 2).collect();
        Self { lines, names, outline }
    }

    /// The ground of interest inside an image; None when the yard lies outside.
    pub fn area(&self, image: Area) -> Option<Area> {
        if !self.lines.is_empty() {
            let around = Area::around(self.lines.iter().flat_map(|line| &line.points))?;
            return around.grown(CORRIDOR_M).intersection(image);
        }
        if self.outline.is_empty() {
            return Some(image);
        }
        Area::around(self.outline.iter().flatten())?.grown(OUTLINE_MARGIN_M).intersection(image)
    }

    /// Whether a square of ground has to be looked at.
    pub fn wants(&self, patch: Area) -> bool {
        if !self.lines.is_empty() {
            let near = patch.grown(CORRIDOR_M);
            return self.lines.iter().any(|line| {
                let step = (PIECE_M / line.step) as usize;
                // Every piece's end points and the last point: pieces are shorter than a patch and its margin.
                line.points.iter().step_by(step).chain(line.points.last()).any(|&p| near.contains(p))
            });
        }
        self.outline.is_empty() || {
            let near = patch.grown(OUTLINE_MARGIN_M);
            let corners = [[near.x0, near.y0], [near.x1, near.y0], [near.x1, near.y1], [near.x0, near.y1]];
            corners.iter().any(|&p| self.inside(p))
                || self.outline.iter().flatten().any(|&p| near.contains(p))
                || self.outline.iter().any(|ring| edges(ring).any(|(a, b)| crosses(a, b, near)))
        }
    }

    /// Whether a found track belongs to the yard.
    pub fn admits(&self, line: &Centreline) -> bool {
        if self.outline.is_empty() {
            return true;
        }
        let inside = line.points.iter().filter(|&&p| self.inside(p)).count();
        inside as f64 >= INSIDE * line.points.len() as f64
    }

    /// The rectangle round the outline; None without an outline.
    pub fn outline_area(&self) -> Option<Area> {
        Area::around(self.outline.iter().flatten())
    }

    /// Whether a point lies inside the outline, by the even-odd rule over all rings.
    pub fn inside(&self, [x, y]: [f64; 2]) -> bool {
        self.outline.iter().flat_map(|ring| edges(ring)).fold(false, |inside, ([x0, y0], [x1, y1])| {
            let crossing = (y0 > y) != (y1 > y) && x < (x1 - x0) * (y - y0) / (y1 - y0) + x0;
            inside != crossing
        })
    }
}

fn edges(ring: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    (0..ring.len()).map(|i| (ring[i], ring[(i + 1) % ring.len()]))
}

/// Whether a segment passes through a rectangle, by points along it.
fn crosses(a: [f64; 2], b: [f64; 2], area: Area) -> bool {
    let n = ((b[0] - a[0]).hypot(b[1] - a[1]) / PIECE_M).ceil().max(1.0) as usize;
    (0..=n).any(|i| {
        let t = i as f64 / n as f64;
        area.contains([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t])
    })
}

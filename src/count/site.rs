//! The yard as it lies in a scene: lines and outline in metres from the scene's corner.

use super::outline::Outline;
use super::scene::{GivenTrack, Origin, Yard};
use crate::raster::{Georeference, Scene, Turn, turns_towards};
use crate::tile::Area;
use crate::track::Centreline;

/// Between pixels, metres and degrees of one scene.
pub struct Ground<'a> {
    scene: &'a Scene,
    /// Its georeference, put right where the scene shows the site turned.
    georeference: Option<Georeference>,
}

impl<'a> Ground<'a> {
    /// Of a scene that shows the site turned, if it does.
    pub fn of(scene: &'a Scene, turn: Option<Turn>) -> Self {
        let size = [scene.source.width(), scene.source.height()].map(f64::from);
        let own = scene.georeference.as_ref();
        let georeference = own.map(|own| turn.and_then(|turn| own.put_right(&turn, size)).unwrap_or_else(|| own.clone()));
        Self { scene, georeference }
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
        let [col, row] = self.georeference.as_ref()?.from_lonlat(lon, lat)?;
        Some([col * self.scene.gsd_m[0], row * self.scene.gsd_m[1]])
    }

    /// A way on the ground of so many metres east and north, as it runs from a point; image axes where there is no georeference.
    pub fn from_east_north(&self, [x, y]: [f64; 2], [east, north]: [f64; 2]) -> [f64; 2] {
        let [e, n] = self.east_north_axes([x, y]);
        [east * e[0] + north * n[0], east * e[1] + north * n[1]]
    }

    /// Metres east and north of a way on the ground from a point.
    pub fn to_east_north(&self, [x, y]: [f64; 2], [dx, dy]: [f64; 2]) -> [f64; 2] {
        // The axes are orthonormal but for the projection's last thousandth.
        let [e, n] = self.east_north_axes([x, y]);
        [dx * e[0] + dy * e[1], dx * n[0] + dy * n[1]]
    }

    /// Where east and north point at a place of the ground, as unit vectors.
    fn east_north_axes(&self, [x, y]: [f64; 2]) -> [[f64; 2]; 2] {
        let [col, row] = self.to_pixel([x, y]);
        let up = self.georeference.as_ref().map_or(0.0, |g| g.up_azimuth_deg(col, row)).to_radians();
        // A mirrored image (south up, say) turns the other way round.
        let mirrored = self.georeference.as_ref().is_some_and(Georeference::is_mirrored);
        let side = if mirrored { -1.0 } else { 1.0 };
        // Up is (0, -1) on the ground; north lies `up` to the left of it.
        let north = [-side * up.sin(), -up.cos()];
        [[-side * north[1], side * north[0]], north]
    }

    /// Direction of an axis in degrees clockwise from north, 0 to 180; from the top of the image without georeference.
    pub fn heading_deg(&self, centre: [f64; 2], axis: [f64; 2]) -> f64 {
        let place = |side: f64| {
            let [col, row] = self.to_pixel([centre[0] + side * axis[0] * 20.0, centre[1] + side * axis[1] * 20.0]);
            self.georeference.as_ref()?.to_lonlat(col, row)
        };
        let (east, north) = match (place(-1.0), place(1.0)) {
            (Some(a), Some(b)) => {
                let east = b[0] - a[0] - turns_towards(a[0], b[0]);
                (east * a[1].to_radians().cos(), b[1] - a[1])
            }
            _ => (axis[0], -axis[1]),
        };
        let degrees = east.atan2(north).to_degrees().rem_euclid(180.0);
        if degrees >= 180.0 { 0.0 } else { degrees }
    }
}

/// Ground on either side of a given track that is looked at, metres: its error, the shift of the scene, and the strip's half width.
const CORRIDOR_M: f64 = 24.0;
/// Ground around an outline that is looked at, metres: outlines are drawn by hand, and of a car that stands across one the centre may lie outside. What
/// stands further outside is not the yard's.
const OUTLINE_MARGIN_M: f64 = 12.0;
/// Given tracks that are nowhere nearer to the outline than this, metres, need not be looked at: they may still be moved by 15.
const OUTLINE_REACH_M: f64 = OUTLINE_MARGIN_M + 15.0;
/// Ground beyond the image's edge up to which given tracks are followed, metres: they may be moved by 15, and by what they are off themselves.
const BEYOND_M: f64 = 64.0;
/// Share of a found track that must lie inside the outline.
const INSIDE: f64 = 0.5;
/// Length of the pieces into which lines are cut to see which ground they touch, metres.
const PIECE_M: f64 = 16.0;

/// What is known of the yard, in the scene's ground.
pub struct Site {
    /// Given tracks, a point every metre.
    given: Vec<Centreline>,
    /// Of these what the image may show.
    pub lines: Vec<Centreline>,
    /// Their names.
    pub names: Vec<String>,
    /// Whether the tracks were found in images (this one, or all of the site), and must show themselves as such.
    pub found: bool,
    /// Whether the lines lie where they are said to, but for a shift of the scene: the site's images show them there, and the scene was brought onto
    /// the site.
    pub placed: bool,
    /// By how much everything was moved, metres of the scene's ground, and the yard's middle.
    pub moved: ([f64; 2], [f64; 2]),
    outline: Outline,
}

impl Site {
    /// Brings a yard onto the ground of a scene that shows everything `shift_m` metres east and north of where it is, if that is known. Without
    /// georeference nothing can be brought, and the whole image is searched.
    pub fn new(yard: &Yard, ground: &Ground, shift_m: Option<[f64; 2]>) -> Self {
        let place = |line: &[[f64; 2]]| line.iter().filter_map(|&p| ground.from_lonlat(p)).collect::<Vec<_>>();
        let all = yard.tracks.iter().map(|track| &track.line).chain(&yard.aoi);
        let image = ground.area();
        let area = Area::around(&all.flat_map(|line| place(line)).collect::<Vec<_>>());
        let middle = area.map_or([0.0; 2], |area| area.intersection(image).unwrap_or(area).middle());
        let [dx, dy] = ground.from_east_north(middle, shift_m.unwrap_or_default());
        let bring = |line: &[[f64; 2]]| place(line).into_iter().map(|[x, y]| [x + dx, y + dy]).collect::<Vec<_>>();
        let outline = Outline::new(yard.aoi.iter().map(|ring| bring(ring)));
        let named = |track: &GivenTrack| Some((Centreline::resampled(&bring(&track.line), 1.0)?, track.name.clone()));
        let tracks: Vec<(Centreline, String)> = yard.tracks.iter().filter_map(named).collect();
        let is_near = |line: &Centreline| outline.is_empty() || line.points.iter().any(|&p| outline.within(p, OUTLINE_REACH_M));
        let (near, far): (Vec<_>, Vec<_>) = tracks.into_iter().partition(|(line, _)| is_near(line));
        // Tracks that all lie elsewhere are no reason to look for others.
        let tracks = if near.is_empty() { far } else { near };
        let found = tracks.is_empty() || yard.origin == Origin::Found;
        let placed = shift_m.is_some() && yard.origin != Origin::Given;
        let shown = |(line, name): &(Centreline, String)| Some((line.within(image.grown(BEYOND_M))?, name.clone()));
        let (lines, names) = tracks.iter().filter_map(shown).unzip();
        let given = tracks.into_iter().map(|(line, _)| line).collect();
        Self { given, lines, names, found, placed, moved: ([dx, dy], middle), outline }
    }

    /// The ground of interest inside an image; None when the yard lies outside.
    pub fn area(&self, image: Area) -> Option<Area> {
        if self.has_tracks() {
            let around = Area::around(self.lines.iter().flat_map(|line| &line.points))?;
            return around.grown(CORRIDOR_M).intersection(image);
        }
        if self.outline.is_empty() {
            return Some(image);
        }
        self.outline.area()?.grown(OUTLINE_MARGIN_M).intersection(image)
    }

    /// Whether a square of ground has to be looked at, or would have to be if the image showed it.
    pub fn wants(&self, patch: Area) -> bool {
        if self.has_tracks() {
            let near = patch.grown(CORRIDOR_M);
            return self.given.iter().any(|line| {
                let step = (PIECE_M / line.step) as usize;
                // Every piece's end points and the last point: pieces are shorter than a patch and its margin.
                line.points.iter().step_by(step).chain(line.points.last()).any(|&p| near.contains(p))
            });
        }
        self.outline.is_empty() || {
            let near = patch.grown(OUTLINE_MARGIN_M);
            let corners = [[near.x0, near.y0], [near.x1, near.y0], [near.x1, near.y1], [near.x0, near.y1]];
            corners.iter().any(|&p| self.inside(p))
                || self.outline.points().any(|&p| near.contains(p))
                || self.outline.edges().any(|(a, b)| crosses(a, b, near))
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

    /// Whether tracks are searched for at a point of the image.
    pub fn searches(&self, point: [f64; 2]) -> bool {
        self.outline.is_empty() || self.inside(point)
    }

    /// Whether tracks are known, in this image or beyond it.
    pub fn has_tracks(&self) -> bool {
        !self.given.is_empty()
    }

    /// Length of the given tracks that the image cannot show, metres.
    pub fn beyond_m(&self) -> f64 {
        let length = |lines: &[Centreline]| lines.iter().map(Centreline::length).sum::<f64>();
        length(&self.given) - length(&self.lines)
    }

    /// Whether neither tracks nor an outline say where the yard lies.
    pub fn is_unknown(&self) -> bool {
        !self.has_tracks() && self.outline.is_empty()
    }

    /// The rectangle round the outline; None without an outline.
    pub fn outline_area(&self) -> Option<Area> {
        self.outline.area()
    }

    /// Whether a point lies inside the outline.
    pub fn inside(&self, point: [f64; 2]) -> bool {
        self.outline.contains(point)
    }

    /// Whether a car at a point of the image is the yard's, whose tracks show themselves moved by `shift`: inside the outline or across it, or
    /// anywhere where there is no outline.
    pub fn holds(&self, [x, y]: [f64; 2], shift: [f64; 2]) -> bool {
        self.outline.is_empty() || self.outline.within([x - shift[0], y - shift[1]], OUTLINE_MARGIN_M)
    }
}

/// Whether a segment passes through a rectangle, by points along it.
fn crosses(a: [f64; 2], b: [f64; 2], area: Area) -> bool {
    let n = ((b[0] - a[0]).hypot(b[1] - a[1]) / PIECE_M).ceil().max(1.0) as usize;
    (0..=n).any(|i| {
        let t = i as f64 / n as f64;
        area.contains([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t])
    })
}

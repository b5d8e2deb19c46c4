//! Given tracks brought onto the image: one shift for the scene, one residual for each track, one that varies smoothly along it.
//!
//! Lines from a map are up to a few metres off, the georeference as well, and the view angle displaces roofs. The evidence is the track
//! map of [`crate::threshold::yard_map`], which follows roofs where cars stand and rails where none do. The residuals are those of
//! `abreast.rs`.

use crate::raster::Turn;

use super::abreast::follow;
use super::beside::Heading;
use super::line::Centreline;
use crate::threshold::YardMap;
use crate::threshold::evidence::{Ridge, Unpacked, between};
use crate::tile::Area;

/// Step of the points that are held against the map, metres.
const STEP_M: f64 = 2.0;
/// Cost of a scene's shift of one standard deviation. Where nothing else is known (2.3 m), one track spacing (5 m) costs less than the
/// loss of one track in twenty.
const SHIFT_COST: f64 = 0.0063;
/// How far given tracks may lie from where they are seen when nothing else is known, and the standard deviation of that, metres.
const REGISTRATION_M: f64 = 15.0;
const REGISTRATION_SD_M: f64 = 2.3;
const UNKNOWN_COST: f64 = SHIFT_COST / (REGISTRATION_SD_M * REGISTRATION_SD_M);
/// Where the scene was registered by its edges: standard deviations looked at, and the error of the lines themselves, metres.
const DEVIATIONS: f64 = 3.0;
const LINES_M: f64 = 1.5;
/// Evidence that a shift far from the expected place must bring before it is weighed like one of which nothing is known: the loss of one track in
/// twenty. Along straight tracks nothing brings so much.
const LEAP: f64 = 0.03;
/// Shifts across the tracks that are different answers, metres: more than half a spacing.
const APART_M: f64 = 2.5;
/// Less than this apart, metres, is the slope of one place: tracks are at least 3.6 m apart, and each of the two may be off by a little.
const ANOTHER_M: f64 = 3.0;
/// Mean evidence by which the best shift must lead the next one to be sure.
const SURE: f64 = 0.2;
/// Mean evidence under which nothing is seen of the tracks: one point in fifty on a certain one.
const LEAST_EVIDENCE: f64 = 0.02;
/// Step of the coarse search for the shift, and of all finer ones, metres.
const COARSE_M: f64 = 1.0;
const FINE_M: f64 = 0.25;
/// Points of the lines that take part in the coarse search, at least, where there are so many.
const COARSE_POINTS: usize = 1500;

/// Given tracks as they lie in the image.
#[derive(Debug)]
pub struct Aligned {
    /// The lines, in the order given, each as far as it follows the evidence beside it.
    pub lines: Vec<Centreline>,
    /// What else each may be, if anything: where it is its neighbour's track that it followed, along its own, and moved by the scene's shift alone (where a
    /// shadow looks like a track, that is the better one).
    pub others: Vec<Vec<Centreline>>,
    /// The scene's shift, metres (x to the right, y down).
    pub shift: [f64; 2],
    /// How much better the shift is than any other more than 2.5 m across the tracks, 0 to 1. Along them it may be anything.
    pub confidence: f64,
    /// That other shift, if there is one.
    pub other_shift: Option<[f64; 2]>,
}

/// Where a scene shows the site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    /// Everything is shown so many metres east and north of where it is.
    pub shift_m: [f64; 2],
    /// And turned, where a shift alone does not bring it onto the site.
    pub turn: Option<Turn>,
    /// Standard deviation of the shift along one axis, metres.
    pub sd_m: f64,
    /// The part of the shift that is the error of the given tracks, not the scene's: all scenes show them moved by it. None where that is not known.
    pub tracks_error_m: Option<[f64; 2]>,
    /// How sure it is, above 0 to 1.
    pub confidence: f64,
}

impl Registration {
    /// How far east and north of its place the scene shows everything, metres, when its own given tracks, `confidence` sure, show themselves off
    /// by a further `tracks_m`: a map errs as images do, but its error is the same in all of them.
    pub fn shift_of_scene(&self, tracks_m: [f64; 2], confidence: f64) -> [f64; 2] {
        let of = |axis: usize| match self.tracks_error_m {
            Some(error) => self.shift_m[axis] - error[axis] + confidence * tracks_m[axis],
            None => self.shift_m[axis] + share_of_place(self.sd_m) * tracks_m[axis],
        };
        [of(0), of(1)]
    }
}

/// Where a place known to `sd_m` along one axis and given tracks differ, the part of it that is the place's error, 0 to 1, and not the tracks'.
fn share_of_place(sd_m: f64) -> f64 {
    sd_m.powi(2) / (sd_m.powi(2) + LINES_M.powi(2))
}

/// Of the shift (metres east and north) at which all scenes of a site, whose place is known to `sd_m`, show given tracks, what the tracks err. Beyond
/// one standard deviation of the tracks they are trusted the less to be that badly drawn, and not at all from three on: then the
/// georeferences err all in one direction (a redescending weight after Hampel, "The influence curve and its role in robust estimation", 1974).
pub fn error_of_tracks(shown_m: [f64; 2], sd_m: f64) -> [f64; 2] {
    let deviations = shown_m[0].hypot(shown_m[1]) / LINES_M;
    let weight = ((3.0 - deviations) / 2.0).clamp(0.0, 1.0);
    shown_m.map(|metres| weight * (1.0 - share_of_place(sd_m)) * metres)
}

/// What is known of a scene's shift before its tracks are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    reach_m: f64,
    /// Cost of a square metre.
    cost: f64,
    /// It may be far off as well: the cost of a square metre then, beside [`LEAP`].
    far: Option<f64>,
}

impl Expected {
    /// Given lines that were moved by a registration, if there was one.
    pub fn of(registration: Option<Registration>) -> Self {
        match registration {
            Some(Registration { sd_m, .. }) => {
                let reach_m = (DEVIATIONS * sd_m + LINES_M).min(REGISTRATION_M);
                Self { reach_m, cost: SHIFT_COST / sd_m.powi(2), far: None }
            }
            None => Self { reach_m: REGISTRATION_M, cost: UNKNOWN_COST, far: None },
        }
    }

    /// Of all scenes of a site together, whose georeferences put it where it is to `sd_m`, if neither they nor the lines err all in one
    /// direction; if they do, as far as a single one.
    pub fn of_site(sd_m: f64) -> Self {
        Self { reach_m: REGISTRATION_M, cost: SHIFT_COST / sd_m.powi(2), far: Some(UNKNOWN_COST) }
    }

    /// Cost of a shift of a scene of whose site nothing else is known.
    pub fn cost_alone(&self, [gx, gy]: [f64; 2]) -> f64 {
        self.cost * (gx * gx + gy * gy)
    }

    /// Cost of a shift, where this is the direction across most of the tracks.
    fn cost(&self, [gx, gy]: [f64; 2], [nx, ny]: [f64; 2]) -> f64 {
        let Some(far) = self.far else { return self.cost_alone([gx, gy]) };
        let of = |metres: f64| (self.cost * metres * metres).min(LEAP + far * metres * metres);
        of(gx * nx + gy * ny) + of(gx * ny - gy * nx)
    }
}

/// Track evidence at a point for a line with this tangent.
pub(super) fn support(map: &YardMap, [x, y]: [f64; 2], tangent: [f64; 2]) -> f64 {
    support_of(map.at(x, y).ridge(), tangent)
}

#[inline]
fn support_of([track, cos, sin, _]: Ridge, [tx, ty]: [f64; 2]) -> f64 {
    if track < 0.02 {
        return 0.0;
    }
    let agreement = f64::from(cos) * (tx * tx - ty * ty) + f64::from(sin) * 2.0 * tx * ty;
    f64::from(track) * (0.5 + 0.5 * agreement)
}

/// Shifts that are tried together: a grid of them.
struct Grid {
    /// Along each axis, ascending; at least one.
    axes: [Vec<f64>; 2],
    /// Which of each make a shift.
    shifts: Vec<[usize; 2]>,
}

impl Grid {
    /// So many steps from a shift on either side, as far as they are `wanted`.
    fn around(middle: [f64; 2], step: f64, steps: i32, wanted: impl Fn([f64; 2]) -> bool) -> Self {
        let axes = middle.map(|middle| (-steps..=steps).map(|i| middle + f64::from(i) * step).collect::<Vec<f64>>());
        let side = axes[0].len();
        let all = (0..side * side).map(|i| [i / side, i % side]);
        let shifts = all.filter(|&[i, j]| wanted([axes[0][i], axes[1][j]])).collect();
        Self { axes, shifts }
    }

    fn shifts(&self) -> impl Iterator<Item = [f64; 2]> {
        self.shifts.iter().map(|&[i, j]| [self.axes[0][i], self.axes[1][j]])
    }

    /// Mean evidence of points at each shift. All shifts of a point see the same small part of the map, which is unpacked once.
    fn evidence(&self, points: &[Heading], map: &YardMap) -> Vec<f64> {
        let mut sums = vec![0.0; self.shifts.len()];
        let mut ground = Unpacked::of(map);
        for (point, tangent) in points {
            let places = [0, 1].map(|axis| self.axes[axis].iter().map(|g| point[axis] + g).collect::<Vec<_>>());
            let [[x0, x1], [y0, y1]] = places.each_ref().map(|places| [places[0], places[places.len() - 1]]);
            if !ground.unpack(Area { x0, y0, x1, y1 }) {
                continue;
            }
            let [cols, rows] = places.map(|places| places.into_iter().map(between).collect::<Vec<_>>());
            for (sum, &[i, j]) in sums.iter_mut().zip(&self.shifts) {
                *sum += support_of(ground.between(cols[i], rows[j]), *tangent);
            }
        }
        sums.into_iter().map(|sum| sum / points.len() as f64).collect()
    }
}

/// Aligns given lines.
pub fn align(lines: &[Centreline], map: &YardMap, expected: Expected) -> Aligned {
    let (shift, confidence, other_shift) = shifts(lines, map, expected);
    Aligned { confidence, other_shift, ..aligned_at(lines, map, shift) }
}

/// Aligns lines that lie where they are said to, but for a shift of the scene.
pub fn placed(lines: &[Centreline], map: &YardMap, expected: Expected) -> Aligned {
    let (shift, confidence, other_shift) = shifts(lines, map, expected);
    let lines: Vec<Centreline> = lines.iter().map(|line| line.shifted(shift)).collect();
    Aligned { lines, others: Vec::new(), shift, confidence, other_shift }
}

/// Aligns given lines from a shift on.
pub fn aligned_at(lines: &[Centreline], map: &YardMap, shift: [f64; 2]) -> Aligned {
    let shifted: Vec<Centreline> = lines.iter().map(|line| line.shifted(shift)).collect();
    let (lines, mut others) = follow(&shifted, map);
    others.iter_mut().zip(shifted).for_each(|(others, shifted)| others.push(shifted));
    Aligned { lines, others, shift, confidence: 0.0, other_shift: None }
}

/// The shift that brings given lines onto the evidence, all of them together, and how sure it is ([`Aligned::confidence`]).
pub fn common_shift(lines: &[Centreline], map: &YardMap, expected: Expected) -> ([f64; 2], f64) {
    let (shift, confidence, _) = shifts(lines, map, expected);
    (shift, confidence)
}

/// The same, and the best of those that are another answer.
fn shifts(lines: &[Centreline], map: &YardMap, expected: Expected) -> ([f64; 2], f64, Option<[f64; 2]>) {
    let points: Vec<Heading> = lines
        .iter()
        .filter_map(|line| line.with_step(STEP_M))
        .flat_map(|line| (0..line.points.len()).map(|i| (line.points[i], line.tangent(i))).collect::<Vec<_>>())
        .collect();
    if points.is_empty() {
        return ([0.0; 2], 0.0, None);
    }
    let [nx, ny] = across(&points);
    // So many points are plenty for the coarse search.
    let few: Vec<Heading> = points.iter().step_by((points.len() / COARSE_POINTS).max(1)).copied().collect();
    let tried = |points: &[Heading], grid: &Grid| -> Vec<([f64; 2], f64)> {
        let scored = |(g, evidence)| (g, evidence - expected.cost(g, [nx, ny]));
        grid.shifts().zip(grid.evidence(points, map)).map(scored).collect()
    };
    let n = (expected.reach_m / COARSE_M).floor() as i32;
    let coarsely = tried(&few, &Grid::around([0.0; 2], COARSE_M, n, |g| g[0].hypot(g[1]) <= expected.reach_m));
    let best_of = |tried: &mut dyn Iterator<Item = ([f64; 2], f64)>| {
        tried.fold(([0.0; 2], f64::MIN), |best, t| if t.1 > best.1 { t } else { best })
    };
    let (coarse, value) = best_of(&mut coarsely.iter().copied());
    let apart = |g: [f64; 2]| ((g[0] - coarse[0]) * nx + (g[1] - coarse[1]) * ny).abs() > APART_M;
    let (other, second) = best_of(&mut coarsely.iter().copied().filter(|(g, _)| apart(*g)));
    // Where the place is known too well for another answer, there is none.
    let lead = if second > f64::MIN { value - second } else { SURE };
    // Of an empty map the place that was expected would be sure, more or less so by the way the tracks run.
    let seen = Grid::around(coarse, COARSE_M, 0, |_| true).evidence(&few, map);
    let confidence = if seen[0] < LEAST_EVIDENCE { 0.0 } else { (lead / SURE).clamp(0.0, 1.0) };
    let refined = |coarse: [f64; 2]| {
        let fine = |middle: [f64; 2], steps: i32| tried(&points, &Grid::around(middle, FINE_M, steps, |_| true));
        let (best, value) = best_of(&mut fine(coarse, 4).into_iter());
        // The top of the parabola through the neighbours, along each axis: of three by three the ones beside the middle.
        let near = fine(best, 1);
        [(best[0], near[1].1, near[7].1), (best[1], near[3].1, near[5].1)].map(|(best, a, c)| {
            let bend = a - 2.0 * value + c;
            best + if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) * FINE_M } else { 0.0 }
        })
    };
    let (shift, other) = (refined(coarse), refined(other));
    let is_another = second > f64::MIN && (other[0] - shift[0]).hypot(other[1] - shift[1]) >= ANOTHER_M;
    (shift, confidence, is_another.then_some(other))
}

/// The direction across most of the tracks.
fn across(points: &[Heading]) -> [f64; 2] {
    let (cos, sin) = points.iter().fold((0.0, 0.0), |(c, s), (_, [x, y])| (c + x * x - y * y, s + 2.0 * x * y));
    let heading = f64::atan2(sin, cos) / 2.0;
    [-heading.sin(), heading.cos()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Evidence;

    /// Four parallel lines 5 m apart, turned by an angle about (200, 200).
    fn lines(degrees: f64) -> Vec<Centreline> {
        let (sin, cos) = f64::to_radians(degrees).sin_cos();
        let turned = |x: f64, y: f64| [200.0 + x * cos - y * sin, 200.0 + x * sin + y * cos];
        let line = |k: usize| Centreline::resampled(&[turned(-150.0, 5.0 * k as f64), turned(150.0, 5.0 * k as f64)], 1.0);
        (0..4).filter_map(line).collect()
    }

    /// A map that shows lines, moved.
    fn map(lines: &[Centreline], [dx, dy]: [f64; 2], degrees: f64) -> YardMap {
        let doubled = 2.0 * f64::to_radians(degrees);
        let near = |x: f64, y: f64| {
            let far = |p: &[f64; 2]| (p[0] + dx - x).hypot(p[1] + dy - y);
            lines.iter().flat_map(|line| &line.points).map(far).fold(f64::MAX, f64::min)
        };
        let cells = (30..370).flat_map(|col| (30..370).map(move |row| (col, row)));
        YardMap::of_cells(cells.map(|(col, row)| {
            let track = 0.8 * (-0.5 * (near(col as f64 + 0.5, row as f64 + 0.5) / 0.8).powi(2)).exp() as f32;
            (col, row, Evidence { track, heading: [doubled.cos() as f32, doubled.sin() as f32], ..Evidence::default() })
        }))
    }

    /// Along the axes it was .054, above the least that lets a count stand, and in between .048.
    #[test]
    fn nothing_seen_gives_no_confidence_whichever_way_the_tracks_run() {
        for degrees in [0.0, 45.0, 90.0] {
            let (shift, confidence) = common_shift(&lines(degrees), &YardMap::of_cells([]), Expected::of(None));
            assert_eq!((shift, confidence), ([0.0; 2], 0.0), "{degrees}");
        }
    }

    /// The shift followed lines drawn 0.8 m off through 60 images that knew better.
    #[test]
    fn the_more_images_know_a_site_the_less_its_drawn_tracks_move_it() {
        let (few, many) = (share_of_place(REGISTRATION_SD_M), share_of_place(0.4));
        assert!(many < 0.1 && few > 0.6, "{many} {few}");
        let drawn_off = |metres: f64| error_of_tracks([0.0, metres], 0.4)[1];
        assert!(drawn_off(1.4) > 1.2 && drawn_off(-1.6) < -1.2, "no step at a standard deviation");
        assert_eq!(drawn_off(5.0), 0.0, "all georeferences err in one direction");
    }

    /// Edges are placed to a third of a metre, worse from aslant, and of what a scene's tracks knew better a twentieth was heard.
    #[test]
    fn what_a_scene_shows_its_tracks_off_beyond_what_all_scenes_do_is_its_own_error() {
        let registration =
            Registration { shift_m: [3.0, 1.0], turn: None, sd_m: 0.4, tracks_error_m: Some([0.8, -0.4]), confidence: 1.0 };
        let near = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).hypot(b - d) < 1e-9;
        assert!(near(registration.shift_of_scene([-0.5, 0.25], 1.0), [1.7, 1.65]));
        assert!(near(registration.shift_of_scene([-0.5, 0.25], 0.0), [2.2, 1.4]), "what is not sure moves nothing");
        let unknown = Registration { tracks_error_m: None, ..registration };
        assert!((unknown.shift_of_scene([-0.5, 0.25], 1.0)[0] - 3.0).abs() < 0.05);
    }

    /// A place known to a few decimetres has no other within its reach, and what was seen of the tracks was never sure.
    #[test]
    fn tracks_that_are_seen_where_they_must_be_are_sure_and_unseen_ones_are_not() {
        let registration = Registration { shift_m: [0.0; 2], turn: None, sd_m: 0.3, tracks_error_m: None, confidence: 1.0 };
        let (expected, lines) = (Expected::of(Some(registration)), lines(0.0));
        let (shift, confidence) = common_shift(&lines, &map(&lines, [0.0, 0.3], 0.0), expected);
        assert!((shift[1] - 0.3).abs() < 0.25 && confidence == 1.0, "{shift:?} {confidence}");
        assert_eq!(common_shift(&lines, &YardMap::of_cells([]), expected).1, 0.0);
    }

    /// Evidence alone does not tell two of four tracks from the next two; the place that they were given does.
    #[test]
    fn some_of_the_tracks_of_a_yard_are_sure_enough() {
        let all = lines(0.0);
        let (shift, confidence) = common_shift(&all[1..3], &map(&all, [0.0; 2], 0.0), Expected::of(None));
        assert!(shift[1].abs() < 0.6 && confidence > 0.05, "{shift:?} {confidence}");
    }

    /// Cars with dull roofs left little of their tracks on the map, and the yard was looked for on the bare tracks beside.
    #[test]
    fn the_next_best_place_is_stated_where_the_best_may_be_a_track_off() {
        let all = lines(0.0);
        let (dull, bare) = (map(&all[..2], [0.0; 2], 0.0), map(&all[..2], [0.0, 5.0], 0.0));
        let cells = (30..370).flat_map(|col| (30..370).map(move |row| (col, row))).map(|(col, row)| {
            let at = |map: &YardMap| map.at(col as f64 + 0.5, row as f64 + 0.5);
            (col, row, Evidence { track: (0.7 * at(&dull).track).max(at(&bare).track), ..at(&bare) })
        });
        let aligned = align(&all[..2], &YardMap::of_cells(cells), Expected::of(None));
        let other = aligned.other_shift.expect("there is another");
        assert!((aligned.shift[1] - 5.0).abs() < 0.6 && aligned.shift[0].abs() < 1.0, "{:?}", aligned.shift);
        assert!((other[1] - 0.0).abs() < 0.6 && other[0].abs() < 1.0, "{other:?}");
    }

    #[test]
    fn lines_that_all_scenes_show_elsewhere_are_found_there_and_not_one_track_off() {
        for degrees in [0.0, 30.0] {
            let lines = lines(degrees);
            let (sin, cos) = f64::to_radians(degrees).sin_cos();
            // The map has cells of a metre.
            for across in [0.3, 4.0, -8.0] {
                let map = map(&lines, [-across * sin, across * cos], degrees);
                let (shift, confidence) = common_shift(&lines, &map, Expected::of_site(0.5));
                let (along, found) = (shift[0] * cos + shift[1] * sin, shift[1] * cos - shift[0] * sin);
                assert!(
                    (found - across).abs() < 0.5 && along.abs() < 1.0 && confidence > 0.25,
                    "{across}: {shift:?} {confidence}"
                );
            }
        }
    }
}

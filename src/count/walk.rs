//! Along one track: strip, columns, segments, vehicles.

use super::Vehicle;
use super::debug::Debug;
use super::site::Ground;
use super::usual::Likeness;
use crate::error::Result;
use crate::segment::class::classify;
use crate::segment::columns::{COLUMN_M, Column, Reading};
use crate::segment::semi_markov::{Segment, segment};
use crate::segment::side_by_side::Footprint;
use crate::segment::stock;
use crate::threshold::network::Maps;
use crate::threshold::spare::Spares;
use crate::threshold::{Plane, YardMap};
use crate::track::beside::{Heading, ends};
use crate::track::line::smoothed;
use crate::track::strip::ALONG_M;
use crate::track::{self, Centreline};

/// Width of a body, metres: 2.9 to 3.3 m everywhere in the world.
const BODY_WIDTH_M: f64 = 3.1;
/// A car is believed only when a body at its middle is at least this probable.
const BELIEVED: f64 = 0.5;
/// A strip whose columns are centred on a track less than this, on average under a car, holds no car of that track.
const ON_TRACK: f64 = 0.30;
/// Where nothing longer than this seems to stand, metres, a second look finds no car either: of eight scenes' lines without an occupied stretch of
/// a metre, 42 % of all that was found, two in a thousand held one of four metres after it.
const SHORTEST_M: f64 = 1.0;
/// A car whose centre lies this far from the strip's axis belongs to another track, metres.
const OFF_AXIS_M: f64 = 1.6;
/// How often a line is brought nearer to its centre; and the pull, in columns, that keeps it where nothing is seen.
const RECENTRINGS: usize = 2;
const STEADY: f64 = 0.7;
/// How far from its track the centre of a car is seen at most, metres, where the track's place is known: the view displaces roofs by a metre and more. Of
/// 5,800 cars of ten rendered series, seen up to 25 degrees from the vertical, eight lie further; of 165 that were none, 71.
const BESIDE_M: f64 = 2.0;
/// A line that is nowhere further from its centre than this is not moved, metres. Found lines: a quarter of the distance of a strip's samples. Given
/// lines are aligned to a quarter of a metre; what lies nearer is noise to them, and roofs that the view displaces.
const SETTLED_M: f64 = 0.1;
const GIVEN_SETTLED_M: f64 = 0.25;
/// Half the length over which a line is brought to the centre that its own strip shows, metres: about one car.
const RECENTRE_M: f64 = 8.0;
/// A found line that ends among cars, which stand on most of so much of it, is drawn on by so much at a time, so often: metres. It stays so near to the
/// straight line onwards (a curve of 850 m radius over all of it).
const AT_END_M: f64 = 12.0;
pub const ONWARD_M: f64 = 40.0;
pub const ONWARD_STEPS: usize = 4;
const ASTRAY_M: f64 = 15.0;
/// The largest move of a line to its centre in one round, metres; and in all, if it goes on.
const MOVE_M: f64 = 1.5;
const MOST_MOVED_M: f64 = RECENTRINGS as f64 * MOVE_M;
/// How far from a line a walk along it looks at pixels, metres, at most: half a strip (6.2 m), and four times the largest move of the line
/// (1.5 m: twice when it is centred, and twice again when it goes on), with something to spare. The pixels within this must be in the plane.
pub const REACH_M: f64 = 16.0;
/// Weight of the yard map's ridge in a track's score.
const RIDGE_WEIGHT: f64 = 5.0;
/// A stretch of a found line is a track for certain when its columns look like one at least this much over this length, metres.
const SURE: f64 = 0.6;
const SURE_M: f64 = 30.0;

/// A car on its track, before neighbouring tracks have been heard.
pub struct Candidate {
    /// The vehicle; its numbers in the scene are given later.
    pub vehicle: Vehicle,
    /// Its place and its claim to it.
    pub footprint: Footprint,
    /// Whether it is coupled to the one before it on its track.
    pub coupled: bool,
    /// Log odds that it is rolling stock.
    pub stock: f64,
}

/// Where a line may go on beyond an end: from there, by so many steps of [`ONWARD_M`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onward {
    /// The end, as the line was given or found.
    pub from: Heading,
    /// At most [`ONWARD_STEPS`].
    pub steps: usize,
}

/// What a walk looks at.
pub struct Walk<'a> {
    /// The pixels.
    pub plane: &'a Plane,
    /// The yard map.
    pub map: &'a YardMap,
    /// Pixels, metres and degrees.
    pub ground: &'a Ground<'a>,
    /// Whether the tracks were found in the image, and must show themselves as such.
    pub found: bool,
    /// Whether the tracks lie where they are said to: see [`super::site::Site::placed`].
    pub placed: bool,
    /// Where pictures go.
    pub debug: Option<&'a Debug>,
    /// Memory for what the strip network makes of a strip.
    pub spares: &'a Spares,
}

impl Walk<'_> {
    /// Finds the cars of one track, of which several lines are possible; the one whose strip looks most like a track is taken
    /// and brought to its centre; where it may go on `onward` from an end, it does so as long as cars stand there.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn along(&self, possible: &[&Centreline], onward: [Option<Onward>; 2], track: usize) -> Result<Walked> {
        let looks = possible.iter().filter_map(|line| self.look(line.with_step(ALONG_M)?));
        let best = looks.reduce(|best, look| if look.score() > best.score() { look } else { best });
        let Some(look) = best else {
            let line = possible.first().map_or_else(Centreline::default, |&line| line.clone());
            return Ok(Walked { line, ..Walked::default() });
        };
        // A line that was found and holds nothing is not looked at any more closely.
        let Look { line, strip, reading, columns, .. } =
            if self.found && is_bare(&look.columns) { look } else { self.continued(self.centred(look), onward) };
        let columns =
            if is_bare(&columns) { columns } else { self.spares.with(|spare| reading.and_back(&strip, spare)).columns() };
        let seen = columns.iter().filter(|column| column.seen).count() as f64 / columns.len().max(1) as f64;
        let cars = segment(&columns).cars;
        if let Some(debug) = self.debug {
            debug.strip(track, &strip, &columns, &cars)?;
        }
        let bare = stock::bare(&columns);
        let candidates = cars.iter().filter_map(|car| candidate(self, &line, (&columns, bare), car, track));
        let candidates: Vec<Candidate> = candidates
            .filter(|car| !self.placed || possible.iter().any(|line| may_stand_on(line, car.footprint.centre)))
            .collect();
        let (sure, score) =
            if self.found { (sure(&line, &columns), self.track_score(&line, &columns)) } else { (Vec::new(), 0.0) };
        Ok(Walked {
            candidates,
            usual: Vec::new(),
            likenesses: Vec::new(),
            seen,
            line,
            sure,
            score,
            full: at_ends(&columns, AT_END_M),
            off_axis: off_axis(&columns),
            doubtful_m: doubtful(&columns),
        })
    }

    /// Expected number of a line's columns that are centred on a track, and the number of those that were seen.
    pub fn on_track(&self, line: &Centreline) -> [f64; 2] {
        let look = line.with_step(ALONG_M).and_then(|line| self.look(line));
        look.map_or([0.0; 2], |look| [look.score(), look.columns.iter().filter(|column| column.seen).count() as f64])
    }

    /// How much a line that holds cars looks like a track there: how sure the strip network is under the cars (log odds), over what
    /// length, and how clear the ridge is on the yard map. Rows of containers or lorries are short, and every stretch of them is
    /// doubtful.
    fn track_score(&self, line: &Centreline, columns: &[Column]) -> f64 {
        let occupied: Vec<f64> =
            columns.iter().filter(|column| column.is_occupied()).map(|column| f64::from(column.on_track)).collect();
        let under = (occupied.iter().sum::<f64>() / occupied.len().max(1) as f64).clamp(1e-4, 1.0 - 1e-4);
        let ridge = line.points.iter().map(|p| f64::from(self.map.at(p[0], p[1]).track)).sum::<f64>() / line.points.len() as f64;
        (under / (1.0 - under)).ln() + (line.length() / 100.0).ln() + RIDGE_WEIGHT * (ridge - 0.5)
    }

    /// What is seen along a line with points every [`ALONG_M`]; nothing along a line without length.
    fn look(&self, line: Centreline) -> Option<Look> {
        let strip = track::strip::strip(self.plane, &line);
        let reading = self.spares.with(|spare| Reading::of(&strip, spare));
        let columns = reading.columns();
        (!columns.is_empty()).then_some(Look { line, strip, reading, columns, moved_m: 0.0 })
    }

    /// The line brought to the centre that its own strip shows (look, move, look again).
    fn centred(&self, mut look: Look) -> Look {
        let settled = if self.found { SETTLED_M } else { GIVEN_SETTLED_M };
        for _ in 0..RECENTRINGS {
            let offsets = to_centre(&look.line, &look.columns);
            if offsets.iter().all(|offset| offset.abs() < settled) {
                break;
            }
            let Some(next) = look.line.moved(&offsets).with_step(ALONG_M).and_then(|line| self.look(line)) else { break };
            let moved_m = look.moved_m + offsets.iter().fold(0.0, |most: f64, offset| most.max(offset.abs()));
            look = Look { moved_m, ..next };
        }
        look
    }

    /// The line drawn on beyond an end at which cars stand, as long as cars stand there, and it keeps to the ground of which the pixels are known.
    fn continued(&self, mut look: Look, onward: [Option<Onward>; 2]) -> Look {
        for (end, onward) in onward.into_iter().enumerate() {
            let Some(Onward { from, steps }) = onward else { continue };
            for _ in 0..steps {
                if !at_ends(&look.columns, AT_END_M)[end] {
                    break;
                }
                let mut metres = [0.0; 2];
                metres[end] = ONWARD_M;
                let drawn_on = look.line.drawn_on(metres).filter(|line| !astray(line, end, from));
                let Some(next) = drawn_on.and_then(|line| self.look(line)) else { break };
                let next = self.centred(Look { moved_m: look.moved_m, ..next });
                if !at_ends(beyond(&next.columns, end), AT_END_M)[1 - end]
                    || astray(&next.line, end, from)
                    || next.moved_m > MOST_MOVED_M
                {
                    break;
                }
                look = next;
            }
        }
        look
    }
}

/// What is new of a line that was drawn on at an end.
fn beyond(columns: &[Column], end: usize) -> &[Column] {
    let new = ((ONWARD_M / COLUMN_M) as usize).min(columns.len());
    if end == 0 { &columns[..new] } else { &columns[columns.len() - new..] }
}

/// Whether a line ends too far from the straight line onwards from where it ended at first.
fn astray(line: &Centreline, end: usize, ([x, y], [tx, ty]): Heading) -> bool {
    ends(line).nth(end).is_some_and(|(point, _)| ((point[0] - x) * ty - (point[1] - y) * tx).abs() > ASTRAY_M)
}

/// Whether something stands within so many metres of the first and of the last column, over half of that length.
fn at_ends(columns: &[Column], metres: f64) -> [bool; 2] {
    let number = ((metres / COLUMN_M) as usize).min(columns.len());
    let full = |part: &[Column]| 2 * part.iter().filter(|column| column.is_occupied()).count() > number;
    [full(&columns[..number]), full(&columns[columns.len() - number..])]
}

/// What is seen along a line.
struct Look {
    line: Centreline,
    strip: Maps,
    reading: Reading,
    columns: Vec<Column>,
    /// How far the line has been moved, at most, since it was given or found, metres.
    moved_m: f64,
}

impl Look {
    /// How much it looks like a track: the expected number of columns centred on one.
    fn score(&self) -> f64 {
        self.columns.iter().filter(|column| column.seen).map(|column| f64::from(column.on_track)).sum()
    }
}

/// What a walk along a track found.
#[derive(Default)]
pub struct Walked {
    /// The cars.
    pub candidates: Vec<Candidate>,
    /// Centres of what looks like a car on it and is always there ([`super::usual`]), metres.
    pub usual: Vec<[f64; 2]>,
    /// How much its cars look as their places always do, those of which that is known.
    pub likenesses: Vec<Likeness>,
    /// Share of the track's length that was seen.
    pub seen: f64,
    /// The line on which they were found.
    pub line: Centreline,
    /// Of a found line the stretches that are surely a track.
    pub sure: Vec<Centreline>,
    /// How much a found line looks like a track where it holds cars; see [`super::belief`].
    pub score: f64,
    /// Whether cars stand at its first and at its last point, where it may go on.
    pub full: [bool; 2],
    /// How far from its axis its strip shows the middle of what stands there, metres: mean over its occupied columns.
    pub off_axis: f64,
    /// Length of it that the strip network may have got wrong: the expected length of columns that are occupied and taken for empty, or the
    /// reverse, metres.
    pub doubtful_m: f64,
}

/// Whether a car at a point may stand on a track that lies where it is said to, or beyond its end, where it may go on.
fn may_stand_on(track: &Centreline, [x, y]: [f64; 2]) -> bool {
    let far = |point: &[f64; 2]| (point[0] - x).hypot(point[1] - y);
    let (nearest, metres) =
        track.points.iter().map(far).enumerate().fold((0, f64::MAX), |best, at| if at.1 < best.1 { at } else { best });
    nearest == 0 || nearest + 1 == track.points.len() || metres <= BESIDE_M
}

/// See [`Walked::doubtful_m`].
fn doubtful(columns: &[Column]) -> f64 {
    let seen = columns.iter().filter(|column| column.seen);
    seen.map(|column| f64::from(column.state[0].exp())).map(|empty| empty.min(1.0 - empty)).sum::<f64>() * COLUMN_M
}

/// Stretches of a line whose columns look like a track, at least [`SURE_M`] long.
fn sure(line: &Centreline, columns: &[Column]) -> Vec<Centreline> {
    let per_column = (COLUMN_M / line.step).round() as usize;
    let seen = |column: &Column| if column.seen { f64::from(column.on_track) } else { 0.0 };
    let looks = smoothed(&columns.iter().map(seen).collect::<Vec<_>>(), (SURE_M / 2.0 / COLUMN_M) as usize);
    let mut stretches = Vec::new();
    let mut from = 0;
    while from < looks.len() {
        let length = looks[from..].iter().take_while(|&&p| p >= SURE).count();
        if length as f64 * COLUMN_M >= SURE_M {
            stretches.push(line.part(from * per_column, ((from + length) * per_column).min(line.points.len() - 1)));
        }
        from += length.max(1);
    }
    stretches
}

/// Whether nothing as long as [`SHORTEST_M`] seems to stand on a track.
fn is_bare(columns: &[Column]) -> bool {
    columns.split(|column| !column.is_occupied()).all(|run| (run.len() as f64) * COLUMN_M < SHORTEST_M)
}

/// See [`Walked::off_axis`].
fn off_axis(columns: &[Column]) -> f64 {
    let occupied = columns.iter().filter(|column| column.is_occupied());
    let (sum, number) = occupied.fold((0.0, 0.0), |(sum, number), column| (sum + f64::from(column.offset_m.abs()), number + 1.0));
    if number > 0.0 { sum / number } else { 0.0 }
}

/// How far each point of a line must move to where its columns see the centre of the track, smoothed over [`RECENTRE_M`]: metres to the
/// right.
fn to_centre(line: &Centreline, columns: &[Column]) -> Vec<f64> {
    // Columns that see no track have no say; a slight pull to the given line steadies stretches without any.
    let weight = |column: &Column| if column.seen { f64::from(column.on_track).powi(2) } else { 0.0 };
    let reach = (RECENTRE_M / COLUMN_M) as usize;
    let sum = |values: Vec<f64>| {
        let mut total = vec![0.0];
        for value in values {
            total.push(total[total.len() - 1] + value);
        }
        total
    };
    let weights = sum(columns.iter().map(weight).collect());
    let pulls = sum(columns.iter().map(|column| weight(column) * f64::from(column.offset_m).clamp(-MOVE_M, MOVE_M)).collect());
    let moved: Vec<f64> = (0..columns.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(columns.len()));
            (pulls[to] - pulls[from]) / (weights[to] - weights[from] + STEADY)
        })
        .collect();
    let moved = smoothed(&moved, reach / 2);
    let per_column = (COLUMN_M / line.step).round() as usize;
    let offsets: Vec<f64> = (0..line.points.len()).map(|i| moved[(i / per_column).min(moved.len() - 1)]).collect();
    smoothed(&offsets, 2 * per_column)
}

fn candidate(
    walk: &Walk,
    line: &Centreline,
    (columns, bare): (&[Column], f64),
    car: &Segment,
    track: usize,
) -> Option<Candidate> {
    let Walk { plane, map, ground, .. } = walk;
    let body = &columns[car.from..car.to];
    let mean = |value: fn(&Column) -> f32| body.iter().map(|column| f64::from(value(column))).sum::<f64>() / body.len() as f64;
    let offset = mean(|column| column.offset_m);
    let on_track = mean(|column| column.on_track);
    if car.existence < BELIEVED || on_track < ON_TRACK || offset.abs() > OFF_AXIS_M {
        return None;
    }
    let per_column = (COLUMN_M / line.step).round() as usize;
    let (first, last) = (car.from * per_column, (car.to * per_column).min(line.points.len() - 1));
    let at = |index: usize| {
        let ([x, y], [tx, ty]) = (line.points[index], line.tangent(index));
        [x - ty * offset, y + tx * offset]
    };
    // A body is rigid: its axis is the chord.
    let (a, b) = (at(first), at(last));
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx.hypot(dy).max(1e-6);
    let axis = [dx / length, dy / length];
    let middle = at((first + last) / 2);
    // A column begins half a sample before the first of its two.
    let centre = [0, 1].map(|k| (a[k] + b[k]) / 4.0 + middle[k] / 2.0 - ALONG_M / 2.0 * axis[k]);
    let (class, _) = classify(body);
    let roof = (0..9).filter_map(|k| {
        let t = (f64::from(k) / 8.0 - 0.5) * 0.7 * length;
        plane.colour(centre[0] + axis[0] * t, centre[1] + axis[1] * t)
    });
    let (mut colour, mut n) = ([0.0f32; 3], 0.0f32);
    for sample in roof {
        (0..3).for_each(|i| colour[i] += sample[i]);
        n += 1.0;
    }
    let body_seen = map.at(centre[0], centre[1]).body;
    let claim = body.iter().map(|column| f64::from(column.state[1] - column.state[0]).clamp(-3.0, 3.0)).sum::<f64>() * on_track
        + f64::from(body_seen);
    let corner = |along: f64, across: f64| {
        let (u, v) = (along * length / 2.0, across * BODY_WIDTH_M / 2.0);
        ground.to_pixel([centre[0] + axis[0] * u - axis[1] * v, centre[1] + axis[1] * u + axis[0] * v])
    };
    let [col, row] = ground.to_pixel(centre);
    let vehicle = Vehicle {
        id: 0,
        class,
        confidence: (car.existence * (0.6 + 0.4 * car.probability)).clamp(0.0, 1.0),
        length_m: length,
        width_m: BODY_WIDTH_M,
        heading_deg: ground.heading_deg(centre, axis),
        track,
        string: 0,
        col,
        row,
        corners: [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)],
        colour: colour.map(|v| (v / n.max(1.0) * 255.0).clamp(0.0, 255.0) as u8),
    };
    Some(Candidate {
        vehicle,
        footprint: Footprint { centre, axis, length, claim, track },
        coupled: car.coupled,
        stock: stock::log_odds(columns, car.from, car.to, bare),
    })
}

#[cfg(test)]
impl Candidate {
    /// A gondola of 14 m that heads east.
    pub fn example(confidence: f64, stock: f64, centre: [f64; 2]) -> Self {
        let vehicle = Vehicle {
            id: 0,
            class: crate::segment::Class::Gondola,
            confidence,
            length_m: 14.0,
            width_m: BODY_WIDTH_M,
            heading_deg: 90.0,
            track: 0,
            string: 0,
            col: centre[0],
            row: centre[1],
            corners: [[0.0; 2]; 4],
            colour: [0; 3],
        };
        let footprint = Footprint { centre, axis: [1.0, 0.0], length: 14.0, claim: 1.0, track: 0 };
        Self { vehicle, footprint, coupled: false, stock }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_two_metres_beside_a_track_is_no_car_of_it() {
        let track = Centreline::resampled(&[[0.0, 0.0], [100.0, 0.0]], 1.0).unwrap();
        assert!(may_stand_on(&track, [50.5, 1.9]) && !may_stand_on(&track, [50.5, -2.1]));
        assert!(may_stand_on(&track, [107.0, 3.0]), "the track goes on where cars stand at its end");
    }

    #[test]
    fn a_line_is_bare_where_nothing_longer_than_a_metre_seems_to_stand() {
        let column = |occupied: f32| {
            let state = [(1.0 - occupied).ln(), occupied.ln(), -20.0];
            Column { state, class: [0.0; 7], body: [0.0; 7], stock: [0.0; 3], on_track: 0.9, offset_m: 0.0, seen: true }
        };
        let line = |occupied: &[f32]| occupied.iter().map(|&occupied| column(occupied)).collect::<Vec<_>>();
        assert!(is_bare(&line(&[0.1; 40])) && is_bare(&line(&[0.9, 0.1, 0.9, 0.1])) && is_bare(&[]));
        assert!(!is_bare(&line(&[0.1, 0.9, 0.6, 0.1])));
        assert!(is_bare(
            &line(&[0.1, 0.9, 0.6, 0.1]).into_iter().map(|column| Column { seen: false, ..column }).collect::<Vec<_>>()
        ));
    }

    #[test]
    fn a_line_goes_on_from_an_end_that_is_mostly_full_and_not_far_astray() {
        let column = |occupied: bool| {
            let state = if occupied { [-5.0, -0.01, -9.0] } else { [-0.01, -5.0, -9.0] };
            Column { state, class: [0.0; 7], body: [0.0; 7], stock: [0.0; 3], on_track: 0.9, offset_m: 0.0, seen: true }
        };
        // 100 m: empty but for the last 7 m, with a coupling at 3 m.
        let columns: Vec<Column> = (0..200).map(|i| column(i >= 186 && !(192..194).contains(&i))).collect();
        assert_eq!(at_ends(&columns, AT_END_M), [false, false], "6 of 12 m");
        assert_eq!(at_ends(&columns, 10.0), [false, true]);
        assert_eq!(at_ends(beyond(&columns, 1), AT_END_M), [false, false]);
        assert_eq!(at_ends(&columns[..4], AT_END_M), [false; 2], "shorter than that");
        let line = |to: f64| Centreline::resampled(&[[0.0, 0.0], [100.0, 0.0], [200.0, to]], ALONG_M).unwrap();
        let from = ([100.0, 0.0], [1.0, 0.0]);
        assert!(!astray(&line(10.0), 1, from) && astray(&line(20.0), 1, from) && !astray(&line(20.0), 0, from));
    }

    #[test]
    fn columns_that_may_be_either_are_doubtful_and_those_not_seen_are_not() {
        let column = |empty: f32, seen: bool| {
            let state = [empty.ln(), (1.0 - empty).ln(), -20.0];
            Column { state, class: [0.0; 7], body: [0.0; 7], stock: [0.0; 3], on_track: 1.0, offset_m: 0.0, seen }
        };
        let metres = |column: Column| doubtful(&vec![column; 100]);
        assert!((metres(column(0.5, true)) - 25.0).abs() < 1e-3, "half of 50 m");
        assert!((metres(column(0.9, true)) - 5.0).abs() < 1e-3 && (metres(column(0.1, true)) - 5.0).abs() < 1e-3);
        assert_eq!(metres(column(0.5, false)), 0.0);
    }

    #[test]
    fn only_stretches_that_look_like_a_track_all_along_are_sure() {
        let columns: Vec<Column> = (0..400)
            .map(|i| {
                // 60 m of track, 40 m of road, 20 m of track, road.
                let on_track = if i < 120 || (200..240).contains(&i) { 0.95 } else { 0.05 };
                Column { state: [0.0; 3], class: [0.0; 7], body: [0.0; 7], stock: [0.0; 3], on_track, offset_m: 0.0, seen: true }
            })
            .collect();
        let line = Centreline::resampled(&[[0.0, 0.0], [200.0, 0.0]], ALONG_M).unwrap();
        let sure = sure(&line, &columns);
        assert_eq!(sure.len(), 1, "{:?}", sure.iter().map(Centreline::length).collect::<Vec<_>>());
        assert!((50.0..70.0).contains(&sure[0].length()), "{}", sure[0].length());
        assert!(sure[0].points[0][0] < 8.0);
    }
}

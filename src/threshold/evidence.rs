//! The yard map: one-metre evidence of track, car body, heading and cloud over the parts of a scene where something was seen.
//!
//! A scene of 2,500 km2 has 2.5 billion square metres, of which a few in a thousand show anything like a track. So evidence is kept in
//! small squares, and only in those in which the track evidence of some square metre reaches 0.1. What is kept does not depend on the order
//! in which patches come.

use std::collections::BTreeMap;
use std::ops::Range;

use super::clarity::Clarity;
use crate::tile::{Area, Core, PATCH_M, PlaceMap};

/// Side of the squares of evidence that are kept or not, metres.
const SQUARE_M: usize = 16;
/// Squares along the side of a patch.
const SQUARES: usize = PATCH_M / SQUARE_M;
/// A square is kept when its track evidence reaches this somewhere: a walk ends at a mean of 0.13. Of noise, 1.3 % of the squares do; in a
/// dense rendered yard and a dense real one 19 and 42 %, where 16 and 38 % reach 0.45, at which a track may start.
const LEAST_TRACK: f32 = 0.1;
/// Cloud probability from which the ground counts as hidden; a square that is not kept is remembered as hidden when its mean is above it.
/// Clear scenes stay below 0.2; under thin cloud, where every other car is missed, it is seldom above a half.
pub const HIDDEN: f32 = 0.25;

/// What the network says of one square metre.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Nearness of a track's centre line: 1 on it, falling off with a standard deviation of 0.8 m.
    pub track: f32,
    /// Probability of a car's roof.
    pub body: f32,
    /// Cosine and sine of twice the heading (x to the right, y down).
    pub heading: [f32; 2],
    /// Probability that a cloud hides the ground.
    pub cloud: f32,
}

/// Of the [`Evidence`] of a square metre the track and the heading; the last number fills a vector up.
pub type Ridge = [f32; 4];

impl Evidence {
    /// The track and the heading alone.
    #[inline]
    pub fn ridge(&self) -> Ridge {
        [self.track, self.heading[0], self.heading[1], 0.0]
    }
}

/// [`Evidence`] as it is kept: 8 bytes instead of 20, a step finer than the network is sure of.
#[derive(Debug, Clone, Copy)]
struct Packed {
    track: u16,
    heading: [i16; 2],
    body: u8,
    cloud: u8,
}

impl Packed {
    fn of(evidence: Evidence) -> Self {
        // Casts of floats saturate.
        Self {
            track: (evidence.track * f32::from(u16::MAX) + 0.5) as u16,
            heading: evidence.heading.map(|v| (v * f32::from(i16::MAX)).round() as i16),
            body: (evidence.body * 255.0 + 0.5) as u8,
            cloud: (evidence.cloud * 255.0 + 0.5) as u8,
        }
    }

    #[inline]
    fn evidence(self) -> Evidence {
        let [track, cos, sin, _] = self.ridge();
        Evidence { track, body: f32::from(self.body) / 255.0, heading: [cos, sin], cloud: f32::from(self.cloud) / 255.0 }
    }

    #[inline]
    fn ridge(self) -> Ridge {
        const TRACK: f32 = u16::MAX as f32;
        const HEADING: f32 = i16::MAX as f32;
        let [cos, sin] = self.heading;
        [f32::from(self.track) / TRACK, f32::from(cos) / HEADING, f32::from(sin) / HEADING, 0.0]
    }
}

type Square = Option<Box<[Packed; SQUARE_M * SQUARE_M]>>;

/// One-metre evidence over the parts of a scene that were looked at.
#[derive(Debug, Default)]
pub struct YardMap {
    patches: PlaceMap<[Square; SQUARES * SQUARES]>,
    /// Squares that are not kept but lie under cloud, a bit for each of a patch's.
    hidden: BTreeMap<(i64, i64), u16>,
    /// Patches in which the ground cannot be made out.
    unclear: BTreeMap<(i64, i64), Clarity>,
    squares: usize,
}

impl YardMap {
    /// Adds a patch with the evidence of its square metres, row by row.
    pub fn insert(&mut self, patch: Core, evidence: &[Evidence], clarity: Clarity) {
        if clarity != Clarity::Clear {
            self.unclear.insert((patch.row, patch.col), clarity);
        }
        let mut squares: [Square; SQUARES * SQUARES] = Default::default();
        let mut hidden = 0u16;
        for (number, square) in squares.iter_mut().enumerate() {
            let (row, col) = (number / SQUARES * SQUARE_M, number % SQUARES * SQUARE_M);
            let at = |i: usize| evidence.get((row + i / SQUARE_M) * PATCH_M + col + i % SQUARE_M).copied().unwrap_or_default();
            let cells: [Evidence; SQUARE_M * SQUARE_M] = std::array::from_fn(at);
            if cells.iter().any(|cell| cell.track >= LEAST_TRACK) {
                *square = Some(Box::new(cells.map(Packed::of)));
                self.squares += 1;
            } else if cells.iter().map(|cell| cell.cloud).sum::<f32>() > HIDDEN * cells.len() as f32 {
                hidden |= 1 << number;
            }
        }
        if squares.iter().any(Option::is_some) {
            self.patches.insert((patch.row, patch.col), squares);
        }
        if hidden != 0 {
            self.hidden.insert((patch.row, patch.col), hidden);
        }
    }

    /// Takes the tracks within `reach` metres of the given points off the map.
    pub fn clear<'a>(&mut self, points: impl IntoIterator<Item = &'a [f64; 2]>, reach: f64) {
        for [x, y] in points {
            let [from, to] = [-reach, reach].map(|r| ((x + r).floor() as i64, (y + r).floor() as i64));
            for (row, col) in (from.1..=to.1).flat_map(|row| (from.0..=to.0).map(move |col| (row, col))) {
                if (col as f64 + 0.5 - x).hypot(row as f64 + 0.5 - y) <= reach
                    && let Some(cell) = self.kept(col, row)
                {
                    cell.track = 0;
                }
            }
        }
    }

    fn kept(&mut self, col: i64, row: i64) -> Option<&mut Packed> {
        let (key, number, [r, c]) = place(col, row);
        let cells = self.patches.get_mut(&key)?[number].as_mut()?;
        Some(&mut cells[r * SQUARE_M + c])
    }

    /// A map of cells that are already known, as (column, row, evidence).
    pub fn of_cells(cells: impl IntoIterator<Item = (i64, i64, Evidence)>) -> Self {
        let side = PATCH_M as i64;
        let mut patches: BTreeMap<(i64, i64), Vec<Evidence>> = BTreeMap::new();
        for (col, row, evidence) in cells {
            let key = (row.div_euclid(side), col.div_euclid(side));
            let patch = patches.entry(key).or_insert_with(|| vec![Evidence::default(); PATCH_M * PATCH_M]);
            patch[(row.rem_euclid(side) * side + col.rem_euclid(side)) as usize] = evidence;
        }
        let mut map = Self::default();
        patches.iter().for_each(|(&(row, col), evidence)| map.insert(Core { row, col }, evidence, Clarity::Clear));
        map
    }

    /// Bytes that the map takes.
    pub fn bytes(&self) -> usize {
        // A tree's nodes are at least half full, a hash table has one place in eight too many.
        let entry = |value: usize| 2 * (size_of::<(i64, i64)>() + value);
        self.squares * SQUARE_M * SQUARE_M * size_of::<Packed>()
            + self.patches.capacity() * 8 / 7 * size_of::<((i64, i64), [Square; SQUARES * SQUARES])>()
            + self.hidden.len() * entry(size_of::<u16>())
            + self.unclear.len() * entry(size_of::<Clarity>())
    }

    /// How clear the ground about a point is.
    pub fn clarity(&self, x: f64, y: f64) -> Clarity {
        let (key, ..) = place(x.floor() as i64, y.floor() as i64);
        self.unclear.get(&key).copied().unwrap_or(Clarity::Clear)
    }

    /// Evidence of the square metre with this column and row (metres from the scene's corner); none where nothing was seen.
    pub fn cell(&self, col: i64, row: i64) -> Evidence {
        self.packed(col, row).evidence()
    }

    fn packed(&self, col: i64, row: i64) -> Packed {
        let (key, number, [r, c]) = place(col, row);
        if let Some(cells) = self.square(key, number) {
            return cells[r * SQUARE_M + c];
        }
        let hidden = self.hidden.get(&key).is_some_and(|hidden| hidden >> number & 1 == 1);
        Packed { track: 0, heading: [0; 2], body: 0, cloud: if hidden { u8::MAX } else { 0 } }
    }

    fn square(&self, key: (i64, i64), number: usize) -> Option<&[Packed; SQUARE_M * SQUARE_M]> {
        self.patches.get(&key)?[number].as_deref()
    }

    /// The cells of two columns and two rows from here on, row by row.
    fn four_cells(&self, col: i64, row: i64) -> [Packed; 4] {
        let (key, number, [r, c]) = place(col, row);
        // All four lie in one square, as nearly always.
        if r + 1 < SQUARE_M
            && c + 1 < SQUARE_M
            && let Some(cells) = self.square(key, number)
        {
            let at = r * SQUARE_M + c;
            return [cells[at], cells[at + 1], cells[at + SQUARE_M], cells[at + SQUARE_M + 1]];
        }
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(r, c)| self.packed(col + c, row + r))
    }

    /// Evidence at a point of ground, bilinear.
    // What a caller does not look at is not computed where this is inlined.
    #[inline]
    pub fn at(&self, x: f64, y: f64) -> Evidence {
        let ((col, fu), (row, fv)) = (between(x), between(y));
        let weights = weights(fu, fv);
        let mut mean = Evidence::default();
        for (cell, weight) in self.four_cells(col, row).into_iter().zip(weights) {
            let cell = cell.evidence();
            mean.track += weight * cell.track;
            mean.body += weight * cell.body;
            mean.cloud += weight * cell.cloud;
            mean.heading[0] += weight * cell.heading[0];
            mean.heading[1] += weight * cell.heading[1];
        }
        mean
    }

    /// Every cell that is kept, as (column, row, evidence), in a fixed order.
    pub fn cells(&self) -> impl Iterator<Item = (i64, i64, Evidence)> + '_ {
        let side = PATCH_M as i64;
        let mut patches: Vec<_> = self.patches.iter().collect();
        patches.sort_unstable_by_key(|(key, _)| **key);
        patches.into_iter().flat_map(move |(&(row, col), patch)| {
            patch.iter().enumerate().filter_map(|(number, square)| Some((number, square.as_ref()?))).flat_map(
                move |(number, cells)| {
                    let (r, c) = (number / SQUARES * SQUARE_M, number % SQUARES * SQUARE_M);
                    cells.iter().enumerate().map(move |(i, &cell)| {
                        (col * side + (c + i % SQUARE_M) as i64, row * side + (r + i / SQUARE_M) as i64, cell.evidence())
                    })
                },
            )
        })
    }
}

/// The tracks of a part of the map, unpacked, for many looks at the same ground.
pub struct Unpacked<'a> {
    map: &'a YardMap,
    area: Area,
    /// First column and row, and how many columns.
    first: [i64; 2],
    width: usize,
    ridges: Vec<Ridge>,
}

impl<'a> Unpacked<'a> {
    /// Nothing of a map yet.
    pub fn of(map: &'a YardMap) -> Self {
        Self { map, area: Area { x0: 0.0, y0: 0.0, x1: 0.0, y1: 0.0 }, first: [0; 2], width: 0, ridges: Vec::new() }
    }

    /// Whether this ground is unpacked.
    pub fn covers(&self, area: Area) -> bool {
        let own = self.area;
        own.x0 <= area.x0 && own.y0 <= area.y0 && own.x1 >= area.x1 && own.y1 >= area.y1
    }

    /// Unpacks this ground in place of the last; says whether any track may be seen there.
    pub fn unpack(&mut self, area: Area) -> bool {
        let (cols, rows) = (between(area.x0).0..between(area.x1).0 + 2, between(area.y0).0..between(area.y1).0 + 2);
        (self.area, self.first, self.width) = (area, [cols.start, rows.start], (cols.end - cols.start) as usize);
        self.ridges.clear();
        self.ridges.resize(self.width * (rows.end - rows.start) as usize, Ridge::default());
        let side = SQUARE_M as i64;
        let squares = |range: &Range<i64>| range.start.div_euclid(side)..=(range.end - 1).div_euclid(side);
        let within = |range: &Range<i64>, square: i64| range.start.max(square * side)..range.end.min((square + 1) * side);
        let mut seen = false;
        for (down, across) in squares(&rows).flat_map(|down| squares(&cols).map(move |across| (down, across))) {
            let (key, number, _) = place(across * side, down * side);
            let Some(cells) = self.map.square(key, number) else { continue };
            seen = true;
            let part = within(&cols, across);
            for row in within(&rows, down) {
                let from = ((row - down * side) * side + part.start - across * side) as usize;
                let to = self.index(part.start, row);
                let length = (part.end - part.start) as usize;
                let line = self.ridges[to..to + length].iter_mut().zip(&cells[from..from + length]);
                line.for_each(|(ridge, cell)| *ridge = cell.ridge());
            }
        }
        seen
    }

    fn index(&self, col: i64, row: i64) -> usize {
        (row - self.first[1]) as usize * self.width + (col - self.first[0]) as usize
    }

    /// What [`YardMap::at`] says of the track at a point of ground that is unpacked, from where it lies [`between`] columns and rows.
    #[inline]
    pub fn between(&self, (col, fu): (i64, f32), (row, fv): (i64, f32)) -> Ridge {
        let at = self.index(col, row);
        let (above, below) = (&self.ridges[at..at + 2], &self.ridges[at + self.width..at + self.width + 2]);
        let mut mean = Ridge::default();
        for (ridge, weight) in above.iter().chain(below).zip(weights(fu, fv)) {
            mean.iter_mut().zip(ridge).for_each(|(mean, value)| *mean += weight * value);
        }
        mean
    }

    /// The same at any point of ground.
    #[inline]
    pub fn at(&self, [x, y]: [f64; 2]) -> Ridge {
        if self.area.contains([x, y]) { self.between(between(x), between(y)) } else { self.map.at(x, y).ridge() }
    }
}

/// The column (or row) before a place whose middle lies at or before it, and how far it lies from that to the next one, 0 to 1.
#[inline]
pub fn between(metres: f64) -> (i64, f32) {
    let from_middle = metres - 0.5;
    // Rounded down without the call that `floor` is on a processor of which nothing is known.
    let towards_zero = from_middle as i64;
    let cell = towards_zero - i64::from(towards_zero as f64 > from_middle);
    (cell, (from_middle - cell as f64) as f32)
}

/// Weights of the four cells between whose middles a point lies, row by row: see [`between`].
#[inline]
fn weights(fu: f32, fv: f32) -> [f32; 4] {
    [(1.0 - fv) * (1.0 - fu), (1.0 - fv) * fu, fv * (1.0 - fu), fv * fu]
}

/// The patch of a square metre, the number of the square in it, and its row and column in the square.
fn place(col: i64, row: i64) -> ((i64, i64), usize, [usize; 2]) {
    let side = PATCH_M as i64;
    let (r, c) = (row.rem_euclid(side) as usize, col.rem_euclid(side) as usize);
    let key = (row.div_euclid(side), col.div_euclid(side));
    (key, r / SQUARE_M * SQUARES + c / SQUARE_M, [r % SQUARE_M, c % SQUARE_M])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_put_in_but_for_rounding_and_what_shows_nothing_is_dropped() {
        let mut evidence = vec![Evidence { track: 0.01, heading: [1.0, 0.0], ..Evidence::default() }; PATCH_M * PATCH_M];
        let track = Evidence { track: 0.7, body: 0.4, heading: [-0.6, 0.8], cloud: 0.25 };
        evidence[20 * PATCH_M + 33] = track;
        // The last square of the patch lies under cloud.
        for i in 0..SQUARE_M * SQUARE_M {
            evidence[(48 + i / SQUARE_M) * PATCH_M + 48 + i % SQUARE_M].cloud = 0.9;
        }
        let mut map = YardMap::default();
        map.insert(Core { row: -1, col: 2 }, &evidence, Clarity::Clear);
        let found = map.cell(2 * 64 + 33, -64 + 20);
        assert!((found.track - 0.7).abs() < 1e-4 && (found.body - 0.4).abs() < 2e-3 && (found.cloud - 0.25).abs() < 2e-3);
        assert!((found.heading[0] + 0.6).abs() < 1e-4 && (found.heading[1] - 0.8).abs() < 1e-4);
        assert_eq!(map.cells().count(), SQUARE_M * SQUARE_M);
        assert_eq!(map.cell(2 * 64, -64), Evidence::default());
        assert_eq!(map.cell(2 * 64 + 63, -1), Evidence { cloud: 1.0, ..Evidence::default() });
        assert!(map.bytes() < 6000, "{}", map.bytes());
    }

    #[test]
    fn unpacked_ground_shows_what_the_map_shows_inside_it_and_outside() {
        let track = |i: i64| Evidence {
            track: (i * 7919 % 101) as f32 / 100.0,
            heading: [(i % 7) as f32 / 7.0 - 0.5, (i % 5) as f32 / 5.0 - 0.4],
            ..Evidence::default()
        };
        // Squares that are not kept lie between and around.
        let map = YardMap::of_cells((0..70 * 90).map(|i| (i % 70 - 37, i / 70 - 20, track(i))).filter(|(col, ..)| col.abs() > 5));
        let mut ground = Unpacked::of(&map);
        assert!(!ground.unpack(Area { x0: 200.0, y0: 0.0, x1: 210.0, y1: 9.0 }), "nothing is there");
        assert!(ground.unpack(Area { x0: -21.3, y0: -9.5, x1: 24.25, y1: 40.0 }));
        for i in 0..100 * 100 {
            let [x, y] = [f64::from(i % 100) * 0.83 - 41.5, f64::from(i / 100) * 0.97 - 25.0];
            assert_eq!(ground.at([x, y]), map.at(x, y).ridge(), "{x} {y}");
        }
    }

    #[test]
    fn a_cleared_track_is_gone_and_its_neighbour_stays() {
        let track = |row: i64| (0..60).map(move |col| (col, row, Evidence { track: 0.9, body: 0.5, ..Evidence::default() }));
        let mut map = YardMap::of_cells(track(10).chain(track(14)));
        let line: Vec<[f64; 2]> = (0..=60).map(|x| [f64::from(x), 10.5]).collect();
        map.clear(&line, 2.0);
        let at = |row: i64| map.cell(30, row);
        assert_eq!(at(10).track, 0.0);
        assert!(at(10).body > 0.4, "only the track is taken off");
        assert!(at(14).track > 0.8, "a neighbour at the narrowest spacing");
    }
}

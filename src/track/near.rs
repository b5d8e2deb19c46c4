//! What lies near a point: things are kept in square cells by where they are, so that not all have to be asked.

use crate::tile::PlaceMap;

/// Things, by where they are.
pub struct Near<T> {
    /// Side of a cell, metres.
    side: f64,
    cells: PlaceMap<Vec<T>>,
}

impl<T> Near<T> {
    /// Of nothing yet; what lies within so many metres of a point will be found.
    pub fn within(reach: f64) -> Self {
        Self { side: reach, cells: PlaceMap::default() }
    }

    fn cell(&self, [x, y]: [f64; 2]) -> (i64, i64) {
        ((x / self.side).floor() as i64, (y / self.side).floor() as i64)
    }

    /// Adds a thing at a point.
    pub fn add(&mut self, point: [f64; 2], thing: T) {
        self.cells.entry(self.cell(point)).or_default().push(thing);
    }

    /// What lies within reach of a point, and some of what lies further off; in an order that hangs on where things are and when they were added.
    pub fn of(&self, point: [f64; 2]) -> impl Iterator<Item = &T> {
        let (col, row) = self.cell(point);
        let cells = (-1..=1).flat_map(move |dc| (-1..=1).map(move |dr| (col + dc, row + dr)));
        cells.filter_map(|cell| self.cells.get(&cell)).flatten()
    }
}

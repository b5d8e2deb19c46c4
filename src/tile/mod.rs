//! The grid of cores and halos: which squares of ground a network looks at, and in which order.

mod place_map;

pub use place_map::PlaceMap;

/// Side of the squares of ground in which pixels and maps are kept, metres; the cores that a network looks at are multiples of it.
pub const PATCH_M: usize = 64;

/// A rectangle of ground in metres, x to the right and y down from the outer corner of the scene's top-left pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x0: f64,
    /// Upper edge.
    pub y0: f64,
    /// Right edge.
    pub x1: f64,
    /// Lower edge.
    pub y1: f64,
}

impl Area {
    /// The smallest rectangle round some points; None without points.
    pub fn around<'a>(points: impl IntoIterator<Item = &'a [f64; 2]>) -> Option<Self> {
        points.into_iter().fold(None, |area, &[x, y]| {
            let a = area.unwrap_or(Self { x0: x, y0: y, x1: x, y1: y });
            Some(Self { x0: a.x0.min(x), y0: a.y0.min(y), x1: a.x1.max(x), y1: a.y1.max(y) })
        })
    }

    /// Wider by `margin` metres on every side.
    pub fn grown(self, margin: f64) -> Self {
        Self { x0: self.x0 - margin, y0: self.y0 - margin, x1: self.x1 + margin, y1: self.y1 + margin }
    }

    /// The common part, if there is one.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let a =
            Self { x0: self.x0.max(other.x0), y0: self.y0.max(other.y0), x1: self.x1.min(other.x1), y1: self.y1.min(other.y1) };
        (a.x0 < a.x1 && a.y0 < a.y1).then_some(a)
    }

    /// Width in metres.
    pub fn width(self) -> f64 {
        self.x1 - self.x0
    }

    /// Height in metres.
    pub fn height(self) -> f64 {
        self.y1 - self.y0
    }

    /// The point in the middle.
    pub fn middle(self) -> [f64; 2] {
        [(self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0]
    }

    /// Whether a point lies inside (left and upper edge included, right and lower not).
    pub fn contains(self, [x, y]: [f64; 2]) -> bool {
        x >= self.x0 && x < self.x1 && y >= self.y0 && y < self.y1
    }
}

/// A square of a regular grid that is anchored at the scene's corner, whatever part of the scene is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Core {
    /// Row of the grid.
    pub row: i64,
    /// Column of the grid.
    pub col: i64,
}

impl Core {
    /// The ground of this core in a grid of squares of `size` metres.
    pub fn area(self, size: f64) -> Area {
        let (x0, y0) = (self.col as f64 * size, self.row as f64 * size);
        Area { x0, y0, x1: x0 + size, y1: y0 + size }
    }
}

/// A rectangle of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patches {
    /// The first patch: upper left.
    pub first: Core,
    /// Number of patches down and across.
    pub size: [usize; 2],
}

impl Patches {
    /// The smallest rectangle round some patches; None without patches.
    pub fn around(patches: impl IntoIterator<Item = Core>) -> Option<Self> {
        let ends = patches.into_iter().fold(None, |ends: Option<[Core; 2]>, patch| {
            let [a, b] = ends.unwrap_or([patch; 2]);
            let first = Core { row: a.row.min(patch.row), col: a.col.min(patch.col) };
            Some([first, Core { row: b.row.max(patch.row), col: b.col.max(patch.col) }])
        });
        let [first, last] = ends?;
        Some(Self { first, size: [(last.row - first.row + 1) as usize, (last.col - first.col + 1) as usize] })
    }

    /// The ground of these patches.
    pub fn area(self) -> Area {
        let (start, side) = (self.first.area(PATCH_M as f64), PATCH_M as f64);
        Area { x1: start.x0 + self.size[1] as f64 * side, y1: start.y0 + self.size[0] as f64 * side, ..start }
    }
}

/// The cores of `size` metres that touch an area, row by row.
pub fn cores(area: Area, size: f64) -> Vec<Core> {
    let range = |from: f64, to: f64| ((from / size).floor() as i64)..((to / size).ceil() as i64);
    range(area.y0, area.y1).flat_map(|row| range(area.x0, area.x1).map(move |col| Core { row, col })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_cover_an_area_once_and_do_not_move_with_it() {
        let area = Area { x0: -3.0, y0: 10.0, x1: 300.0, y1: 257.0 };
        let all = cores(area, 128.0);
        assert_eq!(all.len(), 4 * 3);
        for point in [[-2.5, 10.0], [0.0, 128.0], [299.0, 256.5]] {
            assert_eq!(all.iter().filter(|core| core.area(128.0).contains(point)).count(), 1);
        }
        let part = cores(Area { x0: 130.0, y0: 130.0, x1: 140.0, y1: 140.0 }, 128.0);
        assert!(part.iter().all(|core| all.contains(core)));
    }
}

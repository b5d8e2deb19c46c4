//! The outline of a yard: what lies inside, and how far outside something is.

use crate::tile::Area;

/// Closed rings in one system of coordinates: the outer ones run one way round and their holes the other, so that outlines that overlap, or are
/// there twice, enclose what any of them does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline(Vec<Vec<[f64; 2]>>);

impl Outline {
    /// Of rings; those of fewer than three points enclose nothing and are left out.
    pub fn new(rings: impl IntoIterator<Item = Vec<[f64; 2]>>) -> Self {
        Self(rings.into_iter().filter(|ring| ring.len() > 2).collect())
    }

    /// Whether there is no ring.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rectangle round it; None without a ring.
    pub fn area(&self) -> Option<Area> {
        Area::around(self.points())
    }

    /// The corners of its rings.
    pub fn points(&self) -> impl Iterator<Item = &[f64; 2]> {
        self.0.iter().flatten()
    }

    /// The edges of its rings.
    pub fn edges(&self) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
        self.0.iter().flat_map(|ring| (0..ring.len()).map(move |i| (ring[i], ring[(i + 1) % ring.len()])))
    }

    /// Whether a point lies inside: whether the rings wind round it (Sunday, "Inclusion of a point in a polygon", 2001).
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        let winding: i32 = self
            .edges()
            .map(|([x0, y0], [x1, y1])| {
                let crossing = (y0 > y) != (y1 > y) && x < (x1 - x0) * (y - y0) / (y1 - y0) + x0;
                i32::from(crossing) * if y1 > y0 { 1 } else { -1 }
            })
            .sum();
        winding != 0
    }

    /// Whether a point lies inside or at most so far outside.
    pub fn within(&self, point: [f64; 2], reach: f64) -> bool {
        self.contains(point) || self.edges().any(|(a, b)| distance(a, b, point) <= reach)
    }
}

/// From a point to a segment.
fn distance(a: [f64; 2], b: [f64; 2], [x, y]: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let along = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let t = along.clamp(0.0, 1.0);
    (x - a[0] - t * dx).hypot(y - a[1] - t * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[x, 0.0], [x + side, 0.0], [x + side, side], [x, side], [x, 0.0]]
    }

    /// An outline that was there twice enclosed nothing, and where two overlapped was outside.
    #[test]
    fn outlines_that_overlap_or_are_there_twice_enclose_what_any_of_them_does() {
        let hole: Vec<[f64; 2]> = square(4.0, 2.0).into_iter().rev().map(|[x, y]| [x, y + 4.0]).collect();
        let outline = |rings: &[&Vec<[f64; 2]>]| Outline::new(rings.iter().map(|&ring| ring.clone()));
        let (left, right) = (square(0.0, 10.0), square(5.0, 10.0));
        for rings in [vec![&left], vec![&left, &left], vec![&left, &right]] {
            assert!(outline(&rings).contains([7.0, 5.0]), "{rings:?}");
            assert!(!outline(&rings).contains([-1.0, 5.0]), "{rings:?}");
        }
        assert!(!outline(&[&left, &hole]).contains([5.0, 5.0]), "a hole");
        assert!(!outline(&[&left, &hole, &left, &hole]).contains([5.0, 5.0]), "a hole that is there twice");
        assert!(outline(&[&left, &hole, &right]).contains([5.5, 5.0]), "a hole in one that another one fills");
    }

    #[test]
    fn a_point_is_as_far_outside_as_the_nearest_edge_or_corner() {
        let outline = Outline::new([square(0.0, 10.0)]);
        assert!(outline.within([5.0, 5.0], 0.0));
        assert!(outline.within([5.0, 12.9], 3.0) && !outline.within([5.0, 13.1], 3.0));
        assert!(outline.within([13.0, 14.0], 5.01) && !outline.within([13.0, 14.0], 4.99));
        assert!(!Outline::default().within([0.0, 0.0], 1e9));
    }
}

//! Which lines run beside a point, or through it: the points of many lines, found by where they lie.

use super::line::Centreline;
use super::near::Near;

/// Points nearer than this are found, metres.
pub const WITHIN_M: f64 = 30.0;
/// Distance between the points of a line that are kept, metres.
const STEP_M: f64 = 5.0;
/// One line takes up the ground of another where it runs within so many metres of it, at an angle whose cosine is at least this (16 degrees: the
/// sharpest turnout, and the spread of the line).
const TAKEN_M: f64 = 3.0;
const SAME_WAY: f64 = 0.96;

/// A point of a line, and the direction in which the line goes on there.
pub type Heading = ([f64; 2], [f64; 2]);

/// Both ends of a line, looking outwards.
pub fn ends(line: &Centreline) -> impl Iterator<Item = Heading> + '_ {
    let last = line.points.len().saturating_sub(1);
    let end = |index: usize, sign: f64| line.points.get(index).map(|&point| (point, line.tangent(index).map(|t| sign * t)));
    end(0, -1.0).into_iter().chain(end(last, 1.0))
}

/// The point so many metres further on.
pub fn ahead((point, tangent): Heading, metres: f64) -> [f64; 2] {
    [point[0] + metres * tangent[0], point[1] + metres * tangent[1]]
}

struct Point {
    line: usize,
    heading: Heading,
}

/// Points of numbered lines.
pub struct Lines(Near<Point>);

impl Default for Lines {
    fn default() -> Self {
        Self(Near::within(WITHIN_M))
    }
}

impl Lines {
    /// Adds a line, or a stretch of one.
    pub fn add(&mut self, line: usize, points: &Centreline) {
        let every = (STEP_M / points.step).max(1.0) as usize;
        for i in (0..points.points.len()).step_by(every) {
            let heading = (points.points[i], points.tangent(i));
            self.0.add(heading.0, Point { line, heading });
        }
    }

    /// Whether a line other than this one takes up the ground at a point.
    pub fn taken(&self, line: usize, place: Heading) -> bool {
        self.beside(line, place, SAME_WAY).any(|across| across <= TAKEN_M)
    }

    /// How far lines lie to the side of a point, metres: those but one (`line`) that run its way, at an angle with at least this cosine.
    pub fn beside(&self, line: usize, (point, tangent): Heading, angle: f64) -> impl Iterator<Item = f64> {
        self.0.of(point).filter_map(move |other| {
            let ([x, y], [tx, ty]) = other.heading;
            let (dx, dy) = (x - point[0], y - point[1]);
            let same_way = (tx * tangent[0] + ty * tangent[1]).abs() >= angle;
            let level = (dx * tx + dy * ty).abs() <= STEP_M;
            (other.line != line && same_way && level).then_some((dy * tx - dx * ty).abs())
        })
    }
}

impl<'a> FromIterator<&'a Centreline> for Lines {
    /// Lines numbered as they come.
    fn from_iter<T: IntoIterator<Item = &'a Centreline>>(lines: T) -> Self {
        let mut all = Self::default();
        lines.into_iter().enumerate().for_each(|(number, line)| all.add(number, line));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beside_a_point_are_found_with_their_distance_and_the_line_itself_and_those_that_cross_are_not() {
        let line = |points: [[f64; 2]; 2]| Centreline::resampled(&points, 0.25).unwrap();
        let own = line([[0.0, 0.0], [100.0, 0.0]]);
        let others = [[[100.0, 4.5], [0.0, 4.5]], [[0.0, -28.0], [40.0, -28.0]], [[20.0, -50.0], [20.0, 50.0]]].map(line);
        let lines: Lines = std::iter::once(&own).chain(&others).collect();
        let beside = |x: f64| {
            let mut found: Vec<f64> = lines.beside(0, ([x, 0.0], [1.0, 0.0]), 0.99).collect();
            found.sort_by(f64::total_cmp);
            found.dedup();
            found
        };
        assert_eq!(beside(20.0), [4.5, 28.0]);
        assert_eq!(beside(80.0), [4.5]);
        assert_eq!(beside(200.0), [0.0; 0]);
        let taken = |across: f64, tangent: [f64; 2]| lines.taken(0, ([60.0, 4.5 + across], tangent));
        assert!(taken(2.9, [-1.0, 0.0]) && !taken(3.1, [-1.0, 0.0]) && !taken(0.0, [0.8, 0.6]) && !taken(-4.5, [1.0, 0.0]));
        let outwards: Vec<[f64; 2]> = ends(&own).map(|end| ahead(end, 10.0)).collect();
        assert_eq!(outwards, [[-10.0, 0.0], [110.0, 0.0]]);
    }
}

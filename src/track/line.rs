//! Centrelines: polylines on the ground, in metres (x to the right, y down from the scene's corner).

use crate::tile::Area;

/// A centreline with a point at every step along it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Centreline {
    /// Points, `step` metres apart.
    pub points: Vec<[f64; 2]>,
    /// Distance between points, metres.
    pub step: f64,
}

/// Metres on either side over which a tangent is taken: the half length of a bogie centre distance, so that a kink of a digitised line does
/// not turn a strip.
const TANGENT_M: f64 = 3.0;

/// Length of a line's end that says in which direction it goes on, metres.
const DIRECTION_M: f64 = 10.0;

impl Centreline {
    /// Resamples a polyline at `step` metres; None when it is shorter than two steps or not finite.
    pub fn resampled(line: &[[f64; 2]], step: f64) -> Option<Self> {
        if line.iter().flatten().any(|v| !v.is_finite()) {
            return None;
        }
        let mut points = Vec::new();
        // Distance from the last emitted point to the start of the segment.
        let mut walked = 0.0;
        for pair in line.windows(2) {
            let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
            let length = dx.hypot(dy);
            if length == 0.0 {
                continue;
            }
            if points.is_empty() {
                points.push(pair[0]);
            }
            let mut at = step - walked;
            while at <= length {
                points.push([pair[0][0] + dx * at / length, pair[0][1] + dy * at / length]);
                at += step;
            }
            walked = length - (at - step);
        }
        (points.len() > 2).then_some(Self { points, step })
    }

    /// Length in metres.
    pub fn length(&self) -> f64 {
        (self.points.len().saturating_sub(1)) as f64 * self.step
    }

    /// Unit tangent at a point.
    pub fn tangent(&self, index: usize) -> [f64; 2] {
        let reach = ((TANGENT_M / self.step).round() as usize).max(1);
        let (a, b) = (self.points[index.saturating_sub(reach)], self.points[(index + reach).min(self.points.len() - 1)]);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let norm = dx.hypot(dy);
        if norm > 1e-9 { [dx / norm, dy / norm] } else { [1.0, 0.0] }
    }

    /// The line moved sideways by `offset[i]` metres at each point (positive to the right of travel).
    pub fn moved(&self, offset: &[f64]) -> Self {
        let points = (0..self.points.len())
            .map(|i| {
                let ([x, y], [tx, ty]) = (self.points[i], self.tangent(i));
                [x - ty * offset[i], y + tx * offset[i]]
            })
            .collect();
        Self { points, step: self.step }
    }

    /// The line moved as a whole.
    pub fn shifted(&self, [dx, dy]: [f64; 2]) -> Self {
        Self { points: self.points.iter().map(|[x, y]| [x + dx, y + dy]).collect(), step: self.step }
    }

    /// The same line resampled at another step.
    pub fn with_step(&self, step: f64) -> Option<Self> {
        Self::resampled(&self.points, step)
    }

    /// The line drawn on straight beyond its start and its end by so many metres, in the direction of its last ten.
    pub fn drawn_on(&self, [before, after]: [f64; 2]) -> Option<Self> {
        let reach = (DIRECTION_M / self.step) as usize;
        let last = self.points.len().checked_sub(1)?;
        let beyond = |end: usize, inside: usize, metres: f64| {
            let ([x, y], [fx, fy]) = (self.points[end], self.points[inside]);
            let (dx, dy) = (x - fx, y - fy);
            let length = dx.hypot(dy);
            (metres > 0.0 && length > 0.0).then(|| [x + metres * dx / length, y + metres * dy / length])
        };
        let (first, end) = (beyond(0, reach.min(last), before), beyond(last, last.saturating_sub(reach), after));
        let line = first.into_iter().chain(self.points.iter().copied()).chain(end);
        Self::resampled(&line.collect::<Vec<_>>(), self.step)
    }

    /// The line from where it first enters an area to where it leaves it for the last time; none where it does not come there.
    pub fn within(&self, area: Area) -> Option<Self> {
        let from = self.points.iter().position(|&p| area.contains(p))?;
        let to = self.points.iter().rposition(|&p| area.contains(p))?;
        (from < to).then(|| self.part(from, to))
    }

    /// The part between two indices, both included.
    pub fn part(&self, from: usize, to: usize) -> Self {
        Self { points: self.points[from..=to].to_vec(), step: self.step }
    }
}

/// Mean of the neighbours within `reach` places on either side, at every place.
pub fn smoothed(values: &[f64], reach: usize) -> Vec<f64> {
    (0..values.len())
        .map(|i| {
            // The same reach on both sides, so that the ends do not drift.
            let reach = reach.min(i).min(values.len() - 1 - i);
            let part = &values[i - reach..=i + reach];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_drawn_on_straight_from_either_end() {
        let line = Centreline::resampled(&[[0.0, 0.0], [30.0, 40.0]], 0.25).unwrap();
        let on = line.drawn_on([0.0, 40.0]).unwrap();
        let end = on.points[on.points.len() - 1];
        assert!((end[0] - 54.0).abs() < 0.3 && (end[1] - 72.0).abs() < 0.3 && on.points[0] == [0.0, 0.0], "{end:?}");
        let back = line.drawn_on([10.0, 0.0]).unwrap();
        assert!((back.points[0][0] + 6.0).abs() < 1e-9 && (back.points[0][1] + 8.0).abs() < 1e-9, "{:?}", back.points[0]);
        assert_eq!(Centreline::default().drawn_on([1.0, 1.0]), None);
    }

    #[test]
    fn resampling_keeps_length_and_place() {
        let line = Centreline::resampled(&[[0.0, 0.0], [3.0, 4.0], [3.0, 104.0]], 0.25).unwrap();
        assert!((line.length() - 105.0).abs() < 0.25);
        let last = line.points[line.points.len() - 1];
        assert!((last[0] - 3.0).abs() < 1e-9 && (last[1] - 104.0).abs() < 0.26);
        assert!(line.points.windows(2).all(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1]) < 0.2501));
    }

    #[test]
    fn positive_offsets_go_to_the_right_of_travel() {
        // Travelling in +x with y down, the right-hand side is +y.
        let line = Centreline::resampled(&[[0.0, 0.0], [50.0, 0.0]], 1.0).unwrap();
        let moved = line.moved(&vec![2.0; line.points.len()]);
        assert!(moved.points.iter().all(|p| (p[1] - 2.0).abs() < 1e-9));
    }
}

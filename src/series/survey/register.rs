//! A scene brought onto the site: the shift at which its edges fall onto the site's.
//!
//! The correlation runs over the site's strongest edges at whole cells and is refined by a parabola. Tracks that run side by side look alike
//! when shifted by one spacing; what lies around the yard does not.

use super::edges::{Edges, ONE};
use super::frame::Frame;
use super::similarity::{Similarity, similarity, turned_shift};
use crate::raster::Turn;
use crate::track::align::Registration;

/// How far an image's georeference may be off, metres.
pub const REACH_M: f64 = 15.0;
/// Share of the cells whose edges are compared, the strongest ones, and how many at most.
const STRONGEST: f64 = 0.25;
const MOST: usize = 40_000;
/// Shifts this much apart are different answers, metres: more than the width of a peak.
const APART_M: f64 = 3.5;
/// The best answer must beat every different one by this factor: then the confidence is above zero, and rises to 1 at [`SURE`]. Images of
/// other yards reached 1.10 (42 of three yards), those of the yard itself were above 1.5.
const LEAST: f64 = 1.2;
const SURE: f64 = 1.8;
/// Standard deviation of a shift found, in cells.
const SD_CELLS: f64 = 0.25;

/// Mean edges of a site, and what is compared of them.
#[derive(Debug, Clone)]
pub struct Reference {
    cols: usize,
    rows: usize,
    /// Column, row and edge of the strongest cells.
    strong: Vec<(i32, i32, [f32; 2])>,
}

/// The shift of a scene against a reference, in cells east and south.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Cells east and south by which the scene shows things away from where the reference has them.
    pub cells: [f64; 2],
    /// How many times better it is than any other answer.
    pub ratio: f64,
}

impl Shift {
    /// 0 for a shift that was not found, to 1.
    pub fn confidence(&self) -> f64 {
        ((self.ratio - LEAST) / (SURE - LEAST)).clamp(0.0, 1.0)
    }
}

impl Reference {
    /// From mean edges, row by row.
    pub fn new(cols: usize, rows: usize, mean: &[[f32; 2]]) -> Self {
        let strength = |edge: &[f32; 2]| edge[0] * edge[0] + edge[1] * edge[1];
        let mut order: Vec<usize> = (0..mean.len()).filter(|&i| strength(&mean[i]) > 0.0).collect();
        let kept = ((order.len() as f64 * STRONGEST) as usize).min(MOST);
        if kept < order.len() {
            order.select_nth_unstable_by(kept, |&a, &b| strength(&mean[b]).total_cmp(&strength(&mean[a])).then(a.cmp(&b)));
            order.truncate(kept);
        }
        // Back in the order of rows: memory is walked through once.
        order.sort_unstable();
        let strong = order.into_iter().map(|i| ((i % cols) as i32, (i / cols) as i32, mean[i])).collect();
        Self { cols, rows, strong }
    }

    /// The best shift within `reach` cells. None when there is nothing to compare.
    pub fn shift(&self, scene: &Edges, reach: i32, apart: f64) -> Option<Shift> {
        if (scene.cols, scene.rows) != (self.cols, self.rows) || self.strong.is_empty() {
            return None;
        }
        let side = (2 * reach + 1) as usize;
        let sums = self.agreements(scene, reach);
        let at = |dx: i32, dy: i32| sums[(dy + reach) as usize * side + (dx + reach) as usize];
        let all = || (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)));
        let best = all().fold((0, 0), |best, t| if at(t.0, t.1) > at(best.0, best.1) { t } else { best });
        let peak = at(best.0, best.1);
        let other = all()
            .filter(|t| f64::from(t.0 - best.0).hypot(f64::from(t.1 - best.1)) > apart)
            .map(|t| at(t.0, t.1))
            .fold(0.0, f64::max);
        if peak <= 0.0 {
            return None;
        }
        let refine = |before: Option<f64>, after: Option<f64>| match (before, after) {
            (Some(a), Some(c)) if a - 2.0 * peak + c < 0.0 => (0.5 * (a - c) / (a - 2.0 * peak + c)).clamp(-0.5, 0.5),
            _ => 0.0,
        };
        let beside = |dx: i32, dy: i32| (dx.abs() <= reach && dy.abs() <= reach).then(|| at(dx, dy));
        let (x, y) = best;
        let fraction = [refine(beside(x - 1, y), beside(x + 1, y)), refine(beside(x, y - 1), beside(x, y + 1))];
        let ratio = peak / other.max(peak * 1e-3);
        Some(Shift { cells: [f64::from(x) + fraction[0], f64::from(y) + fraction[1]], ratio })
    }

    /// The site as it looks turned, without its edges' own directions.
    pub fn turned(&self, turn: &Similarity) -> Self {
        let middle = self.middle();
        let moved = |&(col, row, edge): &(i32, i32, [f32; 2])| {
            let [x, y] = turn.apply([f64::from(col) - middle[0], f64::from(row) - middle[1]]);
            ((x + middle[0]).round() as i32, (y + middle[1]).round() as i32, edge)
        };
        Self { strong: self.strong.iter().map(moved).collect(), ..*self }
    }

    fn middle(&self) -> [f64; 2] {
        [(self.cols - 1) as f64 / 2.0, (self.rows - 1) as f64 / 2.0]
    }

    /// From the middle to a corner, cells.
    pub fn half_diagonal(&self) -> f64 {
        (self.cols as f64).hypot(self.rows as f64) / 2.0
    }

    /// How well a scene's edges agree with the site's under a similarity. Its turn is too small for the edges' own directions to matter.
    pub fn agreement_of(&self, scene: &Edges, similarity: &Similarity) -> f64 {
        let middle = self.middle();
        let (mut total, mut part, mut line) = (0.0f64, 0.0f32, -1);
        for &(col, row, edge) in &self.strong {
            if row != line {
                total += f64::from(part);
                (part, line) = (0.0, row);
            }
            let [x, y] = similarity.apply([f64::from(col) - middle[0], f64::from(row) - middle[1]]);
            let (c, r) = (x + middle[0], y + middle[1]);
            if c >= 0.0 && r >= 0.0 && c < (self.cols - 1) as f64 && r < (self.rows - 1) as f64 {
                let (col, row) = (c as usize, r as usize);
                let (u, v) = ((c - col as f64) as f32, (r - row as f64) as f32);
                let at = row * self.cols + col;
                let corners = [
                    (at, (1.0 - u) * (1.0 - v)),
                    (at + 1, u * (1.0 - v)),
                    (at + self.cols, (1.0 - u) * v),
                    (at + self.cols + 1, u * v),
                ];
                for (at, weight) in corners {
                    let [x, y] = scene.cells[at];
                    part += weight * (edge[0] * f32::from(x) + edge[1] * f32::from(y));
                }
            }
        }
        total + f64::from(part)
    }

    /// Sums of the agreement of all edges with a scene shifted by up to `reach` whole cells, row by row of shifts.
    fn agreements(&self, scene: &Edges, reach: i32) -> Vec<f64> {
        let side = (2 * reach + 1) as usize;
        // With nothing around it, so that every edge, up to `reach` beyond it where the site is turned, finds all its shifts side by side.
        let (around, pitch) = (2 * reach as usize, self.cols + 4 * reach as usize);
        let mut planes = [vec![0.0f32; pitch * (self.rows + 2 * around)], vec![0.0f32; pitch * (self.rows + 2 * around)]];
        for (row, cells) in scene.cells.chunks_exact(self.cols).enumerate() {
            for (k, plane) in planes.iter_mut().enumerate() {
                let start = (row + around) * pitch + around;
                plane[start..start + self.cols].iter_mut().zip(cells).for_each(|(target, cell)| *target = f32::from(cell[k]));
            }
        }
        let (mut totals, mut part, mut line) = (vec![0.0f64; side * side], vec![0.0f32; side * side], -1);
        let mut close = |part: &mut [f32]| {
            totals.iter_mut().zip(part).for_each(|(total, part)| *total += f64::from(std::mem::take(part)));
        };
        let near = |at: i32, size: usize| usize::try_from(at + reach).ok().filter(|at| *at < size + around);
        for &(col, row, edge) in &self.strong {
            let (Some(first_col), Some(first_row)) = (near(col, self.cols), near(row, self.rows)) else { continue };
            // Rows are summed on their own: the sum of a large site keeps its digits.
            if row != line {
                close(&mut part);
                line = row;
            }
            for (dy, sums) in part.chunks_exact_mut(side).enumerate() {
                let start = (first_row + dy) * pitch + first_col;
                let [x, y] = [&planes[0][start..start + side], &planes[1][start..start + side]];
                sums.iter_mut().zip(x).zip(y).for_each(|((sum, x), y)| *sum += edge[0] * x + edge[1] * y);
            }
        }
        close(&mut part);
        totals
    }
}

/// Registration of a scene onto a site whose own place on earth is known to `site_sd_m`; none where no shift stands out.
pub fn register(reference: &Reference, scene: &Edges, frame: &Frame, site_sd_m: f64) -> Option<Registration> {
    let (reach, apart) = ((REACH_M / frame.cell_m).ceil() as i32, APART_M / frame.cell_m);
    let unturned = reference.shift(scene, reach, apart).filter(|shift| shift.confidence() > 0.0);
    let (shift, from) = match unturned {
        Some(shift) => (shift, 0.0),
        None => turned_shift(reference, scene, reach, apart)?,
    };
    let found = similarity(reference, scene, shift, from);
    let turn = found.map(|(Similarity { rotation, log_scale, .. }, _)| {
        let [width, height] = frame.size_m();
        let about = frame.to_lonlat([width / 2.0, height / 2.0]);
        Turn { degrees: rotation.to_degrees(), scale: log_scale.exp(), about }
    });
    let (cells, better) = found.map_or((shift.cells, 1.0), |(similarity, better)| (similarity.cells, better));
    Some(Registration {
        shift_m: [cells[0] * frame.cell_m, -cells[1] * frame.cell_m],
        turn,
        sd_m: (SD_CELLS * frame.cell_m).hypot(site_sd_m),
        tracks_error_m: None,
        confidence: Shift { ratio: shift.ratio * better, ..shift }.confidence(),
    })
}

/// Sum of the edges of scenes, each moved back by its shift (cells).
pub fn sum<'a>(cols: usize, rows: usize, scenes: impl Iterator<Item = (&'a Edges, [f64; 2])>) -> Vec<[f32; 2]> {
    let mut sum = vec![[0.0f32; 2]; cols * rows];
    for (scene, [dx, dy]) in scenes {
        let (whole, part) = ([dx.floor() as i64, dy.floor() as i64], [dx - dx.floor(), dy - dy.floor()]);
        for (row, col) in (0..rows as i64).flat_map(|row| (0..cols as i64).map(move |col| (row, col))) {
            let target = &mut sum[(row * cols as i64 + col) as usize];
            for (r, wr) in [(row + whole[1], 1.0 - part[1]), (row + whole[1] + 1, part[1])] {
                for (c, wc) in [(col + whole[0], 1.0 - part[0]), (col + whole[0] + 1, part[0])] {
                    if r >= 0 && c >= 0 && r < rows as i64 && c < cols as i64 {
                        let [x, y] = scene.cells[(r * cols as i64 + c) as usize];
                        let weight = (wr * wc) as f32 / ONE;
                        target[0] += weight * f32::from(x);
                        target[1] += weight * f32::from(y);
                    }
                }
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::edges::tests::{edges_of, roofs};
    use super::*;

    /// Roofs beside eight parallel lines 5 m apart.
    fn town(x: f32, y: f32) -> f32 {
        if (100.0..140.0).contains(&y) {
            return if (y / 5.0).fract() < 0.3 { 0.8 } else { 0.3 };
        }
        roofs(0, x, y)
    }

    #[test]
    fn a_shift_is_found_to_a_quarter_of_a_metre_also_when_light_and_dark_are_swapped_and_never_one_track_off() {
        let (cols, rows) = (240, 220);
        let reference = edges_of(cols, rows, town);
        let reference = Reference::new(cols, rows, &sum(cols, rows, [(&reference, [0.0; 2])].into_iter()));
        for (dx, dy) in [(0.0, 0.0), (3.4, -1.7), (-9.6, 5.0), (12.3, 13.8), (0.2, 4.9)] {
            let scene = edges_of(cols, rows, |x, y| 1.0 - town(x - dx, y - dy));
            let shift = reference.shift(&scene, 15, APART_M).unwrap();
            let error = (shift.cells[0] - f64::from(dx)).hypot(shift.cells[1] - f64::from(dy));
            assert!(error < 0.25 && shift.confidence() > 0.5, "{dx} {dy}: {shift:?}");
        }
    }

    #[test]
    fn a_scene_that_shows_something_else_has_no_confidence() {
        let (cols, rows) = (240, 220);
        let reference = edges_of(cols, rows, town);
        let reference = Reference::new(cols, rows, &sum(cols, rows, [(&reference, [0.0; 2])].into_iter()));
        // A cloud deck: smooth waves that have nothing to do with the ground.
        let cloud = edges_of(cols, rows, |x, y| ((x * 0.05 + y * 0.11).sin() + (x * 0.13 - y * 0.03).cos()) * 0.2);
        assert_eq!(reference.shift(&cloud, 15, APART_M).map_or(0.0, |shift| shift.confidence()), 0.0);
        let parallel = edges_of(cols, rows, |_, y| if (y / 5.0).fract() < 0.3 { 1.0 } else { 0.0 });
        assert_eq!(reference.shift(&parallel, 15, APART_M).map_or(0.0, |shift| shift.confidence()), 0.0);
    }

    /// Also of edges that a turn has moved beyond the frame.
    #[test]
    fn the_agreements_of_all_shifts_are_the_sums_that_they_are_said_to_be() {
        let (cols, rows, reach) = (60, 50, 6);
        let site = edges_of(cols, rows, town);
        let reference = Reference::new(cols, rows, &sum(cols, rows, [(&site, [0.0; 2])].into_iter()));
        let reference = reference.turned(&Similarity { rotation: 0.2, log_scale: 0.3, cells: [0.0; 2] });
        let beyond = |&&(col, row, _): &&(i32, i32, [f32; 2])| col < -1 || row < -1 || col > cols as i32 || row > rows as i32;
        assert!(reference.strong.iter().filter(beyond).count() > 10);
        let scene = edges_of(cols, rows, |x, y| town(x - 2.0, y + 1.0));
        let side = 2 * reach + 1;
        for (i, own) in reference.agreements(&scene, reach).into_iter().enumerate() {
            let (dx, dy) = (i as i32 % side - reach, i as i32 / side - reach);
            let at = |&(col, row, edge): &(i32, i32, [f32; 2])| {
                let (col, row) = (usize::try_from(col + dx).ok()?, usize::try_from(row + dy).ok()?);
                let [x, y] = (col < cols && row < rows).then(|| scene.cells[row * cols + col])?;
                Some(f64::from(edge[0] * f32::from(x) + edge[1] * f32::from(y)))
            };
            let sum: f64 = reference.strong.iter().filter_map(at).sum();
            assert!((own - sum).abs() < 1e-3 * sum.abs().max(10.0), "{dx} {dy}: {own} against {sum}");
        }
    }
}

//! A level shift: does one change of the level explain the counts better than none?
//!
//! The Bayes factor is exact under the model of [`super::model`] (without empty days): each segment has its own level and dispersion,
//! the change lies between any two days with the same prior probability, segments have a least number of days. It reads the order of
//! the images only, so irregular dates need nothing.

use jiff::civil::Date;

use super::day::LevelShift;
use super::explain::number;
use super::likelihood::Seen;
use super::segment::{SegmentGrid, ln_sum_exp};

/// A surge is one day; so many of the days may be surges without being a shift.
const SURGE_SHARE: f64 = 0.05;

/// Evidence for one change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Index of the first day at the new level, where the change most probably lies.
    pub first_after: usize,
    /// How many times better one change explains the counts than none.
    pub bayes_factor: f64,
    /// Mean count before, whole yard visible.
    pub mean_before: f64,
    /// Mean count after.
    pub mean_after: f64,
}

/// A search for level shifts that days are added to one by one.
#[derive(Debug)]
pub struct ShiftSearch {
    grid: SegmentGrid,
    days: Vec<Vec<f64>>,
    rates: Vec<f64>,
    min_days: usize,
}

impl ShiftSearch {
    /// A search over days in their order; `min_days` is the least length of a segment.
    pub fn new(days: &[Seen], min_days: usize) -> Self {
        let grid = SegmentGrid::new(days);
        let rates = days.iter().map(|seen| seen.count / seen.exposure).collect();
        let days = days.iter().map(|seen| grid.day(*seen, SURGE_SHARE)).collect();
        Self { grid, days, rates, min_days: min_days.max(1) }
    }

    /// The evidence for one change in days `from..to`; none where there are too few days for two segments.
    pub fn change(&self, from: usize, to: usize) -> Option<Change> {
        let days = self.days.get(from..to)?;
        let changes = self.min_days..(days.len() + 1).checked_sub(self.min_days)?;
        if changes.is_empty() {
            return None;
        }
        let (before, after) = self.grid.runs(days);
        let evidence: Vec<f64> = changes.clone().map(|first| before[first - 1] + after[first]).collect();
        let highest = self.rates[from..to].iter().copied().fold(0.0, f64::max);
        let mean = ln_sum_exp(&evidence) - (evidence.len() as f64).ln() - SegmentGrid::ln_mass(highest);
        let best = (0..evidence.len()).max_by(|a, b| evidence[*a].total_cmp(&evidence[*b]).then(b.cmp(a)))?;
        let first_after = changes.start + best;
        Some(Change {
            first_after: from + first_after,
            bayes_factor: (mean - after[0]).exp(),
            mean_before: self.grid.mean_level(&days[..first_after]),
            mean_after: self.grid.mean_level(&days[first_after..]),
        })
    }
}

/// The change as it is stated.
pub(super) fn stated(change: &Change, unit: f64, last_before: Date, first_after: Date) -> LevelShift {
    let (mean_before, mean_after) = (change.mean_before * unit, change.mean_after * unit);
    let factor = change.bayes_factor.min(1e6);
    let text = format!(
        "level shift between {last_before} and {first_after}, from a mean of {} to {} cars (Bayes factor {}{factor:.0})",
        number(mean_before),
        number(mean_after),
        if factor < 1e6 { "" } else { "above " },
    );
    LevelShift { last_before, first_after, mean_before, mean_after, bayes_factor: factor, text }
}

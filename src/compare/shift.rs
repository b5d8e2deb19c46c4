//! A level shift: does one change of the level explain the counts better than none?
//!
//! The Bayes factor is exact under the model of [`super::model`] (without empty days): each segment has its own level, and both have one
//! dispersion; the change lies between any two days with the same prior probability, segments have a least number of days, and a few days of
//! each may be odd ones that say nothing of its level. It reads the order of the images only, so irregular dates need nothing.

use std::collections::HashMap;
use std::ops::Range;

use jiff::civil::Date;

use super::day::LevelShift;
use super::explain::number;
use super::likelihood::Seen;
use super::segment::{Run, SegmentGrid, ln_sum_exp};

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

/// A search for level shifts among the days of a site. What it says of some days rests on no others.
#[derive(Debug)]
pub struct ShiftSearch {
    grid: SegmentGrid,
    /// Log likelihoods per cell of days that differ.
    tables: Vec<Vec<f64>>,
    /// For each day its table.
    days: Vec<usize>,
    rates: Vec<f64>,
    min_days: usize,
    /// The first is that of the look-back, the others begin at the changes found.
    beginnings: Vec<Beginning>,
}

/// The days from one on, added one by one, with the evidence after each: the searches up to successive days share it.
#[derive(Debug)]
struct Beginning {
    from: usize,
    cells: usize,
    run: Run,
    /// Log marginal likelihood of the days up to each, by dispersion.
    ln_evidence: Vec<Vec<f64>>,
}

impl ShiftSearch {
    /// A search over days in their order; `min_days` is the least length of a segment.
    pub fn new(days: &[Seen], min_days: usize) -> Self {
        let rates: Vec<f64> = days.iter().map(|seen| seen.count / seen.exposure).collect();
        let grid = SegmentGrid::new(highest(&rates));
        let mut tables = Vec::new();
        let mut known = HashMap::new();
        let mut table = |seen: &Seen| {
            *known.entry((seen.count.to_bits(), seen.exposure.to_bits(), seen.partly)).or_insert_with(|| {
                tables.push(grid.day(*seen));
                tables.len() - 1
            })
        };
        let days = days.iter().map(&mut table).collect();
        Self { grid, tables, days, rates, min_days: min_days.max(1), beginnings: Vec::new() }
    }

    /// The evidence for one change in days `from..to`; none where there are too few days for two segments.
    pub fn change(&mut self, from: usize, to: usize) -> Option<Change> {
        self.change_after(0, from, to)
    }

    /// The last change in days `from..to` for which the evidence is above a Bayes factor: where the days after a change show another one,
    /// it is that one.
    pub fn last_change(&mut self, from: usize, to: usize, least_bayes_factor: f64) -> Option<Change> {
        let mut last: Option<Change> = None;
        for number in 0.. {
            let next = self.change_after(number, last.map_or(from, |change| change.first_after), to);
            match next.filter(|change| change.bayes_factor > least_bayes_factor) {
                Some(change) => last = Some(change),
                None => break,
            }
        }
        last
    }

    /// The evidence for one change in days `from..to`, which lie after `number` changes.
    fn change_after(&mut self, number: usize, from: usize, to: usize) -> Option<Change> {
        let length = self.days.get(from..to)?.len();
        let changes = self.min_days..(length + 1).checked_sub(self.min_days)?;
        if changes.is_empty() {
            return None;
        }
        let highest = highest(&self.rates[from..to]);
        let cells = self.grid.cells(highest);
        let after = self.ends(from + changes.start, to, cells);
        self.begin(number, from, to, cells);
        let before = &self.beginnings[number].ln_evidence;
        let of_two = |(first, after): (usize, &Vec<f64>)| self.grid.ln_of_two(&before[first - 1], after);
        let evidence: Vec<f64> = changes.clone().zip(&after).map(of_two).collect();
        let mean = ln_sum_exp(&evidence) - (evidence.len() as f64).ln() - SegmentGrid::ln_mass(highest);
        let bayes_factor = (mean - ln_sum_exp(&before[length - 1])).exp();
        let best = (0..evidence.len()).max_by(|a, b| evidence[*a].total_cmp(&evidence[*b]).then(b.cmp(a)))?;
        let first_after = from + changes.start + best;
        let tables = |days: Range<usize>| self.days[days].iter().map(|day| &self.tables[*day][..]);
        Some(Change {
            first_after,
            bayes_factor,
            mean_before: self.grid.mean_level(tables(from..first_after), cells),
            mean_after: self.grid.mean_level(tables(first_after..to), cells),
        })
    }

    /// Adds days `from..to` to a beginning.
    fn begin(&mut self, number: usize, from: usize, to: usize, cells: usize) {
        let bare = |grid: &SegmentGrid| Beginning { from, cells, run: grid.run(cells), ln_evidence: Vec::new() };
        if number == self.beginnings.len() {
            self.beginnings.push(bare(&self.grid));
        }
        let beginning = &mut self.beginnings[number];
        if (beginning.from, beginning.cells) != (from, cells) || beginning.ln_evidence.len() > to - from {
            *beginning = bare(&self.grid);
        }
        for day in &self.days[(from + beginning.ln_evidence.len()).min(to)..to] {
            beginning.run.add(&self.tables[*day]);
            beginning.ln_evidence.push(beginning.run.ln_evidence());
        }
    }

    /// Log marginal likelihood of days `i..to` by dispersion, for each `i` from `first` on that leaves days enough.
    fn ends(&self, first: usize, to: usize, cells: usize) -> Vec<Vec<f64>> {
        let mut run = self.grid.run(cells);
        let mut ends = Vec::with_capacity(to - first);
        for (number, day) in self.days[first..to].iter().rev().enumerate() {
            run.add(&self.tables[*day]);
            if number + 1 >= self.min_days {
                ends.push(run.ln_evidence());
            }
        }
        ends.reverse();
        ends
    }
}

fn highest(rates: &[f64]) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}

/// The change as it is stated.
pub(super) fn stated(change: &Change, last_before: Date, first_after: Date) -> LevelShift {
    let (mean_before, mean_after) = (change.mean_before, change.mean_after);
    let factor = change.bayes_factor.min(1e6);
    let after = number(mean_after);
    let text = format!(
        "level shift between {last_before} and {first_after}, from a mean of {} to {after} {} (Bayes factor {}{factor:.0})",
        number(mean_before),
        if after == "1" { "car" } else { "cars" },
        if factor < 1e6 { "" } else { "above " },
    );
    LevelShift { last_before, first_after, mean_before, mean_after, bayes_factor: factor, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "From a mean of 19.6 to 1 cars".
    #[test]
    fn a_mean_of_one_is_one_car() {
        let (before, after) = (Date::constant(2020, 9, 17), Date::constant(2020, 9, 27));
        let text = |mean_after: f64| {
            stated(&Change { first_after: 3, bayes_factor: 50.0, mean_before: 19.6, mean_after }, before, after).text
        };
        assert!(text(1.04).contains("from a mean of 19.6 to 1 car (Bayes factor 50)"), "{}", text(1.04));
        assert!(text(1.06).contains("to 1.1 cars (") && text(0.0).contains("to 0 cars ("));
    }
}

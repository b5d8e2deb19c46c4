//! How well one set of parameters explains a run of days: marginal likelihoods of all beginnings and all ends of a history, for the
//! search for a change.

use super::likelihood::Seen;
use super::model::dispersions;
use super::negbin::ln_coefficient;
use super::strings;
use super::vector::{add, exp, ln, ln_1p, widest};

/// Step of `ln L`; marginal likelihoods need no finer one, since segments are compared, not predicted from.
const STEP: f64 = 0.0625;

/// Dispersions of the grid.
const DISPERSIONS: usize = 12;

/// Of which the first has no weight.
const WIDTH: usize = DISPERSIONS - 1;

/// Terms so far below the greatest, in logarithms, do not change a sum; most of a long history's grid is there.
const NEGLIGIBLE: f64 = 40.0;

/// So many of the days may be odd ones, each of a level of its own, without being a shift: a surge, an empty yard, a wrong count.
const ODD_SHARE: f64 = 0.05;

/// Of days without a car that show too little of a yard to call it empty, so many may be so for no reason that tells of its level. Only
/// many of them are a shift: three at a third of the yard were one "to 1 car".
const ALL_HIDDEN: f64 = 0.5;

/// Range of the level that the prior reaches over, unless the counts go beyond.
const RANGE: (f64, f64) = (0.1, 250.0);

/// The grid of a search for a change: levels (columns) times dispersions.
#[derive(Debug)]
pub(super) struct SegmentGrid {
    levels: Vec<f64>,
    sizes: Vec<f64>,
    /// Log prior times quadrature weight per dispersion.
    ln_dispersions: Vec<f64>,
    /// Log prior times quadrature weight per cell, level-major.
    ln_prior: Vec<f64>,
}

impl SegmentGrid {
    /// A grid that reaches over all counts, of which `highest` is the greatest rate.
    pub fn new(highest: f64) -> Self {
        let (from, to) = (first_column(), last_column(highest));
        let levels: Vec<f64> = (from..=to).map(|i| (i as f64 * STEP).exp()).collect();
        let dispersions = dispersions(DISPERSIONS);
        let total: f64 = dispersions.iter().map(|d| d.ln_weight.exp()).sum();
        let ln_prior = levels
            .iter()
            .flat_map(|level| {
                let ln_level = 0.5 * level.ln() + STEP.ln();
                dispersions.iter().map(move |d| ln_level + d.ln_weight - total.ln())
            })
            .collect();
        let ln_dispersions = dispersions.iter().map(|d| d.ln_weight - total.ln()).collect();
        Self { levels, sizes: dispersions.iter().map(|d| d.size).collect(), ln_dispersions, ln_prior }
    }

    /// How many of the cells, from the first on, a grid has that reaches over counts up to `highest` only. A search among earlier days
    /// uses no more, so that later days do not change what is said of them.
    pub fn cells(&self, highest: f64) -> usize {
        let columns = usize::try_from(last_column(highest) - first_column() + 1).unwrap_or(0);
        (columns * self.sizes.len()).min(self.ln_prior.len())
    }

    /// Log of the prior's mass over its range, given the greatest rate of the days compared: what one more level costs.
    pub fn ln_mass(highest: f64) -> f64 {
        (2.0 * (RANGE.1.max(3.0 * highest).sqrt() - RANGE.0.sqrt())).ln()
    }

    /// Log likelihood of a day per cell. What is hidden of the yard hides its cars string by string.
    pub fn day(&self, seen: Seen) -> Vec<f64> {
        let coefficients = |sizes: &[f64]| sizes.iter().map(|size| ln_coefficient(seen.count, *size)).collect::<Vec<f64>>();
        let of_whole = coefficients(&self.sizes);
        let hidden = strings::hidden(seen.exposure);
        let mut cells = vec![0.0; self.ln_prior.len()];
        for (cells, level) in cells.chunks_exact_mut(self.sizes.len()).zip(&self.levels) {
            let mean = level * seen.exposure;
            if hidden == 0.0 {
                ln_negative_binomial(cells, mean, seen.count, &self.sizes, &of_whole);
            } else {
                let sizes: Vec<f64> = self.sizes.iter().map(|size| strings::size_seen(*size, hidden, *level)).collect();
                ln_negative_binomial(cells, mean, seen.count, &sizes, &coefficients(&sizes));
            }
        }
        if seen.partly && seen.count == 0.0 {
            cells.iter_mut().for_each(|cell| *cell = ln(ALL_HIDDEN + (1.0 - ALL_HIDDEN) * exp(*cell)));
        }
        let odd = self.ln_odd(&cells, seen);
        for cells in cells.chunks_exact_mut(self.sizes.len()) {
            cells
                .iter_mut()
                .zip(&odd)
                .for_each(|(cell, odd)| *cell = ln_sum_exp(&[*cell + (1.0 - ODD_SHARE).ln(), odd + ODD_SHARE.ln()]));
        }
        cells
    }

    /// Log probability of an odd day for each dispersion: its level is drawn from the prior of levels, as that of a segment is, and reaches
    /// over this day's count, not over others, so that it does not depend on them.
    fn ln_odd(&self, day: &[f64], seen: Seen) -> Vec<f64> {
        let width = self.sizes.len();
        let rate = seen.count / seen.exposure;
        let cells = self.cells(rate);
        let of = |dispersion: usize| {
            let of_levels =
                (dispersion..cells).step_by(width).map(|cell| day[cell] + self.ln_prior[cell] - self.ln_dispersions[dispersion]);
            ln_sum_exp(&of_levels.collect::<Vec<_>>()) - Self::ln_mass(rate)
        };
        (0..width).map(of).collect()
    }

    /// A run of days without any yet, on the first so many cells.
    pub fn run(&self, cells: usize) -> Run {
        Run { sum: self.ln_prior[..cells.min(self.ln_prior.len())].to_vec() }
    }

    /// Log marginal likelihood of two runs of days, each of its own level, but of one dispersion; given that of each by dispersion.
    pub fn ln_of_two(&self, before: &[f64], after: &[f64]) -> f64 {
        // The dispersion's prior is in both.
        let both = before.iter().zip(after).zip(&self.ln_dispersions).map(|((before, after), prior)| before + after - prior);
        ln_sum_exp(&both.collect::<Vec<_>>())
    }

    /// Posterior mean level of a run of days.
    pub fn mean_level<'a>(&self, days: impl Iterator<Item = &'a [f64]>, cells: usize) -> f64 {
        let mut run = self.run(cells);
        for day in days {
            run.add(day);
        }
        let sum = run.sum;
        let total = ln_sum_exp(&sum);
        let width = self.sizes.len();
        sum.chunks(width).zip(&self.levels).map(|(row, level)| level * (ln_sum_exp(row) - total).exp()).sum()
    }
}

widest! {
    /// Log of negative binomials of one mean at a count, for each dispersion.
    fn ln_negative_binomial(out: &mut [f64], mean: f64, count: f64, sizes: &[f64], coefficients: &[f64]) {
        for ((out, size), coefficient) in out.iter_mut().zip(sizes).zip(coefficients) {
            let ratio = mean / size;
            let ln_whole = ln_1p(ratio);
            *out = coefficient - size * ln_whole - count * (ln_whole - ln(ratio));
        }
    }
}

/// Days that share one level and one dispersion.
#[derive(Debug)]
pub(super) struct Run {
    /// Log of prior times likelihood per cell.
    sum: Vec<f64>,
}

impl Run {
    /// One more day, before or after the others: their order does not matter.
    pub fn add(&mut self, day: &[f64]) {
        add(&mut self.sum, 1.0, day);
    }

    /// Log marginal likelihood of the days, for each dispersion.
    pub fn ln_evidence(&self) -> Vec<f64> {
        ln_sums_exp(self.sum.as_chunks().0).to_vec()
    }
}

widest! {
    /// `ln(sum(exp(x)))` over the levels, for each dispersion: a search for shifts takes about as long as this.
    fn ln_sums_exp(levels: &[[f64; WIDTH]]) -> [f64; WIDTH] {
        let mut tops = [f64::NEG_INFINITY; WIDTH];
        for level in levels {
            for (top, value) in tops.iter_mut().zip(level) {
                *top = if *value > *top { *value } else { *top };
            }
        }
        let mut sums = [0.0; WIDTH];
        for level in levels {
            let mut any = false;
            for (top, value) in tops.iter().zip(level) {
                any |= *value > top - NEGLIGIBLE;
            }
            if any {
                for ((sum, top), value) in sums.iter_mut().zip(&tops).zip(level) {
                    *sum += exp(value - top);
                }
            }
        }
        for (sum, top) in sums.iter_mut().zip(tops) {
            *sum = ln(*sum) + top;
        }
        sums
    }
}

/// Column of the least level, in steps from level 1.
fn first_column() -> i64 {
    (RANGE.0.ln() / STEP).floor() as i64
}

/// Column of the greatest level where the greatest rate is `highest`.
fn last_column(highest: f64) -> i64 {
    (RANGE.1.max(3.0 * highest).ln() / STEP).ceil() as i64
}

/// `ln(sum(exp(x)))`.
pub(super) fn ln_sum_exp(values: &[f64]) -> f64 {
    let top = greatest(values);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + values.iter().filter(|v| **v > top - NEGLIGIBLE).map(|v| exp(v - top)).sum::<f64>().ln()
}

/// The greatest value, looked for in lanes of their own: a search in one line cannot be done in parallel by the processor.
pub(super) fn greatest(values: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    let chunks = values.chunks_exact(lanes.len());
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane = if *v > *lane { *v } else { *lane });
    }
    lanes.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max)
}

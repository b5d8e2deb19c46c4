//! How well one set of parameters explains a run of days: marginal likelihoods of all beginnings and all ends of a history, for the
//! search for a change.

use super::likelihood::Seen;
use super::model::{HIGH_FACTORS, dispersions};
use super::negbin::{ln_coefficient, ln_pmf_from};

/// Step of `ln L`; marginal likelihoods need no finer one, since segments are compared, not predicted from.
const STEP: f64 = 0.0625;

/// Dispersions of the grid.
const DISPERSIONS: usize = 12;

/// Range of the level that the prior reaches over, unless the counts go beyond.
const RANGE: (f64, f64) = (0.1, 250.0);

/// The grid of a search for a change: levels (columns) times dispersions.
#[derive(Debug)]
pub(super) struct SegmentGrid {
    levels: Vec<f64>,
    sizes: Vec<f64>,
    /// Log prior times quadrature weight per cell, level-major.
    ln_prior: Vec<f64>,
}

impl SegmentGrid {
    /// A grid that reaches over all counts.
    pub fn new(days: &[Seen]) -> Self {
        let high = days.iter().map(|s| s.count / s.exposure).fold(0.0, f64::max);
        // The prior's whole range, so that further days do not move the grid under earlier ones.
        let from = (RANGE.0.ln() / STEP).floor() as i64;
        let to = (RANGE.1.max(3.0 * high).ln() / STEP).ceil() as i64;
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
        Self { levels, sizes: dispersions.iter().map(|d| d.size).collect(), ln_prior }
    }

    /// Log of the prior's mass over its range, given the greatest rate of the days compared: what one more level costs.
    pub fn ln_mass(highest: f64) -> f64 {
        (2.0 * (RANGE.1.max(3.0 * highest).sqrt() - RANGE.0.sqrt())).ln()
    }

    /// Log likelihood of a day per cell; `surge_share` of the days may be surges.
    pub fn day(&self, seen: Seen, surge_share: f64) -> Vec<f64> {
        let coefficients: Vec<f64> = self.sizes.iter().map(|size| ln_coefficient(seen.count, *size)).collect();
        let mut cells = Vec::with_capacity(self.ln_prior.len());
        for level in &self.levels {
            for (size, coefficient) in self.sizes.iter().zip(&coefficients) {
                let at = |factor: f64| ln_pmf_from(*coefficient, seen.count, factor * level * seen.exposure, *size);
                let ordinary = at(1.0);
                cells.push(if surge_share > 0.0 {
                    let surge = HIGH_FACTORS.map(|f| at(f).exp()).iter().sum::<f64>() / HIGH_FACTORS.len() as f64;
                    ((1.0 - surge_share) * ordinary.exp() + surge_share * surge).max(1e-300).ln()
                } else {
                    ordinary
                });
            }
        }
        cells
    }

    /// Log marginal likelihood of the first `i + 1` days, for each `i`, and of all days from `i` on.
    pub fn runs(&self, days: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
        let forward = self.accumulate(days.iter());
        let mut backward = self.accumulate(days.iter().rev());
        backward.reverse();
        (forward, backward)
    }

    fn accumulate<'a>(&self, days: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
        let mut sum = self.ln_prior.clone();
        days.map(|day| {
            sum.iter_mut().zip(day).for_each(|(s, d)| *s += d);
            ln_sum_exp(&sum)
        })
        .collect()
    }

    /// Posterior mean level of a run of days.
    pub fn mean_level(&self, days: &[Vec<f64>]) -> f64 {
        let mut sum = self.ln_prior.clone();
        for day in days {
            sum.iter_mut().zip(day).for_each(|(s, d)| *s += d);
        }
        let total = ln_sum_exp(&sum);
        let width = self.sizes.len();
        sum.chunks(width).zip(&self.levels).map(|(row, level)| level * (ln_sum_exp(row) - total).exp()).sum()
    }
}

/// `ln(sum(exp(x)))`.
pub(super) fn ln_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    // Terms e^-40 below the greatest do not change the sum; most of a long history's grid is there.
    top + values.iter().filter(|v| **v > top - 40.0).map(|v| (v - top).exp()).sum::<f64>().ln()
}

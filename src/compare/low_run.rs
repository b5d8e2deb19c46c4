//! A run of low days: are the last days together lower than the days before them let expect?
//!
//! A day is compared with all days before it, so that after the first empty day of a run every further one has a baseline in which
//! days are empty. Here the run is held against what was before it: the probability that all of its days have at most as many cars
//! as the highest of them (per visible share), for an unknown but common level, spread and share of empty days. The highest of a
//! fixed number of days is an ordinary test statistic, so this is an ordinary p-value; that the beginning of the run is looked for
//! costs a factor of two per day.

use super::baseline::{Surroundings, Usable, surroundings};
use super::day::LowRun;
use super::explain::FLOOR;
use super::likelihood::{Likelihoods, Seen};
use super::model::{HIGH_FACTORS, Layer};
use super::negbin::{ln_lower, ln_pmf};
use super::posterior::Posterior;
use super::predictive::error_weights;
use super::rules::Rules;
use super::scale::Scale;
use super::strings;
use super::trend::trend;

/// Days that speak for a run, at most. What has lasted longer is the yard's new level, and stated as a shift.
const MOST_DAYS: usize = 6;

/// Partly seen days over which a run is looked for, at most: more than a cloudy winter has. For each the rest is gone through.
const MOST_HIDDEN: usize = 30;

/// A day of a run has less than this share of the median before the run: the rule is for yards that fell silent, not for a slack season.
const LOW_SHARE: f64 = 0.5;

/// Terms that are sooner added one by one than computed as a whole.
const FEW: f64 = 100.0;

/// A day of the run: the cars (in units) that it has at most, and how it was seen.
struct Limit {
    most: f64,
    exposure: f64,
    hidden: f64,
    error: Vec<(f64, f64)>,
}

/// The run of low days that ends with a day (in retrospect: that holds it), the one that is least probable; none where no neighbouring
/// day was low.
pub(super) fn low_run(today: &Usable<'_>, usable: &[Usable<'_>], rules: &Rules, likelihoods: &mut Likelihoods) -> Option<LowRun> {
    let near = i64::from(rules.history.exclusion_days);
    let Surroundings { record, .. } = surroundings(usable, today.date, rules);
    let (before, after) = record.split_at(record.partition_point(|u| u.day < today.day));
    // Days to come that are no higher are no baseline either.
    let end = after.iter().take_while(|u| rate(u) <= rate(today)).last().map_or(today.day, |u| u.day);
    let mut evidence = vec![*today];
    let (mut since, mut until, mut days) = (*today, end, 1);
    let (mut highest, mut most) = (rate(today), today.count.count);
    let mut best: Option<LowRun> = None;
    let neighbours: [&mut dyn Iterator<Item = &Usable<'_>>; 2] = [&mut before.iter().rev(), &mut after.iter()];
    for neighbour in neighbours {
        let mut hidden = 0;
        for next in neighbour {
            if evidence.len() == MOST_DAYS {
                return best;
            }
            let (first, last) = (since.day.min(next.day), until.max(next.day));
            let baseline: Vec<Usable<'_>> =
                record.iter().filter(|u| u.day < first - near || u.day > last + near).copied().collect();
            if baseline.len() < rules.history.min_history || highest.max(rate(next)) >= LOW_SHARE * median_rate(&baseline) {
                break;
            }
            (highest, most) = (highest.max(rate(next)), most.max(next.count.count));
            (since, until, days) = (if next.day < since.day { *next } else { since }, last, days + 1);
            // The same cars, or the same lack of them, may still be there.
            if evidence.iter().any(|u| (u.day - next.day).abs() <= near) {
                // It is one silence: as long as no other piece speaks for it, an earlier look that says more does.
                if evidence.len() == 1 && next.day < today.day && !next.partly {
                    let p = probability(&[*next], highest, today.day, &baseline, rules, likelihoods);
                    best = less_probable(best, LowRun { since: since.date, days, most, p: p.clamp(FLOOR, 1.0) });
                }
                continue;
            }
            // What is hidden is not lacking.
            if next.partly {
                hidden += 1;
                if hidden == MOST_HIDDEN {
                    break;
                }
                continue;
            }
            evidence.push(*next);
            let p = searched(evidence.len()) * probability(&evidence, highest, today.day, &baseline, rules, likelihoods);
            best = less_probable(best, LowRun { since: since.date, days, most, p: p.clamp(FLOOR, 1.0) });
        }
    }
    best
}

fn less_probable(best: Option<LowRun>, run: LowRun) -> Option<LowRun> {
    best.filter(|best| best.p <= run.p).or(Some(run))
}

/// What a run of so many days costs because its beginning is looked for. Runs of all lengths together add half a day's own false alarms.
fn searched(days: usize) -> f64 {
    2.0_f64.powi(days as i32)
}

fn rate(day: &Usable<'_>) -> f64 {
    day.count.count / day.count.coverage
}

fn median_rate(days: &[Usable<'_>]) -> f64 {
    let mut rates: Vec<f64> = days.iter().map(rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}

/// Probability, given a baseline, that some days all have at most this rate.
fn probability(
    run: &[Usable<'_>],
    highest: f64,
    day: i64,
    baseline: &[Usable<'_>],
    rules: &Rules,
    likelihoods: &mut Likelihoods,
) -> f64 {
    let scale = Scale::of(baseline);
    let trend = trend(baseline, day, &rules.history);
    let factor = |u: &Usable<'_>| trend.map_or(1.0, |t| t.factor(u.day));
    let history: Vec<Seen> = baseline.iter().map(|u| scale.seen(u).with_factor(factor(u))).collect();
    let posterior = Posterior::new(likelihoods, &history);
    let limits: Vec<Limit> = run
        .iter()
        .map(|u| Limit {
            // Rounded as the tested day's count is: the highest day itself is not above its own rate.
            most: (highest * u.count.coverage / scale.unit).round(),
            exposure: u.count.coverage * factor(u),
            hidden: strings::hidden(u.count.coverage),
            error: error_weights(u.count.error_sd() / scale.unit),
        })
        .collect();
    all_at_most(&posterior, &likelihoods.model.layers, &likelihoods.model.empty_shares, &limits)
}

fn all_at_most(posterior: &Posterior, layers: &[Layer], empty_shares: &[(f64, f64)], limits: &[Limit]) -> f64 {
    // An empty yard is counted without a car, but for the error.
    let empty: Vec<f64> = limits
        .iter()
        .map(|limit| limit.error.iter().filter(|(error, _)| *error <= limit.most).map(|(_, weight)| weight).sum())
        .collect();
    let mut total = 0.0;
    for cell in &posterior.cells {
        let at =
            |factor: f64| -> Vec<f64> { limits.iter().map(|limit| limit.probability(factor * cell.level, cell.size)).collect() };
        let ordinary = at(1.0);
        for (number, layer) in layers.iter().enumerate() {
            let mut occupied = ordinary.clone();
            let high = HIGH_FACTORS.iter().zip(layer.factors).filter(|(_, share)| layer.ordinary && *share > 0.0);
            for (factor, share) in high {
                let days = occupied.iter_mut().zip(&ordinary).zip(at(*factor));
                days.for_each(|((sum, low), high)| *sum += layer.share * share * (high - low));
            }
            for ((share, _), weight) in empty_shares.iter().zip(cell.of_layer(number)) {
                let days = occupied.iter().zip(&empty).map(|(occupied, empty)| share * empty + (1.0 - share) * occupied);
                total += weight * days.product::<f64>();
            }
        }
    }
    total
}

impl Limit {
    /// Probability that a yard of this level, seen as on this day and counted with its error, has at most the limit.
    fn probability(&self, level: f64, size: f64) -> f64 {
        let shares = strings::shares(self.hidden, level);
        let likely = shares.into_iter().filter(|(_, weight)| *weight > 0.0);
        likely.map(|(times, weight)| weight * self.of_mean(level * self.exposure * times, size)).sum()
    }

    fn of_mean(&self, mean: f64, size: f64) -> f64 {
        let reach = self.error.last().map_or(0.0, |error| error.0);
        let ln_none = ln_pmf(0.0, mean, size);
        if self.most + reach > FEW || ln_none < -600.0 {
            let at_most = |most: f64| if most >= 0.0 { ln_lower(most as u64, mean, size).exp() } else { 0.0 };
            return self.error.iter().map(|(error, weight)| weight * at_most(self.most - error)).sum();
        }
        // From no car up, term by term.
        let (mut y, mut p) = (0.0, ln_none.exp());
        let mut sum = p;
        let mut total = 0.0;
        for (error, weight) in self.error.iter().rev() {
            let most = self.most - error;
            while y < most {
                p *= (y + size) / (y + 1.0) * mean / (size + mean);
                y += 1.0;
                sum += p;
            }
            if most >= 0.0 {
                total += weight * sum;
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Model;
    use crate::compare::predictive::Predictive;

    #[test]
    fn a_run_of_one_day_is_that_day() {
        let histories: [&[f64]; 3] = [
            &[12.0, 9.0, 14.0, 0.0, 11.0, 30.0, 8.0, 13.0, 10.0, 12.0],
            &[5.0, 6.0, 4.0, 34.0, 7.0, 5.0, 31.0, 6.0, 36.0, 5.0, 4.0, 7.0],
            &[0.0, 0.0, 3.0, 0.0, 1.0],
        ];
        let mut likelihoods = Likelihoods::new(Model::default());
        for counts in histories {
            let history: Vec<Seen> = counts.iter().map(|y| Seen::new(*y, 1.0)).collect();
            let posterior = Posterior::new(&mut likelihoods, &history);
            for (most, exposure, sd) in [
                (0.0, 1.0, 0.0),
                (3.0, 0.8, 0.0),
                (0.0, 1.0, 0.9),
                (9.0, 1.0, 2.5),
                (25.0, 0.5, 0.3),
                (40.0, 1.0, 60.0),
                (0.0, 1.0, 400.0),
            ] {
                let limit = Limit { most, exposure, hidden: strings::hidden(exposure), error: error_weights(sd) };
                let Model { layers, empty_shares, .. } = &likelihoods.model;
                let alone = all_at_most(&posterior, layers, empty_shares, &[limit]);
                let low = Predictive::of_strings(&posterior, exposure, sd).tails(most).low;
                assert!((alone / low - 1.0).abs() < 1e-4, "{counts:?} at most {most}: {alone} and {low}");
            }
        }
    }
}

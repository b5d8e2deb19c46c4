//! A change of the mix of freight classes: do two mixes explain the classes better than one?
//!
//! Dirichlet-multinomial Bayes factor over the same segments as the level shift. Cars of one class come in strings, so a day's classes
//! vary far more than independent cars would; class counts are therefore divided by the variation between the days of one segment
//! (Pearson's statistic per degree of freedom) before they are weighed as evidence.

use jiff::civil::Date;

use super::day::MixChange;
use super::observation::CLASS_NAMES;
use super::segment::ln_sum_exp;

/// Classes.
const CLASSES: usize = CLASS_NAMES.len();

/// Prior weight of each class in a mix: all mixes equally likely.
const PRIOR: f64 = 1.0;

/// A change of share smaller than this is not worth a word.
const LEAST_CHANGE: f64 = 0.1;

/// No class is taken to be rarer than this.
const LEAST_SHARE: f64 = 0.01;

type Classes = [f64; CLASSES];

/// Evidence for one change of mix among days in their order: index of the first day with the new mix, Bayes factor. None where there
/// are too few days or cars.
pub(super) fn change(days: &[[u32; CLASSES]], min_days: usize) -> Option<(usize, f64)> {
    let min_days = min_days.max(1);
    let last = days.len().checked_sub(min_days)?;
    if last < min_days {
        return None;
    }
    let mut sums = vec![Sums::default()];
    for day in days {
        sums.push(sums[sums.len() - 1].with(day));
    }
    let total = sums[days.len()];
    let splits: Vec<(Sums, Sums)> = (min_days..=last).map(|first| (sums[first], total.without(&sums[first]))).collect();
    // The variation within segments, at the split that leaves least of it: a true change must not count as variation.
    let variation = |(before, after): &(Sums, Sums)| {
        let (before, after) = (before.homogeneity(), after.homogeneity());
        (before.0 + after.0) / (before.1 + after.1).max(1.0)
    };
    let inflation = splits.iter().map(variation).fold(f64::INFINITY, f64::min).max(1.0);
    let one = ln_evidence(&total.cars, inflation);
    let two: Vec<f64> =
        splits.iter().map(|(before, after)| ln_evidence(&before.cars, inflation) + ln_evidence(&after.cars, inflation)).collect();
    let best = (0..two.len()).max_by(|a, b| two[*a].total_cmp(&two[*b]).then(b.cmp(a)))?;
    let factor = (ln_sum_exp(&two) - (two.len() as f64).ln() - one).exp();
    Some((min_days + best, factor))
}

/// What the days of a segment add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    cars: Classes,
    /// Squares of the days' cars of each class, over the day's cars.
    squares: Classes,
    /// Days with cars.
    days: f64,
}

impl Sums {
    /// With one more day.
    fn with(mut self, day: &[u32; CLASSES]) -> Self {
        let seen: f64 = day.iter().map(|n| f64::from(*n)).sum();
        if seen > 0.0 {
            self.days += 1.0;
            for (c, n) in day.iter().map(|n| f64::from(*n)).enumerate() {
                self.cars[c] += n;
                self.squares[c] += n * n / seen;
            }
        }
        self
    }

    /// Without the first days, of which these are the sums.
    fn without(&self, first: &Self) -> Self {
        let less = |all: &Classes, first: &Classes| std::array::from_fn(|c| all[c] - first[c]);
        Self { cars: less(&self.cars, &first.cars), squares: less(&self.squares, &first.squares), days: self.days - first.days }
    }

    /// Pearson's statistic of homogeneity between days, and its degrees of freedom.
    fn homogeneity(&self) -> (f64, f64) {
        let cars: f64 = self.cars.iter().sum();
        let present = || self.cars.iter().zip(&self.squares).filter(|(cars, _)| **cars > 0.0);
        // The sum of (n - e)^2 / e over days and classes, where the n, and the e expected, of each class add up to its cars.
        let statistic = cars * present().map(|(cars, squares)| squares / cars).sum::<f64>() - cars;
        (statistic.max(0.0), (self.days - 1.0).max(0.0) * (present().count().max(1) - 1) as f64)
    }
}

/// Log marginal probability of class counts under one unknown mix (the multinomial coefficients cancel).
fn ln_evidence(classes: &Classes, inflation: f64) -> f64 {
    let total: f64 = classes.iter().sum::<f64>() / inflation;
    let parts: f64 = classes.iter().map(|n| libm::lgamma(PRIOR + n / inflation) - libm::lgamma(PRIOR)).sum();
    parts + libm::lgamma(PRIOR * CLASSES as f64) - libm::lgamma(PRIOR * CLASSES as f64 + total)
}

/// Whether a day's classes are more probable under one mix than under another.
fn is_more_like(day: &[u32; CLASSES], mix: &Classes, other: &Classes) -> bool {
    let least = |share: f64| share.max(LEAST_SHARE);
    day.iter().zip(mix).zip(other).map(|((n, mix), other)| f64::from(*n) * (least(*mix) / least(*other)).ln()).sum::<f64>() > 0.0
}

/// The change as it is stated; none where no class changes enough, or fewer than `min_days` days are more like the new mix than like the old
/// one: one day with a train of its own and the days beside it are no new mix.
pub(super) fn stated(
    days: &[[u32; CLASSES]],
    first: usize,
    bayes_factor: f64,
    last_before: Date,
    first_after: Date,
    min_days: usize,
) -> Option<MixChange> {
    let shares = |days: &[[u32; CLASSES]]| -> Classes {
        let sum: Classes = std::array::from_fn(|c| days.iter().map(|d| f64::from(d[c])).sum());
        let total: f64 = sum.iter().sum();
        sum.map(|s| if total > 0.0 { s / total } else { 0.0 })
    };
    let (before, after) = (shares(&days[..first]), shares(&days[first..]));
    let mut changed: Vec<usize> = (0..CLASSES).filter(|c| (after[*c] - before[*c]).abs() >= LEAST_CHANGE).collect();
    changed.sort_by(|a, b| (after[*b] - before[*b]).abs().total_cmp(&(after[*a] - before[*a]).abs()).then(a.cmp(b)));
    if changed.is_empty() || days[first..].iter().filter(|day| is_more_like(day, &after, &before)).count() < min_days {
        return None;
    }
    let bayes_factor = bayes_factor.min(1e6);
    let parts: Vec<String> = changed
        .iter()
        .take(3)
        .map(|c| format!("{} {:.0} to {:.0} %", CLASS_NAMES[*c], 100.0 * before[*c], 100.0 * after[*c]))
        .collect();
    let above = if bayes_factor < 1e6 { "" } else { "above " };
    let text = format!(
        "change of mix between {last_before} and {first_after}: {} (Bayes factor {above}{bayes_factor:.0})",
        parts.join(", ")
    );
    Some(MixChange { last_before, first_after, before, after, bayes_factor, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of two strings each, the first string's class drawn by `class`.
    fn days(count: usize, class: impl Fn(usize) -> usize) -> Vec<[u32; CLASSES]> {
        (0..count)
            .map(|i| {
                let mut day = [2, 1, 1, 1, 1];
                day[class(i)] += 8 + (i % 3) as u32;
                day
            })
            .collect()
    }

    #[test]
    fn a_new_class_of_trains_is_a_change() {
        let days = days(16, |i| if i < 10 { i % 2 } else { 2 });
        let (first, factor) = change(&days, 3).expect("enough days");
        assert_eq!(first, 10);
        assert!(factor > 20.0, "{factor}");
    }

    #[test]
    fn strings_of_changing_class_are_no_change() {
        let days = days(30, |i| (i * 7 + i / 3) % CLASSES);
        let (_, factor) = change(&days, 3).expect("enough days");
        assert!(factor < 1.0, "{factor}");
    }

    #[test]
    fn homogeneity_is_that_of_pearson() {
        let days = [[3, 5, 0, 0, 2], [0, 0, 0, 0, 0], [7, 1, 0, 4, 0], [2, 2, 0, 9, 1], [0, 6, 0, 0, 0]];
        for first in 0..days.len() {
            let sums = |days: &[[u32; CLASSES]]| days.iter().fold(Sums::default(), Sums::with);
            let sum = sums(&days[first..]);
            let cars: f64 = sum.cars.iter().sum();
            let mut statistic = 0.0;
            for day in &days[first..] {
                let seen: f64 = day.iter().map(|n| f64::from(*n)).sum();
                for (n, class) in day.iter().zip(sum.cars).filter(|(_, class)| seen * class > 0.0) {
                    let expected = seen * class / cars;
                    statistic += (f64::from(*n) - expected).powi(2) / expected;
                }
            }
            for sum in [sum, sums(&days).without(&sums(&days[..first]))] {
                assert!((sum.homogeneity().0 - statistic).abs() < 1e-12, "{statistic}");
            }
        }
        assert_eq!(days.iter().fold(Sums::default(), Sums::with).homogeneity().1, 9.0);
    }

    #[test]
    fn too_few_days_or_no_cars_are_no_change() {
        assert!(change(&[], 3).is_none());
        assert!(change(&days(5, |_| 0), 3).is_none());
        assert!(change(&[[0; CLASSES]; 8], 3).is_none_or(|c| c.1 < 20.0));
    }
}

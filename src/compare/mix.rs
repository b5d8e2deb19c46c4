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
    let mut sums: Vec<Classes> = vec![[0.0; CLASSES]];
    for day in days {
        let sum = sums[sums.len() - 1];
        sums.push(std::array::from_fn(|c| sum[c] + f64::from(day[c])));
    }
    let total = sums[days.len()];
    let splits: Vec<(Classes, Classes)> =
        (min_days..=last).map(|first| (sums[first], std::array::from_fn(|c| total[c] - sums[first][c]))).collect();
    // The variation within segments, at the split that leaves least of it: a true change must not count as variation.
    let inflation = (min_days..=last)
        .map(|first| pearson(&days[..first], &sums[first]) + pearson(&days[first..], &splits[first - min_days].1))
        .fold((f64::INFINITY, 0.0), |(least, _), (statistic, freedom)| (least.min(statistic / freedom.max(1.0)), freedom))
        .0
        .max(1.0);
    let one = ln_evidence(&total, inflation);
    let two: Vec<f64> =
        splits.iter().map(|(before, after)| ln_evidence(before, inflation) + ln_evidence(after, inflation)).collect();
    let best = (0..two.len()).max_by(|a, b| two[*a].total_cmp(&two[*b]).then(b.cmp(a)))?;
    let factor = (ln_sum_exp(&two) - (two.len() as f64).ln() - one).exp();
    Some((min_days + best, factor))
}

/// Pearson's statistic of homogeneity between days, and its degrees of freedom.
fn pearson(days: &[[u32; CLASSES]], sum: &Classes) -> Statistic {
    let cars: f64 = sum.iter().sum();
    let present = sum.iter().filter(|s| **s > 0.0).count();
    let (mut statistic, mut counted) = (0.0, 0.0_f64);
    for day in days {
        let seen: f64 = day.iter().map(|n| f64::from(*n)).sum();
        if seen > 0.0 {
            counted += 1.0;
            for (n, s) in day.iter().zip(sum).filter(|(_, s)| **s > 0.0) {
                let expected = seen * s / cars;
                statistic += (f64::from(*n) - expected).powi(2) / expected;
            }
        }
    }
    Statistic(statistic, (counted - 1.0).max(0.0) * (present.max(1) - 1) as f64)
}

struct Statistic(f64, f64);

impl std::ops::Add for Statistic {
    type Output = (f64, f64);

    fn add(self, other: Self) -> (f64, f64) {
        (self.0 + other.0, self.1 + other.1)
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
    fn too_few_days_or_no_cars_are_no_change() {
        assert!(change(&[], 3).is_none());
        assert!(change(&days(5, |_| 0), 3).is_none());
        assert!(change(&[[0; CLASSES]; 8], 3).is_none_or(|c| c.1 < 20.0));
    }
}

//! Rules that users know, each as the least count that it flags after a history (one-sided, nominal 1 % where it has a level).

use yardwatch::compare::{Likelihoods, Model, Posterior, Predictive, Rules, Seen, negbin};

use crate::farrington::{Bound, Farrington};

const Z99: f64 = 2.326_347_874_040_840_8;

/// Names of all rules, in the order of [`thresholds`].
pub const NAMES: [&str; 12] = [
    "yardwatch: anomalous-high",
    "yardwatch: high at all",
    "first candidate, guard 0.05",
    "first candidate, no guard",
    "without surges or regimes",
    "mean + 3 sd",
    "median + 3 MAD",
    "EARS C2 (z = 3.09)",
    "sqrt-t (Anscombe)",
    "Farrington flexible, delta",
    "Farrington flexible, muan",
    "Poisson-gamma",
];

/// Least count that each rule flags.
pub fn thresholds(history: &[f64], models: &mut Models) -> [f64; NAMES.len()] {
    let own = own(history, models);
    let above = |bound: f64| bound.floor() + 1.0;
    let farrington = |bound| {
        let ones = vec![1.0; history.len()];
        let fit = Farrington::fit(history, &ones, None, true, 0.0, 1.0);
        fit.map_or(1.0, |fit| above(fit.upper(bound, 0.01, Z99)))
    };
    [
        own[0],
        own[1],
        own[2],
        own[3],
        own[4],
        above(mean(history) + 3.0 * sd(history)),
        above(median(history) + 3.0 * mad(history)),
        above(ears_c2(history)),
        above(root_t(history)),
        farrington(Bound::Delta),
        farrington(Bound::Muan),
        poisson_gamma(history),
    ]
}

/// The model that gives the verdicts and the one before it, with all that they remember.
pub struct Models {
    own: Likelihoods,
    first: Likelihoods,
}

impl Models {
    pub fn new() -> Self {
        Self { own: Likelihoods::new(Model::default()), first: Likelihoods::new(Model::first_candidate()) }
    }
}

fn own(history: &[f64], models: &mut Models) -> [f64; 5] {
    let history: Vec<Seen> = history.iter().map(|y| Seen::new(*y, 1.0)).collect();
    let [high, guarded, _] = least_flagged(&mut models.own, &history, Rules::default().alarm.plain_level);
    let [first, first_guarded, plain] = least_flagged(&mut models.first, &history, 0.05);
    [guarded, high, first_guarded, first, plain]
}

/// Least count that is high, that is also high without surges at the guard's level, and that is high without surges at 1 %.
fn least_flagged(likelihoods: &mut Likelihoods, history: &[Seen], guard: f64) -> [f64; 3] {
    let posterior = Posterior::new(likelihoods, history);
    let predictive = Predictive::new(&posterior, 1.0, 0.0);
    let least = |fine: &dyn Fn(f64) -> bool| {
        let (mut below, mut above) = (0.0, 16.0);
        while !fine(above) {
            (below, above) = (above, above * 2.0);
        }
        while above - below > 1.0 {
            let middle = ((below + above) / 2.0_f64).floor();
            if fine(middle) { above = middle } else { below = middle }
        }
        above
    };
    let high = least(&|y| predictive.tails(y).high <= 0.01);
    let guarded = high.max(least(&|y| predictive.tails(y).plain <= guard));
    [high, guarded, least(&|y| predictive.tails(y).plain <= 0.01)]
}

fn mean(y: &[f64]) -> f64 {
    y.iter().sum::<f64>() / y.len() as f64
}

fn sd(y: &[f64]) -> f64 {
    let m = mean(y);
    (y.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (y.len() as f64 - 1.0)).sqrt()
}

fn median(y: &[f64]) -> f64 {
    let mut y = y.to_vec();
    y.sort_by(f64::total_cmp);
    (y[(y.len() - 1) / 2] + y[y.len() / 2]) / 2.0
}

fn mad(y: &[f64]) -> f64 {
    let m = median(y);
    1.4826 * median(&y.iter().map(|v| (v - m).abs()).collect::<Vec<_>>())
}

/// Seven days, two days before the tested one (as far as the history goes).
fn ears_c2(y: &[f64]) -> f64 {
    let end = if y.len() >= 9 { y.len() - 2 } else { y.len() };
    let window = &y[end - 7.min(end)..end];
    mean(window) + 3.09 * sd(window)
}

/// Prediction interval of the t distribution after the square-root transform.
fn root_t(y: &[f64]) -> f64 {
    let x: Vec<f64> = y.iter().map(|v| (v + 0.375).sqrt()).collect();
    let n = y.len() as f64;
    let (mut below, mut above) = (2.0, 40.0);
    for _ in 0..60 {
        let middle = (below + above) / 2.0;
        if yardwatch::compare::loglinear::two_sided_t(middle, n - 1.0) > 0.02 { below = middle } else { above = middle }
    }
    (mean(&x) + below * sd(&x) * (1.0 + 1.0 / n).sqrt()).max(0.0).powi(2) - 0.375
}

/// Predictive of a Poisson with a gamma posterior, prior gamma(1/2, 0).
fn poisson_gamma(y: &[f64]) -> f64 {
    let size = y.iter().sum::<f64>() + 0.5;
    negbin::quantile(0.99, size / y.len() as f64, size) as f64 + 1.0
}

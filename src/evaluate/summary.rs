//! Many scenes' scores as one: per kind of scene and over all.

use super::confusion::Confusion;
use super::game;
use super::score::{Others, Rates, SceneScore, Tally};
use serde::Serialize;
use std::collections::BTreeMap;

/// Name of the sum over all scenes.
pub const ALL: &str = "ALL";

/// Sums and means over scenes. Rates are those of the summed cars, not means of scenes' rates.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Scenes.
    pub n: u64,
    /// Scenes without a usable prediction.
    pub missing: u64,
    /// Freight cars to be found.
    pub truth: u64,
    /// Freight cars predicted.
    pub pred: i64,
    /// Freight cars found.
    pub tp: u64,
    /// Predictions that are no freight car.
    pub fp: u64,
    /// Freight cars not found.
    #[serde(rename = "fn")]
    pub missed: u64,
    /// Of the predictions, to 4 digits.
    pub precision: f64,
    /// Of the cars, to 4 digits.
    pub recall: f64,
    /// Of both, to 4 digits.
    pub f1: f64,
    /// Sum of the signed count errors.
    pub count_error: i64,
    /// Sum of the absolute count errors.
    pub abs_err: u64,
    /// Scenes whose count is right.
    pub exact: u64,
    /// Absolute count error per scene, to 2 digits.
    pub mean_abs_count_error: f64,
    /// Absolute count errors by true cars, to 4 digits; nothing where there are no cars.
    pub relative_count_error: Option<f64>,
    /// Signed count error per scene, to 2 digits.
    pub bias: f64,
    /// Scenes whose interval holds the true number, of those that state one.
    pub interval_coverage: Tally,
    /// Mean number of cars from the lower to the upper end of the interval, to 2 digits.
    pub mean_interval_width: Option<f64>,
    /// Found cars per true class.
    pub recall_by_class: BTreeMap<String, Tally>,
    /// Found cars with a named kind: those with the right one.
    pub kind: Tally,
    /// Locomotives and coaches.
    pub loco_coach: Others,
    /// True against predicted class.
    pub confusion: Confusion,
    /// Mean grid error per scene, levels 0 to 3, to 2 digits; over scenes with positions.
    pub game: [f64; game::LEVELS],
}

/// The summaries of every preset in order of appearance, [`ALL`] among them (last, unless some preset has that name).
pub fn summaries(scenes: &[SceneScore]) -> Vec<(String, Summary)> {
    let mut names: Vec<&str> = Vec::new();
    for scene in scenes {
        if scene.preset != ALL && !names.contains(&scene.preset.as_str()) {
            names.push(&scene.preset);
        }
    }
    let of = |name: &str| summary(scenes.iter().filter(|s| name == ALL || s.preset == name));
    names.into_iter().chain([ALL]).map(|name| (name.to_owned(), of(name))).collect()
}

fn summary<'a>(scenes: impl Iterator<Item = &'a SceneScore>) -> Summary {
    let mut s = Summary::default();
    let (mut widths, mut located, mut game) = (0, 0u64, [0u64; game::LEVELS]);
    for scene in scenes {
        s.n += 1;
        s.missing += u64::from(scene.missing);
        s.truth += scene.truth;
        s.pred = s.pred.saturating_add(scene.pred);
        s.count_error = s.count_error.saturating_add(scene.count_error);
        s.abs_err = s.abs_err.saturating_add(scene.count_error.unsigned_abs());
        s.exact += u64::from(scene.count_error == 0);
        if let Some(interval) = scene.interval {
            s.interval_coverage.add(interval.covered);
            widths += i128::from(interval.high) - i128::from(interval.low);
        }
        let Some(m) = &scene.matched else { continue };
        s.tp += m.tp;
        s.fp += m.fp;
        s.missed += m.missed;
        s.kind += m.kind;
        s.loco_coach.truth += m.loco_coach.truth;
        s.loco_coach.pred += m.loco_coach.pred;
        s.loco_coach.tp += m.loco_coach.tp;
        for (class, &tally) in &m.recall_by_class {
            *s.recall_by_class.entry(class.clone()).or_default() += tally;
        }
        for (row, columns) in &m.confusion {
            for (column, n) in columns {
                *s.confusion.entry(row.clone()).or_default().entry(column.clone()).or_default() += n;
            }
        }
        located += 1;
        for (sum, error) in game.iter_mut().zip(m.game) {
            *sum += error;
        }
    }
    let rates = Rates::new(s.tp, s.fp, s.missed);
    (s.precision, s.recall, s.f1) = (round(rates.precision, 4), round(rates.recall, 4), round(rates.f1, 4));
    let n = s.n.max(1) as f64;
    s.mean_abs_count_error = round(s.abs_err as f64 / n, 2);
    s.bias = round(s.count_error as f64 / n, 2);
    s.relative_count_error = (s.truth > 0).then(|| round(s.abs_err as f64 / s.truth as f64, 4));
    s.mean_interval_width = (s.interval_coverage.total > 0).then(|| round(widths as f64 / s.interval_coverage.total as f64, 2));
    s.game = game.map(|sum| round(sum as f64 / located.max(1) as f64, 2));
    s
}

/// To so many decimals, by the exact decimal expansion (ties to even), as Python's `round` does it.
fn round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_python_does() {
        assert_eq!((round(0.125, 2), round(0.375, 2), round(2.675, 2), round(-0.5, 0)), (0.12, 0.38, 2.67, 0.0));
    }

    #[test]
    fn sums_cars_not_rates_and_keeps_the_order_of_presets() {
        let scene = |preset: &str, truth: u64, pred: i64| SceneScore {
            preset: preset.into(),
            seed: 0,
            gsd: 0.5,
            truth,
            dont_care: 0,
            image: String::new(),
            missing: false,
            count_only: true,
            pred,
            count_error: pred - truth as i64,
            interval: None,
            matched: None,
        };
        let all = summaries(&[scene("z", 10, 12), scene("a", 5, 4), scene("z", 10, 10)]);
        assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["z", "a", ALL]);
        let total = &all[2].1;
        assert_eq!((total.n, total.count_error, total.abs_err, total.exact), (3, 1, 3, 1));
        assert_eq!((total.mean_abs_count_error, total.bias, total.relative_count_error), (1.0, 0.33, Some(0.12)));
        assert_eq!(total.mean_interval_width, None);
    }
}

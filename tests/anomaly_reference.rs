//! The comparer's numbers against R 4.2.2 and the R package `surveillance` 1.20.3, and against another implementation of its own
//! model (`../shared/anomaly_ref`; reference material under GPL-2 that is read from there and never copied).

use std::collections::BTreeMap;
use std::path::PathBuf;

use yardwatch::compare::{Likelihoods, Model, Posterior, Predictive, Seen, benjamini_hochberg, negbin};

type Row = BTreeMap<String, String>;

/// The rows of a reference table, or none where `../shared` is not there.
fn table(name: &str) -> Option<Vec<Row>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "shared", "anomaly_ref", name].iter().collect();
    if !path.exists() {
        eprintln!("skipped: ../shared not present");
        return None;
    }
    let mut reader = csv::Reader::from_path(&path).expect("table opens");
    Some(reader.deserialize().map(|row| row.expect("row reads")).collect())
}

fn value(row: &Row, name: &str) -> f64 {
    row[name].trim().parse().unwrap_or_else(|_| panic!("{name} in {row:?}"))
}

fn close(what: &str, row: &Row, got: f64, want: f64, tolerance: f64) {
    let scale = want.abs().max(f64::MIN_POSITIVE);
    assert!((got - want).abs() <= tolerance * scale, "{what}: {got:e} instead of {want:e} in {row:?}");
}

/// The histories of the 168 reference cases: (days, counts).
fn histories(rows: &[Row]) -> BTreeMap<u32, Vec<(f64, Seen)>> {
    let mut cases: BTreeMap<u32, Vec<(f64, Seen)>> = BTreeMap::new();
    for row in rows {
        let seen = Seen::new(value(row, "y"), value(row, "exposure"));
        cases.entry(value(row, "case") as u32).or_default().push((value(row, "t_day"), seen));
    }
    cases
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[test]
fn negative_binomial_probabilities_and_tails_agree_with_r_to_1e_10() {
    let Some(rows) = table("prim_dist.csv") else { return };
    assert!(rows.len() >= 270);
    for row in &rows {
        let (mean, size, q) = (value(row, "mu"), value(row, "size"), value(row, "q"));
        let upper = negbin::ln_upper(q as u64, mean, size);
        close("ln pmf", row, negbin::ln_pmf(q, mean, size), value(row, "pmf_log"), 1e-10);
        close("ln upper tail", row, upper, value(row, "log_sf_ge"), 1e-10);
        close("upper tail", row, upper.exp(), value(row, "sf_ge"), 1e-10);
        close("lower tail", row, negbin::ln_lower(q as u64, mean, size).exp(), value(row, "cdf_le"), 1e-10);
    }
}

#[test]
fn negative_binomial_quantiles_are_those_of_r() {
    let Some(rows) = table("prim_quantile.csv") else { return };
    for row in &rows {
        let got = negbin::quantile(value(row, "p"), value(row, "mu"), value(row, "size"));
        assert_eq!(got, value(row, "qnbinom") as u64, "{row:?}");
    }
}

#[test]
fn adjusted_p_values_are_those_of_r() {
    let Some(rows) = table("prim_padjust.csv") else { return };
    let mut sets: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        sets.entry(value(row, "set") as u32).or_default().push(row);
    }
    for rows in sets.values() {
        let p: Vec<f64> = rows.iter().map(|row| value(row, "p")).collect();
        for (row, q) in rows.iter().zip(benjamini_hochberg(&p)) {
            assert!((q - value(row, "bh")).abs() < 1e-12, "{q} in {row:?}");
        }
    }
}

#[test]
fn posterior_predictive_on_the_reference_grid_agrees_with_the_reference() {
    let (Some(rows), Some(base)) = (table("own_nbpp_reference.csv"), table("prim_baseline.csv")) else { return };
    let histories = histories(&base);
    assert_eq!(rows.len(), 168);
    for row in &rows {
        let history: Vec<Seen> = histories[&(value(row, "case") as u32)].iter().map(|h| h.1).collect();
        let centre = median(history.iter().map(|s| s.count / s.exposure).collect());
        let mut likelihoods = Likelihoods::new(Model::coarse(centre));
        let posterior = Posterior::new(&mut likelihoods, &history);
        let predictive = Predictive::new(&posterior, value(row, "exposure0"), 0.0);
        let tails = predictive.tails(value(row, "y0"));
        close("expected", row, predictive.expected(), value(row, "expected"), 1e-6);
        close("p_high", row, tails.high, value(row, "p_high"), 2e-3);
        close("p_low", row, tails.low, value(row, "p_low"), 2e-3);
        // The reference cut its distributions off at about 100; a quantile of 105 there means "105 or more".
        for (name, p) in [("q025", 0.025), ("q500", 0.5), ("q975", 0.975)] {
            let (got, want) = (predictive.quantile(p), value(row, name));
            assert!(got == want || (want >= 105.0 && got >= want), "{name} {got} in {row:?}");
        }
        let surges = posterior.surge_probabilities(&mut likelihoods);
        let repeated = |seen: Seen| history.iter().filter(|h| **h == seen).count();
        let count: usize = surges.iter().filter(|s| s.1 > 0.5).map(|s| repeated(s.0)).sum();
        assert_eq!(count, value(row, "n_contaminated_gt50") as usize, "{row:?}");
    }
}

#[test]
fn the_adaptive_grid_is_as_good_as_a_much_finer_one() {
    let (Some(rows), Some(base)) = (table("own_nbpp_reference.csv"), table("prim_baseline.csv")) else { return };
    let histories = histories(&base);
    let mut worst: f64 = 0.0;
    for row in rows.iter().step_by(11) {
        let history: Vec<Seen> = histories[&(value(row, "case") as u32)].iter().map(|h| h.1).collect();
        let centre = median(history.iter().map(|s| s.count / s.exposure).collect());
        let [fine, adaptive] = [Model::fine(centre), Model::default()].map(|model| {
            let mut likelihoods = Likelihoods::new(model);
            let posterior = Posterior::new(&mut likelihoods, &history);
            Predictive::new(&posterior, value(row, "exposure0"), 0.0).tails(value(row, "y0"))
        });
        for (got, want) in [(adaptive.high, fine.high), (adaptive.low, fine.low), (adaptive.plain, fine.plain)] {
            if (got / want - 1.0).abs() > 0.005 {
                println!("{got:e} {want:e} n={} {row:?}", history.len());
            }
            worst = worst.max((got / want - 1.0).abs());
        }
    }
    println!("worst relative difference {worst:.4}");
    assert!(worst < 0.02, "worst relative difference {worst}");
}

#[path = "../examples/comparer_study/farrington.rs"]
mod farrington;

#[test]
fn fits_and_farrington_bounds_agree_with_r_to_2e_4() {
    use farrington::{Bound, Farrington};
    let (Some(rows), Some(base)) = (table("prim_farrington.csv"), table("prim_baseline.csv")) else { return };
    let histories = histories(&base);
    let mut compared = 0;
    for row in &rows {
        let history = &histories[&(value(row, "case") as u32)];
        let counts: Vec<f64> = history.iter().map(|h| h.1.count).collect();
        let exposures: Vec<f64> = history.iter().map(|h| h.1.exposure).collect();
        let times: Vec<f64> = history.iter().map(|h| h.0 / 365.25).collect();
        let trend = (value(row, "trend") == 1.0).then_some(&times[..]);
        let (time, exposure) = (value(row, "t0") / 365.25, value(row, "exposure0"));
        let fit = Farrington::fit(&counts, &exposures, trend, value(row, "reweight") == 1.0, time, exposure).expect("fit");
        let (bound, z) = (&row["method"], if value(row, "alpha") == 0.01 { 2.3263478740408408 } else { 3.090232306167813 });
        let (bound, mean) = match bound.as_str() {
            "delta" => (Bound::Delta, fit.ln_mean.exp()),
            "nbPlugin" => (Bound::Plugin, fit.ln_mean),
            _ => (Bound::Muan, fit.ln_mean),
        };
        close("phi", row, fit.phi, value(row, "phi"), 2e-4);
        assert!((mean - value(row, "fit")).abs() < 2e-4 * (1.0 + mean.abs()), "fit {mean} in {row:?}");
        let (got, want) = (fit.upper(bound, value(row, "alpha"), z), value(row, "upper_textbook"));
        // R stops its fit earlier; a quantile may sit on the edge.
        let steps: f64 = if bound == Bound::Delta { 0.0 } else { 1.0 };
        assert!((got - want).abs() <= steps.max(2e-4 * want.abs()), "bound {got} in {row:?}");
        compared += usize::from((got - want).abs() <= 2e-4 * want.abs());
    }
    assert!(compared as f64 > 0.995 * rows.len() as f64, "only {compared} of {} bounds to 2e-4", rows.len());
}

#[test]
fn reweighting_agrees_with_r() {
    use yardwatch::compare::loglinear::LogLinear;
    let Some(base) = table("prim_baseline.csv") else { return };
    let histories = histories(&base);
    let mut rows: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
    base.iter().for_each(|row| rows.entry(value(row, "case") as u32).or_default().push(row));
    for (case, rows) in rows {
        let counts: Vec<f64> = histories[&case].iter().map(|h| h.1.count).collect();
        let exposures: Vec<f64> = histories[&case].iter().map(|h| h.1.exposure).collect();
        let (_, weights) = LogLinear::fit_reweighted(&counts, &exposures, None, 2.58).expect("fit");
        for (row, weight) in rows.iter().zip(weights) {
            assert!((weight - value(row, "omega_notrend")).abs() < 2e-4, "weight {weight} in {row:?}");
        }
    }
}

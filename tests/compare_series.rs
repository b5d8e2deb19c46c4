//! Verdicts on the dated series with known truth, and what must hold of any verdict.

use std::path::PathBuf;

use serde_json::Value;
use yardwatch::compare::{DatedCount, Day, Rules, Verdict, compare_site};

/// The true counts of a series, or none where `../shared` is not there. `seen`: only what the clear part of the image shows.
fn series(name: &str, seen: bool) -> Option<Vec<DatedCount>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "shared", "series", name, "series_truth.json"].iter().collect();
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: ../shared not present");
        return None;
    };
    let truth: Value = serde_json::from_str(&text).expect("truth reads");
    let counts = truth["dates"].as_array().expect("dates").iter().map(|date| {
        let time = date["datetime"].as_str().expect("datetime").parse().expect("time");
        let number = |value: &Value| value.as_f64().expect("number");
        let mut count = DatedCount::new(name, time, number(&date["true_count"]));
        if seen {
            count.count = number(&date["visible"]["freight_cars_clear"]);
            count.coverage = number(&date["aoi_clear_fraction"]);
        }
        count
    });
    Some(counts.collect())
}

fn flagged(days: &[Day]) -> Vec<String> {
    let unusual = |v: Verdict| matches!(v, Verdict::AnomalousHigh | Verdict::HighRecurrent | Verdict::DropOut);
    days.iter().filter(|d| unusual(d.verdict)).map(|d| d.date.to_string()).collect()
}

#[test]
fn sample_series_flags_the_surge_and_nothing_else() {
    for seen in [false, true] {
        let Some(counts) = series("sample", seen) else { return };
        let days = compare_site(&counts, &Rules::default());
        days.iter().for_each(|d| println!("{} {:20} {}", d.date, d.verdict, d.explanation));
        assert_eq!(flagged(&days), ["2023-10-05"]);
    }
}

#[test]
fn dev_series_flags_the_surge_and_finds_the_shift() {
    for seen in [false, true] {
        let Some(counts) = series("dev", seen) else { return };
        let days = compare_site(&counts, &Rules::default());
        days.iter().for_each(|d| println!("{} {:20} {}", d.date, d.verdict, d.explanation));
        let before: Vec<String> = flagged(&days).into_iter().filter(|d| d.as_str() < "2024-03-25").collect();
        assert_eq!(before, ["2023-10-05"]);
        assert!(
            days.iter().all(|d| d.shift.is_none() || d.date.to_string().as_str() >= "2024-03-25"),
            "a shift before the shift"
        );
        let shift = days.last().and_then(|d| d.shift.as_ref()).expect("the shift is found by the last day");
        println!("{}", shift.text);
        assert_eq!(shift.first_after.to_string(), "2024-03-25");
        // What the generator was asked for, and what it drew (without the surge).
        for (before, after) in [(12.97, 25.94), (157.0 / 14.0, 177.0 / 6.0)] {
            assert!((shift.mean_before / before - 1.0).abs() < 0.2, "{} instead of {before}", shift.mean_before);
            assert!((shift.mean_after / after - 1.0).abs() < 0.2, "{} instead of {after}", shift.mean_after);
        }
    }
}

//! What the report, the chart and the terminal say of the same days: all of them the same.

use std::path::PathBuf;

use yardwatch::cli::request::Request;
use yardwatch::cli::summary::analyze_text;
use yardwatch::cli::work::Results;
use yardwatch::compare::{DatedCount, Day, Rules, Verdict, compare_site};
use yardwatch::count::{CountOptions, Yard};
use yardwatch::raster::SceneOptions;
use yardwatch::report::chart::{Chart, history_svg};
use yardwatch::report::page::Page;

/// Twenty days, ten with three times the cars, and the old level again.
const UP_AND_DOWN: [u32; 60] = [
    17, 15, 14, 17, 15, 14, 18, 22, 13, 14, 11, 14, 15, 18, 13, 10, 16, 13, 7, 16, 48, 53, 58, 55, 41, 56, 52, 51, 57, 40, 15,
    14, 16, 17, 15, 18, 17, 8, 14, 17, 12, 15, 9, 18, 7, 13, 17, 12, 14, 11, 12, 10, 14, 17, 10, 8, 13, 16, 15, 16,
];

/// Counts on days 15 apart.
fn dated(counts: &[u32]) -> Vec<DatedCount> {
    let start: jiff::Timestamp = "2020-01-01T02:00:00Z".parse().unwrap();
    let time = |i: usize| start + jiff::SignedDuration::from_hours(24 * 15 * i as i64);
    counts.iter().enumerate().map(|(i, &cars)| DatedCount::new("", time(i), f64::from(cars))).collect()
}

fn days(counts: &[u32]) -> Vec<Day> {
    compare_site(&dated(counts), &Rules::default())
}

fn page(days: &[Day]) -> String {
    let rules = Rules::default();
    Page { site: "", days, scenes: &[], trains: &[], failures: &[], rules: &rules, chart: "" }.html()
}

fn chart(days: &[Day]) -> String {
    history_svg(days, &Chart::default())
}

/// What `analyze` says of days on the terminal.
fn terminal(days: &[Day]) -> String {
    let request = Request {
        inputs: Vec::new(),
        out: PathBuf::new(),
        site: String::new(),
        yard: Yard::default(),
        scene: SceneOptions::default(),
        count: CountOptions::default(),
        rules: Rules::default(),
        survey: false,
        resurvey: false,
        prune: false,
        jobs: 1,
    };
    analyze_text(&request, &Results::default(), days)
}

/// Lines that state a shift by themselves, not within the explanation of a day.
fn shift_lines(text: &str) -> usize {
    text.lines().filter(|line| line.to_lowercase().starts_with("level shift")).count()
}

/// Report, chart and terminal went on stating it for good.
#[test]
fn a_shift_that_the_last_usable_day_states_no_more_is_stated_by_no_output() {
    let days = days(&UP_AND_DOWN);
    assert!(days[29].shift.is_some() && days[59].shift.is_none());
    assert!(!page(&days).contains("<p class=\"shift\">"));
    let svg = chart(&days);
    assert!(!svg.contains("class=\"shift\"") && !svg.contains("class=\"change\"") && !svg.contains("class=\"shift-text\""));
    assert_eq!(shift_lines(&terminal(&days)), 0, "{}", terminal(&days));
}

#[test]
fn a_shift_that_the_last_usable_day_states_is_stated_once_and_drawn_to_that_day() {
    let mut counts = dated(&UP_AND_DOWN[20..51]);
    counts[30].coverage = 0.1;
    let days = compare_site(&counts, &Rules::default());
    assert_eq!((days[30].verdict, days[29].verdict), (Verdict::Unusable, Verdict::Normal));
    let page = page(&days);
    let stated = page.split("<p class=\"shift\">").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(stated.starts_with("Level shift between") && stated.matches("shift").count() == 1, "{stated}");
    assert_eq!(shift_lines(&terminal(&days)), 1);
    let svg = chart(&days);
    let line = svg.rsplit("<path class=\"shift\" d=\"").next().unwrap().split('"').next().unwrap();
    let last_usable = svg.rsplit("<circle cx=\"").next().unwrap().split('"').next().unwrap();
    assert_eq!(line.rsplit('H').next(), Some(last_usable), "{line}");
}

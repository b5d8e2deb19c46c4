//! What the report, the chart and the terminal say of the same days: all of them the same.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

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

/// A surge, and at the end a smaller one: that day is `high-recurrent`.
const TWO_SURGES: [u32; 40] = [
    12, 24, 13, 20, 23, 18, 19, 17, 23, 17, 26, 20, 18, 16, 17, 23, 25, 22, 19, 26, 1000, 20, 23, 26, 21, 21, 15, 24, 28, 25, 10,
    12, 16, 14, 20, 16, 23, 22, 21, 38,
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

/// What `compare` says of counts on the terminal, and the names of the files that it writes.
fn compare(counts: &[u32]) -> (String, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("counts.csv"), folder.path().join("out"));
    let rows: String = dated(counts).iter().map(|count| format!("{},{}\n", count.date(), count.count)).collect();
    std::fs::write(&file, format!("date,count\n{rows}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
    let output = command.arg("compare").arg(&file).arg("--out").arg(&out).output().unwrap();
    let names = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    (String::from_utf8(output.stdout).unwrap(), names.collect())
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

/// The report said that no day was out of the ordinary.
#[test]
fn where_no_day_can_be_judged_no_output_says_that_none_is_out_of_the_ordinary() {
    let few = [12, 14, 400];
    for said in [page(&days(&few)), terminal(&days(&few)), compare(&few).0] {
        assert!(said.contains("too little history") && !said.contains("No day is out of"), "{said}");
        assert!(!said.contains("none out of"), "{said}");
    }
    let mut counts = dated(&few);
    counts.iter_mut().for_each(|count| count.usable = false);
    let unusable = compare_site(&counts, &Rules::default());
    for said in [page(&unusable), terminal(&unusable)] {
        assert!(said.contains("No day could be used") && !said.contains("No day is out of"), "{said}");
    }
}

/// `compare` counted two.
#[test]
fn a_high_recurrent_day_is_counted_as_out_of_the_ordinary_by_no_output() {
    let recurrent = days(&TWO_SURGES);
    assert_eq!((recurrent[20].verdict, recurrent[39].verdict), (Verdict::AnomalousHigh, Verdict::HighRecurrent));
    let said = compare(&TWO_SURGES).0;
    assert!(said.starts_with("40 days, 1 out of the ordinary, 1 high-recurrent\n"), "{said}");
    assert!(said.contains("high-recurrent  38 cars"), "still listed: {said}");
    assert_eq!(page(&recurrent).matches("<li>").count(), 1);
    let last: Vec<Day> = recurrent[39..].to_vec();
    for said in [page(&last), terminal(&last)] {
        assert!(said.contains("No day is out of the ordinary."), "{said}");
    }
}

/// They promised a report.html.
#[test]
fn compare_writes_the_files_that_the_docs_name() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/outputs.md")).unwrap();
    let table = docs.lines().filter(|line| line.starts_with("| [`") && line.trim_end().ends_with("x |"));
    let named: BTreeSet<String> = table.filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    assert_eq!(compare(&TWO_SURGES).1, named);
}

/// Ticks of five digits were printed over it.
#[test]
fn the_title_of_the_axis_is_clear_of_its_longest_tick() {
    for largest in [60, 20_000, 123_456_789] {
        let svg = chart(&days(&[largest / 2, largest]));
        // The title is turned, 12 px high, its foot at 14 px.
        assert!(svg.contains("translate(14 ") && svg.contains(">freight cars</text>"));
        let ticks = svg.split("<text x=\"").filter(|text| text.contains("text-anchor=\"end\""));
        for tick in ticks {
            let x: f64 = tick.split('"').next().unwrap().parse().unwrap();
            let text = tick.split('>').nth(1).unwrap().split('<').next().unwrap();
            assert!(x - 6.8 * text.len() as f64 >= 18.0, "{text} ends at {x}");
        }
    }
}

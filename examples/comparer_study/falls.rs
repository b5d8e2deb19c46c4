//! Drop-outs: how often an empty day in a run of them is flagged, and how often an ordinary day is called a drop-out.
//!
//! Whole records of one yard are drawn, with dates in bursts of one to three a few days apart, as satellites are tasked, and every day
//! is compared with the days before it.

use jiff::SignedDuration;
use yardwatch::compare::{DatedCount, Day, Rules, Verdict, compare_site};

use crate::draws::Draws;

/// Days that the record spans.
const SPAN: f64 = 1820.0;

/// Ordinary days after a run of empty ones.
const AFTER: usize = 8;

/// Names and numbers of a yard: mean, size of the negative binomial.
const PLANTED: [(f64, f64); 6] = [(5.0, 17.0), (10.0, 17.0), (10.0, 5.0), (20.0, 17.0), (20.0, 5.0), (60.0, 5.0)];

/// Ordinary days before the run.
const BEFORE: [usize; 4] = [8, 12, 20, 40];

/// What an ordinary day is like, given the day of the record and a number that moves slowly along it.
type Ordinary = fn(f64, f64, &mut Draws) -> f64;

const ORDINARY: [(&str, Ordinary); 14] = [
    ("negative binomial 5, size 17", |_, _, d| d.negative_binomial(5.0, 17.0)),
    ("negative binomial 8, var/mean 4", |_, _, d| d.negative_binomial(8.0, 8.0 / 3.0)),
    ("negative binomial 20, var/mean 1", |_, _, d| d.poisson(20.0)),
    ("negative binomial 20, var/mean 4", |_, _, d| d.negative_binomial(20.0, 20.0 / 3.0)),
    ("negative binomial 20, size 2", |_, _, d| d.negative_binomial(20.0, 2.0)),
    ("20, size 5, 15 % x2-4", |_, _, d| {
        let factor = if d.uniform() < 0.15 { 2.0 + 2.0 * d.uniform() } else { 1.0 };
        d.negative_binomial(20.0 * factor, 5.0)
    }),
    ("two regimes 6 / 30 (70 / 30 %)", |_, _, d| {
        let mean = if d.uniform() < 0.3 { 30.0 } else { 6.0 };
        d.negative_binomial(mean, 10.0)
    }),
    ("Poisson-lognormal 15, sd 0.6", |_, _, d| {
        let rate = 15.0 * (0.6 * d.normal() - 0.18).exp();
        d.poisson(rate)
    }),
    ("5 % empty, else 15, size 5", |_, _, d| if d.uniform() < 0.05 { 0.0 } else { d.negative_binomial(15.0, 5.0) }),
    ("10 % empty, else 15, size 5", |_, _, d| if d.uniform() < 0.1 { 0.0 } else { d.negative_binomial(15.0, 5.0) }),
    ("30 % empty, else 15, size 5", |_, _, d| if d.uniform() < 0.3 { 0.0 } else { d.negative_binomial(15.0, 5.0) }),
    ("cuts of 8 cars, 2.5 a day", |_, _, d| 8.0 * d.poisson(2.5)),
    ("season of +-40 %, 20, size 5", |day, _, d| {
        d.negative_binomial(20.0 * (1.0 + 0.4 * (std::f64::consts::TAU * day / 365.25).sin()), 5.0)
    }),
    ("level wanders: sd 0.45 over 60 days, 20, size 17", |_, slow, d| {
        d.negative_binomial(20.0 * (0.45 * slow - 0.1).exp(), 17.0)
    }),
];

/// Correlation time of the slow number, days.
const SLOW: f64 = 60.0;

pub fn print(records: usize, seed: u64) {
    println!("Runs of two to six empty days, {records} records each: days called drop-out, %");
    println!(
        "| yard | days before | first empty day | any day of the run | all empty days | ordinary days before | ordinary days after |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (mean, size) in PLANTED {
        for before in BEFORE {
            planted(mean, size, before, records, seed);
        }
    }
    println!("\nOrdinary days called drop-out, %, {records} records of 60 days; days with so many before them");
    println!("| yard | 5 to 7 | 8 to 19 | 20 to 39 | 40 on | all |");
    println!("|---|---|---|---|---|---|");
    for (number, (name, ordinary)) in ORDINARY.into_iter().enumerate() {
        let mut draws = Draws::new(seed.wrapping_mul(1000) + 700 + number as u64);
        let mut groups = [(0, 0); 4];
        for _ in 0..records {
            for day in record(60, 60, 60, ordinary, &mut draws) {
                let group = match day.history {
                    0..=4 => continue,
                    5..=7 => 0,
                    8..=19 => 1,
                    20..=39 => 2,
                    _ => 3,
                };
                groups[group].0 += usize::from(day.verdict == Verdict::DropOut);
                groups[group].1 += 1;
            }
        }
        let all = groups.iter().fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
        let shares = groups.into_iter().chain([all]).map(|(flagged, of)| format!("{:.2}", percent(flagged, of)));
        println!("| {name} | {} |", shares.collect::<Vec<_>>().join(" | "));
    }
    println!();
}

fn planted(mean: f64, size: f64, before: usize, records: usize, seed: u64) {
    let mut draws = Draws::new(seed.wrapping_mul(1000) + 500 + (mean * 7.0 + size) as u64 * 50 + before as u64);
    let [mut first, mut any, mut empty, mut early, mut late] = [(0, 0); 5];
    let count = |sum: &mut (usize, usize), flagged: bool| *sum = (sum.0 + usize::from(flagged), sum.1 + 1);
    for _ in 0..records {
        let end = before + 2 + (5.0 * draws.uniform()) as usize;
        let ordinary = |_: f64, _: f64, d: &mut Draws| d.negative_binomial(mean, size);
        let days = record(end + AFTER, before, end, ordinary, &mut draws);
        let flagged = |day: &Day| day.verdict == Verdict::DropOut;
        count(&mut first, flagged(&days[before]));
        count(&mut any, days[before..end].iter().any(flagged));
        days[before..end].iter().for_each(|day| count(&mut empty, flagged(day)));
        days[..before].iter().filter(|day| day.p_low.is_some()).for_each(|day| count(&mut early, flagged(day)));
        days[end..].iter().for_each(|day| count(&mut late, flagged(day)));
    }
    let shares = [first, any, empty].map(|(flagged, of)| format!("{:.0}", percent(flagged, of)));
    let ordinary = [early, late].map(|(flagged, of)| format!("{:.2}", percent(flagged, of)));
    println!("| {mean}, size {size} | {before} | {} | {} |", shares.join(" | "), ordinary.join(" | "));
}

/// The days of a record of which `from..to` are empty, compared.
fn record(days: usize, from: usize, to: usize, ordinary: impl Fn(f64, f64, &mut Draws) -> f64, draws: &mut Draws) -> Vec<Day> {
    let dates = dates(days, draws);
    let start: jiff::Timestamp =
        jiff::civil::date(2019, 11, 3).at(3, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp();
    let (mut slow, mut last) = (draws.normal(), dates[0]);
    let counts: Vec<DatedCount> = dates
        .iter()
        .enumerate()
        .map(|(i, day)| {
            let kept = (-(day - last) / SLOW).exp();
            (slow, last) = (kept * slow + (1.0 - kept * kept).sqrt() * draws.normal(), *day);
            let count = ordinary(*day, slow, draws);
            let count = if (from..to).contains(&i) { 0.0 } else { count };
            DatedCount::new("", start + SignedDuration::from_hours(24 * *day as i64), count)
        })
        .collect();
    compare_site(&counts, &Rules::default())
}

/// So many different days in bursts of one to three, a few days apart.
pub fn dates(number: usize, draws: &mut Draws) -> Vec<f64> {
    let mut dates: Vec<f64> = Vec::new();
    while dates.len() < number {
        let start = (SPAN * draws.uniform()).floor();
        for i in 0..1 + (3.0 * draws.uniform()) as usize {
            let day = start + i as f64 * (1.0 + (8.0 * draws.uniform()).floor());
            if dates.len() < number && !dates.contains(&day) {
                dates.push(day);
            }
        }
    }
    dates.sort_by(f64::total_cmp);
    dates
}

pub fn percent(flagged: usize, of: usize) -> f64 {
    100.0 * flagged as f64 / of.max(1) as f64
}

//! Trends: how often one is followed, and what that does to ordinary days and to a change of level, in records of 60 days over five
//! years.

use jiff::SignedDuration;
use yardwatch::compare::{DatedCount, Rules, Verdict, compare_site};

use crate::draws::Draws;
use crate::falls::{dates, percent};

const DAYS: usize = 60;

/// Days before the first that is tallied: a trend needs so many.
const EARLY: usize = 20;

/// Days of a planted change of level, at the end, and of a planted run of empty days.
const PLANTED: usize = 6;

/// Mean of an ordinary day, and size of its negative binomial.
const YARD: (f64, f64) = (11.0, 17.0);

enum Planted {
    Nothing,
    /// The level is so many times as high at the end as at the beginning, and grows evenly.
    Growth(f64),
    /// Somewhere after the twentieth day.
    EmptyDays,
    /// The last days have so many times the level.
    LastDays(f64),
}

pub fn print(records: usize, seed: u64) {
    println!(
        "Trends, {records} records of {DAYS} days over five years, mean {}, size {}; from the 21st day on, %",
        YARD.0, YARD.1
    );
    println!("| record | ordinary days: high | low | a trend followed | planted days flagged |");
    println!("|---|---|---|---|---|");
    let kinds = [
        ("nothing", Planted::Nothing),
        ("doubles evenly", Planted::Growth(2.0)),
        ("four-fold at the end, evenly", Planted::Growth(4.0)),
        ("half at the end, evenly", Planted::Growth(0.5)),
        ("six empty days", Planted::EmptyDays),
        ("x2 on the last six days", Planted::LastDays(2.0)),
        ("x0.4 on the last six days", Planted::LastDays(0.4)),
    ];
    for (number, (name, planted)) in kinds.into_iter().enumerate() {
        let mut draws = Draws::new(seed.wrapping_mul(1000) + 900 + number as u64);
        let [mut high, mut low, mut followed, mut found] = [0; 4];
        let [mut ordinary, mut odd] = [0; 2];
        for _ in 0..records {
            let dates = dates(DAYS, &mut draws);
            let empty = EARLY + ((DAYS - PLANTED - EARLY) as f64 * draws.uniform()) as usize;
            let is_planted = |i: usize| match planted {
                Planted::EmptyDays => (empty..empty + PLANTED).contains(&i),
                Planted::LastDays(_) => i >= DAYS - PLANTED,
                Planted::Nothing | Planted::Growth(_) => false,
            };
            let start: jiff::Timestamp = "2019-11-03T03:00:00Z".parse().expect("a time");
            let mut count = |(i, day): (usize, &f64)| {
                let factor = match planted {
                    Planted::Growth(times) => times.powf((day - dates[0]) / (dates[DAYS - 1] - dates[0])),
                    Planted::EmptyDays if is_planted(i) => 0.0,
                    Planted::LastDays(times) if is_planted(i) => times,
                    _ => 1.0,
                };
                let cars = if factor > 0.0 { draws.negative_binomial(YARD.0 * factor, YARD.1) } else { 0.0 };
                DatedCount::new("", start + SignedDuration::from_hours(24 * *day as i64), cars)
            };
            let counts: Vec<DatedCount> = dates.iter().enumerate().map(&mut count).collect();
            for (i, day) in compare_site(&counts, &Rules::default()).iter().enumerate().skip(EARLY) {
                followed += usize::from(day.trend_per_year.is_some());
                let is_high = matches!(day.verdict, Verdict::AnomalousHigh | Verdict::HighRecurrent);
                let is_low = day.verdict == Verdict::DropOut;
                if is_planted(i) {
                    odd += 1;
                    found += usize::from(is_high || is_low);
                } else {
                    ordinary += 1;
                    high += usize::from(is_high);
                    low += usize::from(is_low);
                }
            }
        }
        let [high, low] = [high, low].map(|flagged| format!("{:.2}", percent(flagged, ordinary)));
        let found = if odd > 0 { format!("{:.0}", percent(found, odd)) } else { String::new() };
        println!("| {name} | {high} | {low} | {:.0} | {found} |", percent(followed, ordinary + odd));
    }
    println!();
}

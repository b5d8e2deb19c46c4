//! Partly seen days: what is hidden of a yard hides its cars string by string, not one by one.
//!
//! Records as in the study of drop-outs; three days in ten are partly seen, or all but the last, and each string of cars is seen as a whole or not at all.

use jiff::SignedDuration;
use yardwatch::compare::{DatedCount, Day, Rules, Verdict, compare_site};

use crate::draws::Draws;
use crate::falls::{dates, percent};

/// Days of a record.
const DAYS: usize = 60;

/// Days before the run of empty ones that ends the record.
const BEFORE: usize = 55;

/// Mean and size of the negative binomial, cars of the longest string, share of days that are partly seen.
const YARDS: [(f64, f64, f64, f64); 10] = [
    (5.0, 17.0, 12.0, 0.3),
    (10.0, 17.0, 1.0, 0.3),
    (10.0, 17.0, 12.0, 0.3),
    (10.0, 17.0, 40.0, 0.3),
    (20.0, 5.0, 12.0, 0.3),
    (20.0, 17.0, 12.0, 0.3),
    (60.0, 17.0, 12.0, 0.3),
    (60.0, 17.0, 40.0, 0.3),
    (10.0, 17.0, 12.0, 1.0),
    (20.0, 17.0, 40.0, 1.0),
];

pub fn print(records: usize, seed: u64) {
    println!("Partly seen days, {records} records of {DAYS} days: days flagged, %");
    println!(
        "| yard | strings of up to | days partly seen | expected over true mean | ordinary days seen whole: high, low | 30 to 60 % seen: high | 60 to 95 %: high, low | first empty day | all empty days | 3.5 times the cars, 30 to 60 % seen |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (number, (mean, size, longest, partly)) in YARDS.into_iter().enumerate() {
        let mut draws = Draws::new(seed.wrapping_mul(1000) + 900 + number as u64);
        let mut expected = (0.0, 0.0);
        let [mut whole_high, mut whole_low, mut little, mut much_high, mut much_low, mut first, mut empty, mut surge] =
            [(0, 0); 8];
        for _ in 0..records {
            let (days, coverages) = record(mean, size, longest, partly, &mut draws);
            for (i, (day, coverage)) in days.into_iter().zip(coverages).enumerate().filter(|(i, _)| *i >= 12) {
                let (high, low) = (day.verdict == Verdict::AnomalousHigh, day.verdict == Verdict::DropOut);
                if i + 1 < BEFORE {
                    expected = (expected.0 + day.expected.unwrap_or(0.0), expected.1 + mean * coverage);
                }
                let count = |sum: &mut (usize, usize), flagged: bool| *sum = (sum.0 + usize::from(flagged), sum.1 + 1);
                match i {
                    BEFORE.. => {
                        count(&mut empty, low);
                        if i == BEFORE {
                            count(&mut first, low);
                        }
                    }
                    _ if i + 1 == BEFORE => count(&mut surge, high),
                    _ if coverage == 1.0 => {
                        count(&mut whole_high, high);
                        count(&mut whole_low, low);
                    }
                    _ if coverage < 0.6 => count(&mut little, high),
                    _ => {
                        count(&mut much_high, high);
                        count(&mut much_low, low);
                    }
                }
            }
        }
        let two = |sum: (usize, usize)| format!("{:.2}", percent(sum.0, sum.1));
        let whole = |sum: (usize, usize)| format!("{:.0}", percent(sum.0, sum.1));
        println!(
            "| {mean}, size {size} | {longest} | {:.0} % | {:.2} | {}, {} | {} | {}, {} | {} | {} | {} |",
            100.0 * partly,
            expected.0 / expected.1,
            two(whole_high),
            two(whole_low),
            two(little),
            two(much_high),
            two(much_low),
            whole(first),
            whole(empty),
            whole(surge)
        );
    }
    println!();
}

/// Days compared and visible shares of a record: ordinary days, a partly seen day of 3.5 times the cars, empty days.
fn record(mean: f64, size: f64, longest: f64, partly: f64, draws: &mut Draws) -> (Vec<Day>, Vec<f64>) {
    let start: jiff::Timestamp =
        jiff::civil::date(2019, 11, 3).at(3, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp();
    let mut coverages = Vec::new();
    let mut counts = Vec::new();
    for (i, day) in dates(DAYS, draws).into_iter().enumerate() {
        let surge = i + 1 == BEFORE;
        let cars = match i {
            BEFORE.. => 0.0,
            _ if surge => draws.negative_binomial(3.5 * mean, size),
            _ => draws.negative_binomial(mean, size),
        };
        let coverage = match i {
            BEFORE.. => 1.0,
            _ if surge => 0.3 + 0.3 * draws.uniform(),
            _ if draws.uniform() < partly => 0.3 + 0.65 * draws.uniform(),
            _ => 1.0,
        };
        let (mut left, mut seen) = (cars, 0.0);
        while left > 0.0 {
            let string = (1.0 + (longest * draws.uniform()).floor()).min(left);
            left -= string;
            if draws.uniform() < coverage {
                seen += string;
            }
        }
        let mut count = DatedCount::new("", start + SignedDuration::from_hours(24 * day as i64), seen);
        count.coverage = coverage;
        counts.push(count);
        coverages.push(coverage);
    }
    (compare_site(&counts, &Rules::default()), coverages)
}

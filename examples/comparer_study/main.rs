//! False-positive rates and power of the comparer and of rules that users know, by simulation.
//!
//!     cargo run --release --example comparer_study [-- HISTORIES [SEED [YARD]]]
//!
//! With YARD only the yards are run whose names contain it (`"size 2"`, `"two regimes"`), each with a line of its own; `falls` runs
//! the study of drop-outs only, `hidden` that of partly seen days, `shifts` that of level shifts,
//! `trends` that of trends.
//!
//! For each yard so many histories are drawn. After each, a rule is the least count that it flags; how often an ordinary day, and a
//! surge of 1.5, 2 and 3.5 times, reaches it is read from 40,000 draws of that yard's days, so that the error of the rates comes from
//! the histories alone.

mod draws;
mod falls;
#[allow(dead_code)] // one of its bounds serves the tests only
mod farrington;
mod hidden;
mod rules;
mod scenarios;
mod shifts;
mod trends;

use draws::Draws;
use rules::NAMES;
use scenarios::{Cell, grid, off_design};

/// Ordinary day and surges.
const FACTORS: [f64; 4] = [1.0, 1.5, 2.0, 3.5];
const DAYS_DRAWN: usize = 40_000;

/// Share of days flagged: per rule, per factor.
type Rates = [[f64; FACTORS.len()]; NAMES.len()];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: u64| {
        arguments.next().map_or(otherwise, |a| a.parse::<u64>().unwrap_or_else(|_| panic!("{a} is not a number")))
    };
    let (histories, seed) = (number(400) as usize, number(20_261_123));
    let only = arguments.next();
    match only.as_deref() {
        Some("falls") => return falls::print(histories, seed),
        Some("hidden") => return hidden::print(histories, seed),
        Some("shifts") => return shifts::print(histories, seed),
        Some("trends") => return trends::print(histories, seed),
        _ => {}
    }
    println!("{histories} histories per yard, seed {seed}\n");
    let mut models = rules::Models::new();
    let mut number = 0;
    let mut run = |cells: Vec<Cell>| -> Vec<(Cell, Rates)> {
        let mut results = Vec::new();
        for cell in cells {
            number += 1;
            let rates = study(&cell, histories, &mut Draws::new(seed.wrapping_mul(1000) + number), &mut models);
            results.push((cell, rates));
        }
        results
    };
    if let Some(only) = only {
        let chosen = grid().into_iter().chain(off_design()).filter(|cell| cell.name.contains(&only));
        print_off_design(&run(chosen.collect()));
        return;
    }
    print_grid(&run(grid()));
    print_off_design(&run(off_design()));
    shifts::print(histories.min(200), seed);
    falls::print(histories.min(200), seed);
}

fn study(cell: &Cell, histories: usize, draws: &mut Draws, models: &mut rules::Models) -> Rates {
    let days = FACTORS.map(|factor| {
        let mut days: Vec<f64> = (0..DAYS_DRAWN).map(|_| cell.yard.draw(factor, draws)).collect();
        days.sort_by(f64::total_cmp);
        days
    });
    let mut rates: Rates = [[0.0; FACTORS.len()]; NAMES.len()];
    for _ in 0..histories {
        let history = cell.contamination.history(cell.yard, cell.length, draws);
        for (rate, threshold) in rates.iter_mut().zip(rules::thresholds(&history, models)) {
            for (rate, days) in rate.iter_mut().zip(&days) {
                let flagged = days.len() - days.partition_point(|y| *y < threshold);
                *rate += flagged as f64 / (days.len() * histories) as f64;
            }
        }
    }
    rates
}

fn percent(values: impl Iterator<Item = f64> + Clone) -> f64 {
    100.0 * values.clone().sum::<f64>() / values.count().max(1) as f64
}

fn print_grid(results: &[(Cell, Rates)]) {
    println!("72 yards: false-positive rate (FPR) and power, %; nominal level 1 %");
    println!(
        "| rule | FPR all 72 | FPR clean | worst cell | n=8 | n=20 | n=60 | x1.5 clean | x2 clean | x3.5 clean | x3.5 at 5 % | x3.5 at 15 % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (rule, name) in NAMES.iter().enumerate() {
        let share = |cell: &Cell| match cell.contamination {
            scenarios::Contamination::Share(share, ..) => share,
            _ => 0.0,
        };
        let rate = |factor: usize, want: Option<f64>, length: Option<usize>| {
            let chosen = results
                .iter()
                .filter(|(c, _)| want.is_none_or(|w| share(c) == w) && length.is_none_or(|l| c.length == l))
                .map(|(_, rates)| rates[rule][factor]);
            percent(chosen)
        };
        let worst = 100.0 * results.iter().map(|(_, rates)| rates[rule][0]).fold(0.0, f64::max);
        println!(
            "| {name} | {:.2} | {:.2} | {worst:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            rate(0, None, None),
            rate(0, Some(0.0), None),
            rate(0, Some(0.0), Some(8)),
            rate(0, Some(0.0), Some(20)),
            rate(0, Some(0.0), Some(60)),
            rate(1, Some(0.0), None),
            rate(2, Some(0.0), None),
            rate(3, Some(0.0), None),
            rate(3, Some(0.05), None),
            rate(3, Some(0.15), None),
        );
    }
    println!();
}

fn print_off_design(results: &[(Cell, Rates)]) {
    println!("Yard by yard: false-positive rate / power at 3.5 times, %");
    println!("| yard | history | n | {} |", NAMES.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(NAMES.len()));
    for (cell, rates) in results {
        let figures: Vec<String> = rates.iter().map(|r| format!("{:.1} / {:.0}", 100.0 * r[0], 100.0 * r[3])).collect();
        println!("| {} | {} |", cell.name, figures.join(" | "));
    }
    println!();
}

//! How often a level shift is stated where there is one and where there is none.

use yardwatch::compare::Seen;
use yardwatch::compare::shift::ShiftSearch;

use crate::draws::Draws;

/// Mean multiplied per day.
type Shape = fn(usize, usize) -> f64;

const SHAPES: [(&str, Shape); 11] = [
    ("no change", |_, _| 1.0),
    ("one day x3.5 in the middle", |i, n| if i == n / 2 { 3.5 } else { 1.0 }),
    ("two days x3.5", |i, n| if i == n / 3 || i == n / 2 { 3.5 } else { 1.0 }),
    ("x2 in the last third", |i, n| if 3 * i >= 2 * n { 2.0 } else { 1.0 }),
    ("x3.5 in the last 4 days", |i, n| if i + 4 >= n { 3.5 } else { 1.0 }),
    ("last day x3.5", |i, n| if i + 1 == n { 3.5 } else { 1.0 }),
    ("last day x20", |i, n| if i + 1 == n { 20.0 } else { 1.0 }),
    ("last day empty", |i, n| if i + 1 == n { 0.0 } else { 1.0 }),
    ("last two days empty", |i, n| if i + 2 >= n { 0.0 } else { 1.0 }),
    ("last three days empty", |i, n| if i + 3 >= n { 0.0 } else { 1.0 }),
    ("x0.4 in the last third", |i, n| if 3 * i >= 2 * n { 0.4 } else { 1.0 }),
];

pub fn print(histories: usize, seed: u64) {
    println!(
        "Level shift stated (Bayes factor above 20) on the last day, %; negative binomial, mean 20, size 5; {histories} histories"
    );
    println!("| n | {} |", SHAPES.map(|s| s.0).join(" | "));
    println!("|---|{}", "---|".repeat(SHAPES.len()));
    for length in [12, 24, 60] {
        let mut figures = Vec::new();
        for (number, (_, shape)) in SHAPES.iter().enumerate() {
            let mut draws = Draws::new(seed.wrapping_add(7 + length as u64 * 100 + number as u64));
            let stated = (0..histories)
                .filter(|_| {
                    let days: Vec<Seen> =
                        (0..length).map(|i| Seen::new(draws.negative_binomial(20.0 * shape(i, length), 5.0), 1.0)).collect();
                    ShiftSearch::new(&days, 3).change(0, length).is_some_and(|c| c.bayes_factor > 20.0)
                })
                .count();
            figures.push(format!("{:.1}", 100.0 * stated as f64 / histories as f64));
        }
        println!("| {length} | {} |", figures.join(" | "));
    }
}

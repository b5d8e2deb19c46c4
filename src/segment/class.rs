//! What a vehicle is: from the class evidence of its columns.

use super::columns::{CLASSES, Column};
use crate::count::Class;

/// A freight kind is named when it is at least this probable among the freight kinds; otherwise the class is `freight`.
const KIND_NAMED: f64 = 0.45;
/// A vehicle is a locomotive or a coach when that is at least this probable: taking freight for a locomotive costs a car, and
/// freight is far more common.
const OTHER_NAMED: f64 = 0.5;
/// Class evidence of neighbouring columns says much the same; its logarithms are averaged, then sharpened by this much.
const SHARPENING: f64 = 1.5;

/// The class of a body from its columns, with the probability of that class.
pub fn classify(columns: &[Column]) -> (Class, f64) {
    // The outermost metre of a body mixes with the gap.
    let inner = if columns.len() > 8 { &columns[2..columns.len() - 2] } else { columns };
    if inner.is_empty() {
        return (Class::Freight, 0.0);
    }
    let mut scores = [0.0f64; CLASSES.len()];
    for column in inner {
        scores.iter_mut().zip(column.class).for_each(|(sum, score)| *sum += f64::from(score));
    }
    scores.iter_mut().for_each(|score| *score *= SHARPENING / inner.len() as f64);
    let top = scores.iter().copied().fold(f64::MIN, f64::max);
    let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
    let probability = scores.map(|score| (score - top).exp() / total);
    let (freight, other): (Vec<_>, Vec<_>) = CLASSES.into_iter().zip(probability).partition(|(class, _)| class.is_freight());
    let sum = |part: &[(Class, f64)]| part.iter().map(|(_, p)| p).sum::<f64>();
    let likeliest =
        |part: &[(Class, f64)]| part.iter().copied().fold((Class::Freight, 0.0), |a, b| if b.1 > a.1 { b } else { a });
    if sum(&other) >= OTHER_NAMED {
        return likeliest(&other);
    }
    let (kind, p) = likeliest(&freight);
    if p >= KIND_NAMED * sum(&freight) { (kind, p) } else { (Class::Freight, sum(&freight)) }
}

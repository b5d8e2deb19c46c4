//! Likelihoods of single counts on the grid, remembered: the days of a site share most of their history, and many counts are alike.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::model::{HIGH_FACTORS, Model};
use super::negbin::ln_coefficient;

/// Remembered columns before everything is forgotten (each about 0.8 kB).
const COLUMNS_KEPT: usize = 60_000;

/// An earlier count: cars seen and the exposure (visible share, times trend).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Cars seen, a whole number.
    pub count: f64,
    /// Visible share of the yard, times the trend's factor if one is followed.
    pub exposure: f64,
}

impl Seen {
    /// The same count at so many times the exposure.
    pub(super) fn with_factor(self, factor: f64) -> Self {
        Self { exposure: self.exposure * factor, ..self }
    }
}

/// Equal counts at equal exposure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub seen: Seen,
    pub times: f64,
}

/// Puts equal counts together, in an order that does not depend on theirs.
pub(super) fn groups(history: &[Seen]) -> Vec<Group> {
    let mut sorted = history.to_vec();
    sorted.sort_by(|a, b| a.count.total_cmp(&b.count).then(a.exposure.total_cmp(&b.exposure)));
    let mut groups: Vec<Group> = Vec::new();
    for seen in sorted {
        match groups.last_mut() {
            Some(group) if group.seen == seen => group.times += 1.0,
            _ => groups.push(Group { seen, times: 1.0 }),
        }
    }
    groups
}

/// Log likelihood of one count at one level: for each layer, for each dispersion.
pub(super) type Column = Box<[f64]>;

#[derive(Debug, Default)]
struct PerCount {
    coefficients: Vec<f64>,
    columns: HashMap<i64, Column, BuildHasherDefault<Spread>>,
}

/// A hash of one whole number, all that is needed where nobody chooses the numbers to collide (Fibonacci hashing).
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i64(i64::from(*byte)));
    }

    fn write_i64(&mut self, number: i64) {
        let mixed = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_u64(&mut self, number: u64) {
        self.write_i64(number as i64);
    }
}

/// What has been computed for a site.
#[derive(Debug)]
pub struct Likelihoods {
    pub(super) model: Model,
    counts: HashMap<(u64, u64), PerCount, BuildHasherDefault<Spread>>,
    kept: usize,
}

impl Likelihoods {
    /// Nothing computed yet.
    pub fn new(model: Model) -> Self {
        Self { model, counts: HashMap::default(), kept: 0 }
    }

    /// Forgets everything when it has become too much; to be called between days.
    pub(super) fn keep_small(&mut self) {
        if self.kept > COLUMNS_KEPT {
            self.counts.clear();
            self.kept = 0;
        }
    }

    /// `ln [ (1 - e) f + e g ]` of a count at the level of a column, for each surge share `e` and each dispersion.
    pub(super) fn column(&mut self, seen: Seen, column: i64) -> &[f64] {
        let model = &self.model;
        let entry = self.counts.entry((seen.count.to_bits(), seen.exposure.to_bits())).or_insert_with(|| PerCount {
            coefficients: model.dispersions.iter().map(|d| ln_coefficient(seen.count, d.size)).collect(),
            columns: HashMap::default(),
        });
        let kept = &mut self.kept;
        entry.columns.entry(column).or_insert_with(|| {
            *kept += 1;
            compute(model, &entry.coefficients, seen, model.ln_level(column))
        })
    }
}

fn compute(model: &Model, coefficients: &[f64], seen: Seen, ln_level: f64) -> Column {
    let width = model.dispersions.len();
    let mut out = vec![0.0; model.layers.len() * width].into_boxed_slice();
    let ln_mean = ln_level + seen.exposure.ln();
    let ln_factors = HIGH_FACTORS.map(f64::ln);
    for (j, (dispersion, &coefficient)) in model.dispersions.iter().zip(coefficients).enumerate() {
        let ln_ratio = ln_mean - dispersion.ln_size;
        let ratio = ln_ratio.exp();
        let at = |factor: f64, ln_factor: f64| {
            // ln(1 + m/k) once; ln(1 + k/m) is that plus ln(k/m).
            let ln_whole = ln_1p(ratio * factor);
            coefficient - dispersion.size * ln_whole - seen.count * (ln_whole - (ln_ratio + ln_factor))
        };
        let ordinary = at(1.0, 0.0);
        let surges: [f64; HIGH_FACTORS.len()] = std::array::from_fn(|i| at(HIGH_FACTORS[i], ln_factors[i]));
        let top = surges.iter().copied().fold(ordinary, f64::max);
        let surges = surges.map(|s| (s - top).exp());
        let plain = (ordinary - top).exp();
        out[j] = ordinary;
        for (number, layer) in model.layers.iter().enumerate().skip(1) {
            let high: f64 = layer.factors.iter().zip(surges).map(|(weight, surge)| weight * surge).sum();
            out[number * width + j] = ((1.0 - layer.share) * plain + layer.share * high).max(f64::MIN_POSITIVE).ln() + top;
        }
    }
    out
}

/// `ln(1 + x)`; the usual logarithm is the faster one and loses nothing where `x` is not small.
fn ln_1p(x: f64) -> f64 {
    if x < 0.05 { x.ln_1p() } else { (1.0 + x).ln() }
}

//! Likelihoods of single counts on the grid, remembered: the days of a site share most of their history, and many counts are alike.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::model::{Dispersion, HIGH_FACTORS, Model};
use super::negbin::ln_coefficient;
use super::vector::{exp, ln, ln_1p, widest};

/// Remembered columns (each about 1 kB) of days on which the whole yard was seen, before they are forgotten. They serve all sites.
const WHOLE_KEPT: usize = 45_000;

/// The same of partly seen days. Their shares are seldom met again.
const PARTLY_KEPT: usize = 15_000;

/// An earlier count: cars seen and the exposure (visible share, times trend).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Cars seen; not a whole number where it is a mean of counts.
    pub count: f64,
    /// Visible share of the yard, times the trend's factor if one is followed.
    pub exposure: f64,
    /// Too little of the yard was seen to say that it is empty.
    pub partly: bool,
}

impl Seen {
    /// A count at some exposure, of a yard that could be said to be empty.
    pub fn new(count: f64, exposure: f64) -> Self {
        Self { count, exposure, partly: false }
    }

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
    sorted.sort_by(|a, b| a.count.total_cmp(&b.count).then(a.exposure.total_cmp(&b.exposure)).then(a.partly.cmp(&b.partly)));
    let mut groups: Vec<Group> = Vec::new();
    for seen in sorted {
        match groups.last_mut() {
            Some(group) if group.seen == seen => group.times += 1.0,
            _ => groups.push(Group { seen, times: 1.0 }),
        }
    }
    groups
}

/// Log likelihood of one count at one level: for each layer, for each dispersion. Of a day without a car there follows, for each layer,
/// empty share and dispersion, the same where the yard may have been empty.
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

/// Counts and exposures by their bits, with what has been computed of them.
type Remembered = HashMap<(u64, u64), PerCount, BuildHasherDefault<Spread>>;

/// What has been computed, for one site or several.
#[derive(Debug)]
pub struct Likelihoods {
    pub(super) model: Model,
    whole: Remembered,
    partly: Remembered,
    /// What all counts of a whole yard share, by column.
    shares: HashMap<i64, Logarithms, BuildHasherDefault<Spread>>,
    whole_kept: usize,
    partly_kept: usize,
}

/// `ln(1 + m / k)`: of an ordinary day's mean, then of each surge's, for each dispersion.
type Logarithms = Box<[f64]>;

/// Dispersions that are worked on side by side.
const LANES: usize = 8;

impl Likelihoods {
    /// Nothing computed yet.
    pub fn new(model: Model) -> Self {
        let (whole, partly, shares) = (HashMap::default(), HashMap::default(), HashMap::default());
        Self { model, whole, partly, shares, whole_kept: 0, partly_kept: 0 }
    }

    /// Forgets what has become too much; to be called between days.
    pub(super) fn keep_small(&mut self) {
        if self.whole_kept > WHOLE_KEPT {
            self.whole.clear();
            self.shares.clear();
            self.whole_kept = 0;
        }
        if self.partly_kept > PARTLY_KEPT {
            self.partly.clear();
            self.partly_kept = 0;
        }
    }

    /// `ln [ (1 - e) f + e g ]` of a count at the level of a column, for each surge share `e` and each dispersion.
    pub(super) fn column(&mut self, seen: Seen, column: i64) -> &[f64] {
        let Self { model, whole, partly, shares, whole_kept, partly_kept } = self;
        let seen_whole = seen.exposure == 1.0;
        let (counts, kept) = if seen_whole { (whole, whole_kept) } else { (partly, partly_kept) };
        let entry = counts.entry((seen.count.to_bits(), seen.exposure.to_bits())).or_insert_with(|| PerCount {
            coefficients: model.dispersions.iter().map(|d| ln_coefficient(seen.count, d.size)).collect(),
            columns: HashMap::default(),
        });
        entry.columns.entry(column).or_insert_with(|| {
            *kept += 1;
            let ln_mean = model.ln_level(column) + seen.exposure.ln();
            let alone;
            let shared = if seen_whole {
                shares.entry(column).or_insert_with(|| logarithms(model, ln_mean))
            } else {
                alone = logarithms(model, ln_mean);
                &alone
            };
            compute(model, &entry.coefficients, seen, ln_mean, shared)
        })
    }
}

widest! {
    /// What does not depend on the count.
    fn logarithms(model: &Model, ln_mean: f64) -> Logarithms {
        let width = model.dispersions.len();
        let mut shared = vec![0.0; width * (1 + HIGH_FACTORS.len())].into_boxed_slice();
        let (ordinary, surges) = shared.split_at_mut(width);
        for (ratio, dispersion) in ordinary.iter_mut().zip(&model.dispersions) {
            *ratio = exp((ln_mean - dispersion.ln_size).min(700.0));
        }
        for (surges, factor) in surges.chunks_exact_mut(width).zip(HIGH_FACTORS) {
            for (value, ratio) in surges.iter_mut().zip(ordinary.iter()) {
                *value = ln_1p(ratio * factor);
            }
        }
        for value in ordinary {
            *value = ln_1p(*value);
        }
        shared
    }
}

widest! {
    fn compute(model: &Model, coefficients: &[f64], seen: Seen, ln_mean: f64, shared: &[f64]) -> Column {
        let (width, layers) = (model.dispersions.len(), model.layers.len());
        let empties = if seen.count > 0.0 { 0 } else { model.empty_shares.len() };
        let mut out = vec![0.0; layers * width * (1 + empties)].into_boxed_slice();
        for start in (0..width).step_by(LANES) {
            let used = LANES.min(width - start);
            // An ordinary day's log density, then that of each surge. The last dispersion stands for those that are missing.
            let mut densities = [[0.0; LANES]; 1 + HIGH_FACTORS.len()];
            for (number, densities) in densities.iter_mut().enumerate() {
                let ln_factor = if number == 0 { 0.0 } else { HIGH_FACTORS[number - 1].ln() };
                let shared = &shared[number * width..(number + 1) * width];
                for (i, density) in densities.iter_mut().enumerate() {
                    let j = start + i.min(used - 1);
                    let Dispersion { size, ln_size, .. } = model.dispersions[j];
                    // ln(1 + m/k) is shared; ln(1 + k/m) is that plus ln(k/m).
                    *density = coefficients[j] - size * shared[j] - seen.count * (shared[j] - (ln_mean - ln_size + ln_factor));
                }
            }
            let mut top = densities[0];
            for density in &densities {
                for i in 0..LANES {
                    top[i] = if density[i] > top[i] { density[i] } else { top[i] };
                }
            }
            let mut shares = densities;
            for share in &mut shares {
                for i in 0..LANES {
                    share[i] = exp(share[i] - top[i]);
                }
            }
            out[start..start + used].copy_from_slice(&densities[0][..used]);
            for (number, layer) in model.layers.iter().enumerate().skip(1) {
                let mut mixed = shares[0];
                for mixed in &mut mixed {
                    *mixed *= 1.0 - layer.share;
                }
                for (share, weight) in shares[1..].iter().zip(layer.factors) {
                    for i in 0..LANES {
                        mixed[i] += layer.share * weight * share[i];
                    }
                }
                for i in 0..LANES {
                    mixed[i] = ln(mixed[i]) + top[i];
                }
                out[number * width + start..][..used].copy_from_slice(&mixed[..used]);
            }
        }
        if empties > 0 {
            let (occupied, zeros) = out.split_at_mut(layers * width);
            for (occupied, zeros) in occupied.chunks_exact(width).zip(zeros.chunks_exact_mut(empties * width)) {
                for ((empty, _), zeros) in model.empty_shares.iter().zip(zeros.chunks_exact_mut(width)) {
                    for (zero, density) in zeros.iter_mut().zip(occupied) {
                        *zero = ln_empty_or(*empty, *density);
                    }
                }
            }
        }
        out
    }
}

/// Log likelihood of a day without a car, where the yard is empty on this share of days and else has none with a probability of
/// this logarithm.
#[inline(always)]
fn ln_empty_or(empty: f64, ln_density: f64) -> f64 {
    if empty > 0.0 { ln(empty + (1.0 - empty) * exp(ln_density)) } else { ln_density }
}

//! Likelihoods of single counts on the grid, remembered: the days of a site share most of their history, and many counts are alike.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::model::{Dispersion, FINEST_STEP, HIGH_FACTORS, Model};
use super::negbin::ln_coefficient;
use super::vector::{exp, ln, ln_1p, widest};

/// Remembered columns and logarithms (each about 1 kB), before they are forgotten. They serve all sites.
const KEPT: usize = 60_000;

/// Means are told apart by so many parts of their logarithm: steps of the grid are whole numbers of them, and no density feels one.
const PARTS: f64 = (1_u64 << 32) as f64;

/// Step of the logarithm of a history's exposures: 1.6 %, nearer than the share of a yard that is seen, or its trend, is known. As it is one
/// of the grid of levels too, a count at any such exposure uses what was computed of a whole yard of another level; of exposures of their
/// own, as each day has under a trend, nothing would be used again.
const EXPOSURE_STEP: f64 = 64.0 * FINEST_STEP;

/// The exposure of a day of the history, in steps.
pub(super) fn stepped(exposure: f64) -> f64 {
    ((exposure.ln() / EXPOSURE_STEP).round() * EXPOSURE_STEP).exp()
}

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

    /// The same count at so many times the exposure, in steps.
    pub(super) fn with_factor(self, factor: f64) -> Self {
        Self { exposure: stepped(self.exposure * factor), ..self }
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
    /// Where its columns are among the tables, by the logarithm of the mean.
    columns: HashMap<i64, usize, BuildHasherDefault<Spread>>,
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
        let number = self.0 ^ number as u64;
        // The bits of a small float are all in its upper half.
        let mixed = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_u64(&mut self, number: u64) {
        self.write_i64(number as i64);
    }
}

/// What has been computed, for one site or several.
#[derive(Debug)]
pub struct Likelihoods {
    pub(super) model: Model,
    tables: Vec<Column>,
    /// By the bits of the count.
    counts: HashMap<u64, PerCount, BuildHasherDefault<Spread>>,
    /// What all counts share, by the logarithm of the mean.
    shares: HashMap<i64, Logarithms, BuildHasherDefault<Spread>>,
}

/// `ln(1 + m / k)`: of an ordinary day's mean, then of each surge's, for each dispersion.
type Logarithms = Box<[f64]>;

/// Dispersions that are worked on side by side.
const LANES: usize = 8;

impl Likelihoods {
    /// Nothing computed yet.
    pub fn new(model: Model) -> Self {
        Self { model, tables: Vec::new(), counts: HashMap::default(), shares: HashMap::default() }
    }

    /// Forgets what has become too much; to be called between days.
    pub(super) fn keep_small(&mut self) {
        if self.tables.len() + self.shares.len() > KEPT {
            self.tables.clear();
            self.counts.clear();
            self.shares.clear();
        }
    }

    /// `ln [ (1 - e) f + e g ]` of a count at the level of a column, for each surge share `e` and each dispersion.
    pub(super) fn column(&mut self, seen: Seen, column: i64) -> &[f64] {
        let number = self.find(seen, column);
        self.table(number)
    }

    /// The number of that column among the tables, until they are forgotten.
    pub(super) fn find(&mut self, seen: Seen, column: i64) -> usize {
        let Self { model, tables, counts, shares } = self;
        let entry = counts.entry(seen.count.to_bits()).or_insert_with(|| PerCount {
            coefficients: model.dispersions.iter().map(|d| ln_coefficient(seen.count, d.size)).collect(),
            columns: HashMap::default(),
        });
        let parts = ((model.ln_level(column) + seen.exposure.ln()) * PARTS).round();
        *entry.columns.entry(parts as i64).or_insert_with(|| {
            let ln_mean = parts / PARTS;
            let shared = shares.entry(parts as i64).or_insert_with(|| logarithms(model, ln_mean));
            tables.push(compute(model, &entry.coefficients, seen, ln_mean, shared));
            tables.len() - 1
        })
    }

    /// A column by its number.
    pub(super) fn table(&self, number: usize) -> &[f64] {
        &self.tables[number]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Posterior;

    /// Each day of a trend had an exposure of its own: 1,149 days took over a minute.
    #[test]
    fn days_of_any_exposure_share_what_is_computed() {
        let mut likelihoods = Likelihoods::new(Model::default());
        for today in 600..610 {
            let of_day = |day: i32| Seen::new(f64::from(20 + day % 5), 1.0).with_factor((0.0004 * f64::from(day - today)).exp());
            let _ = Posterior::new(&mut likelihoods, &(0..today).map(of_day).collect::<Vec<_>>());
        }
        assert!(likelihoods.tables.len() < 3_000, "{} columns", likelihoods.tables.len());
        for exposure in [0.3, 0.5, 0.77, 0.999, 1.3] {
            assert!(
                (stepped(exposure) / exposure - 1.0).abs() < 0.008 && stepped(stepped(exposure)) == stepped(exposure),
                "{exposure}"
            );
        }
        assert_eq!(stepped(1.0), 1.0);
    }
}

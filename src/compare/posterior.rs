//! What a history says of the model's parameters: weights on a grid that is as fine as the history is informative.

use std::collections::BTreeMap;

use super::likelihood::{Group, Likelihoods, Seen, groups};
use super::model::{COARSEST_STRIDE, FINEST_STEP, HIGH_FACTORS, Layer, Levels, MAX_LAYERS, Model};
use super::segment::{greatest, ln_sum_exp};
use super::vector::{add, add_four, exp};

/// Grid points further than this below the peak, in log density, are left out.
const SIGNIFICANT: f64 = 20.0;

/// Cells with less weight than this are left out of predictions; far below the floor of one in a million.
const NEGLIGIBLE: f64 = 1e-12;

/// The level is resolved when, for each dispersion and share that matters (log density within [`MATTERS`] of the peak), so many columns
/// are within 4.5 of that dispersion's own peak: they are then at most 1.5 posterior standard deviations apart, where the trapezoid
/// rule is exact to four digits.
const RESOLVED: usize = 5;

/// See [`RESOLVED`].
const MATTERS: f64 = 4.0;

/// A grid point of the posterior.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// Mean count of an ordinary day with the whole yard visible.
    pub level: f64,
    /// The negative binomial's size.
    pub size: f64,
    /// Weight of the ordinary day's negative binomial in the prediction.
    pub full: f64,
    /// The same given that no earlier day was a surge.
    pub plain: f64,
    column: i64,
    dispersion: usize,
    /// Weight per layer (surge share, empty share).
    layers: [f64; MAX_LAYERS * MAX_EMPTY],
}

const MAX_EMPTY: usize = 4;

impl Cell {
    /// Weight of each empty share under one of the suppositions about surges.
    pub fn of_layer(&self, number: usize) -> &[f64] {
        &self.layers[number * MAX_EMPTY..(number + 1) * MAX_EMPTY]
    }
}

/// The parameters after a history.
#[derive(Debug, Clone)]
pub struct Posterior {
    pub(super) cells: Vec<Cell>,
    /// Predictive probability of the empty-yard state.
    pub(super) empty_full: f64,
    /// The same given that no earlier day was a surge.
    pub(super) empty_plain: f64,
    groups: Vec<Group>,
    /// The predictive distribution: negative binomials with their weights.
    pub(super) parts: Vec<Part>,
}

/// A negative binomial of the predictive distribution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Mean: of the whole yard in a posterior, of what is seen of it in a prediction.
    pub level: f64,
    pub size: f64,
    /// Weight.
    pub full: f64,
    /// Weight given that no earlier day was a surge.
    pub plain: f64,
}

/// Log weights of one column: per layer, per dispersion.
type Weights = Vec<f64>;

impl Posterior {
    /// Weighs the grid by a history. The order of the history does not matter. Counts must not be negative, exposures
    /// positive; an empty history gives the prior.
    pub fn new(likelihoods: &mut Likelihoods, history: &[Seen]) -> Self {
        likelihoods.keep_small();
        let groups = groups(history);
        let columns = columns(likelihoods, &groups);
        collect(likelihoods, groups, &columns)
    }

    /// Probability that an earlier day was itself a surge, given the whole history (which includes that day). At one exposure it grows
    /// with the count, since the ratio of the two negative binomials does.
    pub fn surge_probability(&self, likelihoods: &mut Likelihoods, seen: Seen) -> f64 {
        let width = likelihoods.model.dispersions.len();
        let (layers, empties) = (likelihoods.model.layers.clone(), likelihoods.model.empty_shares.clone());
        let mut total = 0.0;
        for cells in self.cells.chunk_by(|a, b| a.column == b.column) {
            let column = likelihoods.column(seen, cells[0].column);
            for cell in cells {
                let ordinary = column[cell.dispersion];
                for (number, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.share > 0.0 && !layer.ordinary) {
                    let weights = cell.of_layer(number);
                    let mixed = column[number * width + cell.dispersion];
                    let occupied: f64 = if seen.count > 0.0 {
                        weights.iter().sum()
                    } else {
                        let share = |empty: f64| {
                            let occupied = (1.0 - empty) * exp(mixed);
                            if occupied > 0.0 { occupied / (empty + occupied) } else { 0.0 }
                        };
                        weights.iter().zip(&empties).map(|(weight, (empty, _))| weight * share(*empty)).sum()
                    };
                    if occupied > 0.0 {
                        total += occupied * (1.0 - (1.0 - layer.share) * exp(ordinary - mixed)).max(0.0);
                    }
                }
            }
        }
        total.clamp(0.0, 1.0)
    }

    /// [`Self::surge_probability`] of each count of the history, in ascending order of count.
    pub fn surge_probabilities(&self, likelihoods: &mut Likelihoods) -> Vec<(Seen, f64)> {
        self.groups.iter().map(|g| (g.seen, self.surge_probability(likelihoods, g.seen))).collect()
    }

    /// Posterior mean of the ordinary level, whole yard visible.
    pub fn mean_level(&self) -> f64 {
        let (sum, weight) = self.cells.iter().fold((0.0, 0.0), |(s, w), c| (s + c.full * c.level, w + c.full));
        if weight > 0.0 { sum / weight } else { 0.0 }
    }
}

/// The columns of the grid that matter, with their log weights.
fn columns(likelihoods: &mut Likelihoods, groups: &[Group]) -> BTreeMap<i64, Weights> {
    let constants = constants(&likelihoods.model, groups);
    let mut done = BTreeMap::new();
    if let Levels::Fixed { points, .. } = likelihoods.model.levels {
        for column in 0..points {
            done.insert(column, weights(likelihoods, groups, &constants, column));
        }
        return done;
    }
    let rates = groups.iter().map(|g| g.seen.count / g.seen.exposure);
    let (low, high) = rates.filter(|r| *r > 0.0).fold((1.0_f64, 1.0_f64), |(low, high), r| (low.min(r), high.max(r)));
    let mut stride = COARSEST_STRIDE;
    let at = |rate: f64| (rate.ln() / FINEST_STEP / stride as f64).floor() as i64 * stride;
    // Without surges the history may ask for quite other parameters than with them: both must be resolved.
    let width = likelihoods.model.dispersions.len() * likelihoods.model.empty_shares.len();
    // Below the level at which the least count is the greatest surge, and above the greatest count, the density only falls: from
    // there outwards to where it does not matter, and not further than e^4 below the least count and e^3 above the greatest.
    let (mut first, mut last) = (at(low / HIGH_FACTORS[HIGH_FACTORS.len() - 1]), at(high) + stride);
    let mut best = [f64::NEG_INFINITY; 2];
    let mut matters = |column: i64, done: &mut BTreeMap<i64, Weights>| {
        let weights = weights(likelihoods, groups, &constants, column);
        let highest = [greatest(&weights), greatest(&weights[..width])];
        best = [best[0].max(highest[0]), best[1].max(highest[1])];
        done.insert(column, weights);
        highest.iter().zip(best).any(|(highest, best)| *highest > best - SIGNIFICANT)
    };
    let mut column = first;
    while column <= last {
        matters(column, &mut done);
        column += stride;
    }
    let (lowest, uppermost) = (at(low * (-4.0_f64).exp()), at(high * 3.0_f64.exp()) + stride);
    let mut outwards = true;
    while outwards && first > lowest {
        first -= stride;
        outwards = matters(first, &mut done);
    }
    outwards = true;
    while outwards && last < uppermost {
        last += stride;
        outwards = matters(last, &mut done);
    }
    loop {
        let mut column = first;
        while column <= last {
            done.entry(column).or_insert_with(|| weights(likelihoods, groups, &constants, column));
            column += stride;
        }
        let grid: Vec<(i64, &Weights)> =
            done.range(first..=last).filter(|(column, _)| *column % stride == 0).map(|(c, w)| (*c, w)).collect();
        let full = significant(&grid, 0..grid.first().map_or(0, |g| g.1.len()));
        let plain = significant(&grid, 0..width);
        first = (full.first.min(plain.first) - stride).max(first);
        last = (full.last.max(plain.last) + stride).min(last);
        if full.resolved && plain.resolved || stride == 1 {
            done.retain(|column, _| (first..=last).contains(column) && column % stride == 0);
            return done;
        }
        stride /= 2;
    }
}

/// What matters among columns.
struct Significant {
    first: i64,
    last: i64,
    resolved: bool,
}

/// First and last significant column, and whether the peaks between are resolved, for some rows (layer and dispersion).
fn significant(grid: &[(i64, &Weights)], rows: std::ops::Range<usize>) -> Significant {
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    let mut peaks = vec![f64::NEG_INFINITY; rows.len()];
    let mut highest = Vec::with_capacity(grid.len());
    for (_, weights) in grid {
        let weights = &weights[rows.clone()];
        peaks.iter_mut().zip(weights).for_each(|(peak, w)| *peak = higher(*peak, *w));
        highest.push(greatest(weights));
    }
    let best = greatest(&highest);
    let mut found = Significant { first: i64::MAX, last: i64::MIN, resolved: true };
    for ((column, _), _) in grid.iter().zip(&highest).filter(|(_, highest)| **highest > best - SIGNIFICANT) {
        found.first = found.first.min(*column);
        found.last = found.last.max(*column);
    }
    let mut near = vec![0_u32; rows.len()];
    for (_, weights) in grid {
        let counted = near.iter_mut().zip(&weights[rows.clone()]).zip(&peaks);
        counted.for_each(|((near, w), peak)| *near += u32::from(*w > peak - 4.5));
    }
    found.resolved = peaks.iter().zip(&near).all(|(peak, near)| *peak <= best - MATTERS || *near as usize >= RESOLVED);
    found
}

/// Days on which cars were seen, of those that were seen partly or of the others.
fn days_with_cars(groups: &[Group], partly: bool) -> f64 {
    groups.iter().filter(|group| group.seen.count > 0.0 && group.seen.partly == partly).map(|group| group.times).sum()
}

/// What does not depend on the level: log prior of each layer and empty share, and the days on which the yard was not empty.
fn constants(model: &Model, groups: &[Group]) -> Vec<f64> {
    let days = days_with_cars(groups, false);
    let empties = model.empty_shares.iter();
    let of_layer = |layer: &Layer| {
        let prior = layer.prior.ln();
        empties.clone().map(move |(empty, empty_prior)| prior + empty_prior.ln() + days * (-empty).ln_1p())
    };
    model.layers.iter().flat_map(of_layer).collect()
}

/// Log posterior density at a level: per layer (surge share, then empty share), per dispersion.
fn weights(likelihoods: &mut Likelihoods, groups: &[Group], constants: &[f64], column: i64) -> Weights {
    let width = likelihoods.model.dispersions.len();
    let (layers, empties) = (likelihoods.model.layers.len(), likelihoods.model.empty_shares.len());
    let mut occupied = vec![0.0; layers * width];
    let mut zeros = vec![0.0; layers * empties * width];
    let mut hidden = vec![];
    let tables: Vec<usize> = groups.iter().map(|group| likelihoods.find(group.seen, column)).collect();
    let tables: Vec<(&Group, &[f64])> =
        groups.iter().zip(&tables).map(|(group, table)| (group, likelihoods.table(*table))).collect();
    // In ascending order of count.
    let (empty, with_cars) = tables.split_at(groups.partition_point(|group| group.seen.count <= 0.0));
    for (group, table) in empty {
        let table = &table[layers * width..];
        if group.seen.partly {
            hidden.resize(zeros.len(), 0.0);
            add(&mut hidden, group.times, table);
        } else {
            add(&mut zeros, group.times, table);
        }
    }
    for tables in with_cars.chunks(4) {
        if let [a, b, c, d] = tables {
            add_four(&mut occupied, [a, b, c, d].map(|(group, _)| group.times), [a, b, c, d].map(|(_, table)| *table));
        } else {
            tables.iter().for_each(|(group, table)| add(&mut occupied, group.times, table));
        }
    }
    if !hidden.is_empty() {
        add(&mut occupied, 1.0, &of_any_share(&hidden, days_with_cars(groups, true), &likelihoods.model.empty_shares, width));
    }
    // The prior of the level is L^-1/2 dL, that is L^1/2 on the grid of ln L.
    let ln_level = 0.5 * likelihoods.model.ln_level(column);
    for (number, (zeros, constant)) in zeros.chunks_exact_mut(width).zip(constants).enumerate() {
        let layer = number / empties;
        let occupied = &occupied[layer * width..(layer + 1) * width];
        for ((sum, occupied), dispersion) in zeros.iter_mut().zip(occupied).zip(&likelihoods.model.dispersions) {
            *sum += ln_level + constant + occupied + dispersion.ln_weight;
        }
    }
    zeros
}

/// Log likelihood of the days without a car that were seen partly, for each layer and dispersion. That none was seen on so many days, whose
/// cars may all stand where nothing was seen, has a share of its own, of the same prior as that of empty days, which it says nothing of.
fn of_any_share(zeros: &[f64], days_with_cars: f64, shares: &[(f64, f64)], width: usize) -> Vec<f64> {
    let of_layer = |zeros: &[f64]| -> Vec<f64> {
        let ln = |number: usize, j: usize| {
            let (share, prior) = shares[number];
            zeros[number * width + j] + days_with_cars * (-share).ln_1p() + prior.ln()
        };
        (0..width).map(|j| ln_sum_exp(&(0..shares.len()).map(|number| ln(number, j)).collect::<Vec<_>>())).collect()
    };
    zeros.chunks_exact(shares.len() * width).flat_map(of_layer).collect()
}

/// Normalises the columns and keeps the cells that matter.
fn collect(likelihoods: &Likelihoods, groups: Vec<Group>, columns: &BTreeMap<i64, Weights>) -> Posterior {
    let model = &likelihoods.model;
    let (width, empties) = (model.dispersions.len(), &model.empty_shares);
    let plain_part = width * empties.len();
    let best = columns.values().map(|w| greatest(w)).fold(f64::NEG_INFINITY, f64::max);
    let best_plain = columns.values().map(|w| greatest(&w[..plain_part])).fold(f64::NEG_INFINITY, f64::max);
    let mut cells = Vec::with_capacity(columns.len() * width);
    let (mut total, mut total_plain) = (0.0, 0.0);
    let (mut empty_full, mut empty_plain) = (0.0, 0.0);
    for (&column, weights) in columns {
        let level = model.ln_level(column).exp();
        for (j, dispersion) in model.dispersions.iter().enumerate() {
            let mut cell = Cell {
                level,
                size: dispersion.size,
                full: 0.0,
                plain: 0.0,
                column,
                dispersion: j,
                layers: [0.0; MAX_LAYERS * MAX_EMPTY],
            };
            let mut high = [0.0; HIGH_FACTORS.len()];
            for (surge, layer) in model.layers.iter().enumerate() {
                for (e, (empty, _)) in empties.iter().enumerate().take(MAX_EMPTY) {
                    let ln = weights[(surge * empties.len() + e) * width + j];
                    let weight = exp_above(ln - best);
                    cell.layers[surge * MAX_EMPTY + e] = weight;
                    total += weight;
                    cell.full += weight * (1.0 - empty);
                    if layer.ordinary {
                        let share = weight * (1.0 - empty) * layer.share;
                        high.iter_mut().zip(layer.factors).for_each(|(h, factor)| *h += share * factor);
                    }
                    empty_full += weight * empty;
                    if surge == 0 {
                        let weight = exp_above(ln - best_plain);
                        total_plain += weight;
                        cell.plain += weight * (1.0 - empty);
                        empty_plain += weight * empty;
                    }
                }
            }
            if cell.full > 0.0 || cell.plain > 0.0 {
                cells.push((cell, high));
            }
        }
    }
    cells.retain(|(cell, _)| cell.full > NEGLIGIBLE * total || cell.plain > NEGLIGIBLE * total_plain);
    let (mut parts, mut high_parts) = (Vec::with_capacity(2 * cells.len()), Vec::with_capacity(cells.len()));
    for (cell, high) in &mut cells {
        cell.layers.iter_mut().for_each(|w| *w /= total);
        cell.full /= total;
        cell.plain /= total_plain;
        let Cell { level, size, full, plain, .. } = *cell;
        let mut ordinary = full;
        for (share, factor) in high.iter().zip(HIGH_FACTORS) {
            let full = share / total;
            ordinary -= full;
            if full > NEGLIGIBLE {
                high_parts.push(Part { level: factor * level, size, full, plain: 0.0 });
            }
        }
        parts.push(Part { level, size, full: ordinary, plain });
    }
    // Together, so that what has no weight without surges is passed over.
    parts.append(&mut high_parts);
    let cells = cells.into_iter().map(|(cell, _)| cell).collect();
    Posterior { cells, empty_full: empty_full / total, empty_plain: empty_plain / total_plain, groups, parts }
}

/// `e^x`, or 0 where it does not matter.
fn exp_above(x: f64) -> f64 {
    if x > -40.0 { exp(x) } else { 0.0 }
}

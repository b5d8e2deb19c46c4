//! What was taken for what.

use super::matching::{self, Reach};
use super::prediction::Prediction;
use super::truth::TruthCar;
use std::collections::BTreeMap;
use std::ops::Range;

/// True class (or [`NOTHING`]) to predicted class (or [`MISSED`]) to number of vehicles.
pub type Confusion = BTreeMap<String, BTreeMap<String, u64>>;

/// Row of [`Confusion`]: predictions where there is no vehicle.
pub const NOTHING: &str = "(nothing)";
/// Column of [`Confusion`]: vehicles without a prediction.
pub const MISSED: &str = "(missed)";

/// True against predicted class over all vehicles of `all` but those in `dont_care`; `reach` is that of `all`.
pub fn confusion(stated: &Prediction, all: &[&TruthCar], reach: &[Reach], dont_care: Range<usize>) -> Confusion {
    let positions: Vec<_> = stated.vehicles.iter().map(|v| v.position).collect();
    let mut table = Confusion::new();
    let mut add = |row: &str, column: &str| {
        *table.entry(row.to_owned()).or_default().entry(column.to_owned()).or_default() += 1;
    };
    let (mut found, mut unmatched) = (vec![false; all.len()], vec![true; positions.len()]);
    for (i, j) in matching::assign(&positions, reach) {
        (found[j], unmatched[i]) = (true, false);
        if !dont_care.contains(&j) {
            add(&all[j].class, stated.vehicles[i].class.name());
        }
    }
    for (j, car) in all.iter().enumerate() {
        if !found[j] && !dont_care.contains(&j) {
            add(&car.class, MISSED);
        }
    }
    for (vehicle, _) in stated.vehicles.iter().zip(unmatched).filter(|(_, unmatched)| *unmatched) {
        let excused =
            vehicle.class.is_freight() && reach[dont_care.clone()].iter().any(|car| car.distance(vehicle.position).is_some());
        if !excused {
            add(NOTHING, vehicle.class.name());
        }
    }
    table
}

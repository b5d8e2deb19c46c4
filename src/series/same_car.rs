//! The same car again: how much better "the same car" explains length, class, colour and place of two cars than "any two cars of these two
//! scenes" does.

use std::collections::BTreeMap;

use super::corrections::metres_per_degree;
use super::record::{Point, SceneRecord};
use crate::count::{Class, SceneCount, Vehicle};

/// Standard deviation in metres of the difference of two measured lengths of one car.
const LENGTH_SD_M: f64 = 0.6;
/// Standard deviation of the difference of two measured roof colours of one car, in units of the scene's spread.
const COLOUR_SD: f64 = 0.45;
/// Standard deviation in metres of the difference of two measured places of one car, after registration.
pub(super) const PLACE_SD_M: f64 = 2.0;
/// Share of cars whose length (or colour) was measured quite wrongly: one bad car must not break a train.
const OUTLIERS: f64 = 0.1;
/// Probability that a car's kind is recognised the same way twice.
const SAME_CLASS: f64 = 0.75;
/// Least score of an alignment beyond what the best of so many possible ones reaches by chance.
const MIN_SCORE: f64 = 2.0;
/// A train is the less likely to be the same the longer ago it was seen: so much score per day.
const SCORE_PER_DAY: f64 = 0.5;
/// Mean time in days that a car stays where it is, for the weight of its place.
const STAY_DAYS: f64 = 10.0;
/// How much likelier a place within [`PLACE_SD_M`] is for a car that did not move than for another car on the same tracks.
const PLACE_GAIN: f64 = 6.0;

/// Cars in the order of a string: what the alignment sees of them.
#[derive(Debug, Clone)]
pub(super) struct Car {
    pub(super) index: usize,
    length: f64,
    class: Class,
    colour: [f64; 3],
    place: Option<Point>,
}

/// Freight cars by string, in their order along the track.
pub(super) fn strings(record: &SceneRecord) -> Vec<Vec<Car>> {
    let freight: Vec<(usize, &Vehicle)> =
        record.result.vehicles.iter().enumerate().filter(|(_, v)| v.class.is_freight()).collect();
    let colours = colours(&freight);
    let mut strings: BTreeMap<u32, Vec<Car>> = BTreeMap::new();
    for ((index, vehicle), colour) in freight.into_iter().zip(colours) {
        let place = record.places.get(index).and_then(|corners| place(corners, &record.result));
        let car = Car { index, length: vehicle.length_m, class: vehicle.class, colour, place };
        strings.entry(vehicle.string).or_default().push(car);
    }
    strings.into_values().collect()
}

/// Centre on the ground, with the scene's misregistration taken back.
fn place(corners: &[Point], scene: &SceneCount) -> Option<Point> {
    let shift_m = scene.registration_m;
    let number = corners.len() as f64;
    let sum = corners.iter().fold([0.0, 0.0], |s, p| [s[0] + p[0], s[1] + p[1]]);
    let centre = [sum[0] / number, sum[1] / number];
    let metres = metres_per_degree(centre[1]);
    let unshifted = [centre[0] - shift_m[0] / metres[0], centre[1] - shift_m[1] / metres[1]];
    let place = scene.registration_turn.map_or(unshifted, |turn| turn.undo(unshifted));
    place.iter().all(|v| v.is_finite()).then_some(place)
}

/// Lightness and two colour differences of each roof, relative to the scene's median and spread: sun, haze and sensor change
/// all roofs alike.
fn colours(freight: &[(usize, &Vehicle)]) -> Vec<[f64; 3]> {
    let raw: Vec<[f64; 3]> = freight
        .iter()
        .map(|(_, v)| {
            let [r, g, b] = v.colour.map(|c| (f64::from(c) + 8.0).ln());
            [(r + g + b) / 3.0, r - g, b - g]
        })
        .collect();
    let mut out = vec![[0.0; 3]; raw.len()];
    for channel in 0..3 {
        let mut values: Vec<f64> = raw.iter().map(|c| c[channel]).collect();
        let middle = median(&mut values);
        let mut distances: Vec<f64> = raw.iter().map(|c| (c[channel] - middle).abs()).collect();
        // 1.4826: from the median distance to the standard deviation of a normal distribution.
        let spread = 1.4826 * median(&mut distances);
        // Grey scenes have no colour differences at all: nothing to divide, nothing to learn.
        if spread > 1e-6 {
            out.iter_mut().zip(&raw).for_each(|(o, c)| o[channel] = ((c[channel] - middle) / spread).clamp(-4.0, 4.0));
        }
    }
    out
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Metres between two cars, where both places are known.
pub(super) fn distance(a: &Car, b: &Car) -> Option<f64> {
    let (p, q) = (a.place?, b.place?);
    let metres = metres_per_degree(p[1]);
    Some(((p[0] - q[0]) * metres[0]).hypot((p[1] - q[1]) * metres[1]))
}

/// Scores of pairs of cars, with what is usual in the two scenes.
pub(super) struct Scores {
    length: Background,
    colour: [Background; 3],
    class: BTreeMap<Class, f64>,
    /// Probability that a train stays where it is.
    pub(super) stay: f64,
    /// Least score of an alignment of two trains.
    pub(super) least: f64,
}

impl Scores {
    pub(super) fn new(old: &[Vec<Car>], new: &[Vec<Car>], days: f64) -> Self {
        let (old, new): (Vec<&Car>, Vec<&Car>) = (old.iter().flatten().collect(), new.iter().flatten().collect());
        let background = |value: &dyn Fn(&Car) -> f64, sd: f64| {
            let pairs = old.iter().flat_map(|a| new.iter().map(move |b| (a, b)));
            Background::new(pairs.map(|(a, b)| value(a) - value(b)), sd)
        };
        let mut class: BTreeMap<Class, f64> = BTreeMap::new();
        let all = (old.len() + new.len()).max(1) as f64;
        old.iter().chain(&new).for_each(|car| *class.entry(car.class).or_default() += 1.0 / all);
        Self {
            length: background(&|car| car.length, LENGTH_SD_M),
            colour: [0, 1, 2].map(|channel| background(&|car| car.colour[channel], COLOUR_SD)),
            class,
            // An alignment may begin at any pair of cars: so many chances to look alike by chance.
            least: MIN_SCORE + ((old.len() * new.len()).max(1) as f64).ln() + SCORE_PER_DAY * days,
            stay: (-days / STAY_DAYS).exp().clamp(0.02, 0.95),
        }
    }

    /// Score of a pair, where the train is taken to have stayed in its place, or to have moved.
    pub(super) fn of(&self, a: &Car, b: &Car, stayed: bool) -> f64 {
        let colour: f64 = (0..3).map(|c| self.colour[c].score(a.colour[c] - b.colour[c])).sum();
        // The three channels of a roof are not independent.
        self.length.score(a.length - b.length)
            + 0.6 * colour
            + self.class_score(a, b)
            + if stayed { place_score(a, b) } else { 0.0 }
    }

    fn class_score(&self, a: &Car, b: &Car) -> f64 {
        if a.class == Class::Freight || b.class == Class::Freight {
            return 0.0;
        }
        let usual = self.class.get(&a.class).copied().unwrap_or(0.0).clamp(0.02, 0.98);
        if a.class == b.class {
            (SAME_CLASS / usual.max(SAME_CLASS / 8.0)).ln().max(0.0)
        } else {
            ((1.0 - SAME_CLASS) / (1.0 - usual)).ln()
        }
    }
}

/// A whole train stays or moves: the cars of one that stayed are where they were, but for a few outliers.
fn place_score(a: &Car, b: &Car) -> f64 {
    let Some(distance) = distance(a, b) else { return f64::NEG_INFINITY };
    ((1.0 - OUTLIERS) * PLACE_GAIN * (-0.5 * (distance / PLACE_SD_M).powi(2)).exp() + OUTLIERS / PLACE_GAIN).ln()
}

/// How differences between cars that have nothing to do with each other are distributed.
struct Background {
    sd: f64,
    /// Density per bin of half a standard deviation, of the absolute difference.
    density: Vec<f64>,
}

impl Background {
    const BINS: usize = 64;

    fn new(differences: impl Iterator<Item = f64>, sd: f64) -> Self {
        let step = sd / 2.0;
        let mut counts = [0.0; Self::BINS];
        let mut number = 0.0;
        for difference in differences {
            let bin = ((difference.abs() / step) as usize).min(Self::BINS - 1);
            counts[bin] += 1.0;
            number += 1.0;
        }
        // Smoothed by the measuring error itself, so that equal cars in a scene of equal cars score zero; the bins lie on both
        // sides of zero.
        let kernel = |bins: f64| (-0.5 * (bins / 2.0).powi(2)).exp();
        let norm: f64 = (-16..=16).map(|k| kernel(f64::from(k))).sum();
        let at = |bin: i64| counts.get((if bin < 0 { -bin - 1 } else { bin }) as usize).copied().unwrap_or(0.0);
        let density = (0..Self::BINS as i64)
            .map(|bin| {
                (-16..=16).map(|k| kernel(k as f64) / norm * at(bin + k)).sum::<f64>() / (2.0 * step * f64::max(number, 1.0))
            })
            .collect();
        Self { sd, density }
    }

    fn score(&self, difference: f64) -> f64 {
        let step = self.sd / 2.0;
        let bin = ((difference.abs() / step) as usize).min(Self::BINS - 1);
        let any = self.density[bin].max(1e-4);
        let same = (-0.5 * (difference / self.sd).powi(2)).exp() / (self.sd * (2.0 * std::f64::consts::PI).sqrt());
        ((1.0 - OUTLIERS) * same / any + OUTLIERS).ln()
    }
}

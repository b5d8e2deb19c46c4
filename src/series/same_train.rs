//! The same train again: which cars of an observation were already standing, coupled in the same order, in the one before.
//!
//! Analysts follow a train from day to day by the order of its cars. Here two strings are aligned like two sequences of a
//! protein (T. F. Smith and M. S. Waterman, *Identification of common molecular subsequences*, J. Mol. Biol. 147, 1981):
//! every pair of cars has a score, the logarithm of how much better "the same car" explains length, class, colour and place
//! than "any two cars of these two scenes" does. In a unit train all cars look alike, so their looks say nothing by
//! construction; then only the place remains.

use std::collections::BTreeMap;

use super::corrections::metres_per_degree;
use super::record::{Point, SceneRecord};
use crate::count::{Class, Vehicle};

/// Standard deviation in metres of the difference of two measured lengths of one car.
const LENGTH_SD_M: f64 = 0.6;
/// Standard deviation of the difference of two measured roof colours of one car, in units of the scene's spread.
const COLOUR_SD: f64 = 0.45;
/// Standard deviation in metres of the difference of two measured places of one car, after registration.
const PLACE_SD_M: f64 = 2.0;
/// Share of cars whose length (or colour) was measured quite wrongly: one bad car must not break a train.
const OUTLIERS: f64 = 0.1;
/// Probability that a car's kind is recognised the same way twice.
const SAME_CLASS: f64 = 0.75;
/// Score of a car that has no counterpart within an alignment: missed or made up by the program once.
const GAP: f64 = -2.0;
/// Least score of an alignment: e^4 is about 50 to 1.
const MIN_SCORE: f64 = 4.0;
/// Trains do not stand for ever: over a longer pause (days) nothing is compared.
const MAX_PAUSE_DAYS: f64 = 60.0;
/// Mean time in days that a car stays where it is, for the weight of its place.
const STAY_DAYS: f64 = 10.0;
/// How much likelier a place within [`PLACE_SD_M`] is for a car that did not move than for another car on the same tracks.
const PLACE_GAIN: f64 = 6.0;

/// A freight car of an observation that was matched with one of the observation before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SameCar {
    /// Index of the vehicle before.
    pub before: usize,
    /// Index of the vehicle now.
    pub now: usize,
    /// It stands where it stood.
    pub in_place: bool,
}

/// Cars in the order of a string: what the alignment sees of them.
#[derive(Debug, Clone)]
struct Car {
    index: usize,
    length: f64,
    class: Class,
    colour: [f64; 3],
    place: Option<Point>,
}

/// Matches the freight cars of two observations of one yard.
pub fn match_cars(before: &SceneRecord, now: &SceneRecord) -> Vec<SameCar> {
    let Some(days) = days_between(before, now).filter(|days| *days <= MAX_PAUSE_DAYS) else { return Vec::new() };
    let (old, new) = (strings(before), strings(now));
    let scores = Scores::new(&old, &new, days);
    let mut taken_old = vec![false; before.result.vehicles.len()];
    let mut taken_new = vec![false; now.result.vehicles.len()];
    let mut same = Vec::new();
    // The best alignment first; its cars are gone for the next ones, so that a train that was split is followed in parts.
    let mut candidates: BTreeMap<(usize, usize), Alignment> = BTreeMap::new();
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            candidates.extend(best_alignment(a, b, &scores, &taken_old, &taken_new).map(|found| ((i, j), found)));
        }
    }
    while let Some((&key, _)) = candidates.iter().max_by(|a, b| a.1.score.total_cmp(&b.1.score).then(b.0.cmp(a.0))) {
        let Some(found) = candidates.remove(&key) else { break };
        for &(i, j) in &found.pairs {
            let (a, b) = (&old[key.0][i], &new[key.1][j]);
            (taken_old[a.index], taken_new[b.index]) = (true, true);
            let in_place = distance(a, b).is_some_and(|d| d <= 3.0 * PLACE_SD_M);
            same.push(SameCar { before: a.index, now: b.index, in_place });
        }
        let touched: Vec<(usize, usize)> =
            (0..old.len()).flat_map(|i| (0..new.len()).map(move |j| (i, j))).filter(|&(i, j)| i == key.0 || j == key.1).collect();
        for (i, j) in touched {
            candidates.remove(&(i, j));
            let again = best_alignment(&old[i], &new[j], &scores, &taken_old, &taken_new);
            candidates.extend(again.map(|found| ((i, j), found)));
        }
    }
    same.sort_by_key(|car| car.now);
    same
}

fn days_between(before: &SceneRecord, now: &SceneRecord) -> Option<f64> {
    Some((now.acquired?.as_second() - before.acquired?.as_second()).abs() as f64 / 86_400.0)
}

/// Freight cars by string, in their order along the track.
fn strings(record: &SceneRecord) -> Vec<Vec<Car>> {
    let freight: Vec<(usize, &Vehicle)> =
        record.result.vehicles.iter().enumerate().filter(|(_, v)| v.class.is_freight()).collect();
    let colours = colours(&freight);
    let mut strings: BTreeMap<u32, Vec<Car>> = BTreeMap::new();
    for ((index, vehicle), colour) in freight.into_iter().zip(colours) {
        let place = record.places.get(index).and_then(|corners| place(corners, record.result.registration_m));
        let car = Car { index, length: vehicle.length_m, class: vehicle.class, colour, place };
        strings.entry(vehicle.string).or_default().push(car);
    }
    strings.into_values().collect()
}

/// Centre on the ground, with the scene's misregistration taken back.
fn place(corners: &[Point], shift_m: [f64; 2]) -> Option<Point> {
    let number = corners.len() as f64;
    let sum = corners.iter().fold([0.0, 0.0], |s, p| [s[0] + p[0], s[1] + p[1]]);
    let centre = [sum[0] / number, sum[1] / number];
    let metres = metres_per_degree(centre[1]);
    let place = [centre[0] - shift_m[0] / metres[0], centre[1] - shift_m[1] / metres[1]];
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

fn distance(a: &Car, b: &Car) -> Option<f64> {
    let (p, q) = (a.place?, b.place?);
    let metres = metres_per_degree(p[1]);
    Some(((p[0] - q[0]) * metres[0]).hypot((p[1] - q[1]) * metres[1]))
}

/// Scores of pairs of cars, with what is usual in the two scenes.
struct Scores {
    length: Background,
    colour: [Background; 3],
    class: BTreeMap<Class, f64>,
    stay: f64,
}

impl Scores {
    fn new(old: &[Vec<Car>], new: &[Vec<Car>], days: f64) -> Self {
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
            stay: (-days / STAY_DAYS).exp().clamp(0.02, 0.95),
        }
    }

    fn of(&self, a: &Car, b: &Car) -> f64 {
        let colour: f64 = (0..3).map(|c| self.colour[c].score(a.colour[c] - b.colour[c])).sum();
        // The three channels of a roof are not independent.
        self.length.score(a.length - b.length) + 0.6 * colour + self.class_score(a, b) + self.place_score(a, b)
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

    fn place_score(&self, a: &Car, b: &Car) -> f64 {
        let Some(distance) = distance(a, b) else { return 0.0 };
        let near = (-0.5 * (distance / PLACE_SD_M).powi(2)).exp();
        (self.stay * PLACE_GAIN * near + (1.0 - self.stay)).ln()
    }
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

/// Cars of two strings that belong together, as positions in the strings.
#[derive(Debug)]
struct Alignment {
    score: f64,
    pairs: Vec<(usize, usize)>,
}

/// The best alignment of two strings, forwards or backwards (a train may have been turned, a track drawn the other way).
fn best_alignment(a: &[Car], b: &[Car], scores: &Scores, taken_a: &[bool], taken_b: &[bool]) -> Option<Alignment> {
    let forwards = local_alignment(a, b, scores, taken_a, taken_b);
    let backwards: Vec<Car> = b.iter().rev().cloned().collect();
    let mut turned = local_alignment(a, &backwards, scores, taken_a, taken_b);
    turned.pairs.iter_mut().for_each(|(_, j)| *j = b.len() - 1 - *j);
    let best = if turned.score > forwards.score { turned } else { forwards };
    (best.score >= MIN_SCORE && best.pairs.len() >= 2).then_some(best)
}

fn local_alignment(a: &[Car], b: &[Car], scores: &Scores, taken_a: &[bool], taken_b: &[bool]) -> Alignment {
    #[derive(Clone, Copy, PartialEq)]
    enum Step {
        Start,
        Pair,
        SkipA,
        SkipB,
    }
    let width = b.len() + 1;
    let mut table = vec![(0.0f64, Step::Start); (a.len() + 1) * width];
    let mut end = (0.0, 0);
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let free = !taken_a[a[i - 1].index] && !taken_b[b[j - 1].index];
            let pair = if free { table[(i - 1) * width + j - 1].0 + scores.of(&a[i - 1], &b[j - 1]) } else { f64::NEG_INFINITY };
            let steps = [
                (0.0, Step::Start),
                (pair, Step::Pair),
                (table[(i - 1) * width + j].0 + GAP, Step::SkipA),
                (table[i * width + j - 1].0 + GAP, Step::SkipB),
            ];
            let best =
                steps.into_iter().fold((f64::NEG_INFINITY, Step::Start), |best, step| if step.0 > best.0 { step } else { best });
            table[i * width + j] = best;
            if best.0 > end.0 {
                end = (best.0, i * width + j);
            }
        }
    }
    let mut pairs = Vec::new();
    let mut at = end.1;
    loop {
        let (i, j) = (at / width, at % width);
        match table[at].1 {
            Step::Start => break,
            Step::Pair => {
                pairs.push((i - 1, j - 1));
                at -= width + 1;
            }
            Step::SkipA => at -= width,
            Step::SkipB => at -= 1,
        }
    }
    pairs.reverse();
    Alignment { score: end.0, pairs }
}

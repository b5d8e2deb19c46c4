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
const PLACE_SD_M: f64 = 2.0;
/// Share of cars whose length was measured quite wrongly: one bad car must not break a train.
const OUTLIERS: f64 = 0.1;
/// Share of cars whose colour says nothing: in cloud shadow, under snow, in glare.
const COLOURLESS: f64 = 0.2;
/// Probability that a car's kind is recognised the same way twice.
const SAME_CLASS: f64 = 0.75;
/// Least score of an alignment beyond what the best of so many possible ones reaches by chance.
const MIN_SCORE: f64 = 2.0;
/// A train that moved is the less likely to be the same the longer ago it was seen: so much score per day.
const SCORE_PER_DAY: f64 = 0.5;
/// Mean time in days that a car stays where it is, for the weight of its place.
const STAY_DAYS: f64 = 10.0;
/// Probability that a train seen a few minutes ago stands where it stood.
const MOST_STAYED: f64 = 0.99;
/// How much likelier a place within [`PLACE_SD_M`] is for a car that did not move than for another car on the same tracks.
const PLACE_GAIN: f64 = 6.0;
/// How much likelier any place is for a car that was measured wrongly than within [`PLACE_SD_M`] for one that was not.
const OUT_OF_PLACE: f64 = 1.0 / 36.0;
/// How much likelier a string ends where one ended before when it did not move: there are places where trains are used to stop.
const END_GAIN: f64 = 10.0;
/// Distance of two places that are one, metres.
pub(super) const IN_PLACE_M: f64 = 3.0 * PLACE_SD_M;
/// Least spread of lightness and of colour differences in a scene (natural logarithms): what noise, glare and cloud shadow make of equal roofs.
const LEAST_SPREAD: [f64; 3] = [0.15, 0.05, 0.05];

/// The freight cars of an observation: what the alignment sees of them.
pub(super) struct Cars {
    /// By string, in their order along the track.
    pub(super) strings: Vec<Vec<Car>>,
    /// Whether the roofs differ in lightness and in either colour difference at all.
    colourful: [bool; 3],
}

/// Cars in the order of a string.
#[derive(Debug, Clone)]
pub(super) struct Car {
    pub(super) index: usize,
    length: f64,
    class: Class,
    colour: [f64; 3],
    place: Option<Point>,
}

/// The freight cars of an observation.
pub(super) fn cars(record: &SceneRecord) -> Cars {
    let freight: Vec<(usize, &Vehicle)> =
        record.result.vehicles.iter().enumerate().filter(|(_, v)| v.class.is_freight()).collect();
    let (colours, colourful) = colours(&freight);
    let mut strings: BTreeMap<u32, Vec<Car>> = BTreeMap::new();
    for ((index, vehicle), colour) in freight.into_iter().zip(colours) {
        let place = record.places.get(index).and_then(|corners| place(corners, &record.result));
        let car = Car { index, length: vehicle.length_m, class: vehicle.class, colour, place };
        strings.entry(vehicle.string).or_default().push(car);
    }
    Cars { strings: strings.into_values().collect(), colourful }
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
/// all roofs alike. Also says which of them differ at all: in a grey or snowed-over scene roofs have no colours.
fn colours(freight: &[(usize, &Vehicle)]) -> (Vec<[f64; 3]>, [bool; 3]) {
    let raw: Vec<[f64; 3]> = freight
        .iter()
        .map(|(_, v)| {
            let [r, g, b] = v.colour.map(|c| (f64::from(c) + 8.0).ln());
            [(r + g + b) / 3.0, r - g, b - g]
        })
        .collect();
    let mut out = vec![[0.0; 3]; raw.len()];
    let mut colourful = [false; 3];
    for channel in 0..3 {
        let mut values: Vec<f64> = raw.iter().map(|c| c[channel]).collect();
        let middle = median(&mut values);
        let mut distances: Vec<f64> = raw.iter().map(|c| (c[channel] - middle).abs()).collect();
        // 1.4826: from the median distance to the standard deviation of a normal distribution.
        let spread = (1.4826 * median(&mut distances)).max(LEAST_SPREAD[channel]);
        out.iter_mut().zip(&raw).for_each(|(o, c)| o[channel] = ((c[channel] - middle) / spread).clamp(-4.0, 4.0));
        // One red car among grey ones is a colour: the mean square, not the median.
        let square = distances.iter().map(|d| d * d).sum::<f64>() / distances.len().max(1) as f64;
        colourful[channel] = square.sqrt() >= LEAST_SPREAD[channel];
    }
    (out, colourful)
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
    /// None of a channel in which the roofs of either scene do not differ.
    colour: [Option<Background>; 3],
    class: BTreeMap<Class, f64>,
    /// Log odds that a train is where it was, where they speak for it.
    stay: f64,
    /// Least scores of an alignment of two trains, of which one stayed, and of which one moved.
    least: [f64; 2],
}

impl Scores {
    pub(super) fn new(before: &Cars, now: &Cars, days: f64) -> Self {
        let (old, new) = (&before.strings, &now.strings);
        // A train that stayed may be any of the strings that are there; one that moved may begin at any pair of cars.
        let chances = |old: usize, new: usize| ((old * new).max(1) as f64).ln();
        let strings = chances(old.len(), new.len());
        let (old, new): (Vec<&Car>, Vec<&Car>) = (old.iter().flatten().collect(), new.iter().flatten().collect());
        let cars = chances(old.len(), new.len());
        let background = |value: &dyn Fn(&Car) -> f64, sd: f64| {
            let pairs = old.iter().flat_map(|a| new.iter().map(move |b| (a, b)));
            Background::new(pairs.map(|(a, b)| value(a) - value(b)), sd)
        };
        let mut class: BTreeMap<Class, f64> = BTreeMap::new();
        let all = (old.len() + new.len()).max(1) as f64;
        old.iter().chain(&new).for_each(|car| *class.entry(car.class).or_default() += 1.0 / all);
        let stayed = (-days / STAY_DAYS).exp().clamp(0.02, MOST_STAYED);
        // Where they speak for it, the first car in its place has them; where against it, the whole train must make up for them.
        let odds = (stayed / (1.0 - stayed)).ln();
        Self {
            stay: odds.max(0.0),
            length: background(&|car| car.length, LENGTH_SD_M),
            colour: [0, 1, 2].map(|channel| {
                let both = before.colourful[channel] && now.colourful[channel];
                both.then(|| background(&|car| car.colour[channel], COLOUR_SD))
            }),
            class,
            least: [MIN_SCORE + strings - odds.min(0.0), MIN_SCORE + cars + SCORE_PER_DAY * days - (1.0 - stayed).ln()],
        }
    }

    /// Score that an alignment of a train that stayed, or moved, must reach.
    pub(super) fn least(&self, stayed: bool) -> f64 {
        self.least[usize::from(!stayed)]
    }

    /// Score of a pair by length, colour and class.
    pub(super) fn looks(&self, a: &Car, b: &Car) -> f64 {
        let channel =
            |c: usize| self.colour[c].as_ref().map_or(0.0, |background| background.ratio(a.colour[c] - b.colour[c]).ln());
        // The three channels of a roof are not independent.
        let colour = (0.6 * (0..3).map(channel).sum::<f64>()).exp();
        let length = self.length.ratio(a.length - b.length);
        ((1.0 - OUTLIERS) * length + OUTLIERS).ln() + ((1.0 - COLOURLESS) * colour + COLOURLESS).ln() + self.class_score(a, b)
    }

    /// Scores of the places of a pair, where the train is taken to have stayed: of the first pair, and of one that is coupled to it. Where the
    /// first car stands in its place, the next do so by their lengths, which have been heard.
    pub(super) fn place(&self, a: &Car, b: &Car) -> [f64; 2] {
        let Some(distance) = distance(a, b) else { return [f64::NEG_INFINITY; 2] };
        let next = ((1.0 - OUTLIERS) * (-0.5 * (distance / PLACE_SD_M).powi(2)).exp() + OUTLIERS * OUT_OF_PLACE).ln();
        [next + if distance <= IN_PLACE_M { PLACE_GAIN.ln() + self.stay } else { 0.0 }, next]
    }

    /// What it is worth that both strings end with these cars, where the train is taken to have stayed.
    pub(super) fn end(&self, a: &Car, b: &Car, stayed: bool) -> f64 {
        if stayed && distance(a, b).is_some_and(|metres| metres <= IN_PLACE_M) { END_GAIN.ln() } else { 0.0 }
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

    /// How much likelier a difference is between two looks at one car than between any two cars.
    fn ratio(&self, difference: f64) -> f64 {
        let step = self.sd / 2.0;
        let bin = ((difference.abs() / step) as usize).min(Self::BINS - 1);
        let any = self.density[bin].max(1e-4);
        let same = (-0.5 * (difference / self.sd).powi(2)).exp() / (self.sd * (2.0 * std::f64::consts::PI).sqrt());
        same / any
    }
}

//! Where do cars begin and end: the best segmentation of a strip, and how sure it is.
//!
//! A segmental hidden Markov model with explicit durations (Ostendorf, Digalakis and Kimball, "From HMM's to segment models", 1996;
//! Yu, "Hidden semi-Markov models", 2010): empty track, car bodies whose length has a prior, and the short gaps at their ends.
//! The best path is Viterbi's; the probability of each car comes from the forward and backward sums over all segmentations.

use super::columns::{CLASSES, COLUMN_M, Column};
use crate::count::Class;

/// Shortest and longest car body, metres. The shortest, two-axle silo cars, are 7.5 m; their roofs are round at the ends.
const BODY_M: [f64; 2] = [6.5, 28.5];
/// Shortest visible part of a body that the edge of the image cuts off, metres.
const CUT_M: f64 = 5.0;
/// Body lengths that occur, metres (lengths over couplers less a gap of 1.1 m): two-axle and four-axle cars of the CIS, China, Europe and
/// North America (DESIGN.md, section 4; dimensions in the research notes).
const USUAL_M: [f64; 14] = [9.2, 10.9, 11.9, 12.85, 13.65, 14.4, 15.2, 16.5, 17.2, 18.5, 19.9, 22.4, 23.5, 24.6];
/// Those of flats and carriers of containers, which are made for loads of 40, 60 and 80 feet: fewer are of any other length. The gap between
/// two containers on one of them looks like the gap between two cars; what it parts would be flats of lengths that hardly occur.
const USUAL_FLATS_M: [f64; 7] = [11.1, 12.6, 13.4, 15.0, 16.2, 18.4, 24.5];
const ANY_FLAT_SHARE: f64 = 0.20;
/// Spread of a body length around a usual one, metres, and the share of bodies of any length.
const USUAL_SD_M: f64 = 0.45;
const ANY_SHARE: f64 = 0.35;
/// Whether a column is occupied at all: neighbouring columns say much the same, so their log probabilities count for this share.
const OCCUPIED_WEIGHT: f64 = 0.30;
/// Whether an occupied column is body or gap: gaps are short, and each stands for a place of its own.
const GAP_WEIGHT: f64 = 0.90;
/// Least log probability of a column: the network is never surer than this.
const LEAST_LOG: f64 = -7.0;
/// Most columns of a gap, at a free end as between two coupled cars: 2.5 m.
const GAP: usize = 5;
/// Two segmentations mean the same car when both its ends lie within this many columns.
const SAME_CAR: usize = 3;

/// A car in a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// First column of the body.
    pub from: usize,
    /// One past its last column.
    pub to: usize,
    /// Probability, over all segmentations, of a car with these ends (to a metre and a half).
    pub probability: f64,
    /// Probability, over all segmentations, of a body at the middle of this one.
    pub existence: f64,
    /// Whether only a coupling's gap separates it from the car before.
    pub coupled: bool,
    /// Whether the edge of what was seen cuts it.
    pub cut: bool,
}

/// What a strip holds.
#[derive(Debug, Clone, Default)]
pub struct Segmentation {
    /// The cars of the best segmentation, in order.
    pub cars: Vec<Segment>,
}

/// Segments a strip; columns that were not seen hold nothing.
pub fn segment(columns: &[Column]) -> Segmentation {
    let mut cars = Vec::new();
    let mut from = 0;
    while from < columns.len() {
        if !columns[from].seen {
            from += 1;
            continue;
        }
        let to = columns[from..].iter().position(|column| !column.seen).map_or(columns.len(), |n| from + n);
        cars.extend(Lattice::new(&columns[from..to]).solve().into_iter().map(|car| Segment {
            from: car.from + from,
            to: car.to + from,
            ..car
        }));
        from = to;
    }
    Segmentation { cars }
}

struct Lattice {
    n: usize,
    /// Prefix sums of the scores of empty, body and gap columns.
    sums: [Vec<f64>; 3],
    /// Prefix sums of the probability of being a flat.
    flats: Vec<f64>,
    /// How much likelier than on average a body of so many columns is, where it is a flat and where it is not.
    lengths: [Vec<f64>; 2],
    shortest: usize,
    longest: usize,
    cut: usize,
}

/// How much likelier than on average a body of so many columns is, of a stock with such usual lengths and such a share of others.
fn likelier(columns: usize, usual: &[f64], any: f64) -> f64 {
    let metres = columns as f64 * COLUMN_M;
    let range = BODY_M[1] - BODY_M[0];
    let each = (1.0 - any) / usual.len() as f64 / (USUAL_SD_M * (2.0 * std::f64::consts::PI).sqrt());
    let usual: f64 = usual.iter().map(|m| each * (-0.5 * ((metres - m) / USUAL_SD_M).powi(2)).exp()).sum();
    any + usual * range
}

/// Probability of a flat, from a column's class scores.
fn flat(scores: &[f32; CLASSES.len()]) -> f64 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let of = |flats: bool| -> f64 {
        let these = CLASSES.iter().zip(scores).filter(|(class, _)| (**class == Class::Flat) == flats);
        these.map(|(_, score)| f64::from(score - top).exp()).sum()
    };
    of(true) / (of(true) + of(false))
}

/// The states in which a column boundary may be left behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    Opening,
    Car,
    Closing,
}
use State::{Car, Closing, Empty, Opening};

impl Lattice {
    fn new(columns: &[Column]) -> Self {
        let mut sums: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0]);
        for column in columns {
            let [empty, body, gap] = column.state.map(|log| f64::from(log).max(LEAST_LOG));
            let occupied = log_add(body, gap);
            let scores = [
                OCCUPIED_WEIGHT * empty,
                OCCUPIED_WEIGHT * occupied + GAP_WEIGHT * (body - occupied),
                OCCUPIED_WEIGHT * occupied + GAP_WEIGHT * (gap - occupied),
            ];
            for (sum, score) in sums.iter_mut().zip(scores) {
                sum.push(sum[sum.len() - 1] + score);
            }
        }
        let columns_of = |metres: f64| (metres / COLUMN_M).round() as usize;
        let longest = columns_of(BODY_M[1]);
        let mut flats = vec![0.0];
        for column in columns {
            flats.push(flats[flats.len() - 1] + flat(&column.class));
        }
        let stocks = [(&USUAL_FLATS_M[..], ANY_FLAT_SHARE), (&USUAL_M[..], ANY_SHARE)];
        let lengths = stocks.map(|(usual, any)| (0..=longest).map(|k| likelier(k, usual, any)).collect());
        Self { n: columns.len(), sums, flats, lengths, shortest: columns_of(BODY_M[0]), longest, cut: columns_of(CUT_M) }
    }

    fn sum(&self, kind: usize, from: usize, to: usize) -> f64 {
        self.sums[kind][to] - self.sums[kind][from]
    }

    /// Log prior of the length of a body between two boundaries, by how much it looks like a flat.
    fn length_prior(&self, from: usize, to: usize) -> f64 {
        let k = to - from;
        let flat = (self.flats[to] - self.flats[from]) / k as f64;
        (flat * self.lengths[0][k] + (1.0 - flat) * self.lengths[1][k]).ln()
    }

    /// Every way to reach boundary `to` in `state`: (state before, boundary before, score of the step).
    fn steps(&self, state: State, to: usize, mut each: impl FnMut(State, usize, f64)) {
        match state {
            Empty if to > 0 => {
                let score = self.sum(0, to - 1, to);
                each(Empty, to - 1, score);
                each(Closing, to - 1, score);
            }
            Opening => (1..=GAP.min(to)).for_each(|k| each(Empty, to - k, self.sum(2, to - k, to))),
            Closing => (1..=GAP.min(to)).for_each(|k| each(Car, to - k, self.sum(2, to - k, to))),
            Car => {
                for k in self.cut..=self.longest.min(to) {
                    let from = to - k;
                    let edge = from == 0 || to == self.n;
                    if k < self.shortest && !edge {
                        continue;
                    }
                    // A body cut by the edge may be of any length.
                    let prior = if edge { ANY_SHARE.ln() } else { self.length_prior(from, to) };
                    let score = self.sum(1, from, to) + prior;
                    if from == 0 {
                        each(Empty, 0, score);
                    } else {
                        each(Opening, from, score);
                        each(Closing, from, score);
                    }
                }
            }
            Empty => {}
        }
    }

    fn solve(&self) -> Vec<Segment> {
        const STATES: [State; 4] = [Empty, Opening, Car, Closing];
        let n = self.n;
        let unreached = f64::NEG_INFINITY;
        let mut best = vec![[unreached; 4]; n + 1];
        let mut forward = vec![[unreached; 4]; n + 1];
        let mut back = vec![[(Empty, 0usize); 4]; n + 1];
        best[0][Empty as usize] = 0.0;
        forward[0][Empty as usize] = 0.0;
        for to in 1..=n {
            for state in STATES {
                let (mut top, mut source, mut total) = (unreached, (Empty, 0), unreached);
                self.steps(state, to, |before, at, score| {
                    let value = best[at][before as usize] + score;
                    if value > top {
                        (top, source) = (value, (before, at));
                    }
                    total = log_add(total, forward[at][before as usize] + score);
                });
                best[to][state as usize] = top;
                back[to][state as usize] = source;
                forward[to][state as usize] = total;
            }
        }
        let mut backward = vec![[unreached; 4]; n + 1];
        for state in [Empty, Car, Closing] {
            backward[n][state as usize] = 0.0;
        }
        for to in (1..=n).rev() {
            for state in STATES {
                let after = backward[to][state as usize];
                if after > unreached {
                    self.steps(state, to, |before, at, score| {
                        let target = &mut backward[at][before as usize];
                        *target = log_add(*target, after + score);
                    });
                }
            }
        }
        let whole = backward[0][Empty as usize];
        let covered = self.covered(&forward, &backward, whole);
        let mut state =
            [Empty, Car, Closing].into_iter().fold(Empty, |a, b| if best[n][b as usize] > best[n][a as usize] { b } else { a });
        let (mut at, mut cars) = (n, Vec::new());
        while at > 0 {
            let (before, from) = back[at][state as usize];
            if state == Car {
                let probability = self.probability(from, at, &forward, &backward, whole);
                let existence = covered[(from + at) / 2].min(1.0);
                cars.push(Segment {
                    from,
                    to: at,
                    probability,
                    existence,
                    coupled: before == Closing,
                    cut: from == 0 || at == n,
                });
            }
            (state, at) = (before, from);
        }
        cars.reverse();
        cars
    }

    /// Probability of a body at each column.
    fn covered(&self, forward: &[[f64; 4]], backward: &[[f64; 4]], whole: f64) -> Vec<f64> {
        // Every possible car adds its probability where it starts and takes it away where it ends.
        let mut change = vec![0.0; self.n + 1];
        for (end, after) in backward.iter().enumerate() {
            let after = after[Car as usize];
            if after > f64::NEG_INFINITY && end > 0 {
                self.steps(Car, end, |before, at, score| {
                    let p = (forward[at][before as usize] + score + after - whole).exp();
                    change[at] += p;
                    change[end] -= p;
                });
            }
        }
        let mut sum = 0.0;
        change
            .iter()
            .map(|c| {
                sum += c;
                sum.max(0.0)
            })
            .collect()
    }

    /// Probability, over all segmentations, of a car whose ends lie near these.
    fn probability(&self, from: usize, to: usize, forward: &[[f64; 4]], backward: &[[f64; 4]], whole: f64) -> f64 {
        let mut total = f64::NEG_INFINITY;
        let (first, last) = (to.saturating_sub(SAME_CAR), (to + SAME_CAR).min(self.n));
        for (end, after) in backward.iter().enumerate().take(last + 1).skip(first) {
            self.steps(Car, end, |before, at, score| {
                if at.abs_diff(from) <= SAME_CAR {
                    total = log_add(total, forward[at][before as usize] + score + after[Car as usize]);
                }
            });
        }
        (total - whole).exp().clamp(0.0, 1.0)
    }
}

/// Logarithm of a sum given as logarithms.
fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strip of bodies (metres) with gaps of 1 m between coupled cars and empty track around, as sure as `sure`.
    fn strip(bodies: &[f64], sure: f32) -> Vec<Column> {
        let (yes, no) = (sure.ln(), ((1.0 - sure) / 2.0).ln());
        let column = |kind: usize| {
            let mut state = [no; 3];
            state[kind] = yes;
            Column { state, class: [0.0; 7], on_track: 1.0, offset_m: 0.0, seen: true }
        };
        let mut columns = vec![column(0); 40];
        columns.push(column(2));
        for (i, metres) in bodies.iter().enumerate() {
            if i > 0 {
                columns.extend([column(2); 2]);
            }
            columns.extend(vec![column(1); (metres / COLUMN_M).round() as usize]);
        }
        columns.push(column(2));
        columns.extend(vec![column(0); 40]);
        columns
    }

    #[test]
    fn coupled_cars_are_told_apart() {
        let bodies = [13.0, 13.0, 12.0, 24.5, 9.0];
        // Surer than elsewhere: 24.5 m may also be two cars.
        let found = segment(&strip(&bodies, 0.99)).cars;
        let lengths: Vec<f64> = found.iter().map(|car| (car.to - car.from) as f64 * COLUMN_M).collect();
        assert_eq!(lengths, bodies);
        assert!(found.iter().all(|car| car.probability > 0.8), "{found:?}");
        assert_eq!(found.iter().filter(|car| car.coupled).count(), 4);
    }

    /// A wagon of 24.5 m with a container of 30 and one of 45 feet was counted as two flats of 9.5 and 14.5 m.
    #[test]
    fn the_gap_between_containers_parts_no_wagon() {
        let cars = |class: Class| {
            let mut columns = strip(&[9.5, 14.5], 0.9);
            let kind = CLASSES.iter().position(|&other| other == class).unwrap();
            columns.iter_mut().for_each(|column| column.class[kind] = 6.0);
            // One column between the containers looks as much like a gap as like a body, the next hardly.
            for (column, gap) in columns[60..62].iter_mut().zip([0.65f32, 0.45]) {
                column.state = [0.01f32.ln(), (0.99 - gap).ln(), gap.ln()];
            }
            segment(&columns).cars.len()
        };
        assert_eq!(cars(Class::Flat), 1);
        assert_eq!(cars(Class::Gondola), 2);
    }

    #[test]
    fn an_empty_track_holds_no_car() {
        assert!(segment(&strip(&[], 0.9)).cars.is_empty());
    }

    #[test]
    fn direction_of_travel_does_not_matter() {
        let columns = strip(&[13.0, 16.5, 12.0], 0.8);
        let reversed: Vec<Column> = columns.iter().rev().copied().collect();
        let (a, b) = (segment(&columns).cars, segment(&reversed).cars);
        assert_eq!(a.len(), b.len());
        for (x, y) in a.iter().zip(b.iter().rev()) {
            assert_eq!((x.from, x.to), (columns.len() - y.to, columns.len() - y.from));
            assert!((x.probability - y.probability).abs() < 1e-9);
        }
    }

    #[test]
    fn what_was_not_seen_holds_nothing() {
        let mut columns = strip(&[13.0, 13.0], 0.97);
        columns.iter_mut().for_each(|column| column.seen = false);
        assert!(segment(&columns).cars.is_empty());
    }
}

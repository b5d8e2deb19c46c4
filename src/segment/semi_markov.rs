//! Where do cars begin and end: the best segmentation of a strip, and how sure it is.
//!
//! A segmental hidden Markov model with explicit durations (Ostendorf, Digalakis and Kimball, "From HMM's to segment models", 1996;
//! Yu, "Hidden semi-Markov models", 2010): empty track, car bodies whose length has a prior, and the short gaps at their ends.
//! The best path is Viterbi's; the probability of each car comes from the forward and backward sums over all segmentations.

use super::columns::{COLUMN_M, Column};
use super::lengths::{ANY_SHARE, BODY_M, Lengths, Neighbours, flat};

/// Shortest visible part of a body that the edge of the image cuts off, metres.
const CUT_M: f64 = 5.0;
/// Share of the flats of 12 m and more that show two loads, and the most columns of the gap between them: it looks like the gap between two cars.
const TWO_LOADS: f64 = 0.2;
const TWO_LOADS_M: f64 = 12.0;
const LOAD_GAP: usize = 4;
/// Shortest load of two, metres: 20 feet are 6.1, and an end may be read a metre wrong.
const LOAD_M: f64 = 5.0;
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
        cars.extend(in_view(&columns[from..to]).into_iter().map(|car| Segment {
            from: car.from + from,
            to: car.to + from,
            ..car
        }));
        from = to;
    }
    Segmentation { cars }
}

/// The cars of columns that were all seen: found once, and again with what their neighbours say of their lengths.
fn in_view(columns: &[Column]) -> Vec<Segment> {
    let mut lattice = Lattice::new(columns);
    let cars = lattice.solve();
    if cars.len() < 2 {
        return cars;
    }
    lattice.score_bodies(Some(&Neighbours::of(&cars, lattice.longest)));
    lattice.solve()
}

struct Lattice {
    n: usize,
    /// Prefix sums of the scores of empty, body and gap columns.
    sums: [Vec<f64>; 3],
    /// Prefix sums of the probability of being a flat.
    flats: Vec<f64>,
    /// For a gap between two loads of 1 to [`LOAD_GAP`] columns, prefix sums of how much likelier than body it is that it begins at a column.
    parted: [Vec<f64>; LOAD_GAP],
    lengths: Lengths,
    /// Score of a body that ends at each boundary, by its columns.
    bodies: Vec<f64>,
    shortest: usize,
    longest: usize,
    cut: usize,
}

fn columns_of(metres: f64) -> usize {
    (metres / COLUMN_M).round() as usize
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
        let mut flats = vec![0.0];
        for column in columns {
            flats.push(flats[flats.len() - 1] + flat(&column.class));
        }
        let parted = std::array::from_fn(|width| {
            let odds = |ends: usize| {
                let begins = ends - width - 1;
                (sums[2][ends] - sums[2][begins] - sums[1][ends] + sums[1][begins]).exp()
            };
            let mut sum = 0.0;
            let places = (width + 1..=columns.len()).map(|ends| {
                sum += odds(ends);
                sum
            });
            std::iter::once(0.0).chain(places).collect()
        });
        let longest = columns_of(BODY_M[1]);
        let mut lattice = Self {
            n: columns.len(),
            sums,
            flats,
            parted,
            lengths: Lengths::of_the_world(longest),
            bodies: Vec::new(),
            shortest: columns_of(BODY_M[0]),
            longest,
            cut: columns_of(CUT_M),
        };
        lattice.score_bodies(None);
        lattice
    }

    fn sum(&self, kind: usize, from: usize, to: usize) -> f64 {
        self.sums[kind][to] - self.sums[kind][from]
    }

    /// Scores every possible body, with what the cars beside it say if they are known.
    fn score_bodies(&mut self, neighbours: Option<&Neighbours>) {
        let width = self.longest + 1;
        let mut bodies = vec![f64::NEG_INFINITY; (self.n + 1) * width];
        for (to, scores) in bodies.chunks_exact_mut(width).enumerate() {
            for (k, score) in scores.iter_mut().enumerate().take(to + 1).skip(self.cut) {
                let from = to - k;
                // A body cut by the edge may be of any length.
                let edge = from == 0 || to == self.n;
                if edge || k >= self.shortest {
                    let prior = if edge { ANY_SHARE } else { self.prior(from, to, neighbours) };
                    *score = self.sum(1, from, to) + prior.ln();
                }
            }
        }
        self.bodies = bodies;
    }

    /// How much likelier than on average a body between two boundaries is: by its length, and by the gap that two loads may leave on a flat.
    fn prior(&self, from: usize, to: usize, neighbours: Option<&Neighbours>) -> f64 {
        let flat = (self.flats[to] - self.flats[from]) / (to - from) as f64;
        let length = self.lengths.of(to - from, flat, neighbours.map(|neighbours| neighbours.beside(from, to)));
        if to - from < columns_of(TWO_LOADS_M) {
            return length;
        }
        let (first, last) = (from + columns_of(LOAD_M), to - columns_of(LOAD_M));
        let (mut likelier, mut places) = (0.0, 0);
        for (width, odds) in self.parted.iter().enumerate() {
            let end = last - width;
            likelier += odds[end] - odds[first];
            places += end - first;
        }
        let parted = likelier / places as f64;
        length * (1.0 + TWO_LOADS * flat * (parted - 1.0))
    }

    /// Every gap that ends at a boundary: where it begins, and its score.
    fn gaps_to(&self, to: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (1..=GAP.min(to)).map(move |k| (to - k, self.sum(2, to - k, to)))
    }

    /// Every gap that begins at a boundary: where it ends, and its score.
    fn gaps_from(&self, from: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (1..=GAP.min(self.n - from)).map(move |k| (from + k, self.sum(2, from, from + k)))
    }

    /// Every body that ends at a boundary: where it begins, and its score. Impossible ones are among them.
    fn bodies_to(&self, to: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (self.cut..=self.longest.min(to)).map(move |k| (to - k, self.bodies[to * (self.longest + 1) + k]))
    }

    /// Every body that begins at a boundary: where it ends, and its score. Impossible ones are among them.
    fn bodies_from(&self, from: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (self.cut..=self.longest.min(self.n - from)).map(move |k| (from + k, self.bodies[(from + k) * (self.longest + 1) + k]))
    }

    fn solve(&self) -> Vec<Segment> {
        let sums = self.sums_over_all();
        let covered = self.covered(&sums);
        let car = |(from, to, coupled): (usize, usize, bool)| Segment {
            from,
            to,
            probability: self.probability(from, to, &sums),
            existence: covered[(from + to) / 2].min(1.0),
            coupled,
            cut: from == 0 || to == self.n,
        };
        self.best().into_iter().map(car).collect()
    }

    /// The cars of the best segmentation, in order: where they begin and end, and whether only a gap parts them from the one before.
    fn best(&self) -> Vec<(usize, usize, bool)> {
        type Step = (f64, (State, usize));
        const UNREACHED: Step = (f64::NEG_INFINITY, (Empty, 0));
        fn higher(best: Step, step: Step) -> Step {
            if step.0 > best.0 { step } else { best }
        }
        // The best way into each state at each boundary, and to where a car may begin.
        let mut best = vec![[UNREACHED; 4]; self.n + 1];
        let mut begun = vec![(f64::NEG_INFINITY, Empty); self.n + 1];
        best[0][Empty as usize] = (0.0, (Empty, 0));
        begun[0] = (0.0, Empty);
        for to in 1..=self.n {
            let from = |state: State, at: usize, score: f64| (best[at][state as usize].0 + score, (state, at));
            let empty = self.sum(0, to - 1, to);
            let ways = [
                higher(from(Empty, to - 1, empty), from(Closing, to - 1, empty)),
                self.gaps_to(to).map(|(at, score)| from(Empty, at, score)).fold(UNREACHED, higher),
                self.bodies_to(to).map(|(at, score)| (begun[at].0 + score, (begun[at].1, at))).fold(UNREACHED, higher),
                self.gaps_to(to).map(|(at, score)| from(Car, at, score)).fold(UNREACHED, higher),
            ];
            best[to] = ways;
            let [opening, closing] = [Opening, Closing].map(|state| (best[to][state as usize].0, state));
            begun[to] = if closing.0 > opening.0 { closing } else { opening };
        }
        let last = [Empty, Car, Closing].map(|state| (best[self.n][state as usize].0, (state, self.n)));
        let (_, (mut state, mut at)) = last.into_iter().fold(UNREACHED, higher);
        let mut cars = Vec::new();
        while at > 0 {
            let (_, (before, from)) = best[at][state as usize];
            if state == Car {
                cars.push((from, at, before == Closing));
            }
            (state, at) = (before, from);
        }
        cars.reverse();
        cars
    }

    fn sums_over_all(&self) -> Sums {
        let unreached = f64::NEG_INFINITY;
        let mut forward = vec![[unreached; 4]; self.n + 1];
        let mut begun = vec![unreached; self.n + 1];
        forward[0][Empty as usize] = 0.0;
        begun[0] = 0.0;
        for to in 1..=self.n {
            let from = |state: State, at: usize, score: f64| forward[at][state as usize] + score;
            let empty = self.sum(0, to - 1, to);
            forward[to] = [
                log_add(from(Empty, to - 1, empty), from(Closing, to - 1, empty)),
                log_sum(self.gaps_to(to).map(|(at, score)| from(Empty, at, score))),
                log_sum(self.bodies_to(to).map(|(at, score)| begun[at] + score)),
                log_sum(self.gaps_to(to).map(|(at, score)| from(Car, at, score))),
            ];
            begun[to] = log_add(forward[to][Opening as usize], forward[to][Closing as usize]);
        }
        let mut backward = vec![[unreached; 4]; self.n + 1];
        for state in [Empty, Car, Closing] {
            backward[self.n][state as usize] = 0.0;
        }
        for from in (0..self.n).rev() {
            let to = |state: State, at: usize, score: f64| backward[at][state as usize] + score;
            let empty = to(Empty, from + 1, self.sum(0, from, from + 1));
            let body = log_sum(self.bodies_from(from).map(|(at, score)| to(Car, at, score)));
            let opening = log_add(empty, log_sum(self.gaps_from(from).map(|(at, score)| to(Opening, at, score))));
            backward[from] = [
                if from == 0 { log_add(opening, body) } else { opening },
                body,
                log_sum(self.gaps_from(from).map(|(at, score)| to(Closing, at, score))),
                log_add(empty, body),
            ];
        }
        Sums { begun, ended: backward.iter().map(|after| after[Car as usize]).collect(), whole: backward[0][Empty as usize] }
    }

    /// Probability of a body at each column.
    fn covered(&self, Sums { begun, ended, whole }: &Sums) -> Vec<f64> {
        // Every possible car adds its probability where it starts and takes it away where it ends.
        let mut change = vec![0.0; self.n + 1];
        for (to, ended) in ended.iter().enumerate() {
            for (from, score) in self.bodies_to(to) {
                let log = begun[from] + score + ended - whole;
                if log > -NOTHING_MORE {
                    let p = log.exp();
                    change[from] += p;
                    change[to] -= p;
                }
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
    fn probability(&self, from: usize, to: usize, Sums { begun, ended, whole }: &Sums) -> f64 {
        let ends = to.saturating_sub(SAME_CAR)..=(to + SAME_CAR).min(self.n);
        let cars = ends.flat_map(|to| self.bodies_to(to).map(move |(at, score)| (at, score + ended[to])));
        let total = log_sum(cars.filter(|(at, _)| at.abs_diff(from) <= SAME_CAR).map(|(at, score)| begun[at] + score));
        (total - whole).exp().clamp(0.0, 1.0)
    }
}

/// Sums over all segmentations, as logarithms.
struct Sums {
    /// Of all that comes before each boundary, where a car begins there.
    begun: Vec<f64>,
    /// Of all that comes after each boundary, where a car ends there.
    ended: Vec<f64>,
    /// Of everything.
    whole: f64,
}

/// A logarithm that is smaller by this adds nothing to a sum that a score could tell from it: exp(-40) is 4e-18.
const NOTHING_MORE: f64 = 40.0;

/// Logarithm of a sum of terms given as logarithms.
fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.filter(|term| *term > top - NOTHING_MORE).map(|term| (term - top).exp()).sum::<f64>().ln()
}

/// The same of two terms.
fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low <= high - NOTHING_MORE { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Class;
    use crate::segment::columns::CLASSES;

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
        // Surer than elsewhere: 24.5 m may also be two cars, the more so beside cars of 12 m.
        let found = segment(&strip(&bodies, 0.99)).cars;
        let lengths: Vec<f64> = found.iter().map(|car| (car.to - car.from) as f64 * COLUMN_M).collect();
        assert_eq!(lengths, bodies);
        assert!(found.iter().all(|car| car.probability > if car.to - car.from == 49 { 0.6 } else { 0.99 }), "{found:?}");
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

    /// Two columns at the middle of 18.5 m that look like a gap for certain: on a flat between containers, on a gondola not.
    #[test]
    fn a_flat_with_two_loads_is_one_car_and_two_short_gondolas_are_two() {
        let cars = |class: Class| {
            let mut columns = strip(&[18.5], 0.9);
            let kind = CLASSES.iter().position(|&other| other == class).unwrap();
            columns.iter_mut().for_each(|column| column.class[kind] = 6.0);
            for column in &mut columns[58..60] {
                column.state = [0.01f32.ln(), 0.005f32.ln(), 0.985f32.ln()];
            }
            segment(&columns).cars.len()
        };
        assert_eq!(cars(Class::Flat), 1);
        assert_eq!(cars(Class::Gondola), 2);
    }

    /// In trains of one kind of wagon single wagons were read as two where a roof showed something like a gap.
    #[test]
    fn a_doubtful_car_is_as_long_as_those_beside_it() {
        let doubtful = |others: &[f64]| {
            let bodies: Vec<f64> = others.iter().copied().chain([24.5]).chain(others.iter().copied()).collect();
            let mut columns = strip(&bodies, 0.99);
            // Between 9.0 and 14.5 m of the one in the middle.
            let gap = columns.len() / 2 - 6;
            for column in &mut columns[gap..gap + 2] {
                column.state = [0.01f32.ln(), 0.28f32.ln(), 0.71f32.ln()];
            }
            segment(&columns).cars.len() - 2 * others.len()
        };
        assert_eq!(doubtful(&[24.5, 24.5, 24.5]), 1);
        assert_eq!(doubtful(&[12.0, 12.0, 12.0, 12.0]), 2);
    }

    /// Dark cars in the middle of their like were missed: hardly seen, but as long as the cars before and behind.
    #[test]
    fn a_hardly_seen_car_that_fits_between_its_like_is_found() {
        let existence = |others: &[f64]| {
            let bodies: Vec<f64> = others.iter().copied().chain([12.0]).chain(others.iter().copied()).collect();
            let mut columns = strip(&bodies, 0.95);
            let from = 41 + others.iter().map(|metres| (metres / COLUMN_M) as usize + 2).sum::<usize>();
            for column in &mut columns[from - 2..from + 26] {
                column.state = column.state.map(|log| log + 0.49f32.ln());
                column.state[0] = 0.51f32.ln();
            }
            let cars = segment(&columns).cars;
            cars.iter().filter(|car| (car.from..car.to).contains(&(from + 12))).map(|car| car.existence).sum::<f64>()
        };
        let (alike, unlike) = (existence(&[12.0; 3]), existence(&[16.5, 19.0, 22.5]));
        assert!(alike > 0.5 && alike > unlike + 0.1, "{alike} {unlike}");
    }

    #[test]
    fn cars_at_both_ends_of_what_was_seen_are_cut_and_the_sums_agree_from_either_end() {
        let mut columns = strip(&[13.0, 12.0, 14.0], 0.97);
        // From 7 m before the end of the first body to 6 m after the beginning of the last.
        columns.drain(..41 + 12);
        columns.truncate(14 + 2 + 24 + 2 + 12);
        let found = segment(&columns).cars;
        let ends: Vec<(usize, usize, bool)> = found.iter().map(|car| (car.from, car.to, car.cut)).collect();
        assert_eq!(ends, [(0, 14, true), (16, 40, false), (42, 54, true)]);
        assert!(found.iter().all(|car| car.probability > 0.9 && car.existence > 0.9), "{found:?}");
        let whole = |columns: &[Column]| Lattice::new(columns).sums_over_all().whole;
        let reversed: Vec<Column> = columns.iter().rev().copied().collect();
        assert!((whole(&columns) - whole(&reversed)).abs() < 1e-9);
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

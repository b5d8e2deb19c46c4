//! Where do cars begin and end: the best segmentation of a strip, and how sure it is.
//!
//! A segmental hidden Markov model with explicit durations (Ostendorf, Digalakis and Kimball, "From HMM's to segment models", 1996;
//! Yu, "Hidden semi-Markov models", 2010): empty track, car bodies whose length has a prior, and the short gaps at their ends.
//! The best path is Viterbi's; the probability of each car comes from the forward and backward sums over all segmentations.

use super::columns::Column;
use super::lengths::Neighbours;
use super::log_sum::{NOTHING_MORE, Terms, log_add};
use super::scores::Scores;

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
    let mut scores = Scores::new(columns);
    let mut cars = best(&scores);
    if cars.is_empty() {
        return cars;
    }
    let mut sums = sums_over_all(&scores);
    set_probability(&mut cars, &scores, &sums);
    if cars.len() > 1 {
        scores.score_bodies(Some(&Neighbours::of(&cars, scores.longest)));
        (cars, sums) = (best(&scores), sums_over_all(&scores));
        set_probability(&mut cars, &scores, &sums);
    }
    let covered = covered(&scores, &sums);
    cars.iter_mut().for_each(|car| car.existence = covered[(car.from + car.to) / 2].min(1.0));
    cars
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

fn set_probability(cars: &mut [Segment], scores: &Scores, sums: &Sums) {
    cars.iter_mut().for_each(|car| car.probability = probability(scores, (car.from, car.to), sums));
}

/// The cars of the best segmentation, in order; how probable they are is not known yet.
fn best(scores: &Scores) -> Vec<Segment> {
    type Step = (f64, (State, usize));
    const UNREACHED: Step = (f64::NEG_INFINITY, (Empty, 0));
    fn higher(best: Step, step: Step) -> Step {
        if step.0 > best.0 { step } else { best }
    }
    // The best way into each state at each boundary, and to where a car may begin.
    let mut best = vec![[UNREACHED; 4]; scores.n + 1];
    let (mut begun, mut begun_from) = (vec![f64::NEG_INFINITY; scores.n + 1], vec![Empty; scores.n + 1]);
    best[0][Empty as usize] = (0.0, (Empty, 0));
    begun[0] = 0.0;
    let mut terms = Terms::default();
    for to in 1..=scores.n {
        let from = |state: State, at: usize, score: f64| (best[at][state as usize].0 + score, (state, at));
        let empty = scores.empty(to);
        let ways = [
            higher(from(Empty, to - 1, empty), from(Closing, to - 1, empty)),
            scores.gaps_to(to).map(|(at, score)| from(Empty, at, score)).fold(UNREACHED, higher),
            terms.set(with_bodies_to(to, scores, &begun)).best().map_or(UNREACHED, |(score, number)| {
                let at = to - scores.cut - number;
                (score, (begun_from[at], at))
            }),
            scores.gaps_to(to).map(|(at, score)| from(Car, at, score)).fold(UNREACHED, higher),
        ];
        best[to] = ways;
        let [opening, closing] = [Opening, Closing].map(|state| (best[to][state as usize].0, state));
        (begun[to], begun_from[to]) = if closing.0 > opening.0 { closing } else { opening };
    }
    let last = [Empty, Car, Closing].map(|state| (best[scores.n][state as usize].0, (state, scores.n)));
    let (_, (mut state, mut at)) = last.into_iter().fold(UNREACHED, higher);
    let mut cars = Vec::new();
    while at > 0 {
        let (_, (before, from)) = best[at][state as usize];
        if state == Car {
            let cut = from == 0 || at == scores.n;
            cars.push(Segment { from, to: at, probability: 0.0, existence: 0.0, coupled: before == Closing, cut });
        }
        (state, at) = (before, from);
    }
    cars.reverse();
    cars
}

/// What every body that ends at a boundary comes to with what is known of where it begins, the shortest first.
fn with_bodies_to(to: usize, scores: &Scores, begun: &[f64]) -> impl Iterator<Item = f64> {
    let begun = &begun[..(to + 1).saturating_sub(scores.cut)];
    begun.iter().rev().zip(scores.bodies_to(to)).map(|(begun, score)| begun + score)
}

fn sums_over_all(scores: &Scores) -> Sums {
    let unreached = f64::NEG_INFINITY;
    let mut forward = vec![[unreached; 4]; scores.n + 1];
    let mut begun = vec![unreached; scores.n + 1];
    forward[0][Empty as usize] = 0.0;
    begun[0] = 0.0;
    let mut terms = Terms::default();
    for to in 1..=scores.n {
        let from = |state: State, at: usize, score: f64| forward[at][state as usize] + score;
        let empty = scores.empty(to);
        forward[to] = [
            log_add(from(Empty, to - 1, empty), from(Closing, to - 1, empty)),
            terms.set(scores.gaps_to(to).map(|(at, score)| from(Empty, at, score))).log_sum(),
            terms.set(with_bodies_to(to, scores, &begun)).log_sum(),
            terms.set(scores.gaps_to(to).map(|(at, score)| from(Car, at, score))).log_sum(),
        ];
        begun[to] = log_add(forward[to][Opening as usize], forward[to][Closing as usize]);
    }
    let mut backward = vec![[unreached; 4]; scores.n + 1];
    for state in [Empty, Car, Closing] {
        backward[scores.n][state as usize] = 0.0;
    }
    let mut ended = vec![unreached; scores.n + 1];
    ended[scores.n] = 0.0;
    for from in (0..scores.n).rev() {
        let to = |state: State, at: usize, score: f64| backward[at][state as usize] + score;
        let empty = to(Empty, from + 1, scores.empty(from + 1));
        let longer = ended.iter().skip(from + scores.cut);
        let body = terms.set(longer.zip(scores.bodies_from(from)).map(|(ended, score)| ended + score)).log_sum();
        let opening = terms.set(scores.gaps_from(from).map(|(at, score)| to(Opening, at, score))).log_sum();
        let opening = log_add(empty, opening);
        backward[from] = [
            if from == 0 { log_add(opening, body) } else { opening },
            body,
            terms.set(scores.gaps_from(from).map(|(at, score)| to(Closing, at, score))).log_sum(),
            log_add(empty, body),
        ];
        ended[from] = backward[from][Car as usize];
    }
    Sums { begun, ended, whole: backward[0][Empty as usize] }
}

/// Probability of a body at each column.
fn covered(scores: &Scores, Sums { begun, ended, whole }: &Sums) -> Vec<f64> {
    // Every possible car adds its probability where it starts and takes it away where it ends.
    let mut change = vec![0.0; scores.n + 1];
    for (to, ended) in ended.iter().enumerate() {
        for (number, begun_and_body) in with_bodies_to(to, scores, begun).enumerate() {
            let log = begun_and_body + ended - whole;
            if log > -NOTHING_MORE {
                let p = log.exp();
                change[to - scores.cut - number] += p;
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
fn probability(scores: &Scores, (from, to): (usize, usize), Sums { begun, ended, whole }: &Sums) -> f64 {
    let ends = to.saturating_sub(SAME_CAR)..=(to + SAME_CAR).min(scores.n);
    let froms = |to: usize| (from.saturating_sub(SAME_CAR)..=from + SAME_CAR).rev().filter(move |at| at + scores.cut <= to);
    let body =
        |from: usize, to: usize| scores.bodies_to(to).get(to - from - scores.cut).map(|score| begun[from] + (score + ended[to]));
    let cars = ends.flat_map(|to| froms(to).filter_map(move |from| body(from, to)));
    let total = Terms::default().set(cars).log_sum();
    (total - whole).exp().clamp(0.0, 1.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::class::Class;
    use crate::segment::columns::CLASSES;
    use crate::segment::columns::COLUMN_M;

    /// A strip of bodies (metres) with gaps of 1 m between coupled cars and empty track around, as sure as `sure`.
    fn strip(bodies: &[f64], sure: f32) -> Vec<Column> {
        let (yes, no) = (sure.ln(), ((1.0 - sure) / 2.0).ln());
        let column = |kind: usize| {
            let mut state = [no; 3];
            state[kind] = yes;
            Column { state, class: [0.0; 7], body: [0.0; 7], stock: [0.0; 3], on_track: 1.0, offset_m: 0.0, seen: true }
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
        let whole = |columns: &[Column]| sums_over_all(&Scores::new(columns)).whole;
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

//! How likely a body of some length is: by the stock of the world, by what flats are made for, and by the cars coupled nearby.
//!
//! Trains come in blocks of one kind of wagon, so the next car is often as long as the last ones: a Polya urn, which draws from the stock of
//! the world or repeats what was drawn before (Blackwell and MacQueen, "Ferguson distributions via Polya urn schemes", 1973).

use super::class::Class;
use super::columns::{CLASSES, COLUMN_M};
use super::semi_markov::Segment;

/// Shortest and longest car body, metres. The shortest, two-axle silo cars, are 7.5 m; their roofs are round at the ends.
pub(super) const BODY_M: [f64; 2] = [6.5, 28.5];
/// Body lengths that occur, metres (lengths over couplers less a gap of 1.1 m): two-axle and four-axle cars of the CIS, China, Europe and
/// North America.
const USUAL_M: [f64; 15] = [9.2, 10.9, 11.9, 12.85, 13.65, 14.4, 15.2, 16.5, 17.2, 18.5, 19.9, 22.4, 23.5, 24.6, 26.9];
/// Those of flats and carriers of containers, which are made for loads of 40, 60 and 80 feet: fewer are of any other length. The gap between
/// two containers on one of them looks like the gap between two cars; what it parts would be flats of lengths that hardly occur.
const USUAL_FLATS_M: [f64; 9] = [11.1, 12.6, 13.4, 15.0, 16.2, 18.4, 22.3, 23.4, 24.5];
const ANY_FLAT_SHARE: f64 = 0.20;
/// Spread of a body length around a usual one, metres, and the share of bodies of any length.
const USUAL_SD_M: f64 = 0.45;
pub(super) const ANY_SHARE: f64 = 0.35;
/// The shortest flats, two-axle ones for 40 feet, are 12 m and more over couplers; much shorter ones are this much less likely than others of an unusual length
/// (ends are read wrongly, too). One container of two on a wagon is 6 to 9 m, with what it shows of the wagon.
const SHORTEST_FLAT_M: f64 = 10.0;
const SHORTER_FLATS: f64 = 0.1;
/// How many cars ahead and behind say how long a car is, and for how many of them the stock of the world stands. Three or five cars, and five or
/// ten for the stock, gave the same; with ten cars and three for the stock, wrong parts of wagons bred their like.
const NEIGHBOURS: usize = 3;
const STOCK: f64 = 5.0;
/// Spread of the read length of one and the same kind of wagon, metres.
const SAME_SD_M: f64 = 0.5;

/// How much likelier than on average bodies of every length are.
pub(super) struct Lengths {
    flats: Vec<f64>,
    others: Vec<f64>,
}

impl Lengths {
    /// Of the stock of the world, up to so many columns.
    pub fn of_the_world(longest: usize) -> Self {
        let of = |usual: &[f64], any: f64| (0..=longest).map(|columns| likelier(columns, usual, any)).collect();
        Self { flats: of(&USUAL_FLATS_M, ANY_FLAT_SHARE), others: of(&USUAL_M, ANY_SHARE) }
    }

    /// Of a body of so many columns that is a flat with this probability, beside such neighbours.
    pub fn of(&self, columns: usize, flat: f64, beside: Option<Beside>) -> f64 {
        let world = flat * self.flats[columns] + (1.0 - flat) * self.others[columns];
        let likelier = beside.map_or(world, |Beside { sum, weight }| (STOCK * world + sum) / (STOCK + weight));
        let short = (columns as f64) * COLUMN_M < SHORTEST_FLAT_M;
        if short { likelier * (flat * SHORTER_FLATS + 1.0 - flat) } else { likelier }
    }
}

/// How much likelier than on average a body of so many columns is, of a stock with such usual lengths and such a share of others.
fn likelier(columns: usize, usual: &[f64], any: f64) -> f64 {
    let each = (1.0 - any) / usual.len() as f64;
    let metres = columns as f64 * COLUMN_M;
    any + usual.iter().map(|m| each * near(metres - m, USUAL_SD_M)).sum::<f64>()
}

/// How much likelier than on average a length so many metres from one that occurs is.
fn near(metres: f64, sd: f64) -> f64 {
    (BODY_M[1] - BODY_M[0]) * (-0.5 * (metres / sd).powi(2)).exp() / (sd * (2.0 * std::f64::consts::PI).sqrt())
}

/// Probability of a flat, from a column's class scores.
pub(super) fn flat(scores: &[f32; CLASSES.len()]) -> f64 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let of = |flats: bool| -> f64 {
        let these = CLASSES.iter().zip(scores).filter(|(class, _)| (**class == Class::Flat) == flats);
        these.map(|(_, score)| f64::from(score - top).exp()).sum()
    };
    of(true) / (of(true) + of(false))
}

/// What the cars beside a body say of one length: how often they have it, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    sum: f64,
    weight: f64,
}

/// The lengths of the cars of a strip, as they were first found.
pub(super) struct Neighbours {
    /// First column and one past the last of each car.
    cars: Vec<[usize; 2]>,
    /// Prefix sums over the cars: how likely each makes a body of so many columns, and how sure each is.
    likelier: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl Neighbours {
    /// Of these cars, for bodies of up to so many columns. What the edge cuts off tells no length.
    pub fn of(cars: &[Segment], longest: usize) -> Self {
        let whole: Vec<&Segment> = cars.iter().filter(|car| !car.cut).collect();
        let (mut likelier, mut weights) = (vec![vec![0.0; longest + 1]], vec![0.0]);
        for (i, car) in whole.iter().enumerate() {
            let own = (car.to - car.from) as f64;
            let add = |(k, sum): (usize, &f64)| sum + car.probability * near((k as f64 - own) * COLUMN_M, SAME_SD_M);
            likelier.push(likelier[i].iter().enumerate().map(add).collect());
            weights.push(weights[i] + car.probability);
        }
        Self { cars: whole.iter().map(|car| [car.from, car.to]).collect(), likelier, weights }
    }

    /// What they say of a body between two boundaries. Those that it overlaps have no say.
    pub fn beside(&self, from: usize, to: usize) -> Beside {
        let behind = self.cars.partition_point(|car| car[1] <= from);
        let ahead = self.cars.partition_point(|car| car[0] < to);
        let (first, last) = (behind.saturating_sub(NEIGHBOURS), (ahead + NEIGHBOURS).min(self.cars.len()));
        let both = |at: &dyn Fn(usize) -> f64| at(behind) - at(first) + at(last) - at(ahead);
        Beside { sum: both(&|i| self.likelier[i][to - from]), weight: both(&|i| self.weights[i]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car(from: usize, to: usize) -> Segment {
        Segment { from, to, probability: 1.0, existence: 1.0, coupled: true, cut: false }
    }

    #[test]
    fn lengths_that_occur_are_likelier_and_short_flats_hardly_occur() {
        let lengths = Lengths::of_the_world(57);
        let of = |metres: f64, flat: f64| lengths.of((metres / COLUMN_M) as usize, flat, None);
        assert!(of(11.0, 0.0) > 1.5 * of(10.0, 0.0) && of(24.5, 1.0) > 1.5 * of(24.5, 0.0));
        assert!(of(8.0, 1.0) < 0.2 * of(8.0, 0.0), "two-axle hoppers do");
    }

    #[test]
    fn three_cars_on_either_side_have_a_say_and_what_a_body_overlaps_has_none() {
        // Bodies of 20, 30, 30, 30 columns, 2 apart, then two of 40.
        let cars = [car(0, 20), car(22, 52), car(54, 84), car(86, 116), car(118, 158), car(160, 200)];
        let neighbours = Neighbours::of(&cars, 57);
        let lengths = Lengths::of_the_world(57);
        let of = |from: usize, to: usize| lengths.of(to - from, 0.0, Some(neighbours.beside(from, to)));
        assert_eq!(neighbours.beside(86, 116).weight, 5.0, "three behind it, two ahead");
        assert_eq!(neighbours.beside(160, 200).weight, 3.0, "three of the five behind it");
        assert!(of(86, 116) > 2.0 * lengths.of(30, 0.0, None));
        assert!(of(86, 101) < 0.7 * lengths.of(15, 0.0, None), "a part of it that nobody beside it is as long as");
        // A body over the first two of 30 columns hears the one of 20 behind it and three ahead.
        assert_eq!(neighbours.beside(22, 78).weight, 4.0);
        assert_eq!(Neighbours::of(&[Segment { cut: true, ..car(0, 20) }], 57).beside(30, 50).weight, 0.0);
    }
}

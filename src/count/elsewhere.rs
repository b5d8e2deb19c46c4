//! What else stands in the yard: whether anything surely does says how much to make of what is doubtful.
//!
//! In a yard full of cars nearly everything that looks a little like one is one; in an empty one nothing is, however many bare stretches between two
//! shadows or rows of containers there are to be taken for cars. How often something is a car is not known before an image is looked at, so it is read
//! off the rest of the image (empirical Bayes: Robbins, "An empirical Bayes approach to statistics", 1956).

use super::walk::{Candidate, Walked};
use crate::tile::Area;

/// A body is taken for rolling stock, or for none, with at most these log odds: on real images the regression is as sure as on the rendered ones it
/// was fitted to, and wrong more often.
pub const STOCK_SURE: f64 = 4.0;
/// What is said of a yard in which nothing else was found, log odds.
const NOTHING: f64 = -2.0;
/// A line with fewer cars than this says nothing of the others.
const STRING: usize = 2;
/// So many cars that are surely rolling stock in the mean are a train, whatever else stands in the yard: rows of containers that look as much like one had up
/// to seven in rendered scenes, the only trains that were lost eleven and more.
const TRAIN: usize = 8;
/// Strings further apart than this are taken to stand in different yards, metres: a scene may hold several, and country between them.
const YARD_M: f64 = 500.0;
/// A car on a given track that is rolling stock with these log odds is sure; and where two others are, all are believed.
pub const SURE: f64 = 2.0;
/// Log odds that a car on a given track is one: constant, and weight of the log odds of its confidence, of those that it is rolling stock, and of what else
/// stands in the yard. Made by `training/lone_cars.py`.
const LONE: [f64; 4] = [-1.49, 0.68, 0.46, 0.47];
/// No car is taken to be surer than this.
const SUREST: f64 = 0.998;

/// Log odds that a body is rolling stock, as far as they are believed.
pub fn stock(candidate: &Candidate) -> f64 {
    candidate.stock.clamp(-STOCK_SURE, STOCK_SURE)
}

/// For each line how surely rolling stock stands on any other of the same yard: the largest mean over the cars of a line, log odds. A long train speaks for
/// itself.
pub fn of_lines(lines: &[Walked]) -> Vec<f64> {
    let strings: Vec<Standing> = lines.iter().enumerate().filter_map(standing).collect();
    let of = |(number, walked): (usize, &Walked)| {
        let own = around(walked);
        let same_yard = |other: Area| own.is_some_and(|own| own.intersection(other).is_some());
        let speaks = |other: &&Standing| if other.line == number { other.is_train } else { same_yard(other.around) };
        strings.iter().filter(speaks).fold(NOTHING, |most, other| most.max(other.stock))
    };
    lines.iter().enumerate().map(of).collect()
}

/// What stands on a line.
struct Standing {
    line: usize,
    around: Area,
    /// Mean log odds that it is rolling stock.
    stock: f64,
    is_train: bool,
}

/// What stands on a line, if that says anything of others.
fn standing((line, walked): (usize, &Walked)) -> Option<Standing> {
    let cars = walked.candidates.len();
    let stock = walked.candidates.iter().map(stock).sum::<f64>() / cars as f64;
    let is_train = cars >= TRAIN && stock >= SURE;
    around(walked).filter(|_| cars >= STRING).map(|around| Standing { line, around, stock, is_train })
}

/// The ground about a line's cars, half as far as others of the same yard may stand; none where there is no car.
fn around(walked: &Walked) -> Option<Area> {
    Area::around(walked.candidates.iter().map(|candidate| &candidate.footprint.centre)).map(|area| area.grown(YARD_M / 2.0))
}

/// For each of the cars, in their order, how surely rolling stock stands elsewhere in the yard: the second largest log odds of the others.
pub fn of_cars(lines: &[Walked]) -> Vec<f64> {
    let all: Vec<f64> = lines.iter().flat_map(|walked| &walked.candidates).map(stock).collect();
    let mut falling: Vec<f64> = all.iter().copied().chain([NOTHING; 2]).collect();
    falling.sort_unstable_by(|a, b| b.total_cmp(a));
    // One that is among the first two makes room for the third.
    all.iter().map(|&own| falling[if own >= falling[1] { 2 } else { 1 }].max(NOTHING)).collect()
}

/// Takes the doubtful cars off given tracks where hardly anything surely stands in the yard; `elsewhere` is what [`of_cars`] says of them.
pub fn drop_doubtful(lines: &mut [Walked], elsewhere: &[f64]) {
    let mut elsewhere = elsewhere.iter();
    for walked in lines {
        let mut stays = |candidate: &Candidate| {
            elsewhere.next().is_none_or(|&others| others.max(stock(candidate)) >= SURE || log_odds(candidate, others) >= 0.0)
        };
        walked.candidates.retain(|candidate| stays(candidate));
    }
}

/// Log odds that a car on a given track is one.
fn log_odds(candidate: &Candidate, elsewhere: f64) -> f64 {
    let p = candidate.vehicle.confidence.min(SUREST);
    let [constant, confidence, stock_weight, elsewhere_weight] = LONE;
    constant + confidence * (p / (1.0 - p)).ln() + stock_weight * stock(candidate) + elsewhere_weight * elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with cars of this confidence that are rolling stock by these log odds.
    fn line(confidence: f64, stock: &[f64]) -> Walked {
        let candidates = stock.iter().map(|&stock| Candidate::example(confidence, stock, [0.0; 2])).collect();
        Walked { candidates, ..Walked::default() }
    }

    #[test]
    fn a_line_hears_the_surest_of_the_others_and_not_itself() {
        let lines = [line(0.9, &[3.0, 1.0]), line(0.9, &[9.0, 0.0, 0.0]), line(0.9, &[9.0]), line(0.9, &[])];
        // Four thirds: no car is surer than 4. One car alone says nothing, and a line without any is not asked for.
        let second = 4.0 / 3.0;
        assert_eq!(of_lines(&lines), [second, 2.0, 2.0, -2.0]);
        assert_eq!(of_lines(&lines[1..]), [-2.0, second, -2.0]);
        assert_eq!(of_lines(&lines[2..]), [-2.0, -2.0]);
        assert!(of_lines(&[]).is_empty());
    }

    /// A scene of a whole district holds country with motorways besides its yards.
    #[test]
    fn a_line_does_not_hear_another_yard() {
        let at = |x: f64, stock: f64| {
            let candidates = (0..3).map(|k| Candidate::example(0.9, stock, [x + 15.0 * f64::from(k), 40.0])).collect();
            Walked { candidates, ..Walked::default() }
        };
        assert_eq!(of_lines(&[at(0.0, 3.0), at(520.0, 1.0), at(2000.0, 0.0)]), [1.0, 3.0, -2.0]);
    }

    /// Of 33 freight cars and two others, all on the only line of a scene that holds any, none was counted.
    #[test]
    fn a_long_train_speaks_for_itself() {
        assert_eq!(of_lines(&[line(0.9, &[3.0; 8])]), [3.0]);
        assert_eq!(of_lines(&[line(0.9, &[3.0; 7])]), [-2.0]);
        assert_eq!(of_lines(&[line(0.9, &[1.5; 20])]), [-2.0], "a row of containers");
    }

    #[test]
    fn a_car_hears_the_second_surest_of_the_others_wherever_they_stand() {
        let mut state = 7u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few values, so that many are alike.
            (state >> 60) as f64 - 7.0
        };
        for number in 0..9 {
            let stock: Vec<f64> = (0..number).map(|_| random()).collect();
            let (one, two) = stock.split_at(number / 3);
            let plainly = |own: usize| {
                let mut others: Vec<f64> =
                    stock.iter().enumerate().filter(|(i, _)| *i != own).map(|(_, s)| s.clamp(-4.0, 4.0)).collect();
                others.sort_by(|a, b| b.total_cmp(a));
                others.get(1).copied().unwrap_or(-2.0).max(-2.0)
            };
            let expected: Vec<f64> = (0..number).map(plainly).collect();
            assert_eq!(of_cars(&[line(0.9, one), line(0.9, two)]), expected, "{stock:?}");
        }
    }

    /// Bare track between the shadows of two masts was counted on empty days.
    #[test]
    fn a_doubtful_car_is_dropped_where_hardly_anything_else_stands() {
        let left = |mut lines: Vec<Walked>| {
            let elsewhere = of_cars(&lines);
            drop_doubtful(&mut lines, &elsewhere);
            lines.iter().map(|walked| walked.candidates.len()).collect::<Vec<_>>()
        };
        assert_eq!(left(vec![line(0.9, &[-1.0]), line(0.8, &[-0.5])]), [0, 0]);
        assert_eq!(left(vec![line(0.998, &[4.0]), line(0.8, &[-0.5])]), [1, 0], "one sure car does not speak for it");
        assert_eq!(left(vec![line(0.998, &[4.0, 4.0]), line(0.8, &[-0.5])]), [2, 1], "two do");
        assert_eq!(left(vec![line(1.0, &[2.0]), line(0.97, &[3.0])]), [1, 1], "cars that stand alone");
        assert_eq!(left(vec![line(0.6, &[-9.0, 4.0, 4.0, -9.0])]), [4], "where enough stands all are left");
    }
}

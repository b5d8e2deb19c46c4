//! Which of the lines that were found are tracks: a line for itself, and a line as part of a yard.
//!
//! A car is believed only on a track. Rows of containers, lorries and sheds make lines that hold something like cars; they are short and
//! doubtful all along, they end in the open, they stand where there is room between tracks or none is near, and nothing else in the yard may surely be
//! rolling stock.

use super::elsewhere;
use super::usual;
use super::walk::{Candidate, Walked};
use crate::tile::Area;
use crate::track::Centreline;
use crate::track::beside::{Heading, Lines, WITHIN_M, ahead, ends};

/// What is asked of a line ([`features`]), in the order of [`WEIGHTS`].
pub const FEATURES: [&str; 9] =
    ["score", "log_length", "alone", "wide", "confidence", "off_axis", "free_ends", "stock", "elsewhere"];
/// Which of them says that a line is alone.
const ALONE: usize = 2;
/// Log odds that the cars of a line are cars: constant, and weight of each feature. Made by `training/belief.py`.
const CONSTANT: f64 = -4.47;
const WEIGHTS: [f64; FEATURES.len()] = [0.24, -0.48, -0.21, -0.86, 2.37, 3.38, -0.78, 0.79, 0.57];
/// Log odds from which cars are believed: a little over even odds, since most of what is found in a yard without cars is just above them
/// (training/README.md, "Rolling stock or not").
const BELIEVED: f64 = 0.4;
/// So much less is thought of a line that is alone, beside a yard in which something surely stands, than the regression says, log odds: rendered scenes know few
/// motorways, and on real ones a pair of lorries was found with log odds of up to 1.1 before yards were asked for.
const MOTORWAY: f64 = 1.0;
/// Log odds that most cars of a believed line are none: constant, and weight of the log odds that they are cars. Made by `training/belief.py`; it makes
/// no difference how many they are.
const NO_TRACK: [f64; 2] = [-0.22, -1.28];
/// Unit of a line's length in its features, metres: the shortest siding.
const SIDING_M: f64 = 100.0;
/// A line that ends this near to where the ground that is looked at ends may go on beyond it, metres.
const BORDER_M: f64 = 15.0;
/// Score from which a line is certain, so that it speaks for its neighbours; a line without cars speaks for them when it is bare track over
/// this length, metres.
const CERTAIN: f64 = 4.5;
const BARE_M: f64 = 100.0;
/// Shortest line that speaks for its neighbours, metres, unless it crosses the whole image: rows of trees are 60 to 110 m long on rendered scenes,
/// sidings beside which nothing longer runs are rare.
const SOMEWHERE_M: f64 = 150.0;
/// A certain track nearer to a car than this is the car's own, metres.
const OWN_M: f64 = 2.5;
/// Where the nearest track lies so far away, metres, there is room for a road, a platform or a row of containers beside it.
const WIDE_M: [f64; 2] = [6.5, 14.0];
/// Cosine of the largest angle between neighbours, 8 degrees: the angle of a ladder.
const PARALLEL: f64 = 0.99;
/// A line is drawn on over its last evidence, metres: it may join another one before its end.
const DRAWN_ON_M: f64 = 8.0;

/// What is thought of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Its features, see [`FEATURES`].
    pub features: [f64; FEATURES.len()],
    /// Log odds that its cars are cars, as far as the image itself says.
    pub own: f64,
    /// And with what the site's other images say.
    pub log_odds: f64,
}

impl Judgement {
    /// Whether its cars are believed.
    pub fn is_believed(&self) -> bool {
        self.log_odds >= BELIEVED
    }

    /// Probability that it is no track all the same: that most of its cars are something else.
    pub fn no_track(&self) -> f64 {
        1.0 / (1.0 + (-NO_TRACK[0] - NO_TRACK[1] * self.log_odds).exp())
    }
}

/// Judges every line; `image` is the ground that the image covers, `searched` says whether a point of it lies where tracks were searched for, `soft` that
/// the image is too soft for rolling stock to be sure anywhere: nothing is made of that then.
pub fn judged(lines: &[Walked], image: Area, searched: impl Fn([f64; 2]) -> bool, soft: bool) -> Vec<Judgement> {
    let looked_at = |point: [f64; 2]| image.contains(point) && searched(point);
    let (mut certain, mut all) = (Lines::default(), Lines::default());
    for (number, walked) in lines.iter().enumerate() {
        all.add(number, &walked.line);
        let sure: f64 = walked.sure.iter().map(Centreline::length).sum();
        if !leads_somewhere(&walked.line, image) {
            continue;
        }
        if if walked.candidates.is_empty() { sure >= BARE_M } else { walked.score >= CERTAIN } {
            walked.sure.iter().for_each(|stretch| certain.add(number, stretch));
        }
    }
    let elsewhere = if soft { vec![elsewhere::STOCK_SURE; lines.len()] } else { elsewhere::of_lines(lines) };
    let judged = |(number, walked): (usize, &Walked)| {
        let free = ends(&walked.line).filter(|&end| !open(end, looked_at) && !joined(&all, number, end)).count();
        let features = features(walked, nearest(&certain, number, walked), free, elsewhere[number]);
        let regression = CONSTANT + features.iter().zip(WEIGHTS).map(|(feature, weight)| feature * weight).sum::<f64>();
        let beside_yard = features[ALONE] > 0.0 && elsewhere[number] >= elsewhere::SURE;
        let own = regression - if beside_yard { MOTORWAY } else { 0.0 };
        Judgement { features, own, log_odds: usual::of_line(own, &walked.likenesses) }
    };
    lines.iter().enumerate().map(judged).collect()
}

/// The features of a line with so many free ends, whose cars have their nearest certain track so far away, metres ([`elsewhere::of_lines`] says the last). It
/// is alone when half of them have none within [`WITHIN_M`].
fn features(walked: &Walked, mut nearest: Vec<f64>, free_ends: usize, elsewhere: f64) -> [f64; FEATURES.len()] {
    let share = |number: usize| number as f64 / walked.candidates.len().max(1) as f64;
    let wide = nearest.iter().filter(|&&metres| metres > WIDE_M[0] && metres < WIDE_M[1]).count();
    nearest.sort_unstable_by(f64::total_cmp);
    let alone = nearest.get(nearest.len() / 2).is_none_or(|&metres| metres >= WITHIN_M);
    let stock = walked.candidates.iter().map(elsewhere::stock).sum::<f64>();
    let confidence = walked.candidates.iter().map(|candidate| candidate.vehicle.confidence).sum::<f64>();
    [
        walked.score,
        (walked.line.length().max(1.0) / SIDING_M).ln(),
        f64::from(u8::from(alone)),
        share(wide),
        confidence / walked.candidates.len().max(1) as f64,
        walked.off_axis,
        free_ends as f64,
        stock / walked.candidates.len().max(1) as f64,
        elsewhere,
    ]
}

/// Whether a line that ends here may go on beyond the ground that is looked at.
fn open(end: Heading, looked_at: impl Fn([f64; 2]) -> bool) -> bool {
    !looked_at(ahead(end, BORDER_M))
}

/// Whether a line is long enough to speak for its neighbours. The rows of an orchard lie side by side as tracks do, and each would speak for all;
/// they lead nowhere.
fn leads_somewhere(line: &Centreline, image: Area) -> bool {
    line.length() >= SOMEWHERE_M || ends(line).all(|end| open(end, |point| image.contains(point)))
}

/// How far from each car of a line the nearest certain track lies, metres.
fn nearest(certain: &Lines, line: usize, walked: &Walked) -> Vec<f64> {
    let nearest = |candidate: &Candidate| {
        let place = (candidate.footprint.centre, candidate.footprint.axis);
        certain.beside(line, place, PARALLEL).filter(|&across| across > OWN_M).fold(WITHIN_M, f64::min)
    };
    walked.candidates.iter().map(nearest).collect()
}

/// Whether a line that ends here joins another one.
fn joined(lines: &Lines, line: usize, end: Heading) -> bool {
    [0.0, -DRAWN_ON_M].into_iter().any(|metres| lines.taken(line, (ahead(end, metres), end.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Area = Area { x0: 0.0, y0: -100.0, x1: 300.0, y1: 400.0 };

    /// A line across the whole image that holds no car.
    fn line(y: f64, score: f64) -> Walked {
        stretch([0.0, 300.0], y, score)
    }

    fn stretch([from, to]: [f64; 2], y: f64, score: f64) -> Walked {
        let line = Centreline::resampled(&[[from, y], [to, y]], 0.25).unwrap();
        Walked { sure: vec![line.clone()], line, score, off_axis: 0.1, seen: 1.0, ..Walked::default() }
    }

    /// The line with so many cars in its middle, rolling stock by these log odds.
    fn holding(walked: Walked, cars: usize, stock: f64) -> Walked {
        let centre = walked.line.points[walked.line.points.len() / 2];
        let candidate = || Candidate::example(0.97, stock, centre);
        Walked { candidates: (0..cars).map(|_| candidate()).collect(), ..walked }
    }

    fn full(walked: Walked, stock: f64) -> Walked {
        holding(walked, 3, stock)
    }

    fn believed(lines: &[Walked]) -> Vec<bool> {
        judged(lines, IMAGE, |_| true, false).iter().map(Judgement::is_believed).collect()
    }

    /// The same with a string of sure cars far away in the same yard.
    fn believed_in_use(mut lines: Vec<Walked>) -> Vec<bool> {
        lines.push(full(line(395.0, 2.0), 4.0));
        let mut believed = believed(&lines);
        believed.pop();
        believed
    }

    /// The least log odds that its cars are rolling stock with which the last of some lines is believed.
    fn least(lines: impl Fn(f64) -> Vec<Walked>) -> f64 {
        let mut odds = (-40..=40).map(|k| f64::from(k) / 10.0);
        odds.find(|&stock| believed_in_use(lines(stock)).last() == Some(&true)).unwrap_or(f64::INFINITY)
    }

    #[test]
    fn a_doubtful_line_is_believed_beside_a_bare_track_and_not_alone() {
        let beside = |metres: f64| least(|stock| vec![line(0.0, 0.0), full(line(metres, 2.0), stock)]);
        assert!(beside(4.5) < beside(40.0), "one spacing from a bare track, and far from it");
        assert!(beside(4.5) < beside(1.5), "on the same track");
        assert!(beside(4.5) > -1.0, "hardly rolling stock at all");
        let beside_nothing = least(|stock| vec![Walked { sure: Vec::new(), ..line(0.0, 0.0) }, full(line(4.5, 2.0), stock)]);
        assert_eq!(beside_nothing, beside(40.0), "beside what is no track");
    }

    /// Rows of containers stood on the ground between two tracks of rendered yards, and were counted.
    #[test]
    fn where_there_is_room_for_a_row_of_containers_a_line_must_be_surer() {
        let between = |metres: f64| least(|stock| vec![line(0.0, 6.0), line(2.0 * metres, 6.0), full(line(metres, 2.0), stock)]);
        assert!(between(4.5) + 0.5 < between(8.0));
        // One that ends where no other track is, at one end or both, or joins its neighbour there.
        let ending = |ends: [f64; 2], y: f64| least(|stock| vec![line(0.0, 0.0), full(stretch(ends, y, 2.0), stock)]);
        let (free, joined) = (ending([100.0, 200.0], 4.5), ending([100.0, 200.0], 2.8));
        let one = ending([100.0, 300.0], 4.5);
        assert!(one + 0.4 < free && joined + 0.4 < free, "{free} {one} {joined}");
    }

    /// Containers in a row in the gap between two tracks of scenes without a car were counted, three in the mean of thirty scenes, though they are no vehicles.
    #[test]
    fn what_does_not_look_like_rolling_stock_is_not_believed_between_certain_tracks() {
        let lines = |stock: f64| vec![line(0.0, 6.0), line(9.0, 6.0), full(line(4.5, 4.0), stock)];
        assert!(believed_in_use(lines(2.0))[2] && !believed_in_use(lines(-3.0))[2]);
        // However sure it is of it, its track has a say.
        assert_eq!(believed_in_use(lines(-40.0)), believed_in_use(lines(-4.0)));
    }

    /// In yards without a car what looks a little like one was counted, as it is rightly in a full one.
    #[test]
    fn a_doubtful_line_is_believed_where_something_surely_stands() {
        let lines = |stock: f64| vec![line(0.0, 6.0), full(line(4.5, 4.0), stock)];
        assert!(believed_in_use(lines(0.0))[1] && !believed(&lines(0.0))[1]);
        assert!(believed(&lines(4.0))[1], "the only train of a yard");
        // An image out of focus showed 14 cars and was called empty.
        assert!(judged(&lines(0.0), IMAGE, |_| true, true)[1].is_believed(), "where nothing can be sure");
    }

    /// Pairs of lorries were counted on two real motorways.
    #[test]
    fn a_line_alone_beside_a_yard_in_use_must_be_surer_than_the_regression_says() {
        let missing = |judgement: &Judgement| {
            CONSTANT + judgement.features.iter().zip(WEIGHTS).map(|(f, w)| f * w).sum::<f64>() - judgement.log_odds
        };
        let (alone, train) = (full(line(0.0, 2.0), 1.0), full(line(300.0, 2.0), 4.0));
        let judged = |lines: &[Walked]| missing(&judged(lines, IMAGE, |_| true, false)[0]);
        assert!((judged(&[alone, train]) - MOTORWAY).abs() < 1e-9);
        assert!(judged(&[full(line(0.0, 2.0), 1.0)]).abs() < 1e-9, "nothing else stands there");
        let (track, train) = (line(4.5, 6.0), full(line(300.0, 2.0), 4.0));
        assert!(judged(&[full(line(0.0, 2.0), 1.0), track, train]).abs() < 1e-9, "beside a track");
    }

    /// 214 trees of two orchards were counted in a winter scene.
    #[test]
    fn short_rows_side_by_side_do_not_speak_for_each_other() {
        let rows = |ends: [f64; 2], score: f64, stock: f64| {
            let rows: Vec<Walked> = (0..6).map(|k| holding(stretch(ends, 5.0 * f64::from(k), score), 5, stock)).collect();
            believed_in_use(rows)
        };
        assert_eq!(rows([100.0, 205.0], 5.2, 0.5), [false; 6], "trees");
        assert_eq!(rows([0.0, 300.0], 4.6, -0.4), [true; 6], "tracks");
        assert_eq!(rows([0.0, 300.0], 4.4, -0.4), [false; 6], "none of them is certain");
    }
}

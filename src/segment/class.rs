//! What a vehicle is: a multinomial logistic regression over the features that the strip network sees along its body, averaged (`training/class_head.py`
//! fits it). A mean of what columns say of themselves knows nothing of what the whole body looks like.

use serde::{Deserialize, Serialize};

use super::columns::{CLASSES, COLUMN_M, Column};

/// What a vehicle is. Everything but [`Class::Locomotive`] and [`Class::Coach`] is a freight car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A freight car whose kind cannot be told.
    Freight,
    /// Open box car for ore, coal, scrap.
    Gondola,
    /// Covered car.
    Boxcar,
    /// Tank car.
    Tank,
    /// Covered hopper.
    Hopper,
    /// Flat car, bare or with containers (two containers on one wagon are one car).
    Flat,
    /// Locomotive.
    Locomotive,
    /// Passenger coach.
    Coach,
}

impl Class {
    /// All classes, in the order in which tables list them.
    pub const ALL: [Class; 8] =
        [Self::Freight, Self::Gondola, Self::Boxcar, Self::Tank, Self::Hopper, Self::Flat, Self::Locomotive, Self::Coach];

    /// Whether the vehicle counts as a freight car.
    pub fn is_freight(self) -> bool {
        !matches!(self, Self::Locomotive | Self::Coach)
    }

    /// The name used in every output file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freight => "freight",
            Self::Gondola => "gondola",
            Self::Boxcar => "boxcar",
            Self::Tank => "tank",
            Self::Hopper => "hopper",
            Self::Flat => "flat",
            Self::Locomotive => "locomotive",
            Self::Coach => "coach",
        }
    }

    /// The class of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// A freight kind is named when it is at least this probable among the freight kinds; otherwise the class is `freight`.
const KIND_NAMED: f64 = 0.45;
/// A vehicle is a locomotive or a coach when that is at least this probable. Of 727 on seeds 8800 to 8839, 9100 to 9139 and 9300 to 9339 that are found in
/// the clear 678 are recognised, and 44 of 21,133 freight cars taken for one (665 and 34 at 0.4).
const OTHER_NAMED: f64 = 0.3;
/// Body lengths of coaches and of locomotives, metres: from narrow-gauge and shunting stock to the longest of North America, with a margin
/// for the error of a body's ends. Coaches are 25.5 m at most, but for some control cars; North American auto racks and boxcars for motor-car parts, which have the
/// same plain roofs, are from 26.6 m on.
const COACH_M: [f64; 2] = [18.0, 26.25];
const LOCOMOTIVE_M: [f64; 2] = [10.5, 25.5];

/// The class of a body from its columns, with the probability of that class.
pub fn classify(columns: &[Column]) -> (Class, f64) {
    let Some(scores) = mean(columns, |column| column.body) else { return (Class::Freight, 0.0) };
    let top = scores.iter().copied().fold(f64::MIN, f64::max);
    let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
    let mut probability = scores.map(|score| (score - top).exp() / total);
    let length = columns.len() as f64 * COLUMN_M;
    for (class, p) in CLASSES.iter().zip(&mut probability) {
        let possible = match class {
            Class::Coach => (COACH_M[0]..=COACH_M[1]).contains(&length),
            Class::Locomotive => (LOCOMOTIVE_M[0]..=LOCOMOTIVE_M[1]).contains(&length),
            _ => true,
        };
        if !possible {
            *p = 0.0;
        }
    }
    let (freight, other): (Vec<_>, Vec<_>) = CLASSES.into_iter().zip(probability).partition(|(class, _)| class.is_freight());
    let sum = |part: &[(Class, f64)]| part.iter().map(|(_, p)| p).sum::<f64>();
    let likeliest =
        |part: &[(Class, f64)]| part.iter().copied().fold((Class::Freight, 0.0), |a, b| if b.1 > a.1 { b } else { a });
    if sum(&other) >= OTHER_NAMED {
        return likeliest(&other);
    }
    let (kind, p) = likeliest(&freight);
    if p >= KIND_NAMED * sum(&freight) { (kind, p) } else { (Class::Freight, sum(&freight)) }
}

/// A body without its outermost metre at both ends, which mixes with the gap.
pub(super) fn inner(columns: &[Column]) -> &[Column] {
    if columns.len() > 8 { &columns[2..columns.len() - 2] } else { columns }
}

/// Mean scores of a body; none of one without columns.
fn mean(columns: &[Column], scores: fn(&Column) -> [f32; CLASSES.len()]) -> Option<[f64; CLASSES.len()]> {
    let inner = inner(columns);
    let mut sums = [0.0f64; CLASSES.len()];
    for column in inner {
        sums.iter_mut().zip(scores(column)).for_each(|(sum, score)| *sum += f64::from(score));
    }
    (!inner.is_empty()).then(|| sums.map(|sum| sum / inner.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of so many metres that is a class to the network with these odds, natural logarithm; each of its columns by itself looks like a flat.
    fn body(metres: f64, class: Class, odds: f32) -> Vec<Column> {
        let scores = |of: Class, odds: f32| CLASSES.map(|other| if other == of { odds } else { 0.0 });
        let (class, body) = (scores(Class::Flat, 9.0), scores(class, odds));
        let column = Column { state: [-9.0, 0.0, -9.0], class, body, stock: [0.0; 3], on_track: 1.0, offset_m: 0.0, seen: true };
        vec![column; (metres / COLUMN_M) as usize]
    }

    /// Locomotives whose hoods look like loads on a flat were called flats, for certain, column by column.
    #[test]
    fn what_a_body_is_its_mean_features_say_and_its_length_must_allow() {
        let class = |metres, class, odds| classify(&body(metres, class, odds)).0;
        assert_eq!(class(17.0, Class::Locomotive, 4.0), Class::Locomotive);
        assert_ne!(class(8.0, Class::Locomotive, 4.0), Class::Locomotive);
        assert_ne!(class(15.0, Class::Coach, 4.0), Class::Coach);
        assert_eq!(class(17.0, Class::Tank, 4.0), Class::Tank);
        // All seven are as likely.
        assert!(class(17.0, Class::Locomotive, 0.0).is_freight());
        assert_eq!(class(17.0, Class::Tank, 0.5), Class::Freight, "no kind is likely enough to be named");
    }
}

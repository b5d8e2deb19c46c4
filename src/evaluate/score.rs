//! One scene's predictions against its truth.

use super::confusion::{Confusion, confusion};
use super::game;
use super::matching::{self, Reach};
use super::prediction::{Predicted, Prediction};
use super::truth::{Truth, TruthCar};
use crate::count::Class;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Precision, recall and F1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Share of the predictions that are right; 1 where there are none.
    pub precision: f64,
    /// Share of the cars that were found; 1 where there are none.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

impl Rates {
    /// From right, wrong and missed ones.
    pub fn new(right: u64, wrong: u64, missed: u64) -> Self {
        let share = |of: u64| if of == 0 { 1.0 } else { right as f64 / of as f64 };
        let (precision, recall) = (share(right + wrong), share(right + missed));
        let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// So many of so many; written `hit/total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were found or right.
    pub hit: u64,
    /// Of how many.
    pub total: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, hit: bool) {
        self.hit += u64::from(hit);
        self.total += 1;
    }

    /// The share, unless it is one of none.
    pub fn share(self) -> Option<f64> {
        (self.total > 0).then(|| self.hit as f64 / self.total as f64)
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.hit += other.hit;
        self.total += other.total;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}/{}", self.hit, self.total))
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Locomotives and coaches that are predicted as such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Others {
    /// Locomotives and coaches in the truth.
    pub truth: u64,
    /// Predictions labelled locomotive or coach.
    pub pred: u64,
    /// Of these, matched with a locomotive or coach.
    pub tp: u64,
}

/// The stated interval against the true number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: i64,
    /// Upper end.
    pub high: i64,
    /// Whether the true number lies between, ends included.
    pub covered: bool,
}

/// What comes of comparing positions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matched {
    /// Freight cars found.
    pub tp: u64,
    /// Predictions that are no freight car.
    pub fp: u64,
    /// Freight cars not found.
    #[serde(rename = "fn")]
    pub missed: u64,
    /// The rates of these three.
    #[serde(flatten)]
    pub rates: Rates,
    /// Of the wrong predictions, those on a locomotive or coach.
    pub fp_on_loco_or_coach: u64,
    /// Predictions on freight cars that need not be found; neither right nor wrong.
    pub dropped: u64,
    /// Found cars per true class.
    pub recall_by_class: BTreeMap<String, Tally>,
    /// Found cars whose prediction names a kind of freight car: those with the right kind.
    pub kind: Tally,
    /// Locomotives and coaches.
    pub loco_coach: Others,
    /// True against predicted class of all vehicles, from a matching of its own in which every prediction may match every vehicle.
    pub confusion: Confusion,
    /// Grid average mean absolute error, levels 0 to 3.
    pub game: [u64; game::LEVELS],
}

/// A scene's score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SceneScore {
    /// Kind of scene.
    pub preset: String,
    /// Number within its kind.
    pub seed: i64,
    /// Metres per pixel.
    pub gsd: f64,
    /// Freight cars to be found.
    pub truth: u64,
    /// Freight cars that need not be found: too little of them is clear.
    pub dont_care: u64,
    /// The image.
    pub image: String,
    /// There is no usable prediction for this scene; scored as if it were empty.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Only a number is stated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub count_only: bool,
    /// Freight cars predicted.
    pub pred: i64,
    /// Predicted minus true number.
    pub count_error: i64,
    /// The stated interval, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Positions compared; nothing where only a number is stated.
    #[serde(flatten)]
    pub matched: Option<Matched>,
}

/// Scores one scene; no prediction at all counts as an empty one. Freight cars of which less than `min_clear` is clear need not be
/// found, and predictions on them are dropped.
pub fn score(prediction: Option<&Prediction>, truth: &Truth, min_clear: f64) -> SceneScore {
    let (freight, other): (Vec<&TruthCar>, Vec<&TruthCar>) = truth.cars.iter().partition(|car| car.freight);
    let (care, dont_care): (Vec<&TruthCar>, Vec<&TruthCar>) = freight.into_iter().partition(|car| car.clear >= min_clear);
    let empty = Prediction::default();
    let stated = prediction.unwrap_or(&empty);
    let matched = (!stated.count_only).then(|| compare(stated, truth, &care, &dont_care, &other));
    let pred = match &matched {
        Some(matched) => (matched.tp + matched.fp) as i64,
        None => stated.count.unwrap_or(0),
    };
    let true_count = care.len() as i64;
    SceneScore {
        preset: truth.preset.clone(),
        seed: truth.seed,
        gsd: truth.gsd,
        truth: care.len() as u64,
        dont_care: dont_care.len() as u64,
        image: truth.image.clone(),
        missing: prediction.is_none(),
        count_only: stated.count_only,
        pred,
        count_error: pred.saturating_sub(true_count),
        interval: stated.interval.map(|(low, high)| Interval { low, high, covered: (low..=high).contains(&true_count) }),
        matched,
    }
}

fn compare(stated: &Prediction, truth: &Truth, care: &[&TruthCar], dont_care: &[&TruthCar], other: &[&TruthCar]) -> Matched {
    let (freight, rest): (Vec<&Predicted>, Vec<&Predicted>) = stated.vehicles.iter().partition(|v| v.class.is_freight());
    let positions: Vec<_> = freight.iter().map(|v| v.position).collect();
    let all: Vec<&TruthCar> = [care, dont_care, other].concat();
    let reach: Vec<_> = all.iter().map(|car| Reach::new(car, truth.gsd)).collect();
    let excused = care.len()..care.len() + dont_care.len();
    let mut hit = vec![false; care.len()];
    let mut kept: Vec<bool> = vec![true; freight.len()];
    let mut unmatched: Vec<bool> = kept.clone();
    let (mut kind, mut on_other) = (Tally::default(), 0);
    for (i, j) in matching::assign(&positions, &reach) {
        unmatched[i] = false;
        if j < care.len() {
            hit[j] = true;
            if freight[i].class != Class::Freight {
                kind.add(freight[i].class.name() == care[j].class);
            }
        } else if excused.contains(&j) {
            kept[i] = false;
        } else {
            on_other += 1;
        }
    }
    // A second prediction on a car that need not be found is dropped as well.
    for (i, &position) in positions.iter().enumerate() {
        if unmatched[i] && reach[excused.clone()].iter().any(|car| car.distance(position).is_some()) {
            kept[i] = false;
        }
    }
    let mut recall_by_class = BTreeMap::<_, Tally>::new();
    for (car, &hit) in care.iter().zip(&hit) {
        recall_by_class.entry(car.class.clone()).or_default().add(hit);
    }
    let rest_positions: Vec<_> = rest.iter().map(|v| v.position).collect();
    let others = Others {
        truth: other.len() as u64,
        pred: rest.len() as u64,
        tp: matching::assign(&rest_positions, &reach[excused.end..]).len() as u64,
    };
    let tp = hit.iter().filter(|&&h| h).count() as u64;
    let counted = kept.iter().filter(|&&k| k).count() as u64;
    let (fp, missed) = (counted - tp, care.len() as u64 - tp);
    let seen = positions.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(p, _)| *p);
    Matched {
        tp,
        fp,
        missed,
        rates: Rates::new(tp, fp, missed),
        fp_on_loco_or_coach: on_other,
        dropped: freight.len() as u64 - counted,
        recall_by_class,
        kind,
        loco_coach: others,
        confusion: confusion(stated, &all, &reach, excused),
        game: game::errors([truth.width, truth.height], seen, care.iter().map(|car| [car.col, car.row])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Three cars of 12 m in a row along the image's x axis, 0.5 m pixels: a tank, a hopper under cloud, a locomotive.
    fn truth() -> Truth {
        let car = |class: &str, freight: bool, col: f64, clear: f64| json!({"class": class, "freight": freight, "col": col, "row": 50, "heading": 90, "length": 12, "clear": clear});
        let cars = [car("tank", true, 20.0, 1.0), car("hopper", true, 50.0, 0.2), car("locomotive", false, 80.0, 1.0)];
        serde_json::from_value(
            json!({"image": "a.png", "preset": "p", "seed": 3, "gsd": 0.5, "width": 100, "height": 100, "cars": cars}),
        )
        .unwrap()
    }

    fn at(vehicles: &[(f64, Class)]) -> Prediction {
        let vehicles = vehicles.iter().map(|&(col, class)| Predicted { position: [col, 50.0], class }).collect();
        Prediction { vehicles, ..Prediction::default() }
    }

    #[test]
    fn predictions_on_cars_under_cloud_are_dropped_however_many() {
        let all = at(&[(20.0, Class::Tank), (48.0, Class::Freight), (52.0, Class::Freight), (80.0, Class::Freight)]);
        let s = score(Some(&all), &truth(), 0.5);
        let m = s.matched.unwrap();
        assert_eq!((s.truth, s.dont_care, s.pred, s.count_error), (1, 1, 2, 1));
        assert_eq!((m.tp, m.fp, m.missed, m.dropped, m.fp_on_loco_or_coach), (1, 1, 0, 2, 1));
        assert_eq!(m.kind, Tally { hit: 1, total: 1 });
        assert_eq!(m.confusion["locomotive"]["freight"], 1);
        assert!(!m.confusion.contains_key("hopper") && !m.confusion.contains_key(crate::evaluate::confusion::NOTHING));
    }

    #[test]
    fn labelled_locomotive_is_no_freight_car() {
        let s = score(Some(&at(&[(20.0, Class::Hopper), (80.0, Class::Locomotive)])), &truth(), 0.5);
        let m = s.matched.unwrap();
        assert_eq!((m.tp, m.fp, m.missed), (1, 0, 0));
        assert_eq!(m.loco_coach, Others { truth: 1, pred: 1, tp: 1 });
        assert_eq!(m.kind, Tally { hit: 0, total: 1 });
        assert_eq!(m.confusion["tank"]["hopper"], 1);
    }

    #[test]
    fn no_prediction_is_no_empty_yard() {
        let s = score(None, &truth(), 0.5);
        assert!(s.missing && s.count_error == -1);
        assert_eq!(s.matched.unwrap().rates, Rates { precision: 1.0, recall: 0.0, f1: 0.0 });
    }

    #[test]
    fn interval_must_hold_the_number_to_be_found() {
        let covered = |interval| {
            let stated = Prediction { interval: Some(interval), ..at(&[]) };
            score(Some(&stated), &truth(), 0.5).interval.unwrap().covered
        };
        assert!(covered((1, 3)) && covered((0, 1)) && !covered((2, 9)) && !covered((0, 0)));
    }

    #[test]
    fn a_number_alone_is_scored_by_the_number() {
        let stated = Prediction { count: Some(4), count_only: true, ..Prediction::default() };
        let s = score(Some(&stated), &truth(), 0.5);
        assert_eq!((s.pred, s.count_error, s.matched), (4, 3, None));
    }
}

//! In what unit counts are compared, and how much of an extreme one is believed.
//!
//! One count a thousand times the others (a wrong image, a slip of the pen) says nothing of how ordinary days vary, but no model of
//! ordinary days and surges has room for it: it would widen what is expected for as long as it is in the history.

use super::baseline::Usable;
use super::likelihood::Seen;

/// A count above so many times the median of the days with cars is taken for that much. The model's surges end at ten times; a single
/// day of 15 times moves the upper end of what is expected by a tenth, one of 100 times doubles it.
const RARE_AT_MOST: f64 = 15.0;

/// The same where such days recur, and are the yard's own: the median stays ten of the largest units.
const RECURRENT_AT_MOST: f64 = 200.0;

/// Days above [`RARE_AT_MOST`] recur when they are more than one, and more than this share of all days.
const RECURRENT: f64 = 0.05;

/// Counts above this are compared in units of several cars: the model's tables grow with the counts, and a yard with thousands of
/// cars is not told apart by single ones.
const LARGEST_COUNT: f64 = 2000.0;

/// Parts of a car that are told apart, in means of several counts: rounded to whole cars, 2.5 and 3.5 in turn were 3.5 on the whole, and 0.4
/// a day none. Finer ones would make no two such days alike, and each new count costs time and memory.
const PARTS: f64 = 10.0;

/// How the counts of some days become those of the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Cars per unit: 1 but for very large counts, then a power of two, so that few different units occur in a site.
    pub unit: f64,
    /// The highest rate (cars per visible share) that is believed.
    most: f64,
}

impl Scale {
    /// The scale of a history.
    pub fn of<'a>(days: impl IntoIterator<Item = &'a Usable<'a>>) -> Self {
        let mut rates: Vec<f64> = days.into_iter().map(rate).collect();
        rates.sort_by(f64::total_cmp);
        let with_cars = &rates[rates.partition_point(|rate| *rate == 0.0)..];
        let Some(median) = with_cars.get(with_cars.len() / 2) else { return Self { unit: 1.0, most: 0.0 } };
        let high = rates.len() - rates.partition_point(|rate| *rate <= RARE_AT_MOST * median);
        let recurrent = high > 1 && high as f64 > RECURRENT * rates.len() as f64;
        let most = median * if recurrent { RECURRENT_AT_MOST } else { RARE_AT_MOST };
        let highest = rates.last().copied().unwrap_or_default().min(most);
        Self { unit: (highest / LARGEST_COUNT).max(1.0).log2().ceil().exp2(), most }
    }

    /// A day of the history as the model sees it.
    pub fn seen(&self, day: &Usable<'_>) -> Seen {
        day.seen(to_part(rate(day).min(self.most) * day.count.coverage / self.unit))
    }
}

/// A count (in units) to the part that is told apart.
pub(super) fn to_part(count: f64) -> f64 {
    (count * PARTS).round() / PARTS
}

fn rate(day: &Usable<'_>) -> f64 {
    day.count.count / day.count.coverage
}

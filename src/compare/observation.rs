//! What is compared: the counts of one or several sites, dated; and the one count that stands for each day.

use std::cmp::Ordering;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Freight classes in the order of [`DatedCount::classes`].
pub const CLASS_NAMES: [&str; 5] = ["gondola", "boxcar", "tank", "hopper", "flat"];

/// More cars than this are no count of cars.
const MOST_CARS: f64 = 1e9;

/// One count of one site at one time, whoever counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatedCount {
    /// The site's name; empty when there is only one.
    pub site: String,
    /// When the image was taken. The day is the UTC date.
    pub time: Timestamp,
    /// Name of the image or of whatever the count came from; may be empty.
    pub image: String,
    /// How many images of that day this count stands for; 1 unless a reader has already chosen the best of several.
    pub images: usize,
    /// Freight cars seen (not scaled up to the whole yard).
    pub count: f64,
    /// Lower end of the count's 95 % interval.
    pub low: Option<f64>,
    /// Upper end of the count's 95 % interval.
    pub high: Option<f64>,
    /// Visible share of the yard, 0 to 1.
    pub coverage: f64,
    /// Whether the count may be used at all.
    pub usable: bool,
    /// Whether somebody looked at the image and corrected or confirmed its cars.
    pub by_hand: bool,
    /// Why it may not be used, or what else a reader must know.
    pub reason: String,
    /// Cars per freight class ([`CLASS_NAMES`]), where classes are known.
    pub classes: Option<[u32; 5]>,
}

impl DatedCount {
    /// A count without interval, of a yard that was seen whole.
    pub fn new(site: impl Into<String>, time: Timestamp, count: f64) -> Self {
        Self {
            site: site.into(),
            time,
            image: String::new(),
            images: 1,
            count,
            low: None,
            high: None,
            coverage: 1.0,
            usable: true,
            by_hand: false,
            reason: String::new(),
            classes: None,
        }
    }

    /// The UTC day.
    pub fn date(&self) -> Date {
        TimeZone::UTC.to_datetime(self.time).date()
    }

    /// Standard deviation of the count's error: a 95 % interval is 3.92 of them wide. Of one that reaches further down than up, since whole lines may
    /// hold no cars, only as much is taken as it reaches up. Zero where there is no interval.
    pub fn error_sd(&self) -> f64 {
        match (self.low, self.high) {
            (Some(low), Some(high)) if high > low && (high - low).is_finite() => (high - low.max(2.0 * self.count - high)) / 3.92,
            _ => 0.0,
        }
    }

    /// The same for how much too high the count may be, where its interval reaches further down than up.
    pub fn excess_sd(&self) -> Option<f64> {
        let down = self.count - self.low?;
        (down.is_finite() && down > self.high? - self.count).then_some(down / 1.96)
    }

    /// Whether the count is a number of cars.
    pub(super) fn is_count(&self) -> bool {
        (0.0..=MOST_CARS).contains(&self.count)
    }

    /// Whether the numbers make sense and the count may be used at this least coverage.
    pub fn can_be_used(&self, min_coverage: f64) -> bool {
        self.usable && self.is_count() && self.coverage >= min_coverage && self.coverage <= 1.0
    }

    /// Orders the counts of one day, the one to use first: usable and of enough coverage, usable, looked at by somebody, most coverage,
    /// narrowest interval, earliest, name, count.
    pub fn better(&self, other: &Self, min_coverage: f64) -> Ordering {
        let width = |c: &Self| match (c.low, c.high) {
            (Some(low), Some(high)) => high - low,
            _ => f64::INFINITY,
        };
        (other.can_be_used(min_coverage).cmp(&self.can_be_used(min_coverage)))
            .then_with(|| other.can_be_used(0.0).cmp(&self.can_be_used(0.0)))
            .then_with(|| other.by_hand.cmp(&self.by_hand))
            .then_with(|| other.coverage.total_cmp(&self.coverage))
            .then_with(|| width(self).total_cmp(&width(other)))
            .then_with(|| self.time.cmp(&other.time))
            .then_with(|| self.image.cmp(&other.image))
            .then_with(|| self.count.total_cmp(&other.count))
    }
}

/// One count per day, the best of each, ordered by date, with the number of images of that day. The order of the input does not
/// matter.
pub fn one_per_day<'a>(counts: impl IntoIterator<Item = &'a DatedCount>, min_coverage: f64) -> Vec<DatedCount> {
    let mut dated: Vec<(Date, &DatedCount)> = counts.into_iter().map(|c| (c.date(), c)).collect();
    dated.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.better(b.1, min_coverage)));
    let mut days: Vec<(Date, DatedCount)> = Vec::new();
    for (date, count) in dated {
        match days.last_mut() {
            Some((last, best)) if *last == date => best.images += count.images,
            _ => days.push((date, count.clone())),
        }
    }
    days.into_iter().map(|(_, count)| count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day was counted from its other image, which nobody had looked at.
    #[test]
    fn a_corrected_count_stands_for_its_day_whatever_other_images_show() {
        let count = |image: &str, coverage: f64, by_hand: bool| DatedCount {
            image: image.to_owned(),
            coverage,
            by_hand,
            ..DatedCount::new("", "2021-05-22T02:43:22Z".parse().unwrap(), 7.0)
        };
        let (corrected, other) = (count("b", 0.9, true), count("a", 1.0, false));
        assert_eq!(one_per_day([&other, &corrected], 0.3)[0].image, "b");
        let unusable = DatedCount { usable: false, ..corrected };
        assert_eq!(one_per_day([&other, &unusable], 0.3)[0].image, "a");
    }

    /// It stood for the day, which was then said to have been seen too little of.
    #[test]
    fn a_corrected_count_of_too_little_of_the_yard_leaves_the_day_to_one_that_saw_enough() {
        let count = |image: &str, coverage: f64, by_hand: bool| DatedCount {
            image: image.to_owned(),
            coverage,
            by_hand,
            ..DatedCount::new("", "2021-05-22T02:43:22Z".parse().unwrap(), 7.0)
        };
        let (corrected, other, little) = (count("b", 0.2, true), count("a", 1.0, false), count("c", 0.25, false));
        assert_eq!(one_per_day([&other, &corrected], 0.3)[0].image, "a");
        assert_eq!(one_per_day([&other, &corrected], 0.1)[0].image, "b");
        assert_eq!(one_per_day([&little, &corrected], 0.3)[0].image, "b", "neither saw enough");
    }
}

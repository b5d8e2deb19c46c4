//! Which earlier days a day is compared with.

use jiff::civil::Date;

use super::likelihood::{Seen, stepped};
use super::observation::DatedCount;
use super::rules::Rules;

/// Days per year, for look-backs in years that need not be whole.
pub(super) const DAYS_PER_YEAR: f64 = 365.2425;

/// Least visible share of a yard on a usable day, whatever the settings say: of less than a hundredth its count says nothing, and the yard's
/// cars that it would stand for are without bounds.
pub(super) const LEAST_COVERAGE: f64 = 0.01;

/// A usable day of a site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usable<'a> {
    pub date: Date,
    /// Days since 1970-01-01.
    pub day: i64,
    pub count: &'a DatedCount,
    /// Not among the dates that the settings exclude from the history.
    pub serves: bool,
    /// Less of the yard was seen than a drop-out asks for.
    pub partly: bool,
}

impl Usable<'_> {
    /// The day as the model sees it, with so many cars or units.
    pub fn seen(&self, count: f64) -> Seen {
        Seen { count, exposure: stepped(self.count.coverage), partly: self.partly }
    }
}

/// The look-back in days.
pub(super) fn reach(rules: &Rules) -> i64 {
    (rules.history.lookback_years * DAYS_PER_YEAR).floor() as i64
}

/// The usable days among the days of a site (one count per day, ordered), ordered.
pub(super) fn usable<'a>(days: &'a [DatedCount], rules: &Rules) -> Vec<Usable<'a>> {
    days.iter()
        .filter(|count| count.can_be_used(rules.history.min_coverage.max(LEAST_COVERAGE)))
        .map(|count| {
            let date = count.date();
            let (serves, partly) = (!rules.history.exclude.contains(&date), count.coverage < rules.alarm.dropout_coverage);
            Usable { date, day: day_number(date), count, serves, partly }
        })
        .collect()
}

/// Days since 1970-01-01.
pub(super) fn day_number(date: Date) -> i64 {
    // The difference of two civil dates in days cannot fail: both are within the calendar.
    date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).map_or(0, |span| i64::from(span.get_days()))
}

/// The days with which a day is compared.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// What the expectation rests on: within the look-back, not excluded, not so near that the same cars may still stand there.
    pub baseline: Vec<Usable<'a>>,
    /// What the record is taken over: as the baseline, but near days too.
    pub record: Vec<Usable<'a>>,
    /// Days within the look-back that the settings exclude.
    pub excluded: usize,
}

/// The earlier days (retrospectively: all other days) with which a day is compared.
pub(super) fn surroundings<'a>(usable: &[Usable<'a>], date: Date, rules: &Rules) -> Surroundings<'a> {
    let day = day_number(date);
    let reach = reach(rules);
    let near = i64::from(rules.history.exclusion_days);
    let start = usable.partition_point(|u| u.day < day - reach);
    let end = if rules.retrospective {
        usable.partition_point(|u| u.day <= day + reach)
    } else {
        usable.partition_point(|u| u.day < day)
    };
    let others = usable.get(start..end).unwrap_or_default().iter().filter(|u| u.day != day).copied();
    let (record, excluded): (Vec<Usable<'a>>, Vec<Usable<'a>>) = others.partition(|u| u.serves);
    let baseline = record.iter().filter(|u| (u.day - day).abs() > near).copied().collect();
    Surroundings { baseline, record, excluded: excluded.len() }
}

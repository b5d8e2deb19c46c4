//! What the days of a site come to, taken together. Report, chart and terminal say it from here, so that they say the same.

use jiff::civil::Date;

use super::day::{Day, LevelShift, Verdict};

/// The days that are out of the ordinary: a person should look at them.
pub fn flagged(days: &[Day]) -> impl Iterator<Item = &Day> {
    days.iter().filter(|day| day.verdict.is_anomalous())
}

/// Where no day is flagged, the sentence that says so, or why none could be.
pub fn none_flagged(days: &[Day]) -> Option<&'static str> {
    let any = |has: fn(Verdict) -> bool| days.iter().any(|day| has(day.verdict));
    Some(if days.is_empty() {
        "There is no dated image to compare."
    } else if any(Verdict::is_anomalous) {
        return None;
    } else if any(|verdict| !matches!(verdict, Verdict::InsufficientHistory | Verdict::Unusable)) {
        "No day is out of the ordinary."
    } else if any(|verdict| verdict != Verdict::Unusable) {
        "There is too little history to call any day out of the ordinary."
    } else {
        "No day could be used."
    })
}

/// The level shift that the last usable day states, and that day. What earlier days stated alone, the days since have taken back.
pub fn current_shift(days: &[Day]) -> Option<(Date, &LevelShift)> {
    let last = days.iter().rfind(|day| day.verdict != Verdict::Unusable)?;
    last.shift.as_ref().map(|shift| (last.date, shift))
}

//! What the days of a site come to, taken together. Report, chart and terminal say it from here, so that they say the same.

use jiff::civil::Date;

use super::day::{Day, LevelShift, Verdict};

/// The level shift that the last usable day states, and that day. What earlier days stated alone, the days since have taken back.
pub fn current_shift(days: &[Day]) -> Option<(Date, &LevelShift)> {
    let last = days.iter().rfind(|day| day.verdict != Verdict::Unusable)?;
    last.shift.as_ref().map(|shift| (last.date, shift))
}

//! The record: where a count stands among all counts of the look-back. It holds whatever the model is worth.

use jiff::civil::Date;

/// Where a count stands among others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// 1 for the highest; equal counts share the better rank.
    pub rank: usize,
    /// The same from below: 1 for the lowest.
    pub rank_low: usize,
    /// Days compared, this one included.
    pub of: usize,
    /// First day of the record.
    pub since: Date,
    /// The highest of the other counts and its (last) day.
    pub maximum: Option<(f64, Date)>,
    /// The lowest of the other counts and its (last) day.
    pub minimum: Option<(f64, Date)>,
}

/// The record of a count among the others of the look-back.
pub fn record(date: Date, count: f64, others: impl Iterator<Item = (Date, f64)>) -> Record {
    let mut record = Record { rank: 1, rank_low: 1, of: 1, since: date, maximum: None, minimum: None };
    for (day, other) in others {
        record.of += 1;
        record.since = record.since.min(day);
        record.rank += usize::from(other > count);
        record.rank_low += usize::from(other < count);
        if record.maximum.is_none_or(|m| other > m.0 || (other == m.0 && day > m.1)) {
            record.maximum = Some((other, day));
        }
        if record.minimum.is_none_or(|m| other < m.0 || (other == m.0 && day > m.1)) {
            record.minimum = Some((other, day));
        }
    }
    record
}

//! Dates and times in file names: the patterns that vendors and archives use. What could be read in two ways is not read.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::acquired::{Acquired, AcquiredFrom};

/// Years between which satellites have delivered such images.
const YEARS: std::ops::RangeInclusive<i16> = 1960..=2099;

/// A time of day with its zone; without one where it is in doubt.
type ZonedTime = (Time, Option<Offset>);

/// The one date, with its time if there is one, that a file name holds. `None` when there is none, or more than one
/// (two different dates, or one written so that day and month cannot be told apart).
pub fn date_in_name(name: &str) -> Option<Acquired> {
    let found = candidates(name);
    let first = found.first()?;
    // Several mentions of the same day are one date; the one with a time says most.
    if found.iter().any(|other| other.0 != first.0) {
        return None;
    }
    let times: Vec<ZonedTime> = found.iter().filter_map(|candidate| candidate.1).collect();
    let time = times.first().copied().filter(|first| times.iter().all(|other| other == first));
    let Some((time, Some(zone))) = time else {
        return Acquired::utc(first.0.into(), AcquiredFrom::FileName, true);
    };
    let time = zone.to_timestamp(DateTime::from_parts(first.0, time)).ok()?;
    Some(Acquired { time, from: AcquiredFrom::FileName, date_only: false })
}

/// Why a name with a date and a time gives the date alone, if it is for the zone.
pub(crate) fn zone_doubt_in_name(name: &str) -> Option<&'static str> {
    let in_doubt = candidates(name).iter().any(|candidate| matches!(candidate.1, Some((_, None))));
    in_doubt.then_some(
        "the four digits after the time in the file name may be a zone or a number, so the time of day is not used; write the time \
         in UTC, with a Z",
    )
}

/// Why a name that speaks of a date gives none, if it does.
pub(crate) fn doubt_in_name(name: &str) -> Option<String> {
    let found = candidates(name);
    if let Some((first, other)) =
        found.first().and_then(|first| found.iter().find(|other| other.0 != first.0).map(|other| (first, other)))
    {
        return Some(format!("the file name holds two dates, {} and {}", first.0, other.0));
    }
    // Two digits, two digits, a year.
    let bytes = name.as_bytes();
    let is_doubtful = |at: &usize| {
        let part = &bytes[*at..at + 10];
        let separated = matches!(part[2], b'-' | b'_' | b'.') && part[2] == part[5];
        separated && part.iter().enumerate().all(|(index, byte)| matches!(index, 2 | 5) || byte.is_ascii_digit())
    };
    let at = (0..bytes.len().saturating_sub(9)).find(is_doubtful)?;
    Some(format!("the file name holds {}, of which day and month cannot be told apart", name.get(at..at + 10)?))
}

/// Every date in the name, each with the time that follows it.
fn candidates(name: &str) -> Vec<(Date, Option<ZonedTime>)> {
    let bytes = name.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = run(bytes, at);
        if digits == 0 {
            at += 1;
            continue;
        }
        match date_at(bytes, at, digits) {
            Some((date, time, end)) => {
                found.push((date, time));
                at = end;
            }
            None => at += digits,
        }
    }
    found
}

/// Number of digits from a position on.
fn run(bytes: &[u8], at: usize) -> usize {
    bytes[at.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<i16> {
    std::str::from_utf8(bytes.get(at..at + length)?).ok()?.parse().ok()
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    YEARS.contains(&year).then_some(date)
}

/// A date at the start of a run of digits: its value, its time, and where it ends.
fn date_at(bytes: &[u8], at: usize, digits: usize) -> Option<(Date, Option<ZonedTime>, usize)> {
    match digits {
        // 20231005, 20231005T015801, 20231005_015801
        8 => {
            let date = date(number(bytes, at, 4)?, number(bytes, at + 4, 2)?, number(bytes, at + 6, 2)?)?;
            let (time, end) = time_after(bytes, at + 8);
            Some((date, time, end))
        }
        // 20231005015801, and with a tenth of a second (Airbus)
        14 | 15 => {
            let date = date(number(bytes, at, 4)?, number(bytes, at + 4, 2)?, number(bytes, at + 6, 2)?)?;
            let (zone, end) = zone_after(bytes, at + digits);
            Some((date, Some((clock(bytes, at + 8)?, zone)), end))
        }
        // 2023-10-05, 2023_10_05, 2023.10.05, with or without a time
        4 => {
            let separator = *bytes.get(at + 4)?;
            let plain = matches!(separator, b'-' | b'_' | b'.') && bytes.get(at + 7) == Some(&separator);
            if !plain || run(bytes, at + 5) != 2 || !matches!(run(bytes, at + 8), 2) {
                return None;
            }
            let date = date(number(bytes, at, 4)?, number(bytes, at + 5, 2)?, number(bytes, at + 8, 2)?)?;
            let (time, end) = time_after(bytes, at + 10);
            Some((date, time, end))
        }
        // 23OCT05015801 (Maxar), 05OCT2023 (day, month's name, year)
        2 => {
            let month = month_name(bytes.get(at + 2..at + 5)?)?;
            match run(bytes, at + 5) {
                8 => {
                    let date = date(2000 + number(bytes, at, 2)?, month, number(bytes, at + 5, 2)?)?;
                    let (zone, end) = zone_after(bytes, at + 13);
                    Some((date, Some((clock(bytes, at + 7)?, zone)), end))
                }
                4 => Some((date(number(bytes, at + 5, 4)?, month, number(bytes, at, 2)?)?, None, at + 9)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A time that follows a date: `T015801`, `_015801`, `-0158`, `T01-58-01`, `T01:58:01Z`, `T105801+0900`; and where it ends.
fn time_after(bytes: &[u8], at: usize) -> (Option<ZonedTime>, usize) {
    let Some(b'T' | b't' | b'_' | b'-' | b' ') = bytes.get(at) else { return (None, at) };
    let lettered = matches!(bytes.get(at), Some(b'T' | b't'));
    let time = match run(bytes, at + 1) {
        6 => clock(bytes, at + 1).map(|time| (time, at + 7)),
        4 if lettered => {
            let (hour, minute) = (number(bytes, at + 1, 2), number(bytes, at + 3, 2));
            hour.zip(minute).and_then(|(hour, minute)| new_time(hour, minute, 0)).map(|time| (time, at + 5))
        }
        2 => separated_clock(bytes, at + 1).map(|time| (time, at + 9)),
        _ => None,
    };
    let Some((time, end)) = time else { return (None, at) };
    let (zone, end) = zone_after(bytes, end);
    (Some((time, zone)), end)
}

/// The zone that follows a time, and where it ends: `+0900`, `+09:00`, `-05:00`, else UTC. None where it is in doubt: `-0500` is a
/// zone or a number, but `-0001` and `-0512` are numbers.
fn zone_after(bytes: &[u8], at: usize) -> (Option<Offset>, usize) {
    let utc = (Some(Offset::UTC), at);
    let Some(sign @ (b'+' | b'-')) = bytes.get(at) else { return utc };
    let colon = run(bytes, at + 1) == 2 && bytes.get(at + 3) == Some(&b':') && run(bytes, at + 4) == 2;
    if !colon && run(bytes, at + 1) != 4 {
        return utc;
    }
    let minute_at = if colon { at + 4 } else { at + 3 };
    let (Some(hours @ 0..=14), Some(minutes @ (0 | 15 | 30 | 45))) = (number(bytes, at + 1, 2), number(bytes, minute_at, 2))
    else {
        return utc;
    };
    let ahead = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    match (sign, colon) {
        (b'+', _) => (Offset::from_seconds(ahead).ok(), minute_at + 2),
        (_, true) => (Offset::from_seconds(-ahead).ok(), minute_at + 2),
        _ if hours == 0 => utc,
        _ => (None, minute_at + 2),
    }
}

/// Six digits as hours, minutes, seconds.
fn clock(bytes: &[u8], at: usize) -> Option<Time> {
    new_time(number(bytes, at, 2)?, number(bytes, at + 2, 2)?, number(bytes, at + 4, 2)?)
}

/// Hours, minutes and seconds with one separator between them.
fn separated_clock(bytes: &[u8], at: usize) -> Option<Time> {
    let separator = *bytes.get(at + 2)?;
    let plain = matches!(separator, b'-' | b':' | b'_' | b'.') && bytes.get(at + 5) == Some(&separator);
    if !plain || run(bytes, at + 3) != 2 || run(bytes, at + 6) != 2 {
        return None;
    }
    new_time(number(bytes, at, 2)?, number(bytes, at + 3, 2)?, number(bytes, at + 6, 2)?)
}

fn new_time(hour: i16, minute: i16, second: i16) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}

fn month_name(letters: &[u8]) -> Option<i16> {
    const NAMES: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let index = NAMES.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(letters))?;
    i16::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::{date_in_name, zone_doubt_in_name};

    fn read(name: &str) -> Option<(String, bool)> {
        date_in_name(name).map(|acquired| (acquired.time.to_string(), acquired.date_only))
    }

    #[test]
    fn patterns_of_vendors_and_archives_are_read() {
        let cases = [
            ("tumangang_20231005T015801Z", "2023-10-05T01:58:01Z", false),
            ("20230102_103045_12_2461_3B_AnalyticMS", "2023-01-02T10:30:45Z", false),
            ("23OCT05015801-M2AS-050123456789_01_P001", "2023-10-05T01:58:01Z", false),
            ("IMG_PHR1A_P_202103140212345_ORT", "2021-03-14T02:12:34Z", false),
            ("S2A_MSIL1C_20210417T025211_N0300_R132_T52TCN_20210417T050608", "2021-04-17", false),
            ("yard-2023-10-05", "2023-10-05T00:00:00Z", true),
            ("yard_2023_10_05", "2023-10-05T00:00:00Z", true),
            ("yard 2023-10-05 01-58-01", "2023-10-05T01:58:01Z", false),
            ("yard_05OCT2023", "2023-10-05T00:00:00Z", true),
            ("muttenz_north_20180601", "2018-06-01T00:00:00Z", true),
        ];
        for (name, time, date_only) in cases {
            let found = read(name);
            if name.starts_with("S2A") {
                // Sensing and processing time differ: the day is certain, the time is not.
                assert_eq!(found, Some(("2021-04-17T00:00:00Z".to_owned(), true)), "{name}");
            } else {
                assert_eq!(found, Some((time.to_owned(), date_only)), "{name}");
            }
        }
    }

    #[test]
    fn ambiguous_and_impossible_dates_are_refused() {
        for name in [
            "08-09-2020",
            "08_09_2020",
            "08092020",
            "09.08.20",
            "200809",
            "20231305",
            "20230230",
            "18991231",
            "123456789",
            "20201005_20210101",
            "2020-1-5",
            "tile_00012345",
            "yard",
            "",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
    }

    /// 10:58 in Tokyo was read as 10:58 UTC.
    #[test]
    fn a_zone_after_the_time_is_heeded_and_a_number_is_none() {
        let cases = [
            ("20231005T105801+0900", "2023-10-05T01:58:01Z"),
            ("20231005T015801+0900", "2023-10-04T16:58:01Z"),
            ("20231005_105801+09:00_pan", "2023-10-05T01:58:01Z"),
            ("yard 2023-10-05 10:58:01+0900", "2023-10-05T01:58:01Z"),
            ("20231005105801+0900", "2023-10-05T01:58:01Z"),
            ("23OCT05105801+0900", "2023-10-05T01:58:01Z"),
            ("20231005_20231005T1128+0930", "2023-10-05T01:58:00Z"),
            ("20231005T215801-05:00", "2023-10-06T02:58:01Z"),
            ("20231005T015801-0001", "2023-10-05T01:58:01Z"),
            ("20231005T015801-0512", "2023-10-05T01:58:01Z"),
            ("20231005T015801-00500", "2023-10-05T01:58:01Z"),
            ("20231005T015801+2500", "2023-10-05T01:58:01Z"),
            ("20231005T015801-2023-10-05", "2023-10-05T01:58:01Z"),
        ];
        for (name, time) in cases {
            assert_eq!(read(name), Some((time.to_owned(), false)), "{name}");
            assert_eq!(zone_doubt_in_name(name), None, "{name}");
        }
        assert_eq!(read("20231005T015801-0500"), Some(("2023-10-05T00:00:00Z".to_owned(), true)));
        assert!(zone_doubt_in_name("20231005T015801-0500").is_some());
        assert_eq!(read("20231005+0900"), Some(("2023-10-05T00:00:00Z".to_owned(), true)));
    }
}

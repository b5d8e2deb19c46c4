//! Verdicts as sentences that a person can quote. The numbers in them are those of the table.

use jiff::civil::Date;

use super::day::{Day, LowRun, Verdict};

/// Probabilities below this are not told apart.
pub(super) const FLOOR: f64 = 1e-6;

/// Fewer expected cars than this are no measure of how many more were seen.
const LEAST_FOR_RATIO: f64 = 0.5;

/// The explanation of a day of which everything else is known.
pub(super) fn explain(day: &Day) -> String {
    let Some(cars) = day.freight_cars else {
        return if day.reason.is_empty() { "not usable".into() } else { format!("not usable: {}", day.reason) };
    };
    let mut parts = vec![count(day, cars)];
    if let (Some(expected), Some(since)) = (day.expected, day.history_since) {
        parts.push(expectation(day, expected, since));
        parts.push(deviation(day, cars));
        parts.extend(chance(day));
    } else if let (Some(ratio), Some(since)) = (day.ratio, day.history_since) {
        parts.push(format!("{} the mean of only {} since {since}: too few for a probability", times(ratio), images(day.history)));
    } else {
        parts.push(
            if day.rank_of > 1 {
                "no observation to compare with except of days too near"
            } else {
                "no earlier observation to compare with"
            }
            .into(),
        );
    }
    parts.extend(standing(day, cars));
    parts.extend(remarks(day));
    parts.join("; ")
}

fn count(day: &Day, cars: f64) -> String {
    let mut text = self::cars(cars);
    if let (Some(low), Some(high)) = (day.low, day.high) {
        text += &format!(" ({low} to {high})");
    }
    if day.coverage < 0.995 {
        text += &format!(" with {:.0} % of the yard visible", 100.0 * day.coverage);
    }
    text
}

fn expectation(day: &Day, expected: f64, since: Date) -> String {
    let mut text = if expected > 0.0 && number(expected) == "0" {
        "under 0.1 expected".into()
    } else {
        format!("{} expected", number(expected))
    };
    if let (Some(low), Some(high)) = (day.expected_low, day.expected_high) {
        text += &format!(" ({low} to {high})");
    }
    text + &format!(" from {} since {since}", images(day.history))
}

fn deviation(day: &Day, cars: f64) -> String {
    let inside = day.expected_low.is_none_or(|low| cars >= low) && day.expected_high.is_none_or(|high| cars <= high);
    match (inside, day.ratio) {
        (true, _) if telling_run(day).is_some() => {
            "within the expected range, in which the run's earlier days are counted".into()
        }
        (true, _) => "within the expected range".into(),
        // So many times next to nothing is no measure.
        (false, Some(ratio)) if day.expected >= Some(LEAST_FOR_RATIO) => times(ratio) + " the expected number",
        (false, _) if day.expected_high.is_some_and(|high| cars > high) => "above the expected range".into(),
        (false, _) => "below the expected range".into(),
    }
}

fn chance(day: &Day) -> Option<String> {
    let (high, low) = (day.p_high?, day.p_low?);
    let cars = day.freight_cars?;
    let outside =
        day.expected_low.is_some_and(|l| cars < l) || day.expected_high.is_some_and(|h| cars > h) || high.min(low) <= 0.025;
    let flagged = !matches!(day.verdict, Verdict::Normal);
    if !flagged && !outside {
        return None;
    }
    Some(match telling_run(day) {
        Some(run) => format!("{}; a run like this is expected {}", in_a_row(run), how_often(run.p)),
        None => format!("a day like this is expected {}", how_often(high.min(low))),
    })
}

/// The run by which a day is a drop-out, where it says more than the day alone.
fn telling_run(day: &Day) -> Option<&LowRun> {
    let alone = day.p_low?;
    day.low_run.as_ref().filter(|run| day.verdict == Verdict::DropOut && run.p < alone)
}

fn in_a_row(run: &LowRun) -> String {
    let cars = match run.most {
        0.0 => "without a car".into(),
        most => format!("with at most {}", cars(most)),
    };
    format!("{} days in a row {cars} since {}", run.days, run.since)
}

fn how_often(p: f64) -> String {
    if p <= FLOOR {
        "less than once in a million images".into()
    } else {
        let often = two_digits(1.0 / p);
        format!("about once in {} {}", grouped(often), if often == 1.0 { "image" } else { "images" })
    }
}

fn standing(day: &Day, cars: f64) -> Option<String> {
    let (rank, since) = (day.rank?, day.record_since?);
    if day.rank_of < 2 {
        return None;
    }
    let previous = match (day.previous_max, day.previous_max_date) {
        // In retrospect.
        (Some(max), Some(date)) if date > day.date && max == cars => format!("equal to the maximum on {date}"),
        (Some(max), Some(date)) if date > day.date && rank == 1 => format!("the maximum of the others is {max} on {date}"),
        (Some(max), Some(date)) if max == cars => format!("equal to the previous maximum on {date}"),
        (Some(max), Some(date)) if rank == 1 => format!("previous maximum {max} on {date}"),
        (Some(max), Some(date)) => format!("the maximum is {max} on {date}"),
        _ => String::new(),
    };
    let place = if rank == 1 { "highest".into() } else { format!("{} highest", ordinal(rank)) };
    let excluded = match day.record_excluded {
        0 => String::new(),
        1 => " (1 excluded day left out)".into(),
        days => format!(" ({days} excluded days left out)"),
    };
    let text = format!("{place} of {} since {since}{excluded}", day.rank_of);
    Some(if previous.is_empty() { text } else { format!("{text}, {previous}") })
}

fn remarks(day: &Day) -> Vec<String> {
    let mut parts = Vec::new();
    if day.verdict == Verdict::HighRecurrent {
        parts.push("similar days exist in the history".into());
    }
    if day.verdict == Verdict::AnomalousHigh && day.p_high_at_low.is_some_and(|p| p > 0.05) {
        parts.push("a count at the low end of its interval would not be unusual".into());
    }
    if !day.surges.is_empty() && day.verdict != Verdict::Normal {
        let dates: Vec<String> = day.surges.iter().take(3).map(ToString::to_string).collect();
        let more = if day.surges.len() > 3 { format!(" and {} more", day.surges.len() - 3) } else { String::new() };
        parts.push(format!("taken for earlier surges: {}{more}", dates.join(", ")));
    }
    if let Some(trend) = day.trend_per_year {
        parts.push(format!("a trend of {:+.0} % a year is followed", 100.0 * (trend - 1.0)));
    }
    if day.provisional {
        parts.push("provisional: the history is short".into());
    }
    parts.extend(day.shift.iter().map(|s| s.text.clone()));
    parts.extend(day.mix.iter().map(|m| m.text.clone()));
    parts
}

fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

fn times(ratio: f64) -> String {
    if ratio >= 9.95 { format!("{ratio:.0} times") } else { format!("{ratio:.1} times") }
}

/// An expected number of cars, with one decimal as in the table; whole ones without.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(String::from).unwrap_or(text)
}

/// A counted number of cars, written as in the table, and what it is of.
fn cars(value: f64) -> String {
    format!("{value} {}", if value == 1.0 { "car" } else { "cars" })
}

/// Rounded to two significant digits.
fn two_digits(value: f64) -> f64 {
    let scale = 10_f64.powf(value.max(1.0).log10().floor() - 1.0);
    if scale < 1.0 { value.round() } else { (value / scale).round() * scale }
}

/// 25000 as 25,000.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn ordinal(rank: usize) -> String {
    let ending = match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{rank}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_table() {
        for (value, text) in [(14.3, "14.3"), (14.04, "14"), (0.96, "1"), (14.25, "14.2"), (1234.56, "1234.6"), (0.0, "0")] {
            assert_eq!(number(value), text);
            assert_eq!(number(value), format!("{value:.1}").trim_end_matches(".0"), "one rule for both");
        }
        assert_eq!([1.0, 0.0, 12.55].map(cars), ["1 car", "0 cars", "12.55 cars"]);
        assert_eq!(
            [0.9, 0.3, 1e-6].map(how_often),
            ["about once in 1 image", "about once in 3 images", "less than once in a million images"]
        );
    }
}

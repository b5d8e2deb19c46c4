//! `days.csv`: one row per day.

use std::path::Path;

use super::day::Day;
use crate::series::atomic::TEMPORARY_PREFIX;
use crate::{Error, Result};

/// Columns, in their order.
const COLUMNS: [&str; 36] = [
    "date",
    "images",
    "freight_cars",
    "low",
    "high",
    "coverage",
    "history",
    "expected",
    "expected_low",
    "expected_high",
    "ratio",
    "p_high",
    "p_low",
    "rank",
    "verdict",
    "explanation",
    "shift",
    "site",
    "provisional",
    "p_plain",
    "p_high_at_low",
    "q_high",
    "q_low",
    "rank_of",
    "record_since",
    "previous_max",
    "previous_max_date",
    "surge_probability",
    "trend_per_year",
    "mix",
    "image",
    "reason",
    "p_low_run",
    "low_run_since",
    "low_run_days",
    "low_run_most",
];

/// Writes days as CSV. The file appears under its name only when it is complete.
///
/// # Errors
/// When the file cannot be written.
pub fn write_days<'a>(path: &Path, days: impl IntoIterator<Item = &'a Day>) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Named so that what a killed run leaves is found and deleted.
    let temporary = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).suffix(".tmp").tempfile_in(folder);
    let file = temporary.map_err(|e| Error::io(path, e))?;
    let mut writer = csv::Writer::from_writer(std::io::BufWriter::new(file));
    let refused = |e: csv::Error| Error::io(path, std::io::Error::other(e));
    writer.write_record(COLUMNS).map_err(refused)?;
    for day in days {
        writer.write_record(row(day)).map_err(refused)?;
    }
    let buffered = writer.into_inner().map_err(|e| Error::io(path, std::io::Error::other(e.to_string())))?;
    let file = buffered.into_inner().map_err(|e| Error::io(path, e.into_error()))?;
    readable_by_others(&file);
    file.persist(path).map_err(|e| Error::io(path, e.error))?;
    Ok(())
}

/// Temporary files are private; results are not.
fn readable_by_others(file: &tempfile::NamedTempFile) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A result that only its owner can read is still a result.
        let _ = file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644));
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// The columns of a day with their texts; an empty text is no value.
pub fn columns(day: &Day) -> Vec<(&'static str, String)> {
    COLUMNS.into_iter().zip(row(day)).collect()
}

fn row(day: &Day) -> [String; COLUMNS.len()] {
    let text = |value: &Option<jiff::civil::Date>| value.map(|d| d.to_string()).unwrap_or_default();
    let run = day.low_run.as_ref();
    [
        day.date.to_string(),
        day.images.to_string(),
        plain(day.freight_cars),
        plain(day.low),
        plain(day.high),
        rounded(Some(day.coverage), 3),
        day.history.to_string(),
        rounded(day.expected, 1),
        plain(day.expected_low),
        plain(day.expected_high),
        rounded(day.ratio, 2),
        probability(day.p_high),
        probability(day.p_low),
        day.rank.map(|r| r.to_string()).unwrap_or_default(),
        day.verdict.name().into(),
        day.explanation.clone(),
        day.shift.as_ref().map(|s| s.text.clone()).unwrap_or_default(),
        day.site.clone(),
        day.provisional.to_string(),
        probability(day.p_plain),
        probability(day.p_high_at_low),
        probability(day.q_high),
        probability(day.q_low),
        day.rank_of.to_string(),
        text(&day.record_since),
        plain(day.previous_max),
        text(&day.previous_max_date),
        rounded(day.surge_probability, 3),
        rounded(day.trend_per_year, 3),
        day.mix.as_ref().map(|m| m.text.clone()).unwrap_or_default(),
        day.image.clone(),
        day.reason.clone(),
        probability(run.map(|run| run.p)),
        text(&run.map(|run| run.since)),
        run.map(|run| run.days.to_string()).unwrap_or_default(),
        plain(run.map(|run| run.most)),
    ]
}

fn plain(value: Option<f64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn rounded(value: Option<f64>, digits: usize) -> String {
    value.map(|v| format!("{v:.digits$}")).unwrap_or_default()
}

/// Three significant digits.
fn probability(value: Option<f64>) -> String {
    value
        .map(|p| {
            let places = if p > 0.0 { (2.0 - p.log10().floor()).clamp(2.0, 8.0) as usize } else { 2 };
            let text = format!("{p:.places$}");
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        })
        .unwrap_or_default()
}

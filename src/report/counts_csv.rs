//! `counts.csv`: one row per image.

use crate::count::Status;
use crate::series::store::Observation;

/// Columns of the file.
pub const COLUMNS: [&str; 12] = [
    "image",
    "site",
    "acquired",
    "freight_cars",
    "low",
    "high",
    "locomotives",
    "coaches",
    "coverage",
    "gsd_m",
    "status",
    "reason",
];

/// The file's bytes. An image in which nothing could be seen has no numbers: empty is not zero.
///
/// # Errors
/// When a row cannot be written; none as things are.
pub fn counts_csv(observations: &[Observation]) -> csv::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for o in observations {
        let count = o.count.as_ref();
        let seen = count.filter(|c| c.status != Status::Unusable);
        let number = |value: Option<u32>| value.map_or_else(String::new, |v| v.to_string());
        out.write_record([
            o.image.clone(),
            o.site.clone(),
            o.acquired.map_or_else(String::new, |time| time.to_string()),
            number(seen.map(|c| c.freight_cars)),
            number(seen.map(|c| c.low)),
            number(seen.map(|c| c.high)),
            number(seen.map(|c| c.locomotives)),
            number(seen.map(|c| c.coaches)),
            count.map_or_else(String::new, |c| format!("{}", c.coverage)),
            o.gsd_m.map_or_else(String::new, |gsd| format!("{}", (gsd * 1e5).round() / 1e5)),
            count.map_or(Status::Unusable, |c| c.status).name().to_owned(),
            count.map_or_else(|| o.failure.clone(), |c| c.reason.clone()),
        ])?;
    }
    out.into_inner().map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))
}

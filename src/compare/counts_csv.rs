//! Counts from any CSV: a date and a count are enough; everything else is used where it is there.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::observation::{CLASS_NAMES, DatedCount};
use crate::{Error, Result};

/// More cars than this is a mistake in the file.
const LARGEST: f64 = 1e9;

/// Rows whose trouble is told one by one; beyond, only their number is known.
const TOLD: usize = 100;

/// Days of all sites together that are compared in one run: about 4 GiB of memory.
const MOST_DAYS: usize = 3_000_000;

/// Which columns hold what. Unset ones are found by their usual names, upper or lower case.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Date or time.
    pub time: Option<String>,
    /// Number of cars.
    pub count: Option<String>,
    /// Name of the site.
    pub site: Option<String>,
    /// Lower end of the 95 % interval.
    pub low: Option<String>,
    /// Upper end of the 95 % interval.
    pub high: Option<String>,
    /// Visible share of the yard, 0 to 1.
    pub coverage: Option<String>,
    /// Name of the image.
    pub image: Option<String>,
    /// `ok`, `partial` or `unusable`.
    pub status: Option<String>,
    /// How dates are written, in the manner of `strptime` (`%d.%m.%Y`), where it is not as in `2023-10-05`.
    pub date_format: Option<String>,
}

/// What a file held.
#[derive(Debug, Default)]
pub struct CountsRead {
    /// The counts: of each site and UTC day the best one, which knows how many there were. Ordered by site, then by date.
    pub counts: Vec<DatedCount>,
    /// Rows in the file.
    pub rows: usize,
    /// Rows that could not be used.
    pub rejected: usize,
    /// What is wrong with the first hundred of them, each naming its line.
    pub troubles: Vec<String>,
}

/// Reads counts from a CSV file with a header; comma, semicolon or tab between the fields. Times without a zone are UTC. Of several
/// rows of one site and day only the best is kept in memory (most coverage, narrowest interval), so that length is no trouble.
///
/// # Errors
/// When the file cannot be read, is empty, has no header with a date and a count, or no single usable row.
pub fn read_counts(path: &Path, columns: &Columns) -> Result<CountsRead> {
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
    let mut input = BufReader::with_capacity(1 << 16, file);
    let start = input.fill_buf().map_err(|e| Error::io(path, e))?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let separator = separator(start);
    input.consume(mark);
    let mut reader = ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(input);
    let header = reader.byte_headers().map_err(|e| trouble(path, &e))?.clone();
    if header.iter().all(<[u8]>::is_empty) {
        return Err(Error::document(path, "the file is empty; a header with a date and a count column is expected"));
    }
    let layout = Layout::find(path, &header, columns, separator)?;
    let read = collect(path, &mut reader, &layout)?;
    if read.counts.is_empty() {
        let reason = read.troubles.first().map_or("it has a header but no rows".into(), |t| format!("no row can be used; {t}"));
        return Err(Error::document(path, reason));
    }
    Ok(read)
}

fn collect<R: Read>(path: &Path, reader: &mut csv::Reader<R>, layout: &Layout) -> Result<CountsRead> {
    let mut read = CountsRead::default();
    let mut sites: HashMap<String, usize> = HashMap::new();
    let mut best: BTreeMap<(usize, Date), DatedCount> = BTreeMap::new();
    let mut record = ByteRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(e) => return Err(trouble(path, &e)),
        }
        read.rows += 1;
        match layout.count(&record) {
            Ok(count) => {
                let site = match sites.get(&count.site) {
                    Some(site) => *site,
                    None => {
                        let site = sites.len();
                        sites.insert(count.site.clone(), site);
                        site
                    }
                };
                keep_best(&mut best, site, count);
            }
            Err(reason) => {
                read.rejected += 1;
                if read.troubles.len() < TOLD {
                    read.troubles.push(format!("line {line}: {reason}"));
                }
            }
        }
        if best.len() > MOST_DAYS {
            return Err(Error::document(path, too_many(sites.len())));
        }
    }
    read.counts = best.into_values().collect();
    read.counts.sort_by(|a, b| a.site.cmp(&b.site).then(a.time.cmp(&b.time)));
    Ok(read)
}

fn too_many(sites: usize) -> String {
    format!(
        "more than {MOST_DAYS} days of {sites} {} are too many for one run; compare the sites in several files, or name the column with \
         the yards with --site-column if they are not {sites}",
        if sites == 1 { "site" } else { "sites" }
    )
}

fn keep_best(days: &mut BTreeMap<(usize, Date), DatedCount>, site: usize, count: DatedCount) {
    use std::collections::btree_map::Entry;
    match days.entry((site, count.date())) {
        Entry::Vacant(entry) => {
            entry.insert(count);
        }
        Entry::Occupied(mut entry) => {
            let kept = entry.get_mut();
            let images = kept.images + count.images;
            // No table says what was corrected by hand, so the most coverage decides whatever the rules are.
            if count.better(kept, 0.0).is_lt() {
                *kept = count;
            }
            kept.images = images;
        }
    }
}

/// The most frequent of the usual separators in the first line.
fn separator(start: &[u8]) -> u8 {
    let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
    let number = |separator: u8| line.iter().filter(|b| **b == separator).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|s| (number(*s), *s == b',')).unwrap_or(b',')
}

fn trouble(path: &Path, error: &csv::Error) -> Error {
    let at = error.position().map(|p| format!(" at line {}", p.line())).unwrap_or_default();
    Error::document(path, format!("not readable as CSV{at}: {error}"))
}

/// Where the columns are.
struct Layout {
    time: usize,
    count: usize,
    site: Option<usize>,
    low: Option<usize>,
    high: Option<usize>,
    coverage: Option<usize>,
    image: Option<usize>,
    status: Option<usize>,
    reason: Option<usize>,
    classes: [Option<usize>; 5],
    date_format: Option<String>,
    /// Columns that the header names.
    named: usize,
    /// Whether a comma within a number may part its thousands: between semicolons, which are written for its sake, it is a decimal one.
    thousands: bool,
}

impl Layout {
    fn find(path: &Path, header: &ByteRecord, columns: &Columns, separator: u8) -> Result<Self> {
        let names: Vec<String> = header.iter().map(|h| String::from_utf8_lossy(h).trim().to_lowercase()).collect();
        let listed = || names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let position = |given: &Option<String>, usual: &[&str]| -> Result<Option<usize>> {
            match given {
                Some(name) => match names.iter().position(|n| *n == name.trim().to_lowercase()) {
                    Some(at) => Ok(Some(at)),
                    None => Err(Error::document(path, format!("there is no column `{name}`; the columns are {}", listed()))),
                },
                None => Ok(usual.iter().find_map(|u| names.iter().position(|n| n == u))),
            }
        };
        let needed = |found: Option<usize>, what: &str, flag: &str| {
            found.ok_or_else(|| {
                Error::document(path, format!("no column with {what} found among {}; name it with {flag}", listed()))
            })
        };
        let time = position(&columns.time, &["acquired", "datetime", "timestamp", "time", "date", "day", "acquisition_date"])?;
        let count = position(
            &columns.count,
            &["freight_cars", "count", "cars", "railcars", "freight cars", "wagons", "number", "n", "total"],
        )?;
        let mut classes = [None; 5];
        for (class, name) in classes.iter_mut().zip(CLASS_NAMES) {
            *class = position(&None, &[name])?;
        }
        Ok(Self {
            time: needed(time, "a date", "--time-column")?,
            count: needed(count, "a count", "--count-column")?,
            site: position(&columns.site, &["site", "yard", "location", "name"])?,
            low: position(&columns.low, &["low", "lower"])?,
            high: position(&columns.high, &["high", "upper"])?,
            coverage: position(&columns.coverage, &["coverage"])?,
            image: position(&columns.image, &["image", "scene", "file"])?,
            status: position(&columns.status, &["status"])?,
            reason: position(&None, &["reason"])?,
            classes,
            date_format: columns.date_format.clone(),
            named: header.len(),
            thousands: separator != b';',
        })
    }

    fn count(&self, record: &ByteRecord) -> Result<DatedCount, String> {
        let text = |at: Option<usize>| {
            at.and_then(|at| record.get(at)).map(String::from_utf8_lossy).map(|t| t.trim().to_string()).unwrap_or_default()
        };
        if record.iter().skip(self.named).any(|field| !field.trim_ascii().is_empty()) {
            return Err(format!(
                "{} fields where the header names {}: a decimal comma needs another separator, or quotes",
                record.len(),
                self.named
            ));
        }
        let when = text(Some(self.time));
        let time = parse_time(&when, self.date_format.as_deref())?;
        let mut count = DatedCount::new(text(self.site), time, 0.0);
        count.image = text(self.image);
        count.reason = text(self.reason);
        count.usable = !text(self.status).eq_ignore_ascii_case("unusable");
        let counted = |at: Option<usize>| {
            let text = text(at);
            if self.thousands && may_be_thousands(&text) {
                let plain = text.replace(',', "");
                return Err(format!("`{}` may be thousands or decimals; write {plain}, or a decimal point", shown(&text)));
            }
            number(&text)
        };
        let cars = counted(Some(self.count))?;
        match cars {
            Some(cars) if (0.0..=LARGEST).contains(&cars) => count.count = cars,
            Some(cars) => return Err(format!("{cars} is not a count of cars")),
            None if count.usable => (count.usable, count.reason) = (false, "no count given".into()),
            None => {}
        }
        (count.low, count.high) = (counted(self.low)?, counted(self.high)?);
        if let (Some(low), Some(high)) = (count.low, count.high)
            && (low > high || low < 0.0 || high > LARGEST)
        {
            return Err(format!("{low} to {high} is not an interval of counts"));
        }
        if let Some(reason) = cars.and_then(|cars| outside(cars, count.low, count.high)) {
            return Err(reason);
        }
        if let Some(coverage) = number(&text(self.coverage))? {
            if !(0.0..=1.0).contains(&coverage) {
                return Err(format!("coverage {coverage} is not between 0 and 1"));
            }
            count.coverage = coverage;
        }
        if self.classes.iter().any(Option::is_some) {
            let mut classes = [0; 5];
            for (cars, at) in classes.iter_mut().zip(self.classes) {
                let value = counted(at)?.unwrap_or(0.0);
                *cars = if (0.0..=LARGEST).contains(&value) { value.round() as u32 } else { 0 };
            }
            count.classes = Some(classes).filter(|c| c.iter().any(|n| *n > 0));
        }
        Ok(count)
    }
}

/// What is wrong with an interval that does not hold its count.
fn outside(cars: f64, low: Option<f64>, high: Option<f64>) -> Option<String> {
    let what = match (low.filter(|low| *low > cars), high.filter(|high| *high < cars)) {
        (Some(low), _) => format!("the interval begins at {low}, above the count {cars}"),
        (None, Some(high)) => format!("the interval ends at {high}, below the count {cars}"),
        (None, None) => return None,
    };
    Some(what + "; put it right, or leave low and high empty")
}

/// A number, with a decimal point or comma; none where the field is empty.
fn number(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse::<f64>().or_else(|_| text.replacen(',', ".", 1).parse::<f64>());
    match parsed {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        _ => Err(format!("`{}` is not a number", shown(text))),
    }
}

/// Whether the comma of a number may part its thousands: in `1,234`, but not in `12,5` or `0,950`.
fn may_be_thousands(text: &str) -> bool {
    let Some((first, rest)) = text.split_once(',') else { return false };
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let leading = matches!(first.len(), 1..=3) && digits(first) && !first.starts_with('0');
    leading && rest.split(',').all(|group| group.len() == 3 && digits(group))
}

/// A time: RFC 3339, a civil time (taken as UTC), or a date.
fn parse_time(text: &str, format: Option<&str>) -> Result<Timestamp, String> {
    if text.is_empty() {
        return Err("no date".into());
    }
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|e| e.to_string());
    if let Some(format) = format {
        let broken =
            jiff::fmt::strtime::parse(format, text).map_err(|e| format!("`{}` is not a date as {format}: {e}", shown(text)))?;
        return match (broken.to_timestamp(), broken.to_datetime(), broken.to_date()) {
            (Ok(time), _, _) => Ok(time),
            (_, Ok(time), _) => utc(time),
            (_, _, Ok(date)) => utc(date.at(0, 0, 0, 0)),
            (_, _, Err(e)) => Err(format!("`{}` is not a date as {format}: {e}", shown(text))),
        };
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if text.contains('[') {
        // The zone by its name; a civil time would be taken for UTC.
        return text.parse::<Zoned>().map(|zoned| zoned.timestamp()).map_err(|e| format!("`{}` is not a time: {e}", shown(text)));
    }
    let dashed = if text.get(4..5) == Some("/") { text.replace('/', "-") } else { text.to_string() };
    if let Ok(time) = dashed.parse::<DateTime>() {
        return utc(time);
    }
    let hint =
        if text.contains(['/', '.']) { "; if it is right, say how dates are written, as --date-format %d/%m/%Y" } else { "" };
    Err(format!("`{}` is not a date like 2023-10-05 or a time like 2023-10-05T02:03:31Z{hint}", shown(text)))
}

/// A field, short enough for a message.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { short + "..." } else { short }
}

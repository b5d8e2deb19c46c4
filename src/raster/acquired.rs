//! When an image was acquired, and how we know.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Serialize;

/// Which source told the time of acquisition. They are asked in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcquiredFrom {
    /// `properties.datetime` of the STAC item beside the image.
    Stac,
    /// The vendor's metadata file (Maxar IMD or XML, Airbus DIMAP, Planet JSON).
    Vendor,
    /// `TIFFTAG_DATETIME`, EXIF or GDAL metadata inside the file.
    File,
    /// A date in the file name.
    FileName,
    /// The option `--acquired`.
    Option,
}

impl AcquiredFrom {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stac => "STAC item",
            Self::Vendor => "vendor metadata",
            Self::File => "tag in the file",
            Self::FileName => "file name",
            Self::Option => "--acquired",
        }
    }
}

/// A time of acquisition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Acquired {
    /// UTC.
    pub time: Timestamp,
    /// Where it comes from.
    pub from: AcquiredFrom,
    /// Only the date is known; the time then stands at 00:00.
    pub date_only: bool,
}

impl Acquired {
    /// A civil time taken as UTC.
    pub(crate) fn utc(time: DateTime, from: AcquiredFrom, date_only: bool) -> Option<Self> {
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Self { time, from, date_only })
    }
}

/// A time of acquisition as people read it: to the minute, or only the date where no more is known.
pub fn in_words(time: Timestamp, date_only: bool) -> String {
    time.strftime(if date_only { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
}

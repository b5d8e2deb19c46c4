//! What the files beside an image, and the tags in it, say about how it was acquired.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::bands::Role;

/// Facts about an acquisition; what a source does not say is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// When it was acquired.
    pub acquired: Option<Timestamp>,
    /// Only the date of `acquired` is known.
    pub date_only: bool,
    /// Metres per pixel.
    pub gsd_m: Option<f64>,
    /// Sun's direction, degrees clockwise from north.
    pub sun_azimuth_deg: Option<f64>,
    /// Sun's height, degrees above the horizon.
    pub sun_elevation_deg: Option<f64>,
    /// Angle between the line of sight and the vertical, degrees.
    pub off_nadir_deg: Option<f64>,
    /// Share under cloud, 0 to 1.
    pub cloud_cover: Option<f64>,
    /// Satellite or sensor.
    pub sensor: Option<String>,
    /// What each band shows.
    pub bands: Option<Vec<Role>>,
}

impl Metadata {
    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets the time from a text, if it is one.
    pub(crate) fn set_time(&mut self, text: &str) {
        if let Some((time, date_only)) = parse_time(text) {
            self.acquired = Some(time);
            self.date_only = date_only;
        }
    }

    /// Takes from `other` what is not known yet.
    pub(crate) fn fill(&mut self, other: Self) {
        if self.acquired.is_none() {
            self.acquired = other.acquired;
            self.date_only = other.date_only;
        }
        self.gsd_m = self.gsd_m.or(other.gsd_m);
        // Azimuth and elevation belong together.
        if self.sun_azimuth_deg.is_none() || self.sun_elevation_deg.is_none() {
            self.sun_azimuth_deg = other.sun_azimuth_deg;
            self.sun_elevation_deg = other.sun_elevation_deg;
        }
        self.off_nadir_deg = self.off_nadir_deg.or(other.off_nadir_deg);
        self.cloud_cover = self.cloud_cover.or(other.cloud_cover);
        self.sensor = self.sensor.take().or(other.sensor);
        self.bands = self.bands.take().or(other.bands);
    }
}

/// A number, if the text is a finite one.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// A share from 0 to 1 out of a percentage; vendors write -999 for "not assessed".
pub(crate) fn share_of_percent(percent: f64) -> Option<f64> {
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// A time in RFC 3339, ISO 8601 without a zone (taken as UTC), or as TIFF and EXIF write it (`2023:10:05 01:58:01`).
/// The second value says that there was only a date.
pub(crate) fn parse_time(text: &str) -> Option<(Timestamp, bool)> {
    let text = text.trim().trim_matches(['"', '\'', '\0']).trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((time, false));
    }
    let mut text = text.to_owned();
    if text.get(4..5) == Some(":") && text.get(7..8) == Some(":") {
        text.replace_range(4..5, "-");
        text.replace_range(7..8, "-");
    }
    let date_only = text.len() <= 10;
    let time: DateTime = text.parse().ok()?;
    // Cameras and programs that have no clock write zeros, or the start of their epoch.
    if time.year() < 1960 || time.year() > 2099 {
        return None;
    }
    Some((time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(), date_only))
}

#[cfg(test)]
mod tests {
    use super::parse_time;

    #[test]
    fn times_are_read_in_the_notations_of_stac_tiff_and_vendors() {
        let cases = [
            ("2021-04-17T02:52:13.5Z", "2021-04-17T02:52:13.5Z", false),
            ("2021-04-17T11:52:13+09:00", "2021-04-17T02:52:13Z", false),
            ("2021-04-17T02:52:13", "2021-04-17T02:52:13Z", false),
            ("2021:04:17 02:52:13", "2021-04-17T02:52:13Z", false),
            ("2021-04-17", "2021-04-17T00:00:00Z", true),
        ];
        for (text, time, date_only) in cases {
            assert_eq!(
                parse_time(text).map(|(time, only)| (time.to_string(), only)),
                Some((time.to_owned(), date_only)),
                "{text}"
            );
        }
        for text in ["0000:00:00 00:00:00", "2021-13-01T00:00:00Z", "1900:01:01 00:00:00", "yesterday", "", "2021:é4:17"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}

//! The rules of comparing: every number in them is a setting of `site.toml` (`[alarm]`, `[history]`).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// All rules.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// When a day is flagged.
    pub alarm: AlarmRules,
    /// What a day is compared with.
    pub history: HistoryRules,
    /// Compare each day with all other days instead of only with the earlier ones.
    pub retrospective: bool,
}

/// When a day is flagged: the table `[alarm]` of `site.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmRules {
    /// A day is flagged when a count like this, or further out, has at most this probability.
    pub level: f64,
    /// A high day is `anomalous-high` only if its probability is at most this when no earlier day is taken for a surge;
    /// otherwise it is `high-recurrent`: similar days exist in the history.
    pub plain_level: f64,
    /// No drop-out is stated when less of the yard than this was seen, and no earlier day without a car taken for one of an empty yard.
    pub dropout_coverage: f64,
    /// A level shift or mix change is stated when the Bayes factor for it is above this.
    pub shift_bayes_factor: f64,
    /// A segment of a level shift or mix change has at least so many days.
    pub shift_min_days: usize,
}

impl Default for AlarmRules {
    fn default() -> Self {
        Self { level: 0.01, plain_level: 0.2, dropout_coverage: 0.8, shift_bayes_factor: 20.0, shift_min_days: 3 }
    }
}

/// What a day is compared with: the table `[history]` of `site.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryRules {
    /// How far back the history reaches, in years.
    pub lookback_years: f64,
    /// A day on which less of the yard than this was seen is unusable.
    pub min_coverage: f64,
    /// Days within so many days before the tested one are left out of its baseline: the same cars may still be standing.
    pub exclusion_days: u32,
    /// Under so many observations there is no probability, only rank and ratio.
    pub min_history: usize,
    /// Under so many observations the verdict is provisional.
    pub provisional_below: usize,
    /// Days that are never used as history (`["2023-10-05"]`); they still get their own verdict.
    pub exclude: Vec<Date>,
    /// Whether a trend is followed where it is plain.
    pub trend: bool,
    /// A trend needs so many observations.
    pub trend_min_history: usize,
    /// A trend needs a history of so many years.
    pub trend_min_years: f64,
    /// A trend needs a probability below this.
    pub trend_level: f64,
}

impl Default for HistoryRules {
    fn default() -> Self {
        Self {
            lookback_years: 5.0,
            min_coverage: 0.3,
            exclusion_days: 7,
            min_history: 5,
            provisional_below: 8,
            exclude: Vec::new(),
            trend: true,
            trend_min_history: 20,
            trend_min_years: 3.0,
            trend_level: 0.05,
        }
    }
}

impl Rules {
    /// Checks that the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the first setting that does not, and what it may be.
    pub fn check(&self) -> Result<()> {
        let share = |name: &str, value: f64| check(name, value, value > 0.0 && value < 1.0, "between 0 and 1");
        share("[alarm] level", self.alarm.level)?;
        share("[alarm] plain_level", self.alarm.plain_level)?;
        share("[history] trend_level", self.history.trend_level)?;
        let closed = |name: &str, value: f64| check(name, value, (0.0..=1.0).contains(&value), "from 0 to 1");
        closed("[alarm] dropout_coverage", self.alarm.dropout_coverage)?;
        closed("[history] min_coverage", self.history.min_coverage)?;
        let factor = self.alarm.shift_bayes_factor;
        check("[alarm] shift_bayes_factor", factor, factor >= 1.0, "at least 1")?;
        let days = self.alarm.shift_min_days;
        check("[alarm] shift_min_days", days as f64, days >= 2, "at least 2")?;
        let years = self.history.lookback_years;
        check("[history] lookback_years", years, years > 0.0 && years <= 1000.0, "above 0 and at most 1000")?;
        let years = self.history.trend_min_years;
        check("[history] trend_min_years", years, years >= 0.0, "0 or more")?;
        let count = self.history.trend_min_history;
        check("[history] trend_min_history", count as f64, count >= 3, "at least 3")?;
        let count = self.history.min_history;
        check("[history] min_history", count as f64, count >= 1, "at least 1")
    }
}

fn check(name: &str, value: f64, fine: bool, expected: &str) -> Result<()> {
    if fine && value.is_finite() { Ok(()) } else { Err(Error::Setting(format!("{name} = {value} must be {expected}"))) }
}

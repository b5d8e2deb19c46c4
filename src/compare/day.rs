//! The verdict on a day and everything it rests on.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Whether a day is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Like other days.
    Normal,
    /// More cars than the history explains.
    AnomalousHigh,
    /// More cars than on ordinary days, but similar days exist in the history.
    HighRecurrent,
    /// Fewer cars than the history explains.
    DropOut,
    /// Too few earlier observations.
    InsufficientHistory,
    /// The day's images cannot be used.
    Unusable,
}

impl Verdict {
    /// The name used in every output file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::AnomalousHigh => "anomalous-high",
            Self::HighRecurrent => "high-recurrent",
            Self::DropOut => "drop-out",
            Self::InsufficientHistory => "insufficient-history",
            Self::Unusable => "unusable",
        }
    }

    /// Whether a person should look at the day: `anomalous-high` and `drop-out`.
    pub fn is_anomalous(self) -> bool {
        matches!(self, Self::AnomalousHigh | Self::DropOut)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A change of the site's level that the days up to and including this one show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelShift {
    /// Last day at the old level.
    pub last_before: Date,
    /// First day at the new level.
    pub first_after: Date,
    /// Mean number of cars before, whole yard visible.
    pub mean_before: f64,
    /// Mean number of cars after, whole yard visible.
    pub mean_after: f64,
    /// Bayes factor: how many times better one shift explains the counts than none; a million at most.
    pub bayes_factor: f64,
    /// The change as a sentence.
    pub text: String,
}

/// A change of the mix of freight classes that the days up to and including this one show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixChange {
    /// Last day with the old mix.
    pub last_before: Date,
    /// First day with the new mix.
    pub first_after: Date,
    /// Share of each class ([`super::CLASS_NAMES`]) before.
    pub before: [f64; 5],
    /// Share of each class after.
    pub after: [f64; 5],
    /// Bayes factor: how many times better two mixes explain the classes than one; a million at most.
    pub bayes_factor: f64,
    /// The change as a sentence.
    pub text: String,
}

/// The low days in a row that end with a day, held against the days before them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LowRun {
    /// First day of the run.
    pub since: Date,
    /// Usable days from then on, this one included.
    pub days: usize,
    /// Cars on the fullest of them.
    pub most: f64,
    /// Probability of a run as low as this, times the number of runs looked at.
    pub p: f64,
}

/// A day compared with its history. Probabilities are floored at one in a million: no model of a yard is good beyond that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// The site; empty when there is only one.
    pub site: String,
    /// The UTC day.
    pub date: Date,
    /// Images of that day; one of them is used.
    pub images: usize,
    /// Name of the image used.
    pub image: String,
    /// Freight cars seen; none when the day is unusable.
    pub freight_cars: Option<f64>,
    /// Lower end of the count's 95 % interval.
    pub low: Option<f64>,
    /// Upper end of the count's 95 % interval.
    pub high: Option<f64>,
    /// Visible share of the yard.
    pub coverage: f64,
    /// Number of days in the baseline.
    pub history: usize,
    /// First day of the baseline.
    pub history_since: Option<Date>,
    /// Expected number of cars at this coverage (mean of the predictive distribution).
    pub expected: Option<f64>,
    /// Lower end of the 95 % predictive interval.
    pub expected_low: Option<f64>,
    /// Upper end of the 95 % predictive interval.
    pub expected_high: Option<f64>,
    /// Count over expected.
    pub ratio: Option<f64>,
    /// Probability of at least so many cars on a day like the earlier ones.
    pub p_high: Option<f64>,
    /// Probability of at most so many cars on a day like the earlier ones.
    pub p_low: Option<f64>,
    /// The run of low days that this one belongs to, where the day before was low too.
    pub low_run: Option<LowRun>,
    /// `p_high` when no earlier day is taken for a surge.
    pub p_plain: Option<f64>,
    /// `p_high` of the count less 1.645 standard deviations of its error: does the verdict survive a count at its low end?
    pub p_high_at_low: Option<f64>,
    /// Benjamini-Hochberg adjusted `p_high` over all days and sites compared together.
    pub q_high: Option<f64>,
    /// Benjamini-Hochberg adjusted `p_low` (or that of the run, if it is less) over all days and sites compared together.
    pub q_low: Option<f64>,
    /// 1 for the highest count of the record, 2 for the second ...
    pub rank: Option<usize>,
    /// Days in the record, this one included.
    pub rank_of: usize,
    /// Days that are not in the record because the settings exclude them.
    pub record_excluded: usize,
    /// First day of the record.
    pub record_since: Option<Date>,
    /// Highest other count of the record: of an earlier day, in retrospect of any other.
    pub previous_max: Option<f64>,
    /// When that was.
    pub previous_max_date: Option<Date>,
    /// Earlier days that were themselves surges with a probability above one half: they hardly count as baseline.
    pub surges: Vec<Date>,
    /// Probability that this day was itself a surge, in the light of all days of the site, later ones included.
    pub surge_probability: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// The history is so short that the verdict may change.
    pub provisional: bool,
    /// A level shift in the days up to and including this one.
    pub shift: Option<LevelShift>,
    /// A change of the class mix in the days up to and including this one.
    pub mix: Option<MixChange>,
    /// Yearly change of the level where a trend was followed: 1.2 is 20 % more each year.
    pub trend_per_year: Option<f64>,
    /// The verdict as a sentence that can be quoted.
    pub explanation: String,
    /// What the image's own count said of itself.
    pub reason: String,
    /// For the adjustment over many days: `p_high`, and the lesser of `p_low` and that of the run; but for the run's before the floor.
    #[serde(skip)]
    pub(super) exact: Option<(f64, f64)>,
}

//! History and observation to verdict.
//!
//! [`compare_site`] gives every day of a site a [`Verdict`] with its probability and a sentence that explains it; the model is
//! described in [`model`], the rules and their numbers in [`Rules`].

mod adjust;
mod baseline;
mod counts_csv;
mod day;
mod days_csv;
mod explain;
mod findings;
pub mod likelihood;
pub mod loglinear;
mod low_run;
mod mix;
pub mod model;
pub mod negbin;
mod observation;
pub mod posterior;
pub mod predictive;
mod record;
mod rules;
mod scale;
mod segment;
pub mod shift;
mod site;
mod strings;
mod trend;
mod vector;

pub use adjust::benjamini_hochberg;
pub use counts_csv::{Columns, CountsRead, read_counts};
pub use day::{Day, LevelShift, LowRun, MixChange, Verdict};
pub use days_csv::{columns as day_columns, write_days};
pub use findings::{current_shift, flagged, none_flagged};
pub use likelihood::{Likelihoods, Seen};
pub use model::Model;
pub use observation::{CLASS_NAMES, DatedCount, one_per_day};
pub use posterior::Posterior;
pub use predictive::{Predictive, Tails};
pub use record::{Record, record};
pub use rules::{AlarmRules, HistoryRules, Rules};
pub use site::{compare_site, compare_sites};

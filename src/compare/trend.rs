//! A trend of the level, followed only where it is plain: Noufaily's conditions (2013).

use super::baseline::{DAYS_PER_YEAR, Usable};
use super::loglinear::LogLinear;
use super::rules::HistoryRules;

/// Anscombe residuals above this weigh less in the fit (Noufaily 2013).
const OUTLYING: f64 = 2.58;

/// A trend must be there without the last days that have cars, so many of them: what only they show is a change of level, and a trend
/// that follows it hides it. As many as a run of low days is remembered for (`low_run`).
const RECENT: usize = 6;

/// A trend that is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trend {
    /// Change of the logarithm of the level per day.
    slope: f64,
    /// The day tested.
    day: i64,
}

impl Trend {
    /// Level on a day over the level on the tested day: a factor of that day's exposure, which brings its count to today's level.
    pub fn factor(&self, day: i64) -> f64 {
        (self.slope * (day - self.day) as f64).exp()
    }

    /// Level after a year over the level before.
    pub fn per_year(&self) -> f64 {
        (self.slope * DAYS_PER_YEAR).exp()
    }
}

/// The trend of a baseline, if the history is long and full enough, the trend is significant with and without the last days, and it
/// predicts no more than was ever seen (nor, falling, less).
///
/// Days without a car say nothing of it: an empty yard is a state of its own, not a level.
pub(super) fn trend(baseline: &[Usable<'_>], day: i64, rules: &HistoryRules) -> Option<Trend> {
    let (first, last) = (baseline.first()?, baseline.last()?);
    let span = (last.day - first.day) as f64 / DAYS_PER_YEAR;
    if !rules.trend || baseline.len() < rules.trend_min_history || span < rules.trend_min_years {
        return None;
    }
    let rates = || baseline.iter().map(|u| u.count.count / u.count.coverage);
    let (least, most) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    let occupied: Vec<&Usable<'_>> = baseline.iter().filter(|u| u.count.count > 0.0).collect();
    let earlier = &occupied[..occupied.len().saturating_sub(RECENT)];
    let plain = |fit: &LogLinear| fit.slope_probability() < rules.trend_level;
    let fit = fit(&occupied, day).filter(plain)?;
    let before = self::fit(earlier, day).filter(plain)?;
    let predicted = fit.ln_mean(0.0).exp();
    let followed = fit.slope.signum() == before.slope.signum() && (least..=most).contains(&predicted);
    followed.then_some(Trend { slope: fit.slope / DAYS_PER_YEAR, day })
}

/// Level and yearly slope of some days; time is in years, and zero on the tested day.
fn fit(days: &[&Usable<'_>], day: i64) -> Option<LogLinear> {
    let counts: Vec<f64> = days.iter().map(|u| u.count.count).collect();
    let exposures: Vec<f64> = days.iter().map(|u| u.count.coverage).collect();
    let times: Vec<f64> = days.iter().map(|u| (u.day - day) as f64 / DAYS_PER_YEAR).collect();
    LogLinear::fit_reweighted(&counts, &exposures, Some(&times), OUTLYING).map(|(fit, _)| fit)
}

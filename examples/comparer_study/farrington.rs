//! Farrington flexible (Noufaily et al. 2013), the rule of many health authorities, for irregular days and with exposure: a
//! quasi-Poisson fit with earlier outbreaks weighted down, and an upper bound by one of three methods. Written from the papers.

use yardwatch::compare::loglinear::LogLinear;
use yardwatch::compare::negbin;

/// How the bound follows from the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Normal on the 2/3 power scale, with the fit's error.
    Delta,
    /// Negative-binomial quantile at the fitted mean.
    Plugin,
    /// Negative-binomial quantile at the upper end of the fitted mean.
    Muan,
}

/// A fit from which bounds follow.
pub struct Farrington {
    pub phi: f64,
    pub ln_mean: f64,
    pub error: f64,
}

impl Farrington {
    /// Fits a history; `time` and `exposure` are those of the day to be tested.
    pub fn fit(
        counts: &[f64],
        exposures: &[f64],
        times: Option<&[f64]>,
        reweight: bool,
        time: f64,
        exposure: f64,
    ) -> Option<Self> {
        let fit = if reweight {
            LogLinear::fit_reweighted(counts, exposures, times, 2.58)?.0
        } else {
            LogLinear::fit(counts, exposures, times, &vec![1.0; counts.len()])?
        };
        let ln_mean = fit.ln_mean(time) + exposure.ln();
        Some(Self { phi: fit.dispersion.max(1.0), ln_mean, error: fit.standard_error(time) })
    }

    /// Upper bound that an ordinary count exceeds with probability `1 - Phi(z)`, `alpha` the same probability.
    pub fn upper(&self, bound: Bound, alpha: f64, z: f64) -> f64 {
        let mean = self.ln_mean.exp();
        match bound {
            Bound::Delta => {
                let tau = self.phi + (self.error * mean).powi(2) / mean;
                let error = (4.0 / 9.0 * mean.powf(1.0 / 3.0) * tau).sqrt();
                (mean.powf(2.0 / 3.0) + z * error).max(0.0).powf(1.5)
            }
            Bound::Plugin => self.quantile(alpha, mean),
            Bound::Muan => self.quantile(alpha, (self.ln_mean + z * self.error).exp()),
        }
    }

    fn quantile(&self, alpha: f64, mean: f64) -> f64 {
        // Without overdispersion the size is so large that the negative binomial is Poisson.
        let size = if self.phi > 1.0 { mean / (self.phi - 1.0) } else { mean * 1e9 };
        negbin::quantile(1.0 - alpha, mean, size) as f64
    }
}

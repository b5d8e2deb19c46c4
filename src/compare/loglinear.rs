//! A log-linear quasi-Poisson fit with exposure: level, and trend where one is asked for.

/// A fitted line `ln(mean / exposure) = intercept + slope * time`.
#[derive(Debug, Clone)]
pub struct LogLinear {
    /// At time zero.
    pub intercept: f64,
    /// Per unit of time; zero without trend.
    pub slope: f64,
    /// Fitted mean of each count.
    pub fitted: Vec<f64>,
    /// Leverage of each count.
    pub leverage: Vec<f64>,
    /// Weighted Pearson statistic per degree of freedom.
    pub dispersion: f64,
    /// Counts less parameters.
    pub freedom: usize,
    /// Inverse of the weighted cross products of (1, time), row by row.
    covariance: [f64; 3],
}

impl LogLinear {
    /// Fits counts by iterated weighted least squares; none where the fit does not settle (all counts zero, all times equal, too few).
    ///
    /// `times` is `None` for a level only. All slices are of the same length.
    pub fn fit(counts: &[f64], exposures: &[f64], times: Option<&[f64]>, weights: &[f64]) -> Option<Self> {
        let parameters = if times.is_some() { 2 } else { 1 };
        let total: f64 = counts.iter().zip(weights).map(|(y, w)| y * w).sum();
        if counts.len() <= parameters || total <= 0.0 {
            return None;
        }
        let time = |i: usize| times.map_or(0.0, |t| t[i]);
        let mut fitted: Vec<f64> = counts.iter().map(|y| y + 0.1).collect();
        let (mut line, mut covariance) = ([0.0; 2], [0.0; 3]);
        for round in 0..200 {
            let (mut s, mut r) = ([0.0; 3], [0.0; 2]);
            for (i, &mean) in fitted.iter().enumerate() {
                let w = weights[i] * mean;
                let working = (mean / exposures[i]).ln() + (counts[i] - mean) / mean;
                s = [s[0] + w, s[1] + w * time(i), s[2] + w * time(i) * time(i)];
                r = [r[0] + w * working, r[1] + w * time(i) * working];
            }
            covariance = if times.is_some() {
                let determinant = s[0] * s[2] - s[1] * s[1];
                if determinant <= 1e-12 * s[0] * s[2] {
                    return None;
                }
                [s[2] / determinant, -s[1] / determinant, s[0] / determinant]
            } else {
                [1.0 / s[0], 0.0, 0.0]
            };
            let new = [covariance[0] * r[0] + covariance[1] * r[1], covariance[1] * r[0] + covariance[2] * r[1]];
            let moved = (new[0] - line[0]).abs() + (new[1] - line[1]).abs();
            line = new;
            for (i, mean) in fitted.iter_mut().enumerate() {
                *mean = exposures[i] * (line[0] + line[1] * time(i)).exp();
            }
            if fitted.iter().any(|m| !m.is_finite() || *m <= 0.0) {
                return None;
            }
            if moved < 1e-12 * (1.0 + line[0].abs() + line[1].abs()) {
                break;
            }
            if round == 199 {
                return None;
            }
        }
        let freedom = counts.len() - parameters;
        let pearson: f64 = counts.iter().zip(&fitted).zip(weights).map(|((y, m), w)| w * (y - m).powi(2) / m).sum();
        let variance = |t: f64| covariance[0] + 2.0 * covariance[1] * t + covariance[2] * t * t;
        let leverage = fitted.iter().enumerate().map(|(i, m)| weights[i] * m * variance(time(i))).collect();
        let dispersion = pearson / freedom as f64;
        Some(Self { intercept: line[0], slope: line[1], fitted, leverage, dispersion, freedom, covariance })
    }

    /// Fits, gives less weight to counts that lie far above the line (Anscombe residual above `threshold`, weight by its inverse
    /// square: Farrington 1996, Noufaily 2013), and fits again. Returns the second fit and its weights.
    pub fn fit_reweighted(counts: &[f64], exposures: &[f64], times: Option<&[f64]>, threshold: f64) -> Option<(Self, Vec<f64>)> {
        let first = Self::fit(counts, exposures, times, &vec![1.0; counts.len()])?;
        let scale = first.dispersion.max(1.0);
        let residuals = counts
            .iter()
            .zip(first.fitted.iter().zip(&first.leverage))
            .map(|(y, (m, h))| 1.5 * (y.powf(2.0 / 3.0) - m.powf(2.0 / 3.0)) / (m.powf(1.0 / 6.0) * (scale * (1.0 - h)).sqrt()));
        let raw: Vec<f64> = residuals.map(|s| if s > threshold { 1.0 / (s * s) } else { 1.0 }).collect();
        let gamma = raw.len() as f64 / raw.iter().sum::<f64>();
        let weights: Vec<f64> = raw.into_iter().map(|w| w * gamma).collect();
        Some((Self::fit(counts, exposures, times, &weights)?, weights))
    }

    /// `ln(mean)` at a time, for an exposure of one.
    pub fn ln_mean(&self, time: f64) -> f64 {
        self.intercept + self.slope * time
    }

    /// Standard error of [`Self::ln_mean`].
    pub fn standard_error(&self, time: f64) -> f64 {
        let [a, b, c] = self.covariance;
        (self.dispersion * (a + 2.0 * b * time + c * time * time)).sqrt()
    }

    /// Two-sided probability of a slope like this without any trend (t test).
    pub fn slope_probability(&self) -> f64 {
        let error = (self.dispersion * self.covariance[2]).sqrt();
        if error > 0.0 { two_sided_t(self.slope / error, self.freedom as f64) } else { 1.0 }
    }
}

/// `P(|T| >= |t|)` with so many degrees of freedom: an incomplete beta function.
pub fn two_sided_t(t: f64, freedom: f64) -> f64 {
    let x = freedom / (freedom + t * t);
    let (a, b) = (freedom / 2.0, 0.5);
    let ln_front = |a: f64, b: f64, x: f64| {
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (1.0 - x).ln() - a.ln()
    };
    if x <= 0.0 {
        0.0
    } else if x >= 1.0 {
        1.0
    } else if x < (a + 1.0) / (a + b + 2.0) {
        ln_front(a, b, x).exp() * super::negbin::beta_fraction(a, b, x)
    } else {
        1.0 - ln_front(b, a, 1.0 - x).exp() * super::negbin::beta_fraction(b, a, 1.0 - x)
    }
}

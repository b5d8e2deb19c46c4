//! The negative binomial: log probabilities and tails that stay right far out.
//!
//! `NB(m, k)` has mean `m` and variance `m + m^2 / k`. The small tail is always computed as itself, in log space, never as one
//! minus the other (where all digits are lost); only the log gamma function is needed.

/// `ln P(Y = y)`.
pub fn ln_pmf(y: f64, mean: f64, size: f64) -> f64 {
    ln_pmf_from(ln_coefficient(y, size), y, mean, size)
}

/// `ln [ gamma(y + k) / (gamma(k) y!) ]`: what does not depend on the mean.
pub(super) fn ln_coefficient(y: f64, size: f64) -> f64 {
    if y == 0.0 { 0.0 } else { libm::lgamma(y + size) - libm::lgamma(size) - libm::lgamma(y + 1.0) }
}

/// `ln P(Y = y)` with the coefficient at hand.
pub(super) fn ln_pmf_from(ln_coefficient: f64, y: f64, mean: f64, size: f64) -> f64 {
    // ln(k / (k + m)) as -ln(1 + m / k) keeps its digits when k is large.
    let ln_empty = -size * (mean / size).ln_1p();
    if y == 0.0 { ln_empty } else { ln_coefficient + ln_empty - y * (size / mean).ln_1p() }
}

/// `ln P(Y >= y)`.
pub fn ln_upper(y: u64, mean: f64, size: f64) -> f64 {
    if y == 0 {
        return 0.0;
    }
    if (y as f64) > mean {
        ln_pmf(y as f64, mean, size) + upper_sum(y as f64, mean, size).ln()
    } else {
        // The lower tail is the small one.
        (-ln_lower(y - 1, mean, size).exp()).ln_1p()
    }
}

/// `ln P(Y <= y)`.
pub fn ln_lower(y: u64, mean: f64, size: f64) -> f64 {
    if (y as f64) < mean {
        ln_pmf(y as f64, mean, size) + lower_sum(y as f64, mean, size).ln()
    } else {
        let next = y as f64 + 1.0;
        (-(ln_pmf(next, mean, size) + upper_sum(next, mean, size).ln()).exp()).ln_1p()
    }
}

/// Smallest `y` with `P(Y <= y) >= p`; `p` below 1.
pub fn quantile(p: f64, mean: f64, size: f64) -> u64 {
    // A hair of slack, as in R, so that a probability computed elsewhere from this very cdf finds its own quantile.
    let target = (p * (1.0 - 64.0 * f64::EPSILON)).ln();
    let mut above = 1;
    while ln_lower(above, mean, size) < target && above < 1 << 50 {
        above *= 2;
    }
    let mut below = 0;
    while below < above {
        let middle = below + (above - below) / 2;
        if ln_lower(middle, mean, size) >= target {
            above = middle;
        } else {
            below = middle + 1;
        }
    }
    above
}

/// `P(Y >= y) / P(Y = y)` for `y` above the mean: the sum of the tail's terms in units of its first. It is the continued fraction of
/// the incomplete beta function, which gives the whole sum in some tens of steps where the terms themselves fall slowly.
pub(super) fn upper_sum(y: f64, mean: f64, size: f64) -> f64 {
    beta_fraction(y, size, mean / (size + mean))
}

/// `P(Y <= y) / P(Y = y)` for `y` below the mean.
fn lower_sum(y: f64, mean: f64, size: f64) -> f64 {
    let step = mean / (size + mean);
    step * (size + y) / size * beta_fraction(size, y + 1.0, size / (size + mean))
}

/// The continued fraction of the incomplete beta function (modified Lentz), for `x` below its mean `a / (a + b)`, where it converges
/// quickly. DLMF 8.17.22.
pub(super) fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // The number of steps grows with the square root of the parameters; the bound only guards against parameters that are not numbers.
    for i in 1..100_000 {
        let m = f64::from(i);
        for numerator in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 4.0 * f64::EPSILON {
            break;
        }
    }
    fraction
}

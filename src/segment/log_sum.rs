//! Sums of numbers that are given as their logarithms, over the largest of them.

/// A logarithm that is smaller by this adds nothing to a sum that a score could tell from it: exp(-40) is 4e-18.
pub const NOTHING_MORE: f64 = 40.0;

/// Logarithm of a sum of terms given as logarithms.
pub fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.filter(|term| *term > top - NOTHING_MORE).map(|term| (term - top).exp()).sum::<f64>().ln()
}

/// The same of two terms.
pub fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low <= high - NOTHING_MORE { high } else { high + (low - high).exp().ln_1p() }
}

//! Sums of numbers that are given as their logarithms, over the largest of them.

/// A logarithm that is smaller by this adds nothing to a sum that a score could tell from it: exp(-40) is 4e-18.
pub const NOTHING_MORE: f64 = 40.0;

/// Terms given as logarithms, in memory that serves one sum after the other.
#[derive(Default)]
pub struct Terms(Vec<f64>);

impl Terms {
    /// Takes these in place of the last ones.
    pub fn set(&mut self, terms: impl Iterator<Item = f64>) -> &Self {
        self.0.clear();
        self.0.extend(terms);
        self
    }

    /// The largest.
    fn top(&self) -> f64 {
        let higher = |top: f64, term: f64| if term > top { term } else { top };
        // Four at a time, as each comparison else waits for the last one.
        let mut tops = [f64::NEG_INFINITY; 4];
        for terms in self.0.chunks(4) {
            tops.iter_mut().zip(terms).for_each(|(top, &term)| *top = higher(*top, term));
        }
        tops.into_iter().fold(f64::NEG_INFINITY, higher)
    }

    /// The largest and the number of the first of them that is as large; none where nothing is possible.
    pub fn best(&self) -> Option<(f64, usize)> {
        let top = self.top();
        let number = self.0.iter().position(|&term| term == top)?;
        (top > f64::NEG_INFINITY).then_some((top, number))
    }

    /// Logarithm of their sum.
    pub fn log_sum(&self) -> f64 {
        let top = self.top();
        if top == f64::NEG_INFINITY {
            return top;
        }
        let terms = self.0.iter().filter(|term| **term > top - NOTHING_MORE);
        top + terms.map(|term| (term - top).exp()).sum::<f64>().ln()
    }
}

/// The logarithm of the sum of two terms.
pub fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low <= high - NOTHING_MORE { high } else { high + (low - high).exp().ln_1p() }
}

//! What the history lets expect of a day: the posterior predictive distribution of its count, its tails and its interval.

use super::negbin::{ln_pmf, ln_upper, upper_sum};
use super::posterior::{Part, Posterior};
use super::strings;
use super::vector::widest;

/// Steps of the count's error on each side of zero at most; wider errors are taken in wider steps.
const ERROR_STEPS: f64 = 64.0;

/// Counts beyond this are not tabled.
const LONGEST: usize = 1 << 17;

/// Standard deviations of the count's error that are looked at.
const ERROR_REACH: f64 = 5.0;

/// A predictive distribution of one day's count.
#[derive(Debug)]
pub struct Predictive {
    /// Negative binomials of the count as it is seen, with their weights.
    parts: Vec<Part>,
    /// Probability of the empty-yard state, full and plain.
    empty: [f64; 2],
    /// `P(Y = y)`, full and plain, from 0 up to where the interval ends.
    body: Vec<[f64; 2]>,
    /// Cumulative sums of the body, from 0 up: `P(Y <= y)`.
    cumulative: Vec<[f64; 2]>,
    /// The same from beyond the body down: `P(Y >= y)`.
    upper: Vec<[f64; 2]>,
    error: Vec<(f64, f64)>,
    error_sd: f64,
}

/// Tail probabilities of a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// `P(Y >= y)`.
    pub high: f64,
    /// `P(Y <= y)`.
    pub low: f64,
    /// `P(Y >= y)` when no earlier day was a surge.
    pub plain: f64,
}

impl Predictive {
    /// The distribution of a count at visible share `exposure` of cars that are hidden or seen one by one, counted with an error of
    /// standard deviation `error_sd` (cars).
    pub fn new(posterior: &Posterior, exposure: f64, error_sd: f64) -> Self {
        let parts = posterior.parts.iter().map(|part| Part { level: part.level * exposure, ..*part });
        Self::of_parts(posterior, parts.collect(), error_sd)
    }

    /// The same of cars that stand in strings, at a visible share from 0 to 1: at the same mean, more or fewer of them are seen than one by one.
    pub fn of_strings(posterior: &Posterior, coverage: f64, error_sd: f64) -> Self {
        let hidden = strings::hidden(coverage);
        if hidden == 0.0 {
            return Self::new(posterior, coverage, error_sd);
        }
        // Those of which more was seen first: the terms of alike parts are worked on side by side.
        let parts = [0, 1].into_iter().flat_map(|which| {
            posterior.parts.iter().map(move |part| {
                let (times, weight) = strings::shares(hidden, part.level)[which];
                let level = part.level * coverage * times;
                Part { level, size: part.size, full: part.full * weight, plain: part.plain * weight }
            })
        });
        Self::of_parts(posterior, parts.collect(), error_sd)
    }

    fn of_parts(posterior: &Posterior, parts: Vec<Part>, error_sd: f64) -> Self {
        let mut predictive = Self {
            parts,
            empty: [posterior.empty_full, posterior.empty_plain],
            body: Vec::new(),
            cumulative: Vec::new(),
            upper: Vec::new(),
            error: error_weights(error_sd),
            error_sd,
        };
        let mut length = (3.0 * predictive.expected()).min(LONGEST as f64) as usize + 32;
        // Doubled until the upper end of the 95 % interval is inside.
        loop {
            predictive.fill(length);
            if predictive.cumulative.last().is_none_or(|c| c[0] > 0.985) || length > LONGEST {
                return predictive;
            }
            length *= 2;
        }
    }

    /// Mean.
    pub fn expected(&self) -> f64 {
        self.parts.iter().map(|c| c.full * c.level).sum()
    }

    /// Tail probabilities of a whole count.
    pub fn tails(&self, count: f64) -> Tails {
        // A count may be beyond the body; then both ends of what its error reaches are computed from there.
        self.tails_with(count, &self.error)
    }

    /// The same with another standard deviation of the count's error.
    pub fn tails_with_error(&self, count: f64, error_sd: f64) -> Tails {
        self.tails_with(count, &error_weights(error_sd))
    }

    /// The same as if the count were free of error.
    pub fn tails_without_error(&self, count: f64) -> Tails {
        self.tails_with(count, &[(0.0, 1.0)])
    }

    fn tails_with(&self, count: f64, errors: &[(f64, f64)]) -> Tails {
        let mut tails = Tails { high: 0.0, low: 0.0, plain: 0.0 };
        let reach = errors.last().map_or(0.0, |e| e.0);
        let stride = errors.get(1).map_or(1.0, |b| b.0 - errors[0].0);
        let window = if count + reach + 1.0 < self.upper.len() as f64 {
            Window { top: self.upper.len() as f64 - 1.0, stride: 1.0, upper: std::borrow::Cow::Borrowed(&self.upper) }
        } else {
            self.window((count - reach).max(0.0), count + reach, stride)
        };
        for &(error, weight) in errors {
            let true_count = count - error;
            let upper = window.upper(true_count);
            tails.high += weight * upper[0];
            tails.plain += weight * upper[1];
            tails.low += weight * self.lower(true_count, &window);
        }
        Tails { high: tails.high.min(1.0), low: tails.low.min(1.0), plain: tails.plain.min(1.0) }
    }

    /// Smallest count `y` with `P(Y <= y) >= p`, `p` up to 0.975.
    pub fn quantile(&self, p: f64) -> f64 {
        let at_most = |y: f64| -> f64 { self.error.iter().map(|(e, w)| w * self.body_lower(y - e)).sum() };
        let reach = self.error.last().map_or(0.0, |e| e.0);
        let (mut below, mut above) = (-1.0, self.body.len() as f64 + reach);
        while above - below > 1.0 {
            let middle = ((below + above) / 2.0).floor();
            if middle <= below || middle >= above {
                break;
            }
            if at_most(middle) >= p { above = middle } else { below = middle }
        }
        above
    }

    /// `P(Y <= y)` without error, from the body only.
    fn body_lower(&self, y: f64) -> f64 {
        if y < 0.0 {
            0.0
        } else {
            let last = self.cumulative.last().map_or(0.0, |c| c[0]);
            self.cumulative.get(y as usize).map_or(last, |c| c[0])
        }
    }

    fn lower(&self, y: f64, window: &Window<'_>) -> f64 {
        if y < 0.0 {
            0.0
        } else if let Some(sum) = self.cumulative.get(y as usize) {
            sum[0]
        } else {
            (1.0 - window.upper(y + 1.0)[0]).max(0.0)
        }
    }

    /// Fills the body up to `length`.
    fn fill(&mut self, length: usize) {
        self.body = vec![[0.0; 2]; length];
        let mut beyond = [0.0; 2];
        let inverse: Vec<f64> = (0..length).map(|y| 1.0 / (y as f64 + 1.0)).collect();
        for parts in self.parts.chunks(LANES) {
            let mut waiting = parts.to_vec();
            while !waiting.is_empty() {
                let (mut lanes, parts) = Lanes::of_some(&mut waiting);
                fill(&mut lanes, &mut self.body, &inverse);
                for (part, tail) in parts.iter().zip(lanes.tails(&parts)) {
                    beyond = [beyond[0] + part.full * tail, beyond[1] + part.plain * tail];
                }
            }
        }
        self.body[0] = [self.body[0][0] + self.empty[0], self.body[0][1] + self.empty[1]];
        // Summed upwards, the far end first: what is above a count is never one minus what is below.
        self.upper = vec![beyond; length + 1];
        for (i, p) in self.body.iter().rev().enumerate() {
            beyond = [beyond[0] + p[0], beyond[1] + p[1]];
            self.upper[i + 1] = beyond;
        }
        let mut sum = [0.0; 2];
        self.cumulative = self
            .body
            .iter()
            .map(|p| {
                sum = [sum[0] + p[0], sum[1] + p[1]];
                sum
            })
            .collect();
    }

    /// Upper tails at whole counts from `first` to `last`.
    fn window(&self, first: f64, last: f64, stride: f64) -> Window<'static> {
        let nodes = ((last - first) / stride).ceil() as usize + 2;
        // upper[i] is P(Y >= last + stride - i * stride), summed upwards: the far tail first, then term by term towards `first`.
        let top = last + stride;
        let mut upper = vec![[0.0; 2]; nodes];
        for part in &self.parts {
            let (mean, size) = (part.level, part.size);
            let step = mean / (size + mean);
            let mut y = top;
            let mut p = ln_pmf(y, mean, size).exp();
            let mut tail = if y > mean { p * upper_sum(y, mean, size) } else { ln_upper(y as u64, mean, size).exp() };
            for value in &mut upper {
                value[0] += part.full * tail;
                value[1] += part.plain * tail;
                let next = (y - stride).max(0.0);
                if stride == 1.0 && y > 0.0 {
                    if p > 1e-290 {
                        p *= y / ((y - 1.0 + size) * step);
                    } else {
                        p = ln_pmf(y - 1.0, mean, size).exp();
                    }
                    tail += p;
                } else if y > next {
                    tail = ln_upper(next as u64, mean, size).exp();
                }
                y = next;
            }
        }
        Window { top, stride, upper: std::borrow::Cow::Owned(upper) }
    }

    /// Standard deviation of the count's error, cars.
    pub fn error_sd(&self) -> f64 {
        self.error_sd
    }
}

/// Parts of the distribution that are worked on side by side: the terms of one follow from each other, those of several do not.
const LANES: usize = 8;

/// A probability that no sum feels any more.
const NOTHING: f64 = 1e-24;

/// Terms added one by one to a tail, at most; a longer tail is computed as a whole.
const TAIL_TERMS: f64 = 1500.0;

/// Terms of some negative binomials at one count after the other.
struct Lanes {
    /// The count.
    y: usize,
    /// Their probabilities of it.
    p: [f64; LANES],
    size: [f64; LANES],
    step: [f64; LANES],
    full: [f64; LANES],
    plain: [f64; LANES],
    /// Beyond this all terms fall.
    highest_mean: f64,
}

impl Lanes {
    /// Of some parts those that can begin together, at the count where the first of them begins to matter. The others are left
    /// waiting: their probabilities there are too small for a number.
    fn of_some(waiting: &mut Vec<Part>) -> (Self, Vec<Part>) {
        // Twelve standard deviations below the mean nothing is left.
        let start = |part: &Part| {
            let (mean, size) = (part.level, part.size);
            (mean - 12.0 * (mean + mean * mean / size).sqrt()).floor().max(0.0)
        };
        let first = waiting.iter().map(start).fold(f64::INFINITY, f64::min);
        let begins = |part: &Part| start(part) <= first || ln_pmf(first, part.level, part.size) > -600.0;
        let (parts, later): (Vec<Part>, Vec<Part>) = waiting.iter().partition(|part| begins(part));
        *waiting = later;
        let mut lanes = Self {
            y: first as usize,
            p: [0.0; LANES],
            size: [1.0; LANES],
            step: [0.0; LANES],
            full: [0.0; LANES],
            plain: [0.0; LANES],
            highest_mean: 0.0,
        };
        for (i, part) in parts.iter().take(LANES).enumerate() {
            let (mean, size) = (part.level, part.size);
            lanes.p[i] = ln_pmf(first, mean, size).exp();
            (lanes.size[i], lanes.step[i]) = (size, mean / (size + mean));
            (lanes.full[i], lanes.plain[i]) = (part.full, part.plain);
            lanes.highest_mean = lanes.highest_mean.max(mean);
        }
        (lanes, parts)
    }

    /// On to the next count; `inverse` is `1 / (y + 1)`. Gives the sum of the new terms.
    #[inline(always)]
    fn step(&mut self, inverse: f64) -> f64 {
        let y = self.y as f64;
        for i in 0..LANES {
            self.p[i] *= (y + self.size[i]) * inverse * self.step[i];
        }
        self.y += 1;
        weighed(&[1.0; LANES], &self.p)
    }

    /// Probabilities of the count reached or more.
    fn tails(mut self, parts: &[Part]) -> [f64; LANES] {
        let y = self.y as f64;
        // The terms fall at least as fast as a geometric series of this ratio.
        let ratio =
            self.size.iter().zip(&self.step).map(|(size, step)| step * ((y + size) / (y + 1.0)).max(1.0)).fold(0.0, f64::max);
        let mut tails = [0.0; LANES];
        if ratio < 1.0 - 40.0 / TAIL_TERMS {
            add_terms(&mut self, &mut tails);
            return tails;
        }
        for ((tail, part), p) in tails.iter_mut().zip(parts).zip(self.p) {
            let (mean, size) = (part.level, part.size);
            *tail = if y <= mean {
                ln_upper(self.y as u64, mean, size).exp()
            } else if p < NOTHING {
                0.0
            } else {
                p * upper_sum(y, mean, size)
            };
        }
        tails
    }
}

widest! {
    /// Adds the terms to a body, up to its end or to where nothing is left. `inverse` are the values of `1 / (y + 1)`.
    fn fill(lanes: &mut Lanes, body: &mut [[f64; 2]], inverse: &[f64]) {
        let any_plain = lanes.plain != [0.0; LANES];
        for (value, inverse) in body.iter_mut().zip(inverse).skip(lanes.y) {
            value[0] += weighed(&lanes.full, &lanes.p);
            if any_plain {
                value[1] += weighed(&lanes.plain, &lanes.p);
            }
            if lanes.step(*inverse) < NOTHING && lanes.y as f64 > lanes.highest_mean {
                return;
            }
        }
    }
}

widest! {
    /// Adds up the terms from the count reached to where nothing is left.
    fn add_terms(lanes: &mut Lanes, sums: &mut [f64; LANES]) {
        for _ in 0..TAIL_TERMS as usize {
            for (sum, p) in sums.iter_mut().zip(&lanes.p) {
                *sum += p;
            }
            if lanes.step(1.0 / (lanes.y as f64 + 1.0)) < NOTHING {
                break;
            }
        }
    }
}

#[inline(always)]
fn weighed(weights: &[f64; LANES], terms: &[f64; LANES]) -> f64 {
    // Halves first: so the sum can be done side by side too.
    let mut sums = [0.0; LANES / 2];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = weights[i] * terms[i] + weights[i + LANES / 2] * terms[i + LANES / 2];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Upper tails around a count.
struct Window<'a> {
    top: f64,
    stride: f64,
    /// `P(Y >= y)` from `top` down.
    upper: std::borrow::Cow<'a, [[f64; 2]]>,
}

impl Window<'_> {
    /// `P(Y >= y)`, full and plain. The empty-yard state counts only at `y = 0`.
    fn upper(&self, y: f64) -> [f64; 2] {
        if y <= 0.0 {
            return [1.0, 1.0];
        }
        let at = ((self.top - y) / self.stride).round().max(0.0) as usize;
        self.upper.get(at).or(self.upper.last()).copied().unwrap_or([0.0; 2])
    }
}

/// A discretised normal distribution of the count's error: (cars, weight).
pub(super) fn error_weights(sd: f64) -> Vec<(f64, f64)> {
    if sd <= 0.0 || !sd.is_finite() {
        return vec![(0.0, 1.0)];
    }
    let reach = (ERROR_REACH * sd).ceil();
    let stride = (reach / ERROR_STEPS).ceil().max(1.0);
    let steps = (reach / stride).ceil() as i64;
    let weights: Vec<(f64, f64)> =
        (-steps..=steps).map(|i| i as f64 * stride).map(|error| (error, (-0.5 * (error / sd).powi(2)).exp())).collect();
    let total: f64 = weights.iter().map(|w| w.1).sum();
    weights.into_iter().map(|(error, weight)| (error, weight / total)).collect()
}

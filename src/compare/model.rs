//! The model of a yard's counts and its priors: a contaminated, zero-inflated negative binomial.
//!
//! A day's count, at visible share `c`, is drawn from
//!
//! - an empty yard (count 0) with probability `pi`, else
//! - a surge with probability `e`: `NB(a c L, k)`, `a` one of 2, 3, 4, 6, 10, else
//! - the ordinary `NB(c L, k)`.
//!
//! The negative binomial is a Poisson of which the rate itself varies from day to day, with coefficient of variation `k^-1/2`; seen
//! through random thinning `c` it stays negative binomial with the same `k`, so that `c` enters as an exposure (what one partly seen day may
//! show varies more: `strings.rs`). Surges and empty days
//! in the history are explained away by `e` and `pi` instead of by a wider spread: this is what keeps one surge from hiding the next.
//! All parameters are integrated over a grid ([`super::posterior`]); none is estimated and plugged in, so short histories give wide
//! predictions. The priors come from simulations; `examples/comparer_study` shows what they do.

/// A supposition about the days of the history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// Share `e` of high days.
    pub share: f64,
    /// Prior probability of the supposition; they need not sum to one.
    pub prior: f64,
    /// How probable each of [`HIGH_FACTORS`] is on a high day: how many times the ordinary mean it has.
    pub factors: [f64; HIGH_FACTORS.len()],
    /// Whether high days are a part of the yard's ordinary life, and so of what is expected, or surges that are not.
    pub ordinary: bool,
}

/// The suppositions. The first is that no earlier day was a surge.
///
/// Simulations chose them: rare surges must not hide the next one; a yard with two regimes (three days in ten with many times the
/// cars) must not alarm whenever it is in the higher one. What is rare may be extreme, up to ten times the ordinary; surges that are
/// common are moderate. High days that are many, alike and far above the others are a regime.
const LAYERS: [Layer; 4] = [
    Layer { share: 0.0, prior: 0.1, factors: [0.0; 5], ordinary: false },
    Layer { share: 0.05, prior: 0.25, factors: [0.2; 5], ordinary: false },
    Layer { share: 0.15, prior: 0.65, factors: [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0, 0.0], ordinary: false },
    Layer { share: 0.3, prior: 0.15, factors: [0.0, 0.0, 0.0, 1.0, 0.0], ordinary: true },
];

/// The suppositions of the first simulations.
const FIRST_LAYERS: [Layer; 3] = [
    Layer { share: 0.0, prior: 0.5, factors: [0.0; 5], ordinary: false },
    Layer { share: 0.05, prior: 0.3, factors: [0.25, 0.25, 0.25, 0.25, 0.0], ordinary: false },
    Layer { share: 0.15, prior: 0.2, factors: [0.25, 0.25, 0.25, 0.25, 0.0], ordinary: false },
];

/// Suppositions at most.
pub(super) const MAX_LAYERS: usize = 8;

/// How many times an ordinary day's mean a high day may have.
pub const HIGH_FACTORS: [f64; 5] = [2.0, 3.0, 4.0, 6.0, 10.0];

/// Share of days on which the yard stands empty, and its prior.
///
/// The less often a yard is supposed to stand empty, the sooner a first empty day is a drop-out (one in a hundred after 8 days), and the
/// oftener one is that was a yard's habit.
const EMPTY_SHARES: [(f64, f64); 4] = [(0.0, 0.75), (0.1, 0.25 / 3.0), (0.3, 0.25 / 3.0), (0.5, 0.25 / 3.0)];

/// Scale of the half-normal prior of the coefficient of variation `k^-1/2`.
const CV_SCALE: f64 = 0.5;

/// Range of the coefficient of variation. The low end is all but Poisson, the high end all but log-uniform.
const CV_RANGE: (f64, f64) = (0.04, 1.8);

/// Nodes of the coefficient of variation. They lie closer at the low end, where regular yards are; twice as many change
/// probabilities by less than 1 %.
const CV_NODES: usize = 32;

/// Finest step of `ln L`; the grid uses power-of-two multiples of it.
pub(super) const FINEST_STEP: f64 = COARSEST_STEP / COARSEST_STRIDE as f64;

/// First step of `ln L` when the posterior is looked for.
const COARSEST_STEP: f64 = 0.25;

/// That step in units of [`FINEST_STEP`].
pub(super) const COARSEST_STRIDE: i64 = 1024;

/// A value of the dispersion with its prior weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dispersion {
    /// The negative binomial's size `k`.
    pub size: f64,
    pub ln_size: f64,
    /// Log of prior times quadrature weight.
    pub ln_weight: f64,
}

/// Where the levels `L` of the grid lie.
#[derive(Debug, Clone, Copy)]
pub(super) enum Levels {
    /// As fine as the posterior needs, where the posterior is.
    Adaptive,
    /// So many points from `origin` in `step`s of `ln L`, whatever the posterior.
    Fixed { origin: f64, step: f64, points: i64 },
}

/// Grid and priors.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) levels: Levels,
    pub(super) dispersions: Vec<Dispersion>,
    pub(super) layers: Vec<Layer>,
    pub(super) empty_shares: Vec<(f64, f64)>,
}

impl Default for Model {
    /// The model that gives the verdicts.
    fn default() -> Self {
        let dispersions = dispersions(CV_NODES);
        Self { levels: Levels::Adaptive, dispersions, layers: LAYERS.to_vec(), empty_shares: EMPTY_SHARES.to_vec() }
    }
}

impl Model {
    /// The grid of the simulations by which the model was chosen: 64 levels within `e^3` of `centre`, 24 dispersions, no empty-yard
    /// state. Coarser than the default; kept to check the default's implementation against those numbers.
    pub fn coarse(centre: f64) -> Self {
        let (low, high) = CV_RANGE;
        let dispersions = (0..24).map(|i| dispersion(low + (high - low) * f64::from(i) / 23.0, 1.0)).collect();
        let levels = Levels::Fixed { origin: centre.max(0.3).ln() - 3.0, step: 6.0 / 63.0, points: 64 };
        Self { levels, dispersions, layers: FIRST_LAYERS.to_vec(), empty_shares: vec![(0.0, 1.0)] }
    }

    /// The default model on a fixed and much finer grid, 400 levels within `e^4` of `centre`: slow, to check the default's accuracy.
    pub fn fine(centre: f64) -> Self {
        let (low, high) = CV_RANGE;
        let dispersions = (0..120).map(|i| dispersion(low + (high - low) * (f64::from(i) + 0.5) / 120.0, 1.0)).collect();
        let levels = Levels::Fixed { origin: centre.max(0.3).ln() - 4.0, step: 8.0 / 400.0, points: 401 };
        Self { levels, dispersions, layers: LAYERS.to_vec(), empty_shares: EMPTY_SHARES.to_vec() }
    }

    /// The default grid with the suppositions of the first simulations, which know no regimes: for comparison.
    pub fn first_candidate() -> Self {
        Self::default().with_layers(&FIRST_LAYERS)
    }

    /// With other suppositions, at most eight, the first with a share of 0: for studies of the model itself.
    pub fn with_layers(mut self, layers: &[Layer]) -> Self {
        self.layers = layers.iter().take(MAX_LAYERS).copied().collect();
        self
    }

    /// `ln L` of a column of the grid.
    pub(super) fn ln_level(&self, column: i64) -> f64 {
        match self.levels {
            Levels::Adaptive => column as f64 * FINEST_STEP,
            Levels::Fixed { origin, step, .. } => origin + column as f64 * step,
        }
    }
}

/// Dispersions over their range, closer at the low end.
pub(super) fn dispersions(nodes: usize) -> Vec<Dispersion> {
    let (low, high) = CV_RANGE;
    (1..nodes)
        .map(|i| {
            let u = i as f64 / (nodes - 1) as f64;
            // The derivative of the substitution is the weight; the trapezoid rule halves the last point, and the first has none.
            dispersion(low + (high - low) * u * u, u * if i + 1 == nodes { 0.5 } else { 1.0 })
        })
        .collect()
}

fn dispersion(cv: f64, weight: f64) -> Dispersion {
    let size = 1.0 / (cv * cv);
    Dispersion { size, ln_size: size.ln(), ln_weight: weight.ln() - 0.5 * (cv / CV_SCALE).powi(2) }
}

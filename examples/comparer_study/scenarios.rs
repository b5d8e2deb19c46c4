//! Yards to try the rules on.

use crate::draws::Draws;

/// How an ordinary day's count is drawn, the ordinary mean multiplied by a factor.
#[derive(Debug, Clone, Copy)]
pub enum Yard {
    NegativeBinomial {
        mean: f64,
        size: f64,
    },
    LogNormal {
        mean: f64,
        sd: f64,
    },
    TwoRegimes {
        low: f64,
        high: f64,
        share_high: f64,
    },
    EmptyDays {
        mean: f64,
        size: f64,
        share_empty: f64,
    },
    Bounded {
        slots: usize,
        p: f64,
    },
    /// Cars come in cuts of so many.
    Cuts {
        cars: f64,
        cuts: f64,
    },
    /// The mean swings by this share over the year; dates are irregular.
    Season {
        mean: f64,
        size: f64,
        swing: f64,
    },
}

impl Yard {
    pub fn draw(self, factor: f64, draws: &mut Draws) -> f64 {
        match self {
            Self::NegativeBinomial { mean, size } => draws.negative_binomial(factor * mean, size),
            Self::LogNormal { mean, sd } => {
                let rate = factor * mean * (sd * draws.normal() - sd * sd / 2.0).exp();
                draws.poisson(rate)
            }
            Self::TwoRegimes { low, high, share_high } => {
                let mean = if draws.uniform() < share_high { high } else { low };
                draws.negative_binomial(factor * mean, 10.0)
            }
            Self::EmptyDays { mean, size, share_empty } => {
                if draws.uniform() < share_empty {
                    0.0
                } else {
                    draws.negative_binomial(factor * mean, size)
                }
            }
            Self::Cuts { cars, cuts } => cars * draws.poisson(factor * cuts),
            Self::Season { mean, size, swing } => {
                let season = 1.0 + swing * (std::f64::consts::TAU * draws.uniform()).sin();
                draws.negative_binomial(factor * mean * season, size)
            }
            // A surge does not care about the yard's slots.
            Self::Bounded { slots, p } if factor == 1.0 => draws.binomial(slots, p),
            Self::Bounded { slots, p } => draws.poisson(factor * slots as f64 * p),
        }
    }
}

/// What else is in the history.
#[derive(Debug, Clone, Copy)]
pub enum Contamination {
    None,
    /// This share of the days multiplied by a factor drawn between two.
    Share(f64, f64, f64),
    /// The last so many days multiplied.
    Run(usize, f64),
    /// The mean doubles over the history, evenly, up to that of the tested day.
    Growth,
}

impl Contamination {
    pub fn history(self, yard: Yard, length: usize, draws: &mut Draws) -> Vec<f64> {
        (0..length)
            .map(|i| {
                let factor = match self {
                    Self::Share(share, from, to) if draws.uniform() < share => from + (to - from) * draws.uniform(),
                    Self::Run(last, factor) if i + last >= length => factor,
                    Self::Growth => 0.5 + 0.5 * (i as f64 + 0.5) / length as f64,
                    _ => 1.0,
                };
                yard.draw(factor, draws)
            })
            .collect()
    }
}

/// One cell of a study.
pub struct Cell {
    pub name: String,
    pub yard: Yard,
    pub contamination: Contamination,
    pub length: usize,
}

/// The grid of 72: mean 8 or 20, variance over mean 1, 2, 4 or size 2; 8, 20 or 60 days; 0, 5 or 15 % of days multiplied by 2 to 4.
pub fn grid() -> Vec<Cell> {
    let mut cells = Vec::new();
    for mean in [8.0, 20.0] {
        for (spread, size) in [("var/mean 1", f64::INFINITY), ("var/mean 2", mean), ("var/mean 4", mean / 3.0), ("size 2", 2.0)] {
            for length in [8, 20, 60] {
                for share in [0.0, 0.05, 0.15] {
                    cells.push(Cell {
                        name: format!("negative binomial {mean}, {spread} | {:.0} % x2-4 | {length}", 100.0 * share),
                        yard: Yard::NegativeBinomial { mean, size },
                        contamination: if share > 0.0 { Contamination::Share(share, 2.0, 4.0) } else { Contamination::None },
                        length,
                    });
                }
            }
        }
    }
    cells
}

/// Yards for which the model was not made.
pub fn off_design() -> Vec<Cell> {
    let yards = [
        ("negative binomial 20, var/mean 4", Yard::NegativeBinomial { mean: 20.0, size: 20.0 / 3.0 }),
        ("Poisson-lognormal 15, sd 0.6", Yard::LogNormal { mean: 15.0, sd: 0.6 }),
        ("two regimes 6 / 30 (70 / 30 %)", Yard::TwoRegimes { low: 6.0, high: 30.0, share_high: 0.3 }),
        ("30 % empty, else 15, size 5", Yard::EmptyDays { mean: 15.0, size: 5.0, share_empty: 0.3 }),
        ("70 % empty, else 15, size 5", Yard::EmptyDays { mean: 15.0, size: 5.0, share_empty: 0.7 }),
        ("bounded: binomial(25, 1/2)", Yard::Bounded { slots: 25, p: 0.5 }),
    ];
    let contaminations = [
        ("clean", Contamination::None),
        ("15 % x2-4", Contamination::Share(0.15, 2.0, 4.0)),
        ("10 % x10", Contamination::Share(0.10, 10.0, 10.0)),
        ("last 3 days x3", Contamination::Run(3, 3.0)),
    ];
    let mut cells = Vec::new();
    for (yard_name, yard) in yards {
        for (name, contamination) in contaminations {
            for length in [8, 20, 60] {
                cells.push(Cell { name: format!("{yard_name} | {name} | {length}"), yard, contamination, length });
            }
        }
    }
    let plain = Yard::NegativeBinomial { mean: 20.0, size: 5.0 };
    for (name, yard, contamination) in [
        ("regimes 10 / 20 (70 / 30 %) | clean", Yard::TwoRegimes { low: 10.0, high: 20.0, share_high: 0.3 }, Contamination::None),
        ("regimes 10 / 30 (70 / 30 %) | clean", Yard::TwoRegimes { low: 10.0, high: 30.0, share_high: 0.3 }, Contamination::None),
        ("cuts of 8 cars, 2.5 a day | clean", Yard::Cuts { cars: 8.0, cuts: 2.5 }, Contamination::None),
        ("season of +-40 %, 20, size 5 | clean", Yard::Season { mean: 20.0, size: 5.0, swing: 0.4 }, Contamination::None),
        ("no season, 20, size 5 | clean", plain, Contamination::None),
        ("level doubles, 20, size 5 | growth", plain, Contamination::Growth),
    ] {
        for length in [8, 20, 60] {
            cells.push(Cell { name: format!("{name} | {length}"), yard, contamination, length });
        }
    }
    cells
}

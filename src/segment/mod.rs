//! Strips to vehicles: column evidence, the semi-Markov segmentation, side-by-side tracks, class.

pub mod class;
pub mod columns;
mod lengths;
mod log_sum;
mod scores;
pub mod semi_markov;
pub mod side_by_side;
pub mod stock;

pub use class::Class;

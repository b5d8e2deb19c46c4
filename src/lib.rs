//! yardwatch counts freight cars in overhead images of rail yards and tells which days are out of the ordinary.
//!
//! Data flows one way:
//! `raster -> tile -> threshold -> track -> segment -> count -> series -> compare -> report`, with `evaluate` beside.
#![warn(missing_docs)]

pub mod cli;
pub mod compare;
pub mod count;
pub mod error;
pub mod evaluate;
pub mod raster;
pub mod report;
pub mod segment;
pub mod series;
pub mod threshold;
pub mod tile;
pub mod track;

pub use error::{Error, Result};

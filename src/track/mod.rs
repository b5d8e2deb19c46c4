//! Centrelines: given or found in the image, aligned to it, and the image resampled along them into strips.

pub mod abreast;
pub mod align;
mod assign;
pub mod beside;
pub mod find;
pub mod line;
pub mod near;
pub mod strip;

pub use line::Centreline;

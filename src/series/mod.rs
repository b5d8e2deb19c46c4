//! A site and its dated observations: registration, usability, the embedded store.

pub mod atomic;
pub mod corrections;
pub mod key;
pub mod lock;
pub mod names;
pub mod record;
mod same_car;
pub mod same_train;
pub mod store;
pub mod survey;
pub mod trains;
mod ways;
pub mod workers;
pub mod yard;

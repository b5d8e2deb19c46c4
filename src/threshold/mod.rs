//! Radiometry and evidence: from the pixels of a tile to maps of what is track, car and heading.

pub mod network;
pub mod plane;
pub mod radiometry;
pub mod yard_map;

pub use plane::Plane;
pub use radiometry::Stretch;
pub use yard_map::{Evidence, YardMap};

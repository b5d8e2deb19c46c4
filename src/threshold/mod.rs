//! Radiometry and evidence: from the pixels of a tile to maps of what is track, car and heading.

mod axis;
pub mod clarity;
mod colours;
pub mod convolution;
mod cutout;
pub mod evidence;
mod fill_colour;
mod half_metre;
pub mod network;
mod patches;
pub mod plane;
pub mod radiometry;
mod scene_stretch;
pub mod shadow;
mod sharpness;
pub mod snow;
pub mod spare;
pub mod yard_map;

pub use cutout::Cutout;
pub use evidence::{Evidence, YardMap};
pub use fill_colour::FillColour;
pub use plane::{Plane, sun_doubt};
pub use radiometry::{POINTS, Stretch};
pub use scene_stretch::{MARGIN_M, scene_stretch};

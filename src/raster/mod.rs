//! What an image is: a [`RasterSource`] (size, bands, sample type, mask; reads windows), one file per format behind it,
//! and the [`Scene`] around it: where it lies, how large a pixel is, when it was acquired.

mod acquired;
mod bands;
mod beside;
mod checksum;
mod crs;
mod find;
mod georeference;
mod geotiff;
mod name_date;
mod open;
mod picture;
mod rows;
mod samples;
mod scene;
mod source;
mod sun;
mod tiff;
mod window;
mod wkt;
mod world_file;

pub use acquired::{Acquired, AcquiredFrom};
pub use bands::{BandRoles, Role};
pub use checksum::{Checksum, checksum};
pub use crs::Crs;
pub use find::{Listing, find_images};
pub use georeference::Georeference;
pub use name_date::date_in_name;
pub use open::open_raster;
pub use samples::{Block, SampleType, Samples};
pub use scene::{DEFAULT_MAX_MEMORY_MIB, Scene, SceneOptions};
pub use source::RasterSource;
pub use sun::Sun;
pub use window::Window;
pub use wkt::crs_from_wkt;
pub use world_file::parse_world_file;

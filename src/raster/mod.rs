//! What an image is: a [`RasterSource`] (size, bands, sample type, mask; reads windows), one file per format behind it,
//! and the [`Scene`] around it: where it lies, how large a pixel is, when it was acquired.

mod acquired;
mod aux_xml;
mod bands;
mod beside;
mod checksum;
mod crs;
mod describe;
mod file_tags;
mod find;
#[cfg(feature = "gdal")]
mod gdal_source;
mod georeference;
mod geotiff;
mod guard;
mod metadata;
mod name_date;
mod open;
mod picture;
mod projection;
mod rows;
mod samples;
mod scene;
mod sidecar;
mod source;
mod stac;
mod stac_input;
mod sun;
mod tiff;
mod vendor;
mod window;
mod wkt;
mod world_file;

pub use acquired::{Acquired, AcquiredFrom};
pub use aux_xml::{AuxXml, parse_aux_xml, parse_gdal_metadata};
pub use bands::{BandRoles, Role};
pub use checksum::{Checksum, checksum};
pub use crs::Crs;
pub use describe::{Description, describe};
pub use file_tags::exif_metadata;
pub use find::{Listing, find_images};
pub use georeference::Georeference;
pub use metadata::Metadata;
pub use name_date::date_in_name;
pub use open::open_raster;
pub(crate) use open::regular_file;
pub use samples::{Block, SampleType, Samples};
pub use scene::{DEFAULT_MAX_MEMORY_MIB, Scene, SceneOptions};
pub use source::RasterSource;
pub use stac::{StacAsset, StacItem, parse_stac};
pub use sun::Sun;
pub use vendor::{parse_imd, parse_planet, parse_vendor_xml};
pub use window::Window;
pub use wkt::crs_from_wkt;
pub use world_file::parse_world_file;

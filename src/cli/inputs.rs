//! Flags of the commands that count: which images, of which yard, what the images do not say of themselves.

use std::path::PathBuf;

use clap::Args;

/// What `count` and `analyze` need to know besides the images.
#[derive(Debug, Clone, Args)]
pub struct CountingArgs {
    /// Folder for all results; made if it is not there
    ///
    /// Holds counts.csv, cars/*.geojson, overlays/*.jpg and yardwatch.gpkg, the record of the site: images already counted are not
    /// counted again, and corrections made by hand in its layer `cars` are kept.
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
    /// The site's settings (TOML): name, aoi, tracks, gsd and the tables alarm and history
    #[arg(long, value_name = "SITE.toml", conflicts_with_all = ["aoi", "tracks"])]
    pub site: Option<PathBuf>,
    /// Outline of the yard (GeoJSON polygons in WGS84, e.g. drawn in QGIS)
    #[arg(long, value_name = "FILE")]
    pub aoi: Option<PathBuf>,
    /// Centrelines of the tracks (GeoJSON lines in WGS84, e.g. exported from OpenStreetMap)
    #[arg(long, value_name = "FILE")]
    pub tracks: Option<PathBuf>,
    /// Ground sample distance in metres per pixel, for images that do not say it
    #[arg(long, value_name = "M", value_parser = positive)]
    pub gsd: Option<f64>,
    /// Acquisition time (RFC 3339, or a date), for images that do not say it
    #[arg(long, value_name = "TIME")]
    pub acquired: Option<String>,
    /// Forget images that are no longer among the inputs
    #[arg(long)]
    pub prune: bool,
    /// Write intermediate maps of the images counted by this run here, to see why something was or was not counted
    #[arg(long, value_name = "DIR")]
    pub debug_dir: Option<PathBuf>,
    /// Core size of the tiles in pixels; results do not depend on it
    #[arg(long, value_name = "PIXELS", hide = true, value_parser = clap::value_parser!(u32).range(16..=65536))]
    pub tile_size: Option<u32>,
}

/// A number above zero.
///
/// # Errors
/// A sentence that says what is expected.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("expected a number above 0".into()),
    }
}

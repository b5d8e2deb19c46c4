//! Results to files: GeoJSON, CSV, overlays, the HTML page.

pub mod chart;
pub mod counts_csv;
pub mod geojson;
pub mod lettering;
pub mod overlay;
pub mod page;
pub mod tracks_geojson;

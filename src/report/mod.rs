//! Results to files: GeoJSON, CSV, overlays, the HTML page.

pub mod chart;

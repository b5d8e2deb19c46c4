//! Any text as a `.prj`; what is understood is transformed there and back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::crs_from_wkt;

fuzz_target!(|text: &str| {
    if let Some(crs) = crs_from_wkt(text) {
        let _ = crs.to_lonlat(500_000.0, 4_200_000.0);
        let _ = crs.from_lonlat(127.0, 38.0);
    }
});

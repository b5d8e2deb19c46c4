//! Any bytes as the GeoJSON of tracks and outline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::series::yard::read_yard;

fuzz_target!(|data: &[u8]| {
    yardwatch_fuzz::with_file("tracks.geojson", data, |path| {
        let _ = read_yard(Some(path), Some(path));
    });
});

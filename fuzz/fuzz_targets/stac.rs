//! Any text as a STAC item or item collection.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::parse_stac;

fuzz_target!(|text: &str| {
    for item in parse_stac(text).unwrap_or_default() {
        let _ = item.image();
    }
});

//! Any text as a world file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::parse_world_file;

fuzz_target!(|text: &str| {
    let _ = parse_world_file(text);
});

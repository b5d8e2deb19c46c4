//! Any text as a file name with a date.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::date_in_name;

fuzz_target!(|text: &str| {
    let _ = date_in_name(text);
});

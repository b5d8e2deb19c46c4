//! Any text as vendors' metadata: IMD, DIMAP and Maxar XML, Planet JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::{parse_imd, parse_planet, parse_vendor_xml};

fuzz_target!(|text: &str| {
    let _ = parse_imd(text);
    let _ = parse_vendor_xml(text);
    let _ = parse_planet(text);
});

//! Any text as GDAL's `.aux.xml` or its metadata tag.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::{parse_aux_xml, parse_gdal_metadata};

fuzz_target!(|text: &str| {
    let _ = parse_aux_xml(text);
    let _ = parse_gdal_metadata(text, 4);
});

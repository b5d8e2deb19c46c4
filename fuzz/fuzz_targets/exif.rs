//! Any bytes as the EXIF block of a picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::exif_metadata;

fuzz_target!(|data: &[u8]| {
    let _ = exif_metadata(data.to_vec());
});

//! Any bytes as an image of any format: everything that `yardwatch info` says of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::{SceneOptions, describe};

fuzz_target!(|data: &[u8]| {
    yardwatch_fuzz::with_file("a_20231005.img", data, |path| {
        let options = SceneOptions { max_memory_mib: 64, ..SceneOptions::default() };
        if let Ok(description) = describe(path, &options, false) {
            let _ = description.to_string();
        }
    });
});

//! Any bytes as `site.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::cli::settings::Site;

fuzz_target!(|data: &[u8]| {
    yardwatch_fuzz::with_file("site.toml", data, |path| {
        let _ = Site::read(path);
    });
});

//! Any bytes as `counts.csv`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::compare::{Columns, read_counts};

fuzz_target!(|data: &[u8]| {
    yardwatch_fuzz::with_file("counts.csv", data, |path| {
        let _ = read_counts(path, &Columns::default());
    });
});

//! Any bytes as a TIFF: open, describe, decode every pixel in windows of odd sizes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yardwatch::raster::{Window, open_raster};

/// Memory that a window may take: 64 MiB of samples (64,002 bands) are read in 60 ms, and in a second with every comparison traced.
const LIMIT_MIB: usize = 16;

fuzz_target!(|data: &[u8]| {
    yardwatch_fuzz::with_file("a.tif", data, |path| {
        let Ok(source) = open_raster(path, LIMIT_MIB) else { return };
        let (width, height) = (source.width(), source.height());
        // Larger images are cut: their header may claim more pixels than a second can decode.
        let (right, bottom) = (width.min(200), height.min(200));
        for (col, row) in [(0, 0), (right / 2, bottom / 3), (width - 1, height - 1)] {
            let window = Window::new(col, row, (width - col).min(61), (height - row).min(47));
            let _ = source.read(window);
            let _ = source.read_band(window, source.bands() - 1);
        }
    });
});

//! A few hundred damaged files, made from good ones with fixed seeds: each is described, or refused with a reason; none
//! makes the program panic, and memory stays small.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat};
use yardwatch::raster::{SceneOptions, describe};

const MEMORY_MIB: usize = 64;
/// Damaged copies of each good file.
const COPIES: u64 = 4;
/// Good files that are larger are left out, to keep the test short.
const MAX_BYTES: u64 = 400_000;

/// SplitMix64 (Steele, Lea, Flood 2014): enough to damage files with, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let length = bytes.len();
    match random.below(8) {
        0 => bytes.truncate(random.below(length)),
        1 => {
            let (from, to) = (random.below(length), random.below(length));
            let count = random.below(64).min(length - from.max(to));
            bytes.copy_within(from..from + count, to);
        }
        kind => {
            for _ in 0..=random.below(4) {
                // The head and the tail hold the directories.
                let at = match random.below(4) {
                    0 => random.below(length),
                    1 => length - 1 - random.below(length.min(600)),
                    _ => random.below(length.min(600)),
                };
                bytes[at] = match kind {
                    2 => 0,
                    3 => 0xFF,
                    4 => bytes[at] ^ (1 << random.below(8)),
                    _ => random.next() as u8,
                };
            }
        }
    }
}

fn good_files(folder: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for place in ["sample_tiles", "../shared/tiffs"] {
        match std::fs::read_dir(root.join(place)) {
            Ok(entries) => files.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => eprintln!("skipped: {place} not present"),
        }
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "tif"));
    files.sort();
    // One sample tile stands for all: they are written alike.
    let small = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.len() < MAX_BYTES);
    let first = files.iter().position(|path| path.parent().is_some_and(|parent| parent.ends_with("sample_tiles")));
    let kept: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .filter(|(index, path)| Some(*index) == first || small(path))
        .map(|(_, path)| path.clone())
        .collect();
    files = kept;
    let picture =
        DynamicImage::ImageRgb8(image::RgbImage::from_fn(120, 90, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8])));
    for (name, format) in [("a.png", ImageFormat::Png), ("b.jpg", ImageFormat::Jpeg), ("c.webp", ImageFormat::WebP)] {
        let path = folder.join(name);
        picture.save_with_format(&path, format).unwrap();
        files.push(path);
    }
    files.sort();
    files
}

#[test]
fn damaged_files_never_panic_and_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let options = SceneOptions { gsd_m: Some(0.5), max_memory_mib: MEMORY_MIB, ..SceneOptions::default() };
    let (mut read, mut refused) = (0, 0);
    for (number, good) in good_files(folder.path()).iter().enumerate() {
        let bytes = std::fs::read(good).unwrap();
        let ending = good.extension().unwrap().to_string_lossy().into_owned();
        for copy in 0..COPIES {
            let mut random = Random(number as u64 * 1000 + copy);
            let mut damaged = bytes.clone();
            damage(&mut damaged, &mut random);
            let path = folder.path().join(format!("damaged_{number}_{copy}.{ending}"));
            std::fs::write(&path, &damaged).unwrap();
            let result = catch_unwind(AssertUnwindSafe(|| describe(&path, &options, true)));
            match result {
                Err(_) => panic!("{} copy {copy} makes the program panic", good.display()),
                Ok(Ok(_)) => read += 1,
                Ok(Err(error)) => {
                    let text = error.to_string();
                    assert!(text.contains("damaged_") && text.len() < 1000, "{text}");
                    refused += 1;
                }
            }
            std::fs::remove_file(&path).unwrap();
        }
    }
    eprintln!("{read} read, {refused} refused");
    assert!(read > 0 && refused > 0);
    if let Some(peak) = peak_memory_mib() {
        assert!(peak < 400, "peak memory {peak} MiB");
    }
}

/// The largest resident size of this process so far, where the system tells it.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

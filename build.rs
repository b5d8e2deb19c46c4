//! Gives the program a name for its method: a hash of the sources and weights of the rooms that count. Results are kept under
//! it, so that a changed program counts anew.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms on which a count depends.
const ROOMS: [&str; 7] = ["count", "raster", "segment", "series/survey", "threshold", "tile", "track"];

fn main() {
    let mut files = Vec::new();
    for room in ROOMS {
        collect(&Path::new("src").join(room), &mut files);
        println!("cargo::rerun-if-changed=src/{room}");
    }
    files.sort();
    // FNV-1a, 64 bits: build scripts should not need crates.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for file in files {
        file.to_string_lossy().bytes().for_each(&mut add);
        fs::read(&file).unwrap_or_default().into_iter().filter(|byte| *byte != b'\r').for_each(&mut add);
    }
    println!("cargo::rustc-env=YARDWATCH_METHOD={:08x}", (hash ^ (hash >> 32)) as u32);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

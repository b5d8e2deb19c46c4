//! Counting with little memory, with other tiles and other numbers of threads: the same result, or a clear word that it is too little.

use std::path::{Path, PathBuf};

use yardwatch::count::{CountOptions, SceneCount, Yard, count_scene};
use yardwatch::raster::{Scene, SceneOptions};
use yardwatch::series::yard::read_yard;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name)
}

fn scene() -> Scene {
    Scene::open(&sample("tumangang_20191123T025125Z.tif"), &SceneOptions::default()).unwrap()
}

fn count(yard: &Yard, max_memory_mib: usize, tile_size: Option<u32>, threads: usize) -> SceneCount {
    let options = CountOptions { max_memory_mib, tile_size, ..CountOptions::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| count_scene(&scene(), yard, &options)).unwrap()
}

/// 12 MiB hold some thirty patches of 64 m, a quarter of the scene: tracks and cores cross what is in memory at a time.
#[test]
fn the_count_does_not_depend_on_windows_memory_or_threads() {
    let (given, _) = read_yard(Some(&sample("tracks.geojson")), Some(&sample("aoi.geojson"))).unwrap();
    let outline = Yard { tracks: Vec::new(), ..given.clone() };
    for (yard, others) in [
        (given, [(12, None, 1), (16, Some(64), 7)].as_slice()),
        (outline, &[(12, Some(192), 2)]),
        (Yard::default(), &[(12, Some(64), 7)]),
    ] {
        let expected = count(&yard, 1024, None, 2);
        assert!(expected.vehicles.len() > 5 && expected.tracks.len() > 3, "{:?}", expected.count);
        for &(memory, tile, threads) in others {
            let found = count(&yard, memory, tile, threads);
            assert!(found == expected, "{memory} MiB, tiles {tile:?}, {threads} threads: {:?}", found.count);
        }
    }
}

#[test]
fn too_little_memory_is_said() {
    let options = CountOptions { max_memory_mib: 2, ..CountOptions::default() };
    let error = count_scene(&scene(), &Yard::default(), &options).unwrap_err().to_string();
    assert!(error.contains("--max-memory") && error.contains("tumangang"), "{error}");
}

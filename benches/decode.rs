//! Reading pixels: the yardstick for everything else.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use yardwatch::raster::{Scene, SceneOptions, Window};

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.sample_size(20);
    for (name, image) in [
        ("RGB 8-bit 0.5 m", "tumangang_20191123T025125Z.tif"),
        ("panchromatic 8-bit 0.3 m", "tumangang_20220524T024816Z.tif"),
        ("four bands 16-bit 0.3 m", "tumangang_20231005T015801Z.tif"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(image);
        // Opened anew each time: an open image may keep blocks that it has decoded.
        let read = || {
            let scene = Scene::open(black_box(&path), &SceneOptions::default()).expect("the sample images can be read");
            let all = Window::new(0, 0, scene.source.width(), scene.source.height());
            scene.source.read(all).expect("the sample images can be read")
        };
        group.throughput(Throughput::Elements(read().valid.len() as u64));
        group.bench_function(name, |b| b.iter(read));
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);

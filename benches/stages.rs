//! Every stage of counting one image (0.44 megapixels at 0.5 m, 13 cars on 8 tracks), and all of them together.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use yardwatch::count::{CountOptions, Yard, count_scene};
use yardwatch::raster::{Scene, SceneOptions};
use yardwatch::segment::{columns::Reading, semi_markov::segment};
use yardwatch::series::yard::read_yard;
use yardwatch::threshold::spare::Spare;
use yardwatch::threshold::{Plane, YardMap, scene_stretch, yard_map};
use yardwatch::tile::{self, Area, Patches};
use yardwatch::track::align::{Expected, align};
use yardwatch::track::strip::{ALONG_M, strip};
use yardwatch::track::{Centreline, find::find};

/// Memory for pixels, bytes.
const MEMORY: usize = 64 << 20;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name)
}

fn open() -> Scene {
    Scene::open(&sample("tumangang_20191123T025125Z.tif"), &SceneOptions::default()).expect("the sample images can be read")
}

fn guided() -> Yard {
    read_yard(Some(&sample("tracks.geojson")), Some(&sample("aoi.geojson"))).expect("the sample yard can be read").0
}

fn stages(c: &mut Criterion) {
    let scene = open();
    let [gx, gy] = scene.gsd_m;
    let area = Area { x0: 0.0, y0: 0.0, x1: gx * f64::from(scene.source.width()), y1: gy * f64::from(scene.source.height()) };
    let stretch = || scene_stretch(&scene, area).ok().flatten().expect("the image has valid pixels");
    let read = |stretch| {
        let mut plane = Plane::new(&scene, stretch, area, MEMORY, MEMORY).ok().flatten().expect("the image has valid pixels");
        let patches = plane.patches_in(area).collect();
        plane.require(&scene, &patches).expect("the image can be read");
        plane
    };
    let plane = read(stretch());
    let core = |core: tile::Core| Patches::around(tile::cores(core.area(yard_map::CORE_M as f64), tile::PATCH_M as f64));
    let cores: Vec<Patches> = tile::cores(area, yard_map::CORE_M as f64).into_iter().filter_map(core).collect();
    let look = || {
        let (mut map, mut spare) = (YardMap::default(), Spare::default());
        for &core in &cores {
            let patches = yard_map::look(&plane, core, |_| true, &mut spare);
            patches.iter().for_each(|(patch, evidence, clarity)| map.insert(*patch, evidence, *clarity));
        }
        map
    };
    let map = look();
    let lines: Vec<Centreline> = find(&map).into_iter().map(|found| found.line).collect();
    let longest = lines.iter().max_by(|a, b| a.length().total_cmp(&b.length())).expect("the image has tracks");
    let line = longest.with_step(ALONG_M).expect("the longest track is long enough");
    let evidence = Reading::of(&strip(&plane, &line), &mut Spare::default()).columns();

    let (mut group, mut spare) = (c.benchmark_group("stage"), Spare::default());
    group.sample_size(20);
    group.bench_function("radiometry", |b| b.iter(|| read(stretch())));
    group.bench_function("yard map", |b| b.iter(look));
    group.bench_function("find tracks", |b| b.iter(|| find(black_box(&map))));
    group.bench_function("align tracks", |b| b.iter(|| align(black_box(&lines), &map, Expected::of(None))));
    group.bench_function("strip of one track", |b| b.iter(|| strip(&plane, black_box(&line))));
    group.bench_function("columns of one track", |b| {
        b.iter(|| Reading::of(black_box(&strip(&plane, &line)), &mut spare).columns())
    });
    group.bench_function("segmentation of one track", |b| b.iter(|| segment(black_box(&evidence))));
    group.finish();
}

fn scene(c: &mut Criterion) {
    let mut group = c.benchmark_group("scene");
    group.sample_size(10);
    let options = CountOptions::default();
    let (given, nothing) = (guided(), Yard::default());
    let outline = Yard { tracks: Vec::new(), ..given.clone() };
    for (name, yard) in [("guided by tracks", &given), ("guided by the outline", &outline), ("by nothing", &nothing)] {
        group.bench_function(name, |b| {
            b.iter(|| count_scene(&open(), black_box(yard), &options).expect("the sample images can be counted"))
        });
    }
    group.finish();
}

criterion_group!(benches, stages, scene);
criterion_main!(benches);

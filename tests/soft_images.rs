//! Images that are softer than their pixels (out of focus, enlarged).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{Rgb, RgbImage};
use yardwatch::raster::{Scene, SceneOptions, Window};

/// A sample tile of half a metre with 14 cars, blurred by a Gaussian of so many pixels.
fn blurred(folder: &Path, pixels: f32) -> PathBuf {
    let tile = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20231122T022935Z.tif");
    let source = Scene::open(&tile, &SceneOptions::default()).unwrap().source;
    let (width, height) = (source.width(), source.height());
    let block = source.read(Window::new(0, 0, width, height)).unwrap();
    let bands: [Vec<f32>; 3] = std::array::from_fn(|band| block.band_f32(band));
    let colour = |x: u32, y: u32| Rgb(std::array::from_fn(|band| bands[band][(y * width + x) as usize] as u8));
    let path = folder.join("soft_20231122.png");
    image::imageops::blur(&RgbImage::from_fn(width, height, colour), pixels).save(&path).unwrap();
    path
}

fn count(image: &Path, out: &Path, flags: &[&str]) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("count")
        .arg(image)
        .args(["--gsd", "0.5", "--out"])
        .arg(out)
        .args(flags)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    csv::Reader::from_path(out.join("counts.csv")).unwrap().deserialize().next().unwrap().unwrap()
}

/// None of its 14 cars was found, and the yard was called empty.
#[test]
fn the_cars_of_an_image_out_of_focus_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let row = count(&blurred(folder.path(), 2.5), &folder.path().join("out"), &[]);
    let cars: u32 = row["freight_cars"].parse().unwrap();
    assert!((7..=16).contains(&cars), "{row:?}");
}

/// Sharpening brings back no detail: blur beyond a car's width must still be seen for what it is.
#[test]
fn an_image_too_blurred_to_show_cars_is_unusable_though_it_was_sharpened() {
    let folder = tempfile::tempdir().unwrap();
    let row = count(&blurred(folder.path(), 4.0), &folder.path().join("out"), &[]);
    assert_eq!(row["status"], "unusable", "{row:?}");
    assert!(row["reason"].contains("too blurred"), "{row:?}");
}

/// Samples are sharpened from what lies around them, which other tiles read as well.
#[test]
fn sharpened_images_give_the_same_bytes_with_any_threads_tiles_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let image = blurred(folder.path(), 1.6);
    let cars = |name: &str, flags: &[&str]| {
        let out = folder.path().join(name);
        count(&image, &out, flags);
        std::fs::read(out.join("cars/soft_20231122.geojson")).unwrap()
    };
    let first = cars("first", &["--jobs", "1"]);
    assert!(first == cars("tiles", &["--jobs", "3", "--tile-size", "64"]));
    assert!(first == cars("memory", &["--max-memory", "64", "--tile-size", "128"]));
}

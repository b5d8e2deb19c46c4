//! Images that show little or nothing: none of them is an empty yard.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{GrayImage, Luma, Rgb, RgbImage};
use yardwatch::raster::{Scene, SceneOptions, Window};

/// The one row of `counts.csv` for an image of half a metre.
fn row(image: &Path, out: &Path, flags: &[&str]) -> BTreeMap<String, String> {
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

const WGS84: &str = r#"GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;
/// Half a metre on the equator, degrees: of longitude, of latitude.
const HALF_METRE: [f64; 2] = [0.5 / 111_319.49, 0.5 / 110_574.28];

/// A picture of gravel that begins at 0 degrees north and east.
fn gravel(folder: &Path, [width, height]: [u32; 2]) -> PathBuf {
    let mixed = |x: u32, y: u32| (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263)).wrapping_mul(3_266_489_917);
    let path = folder.join(format!("yard{width}x{height}_20200401.png"));
    GrayImage::from_fn(width, height, |x, y| Luma([90 + (mixed(x / 7, y / 7) >> 27) as u8 + (mixed(x, y) >> 28) as u8]))
        .save(&path)
        .unwrap();
    let [east, south] = HALF_METRE;
    std::fs::write(path.with_extension("pgw"), format!("{east}\n0\n0\n-{south}\n{}\n-{}\n", east / 2.0, south / 2.0)).unwrap();
    std::fs::write(path.with_extension("prj"), WGS84).unwrap();
    path
}

/// GeoJSON of one geometry through pixels of such a picture.
fn geometry(path: &Path, kind: &str, pixels: &[[f64; 2]]) -> String {
    let places: Vec<[f64; 2]> = pixels.iter().map(|p| [p[0] * HALF_METRE[0], -p[1] * HALF_METRE[1]]).collect();
    let coordinates = if kind == "Polygon" { serde_json::json!([places]) } else { serde_json::json!(places) };
    let geometry = serde_json::json!({"type": kind, "coordinates": coordinates});
    let feature = serde_json::json!({"type": "Feature", "properties": {}, "geometry": geometry});
    let collection = serde_json::json!({"type": "FeatureCollection", "features": [feature]});
    std::fs::write(path, collection.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// An image of one pixel was 0 (0 to 4) cars, coverage 1.
#[test]
fn an_image_too_small_to_show_a_track_is_unusable_whatever_is_given() {
    let folder = tempfile::tempdir().unwrap();
    // The last two are as small as may be.
    for (number, [width, height]) in [[1, 1], [10, 10], [300, 30], [68, 68], [33, 73], [73, 33]].into_iter().enumerate() {
        let small = number < 4;
        let image = gravel(folder.path(), [width, height]);
        let [right, below] = [f64::from(width), f64::from(height)];
        let along = [[0.0, below / 2.0], [right, below / 2.0]];
        let track = geometry(&folder.path().join("tracks.geojson"), "LineString", &along);
        let ring = [[0.0, 0.0], [0.0, below], [right, below], [right, 0.0], [0.0, 0.0]];
        let outline = geometry(&folder.path().join("aoi.geojson"), "Polygon", &ring);
        for flags in [vec![], vec!["--tracks", track.as_str()], vec!["--aoi", outline.as_str()]] {
            let row = row(
                &image,
                &folder.path().join(format!("{number}{}", flags.len())).join(flags.join("").replace('/', "")),
                &flags,
            );
            let seen = (row["status"].as_str(), row["freight_cars"].as_str());
            assert_eq!(seen == ("unusable", ""), small, "{flags:?}: {row:?}");
            assert_eq!(row["reason"].contains("a track is seen from 16 x 35 m on"), small, "{flags:?}: {row:?}");
        }
    }
}

/// A sample tile of half a metre.
fn sample_tile(name: &str) -> RgbImage {
    let tile = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name);
    let source = Scene::open(&tile, &SceneOptions::default()).unwrap().source;
    let (width, height) = (source.width(), source.height());
    let block = source.read(Window::new(0, 0, width, height)).unwrap();
    let bands: [Vec<f32>; 3] = std::array::from_fn(|band| block.band_f32(band));
    RgbImage::from_fn(width, height, |x, y| Rgb(std::array::from_fn(|band| bands[band][(y * width + x) as usize] as u8)))
}

/// A sample tile with some of its pixels, by column and row from 0 to 1, in one value.
fn tile_with(folder: &Path, name: &str, value: u8, covered: impl Fn(f64, f64) -> bool) -> PathBuf {
    let mut tile = sample_tile("tumangang_20191123T025125Z.tif");
    let (width, height) = tile.dimensions();
    let covered = tile
        .enumerate_pixels_mut()
        .filter(|(x, y, _)| covered(f64::from(*x) / f64::from(width), f64::from(*y) / f64::from(height)));
    covered.for_each(|(_, _, pixel)| *pixel = Rgb([value; 3]));
    let path = folder.join(format!("{name}_20191123.png"));
    tile.save(&path).unwrap();
    path
}

/// A sample tile with 14 cars, blurred by a Gaussian of so many pixels.
fn blurred(folder: &Path, pixels: f32) -> PathBuf {
    let path = folder.join("soft_20231122.png");
    image::imageops::blur(&sample_tile("tumangang_20231122T022935Z.tif"), pixels).save(&path).unwrap();
    path
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or(f64::NAN)
}

/// Half of an image was black, and its coverage 1.
#[test]
fn where_nothing_is_given_a_black_half_without_nodata_lowers_coverage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = tile_with(folder.path(), "whole", 0, |_, _| false);
    let whole = row(&whole, &folder.path().join("whole"), &[]);
    assert_eq!((whole["coverage"].as_str(), whole["status"].as_str()), ("1", "ok"), "{whole:?}");
    for (name, value) in [("black", 0), ("white", 255)] {
        let half = tile_with(folder.path(), name, value, |x, _| x >= 0.5);
        let half = row(&half, &folder.path().join(name), &[]);
        assert!(number(&half, "freight_cars") > 0.0, "the other half is counted: {half:?}");
        assert!((number(&half, "coverage") - 0.5).abs() < 0.03, "{half:?}");
        assert_eq!(half["status"], "partial");
        assert!(half["reason"].contains("% without any contrast") && !half["reason"].contains("cloud"), "{half:?}");
    }
    // A pond that reaches no edge is a part of what is seen.
    let pond = tile_with(folder.path(), "pond", 0, |x, y| (0.7..0.9).contains(&x) && (0.7..0.9).contains(&y));
    let pond = row(&pond, &folder.path().join("pond"), &[]);
    assert_eq!(pond["coverage"], "1", "{pond:?}");
}

/// Black, grey and white pictures were 6 % under cloud, an image with a black half 38 %.
#[test]
fn ground_without_any_contrast_is_not_called_cloud() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, share) in [("black", 0, 1.0), ("grey", 128, 1.0), ("white", 255, 1.0), ("left", 0, 0.5), ("pale", 255, 0.5)]
    {
        let image = tile_with(folder.path(), name, value, |x, _| x < share);
        let row = row(&image, &folder.path().join(name), &[]);
        assert!(number(&row, "coverage") < 0.52, "{row:?}");
        assert!(row["reason"].contains("% without any contrast") && !row["reason"].contains("cloud"), "{name}: {row:?}");
    }
}

/// Of a yard under a black corner 109 cars were counted, and 124 where the corner was declared: the fill took a part of the stretch.
#[test]
fn a_filled_corner_is_counted_as_if_it_were_declared() {
    let folder = tempfile::tempdir().unwrap();
    let corner = |x: f64, y: f64| x + y / 2.0 > 0.65;
    let counted = |path: &Path| {
        let row = row(path, &folder.path().join(path.file_stem().unwrap()), &[]);
        ["freight_cars", "low", "high", "locomotives", "coaches"].map(|column| row[column].clone())
    };
    let black = tile_with(folder.path(), "black", 0, corner);
    let plain = image::open(&black).unwrap().to_rgb8();
    let [width, height] = [plain.width(), plain.height()].map(f64::from);
    let declared = image::RgbaImage::from_fn(plain.width(), plain.height(), |x, y| {
        let Rgb([red, green, blue]) = *plain.get_pixel(x, y);
        image::Rgba([red, green, blue, if corner(f64::from(x) / width, f64::from(y) / height) { 0 } else { 255 }])
    });
    let path = folder.path().join("declared_20191123.png");
    declared.save(&path).unwrap();
    let declared = counted(&path);
    assert!(declared[0].parse::<u32>().unwrap() > 5, "{declared:?}");
    assert_eq!(counted(&black), declared);
}

/// None of its 14 cars was found, and the yard was called empty.
#[test]
fn the_cars_of_an_image_out_of_focus_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let row = row(&blurred(folder.path(), 2.5), &folder.path().join("out"), &[]);
    assert!((7.0..=16.0).contains(&number(&row, "freight_cars")), "{row:?}");
}

/// Sharpening brings back no detail: blur beyond a car's width must still be seen for what it is.
#[test]
fn an_image_too_blurred_to_show_cars_is_unusable_though_it_was_sharpened() {
    let folder = tempfile::tempdir().unwrap();
    let row = row(&blurred(folder.path(), 4.0), &folder.path().join("out"), &[]);
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
        row(&image, &out, flags);
        std::fs::read(out.join("cars/soft_20231122.geojson")).unwrap()
    };
    let first = cars("first", &["--jobs", "1"]);
    assert!(first == cars("tiles", &["--jobs", "3", "--tile-size", "64"]));
    assert!(first == cars("memory", &["--max-memory", "64", "--tile-size", "128"]));
}

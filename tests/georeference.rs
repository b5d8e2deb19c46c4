//! Positions against PROJ 9.5, the sun against NOAA's calculator.

use std::path::Path;
use std::process::Command;

use geographiclib_rs::{Geodesic, InverseGeodesic};
use yardwatch::count::{CountOptions, Yard, count_scene};
use yardwatch::raster::{Crs, Scene, SceneOptions, Sun, Window};

/// 26 systems, 12 points each inside the area of use, made with pyproj without network grids.
#[test]
fn positions_in_26_systems_agree_with_proj_within_a_centimetre() {
    let mut reader = csv::Reader::from_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/crs_points.csv")).unwrap();
    let mut points = 0;
    for row in reader.deserialize() {
        let (code, x, y, lon, lat): (u32, f64, f64, f64, f64) = row.unwrap();
        let crs = Crs::from_epsg(code).unwrap();
        let [found_lon, found_lat] = crs.to_lonlat(x, y).unwrap();
        let off: f64 = Geodesic::wgs84().inverse(lat, lon, found_lat, found_lon);
        assert!(off < 0.01, "EPSG:{code} {x} {y}: {found_lon} {found_lat}, off by {off} m");
        let [found_x, found_y] = crs.from_lonlat(lon, lat).unwrap();
        let unit = if crs.is_geographic() { 111_320.0 } else { crs.unit_m() };
        let off = (found_x - x).hypot(found_y - y) * unit;
        assert!(off < 0.015, "EPSG:{code} {lon} {lat}: {found_x} {found_y}, off by {off} units");
        points += 1;
    }
    assert_eq!(points, 312);
}

#[test]
fn positions_outside_the_domain_are_refused_not_invented() {
    let utm = Crs::from_epsg(32652).unwrap();
    assert_eq!(utm.to_lonlat(f64::NAN, 0.0), None);
    assert_eq!(utm.from_lonlat(129.0, 91.0), None);
    assert_eq!(Crs::from_epsg(4326).unwrap().to_lonlat(10.0, 95.0), None);
    assert!(Crs::from_epsg(999_999).is_none());
}

/// PROJ.4's words for these leave out axes, grads, or are in two units: 140 to 2,400 km off.
#[test]
fn systems_that_proj_4_could_not_express_are_refused() {
    for code in [2065, 5513, 8044, 3167, 4807] {
        assert!(Crs::from_epsg(code).is_none(), "EPSG:{code}");
    }
    // South-west axes that are in the words.
    assert!(Crs::from_epsg(2048).is_some() && Crs::from_epsg(5514).is_some());
}

/// Where the shift of a datum is not known it was taken as WGS84, 100 to 560 m off, and nobody was told.
#[test]
fn a_datum_of_unknown_shift_is_named_in_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yard.png");
    image::GrayImage::from_fn(60, 40, |x, y| image::Luma([(3 * x + y) as u8])).save(&path).unwrap();
    std::fs::write(path.with_extension("pgw"), "1\n0\n0\n-1\n200000\n500000\n").unwrap();
    let doubts = |code: u32| {
        std::fs::write(path.with_extension("prj"), format!("EPSG:{code}")).unwrap();
        Scene::open(&path, &SceneOptions::default()).unwrap().caveats
    };
    let unknown = doubts(5174);
    assert!(unknown.len() == 1 && unknown[0].contains("Korean 1985") && unknown[0].contains("WGS84"), "{unknown:?}");
    for known in [5186, 3857, 32652, 27700, 2154] {
        assert_eq!(doubts(known), [""; 0], "EPSG:{known}");
    }
    // A yard that is not found there hears of it most of all.
    doubts(5174);
    let scene = Scene::open(&path, &SceneOptions::default()).unwrap();
    let elsewhere = Yard { aoi: vec![vec![[10.0, 50.0], [10.0, 50.01], [10.01, 50.01], [10.0, 50.0]]], ..Yard::default() };
    let count = count_scene(&scene, &elsewhere, &CountOptions::default()).unwrap().count;
    let reason = count.reason;
    assert!(reason.starts_with("the yard lies outside the image; ") && reason.contains("Korean 1985"), "{reason}");
}

/// Extremes of the equation of time and of the declination, as every almanac has them: the sun crosses the meridian of
/// Greenwich at 12:14:13 on 11 February and at 11:43:35 on 3 November; its declination is 23.436 degrees on 20 June 2024 at
/// 20:51 and 0 on 20 March 2024 at 03:06.
#[test]
fn the_sun_stands_where_the_almanac_has_it() {
    let at = |time: &str, lon: f64, lat: f64| Sun::at(time.parse().unwrap(), lon, lat);
    for time in ["2024-02-11T12:14:13Z", "2024-11-03T11:43:35Z"] {
        let sun = at(time, 0.0, 51.4779);
        assert!((sun.azimuth_deg - 180.0).abs() < 0.05, "{time}: {sun:?}");
    }
    // At local noon (longitude chosen by the same table) the elevation is 90 - |latitude - declination|.
    let solstice = at("2024-06-20T20:51:00Z", -132.3, 40.0);
    assert!((solstice.elevation_deg - (50.0 + 23.436)).abs() < 0.01, "{solstice:?}");
    let equinox = at("2024-03-20T03:06:00Z", 135.35, -30.0);
    assert!(
        (equinox.elevation_deg - 60.0).abs() < 0.02 && (equinox.azimuth_deg.min(360.0 - equinox.azimuth_deg)) < 0.5,
        "{equinox:?}"
    );
    // Morning in the east, afternoon in the west.
    assert!(at("2023-10-05T01:58:01Z", 130.6, 42.4).azimuth_deg < 180.0);
    assert!(at("2023-10-05T06:58:01Z", 130.6, 42.4).azimuth_deg > 180.0);
}

/// World files and results in pixels mean the pixels as they are stored, as GDAL does.
#[test]
fn a_picture_is_not_turned_by_its_exif_orientation() {
    use image::{ImageDecoder, ImageEncoder};
    // A TIFF header and a directory with one entry: orientation 6, a quarter turn clockwise.
    let exif = [b"II*\0\x08\0\0\0\x01\0".as_slice(), b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", b"\0\0\0\0"].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.png");
    let picture = image::GrayImage::from_fn(60, 40, |x, y| image::Luma([(3 * x + y) as u8]));
    let mut encoder = image::codecs::png::PngEncoder::new(std::fs::File::create(&path).unwrap());
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&picture, 60, 40, image::ExtendedColorType::L8).unwrap();
    let mut decoder = image::ImageReader::open(&path).unwrap().into_decoder().unwrap();
    assert_eq!(decoder.orientation().unwrap(), image::metadata::Orientation::Rotate90);
    std::fs::write(path.with_extension("pgw"), "0.5\n0\n0\n-0.5\n0.25\n-0.25\n").unwrap();
    for gsd_m in [None, Some(0.5)] {
        let scene = Scene::open(&path, &SceneOptions { gsd_m, ..SceneOptions::default() }).unwrap();
        assert_eq!((scene.source.width(), scene.source.height()), (60, 40));
        let block = scene.source.read(Window::new(0, 0, 60, 40)).unwrap();
        assert_eq!(block.band_f32(0), picture.iter().map(|&value| f32::from(value)).collect::<Vec<_>>());
        std::fs::remove_file(path.with_extension("pgw")).ok();
    }
}

/// Cars across the 180th meridian had outlines round the whole earth, and headings of 90 degrees.
#[test]
fn cars_across_the_180th_meridian_are_as_long_as_elsewhere_and_lie_in_their_direction() {
    const PRJ_1N: &str = r#"PROJCS["WGS_1984_UTM_Zone_1N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-177.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
    let tile = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20210522T024618Z.tif");
    let source = Scene::open(&tile, &SceneOptions::default()).unwrap().source;
    let (width, height) = (source.width(), source.height());
    let light = source.read(Window::new(0, 0, width, height)).unwrap().band_f32(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yard_20210522.png");
    image::GrayImage::from_fn(width, height, |x, y| image::Luma([light[(y * width + x) as usize] as u8])).save(&path).unwrap();
    std::fs::write(path.with_extension("prj"), PRJ_1N).unwrap();
    // Longitudes and heading of every car, with the image's middle at a longitude.
    let cars = |lon: f64| -> Vec<(f64, f64)> {
        let [x, y] = Crs::from_epsg(32601).unwrap().from_lonlat(lon, 42.4).unwrap();
        let (left, top) = (x - 0.25 * f64::from(width), y + 0.25 * f64::from(height));
        std::fs::write(path.with_extension("pgw"), format!("0.5\n0\n0\n-0.5\n{left}\n{top}\n")).unwrap();
        let out = folder.path().join(lon.to_string());
        let program =
            Command::new(env!("CARGO_BIN_EXE_yardwatch")).arg("count").arg(&path).arg("--out").arg(&out).output().unwrap();
        assert!(program.status.success(), "{program:?}");
        let text = std::fs::read(out.join("cars/yard_20210522.geojson")).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let car = |feature: &serde_json::Value| {
            let ring = feature["geometry"]["coordinates"][0].as_array().unwrap();
            let lons = || ring.iter().map(|place| place[0].as_f64().unwrap());
            let wide = lons().fold(f64::MIN, f64::max) - lons().fold(f64::MAX, f64::min);
            (wide, feature["properties"]["heading_deg"].as_f64().unwrap())
        };
        document["features"].as_array().unwrap().iter().map(car).collect()
    };
    let (across, beside) = (cars(180.0), cars(-179.99));
    assert!(across.len() >= 8 && across.len() == beside.len(), "{} and {}", across.len(), beside.len());
    for (across, beside) in across.into_iter().zip(beside) {
        assert!(across.0 < 0.001 && (across.1 - beside.1).abs() < 0.3, "{across:?} {beside:?}");
    }
}

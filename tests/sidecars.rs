//! What lies beside an image: where it lies, when it was acquired, what its bands are, and which files are images at all.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use yardwatch::count::{CountOptions, Yard, count_scene};
use yardwatch::raster::{
    Acquired, AcquiredFrom, Role, Scene, SceneOptions, Window, describe, find_images, parse_aux_xml, parse_imd, parse_planet,
    parse_stac, parse_vendor_xml,
};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A picture of 60 x 40 pixels with 3 bands.
fn picture(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    image::RgbImage::from_fn(60, 40, |x, y| image::Rgb([x as u8, y as u8, 7])).save(&path).unwrap();
    path
}

fn with_gsd() -> SceneOptions {
    SceneOptions { gsd_m: Some(0.5), ..SceneOptions::default() }
}

const PRJ_52N: &str = r#"PROJCS["WGS_1984_UTM_Zone_52N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",129.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;

#[test]
fn world_file_and_prj_tie_a_picture_to_the_ground() {
    let folder = folder();
    let image = picture(folder.path(), "yard_20231005T015801Z.png");
    fs::write(folder.path().join("yard_20231005T015801Z.PGW"), "0.4\n0\n0\n-0.4\n500000.2\n4699999.8\n").unwrap();
    fs::write(folder.path().join("yard_20231005T015801Z.prj"), PRJ_52N).unwrap();
    let scene = Scene::open(&image, &SceneOptions::default()).unwrap();
    let georeference = scene.georeference.unwrap();
    assert_eq!(georeference.geotransform.map(|value| (value * 1e6).round() / 1e6), [500_000.0, 0.4, 0.0, 4_700_000.0, 0.0, -0.4]);
    assert_eq!(scene.gsd_m, [0.4, 0.4]);
    let [lon, lat] = georeference.to_lonlat(0.0, 0.0).unwrap();
    assert!((lon - 129.0).abs() < 1e-9 && (lat - 42.4525).abs() < 0.01, "{lon} {lat}");
    let sun = scene.sun.unwrap();
    assert!(
        scene.sun_computed && (130.0..180.0).contains(&sun.azimuth_deg) && (30.0..45.0).contains(&sun.elevation_deg),
        "{sun:?}"
    );
}

#[test]
fn a_picture_without_scale_asks_for_gsd() {
    let folder = folder();
    let image = picture(folder.path(), "yard.png");
    let error = Scene::open(&image, &SceneOptions::default()).unwrap_err().to_string();
    assert!(error.contains("--gsd"), "{error}");
    assert_eq!(Scene::open(&image, &with_gsd()).unwrap().gsd_m, [0.5, 0.5]);
    let wrong = SceneOptions { gsd_m: Some(-1.0), ..SceneOptions::default() };
    assert!(Scene::open(&image, &wrong).is_err());
    // `info` still tells what can be read.
    let description = describe(&image, &SceneOptions::default(), true).unwrap();
    assert!(description.problem.unwrap().contains("--gsd"));
    assert_eq!(description.checksum.unwrap().valid_pixels, 60 * 40);
}

#[test]
fn a_broken_world_file_is_named() {
    let folder = folder();
    let image = picture(folder.path(), "yard.png");
    for text in ["", "0.4\n0\n0\n-0.4\n500000\n", "0 0 0 0 5 5", "0.4 0 0 nan 1 1", "<html>"] {
        fs::write(folder.path().join("yard.pgw"), text).unwrap();
        let error = Scene::open(&image, &with_gsd()).unwrap_err().to_string();
        assert!(error.contains("yard.pgw"), "{text:?}: {error}");
    }
}

#[test]
fn aux_xml_gives_transform_and_crs() {
    let folder = folder();
    let image = picture(folder.path(), "yard.png");
    let text = format!(
        "<PAMDataset><SRS dataAxisToSRSAxisMapping=\"1,2\">{}</SRS><GeoTransform> 5.0e+05, 3.0e-01, 0.0, 4.7e+06, 0.0, -3.0e-01</GeoTransform></PAMDataset>",
        PRJ_52N.replace('"', "&quot;")
    );
    fs::write(folder.path().join("yard.png.aux.xml"), text).unwrap();
    let scene = Scene::open(&image, &SceneOptions::default()).unwrap();
    assert_eq!(scene.gsd_m, [0.3, 0.3]);
    assert!(scene.georeference.unwrap().to_lonlat(0.0, 0.0).is_some());
}

/// Its indices were counted on as brightness: GDAL writes the colour table of an image that was created grey into its side file.
#[test]
fn a_colour_table_in_the_side_file_is_refused_where_samples_are_its_indices() {
    let folder = folder();
    let table = "<PAMDataset><PAMRasterBand band=\"1\"><ColorInterp>Palette</ColorInterp></PAMRasterBand></PAMDataset>";
    let grey = folder.path().join("grey.png");
    image::GrayImage::new(20, 10).save(&grey).unwrap();
    let rgb = picture(folder.path(), "rgb.png");
    assert!(Scene::open(&grey, &with_gsd()).is_ok());
    for image in [&grey, &rgb] {
        fs::write(format!("{}.aux.xml", image.display()), table).unwrap();
    }
    let error = Scene::open(&grey, &with_gsd()).unwrap_err().to_string();
    assert!(error.contains("gdal_translate -expand rgb"), "{error}");
    assert!(Scene::open(&rgb, &with_gsd()).is_ok(), "its own colour table is read");
}

/// A CRS that was assigned in a side file was ignored where the image had one of its own and the side file no geotransform.
#[test]
fn the_crs_of_a_side_file_comes_before_that_of_the_image() {
    let folder = folder();
    let image = folder.path().join("yard.tif");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20231005T015801Z.tif");
    fs::copy(sample, &image).unwrap();
    let open = || Scene::open(&image, &SceneOptions::default()).unwrap();
    let own = open().georeference.unwrap();
    assert_eq!(own.epsg, Some(32652));
    let aux = |srs: &str| fs::write(folder.path().join("yard.tif.aux.xml"), format!("<PAMDataset><SRS>{srs}</SRS></PAMDataset>"));
    aux("EPSG:32651").unwrap();
    let scene = open();
    let georeference = scene.georeference.unwrap();
    assert_eq!((georeference.epsg, georeference.geotransform), (Some(32651), own.geotransform));
    // One that is not understood leaves the image's own in place, and a note says so.
    aux("PROJCS[&quot;Lost&quot;]").unwrap();
    let scene = open();
    assert_eq!(scene.georeference.unwrap().epsg, Some(32652));
    assert!(scene.notes.iter().any(|note| note.contains("the .aux.xml file (Lost) is not understood")), "{:?}", scene.notes);
    assert!(scene.caveats.is_empty(), "{:?}", scene.caveats);
}

/// The message denied the georeference, and asked for `--gsd`, with which results would be in pixels.
#[test]
fn a_world_file_in_degrees_asks_for_the_crs() {
    let folder = folder();
    let image = picture(folder.path(), "yard.png");
    fs::write(folder.path().join("yard.pgw"), "0.000005\n0\n0\n-0.000005\n130.6\n42.4\n").unwrap();
    let error = Scene::open(&image, &SceneOptions::default()).unwrap_err().to_string();
    assert!(error.contains("degrees") && error.contains(".prj") && !error.contains("no georeference"), "{error}");
    fs::write(folder.path().join("yard.prj"), "EPSG:4326").unwrap();
    assert!((Scene::open(&image, &SceneOptions::default()).unwrap().gsd_m[1] - 0.555).abs() < 0.01);
}

/// Feet were counted as metres, with an empty reason, where the datum in a `.prj` was not known.
#[test]
fn a_prj_with_an_unknown_datum_keeps_its_feet_and_is_named_in_the_reason() {
    let folder = folder();
    let tile = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20210522T024618Z.tif");
    let source = Scene::open(&tile, &SceneOptions::default()).unwrap().source;
    let (width, height) = (source.width(), source.height());
    let light = source.read(Window::new(0, 0, width, height)).unwrap().band_f32(0);
    let image = folder.path().join("yard.png");
    image::GrayImage::from_fn(width, height, |x, y| image::Luma([light[(y * width + x) as usize] as u8])).save(&image).unwrap();
    fs::write(folder.path().join("yard.pgw"), "1.5\n0\n0\n-1.5\n1640000\n15400000\n").unwrap();
    let feet = PRJ_52N.replace("UNIT[\"Meter\",1.0]", "UNIT[\"Foot_US\",0.3048006096012192]");
    fs::write(folder.path().join("yard.prj"), feet.replace("D_WGS_1984", "D_Atlantis")).unwrap();
    let scene = Scene::open(&image, &SceneOptions::default()).unwrap();
    assert!((scene.gsd_m[0] - 0.457_200_9).abs() < 1e-6, "{:?}", scene.gsd_m);
    let reason = count_scene(&scene, &Yard::default(), &CountOptions::default()).unwrap().count.reason;
    assert!(reason.contains("the CRS in yard.prj (WGS_1984_UTM_Zone_52N) is not understood"), "{reason}");
    // A realisation of NAD83 is WGS84 within two metres.
    fs::write(folder.path().join("yard.prj"), feet.replace("D_WGS_1984", "D_NAD_1983_2011")).unwrap();
    let scene = Scene::open(&image, &SceneOptions::default()).unwrap();
    assert!((scene.gsd_m[0] - 0.457_200_9).abs() < 1e-6 && scene.caveats.is_empty(), "{:?}", scene.caveats);
    assert!(scene.georeference.unwrap().to_lonlat(0.0, 0.0).is_some());
}

const STAC: &str = r#"{"type":"Feature","stac_version":"1.0.0","id":"scene-1","geometry":null,
 "properties":{"datetime":"2021-04-17T02:52:13.5Z","gsd":0.31,"eo:cloud_cover":12.5,"view:off_nadir":21.3,"view:sun_elevation":45.5,
  "view:sun_azimuth":-170.0,"platform":"worldview-3"},
 "assets":{"thumb":{"href":"./thumb.png","type":"image/png","roles":["thumbnail"]},
  "image":{"href":"./yard_20200101.png","type":"image/png","roles":["data"],"eo:bands":[{"name":"B1","common_name":"blue"},
   {"name":"B2","common_name":"green"},{"name":"B3","common_name":"red"}]}}}"#;
const IMD: &str = "version = \"28.4\";\nBEGIN_GROUP = BAND_R\n\tULLon = 1;\nEND_GROUP = BAND_R\nBEGIN_GROUP = BAND_G\nEND_GROUP = BAND_G\nBEGIN_GROUP = BAND_B\nEND_GROUP = BAND_B\nBEGIN_GROUP = IMAGE_1\n\tsatId = \"WV03\";\n\tfirstLineTime = 2019-03-22T02:45:12.123456Z;\n\tmeanSunAz = 150.1;\n\tmeanSunEl = 44.2;\n\tmeanOffNadirViewAngle = 17.5;\n\tcloudCover = 0.034;\nEND_GROUP = IMAGE_1\nEND;\n";
const DIMAP: &str = "<?xml version=\"1.0\"?><Dimap_Document><Dataset_Sources><Source_Identification><Strip_Source><MISSION>PHR</MISSION><MISSION_INDEX>1A</MISSION_INDEX><IMAGING_DATE>2021-03-14</IMAGING_DATE><IMAGING_TIME>02:12:34.5Z</IMAGING_TIME></Strip_Source></Source_Identification></Dataset_Sources><Located_Geometric_Values><Solar_Incidences><SUN_AZIMUTH unit=\"deg\">151.2</SUN_AZIMUTH><SUN_ELEVATION unit=\"deg\">40.9</SUN_ELEVATION></Solar_Incidences></Located_Geometric_Values><Raster_Index_List><Raster_Index><BAND_ID>B2</BAND_ID><BAND_INDEX>1</BAND_INDEX></Raster_Index><Raster_Index><BAND_ID>B1</BAND_ID><BAND_INDEX>2</BAND_INDEX></Raster_Index><Raster_Index><BAND_ID>B0</BAND_ID><BAND_INDEX>3</BAND_INDEX></Raster_Index></Raster_Index_List></Dimap_Document>";
const PLANET: &str = r#"{"id":"20230102_103045_12_2461","type":"Feature","properties":{"acquired":"2023-01-02T10:30:45.12Z","sun_azimuth":160.5,"sun_elevation":20.1,"view_angle":-3.1,"cloud_cover":0.05,"satellite_id":"2461","pixel_resolution":3}}"#;

#[test]
fn the_stac_item_beside_an_image_speaks_before_its_name() {
    let folder = folder();
    let image = picture(folder.path(), "yard_20200101.png");
    fs::write(folder.path().join("scene-1.json"), STAC).unwrap();
    let scene = Scene::open(&image, &SceneOptions::default()).unwrap();
    let acquired = scene.acquired.unwrap();
    assert_eq!((acquired.time.to_string().as_str(), acquired.from), ("2021-04-17T02:52:13.5Z", AcquiredFrom::Stac));
    let sun = scene.sun.unwrap();
    assert_eq!((sun.azimuth_deg, sun.elevation_deg, scene.sun_computed), (190.0, 45.5, false));
    assert_eq!((scene.gsd_m, scene.cloud_cover, scene.off_nadir_deg), ([0.31, 0.31], Some(0.125), Some(21.3)));
    assert_eq!(scene.sensor.as_deref(), Some("worldview-3"));
    assert_eq!((scene.bands.roles, scene.bands.stated), (vec![Role::Blue, Role::Green, Role::Red], true));
    assert!(scene.notes.iter().any(|note| note.contains("2020-01-01")), "{:?}", scene.notes);
    // An item that names another file says nothing of this one.
    let other = picture(folder.path(), "other.png");
    assert_eq!(Scene::open(&other, &with_gsd()).unwrap().acquired, None);
}

#[test]
fn vendors_metadata_are_found_by_their_names() {
    let folder = folder();
    let cases = [
        (
            "19MAR22024512-M2AS_R1C2-010_01_P001.png",
            "19MAR22024512-M2AS-010_01_P001.IMD",
            IMD,
            "2019-03-22T02:45:12.123456Z",
            150.1,
        ),
        ("IMG_PHR1A_PMS_001_ORT_R2C1.png", "DIM_PHR1A_PMS_001_ORT.XML", DIMAP, "2021-03-14T02:12:34.5Z", 151.2),
        (
            "20230102_103045_12_2461_3B_Visual.png",
            "20230102_103045_12_2461_metadata.json",
            PLANET,
            "2023-01-02T10:30:45.12Z",
            160.5,
        ),
    ];
    for (image, side, text, time, azimuth) in cases {
        let image = picture(folder.path(), image);
        fs::write(folder.path().join(side), text).unwrap();
        let scene = Scene::open(&image, &with_gsd()).unwrap();
        let acquired = scene.acquired.unwrap();
        assert_eq!((acquired.time.to_string().as_str(), acquired.from), (time, AcquiredFrom::Vendor), "{side}");
        assert_eq!(scene.sun.unwrap().azimuth_deg, azimuth, "{side}");
    }
    let dimap = parse_vendor_xml(DIMAP).unwrap();
    assert_eq!((dimap.sensor.as_deref(), dimap.bands), (Some("PHR 1A"), Some(vec![Role::Red, Role::Green, Role::Blue])));
    assert_eq!(parse_imd(IMD).unwrap().cloud_cover, Some(0.034));
    assert_eq!(parse_planet(PLANET).unwrap().off_nadir_deg, Some(3.1));
}

#[test]
fn name_comes_before_the_option_and_ambiguous_names_are_not_guessed() {
    let folder = folder();
    let said = Acquired { time: "2022-02-02T02:02:02Z".parse().unwrap(), from: AcquiredFrom::Option, date_only: false };
    let options = SceneOptions { acquired: Some(said), ..with_gsd() };
    let from = |name: &str| Scene::open(&picture(folder.path(), name), &options).unwrap().acquired.unwrap();
    assert_eq!(from("yard_2023-10-05.png").from, AcquiredFrom::FileName);
    assert_eq!(from("yard_08-09-2020.png").from, AcquiredFrom::Option);
    let scene = |name: &str| Scene::open(&picture(folder.path(), name), &with_gsd()).unwrap();
    for (name, doubt) in [("yard_08-09-2020.png", "08-09-2020"), ("yard_20200908_20201008.png", "2020-09-08 and 2020-10-08")] {
        let scene = scene(name);
        assert_eq!((scene.acquired, scene.gsd_from), (None, "--gsd"));
        assert!(scene.notes.iter().any(|note| note.contains(doubt) && note.contains("--acquired")), "{:?}", scene.notes);
    }
    assert_eq!(scene("yard.png").notes, [""; 0]);
    let zone = scene("yard_20231005T015801-0500.png");
    assert!(zone.acquired.unwrap().date_only && zone.notes[0].contains("a zone or a number"), "{:?}", zone.notes);
    assert_eq!(scene("yard_20231005T105801+0900.png").acquired.unwrap().time.to_string(), "2023-10-05T01:58:01Z");
}

#[test]
fn item_collections_and_folders_of_items_are_inputs() {
    let folder = folder();
    let image = picture(folder.path(), "yard_20200101.png");
    picture(folder.path(), "thumb.png");
    let remote = STAC.replace("./yard_20200101.png", "https://example.com/yard.png").replace("scene-1", "scene-2");
    let outside = STAC.replace("./yard_20200101.png", "../../../etc/passwd").replace("scene-1", "scene-3");
    let collection = format!(r#"{{"type":"FeatureCollection","features":[{STAC},{remote},{outside}]}}"#);
    let items = folder.path().join("items.json");
    fs::write(&items, collection).unwrap();
    fs::write(folder.path().join("tracks.geojson"), r#"{"type":"FeatureCollection","features":[]}"#).unwrap();
    for input in [items, folder.path().to_owned()] {
        let listing = find_images(&[input]);
        assert_eq!(listing.images, std::slice::from_ref(&image));
        let reasons: Vec<String> = listing.unusable.iter().map(|(_, error)| error.to_string()).collect();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(reasons[0].contains("scene-2") && reasons[0].contains("download"), "{reasons:?}");
        assert!(reasons[1].contains("scene-3"), "{reasons:?}");
    }
    let listing = find_images(&[folder.path().join("tracks.geojson")]);
    assert!(listing.images.is_empty() && listing.unusable.len() == 1);
}

#[test]
fn assets_outside_the_folder_are_refused_even_when_they_exist() {
    let folder = folder();
    picture(folder.path(), "secret.png");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("item.json"), STAC.replace("./yard_20200101.png", "../secret.png")).unwrap();
    let listing = find_images(&[inner.join("item.json")]);
    assert!(listing.images.is_empty());
    assert!(listing.unusable[0].1.to_string().contains("outside"), "{:?}", listing.unusable);
}

/// A folder named after its own images was said to have none.
#[test]
fn a_folder_whose_images_were_named_before_is_not_without_images() {
    let folder = folder();
    let image = picture(folder.path(), "yard.png");
    let listing = find_images(&[image.clone(), folder.path().to_owned(), folder.path().to_owned()]);
    assert_eq!(listing.images, [image]);
    assert!(listing.unusable.is_empty(), "{:?}", listing.unusable);
}

#[test]
fn odd_files_in_a_folder_are_named_and_the_others_go_on() {
    let folder = folder();
    let root = folder.path();
    let good = picture(root, "b.png");
    fs::create_dir(root.join("x.tif")).unwrap();
    fs::write(root.join("a_empty.tif"), "").unwrap();
    fs::write(root.join("c_text.tif"), "this is no image").unwrap();
    let nested = root.join("deliveries/2023");
    fs::create_dir_all(&nested).unwrap();
    let deep = picture(&nested, "d.png");
    picture(&nested, "d_udm2.png");
    // The output of an earlier run holds pictures of its own.
    let output = root.join("report");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("yardwatch.gpkg"), "").unwrap();
    picture(&output, "overlay.jpg");

    let listing = find_images(&[root.to_owned(), good.clone(), root.join("missing.tif")]);
    assert_eq!(listing.images, [root.join("a_empty.tif"), good.clone(), root.join("c_text.tif"), deep]);
    assert_eq!(listing.unusable.len(), 1);
    assert_eq!(listing.skipped.len(), 2, "{:?}", listing.skipped);
    for (name, reason) in [("a_empty.tif", "empty"), ("c_text.tif", "not an image"), ("x.tif", "folder")] {
        let error = Scene::open(&root.join(name), &with_gsd()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason), "{error}");
    }
    let listing = find_images(&[root.join("x.tif")]);
    assert!(listing.unusable[0].1.to_string().contains("no images"));
}

/// With the output folder in the folder of the images, later runs and `info` took the pictures in `overlays` for images.
#[test]
fn pictures_of_a_run_into_the_folder_of_its_images_are_no_images() {
    let folder = folder();
    let root = folder.path();
    let mut images = vec![picture(root, "a.png")];
    for name in ["cars", "overlays", "2023/overlays"] {
        fs::create_dir_all(root.join(name)).unwrap();
        images.push(picture(&root.join(name), "b.png"));
    }
    images.sort();
    // Without a record beside them they are folders like others.
    assert_eq!(find_images(&[root.to_owned()]).images, images);
    fs::write(root.join("yardwatch.gpkg"), "").unwrap();
    let listing = find_images(&[root.to_owned()]);
    assert_eq!(listing.images, [root.join("2023/overlays/b.png"), root.join("a.png")]);
    assert_eq!(listing.skipped.len(), 2, "{:?}", listing.skipped);
    assert!(listing.unusable.is_empty());
}

#[cfg(unix)]
#[test]
fn links_pipes_and_names_that_are_not_utf8_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let root = folder.path();
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = picture(elsewhere.path(), "secret.png");
    let images = root.join("images");
    fs::create_dir(&images).unwrap();
    let odd = images.join(std::ffi::OsStr::from_bytes(b"yard\xFF_20231005.png"));
    fs::copy(picture(root, "plain.png"), &odd).unwrap();
    std::os::unix::fs::symlink(&images, images.join("loop")).unwrap();
    std::os::unix::fs::symlink(&secret, images.join("link.png")).unwrap();
    std::os::unix::fs::symlink(images.join("nowhere.png"), images.join("broken.png")).unwrap();
    // A socket stands for everything that is no regular file; reading a pipe would wait for ever.
    let _socket = std::os::unix::net::UnixListener::bind(images.join("socket.tif")).unwrap();

    let listing = find_images(std::slice::from_ref(&images));
    assert_eq!(listing.images, std::slice::from_ref(&odd));
    assert_eq!(listing.skipped.len(), 3, "{:?}", listing.skipped);
    assert!(Scene::open(&odd, &with_gsd()).unwrap().acquired.is_some());
    let error = Scene::open(&images.join("socket.tif"), &with_gsd()).unwrap_err().to_string();
    assert!(error.contains("regular"), "{error}");
    // A world file that is a link is not followed either.
    std::os::unix::fs::symlink("/etc/passwd", root.join("plain.pgw")).unwrap();
    assert!(Scene::open(&root.join("plain.png"), &with_gsd()).unwrap().georeference.is_none());
}

#[test]
fn deep_nesting_and_entity_bombs_are_refused() {
    let deep_xml = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert!(parse_vendor_xml(&deep_xml).is_err());
    assert!(parse_aux_xml(&deep_xml).is_err());
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><Dimap_Document>&c;</Dimap_Document>";
    assert!(parse_vendor_xml(bomb).is_err());
    assert!(parse_stac(&"[".repeat(200_000)).is_err());
    assert!(parse_planet(&"{\"a\":".repeat(200_000)).is_err());
}

#[test]
fn a_file_that_shrinks_after_opening_is_an_error_not_a_crash() {
    let Some(tile) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "tif"))
    else {
        panic!("sample_tiles holds no TIFF");
    };
    let folder = folder();
    let path = folder.path().join("a.tif");
    fs::copy(tile, &path).unwrap();
    let scene = Scene::open(&path, &SceneOptions::default()).unwrap();
    fs::write(&path, b"II").unwrap();
    let error = yardwatch::raster::checksum(&*scene.source).unwrap_err().to_string();
    assert!(error.contains("a.tif"), "{error}");
}

/// Three images of 2021 that had been processed in 2024 were one day of 2024, with a sun that stood elsewhere.
#[test]
fn a_tag_some_days_from_the_date_in_the_name_is_not_believed() {
    let folder = folder();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20211006T013940Z.tif");
    let open = |name: &str| {
        let path = folder.path().join(name);
        fs::copy(&sample, &path).unwrap();
        Scene::open(&path, &SceneOptions::default()).unwrap()
    };
    let acquired = |name: &str| {
        let scene = open(name);
        let acquired = scene.acquired.unwrap();
        (acquired.time.to_string(), acquired.from, scene.notes.iter().any(|note| note.contains("the file name says")))
    };
    let tag = "2021-10-06T01:39:40Z".to_owned();
    assert_eq!(acquired("yard_20191005T015801Z.tif"), ("2019-10-05T01:58:01Z".to_owned(), AcquiredFrom::FileName, true));
    assert_eq!(acquired("yard_20211005T015801Z.tif"), (tag, AcquiredFrom::File, false));
    // Of an earlier tag as well: an image that was cut out of another's file has its tag.
    assert_eq!(acquired("yard_20231005T015801Z.tif"), ("2023-10-05T01:58:01Z".to_owned(), AcquiredFrom::FileName, true));
    let options = CountOptions::default();
    for (name, said) in [("yard_20231005T015801Z.tif", true), ("yard_20211005T015801Z.tif", false)] {
        let reason = count_scene(&open(name), &Yard::default(), &options).unwrap().count.reason;
        assert_eq!(reason.contains("but the file name says 2023-10-05, which is taken"), said, "{reason}");
    }
}

/// A tag of 1970-01-01 made a day of it, also of an image with a date in its name.
#[test]
fn what_a_clock_says_that_was_never_set_is_no_time() {
    use image::ImageEncoder;
    let folder = folder();
    let scene = |name: &str, time: &str| {
        let path = folder.path().join(name);
        // A TIFF header and a directory with one entry: the date, 20 characters that stand behind it.
        let head = [b"II*\0\x08\0\0\0\x01\0".as_slice(), b"\x32\x01\x02\0\x14\0\0\0\x1a\0\0\0", b"\0\0\0\0"].concat();
        let mut encoder = image::codecs::png::PngEncoder::new(fs::File::create(&path).unwrap());
        encoder.set_exif_metadata([&head[..], time.as_bytes(), b"\0"].concat()).unwrap();
        encoder.write_image(&[7; 60 * 40], 60, 40, image::ExtendedColorType::L8).unwrap();
        Scene::open(&path, &with_gsd()).unwrap()
    };
    for clock in ["1970:01:01 00:00:00", "1980:01:01 00:00:00", "2000:01:01 00:00:00"] {
        let undated = scene("yard.png", clock);
        assert_eq!(undated.acquired, None, "{clock}");
        assert!(undated.notes[0].contains("never set") && undated.notes[0].contains(&clock[..4]), "{:?}", undated.notes);
        assert_eq!(scene("yard_20231122.png", clock).acquired.unwrap().time.to_string(), "2023-11-22T00:00:00Z", "{clock}");
    }
    let set = scene("yard.png", "2000:01:01 02:14:51").acquired.unwrap();
    assert_eq!((set.time.to_string().as_str(), set.from), ("2000-01-01T02:14:51Z", AcquiredFrom::File));
}

//! An analyst corrects the layer `cars` of the store, as QGIS would: the next runs keep it and count from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

const FIRST: &str = "tumangang_20210522T024322Z";
const SECOND: &str = "tumangang_20210522T024618Z";

fn analyze(images: &Path, out: &Path, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("analyze")
        .arg(images)
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words}");
    words
}

fn setup() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let images = temporary.path().join("images");
    fs::create_dir(&images).unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles");
    for name in [&format!("{FIRST}.tif"), &format!("{SECOND}.tif"), "site.toml", "aoi.geojson", "tracks.geojson"] {
        fs::copy(sample.join(name), images.join(name)).unwrap();
    }
    let out = temporary.path().join("out");
    analyze(&images, &out, &[]);
    (temporary, images, out)
}

fn counts(out: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let rows = csv::Reader::from_path(out.join("counts.csv"))
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect::<Vec<BTreeMap<String, String>>>();
    rows.into_iter().map(|row| (row["image"].trim_end_matches(".tif").to_owned(), row)).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> i64 {
    row[column].parse().unwrap()
}

fn cars(out: &Path, stem: &str) -> Vec<serde_json::Value> {
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join(format!("cars/{stem}.geojson"))).unwrap()).unwrap();
    document["features"].as_array().unwrap().clone()
}

fn interval(out: &Path, stem: &str) -> String {
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.query_row("SELECT interval FROM observations WHERE image = ?1", [format!("{stem}.tif")], |row| row.get(0)).unwrap()
}

#[test]
fn corrections_by_hand_are_kept_counted_and_never_overwritten() {
    let (_temporary, images, out) = setup();
    let before = counts(&out);
    let (first, untouched) = (before[FIRST].clone(), fs::read(out.join(format!("cars/{SECOND}.geojson"))).unwrap());
    let picture = fs::read(out.join(format!("overlays/{FIRST}.jpg"))).unwrap();
    let freight = |list: &[serde_json::Value]| {
        list.iter().filter(|car| !["locomotive", "coach"].contains(&car["properties"]["class"].as_str().unwrap())).count() as i64
    };
    let drawn = freight(&cars(&out, FIRST));
    assert!(drawn >= 4, "the counter must find some cars here for this test: {drawn}");

    // Two false alarms deleted, one car pasted twice (without and with its number), one made a locomotive, in QGIS' spelling.
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let of_first = format!("scene = '{FIRST}.tif' AND class NOT IN ('locomotive', 'coach')");
    let fids: Vec<i64> = {
        let mut statement = store.prepare(&format!("SELECT fid FROM cars WHERE {of_first} ORDER BY fid")).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    store.execute("DELETE FROM cars WHERE fid IN (?1, ?2)", [fids[0], fids[1]]).unwrap();
    store
        .execute("INSERT INTO cars (geom, scene, class) SELECT geom, scene, ' Tank ' FROM cars WHERE fid = ?1", [fids[2]])
        .unwrap();
    store
        .execute(
            "INSERT INTO cars (geom, scene, class, number) SELECT geom, scene, class, number FROM cars WHERE fid = ?1",
            [fids[3]],
        )
        .unwrap();
    store.execute("INSERT INTO cars (geom, scene) SELECT geom, scene FROM cars WHERE fid = ?1", [fids[3]]).unwrap();
    store.execute("UPDATE cars SET class = 'locomotive' WHERE fid = ?1", [fids[2]]).unwrap();
    drop(store);

    analyze(&images, &out, &[]);
    let after = counts(&out);
    // -2 deleted, +3 added, -1 that is a locomotive.
    assert_eq!(number(&after[FIRST], "freight_cars"), number(&first, "freight_cars"));
    assert_eq!(number(&after[FIRST], "locomotives"), number(&first, "locomotives") + 1);
    assert!(after[FIRST]["reason"].contains("corrected by hand: 2 removed, 3 added, 1 reclassified"), "{:?}", after[FIRST]);
    assert_eq!(interval(&out, FIRST), "corrected");
    assert_eq!(interval(&out, SECOND), "model");
    let list = cars(&out, FIRST);
    assert_eq!(freight(&list), drawn);
    assert!(list.iter().any(|car| car["properties"]["class"] == "tank" && car["properties"]["confidence"] == 1.0));
    assert!(list.iter().all(|car| car["properties"]["length_m"].as_f64().unwrap() > 5.0 && car["properties"]["col"].is_number()));
    assert_eq!(fs::read(out.join(format!("cars/{SECOND}.geojson"))).unwrap(), untouched);
    assert_ne!(fs::read(out.join(format!("overlays/{FIRST}.jpg"))).unwrap(), picture, "the picture shows the corrections");

    // Again and again: the same bytes.
    let all =
        |out: &Path| ["counts.csv", "days.csv", "report.html", "yardwatch.gpkg"].map(|name| fs::read(out.join(name)).unwrap());
    let corrected = all(&out);
    let geojson = fs::read(out.join(format!("cars/{FIRST}.geojson"))).unwrap();
    analyze(&images, &out, &[]);
    assert_eq!(all(&out), corrected);

    // Another setting counts the other image anew, and leaves the corrected one alone.
    let words = analyze(&images, &out, &["--gsd", "0.4", "--progress", "always"]);
    assert!(words.contains(&format!("1/1 {SECOND}")), "{words}");
    assert_eq!(fs::read(out.join(format!("cars/{FIRST}.geojson"))).unwrap(), geojson);

    // Even another image under the name does not take them away, and the user hears of it.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles");
    fs::copy(sample.join(format!("{SECOND}.tif")), images.join(format!("{FIRST}.tif"))).unwrap();
    let words = analyze(&images, &out, &["--gsd", "0.4"]);
    assert!(words.contains("corrected by hand"), "{words}");
    assert_eq!(fs::read(out.join(format!("cars/{FIRST}.geojson"))).unwrap(), geojson);
}

#[test]
fn a_scene_that_was_looked_through_has_no_interval_left() {
    let (_temporary, images, out) = setup();
    let before = counts(&out)[FIRST].clone();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1 WHERE image = ?1", [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    analyze(&images, &out, &[]);
    let after = &counts(&out)[FIRST];
    let freight = number(&before, "freight_cars");
    assert_eq!((number(after, "freight_cars"), number(after, "low"), number(after, "high")), (freight, freight, freight));
    assert_eq!(interval(&out, FIRST), "reviewed");
    assert!(after["reason"].contains("reviewed by hand"));
}

/// The first run marks corrected cars as reviewed; the second took those marks for a review of the whole image, and nothing was left of
/// the interval. A car drawn in QGIS has the mark from the beginning.
#[test]
fn only_the_mark_of_the_image_itself_means_that_all_of_it_was_looked_through() {
    let (_temporary, images, out) = setup();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let every_class = "UPDATE cars SET class = CASE class WHEN 'hopper' THEN 'tank' ELSE 'hopper' END WHERE scene = ?1";
    store.execute(every_class, [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    analyze(&images, &out, &[]);
    let first = counts(&out);
    assert!(number(&first[FIRST], "high") > number(&first[FIRST], "freight_cars"), "cars may have been missed: {first:?}");
    analyze(&images, &out, &[]);
    assert_eq!(counts(&out), first);
    assert_eq!(interval(&out, FIRST), "corrected");
}

/// An image in which the program sees nothing, and a car that somebody drew there.
fn setup_unusable() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    fs::create_dir(&images).unwrap();
    let white = |x: u32, y: u32| image::Luma([if x + y < 4 { 0 } else { 255u8 }]);
    image::GrayImage::from_fn(400, 300, white).save(images.join("yard_20200401.png")).unwrap();
    analyze(&images, &out, &["--gsd", "0.5"]);
    assert_eq!(counts(&out)["yard_20200401.png"]["status"], "unusable");
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let over_the_picture = rectangle([[100.0, -50.0], [130.0, -50.0], [130.0, -56.0], [100.0, -56.0]]);
    store.execute("INSERT INTO cars (geom, scene) VALUES (?1, 'yard_20200401.png')", [over_the_picture]).unwrap();
    analyze(&images, &out, &["--gsd", "0.5"]);
    (temporary, images, out)
}

fn review_all(out: &Path) {
    Connection::open(out.join("yardwatch.gpkg")).unwrap().execute("UPDATE scenes SET reviewed = 1", []).unwrap();
}

/// It was partial with the coverage of an image in which nothing is seen, and its day had no count; with a single car drawn it was no
/// longer unusable either.
#[test]
fn an_unusable_image_counts_for_its_day_once_it_was_looked_through_and_not_before() {
    let (_temporary, images, out) = setup_unusable();
    let row = |out: &Path| counts(out)["yard_20200401.png"].clone();
    let day = |out: &Path| -> BTreeMap<String, String> {
        csv::Reader::from_path(out.join("days.csv")).unwrap().deserialize().next().unwrap().unwrap()
    };
    let corrected = row(&out);
    assert_eq!((corrected["status"].as_str(), corrected["freight_cars"].as_str()), ("unusable", ""), "{corrected:?}");
    assert!(corrected["reason"].contains("corrected by hand: 1 added"), "{corrected:?}");
    assert_eq!((day(&out)["verdict"].as_str(), day(&out)["freight_cars"].as_str()), ("unusable", ""));
    review_all(&out);
    analyze(&images, &out, &["--gsd", "0.5"]);
    let reviewed = row(&out);
    assert_eq!(["freight_cars", "low", "high", "coverage", "status"].map(|c| reviewed[c].as_str()), ["1", "1", "1", "1", "ok"]);
    assert!(reviewed["reason"].starts_with("reviewed by hand: 1 added; to the program"), "{reviewed:?}");
    assert_eq!(number(&day(&out), "freight_cars"), 1, "{:?}", day(&out));
}

/// The layer showed 0 cars where nothing could be seen, and an image that was usable by now was still unusable there.
#[test]
fn the_layer_of_footprints_has_no_count_of_an_unusable_image_and_follows_its_status() {
    let (_temporary, images, out) = setup_unusable();
    let row = || -> (Option<i64>, String) {
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        store.query_row("SELECT freight_cars, status FROM scene_footprints", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(row(), (None, "unusable".to_owned()));
    review_all(&out);
    analyze(&images, &out, &["--gsd", "0.5"]);
    assert_eq!(row(), (Some(1), "ok".to_owned()));
}

/// A run could not be scored against reviewed cars: only truth files were read.
#[test]
fn a_run_is_scored_against_the_cars_of_an_image_that_was_looked_through() {
    let (temporary, images, out) = setup();
    let program = temporary.path().join("program");
    fs::create_dir(&program).unwrap();
    for stem in [FIRST, SECOND] {
        fs::copy(out.join(format!("cars/{stem}.geojson")), program.join(format!("{stem}.geojson"))).unwrap();
    }
    let evaluate = || {
        let scores = temporary.path().join("scores.json");
        let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
            .args(["evaluate".as_ref(), program.as_os_str(), out.as_os_str(), "--json".as_ref(), scores.as_os_str()])
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(serde_json::from_slice::<serde_json::Value>(&fs::read(scores).unwrap()).unwrap())
        } else {
            Err(words)
        }
    };
    let words = evaluate().unwrap_err();
    assert!(words.contains("looked through by hand"), "{words}");

    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let freight = format!("scene = '{FIRST}.tif' AND class NOT IN ('locomotive', 'coach')");
    store.execute(&format!("DELETE FROM cars WHERE fid = (SELECT max(fid) FROM cars WHERE {freight})"), []).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1 WHERE image = ?1", [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    analyze(&images, &out, &[]);
    let scores = evaluate().unwrap();
    let scenes = scores["scenes"].as_array().unwrap();
    assert_eq!(scenes.len(), 1, "the other image is not reviewed");
    assert_eq!((&scenes[0]["fp"], &scenes[0]["fn"]), (&1.into(), &0.into()), "{scores}");
}

/// A folder that was not mounted, or one image less, and `--prune` took hours of an analyst's work with it.
#[test]
fn what_was_corrected_by_hand_is_not_pruned() {
    let (_temporary, images, out) = setup();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1 WHERE image = ?1", [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    let aside = images.with_file_name("aside");
    fs::create_dir(&aside).unwrap();
    for stem in [FIRST, SECOND] {
        fs::rename(images.join(format!("{stem}.tif")), aside.join(format!("{stem}.tif"))).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("analyze")
        .arg(&images)
        .arg("--out")
        .arg(&out)
        .arg("--prune")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("nothing is forgotten"), "{words}");
    let rows = counts(&out);
    assert!(rows.contains_key(FIRST) && rows.contains_key(SECOND), "{:?}", rows.keys());

    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles/tumangang_20211007T015302Z.tif"), images.join("third.tif"))
        .unwrap();
    let words = analyze(&images, &out, &["--prune"]);
    assert!(words.contains("corrected by hand, so it is kept"), "{words}");
    let rows = counts(&out);
    assert!(rows.contains_key(FIRST) && !rows.contains_key(SECOND), "{:?}", rows.keys());
    assert_eq!(interval(&out, FIRST), "reviewed");
}

/// A rectangle as layers have it: "GP", little-endian without envelope, EPSG 4326; then a polygon of one ring of five points.
fn rectangle(corners: [[f64; 2]; 4]) -> Vec<u8> {
    let mut shape = vec![b'G', b'P', 0, 1, 0xe6, 0x10, 0, 0, 1];
    [3u32, 1, 5].iter().for_each(|v| shape.extend(v.to_le_bytes()));
    corners.iter().chain(&corners[..1]).flatten().for_each(|v| shape.extend(v.to_le_bytes()));
    shape
}

/// A square of 0.001 degrees at (0, 0).
fn far_away() -> Vec<u8> {
    rectangle([[0.0, 0.0], [0.001, 0.0], [0.001, 0.001], [0.0, 0.001]])
}

/// A car drawn with the wrong `scene`, far outside that image, was counted without a word.
#[test]
fn a_car_drawn_outside_its_image_is_not_counted_and_not_deleted_either() {
    let (_temporary, images, out) = setup();
    let before = counts(&out);
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let square = far_away();
    store.execute("INSERT INTO cars (geom, scene) VALUES (?1, ?2)", (&square, format!("{FIRST}.tif"))).unwrap();
    drop(store);
    let words = analyze(&images, &out, &[]);
    assert!(words.contains("outside the image is not counted"), "{words}");
    assert_eq!(counts(&out), before);
    assert_eq!(interval(&out, FIRST), "model");
    // Other settings count everything else anew.
    analyze(&images, &out, &["--gsd", "0.5"]);
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let drawn: i64 = store.query_row("SELECT count(*) FROM cars WHERE geom = ?1", [&square], |row| row.get(0)).unwrap();
    assert_eq!(drawn, 1);
}

/// A car dragged far away was still counted.
#[test]
fn a_car_moved_out_of_its_image_is_not_counted_and_not_deleted_either() {
    let (_temporary, images, out) = setup();
    let freight = || number(&counts(&out)[FIRST], "freight_cars");
    let before = freight();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let scene = format!("{FIRST}.tif");
    let drawn = |store: &Connection| -> i64 {
        store.query_row("SELECT count(*) FROM cars WHERE scene = ?1", [&scene], |row| row.get(0)).unwrap()
    };
    let all = drawn(&store);
    let sql = "UPDATE cars SET geom = ?1 WHERE fid = (SELECT min(fid) FROM cars WHERE scene = ?2 AND class <> 'locomotive')";
    assert_eq!(store.execute(sql, (&far_away(), &scene)).unwrap(), 1);
    for _ in 0..2 {
        let words = analyze(&images, &out, &[]);
        assert!(words.contains("moved outside the image and is not counted"), "{words}");
        assert_eq!((freight(), drawn(&store)), (before - 1, all));
    }
}

/// A car was 2192 km long: its polygon was taken for degrees, in an image of which nobody knows where it lies.
#[test]
fn a_car_drawn_over_an_image_without_georeference_is_measured_in_its_pixels_and_elsewhere_not_counted() {
    let (_temporary, images, out) = setup_unusable();
    let car = || -> [f64; 5] {
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let sql = "SELECT length_m, width_m, heading_deg, col, \"row\" FROM cars WHERE length_m IS NOT NULL";
        let row = store.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
        row.unwrap()
    };
    assert_eq!(car(), [15.0, 3.0, 90.0, 115.0, 53.0]);
    let features = cars(&out, "yard_20200401");
    assert!(
        features.len() == 1 && features[0]["geometry"].is_null() && features[0]["properties"]["box"].is_array(),
        "{features:?}"
    );
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("INSERT INTO cars (geom, scene) VALUES (?1, 'yard_20200401.png')", [far_away()]).unwrap();
    drop(store);
    let words = analyze(&images, &out, &["--gsd", "0.5"]);
    assert!(words.contains("is not counted") && words.contains("minus the row"), "{words}");
    assert_eq!(cars(&out, "yard_20200401").len(), 1);
    // Who tells a GIS where the image lies draws in degrees.
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let car = rectangle([[130.0, 42.0], [130.00016, 42.0], [130.00016, 42.00003], [130.0, 42.00003]]);
    store.execute("INSERT INTO cars (geom, scene) VALUES (?1, 'yard_20200401.png')", [car]).unwrap();
    drop(store);
    analyze(&images, &out, &["--gsd", "0.5"]);
    let lengths: Vec<f64> =
        cars(&out, "yard_20200401").iter().map(|car| car["properties"]["length_m"].as_f64().unwrap()).collect();
    assert!(lengths.len() == 2 && lengths.iter().all(|length| (13.0..16.0).contains(length)), "{lengths:?}");
}

/// It was counted on without a word.
#[test]
fn a_car_whose_polygon_was_taken_away_is_not_counted_and_is_named_at_every_run() {
    let (_temporary, images, out) = setup();
    let before = number(&counts(&out)[FIRST], "freight_cars");
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    // One without geometry, one with the geometry of a polygon without a ring.
    let empty: Vec<u8> = [&[b'G', b'P', 0, 0x11, 0xe6, 0x10, 0, 0, 1][..], &[3, 0, 0, 0, 0, 0, 0, 0]].concat();
    for geometry in [None, Some(empty)] {
        let sql =
            "UPDATE cars SET geom = ?1 WHERE fid = (SELECT max(fid) FROM cars WHERE scene = ?2 AND class <> 'locomotive' AND
                   length(geom) > 20)";
        assert_eq!(store.execute(sql, (geometry, format!("{FIRST}.tif"))).unwrap(), 1);
    }
    drop(store);
    for _ in 0..2 {
        let words = analyze(&images, &out, &[]);
        assert_eq!(words.matches("has no polygon any more and is not counted").count(), 2, "{words}");
        assert_eq!(number(&counts(&out)[FIRST], "freight_cars"), before - 2);
    }
}

/// It became "freight", and what had been meant was lost.
#[test]
fn a_class_that_is_none_stays_as_it_was_written_and_is_named_at_every_run() {
    let (_temporary, images, out) = setup();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let sql = "INSERT INTO cars (geom, scene, class) SELECT geom, scene, 'loco' FROM cars WHERE fid = (SELECT min(fid) FROM cars WHERE scene = ?1)";
    store.execute(sql, [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    for _ in 0..2 {
        let words = analyze(&images, &out, &[]);
        assert!(words.contains("class \"loco\" is taken as freight"), "{words}");
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let sql = "SELECT count(*) FROM cars WHERE class = 'loco' AND reviewed = 1 AND length_m > 5";
        assert_eq!(store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
    Connection::open(out.join("yardwatch.gpkg"))
        .unwrap()
        .execute("UPDATE cars SET class = 'locomotive' WHERE class = 'loco'", [])
        .unwrap();
    let before = number(&counts(&out)[FIRST], "locomotives");
    assert!(!analyze(&images, &out, &[]).contains("is taken as"));
    assert_eq!(number(&counts(&out)[FIRST], "locomotives"), before + 1);
}

#[test]
fn tables_emptied_by_hand_come_back() {
    let (_temporary, images, out) = setup();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute_batch("DELETE FROM observations; DELETE FROM days").unwrap();
    drop(store);
    analyze(&images, &out, &[]);
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let rows = |table: &str| store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((rows("observations"), rows("days")), (2, 1));
}

/// Two images of one day, three minutes apart: every train is still there.
#[test]
fn the_trains_of_a_second_image_of_the_day_are_recognised() {
    let (_temporary, _images, out) = setup();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let mut statement = store.prepare("SELECT cars, matched FROM strings WHERE scene = ?1 AND cars > 3").unwrap();
    let strings = statement.query_map([format!("{SECOND}.tif")], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let strings: Vec<(i64, i64)> = strings.map(Result::unwrap).collect();
    assert!(!strings.is_empty() && strings.iter().all(|(cars, matched)| 2 * matched > *cars), "{strings:?}");
}

fn delete_cars(out: &Path, stem: &str, how_many: usize) {
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let sql =
        "DELETE FROM cars WHERE fid IN (SELECT fid FROM cars WHERE scene = ?1 AND class NOT IN ('locomotive', 'coach') LIMIT ?2)";
    assert_eq!(store.execute(sql, (format!("{stem}.tif"), how_many as i64)).unwrap(), how_many);
}

/// The day was counted from its other image, and the layer of footprints and `info --record` showed the program's count.
#[test]
fn a_corrected_image_decides_its_day_and_every_output_shows_its_count() {
    for stem in [FIRST, SECOND] {
        let (_temporary, images, out) = setup();
        delete_cars(&out, stem, 3);
        analyze(&images, &out, &[]);
        let count = number(&counts(&out)[stem], "freight_cars");
        let day = csv::Reader::from_path(out.join("days.csv")).unwrap().deserialize().next().unwrap().unwrap();
        assert_eq!(number(&day, "freight_cars"), count, "{stem}");
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let sql = "SELECT freight_cars FROM scene_footprints WHERE scene = ?1";
        assert_eq!(store.query_row(sql, [format!("{stem}.tif")], |row| row.get::<_, i64>(0)).unwrap(), count);
        let mut info = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
        let output = info.arg("info").arg(images.join(format!("{stem}.tif"))).arg("--record").arg(&out).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("{count} freight cars")), "{said}");
    }
}

/// Its file in `cars/` was scored ever after, and the cars were said to belong to no image at every run.
#[test]
fn nothing_is_left_of_an_image_that_is_taken_out_of_the_record_or_cannot_be_read_any_more() {
    let (_temporary, images, out) = setup();
    let left = |stem: &str| {
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let rows = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE scene = ?1");
            store.query_row(&sql, [format!("{stem}.tif")], |row| row.get(0)).unwrap()
        };
        let files = [out.join(format!("cars/{stem}.geojson")), out.join(format!("overlays/{stem}.jpg"))];
        ["cars", "tracks", "scene_footprints"].iter().any(|table| rows(table) > 0) || files.iter().any(|file| file.exists())
    };
    assert!(left(FIRST) && left(SECOND));
    delete_cars(&out, FIRST, 1);
    fs::remove_file(images.join(format!("{FIRST}.tif"))).unwrap();
    analyze(&images, &out, &[]);
    assert!(left(FIRST), "it was corrected by hand");
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("DELETE FROM scenes WHERE image = ?1", [format!("{FIRST}.tif")]).unwrap();
    drop(store);
    let words = analyze(&images, &out, &[]);
    assert!(!left(FIRST) && left(SECOND) && !words.contains("belong to no image"), "{words}");

    let second = images.join(format!("{SECOND}.tif"));
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[..bytes.len() / 2]).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_yardwatch")).arg("analyze").arg(&images).arg("--out").arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!left(SECOND));
}

/// Its date could not be given any more, though the program asked for it at every run.
#[test]
fn a_corrected_image_without_a_date_can_be_dated() {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    fs::create_dir(&images).unwrap();
    let gravel = |x: u32, y: u32| image::Luma([90 + ((x * 7919 + y * 104_729) % 40) as u8]);
    image::GrayImage::from_fn(300, 200, gravel).save(images.join("yard.png")).unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
        command.arg("analyze").arg(&images).args(["--gsd", "0.5", "--out"]).arg(&out).args(more);
        let output = command.output().unwrap();
        (output.status.code(), counts(&out)["yard.png"]["acquired"].clone())
    };
    assert_eq!(run(&[]), (Some(3), String::new()));
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1", []).unwrap();
    drop(store);
    assert_eq!(run(&[]), (Some(3), String::new()));
    let dated = (Some(0), "2022-05-05T03:00:00Z".to_owned());
    assert_eq!(run(&["--acquired", "2022-05-05T03:00:00Z"]), dated);
    assert_eq!(run(&[]), dated, "from then on");
}

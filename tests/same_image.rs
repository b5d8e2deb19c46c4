//! What is the same image: one that got files beside it, another name or another folder; and what is another yard.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

const FIRST: &str = "tumangang_20210522T024322Z";
const SECOND: &str = "tumangang_20210522T024618Z";

fn sample(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name)
}

/// Exit code, and what was said; every counted image has a line with a fraction.
fn run(images: &Path, out: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
    command.arg("analyze").arg(images).args(["--progress", "always", "--out"]).arg(out).args(more);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn analyze(images: &Path, out: &Path, more: &[&str]) -> String {
    let (code, words) = run(images, out, more);
    assert_eq!(code, Some(0), "{words}");
    words
}

fn counted(words: &str) -> Vec<&str> {
    words.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect()
}

fn rows(out: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let rows = csv::Reader::from_path(out.join("counts.csv")).unwrap().deserialize().map(Result::unwrap).collect::<Vec<_>>();
    rows.into_iter().map(|row: BTreeMap<String, String>| (row["image"].clone(), row)).collect()
}

/// The two images of a day, counted, and three cars of the first deleted.
fn corrected() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    fs::create_dir(&images).unwrap();
    for name in [&format!("{FIRST}.tif"), &format!("{SECOND}.tif"), "site.toml", "aoi.geojson", "tracks.geojson"] {
        fs::copy(sample(name), images.join(name)).unwrap();
    }
    analyze(&images, &out, &[]);
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let deleted = "DELETE FROM cars WHERE fid IN (SELECT fid FROM cars WHERE scene = ?1 AND class <> 'locomotive' LIMIT 3)";
    assert_eq!(store.execute(deleted, [format!("{FIRST}.tif")]).unwrap(), 3);
    drop(store);
    analyze(&images, &out, &[]);
    (temporary, images, out)
}

/// A picture of gravel, 80 m by 60 m, with its north-western corner so many metres north of a place in Korea.
fn write_gravel(folder: &Path, stem: &str, north_m: f64) {
    const PRJ: &str = r#"PROJCS["WGS_1984_UTM_Zone_52N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",129.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
    fs::create_dir_all(folder).unwrap();
    let seed = stem.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let grey = |x: u32, y: u32| image::Luma([90 + ((x * 7919 + y * 104_729 + seed % 997) % 40) as u8]);
    image::GrayImage::from_fn(160, 120, grey).save(folder.join(format!("{stem}.png"))).unwrap();
    fs::write(folder.join(format!("{stem}.pgw")), format!("0.5\n0\n0\n-0.5\n500000\n{}\n", 4_700_000.0 + north_m)).unwrap();
    fs::write(folder.join(format!("{stem}.prj")), PRJ).unwrap();
}

/// QGIS keeps statistics beside an image that it shows: it was counted again, or said to be another one than the one that was corrected.
#[test]
fn an_image_that_was_opened_in_a_gis_is_the_same_image() {
    let (_temporary, images, out) = corrected();
    for stem in [FIRST, SECOND] {
        let statistics = r#"<PAMDataset><PAMRasterBand band="1"><Histograms/><Metadata><MDI key="STATISTICS_MEAN">93.2</MDI></Metadata></PAMRasterBand></PAMDataset>"#;
        fs::write(images.join(format!("{stem}.tif.aux.xml")), statistics).unwrap();
        fs::write(images.join(format!("{stem}.qml")), "<qgis/>").unwrap();
        fs::write(images.join(format!("{stem}.tif.ovr")), "overviews").unwrap();
    }
    let words = analyze(&images, &out, &[]);
    assert!(counted(&words).is_empty() && !words.contains("another image"), "{words}");
}

/// It was counted again beside the corrected record of an image that was no longer there, and to delete that deleted the corrections.
#[test]
fn an_image_that_was_moved_keeps_its_count_and_its_corrections() {
    let (_temporary, images, out) = corrected();
    let before = rows(&out);
    fs::create_dir(images.join("2021")).unwrap();
    for (from, to) in [(FIRST, format!("2021/{FIRST}")), (SECOND, "second_20210522T024618Z".to_owned())] {
        fs::rename(images.join(format!("{from}.tif")), images.join(format!("{to}.tif"))).unwrap();
    }
    let words = analyze(&images, &out, &["--prune"]);
    assert!(words.contains(&format!("{FIRST}.tif is now 2021/{FIRST}.tif")), "{words}");
    assert!(words.contains(&format!("{SECOND}.tif is now second_20210522T024618Z.tif")), "{words}");
    assert!(counted(&words).is_empty(), "{words}");
    let after = rows(&out);
    assert_eq!(after.len(), 2, "{after:?}");
    for (from, to) in [
        (format!("{FIRST}.tif"), format!("2021/{FIRST}.tif")),
        (format!("{SECOND}.tif"), "second_20210522T024618Z.tif".to_owned()),
    ] {
        let (mut before, after) = (before[&from].clone(), after[&to].clone());
        before.insert("image".to_owned(), to);
        assert_eq!(after, before);
    }
    let cars = fs::read_to_string(out.join("cars/second_20210522T024618Z.geojson")).unwrap();
    assert!(cars.contains("second_20210522T024618Z.tif") && out.join("overlays/second_20210522T024618Z.jpg").exists());
    assert!(!out.join(format!("cars/{SECOND}.geojson")).exists() && !out.join(format!("overlays/{SECOND}.jpg")).exists());
    let all = || ["counts.csv", "days.csv", "report.html", "yardwatch.gpkg"].map(|name| fs::read(out.join(name)).unwrap());
    let files = all();
    let words = analyze(&images, &out, &[]);
    assert!(counted(&words).is_empty() && !words.contains("is now"), "{words}");
    assert!(all() == files, "nothing changes any more");
}

/// A date put right in the name made a second image of it.
#[test]
fn an_image_renamed_with_what_lies_beside_it_takes_the_date_of_its_new_name() {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    ["yard_20220401", "yard_20220402"].iter().for_each(|stem| write_gravel(&images, stem, 0.0));
    analyze(&images, &out, &[]);
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1 WHERE image = 'yard_20220402.png'", []).unwrap();
    drop(store);
    for (from, to) in [("yard_20220401", "yard_20220501"), ("yard_20220402", "yard_20220502")] {
        for ending in ["png", "pgw", "prj"] {
            fs::rename(images.join(format!("{from}.{ending}")), images.join(format!("{to}.{ending}"))).unwrap();
        }
    }
    let words = analyze(&images, &out, &[]);
    // The sun stood elsewhere: what nobody looked at is counted anew.
    assert_eq!(counted(&words), ["1/1 yard_20220501.png"], "{words}");
    let after = rows(&out);
    let dates: Vec<(&str, &str)> = after.iter().map(|(image, row)| (image.as_str(), &row["acquired"][..10])).collect();
    assert_eq!(dates, [("yard_20220501.png", "2022-05-01"), ("yard_20220502.png", "2022-05-02")]);
    assert!(after["yard_20220502.png"]["reason"].contains("reviewed by hand"), "{after:?}");
    assert!(counted(&analyze(&images, &out, &[])).is_empty());
}

/// One more image at the beginning of a numbered row: each correction stood beside the image that came after.
#[test]
fn images_that_take_each_others_names_keep_their_corrections() {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    ["a_20220401", "b_20220401"].iter().for_each(|stem| write_gravel(&images, stem, 0.0));
    analyze(&images, &out, &[]);
    let reviewed = || {
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let mut statement = store.prepare("SELECT image FROM scenes WHERE reviewed ORDER BY image").unwrap();
        statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    store.execute("UPDATE scenes SET reviewed = 1 WHERE image LIKE 'a%'", []).unwrap();
    drop(store);
    analyze(&images, &out, &[]);
    let rename = |from: &str, to: &str| {
        for ending in ["png", "pgw", "prj"] {
            fs::rename(images.join(format!("{from}.{ending}")), images.join(format!("{to}.{ending}"))).unwrap();
        }
    };
    let pictures = |image: &str| {
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let record: String = store.query_row("SELECT record FROM scenes WHERE image = ?1", [image], |row| row.get(0)).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        fs::read(out.join(format!("overlays/{}.jpg", record["stem"].as_str().unwrap()))).unwrap()
    };
    let (a, b) = (pictures("a_20220401.png"), pictures("b_20220401.png"));
    rename("b_20220401", "c_20220401");
    rename("a_20220401", "b_20220401");
    let words = analyze(&images, &out, &[]);
    assert!(counted(&words).is_empty() && words.matches("is now").count() == 2 && !words.contains("warning"), "{words}");
    assert_eq!(reviewed(), ["b_20220401.png"]);
    assert!(pictures("b_20220401.png") == a && pictures("c_20220401.png") == b);
    // Exchanged.
    rename("b_20220401", "x");
    rename("c_20220401", "b_20220401");
    rename("x", "c_20220401");
    let words = analyze(&images, &out, &[]);
    assert!(counted(&words).is_empty() && !words.contains("warning"), "{words}");
    assert_eq!(reviewed(), ["c_20220401.png"]);
    assert!(pictures("c_20220401.png") == a && pictures("b_20220401.png") == b);
    assert_eq!(rows(&out).len(), 2);
    // The place of an image that somebody worked on is not taken by another.
    fs::remove_file(images.join("c_20220401.png")).unwrap();
    rename("b_20220401", "c_20220401");
    let words = analyze(&images, &out, &[]);
    assert!(words.contains("c_20220401.png is another image") && reviewed() == ["c_20220401.png"], "{words}");
}

/// Two images of the same bytes: which of them was moved cannot be told, and neither is taken for the other.
#[test]
fn of_two_images_of_one_content_neither_is_taken_for_the_other() {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    write_gravel(&images, "a_20220401", 0.0);
    analyze(&images, &out, &[]);
    for stem in ["b_20220401", "c_20220401"] {
        for ending in ["png", "pgw", "prj"] {
            fs::copy(images.join(format!("a_20220401.{ending}")), images.join(format!("{stem}.{ending}"))).unwrap();
        }
    }
    fs::remove_file(images.join("a_20220401.png")).unwrap();
    let words = analyze(&images, &out, &[]);
    assert!(!words.contains("is now") && counted(&words).len() == 2, "{words}");
}

/// A date given for images that have none made every image count again, also those that have one.
#[test]
fn a_date_that_is_given_counts_only_images_anew_that_have_none() {
    let temporary = tempfile::tempdir().unwrap();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    ["yard_20220401", "undated"].iter().for_each(|stem| write_gravel(&images, stem, 0.0));
    assert_eq!(run(&images, &out, &[]).0, Some(3));
    let words = analyze(&images, &out, &["--acquired", "2022-05-05"]);
    assert_eq!(counted(&words), ["1/1 undated.png"], "{words}");
    assert!(counted(&analyze(&images, &out, &["--acquired", "2022-05-05"])).is_empty());
}

/// All days got the name of the second site and were judged together.
#[test]
fn a_folder_of_another_yard_is_refused_and_a_single_image_that_lies_elsewhere_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    let [here, there, out] = ["here", "there", "out"].map(|name| temporary.path().join(name));
    ["yard_20220401", "yard_20220402"].iter().for_each(|stem| write_gravel(&here, stem, 0.0));
    ["yard_20220601", "yard_20220602"].iter().for_each(|stem| write_gravel(&there, stem, 100_000.0));
    analyze(&here, &out, &[]);
    let before = fs::read(out.join("counts.csv")).unwrap();
    for more in [&[][..], &["--prune"]] {
        let (code, words) = run(&there, &out, more);
        assert_eq!(code, Some(1), "{words}");
        assert!(["\"here\"", "\"there\"", "--out"].iter().all(|word| words.contains(word)), "{words}");
        assert!(counted(&words).is_empty() && fs::read(out.join("counts.csv")).unwrap() == before, "{words}");
    }
    write_gravel(&here, "yard_20220403", 100_000.0);
    let words = analyze(&here, &out, &[]);
    assert_eq!(counted(&words), ["1/1 yard_20220403.png"], "{words}");
    // Their place may be put right, though it was wrong by as much.
    let mended = temporary.path().join("mended").join("here");
    ["yard_20220401", "yard_20220402"].iter().for_each(|stem| write_gravel(&mended, stem, 50_000.0));
    analyze(&here, &temporary.path().join("again"), &[]);
    let words = analyze(&mended, &temporary.path().join("again"), &[]);
    assert_eq!(counted(&words).len(), 2, "{words}");
    // Images nearby belong to it, also when none of the former ones is there.
    let nearby = temporary.path().join("nearby");
    write_gravel(&nearby, "yard_20220701", 900.0);
    analyze(&nearby, &out, &[]);
    assert_eq!(rows(&out).len(), 4);
}

/// The cars of the corrected image were drawn on the one that took its name.
#[test]
fn cars_are_not_drawn_on_another_image_that_took_the_name() {
    let (_temporary, images, out) = corrected();
    let picture = || fs::read(out.join(format!("overlays/{FIRST}.jpg"))).unwrap();
    let before = picture();
    fs::copy(images.join(format!("{SECOND}.tif")), images.join(format!("{FIRST}.tif"))).unwrap();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let sql = "DELETE FROM cars WHERE fid = (SELECT min(fid) FROM cars WHERE scene = ?1)";
    assert_eq!(store.execute(sql, [format!("{FIRST}.tif")]).unwrap(), 1);
    drop(store);
    let words = analyze(&images, &out, &[]);
    assert!(words.contains("another image") && picture() == before, "{words}");
}

/// Images that are given one by one are not gone when others are given: the count of the first went over to its copy.
#[test]
fn an_image_given_by_itself_does_not_take_the_place_of_its_copy() {
    let temporary = tempfile::tempdir().unwrap();
    let [first, second, out] = ["first", "second", "out"].map(|name| temporary.path().join(name));
    write_gravel(&first, "yard_20220401", 0.0);
    fs::create_dir(&second).unwrap();
    for (ending, name) in [("png", "yard_20220402.png"), ("pgw", "yard_20220402.pgw"), ("prj", "yard_20220402.prj")] {
        fs::copy(first.join(format!("yard_20220401.{ending}")), second.join(name)).unwrap();
    }
    for image in [first.join("yard_20220401.png"), second.join("yard_20220402.png")] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_yardwatch")).arg("count").arg(image).arg("--out").arg(&out).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(rows(&out).len(), 2);
}

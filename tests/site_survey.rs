//! A site that is surveyed by its own images: tracks where none are given, images brought onto each other, and a record that does
//! not change when images are added.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rusqlite::Connection;
use yardwatch::count::usual::{Compare, Likeness};
use yardwatch::count::{CountOptions, Vehicle, Yard, count_scene};
use yardwatch::raster::{Scene, SceneOptions};
use yardwatch::series::yard::read_yard;

/// Images of the sample yard in which it is seen whole, small ones first.
const IMAGES: [&str; 4] = [
    "tumangang_20210428T024430Z.tif",
    "tumangang_20210522T024322Z.tif",
    "tumangang_20211006T013940Z.tif",
    "tumangang_20211007T015302Z.tif",
];

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name)
}

fn analyze(images: &Path, out: &Path, flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("analyze")
        .arg(images)
        .arg("--out")
        .arg(out)
        .args(["--progress", "never"])
        .args(flags)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

fn copy(folder: &Path, name: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::copy(sample(name), folder.join(name)).unwrap();
}

/// Per image the time spent on it (which another count would change) and the shift found.
fn scenes(out: &Path) -> BTreeMap<String, (f64, [f64; 2], f64)> {
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let mut statement = store
        .prepare("SELECT image, elapsed_s, registration_east_m, registration_north_m, registration_confidence FROM scenes")
        .unwrap();
    let rows = statement.query_map([], |r| Ok((r.get(0)?, (r.get(1)?, [r.get(2)?, r.get(3)?], r.get(4)?)))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Moves a GeoTIFF by whole metres: the two numbers of its tie point are found in its bytes.
fn moved(name: &str, to: &Path, [east, north]: [f64; 2]) {
    let scene = Scene::open(&sample(name), &SceneOptions::default()).unwrap();
    let at = scene.georeference.unwrap().geotransform;
    let mut bytes = fs::read(sample(name)).unwrap();
    for (old, new) in [(at[0], at[0] + east), (at[3], at[3] + north)] {
        // A file that was written in two passes holds them twice.
        let places: Vec<usize> = (0..bytes.len() - 7).filter(|&i| bytes[i..i + 8] == old.to_le_bytes()).collect();
        assert!(!places.is_empty(), "{name}");
        places.into_iter().for_each(|place| bytes[place..place + 8].copy_from_slice(&new.to_le_bytes()));
    }
    fs::write(to, bytes).unwrap();
}

#[test]
fn a_yard_without_tracks_gets_them_from_its_images_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    IMAGES[..3].iter().for_each(|name| copy(&images, name));
    let aoi = sample("aoi.geojson");
    let flags = ["--aoi", aoi.to_str().unwrap()];
    analyze(&images, &out, &flags);
    let file = out.join("tracks.geojson");
    let (found, notes) = read_yard(Some(&file), None).unwrap();
    assert!(notes.is_empty(), "{notes:?}");

    // They lie where the given ones do: metres are near enough to degrees times a constant over half a kilometre.
    let given = read_yard(Some(&sample("tracks.geojson")), None).unwrap().0;
    let metres = |p: &[f64; 2]| [p[0] * 111_320.0 * 42.4f64.to_radians().cos(), p[1] * 111_130.0];
    let points = |yard: &yardwatch::count::Yard| -> Vec<[f64; 2]> {
        let walk = |line: &Vec<[f64; 2]>| -> Vec<[f64; 2]> {
            line.windows(2)
                .flat_map(|ends| {
                    let (a, b) = (metres(&ends[0]), metres(&ends[1]));
                    let n = (b[0] - a[0]).hypot(b[1] - a[1]).ceil() as usize;
                    (0..n).map(move |k| {
                        let t = k as f64 / n as f64;
                        [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
                    })
                })
                .collect()
        };
        yard.tracks.iter().flat_map(|track| walk(&track.line)).collect()
    };
    let near = |some: &[[f64; 2]], others: &[[f64; 2]]| {
        let hits = some.iter().filter(|p| others.iter().any(|q| (p[0] - q[0]).hypot(p[1] - q[1]) < 2.5)).count();
        hits as f64 / some.len() as f64
    };
    let (found, given) = (points(&found), points(&given));
    let (right, complete) = (near(&found, &given), near(&given, &found));
    // Platforms and roads beside the yard are among them: three images are few.
    assert!(right > 0.65 && complete > 0.8, "{right:.2} of what was found is track, {complete:.2} of the tracks was found");

    // Another image changes nothing about tracks and counts that are there.
    let (before, tracks) = (scenes(&out), fs::read(&file).unwrap());
    let cars = |name: &str| fs::read(out.join("cars").join(name.replace(".tif", ".geojson"))).unwrap();
    let counted: Vec<Vec<u8>> = IMAGES[..3].iter().map(|name| cars(name)).collect();
    copy(&images, IMAGES[3]);
    analyze(&images, &out, &flags);
    let after = scenes(&out);
    assert_eq!(after.len(), 4);
    assert!(before.iter().all(|(image, kept)| after[image] == *kept), "counted anew: {before:?} {after:?}");
    assert_eq!(IMAGES[..3].iter().map(|name| cars(name)).collect::<Vec<_>>(), counted);
    assert_eq!(fs::read(&file).unwrap(), tracks);

    // A run that was killed between its record and the file leaves one of an earlier survey, which nobody has edited.
    let earlier = b"an earlier survey's";
    fs::write(&file, earlier).unwrap();
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let hash = blake3::hash(earlier).to_hex().to_string();
    store.execute("UPDATE yardwatch SET value = ?1 WHERE key = 'tracks.geojson'", [hash]).unwrap();
    drop(store);
    analyze(&images, &out, &flags);
    assert_eq!(fs::read(&file).unwrap(), tracks);

    // What an analyst corrected is not overwritten, and given back it is what counts.
    let edited = String::from_utf8(tracks).unwrap().replace("\"t1\"", "\"main\"");
    fs::write(&file, &edited).unwrap();
    for more in [&[][..], &["--resurvey"]] {
        let said = analyze(&images, &out, &[&flags[..], more].concat());
        assert!(said.contains("was edited") && said.contains("--tracks"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    }
    analyze(&images, &out, &[&flags[..], &["--tracks", file.to_str().unwrap()]].concat());
    let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let named: i64 =
        store.query_row("SELECT count(*) FROM tracks WHERE name = 'main' AND scene IS NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(named, 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
}

/// Two images of which one is broken are few for a survey, so it was made and written at every run.
#[test]
fn a_survey_of_few_images_that_is_made_again_leaves_the_store_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    copy(&images, IMAGES[0]);
    fs::write(images.join("broken_20210501.tif"), b"II*\0nothing").unwrap();
    let (tracks, aoi) = (sample("tracks.geojson"), sample("aoi.geojson"));
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
        command.arg("analyze").arg(&images).arg("--out").arg(&out).args(["--progress", "never"]);
        let output = command.arg("--tracks").arg(&tracks).arg("--aoi").arg(&aoi).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(out.join("yardwatch.gpkg")).unwrap()
    };
    let first = run();
    assert!(run() == first, "a run that changes nothing leaves the store alone");
}

/// The tracker lost a track in the shadow of a wood: 6 of 25 cars stood beyond, and were missed with an interval that did not say so (14 to 24).
#[test]
fn a_string_that_runs_into_a_wood_is_counted_to_its_end() {
    let scene = Scene::open(&sample("tumangang_20231114T024842Z.tif"), &SceneOptions::default()).unwrap();
    let (outline, _) = read_yard(None, Some(&sample("aoi.geojson"))).unwrap();
    let counted = count_scene(&scene, &outline, &CountOptions::default()).unwrap();
    assert!((24..=26).contains(&counted.count.freight_cars), "{:?}", counted.count);
}

/// A string that crosses the outline was followed for 160 m beyond it.
#[test]
fn a_string_that_crosses_the_outline_is_not_followed_out_of_it() {
    let scene = Scene::open(&sample("tumangang_20231114T024842Z.tif"), &SceneOptions::default()).unwrap();
    // The outline's eastern edge lies among the cars, at column 492.
    let ring =
        vec![[130.63685, 42.41715], [130.6404, 42.4166], [130.6404, 42.4174], [130.63686, 42.41767], [130.63685, 42.41715]];
    let counted = count_scene(&scene, &Yard { aoi: vec![ring], ..Yard::default() }, &CountOptions::default()).unwrap();
    let east = counted.vehicles.iter().map(|vehicle| vehicle.col).fold(0.0, f64::max);
    assert!((480.0..542.0).contains(&east), "up to 30 m, two cars, beyond it: {east}");
}

#[test]
fn an_image_whose_georeference_is_metres_off_is_brought_onto_the_site_and_counts_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    IMAGES[..3].iter().for_each(|name| copy(&images, name));
    let (tracks, aoi) = (sample("tracks.geojson"), sample("aoi.geojson"));
    let flags = ["--tracks", tracks.to_str().unwrap(), "--aoi", aoi.to_str().unwrap()];
    analyze(&images, &out, &flags);
    // Two track spacings across, and along.
    let wrong = [7.0, -9.5];
    moved(IMAGES[0], &images.join("yard_20210429.tif"), wrong);
    analyze(&images, &out, &flags);
    let scenes = scenes(&out);
    let (right, off) = (scenes[IMAGES[0]], scenes["yard_20210429.tif"]);
    let error = (off.1[0] - right.1[0] - wrong[0]).hypot(off.1[1] - right.1[1] - wrong[1]);
    // Along straight tracks a few decimetres are all that three images tell.
    assert!(error < 0.7 && off.2 > 0.5, "{right:?} {off:?}");
    let counts: BTreeMap<String, String> = csv::Reader::from_path(out.join("counts.csv"))
        .unwrap()
        .deserialize::<BTreeMap<String, String>>()
        .map(Result::unwrap)
        .map(|row| (row["image"].clone(), row["freight_cars"].clone()))
        .collect();
    assert_eq!(counts[IMAGES[0]], counts["yard_20210429.tif"]);

    // What the record holds of an image is shown with it.
    let info = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("info")
        .arg(images.join("yard_20210429.tif"))
        .arg("--record")
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&info.stdout);
    assert!(said.contains(&format!("shifted {:.2} m east", off.1[0])), "{said}");
}

/// The georeferences of the images say where the site is, and the more images, the firmer: lines 4 m off all of them were taken one track off, with full
/// confidence.
#[test]
fn images_that_all_lie_metres_off_the_given_tracks_are_brought_onto_them() {
    let folder = tempfile::tempdir().unwrap();
    let (aoi, tracks) = (sample("aoi.geojson"), sample("tracks.geojson"));
    let flags = ["--aoi", aoi.to_str().unwrap(), "--tracks", tracks.to_str().unwrap()];
    let counted = |north: f64| {
        let (images, out) = (folder.path().join(format!("images {north}")), folder.path().join(format!("out {north}")));
        fs::create_dir_all(&images).unwrap();
        IMAGES.iter().for_each(|name| moved(name, &images.join(name), [0.0, north]));
        analyze(&images, &out, &flags);
        (fs::read_to_string(out.join("counts.csv")).unwrap(), scenes(&out))
    };
    let ((counts, at), (counts_off, at_off)) = (counted(0.0), counted(4.0));
    for (image, (_, shift, confidence)) in &at_off {
        let moved = shift[1] - at[image].1[1];
        assert!((3.3..4.7).contains(&moved) && *confidence > 0.5, "{image}: {moved} {confidence}");
    }
    assert_eq!(counts_off.replace("images 4", "images 0"), counts);

    // A metre may as well be the map's: half of it is the images' where there are three.
    for (image, (_, shift, _)) in &counted(1.0).1 {
        let moved = shift[1] - at[image].1[1];
        assert!((0.2..0.75).contains(&moved), "{image}: {moved}");
    }
}

/// The error of each drawn line was looked for in every image anew, and what lay beside a track that was drawn between two was counted there.
#[test]
fn given_tracks_are_drawn_anew_along_what_the_images_show() {
    const NORTH_M: [f64; 3] = [1.2, -1.0, 0.4];
    const DEGREE_M: f64 = 111_100.0;
    let folder = tempfile::tempdir().unwrap();
    IMAGES.iter().for_each(|name| copy(&folder.path().join("images"), name));
    let aoi = sample("aoi.geojson");
    // Of each track the mean latitude, and whether the tracks are sure, when each was drawn so many metres further north.
    let retraced = |name: &str, north_m: [f64; 3]| -> (Vec<f64>, bool) {
        let mut tracks: serde_json::Value = serde_json::from_slice(&fs::read(sample("tracks.geojson")).unwrap()).unwrap();
        for (number, track) in tracks["features"].as_array_mut().unwrap().iter_mut().enumerate() {
            for point in track["geometry"]["coordinates"].as_array_mut().unwrap() {
                point[1] = (point[1].as_f64().unwrap() + north_m[number % 3] / DEGREE_M).into();
            }
        }
        let (file, out) = (folder.path().join(format!("{name}.geojson")), folder.path().join(name));
        fs::write(&file, tracks.to_string()).unwrap();
        analyze(&folder.path().join("images"), &out, &["--aoi", aoi.to_str().unwrap(), "--tracks", file.to_str().unwrap()]);
        assert!(!out.join("tracks.geojson").exists(), "the given file is the one to correct");
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let record: String = store.query_row("SELECT record FROM survey", [], |row| row.get(0)).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let latitude = |track: &serde_json::Value| {
            let line = track["line"].as_array().unwrap();
            line.iter().map(|point| point[1].as_f64().unwrap()).sum::<f64>() / line.len() as f64
        };
        (record["tracks"].as_array().unwrap().iter().map(latitude).collect(), record["tracks_sure"].as_bool().unwrap())
    };
    let ((as_given, sure), (drawn_off, sure_off)) = (retraced("as given", [0.0; 3]), retraced("drawn off", NORTH_M));
    assert!(sure && sure_off && as_given.len() == drawn_off.len() && as_given.len() > 3);
    let mut apart: Vec<f64> = as_given.iter().zip(&drawn_off).map(|(a, b)| (b - a) * DEGREE_M).collect();
    // What they have in common is a question of where the site lies, not of how the tracks were drawn.
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    apart.iter_mut().for_each(|metres| *metres -= mean);
    assert!(apart.iter().all(|metres| metres.abs() < 0.35), "{apart:?}");
}

/// What stands beyond the end of a found track was no car of it while only the ground beside the track was: 18 images were 24 cars off together, not 13.
#[test]
fn strings_beyond_the_ends_of_tracks_that_the_images_show_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out, aoi) = (folder.path().join("images"), folder.path().join("out"), sample("aoi.geojson"));
    let truth: serde_json::Value = serde_json::from_slice(&fs::read(sample("series_truth.json")).unwrap()).unwrap();
    let truth: BTreeMap<&str, i64> = (truth["dates"].as_array().unwrap().iter())
        .map(|date| (date["image"].as_str().unwrap(), date["visible"]["freight_cars_clear"].as_i64().unwrap()))
        .collect();
    truth.keys().for_each(|image| copy(&images, image));
    analyze(&images, &out, &["--aoi", aoi.to_str().unwrap()]);
    let mut counts = csv::Reader::from_path(out.join("counts.csv")).unwrap();
    let of = |name: &str, headers: &csv::StringRecord| headers.iter().position(|header| header == name).unwrap();
    let (image, cars) = (of("image", counts.headers().unwrap()), of("freight_cars", counts.headers().unwrap()));
    let errors: Vec<i64> =
        (counts.records().map(Result::unwrap)).map(|row| row[cars].parse::<i64>().unwrap() - truth[&row[image]]).collect();
    assert!(errors.len() == truth.len() && errors.iter().map(|error| error.abs()).sum::<i64>() < 18, "{errors:?}");
}

/// Of what looks as its place always does only what is surely a car is counted, along given tracks and along found ones.
#[test]
fn what_is_always_there_is_a_car_only_where_that_is_certain() {
    let scene = Scene::open(&sample("tumangang_20231005T015801Z.tif"), &SceneOptions::default()).unwrap();
    let (tracks, aoi) = (sample("tracks.geojson"), sample("aoi.geojson"));
    for tracks in [Some(tracks.as_path()), None] {
        let (yard, _) = read_yard(tracks, Some(&aoi)).unwrap();
        let cars = |likeness: Option<Likeness>| {
            let compare = Some(Compare(Arc::new(move |_: &Vehicle| likeness)));
            let count = count_scene(&scene, &yard, &CountOptions { compare, ..CountOptions::default() }).unwrap();
            (count.vehicles, count.count.reason)
        };
        let usual = |correlation: f64, difference: f64| cars(Some(Likeness { correlation, difference }));
        let (unknown, reason) = cars(None);
        assert!(
            unknown.len() > 3 && usual(0.0, 1.2) == (unknown.clone(), reason),
            "nothing is said, or something new stands there"
        );
        let sureness = |cars: &[Vehicle]| cars.iter().map(|car| car.confidence).collect::<Vec<f64>>();
        let (certain, reason) = usual(1.0, 0.0);
        assert!(reason.contains("always there"), "{reason}");
        assert!(
            certain.len() < unknown.len() && certain.iter().all(|car| car.confidence > 0.99),
            "{:?} of {:?}",
            sureness(&certain),
            sureness(&unknown)
        );
    }
}

/// A main line drawn on for 20 km outweighed what the image shows: the shift became nothing, and the line was walked to its end.
#[test]
fn a_given_track_that_runs_on_beyond_the_image_changes_nothing() {
    let scene = Scene::open(&sample(IMAGES[1]), &SceneOptions::default()).unwrap();
    let (tracks, aoi) = (sample("tracks.geojson"), sample("aoi.geojson"));
    let (mut yard, _) = read_yard(Some(&tracks), Some(&aoi)).unwrap();
    let counted = |yard: &Yard| count_scene(&scene, yard, &CountOptions::default()).unwrap();
    // Beyond the image, and 180 km further.
    let longer = |yard: &mut Yard, times: f64| {
        let line = &mut yard.tracks[0].line;
        let (a, b) = (line[line.len() - 2], line[line.len() - 1]);
        line.push([0, 1].map(|k| b[k] + times * (b[k] - a[k])));
    };
    longer(&mut yard, 5.0);
    let near = counted(&yard);
    longer(&mut yard, 60.0);
    let far = counted(&yard);
    assert_eq!((&far.vehicles, far.registration_m), (&near.vehicles, near.registration_m));
    assert_eq!(far.count, near.count);
}

/// Such images were counted with the interval of sure ones and not a word: 0 (0 to 2) where the yard lay elsewhere.
#[test]
fn an_image_that_fits_nowhere_on_the_site_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    for name in IMAGES {
        copy(&images, name);
    }
    copy(&images, "site.toml");
    copy(&images, "aoi.geojson");
    copy(&images, "tracks.geojson");
    moved(IMAGES[0], &images.join(IMAGES[0]), [60.0, -40.0]);
    analyze(&images, &out, &[]);
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_path(out.join("counts.csv")).unwrap().deserialize().map(Result::unwrap).collect();
    for row in rows {
        assert_eq!(row["image"] == IMAGES[0], row["reason"].contains("fits nowhere on the site"), "{row:?}");
    }
}

/// Cars on tracks that ran on beyond the outline were counted, though what hid them counted for nothing.
#[test]
fn only_what_stands_inside_the_outline_is_counted() {
    let temporary = tempfile::tempdir().unwrap();
    let aoi = temporary.path().join("aoi.geojson");
    // The sample's outline from this longitude on.
    let west = 130.64;
    let ring = format!("[[{west},42.4150],[130.6440,42.4150],[130.6440,42.4190],[{west},42.4190],[{west},42.4150]]");
    fs::write(&aoi, format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#)).unwrap();
    let longitudes = |out: &str, flags: &[&str]| -> Vec<f64> {
        let out = temporary.path().join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
        command.arg("count").arg(sample(IMAGES[2])).args(flags).arg("--out").arg(&out);
        assert_eq!(command.output().unwrap().status.code(), Some(0));
        let store = Connection::open(out.join("yardwatch.gpkg")).unwrap();
        let mut statement = store.prepare("SELECT col FROM cars").unwrap();
        let pixels: Vec<f64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let place = Scene::open(&sample(IMAGES[2]), &SceneOptions::default()).unwrap().georeference.unwrap();
        pixels.into_iter().map(|col| place.to_lonlat(col, 144.0).unwrap()[0]).collect()
    };
    let (tracks, aoi) = (sample("tracks.geojson"), aoi.to_str().unwrap());
    let tracks = tracks.to_str().unwrap();
    let all = longitudes("all", &["--tracks", tracks]);
    // 15 m: a car across the outline counts, and georeferences are off by metres.
    let inside = |lon: &&f64| **lon > west - 15.0 / 82_000.0;
    let (some, most) = (all.iter().filter(|lon| **lon > west).count(), all.iter().filter(inside).count());
    assert!(some > 5 && all.len() - most > 5, "{all:?}");
    for (out, flags) in [("given", vec!["--tracks", tracks, "--aoi", aoi]), ("found", vec!["--aoi", aoi])] {
        let seen = longitudes(out, &flags);
        assert!(seen.iter().all(|lon| inside(&lon)), "{out}: {seen:?}");
        assert!(out == "found" || (some..=most).contains(&seen.len()), "{out}: {} of {some} to {most}", seen.len());
    }
}

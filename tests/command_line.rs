//! The program from outside: what it prints, what it writes, how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use tempfile::TempDir;

fn yardwatch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yardwatch")).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: impl AsRef<Path>) -> &'static str {
    Box::leak(path.as_ref().to_str().unwrap().to_owned().into_boxed_str())
}

/// A small picture of patches of gravel: no car in it.
fn write_gravel(path: &Path, seed: u32) {
    let mixed = |x: u32, y: u32| {
        (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263) ^ seed.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917)
    };
    let picture = GrayImage::from_fn(160, 120, |x, y| Luma([90 + (mixed(x / 7, y / 7) >> 27) as u8 + (mixed(x, y) >> 28) as u8]));
    picture.save(path).unwrap();
}

/// A folder with dated pictures and one file that only pretends.
fn folder(good: usize) -> (TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let images = temporary.path().join("images");
    fs::create_dir(&images).unwrap();
    for number in 0..good {
        write_gravel(&images.join(format!("yard_202{number}0401.png")), number as u32);
    }
    (temporary, images)
}

fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn help_and_version_are_no_failures_and_name_every_command_and_exit_code() {
    let help = yardwatch(&["--help"]);
    assert_eq!(code(&help), 0);
    for word in ["count", "analyze", "compare", "evaluate", "info", "--jobs", "--max-memory", "130", "network"] {
        assert!(stdout(&help).contains(word), "{word}");
    }
    for command in ["count", "analyze", "compare", "evaluate", "info"] {
        let help = yardwatch(&[command, "--help"]);
        assert_eq!(code(&help), 0, "{command}");
        assert!(stdout(&help).contains("--format"), "{command}");
    }
    for flag in [
        "--out",
        "--site",
        "--aoi",
        "--tracks",
        "--gsd",
        "--acquired",
        "--prune",
        "--debug-dir",
        "--fail-on-anomaly",
        "--retrospective",
    ] {
        assert!(stdout(&yardwatch(&["analyze", "--help"])).contains(flag), "{flag}");
    }
    assert!(stdout(&yardwatch(&["--version"])).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_ends_with_2() {
    let (_temporary, images) = folder(1);
    for arguments in [
        vec![],
        vec!["recount"],
        vec!["count"],
        vec!["count", text(&images)],
        vec!["count", text(&images), "--out", "x", "--gsd", "-1"],
        vec!["count", text(&images), "--out", "x", "--gsd", "half"],
        vec!["count", text(&images), "--out", "x", "--jobs", "0"],
        vec!["count", text(&images), "--out", "x", "--format", "xml"],
        vec!["count", text(&images), "--out", "x", "--site", "a.toml", "--aoi", "b.geojson"],
        vec!["count", text(&images), "--out", "x", "--quiet", "-v"],
        vec!["analyze", text(&images), text(&images), "--out", "x"],
        vec!["info"],
    ] {
        let output = yardwatch(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{arguments:?}");
    }
    let out = images.join("out");
    let output = yardwatch(&["count", text(&images), "--out", text(&out), "--acquired", "yesterday"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("yesterday"));
    assert!(!out.exists(), "nothing is made before the arguments are understood");
}

/// Images of 1.2 m whose georeference says 1.2003 were refused.
#[test]
fn a_gsd_of_a_few_millimetres_above_the_coarsest_is_counted_and_a_centimetre_above_is_not() {
    let (temporary, images) = folder(1);
    for (gsd, status) in [("1.2", "ok"), ("1.2003", "ok"), ("1.21", "unusable")] {
        let out = temporary.path().join(gsd);
        let output = yardwatch(&["count", text(&images), "--out", text(&out), "--gsd", gsd]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let rows = rows(&out.join("counts.csv"));
        assert_eq!(rows[0]["status"], status, "{gsd}: {rows:?}");
        assert_eq!(rows[0]["reason"].contains("coarse"), status == "unusable", "{gsd}: {rows:?}");
    }
}

/// Where nothing can be made out, and no track is found, there may be cars all the same.
#[test]
fn an_image_out_of_focus_or_overexposed_is_unusable_and_not_an_empty_yard() {
    let temporary = tempfile::tempdir().unwrap();
    let wave = |x: u32, y: u32| 110.0 + 60.0 * (f64::from(x) / 40.0).sin() + 40.0 * (f64::from(y) / 33.0).cos();
    let white = |x: u32, y: u32| if x + y < 4 { 0.0 } else { 255.0 };
    for name in ["waves", "white"] {
        let path = temporary.path().join("yard_20200401.png");
        let light = |x: u32, y: u32| if name == "waves" { wave(x, y) } else { white(x, y) };
        GrayImage::from_fn(400, 300, |x, y| Luma([light(x, y).round() as u8])).save(&path).unwrap();
        let out = temporary.path().join(name);
        let output = yardwatch(&["count", text(&path), "--out", text(&out), "--gsd", "0.5"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let rows = rows(&out.join("counts.csv"));
        assert_eq!((rows[0]["status"].as_str(), rows[0]["freight_cars"].as_str()), ("unusable", ""), "{rows:?}");
        assert!(rows[0]["reason"].contains("of the image is seen"), "{rows:?}");
    }
}

/// In dense haze or deep shadow the sensor's noise is all there is: 19 of 165 cars were counted with coverage 1.
#[test]
fn an_image_of_hardly_more_than_noise_is_unusable_and_not_an_empty_yard() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("yard_20200401.png");
    // Ground of half a grey level, and noise of three times as much. Three tenths of a square kilometre: more than a single field.
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    let ground = |x: u32, y: u32| 190.0 + 0.3 * (f64::from(x) / 7.0).sin() + 0.2 * (f64::from(y) / 9.0).cos();
    let mut light = |x: u32, y: u32| (ground(x, y) + 3.0 * (noise() + noise())).round() as u8;
    GrayImage::from_fn(1200, 1000, |x, y| Luma([light(x, y)])).save(&path).unwrap();
    let out = temporary.path().join("out");
    let output = yardwatch(&["count", text(&path), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let rows = rows(&out.join("counts.csv"));
    assert_eq!((rows[0]["status"].as_str(), rows[0]["freight_cars"].as_str()), ("unusable", ""), "{rows:?}");
    assert!(rows[0]["reason"].contains("drowned in noise"), "{rows:?}");
}

#[test]
fn an_unreadable_image_among_good_ones_is_named_with_its_reason_and_the_others_go_on() {
    let (temporary, images) = folder(2);
    fs::write(images.join("yard_20220401.tif"), "this is no TIFF").unwrap();
    fs::write(images.join("empty_20220402.png"), "").unwrap();
    let out = temporary.path().join("out");
    let output = yardwatch(&["count", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let rows = rows(&out.join("counts.csv"));
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let bad = row["image"].starts_with("empty") || row["image"].ends_with(".tif");
        assert_eq!(row["freight_cars"].is_empty(), bad || row["status"] == "unusable", "{row:?}");
        if bad {
            assert_eq!(row["status"], "unusable");
            assert!(!row["reason"].is_empty() && !row["reason"].contains('\n'), "{row:?}");
            assert!(stderr(&output).contains(&row["image"]), "{}", stderr(&output));
        }
    }
    assert!(stdout(&output).contains("not used"));
    assert!(!out.join("cars/empty_20220402.geojson").exists());
    // The bad one is repaired: only it is counted.
    write_gravel(&images.join("empty_20220402.png"), 9);
    fs::remove_file(images.join("yard_20220401.tif")).unwrap();
    let output = yardwatch(&["count", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("3 images in"), "{}", stdout(&output));
    assert!(stdout(&output).contains("2 of them counted before"), "{}", stdout(&output));
}

#[test]
fn an_image_without_georeference_is_worked_on_in_pixels_and_without_scale_not_at_all() {
    let (temporary, images) = folder(1);
    let out = temporary.path().join("out");
    let output = yardwatch(&["count", text(&images), "--out", text(&out)]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("--gsd"), "{}", stderr(&output));
    let output = yardwatch(&["count", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let cars: serde_json::Value = serde_json::from_slice(&fs::read(out.join("cars/yard_20200401.geojson")).unwrap()).unwrap();
    assert_eq!(cars["type"], "FeatureCollection");
    assert_eq!(cars["scene"]["gsd_m"], 0.5);
    for feature in cars["features"].as_array().unwrap() {
        assert!(feature["geometry"].is_null());
        assert_eq!(feature["properties"]["box"].as_array().unwrap().len(), 4);
    }
    assert!(out.join("overlays/yard_20200401.jpg").exists());
}

/// Outline and tracks were passed over without a word, and nothing was said of an image taken at night by its time.
#[test]
fn what_could_not_be_used_of_what_is_known_stands_in_the_reason() {
    let (temporary, images) = folder(1);
    let (out, outline) = (temporary.path().join("out"), temporary.path().join("aoi.geojson"));
    let ring = "[[[130.63, 42.42], [130.64, 42.42], [130.64, 42.43], [130.63, 42.42]]]";
    fs::write(&outline, format!(r#"{{"type": "Polygon", "coordinates": {ring}}}"#)).unwrap();
    let count = |more: &[&str]| {
        let output = yardwatch(&[&["count", text(&images), "--out", text(&out), "--gsd", "0.5"][..], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        (rows(&out.join("counts.csv")), stderr(&output))
    };
    let (bare, said) = count(&[]);
    assert!(!bare[0]["reason"].contains("georeference") && !said.contains("given"), "{bare:?} {said}");
    // The second time from the record.
    for _ in 0..2 {
        let (given, said) = count(&["--aoi", text(&outline)]);
        assert!(given[0]["reason"].contains("no georeference: the outline given could not be laid on it"), "{given:?}");
        assert!(said.contains("1 image does not say where"), "{said}");
        assert_eq!((&given[0]["low"], &given[0]["high"]), (&bare[0]["low"], &bare[0]["high"]));
    }
    for (name, night) in [("yard_20200402T150000Z", true), ("yard_20200403T030000Z", false)] {
        write_gravel(&images.join(format!("{name}.png")), 1);
        fs::write(images.join(format!("{name}.pgw")), "5e-6\n0\n0\n-5e-6\n130.63\n42.43\n").unwrap();
        let wgs84 = r#"GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;
        fs::write(images.join(format!("{name}.prj")), wgs84).unwrap();
        let (rows, _) = count(&[]);
        let row = rows.iter().find(|row| row["image"].starts_with(name)).unwrap();
        assert_eq!(row["reason"].contains("degrees below the horizon"), night, "{row:?}");
    }
}

#[test]
fn an_empty_folder_and_a_missing_one_are_said_to_be() {
    let (temporary, images) = folder(0);
    let out = temporary.path().join("out");
    let output = yardwatch(&["analyze", text(&images), "--out", text(&out)]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stderr(&output).contains("no images"), "{}", stderr(&output));
    assert!(stdout(&output).contains("not used:\n  images: there are no images"), "{}", stdout(&output));
    assert!(rows(&out.join("counts.csv")).is_empty(), "a folder is no image");
    let missing = temporary.path().join("nowhere");
    let output = yardwatch(&["analyze", text(&missing), "--out", text(&out)]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("nowhere"), "{}", stderr(&output));
}

#[test]
fn an_unknown_key_in_the_settings_is_named_with_its_line() {
    let (temporary, images) = folder(1);
    let out = temporary.path().join("out");
    fs::write(images.join("site.toml"), "name = \"a\"\n\n[alarm]\nlevle = 0.01\n").unwrap();
    let output = yardwatch(&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("levle") && stderr(&output).contains("line 4"), "{}", stderr(&output));
    assert!(!out.exists());
}

/// `compare` passed over whatever it did not know.
#[test]
fn compare_reads_the_settings_as_analyze_does() {
    let temporary = tempfile::tempdir().unwrap();
    let (site, counts, out) =
        (temporary.path().join("site.toml"), temporary.path().join("counts.csv"), temporary.path().join("out"));
    fs::write(&counts, "date,count\n2020-01-01,5\n").unwrap();
    let compare = |settings: &str| {
        fs::write(&site, settings).unwrap();
        yardwatch(&["compare", text(&counts), "--out", text(&out), "--site", text(&site)])
    };
    for (settings, key, line) in [
        ("name = \"a\"\n\n[histroy]\nlookback_years = 3\n", "histroy", "line 3"),
        ("levle = 0.1\n", "levle", "line 1"),
        ("[alarm]\nlevle = 0.1\n", "levle", "line 2"),
    ] {
        let output = compare(settings);
        assert_eq!(code(&output), 1, "{settings}");
        assert!(stderr(&output).contains(key) && stderr(&output).contains(line), "{}", stderr(&output));
    }
    assert!(!out.exists());
    // What only counting needs, its files not even there.
    let whole =
        "\u{feff}name = \"a\"\naoi = \"aoi.geojson\"\ntracks = \"t.geojson\"\ngsd = 0.5\n[alarm]\nlevel = 0.02\n[history]\n";
    let output = compare(whole);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

/// It was said to have been taken at 00:00 UTC.
#[test]
fn an_image_of_which_only_the_date_is_known_is_shown_without_a_time_of_day() {
    let temporary = tempfile::tempdir().unwrap();
    let images = temporary.path().join("images");
    fs::create_dir(&images).unwrap();
    let out = temporary.path().join("out");
    for (number, name) in ["yard_20230401.png", "yard_20230501T015801Z.png", "undated.png"].into_iter().enumerate() {
        write_gravel(&images.join(name), number as u32);
    }
    let options = ["--out", text(&out), "--gsd", "0.5", "--acquired", "2023-06-01"];
    let counted = yardwatch(&[&["count", text(&images)][..], &options].concat());
    assert_eq!(code(&counted), 0, "{}", stderr(&counted));
    let analyzed = yardwatch(&[&["analyze", text(&images)][..], &options].concat());
    assert_eq!(code(&analyzed), 0, "{}", stderr(&analyzed));
    let report = fs::read_to_string(out.join("report.html")).unwrap();
    for (said, zone) in [(stdout(&counted), ""), (report, " UTC")] {
        assert!(!said.contains("00:00") && said.contains(&format!("2023-05-01 01:58{zone}")), "{said}");
        assert!(said.contains("2023-04-01") && said.contains("2023-06-01"), "{said}");
    }
    let times: Vec<String> = rows(&out.join("counts.csv")).iter().map(|row| row["acquired"].clone()).collect();
    assert_eq!(times, ["2023-04-01T00:00:00Z", "2023-05-01T01:58:01Z", "2023-06-01T00:00:00Z"], "RFC 3339 for programs");
    // The caption of a picture is all that differs between an image of a date and one of a date and 00:00.
    for name in ["a_20230401.png", "b_20230401T000000Z.png"] {
        write_gravel(&images.join(name), 0);
    }
    assert_eq!(code(&yardwatch(&[&["analyze", text(&images)][..], &options].concat())), 0);
    let [date, midnight] =
        ["a_20230401", "b_20230401T000000Z"].map(|stem| fs::read(out.join(format!("overlays/{stem}.jpg"))).unwrap());
    assert_ne!(date, midnight);
}

#[test]
fn json_is_one_document_on_standard_output_and_nothing_else() {
    let (temporary, images) = folder(2);
    let out = temporary.path().join("out");
    let output = yardwatch(&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5", "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["images"].as_array().unwrap().len(), 2);
    assert_eq!(document["days"].as_array().unwrap().len(), 2);
    assert!(stderr(&output).is_empty(), "silent in a pipe: {}", stderr(&output));
    let quiet = yardwatch(&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5", "--quiet"]);
    assert!(stdout(&quiet).is_empty() && stderr(&quiet).is_empty());
    let info = yardwatch(&["info", text(&images), "--format", "json", "--checksum"]);
    let document: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(document[0]["checksum"]["valid_pixels"], 160 * 120);
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let (_temporary, images) = folder(3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .args(["info", text(&images)])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
}

#[test]
fn images_of_one_stem_do_not_overwrite_each_other() {
    let (temporary, images) = folder(0);
    fs::create_dir(images.join("sub")).unwrap();
    for name in ["a.png", "a.jpg", "sub/a.png"] {
        write_gravel(&images.join(name), name.len() as u32);
    }
    let out = temporary.path().join("out");
    let output = yardwatch(&["count", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let files = |folder: &str| fs::read_dir(out.join(folder)).unwrap().count();
    assert_eq!((files("cars"), files("overlays")), (3, 3));
    let images: std::collections::BTreeSet<String> =
        rows(&out.join("counts.csv")).into_iter().map(|row| row["image"].clone()).collect();
    assert_eq!(images, ["a.jpg", "a.png", "sub/a.png"].map(str::to_owned).into());
}

#[test]
fn a_grown_folder_counts_only_what_is_new_and_changed_and_forgets_only_when_told() {
    let (temporary, images) = folder(2);
    let out = temporary.path().join("out");
    let run = |more: &[&str]| {
        let arguments = [&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5", "--progress", "always"], more].concat();
        let output = yardwatch(&arguments);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stderr(&output).lines().filter(|line| line.contains(".png")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(run(&[]).len(), 2);
    assert!(run(&[]).is_empty(), "nothing to do");
    write_gravel(&images.join("yard_20220401.png"), 7);
    assert_eq!(run(&[]), ["1/1 yard_20220401.png"]);
    write_gravel(&images.join("yard_20220401.png"), 8);
    assert_eq!(run(&[]), ["1/1 yard_20220401.png"], "another image under the same name");
    fs::remove_file(images.join("yard_20220401.png")).unwrap();
    run(&[]);
    assert_eq!(rows(&out.join("counts.csv")).len(), 3, "an image that is gone keeps its count");
    run(&["--prune"]);
    assert_eq!(rows(&out.join("counts.csv")).len(), 2);
    assert!(!out.join("cars/yard_20220401.geojson").exists() && !out.join("overlays/yard_20220401.jpg").exists());
}

/// `count` left days and report of other counts beside its own and emptied the table of days; `compare` put another yard's days there.
#[test]
fn other_commands_keep_out_of_a_folder_of_analyze_and_analyze_takes_over_theirs() {
    let (temporary, images) = folder(2);
    let (out, counts) = (temporary.path().join("out"), temporary.path().join("analysts.csv"));
    fs::write(&counts, "date,count\n2020-01-01,5\n").unwrap();
    let run = |command: &str, input: &Path| {
        let gsd: &[&str] = if command == "compare" { &[] } else { &["--gsd", "0.5"] };
        yardwatch(&[&[command, text(input), "--out", text(&out)], gsd].concat())
    };
    for (command, input) in
        [("count", &images), ("count", &images), ("compare", &counts), ("compare", &counts), ("count", &images)]
    {
        let output = run(command, input);
        assert_eq!(code(&output), 0, "{command}: {}", stderr(&output));
    }
    for _ in 0..2 {
        let output = run("analyze", &images);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    let files = || ["counts.csv", "days.csv", "report.html", "yardwatch.gpkg"].map(|name| fs::read(out.join(name)).unwrap());
    let before = files();
    for (command, input) in [("count", &images), ("compare", &counts)] {
        let output = run(command, input);
        assert_eq!(code(&output), 1, "{command}");
        assert!(stderr(&output).contains("holds the results of yardwatch analyze"), "{}", stderr(&output));
    }
    assert!(files() == before);
}

/// Nothing was written, and nothing said.
#[test]
fn intermediate_maps_of_images_counted_before_are_said_not_to_be_written() {
    let (temporary, images) = folder(1);
    let (out, maps) = (temporary.path().join("out"), temporary.path().join("maps"));
    let arguments = ["count", text(&images), "--out", text(&out), "--gsd", "0.5", "--debug-dir", text(&maps)];
    let output = yardwatch(&arguments);
    assert!(!stderr(&output).contains("counted before") && maps.join("yard_20200401/map.png").exists(), "{}", stderr(&output));
    let output = yardwatch(&arguments);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("images counted before are not counted again"), "{}", stderr(&output));
}

/// All of them were drawn into one file.
#[test]
fn charts_of_sites_whose_names_differ_in_odd_characters_have_files_of_their_own() {
    let temporary = tempfile::tempdir().unwrap();
    let (counts, plots) = (temporary.path().join("counts.csv"), temporary.path().join("plots"));
    fs::create_dir(&plots).unwrap();
    let sites = ["A b", "A_b", "A/b", "a_b-2"];
    let rows: String = sites.map(|site| format!("{site},2020-01-01,5\n")).concat();
    fs::write(&counts, format!("site,date,count\n{rows}")).unwrap();
    let (out, plot) = (temporary.path().join("out"), plots.join("p.svg"));
    let output = yardwatch(&["compare", text(&counts), "--out", text(&out), "--plot", text(&plot)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let drawn: Vec<String> =
        fs::read_dir(&plots).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert_eq!(drawn.len(), sites.len());
    for site in sites {
        assert_eq!(drawn.iter().filter(|svg| svg.contains(&format!(">{site}<"))).count(), 1, "{site}");
    }
}

/// A disk that was not there when its folder was one of several, and `--prune` forgot all of its images.
#[test]
fn images_of_a_folder_that_is_not_there_are_not_forgotten() {
    let (temporary, images) = folder(2);
    let (other, out) = (temporary.path().join("other"), temporary.path().join("out"));
    fs::create_dir(&other).unwrap();
    write_gravel(&other.join("yard_20220401.png"), 7);
    let arguments = ["count", text(&images), text(&other), "--out", text(&out), "--gsd", "0.5", "--prune"];
    assert_eq!(code(&yardwatch(&arguments)), 0);
    let aside = temporary.path().join("aside");
    fs::rename(&other, &aside).unwrap();
    let output = yardwatch(&arguments);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(out.join("cars/yard_20220401.geojson").exists());
    assert!(stderr(&output).contains("1 in the record that may lie there"), "{}", stderr(&output));
    fs::rename(&aside, &other).unwrap();
    let output = yardwatch(&arguments);
    assert!(
        stdout(&output).contains("3 images in") && stdout(&output).contains("3 of them counted before"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn names_are_data() {
    let (temporary, images) = folder(0);
    let name = "<img src=x onerror=alert(1)> & 'q' #1%41_20230405.png";
    write_gravel(&images.join(name), 1);
    let out = temporary.path().join("out");
    let output = yardwatch(&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let html = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(!html.contains("<img src=x"));
    assert!(html.contains("&lt;img src=x"));
    assert_eq!(rows(&out.join("counts.csv"))[0]["image"], name);
    let root = temporary.path().to_str().unwrap();
    for file in ["report.html", "counts.csv", "days.csv"] {
        assert!(!fs::read_to_string(out.join(file)).unwrap().contains(root), "{file} holds an absolute path");
    }
}

#[test]
fn a_second_run_on_the_same_folder_says_so_and_stops() {
    let (temporary, images) = folder(1);
    let out = temporary.path().join("out");
    fs::create_dir(&out).unwrap();
    let lock = fs::File::create(out.join(".yardwatch.lock")).unwrap();
    lock.lock().unwrap();
    let output = yardwatch(&["analyze", text(&images), "--out", text(&out), "--gsd", "0.5"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("another yardwatch run"), "{}", stderr(&output));
    assert!(!out.join("counts.csv").exists());
}

#[test]
fn an_output_folder_that_cannot_be_written_is_said_to_be() {
    let (temporary, images) = folder(1);
    let file = temporary.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let output = yardwatch(&["count", text(&images), "--out", text(file.join("out")), "--gsd", "0.5"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("file"), "{}", stderr(&output));
}

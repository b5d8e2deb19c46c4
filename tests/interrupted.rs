//! A run that is killed, interrupted, or finds the disk full: nothing finished is lost, nothing half-written has a final name,
//! the same command goes on, and the end is the same to the byte.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::{GrayImage, Luma};
use rusqlite::Connection;

/// A folder in memory where there is one: hundreds of small files are forced to the disk otherwise.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Gravel with a light, broken line.
fn write_images(folder: &Path, number: u32) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..number {
        let picture = GrayImage::from_fn(96, 64, |x, y| {
            let noise = (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263) ^ number.wrapping_mul(2_246_822_519))
                .wrapping_mul(3_266_489_917);
            let line = if y.abs_diff(32) < 4 && x % 32 < 29 { 60 } else { 0 };
            Luma([110 + (noise >> 27) as u8 + line])
        });
        picture.save(folder.join(format!("yard_2020{:02}{:02}.png", 1 + number / 2, 5 + 14 * (number % 2)))).unwrap();
    }
}

fn start(images: &Path, out: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("analyze")
        .arg(images)
        .arg("--out")
        .arg(out)
        .args(["--gsd", "0.5", "--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(images: &Path, out: &Path) {
    let output = start(images, out).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every file but the store and the lock, with its bytes.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in ["", "cars", "overlays"] {
        for entry in fs::read_dir(out.join(folder)).into_iter().flatten().flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_file() && !name.contains("yardwatch.") {
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// What the store holds, apart from row numbers, times of change and time spent.
fn store(out: &Path) -> Vec<String> {
    let connection = Connection::open(out.join("yardwatch.gpkg")).unwrap();
    let mut rows = Vec::new();
    for (table, columns) in [
        ("cars", "hex(geom), scene, acquired, class, confidence, track, string, number, reviewed"),
        ("tracks", "hex(geom), name, scene"),
        ("scene_footprints", "hex(geom), scene, freight_cars, status"),
        ("scenes", "image, blake3, settings, program, coverage, drawn, hex(picture), record"),
        ("observations", "image, acquired, freight_cars, low, high, status, reason"),
        ("days", "date, freight_cars, verdict, explanation"),
        ("strings", "scene, string, cars, matched"),
    ] {
        let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let width = statement.column_count();
        let found = statement
            .query_map([], |row| {
                let cells: Vec<String> = (0..width).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
                Ok(format!("{table}: {}", cells.join(", ")))
            })
            .unwrap();
        rows.extend(found.map(Result::unwrap));
    }
    rows.sort();
    rows
}

/// Whatever lies under a final name is whole.
fn check_whole(out: &Path, files_deleted: bool) {
    for (name, bytes) in files(out) {
        if name.contains("/.yardwatch-") {
            continue;
        }
        match name.rsplit('.').next().unwrap() {
            "geojson" => assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(), "{name}"),
            "jpg" => assert!(bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]), "{name}"),
            "csv" => assert!(bytes.ends_with(b"\n"), "{name}"),
            "html" => assert!(bytes.ends_with(b"</html>"), "{name}"),
            other => panic!("an unexpected file {name} ({other})"),
        }
    }
    let gpkg = out.join("yardwatch.gpkg");
    if gpkg.exists() && !files_deleted {
        let connection = Connection::open(gpkg).unwrap();
        let answer: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(answer, "ok");
        // A scene in the ledger has its files.
        let mut statement = connection.prepare("SELECT image FROM scenes").unwrap();
        for image in statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap) {
            let stem = image.trim_end_matches(".png");
            assert!(
                out.join(format!("cars/{stem}.geojson")).exists() && out.join(format!("overlays/{stem}.jpg")).exists(),
                "{image}"
            );
        }
    }
}

/// Starts a run, kills it after a while, and says whether it was still running.
fn killed(images: &Path, out: &Path, after: f64, files_deleted: bool) -> bool {
    let mut child = start(images, out);
    std::thread::sleep(Duration::from_secs_f64(after));
    let running = child.try_wait().unwrap().is_none();
    if running {
        child.kill().unwrap();
        child.wait().unwrap();
        check_whole(out, files_deleted);
    }
    running
}

/// Moments spread evenly and irregularly over 0 to 1 (multiples of the golden ratio).
fn moment(number: u32) -> f64 {
    (f64::from(number) * 0.618_033_988_75).fract()
}

#[test]
fn a_run_of_twenty_images_killed_at_fifty_moments_ends_as_one_that_was_not() {
    let temporary = folder();
    let images = temporary.path().join("images");
    write_images(&images, 20);
    let reference = temporary.path().join("reference");
    let started = Instant::now();
    finish(&images, &reference);
    let whole = started.elapsed().as_secs_f64();
    let (expected_files, expected_store) = (files(&reference), store(&reference));
    assert_eq!(expected_files.len(), 2 * 20 + 3);

    // While images are counted: each run gets a little further than the one before.
    let (mut kills, mut rounds) = (0, 0);
    while kills < 30 {
        rounds += 1;
        let out = temporary.path().join(format!("round{rounds}"));
        while kills < 30 && killed(&images, &out, whole * moment(kills) / 6.0, false) {
            kills += 1;
        }
        finish(&images, &out);
        assert_eq!(files(&out), expected_files, "round {rounds}");
        assert_eq!(store(&out), expected_store, "round {rounds}");
    }

    // While the files that follow from the counts are written.
    let started = Instant::now();
    finish(&images, &reference);
    let rest = started.elapsed().as_secs_f64();
    let out = temporary.path().join("end");
    finish(&images, &out);
    for number in 0..20 {
        for name in expected_files.keys().filter(|name| !name.contains("overlays") || name.contains("_2020030")) {
            let _ = fs::remove_file(out.join(name.trim_start_matches('/')));
        }
        kills += u32::from(killed(&images, &out, 1.5 * rest * moment(number), true));
        finish(&images, &out);
        assert_eq!(files(&out), expected_files, "kill {number} at the end");
        assert_eq!(store(&out), expected_store, "kill {number} at the end");
    }
    println!("{kills} kills, {rounds} rounds");
    assert!(kills >= 35, "{kills}");
}

#[test]
fn an_interrupt_ends_with_130_and_the_same_command_goes_on() {
    let temporary = folder();
    let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
    write_images(&images, 6);
    let child = start(&images, &out);
    // The first finished image is the sign that the run is in the middle of it.
    let give_up = Instant::now() + Duration::from_secs(60);
    while fs::read_dir(out.join("cars")).map_or(0, Iterator::count) == 0 && Instant::now() < give_up {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted"));
    check_whole(&out, false);
    assert!(!out.join("counts.csv").exists(), "the run was not finished");
    finish(&images, &out);
    assert_eq!(files(&out).len(), 2 * 6 + 3);
}

#[test]
fn a_full_disk_is_said_to_be_and_the_run_goes_on_when_there_is_room() {
    let temporary = folder();
    let (images, disk) = (temporary.path().join("images"), temporary.path().join("disk"));
    write_images(&images, 6);
    let reference = temporary.path().join("reference");
    finish(&images, &reference);
    fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !mount("size=280k") {
        println!("skipped: this machine does not let a test mount a small file system");
        return;
    }
    let out = disk.join("out");
    let result = std::panic::catch_unwind(|| {
        let output = start(&images, &out).wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("the disk is full") && words.contains("make room"), "{words}");
        check_whole(&out, false);
        assert!(mount("remount,size=64m"));
        finish(&images, &out);
        assert_eq!(files(&out), files(&reference));
        assert_eq!(store(&out), store(&reference));
    });
    let _ = Command::new("umount").arg(&disk).status();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

//! Files that are not what they should be: loops of links, folders named like images, pipes, names that are not Unicode, files
//! without permission, files that change or vanish while the program runs. Each is named with its reason and the others go on.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use image::{GrayImage, Luma};

/// A small picture of patches of gravel: no car in it.
fn write_gravel(path: &Path, seed: u32) {
    let mixed = |x: u32, y: u32| {
        (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263) ^ seed.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917)
    };
    let picture = GrayImage::from_fn(160, 120, |x, y| Luma([90 + (mixed(x / 7, y / 7) >> 27) as u8 + (mixed(x, y) >> 28) as u8]));
    // By content, not by name: some names here are no text.
    picture.write_to(&mut fs::File::create(path).unwrap(), image::ImageFormat::Png).unwrap();
}

fn count(inputs: &[&Path], out: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("count")
        .args(inputs)
        .args(["--gsd", "0.5", "-v", "--out"])
        .arg(out)
        .output()
        .unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn rows(out: &Path) -> Vec<(String, String, String)> {
    let mut reader = csv::Reader::from_path(out.join("counts.csv")).unwrap();
    let rows = reader.deserialize::<std::collections::BTreeMap<String, String>>().map(Result::unwrap);
    rows.map(|row| (row["image"].clone(), row["status"].clone(), row["reason"].clone())).collect()
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_folder_with_loops_pipes_and_pretenders_is_searched_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir_all(images.join("x_20200101.tif")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    write_gravel(&elsewhere.join("other_20200404.png"), 1);
    write_gravel(&images.join("yard_20200401.png"), 2);
    write_gravel(&images.join("x_20200101.tif/inside_20200402.png"), 3);
    fs::write(images.join("empty_20200403.tif"), "").unwrap();
    symlink(&images, images.join("loop")).unwrap();
    symlink("itself.tif", images.join("itself.tif")).unwrap();
    symlink(&elsewhere, images.join("out_of_the_folder")).unwrap();
    symlink(elsewhere.join("other_20200404.png"), images.join("link_20200404.png")).unwrap();
    pipe(&images.join("pipe_20200405.png"));
    pipe(&images.join("yard_20200401.pgw"));
    let out = folder.path().join("out");
    let (code, stderr) = count(&[&images], &out);
    assert_eq!(code, 3, "{stderr}");
    let mut rows = rows(&out);
    rows.sort();
    let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(names, ["empty_20200403.tif", "x_20200101.tif/inside_20200402.png", "yard_20200401.png"]);
    assert_eq!((rows[0].1.as_str(), rows[0].2.as_str()), ("unusable", "the file is empty"));
    for left_out in ["itself.tif", "link_20200404.png", "pipe_20200405.png"] {
        assert!(stderr.lines().any(|line| line.contains(left_out) && line.contains("not followed")), "{left_out}: {stderr}");
    }
}

#[test]
fn what_is_no_regular_file_is_not_opened_even_when_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (good, pipe_path) = (folder.path().join("yard_20200401.png"), folder.path().join("pipe_20200402.png"));
    write_gravel(&good, 1);
    pipe(&pipe_path);
    symlink("itself.tif", folder.path().join("itself.tif")).unwrap();
    let out = folder.path().join("out");
    let (code, stderr) = count(&[&good, &pipe_path, Path::new("/dev/zero"), &folder.path().join("itself.tif")], &out);
    assert_eq!(code, 3, "{stderr}");
    for (name, reason) in [("pipe_20200402.png", "not a regular file"), ("/dev/zero", "not a regular file"), ("itself.tif", "")] {
        assert!(stderr.lines().any(|line| line.contains(name) && line.contains(reason)), "{name}: {stderr}");
    }
}

#[test]
fn names_that_are_not_unicode_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let names: [&[u8]; 2] = [b"yard_\xff_20200401.png", b"yard_\xfe_20200401.png"];
    for (seed, name) in names.iter().enumerate() {
        write_gravel(&images.join(OsStr::from_bytes(name)), seed as u32);
    }
    let out = folder.path().join("out");
    for _ in 0..2 {
        let (code, stderr) = count(&[&images], &out);
        assert_eq!(code, 0, "{stderr}");
        let rows = rows(&out);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_ne!(rows[0].0, rows[1].0);
        assert_eq!(fs::read_dir(out.join("overlays")).unwrap().count(), 2);
    }
}

/// `File name too long`, and the run ended without a result for any image.
#[test]
fn an_image_with_the_longest_name_is_counted_like_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let long = format!("{}.png", "x".repeat(250));
    write_gravel(&images.join("yard_20200401.png"), 1);
    write_gravel(&images.join(&long), 2);
    let out = folder.path().join("out");
    let (code, stderr) = count(&[&images], &out);
    assert_eq!(code, 0, "{stderr}");
    let rows = rows(&out);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row.0 == long && row.1 == "ok"), "{rows:?}");
    for name in ["cars", "overlays"] {
        assert_eq!(fs::read_dir(out.join(name)).unwrap().count(), 2);
    }
}

#[test]
fn what_may_not_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir_all(images.join("closed")).unwrap();
    let secret = images.join("secret_20200402.png");
    write_gravel(&images.join("yard_20200401.png"), 1);
    write_gravel(&secret, 2);
    let close = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    close(&secret, 0);
    close(&images.join("closed"), 0);
    if fs::File::open(&secret).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let (code, stderr) = count(&[&images], &folder.path().join("out"));
    close(&images.join("closed"), 0o755);
    assert_eq!(code, 3, "{stderr}");
    for name in ["secret_20200402.png", "closed"] {
        assert!(stderr.lines().any(|line| line.contains(name) && line.contains("ermission")), "{name}: {stderr}");
    }
}

/// `--prune` forgot the images in it, and the folder had a row in `counts.csv`.
#[test]
fn images_in_a_folder_that_may_not_be_read_are_not_forgotten_and_it_is_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    let closed = images.join("closed");
    fs::create_dir_all(&closed).unwrap();
    let gone = images.join("yard_20200402.png");
    write_gravel(&images.join("yard_20200401.png"), 1);
    write_gravel(&gone, 2);
    write_gravel(&closed.join("yard_20200403.png"), 3);
    let prune = Path::new("--prune");
    let (code, stderr) = count(&[&images, prune], &out);
    assert_eq!(code, 0, "{stderr}");
    fs::remove_file(gone).unwrap();
    let close = |mode: u32| fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
    close(0);
    if fs::read_dir(&closed).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let (code, stderr) = count(&[&images, prune], &out);
    close(0o755);
    assert_eq!(code, 3, "{stderr}");
    let mut names: Vec<String> = rows(&out).into_iter().map(|row| row.0).collect();
    names.sort();
    assert_eq!(names, ["closed/yard_20200403.png", "yard_20200401.png"]);
}

/// The last lines of `analyze` said that the folder does not have them.
#[test]
fn images_in_a_folder_that_may_not_be_read_are_not_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    let closed = images.join("closed");
    fs::create_dir_all(&closed).unwrap();
    for day in 1..4 {
        write_gravel(&images.join(format!("yard_2020040{day}.png")), day);
    }
    write_gravel(&closed.join("yard_20200404.png"), 4);
    analyze(&images, &out);
    fs::remove_file(images.join("yard_20200403.png")).unwrap();
    let close = |mode: u32| fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
    close(0);
    if fs::read_dir(&closed).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let said = analyze(&images, &out);
    close(0o755);
    assert!(said.contains("1 in the record that the folder does not have"), "{said}");
    assert!(said.contains("1 in the record may lie in a folder that cannot be listed"), "{said}");
}

/// A folder of images into which results were written was left out without a word.
#[test]
fn images_in_a_folder_of_results_are_left_out_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    let nested = images.join("2021");
    fs::create_dir_all(&nested).unwrap();
    write_gravel(&images.join("yard_20200401.png"), 1);
    let said = analyze(&images, &nested);
    assert!(!said.contains("left out"), "only results are in it: {said}");
    write_gravel(&nested.join("yard_20210401.png"), 2);
    // Where the results go to, and the results of another run.
    for out in [nested.clone(), folder.path().join("out")] {
        let said = analyze(&images, &out);
        assert!(said.lines().any(|line| line.contains("2021: an image in it left out, since it holds the results")), "{said}");
        assert_eq!(rows(&out).len(), 1);
    }
}

/// What `analyze` says on both streams.
fn analyze(images: &Path, out: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("analyze")
        .arg(images)
        .args(["--gsd", "0.5", "--out"])
        .arg(out)
        .output();
    let output = output.unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn files_that_change_or_vanish_during_the_run_are_named_and_counted_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let image = |number: u32| images.join(format!("yard_20{number:02}0401.png"));
    (1..=8).for_each(|number| write_gravel(&image(number), number));
    let out = folder.path().join("out");
    let mut running = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("count")
        .arg(&images)
        .args(["--gsd", "0.5", "--jobs", "1", "-v", "--out"])
        .arg(&out)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // All are known when the first is finished; the last two change behind the program's back.
    let mut stderr = String::new();
    for line in BufReader::new(running.stderr.take().unwrap()).lines() {
        let line = line.unwrap() + "\n";
        if line.starts_with("1/8 ") {
            write_gravel(&image(7), 99);
            fs::remove_file(image(8)).unwrap();
        }
        stderr += &line;
    }
    assert_eq!(running.wait().unwrap().code(), Some(3), "{stderr}");
    assert!(stderr.contains("yard_20070401.png: the file changed while it was read"), "{stderr}");
    assert!(stderr.lines().any(|line| line.contains("yard_20080401.png") && line.contains("No such file")), "{stderr}");
    assert!(!out.join("overlays/yard_20070401.jpg").exists());
    let (code, stderr) = count(&[&images], &out);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(rows(&out).len(), 7, "the one that vanished was never in the record");
    assert!(out.join("overlays/yard_20070401.jpg").exists());
}

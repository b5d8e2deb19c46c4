//! `evaluate` must give the numbers of the reference scorer, to the last digit. How the expected numbers were made:
//! `tests/data/evaluate/README.md`.

mod perturb;

use serde_json::Value;
use std::path::{Path, PathBuf};

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// Writes perturbed predictions for every scene behind `truth` into `folder`.
fn write_predictions(truth: &Path, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (number, path) in yardwatch::evaluate::files::truths(truth).unwrap().into_iter().enumerate() {
        let truth = read(&path);
        if let Some(predictions) = perturb::predictions(&truth, number as u64) {
            let stem = Path::new(truth["image"].as_str().unwrap()).file_stem().unwrap().to_str().unwrap();
            let extension = ["geojson", "json"][number % 2];
            std::fs::write(folder.join(format!("{stem}.{extension}")), predictions.to_string()).unwrap();
        }
    }
}

/// Every number of `expected` stands in `own` under the same name.
fn assert_holds(own: &Value, expected: &Value, place: &str) {
    match expected {
        Value::Object(members) => {
            for (key, value) in members {
                let found = own.get(key).unwrap_or_else(|| panic!("{place}: no {key}"));
                assert_holds(found, value, &format!("{place}/{key}"));
            }
        }
        Value::Array(values) => {
            assert_eq!(own.as_array().map(Vec::len), Some(values.len()), "{place}");
            for (i, value) in values.iter().enumerate() {
                assert_holds(&own[i], value, &format!("{place}[{i}]"));
            }
        }
        Value::Number(_) => assert_eq!(own.as_f64(), expected.as_f64(), "{place}"),
        _ => assert_eq!(own, expected, "{place}"),
    }
}

fn agrees(name: &str, truth: &Path) {
    let kept = std::env::var_os("YARDWATCH_WRITE_PREDICTIONS").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.as_deref().unwrap_or(temporary.path()).join(name);
    write_predictions(truth, &folder);
    if kept.is_some() {
        eprintln!("wrote {}; nothing compared", folder.display());
        return;
    }
    let own = yardwatch::evaluate::evaluate(&folder, truth, yardwatch::evaluate::MIN_CLEAR).unwrap();
    let expected = read(&crate_root().join(format!("tests/data/evaluate/{name}.json")));
    assert_holds(&own.to_json(), &expected, name);
    let missing = own.scenes.iter().filter(|s| s.missing).count();
    assert!(missing > 0 && own.problems.len() == missing, "every scene without predictions is named");
}

#[test]
fn agrees_with_the_reference_scorer_on_the_sample_series() {
    agrees("sample_tiles", &crate_root().join("sample_tiles"));
}

#[test]
fn agrees_with_the_reference_scorer_on_all_labelled_scenes() {
    let scenes = crate_root().join("../shared/scenes");
    if !scenes.is_dir() {
        eprintln!("skipped: ../shared not present");
        return;
    }
    agrees("scenes", &scenes);
}

fn yardwatch(arguments: &[&Path]) -> std::process::Output {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_yardwatch")).arg("evaluate").args(arguments).output().unwrap()
}

#[test]
fn command_names_what_is_missing_and_still_scores_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let truth = crate_root().join("sample_tiles");
    write_predictions(&truth, folder.path());
    let json = folder.path().join("scores.json");
    let run = yardwatch(&[folder.path(), &truth, Path::new("--json"), &json]);
    assert_eq!(run.status.code(), Some(3));
    let (said, complained) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    assert!(complained.contains("tumangang_20210503T015738Z.tif: no prediction found"), "{complained}");
    assert!(said.contains("0.759  0.751  0.755"), "the reference scorer's printed rates: {said}");
    assert_eq!(read(&json)["presets"]["ALL"]["tp"], 211);
}

#[test]
fn command_fails_where_nothing_can_be_scored() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = yardwatch(&[folder.path(), &crate_root().join("sample_tiles")]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("no usable prediction"));
    let no_truth = yardwatch(&[folder.path(), folder.path()]);
    assert_eq!(no_truth.status.code(), Some(1));
    assert!(String::from_utf8(no_truth.stderr).unwrap().contains("no truth found"));
}

/// The cars of one image were scored against the truth of every other as well.
#[test]
fn a_file_that_names_its_image_is_scored_against_that_image_alone() {
    let folder = tempfile::tempdir().unwrap();
    let truth = crate_root().join("sample_tiles");
    let (file, json) = (folder.path().join("one.geojson"), folder.path().join("scores.json"));
    let predict = |image: &str| {
        let predictions = serde_json::json!({"scene": {"image": image}, "features": [{"properties": {"col": 1, "row": 1}}]});
        std::fs::write(&file, predictions.to_string()).unwrap();
        yardwatch(&[&file, &truth, Path::new("--json"), &json])
    };
    let run = predict("2019/tumangang_20191120T025440Z.tif");
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.contains("of the truths are of others and passed over"), "{said}");
    let scenes = read(&json)["scenes"].as_array().unwrap().len();
    assert_eq!(scenes, 1);
    let of_another_format = predict("tumangang_20191120T025440Z.png");
    assert_eq!(of_another_format.status.code(), Some(0));
    let run = predict("elsewhere.tif");
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8(run.stderr).unwrap().contains("is of elsewhere.tif, of which"));
}

#[test]
fn damaged_prediction_is_named_and_counts_as_missing() {
    let folder = tempfile::tempdir().unwrap();
    let truth = crate_root().join("sample_tiles");
    write_predictions(&truth, folder.path());
    std::fs::write(folder.path().join("tumangang_20191120T025440Z.geojson"), "{\"features\": [").unwrap();
    let run = yardwatch(&[folder.path(), &truth]);
    assert_eq!(run.status.code(), Some(3));
    let complained = String::from_utf8(run.stderr).unwrap();
    assert!(complained.contains("tumangang_20191120T025440Z.geojson: not JSON (EOF"), "{complained}");
}

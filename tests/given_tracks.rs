//! Tracks as people give them, from the command line: what differs on paper only counts the same.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use geojson::{FeatureCollection, GeometryValue};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles").join(name)
}

/// The row of `counts.csv` of an image with these tracks.
fn count(image: &Path, tracks: &Path, more: &[&OsStr], out: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_yardwatch"))
        .arg("count")
        .arg(image)
        .args(["--out".as_ref(), out.as_os_str(), "--tracks".as_ref(), tracks.as_os_str()])
        .args(more)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    csv::Reader::from_path(out.join("counts.csv")).unwrap().deserialize().next().unwrap().unwrap()
}

/// Cuts at every so many metres, as OpenStreetMap cuts tracks into ways, added up to a car for each that fell on one.
#[test]
fn tracks_cut_into_ways_count_as_they_do_whole() {
    let folder = tempfile::tempdir().unwrap();
    let whole: FeatureCollection = std::fs::read_to_string(sample("tracks.geojson")).unwrap().parse().unwrap();
    let mut cut = FeatureCollection::default();
    for feature in &whole.features {
        let Some(GeometryValue::LineString { coordinates }) = feature.geometry.as_ref().map(|geometry| &geometry.value) else {
            panic!("a track is a line")
        };
        // A vertex wherever the line is to be cut: ten pieces of each stretch between two vertices.
        let between = |a: &[f64], b: &[f64], part: u32| [0, 1].map(|k| a[k] + (b[k] - a[k]) * f64::from(part) / 10.0).to_vec();
        let mut points: Vec<Vec<f64>> = Vec::new();
        for pair in coordinates.windows(2) {
            points.extend((0..10).map(|part| between(pair[0].as_slice(), pair[1].as_slice(), part)));
        }
        points.extend(coordinates.last().map(|end| end.as_slice()[..2].to_vec()));
        for (number, piece) in points.chunks(3).enumerate() {
            let next = points.get(3 * number + 3).cloned();
            let mut line: Vec<Vec<f64>> = piece.iter().cloned().chain(next).collect();
            if number % 2 == 1 {
                line.reverse();
            }
            if line.len() > 1 {
                let line = GeometryValue::LineString { coordinates: line.into_iter().map(Into::into).collect() };
                cut.features.push(geojson::Feature { geometry: Some(line.into()), ..geojson::Feature::default() });
            }
        }
    }
    let ways = folder.path().join("ways.geojson");
    std::fs::write(&ways, cut.to_string()).unwrap();
    assert!(cut.features.len() > 3 * whole.features.len());
    let (image, outline) = (sample("tumangang_20231005T015801Z.tif"), sample("aoi.geojson"));
    let [whole, cut] = [("whole", sample("tracks.geojson")), ("cut", ways)]
        .map(|(name, tracks)| count(&image, &tracks, &["--aoi".as_ref(), outline.as_os_str()], &folder.path().join(name)));
    assert_eq!(cut, whole);
}

/// Grey, the bare tracks beside its dull roofs looked more like tracks than its own: 2 of 31 cars were counted, 0 to 6.
#[test]
fn a_real_yard_with_dull_roofs_is_not_looked_for_one_track_off() {
    let crop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/real/muttenz/southwest/muttenz_southwest_20180601.png");
    if !crop.exists() {
        eprintln!("skipped: ../shared not present");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let grey = folder.path().join("grey_20180601.png");
    image::open(&crop).unwrap().to_luma8().save(&grey).unwrap();
    for ending in ["pgw", "prj"] {
        std::fs::copy(crop.with_extension(ending), grey.with_extension(ending)).unwrap();
    }
    // Lines through the labelled vehicles, as `training/degraded.py --tracks` draws them.
    let tracks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/muttenz_southwest_tracks.geojson");
    let row = count(&grey, &tracks, &[], &folder.path().join("out"));
    assert!(row["freight_cars"].parse::<u32>().unwrap() > 25, "{row:?}");
}

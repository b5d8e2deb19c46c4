//! Which truth files there are, and which prediction file belongs to which.

use super::truth::{Truth, image_of, is_reviewed};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The truth files behind `path`: the file itself, or in a folder `truth.json`, `*/truth.json` (a suite of scenes) and `truth/*.json`
/// (a series), by name; where there are none of these, the images of a run of `analyze` that were looked through by hand (`cars/*.geojson`).
///
/// # Errors
/// The folder cannot be read or holds none of these.
pub fn truths(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let own = path.join("truth.json");
    if own.is_file() {
        found.push(own);
    }
    for entry in entries(path)? {
        if entry.is_dir() {
            found.extend(Some(entry.join("truth.json")).filter(|p| p.is_file()));
        }
    }
    let series = path.join("truth");
    if series.is_dir() {
        found.extend(entries(&series)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")));
    }
    let cars = path.join("cars");
    if found.is_empty() && cars.is_dir() {
        let looked = |p: &PathBuf| p.extension().is_some_and(|e| e == "geojson") && is_reviewed(p);
        found.extend(entries(&cars)?.into_iter().filter(looked));
        if found.is_empty() {
            let reason = "no truth found: none of its images was looked through by hand; set reviewed on their rows of the table scenes and run analyze again";
            return Err(Error::document(path, reason));
        }
    }
    found.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found.dedup();
    if found.is_empty() {
        return Err(Error::document(path, "no truth found; expected truth.json, */truth.json or truth/*.json"));
    }
    Ok(found)
}

/// The prediction file for one scene: `path` itself if it is a file; in a folder `<image stem>` or `<scene folder>` with `.geojson` or
/// `.json`, else the first `.geojson` in a sub-folder of that name; else the same in the folder `cars` that `yardwatch count` writes.
/// In the end any in `cars` that says it is this image's is taken.
///
/// Of an image that was looked through by hand the output file's name comes first, and no scene folder: it lies with all others in
/// `cars`. A file that says it is another image's is then passed over.
///
/// # Errors
/// A folder cannot be read.
pub fn prediction(path: &Path, truth: &Truth, truth_path: &Path) -> Result<Option<PathBuf>> {
    if path.is_file() {
        return Ok(Some(path.to_owned()));
    }
    let looked = truth_path.extension().is_some_and(|e| e == "geojson");
    let truth_path = std::path::absolute(truth_path).map_err(|e| Error::io(truth_path, e))?;
    let own = if looked { truth_path.file_stem() } else { truth_path.parent().and_then(Path::file_name) };
    let own = own.map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let names = if looked { [own.as_str(), truth.stem()] } else { [truth.stem(), &own] };
    // One run may hold several images of one name, and two runs may have given them different output names.
    let others = |file: &Path| looked && image_of(file).is_some_and(|image| !same_image(&image, &truth.image));
    let cars = path.join("cars");
    for folder in [path, &cars] {
        for name in names {
            for extension in ["geojson", "json"] {
                let file = folder.join(format!("{name}.{extension}"));
                if file.is_file() && !others(&file) {
                    return Ok(Some(file));
                }
            }
        }
        for name in names {
            let inside = folder.join(name);
            if !inside.is_dir() {
                continue;
            }
            // A scene's own folder also holds its outlines, which are no predictions.
            let outline = |p: &Path| p.file_name().is_some_and(|n| n == "tracks.geojson" || n == "aoi.geojson");
            let usable = |p: &PathBuf| p.extension().is_some_and(|e| e == "geojson") && !outline(p) && !others(p);
            if let Some(first) = entries(&inside)?.into_iter().find(usable) {
                return Ok(Some(first));
            }
        }
    }
    if !cars.is_dir() {
        return Ok(None);
    }
    Ok(entries(&cars)?.into_iter().find(|file| image_of(file).is_some_and(|image| image == truth.image)))
}

/// Whether two names may be one image's: one run may have been given the folder above the other's, or the image in another format.
pub fn same_image(a: &str, b: &str) -> bool {
    let (a, b) = (Path::new(a).with_extension(""), Path::new(b).with_extension(""));
    a.ends_with(&b) || b.ends_with(&a)
}

/// The visible entries of a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> { std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    let mut paths = read().map_err(|e| Error::io(folder, e))?;
    paths.retain(|p| p.file_name().is_some_and(|n| !n.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn touch(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
    }

    fn truth(image: &str) -> Truth {
        serde_json::from_value(serde_json::json!({"image": image, "gsd": 1, "width": 1, "height": 1, "cars": []})).unwrap()
    }

    #[test]
    fn finds_suites_and_series_in_order() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &["b/truth.json", "a/truth.json", "a/other.json", ".hidden/truth.json", "truth/z.json", "truth/y.txt"],
        );
        let found = truths(root.path()).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(root.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a/truth.json", "b/truth.json", "truth/z.json"]);
        assert!(truths(&root.path().join("a/..").join(".hidden/truth.json")).is_ok());
        touch(root.path(), &["empty/x.txt"]);
        assert!(truths(&root.path().join("empty")).unwrap_err().to_string().contains("no truth found"));
    }

    #[test]
    fn predictions_are_found_by_stem_then_scene_then_inside_then_in_cars() {
        let root = tempfile::tempdir().unwrap();
        let (p, t) = (root.path(), truth("easy_2.v1.tif"));
        let find =
            || prediction(p, &t, Path::new("suite/easy_2/truth.json")).unwrap().map(|f| f.strip_prefix(p).unwrap().to_owned());
        assert_eq!(find(), None);
        for name in [
            "cars/easy_2.v1.geojson",
            "easy_2/one.geojson",
            "easy_2.v1/one.geojson",
            "easy_2.json",
            "easy_2.geojson",
            "easy_2.v1.json",
            "easy_2.v1.geojson",
        ] {
            touch(p, &["easy_2/aoi.geojson", name]);
            assert_eq!(find().unwrap().to_str().unwrap(), name);
        }
    }

    /// A file of cars as a run writes it.
    fn written(root: &Path, name: &str, image: &str) {
        touch(root, &[name]);
        fs::write(root.join(name), serde_json::json!({"scene": {"image": image}, "features": []}).to_string()).unwrap();
    }

    /// The folder `cars` of the truth was taken for a scene's, so that every image was scored against the first file of the other run's.
    #[test]
    fn an_image_that_was_looked_through_is_held_against_the_same_image_of_the_other_run() {
        let root = tempfile::tempdir().unwrap();
        let (this, other) = (Path::new("this/cars"), root.path());
        let find = |output: &str, image: &str| {
            let found = prediction(other, &truth(image), &this.join(output)).unwrap();
            found.map(|f| f.strip_prefix(other).unwrap().to_str().unwrap().to_owned())
        };
        written(other, "cars/a.geojson", "a.tif");
        assert_eq!(find("b.geojson", "b.tif"), None);
        written(other, "cars/b.geojson", "b.tif");
        written(other, "cars/cars.geojson", "cars.tif");
        for stem in ["a", "b", "cars"] {
            let own = format!("{stem}.geojson");
            assert_eq!(find(&own, &format!("{stem}.tif")), Some(format!("cars/{own}")));
        }
        // The other run was given the folder above this one's.
        written(other, "cars/c.geojson", "2023/c.tif");
        assert_eq!(find("c.geojson", "c.tif").unwrap(), "cars/c.geojson");
    }

    #[test]
    fn images_of_one_name_are_held_against_their_own_cars_whatever_the_files_are_called() {
        let root = tempfile::tempdir().unwrap();
        let find = |output: &str, image: &str| {
            let found = prediction(root.path(), &truth(image), &Path::new("this/cars").join(output)).unwrap();
            found.map(|f| f.strip_prefix(root.path()).unwrap().to_str().unwrap().to_owned())
        };
        written(root.path(), "cars/yard.geojson", "2021/yard.tif");
        written(root.path(), "cars/2022_yard.tif.geojson", "2022/yard.tif");
        assert_eq!(find("yard.geojson", "2021/yard.tif").unwrap(), "cars/yard.geojson");
        assert_eq!(find("2022_yard.tif.geojson", "2022/yard.tif").unwrap(), "cars/2022_yard.tif.geojson");
        // A run that knew the second one first has it the other way round.
        assert_eq!(find("2021_yard.tif.geojson", "2021/yard.tif").unwrap(), "cars/yard.geojson");
        assert_eq!(find("yard.geojson", "2022/yard.tif").unwrap(), "cars/2022_yard.tif.geojson");
        assert_eq!(find("2023_yard.tif.geojson", "2023/yard.tif"), None);
    }
}

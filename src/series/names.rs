//! What images are called in outputs, and the names of the files made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Names of images: the path relative to the folder among `inputs` that holds the image, or the file's name; as many parent
/// folders more as are needed to tell images of one name apart. Always with `/`, never absolute.
pub fn image_names(inputs: &[PathBuf], images: &[PathBuf]) -> Vec<String> {
    let relative = |image: &PathBuf| {
        let folder = inputs
            .iter()
            .filter(|input| *input != image && image.starts_with(input))
            .max_by_key(|input| input.components().count());
        folder.and_then(|folder| image.strip_prefix(folder).ok()).map_or(1, |rest| rest.components().count())
    };
    let mut depth: Vec<usize> = images.iter().map(relative).collect();
    let parts: Vec<Vec<String>> = images.iter().map(|image| named_parts(image)).collect();
    let name = |index: usize, depth: usize| {
        let parts = &parts[index];
        parts[parts.len().saturating_sub(depth)..].join("/")
    };
    loop {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, &depth) in depth.iter().enumerate() {
            groups.entry(name(index, depth)).or_default().push(index);
        }
        let mut grown = false;
        for index in groups.into_values().filter(|group| group.len() > 1).flatten() {
            if depth[index] < parts[index].len() {
                depth[index] += 1;
                grown = true;
            }
        }
        if !grown {
            break;
        }
    }
    let mut taken = BTreeSet::new();
    (0..images.len())
        .map(|index| {
            let name = name(index, depth[index]);
            // Names that are not Unicode, or `a/../a`, may still be the same.
            let mut unique = name.clone();
            for number in 2.. {
                if taken.insert(unique.clone()) {
                    break;
                }
                unique = format!("{name}~{number}");
            }
            unique
        })
        .collect()
}

fn named_parts(path: &Path) -> Vec<String> {
    let normal = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    normal.collect()
}

/// Whether an image of this name may lie in `folder`, which is one of `inputs` or lies within one.
pub fn may_lie_in(image: &str, folder: &Path, inputs: &[PathBuf]) -> bool {
    let input = inputs.iter().filter(|input| folder.starts_with(input)).map(|input| named_parts(input).len()).max();
    let folder = named_parts(folder);
    let image: Vec<&str> = image.split('/').collect();
    // The name begins with the folder's path within the input, or with more of its path.
    (folder.len() - input.unwrap_or(folder.len())..image.len()).any(|parts| {
        let own = &folder[folder.len().saturating_sub(parts)..];
        own.iter().map(String::as_str).eq(image[..parts].iter().copied())
    })
}

/// Longest stem of an output file in bytes: with `.geojson` it stays below the 255 that file systems take.
const LONGEST_STEM: usize = 240;

/// Stems for the output files of images, `taken` ones apart: the file's stem, or with its folders and its ending where that is
/// not enough. Compared without case, since some file systems know none. Too long ones are cut and end in a hash of the image's name.
pub fn output_stems(images: &[String], taken: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut used: BTreeSet<String> = taken.values().map(|stem| stem.to_lowercase()).collect();
    let mut stems = taken.clone();
    for image in images {
        if stems.contains_key(image) {
            continue;
        }
        let file = image.rsplit('/').next().unwrap_or(image);
        let short = file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem });
        let (short, long) = (fitting(short, image), fitting(&image.replace('/', "_"), image));
        let numbered = (2u32..).map(|number| format!("{long}-{number}"));
        let mut candidates = [short, long.clone()].into_iter().chain(numbered);
        let stem = candidates.find(|stem| used.insert(stem.to_lowercase())).unwrap_or(long);
        stems.insert(image.clone(), stem);
    }
    stems
}

/// A stem as a file system takes it.
fn fitting(stem: &str, image: &str) -> String {
    if stem.len() <= LONGEST_STEM {
        return stem.to_owned();
    }
    let hash = &blake3::hash(image.as_bytes()).to_hex()[..16];
    format!("{}-{hash}", &stem[..stem.floor_char_boundary(LONGEST_STEM - hash.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[&str], images: &[&str]) -> Vec<String> {
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        image_names(&paths(inputs), &paths(images))
    }

    #[test]
    fn names_are_relative_to_the_folder_given_and_tell_images_apart() {
        assert_eq!(names(&["/data/yard"], &["/data/yard/a.tif", "/data/yard/2023/a.tif"]), ["a.tif", "2023/a.tif"]);
        assert_eq!(names(&["/data/yard"], &["/data/yard/b.tif", "/data/yard/2023/a.tif"]), ["b.tif", "2023/a.tif"]);
        assert_eq!(
            names(&["x/a.tif", "y/a.tif", "y/b.tif"], &["x/a.tif", "y/a.tif", "y/b.tif"]),
            ["x/a.tif", "y/a.tif", "b.tif"]
        );
        assert_eq!(names(&["a.tif", "./a.tif"], &["a.tif", "./a.tif"]), ["a.tif", "a.tif~2"]);
    }

    #[test]
    fn images_of_a_folder_are_known_by_their_names_and_those_beside_it_are_not() {
        let inputs = ["/data/yard", "other"].map(PathBuf::from);
        let lie = |folder: &str| {
            let names = ["a.tif", "y2/a.tif", "y2/b/a.tif", "y22/a.tif", "b/y2/a.tif", "yard/y2/a.tif", "y2"];
            names.into_iter().filter(|image| may_lie_in(image, Path::new(folder), &inputs)).collect::<Vec<_>>()
        };
        assert_eq!(lie("/data/yard/y2"), ["y2/a.tif", "y2/b/a.tif", "yard/y2/a.tif"]);
        assert_eq!(lie("/data/yard/y2/b"), ["y2/b/a.tif"]);
        assert_eq!(lie("/data/yard/b/y2"), ["b/y2/a.tif"]);
        assert!(lie("/data/yard/y3").is_empty());
        // Of an input nothing need be known but what lies in it.
        assert_eq!(lie("/data/yard").len(), 7);
        assert_eq!(lie("other").len(), 7);
    }

    #[test]
    fn images_of_one_stem_get_files_of_their_own() {
        let images = ["a.png", "a.tif", "A.TIFF", "x/a.tif", "x_a.tif", ".tif"].map(str::to_owned);
        let stems = output_stems(&images, &BTreeMap::new());
        let mut all: Vec<_> = stems.values().map(|s| s.to_lowercase()).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), images.len(), "{stems:?}");
        assert_eq!(stems["a.png"], "a");
        assert_eq!(stems["a.tif"], "a.tif");
    }

    /// A name of 250 letters ended the whole run: its output file's was too long.
    #[test]
    fn long_names_get_stems_that_fit_and_stay_apart() {
        let long = |letter: &str, end: &str| format!("{}{end}", letter.repeat(244 / letter.len()));
        let mut images =
            vec![long("x", "1.tif"), long("x", "2.tif"), long("x", "2.png"), long("\u{8eca}", ".tif"), "a.tif".into()];
        images.push(["x", "y"].map(|letter| long(letter, "")).join("/") + ".tif");
        let stems = output_stems(&images, &BTreeMap::new());
        let different: BTreeSet<&String> = stems.values().collect();
        assert_eq!(different.len(), images.len(), "{stems:?}");
        assert!(stems.values().all(|stem| stem.len() <= LONGEST_STEM), "{stems:?}");
        assert_eq!(stems["a.tif"], "a");
        for image in &images {
            assert_eq!(
                output_stems(std::slice::from_ref(image), &BTreeMap::new())[image],
                stems[image],
                "whatever else there is"
            );
        }
    }

    #[test]
    fn a_stem_once_given_stays() {
        let taken = BTreeMap::from([("b/a.tif".to_owned(), "a".to_owned())]);
        let stems = output_stems(&["a.tif".to_owned(), "b/a.tif".to_owned()], &taken);
        assert_eq!((stems["b/a.tif"].as_str(), stems["a.tif"].as_str()), ("a", "a.tif"));
    }
}

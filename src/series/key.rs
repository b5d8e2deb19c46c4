//! What a result depends on: the bytes of the image and of the files beside it, the settings, the program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::count::Yard;
use crate::raster::{Acquired, regular_file, statements};
use crate::{Error, Result};

/// Version of the program that counts: the package's, and a hash of the sources and weights of the rooms that count, so that a
/// changed program never passes an old count off as its own.
pub const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("YARDWATCH_METHOD"));

/// Files beside an image that are larger than this are no metadata.
const MAX_SIDECAR_BYTES: u64 = 64 << 20;

/// Endings of files beside an image that are images themselves, or reduced copies of it.
const NOT_METADATA: [&str; 9] = ["tif", "tiff", "gtiff", "btf", "png", "jpg", "jpeg", "webp", "ovr"];

/// BLAKE3 of an image and of the files beside it that may say where and when it was taken: those whose names begin with its
/// stem and a dot, or `_metadata`; and what STAC items and vendors' files of other names say of it.
///
/// # Errors
/// When the image cannot be read or is no regular file.
pub fn content_key(image: &Path) -> Result<String> {
    regular_file(image)?;
    let mut hasher = blake3::Hasher::new();
    let file = File::open(image).map_err(|e| Error::io(image, e))?;
    hasher.update_reader(file).map_err(|e| Error::io(image, e))?;
    let mut update = |name: &str, bytes: &[u8]| {
        // Lengths first: no two lists of files give the same bytes.
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    let beside = sidecars(image);
    for sidecar in &beside {
        let Ok(bytes) = std::fs::read(sidecar) else { continue };
        update(&sidecar.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), &bytes);
    }
    for (file, said) in statements(image) {
        // Of files with other names, which may speak of many images, only what they say of this one.
        if !beside.contains(&file) {
            update("", said.as_bytes());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// By what a file that is written to shows it: its length and the time of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(u64, Option<SystemTime>);

/// The stamp of an image as it is now.
///
/// # Errors
/// When it is not there (any more) or is no regular file.
pub fn stamp(image: &Path) -> Result<Stamp> {
    let metadata = regular_file(image)?;
    Ok(Stamp(metadata.len(), metadata.modified().ok()))
}

fn sidecars(image: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem), Some(own)) = (image.parent(), image.file_stem(), image.file_name()) else { return Vec::new() };
    let (stem, own) = (stem.to_string_lossy(), own.to_string_lossy());
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Some(rest) = name.strip_prefix(stem.as_ref()) else { return false };
            let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            name != own
                && (rest.starts_with('.') || rest.starts_with("_metadata"))
                && !NOT_METADATA.contains(&ending.as_str())
                && entry.metadata().is_ok_and(|m| m.is_file() && m.len() <= MAX_SIDECAR_BYTES)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// BLAKE3 of the settings that touch a count; `survey` is the survey's own key, where the site has one.
pub fn settings_key(yard: &Yard, gsd_m: Option<f64>, acquired: Option<Acquired>, survey: Option<&str>) -> String {
    let tracks: Vec<_> = yard.tracks.iter().map(|track| (&track.name, &track.line)).collect();
    // Numbers, texts and lists always become JSON.
    let text = serde_json::to_vec(&(tracks, &yard.aoi, gsd_m, acquired, survey)).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_the_image_and_what_lies_beside_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("a.png");
        std::fs::write(&image, "pixels").unwrap();
        let bare = content_key(&image).unwrap();
        for other in ["ab.pgw", "b.pgw", "a.jpg", "a.tif.ovr"] {
            std::fs::write(folder.path().join(other), "x").unwrap();
        }
        assert_eq!(content_key(&image).unwrap(), bare, "files of other images");
        std::fs::write(folder.path().join("a.pgw"), "0.5").unwrap();
        let tied = content_key(&image).unwrap();
        assert_ne!(tied, bare);
        std::fs::write(folder.path().join("a.pgw"), "0.6").unwrap();
        assert_ne!(content_key(&image).unwrap(), tied);
        std::fs::write(folder.path().join("a.pgw"), "0.5").unwrap();
        assert_eq!(content_key(&image).unwrap(), tied);
        std::fs::write(&image, "other pixels").unwrap();
        assert_ne!(content_key(&image).unwrap(), tied);
    }

    /// A date that was added or put right in a file of another name was never heard of.
    #[test]
    fn a_key_follows_what_a_stac_item_of_another_name_says_of_the_image_and_not_what_it_says_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let (image, item) = (folder.path().join("a.png"), folder.path().join("all.json"));
        std::fs::write(&image, "pixels").unwrap();
        let says = |a: &str, b: &str| {
            let feature = |name: &str, time: &str| {
                format!(
                    r#"{{"type":"Feature","stac_version":"1.0.0","id":"{name}","geometry":null,"properties":{{"datetime":"{time}"}},
                        "links":[],"assets":{{"data":{{"href":"./{name}.png"}}}}}}"#
                )
            };
            let text = format!(r#"{{"type":"FeatureCollection","features":[{},{}]}}"#, feature("a", a), feature("b", b));
            std::fs::write(&item, text).unwrap();
            content_key(&image).unwrap()
        };
        let (early, late) = ("2021-05-05T03:00:00Z", "2022-05-05T03:00:00Z");
        let dated = says(early, early);
        assert_eq!(says(early, late), dated);
        assert_ne!(says(late, late), dated);
        std::fs::remove_file(&item).unwrap();
        assert_ne!(content_key(&image).unwrap(), dated);
    }
}

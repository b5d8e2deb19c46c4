//! From the inputs of the command line to a list of images.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::stac_input;
use crate::error::Error;

/// Endings of files that are taken for images in a folder.
const ENDINGS: [&str; 8] = ["tif", "tiff", "gtiff", "btf", "png", "jpg", "jpeg", "webp"];
/// A folder that holds this file is the output of an earlier run.
const OUTPUT_MARK: &str = "yardwatch.gpkg";
/// Its folders, where it is the folder of the images as well.
const OUTPUT_FOLDERS: [&str; 2] = ["cars", "overlays"];
/// Folders are searched so deep.
const MAX_DEPTH: usize = 16;
/// JSON files beyond this size in a folder are no STAC items.
const MAX_JSON_BYTES: u64 = 8 << 20;

/// What the inputs came to.
#[derive(Debug, Default)]
pub struct Listing {
    /// Images, each once: inputs in their order, folders sorted by path.
    pub images: Vec<PathBuf>,
    /// Inputs that cannot be used, each with its reason.
    pub unusable: Vec<(PathBuf, Error)>,
    /// Files in folders that were left aside on purpose, each with its reason.
    pub skipped: Vec<(PathBuf, String)>,
    /// Output folders among them that hold images beside the pictures of their run, and how many.
    pub skipped_images: Vec<(PathBuf, usize)>,
}

/// Lists the images that the inputs name. Files are taken as they are, whatever their ending, but for STAC items and item
/// collections (`.json`, `.geojson`), which stand for the images they name. Folders are searched, without following links,
/// for files that end like images and for STAC items.
pub fn find_images(inputs: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    let mut seen = HashSet::new();
    for input in inputs {
        match std::fs::metadata(input) {
            Err(error) => listing.unusable.push((input.clone(), Error::io(input, error))),
            Ok(metadata) if metadata.is_dir() => search(input, &mut listing, &mut seen),
            Ok(_) if is_json_name(input) => stac(input, &mut listing, &mut seen),
            Ok(_) => push(&mut listing, &mut seen, input.clone()),
        }
    }
    listing
}

/// Takes an image, unless it has been taken under this or another name.
fn push(listing: &mut Listing, seen: &mut HashSet<PathBuf>, path: PathBuf) {
    if seen.insert(real(&path)) {
        listing.images.push(path);
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A STAC document as an input.
fn stac(path: &Path, listing: &mut Listing, seen: &mut HashSet<PathBuf>) {
    match stac_input::read(path, path.parent().unwrap_or(Path::new(""))) {
        Ok(Some(files)) => {
            files.images.into_iter().for_each(|image| push(listing, seen, image));
            listing.unusable.extend(files.unusable);
        }
        Ok(None) => {
            let reason = "this JSON file is neither an image nor a STAC item or item collection";
            listing.unusable.push((path.to_owned(), Error::document(path, reason)));
        }
        Err(error) => listing.unusable.push((path.to_owned(), error)),
    }
}

fn search(folder: &Path, listing: &mut Listing, seen: &mut HashSet<PathBuf>) {
    let before = listing.unusable.len();
    let mut images = Vec::new();
    let mut documents = Vec::new();
    let walk = WalkDir::new(folder).follow_links(false).follow_root_links(true).max_depth(MAX_DEPTH).sort_by_file_name();
    let mut walk = walk.into_iter();
    while let Some(entry) = walk.next() {
        match entry {
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let error = error.into_io_error().unwrap_or_else(|| std::io::Error::other("cannot be listed"));
                listing.unusable.push((path.clone(), Error::io(path, error)));
            }
            Ok(entry) if entry.file_type().is_dir() => {
                let marked = |folder: &Path| folder.join(OUTPUT_MARK).exists();
                let own = OUTPUT_FOLDERS.iter().any(|name| entry.file_name() == *name);
                if entry.depth() == 1 && own && marked(folder) || entry.depth() > 0 && marked(entry.path()) {
                    listing.skipped.push((entry.path().to_owned(), "the output folder of an earlier run".to_owned()));
                    if marked(entry.path()) {
                        let images = images_beside_results(entry.path());
                        listing.skipped_images.extend((images > 0).then(|| (entry.path().to_owned(), images)));
                    }
                    walk.skip_current_dir();
                }
            }
            Ok(entry) if is_image_name(entry.path()) => {
                if !entry.file_type().is_file() {
                    listing.skipped.push((entry.into_path(), "links and special files in folders are not followed".to_owned()));
                } else if let Some(reason) = companion(entry.path()) {
                    listing.skipped.push((entry.into_path(), reason.to_owned()));
                } else {
                    images.push(entry.into_path());
                }
            }
            Ok(entry) if entry.file_type().is_file() && is_json_name(entry.path()) => {
                if entry.metadata().is_ok_and(|metadata| metadata.len() <= MAX_JSON_BYTES) {
                    documents.push(entry.into_path());
                }
            }
            Ok(_) => {}
        }
    }
    let mut chosen = Vec::new();
    let mut others = HashSet::new();
    for document in documents {
        // A folder holds JSON of every kind: what is no STAC document is none of our business.
        if let Ok(Some(files)) = stac_input::read(&document, folder) {
            chosen.extend(files.images);
            others.extend(files.others.iter().map(|path| real(path)));
            listing.unusable.extend(files.unusable);
        }
    }
    let named: HashSet<PathBuf> = chosen.iter().map(|path| real(path)).collect();
    // Also those that were named before.
    let mut found = chosen.len();
    for image in images {
        let path = real(&image);
        if others.contains(&path) && !named.contains(&path) {
            listing
                .skipped
                .push((image, "a further asset of a STAC item (thumbnail, mask, other band), not its image".to_owned()));
        } else {
            found += 1;
            push(listing, seen, image);
        }
    }
    chosen.into_iter().for_each(|image| push(listing, seen, image));
    if found == 0 && listing.unusable.len() == before {
        listing
            .unusable
            .push((folder.to_owned(), Error::image(folder, "there are no images (TIFF, PNG, JPEG, WebP) in this folder")));
    }
}

/// How many images lie in an output folder beside the pictures that the run wrote.
fn images_beside_results(folder: &Path) -> usize {
    let walk = WalkDir::new(folder).follow_links(false).follow_root_links(true).max_depth(MAX_DEPTH).into_iter();
    let own = |entry: &DirEntry| entry.depth() == 1 && OUTPUT_FOLDERS.iter().any(|name| entry.file_name() == *name);
    let files = walk.filter_entry(|entry| !own(entry)).flatten().filter(|entry| entry.file_type().is_file());
    files.filter(|entry| is_image_name(entry.path()) && companion(entry.path()).is_none()).count()
}

/// Why a file is only the companion of an image, by the names that vendors give.
fn companion(path: &Path) -> Option<&'static str> {
    let stem = path.file_stem()?.to_string_lossy().to_ascii_uppercase();
    if stem.ends_with("_UDM") || stem.ends_with("_UDM2") {
        return Some("a mask of unusable data (Planet), not an image");
    }
    let preview =
        stem.ends_with("-BROWSE") || stem.starts_with("PREVIEW_") || stem.starts_with("ICON_") || stem.ends_with("_THUMB");
    preview.then_some("a preview, not the image itself")
}

/// Whether a file is named like an image.
pub(crate) fn is_image_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn is_json_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json") || ending.eq_ignore_ascii_case("geojson"))
}

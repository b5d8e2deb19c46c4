//! From the inputs of the command line to a list of images.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::Error;

/// Endings of files that are taken for images in a folder.
const ENDINGS: [&str; 8] = ["tif", "tiff", "gtiff", "btf", "png", "jpg", "jpeg", "webp"];
/// A folder that holds this file is the output of an earlier run.
const OUTPUT_MARK: &str = "yardwatch.gpkg";
/// Folders are searched so deep.
const MAX_DEPTH: usize = 16;

/// What the inputs came to.
#[derive(Debug, Default)]
pub struct Listing {
    /// Images, each once: inputs in their order, folders sorted by path.
    pub images: Vec<PathBuf>,
    /// Inputs that cannot be used, each with its reason.
    pub unusable: Vec<(PathBuf, Error)>,
    /// Files in folders that were left aside on purpose, each with its reason.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Lists the images that the inputs name. Files are taken as they are, whatever their ending; folders are searched,
/// without following links, for files that end like images.
pub fn find_images(inputs: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    for input in inputs {
        match std::fs::metadata(input) {
            Err(error) => listing.unusable.push((input.clone(), Error::io(input, error))),
            Ok(metadata) if metadata.is_dir() => search(input, &mut listing),
            Ok(_) => push(&mut listing, input.clone()),
        }
    }
    listing
}

fn push(listing: &mut Listing, path: PathBuf) {
    if !listing.images.contains(&path) {
        listing.images.push(path);
    }
}

fn search(folder: &Path, listing: &mut Listing) {
    let before = listing.images.len() + listing.unusable.len();
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
                if entry.depth() > 0 && entry.path().join(OUTPUT_MARK).exists() {
                    listing.skipped.push((entry.path().to_owned(), "the output folder of an earlier run".to_owned()));
                    walk.skip_current_dir();
                }
            }
            Ok(entry) if is_image_name(entry.path()) => {
                if entry.file_type().is_file() {
                    push(listing, entry.into_path());
                } else {
                    listing.skipped.push((entry.into_path(), "links and special files in folders are not followed".to_owned()));
                }
            }
            Ok(_) => {}
        }
    }
    if listing.images.len() + listing.unusable.len() == before {
        listing
            .unusable
            .push((folder.to_owned(), Error::image(folder, "there are no images (TIFF, PNG, JPEG, WebP) in this folder")));
    }
}

pub(crate) fn is_image_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

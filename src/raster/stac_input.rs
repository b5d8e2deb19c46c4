//! STAC items and item collections as inputs: the images that they name.

use std::path::{Path, PathBuf};

use super::beside::{is_regular, read_text};
use super::sidecar::MAX_BYTES;
use super::stac::parse_stac;
use crate::error::{Error, Result};

/// The files that a STAC document names.
#[derive(Debug, Default)]
pub(crate) struct StacFiles {
    /// Images that the items are about.
    pub images: Vec<PathBuf>,
    /// Thumbnails, masks and further assets.
    pub others: Vec<PathBuf>,
    /// Items whose image cannot be used, with the reason.
    pub unusable: Vec<(PathBuf, Error)>,
}

/// Reads a STAC document; `None` when the file is JSON of another kind. Assets outside the folder `root` are refused.
///
/// # Errors
/// When the file cannot be read or is not JSON.
pub(crate) fn read(path: &Path, root: &Path) -> Result<Option<StacFiles>> {
    let items = parse_stac(&read_text(path, MAX_BYTES)?).map_err(|reason| Error::document(path, reason))?;
    if items.is_empty() {
        return Ok(None);
    }
    let mut files = StacFiles::default();
    for item in &items {
        let image = item.image();
        match image.map(|asset| resolve(path, &asset.href, root)) {
            Some(Ok(image)) => files.images.push(image),
            Some(Err(reason)) => {
                files.unusable.push((path.to_owned(), Error::document(path, format!("item {}: {reason}", item.id))))
            }
            None => {
                let reason = format!("item {} names no image (TIFF, PNG, JPEG, WebP)", item.id);
                files.unusable.push((path.to_owned(), Error::document(path, reason)));
            }
        }
        let others = item.assets.iter().filter(|asset| image.is_none_or(|image| image.key != asset.key));
        files.others.extend(others.filter_map(|asset| resolve(path, &asset.href, root).ok()));
    }
    Ok(Some(files))
}

/// The file that an asset's address means.
fn resolve(item: &Path, href: &str, root: &Path) -> Result<PathBuf, String> {
    if href.contains("://") {
        return Err(format!("its image is on the network ({href}); download it into the item's folder first"));
    }
    // Shown as it is written, without the needless `./`.
    let relative: PathBuf = Path::new(href).components().filter(|part| *part != std::path::Component::CurDir).collect();
    let path = item.parent().unwrap_or(Path::new("")).join(relative);
    let real = path.canonicalize().map_err(|error| format!("its image {href} is not there ({error})"))?;
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let inside = root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if !inside {
        return Err(format!("its image {href} lies outside the folder that was given"));
    }
    if !is_regular(&real) {
        return Err(format!("its image {href} is not a regular file"));
    }
    Ok(path)
}

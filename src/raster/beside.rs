//! Files that lie beside an image.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The file beside an image with another ending (`a.png` -> `a.pgw` or `a.PGW`), if it is a regular file.
pub(crate) fn find_beside(image: &Path, ending: &str) -> Option<PathBuf> {
    [ending.to_ascii_lowercase(), ending.to_ascii_uppercase()]
        .into_iter()
        .map(|ending| image.with_extension(ending))
        .find(|path| path != image && is_regular(path))
}

/// The file beside an image whose name has something appended (`a.png` -> `a.png.aux.xml`), if it is a regular file.
pub(crate) fn find_appended(image: &Path, appendix: &str) -> Option<PathBuf> {
    let mut name = image.file_name()?.to_owned();
    name.push(appendix);
    Some(image.with_file_name(name)).filter(|path| is_regular(path))
}

/// The file beside an image whose stem has something appended (`a.tif` -> `a_metadata.json`), if it is a regular file.
pub(crate) fn find_stem(image: &Path, appendix: &str) -> Option<PathBuf> {
    let mut name = image.file_stem()?.to_owned();
    name.push(appendix);
    Some(image.with_file_name(name)).filter(|path| path != image && is_regular(path))
}

/// A regular file of its own: links could lead out of the folder that was given.
pub(crate) fn is_regular(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// The text of a small file; bytes that are not UTF-8 are replaced.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| Error::io(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(Error::document(path, format!("the file is larger than {limit} bytes, too large for what it should be")));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

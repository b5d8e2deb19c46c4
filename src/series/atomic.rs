//! Files appear under their name whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// How temporary files begin: what is left of them after a power cut may be deleted.
pub const TEMPORARY_PREFIX: &str = ".yardwatch-";

/// Writes a file by way of a temporary one beside it and a rename, so that nobody ever sees half of it. A file that
/// already holds these bytes is left alone (its time stays). Missing parent folders are made.
///
/// # Errors
/// When the operating system refuses; the file under the final name is then what it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    if holds(path, bytes) {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(parent)?;
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).suffix(".tmp").tempfile_in(parent)?;
        file.write_all(bytes)?;
        readable_like_others(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| match e.kind() {
        ErrorKind::StorageFull => Error::document(path, "the disk is full; make room and run the same command again"),
        _ => Error::io(path, e),
    })
}

/// Makes a folder and its parents.
///
/// # Errors
/// When the operating system refuses.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Error::io(path, e))
}

/// Deletes temporary files that an earlier run left in a folder when it was killed. What cannot be deleted stays.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_PREFIX) && (name.ends_with(".tmp") || name.ends_with(".tmp-journal")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    if file.metadata().map(|m| m.len()).ok() != u64::try_from(bytes.len()).ok() {
        return false;
    }
    let mut present = Vec::with_capacity(bytes.len());
    file.read_to_end(&mut present).is_ok() && present == bytes
}

/// Temporary files are made for their owner's eyes only; results are for everybody whom the folder lets in.
#[cfg(unix)]
fn readable_like_others(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_like_others(_file: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_already_right_keeps_its_time_and_a_wrong_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/counts.csv");
        write_whole(&path, b"one").unwrap();
        let first = fs::metadata(&path).unwrap().modified().unwrap();
        write_whole(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), first);
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["counts.csv"], "no temporary file stays behind");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_an_error_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts.csv");
        fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn sweeping_takes_only_temporary_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".yardwatch-abc.tmp", ".yardwatch-x.tmp-journal", ".yardwatch.lock", "counts.csv", ".yardwatch-note"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        sweep(folder.path());
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".yardwatch-note", ".yardwatch.lock", "counts.csv"]);
    }
}

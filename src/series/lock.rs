//! One run at a time works on an output folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::{Error, Result};

/// Name of the lock's file. It stays when the run has ended: deleting it would let two runs lock two files.
pub const LOCK_FILE: &str = ".yardwatch.lock";

/// Held while a run works on a folder; the operating system lets go of it however the run ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder for this run.
    ///
    /// # Errors
    /// [`Error::Busy`] when another run has it; an [`Error::Io`] when the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io(folder, std::io::Error::new(e.kind(), format!("results cannot be written here: {e}"))))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { path: folder.to_path_buf() }),
            // Some network file systems know no locks: working there unprotected is better than not at all.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => Ok(Self { _file: file }),
            Err(TryLockError::Error(e)) => Err(Error::io(path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_run_on_a_folder_is_told_so_and_may_come_back_later() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        let second = FolderLock::take(folder.path());
        assert!(matches!(second, Err(Error::Busy { .. })), "{second:?}");
        drop(first);
        FolderLock::take(folder.path()).unwrap();
    }
}

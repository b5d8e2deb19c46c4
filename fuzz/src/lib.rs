//! What the targets share.

use std::path::Path;

/// Runs `f` on a file with these bytes, in a folder of this process alone. Faster in memory: set `TMPDIR=/dev/shm`.
pub fn with_file(name: &str, data: &[u8], f: impl FnOnce(&Path)) {
    static FOLDER: std::sync::OnceLock<Option<tempfile::TempDir>> = std::sync::OnceLock::new();
    let Some(folder) = FOLDER.get_or_init(|| tempfile::tempdir().ok()) else { return };
    let path = folder.path().join(name);
    if std::fs::write(&path, data).is_ok() {
        f(&path);
    }
}

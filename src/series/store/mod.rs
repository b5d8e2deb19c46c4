//! The embedded store `yardwatch.gpkg`: the record of a site, as a GeoPackage that QGIS, GDAL and geopandas open.
//!
//! A scene is written in one transaction when it has been counted, so whatever ends the run, finished scenes are there and
//! unfinished ones are not. The table `scenes` is the ledger; `cars` belongs to the analyst, who may edit it.

mod blob;
mod by_hand;
mod functions;
pub mod geometry;
mod replace;
mod scenes;
mod schema;
mod style;
mod survey;
mod tables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

pub use scenes::{CarChange, CarRow, Stored};
pub use style::{class_colour, class_label};
pub use tables::{DayRow, IntervalKind, Observation, StringRow};

use crate::series::atomic::TEMPORARY_PREFIX;
use crate::{Error, Result};

/// Name of the store in the output folder.
pub const STORE_FILE: &str = "yardwatch.gpkg";

/// How long to wait for another program that is just writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens the store of an output folder, makes it if it is not there, and brings an older one up to date.
    ///
    /// # Errors
    /// When the file cannot be read or written, is no store of yardwatch, or was made by a newer version.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(STORE_FILE);
        if !path.exists() {
            refuse_leftovers(&path)?;
            create(&path, &schema::MIGRATIONS)?;
        }
        let connection = Connection::open(&path).map_err(|e| explain(&path, e))?;
        functions::register(&connection).map_err(|e| explain(&path, e))?;
        let mut store = Self { path, connection };
        store.prepare()?;
        Ok(store)
    }

    /// The scenes of the store in a folder with their rows of `cars`, without changing anything about it.
    ///
    /// # Errors
    /// When there is no store of yardwatch, or it cannot be read.
    pub fn read_scenes(folder: &Path) -> Result<Vec<(Stored, Vec<CarRow>)>> {
        let path = folder.join(STORE_FILE);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if !path.is_file() {
            return Err(Error::document(&path, "there is no such record; name the --out folder of an earlier run"));
        }
        let connection = Connection::open_with_flags(&path, flags).map_err(|e| explain_reading(&path, e))?;
        let first = connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()));
        first.map_err(|e| explain_reading(&path, e))?;
        let store = Self { path, connection };
        store.version()?;
        let with_cars = |scene: Stored| {
            let cars = store.cars(&scene.record.image)?;
            Ok((scene, cars))
        };
        store.scenes()?.into_iter().map(with_cars).collect()
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn prepare(&mut self) -> Result<()> {
        self.connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| explain(&self.path, e))?;
        // QGIS leaves files in write-ahead mode, which needs two more files; one file is easier to hand on. When another
        // program has the store open this is refused, and harmless.
        let _ = self.connection.pragma_update(None, "journal_mode", "DELETE");
        let version = self.version()?;
        let Some(missing) = schema::MIGRATIONS.get(version..) else {
            return Err(Error::document(&self.path, "was made by a newer yardwatch; update the program or choose another --out"));
        };
        if !missing.is_empty() {
            migrate(&mut self.connection, version, missing).map_err(|e| explain(&self.path, e))?;
        }
        Ok(())
    }

    fn version(&self) -> Result<usize> {
        let foreign = || Error::document(&self.path, format!("is not a store of yardwatch; {MOVE_AWAY} or choose another --out"));
        let known: Option<String> = self
            .connection
            .query_row("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'yardwatch'", [], |row| row.get(0))
            .optional()
            .map_err(|e| explain(&self.path, e))?;
        known.ok_or_else(foreign)?;
        self.value("schema")?.and_then(|text| text.parse().ok()).ok_or_else(foreign)
    }

    /// A value that the store keeps under a key.
    fn value(&self, key: &str) -> Result<Option<String>> {
        self.connection
            .query_row("SELECT value FROM yardwatch WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .map_err(|e| explain(&self.path, e))
    }

    /// Runs several statements as one: all of them, or none.
    fn transaction<T>(&mut self, work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let path = &self.path;
        // Immediate: the lock is asked for at the beginning, where waiting for it works.
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(|e| explain(path, e))?;
        let value = work(&transaction).map_err(|e| explain(path, e))?;
        transaction.commit().map_err(|e| explain(path, e))?;
        Ok(value)
    }
}

/// What SQLite keeps beside a store while somebody works on it, and what stays there when that ends badly.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// SQLite would take what is left of another store for unfinished work on the new one, and finish it.
fn refuse_leftovers(path: &Path) -> Result<()> {
    let left: Vec<String> = COMPANIONS.iter().map(|end| format!("{STORE_FILE}{end}")).collect();
    let left: Vec<&str> = left.iter().map(String::as_str).filter(|name| path.with_file_name(name).exists()).collect();
    if left.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "is not there, but what was kept beside an earlier one ({}) would damage a new one; move it to where that store is now, or \
         delete it",
        left.join(", ")
    );
    Err(Error::document(path, reason))
}

/// Makes a store beside its name and renames it, so that no half-made store ever has the name.
fn create(path: &Path, migrations: &[&str]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(|e| Error::io(path, e))?
        .into_temp_path();
    let make = || -> rusqlite::Result<()> {
        let mut connection = Connection::open(&temporary)?;
        connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", schema::USER_VERSION)?;
        migrate(&mut connection, 0, migrations)?;
        connection.close().map_err(|(_, e)| e)
    };
    make().map_err(|e| explain(path, e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let everybody = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&temporary, everybody).map_err(|e| Error::io(path, e))?;
    }
    temporary.persist(path).map_err(|e| Error::io(path, e.error))
}

fn migrate(connection: &mut Connection, from: usize, batches: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for batch in batches {
        transaction.execute_batch(batch)?;
    }
    if from == 0 {
        style::insert(&transaction)?;
    }
    transaction.execute(
        "INSERT INTO yardwatch (key, value) VALUES ('schema', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(from + batches.len()).to_string()],
    )?;
    transaction.commit()
}

/// How a store is moved without leaving behind what damages the next one.
const MOVE_AWAY: &str = "move it away, with its -journal, -wal and -shm files if there are any,";

/// As [`explain`], for those who only read: a store that QGIS left in write-ahead mode is not to be read without making files.
fn explain_reading(path: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::document(path, "cannot be read here; check its permissions, or copy it into a folder that can be written")
        }
        _ => explain(path, error),
    }
}

/// SQLite's words as a sentence that says what to do.
fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "is being written by another program (QGIS with unsaved edits?); save there, then run again"
        }
        Some(ErrorCode::DiskFull) => "the disk is full; finished images are kept, make room and run the same command again",
        Some(ErrorCode::NotADatabase) => &format!("is not a GeoPackage; {MOVE_AWAY} or choose another --out"),
        Some(ErrorCode::DatabaseCorrupt) => {
            &format!("is damaged; {MOVE_AWAY} and its images will be counted again, or restore a copy")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "cannot be written; check the permissions of the file and its folder"
        }
        _ => return Error::Store { path: path.to_path_buf(), source: error },
    };
    Error::document(path, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_store_is_brought_up_to_date_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(STORE_FILE);
        create(&path, &schema::MIGRATIONS[..1]).unwrap();
        let old = Connection::open(&path).unwrap();
        old.execute("INSERT INTO cars (scene, class) VALUES ('a.tif', 'tank')", []).unwrap();
        assert!(old.prepare("SELECT * FROM strings").is_err());
        drop(old);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.version().unwrap(), schema::MIGRATIONS.len());
        assert!(store.connection.prepare("SELECT * FROM strings").is_ok());
        assert_eq!(store.cars("a.tif").unwrap().len(), 1);
    }

    #[test]
    fn newer_foreign_and_damaged_files_are_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(STORE_FILE);
        drop(Store::open(folder.path()).unwrap());
        Connection::open(&path).unwrap().execute("UPDATE yardwatch SET value = '99' WHERE key = 'schema'", []).unwrap();
        assert!(Store::open(folder.path()).unwrap_err().to_string().contains("newer yardwatch"));
        std::fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
        assert!(Store::open(folder.path()).unwrap_err().to_string().contains("not a store of yardwatch"));
        std::fs::write(&path, "this is no database at all, but long enough to be looked at as one").unwrap();
        assert!(Store::open(folder.path()).unwrap_err().to_string().contains("not a GeoPackage"));
    }

    /// A store in write-ahead mode in a folder that cannot be written was said to be one that cannot be written.
    #[test]
    fn a_store_that_is_only_read_is_said_to_be_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(STORE_FILE);
        let error = Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap_err();
        let words = explain_reading(&path, error).to_string();
        assert!(words.contains("cannot be read here") && words.contains("copy it"), "{words}");
    }

    #[test]
    fn making_a_store_leaves_nothing_else_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [STORE_FILE]);
    }
}

//! What somebody did to the layer `cars` by hand, as it stands at the moment of writing: QGIS may have saved since the run
//! was planned, and cars may have been drawn before their image was counted.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::scenes::{Stored, car_rows, date_time, truth};
use super::{Store, explain};
use crate::Result;
use crate::series::corrections;
use crate::series::record::SceneRecord;

/// Cars that belong to no counted scene: the name that their column `scene` has, and how many they are.
pub type Strays = Vec<(Option<String>, u64)>;

impl Store {
    /// Whether the cars of a scene were corrected by hand.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_edited(&self, image: &str) -> Result<bool> {
        edited(&self.connection, image).map_err(|e| explain(&self.path, e))
    }

    /// The rows of `cars` that belong to no counted scene.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stray_cars(&self) -> Result<Strays> {
        let read = || -> rusqlite::Result<Strays> {
            let mut statement = self.connection.prepare(
                "SELECT scene, count(*) FROM cars WHERE scene IS NULL OR scene NOT IN (SELECT image FROM scenes) GROUP BY scene",
            )?;
            let stray = |row: &rusqlite::Row<'_>| {
                let scene = match row.get_ref(0)? {
                    ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                    _ => None,
                };
                Ok((scene, row.get::<_, i64>(1)?.unsigned_abs()))
            };
            statement.query_map([], stray)?.collect()
        };
        read().map_err(|e| explain(&self.path, e))
    }
}

/// Whether the cars of a scene were corrected by hand.
pub(super) fn edited(connection: &Connection, image: &str) -> rusqlite::Result<bool> {
    let row = connection
        .query_row("SELECT record, reviewed, drawn FROM scenes WHERE image = ?1", [image], |row| {
            Ok((row.get::<_, String>(0)?, truth(row, 1)?, row.get(2)?))
        })
        .optional()?;
    let Some((record, reviewed, drawn)) = row else { return Ok(false) };
    let record: SceneRecord = serde_json::from_str(&record)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok(corrections::touched(&Stored { record, reviewed, drawn }, &car_rows(connection, image)?))
}

/// Whether the record has something of a scene: where it has not, all cars of that name were drawn by hand.
pub(super) fn is_known(t: &Transaction<'_>, image: &str) -> rusqlite::Result<bool> {
    let known = "SELECT 1 FROM scenes WHERE image = ?1 UNION ALL SELECT 1 FROM scene_footprints WHERE scene = ?1";
    Ok(t.query_row(known, [image], |_| Ok(())).optional()?.is_some())
}

/// Makes additions of the cars that were drawn before their image was counted. A number that one of them has came with a copy
/// from another image, and so did its date; a row that has one, has this image's date, and that nobody looked at is the program's own, of a scene
/// that somebody deleted.
pub(super) fn keep_as_additions(t: &Transaction<'_>, record: &SceneRecord) -> rusqlite::Result<()> {
    let own = "DELETE FROM cars WHERE scene = ?1 AND number IS NOT NULL AND ifnull(reviewed, 0) = 0 AND acquired IS ?2";
    t.execute(own, params![record.image, record.acquired.map(date_time)])?;
    t.execute("UPDATE cars SET number = NULL WHERE scene = ?1 AND number IS NOT NULL", params![record.image]).map(drop)
}

//! Records that are put in the place of others: of images that bear another name or content key now.

use rusqlite::{OptionalExtension, params};

use super::scenes::date_time;
use super::{Store, explain};
use crate::series::record::SceneRecord;
use crate::{Error, Result};

impl Store {
    /// Puts records in the place of those of the images named before them, with all that belongs to these: also what an analyst did.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn replace(&mut self, records: &[(String, SceneRecord)]) -> Result<()> {
        let json = |record| serde_json::to_string(record).map_err(|e| Error::document(&self.path, e.to_string()));
        let records: Vec<(&String, &SceneRecord, String)> =
            records.iter().map(|(former, record)| Ok((former, record, json(record)?))).collect::<Result<_>>()?;
        self.transaction(|t| {
            // All leave before the first arrives: names may be exchanged. No image's name begins with a slash.
            for (former, ..) in &records {
                for (table, column) in
                    [("scenes", "image"), ("cars", "scene"), ("scene_footprints", "scene"), ("tracks", "scene")]
                {
                    t.execute(&format!("UPDATE {table} SET {column} = '/' || {column} WHERE {column} = ?1"), [former])?;
                }
            }
            for (former, record, json) in records {
                let former = format!("/{former}");
                let acquired = record.acquired.map(date_time);
                t.execute(
                    "UPDATE scenes SET image = ?2, blake3 = ?3, settings = ?4, acquired = ?5, record = ?6 WHERE image = ?1",
                    params![former, record.image, record.content, record.settings, acquired, json],
                )?;
                for table in ["cars", "scene_footprints"] {
                    let update = format!("UPDATE {table} SET scene = ?2, acquired = ?3 WHERE scene = ?1");
                    t.execute(&update, params![former, record.image, acquired])?;
                }
                t.execute("UPDATE tracks SET scene = ?2 WHERE scene = ?1", params![former, record.image])?;
            }
            Ok(())
        })
    }

    /// Name of the site of which the observations are, if there are any.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn site(&self) -> Result<Option<String>> {
        self.connection
            .query_row("SELECT site FROM observations WHERE site <> '' ORDER BY id LIMIT 1", [], |row| row.get(0))
            .optional()
            .map_err(|e| explain(&self.path, e))
    }
}

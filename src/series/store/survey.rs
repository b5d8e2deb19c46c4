//! The survey of the site in the store.

use rusqlite::{OptionalExtension, params};

use super::{Store, explain};
use crate::series::survey::Survey;
use crate::series::survey::look::Look;
use crate::{Error, Result};

impl Store {
    /// The survey, if there is one that was made with these settings by this version of the program.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn survey(&self, settings: &str, program: &str) -> Result<Option<Survey>> {
        let row: Option<(String, Vec<u8>, Option<Vec<u8>>)> = self
            .connection
            .query_row(
                "SELECT record, edges, usual FROM survey WHERE settings = ?1 AND program = ?2",
                [settings, program],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(|e| explain(&self.path, e))?;
        // A damaged one is made again.
        Ok(row.and_then(|(record, edges, usual)| {
            let mut survey: Survey = serde_json::from_str(&record).ok()?;
            survey.set_edge_bytes(&edges);
            survey.usual = usual.map(|bytes| Look::from_bytes(&survey.frame, &bytes));
            survey.is_sound().then_some(survey)
        }))
    }

    /// Keeps a survey in place of the one before; the same one leaves the file as it is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_survey(&mut self, settings: &str, program: &str, survey: &Survey) -> Result<()> {
        let record = serde_json::to_string(survey).map_err(|e| Error::document(&self.path, e.to_string()))?;
        let same = "SELECT 1 FROM survey WHERE settings = ?1 AND program = ?2 AND record = ?3 AND edges = ?4 AND usual IS ?5";
        let (edges, usual) = (survey.edge_bytes(), survey.usual.as_ref().map(Look::bytes));
        let same = self.connection.query_row(same, params![settings, program, record, edges, usual], |_| Ok(()));
        if same.optional().map_err(|e| explain(&self.path, e))?.is_some() {
            return Ok(());
        }
        self.transaction(|t| {
            t.execute("DELETE FROM survey", [])?;
            t.execute(
                "INSERT INTO survey (settings, program, images, registered, record, edges, usual) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![settings, program, survey.images.len() as i64, survey.registered as i64, record, edges, usual],
            )
            .map(drop)
        })
    }

    /// BLAKE3 of the `tracks.geojson` that was last written, if one was.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn written_tracks(&self) -> Result<Option<String>> {
        self.value("tracks.geojson")
    }

    /// Notes what was written as `tracks.geojson`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_written_tracks(&mut self, hash: &str) -> Result<()> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO yardwatch (key, value) VALUES ('tracks.geojson', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [hash],
            )
            .map(drop)
        })
    }
}

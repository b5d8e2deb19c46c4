//! The ledger of counted scenes, and the layer `cars` that an analyst may edit.

use geo_types::Geometry;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Store, by_hand, explain, geometry};
use crate::count::Status;
use crate::raster::Acquired;
use crate::series::record::{Point, SceneRecord};
use crate::{Error, Result};

/// A scene as the store has it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What was counted.
    pub record: SceneRecord,
    /// An analyst has marked the whole scene as reviewed: its `cars` are the truth.
    pub reviewed: bool,
    /// BLAKE3 of what the overlay shows.
    pub drawn: String,
}

/// A row of the layer `cars`.
#[derive(Debug, Clone, PartialEq)]
pub struct CarRow {
    /// Key of the row.
    pub fid: i64,
    /// Corners on the ground; none where the row has no polygon.
    pub corners: Option<Vec<Point>>,
    /// Class, as written by whoever wrote it.
    pub class: String,
    /// Number of the vehicle in its scene; none when it was added by hand.
    pub number: Option<u32>,
    /// Body length in metres, if it was filled in.
    pub length_m: Option<f64>,
    /// An analyst has looked at it.
    pub reviewed: bool,
}

/// What is written back to a row of `cars` after a correction was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct CarChange {
    /// Key of the row.
    pub fid: i64,
    /// Class by its proper name; as it was written where it is none.
    pub class: String,
    /// Body length, width in metres and heading in degrees.
    pub size: [f64; 3],
    /// Centre in pixels.
    pub position: Point,
}

/// Image, record, reviewed, drawn, elapsed seconds.
type LedgerRow = (String, String, bool, String, f64);

impl Store {
    /// All counted scenes, in the order of their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn scenes(&self) -> Result<Vec<Stored>> {
        let read = || -> rusqlite::Result<Vec<LedgerRow>> {
            let mut statement = self
                .connection
                .prepare("SELECT image, record, reviewed, drawn, ifnull(elapsed_s, 0) FROM scenes ORDER BY image")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, truth(row, 2)?, row.get(3)?, row.get(4)?)))?.collect()
        };
        let rows = read().map_err(|e| explain(&self.path, e))?;
        rows.into_iter()
            .map(|(image, record, reviewed, drawn, elapsed_s)| {
                let mut record: SceneRecord = serde_json::from_str(&record).map_err(|e| {
                    Error::document(
                        &self.path,
                        format!("the record of {image} is damaged ({e}); delete its row in the table scenes"),
                    )
                })?;
                record.elapsed_s = elapsed_s;
                Ok(Stored { record, reviewed, drawn })
            })
            .collect()
    }

    /// Writes a counted scene with everything that belongs to it, or nothing of it: `false` where its cars were corrected by hand,
    /// which nobody knew when the count began. Cars drawn before the image was counted at all stay beside those that were found.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn commit(&mut self, record: &SceneRecord, drawn: &str, picture: &[u8]) -> Result<bool> {
        let json = serde_json::to_string(record).map_err(|e| Error::document(&self.path, e.to_string()))?;
        self.transaction(|t| {
            if by_hand::edited(t, &record.image)? {
                return Ok(false);
            }
            remove(t, &record.image)?;
            by_hand::keep_as_additions(t, record)?;
            insert_scene(t, record, &json, drawn, picture)?;
            insert_cars(t, record)?;
            insert_lines(t, record)?;
            Ok(true)
        })
    }

    /// Removes scenes and everything that belongs to them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget(&mut self, images: &[String]) -> Result<()> {
        self.transaction(|t| images.iter().try_for_each(|image| remove(t, image)))
    }

    /// Images whose row somebody deleted from the table `scenes`, of which the layers still show something.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn deleted(&self) -> Result<Vec<String>> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self
                .connection
                .prepare("SELECT scene FROM scene_footprints WHERE scene NOT IN (SELECT image FROM scenes) ORDER BY scene")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|e| explain(&self.path, e))
    }

    /// Dates a scene that had no date.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn date(&mut self, record: &SceneRecord, acquired: Acquired) -> Result<()> {
        let dated = SceneRecord { acquired: Some(acquired.time), date_only: acquired.date_only, ..record.clone() };
        let json = serde_json::to_string(&dated).map_err(|e| Error::document(&self.path, e.to_string()))?;
        self.transaction(|t| {
            t.execute("UPDATE scenes SET record = ?2 WHERE image = ?1", params![record.image, json])?;
            for (table, name) in [("scenes", "image"), ("cars", "scene"), ("scene_footprints", "scene")] {
                let update = format!("UPDATE {table} SET acquired = ?2 WHERE {name} = ?1");
                t.execute(&update, params![record.image, date_time(acquired.time)])?;
            }
            Ok(())
        })
    }

    /// The rows of `cars` of a scene, in the order in which they were added.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cars(&self, image: &str) -> Result<Vec<CarRow>> {
        car_rows(&self.connection, image).map_err(|e| explain(&self.path, e))
    }

    /// Marks corrected cars as reviewed and fills in what the analyst need not fill in.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn mark_corrected(&mut self, record: &SceneRecord, changes: &[CarChange]) -> Result<()> {
        let acquired = record.acquired.map(date_time);
        self.transaction(|t| {
            let mut statement = t.prepare_cached(
                "UPDATE cars SET class = ?2, length_m = ?3, width_m = ?4, heading_deg = ?5, col = ?6, \"row\" = ?7, acquired = ?8,
                 reviewed = 1 WHERE fid = ?1",
            )?;
            for change in changes {
                let ([length, width, heading], [col, row]) = (change.size, change.position);
                statement.execute(params![change.fid, change.class, length, width, heading, col, row, acquired])?;
            }
            Ok(())
        })
    }

    /// Notes that a scene's overlay was drawn anew.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_drawn(&mut self, image: &str, drawn: &str, picture: &[u8]) -> Result<()> {
        self.transaction(|t| {
            t.execute("UPDATE scenes SET drawn = ?2, picture = ?3 WHERE image = ?1", params![image, drawn, picture]).map(drop)
        })
    }

    /// The small picture of a scene: a JPEG.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn picture(&self, image: &str) -> Result<Option<Vec<u8>>> {
        self.connection
            .query_row("SELECT picture FROM scenes WHERE image = ?1", [image], |row| row.get(0))
            .optional()
            .map(Option::flatten)
            .map_err(|e| explain(&self.path, e))
    }
}

/// A time as GeoPackage wants it.
pub(super) fn date_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A truth value, however the program that wrote it spells it.
pub(super) fn truth(row: &Row<'_>, index: usize) -> rusqlite::Result<bool> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(value) => value != 0,
        ValueRef::Real(value) => value != 0.0,
        ValueRef::Text(text) => matches!(text.to_ascii_lowercase().as_slice(), b"1" | b"t" | b"true" | b"yes"),
        ValueRef::Null | ValueRef::Blob(_) => false,
    })
}

/// The rows of `cars` of a scene, in the order in which they were added.
pub(super) fn car_rows(connection: &Connection, image: &str) -> rusqlite::Result<Vec<CarRow>> {
    let mut statement = connection
        .prepare_cached("SELECT fid, geom, class, number, reviewed, length_m FROM cars WHERE scene = ?1 ORDER BY fid")?;
    statement.query_map([image], car_row)?.collect()
}

fn car_row(row: &Row<'_>) -> rusqlite::Result<CarRow> {
    use rusqlite::types::ValueRef;
    let shape: Option<Geometry<f64>> = match row.get_ref(1)? {
        ValueRef::Blob(blob) => geometry::from_blob(blob),
        _ => None,
    };
    let class = match row.get_ref(2)? {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let number = match row.get_ref(3)? {
        ValueRef::Integer(number) => u32::try_from(number).ok(),
        _ => None,
    };
    let length_m = match row.get_ref(5)? {
        ValueRef::Real(length) => Some(length),
        ValueRef::Integer(length) => Some(length as f64),
        _ => None,
    };
    let corners = shape.as_ref().and_then(geometry::corners_of);
    Ok(CarRow { fid: row.get(0)?, corners, class, number, length_m, reviewed: truth(row, 4)? })
}

/// Removes a scene with everything that belongs to it. Cars drawn for an image of which the record has nothing belong to nobody
/// but the analyst.
fn remove(t: &Transaction<'_>, image: &str) -> rusqlite::Result<()> {
    if by_hand::is_known(t, image)? {
        t.execute("DELETE FROM cars WHERE scene = ?1", [image])?;
    }
    for table in ["tracks", "scene_footprints"] {
        t.execute(&format!("DELETE FROM {table} WHERE scene = ?1"), [image])?;
    }
    t.execute("DELETE FROM scenes WHERE image = ?1", [image]).map(drop)
}

fn insert_scene(t: &Transaction<'_>, record: &SceneRecord, json: &str, drawn: &str, picture: &[u8]) -> rusqlite::Result<()> {
    let result = &record.result;
    t.execute(
        "INSERT INTO scenes (image, blake3, settings, program, acquired, gsd_m, sensor, epsg, width, height, coverage,
         registration_east_m, registration_north_m, registration_confidence, elapsed_s, drawn, picture, record,
         registration_turn_deg, registration_scale)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        params![
            record.image,
            record.content,
            record.settings,
            record.program,
            record.acquired.map(date_time),
            record.gsd(),
            record.sensor,
            record.epsg,
            record.width,
            record.height,
            result.count.coverage,
            result.registration_m[0],
            result.registration_m[1],
            result.registration_confidence,
            record.elapsed_s,
            drawn,
            picture,
            json,
            result.registration_turn.map(|turn| turn.degrees),
            result.registration_turn.map(|turn| turn.scale),
        ],
    )?;
    let shape = (!record.footprint.is_empty()).then(|| geometry::to_blob(&geometry::polygon(&record.footprint))).flatten();
    let count = &result.count;
    let seen = (count.status != Status::Unusable).then_some(count.freight_cars);
    t.execute(
        "INSERT INTO scene_footprints (geom, scene, acquired, freight_cars, status) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![shape, record.image, record.acquired.map(date_time), seen, count.status.name()],
    )
    .map(drop)
}

fn insert_cars(t: &Transaction<'_>, record: &SceneRecord) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached(
        "INSERT INTO cars (geom, scene, acquired, class, confidence, length_m, width_m, heading_deg, track, string, number, col,
         \"row\", reviewed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0)",
    )?;
    for (index, vehicle) in record.result.vehicles.iter().enumerate() {
        let place = record.places.get(index).filter(|place| !place.is_empty());
        statement.execute(params![
            place.and_then(|place| geometry::to_blob(&geometry::polygon(place))),
            record.image,
            record.acquired.map(date_time),
            vehicle.class.name(),
            vehicle.confidence,
            vehicle.length_m,
            vehicle.width_m,
            vehicle.heading_deg,
            record.result.tracks.get(vehicle.track).map(|track| track.name.as_str()),
            vehicle.string,
            vehicle.id,
            vehicle.col,
            vehicle.row,
        ])?;
    }
    Ok(())
}

/// The tracks on which the scene was searched, where they lie in it.
fn insert_lines(t: &Transaction<'_>, record: &SceneRecord) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached("INSERT INTO tracks (geom, name, scene, visible) VALUES (?1, ?2, ?3, ?4)")?;
    for (track, place) in record.result.tracks.iter().zip(&record.track_places) {
        if place.len() > 1 {
            statement.execute(params![geometry::to_blob(&geometry::line(place)), track.name, record.image, track.visible])?;
        }
    }
    Ok(())
}

//! The tables that follow from the scenes: observations, days, strings, and the yard itself. They are written anew when
//! they differ from what the store has, and only then, so that a run that changes nothing leaves the file alone.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

use super::{Store, geometry, scenes::date_time};
use crate::Result;
use crate::count::{Count, Status, Yard};

/// From where the 95 % interval of a count comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalKind {
    /// The model's.
    Model,
    /// An analyst corrected some cars; the rest is the model's.
    Corrected,
    /// An analyst has looked through the whole image: there is no error left to state.
    Reviewed,
}

impl IntervalKind {
    /// The name used in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Corrected => "corrected",
            Self::Reviewed => "reviewed",
        }
    }
}

/// A row of `counts.csv` and of the table `observations`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observation {
    /// Name of the image.
    pub image: String,
    /// Name of the site.
    pub site: String,
    /// When the image was taken.
    pub acquired: Option<jiff::Timestamp>,
    /// Only the date of that is known; the time then stands at 00:00.
    pub date_only: bool,
    /// The numbers; none for an image that could not be read.
    pub count: Option<Count>,
    /// Metres per pixel.
    pub gsd_m: Option<f64>,
    /// From where the interval comes.
    pub interval: IntervalKind,
    /// Why an image without numbers has none.
    pub failure: String,
}

/// A row of the table `days`: columns and texts as `days.csv` has them. An empty text is no value.
pub type DayRow<'a> = Vec<(&'a str, String)>;

/// A row of the table `strings`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StringRow {
    /// Name of the image.
    pub scene: String,
    /// When it was taken.
    pub acquired: Option<jiff::Timestamp>,
    /// Number of the string in the scene.
    pub string: u32,
    /// Name of its track.
    pub track: String,
    /// Freight cars in it.
    pub cars: usize,
    /// How many of them were already there in the observation before.
    pub matched: usize,
    /// Image and number of the string that they stood in.
    pub same_as: String,
    /// When the oldest of them was first seen standing.
    pub standing_since: Option<jiff::Timestamp>,
}

/// Everything that follows from the scenes.
#[derive(Debug, Serialize)]
struct Derived<'a> {
    site: &'a str,
    tracks: Vec<(&'a str, &'a [[f64; 2]])>,
    aoi: &'a [Vec<[f64; 2]>],
    observations: &'a [Observation],
    days: &'a [DayRow<'a>],
    strings: &'a [StringRow],
}

/// What is written anew: tables, and which of their rows.
const TABLES: [(&str, &str); 5] =
    [("observations", "1"), ("days", "1"), ("strings", "1"), ("aoi", "1"), ("tracks", "scene IS NULL")];

/// Raised when other rows are written of the same results, so that stores written before get them too.
const FORM: u32 = 2;

impl Store {
    /// Writes what follows from the scenes, if it is not what the store already has.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn set_derived(
        &mut self,
        site: &str,
        yard: &Yard,
        observations: &[Observation],
        days: &[DayRow<'_>],
        strings: &[StringRow],
    ) -> Result<()> {
        let tracks = yard.tracks.iter().map(|track| (track.name.as_str(), track.line.as_slice())).collect();
        let derived = Derived { site, tracks, aoi: &yard.aoi, observations, days, strings };
        let text = serde_json::to_vec(&derived).unwrap_or_default();
        let hash = blake3::hash(&text).to_hex().to_string();
        // Scenes that were counted, forgotten or corrected move the layers' bounds.
        let scenes: i64 = self
            .connection
            .query_row("SELECT total(id) + total(fid) FROM scenes LEFT JOIN cars ON cars.scene = scenes.image", [], |row| {
                row.get::<_, f64>(0).map(|sum| sum as i64)
            })
            .map_err(|e| super::explain(&self.path, e))?;
        let hash = format!("{hash} {scenes} {FORM}");
        let present = digest(&self.connection).map_err(|e| super::explain(&self.path, e))?;
        if self.value("derived")? == Some(format!("{hash} {present}")) {
            return Ok(());
        }
        self.transaction(|t| {
            for (table, which) in TABLES {
                t.execute(&format!("DELETE FROM {table} WHERE {which}"), [])?;
            }
            write(t, &derived)?;
            contents(t)?;
            let written = digest(t)?;
            t.execute(
                "INSERT INTO yardwatch (key, value) VALUES ('derived', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [format!("{hash} {written}")],
            )
            .map(drop)
        })
    }
}

/// BLAKE3 of what [`TABLES`] hold, but for the keys of their rows: somebody may have edited or deleted some.
fn digest(connection: &Connection) -> rusqlite::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for (table, which) in TABLES {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} WHERE {which} ORDER BY 1"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 1..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => hasher.update(b"n"),
                    ValueRef::Integer(value) => hasher.update(b"i").update(&value.to_le_bytes()),
                    ValueRef::Real(value) => hasher.update(b"r").update(&value.to_le_bytes()),
                    ValueRef::Text(bytes) => hasher.update(b"t").update(&bytes.len().to_le_bytes()).update(bytes),
                    ValueRef::Blob(bytes) => hasher.update(b"b").update(&bytes.len().to_le_bytes()).update(bytes),
                };
            }
        }
        hasher.update(table.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn write(t: &Transaction<'_>, derived: &Derived<'_>) -> rusqlite::Result<()> {
    for (name, line) in &derived.tracks {
        t.execute("INSERT INTO tracks (geom, name) VALUES (?1, ?2)", params![geometry::to_blob(&geometry::line(line)), name])?;
    }
    if !derived.aoi.is_empty() {
        let shape = geometry::to_blob(&geometry::outline(derived.aoi));
        t.execute("INSERT INTO aoi (geom, name) VALUES (?1, ?2)", params![shape, derived.site])?;
    }
    for o in derived.observations {
        let c = o.count.as_ref();
        let seen = c.filter(|c| c.status != Status::Unusable);
        let status = c.map_or(Status::Unusable, |c| c.status).name();
        t.execute(
            "INSERT INTO observations (image, site, acquired, freight_cars, low, high, locomotives, coaches, coverage, gsd_m, status,
             reason, interval) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                o.image,
                o.site,
                o.acquired.map(date_time),
                seen.map(|c| c.freight_cars),
                seen.map(|c| c.low),
                seen.map(|c| c.high),
                seen.map(|c| c.locomotives),
                seen.map(|c| c.coaches),
                c.map(|c| c.coverage),
                o.gsd_m,
                status,
                c.map_or(o.failure.as_str(), |c| c.reason.as_str()),
                o.interval.name(),
            ],
        )?;
        // The layer shows what counts: an analyst may have corrected it.
        t.execute(
            "UPDATE scene_footprints SET freight_cars = ?2, acquired = ?3, status = ?4 WHERE scene = ?1",
            params![o.image, seen.map(|c| c.freight_cars), o.acquired.map(date_time), status],
        )?;
    }
    for day in derived.days {
        let names: Vec<&str> = day.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
        let insert = format!("INSERT INTO days ({}) VALUES ({})", names.join(", "), places.join(", "));
        // The columns' types make numbers of the texts; for true and false SQLite has no words.
        let value = |(name, text): &(&str, String)| match (*name, text.as_str()) {
            (_, "") => None,
            ("provisional", text) => Some(if text == "true" { "1" } else { "0" }.to_owned()),
            (_, text) => Some(text.to_owned()),
        };
        t.execute(&insert, rusqlite::params_from_iter(day.iter().map(value)))?;
    }
    for s in derived.strings {
        t.execute(
            "INSERT INTO strings (scene, acquired, string, track, cars, matched, same_as, standing_since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                s.scene,
                s.acquired.map(date_time),
                s.string,
                s.track,
                s.cars as i64,
                s.matched as i64,
                s.same_as,
                s.standing_since.map(date_time)
            ],
        )?;
    }
    Ok(())
}

/// Brings the table of contents up to date: when each table changed, and where each layer lies.
fn contents(t: &Transaction<'_>) -> rusqlite::Result<()> {
    t.execute("UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now')", [])?;
    for layer in ["cars", "tracks", "aoi", "scene_footprints"] {
        let mut bounds: Option<[f64; 4]> = None;
        let mut statement = t.prepare(&format!("SELECT geom FROM {layer} WHERE geom IS NOT NULL"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Ok(blob) = row.get_ref(0)?.as_blob() else { continue };
            if let Some([w, s, e, n]) = geometry::from_blob(blob).as_ref().and_then(geometry::bounds) {
                bounds = Some(bounds.map_or([w, s, e, n], |b| [b[0].min(w), b[1].min(s), b[2].max(e), b[3].max(n)]));
            }
        }
        let at = |index: usize| bounds.map(|b| b[index]);
        t.execute(
            "UPDATE gpkg_contents SET min_x = ?2, min_y = ?3, max_x = ?4, max_y = ?5 WHERE table_name = ?1",
            params![layer, at(0), at(1), at(2), at(3)],
        )?;
    }
    Ok(())
}

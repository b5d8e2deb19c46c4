//! The functions that a spatial index needs. QGIS and GDAL lay one as a table and triggers, which call these at every write
//! (OGC 12-128r17, annex F.3); SQLite itself has none of them.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Result};

use super::blob::Blob;

/// Names of the bounds, in the order of [`Blob::extent`].
const BOUNDS: [&str; 4] = ["ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY"];

/// Gives a connection the functions.
///
/// # Errors
/// When SQLite refuses.
pub fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    for (index, name) in BOUNDS.into_iter().enumerate() {
        let bound = move |context: &Context<'_>| Ok(extent(context).flatten().map(|bounds| bounds[index]));
        connection.create_scalar_function(name, 1, flags, bound)?;
    }
    connection.create_scalar_function("ST_IsEmpty", 1, flags, |context| Ok(extent(context).map(|bounds| bounds.is_none())))
}

/// Of what is no geometry nothing is known: NULL.
fn extent(context: &Context<'_>) -> Option<Option<[f64; 4]>> {
    Blob::new(context.get_raw(0).as_blob().ok()?)?.extent()
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{polygon, to_blob};
    use super::*;

    #[test]
    fn the_functions_answer_for_shapes_for_empty_ones_and_for_what_is_none() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let ask = |blob: Option<Vec<u8>>| -> (Option<bool>, [Option<f64>; 4]) {
            let sql = "SELECT ST_IsEmpty(?1), ST_MinX(?1), ST_MinY(?1), ST_MaxX(?1), ST_MaxY(?1)";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
            connection.query_row(sql, [blob], row).unwrap()
        };
        let shape = to_blob(&polygon(&[[1.0, 2.0], [4.0, 2.0], [4.0, 7.0]]));
        assert_eq!(ask(shape), (Some(false), [Some(1.0), Some(2.0), Some(4.0), Some(7.0)]));
        let empty = [b"GP\0\x01\xe6\x10\0\0\x01".as_slice(), &3u32.to_le_bytes(), &0u32.to_le_bytes()].concat();
        assert_eq!(ask(Some(empty)), (Some(true), [None; 4]));
        assert_eq!(ask(Some(b"no geometry".to_vec())), (None, [None; 4]));
        assert_eq!(ask(None), (None, [None; 4]));
    }
}

//! The store as other programs and people leave it: indexed, drawn in before its images are counted, moved, damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::{Connection, params};
use yardwatch::series::store::Store;

const IMAGE: &str = "tumangang_20210522T024322Z.tif";
const OTHER: &str = "tumangang_20210522T024618Z.tif";

struct Site {
    _temporary: tempfile::TempDir,
    images: PathBuf,
    out: PathBuf,
}

impl Site {
    /// A folder with one image, counted.
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let (images, out) = (temporary.path().join("images"), temporary.path().join("out"));
        fs::create_dir(&images).unwrap();
        let site = Self { _temporary: temporary, images, out };
        ["site.toml", "aoi.geojson", "tracks.geojson", IMAGE].iter().for_each(|name| site.copy(name));
        site.analyze(&[], 0);
        site
    }

    fn copy(&self, name: &str) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_tiles");
        fs::copy(sample.join(name), self.images.join(name)).unwrap();
    }

    fn analyze(&self, more: &[&str], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yardwatch"));
        let output = command.arg("analyze").arg(&self.images).arg("--out").arg(&self.out).args(more).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words}");
        words
    }

    fn store(&self) -> Connection {
        Connection::open(self.out.join("yardwatch.gpkg")).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.store().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn freight(&self, image: &str) -> i64 {
        self.number(&format!("SELECT freight_cars FROM observations WHERE image = '{image}'"))
    }
}

/// A spatial index as the extension `gpkg_rtree_index` of the GeoPackage standard has it (annex F.3), which QGIS lays as well.
fn lay_spatial_index(store: &Connection, layer: &str) {
    let sql = r#"
CREATE VIRTUAL TABLE "rtree_<t>_<c>" USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER "rtree_<t>_<c>_insert" AFTER INSERT ON "<t>" WHEN (new."<c>" NOT NULL AND NOT ST_IsEmpty(NEW."<c>"))
BEGIN INSERT OR REPLACE INTO "rtree_<t>_<c>" VALUES (NEW."<i>", ST_MinX(NEW."<c>"), ST_MaxX(NEW."<c>"), ST_MinY(NEW."<c>"), ST_MaxY(NEW."<c>")); END;
CREATE TRIGGER "rtree_<t>_<c>_update1" AFTER UPDATE OF "<c>" ON "<t>"
WHEN OLD."<i>" = NEW."<i>" AND (NEW."<c>" NOTNULL AND NOT ST_IsEmpty(NEW."<c>"))
BEGIN INSERT OR REPLACE INTO "rtree_<t>_<c>" VALUES (NEW."<i>", ST_MinX(NEW."<c>"), ST_MaxX(NEW."<c>"), ST_MinY(NEW."<c>"), ST_MaxY(NEW."<c>")); END;
CREATE TRIGGER "rtree_<t>_<c>_update2" AFTER UPDATE OF "<c>" ON "<t>"
WHEN OLD."<i>" = NEW."<i>" AND (NEW."<c>" ISNULL OR ST_IsEmpty(NEW."<c>"))
BEGIN DELETE FROM "rtree_<t>_<c>" WHERE id = OLD."<i>"; END;
CREATE TRIGGER "rtree_<t>_<c>_update3" AFTER UPDATE ON "<t>"
WHEN OLD."<i>" != NEW."<i>" AND (NEW."<c>" NOTNULL AND NOT ST_IsEmpty(NEW."<c>"))
BEGIN DELETE FROM "rtree_<t>_<c>" WHERE id = OLD."<i>";
INSERT OR REPLACE INTO "rtree_<t>_<c>" VALUES (NEW."<i>", ST_MinX(NEW."<c>"), ST_MaxX(NEW."<c>"), ST_MinY(NEW."<c>"), ST_MaxY(NEW."<c>")); END;
CREATE TRIGGER "rtree_<t>_<c>_update4" AFTER UPDATE ON "<t>"
WHEN OLD."<i>" != NEW."<i>" AND (NEW."<c>" ISNULL OR ST_IsEmpty(NEW."<c>"))
BEGIN DELETE FROM "rtree_<t>_<c>" WHERE id IN (OLD."<i>", NEW."<i>"); END;
CREATE TRIGGER "rtree_<t>_<c>_delete" AFTER DELETE ON "<t>" WHEN old."<c>" NOT NULL
BEGIN DELETE FROM "rtree_<t>_<c>" WHERE id = OLD."<i>"; END;
INSERT INTO gpkg_extensions VALUES ('<t>', '<c>', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
"#;
    store.execute_batch(&sql.replace("<t>", layer).replace("<c>", "geom").replace("<i>", "fid")).unwrap();
    for (fid, [west, east, south, north]) in envelopes(store, layer) {
        let insert = format!("INSERT INTO rtree_{layer}_geom VALUES (?1, ?2, ?3, ?4, ?5)");
        store.execute(&insert, params![fid, west, east, south, north]).unwrap();
    }
}

/// Key and envelope of every shape, from the header of its blob.
fn envelopes(store: &Connection, layer: &str) -> Vec<(i64, [f64; 4])> {
    let mut statement = store.prepare(&format!("SELECT fid, geom FROM {layer} WHERE geom IS NOT NULL ORDER BY fid")).unwrap();
    let envelope = |row: &rusqlite::Row<'_>| {
        let blob: Vec<u8> = row.get(1)?;
        Ok((row.get(0)?, [8, 16, 24, 32].map(|at| f64::from_le_bytes(blob[at..at + 8].try_into().unwrap()))))
    };
    statement.query_map([], envelope).unwrap().map(Result::unwrap).collect()
}

/// After "Create Spatial Index" in QGIS nothing could be written any more: the index calls functions that SQLite has not.
#[test]
fn a_spatial_index_follows_what_a_run_writes() {
    let site = Site::new();
    let store = site.store();
    // A correction, so that the run also updates rows.
    store.execute("UPDATE cars SET class = 'tank' WHERE fid = (SELECT min(fid) FROM cars)", []).unwrap();
    let layers = ["cars", "tracks", "aoi", "scene_footprints"];
    layers.iter().for_each(|layer| lay_spatial_index(&store, layer));
    drop(store);
    let indexed = || {
        let store = site.store();
        for layer in layers {
            let shapes = envelopes(&store, layer);
            assert!(!shapes.is_empty());
            let mut statement = store.prepare(&format!("SELECT * FROM rtree_{layer}_geom ORDER BY id")).unwrap();
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
            let index: Vec<(i64, [f64; 4])> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
            assert_eq!(index.len(), shapes.len(), "{layer}");
            for ((fid, shape), (id, bounds)) in shapes.iter().zip(&index) {
                // The index rounds outwards, to single precision.
                let near = shape.iter().zip(bounds).all(|(a, b)| (a - b).abs() < 1e-4);
                assert!(fid == id && near, "{layer}: {fid} {shape:?} is {id} {bounds:?}");
            }
        }
    };
    site.analyze(&[], 0);
    indexed();
    site.copy(OTHER);
    site.analyze(&[], 0);
    indexed();
    // Counted anew, with fewer rows than before.
    let before = site.number("SELECT max(fid) FROM cars");
    site.analyze(&["--gsd", "0.6"], 0);
    assert!(site.number("SELECT max(fid) FROM cars") > before);
    indexed();
}

/// They vanished without a word when the image was counted.
#[test]
fn cars_drawn_before_their_image_is_counted_are_additions_to_its_count() {
    let site = Site::new();
    let store = site.store();
    // Copied from the other image of the day, with the number or without.
    for number in ["NULL", "number"] {
        let sql = format!(
            "INSERT INTO cars (geom, scene, number, acquired, reviewed) SELECT geom, '{OTHER}', {number}, acquired, 0 FROM cars WHERE scene = '{IMAGE}' AND class <> 'locomotive' LIMIT 1"
        );
        assert_eq!(store.execute(&sql, []).unwrap(), 1);
    }
    drop(store);
    let words = site.analyze(&[], 0);
    assert!(words.contains("2 cars in the layer cars belong to no image of the record"), "{words}");
    site.copy(OTHER);
    let words = site.analyze(&[], 0);
    assert!(!words.contains("belong to no image"), "{words}");
    let drawn = format!("SELECT count(*) FROM cars WHERE scene = '{OTHER}' AND number IS NULL AND reviewed = 1");
    assert_eq!(site.number(&drawn), 2);
    let reason: String =
        site.store().query_row("SELECT reason FROM observations WHERE image = ?1", [OTHER], |row| row.get(0)).unwrap();
    assert!(reason.contains("corrected by hand: 2 added"), "{reason}");
    let found =
        site.number(&format!("SELECT count(*) FROM cars WHERE scene = '{OTHER}' AND class NOT IN ('locomotive', 'coach')"));
    assert_eq!(site.freight(OTHER), found);
    // And they stay whatever comes.
    site.analyze(&["--gsd", "0.5"], 0);
    assert_eq!((site.number(&drawn), site.freight(OTHER)), (2, found));
}

/// They were deleted at every run at which the image could not be read.
#[test]
fn cars_drawn_for_an_image_that_cannot_be_counted_wait_for_it() {
    let site = Site::new();
    site.copy(OTHER);
    let file = site.images.join(OTHER);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    site.analyze(&[], 3);
    let sql = format!("INSERT INTO cars (geom, scene) SELECT geom, '{OTHER}' FROM cars WHERE scene = '{IMAGE}' LIMIT 1");
    site.store().execute(&sql, []).unwrap();
    let words = site.analyze(&[], 3);
    assert!(words.contains(&format!("1 car in the layer cars was drawn for {OTHER}, which could not be counted")), "{words}");
    let drawn = format!("SELECT count(*) FROM cars WHERE scene = '{OTHER}' AND number IS NULL");
    assert_eq!(site.number(&drawn), 1);
    fs::write(&file, bytes).unwrap();
    site.analyze(&[], 0);
    assert_eq!(site.number(&drawn), 1);
    assert_eq!(site.number(&format!("SELECT interval = 'corrected' FROM observations WHERE image = '{OTHER}'")), 1);
}

/// SQLite finished the work of the store that had been moved away on the new one, which was damaged by it.
#[test]
fn what_is_left_of_a_store_that_was_moved_away_is_refused_and_named() {
    let site = Site::new();
    fs::remove_file(site.out.join("yardwatch.gpkg")).unwrap();
    fs::write(site.out.join("yardwatch.gpkg-journal"), [0xd9; 600]).unwrap();
    let words = site.analyze(&[], 1);
    assert!(words.contains("yardwatch.gpkg-journal") && words.contains("delete it"), "{words}");
    assert!(!site.out.join("yardwatch.gpkg").exists());
    fs::remove_file(site.out.join("yardwatch.gpkg-journal")).unwrap();
    site.analyze(&[], 0);
}

/// The program asked for 51 GB and was ended.
#[test]
fn a_car_whose_shape_is_damaged_does_not_end_the_program() {
    let site = Site::new();
    let before = site.freight(IMAGE);
    let sql = "UPDATE cars SET geom = x'47500001e61000000103000000ffffff7f' WHERE scene = ?1 AND number = 3";
    site.store().execute(sql, [IMAGE]).unwrap();
    let words = site.analyze(&[], 0);
    assert!(words.contains("car 3 has no polygon any more and is not counted"), "{words}");
    assert_eq!(site.freight(IMAGE), before - 1);
}

/// Only a row that was deleted came back: a number that somebody had changed stayed, and contradicted `counts.csv`.
#[test]
fn tables_that_follow_from_the_images_are_put_right_when_somebody_edits_them() {
    let site = Site::new();
    let before = site.freight(IMAGE);
    site.store().execute_batch("UPDATE observations SET freight_cars = 999; UPDATE aoi SET name = 'mine'").unwrap();
    site.analyze(&[], 0);
    assert_eq!((site.freight(IMAGE), site.number("SELECT count(*) FROM aoi WHERE name = 'mine'")), (before, 0));
}

/// What QGIS saved while an image was counted again was overwritten: only the plan looked for corrections.
#[test]
fn corrections_saved_while_an_image_is_counted_again_are_kept() {
    let site = Site::new();
    let (counted, rows) = Store::read_scenes(&site.out).unwrap().remove(0);
    let mut store = Store::open(&site.out).unwrap();
    assert!(store.commit(&counted.record, &counted.drawn, &[]).unwrap(), "nobody touched it");
    assert_eq!(store.cars(IMAGE).unwrap().len(), rows.len());
    assert_eq!(site.store().execute("DELETE FROM cars WHERE number = 1", []).unwrap(), 1);
    let corrected = store.cars(IMAGE).unwrap();
    assert!(!store.commit(&counted.record, &counted.drawn, &[]).unwrap());
    assert_eq!(store.cars(IMAGE).unwrap(), corrected);
    site.store().execute_batch("DELETE FROM cars; UPDATE scenes SET reviewed = 1").unwrap();
    assert!(!store.commit(&counted.record, &counted.drawn, &[]).unwrap());
    assert_eq!(store.cars(IMAGE).unwrap(), []);
}

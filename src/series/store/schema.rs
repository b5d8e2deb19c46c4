//! Tables of the store. A GeoPackage is an SQLite database with four tables of its own (OGC 12-128r17, annex C); the
//! rest are layers (with geometry) and attributes (without).

/// `GPKG` in ASCII: marks the file as a GeoPackage.
pub const APPLICATION_ID: i64 = 0x4750_4B47;

/// GeoPackage 1.3. With 1.4 (10400) the GDAL of Debian 12 warns.
pub const USER_VERSION: i64 = 10300;

/// One batch of SQL per version of the schema; a store of version n has had the first n batches.
pub const MIGRATIONS: [&str; 7] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7];

const VERSION_1: &str = r#"
CREATE TABLE gpkg_spatial_ref_sys (
    srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
    ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
    ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
    ('WGS 84 geodetic', 4326, 'EPSG', 4326,
     'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]',
     'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid');
CREATE TABLE gpkg_contents (
    table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
    last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
    CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
    z TINYINT NOT NULL, m TINYINT NOT NULL,
    CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
    CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
    CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_extensions (
    table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
    CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));

CREATE TABLE cars (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, scene TEXT, acquired DATETIME, class TEXT, confidence REAL,
    length_m REAL, width_m REAL, heading_deg REAL, track TEXT, string INTEGER, number INTEGER, col REAL, "row" REAL,
    reviewed BOOLEAN DEFAULT 1);
CREATE INDEX cars_scene ON cars(scene);
CREATE TABLE tracks (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom LINESTRING, name TEXT, scene TEXT, visible REAL);
CREATE TABLE aoi (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom MULTIPOLYGON, name TEXT);
CREATE TABLE scene_footprints (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, scene TEXT, acquired DATETIME, freight_cars INTEGER, status TEXT);
CREATE TABLE scenes (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, image TEXT NOT NULL UNIQUE, blake3 TEXT NOT NULL, settings TEXT NOT NULL,
    program TEXT NOT NULL, acquired DATETIME, gsd_m REAL, sensor TEXT, epsg INTEGER, width INTEGER, height INTEGER, coverage REAL,
    registration_east_m REAL, registration_north_m REAL, registration_confidence REAL, elapsed_s REAL,
    reviewed BOOLEAN NOT NULL DEFAULT 0, drawn TEXT NOT NULL, picture BLOB, record TEXT NOT NULL);
CREATE TABLE observations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, image TEXT, site TEXT, acquired DATETIME, freight_cars INTEGER, low INTEGER,
    high INTEGER, locomotives INTEGER, coaches INTEGER, coverage REAL, gsd_m REAL, status TEXT, reason TEXT, interval TEXT);
CREATE TABLE days (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, date DATE, site TEXT, images INTEGER, image TEXT, freight_cars REAL, low REAL,
    high REAL, coverage REAL, history INTEGER, expected REAL, expected_low REAL, expected_high REAL, ratio REAL, p_high REAL,
    p_low REAL, rank INTEGER, verdict TEXT, explanation TEXT, shift TEXT);
CREATE TABLE yardwatch (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
    ('cars', 'features', 'cars', 'Rail vehicles of all scenes. Edit freely: corrections are kept and the days are counted anew', 4326),
    ('tracks', 'features', 'tracks', 'Centrelines: the given ones (scene is empty), or those found in each scene', 4326),
    ('aoi', 'features', 'aoi', 'Outline of the yard', 4326),
    ('scene_footprints', 'features', 'scene_footprints', 'What each image covers', 4326),
    ('scenes', 'attributes', 'scenes', 'The ledger: what was counted, from which bytes, with which settings', NULL),
    ('observations', 'attributes', 'observations', 'One row per image, as in counts.csv', NULL),
    ('days', 'attributes', 'days', 'One row per day, as in days.csv', NULL),
    ('yardwatch', 'attributes', 'yardwatch', 'Versions', NULL),
    ('layer_styles', 'attributes', 'layer_styles', 'How QGIS draws the layers', NULL);
INSERT INTO gpkg_geometry_columns VALUES
    ('cars', 'geom', 'POLYGON', 4326, 0, 0), ('tracks', 'geom', 'LINESTRING', 4326, 0, 0),
    ('aoi', 'geom', 'MULTIPOLYGON', 4326, 0, 0), ('scene_footprints', 'geom', 'POLYGON', 4326, 0, 0);
"#;

/// Version 2: trains that stand on several dates.
const VERSION_2: &str = r#"
CREATE TABLE strings (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, scene TEXT, acquired DATETIME, string INTEGER, track TEXT, cars INTEGER,
    matched INTEGER, same_as TEXT, standing_since DATETIME);
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
    ('strings', 'attributes', 'strings', 'Coupled cars, and since when the same ones have been standing', NULL);
"#;

/// Version 3: what all scenes of the site have in common.
const VERSION_3: &str = r#"
CREATE TABLE survey (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, settings TEXT NOT NULL, program TEXT NOT NULL, images INTEGER, registered INTEGER,
    record TEXT NOT NULL, edges BLOB NOT NULL);
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
    ('survey', 'attributes', 'survey', 'The site as the images of the first run show it: new images are brought onto it', NULL);
"#;

/// Version 4: images that show the site turned.
const VERSION_4: &str = r#"
ALTER TABLE scenes ADD COLUMN registration_turn_deg REAL;
ALTER TABLE scenes ADD COLUMN registration_scale REAL;
"#;

/// Version 5: the table `days` with every column of `days.csv`. It follows from the scenes and is written anew.
const VERSION_5: &str = r#"
DROP TABLE IF EXISTS days;
CREATE TABLE days (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, date DATE, images INTEGER, freight_cars REAL, low REAL, high REAL, coverage REAL,
    history INTEGER, expected REAL, expected_low REAL, expected_high REAL, ratio REAL, p_high REAL, p_low REAL, rank INTEGER,
    verdict TEXT, explanation TEXT, shift TEXT, site TEXT, provisional BOOLEAN, p_plain REAL, p_high_at_low REAL, q_high REAL,
    q_low REAL, rank_of INTEGER, record_since DATE, previous_max REAL, previous_max_date DATE, surge_probability REAL,
    trend_per_year REAL, mix TEXT, image TEXT, reason TEXT, p_low_run REAL, low_run_since DATE, low_run_days INTEGER,
    low_run_most REAL);
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
    ('days', 'attributes', 'days', 'One row per day, as in days.csv', NULL);
DELETE FROM yardwatch WHERE key = 'derived';
"#;

/// Version 6: what belongs to a scene is found without looking through its layer.
const VERSION_6: &str = r#"
CREATE INDEX tracks_scene ON tracks(scene);
CREATE INDEX scene_footprints_scene ON scene_footprints(scene);
"#;

/// Version 7: what most images of the site show of its ground.
const VERSION_7: &str = r#"
ALTER TABLE survey ADD COLUMN usual BLOB;
"#;

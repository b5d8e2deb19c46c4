//! Positions against PROJ 9.5, the sun against NOAA's calculator.

use std::path::Path;

use geographiclib_rs::{Geodesic, InverseGeodesic};
use yardwatch::raster::{Crs, Sun};

/// 26 systems, 12 points each inside the area of use, made with pyproj without network grids.
#[test]
fn positions_in_26_systems_agree_with_proj_within_a_centimetre() {
    let mut reader = csv::Reader::from_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/crs_points.csv")).unwrap();
    let mut points = 0;
    for row in reader.deserialize() {
        let (code, x, y, lon, lat): (u32, f64, f64, f64, f64) = row.unwrap();
        let crs = Crs::from_epsg(code).unwrap();
        let [found_lon, found_lat] = crs.to_lonlat(x, y).unwrap();
        let off: f64 = Geodesic::wgs84().inverse(lat, lon, found_lat, found_lon);
        assert!(off < 0.01, "EPSG:{code} {x} {y}: {found_lon} {found_lat}, off by {off} m");
        let [found_x, found_y] = crs.from_lonlat(lon, lat).unwrap();
        let unit = if crs.is_geographic() { 111_320.0 } else { crs.unit_m() };
        let off = (found_x - x).hypot(found_y - y) * unit;
        assert!(off < 0.015, "EPSG:{code} {lon} {lat}: {found_x} {found_y}, off by {off} units");
        points += 1;
    }
    assert_eq!(points, 312);
}

#[test]
fn positions_outside_the_domain_are_refused_not_invented() {
    let utm = Crs::from_epsg(32652).unwrap();
    assert_eq!(utm.to_lonlat(f64::NAN, 0.0), None);
    assert_eq!(utm.from_lonlat(129.0, 91.0), None);
    assert_eq!(Crs::from_epsg(4326).unwrap().to_lonlat(10.0, 95.0), None);
    assert!(Crs::from_epsg(999_999).is_none());
}

/// Extremes of the equation of time and of the declination, as every almanac has them: the sun crosses the meridian of
/// Greenwich at 12:14:13 on 11 February and at 11:43:35 on 3 November; its declination is 23.436 degrees on 20 June 2024 at
/// 20:51 and 0 on 20 March 2024 at 03:06.
#[test]
fn the_sun_stands_where_the_almanac_has_it() {
    let at = |time: &str, lon: f64, lat: f64| Sun::at(time.parse().unwrap(), lon, lat);
    for time in ["2024-02-11T12:14:13Z", "2024-11-03T11:43:35Z"] {
        let sun = at(time, 0.0, 51.4779);
        assert!((sun.azimuth_deg - 180.0).abs() < 0.05, "{time}: {sun:?}");
    }
    // At local noon (longitude chosen by the same table) the elevation is 90 - |latitude - declination|.
    let solstice = at("2024-06-20T20:51:00Z", -132.3, 40.0);
    assert!((solstice.elevation_deg - (50.0 + 23.436)).abs() < 0.01, "{solstice:?}");
    let equinox = at("2024-03-20T03:06:00Z", 135.35, -30.0);
    assert!(
        (equinox.elevation_deg - 60.0).abs() < 0.02 && (equinox.azimuth_deg.min(360.0 - equinox.azimuth_deg)) < 0.5,
        "{equinox:?}"
    );
    // Morning in the east, afternoon in the west.
    assert!(at("2023-10-05T01:58:01Z", 130.6, 42.4).azimuth_deg < 180.0);
    assert!(at("2023-10-05T06:58:01Z", 130.6, 42.4).azimuth_deg > 180.0);
}

//! Tracks and outline of a yard, as people have them: GeoJSON drawn in QGIS or exported from OpenStreetMap.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use geojson::{Feature, GeoJson, Geometry, GeometryValue, JsonObject, Position};

use super::store::geometry::{clockwise, counter_clockwise};
use super::ways::joined;
use crate::count::outline::Outline;
use crate::count::{GivenTrack, Yard};
use crate::{Error, Result};

/// GeoJSON larger than this is not a yard (a country's railways are about as large).
const MAX_BYTES: u64 = 256 << 20;

/// Parts of each piece of a track that are looked at for the outline: a track drawn by its two ends only crosses a small yard.
const MEETING_POINTS: u32 = 64;

/// Values of OpenStreetMap's key `railway` on which freight cars stand.
const RAILWAYS_WITH_CARS: [&str; 8] = ["rail", "narrow_gauge", "preserved", "disused", "siding", "spur", "yard", "light_rail"];

/// Keys of OpenStreetMap that say that a line is something else when it has no key `railway`.
const NOT_RAILWAY: [&str; 8] = ["highway", "waterway", "building", "power", "barrier", "boundary", "landuse", "natural"];

/// Properties that name a track, the best first.
const NAME_KEYS: [&str; 6] = ["track", "name", "ref", "railway:track_ref", "id", "@id"];

/// Reads what is known of the yard. The second part of the result are sentences about what was left out.
///
/// # Errors
/// When a file cannot be read, is not GeoJSON, is not in WGS84, or holds no line (tracks) or no polygon (outline).
pub fn read_yard(tracks: Option<&Path>, aoi: Option<&Path>) -> Result<(Yard, Vec<String>)> {
    let mut notes = Vec::new();
    let mut yard = Yard::default();
    if let Some(path) = tracks {
        yard.tracks = read_tracks(path, &mut notes)?;
    }
    if let Some(path) = aoi {
        yard.aoi = read_outline(path, &mut notes)?;
    }
    if let (Some(tracks), Some(aoi)) = (tracks, aoi)
        && !meet(&yard)
    {
        let reason =
            format!("holds no track that runs inside the outline of {}; one of the two is another yard's", aoi.display());
        return Err(Error::document(tracks, reason));
    }
    Ok((yard, notes))
}

/// Whether any given track runs inside the outline.
fn meet(yard: &Yard) -> bool {
    let outline = Outline::new(yard.aoi.iter().cloned());
    yard.tracks.iter().any(|track| {
        track.line.windows(2).any(|ends| {
            (0..=MEETING_POINTS).any(|i| {
                let t = f64::from(i) / f64::from(MEETING_POINTS);
                outline.contains([0, 1].map(|k| ends[0][k] + t * (ends[1][k] - ends[0][k])))
            })
        })
    })
}

fn read_tracks(path: &Path, notes: &mut Vec<String>) -> Result<Vec<GivenTrack>> {
    let mut tracks: Vec<GivenTrack> = Vec::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for (number, feature) in read_features(path)?.into_iter().enumerate() {
        let properties = feature.properties.unwrap_or_default();
        let mut lines = Vec::new();
        for part in feature.geometry.iter().flat_map(flatten) {
            match part {
                GeometryValue::LineString { coordinates } => lines.push(coordinates),
                GeometryValue::MultiLineString { coordinates } => lines.extend(coordinates),
                other => *skipped.entry(other.type_name().to_owned()).or_default() += 1,
            }
        }
        if let Some(kind) = something_else(&properties) {
            *skipped.entry(kind).or_default() += lines.len().max(1);
            continue;
        }
        let name = track_name(&properties, feature.id.as_ref()).unwrap_or_else(|| format!("t{}", number + 1));
        for line in lines {
            let line = positions(path, line)?;
            if line.len() < 2 {
                *skipped.entry("line of one point".to_owned()).or_default() += 1;
                continue;
            }
            tracks.push(GivenTrack { name: name.clone(), line });
        }
    }
    say_skipped(path, "not a track", &skipped, notes);
    if tracks.is_empty() {
        return Err(Error::document(path, "holds no track: lines (LineString) along the rails are expected, in WGS84"));
    }
    let mut tracks = joined(tracks);
    make_names_unique(&mut tracks);
    Ok(tracks)
}

/// Several tracks may have one name: OpenStreetMap cuts a line into ways, and not all of them go straight on from each other.
fn make_names_unique(tracks: &mut [GivenTrack]) {
    let mut names = HashSet::new();
    for track in tracks {
        let name = track.name.clone();
        for number in 2.. {
            if names.insert(track.name.clone()) {
                break;
            }
            track.name = format!("{name} ({number})");
        }
    }
}

fn read_outline(path: &Path, notes: &mut Vec<String>) -> Result<Vec<Vec<[f64; 2]>>> {
    let mut rings = Vec::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for feature in read_features(path)? {
        for part in feature.geometry.iter().flat_map(flatten) {
            let polygons = match part {
                GeometryValue::Polygon { coordinates } => vec![coordinates],
                GeometryValue::MultiPolygon { coordinates } => coordinates,
                other => {
                    *skipped.entry(other.type_name().to_owned()).or_default() += 1;
                    continue;
                }
            };
            for (number, ring) in polygons.into_iter().flat_map(|polygon| polygon.into_iter().enumerate()) {
                let mut ring = positions(path, ring)?;
                if ring.first() != ring.last() {
                    ring.extend(ring.first().copied());
                }
                if ring.len() < 4 {
                    return Err(Error::document(path, "a polygon has fewer than three corners; draw it again"));
                }
                // Whichever way round they were drawn, only so do holes and outlines that overlap mean what they should.
                rings.push(if number == 0 { counter_clockwise(&ring) } else { clockwise(&ring) });
            }
        }
    }
    say_skipped(path, "not an outline", &skipped, notes);
    if rings.is_empty() {
        return Err(Error::document(path, "holds no outline: a polygon round the yard is expected, in WGS84"));
    }
    Ok(rings)
}

fn say_skipped(path: &Path, what: &str, skipped: &BTreeMap<String, usize>, notes: &mut Vec<String>) {
    if !skipped.is_empty() {
        let kinds: Vec<String> = skipped.iter().map(|(kind, number)| format!("{number} x {kind}")).collect();
        notes.push(format!("{}: left out, {what}: {}", path.display(), kinds.join(", ")));
    }
}

fn read_features(path: &Path) -> Result<Vec<Feature>> {
    let size = std::fs::metadata(path).map_err(|e| Error::io(path, e))?.len();
    if size > MAX_BYTES {
        return Err(Error::document(path, format!("is larger than {} MiB; cut out the yard", MAX_BYTES >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::document(path, "is not text, so it is not GeoJSON"))?;
    let document: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| Error::document(path, format!("is not GeoJSON: {e}")))?;
    check_crs(path, &document)?;
    let json: GeoJson = serde_json::from_value(document).map_err(|e| Error::document(path, format!("is not GeoJSON: {e}")))?;
    Ok(match json {
        GeoJson::FeatureCollection(collection) => collection.features,
        GeoJson::Feature(feature) => vec![feature],
        GeoJson::Geometry(geometry) => vec![Feature::from(geometry)],
    })
}

/// GeoJSON before 2016 could name another system; QGIS still writes such files when asked to.
fn check_crs(path: &Path, document: &serde_json::Value) -> Result<()> {
    let Some(name) = document.pointer("/crs/properties/name").and_then(|name| name.as_str()) else { return Ok(()) };
    let wgs84 = name.to_ascii_uppercase().ends_with("CRS84") || name.rsplit(':').next() == Some("4326");
    if wgs84 {
        return Ok(());
    }
    Err(Error::document(path, format!("is in {name}; save it in WGS84 (EPSG:4326), in QGIS: Export, Save Features As")))
}

fn flatten(geometry: &Geometry) -> Vec<GeometryValue> {
    match &geometry.value {
        GeometryValue::GeometryCollection { geometries } => geometries.iter().flat_map(flatten).collect(),
        other => vec![other.clone()],
    }
}

fn positions(path: &Path, line: Vec<Position>) -> Result<Vec<[f64; 2]>> {
    let mut out: Vec<[f64; 2]> = Vec::with_capacity(line.len());
    for position in line {
        let [lon, lat, ..] = position.as_slice() else {
            return Err(Error::document(path, "a position has fewer than two numbers"));
        };
        if !(lon.abs() <= 180.0 && lat.abs() <= 90.0) {
            return Err(Error::document(
                path,
                format!(
                    "{lon}, {lat} is no longitude and latitude; reproject the file to WGS84 (EPSG:4326), in QGIS: Export, Save Features As"
                ),
            ));
        }
        if out.last() != Some(&[*lon, *lat]) {
            out.push([*lon, *lat]);
        }
    }
    Ok(out)
}

/// What a line is when it is no track with cars on it.
fn something_else(properties: &JsonObject) -> Option<String> {
    let text = |key: &str| properties.get(key).and_then(|value| value.as_str());
    if let Some(railway) = text("railway") {
        return (!railway.is_empty() && !RAILWAYS_WITH_CARS.contains(&railway)).then(|| format!("railway={railway}"));
    }
    NOT_RAILWAY.iter().find_map(|key| text(key).map(|value| format!("{key}={value}")))
}

fn track_name(properties: &JsonObject, id: Option<&geojson::feature::Id>) -> Option<String> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    NAME_KEYS.iter().find_map(|key| properties.get(*key).and_then(value)).or_else(|| {
        id.map(|id| match id {
            geojson::feature::Id::String(text) => text.clone(),
            geojson::feature::Id::Number(number) => number.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn tracks(text: &str) -> Result<(Yard, Vec<String>)> {
        read_yard(Some(write(text).path()), None)
    }

    #[test]
    fn an_openstreetmap_export_with_platforms_signals_and_roads_gives_its_tracks_and_says_what_was_left_out() {
        let (yard, notes) = tracks(
            r#"{"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"@id": "way/1", "railway": "rail", "name": "Main"},
             "geometry": {"type": "LineString", "coordinates": [[130.1, 42.1], [130.2, 42.1]]}},
            {"type": "Feature", "properties": {"@id": "way/2", "railway": "rail", "name": "Main"},
             "geometry": {"type": "MultiLineString", "coordinates": [[[130.2, 42.1], [130.3, 42.1, 17.5]], [[130.35, 42.1], [130.4, 42.1]]]}},
            {"type": "Feature", "properties": {"railway": "platform"},
             "geometry": {"type": "Polygon", "coordinates": [[[130.1, 42.1], [130.2, 42.1], [130.2, 42.2], [130.1, 42.1]]]}},
            {"type": "Feature", "properties": {"railway": "platform_edge"},
             "geometry": {"type": "LineString", "coordinates": [[130.1, 42.1], [130.2, 42.1]]}},
            {"type": "Feature", "properties": {"highway": "residential"},
             "geometry": {"type": "LineString", "coordinates": [[130.1, 42.1], [130.2, 42.1]]}},
            {"type": "Feature", "properties": {"railway": "switch"}, "geometry": {"type": "Point", "coordinates": [130.1, 42.1]}},
            {"type": "Feature", "properties": null, "id": 7, "geometry": {"type": "LineString", "coordinates": [[130.1, 42.1], [130.2, 42.1]]}},
            {"type": "Feature", "properties": {"track": 3}, "geometry": null}
            ]}"#,
        )
        .unwrap();
        let names: Vec<_> = yard.tracks.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["Main", "Main (2)", "7"]);
        assert_eq!(yard.tracks[0].line, [[130.1, 42.1], [130.2, 42.1], [130.3, 42.1]], "two ways of one track");
        assert_eq!(notes.len(), 1);
        for what in ["highway=residential", "railway=platform_edge", "railway=switch", "Polygon", "Point"] {
            assert!(notes[0].contains(what), "{what} in {notes:?}");
        }
    }

    #[test]
    fn projected_coordinates_are_refused_with_the_way_out() {
        let error =
            tracks(r#"{"type": "LineString", "coordinates": [[552000.0, 4650000.0], [552100.0, 4650000.0]]}"#).unwrap_err();
        assert!(error.to_string().contains("reproject"), "{error}");
        let error = tracks(
            r#"{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32652"}}, "features": []}"#,
        )
        .unwrap_err();
        assert!(error.to_string().contains("EPSG::32652"), "{error}");
    }

    #[test]
    fn bare_geometries_features_and_wgs84_named_by_urn_are_read() {
        for text in [
            r#"{"type": "LineString", "coordinates": [[1, 2], [1.1, 2]]}"#,
            r#"{"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [[1, 2], [1.1, 2]]}}"#,
            "\u{feff}{\"type\": \"GeometryCollection\", \"geometries\": [{\"type\": \"LineString\", \"coordinates\": [[1, 2], [1.1, 2]]}]}",
            r#"{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
                "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [[1, 2], [1.1, 2]]}}]}"#,
        ] {
            let (yard, _) = tracks(text).unwrap();
            assert_eq!(yard.tracks.len(), 1, "{text}");
            assert_eq!(yard.tracks[0].name, "t1");
        }
    }

    #[test]
    fn documents_that_are_no_yard_are_refused_in_one_sentence() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"type": "FeatureCollection", "features": []}"#,
            r#"{"type": "Point", "coordinates": [1]}"#,
            "\u{0}",
        ] {
            let error = tracks(text).unwrap_err();
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        let error = read_yard(None, Some(write(r#"{"type": "Polygon", "coordinates": [[[1, 2], [2, 2]]]}"#).path())).unwrap_err();
        assert!(error.to_string().contains("corners"), "{error}");
    }

    #[test]
    fn an_open_ring_is_closed() {
        let text = r#"{"type": "Polygon", "coordinates": [[[1, 2], [2, 2], [2, 3]]]}"#;
        let (yard, _) = read_yard(None, Some(write(text).path())).unwrap();
        assert_eq!(yard.aoi, [vec![[1.0, 2.0], [2.0, 2.0], [2.0, 3.0], [1.0, 2.0]]]);
    }

    /// With an outline 80 km away everything was counted with coverage 1.
    #[test]
    fn tracks_and_an_outline_that_do_not_meet_are_refused() {
        let line = write(r#"{"type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 2.0]]}"#);
        let square = |x: f64| {
            write(&format!(
                r#"{{"type": "Polygon", "coordinates": [[[{x}, 1.9], [{0}, 1.9], [{0}, 2.1], [{x}, 2.1], [{x}, 1.9]]]}}"#,
                x + 0.1
            ))
        };
        assert!(read_yard(Some(line.path()), Some(square(2.0).path())).is_ok(), "both ends lie outside");
        let error = read_yard(Some(line.path()), Some(square(3.1).path())).unwrap_err().to_string();
        assert!(error.contains("no track that runs inside the outline"), "{error}");
    }

    #[test]
    fn rings_run_as_their_meaning_asks_however_they_were_drawn() {
        let polygon =
            r#"{"type": "Polygon", "coordinates": [[[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 1]]]}"#;
        let (yard, _) = read_yard(None, Some(write(polygon).path())).unwrap();
        let outline = Outline::new(yard.aoi.iter().cloned());
        assert!(outline.contains([5.0, 5.0]) && !outline.contains([1.7, 1.5]), "{:?}", yard.aoi);
    }
}

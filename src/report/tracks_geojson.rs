//! `tracks.geojson`: the tracks that a site's scenes show together (RFC 7946), in the form in which they are given back.

use serde_json::json;

use crate::count::GivenTrack;

/// The file's bytes, one track per line.
///
/// # Errors
/// When a value cannot be written as JSON; none can as things are.
pub fn tracks_geojson(tracks: &[GivenTrack]) -> serde_json::Result<Vec<u8>> {
    let features = tracks.iter().map(|track| {
        serde_json::to_string(&json!({
            "type": "Feature",
            "properties": {"track": track.name},
            "geometry": {"type": "LineString", "coordinates": track.line},
        }))
    });
    let features: Vec<String> = features.collect::<serde_json::Result<_>>()?;
    Ok(format!("{{\"type\":\"FeatureCollection\",\n\"features\":[\n{}\n]}}\n", features.join(",\n")).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::yard::read_yard;

    #[test]
    fn written_tracks_come_back_the_same_when_they_are_given() {
        let tracks = vec![
            GivenTrack { name: "t1".into(), line: vec![[130.12345678, 42.1], [130.2, 42.10000001]] },
            GivenTrack { name: "t2 \"siding\"".into(), line: vec![[130.1, 42.2], [130.2, 42.2], [130.3, 42.3]] },
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), tracks_geojson(&tracks).unwrap()).unwrap();
        let (yard, notes) = read_yard(Some(file.path()), None).unwrap();
        assert_eq!((yard.tracks, notes.len()), (tracks, 0));
    }
}

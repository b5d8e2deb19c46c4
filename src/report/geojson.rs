//! `cars/<stem>.geojson`: the vehicles of one scene (RFC 7946).

use std::io::Write;

use serde::Serialize;

use crate::count::{Count, Status, Vehicle};
use crate::series::record::{Point, SceneRecord};
use crate::series::store::IntervalKind;
use crate::series::store::geometry::counter_clockwise;

/// What a reader must know of the scene, whether or not it holds a vehicle.
#[derive(Debug, Serialize)]
struct SceneMember<'a> {
    image: &'a str,
    site: &'a str,
    acquired: Option<jiff::Timestamp>,
    gsd_m: Option<f64>,
    width: u32,
    height: u32,
    interval: &'static str,
    freight_cars: Option<u32>,
    low: Option<u32>,
    high: Option<u32>,
    coverage: f64,
    status: &'static str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct CountMember {
    freight_cars: Option<u32>,
    low: Option<u32>,
    high: Option<u32>,
    locomotives: Option<u32>,
    coaches: Option<u32>,
    coverage: f64,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    geometry: Option<Geometry>,
    properties: Properties<'a>,
}

#[derive(Debug, Serialize)]
struct Geometry {
    r#type: &'static str,
    coordinates: [Vec<Point>; 1],
}

#[derive(Debug, Serialize)]
struct Properties<'a> {
    id: u32,
    class: &'static str,
    confidence: f64,
    length_m: f64,
    width_m: f64,
    heading_deg: f64,
    track: Option<&'a str>,
    string: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    col: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#box: Option<[Point; 4]>,
}

/// The file's bytes, one vehicle per line. Collections without vehicles have no member `count`'s numbers (it is null): readers
/// that know collections of a bare count would take it for one. The member `scene` is always there; its `interval` says whether the
/// vehicles are the model's or an analyst's ([`IntervalKind`]).
///
/// # Errors
/// When a value cannot be written as JSON; none can as things are.
pub fn cars_geojson(record: &SceneRecord, site: &str, interval: IntervalKind) -> serde_json::Result<Vec<u8>> {
    let result = &record.result;
    let stated = count_member(&result.count);
    let scene = SceneMember {
        image: &record.image,
        site,
        acquired: record.acquired,
        gsd_m: record.gsd(),
        width: record.width,
        height: record.height,
        interval: interval.name(),
        freight_cars: stated.freight_cars,
        low: stated.low,
        high: stated.high,
        coverage: result.count.coverage,
        status: result.count.status.name(),
        reason: &result.count.reason,
    };
    let count = (!result.vehicles.is_empty()).then_some(stated);
    let mut out = Vec::new();
    let head = (serde_json::to_string(&scene)?, serde_json::to_string(&count)?);
    // Writing to memory cannot fail.
    let _ = write!(out, "{{\"type\":\"FeatureCollection\",\n\"scene\":{},\n\"count\":{},\n\"features\":[", head.0, head.1);
    for (index, vehicle) in result.vehicles.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut out, &feature(record, index, vehicle))?;
    }
    out.extend_from_slice(b"\n]}\n");
    Ok(out)
}

fn count_member(count: &Count) -> CountMember {
    let seen = |value: u32| (count.status != Status::Unusable).then_some(value);
    CountMember {
        freight_cars: seen(count.freight_cars),
        low: seen(count.low),
        high: seen(count.high),
        locomotives: seen(count.locomotives),
        coaches: seen(count.coaches),
        coverage: count.coverage,
        status: count.status.name(),
    }
}

fn feature<'a>(record: &'a SceneRecord, index: usize, vehicle: &Vehicle) -> Feature<'a> {
    let place = record.places.get(index).filter(|place| !place.is_empty());
    let geometry = place.map(|place| {
        let mut ring = counter_clockwise(place);
        ring.extend(ring.first().copied());
        Geometry { r#type: "Polygon", coordinates: [ring] }
    });
    // A car drawn by hand into a scene whose pixels cannot be told has no place in pixels.
    let in_pixels = vehicle.corners != [[0.0; 2]; 4];
    Feature {
        r#type: "Feature",
        properties: Properties {
            id: vehicle.id,
            class: vehicle.class.name(),
            confidence: vehicle.confidence,
            length_m: vehicle.length_m,
            width_m: vehicle.width_m,
            heading_deg: vehicle.heading_deg,
            track: record.result.tracks.get(vehicle.track).map(|track| track.name.as_str()),
            string: vehicle.string,
            col: in_pixels.then_some(vehicle.col),
            row: in_pixels.then_some(vehicle.row),
            r#box: (geometry.is_none() && in_pixels).then_some(vehicle.corners),
        },
        geometry,
    }
}

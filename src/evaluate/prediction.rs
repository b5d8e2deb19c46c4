//! What somebody says is in a scene: a GeoJSON FeatureCollection, of this program or of another.

use super::truth::Truth;
use crate::count::Class;
use crate::raster::{Crs, Georeference};
use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Predictions for one scene.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prediction {
    /// Every predicted vehicle.
    pub vehicles: Vec<Predicted>,
    /// The stated number of freight cars, where the file gives one.
    pub count: Option<i64>,
    /// The stated 95 % interval of that number.
    pub interval: Option<(i64, i64)>,
    /// Nothing but a number is stated: there are no positions to compare.
    pub count_only: bool,
}

/// One predicted vehicle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// Centre (col, row) in pixels.
    pub position: [f64; 2],
    /// What it is said to be.
    pub class: Class,
}

impl Prediction {
    /// Reads the predictions at `path` for the scene of `truth`, which was read from `truth_path`.
    ///
    /// A feature is one vehicle: `col` and `row` in its properties, or else a Point, Polygon or MultiPolygon in WGS84. Its property
    /// `class` (or `type`) says what it is; unknown names are freight. The number of cars is the member `count` of the collection or
    /// of its `properties`: a number, or an object with `freight_cars`, `low` and `high`; the latter two may also stand in the member
    /// `scene`, as this program writes them.
    ///
    /// # Errors
    /// The file cannot be read or is not JSON, a position is not a number, or the truth does not say where the scene lies.
    pub fn read(path: &Path, truth: &Truth, truth_path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| Error::document(path, format!("not JSON ({e})")))?;
        let mut ground = None;
        let mut vehicles = Vec::new();
        for (i, feature) in json["features"].as_array().into_iter().flatten().enumerate() {
            let wrong = || Error::document(path, format!("feature {} has a position that is not a number", i + 1));
            let properties = &feature["properties"];
            let position = match (properties.get("col"), properties.get("row")) {
                (Some(col), Some(row)) => [number(col).ok_or_else(wrong)?, number(row).ok_or_else(wrong)?],
                _ => {
                    let Some(centre) = centre(&feature["geometry"]).map_err(|()| wrong())? else { continue };
                    if ground.is_none() {
                        ground = Some(georeference(truth, truth_path)?);
                    }
                    // What the scene's CRS has no place for lies outside the scene.
                    ground.as_ref().and_then(|g| g.from_lonlat(centre[0], centre[1])).unwrap_or([f64::INFINITY; 2])
                }
            };
            let name = properties.get("class").or_else(|| properties.get("type"));
            vehicles.push(Predicted { position, class: name.and_then(Value::as_str).map_or(Class::Freight, class) });
        }
        let stated = json.get("count").or_else(|| json["properties"].get("count")).unwrap_or(&Value::Null);
        let count = whole(stated).or_else(|| whole(&stated["freight_cars"]));
        let ends = |member: &Value| whole(&member["low"]).zip(whole(&member["high"]));
        let interval = ends(stated).or_else(|| ends(&json["scene"]));
        // An object of numbers is what this program writes beside its features: an empty scene is then a scene with nothing in it.
        let count_only = vehicles.is_empty() && (!stated.is_object() && count.is_some() || count.is_some_and(|n| n != 0));
        Ok(Self { vehicles, count, interval, count_only })
    }
}

/// Where the scene of `truth`, which was read from `path`, lies.
fn georeference(truth: &Truth, path: &Path) -> Result<Georeference> {
    let (Some(epsg), Some(geotransform)) = (truth.epsg, truth.geotransform) else {
        let reason = "no epsg and geotransform, so positions in longitude and latitude cannot be placed in the image; \
                      give the predictions the properties col and row";
        return Err(Error::document(path, reason));
    };
    let crs = Crs::from_epsg(epsg).ok_or_else(|| Error::document(path, format!("EPSG:{epsg} is not known to this program")))?;
    Ok(Georeference::new(geotransform, Some(crs)))
}

/// The class that a name stands for; what is not known is freight.
fn class(name: &str) -> Class {
    let name = name.to_lowercase();
    match name.as_str() {
        "loco" | "engine" => Class::Locomotive,
        "passenger" | "passenger_car" => Class::Coach,
        other => Class::from_name(other).unwrap_or(Class::Freight),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn whole(value: &Value) -> Option<i64> {
    // Towards zero, as a reader that expects a whole number takes 12.7.
    value.as_i64().or_else(|| Some(number(value)?.trunc() as i64))
}

/// Centre of a geometry; nothing for a kind that has none here; an error for coordinates that are not numbers.
fn centre(geometry: &Value) -> Result<Option<[f64; 2]>, ()> {
    let coordinates = &geometry["coordinates"];
    match geometry["type"].as_str() {
        Some("Point") => point(coordinates).ok_or(()).map(Some),
        Some("Polygon") => ring_centre(&coordinates[0]).map(Some),
        Some("MultiPolygon") => ring_centre(&coordinates[0][0]).map(Some),
        _ => Ok(None),
    }
}

fn point(value: &Value) -> Option<[f64; 2]> {
    Some([value[0].as_f64()?, value[1].as_f64()?])
}

/// Centroid of a ring (of its corners, where it has no area).
fn ring_centre(ring: &Value) -> Result<[f64; 2], ()> {
    let mut corners =
        ring.as_array().into_iter().flatten().map(point).collect::<Option<Vec<_>>>().filter(|c| !c.is_empty()).ok_or(())?;
    // RFC 7946 rings are closed. The tolerance is that of the reference scorer (numpy.allclose).
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-8 + 1e-5 * b.abs();
    let (first, last) = (corners[0], corners[corners.len() - 1]);
    if corners.len() > 1 && close(first[0], last[0]) && close(first[1], last[1]) {
        corners.pop();
    }
    let n = corners.len() as f64;
    let mean = [corners.iter().map(|c| c[0]).sum::<f64>() / n, corners.iter().map(|c| c[1]).sum::<f64>() / n];
    let around: Vec<_> = corners.iter().map(|c| [c[0] - mean[0], c[1] - mean[1]]).collect();
    let (mut area, mut moment) = (0.0, [0.0, 0.0]);
    for (i, p) in around.iter().enumerate() {
        let q = around[(i + 1) % around.len()];
        let cross = p[0] * q[1] - q[0] * p[1];
        area += cross;
        moment[0] += (p[0] + q[0]) * cross;
        moment[1] += (p[1] + q[1]) * cross;
    }
    // Square degrees: a square millimetre.
    if area.abs() < 1e-18 {
        return Ok(mean);
    }
    Ok([mean[0] + moment[0] / (3.0 * area), mean[1] + moment[1] / (3.0 * area)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<Prediction> {
        let truth: Truth =
            serde_json::from_value(json!({"image": "a.png", "gsd": 0.5, "width": 10, "height": 10, "cars": []})).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.geojson");
        std::fs::write(&path, value.to_string()).unwrap();
        Prediction::read(&path, &truth, Path::new("truth.json"))
    }

    #[test]
    fn centroid_is_that_of_the_area_not_of_the_corners() {
        // A square with an extra corner on one side: the mean of the corners is off, the centroid is not.
        let ring = json!([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]]);
        assert_eq!(ring_centre(&ring), Ok([1.0, 1.0]));
        let line = json!([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [0.0, 0.0]]);
        assert_eq!(ring_centre(&line), Ok([2.0, 0.0]));
    }

    #[test]
    fn pixel_positions_need_no_georeference_but_polygons_do() {
        let pixels = json!({"features": [{"properties": {"col": 1, "row": "2.5", "class": "Loco"}, "geometry": null}, {"properties": null, "geometry": null}]});
        let prediction = read(&pixels).unwrap();
        assert_eq!(prediction.vehicles, [Predicted { position: [1.0, 2.5], class: Class::Locomotive }]);
        let degrees = json!({"features": [{"properties": null, "geometry": {"type": "Point", "coordinates": [1, 2]}}]});
        assert!(read(&degrees).unwrap_err().to_string().contains("epsg"));
    }

    #[test]
    fn stated_numbers_alone_are_a_count_and_beside_features_an_interval() {
        let alone = read(&json!({"type": "FeatureCollection", "features": [], "count": 73})).unwrap();
        assert_eq!((alone.count, alone.count_only, alone.interval), (Some(73), true, None));
        let own = read(&json!({"features": [], "count": {"freight_cars": 0, "low": 0, "high": 2}})).unwrap();
        assert_eq!((own.count, own.count_only, own.interval), (Some(0), false, Some((0, 2))));
        let empty = read(&json!({"features": [], "count": null, "scene": {"low": 0, "high": 2}})).unwrap();
        assert_eq!((empty.count, empty.count_only, empty.interval), (None, false, Some((0, 2))));
        let within = read(&json!({"features": [], "properties": {"count": 12.7}})).unwrap();
        assert_eq!((within.count, within.count_only), (Some(12), true));
    }

    #[test]
    fn position_that_is_no_number_is_named() {
        let bad =
            json!({"features": [{"properties": {"col": 1, "row": 1}}, {"geometry": {"type": "Polygon", "coordinates": []}}]});
        assert!(read(&bad).unwrap_err().to_string().contains("feature 2"));
    }
}

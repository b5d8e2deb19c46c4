//! Predictions with every kind of mistake, made from a truth: shifted, missed, doubled, misnamed, invented, on cars under cloud; as
//! pixel positions, points, polygons and multipolygons. The same truth and number give the same predictions on every machine.

use serde_json::{Value, json};

/// Knuth's MMIX generator; enough to make mistakes with.
struct Chance(u64);

impl Chance {
    /// Uniform in 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    /// Uniform in -1 to 1.
    fn side(&mut self) -> f64 {
        2.0 * self.next() - 1.0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.next() * choices.len() as f64) as usize % choices.len()]
    }
}

/// The predictions for the `number`-th scene: nothing for one in seven, a bare number for one in nine.
pub fn predictions(truth: &Value, number: u64) -> Option<Value> {
    if number % 7 == 6 {
        return None;
    }
    let mut chance = Chance(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
    let cars = truth["cars"].as_array().unwrap();
    if number % 9 == 8 {
        return Some(json!({"type": "FeatureCollection", "features": [], "properties": {"count": cars.len() + 2}}));
    }
    let mut features = Vec::new();
    for car in cars {
        let clouded = car["clear"].as_f64().unwrap() < 0.5;
        let copies = match chance.next() {
            x if x < 0.08 && !clouded => 0,
            x if x < 0.14 => 2,
            x if clouded && x < 0.4 => 3,
            _ => 1,
        };
        for _ in 0..copies {
            features.push(vehicle(car, truth, &mut chance));
        }
    }
    let size = [truth["width"].as_f64().unwrap(), truth["height"].as_f64().unwrap()];
    for _ in 0..2 + cars.len() / 20 {
        let properties =
            json!({"col": round(chance.next() * size[0], 2), "row": round(chance.next() * size[1], 2), "class": "freight"});
        features.push(json!({"type": "Feature", "properties": properties, "geometry": null}));
    }
    let n = features.len() as f64;
    let stated = json!({"freight_cars": n, "low": (n * (0.8 + 0.2 * chance.next())).floor(), "high": (n * (0.9 + 0.3 * chance.next())).ceil()});
    Some(json!({"type": "FeatureCollection", "features": features, "count": stated}))
}

fn vehicle(car: &Value, truth: &Value, chance: &mut Chance) -> Value {
    let get = |key: &str| car[key].as_f64().unwrap();
    let (gsd, heading) = (truth["gsd"].as_f64().unwrap(), get("heading").to_radians());
    let along = if chance.next() < 0.2 { 0.6 * get("length") * chance.side() } else { chance.side() };
    let across = if chance.next() < 0.15 { 3.2 * chance.side() } else { 0.8 * chance.side() };
    // Metres east and south.
    let mut shift = [along * heading.sin() + across * heading.cos(), -along * heading.cos() + across * heading.sin()];
    if chance.next() < 0.3 {
        for (shift, roof) in shift.iter_mut().zip(car["top_shift"].as_array().unwrap()) {
            *shift += roof.as_f64().unwrap() * gsd;
        }
    }
    let mut properties = serde_json::Map::new();
    let said = match chance.next() {
        x if x < 0.25 => None,
        x if x < 0.8 => car["class"].as_str(),
        _ => Some(chance.of(&[
            "Gondola",
            "boxcar",
            "tank",
            "hopper",
            "flat",
            "loco",
            "Engine",
            "coach",
            "passenger_car",
            "wagon",
            "freight",
        ])),
    };
    if let Some(said) = said {
        properties.insert(chance.of(&["class", "class", "class", "type"]).into(), json!(said));
    }
    let lonlat = [car["lonlat"][0].as_f64().unwrap(), car["lonlat"][1].as_f64().unwrap()];
    let metres_per_degree = [111_320.0 * lonlat[1].to_radians().cos(), 111_100.0];
    let degrees = |east: f64, south: f64| {
        [round(lonlat[0] + east / metres_per_degree[0], 9), round(lonlat[1] - south / metres_per_degree[1], 9)]
    };
    let corner = |e: f64, s: f64| degrees(shift[0] + e, shift[1] + s);
    let ring = json!([corner(-6.0, -1.5), corner(6.0, -1.5), corner(6.5, 1.5), corner(-6.0, 1.5), corner(-6.0, -1.5)]);
    let geometry = match chance.of(&[0, 0, 1, 2, 3]) {
        0 => {
            properties.insert("col".into(), json!(round(get("col") + shift[0] / gsd, 2)));
            properties.insert("row".into(), json!(round(get("row") + shift[1] / gsd, 2)));
            Value::Null
        }
        1 => json!({"type": "Point", "coordinates": corner(0.0, 0.0)}),
        2 => json!({"type": "Polygon", "coordinates": [ring]}),
        _ => json!({"type": "MultiPolygon", "coordinates": [[ring]]}),
    };
    json!({"type": "Feature", "properties": properties, "geometry": geometry})
}

/// Rounded, so that the last bits of a platform's sine do not matter.
fn round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap()
}

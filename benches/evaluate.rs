//! Scoring a busy yard: 1,200 predictions against 1,200 cars on 24 tracks.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use yardwatch::count::Class;
use yardwatch::evaluate::prediction::{Predicted, Prediction};
use yardwatch::evaluate::{MIN_CLEAR, Truth, score};

fn busy_yard() -> (Truth, Prediction) {
    let places = (0..24).flat_map(|track| (0..50).map(move |car| (40.0 + 32.0 * f64::from(car), 40.0 + 9.0 * f64::from(track))));
    let cars: Vec<_> = places
        .clone()
        .map(|(col, row)| {
            serde_json::json!({"class": "tank", "freight": true, "col": col, "row": row, "heading": 90, "length": 14.5,
                "top_shift": [0.0, -2.0], "clear": 1.0})
        })
        .collect();
    let truth = serde_json::json!({"image": "busy.tif", "gsd": 0.5, "width": 1700, "height": 300, "cars": cars});
    // Shifted by a quarter of a car and a metre across, so that neighbours compete.
    let vehicles = places.map(|(col, row)| Predicted { position: [col + 7.0, row - 2.0], class: Class::Freight }).collect();
    (serde_json::from_value(truth).expect("the truth above is complete"), Prediction { vehicles, ..Prediction::default() })
}

fn evaluate(c: &mut Criterion) {
    let (truth, prediction) = busy_yard();
    c.bench_function("evaluate/1200 cars", |b| b.iter(|| score(Some(black_box(&prediction)), &truth, MIN_CLEAR)));
}

criterion_group!(benches, evaluate);
criterion_main!(benches);

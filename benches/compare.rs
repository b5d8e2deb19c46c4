//! How long comparing takes.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use yardwatch::compare::{DatedCount, Likelihoods, Model, Posterior, Predictive, Rules, Seen, compare_site};

/// A yard's counts, `step` days apart; some images partly clouded where `clouds`; so many times the cars at the end.
fn history(length: usize, step: i64, clouds: bool, growth: f64) -> Vec<DatedCount> {
    let mut state = 1u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..length)
        .map(|i| {
            let time = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (17_000 + step * i as i64));
            let level = growth.powf(i as f64 / length as f64);
            let mut count = DatedCount::new("yard", time, ((draw(15) + draw(15) + draw(15)) as f64 * level).round());
            (count.low, count.high) = (Some((count.count - 3.0).max(0.0)), Some(count.count + 3.0));
            if clouds && draw(3) == 0 {
                count.coverage = 0.4 + draw(60) as f64 / 100.0;
            }
            count
        })
        .collect()
}

fn compare(c: &mut Criterion) {
    let mut group = c.benchmark_group("compare");
    group.sample_size(10);
    for (name, length, step, clouds, growth) in [
        ("site of 100 days", 100, 18, false, 1.0),
        ("site of 200 days", 200, 9, false, 1.0),
        ("site of 200 days, clouds", 200, 9, true, 1.0),
        ("site of 1400 days, clouds, a trend", 1400, 1, true, 1.6),
    ] {
        let counts = history(length, step, clouds, growth);
        group.bench_function(name, |b| b.iter(|| compare_site(black_box(&counts), &Rules::default())));
    }
    let seen = |count: &DatedCount| Seen::new(count.count, count.coverage);
    let days: Vec<Seen> = history(200, 9, true, 1.0).iter().map(seen).collect();
    group.bench_function("one day after 200, nothing remembered", |b| {
        b.iter(|| {
            let mut likelihoods = Likelihoods::new(Model::default());
            let posterior = Posterior::new(&mut likelihoods, black_box(&days));
            Predictive::new(&posterior, 1.0, 1.5).tails(60.0)
        });
    });
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);

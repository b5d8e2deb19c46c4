//! What a run says at its end: tables for people, one JSON document for programs.

use serde::Serialize;

use super::request::Request;
use super::work::{Results, Workplace};
use crate::Result;
use crate::compare::{Day, current_shift, flagged, none_flagged};
use crate::count::{Count, Status};
use crate::raster::in_words;
use crate::report::page::PageScene;

/// The scenes as the page shows them, in the order of time.
///
/// # Errors
/// When the store cannot be read.
pub fn pictures(place: &Workplace, results: &Results) -> Result<Vec<PageScene>> {
    let mut scenes = Vec::with_capacity(results.scenes.len());
    for observation in &results.observations {
        let Some(scene) = results.scenes.iter().find(|scene| scene.record.image == observation.image) else { continue };
        let record = &scene.record;
        let result = &record.result;
        let shifted = result.registration_confidence > 0.0;
        scenes.push(PageScene {
            image: record.image.clone(),
            stem: record.stem.clone(),
            acquired: record.acquired,
            date_only: record.date_only,
            count: result.count.clone(),
            picture: place.store.picture(&record.image)?,
            gsd_m: record.gsd(),
            registration: shifted.then_some((result.registration_m, result.registration_confidence)),
            turn: result.registration_turn,
        });
    }
    Ok(scenes)
}

/// Rows of text with columns as wide as they need be; the last column takes what is left.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().map(|row| length(&row[column])).chain([length(head[column])]).max().unwrap_or(0))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - length(cell)));
        }
        line.trim_end().to_owned()
    };
    let head = line(&mut head.iter().copied());
    let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}

/// `73 (69 to 77)`.
fn interval(value: f64, low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{value:.0} ({low:.0} to {high:.0})"),
        _ => format!("{value:.0}"),
    }
}

/// What `count` says to people.
pub fn count_text(request: &Request, results: &Results) -> String {
    let rows: Vec<Vec<String>> = results
        .observations
        .iter()
        .map(|o| {
            let acquired = o.acquired.map_or_else(String::new, |time| in_words(time, o.date_only));
            let mut row = vec![printable(&o.image), acquired];
            row.extend(match &o.count {
                Some(count) if count.status != Status::Unusable => counted(count),
                Some(count) => not_counted(&format!("{:.2}", count.coverage), &count.reason),
                None => not_counted("", &o.failure),
            });
            row
        })
        .collect();
    let head = ["image", "acquired", "freight cars", "locomotives", "coaches", "coverage", "status"];
    format!("{}\n{}", table(&head, &rows), closing(request, results))
}

fn counted(count: &Count) -> Vec<String> {
    let status = if count.reason.is_empty() {
        count.status.name().to_owned()
    } else {
        format!("{}: {}", count.status.name(), count.reason)
    };
    vec![
        interval(f64::from(count.freight_cars), Some(f64::from(count.low)), Some(f64::from(count.high))),
        count.locomotives.to_string(),
        count.coaches.to_string(),
        format!("{:.2}", count.coverage),
        status,
    ]
}

fn not_counted(coverage: &str, reason: &str) -> Vec<String> {
    vec!["-".into(), String::new(), String::new(), coverage.to_owned(), format!("unusable: {reason}")]
}

/// What `analyze` says to people.
pub fn analyze_text(request: &Request, results: &Results, days: &[Day]) -> String {
    let rows: Vec<Vec<String>> = days
        .iter()
        .map(|day| {
            let verdict =
                if day.verdict.is_anomalous() { day.verdict.name().to_uppercase() } else { day.verdict.name().to_owned() };
            vec![
                day.date.to_string(),
                day.freight_cars.map_or_else(|| "-".to_owned(), |cars| interval(cars, day.low, day.high)),
                day.expected.map_or_else(|| "-".to_owned(), |cars| interval(cars, day.expected_low, day.expected_high)),
                format!("{:.2}", day.coverage),
                if day.provisional { format!("{verdict} (provisional)") } else { verdict },
            ]
        })
        .collect();
    let mut text = String::new();
    if !request.site.is_empty() {
        text.push_str(&format!("{}\n", printable(&request.site)));
    }
    text.push_str(&table(&["date", "freight cars", "expected", "coverage", "verdict"], &rows));
    text.push('\n');
    for day in flagged(days) {
        text.push_str(&format!("\n{}: {}\n", day.date, day.explanation));
    }
    if let Some((_, shift)) = current_shift(days) {
        text.push_str(&format!("\n{}\n", shift.text));
    }
    if let Some(sentence) = none_flagged(days) {
        text.push_str(&format!("\n{sentence}\n"));
    }
    text.push_str(&closing(request, results));
    if results.missing > 0 {
        text.push_str(&format!("\n{} in the record that the folder does not have", results.missing));
        text.push_str(if request.prune { "" } else { " (--prune forgets such images)" });
    }
    text.push_str(&format!("\nreport: {}", request.out.join("report.html").display()));
    text
}

fn closing(request: &Request, results: &Results) -> String {
    let mut text = String::new();
    if !results.failures.is_empty() {
        text.push_str("\nnot used:\n");
        for (image, reason) in &results.failures {
            text.push_str(&format!("  {}: {reason}\n", printable(image)));
        }
    }
    let counted = results.scenes.len();
    let images = if counted == 1 { "image" } else { "images" };
    let before = if results.kept > 0 { format!(", {} of them counted before", results.kept) } else { String::new() };
    text.push_str(&format!("\n{counted} {images} in {}{before}", request.out.display()));
    text
}

/// A name without the control characters that would drive a terminal.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[derive(Serialize)]
struct ImageJson<'a> {
    image: &'a str,
    acquired: Option<jiff::Timestamp>,
    freight_cars: Option<u32>,
    low: Option<u32>,
    high: Option<u32>,
    locomotives: Option<u32>,
    coaches: Option<u32>,
    coverage: Option<f64>,
    gsd_m: Option<f64>,
    status: &'static str,
    reason: &'a str,
    interval: &'static str,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    image: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    site: &'a str,
    images: Vec<ImageJson<'a>>,
    not_used: Vec<FailureJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<&'a [Day]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trains: Option<&'a [crate::series::trains::TrainNote]>,
}

fn document<'a>(request: &'a Request, results: &'a Results) -> Document<'a> {
    let images = results.observations.iter().map(|o| {
        let count = o.count.as_ref();
        let seen = count.filter(|count| count.status != Status::Unusable);
        ImageJson {
            image: &o.image,
            acquired: o.acquired,
            freight_cars: seen.map(|c| c.freight_cars),
            low: seen.map(|c| c.low),
            high: seen.map(|c| c.high),
            locomotives: seen.map(|c| c.locomotives),
            coaches: seen.map(|c| c.coaches),
            coverage: count.map(|c| c.coverage),
            gsd_m: o.gsd_m,
            status: count.map_or(Status::Unusable, |c| c.status).name(),
            reason: count.map_or(o.failure.as_str(), |c| c.reason.as_str()),
            interval: o.interval.name(),
        }
    });
    let not_used = results.failures.iter().map(|(image, reason)| FailureJson { image, reason }).collect();
    Document { site: &request.site, images: images.collect(), not_used, days: None, trains: None }
}

/// What `count` says to programs.
pub fn count_json(request: &Request, results: &Results) -> impl Serialize {
    serde_json::to_value(document(request, results)).unwrap_or_default()
}

/// What `analyze` says to programs.
pub fn analyze_json(request: &Request, results: &Results, days: &[Day]) -> impl Serialize {
    let document = Document { days: Some(days), trains: Some(&results.trains), ..document(request, results) };
    serde_json::to_value(document).unwrap_or_default()
}

//! `yardwatch analyze`: count a yard on every date, compare the days, report.

use std::path::PathBuf;

use clap::Args;

use super::inputs::CountingArgs;
use super::request::Request;
use super::shared::REPORT_FILE;
use super::work::{Workplace, count_all};
use super::{Outcome, Terminal, summary};
use crate::compare::{compare_site, day_columns, write_days};
use crate::report::chart::{Chart, history_svg};
use crate::report::page::Page;
use crate::series::atomic::write_whole;
use crate::series::store::DayRow;
use crate::{Error, Result};

const HELP: &str = "\
Results in --out:
  report.html     the page to read: chart, days with verdicts and reasons, pictures
  days.csv        one row per day: count, interval, expected range, verdict, explanation
  counts.csv      one row per image
  cars/           the vehicles of each image (GeoJSON)
  overlays/       pictures of each image with its vehicles
  tracks.geojson  the tracks found, where none were given: correct them and give them back with --tracks
  yardwatch.gpkg  everything, for QGIS. Corrections made there in the layer `cars` are kept

The same command on a folder that has grown counts only what is new.

Examples:
  yardwatch analyze sample_tiles --out report
  yardwatch analyze images --out report --aoi aoi.geojson --tracks tracks.geojson --fail-on-anomaly";

/// Arguments of `yardwatch analyze`.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub struct AnalyzeArgs {
    /// Folder of dated images; its site.toml is used if there is one
    ///
    /// The date of an image comes from its metadata or from its name (yard_20231005T015801Z.tif, 2023-10-05.png).
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Everything else.
    #[command(flatten)]
    pub counting: CountingArgs,
    /// End with exit code 4 when a day is flagged
    #[arg(long)]
    pub fail_on_anomaly: bool,
    /// Survey the site anew from the images at hand, and count all of them again
    ///
    /// The first run surveys the site: what its images have in common, and its tracks where none are given. Images that come later are
    /// brought onto that survey, so that they change nothing about those counted before.
    #[arg(long)]
    pub resurvey: bool,
    /// Compare each day with all other days, not only with earlier ones
    #[arg(long)]
    pub retrospective: bool,
}

/// Does what the arguments say.
///
/// # Errors
/// When nothing can be done or written; a single bad image is an [`Outcome`].
pub fn run(args: &AnalyzeArgs, terminal: &Terminal) -> Result<Outcome> {
    if !args.folder.is_dir() {
        let what = if args.folder.exists() {
            "is no folder; to count single images use yardwatch count"
        } else {
            "there is no such folder"
        };
        return Err(Error::document(&args.folder, what));
    }
    let inputs = [args.folder.clone()];
    let request = Request::new(&inputs, Some(&args.folder), &args.counting, args.retrospective, terminal)?;
    let request = Request { survey: true, resurvey: args.resurvey, ..request };
    let mut place = Workplace::open(&request.out)?;
    let mut results = count_all(&request, &mut place, terminal)?;
    let undated: Vec<String> = results.undated().into_iter().map(str::to_owned).collect();
    for image in undated {
        let reason = "counted, but not compared: its date is not known; put it in the file name (2023-10-05) or give --acquired";
        terminal.warn(&format!("{image}: {reason}"));
        results.failures.push((image, reason.to_owned()));
    }
    let days = compare_site(&results.dated_counts(), &request.rules);
    let rows: Vec<DayRow> = days.iter().map(day_columns).collect();
    place.store.set_derived(&request.site, &results.yard, &results.observations, &rows, &results.strings)?;
    write_days(&place.out.join("days.csv"), &days)?;
    let pictures = summary::pictures(&place, &results)?;
    let chart = history_svg(&days, &Chart::default());
    let html = Page {
        site: &request.site,
        days: &days,
        scenes: &pictures,
        trains: &results.trains,
        failures: &results.failures,
        rules: &request.rules,
        chart: &chart,
    }
    .html();
    write_whole(&place.out.join(REPORT_FILE), html.as_bytes())?;
    if terminal.json() {
        terminal.print_json(&summary::analyze_json(&request, &results, &days))?;
    } else {
        terminal.say(&summary::analyze_text(&request, &results, &days))?;
    }
    let flagged = days.iter().any(|day| day.verdict.is_anomalous());
    Ok(match (flagged && args.fail_on_anomaly, results.failures.is_empty()) {
        (true, _) => Outcome::Flagged,
        (false, false) => Outcome::SomeInputsUnused,
        (false, true) => Outcome::Done,
    })
}

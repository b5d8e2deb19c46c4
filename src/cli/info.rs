//! `yardwatch info`: what the program understands of an image.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::inputs::positive;
use super::{Outcome, Terminal};
use crate::raster::{Checksum, Role, Scene, SceneOptions, Sun, checksum, find_images, open_raster};
use crate::{Error, Result};

/// Arguments of `yardwatch info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Images, or folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Decode every pixel; print the SHA-256 of the samples (band-sequential, little-endian, in the file's own type) and the number
    /// of valid pixels
    #[arg(long)]
    pub checksum: bool,
    /// Ground sample distance in metres per pixel, for images that do not say it
    #[arg(long, value_name = "M", value_parser = positive)]
    pub gsd: Option<f64>,
}

/// What is known of an image.
#[derive(Debug, Serialize)]
struct Info {
    image: String,
    width: u32,
    height: u32,
    bands: Vec<Role>,
    bands_from: Option<String>,
    sample_type: &'static str,
    nodata: Option<f64>,
    layout: String,
    epsg: Option<u32>,
    crs: Option<String>,
    geotransform: Option<[f64; 6]>,
    centre_lonlat: Option<[f64; 2]>,
    gsd_m: Option<[f64; 2]>,
    acquired: Option<jiff::Timestamp>,
    acquired_from: Option<&'static str>,
    sun: Option<Sun>,
    off_nadir_deg: Option<f64>,
    cloud_cover: Option<f64>,
    sensor: Option<String>,
    notes: Vec<String>,
    /// Why the image cannot be counted, although its pixels can be read.
    problem: Option<String>,
    checksum: Option<Checksum>,
}

/// An image that cannot be read, for programs.
#[derive(Debug, Serialize)]
struct Unreadable {
    image: String,
    error: String,
}

/// Does what the arguments say.
///
/// # Errors
/// When standard output cannot be written; a bad image is an [`Outcome`].
pub fn run(args: &InfoArgs, terminal: &Terminal) -> Result<Outcome> {
    let listing = find_images(&args.inputs);
    let options = SceneOptions { gsd_m: args.gsd, acquired: None, max_memory_mib: terminal.shared.max_memory as usize };
    let mut bad: Vec<(PathBuf, Error)> = listing.unusable;
    let mut documents = Vec::new();
    let mut problems = false;
    for path in &listing.images {
        match info(path, &options, args.checksum) {
            Ok(info) => {
                problems |= info.problem.is_some();
                if terminal.json() {
                    documents.push(serde_json::to_value(&info).unwrap_or_default());
                } else {
                    terminal.say(&text(&info))?;
                }
            }
            Err(error) => bad.push((path.clone(), error)),
        }
    }
    for (path, error) in &bad {
        terminal.error(&error.to_string());
        let unreadable = Unreadable { image: path.display().to_string(), error: error.to_string() };
        documents.push(serde_json::to_value(unreadable).unwrap_or_default());
    }
    if terminal.json() {
        terminal.print_json(&documents)?;
    }
    Ok(if bad.is_empty() && !problems { Outcome::Done } else { Outcome::SomeInputsUnused })
}

fn info(path: &Path, options: &SceneOptions, with_checksum: bool) -> Result<Info> {
    match Scene::open(path, options) {
        Ok(scene) => {
            let checksum = with_checksum.then(|| checksum(scene.source.as_ref())).transpose()?;
            Ok(of_scene(path, scene, checksum))
        }
        // The pixels may be fine although the scale is not known.
        Err(problem) => {
            let source = open_raster(path, options.max_memory_mib);
            let Ok(source) = source else { return Err(problem) };
            let checksum = with_checksum.then(|| checksum(source.as_ref())).transpose()?;
            Ok(Info { problem: Some(reason(problem)), checksum, ..of_source(path, source.as_ref()) })
        }
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::Image { reason, .. } | Error::Document { reason, .. } => reason,
        other => other.to_string(),
    }
}

fn of_source(path: &Path, source: &dyn crate::raster::RasterSource) -> Info {
    Info {
        image: path.display().to_string(),
        width: source.width(),
        height: source.height(),
        bands: vec![Role::Other; source.bands()],
        bands_from: None,
        sample_type: source.sample_type().name(),
        nodata: source.nodata(),
        layout: source.layout(),
        epsg: None,
        crs: None,
        geotransform: None,
        centre_lonlat: None,
        gsd_m: None,
        acquired: None,
        acquired_from: None,
        sun: None,
        off_nadir_deg: None,
        cloud_cover: None,
        sensor: None,
        notes: Vec::new(),
        problem: None,
        checksum: None,
    }
}

fn of_scene(path: &Path, scene: Scene, checksum: Option<Checksum>) -> Info {
    let source = scene.source.as_ref();
    let georeference = scene.georeference.as_ref();
    let centre = [f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0];
    Info {
        bands: scene.bands.roles.clone(),
        bands_from: Some(scene.bands.from.clone()),
        epsg: georeference.and_then(|g| g.epsg),
        crs: georeference.and_then(|g| g.crs.as_ref()).map(|crs| crs.name.clone()),
        geotransform: georeference.map(|g| g.geotransform),
        centre_lonlat: georeference.and_then(|g| g.to_lonlat(centre[0], centre[1])),
        gsd_m: Some(scene.gsd_m),
        acquired: scene.acquired.map(|acquired| acquired.time),
        acquired_from: scene.acquired.map(|acquired| acquired.from.name()),
        sun: scene.sun,
        off_nadir_deg: scene.off_nadir_deg,
        cloud_cover: scene.cloud_cover,
        sensor: scene.sensor.clone(),
        notes: scene.notes.clone(),
        checksum,
        ..of_source(path, source)
    }
}

fn text(info: &Info) -> String {
    let mut lines = vec![info.image.clone()];
    let mut line = |key: &str, value: String| lines.push(format!("  {key:<13}{value}"));
    line("size", format!("{} x {} pixels, {}", info.width, info.height, info.layout));
    let roles: Vec<String> = info.bands.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
    let from = info.bands_from.as_ref().map_or_else(String::new, |from| format!(" ({from})"));
    line("bands", format!("{} {}: {}{from}", info.bands.len(), info.sample_type, roles.join(", ")));
    if let Some(nodata) = info.nodata {
        line("nodata", nodata.to_string());
    }
    match (&info.crs, info.epsg, info.geotransform) {
        (Some(name), Some(code), _) => line("CRS", format!("EPSG:{code} {name}")),
        (Some(name), None, _) => line("CRS", name.clone()),
        (None, _, Some(_)) => line("CRS", "not known".into()),
        (None, _, None) => line("CRS", "no georeference".into()),
    }
    if let Some(numbers) = info.geotransform {
        line("geotransform", numbers.map(|n| n.to_string()).join(", "));
    }
    if let Some([lon, lat]) = info.centre_lonlat {
        line("centre", format!("{lon:.6}, {lat:.6} (longitude, latitude)"));
    }
    if let Some([x, y]) = info.gsd_m {
        line("GSD", if (x / y - 1.0).abs() < 1e-3 { format!("{x:.4} m") } else { format!("{x:.4} x {y:.4} m") });
    }
    match (info.acquired, info.acquired_from) {
        (Some(time), Some(from)) => line("acquired", format!("{time} ({from})")),
        _ => line("acquired", "not known".into()),
    }
    if let Some(sun) = info.sun {
        line("sun", format!("azimuth {:.1}, elevation {:.1} degrees", sun.azimuth_deg, sun.elevation_deg));
    }
    if let Some(angle) = info.off_nadir_deg {
        line("off nadir", format!("{angle:.1} degrees"));
    }
    if let Some(share) = info.cloud_cover {
        line("cloud", format!("{:.0} % of the image", share * 100.0));
    }
    if let Some(sensor) = &info.sensor {
        line("sensor", sensor.clone());
    }
    for note in &info.notes {
        line("note", note.clone());
    }
    if let Some(problem) = &info.problem {
        line("problem", problem.clone());
    }
    if let Some(checksum) = &info.checksum {
        line("sha256", checksum.sha256.clone());
        line("valid pixels", checksum.valid_pixels.to_string());
    }
    lines.join("\n")
}

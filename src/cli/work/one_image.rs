//! One image from its file to its record and its picture.

use std::sync::Arc;
use std::time::Instant;

use super::plan::Todo;
use crate::cli::request::Request;
use crate::count::{SceneCount, count_scene};
use crate::raster::{Georeference, Role, Scene, turns_towards};
use crate::report::overlay::{self, Overlay};
use crate::series::key::{PROGRAM, stamp};
use crate::series::record::{Point, SceneRecord};
use crate::series::survey::Survey;
use crate::series::survey::register::Reference;
use crate::{Error, Result};

/// A counted image.
#[derive(Debug)]
pub struct Counted {
    /// What is kept of it.
    pub record: SceneRecord,
    /// Its picture.
    pub overlay: Overlay,
    /// BLAKE3 of what the picture shows.
    pub drawn: String,
}

/// Opens, registers, counts and draws an image; `ground` is what the site looks like, where it was surveyed.
///
/// # Errors
/// When the image cannot be used; the sentence says why.
pub fn count(item: &Todo, request: &Request, ground: Option<&(Reference, Arc<Survey>)>) -> Result<Counted> {
    let start = Instant::now();
    let scene = Scene::open(&item.path, &request.scene)?;
    let mut options = request.count.clone();
    options.debug_dir = options.debug_dir.map(|folder| folder.join(&item.stem));
    if let Some((reference, survey)) = ground {
        options.registration = survey.register(reference, &scene)?;
        options.surveyed = true;
        options.compare = match &options.registration {
            Some(registration) => survey.compare(&scene, registration)?,
            None => None,
        };
    }
    let result = count_scene(&scene, &request.yard, &options)?;
    let mut record = record(item, &scene, result);
    record.round();
    let overlay = draw(&scene, &record, request)?;
    if stamp(&item.path)? != item.stamp {
        return Err(Error::image(&item.path, "the file changed while it was read; run the same command again"));
    }
    record.elapsed_s = start.elapsed().as_secs_f64();
    Ok(Counted { drawn: drawn_key(&record), record, overlay })
}

/// Draws a scene as its record says.
///
/// # Errors
/// When its pixels cannot be read.
pub fn draw(scene: &Scene, record: &SceneRecord, request: &Request) -> Result<Overlay> {
    let pixels = |ring: &Vec<Point>| -> Option<Vec<Point>> {
        ring.iter().map(|p| scene.georeference.as_ref()?.from_lonlat(p[0], p[1])).collect()
    };
    let outline: Vec<Vec<Point>> = request.yard.aoi.iter().filter_map(pixels).collect();
    overlay::draw(scene.source.as_ref(), display_bands(scene), record, &outline, request.scene.max_memory_mib << 20)
}

/// BLAKE3 of what a picture shows.
pub fn drawn_key(record: &SceneRecord) -> String {
    // Numbers, texts and lists always become JSON.
    let text =
        serde_json::to_vec(&(&record.result, record.acquired, record.date_only, env!("CARGO_PKG_VERSION"))).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

/// Bands to show as red, green and blue: grey where one is missing.
fn display_bands(scene: &Scene) -> [usize; 3] {
    let find = |role| scene.bands.find(role);
    match (find(Role::Red), find(Role::Green), find(Role::Blue)) {
        (Some(red), Some(green), Some(blue)) => [red, green, blue],
        _ => [find(Role::Pan).unwrap_or(0); 3],
    }
}

/// Places that belong together, on one side of the 180th meridian: longitudes run on beyond 180 degrees where a line or an outline crosses it.
fn side_by_side(mut places: Vec<Point>) -> Vec<Point> {
    let first = places.first().map_or(0.0, |place| place[0]);
    places.iter_mut().for_each(|place| place[0] += turns_towards(place[0], first));
    places
}

/// Where pixels lie on the ground; nowhere without georeference.
fn ground(georeference: Option<&Georeference>, points: &[Point]) -> Vec<Point> {
    let places = points.iter().map(|p| georeference?.to_lonlat(p[0], p[1])).collect::<Option<Vec<Point>>>();
    side_by_side(places.unwrap_or_default())
}

/// Outline of an image on the ground, closed; empty without georeference.
pub fn footprint(scene: &Scene) -> Vec<Point> {
    let (w, h) = (f64::from(scene.source.width()), f64::from(scene.source.height()));
    ground(scene.georeference.as_ref(), &[[0.0, 0.0], [w, 0.0], [w, h], [0.0, h], [0.0, 0.0]])
}

fn record(item: &Todo, scene: &Scene, result: SceneCount) -> SceneRecord {
    let (width, height) = (scene.source.width(), scene.source.height());
    let georeference = scene.georeference.as_ref();
    let ground = |points: &[Point]| ground(georeference, points);
    let crs = georeference.and_then(|g: &Georeference| g.crs.as_ref());
    SceneRecord {
        image: item.image.clone(),
        stem: item.stem.clone(),
        content: item.content.clone(),
        settings: item.settings.clone(),
        program: PROGRAM.to_owned(),
        acquired: scene.acquired.map(|acquired| acquired.time),
        date_only: scene.acquired.is_some_and(|acquired| acquired.date_only),
        gsd_m: Some(scene.gsd_m),
        sensor: scene.sensor.clone(),
        epsg: georeference.and_then(|g| g.epsg),
        proj: crs.filter(|crs| crs.epsg.is_none()).map(|crs| crs.proj_string.clone()),
        geotransform: georeference.map(|g| g.geotransform),
        width,
        height,
        footprint: footprint(scene),
        places: result.vehicles.iter().map(|vehicle| ground(&vehicle.corners)).collect(),
        track_places: result.tracks.iter().map(|track| ground(&track.line)).collect(),
        notes: scene.notes.clone(),
        elapsed_s: 0.0,
        result,
    }
}

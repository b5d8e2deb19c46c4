//! The survey of the site: taken from the record, or made from the images at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Workplace;
use crate::cli::{Terminal, request::Request};
use crate::count::{GivenTrack, Yard};
use crate::raster::{Scene, SceneOptions};
use crate::report::tracks_geojson::tracks_geojson;
use crate::series::atomic::write_whole;
use crate::series::key::{PROGRAM, settings_key};
use crate::series::survey::edges::Edges;
use crate::series::survey::frame::Frame;
use crate::series::survey::look::Look;
use crate::series::survey::tracks::{self, Gathered, Shown};
use crate::series::survey::usual::usual;
use crate::series::survey::{FEW_SCENES, MARGIN_M, MOST_SCENES, Survey, survey};
use crate::series::workers::in_parallel;
use crate::{Error, Result};

/// Name of the tracks' file in the output folder.
pub const TRACKS_FILE: &str = "tracks.geojson";

/// The survey to count with; none where the images do not say where they lie, or where none was asked for.
///
/// # Errors
/// When the store cannot be read or written, or the run was interrupted.
pub fn of_site(
    request: &Request,
    place: &mut Workplace,
    images: &[(String, PathBuf)],
    interrupt: &Arc<AtomicBool>,
    terminal: &Terminal,
) -> Result<Option<Survey>> {
    if !request.survey {
        return Ok(None);
    }
    let settings = settings_key(&request.yard, request.scene.gsd_m, None, None);
    let kept = place.store.survey(&settings, PROGRAM)?;
    if let Some(kept) = kept.filter(|_| !request.resurvey) {
        let few = kept.images.len() < FEW_SCENES && kept.images.len() < images.len();
        if !few {
            // A run that was stopped may not have come to it.
            bring_tracks_up_to_date(request, place, &kept, terminal)?;
            return Ok(Some(kept));
        }
    }
    let Some(made) = make(request, images, interrupt, terminal)? else { return Ok(None) };
    place.store.set_survey(&settings, PROGRAM, &made)?;
    terminal.detail(&format!(
        "survey of the site: {} of {} images lie on each other; {} tracks",
        made.registered,
        made.images.len(),
        made.tracks.len()
    ));
    // As it will be read from now on, to the last digit.
    let survey = place.store.survey(&settings, PROGRAM)?;
    if let Some(survey) = &survey {
        bring_tracks_up_to_date(request, place, survey, terminal)?;
    }
    Ok(survey)
}

/// Writes the tracks that were found, and says where somebody's edits are left alone and are not what is counted with.
fn bring_tracks_up_to_date(request: &Request, place: &mut Workplace, survey: &Survey, terminal: &Terminal) -> Result<()> {
    let found = request.yard.tracks.is_empty();
    if found && !write_tracks(place, &survey.tracks)? {
        let path = place.out.join(TRACKS_FILE);
        terminal.warn(&format!("{} was edited and is left as it is; to count with it, give it with --tracks", path.display()));
    }
    Ok(())
}

fn make(
    request: &Request,
    images: &[(String, PathBuf)],
    interrupt: &Arc<AtomicBool>,
    terminal: &Terminal,
) -> Result<Option<Survey>> {
    let chosen: Vec<(String, PathBuf)> = spread(images.len(), MOST_SCENES).map(|i| images[i].clone()).collect();
    // What cannot be used is named when it is counted.
    let open = |path: &Path, options: &SceneOptions| Scene::open(path, options).ok().filter(|scene| scene.georeference.is_some());
    let Some(frame) = frame(request, &chosen, |path| open(path, &request.scene)) else { return Ok(None) };
    let bar = terminal.bar(chosen.len() as u64, "survey of the site");
    let (workers, options) = super::shared_out(request, chosen.len());
    let ground = frame.clone();
    let mut seen: BTreeMap<(String, PathBuf), Edges> = BTreeMap::new();
    in_parallel(
        chosen,
        workers,
        interrupt,
        move |(_, path): &(String, PathBuf)| open(path, &options).and_then(|scene| Edges::of(&scene, &ground).ok().flatten()),
        |item, edges| {
            if let Ok(Some(edges)) = edges {
                seen.insert(item.clone(), edges);
            }
            terminal.step(&bar, &item.0);
            Ok(())
        },
    )?;
    bar.finish_and_clear();
    let (used, edges): (Vec<(String, PathBuf)>, Vec<Edges>) = seen.into_iter().unzip();
    let names = used.iter().map(|(name, _)| name.clone()).collect();
    let Some((mut survey, shifts)) = survey(frame.clone(), names, &edges) else { return Ok(None) };
    drop(edges);
    let placed: Vec<(&PathBuf, [f64; 2])> =
        used.iter().zip(shifts).filter_map(|((_, path), shift)| Some((path, shift?))).collect();
    let given = !request.yard.tracks.is_empty();
    let what = if given { "bringing the tracks onto the site" } else { "looking for tracks" };
    let mut gathered = Gathered::new(frame.clone());
    let mut looks = Vec::new();
    let bar = terminal.bar(placed.len().min(tracks::MOST_SCENES) as u64, what);
    for i in spread(placed.len(), tracks::MOST_SCENES) {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let (path, shift) = placed[i];
        if let Some(scene) = open(path, &request.scene)
            && let Ok(seen) = Gathered::look(&frame, &scene, &request.yard, shift, request.scene.max_memory_mib)
        {
            gathered.add(seen);
            looks.extend(Look::of(&scene, &frame).ok().flatten().map(|look| (look, shift)));
        }
        terminal.step(&bar, &path.display().to_string());
    }
    bar.finish_and_clear();
    survey.usual = usual(&looks);
    if given {
        if let Some(Shown { moved_m, retraced, sure }) = gathered.shown(&request.yard.tracks, survey.site_sd_m()) {
            (survey.tracks_shown_m, survey.tracks, survey.tracks_sure) = (Some(moved_m), retraced, sure);
        }
    } else {
        survey.tracks = gathered.tracks(&request.yard);
    }
    Ok(Some(survey))
}

/// At most `most` of `all` places, evenly spread.
fn spread(all: usize, most: usize) -> impl Iterator<Item = usize> {
    let number = all.min(most);
    (0..number).map(move |k| k * all / number)
}

/// The ground of the site: round the yard, where it is known; else what most images cover.
fn frame(request: &Request, images: &[(String, PathBuf)], open: impl Fn(&Path) -> Option<Scene>) -> Option<Frame> {
    let yard: &Yard = &request.yard;
    let places: Vec<[f64; 2]> =
        yard.aoi.iter().chain(yard.tracks.iter().map(|track: &GivenTrack| &track.line)).flatten().copied().collect();
    if !places.is_empty() {
        return Frame::around(&places, MARGIN_M);
    }
    let corners: Vec<[f64; 4]> = images
        .iter()
        .filter_map(|(_, path)| {
            let scene = open(path)?;
            let (w, h) = (f64::from(scene.source.width()), f64::from(scene.source.height()));
            let georeference = scene.georeference.as_ref()?;
            let ends: Vec<[f64; 2]> = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]]
                .iter()
                .map(|p: &[f64; 2]| georeference.to_lonlat(p[0], p[1]))
                .collect::<Option<_>>()?;
            let side = |axis: usize, better: fn(f64, f64) -> f64| ends.iter().map(|p| p[axis]).reduce(better);
            Some([side(0, f64::min)?, side(1, f64::min)?, side(0, f64::max)?, side(1, f64::max)?])
        })
        .collect();
    let median = |side: usize| {
        let mut values: Vec<f64> = corners.iter().map(|c| c[side]).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Frame::around(&[[median(0)?, median(1)?], [median(2)?, median(3)?]], 0.0)
}

/// Writes the tracks that were found, if any were, ready to be corrected and given back; says whether the file holds them, for one that was edited is
/// left alone.
fn write_tracks(place: &mut Workplace, tracks: &[GivenTrack]) -> Result<bool> {
    let path = place.out.join(TRACKS_FILE);
    if tracks.is_empty() {
        return Ok(true);
    }
    let bytes = tracks_geojson(tracks).map_err(|e| Error::document(&path, e.to_string()))?;
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let written = place.store.written_tracks()?;
    let there = std::fs::read(&path).ok().map(|there| hash(&there));
    let own = hash(&bytes);
    if there.as_ref().is_some_and(|there| *there != own && written.as_ref() != Some(there)) {
        return Ok(false);
    }
    // The file first: stopped in between, the next run finds its own bytes.
    if there.as_ref() != Some(&own) {
        write_whole(&path, &bytes)?;
    }
    if written.as_ref() != Some(&own) {
        place.store.set_written_tracks(&own)?;
    }
    Ok(true)
}

//! The count of one scene: pixels to tracks to cars.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::belief::judged;
use super::caveats::caveats;
use super::coverage::Seen;
use super::debug::Debug;
use super::elsewhere;
use super::follow::Tracks;
use super::interval::{Conditions, interval};
use super::mapping::{Mapped, Mapping};
use super::memory::Memory;
use super::site::{Ground, Site};
use super::usual::{self, Compare, Compared, drop_usual};
use super::vehicle::number_strings;
use super::walk::{Candidate, Walked};
use super::{Count, SceneCount, SceneTrack, Status, Vehicle};
use crate::error::Result;
use crate::raster::Scene;
use crate::segment::side_by_side::{Footprint, resolve};
use crate::threshold::{MARGIN_M, Plane, scene_stretch, yard_map};
use crate::tile::Area;
use crate::track::Centreline;
use crate::track::align::{Aligned, Expected, Registration, align, aligned_at, placed};
use crate::track::beside::Lines;
use crate::track::find::{SHORTEST_M, find};

/// What is known of the yard, in WGS84; both parts may be empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Yard {
    /// Centrelines of its tracks.
    pub tracks: Vec<GivenTrack>,
    /// Rings of its outline as (longitude, latitude), outer ones one way round and holes the other ([`super::outline::Outline`]).
    pub aoi: Vec<Vec<[f64; 2]>>,
    /// How its tracks came to be known.
    pub origin: Origin,
}

/// How the tracks of a yard came to be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Drawn by somebody, or taken from a map: up to a few metres off.
    #[default]
    Given,
    /// Given, and retraced along what the images of the site show together: off by a few decimetres.
    Retraced,
    /// Found in the images of the site together, as well placed; they are believed only where they show themselves.
    Found,
}

/// A track that was given, not found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GivenTrack {
    /// Its name.
    pub name: String,
    /// Centreline as (longitude, latitude).
    pub line: Vec<[f64; 2]>,
}

/// How to count, apart from the yard.
#[derive(Debug, Clone)]
pub struct CountOptions {
    /// Memory that counting may take, in MiB; the result does not depend on it.
    pub max_memory_mib: usize,
    /// The scene's own folder for pictures of what each step saw, if they are wanted.
    pub debug_dir: Option<PathBuf>,
    /// Core size of the tiles in metres, rounded up to a multiple of 64 (less where memory asks for it); the result does not depend on it.
    pub tile_size: Option<u32>,
    /// Where the scene shows the site, if that was found.
    pub registration: Option<Registration>,
    /// The scene was held against its site: without a registration it fits nowhere on it.
    pub surveyed: bool,
    /// Compares it with its site, where other images of that are known.
    pub compare: Option<Compare>,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { max_memory_mib: 1024, debug_dir: None, tile_size: None, registration: None, surveyed: false, compare: None }
    }
}

/// GSD above which cars cannot be counted at all, metres, and by how much one may be over it: the pixels of an image said to be of 1.2 m are
/// a few millimetres larger or smaller by its georeference.
const COARSEST_M: f64 = 1.2;
const COARSER_M: f64 = 0.005;
/// Least sides of an image, metres: narrower ones show too little beside a track to tell it from a road (of the cars of a rendered yard none was found in
/// a band of 13 m around them, two in one of 16 m), and shorter ones show no track that is long enough to be one.
const LEAST_SIDES_M: [f64; 2] = [16.0, SHORTEST_M];
/// How often tracks are looked for: those that are sure in the first round keep the second from straying onto them.
const ROUNDS: usize = 2;
/// Ground on either side of a sure track that no other track's centre line enters, metres: half the narrowest spacing, and the spread of
/// the evidence left to the neighbour.
const CLEAR_M: f64 = 2.0;
/// Distance between the points of a track that is written out, metres.
const TRACK_POINT_M: f64 = 2.0;
/// Confidence below which nobody should rely on given tracks being where they were taken to be.
const LEAST_CONFIDENCE: f64 = 0.05;
/// Confidence below which the next best place of given tracks is looked at as well. Of a real yard in 22 degraded forms it was wrong in four, with up to
/// .18, and right in others with .03; most rendered yards have more.
const DOUBTFUL_CONFIDENCE: f64 = 0.25;
/// Coverage below which a scene says nothing, and above which nothing worth mentioning is missing.
const LEAST_COVERAGE: f64 = 0.3;
const WHOLE_COVERAGE: f64 = 0.97;

/// Two things that look like cars, nearer to each other than this, are one, metres: less than the narrowest spacing of tracks.
const ONE_THING_M: f64 = 3.0;

/// Counts the vehicles of a scene.
///
/// # Errors
/// When the image cannot be decoded where the yard lies.
pub fn count_scene(scene: &Scene, yard: &Yard, options: &CountOptions) -> Result<SceneCount> {
    let mut counted = count_pixels(scene, yard, options)?;
    if counted.count.status != Status::Unusable {
        let said = std::mem::take(&mut counted.count.reason);
        let all = [said].into_iter().chain(caveats(scene, yard)).filter(|said| !said.is_empty());
        counted.count.reason = all.collect::<Vec<_>>().join("; ");
    }
    Ok(counted)
}

fn count_pixels(scene: &Scene, yard: &Yard, options: &CountOptions) -> Result<SceneCount> {
    let registration = options.registration;
    let ground = Ground::of(scene, registration.and_then(|registration| registration.turn));
    let gsd = scene.gsd_m[0].max(scene.gsd_m[1]);
    if gsd >= COARSEST_M + COARSER_M {
        return Ok(unusable(format!("GSD of {gsd:.2} m is too coarse: cars are counted up to {COARSEST_M} m")));
    }
    let image = ground.area();
    if image.width().min(image.height()) < LEAST_SIDES_M[0] || image.width().max(image.height()) < LEAST_SIDES_M[1] {
        return Ok(unusable(too_small(image)));
    }
    let site = Site::new(yard, &ground, registration.map(|registration| registration.shift_m));
    let Some(area) = site.area(image) else {
        // What is doubtful about the image's place may be why.
        let all = ["the yard lies outside the image"].into_iter().chain(scene.caveats.iter().map(String::as_str));
        return Ok(unusable(all.collect::<Vec<_>>().join("; ")));
    };
    let Some(stretch) = scene_stretch(scene, area)? else {
        return Ok(unusable("no valid pixel over the yard".into()));
    };
    let memory = Memory::of(options.max_memory_mib);
    let read = area.grown(MARGIN_M);
    let Some(mut plane) = Plane::new(scene, stretch, read, memory.pixels, memory.track_pixels)? else {
        return Ok(unusable("no valid pixel over the yard".into()));
    };
    let debug = options.debug_dir.as_deref().map(Debug::new).transpose()?;
    let core_m = options.tile_size.map_or(yard_map::CORE_M, |size| size as usize);
    let core_m = memory.core_m(core_m, rayon::current_num_threads());
    let Mapped { mut map, seen: ground_seen, fill, snow } =
        Mapping { scene, site: &site, image, read, core_m, memory }.run(&mut plane)?;
    let debug = debug.as_ref();
    // Where nothing is known of the yard, only its tracks tell how much of it was seen, if there are any.
    let seen = if site.is_unknown() { Seen::default() } else { ground_seen };
    let mut all = Parts { seen, snow: snow.lies(), ..Parts::default() };
    if site.lines.is_empty() {
        let mut found: Vec<Walked> = Vec::new();
        for round in 0..ROUNDS {
            let lines: Vec<Centreline> =
                find(&map).into_iter().map(|found| found.line).filter(|line| site.admits(line)).collect();
            if round == 0
                && let Some(debug) = debug
            {
                debug.map(&map, &lines)?;
            }
            let first = found.len();
            let known: Lines = found.iter().map(|walked| &walked.line).chain(&lines).collect();
            let (lines, known) = (&lines, &known);
            let tracks =
                Tracks { lines, others: &[], first, known, scene, site: &site, ground: &ground, map: &map, debug, memory };
            let (mut walked, seen) = tracks.walked(&mut plane)?;
            all.seen = all.seen.and(seen);
            all.drop_usual(&mut walked, options);
            let sure = walked.iter().flat_map(|walked| &walked.sure);
            map.clear(sure.flat_map(|line| &line.points), CLEAR_M);
            found.extend(walked);
        }
        all.seen = all.seen.with_fill(fill.share());
        if site.is_unknown() && found.iter().all(|walked| walked.candidates.is_empty()) {
            all.seen = all.seen.or_country(ground_seen.of_country());
        }
        let names = (1..=found.len()).map(|number| format!("t{number}"));
        all.add_believed(found, names, (&ground, &site, plane.is_soft()), debug)?;
    } else {
        let expected = Expected::of(options.registration);
        let mut aligned = if site.placed { placed(&site.lines, &map, expected) } else { align(&site.lines, &map, expected) };
        if options.registration.is_none()
            && aligned.confidence < DOUBTFUL_CONFIDENCE
            && let Some(other) = aligned.other_shift
        {
            // To the map dull roofs look less like track than bare rails beside them; a strip shows both for what they are.
            let other = aligned_at(&site.lines, &map, other);
            let mut score = |aligned: &Aligned| -> Result<f64> {
                let (lines, others) = (&aligned.lines, &aligned.others);
                let known = &lines.iter().collect();
                let tracks =
                    Tracks { lines, others, first: 0, known, scene, site: &site, ground: &ground, map: &map, debug, memory };
                Ok(tracks.look_like_tracks(&mut plane)? - expected.cost_alone(aligned.shift))
            };
            if score(&other)? > score(&aligned)? {
                aligned = Aligned { confidence: aligned.confidence, ..other };
            }
        }
        (all.shift, all.confidence) = (aligned.shift, aligned.confidence);
        if let Some(debug) = debug {
            debug.map(&map, &aligned.lines)?;
        }
        let (lines, others) = (&aligned.lines, &aligned.others);
        let known = &lines.iter().collect();
        let tracks = Tracks { lines, others, first: 0, known, scene, site: &site, ground: &ground, map: &map, debug, memory };
        let (mut walked, seen) = tracks.walked(&mut plane)?;
        all.seen = all.seen.and(seen);
        all.drop_usual(&mut walked, options);
        let names = site.names.iter().cloned();
        if site.found {
            all.add_believed(walked, names, (&ground, &site, plane.is_soft()), debug)?;
        } else {
            let elsewhere = elsewhere::of_cars(&walked);
            if let Some(debug) = debug {
                debug.cars(&walked, &elsewhere)?;
            }
            if !plane.is_soft() {
                elsewhere::drop_doubtful(&mut walked, &elsewhere);
            }
            walked.into_iter().zip(names).for_each(|(walked, name)| all.add(walked, name, (&ground, &site)));
        }
    }
    if let (Some(debug), Some(_)) = (debug, &options.compare) {
        debug.usual(&all.compared)?;
    }
    Ok(all.finish(&ground, &site, gsd, options))
}

/// What the count of a scene is made of.
#[derive(Default)]
struct Parts {
    candidates: Vec<Candidate>,
    tracks: Vec<SceneTrack>,
    /// Of each of them the probability that it is none, where they were found.
    no_track: Vec<f64>,
    shift: [f64; 2],
    confidence: f64,
    seen: Seen,
    snow: bool,
    doubtful_m: f64,
    compared: Vec<Compared>,
    /// Centres of things in the yard that look like cars and are always there.
    usual: Vec<[f64; 2]>,
}

impl Parts {
    /// Takes off lines what is always there.
    fn drop_usual(&mut self, walked: &mut [Walked], options: &CountOptions) {
        self.compared.extend(options.compare.iter().flat_map(|compare| drop_usual(walked, compare)));
    }

    /// Adds what was found along lines that were not given: cars only where the line is believed to be a track.
    fn add_believed(
        &mut self,
        walked: Vec<Walked>,
        names: impl Iterator<Item = String>,
        (ground, site, soft): (&Ground, &Site, bool),
        debug: Option<&Debug>,
    ) -> Result<()> {
        let judgements = judged(&walked, ground.area(), |point| site.searches(point), soft);
        if let Some(debug) = debug {
            debug.lines(&walked, &judgements, |point| ground.to_pixel(point))?;
        }
        for ((mut walked, judgement), name) in walked.into_iter().zip(judgements).zip(names) {
            if !judgement.is_believed() {
                walked.candidates.clear();
                walked.usual.clear();
                walked.doubtful_m = 0.0;
            }
            self.no_track.push(judgement.no_track());
            self.add(walked, name, (ground, site));
        }
        Ok(())
    }

    /// Adds what was found along a track.
    fn add(&mut self, walked: Walked, name: String, (ground, site): (&Ground, &Site)) {
        let step = (TRACK_POINT_M / walked.line.step).ceil().max(1.0) as usize;
        let points: Vec<[f64; 2]> = walked.line.points.iter().step_by(step).copied().collect();
        // Beyond the outline nothing counts, whatever may stand there.
        let inside = points.iter().filter(|&&p| site.holds(p, self.shift)).count();
        self.doubtful_m += walked.doubtful_m * inside as f64 / points.len().max(1) as f64;
        let line = points.into_iter().map(|p| ground.to_pixel(p)).collect();
        self.tracks.push(SceneTrack { name, line, visible: walked.seen });
        for centre in walked.usual.into_iter().filter(|&centre| site.holds(centre, self.shift)) {
            // Two neighbouring tracks may see one thing.
            if self.usual.iter().all(|other| (other[0] - centre[0]).hypot(other[1] - centre[1]) > ONE_THING_M) {
                self.usual.push(centre);
            }
        }
        self.candidates.extend(walked.candidates);
    }

    fn finish(self, ground: &Ground, site: &Site, gsd: f64, options: &CountOptions) -> SceneCount {
        let registration = options.registration;
        let footprints: Vec<Footprint> = self.candidates.iter().map(|candidate| candidate.footprint).collect();
        let stays = resolve(&footprints);
        // What stands on a track where it runs on beyond the outline is not the yard's.
        let own = |candidate: &Candidate| site.holds(candidate.footprint.centre, self.shift);
        let kept = self.candidates.into_iter().zip(stays).filter(|(candidate, stays)| *stays && own(candidate));
        let kept: Vec<Candidate> = kept.map(|(candidate, _)| candidate).collect();
        let coupled: Vec<bool> = kept.iter().map(|candidate| candidate.coupled).collect();
        let mut vehicles: Vec<Vehicle> = kept.into_iter().map(|candidate| candidate.vehicle).collect();
        number_strings(&mut vehicles, &coupled);
        vehicles.iter_mut().enumerate().for_each(|(i, vehicle)| vehicle.id = i as u32 + 1);
        let seen = self.seen.and(Seen::outside(site, ground.area())).and(Seen::beyond(site));
        let coverage = seen.share();
        let number = |class: fn(&Vehicle) -> bool| vehicles.iter().filter(|vehicle| class(vehicle)).count() as u32;
        let freight = number(|vehicle| vehicle.class.is_freight());
        let astray = options.surveyed && registration.is_none();
        let lost = !site.found && registration.is_none() && self.confidence < LEAST_CONFIDENCE;
        let no_track = |vehicle: &Vehicle| self.no_track.get(vehicle.track).copied().unwrap_or(0.0);
        let found = site.found || lost || astray;
        let conditions = Conditions { gsd_m: gsd, found, doubtful_m: self.doubtful_m, cloud: seen.cloud_share() };
        let (low, high) = interval(&vehicles, conditions, no_track);
        let what = if site.is_unknown() && self.tracks.is_empty() { "image" } else { "yard" };
        let part = format!("{:.0} % of the {what} is seen: {}", coverage * 100.0, seen.why());
        let status = match coverage {
            share if share < LEAST_COVERAGE => Status::Unusable,
            // Nobody knows whether it shows the yard at all.
            _ if astray && vehicles.is_empty() => {
                return unusable("the image fits nowhere on the site, and no car is seen there".into());
            }
            share if share < WHOLE_COVERAGE => Status::Partial,
            _ => Status::Ok,
        };
        let reason = match status {
            Status::Unusable => format!("only {part}"),
            Status::Partial if self.tracks.is_empty() => format!("no track found; {part}"),
            Status::Partial => part,
            Status::Ok if self.tracks.is_empty() => "no track found".into(),
            Status::Ok => String::new(),
        };
        let doubt = match status {
            Status::Unusable => None,
            _ if astray => Some("the image fits nowhere on the site, so the interval is wider"),
            _ if lost => Some("the tracks could not be placed for certain, so the interval is wider"),
            _ => None,
        };
        let snow = (self.snow && status != Status::Unusable).then_some("snow lies on the ground");
        let usual = if status == Status::Unusable { None } else { usual::said(self.usual.len()) };
        let said = [reason.as_str()].into_iter().filter(|said| !said.is_empty()).chain(snow).chain(doubt).chain(usual.as_deref());
        let reason = said.collect::<Vec<_>>().join("; ");
        let count = Count {
            freight_cars: freight,
            low,
            high,
            locomotives: number(|vehicle| vehicle.class == super::Class::Locomotive),
            coaches: number(|vehicle| vehicle.class == super::Class::Coach),
            coverage,
            status,
            reason,
        };
        let (moved, middle) = site.moved;
        // Counting follows the lines; where the scene lies is known by the site's other images as well.
        let (moved, shown) = (ground.to_east_north(middle, moved), ground.to_east_north(middle, self.shift));
        let registration_m = match registration {
            Some(registration) if !site.found => registration.shift_of_scene(shown, self.confidence),
            _ => [moved[0] + shown[0], moved[1] + shown[1]],
        };
        let registration_confidence = registration.map_or(self.confidence, |registration| registration.confidence);
        let registration_turn = registration.and_then(|registration| registration.turn);
        SceneCount { count, vehicles, tracks: self.tracks, registration_m, registration_turn, registration_confidence }
    }
}

fn too_small(image: Area) -> String {
    let [narrow, long] = LEAST_SIDES_M;
    let (width, height) = (image.width(), image.height());
    format!("the image shows {width:.1} x {height:.1} m: a track is seen from {narrow:.0} x {long:.0} m on")
}

fn unusable(reason: String) -> SceneCount {
    let count =
        Count { freight_cars: 0, low: 0, high: 0, locomotives: 0, coaches: 0, coverage: 0.0, status: Status::Unusable, reason };
    SceneCount {
        count,
        vehicles: Vec::new(),
        tracks: Vec::new(),
        registration_m: [0.0; 2],
        registration_turn: None,
        registration_confidence: 0.0,
    }
}

//! From the arguments of `count` and `analyze` to what is to be done.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Terminal;
use super::inputs::CountingArgs;
use super::settings::{SITE_FILE, Site};
use crate::compare::Rules;
use crate::count::{CountOptions, Yard};
use crate::raster::{Acquired, AcquiredFrom, SceneOptions};
use crate::series::yard::read_yard;
use crate::{Error, Result};

/// Everything `count` and `analyze` need to know, read and checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Images and folders.
    pub inputs: Vec<PathBuf>,
    /// Folder for the results.
    pub out: PathBuf,
    /// Name of the site.
    pub site: String,
    /// What is known of the yard.
    pub yard: Yard,
    /// What the images may not say of themselves.
    pub scene: SceneOptions,
    /// How to count.
    pub count: CountOptions,
    /// How to compare.
    pub rules: Rules,
    /// Make a survey of the site from its images, or take the one that is there.
    pub survey: bool,
    /// Make the survey anew although there is one.
    pub resurvey: bool,
    /// Forget images that are no longer there.
    pub prune: bool,
    /// Threads.
    pub jobs: usize,
}

impl Request {
    /// Reads settings and yard. `folder` is where a `site.toml` is looked for when none is named.
    ///
    /// # Errors
    /// When a file that was named cannot be used, or a setting makes no sense.
    pub fn new(
        inputs: &[PathBuf],
        folder: Option<&Path>,
        args: &CountingArgs,
        retrospective: bool,
        terminal: &Terminal,
    ) -> Result<Self> {
        let found = folder.map(|folder| folder.join(SITE_FILE)).filter(|path| path.is_file());
        let by_hand = args.aoi.is_some() || args.tracks.is_some();
        let site = match (&args.site, found) {
            (Some(path), _) => Site::read(path)?,
            // Rules and name still hold when the yard is given on the command line.
            (None, Some(path)) => {
                terminal.detail(&format!("settings from {}", path.display()));
                let site = Site::read(&path)?;
                if by_hand { Site { aoi: None, tracks: None, ..site } } else { site }
            }
            (None, None) => Site::default(),
        };
        let aoi = args.aoi.as_deref().or(site.aoi.as_deref());
        let tracks = args.tracks.as_deref().or(site.tracks.as_deref());
        let (yard, notes) = read_yard(tracks, aoi)?;
        notes.iter().for_each(|note| terminal.warn(note));
        let name = site.name.clone().or_else(|| folder.map(folder_name)).unwrap_or_default();
        let acquired = args.acquired.as_deref().map(parse_time).transpose()?;
        let max_memory_mib = terminal.shared.max_memory as usize;
        Ok(Self {
            inputs: inputs.to_vec(),
            out: args.out.clone(),
            site: name,
            yard,
            scene: SceneOptions { gsd_m: args.gsd.or(site.gsd), acquired, max_memory_mib },
            count: CountOptions {
                max_memory_mib,
                debug_dir: args.debug_dir.clone(),
                tile_size: args.tile_size,
                registration: None,
                surveyed: false,
                compare: None,
            },
            survey: false,
            resurvey: false,
            rules: site.rules(retrospective),
            prune: args.prune,
            jobs: terminal.jobs(),
        })
    }
}

/// The last named part of a folder's path: `.` is asked for its real name.
fn folder_name(folder: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    name(folder).or_else(|| folder.canonicalize().ok().as_deref().and_then(name)).unwrap_or_default()
}

/// A time as RFC 3339, or a date.
fn parse_time(text: &str) -> Result<Acquired> {
    let option = |time: Timestamp, date_only: bool| Acquired { time, from: AcquiredFrom::Option, date_only };
    let as_time = text.parse::<Timestamp>().ok().map(|time| option(time, false));
    let as_date = || {
        let midnight = text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(option(midnight.timestamp(), true))
    };
    as_time
        .or_else(as_date)
        .ok_or_else(|| Error::Setting(format!("--acquired {text:?} is no time; write 2023-10-05T01:58:01Z or 2023-10-05")))
}

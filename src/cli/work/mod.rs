//! What `count` and `analyze` have in common: the images of a site counted into its store, and the files that follow.

mod another_yard;
mod keyed;
mod one_image;
mod plan;
mod redraw;
mod renamed;
mod results;
mod survey;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use plan::Planned;
pub use results::{Results, Scene};

use super::Terminal;
use super::request::Request;
use crate::raster::{SceneOptions, find_images};
use crate::series::atomic::{make_folder, sweep, write_whole};
use crate::series::lock::FolderLock;
use crate::series::store::{IntervalKind, Store};
use crate::series::workers::in_parallel;
use crate::{Error, Result};

/// Folder of the vehicles' files within the output folder.
pub const CARS: &str = "cars";
/// Folder of the pictures within the output folder.
pub const OVERLAYS: &str = "overlays";

/// A scene is given at least so much memory (MiB) before another one is started beside it.
const MIB_PER_SCENE: usize = 256;

/// An output folder that this run works on.
#[derive(Debug)]
pub struct Workplace {
    /// The folder.
    pub out: PathBuf,
    /// Its record of the site.
    pub store: Store,
    _lock: FolderLock,
}

impl Workplace {
    /// Makes the folder, takes it for this run, clears what a killed run left, opens the store.
    ///
    /// # Errors
    /// When the folder cannot be written, or another run works on it.
    pub fn open(out: &Path) -> Result<Self> {
        make_folder(out)?;
        let lock = FolderLock::take(out)?;
        for folder in [out.to_path_buf(), out.join(CARS), out.join(OVERLAYS)] {
            sweep(&folder);
        }
        make_folder(&out.join(CARS))?;
        make_folder(&out.join(OVERLAYS))?;
        Ok(Self { out: out.to_path_buf(), store: Store::open(out)?, _lock: lock })
    }

    /// Takes scenes out of the record, each by its image and the name of its files, which go as well.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget(&mut self, scenes: &[(String, String)]) -> Result<()> {
        // The files first: after a kill in between, the record still knows of them.
        scenes.iter().for_each(|(_, stem)| self.remove_files(stem));
        let images: Vec<String> = scenes.iter().map(|(image, _)| image.clone()).collect();
        self.store.forget(&images)
    }

    fn remove_files(&self, stem: &str) {
        for file in [self.cars_file(stem), self.overlay_file(stem)] {
            // Already gone is as good.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Takes the rest of the scenes away whose row somebody deleted from the table `scenes`.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn forget_deleted(&mut self) -> Result<()> {
        let deleted = self.store.deleted()?;
        if deleted.is_empty() {
            return Ok(());
        }
        // The record that knew the names of their files is gone; the files say whose they are.
        let files = std::fs::read_dir(self.out.join(CARS)).into_iter().flatten().flatten().map(|entry| entry.path());
        let of_deleted = |file: &PathBuf| {
            let document: Option<serde_json::Value> =
                std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let image = document.as_ref().and_then(|document| document["scene"]["image"].as_str());
            image.is_some_and(|image| deleted.iter().any(|deleted| deleted == image))
        };
        files
            .filter(of_deleted)
            .filter_map(|file| file.file_stem()?.to_str().map(str::to_owned))
            .for_each(|stem| self.remove_files(&stem));
        self.store.forget(&deleted)
    }

    /// Gives the picture of a scene another name; its vehicles' file is written anew.
    fn move_files(&self, former: &str, stem: &str) {
        if former != stem {
            // A picture that is not where it should be is drawn again.
            let _ = std::fs::rename(self.overlay_file(former), self.overlay_file(stem));
            self.remove_files(former);
        }
    }

    /// Where a scene's vehicles are written.
    pub fn cars_file(&self, stem: &str) -> PathBuf {
        self.out.join(CARS).join(format!("{stem}.geojson"))
    }

    /// Where a scene's picture is written.
    pub fn overlay_file(&self, stem: &str) -> PathBuf {
        self.out.join(OVERLAYS).join(format!("{stem}.jpg"))
    }
}

/// Counts what has not been counted yet and brings the record, `cars/`, `overlays/` and `counts.csv` up to date.
///
/// # Errors
/// When nothing can be written, or the run was interrupted; what was finished stays. Images that cannot be used are in the
/// results.
pub fn count_all(request: &Request, place: &mut Workplace, terminal: &Terminal) -> Result<Results> {
    let interrupt = interruptible()?;
    let listing = find_images(&request.inputs);
    for (path, reason) in &listing.skipped {
        terminal.detail(&format!("{}: left out: {reason}", path.display()));
    }
    for (folder, images) in &listing.skipped_images {
        let images = if *images == 1 { "an image".to_owned() } else { format!("{images} images") };
        terminal.warn(&format!(
            "{}: {images} in it left out, since it holds the results of a run (yardwatch.gpkg); give results a folder of their own \
             (--out), or count it as an input of its own",
            folder.display()
        ));
    }
    let mut planned = plan::plan(request, place, listing, &interrupt, terminal)?;
    if let (Some(folder), 1..) = (&request.count.debug_dir, planned.kept) {
        terminal.warn(&format!(
            "{}: images counted before are not counted again, so nothing is written here of {} of them; to see all, count into a new folder (--out)",
            folder.display(),
            planned.kept
        ));
    }
    count_planned(request, place, &mut planned, &interrupt, terminal)?;
    let results = results::collect(request, place, &planned, terminal)?;
    warn_of_yard_not_laid(request, &results, terminal);
    redraw::bring_up_to_date(request, place, &results, &planned, terminal)?;
    results::write(request, place, &results)?;
    Ok(results)
}

/// Says on how many images the yard given could not be laid; the reason of each says so too.
fn warn_of_yard_not_laid(request: &Request, results: &Results, terminal: &Terminal) {
    let unplaced = results.scenes.iter().filter(|scene| scene.record.footprint.is_empty()).count();
    let given = !request.yard.tracks.is_empty() || !request.yard.aoi.is_empty();
    if given && unplaced > 0 {
        let images = if unplaced == 1 { "1 image does".to_owned() } else { format!("{unplaced} images do") };
        terminal.warn(&format!(
            "{images} not say where the ground lies that is shown: the outline or tracks given were not used there; give a georeference (a world file \
             and a .prj beside the image, say)"
        ));
    }
}

fn count_planned(
    request: &Request,
    place: &mut Workplace,
    planned: &mut Planned,
    interrupt: &Arc<AtomicBool>,
    terminal: &Terminal,
) -> Result<()> {
    let todo = std::mem::take(&mut planned.todo);
    if todo.is_empty() {
        return Ok(());
    }
    let mut counting = request.clone();
    let (workers, options) = shared_out(request, todo.len());
    counting.scene = options;
    counting.count.max_memory_mib = counting.scene.max_memory_mib;
    counting.yard = planned.yard(request);
    let ground = planned.survey.clone().map(|survey| (survey.reference(), survey));
    let bar = terminal.bar(todo.len() as u64, "counting");
    let number = todo.len();
    let mut finished = 0;
    let site = request.site.clone();
    in_parallel(
        todo,
        workers,
        interrupt,
        move |item: &plan::Todo| one_image::count(item, &counting, ground.as_ref()),
        |item, made| {
            let made = made.map_err(|panic| Error::image(&item.path, panic)).and_then(|made| made);
            finished += 1;
            match made {
                Ok(made) => {
                    // Files first: a scene in the ledger has its files.
                    write_whole(&place.overlay_file(&item.stem), &made.overlay.jpeg)?;
                    write_whole(&place.cars_file(&item.stem), &results::geojson(&made.record, &site, IntervalKind::Model)?)?;
                    if !place.store.commit(&made.record, &made.drawn, &made.overlay.thumbnail)? {
                        // These files show the count that is not kept: they are made again.
                        place.remove_files(&item.stem);
                        planned.kept += 1;
                        terminal.warn(&format!(
                            "{}: its cars were corrected by hand while it was counted again, so the corrections are kept and the new \
                             count is not; to count it anew, delete its row in the table scenes of {}",
                            item.image,
                            place.store.path().display()
                        ));
                    }
                    made.record.notes.iter().for_each(|note| terminal.detail(&format!("{}: {note}", item.image)));
                    terminal.step(&bar, &format!("{finished}/{number} {}", item.image));
                }
                Err(error) => {
                    terminal.warn(&error.to_string());
                    terminal.step(&bar, &format!("{finished}/{number} {}: not used", item.image));
                    planned.failed(place, item, &error)?;
                }
            }
            Ok(())
        },
    )?;
    bar.finish_and_clear();
    Ok(())
}

/// How many of so many images are worked on at a time, and how each may be opened.
fn shared_out(request: &Request, images: usize) -> (usize, SceneOptions) {
    let budget = request.scene.max_memory_mib;
    let workers = request.jobs.min(images).min((budget / MIB_PER_SCENE).max(1)).max(1);
    (workers, SceneOptions { max_memory_mib: (budget / workers).max(1), ..request.scene.clone() })
}

/// A flag that the first Ctrl-C sets; the second one ends the program at once, which loses nothing but the images in work.
fn interruptible() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let failed = |e: std::io::Error| Error::io("signal handler", e);
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, 130, Arc::clone(&flag)).map_err(failed)?;
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&flag)).map_err(failed)?;
    Ok(flag)
}

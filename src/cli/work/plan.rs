//! What is to be counted: the images whose bytes, settings or program are not those of the record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::keyed::{self, Keyed, Settings};
use super::{Workplace, another_yard, renamed, survey};
use crate::cli::{Terminal, request::Request};
use crate::count::Yard;
use crate::raster::{Listing, Scene};
use crate::series::key::{PROGRAM, Stamp};
use crate::series::names::{image_names, may_lie_in, output_stems};
use crate::series::store::Stored;
use crate::series::survey::Survey;
use crate::{Error, Result};

/// An image that is to be counted.
#[derive(Debug, Clone)]
pub struct Todo {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in outputs.
    pub image: String,
    /// Name of its output files.
    pub stem: String,
    /// BLAKE3 of its bytes and those beside it.
    pub content: String,
    /// The file as it was before its bytes were taken.
    pub stamp: Stamp,
    /// BLAKE3 of the settings.
    pub settings: String,
}

/// What is to be done, and what cannot be done.
#[derive(Debug, Default)]
pub struct Planned {
    /// Images to be counted, in the order of their names.
    pub todo: Vec<Todo>,
    /// Images that cannot be used, with the reason.
    pub failures: BTreeMap<String, String>,
    /// Folders that cannot be used, with the reason.
    pub folders: Vec<(String, String)>,
    /// Where the images of the inputs are.
    pub paths: BTreeMap<String, PathBuf>,
    /// Images that the record already had.
    pub kept: usize,
    /// Images of the record that are known not to be in the folder.
    pub missing: usize,
    /// The survey of the site, where there is one.
    pub survey: Option<Arc<Survey>>,
}

impl Planned {
    /// The yard to count: with the tracks of the survey where none were given.
    pub fn yard(&self, request: &Request) -> Yard {
        self.survey.as_ref().map_or_else(|| request.yard.clone(), |survey| survey.complete(&request.yard))
    }

    /// Notes an image that could not be used. What the record holds under its name came from other bytes, settings or program and is forgotten.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn failed(&mut self, place: &mut Workplace, item: &Todo, error: &Error) -> Result<()> {
        self.failures.insert(item.image.clone(), reason(error));
        // Somebody may have corrected its cars since the plan was made.
        if place.store.is_edited(&item.image)? {
            return Ok(());
        }
        place.forget(&[(item.image.clone(), item.stem.clone())])
    }
}

/// The reason alone: the image is named beside it.
fn reason(error: &Error) -> String {
    match error {
        Error::Image { reason, .. } | Error::Document { reason, .. } => reason.clone(),
        Error::Io { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

/// Compares the inputs with the record.
pub fn plan(
    request: &Request,
    place: &mut Workplace,
    listing: Listing,
    interrupt: &Arc<AtomicBool>,
    terminal: &Terminal,
) -> Result<Planned> {
    place.forget_deleted()?;
    let stored = place.store.scenes()?;
    let mut planned = Planned::default();
    for (path, error) in &listing.unusable {
        terminal.warn(&error.to_string());
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        if path.is_dir() {
            planned.folders.push((name, reason(error)));
        } else {
            planned.failures.insert(name, reason(error));
        }
    }
    let unlisted = listing.unusable.into_iter().filter(|(_, error)| matches!(error, Error::Io { .. }));
    let unlisted: Vec<PathBuf> = unlisted.map(|(path, _)| path).collect();
    let images = without_own_pictures(listing.images, place);
    let names = image_names(&request.inputs, &images);
    let mut named: Vec<(String, PathBuf)> = names.into_iter().zip(images).collect();
    named.sort();
    planned.paths = named.iter().cloned().collect();
    let mut known: BTreeMap<String, Stored> = stored.into_iter().map(|s| (s.record.image.clone(), s)).collect();
    let keys = keyed::all(request, &named, interrupt)?;
    let readable = named.iter().zip(&keys).filter_map(|((image, path), key)| Some((image, path, key.as_ref().ok()?)));
    let present: Vec<_> = readable.collect();
    // Of images that are given one by one nobody says which are not there any more.
    let listed = request.inputs.iter().any(|input| input.is_dir());
    let absent = |image: &str| {
        listed && !planned.paths.contains_key(image) && !unlisted.iter().any(|folder| may_lie_in(image, folder, &request.inputs))
    };
    renamed::follow(request, place, &mut known, &present, absent, terminal)?;
    let holds = |image: &String, key: &Keyed| known.get(image).is_some_and(|stored| stored.record.content == key.key);
    // What `count` is given need not be of one yard.
    if request.survey && !present.iter().any(|(image, _, key)| holds(image, key)) {
        another_yard::refuse(request, place, &known, &named)?;
    }
    if request.prune {
        prune(request, place, &mut known, &planned, &unlisted, terminal)?;
    }
    let absent: Vec<&String> = known.keys().filter(|image| !planned.paths.contains_key(*image)).collect();
    planned.missing = missing(&absent, &unlisted, &request.inputs);
    if planned.missing < absent.len() {
        terminal.warn(&format!(
            "{} in the record may lie in a folder that cannot be listed: whether the folder still has them is not known",
            absent.len() - planned.missing
        ));
    }
    let taken = known.iter().map(|(image, s)| (image.clone(), s.record.stem.clone())).collect();
    let order: Vec<String> = named.iter().map(|(image, _)| image.clone()).collect();
    let stems = output_stems(&order, &taken);
    let survey = survey::of_site(request, place, &named, interrupt, terminal)?;
    let survey_key = survey.as_ref().map(Survey::key);
    planned.survey = survey.map(Arc::new);
    let settings = Settings::of(request, survey_key.as_deref());
    for ((image, path), key) in named.into_iter().zip(keys) {
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                terminal.warn(&error.to_string());
                planned.failures.insert(image, reason(&error));
                continue;
            }
        };
        if let Some(stored) = known.get(&image) {
            let record = &stored.record;
            let same_image = record.content == key.key;
            if same_image && settings.hold(&key, &record.settings) && record.program == PROGRAM {
                planned.kept += 1;
                continue;
            }
            if place.store.is_edited(&stored.record.image)? {
                planned.kept += 1;
                if same_image && record.acquired.is_none() {
                    // The count stays; that the image is dated now is no reason to lose what somebody did to it.
                    let acquired = Scene::open(&path, &request.scene).ok().and_then(|scene| scene.acquired);
                    if let Some(acquired) = acquired {
                        place.store.date(record, acquired)?;
                    }
                }
                if !same_image {
                    terminal.warn(&format!(
                        "{image} is another image than the one whose cars were corrected by hand; the corrections are kept. To count \
                         it anew, delete its row in the table scenes of {}",
                        place.store.path().display()
                    ));
                }
                continue;
            }
        }
        let stem = stems.get(&image).cloned().unwrap_or_else(|| image.replace('/', "_"));
        let settings = settings.key(&key).to_owned();
        planned.todo.push(Todo { path, image, stem, content: key.key, stamp: key.stamp, settings });
    }
    Ok(planned)
}

/// How many of the record's images that were not found are known to be gone: those that do not belong into a folder that could not be listed.
fn missing(absent: &[&String], unlisted: &[PathBuf], inputs: &[PathBuf]) -> usize {
    absent.iter().filter(|image| !unlisted.iter().any(|folder| may_lie_in(image, folder, inputs))).count()
}

/// Pictures that earlier runs wrote are no inputs, when the output folder lies within the input folder.
fn without_own_pictures(images: Vec<PathBuf>, place: &Workplace) -> Vec<PathBuf> {
    let own: Vec<PathBuf> =
        [super::OVERLAYS, super::CARS].iter().filter_map(|name| place.out.join(name).canonicalize().ok()).collect();
    let is_own = |path: &PathBuf| path.canonicalize().is_ok_and(|path| own.iter().any(|folder| path.starts_with(folder)));
    images.into_iter().filter(|path| !is_own(path)).collect()
}

fn prune(
    request: &Request,
    place: &mut Workplace,
    known: &mut BTreeMap<String, Stored>,
    planned: &Planned,
    unlisted: &[PathBuf],
    terminal: &Terminal,
) -> Result<()> {
    let mut gone: BTreeSet<String> = known.keys().filter(|image| !planned.paths.contains_key(*image)).cloned().collect();
    if gone.is_empty() {
        return Ok(());
    }
    // A disk that is not there has no images either.
    if planned.paths.is_empty() {
        terminal.warn("no image is there at all, so nothing is forgotten");
        return Ok(());
    }
    // Nor has a folder that may not be read.
    for folder in unlisted {
        let before = gone.len();
        gone.retain(|image| !may_lie_in(image, folder, &request.inputs));
        if gone.len() < before {
            terminal.warn(&format!(
                "{}: what it holds is not known, so {} in the record that may lie there are not forgotten",
                folder.display(),
                before - gone.len()
            ));
        }
    }
    // What a person did is not to be had again.
    for image in known.keys() {
        if gone.contains(image) && place.store.is_edited(image)? {
            gone.remove(image);
            terminal.warn(&format!(
                "{image} is gone but was corrected by hand, so it is kept; delete its row in the table scenes to forget it"
            ));
        }
    }
    let gone: Vec<(String, String)> =
        gone.into_iter().filter_map(|image| known.remove(&image)).map(|s| (s.record.image, s.record.stem)).collect();
    place.forget(&gone)?;
    gone.iter().for_each(|(image, _)| terminal.note(&format!("forgotten: {image}")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_a_folder_that_cannot_be_listed_is_not_known_to_be_missing() {
        let absent = ["closed/a.tif", "gone.tif"].map(str::to_owned);
        let missing = |unlisted: &[&str]| {
            let unlisted: Vec<PathBuf> = unlisted.iter().map(PathBuf::from).collect();
            missing(&absent.iter().collect::<Vec<_>>(), &unlisted, &[PathBuf::from("/yard")])
        };
        assert_eq!(missing(&[]), 2);
        assert_eq!(missing(&["/yard/closed"]), 1);
        assert_eq!(missing(&["/yard"]), 0);
    }
}

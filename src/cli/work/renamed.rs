//! Images that were given another name or moved into another folder: the record follows them, so that nothing is counted again and no
//! correction is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Workplace;
use super::keyed::Keyed;
use crate::Result;
use crate::cli::{Terminal, request::Request};
use crate::raster::Scene;
use crate::series::names::output_stems;
use crate::series::record::SceneRecord;
use crate::series::store::Stored;

/// An image at hand: its name, where it is, and what it is known by.
type Present<'a> = (&'a String, &'a PathBuf, &'a Keyed);

/// Takes the record of an image that is not there any more, or whose name another image has, for that of a new one of the same content, where
/// exactly one is on either side. `absent`: whether an image of the record is known not to be there.
///
/// # Errors
/// When the store cannot be read or written.
pub fn follow(
    request: &Request,
    place: &mut Workplace,
    known: &mut BTreeMap<String, Stored>,
    present: &[Present<'_>],
    absent: impl Fn(&str) -> bool,
    terminal: &Terminal,
) -> Result<()> {
    let mut changed: Vec<(String, SceneRecord)> = same_under_its_former_key(known, present);
    let mut pairs = pairs(known, present, absent);
    let replaced = replaced(place, known, &mut pairs)?;
    place.forget(&replaced)?;
    replaced.iter().for_each(|(image, _)| drop(known.remove(image)));
    // All leave before the first arrives: names may be exchanged.
    let left: Vec<(Stored, Present<'_>)> =
        pairs.into_iter().filter_map(|(former, new)| Some((known.remove(&former)?, new))).collect();
    let stems = known.values().chain(left.iter().map(|(stored, _)| stored));
    let mut taken: BTreeMap<String, String> = stems.map(|s| (former_place(&s.record.image), s.record.stem.clone())).collect();
    for (stored, (image, path, keyed)) in left {
        let former = stored.record.clone();
        let mut record = SceneRecord { image: image.clone(), content: keyed.key.clone(), ..former.clone() };
        // The name may be what dates it.
        let acquired = Scene::open(path, &request.scene).ok().and_then(|scene| scene.acquired);
        if let Some(acquired) = acquired.filter(|a| (Some(a.time), a.date_only) != (record.acquired, record.date_only)) {
            (record.acquired, record.date_only) = (Some(acquired.time), acquired.date_only);
            if !place.store.is_edited(&former.image)? {
                // The count may hang on it (where the sun stood): no settings are these.
                record.settings = String::new();
            }
        }
        // Stems that others leave are not taken: a run that is killed here is to find each picture where its record says, or nowhere.
        taken.remove(&former_place(&former.image));
        record.stem = output_stems(std::slice::from_ref(image), &taken).remove(image).unwrap_or(record.stem);
        taken.insert(former_place(&former.image), former.stem.clone());
        taken.insert(image.clone(), record.stem.clone());
        place.move_files(&former.stem, &record.stem);
        terminal.note(&format!("{} is now {image}", former.image));
        changed.push((former.image, record.clone()));
        known.insert(image.clone(), Stored { record, ..stored });
    }
    if changed.is_empty() { Ok(()) } else { place.store.replace(&changed) }
}

/// A key of stems that is no image's name: another image may have this one's by now.
fn former_place(image: &str) -> String {
    format!("/{image}")
}

/// Images of the record, with the names of their files, whose place others take; what was corrected by hand gives its place to none.
fn replaced(
    place: &Workplace,
    known: &BTreeMap<String, Stored>,
    pairs: &mut Vec<(String, Present<'_>)>,
) -> Result<Vec<(String, String)>> {
    loop {
        let leaving: BTreeSet<String> = pairs.iter().map(|(former, _)| former.clone()).collect();
        let staying = |image: &str| known.get(image).filter(|_| !leaving.contains(image));
        let mut stuck = BTreeSet::new();
        for (former, (image, ..)) in pairs.iter() {
            if staying(image).is_some() && place.store.is_edited(image)? {
                stuck.insert(former.clone());
            }
        }
        if stuck.is_empty() {
            let replaced = pairs.iter().filter_map(|(_, (image, ..))| staying(image));
            return Ok(replaced.map(|stored| (stored.record.image.clone(), stored.record.stem.clone())).collect());
        }
        pairs.retain(|(former, _)| !stuck.contains(former));
    }
}

/// Images of the record whose content has the key of a former version of the program; they get today's.
fn same_under_its_former_key(known: &mut BTreeMap<String, Stored>, present: &[Present<'_>]) -> Vec<(String, SceneRecord)> {
    let mut changed = Vec::new();
    for (image, _, keyed) in present {
        if let Some(stored) = known.get_mut(*image)
            && stored.record.content != keyed.key
            && stored.record.content == keyed.content.former_key()
        {
            stored.record.content.clone_from(&keyed.key);
            changed.push(((*image).clone(), stored.record.clone()));
        }
    }
    changed
}

/// Names in the record that are absent or are another image's by now, each with the one new image that has the content.
fn pairs<'a>(
    known: &BTreeMap<String, Stored>,
    present: &[Present<'a>],
    absent: impl Fn(&str) -> bool,
) -> Vec<(String, Present<'a>)> {
    let is_as_recorded = |image: &str, keyed: &Keyed| known.get(image).is_some_and(|s| s.record.content == keyed.key);
    let new: Vec<&Present<'a>> = present.iter().filter(|(image, _, keyed)| !is_as_recorded(image, keyed)).collect();
    let renewed: BTreeSet<&str> = new.iter().map(|(image, ..)| image.as_str()).collect();
    let mut gone: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (image, stored) in known.iter().filter(|(image, _)| renewed.contains(image.as_str()) || absent(image)) {
        gone.entry(&stored.record.content).or_default().insert(image);
    }
    if gone.is_empty() {
        return Vec::new();
    }
    let stem = |image: &str| Path::new(image).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stems: BTreeSet<String> = gone.values().flatten().map(|image| stem(image)).collect();
    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
    let mut found: BTreeMap<&str, Vec<Present<'a>>> = BTreeMap::new();
    for &&(image, path, keyed) in &new {
        let mut keys = keyed.content.keys_as(&stems);
        keys.extend([keyed.key.clone(), keyed.content.former_key()]);
        let former: BTreeSet<&str> = keys.iter().filter_map(|key| gone.get(key.as_str())).flatten().copied().collect();
        former.into_iter().for_each(|former| found.entry(former).or_default().push((image, path, keyed)));
    }
    let mut claimed: BTreeMap<&str, usize> = BTreeMap::new();
    found.values().flatten().for_each(|(image, ..)| *claimed.entry(image.as_str()).or_default() += 1);
    let one_each = found.into_iter().filter(|(_, new)| new.len() == 1 && claimed[new[0].0.as_str()] == 1);
    one_each.map(|(former, new)| (former.to_owned(), new[0])).collect()
}

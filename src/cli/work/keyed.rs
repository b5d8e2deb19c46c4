//! What the images at hand are known by: their content, and whether they say when they were taken.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::cli::request::Request;
use crate::raster::{Scene, SceneOptions};
use crate::series::key::{Content, Stamp, settings_key, stamp};
use crate::{Error, Result};

/// An image that can be read.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The file as it was before its bytes were taken.
    pub stamp: Stamp,
    /// Its bytes, from which its former keys follow.
    pub content: Content,
    /// BLAKE3 of its bytes and of what is read beside it.
    pub key: String,
    /// It has a date of its own, or none was given for those that have none.
    dated: bool,
}

/// Reads all images, each with the reason where it cannot be.
///
/// # Errors
/// When the run was interrupted.
pub fn all(request: &Request, named: &[(String, PathBuf)], interrupt: &AtomicBool) -> Result<Vec<Result<Keyed>>> {
    let key = |path: &PathBuf| {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let stamp = stamp(path)?;
        let content = Content::of(path)?;
        Ok(Keyed { stamp, key: content.key(), content, dated: is_dated(request, path) })
    };
    let keys = named.par_iter().map(|(_, path)| key(path)).collect();
    if interrupt.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(keys) }
}

fn is_dated(request: &Request, path: &Path) -> bool {
    let own = || Scene::open(path, &SceneOptions { acquired: None, ..request.scene.clone() }).ok()?.acquired;
    request.scene.acquired.is_none() || own().is_some()
}

/// The keys of the settings: of images that have a date of their own, and of those that take the one given.
#[derive(Debug)]
pub struct Settings {
    own_date: String,
    date_given: String,
}

impl Settings {
    /// Of the settings with which images are counted now.
    pub fn of(request: &Request, survey: Option<&str>) -> Self {
        let key = |acquired| settings_key(&request.yard, request.scene.gsd_m, acquired, survey);
        Self { own_date: key(None), date_given: key(request.scene.acquired) }
    }

    /// The key that an image is counted with.
    pub fn key(&self, image: &Keyed) -> &str {
        if image.dated { &self.own_date } else { &self.date_given }
    }

    /// Whether an image was counted with these settings. Records of former versions have the date given also where the image has its own.
    pub fn hold(&self, image: &Keyed, recorded: &str) -> bool {
        recorded == self.key(image) || image.dated && recorded == self.date_given
    }
}

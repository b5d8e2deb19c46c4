//! `yardwatch info`: what the program understands of an image.

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, Terminal};
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
}

/// Does what the arguments say.
///
/// # Errors
/// When standard output cannot be written; a bad image is an [`Outcome`].
pub fn run(_args: &InfoArgs, _terminal: &Terminal) -> Result<Outcome> {
    Err(Error::Setting("info is not there yet".into()))
}

//! `yardwatch count`: the freight cars of images.

use std::path::PathBuf;

use clap::Args;

use super::inputs::CountingArgs;
use super::{Outcome, Terminal};
use crate::{Error, Result};

/// Arguments of `yardwatch count`.
#[derive(Debug, Args)]
pub struct CountArgs {
    /// Images, or folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Everything else.
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// Does what the arguments say.
///
/// # Errors
/// When nothing can be done or written; a single bad image is an [`Outcome`].
pub fn run(_args: &CountArgs, _terminal: &Terminal) -> Result<Outcome> {
    Err(Error::Setting("count is not there yet".into()))
}

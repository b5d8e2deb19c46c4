//! `yardwatch analyze`: count a yard on every date, compare the days, report.

use std::path::PathBuf;

use clap::Args;

use super::inputs::CountingArgs;
use super::{Outcome, Terminal};
use crate::{Error, Result};

/// Arguments of `yardwatch analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// Folder of dated images; its site.toml is used if there is one
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Everything else.
    #[command(flatten)]
    pub counting: CountingArgs,
    /// End with exit code 4 when a day is flagged
    #[arg(long)]
    pub fail_on_anomaly: bool,
    /// Compare each day with all other days, not only with earlier ones
    #[arg(long)]
    pub retrospective: bool,
}

/// Does what the arguments say.
///
/// # Errors
/// When nothing can be done or written; a single bad image is an [`Outcome`].
pub fn run(_args: &AnalyzeArgs, _terminal: &Terminal) -> Result<Outcome> {
    Err(Error::Setting("analyze is not there yet".into()))
}

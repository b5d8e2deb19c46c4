//! What all commands have in common: flags and the ways in which a command can end.

use std::path::Path;

use clap::{ArgAction, Args, ValueEnum};

use crate::series::store::STORE_FILE;
use crate::{Error, Result};

/// The page that `analyze` writes at its end, and no other command.
pub const REPORT_FILE: &str = "report.html";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "General options")]
pub struct Shared {
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Memory for pixels, in MiB; large images are read window by window within it
    #[arg(long, global = true, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(64..))]
    pub max_memory: u32,
    /// Print only errors, and the result with --format json
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is being done (twice: everything)
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Progress on standard error; auto: only on a terminal
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub progress: When,
    /// What goes to standard output: text for people, or one JSON document
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// When to do something that only makes sense on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    Human,
    /// One JSON document.
    Json,
}

/// Keeps other commands out of a folder of `analyze`: they write some of its files, and the rest would contradict these without a word.
///
/// # Errors
/// When the folder holds what `analyze` has finished.
pub fn refuse_analyzed(out: &Path) -> Result<()> {
    if [STORE_FILE, REPORT_FILE].iter().all(|file| out.join(file).exists()) {
        let reason = "holds the results of yardwatch analyze, of which this command would change a part; give it a folder of its own (--out)";
        return Err(Error::document(out, reason));
    }
    Ok(())
}

/// How a command ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was done: exit code 0.
    Done,
    /// Done, but some inputs could not be used; each was named with its reason: exit code 3.
    SomeInputsUnused,
    /// Done, and a day was flagged, with `--fail-on-anomaly`: exit code 4.
    Flagged,
}

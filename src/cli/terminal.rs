//! Results to standard output, everything else to standard error, without panicking when either is closed.

use std::io::{IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::shared::{Format, Shared, When};
use crate::{Error, Result};

/// Where a command's words go.
#[derive(Debug)]
pub struct Terminal {
    /// The flags of every command.
    pub shared: Shared,
    bars: MultiProgress,
}

impl Terminal {
    /// As the flags say.
    pub fn new(shared: &Shared) -> Self {
        let show = match shared.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal() && !shared.quiet,
        };
        let target = if show { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { shared: shared.clone(), bars: MultiProgress::with_draw_target(target) }
    }

    /// Threads to work with.
    pub fn jobs(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.shared.jobs.map_or_else(all, usize::from)
    }

    /// Whether the result is to be printed as one JSON document.
    pub fn json(&self) -> bool {
        self.shared.format == Format::Json
    }

    /// Prints a result for people (not with `--quiet`, not with `--format json`). A line break is added.
    ///
    /// # Errors
    /// When standard output cannot be written; a closed pipe is an [`Error::Io`] that ends the program quietly.
    pub fn say(&self, text: &str) -> Result<()> {
        if self.shared.quiet || self.json() { Ok(()) } else { self.print(text) }
    }

    /// Prints to standard output whatever the flags say. A line break is added.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(&self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|e| Error::io("standard output", e))
    }

    /// Prints a value as JSON to standard output.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print_json(&self, value: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|e| Error::io("standard output", e.into()))?;
        self.print(&text)
    }

    /// What went wrong, to standard error, always.
    pub fn error(&self, text: &str) {
        self.to_stderr(&format!("yardwatch: error: {text}"));
    }

    /// What the user should know although the work goes on, to standard error, always.
    pub fn warn(&self, text: &str) {
        self.to_stderr(&format!("yardwatch: warning: {text}"));
    }

    /// What happens, to standard error, not with `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.shared.quiet {
            self.to_stderr(text);
        }
    }

    /// What happens in detail, to standard error, with `-v`.
    pub fn detail(&self, text: &str) {
        if self.shared.verbose > 0 {
            self.to_stderr(text);
        }
    }

    /// A progress bar over so many images; hidden where progress is not wanted.
    pub fn bar(&self, length: u64, what: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed} (about {eta} left)")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        self.bars.add(ProgressBar::new(length).with_style(style).with_message(what))
    }

    /// One step of a bar; where progress is wanted but standard error is no terminal, a line instead.
    pub fn step(&self, bar: &ProgressBar, text: &str) {
        bar.inc(1);
        if self.shared.progress == When::Always && !std::io::stderr().is_terminal() {
            self.to_stderr(text);
        } else {
            self.detail(text);
        }
    }

    fn to_stderr(&self, text: &str) {
        // Nothing can be done when standard error is closed; the exit code still tells.
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }
}

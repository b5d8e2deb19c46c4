//! The command line: arguments to typed options, the rooms below to work, what happened to an exit code.

pub mod analyze;
pub mod compare;
pub mod count;
pub mod evaluate;
pub mod info;
pub mod inputs;
pub mod request;
pub mod settings;
pub mod shared;
pub mod summary;
pub mod terminal;
pub mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Error;
pub use shared::{Format, Outcome, Shared};
pub use terminal::Terminal;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed; the reason is on standard error
  2    wrong usage
  3    done, but some inputs could not be used (each is named with its reason)
  4    done, and a day was flagged (only with --fail-on-anomaly)
  130  interrupted; finished images are kept and the same command continues from there

yardwatch never uses the network.";

/// Counts freight cars in satellite images of rail yards and tells which days are out of the ordinary
#[derive(Debug, Parser)]
#[command(name = "yardwatch", version, propagate_version = true, after_long_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What is common to all commands.
    #[command(flatten)]
    pub shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Counts the freight cars of images
    Count(count::CountArgs),
    /// Counts a yard on every date, compares the days and writes the report: the main job
    Analyze(analyze::AnalyzeArgs),
    /// Gives verdicts on counts from any source, human ones too
    Compare(compare::CompareArgs),
    /// Scores predictions against truth
    Evaluate(evaluate::EvaluateArgs),
    /// Shows what yardwatch understands of an image
    Info(info::InfoArgs),
}

/// Reads the arguments, does what they say, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(&cli.shared);
    // The pool of the whole program. It can only be there already in tests, and then it will do.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(terminal.jobs()).build_global();
    let outcome = match cli.command {
        Command::Count(args) => count::run(&args, &terminal),
        Command::Analyze(args) => analyze::run(&args, &terminal),
        Command::Compare(args) => compare::run(&args, &terminal),
        Command::Evaluate(args) => evaluate::run(&args, &terminal),
        Command::Info(args) => info::run(&args, &terminal),
    };
    exit_code(&terminal, outcome)
}

fn exit_code(terminal: &Terminal, outcome: crate::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeInputsUnused) => ExitCode::from(3),
        Ok(Outcome::Flagged) => ExitCode::from(4),
        // The reader of our standard output has seen enough: that is no failure of ours.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error @ Error::Setting(_)) => {
            terminal.error(&error.to_string());
            terminal.note("see yardwatch COMMAND --help");
            ExitCode::from(2)
        }
        Err(error @ Error::Interrupted) => {
            terminal.error(&error.to_string());
            ExitCode::from(130)
        }
        Err(error) => {
            terminal.error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

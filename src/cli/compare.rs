//! `yardwatch compare`: verdicts on counts from any source.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::settings::Site;
use super::shared::refuse_analyzed;
use super::{Outcome, Terminal};
use crate::compare::{Columns, Day, Rules, Verdict, compare_sites, flagged, none_flagged, read_counts, write_days};
use crate::report::chart::{Chart, history_svg};
use crate::{Error, Result};

/// Arguments of `yardwatch compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Counts with dates (CSV with a header): counts.csv of yardwatch, or anybody's list of counts
    #[arg(value_name = "COUNTS.csv")]
    pub counts: PathBuf,
    /// Folder for days.csv; made if it is not there
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
    /// The site's settings (TOML); its tables alarm and history are used
    #[arg(long, value_name = "SITE.toml")]
    pub site: Option<PathBuf>,
    /// Flag a day when a count like this has at most this probability [default: 0.01]
    #[arg(long, value_name = "P")]
    pub level: Option<f64>,
    /// Compare each day with all other days, not only with earlier ones
    #[arg(long)]
    pub retrospective: bool,
    /// Draw the history here; with several sites each site's name is added to the file's, and a number where two would share a file
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// End with exit code 4 when a day is flagged
    #[arg(long)]
    pub fail_on_anomaly: bool,
    /// Which columns hold what.
    #[command(flatten)]
    pub columns: ColumnArgs,
}

/// Which columns hold what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns (found by their usual names if not given)")]
pub struct ColumnArgs {
    /// Date or time; times without a zone are UTC
    #[arg(long, value_name = "NAME")]
    pub time_column: Option<String>,
    /// Number of cars
    #[arg(long, value_name = "NAME")]
    pub count_column: Option<String>,
    /// Name of the site
    #[arg(long, value_name = "NAME")]
    pub site_column: Option<String>,
    /// Lower end of the count's 95 % interval
    #[arg(long, value_name = "NAME")]
    pub low_column: Option<String>,
    /// Upper end of the count's 95 % interval
    #[arg(long, value_name = "NAME")]
    pub high_column: Option<String>,
    /// Visible share of the yard, 0 to 1
    #[arg(long, value_name = "NAME")]
    pub coverage_column: Option<String>,
    /// How dates are written, if not as 2023-10-05; for example %d.%m.%Y
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<String>,
}

impl From<&ColumnArgs> for Columns {
    fn from(args: &ColumnArgs) -> Self {
        Self {
            time: args.time_column.clone(),
            count: args.count_column.clone(),
            site: args.site_column.clone(),
            low: args.low_column.clone(),
            high: args.high_column.clone(),
            coverage: args.coverage_column.clone(),
            date_format: args.date_format.clone(),
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
struct SiteDays<'a> {
    site: &'a str,
    days: &'a [Day],
}

/// Does what the arguments say.
///
/// # Errors
/// When the counts cannot be read or the results not written, or the folder is one of `analyze`; single bad rows are an [`Outcome`].
pub fn run(args: &CompareArgs, terminal: &Terminal) -> Result<Outcome> {
    refuse_analyzed(&args.out)?;
    let rules = rules(args)?;
    let read = read_counts(&args.counts, &Columns::from(&args.columns))?;
    let shown = args.counts.display();
    for trouble in &read.troubles {
        terminal.warn(&format!("{shown}: {trouble}"));
    }
    if read.rejected > read.troubles.len() {
        terminal.warn(&format!("{shown}: and {} more rows cannot be used", read.rejected - read.troubles.len()));
    }
    let sites = with_jobs(terminal.shared.jobs, || compare_sites(&read.counts, &rules))?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    write_days(&args.out.join("days.csv"), sites.iter().flat_map(|(_, days)| days))?;
    if let Some(path) = &args.plot {
        plot(path, &sites)?;
    }
    if terminal.json() {
        let sites: Vec<SiteDays> = sites.iter().map(|(site, days)| SiteDays { site, days }).collect();
        terminal.print_json(&sites)?;
    } else {
        for (site, days) in &sites {
            terminal.say(&summary(site, days))?;
        }
        terminal.say(&format!("all days: {}", args.out.join("days.csv").display()))?;
    }
    let any_flagged = sites.iter().any(|(_, days)| flagged(days).next().is_some());
    Ok(if any_flagged && args.fail_on_anomaly {
        Outcome::Flagged
    } else if read.rejected > 0 {
        Outcome::SomeInputsUnused
    } else {
        Outcome::Done
    })
}

fn rules(args: &CompareArgs) -> Result<Rules> {
    let site = args.site.as_deref().map(Site::read).transpose()?.unwrap_or_default();
    let mut rules = site.rules(args.retrospective);
    if let Some(level) = args.level {
        rules.alarm.level = level;
    }
    rules.check()?;
    Ok(rules)
}

/// Runs with as many threads as asked for.
fn with_jobs<T: Send>(jobs: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T> {
    match jobs {
        None => Ok(work()),
        Some(jobs) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build();
            let pool = pool.map_err(|e| Error::Setting(format!("--jobs {jobs}: the threads cannot be started: {e}")))?;
            Ok(pool.install(work))
        }
    }
}

fn plot(path: &Path, sites: &[(String, Vec<Day>)]) -> Result<()> {
    let mut taken = HashSet::new();
    for (site, days) in sites {
        let file = if sites.len() == 1 { path.to_path_buf() } else { path.with_file_name(plot_name(path, site, &mut taken)) };
        let svg = history_svg(days, &Chart { title: site.clone(), ..Chart::default() });
        std::fs::write(&file, svg).map_err(|e| Error::io(&file, e))?;
    }
    Ok(())
}

/// `plot.svg` and a site to `plot-site.svg`; a site's name is data and may hold anything. Where another site has taken that file, it is
/// `plot-site-2.svg`, and so on.
fn plot_name(path: &Path, site: &str, taken: &mut HashSet<String>) -> String {
    let part = |p: Option<&std::ffi::OsStr>, other: &str| p.map_or(other.into(), |p| p.to_string_lossy().into_owned());
    let safe: String = site.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(80).collect();
    let (stem, ending) = (part(path.file_stem(), "plot"), part(path.extension(), "svg"));
    let mut name = format!("{stem}-{safe}.{ending}");
    let mut number = 2;
    // Some file systems do not tell large letters from small ones.
    while !taken.insert(name.to_lowercase()) {
        name = format!("{stem}-{safe}-{number}.{ending}");
        number += 1;
    }
    name
}

/// What a person wants to read of a site: the flagged days, those that recur, and where it stands on its last day.
fn summary(site: &str, days: &[Day]) -> String {
    let name = if site.is_empty() { String::new() } else { format!("{site}: ") };
    let mut head = format!("{name}{} {}", days.len(), if days.len() == 1 { "day" } else { "days" });
    let recurrent = |day: &&Day| day.verdict == Verdict::HighRecurrent;
    let of = |number: usize, what: &str| if number == 0 { String::new() } else { format!(", {number} {what}") };
    head += &of(flagged(days).count(), "out of the ordinary");
    head += &of(days.iter().filter(recurrent).count(), Verdict::HighRecurrent.name());
    if let Some(sentence) = none_flagged(days) {
        head += &format!(". {sentence}");
    }
    let listed = |day: &&Day| day.verdict.is_anomalous() || recurrent(day);
    let last = days.last().filter(|last| !listed(last));
    let line = |day: &Day| format!("  {}  {:<14}  {}", day.date, day.verdict.name(), day.explanation);
    std::iter::once(head).chain(days.iter().filter(listed).chain(last).map(line)).collect::<Vec<_>>().join("\n")
}

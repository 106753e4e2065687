//! The command line.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use expansion_domain::Instant;
use expansion_simulator::{DEMO_END, DEMO_SEED};
use jiff::civil::Date;

/// Runs expansion-propensity on this machine: the embedded stack (DynamoDB, S3, EventBridge, SQS, API Gateway), a
/// refresh through the real functions, the result, then the HTTP API until Ctrl-C or SIGTERM.
///
/// Without --source a demo portfolio of 1,500 invented B2B customers is used. Results go to standard output, progress
/// and logs to standard error.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the demo portfolio as a source folder, to look at or to start from.
    Demo(DemoArguments),
    /// Look at a source before anything is made of it: what is read, what is left out, what is odd. The exit code is 0
    /// where the source is fine, 3 where runs are published with warnings, 4 where they are refused.
    Check(CheckArguments),
    /// Print one customer's snapshot and score as of a past time as JSON, made again from the source and a model.
    ///
    /// With a run of that time in --data-dir it is that run's row, and `stored` says whether the one on record is the same.
    /// Otherwise it is the row that the first run of a source would have. Nothing is written.
    Replay(ReplayArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The folder with the source tables.
    #[arg(long, value_name = "DIR")]
    pub(crate) source: PathBuf,

    /// What is known: a date (to its end) or an RFC 3339 time. Default: now.
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    pub(crate) as_of: Option<Instant>,

    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// The share of bad rows in a table from which on the source is refused, 0–1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub(crate) max_bad_rows: f64,

    /// A table whose newest fact is more days old is said to be stale.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) stale_after_days: u16,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The folder with the source tables, one sub-folder a table (see README.md); without it, the demo portfolio.
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,

    /// What is known: a date (to its end) or an RFC 3339 time; also what a refresh that names no time takes as today.
    /// Default: now; for the demo portfolio its last day.
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    as_of: Option<Instant>,

    /// Days after --as-of in which an expansion counts.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=730))]
    pub(crate) horizon_days: u16,

    /// The port of the HTTP API on 127.0.0.1.
    #[arg(long, value_name = "P", default_value_t = 8787)]
    pub(crate) port: u16,

    /// Keep tables and objects in this folder between runs; without it nothing is kept. What was answered is in it, even if
    /// the process is killed. One process at a time may use it.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Also write all rows of the run to this file: as CSV (FILE.csv) or, with the factors, as Parquet (FILE.parquet).
    #[arg(long, value_name = "FILE", value_parser = export_file)]
    pub(crate) export: Option<ExportFile>,

    /// Refresh, print, and exit instead of serving.
    #[arg(long)]
    pub(crate) once: bool,

    /// With --once: print one JSON document and nothing else: run, model, data issues and rows.
    #[arg(long, requires = "once")]
    pub(crate) json: bool,

    /// The share of bad rows in a table from which on the source is refused, 0–1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    max_bad_rows: f64,

    /// What is logged: off, error, warn, info, debug, or directives such as `info,scorer=debug`. By default errors, but
    /// not of the refresh, which the command reports itself.
    #[arg(long, value_name = "LEVEL", default_value = "error,trainer=off,scorer=off", hide_default_value = true)]
    pub(crate) log: String,
}

/// A file that the rows of a run are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExportFile {
    pub(crate) path: PathBuf,
    pub(crate) form: ExportForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportForm {
    Csv,
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The customer's id.
    #[arg(long, value_name = "ID")]
    pub(crate) customer: String,

    /// What was known: a date (to its end) or an RFC 3339 time, as the run had it.
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    pub(crate) as_of: Instant,

    /// The folder with the source tables; without it, the demo portfolio in --data-dir.
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,

    /// The folder of earlier runs: rows, models, recorded outcomes.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// A model in --data-dir. Default: that of the newest run of that time, or else the live one.
    #[arg(long, value_name = "ID", requires = "data_dir", conflicts_with = "artifact")]
    pub(crate) model: Option<String>,

    /// A model as a file, artifact.json with its manifest.json beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) artifact: Option<PathBuf>,

    /// The share of bad rows in a table from which on the source is refused, 0–1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub(crate) max_bad_rows: f64,

    /// What is logged, as for a run.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub(crate) log: String,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The folder to write. A demo in it is replaced; anything else is refused and left alone.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// The last day of the portfolio.
    #[arg(long, value_name = "DATE", default_value_t = DEMO_END)]
    pub(crate) end: Date,

    /// How many customers.
    #[arg(long, value_name = "N", default_value_t = 1500)]
    pub(crate) customers: usize,

    /// The seed of all chance: another one gives another portfolio.
    #[arg(long, value_name = "N", default_value_t = DEMO_SEED)]
    pub(crate) seed: u64,

    /// Split the customers' tables into so many `bucket=K` sub-folders.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) buckets: Option<u32>,

    /// Also write the true probability of an expansion within 90 days, customer by customer, every 30 days, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
}

impl RunArguments {
    /// What is known in this run; of a day that is not over, what is known by now.
    pub(crate) fn as_of(&self, is_demo: bool) -> Instant {
        let now = expansion_store::now().whole_second();
        let demo_end = || Instant::from_date(DEMO_END).filter(|_| is_demo).map(Instant::end_of_day);
        let as_of = self.as_of.or_else(demo_end).unwrap_or(now);
        if as_of.date() == now.date() { as_of.min(now) } else { as_of }
    }

    /// The last day of the demo portfolio in this run.
    pub(crate) fn demo_end(&self) -> Date {
        self.as_of.map_or(DEMO_END, Instant::date)
    }

    /// What the functions are told beyond the template. Where the data end at a known day, a refresh that names no time
    /// takes that day as today.
    pub(crate) fn variables(&self, is_demo: bool) -> BTreeMap<String, String> {
        let today = (is_demo || self.as_of.is_some()).then(|| self.as_of(is_demo).to_string());
        BTreeMap::from([
            ("TODAY".to_owned(), today.unwrap_or_default()),
            ("HORIZON_DAYS".to_owned(), self.horizon_days.to_string()),
            ("MAX_BAD_ROWS".to_owned(), self.max_bad_rows.to_string()),
        ])
    }
}

/// The absolute path of the source folder: the functions must not depend on where they were started.
pub(crate) fn absolute(source: &Path) -> io::Result<String> {
    let refused = |error: io::Error| about(&format!("cannot read --source {}", source.display()), &error);
    let absolute = source.canonicalize().map_err(refused)?;
    if !absolute.is_dir() {
        let text = "it is a file; a source is a folder with one sub-folder per table";
        return Err(refused(io::Error::new(io::ErrorKind::NotADirectory, text)));
    }
    Ok(absolute.display().to_string())
}

/// A file that can be written once the run is complete, as far as can be told before.
fn export_file(text: &str) -> Result<ExportFile, String> {
    let path = PathBuf::from(text);
    let form = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => ExportForm::Csv,
        Some("parquet") => ExportForm::Parquet,
        _ => return Err("the name must end in .csv or .parquet".to_owned()),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(format!("there is no folder {}", folder.display()));
    }
    if path.is_dir() {
        return Err("that is a folder".to_owned());
    }
    Ok(ExportFile { path, form })
}

/// An error with what it is about.
pub(crate) fn about(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn as_of(text: &str) -> Result<Instant, String> {
    let parsed: Instant = text.parse().map_err(|error: expansion_domain::InvalidInstant| error.to_string())?;
    Ok(if text.len() == 10 { parsed.end_of_day() } else { parsed.whole_second() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_export_is_csv_or_parquet_in_a_folder_that_exists() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| export_file(&folder.path().join(name).display().to_string());
        assert_eq!(file("rows.csv").map(|file| file.form), Ok(ExportForm::Csv));
        assert_eq!(file("rows.parquet").map(|file| file.form), Ok(ExportForm::Parquet));
        assert_eq!(export_file("rows.csv").map(|file| file.path), Ok(PathBuf::from("rows.csv")));
        for name in ["rows", "rows.xlsx", "rows.csv.gz", ".csv"] {
            assert_eq!(file(name), Err("the name must end in .csv or .parquet".to_owned()), "{name}");
        }
        assert!(file("nowhere/rows.csv").is_err_and(|reason| reason.starts_with("there is no folder ")));
        std::fs::create_dir(folder.path().join("rows.csv")).expect("a folder");
        assert_eq!(file("rows.csv"), Err("that is a folder".to_owned()));
        let refused = Cli::try_parse_from(["expansion-local", "--export", "rows.txt"]).expect_err("no such form");
        assert!(refused.to_string().contains("--export"), "{refused}");
    }

    #[test]
    fn today_is_where_the_data_end() {
        let today = |arguments: &[&str], is_demo| {
            let cli = Cli::parse_from([&["expansion-local"], arguments].concat());
            cli.run.variables(is_demo)["TODAY"].clone()
        };
        assert_eq!(today(&[], true), format!("{DEMO_END}T23:59:59Z"));
        assert_eq!(today(&["--as-of", "2022-05-31"], true), "2022-05-31T23:59:59Z");
        assert_eq!(today(&["--source", "s", "--as-of", "2022-05-31"], false), "2022-05-31T23:59:59Z");
        assert_eq!(today(&["--source", "s"], false), "", "an export that goes on is of now");
    }

    #[test]
    fn a_date_means_its_end_and_a_time_itself() {
        let parsed = |text| as_of(text).map(|at| at.to_string());
        assert_eq!(parsed("2022-06-30"), Ok("2022-06-30T23:59:59Z".to_owned()));
        assert_eq!(parsed("2022-06-30T12:00:00Z"), Ok("2022-06-30T12:00:00Z".to_owned()));
        assert!(parsed("June").is_err());
    }
}

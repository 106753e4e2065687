//! The demo portfolio as a source folder.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use expansion_simulator::{Settings, simulate, truth, write as write_tables};
use jiff::ToSpan;
use jiff::civil::Date;
use tempfile::TempDir;

use crate::cli::{DemoArguments, RunArguments, about};

/// Futures simulated for each customer and cutoff of the truth.
const PATHS: u32 = 400;
/// The horizon of the truth.
const HORIZON_DAYS: u32 = 90;

/// The demo portfolio of a run without a source; a temporary one goes when this is dropped.
pub(crate) struct Demo {
    pub(crate) folder: PathBuf,
    end: Date,
    _scratch: Option<TempDir>,
}

impl Demo {
    /// Where the demo portfolio of a run will be; `None` when it has a source.
    pub(crate) fn of(arguments: &RunArguments) -> io::Result<Option<Self>> {
        if arguments.source.is_some() {
            return Ok(None);
        }
        let (root, scratch) = if let Some(folder) = &arguments.data_dir {
            (std::path::absolute(folder)?, None)
        } else {
            let scratch = TempDir::new()?;
            (scratch.path().to_path_buf(), Some(scratch))
        };
        Ok(Some(Self { folder: root.join("demo-source"), end: arguments.demo_end(), _scratch: scratch }))
    }

    pub(crate) fn write(&self) -> io::Result<()> {
        write_tables(&simulate(&Settings::demo(self.end)), &self.folder, None)
            .map_err(|error| about(&format!("cannot write the demo portfolio to {}", self.folder.display()), &error))
    }
}

/// Writes the demo portfolio where the command line says.
pub(crate) fn write(arguments: &DemoArguments) -> io::Result<()> {
    let (customers, seed) = (arguments.customers, arguments.seed);
    let settings = Settings { customers, seed, ..Settings::demo(arguments.end) };
    write_tables(&simulate(&settings), &arguments.out, arguments.buckets)
        .map_err(|error| about(&format!("cannot write to --out {}", arguments.out.display()), &error))?;
    eprintln!("wrote the tables of {} customers to {}", settings.customers, arguments.out.display());
    if let Some(file) = &arguments.truth {
        write_truth(&settings, file)
            .map_err(|error| about(&format!("cannot write to --truth {}", file.display()), &error))?;
        eprintln!("wrote the true probabilities to {}", file.display());
    }
    Ok(())
}

fn write_truth(settings: &Settings, file: &Path) -> io::Result<()> {
    let mut csv = BufWriter::new(File::create(file)?);
    writeln!(csv, "customer_id,cutoff,probability,expected_amount")?;
    for row in truth(settings, &cutoffs(settings), HORIZON_DAYS, PATHS) {
        let amount = row.expected_amount.map(|amount| format!("{amount:.2}")).unwrap_or_default();
        writeln!(csv, "{},{},{:.4},{amount}", row.customer_id, row.cutoff, row.probability)?;
    }
    csv.flush()
}

/// Every 30 days back from the last day, as far as there is a quarter of history, oldest first.
fn cutoffs(settings: &Settings) -> Vec<Date> {
    let days = i64::from(settings.months) * 30 - i64::from(HORIZON_DAYS);
    (0..=days / 30).rev().filter_map(|step| settings.end.checked_sub((30 * step).days()).ok()).collect()
}

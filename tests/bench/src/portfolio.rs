//! The model on a source: fitted on the earlier cutoffs, tried on the newest ones.

use std::path::{Path, PathBuf};

use clap::Args;
use expansion_bench::{Failure, Known};
use expansion_features::{Column, Dataset, Value as Cell, cutoffs, dataset};
use expansion_training::{Layout, MOST_CUTOFFS, fit_propensity, out_of_time};
use serde_json::Value;

use crate::measure::tried;
use crate::table::write_lines;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    known: Known,
    /// Write `p,lower,upper,score,points_sum` here, a line for each test row.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write the rows as flat tables, `train.csv` and `test.csv`, to this folder, for peers: the features, `customer`
    /// and the label `expanded`.
    #[arg(long)]
    tables: Option<PathBuf>,
}

/// Fits, tries and prints.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let horizon_days = arguments.known.horizon_days;
    let (customers, as_of) = arguments.known.read().await?;
    let cutoffs = cutoffs(&customers, as_of, horizon_days, MOST_CUTOFFS);
    let data = dataset(&customers, &cutoffs, horizon_days);
    let split = out_of_time(&data, &cutoffs, horizon_days).ok_or("the history is too short to hold any out")?;
    let (train, test) = (data.take(&split.train), data.take(&split.held_out));
    if let Some(folder) = &arguments.tables {
        std::fs::create_dir_all(folder)?;
        write_table(&folder.join("train.csv"), &train)?;
        write_table(&folder.join("test.csv"), &test)?;
    }
    tried(&train, &test, arguments.out.as_deref(), |train| fit_propensity(train, Layout::of_features(horizon_days)))
}

/// Writes rows as a flat CSV table.
fn write_table(path: &Path, data: &Dataset) -> Result<(), Failure> {
    let cell = |column: &Column, row: usize| match column.value(row) {
        Cell::Number(number) => number.to_string(),
        Cell::Level(name) => format!("\"{}\"", name.replace('"', "\"\"")),
        Cell::Missing => String::new(),
    };
    let line = |row: usize| {
        let cells = data.frame.columns.iter().map(|column| cell(column, row));
        let ends = [data.customers[row].to_string(), u8::from(data.labels[row].expanded).to_string()];
        cells.chain(ends).collect::<Vec<_>>().join(",")
    };
    let header = format!("{},customer,expanded", data.frame.names.join(","));
    write_lines(path, &header, (0..data.frame.rows).map(line))
}

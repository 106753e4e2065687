//! The model on a source: fitted on the earlier cutoffs, tried on the newest ones, over all and among customers whom nobody
//! works on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use expansion_bench::{Failure, Known};
use expansion_domain::{Id, Instant, SourceData};
use expansion_features::{Column, Dataset, Value as Cell, cutoffs, dataset, slots};
use expansion_model::{evaluate, evaluate_portfolios};
use expansion_simulator::OTHER_NAMES;
use expansion_training::{Layout, MOST_CUTOFFS, fit_propensity, out_of_time, worked};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::measure::tried;
use crate::table::write_lines;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    known: Known,
    /// From how many days on nobody works on an open deal.
    #[arg(long, default_value_t = 180)]
    stale_deal_days: u16,
    /// The customers of a portfolio that a CSM finds time for.
    #[arg(long, default_value_t = 10)]
    csm_capacity: usize,
    /// The truth that `demo --truth` wrote: prints its own figures beside, which no model can beat but by luck.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Read the demo's usage metrics and kinds of signals under names that nothing is known of.
    #[arg(long)]
    renamed: bool,
    /// Write `p,lower,upper,score,points_sum` here, a line for each test row.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write the rows as flat tables, `train.csv` and `test.csv`, to this folder, for peers: the features, `customer`
    /// and the label `expanded`. Beside them, line for line, whose rows they are: `train_rows.csv` and `test_rows.csv` with
    /// `customer_id` and `cutoff`.
    #[arg(long)]
    tables: Option<PathBuf>,
}

/// Fits, tries and prints.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let horizon_days = arguments.known.horizon_days;
    let (mut source, as_of) = arguments.known.read().await?;
    if arguments.renamed {
        rename(&mut source);
    }
    let cutoffs = cutoffs(&source, as_of, horizon_days, MOST_CUTOFFS);
    let data = dataset(&source, &cutoffs, horizon_days, &slots(&source, &cutoffs, as_of));
    let split = out_of_time(&data, &cutoffs, horizon_days).ok_or("the history is too short to hold any out")?;
    let (train, test) = (data.take(&split.train), data.take(&split.held_out));
    if let Some(folder) = &arguments.tables {
        std::fs::create_dir_all(folder)?;
        for (name, data) in [("train", &train), ("test", &test)] {
            write_table(&folder.join(format!("{name}.csv")), data)?;
            write_rows(&folder.join(format!("{name}_rows.csv")), &source, data)?;
        }
    }
    let fit = |train: &Dataset| fit_propensity(train, Layout::of_features(horizon_days));
    let tried = tried(&train, &test, arguments.out.as_deref(), fit)?;
    let mut measured = tried.measured;
    let all: Vec<usize> = (0..test.frame.rows).collect();
    let is_worked = worked(&test, arguments.stale_deal_days).ok_or("no column tells of open deals")?;
    let unworked: Vec<usize> = all.iter().copied().filter(|row| !is_worked(*row)).collect();
    let figures = |rows: &[usize]| {
        let portfolio = |row: &usize| Some((test.as_of[*row], csm(&source, &test, *row)?));
        let portfolios: Vec<_> = rows.iter().map(portfolio).collect();
        let propensities: Vec<f64> = rows.iter().map(|row| tried.propensities[*row]).collect();
        json!(evaluate_portfolios(&propensities, &outcomes(&test, rows), &portfolios, arguments.csm_capacity))
    };
    measured.insert("overall".to_owned(), figures(&all));
    measured.insert("unworked".to_owned(), figures(&unworked));
    if let Some(file) = &arguments.truth {
        let truth = Truth::read(file)?;
        let known = truth.of(&source, &test);
        if known.iter().all(Option::is_none) {
            return Err(format!("{} has the truth of none of the test rows", file.display()).into());
        }
        let figures = |rows: &[usize]| {
            let (rows, truths): (Vec<usize>, Vec<f64>) =
                rows.iter().filter_map(|row| Some((*row, known[*row]?))).unzip();
            json!(evaluate(&truths, &outcomes(&test, &rows)))
        };
        measured.insert("truth".to_owned(), json!({"overall": figures(&all), "unworked": figures(&unworked)}));
    }
    Ok(measured.into())
}

/// Calls the demo's metrics and kinds of signals otherwise.
fn rename(source: &mut SourceData) {
    let other = |name: &mut Id| {
        if let Some((_, other)) = OTHER_NAMES.iter().find(|(own, _)| *own == &**name) {
            *name = (*other).into();
        }
    };
    for history in &mut source.customers {
        history.usage.iter_mut().for_each(|series| other(&mut series.metric));
        history.signals.iter_mut().for_each(|signal| other(&mut signal.kind));
        history.sort();
    }
}

fn csm<'a>(source: &'a SourceData, data: &Dataset, row: usize) -> Option<&'a Id> {
    source.customers[data.customers[row] as usize].csm_id.as_ref()
}

fn outcomes(data: &Dataset, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|row| data.labels[*row].expanded).collect()
}

/// The true probabilities of customers at cutoffs.
struct Truth(HashMap<(String, Date), f64>);

impl Truth {
    /// Reads a file with the columns `customer_id`, `cutoff` and `probability`.
    fn read(file: &Path) -> Result<Self, Failure> {
        #[derive(serde::Deserialize)]
        struct Line {
            customer_id: String,
            cutoff: String,
            probability: f64,
        }
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let mut reader = csv::Reader::from_path(file).map_err(|error| said(&error))?;
        let mut known = HashMap::new();
        for line in reader.deserialize() {
            let Line { customer_id, cutoff, probability } = line.map_err(|error| said(&error))?;
            let cutoff = cutoff.parse().map_err(|error: jiff::Error| said(&error))?;
            known.insert((customer_id, cutoff), probability);
        }
        Ok(Self(known))
    }

    /// The truth of each row, where it is known.
    fn of(&self, source: &SourceData, data: &Dataset) -> Vec<Option<f64>> {
        let key = |row: usize| {
            let (customer, cutoff) = whose(source, data, row);
            (customer.to_string(), cutoff.date())
        };
        (0..data.frame.rows).map(|row| self.0.get(&key(row)).copied()).collect()
    }
}

/// The customer and the cutoff of a row.
fn whose<'a>(source: &'a SourceData, data: &Dataset, row: usize) -> (&'a Id, Instant) {
    (&source.customers[data.customers[row] as usize].customer_id, data.as_of[row])
}

/// Writes rows as a flat CSV table.
fn write_table(path: &Path, data: &Dataset) -> Result<(), Failure> {
    let cell = |column: &Column, row: usize| match column.value(row) {
        Cell::Number(number) => number.to_string(),
        Cell::Level(name) => quoted(&name),
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

/// Writes whose rows they are.
fn write_rows(path: &Path, source: &SourceData, data: &Dataset) -> Result<(), Failure> {
    let line = |row: usize| {
        let (customer, cutoff) = whose(source, data, row);
        format!("{},{}", quoted(customer), cutoff.date())
    };
    write_lines(path, "customer_id,cutoff", (0..data.frame.rows).map(line))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

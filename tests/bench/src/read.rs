//! How fast usage rows become features.

use std::time::Instant as Stopwatch;

use clap::Args;
use expansion_bench::{Failure, Form, Usage, read_folder};
use expansion_domain::{Instant, count};
use expansion_features::{Slots, dataset};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Usage rows.
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// Customers they belong to.
    #[arg(long, default_value_t = 50_000)]
    customers: usize,
    /// Rows in the order of time, as a warehouse appends them, instead of customer by customer.
    #[arg(long)]
    by_time: bool,
    /// What they are written as.
    #[arg(long, value_enum, default_value_t = Form::Parquet)]
    form: Form,
}

/// Writes a source, reads it, builds features at its last day, and prints how long that took.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let Arguments { rows, customers, by_time, form } = *arguments;
    let folder = tempfile::tempdir()?;
    let start: Instant = "2025-01-01".parse()?;
    Usage { rows, customers, by_time, form }.write(folder.path(), start)?;

    let watch = Stopwatch::now();
    let portfolio = read_folder(folder.path()).await?;
    let read_seconds = watch.elapsed().as_secs_f64();
    let as_of = start.plus_days(730);
    let slots = Slots::of(&portfolio, as_of);
    let snapshots = dataset(&portfolio, &[as_of], 90, &slots).labels.len();
    let seconds = watch.elapsed().as_secs_f64();

    Ok(json!({
        "rows": rows,
        "customers": customers,
        "by_time": by_time,
        "snapshots": snapshots,
        "read_seconds": read_seconds,
        "features_seconds": seconds - read_seconds,
        "read_rows_per_s": count(rows) / read_seconds,
        "rows_per_s": count(rows) / seconds,
    }))
}

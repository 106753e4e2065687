//! How fast usage rows become features.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use clap::Args;
use expansion_domain::Instant;
use expansion_features::dataset;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::Failure;
use crate::source::read_folder;

/// Rows a record batch.
const BATCH: usize = 100_000;
const METRICS: [&str; 3] = ["active_seats", "logins", "api_calls"];
const DAY_MICROS: i64 = 86_400_000_000;

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
}

/// Writes a source, reads it, builds features at its last day, and prints how long that took.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let folder = tempfile::tempdir()?;
    let start: Instant = "2025-01-01".parse()?;
    write_source(arguments, folder.path(), start)?;

    let watch = Stopwatch::now();
    let portfolio = read_folder(folder.path()).await?;
    let read_seconds = watch.elapsed().as_secs_f64();
    let as_of = start.plus_days(730);
    let snapshots = dataset(&portfolio, &[as_of], 90).labels.len();
    let seconds = watch.elapsed().as_secs_f64();

    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
    let rows = arguments.rows as f64;
    Ok(json!({
        "rows": arguments.rows,
        "customers": arguments.customers,
        "by_time": arguments.by_time,
        "snapshots": snapshots,
        "read_seconds": read_seconds,
        "features_seconds": seconds - read_seconds,
        "read_rows_per_s": rows / read_seconds,
        "rows_per_s": rows / seconds,
    }))
}

fn write_source(arguments: &Arguments, folder: &Path, start: Instant) -> Result<(), Failure> {
    let table = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).map(|()| path)
    };
    let id = |customer: usize| format!("customer-{customer:08}");
    let mut customers = "customer_id,created_at\n".to_owned();
    for customer in 0..arguments.customers {
        writeln!(customers, "{},2024-01-01", id(customer))?;
    }
    fs::write(table("customers")?.join("customers.csv"), customers)?;
    let deal = format!("opportunity_id,customer_id,stage,created_at\no1,{},open,2025-01-01\n", id(0));
    fs::write(table("expansion_opportunities")?.join("deals.csv"), deal)?;

    // Row i is the i-th in the file; either its customer or its time changes slowest.
    let each = arguments.rows.div_ceil(arguments.customers);
    // A stride far from 1 scatters neighbours over memory, as ids in the order of events do.
    let place = |i: usize| {
        if arguments.by_time {
            (i % arguments.customers * 7919 % arguments.customers, i / arguments.customers)
        } else {
            (i / each, i % each)
        }
    };
    let step = 730 * DAY_MICROS / i64::try_from(each.div_ceil(METRICS.len()))?;
    let mut writer: Option<ArrowWriter<File>> = None;
    for first in (0..arguments.rows).step_by(BATCH) {
        let rows: Vec<(usize, usize)> = (first..(first + BATCH).min(arguments.rows)).map(place).collect();
        let at = |n: &usize| i64::try_from(n / METRICS.len()).map(|n| start.micros() + n * step);
        let times: Result<Vec<i64>, _> = rows.iter().map(|(_, n)| at(n)).collect();
        let batch = RecordBatch::try_from_iter([
            ("customer_id", Arc::new(StringArray::from_iter_values(rows.iter().map(|(c, _)| id(*c)))) as ArrayRef),
            ("recorded_at", Arc::new(TimestampMicrosecondArray::from(times?).with_timezone("UTC"))),
            ("metric", Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, n)| METRICS[n % METRICS.len()])))),
            (
                "value",
                Arc::new(Float64Array::from_iter_values(
                    rows.iter().map(|(c, n)| f64::from(u16::try_from((c * 7 + n) % 500).unwrap_or(0))),
                )),
            ),
        ])?;
        if writer.is_none() {
            let file = File::create(table("usage_metrics")?.join("usage.parquet"))?;
            writer = Some(ArrowWriter::try_new(file, batch.schema(), None)?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch)?;
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(())
}

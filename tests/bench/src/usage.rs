//! A source with as many usage rows as wanted, and hardly anything else.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use clap::ValueEnum;
use expansion_domain::Instant;
use parquet::arrow::ArrowWriter;

use crate::Failure;

/// Rows a record batch.
const BATCH: usize = 100_000;
const METRICS: [&str; 3] = ["active_seats", "logins", "api_calls"];
const DAY_MICROS: i64 = 86_400_000_000;

/// Usage rows of two years.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// How many.
    pub rows: usize,
    /// Customers they belong to.
    pub customers: usize,
    /// In the order of time, as a warehouse appends them, instead of customer by customer.
    pub by_time: bool,
    /// How they are written.
    pub form: Form,
}

/// What a table is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A file of text.
    Csv,
    /// A file of columns.
    Parquet,
}

/// A row: whose it is, the how-manieth of theirs.
type Row = (usize, usize);

impl Usage {
    /// Writes a source with these rows, the first on the day `start`.
    pub fn write(&self, folder: &Path, start: Instant) -> Result<(), Failure> {
        let table = |name: &str| {
            let path = folder.join(name);
            fs::create_dir_all(&path).map(|()| path)
        };
        let mut customers = "customer_id,created_at\n".to_owned();
        for customer in 0..self.customers {
            writeln!(customers, "{},2024-01-01", id(customer))?;
        }
        fs::write(table("customers")?.join("customers.csv"), customers)?;
        let deal = format!("opportunity_id,customer_id,stage,created_at\no1,{},open,2025-01-01\n", id(0));
        fs::write(table("expansion_opportunities")?.join("deals.csv"), deal)?;
        let folder = table("usage_metrics")?;
        match self.form {
            Form::Csv => self.write_csv(&folder.join("usage.csv"), start),
            Form::Parquet => self.write_parquet(&folder.join("usage.parquet"), start),
        }
    }

    /// The i-th row of the file; either its customer or its time changes slowest.
    fn row(&self, i: usize) -> Row {
        // A stride far from 1 scatters neighbours over memory, as ids in the order of events do.
        if self.by_time {
            (i % self.customers * 7919 % self.customers, i / self.customers)
        } else {
            let each = self.rows.div_ceil(self.customers);
            (i / each, i % each)
        }
    }

    /// When a row was recorded, in microseconds.
    fn time(&self, start: Instant, (_, n): Row) -> Result<i64, Failure> {
        let each = self.rows.div_ceil(self.customers).div_ceil(METRICS.len());
        let step = 730 * DAY_MICROS / i64::try_from(each)?;
        Ok(start.micros() + i64::try_from(n / METRICS.len())? * step)
    }

    fn write_csv(&self, path: &Path, start: Instant) -> Result<(), Failure> {
        let mut file = io::BufWriter::new(File::create(path)?);
        writeln!(file, "customer_id,recorded_at,metric,value")?;
        for row in (0..self.rows).map(|i| self.row(i)) {
            let at = Instant::from_micros(self.time(start, row)?).ok_or("a time out of range")?;
            writeln!(file, "{},{at},{},{}", id(row.0), metric(row), value(row))?;
        }
        Ok(file.flush()?)
    }

    fn write_parquet(&self, path: &Path, start: Instant) -> Result<(), Failure> {
        let batch = |rows: Range<usize>| -> Result<RecordBatch, Failure> {
            let rows: Vec<Row> = rows.map(|i| self.row(i)).collect();
            let times: Result<Vec<i64>, Failure> = rows.iter().map(|row| self.time(start, *row)).collect();
            let ids = StringArray::from_iter_values(rows.iter().map(|(customer, _)| id(*customer)));
            let metrics = StringArray::from_iter_values(rows.iter().map(|row| metric(*row)));
            let values = Float64Array::from_iter_values(rows.iter().map(|row| value(*row)));
            Ok(RecordBatch::try_from_iter([
                ("customer_id", Arc::new(ids) as ArrayRef),
                ("recorded_at", Arc::new(TimestampMicrosecondArray::from(times?).with_timezone("UTC"))),
                ("metric", Arc::new(metrics)),
                ("value", Arc::new(values)),
            ])?)
        };
        let mut writer = ArrowWriter::try_new(File::create(path)?, batch(0..0)?.schema(), None)?;
        for first in (0..self.rows).step_by(BATCH) {
            writer.write(&batch(first..(first + BATCH).min(self.rows))?)?;
        }
        writer.close()?;
        Ok(())
    }
}

fn id(customer: usize) -> String {
    format!("customer-{customer:08}")
}

fn metric((_, n): Row) -> &'static str {
    METRICS[n % METRICS.len()]
}

fn value((customer, n): Row) -> f64 {
    f64::from(u16::try_from((customer * 7 + n) % 500).unwrap_or(0))
}

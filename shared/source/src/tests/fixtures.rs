//! Tables as texts, and how to write them in every format.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, LargeStringArray,
    PrimitiveArray, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;
use expansion_domain::{Conventions, DataIssue, Instant, Table};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::cells::Row;
use crate::issues::{Reason, Rejection};
use crate::{Format, Limits, Location, Read, SourceError, SourceFile, inventory, read, read_by};

/// A row as a reader hands it over: its line, its first cells (or why it is left out), and how many lines it takes up.
pub(crate) type Seen = (u64, Result<String, Reason>, u64);
type Sink<'s> = &'s mut dyn FnMut(u64, Result<&[Row<'_>], Rejection>);

/// What a reader hands over, with so many cells of each row.
pub(crate) fn seen<T>(cells: usize, read: impl FnOnce(Sink<'_>) -> Result<T, SourceError>) -> Vec<Seen> {
    let mut rows = Vec::new();
    let outcome = read(&mut |line, row| {
        rows.push(match row {
            Ok(row) => {
                let texts = row[0][..cells].iter().map(|field| field.text().expect("text").unwrap_or_default());
                (line, Ok(texts.collect::<Vec<_>>().join("|")), 1)
            }
            Err(rejection) => (line, Err(rejection.reason), rejection.rows),
        });
    });
    assert!(outcome.is_ok(), "a readable file");
    rows
}

/// A file of a table, of which only its name is known.
pub(crate) fn file_of(table: Table, path: &str) -> SourceFile {
    SourceFile {
        table,
        bucket: None,
        format: Format::Parquet,
        path: path.to_owned(),
        size: 0,
        version: String::new(),
        mapping: Arc::default(),
        constants: Vec::new(),
    }
}

/// Tables as texts: a header, then rows; an empty text is a missing value.
pub(super) type Tables = Vec<(Table, Vec<Vec<String>>)>;

pub(super) fn table(table: Table, lines: &[&str]) -> (Table, Vec<Vec<String>>) {
    (table, lines.iter().map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

/// A small source with every table and every column filled somewhere.
pub(super) fn every_table() -> Tables {
    vec![
        table(
            Table::Customers,
            &[
                "customer_id,name,segment,industry,region,csm_id,created_at,churned_at",
                "c2,Bolt & Söhne,SMB,Retail,EU,ann,2020-01-01,2023-06-01",
                "c1,Acme,Enterprise,Software,US,bob,2019-05-01,",
                "c3,,,,,,2021-07-01,",
            ],
        ),
        table(
            Table::Products,
            &["product_id,name,kind,unit,list_price", "p2,Seats,Seats,seat,120", "p1,Pro,TIER,,999.5"],
        ),
        table(
            Table::Contracts,
            &[
                "contract_id,customer_id,product_id,quantity,annual_value,start_date,end_date",
                "k1,c1,p2,50,6000,2020-01-01,2020-12-31",
                "k2,c1,unlisted,,,2021-01-01,",
            ],
        ),
        table(
            Table::UsageMetrics,
            &[
                "customer_id,recorded_at,metric,value",
                "c1,2022-01-02,Logins,20",
                "c1,2022-01-01,logins,10.5",
                "c2,2022-01-01,active_seats,0",
                "c1,2022-01-03,logins,21",
                "c1,2022-01-04,logins,21",
            ],
        ),
        table(Table::HealthScoreHistory, &["customer_id,recorded_at,score", "c1,2022-02-01,80", "c1,2022-01-01,75.25"]),
        table(
            Table::ExpansionOpportunities,
            &[
                "opportunity_id,customer_id,product_id,stage,amount,created_at,closed_at",
                "o1,c1,p1,Won,5000,2021-01-01,2021-02-01",
                "o2,c2,,lost,,2021-01-01,2021-03-01",
                "o3,c1,p1,negotiation,700,2022-01-01,2022-12-01",
            ],
        ),
        table(
            Table::ExpansionSignals,
            &[
                "customer_id,detected_at,kind,summary",
                "c1,2022-03-01,Seat_Inquiry,asked \"twice\"",
                "c2,2022-01-01,new_team,",
            ],
        ),
        table(
            Table::Stakeholders,
            &[
                "stakeholder_id,customer_id,name,title,role,recorded_at",
                "s1,c1,Eva,VP,Champion,2021-01-01",
                "s1,c1,Eva,CEO,executive,2022-01-01",
            ],
        ),
        table(
            Table::Engagements,
            &[
                "customer_id,occurred_at,kind,with_executive,stakeholder_id",
                "c1,2022-04-01,QBR,true,s1",
                "c1,2022-05-01,,false,",
                "c3,2022-05-01,call,,",
            ],
        ),
    ]
}

/// `customers` with three rows, and two opportunities, as a base for tests of one other table.
pub(super) fn required_tables() -> Tables {
    vec![
        table(Table::Customers, &["customer_id,created_at", "c1,2020-01-01", "c2,2020-01-01", "c3,2020-01-01"]),
        table(
            Table::ExpansionOpportunities,
            &[
                "opportunity_id,customer_id,stage,created_at,closed_at",
                "o1,c1,won,2021-01-01,2021-02-01",
                "o2,c2,open,2021-01-01,",
            ],
        ),
    ]
}

pub(super) fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("a row");
    }
    writer.into_inner().expect("the text")
}

pub(super) fn ndjson(rows: &[Vec<String>]) -> Vec<u8> {
    let mut text = String::new();
    for row in &rows[1..] {
        let values = rows[0].iter().zip(row).map(|(name, value)| {
            let value = match (&**name, &**value) {
                (_, "") => serde_json::Value::Null,
                ("with_executive", flag) => (flag == "true").into(),
                (name, number) if is_number(name) => number.parse::<f64>().expect("a number").into(),
                (_, text) => text.into(),
            };
            (name.clone(), value)
        });
        let _ = writeln!(text, "{}", serde_json::Value::Object(values.collect()));
    }
    text.into_bytes()
}

pub(super) fn parquet(rows: &[Vec<String>]) -> Vec<u8> {
    let columns = rows[0].iter().enumerate().map(|(i, name)| {
        let values: Vec<_> = rows[1..].iter().map(|row| Some(&*row[i]).filter(|value| !value.is_empty())).collect();
        let instants = || values.iter().map(|value| value.map(|value| value.parse::<Instant>().expect("an instant")));
        let array: ArrayRef = match &**name {
            "with_executive" => Arc::new(values.iter().map(|v| v.map(|v| v == "true")).collect::<BooleanArray>()),
            "created_at" => {
                Arc::new(instants().map(|at| at.map(Instant::micros)).collect::<TimestampMicrosecondArray>())
            }
            "start_date" | "end_date" => {
                let days = |at: Instant| i32::try_from(at.micros() / 86_400_000_000).expect("a day");
                Arc::new(instants().map(|at| at.map(days)).collect::<Date32Array>())
            }
            "recorded_at" => {
                let nanos = instants().map(|at| at.map(|at| at.micros() * 1000));
                Arc::new(nanos.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
            }
            "amount" => {
                let cents = values.iter().map(|v| v.map(|v| v.parse::<i128>().expect("an integer") * 100));
                let cents: Decimal128Array = cents.collect();
                Arc::new(cents.with_precision_and_scale(18, 2).expect("a decimal type"))
            }
            "score" => Arc::new(
                values.iter().map(|v| v.map(|v| v.parse().expect("a number"))).collect::<PrimitiveArray<Float32Type>>(),
            ),
            name if is_number(name) => {
                Arc::new(values.iter().map(|v| v.map(|v| v.parse().expect("a number"))).collect::<Float64Array>())
            }
            "customer_id" => Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>()),
            "kind" => Arc::new(values.iter().copied().collect::<LargeStringArray>()),
            _ => Arc::new(values.iter().copied().collect::<StringArray>()),
        };
        (name.clone(), array)
    });
    parquet_of(columns.collect())
}

pub(super) fn parquet_of(columns: Vec<(String, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)));
    let batch = batch.expect("columns of one length");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("the file")
}

pub(super) fn is_number(column: &str) -> bool {
    matches!(column, "value" | "score" | "amount" | "quantity" | "annual_value" | "list_price")
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("the file")
}

pub(super) fn put(source: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = source.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

pub(super) fn folder_of(tables: &Tables) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (table, rows) in tables {
        put(folder.path(), &format!("{table}/part-0.csv"), csv(rows));
    }
    folder
}

/// Reading may be spawned as a task.
#[expect(dead_code, reason = "checked by the compiler alone")]
pub(super) fn reading_is_send(inventory: &crate::Inventory, s3: &Client) -> impl Send {
    read(inventory, s3, None, Limits::default())
}

/// What is said of rows, and not of their files: in tests, files beside each other often differ in their columns.
pub(super) fn of_rows(issues: &[DataIssue]) -> Vec<DataIssue> {
    let is_of_rows = |issue: &&DataIssue| issue.reason != Reason::ColumnInSomeFiles.to_string();
    issues.iter().filter(is_of_rows).cloned().collect()
}

pub(super) fn read_shard(source: &Path, shard: Option<u32>, limits: Limits) -> Result<Read, SourceError> {
    read_shard_by(source, shard, limits, None)
}

pub(super) fn read_shard_by(
    source: &Path,
    shard: Option<u32>,
    limits: Limits,
    conventions: Option<&Conventions>,
) -> Result<Read, SourceError> {
    // Never called: folders need no S3.
    let config = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    let s3 = Client::from_conf(config);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let inventory = inventory(&Location::Folder(source.into()), &s3).await?;
        read_by(&inventory, &s3, shard, limits, conventions).await
    })
}

pub(super) fn inventory_of(source: &Path) -> Result<crate::Inventory, SourceError> {
    let config = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(inventory(&Location::Folder(source.into()), &Client::from_conf(config)))
}

pub(super) fn read_all(source: &Path) -> Result<Read, SourceError> {
    read_shard(source, None, Limits::default())
}

//! Whole sources, written to a folder and read back.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    Int64Array, LargeStringArray, PrimitiveArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;
use expansion_domain::{DataIssue, Instant, Portfolio, Stage, Table};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Limits, Location, Read, Reason, SourceError, inventory, read};

/// Tables as texts: a header, then rows; an empty text is a missing value.
type Tables = Vec<(Table, Vec<Vec<String>>)>;

fn table(table: Table, lines: &[&str]) -> (Table, Vec<Vec<String>>) {
    (table, lines.iter().map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

/// A small source with every table and every column filled somewhere.
fn every_table() -> Tables {
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
                "c1,2022-01-02,logins,21",
                "c1,2022-01-02,logins,21",
            ],
        ),
        table(
            Table::HealthScoreHistory,
            &["customer_id,recorded_at,score", "c1,2022-02-01,80", "c1,2022-01-01,75.25", "c1,2022-01-01,75.25"],
        ),
        table(
            Table::ExpansionOpportunities,
            &[
                "opportunity_id,customer_id,product_id,stage,amount,created_at,closed_at",
                "o1,c1,p1,Won,5000,2021-01-01,2021-02-01",
                "o2,c2,,lost,,2021-01-01,2021-03-01",
                "o3,c1,p1,negotiation,700,2022-01-01,2022-12-01",
                "o1,c1,p1,won,5000,2021-01-01,2021-02-01",
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
fn required_tables() -> Tables {
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

fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("a row");
    }
    writer.into_inner().expect("the text")
}

fn ndjson(rows: &[Vec<String>]) -> Vec<u8> {
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

fn parquet(rows: &[Vec<String>]) -> Vec<u8> {
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

fn parquet_of(columns: Vec<(String, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)));
    let batch = batch.expect("columns of one length");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("the file")
}

fn is_number(column: &str) -> bool {
    matches!(column, "value" | "score" | "amount" | "quantity" | "annual_value" | "list_price")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("the file")
}

fn put(source: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = source.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

fn folder_of(tables: &Tables) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (table, rows) in tables {
        put(folder.path(), &format!("{table}/part-0.csv"), csv(rows));
    }
    folder
}

/// Reading may be spawned as a task.
#[expect(dead_code, reason = "checked by the compiler alone")]
fn reading_is_send(inventory: &crate::Inventory, s3: &Client) -> impl Send {
    read(inventory, s3, None, Limits::default())
}

fn read_shard(source: &Path, shard: Option<u32>, limits: Limits) -> Result<Read, SourceError> {
    // Never called: folders need no S3.
    let config = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    let s3 = Client::from_conf(config);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let inventory = inventory(&Location::Folder(source.into()), &s3).await?;
        read(&inventory, &s3, shard, limits).await
    })
}

fn read_all(source: &Path) -> Result<Read, SourceError> {
    read_shard(source, None, Limits::default())
}

#[test]
fn every_column_of_every_table_arrives_in_order() {
    let source = folder_of(&every_table());
    let Read { portfolio, issues, rows } = read_all(source.path()).expect("a good source");
    assert_eq!(issues, []);
    assert_eq!(portfolio.tables, Table::ALL);
    assert_eq!(rows[&Table::UsageMetrics], 5);

    let ids: Vec<_> = portfolio.customers.iter().map(|customer| &*customer.customer_id).collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
    let [acme, bolt, _] = &*portfolio.customers else { panic!("three customers") };
    assert_eq!(bolt.name.as_deref(), Some("Bolt & Söhne"));
    assert_eq!(bolt.churned_at, "2023-06-01".parse().ok());
    assert_eq!(acme.contracts.len(), 2);
    assert_eq!(acme.contracts[1].product_id.as_deref(), Some("unlisted"));
    let values: Vec<_> = acme.usage[0].readings.iter().map(|reading| reading.value).collect();
    assert_eq!((acme.usage.len(), values), (1, vec![10.5, 20.0, 21.0]));
    assert_eq!(acme.health.len(), 2);
    let deals: Vec<_> = acme.opportunities.iter().map(|deal| (deal.stage, deal.closed_at.is_some())).collect();
    assert_eq!(deals, [(Stage::Won, true), (Stage::Open, false)]);
    assert_eq!(&*acme.signals[0].kind, "seat_inquiry");
    let roles: Vec<_> = acme.stakeholders.iter().map(|person| person.role.as_deref()).collect();
    assert_eq!(roles, [Some("champion"), Some("executive")]);
    assert_eq!(acme.engagements[0].with_executive, Some(true));
    assert_eq!(portfolio.products[0].kind.as_deref(), Some("tier"));
}

#[test]
fn the_format_makes_no_difference() {
    type Writer = fn(&[Vec<String>]) -> Vec<u8>;
    let tables = every_table();
    let expected = read_all(folder_of(&tables).path()).expect("a good source");
    let formats: [(&str, Writer); 4] = [
        ("csv.gz", |rows| gzip(&csv(rows))),
        ("ndjson", ndjson),
        ("ndjson.gz", |rows| gzip(&ndjson(rows))),
        ("parquet", parquet),
    ];
    for (extension, write) in formats {
        let folder = TempDir::new().expect("a folder");
        for (table, rows) in &tables {
            put(folder.path(), &format!("{table}/part.{extension}"), write(rows));
        }
        assert_eq!(read_all(folder.path()).expect(extension), expected, "{extension}");
    }
}

#[test]
fn parquet_ids_may_be_integers_decimals_or_uuids() {
    let folder = folder_of(&required_tables());
    let uuid = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7];
    let wide: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let decimal = Decimal128Array::from(vec![9_007_199_254_740_993]).with_precision_and_scale(38, 0);
    let ids: [(ArrayRef, &str); 4] = [
        (Arc::new(Int64Array::from(vec![42])), "42"),
        (wide, "18446744073709551615"),
        (Arc::new(decimal.expect("a decimal type")), "9007199254740993"),
        (
            Arc::new(FixedSizeBinaryArray::try_from_iter([uuid].into_iter()).expect("16 bytes")),
            "01234567-89ab-cdef-0001-020304050607",
        ),
    ];
    for (array, expected) in ids {
        let day: ArrayRef = Arc::new(StringArray::from(vec!["2020-01-01"]));
        let columns = vec![
            ("ignored".to_owned(), Arc::clone(&day)),
            ("created_at".to_owned(), day),
            ("customer_id".to_owned(), array),
        ];
        put(folder.path(), "customers/more.parquet", parquet_of(columns));
        let read = read_all(folder.path()).expect("a good source");
        assert!(read.portfolio.customers.iter().any(|customer| &*customer.customer_id == expected), "{expected}");
    }
}

#[test]
fn a_parquet_column_of_another_type_is_named() {
    let folder = folder_of(&required_tables());
    let binary: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([[1u8; 3]].into_iter()).expect("3 bytes"));
    let day: ArrayRef = Arc::new(StringArray::from(vec!["2020-01-01"]));
    let columns = vec![("customer_id".to_owned(), binary), ("created_at".to_owned(), day)];
    put(folder.path(), "customers/more.parquet", parquet_of(columns));
    let error = read_all(folder.path()).expect_err("an unsupported type").to_string();
    assert_eq!(error, "column customer_id of customers/more.parquet has the unsupported type FixedSizeBinary(3)");

    put(folder.path(), "customers/more.parquet", "not parquet");
    let error = read_all(folder.path()).expect_err("a damaged file");
    assert!(error.to_string().starts_with("customers/more.parquet is not a readable Parquet file: "), "{error}");
    assert!(!error.is_transient());
}

#[test]
fn parquet_rows_are_checked_like_any_others() {
    let folder = folder_of(&required_tables());
    let columns: Vec<(String, ArrayRef)> = vec![
        ("customer_id".to_owned(), Arc::new(StringArray::from(vec!["c1", "c1", "c9", "c1"]))),
        ("recorded_at".to_owned(), Arc::new(TimestampMicrosecondArray::from(vec![0, i64::MAX, 0, 0]))),
        ("metric".to_owned(), Arc::new(StringArray::from(vec!["m"; 4]))),
        ("value".to_owned(), Arc::new(Float64Array::from(vec![f64::NAN, 1.0, 1.0, 1.0]))),
    ];
    put(folder.path(), "usage_metrics/u.parquet", parquet_of(columns));
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("tolerated");
    let examples: Vec<_> = read.issues.iter().map(|issue| &*issue.example).collect();
    assert_eq!(
        examples,
        [
            "usage_metrics/u.parquet:2: recorded_at is \"9223372036854775807\"",
            "usage_metrics/u.parquet:1: value is \"NaN\"",
            "usage_metrics/u.parquet:3: customer_id is \"c9\"",
        ]
    );
}

/// The reasons and examples that one table's rows give beside a good source.
fn issues_of(table: Table, header: &str, rows: &[&str]) -> Vec<DataIssue> {
    let folder = folder_of(&required_tables());
    put(folder.path(), &format!("{table}/x.csv"), format!("{header}\n{}\n", rows.join("\n")));
    read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("all tolerated").issues
}

#[test]
fn each_reason_is_found_in_the_rows_it_is_meant_for() {
    use Reason as R;
    const CONTRACT: &str = "contract_id,customer_id,start_date,end_date,quantity,annual_value";
    const DEAL: &str = "opportunity_id,customer_id,stage,amount,created_at,closed_at";
    const PERSON: &str = "stakeholder_id,customer_id,title,recorded_at";
    const USAGE: &str = "customer_id,recorded_at,metric,value";
    let cases: [(Table, &str, &[&str], Reason); 25] = [
        (Table::Customers, "customer_id,created_at", &[",2020-01-01"], R::MissingValue),
        (Table::Customers, "customer_id,created_at", &["c9,"], R::MissingValue),
        (Table::Customers, "customer_id,created_at", &["c9,1.1.2020"], R::NotADate),
        (Table::Customers, "customer_id,created_at,churned_at", &["c9,2020-01-02,2020-01-01"], R::ChurnedBeforeCreated),
        (Table::Customers, "customer_id,created_at", &["c1,2020-01-02"], R::ConflictingDuplicate),
        (Table::Products, "product_id,list_price", &["p,-1"], R::Negative),
        (Table::Products, "product_id,name", &["p,a", "p,a", " p ,b"], R::ConflictingDuplicate),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,2020-01-01,,"], R::EndBeforeStart),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,,-1,"], R::Negative),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,,,-1"], R::Negative),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,,many,"], R::NotANumber),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,,,", "k,c2,2020-01-02,,,"], R::ConflictingDuplicate),
        (Table::UsageMetrics, USAGE, &["c1,2020-01-02,logins,inf"], R::NotFinite),
        (Table::UsageMetrics, USAGE, &["c1,2020-01-02,logins,-1"], R::Negative),
        (Table::UsageMetrics, USAGE, &["c7,2020-01-02,logins,1"], R::UnknownCustomer),
        (Table::UsageMetrics, USAGE, &["c1,2020-01-02,logins"], R::WrongFieldCount),
        (Table::HealthScoreHistory, "customer_id,recorded_at,score", &["c1,2020-01-02,300"], R::ScoreOutOfRange),
        (Table::HealthScoreHistory, "customer_id,recorded_at,score", &["c1,2020-01-02,-1"], R::ScoreOutOfRange),
        (Table::ExpansionOpportunities, DEAL, &["d,c1,Won,,2020-01-02,"], R::ClosedWithoutDate),
        (Table::ExpansionOpportunities, DEAL, &["d,c1,lost,,2020-01-02,2020-01-01"], R::ClosedBeforeCreated),
        (Table::ExpansionOpportunities, DEAL, &["d,c1,open,-5,2020-01-02,x"], R::Negative),
        (Table::ExpansionOpportunities, DEAL, &["o2,c2,open,5,2021-01-01,"], R::ConflictingDuplicate),
        (Table::ExpansionSignals, "customer_id,detected_at,kind", &["c1,2020-01-02,"], R::MissingValue),
        (Table::Stakeholders, PERSON, &["s,c1,VP,2020-01-01", "s,c1,CEO,2020-01-01"], R::ConflictingDuplicate),
        (Table::Engagements, "customer_id,occurred_at,with_executive", &["c1,2020-01-02,maybe"], R::NotABoolean),
    ];
    for (table, header, rows, reason) in cases {
        let issues = issues_of(table, header, rows);
        let found: Vec<_> = issues.iter().map(|issue| (issue.table, &*issue.reason, issue.count)).collect();
        assert_eq!(found, [(table, reason.as_str(), 1)], "{header}: {rows:?}");
        let line = rows.len() + 1;
        assert!(issues[0].example.starts_with(&format!("{table}/x.csv:{line}: ")), "{}", issues[0].example);
    }
}

#[test]
fn the_first_of_two_rows_with_one_id_is_kept() {
    let mut tables = required_tables();
    tables.push(table(Table::Products, &["product_id,name", "p,first"]));
    let folder = folder_of(&tables);
    put(folder.path(), "products/part-1.csv", "product_id,name\np,second\n");
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 0.5 }).expect("tolerated");
    assert_eq!(read.portfolio.products[0].name.as_deref(), Some("first"));
    assert_eq!(read.issues[0].example, "products/part-1.csv:2: product_id is \"p\"");
}

/// A hundred usage rows, `bad` of them without a date.
fn with_bad_rows(bad: usize) -> TempDir {
    let folder = folder_of(&required_tables());
    let mut text = "customer_id,recorded_at,metric,value\n".to_owned();
    for i in 0..100 {
        let day = if (10..10 + bad).contains(&i) { "soon" } else { "2021-01-01" };
        let _ = writeln!(text, "c1,{day},logins,{i}");
    }
    put(folder.path(), "usage_metrics/u.csv", text);
    folder
}

#[test]
fn a_few_bad_rows_are_counted_and_many_fail_the_read() {
    let read = read_all(with_bad_rows(3).path()).expect("tolerated");
    let issue = DataIssue {
        table: Table::UsageMetrics,
        reason: "not a date".to_owned(),
        count: 3,
        example: "usage_metrics/u.csv:12: recorded_at is \"soon\"".to_owned(),
    };
    assert_eq!(read.issues, [issue]);
    assert_eq!(read.rows[&Table::UsageMetrics], 100);
    assert_eq!(read.portfolio.customers[0].usage[0].readings.len(), 97);

    assert!(read_all(with_bad_rows(5).path()).is_ok());
    let error = read_all(with_bad_rows(6).path()).expect_err("too many");
    assert_eq!(
        error.to_string(),
        "6 of 100 rows of usage_metrics are bad, more than the limit of 5 %; first bad row: usage_metrics/u.csv:12: \
         recorded_at is \"soon\" (not a date)"
    );
}

#[test]
fn a_source_without_its_required_tables_says_so() {
    let folder = TempDir::new().expect("a folder");
    let error = read_all(folder.path()).expect_err("nothing there").to_string();
    assert!(error.starts_with("the required table customers has no files"), "{error}");
    let error = read_all(&folder.path().join("absent")).expect_err("no folder").to_string();
    assert!(error.contains("absent can't be read: "), "{error}");

    let folder = folder_of(&required_tables());
    put(folder.path(), "expansion_opportunities/part-0.csv", "opportunity_id,customer_id,stage,created_at\n");
    let error = read_all(folder.path()).expect_err("no rows").to_string();
    assert_eq!(error, "the required table expansion_opportunities has no usable row (0 read)");
    put(folder.path(), "customers/part-0.csv", "customer_id,created_at\nc1,\n");
    let error = read_all(folder.path()).expect_err("no good rows").to_string();
    assert_eq!(
        error,
        "the required table customers has no usable row (1 read; first bad row: customers/part-0.csv:2: created_at is \
         empty (required value missing))"
    );
}

#[test]
fn a_truncated_file_is_an_error_and_not_a_short_table() {
    let folder = folder_of(&required_tables());
    let whole = gzip(&b"customer_id,recorded_at,score\n".iter().copied().cycle().take(100_000).collect::<Vec<_>>());
    put(folder.path(), "health_score_history/h.csv.gz", &whole[..whole.len() / 2]);
    let error = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect_err("a broken file").to_string();
    assert!(error.starts_with("health_score_history/h.csv.gz can't be read: "), "{error}");
}

#[test]
fn unknown_folders_and_hidden_files_do_not_disturb() {
    let folder = folder_of(&required_tables());
    let expected = read_all(folder.path()).expect("a good source");
    put(folder.path(), "invoices/i.xlsx", "?");
    put(folder.path(), "README.md", "?");
    put(folder.path(), "customers/_SUCCESS", "");
    put(folder.path(), "customers/.part-0.csv.crc", "?");
    fs::create_dir_all(folder.path().join("products")).expect("a folder");
    assert_eq!(read_all(folder.path()).expect("the same"), expected);
}

/// Every row of `tables` in the bucket of its customer, except for the tables in `whole`.
fn bucketed(tables: &Tables, whole: &[Table]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (table, rows) in tables {
        let owner = rows[0].iter().position(|column| column == "customer_id");
        let (Some(owner), false) = (owner, whole.contains(table)) else {
            put(folder.path(), &format!("{table}/all.csv"), csv(rows));
            continue;
        };
        for bucket in ["1", "2", "3"] {
            let mut part = vec![rows[0].clone()];
            part.extend(rows[1..].iter().filter(|row| row[owner].ends_with(bucket)).cloned());
            put(folder.path(), &format!("{table}/bucket={bucket}/part.csv"), csv(&part));
        }
    }
    folder
}

#[test]
fn the_shards_together_are_the_whole() {
    let tables = every_table();
    let whole = read_all(folder_of(&tables).path()).expect("a good source");
    for unbucketed in [&[][..], &[Table::UsageMetrics, Table::ExpansionOpportunities]] {
        let folder = bucketed(&tables, unbucketed);
        assert_eq!(read_all(folder.path()).expect("buckets read as a whole").portfolio, whole.portfolio);

        let mut joined = Portfolio::default();
        // Bucket 0 has no file at all, and bucket 3 no opportunity: both are shards all the same.
        for shard in 0..4 {
            let read = read_shard(folder.path(), Some(shard), Limits::default()).expect("a good shard");
            assert_eq!(read.issues, []);
            assert_eq!(read.portfolio.customers.len(), usize::from(shard > 0));
            joined.customers.extend(read.portfolio.customers);
            joined.products = read.portfolio.products;
            joined.tables = read.portfolio.tables;
        }
        assert_eq!(joined, whole.portfolio);
        let error = read_shard(folder.path(), Some(4), Limits::default()).expect_err("four shards").to_string();
        assert_eq!(error, "there is no shard 4: the source has 4");
    }
}

#[test]
fn a_stranger_in_a_bucket_is_bad_and_in_a_whole_table_is_another_shards() {
    let mut tables = required_tables();
    tables.push(table(Table::HealthScoreHistory, &["customer_id,recorded_at,score", "c2,2021-01-01,50", "c2,x,50"]));
    let folder = bucketed(&tables, &[Table::HealthScoreHistory]);
    let read = read_shard(folder.path(), Some(1), Limits::default()).expect("skipped");
    assert_eq!((read.issues.len(), read.rows[&Table::HealthScoreHistory]), (0, 2));

    put(folder.path(), "contracts/bucket=1/k.csv", "contract_id,customer_id,start_date\nk,c2,2021-01-01\n");
    let read = read_shard(folder.path(), Some(1), Limits { max_bad_share: 1.0 }).expect("tolerated");
    assert_eq!(read.issues[0].reason, Reason::UnknownCustomer.as_str());
    let error = read_shard(folder.path(), Some(1), Limits::default()).expect_err("all its contracts are misfiled");
    assert!(matches!(error, SourceError::TooManyBadRows { table: Table::Contracts, bad: 1, .. }), "{error}");
}

#[test]
fn the_bad_rows_that_a_table_may_have_can_all_lie_in_one_shard() {
    let folder = bucketed(&required_tables(), &[]);
    put(folder.path(), "health_score_history/bucket=2/h.csv", "customer_id,recorded_at,score\nc2,2021-01-01,300\n");
    let read = read_shard(folder.path(), Some(2), Limits::default()).expect("judged where the whole is read");
    assert_eq!(read.issues[0].reason, Reason::ScoreOutOfRange.as_str());
    assert!(matches!(read_all(folder.path()), Err(SourceError::TooManyBadRows { .. })));
}

prop_compose! {
    /// Rows of a few tables in which ids never conflict.
    fn arbitrary_tables()(
        usage in prop::collection::vec((0..4u8, 1..28u8, 0..3u8, 0..5u16), 0..40),
        deals in prop::collection::vec((0..4u8, 1..14u8, 14..28u8, 0..3u8), 1..20),
        touches in prop::collection::vec((0..4u8, 1..28u8, 0..3u8), 0..20),
    ) -> Tables {
        let mut customers = vec!["customer_id,created_at".to_owned()];
        customers.extend((0..4).map(|id| format!("c{id},2020-01-0{}", id + 1)));
        let mut readings = vec!["customer_id,recorded_at,metric,value".to_owned()];
        readings.extend(usage.iter().map(|(id, day, metric, value)| format!("c{id},2021-01-{day:02},m{metric},{value}")));
        let mut opportunities = vec!["opportunity_id,customer_id,stage,created_at,closed_at".to_owned()];
        opportunities.extend(deals.iter().enumerate().map(|(i, (id, opened, closed, stage))| {
            let stage = ["won", "lost", "open"][usize::from(*stage)];
            format!("o{i},c{id},{stage},2021-01-{opened:02},2021-01-{closed:02}")
        }));
        let mut engagements = vec!["customer_id,occurred_at,kind".to_owned()];
        engagements.extend(touches.iter().map(|(id, day, kind)| format!("c{id},2021-01-{day:02},k{kind}")));
        [
            (Table::Customers, customers),
            (Table::UsageMetrics, readings),
            (Table::ExpansionOpportunities, opportunities),
            (Table::Engagements, engagements),
        ]
        .map(|(name, lines)| table(name, &lines.iter().map(|line| &**line).collect::<Vec<_>>()))
        .to_vec()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_rows_changes_nothing(
        (tables, shuffled) in arbitrary_tables().prop_flat_map(|tables| {
            let shuffled: Vec<_> = tables
                .iter()
                .map(|(table, rows)| {
                    let (table, header) = (*table, rows[0].clone());
                    Just(rows[1..].to_vec()).prop_shuffle().prop_map(move |mut rows| {
                        rows.insert(0, header.clone());
                        (table, rows)
                    })
                })
                .collect();
            (Just(tables), shuffled)
        })
    ) {
        let read = |tables: &Tables| read_all(folder_of(tables).path()).expect("a good source");
        prop_assert_eq!(read(&tables), read(&shuffled));
    }
}

/// Rows a second of the largest table in each format and in both orders. Run it optimised:
/// `cargo test --release -p expansion-source -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement, not a check"]
#[expect(clippy::cast_precision_loss, reason = "rates need no precision")]
fn speed() {
    const CUSTOMERS: usize = 50_000;
    const ROWS: usize = 10_000_000;
    let customer = |i: usize| format!("{i:08x}-0000-4000-8000-{i:012x}");
    let row = |i: usize, grouped: bool| {
        let per_customer = ROWS / CUSTOMERS;
        let (who, when) = if grouped { (i / per_customer, i % per_customer) } else { (i % CUSTOMERS, i / CUSTOMERS) };
        let metric = ["active_seats", "logins", "api_calls"][when % 3];
        let micros = 1_600_000_000_000_000 + i64::try_from(when).expect("small") * 86_400_000_000;
        // A stride far from 1 scatters neighbours over memory.
        (who * 7919 % CUSTOMERS, micros, metric, (i % 1000) as f64)
    };
    let folder = TempDir::new().expect("a folder");
    let mut customers = "customer_id,created_at\n".to_owned();
    for i in 0..CUSTOMERS {
        let _ = writeln!(customers, "{},2020-01-01", customer(i));
    }
    put(folder.path(), "customers/c.csv", customers);
    let deal = format!("opportunity_id,customer_id,stage,created_at\no,{},open,2020-01-01\n", customer(1));
    put(folder.path(), "expansion_opportunities/o.csv", deal);

    let measure = |what: &str, rows: usize| {
        let start = std::time::Instant::now();
        let read = read_all(folder.path()).expect("a good source");
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(read.rows[&Table::UsageMetrics], u64::try_from(rows).expect("small"));
        println!("{what}: {:.2} million rows/s", rows as f64 / seconds / 1e6);
        fs::remove_dir_all(folder.path().join("usage_metrics")).expect("removed");
    };
    for (order, grouped) in [("grouped by customer", true), ("in time order", false)] {
        let path = folder.path().join("usage_metrics/u.parquet");
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let mut writer = None;
        for start in (0..ROWS).step_by(100_000) {
            let rows: Vec<_> = (start..start + 100_000).map(|i| row(i, grouped)).collect();
            let columns: [(&str, ArrayRef); 4] = [
                ("customer_id", Arc::new(rows.iter().map(|r| Some(customer(r.0))).collect::<StringArray>())),
                ("recorded_at", Arc::new(rows.iter().map(|r| Some(r.1)).collect::<TimestampMicrosecondArray>())),
                ("metric", Arc::new(rows.iter().map(|r| Some(r.2)).collect::<StringArray>())),
                ("value", Arc::new(rows.iter().map(|r| Some(r.3)).collect::<Float64Array>())),
            ];
            let batch = RecordBatch::try_from_iter(columns).expect("a batch");
            let writer = writer.get_or_insert_with(|| {
                ArrowWriter::try_new(File::create(&path).expect("a file"), batch.schema(), None).expect("a writer")
            });
            writer.write(&batch).expect("written");
        }
        writer.expect("a writer").close().expect("closed");
        measure(&format!("parquet {order}"), ROWS);
    }
    let some = ROWS / 5;
    for extension in ["csv", "ndjson"] {
        let mut text = String::new();
        if extension == "csv" {
            text.push_str("customer_id,recorded_at,metric,value\n");
        }
        for (who, micros, metric, value) in (0..some).map(|i| row(i, false)) {
            let (who, at) = (customer(who), Instant::from_micros(micros).expect("a time").date());
            let _ = match extension {
                "csv" => writeln!(text, "{who},{at},{metric},{value}"),
                _ => writeln!(
                    text,
                    r#"{{"customer_id":"{who}","recorded_at":"{at}","metric":"{metric}","value":{value}}}"#
                ),
            };
        }
        put(folder.path(), &format!("usage_metrics/u.{extension}"), text);
        measure(&format!("{extension} in time order"), some);
    }
}

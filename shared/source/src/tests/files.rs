//! Sources whose files are called, compressed and laid out as real tools do.

use std::path::Path;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{BrotliLevel, Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, StructArray};
use arrow_schema::Field;

use super::*;

type Writer = fn(&[Vec<String>]) -> Vec<u8>;

const CUSTOMERS: &str = "customer_id,created_at,segment\nc1,2020-01-01,SMB\nc2,2020-01-01,\n";

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).expect("compressed")
}

fn notes(read: &Read) -> Vec<(Table, String, u64, &str)> {
    read.issues.iter().map(|issue| (issue.table, issue.reason.clone(), issue.count, &*issue.example)).collect()
}

fn segments(read: &Read) -> Vec<Option<&str>> {
    read.data.customers.iter().map(|customer| customer.segment.as_deref()).collect()
}

fn refusal(source: &Path) -> String {
    read_all(source).expect_err("refused").to_string()
}

/// The required tables, with the customers in one file.
fn source(customers: &str, content: impl AsRef<[u8]>) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    put(folder.path(), customers, content);
    put(
        folder.path(),
        "expansion_opportunities/a.csv",
        "opportunity_id,customer_id,stage,created_at\no1,c1,open,2021-01-01\n",
    );
    folder
}

#[test]
fn endings_and_compression_make_no_difference() {
    let tables = every_table();
    let expected = read_all(folder_of(&tables).path()).expect("a good source");
    let endings: [(&str, Writer); 13] = [
        (".CSV", csv),
        (".csv.zst", |rows| zstd(&csv(rows))),
        (".tsv.gz", |rows| gzip(&csv(rows))),
        (".csv", |rows| gzip(&csv(rows))),
        (".csv.gz", |rows| [gzip(&csv(rows)[..20]), gzip(&csv(rows)[20..])].concat()),
        (".json", ndjson),
        (".jsonl.zst", |rows| zstd(&ndjson(rows))),
        (".json.gz", |rows| gzip(&ndjson(rows))),
        ("", csv),
        ("", ndjson),
        ("", |rows| zstd(&ndjson(rows))),
        ("_part_00.gz", |rows| gzip(&csv(rows))),
        ("", parquet),
    ];
    for (i, (ending, write)) in endings.into_iter().enumerate() {
        let folder = TempDir::new().expect("a folder");
        for (table, rows) in &tables {
            put(folder.path(), &format!("{table}/0000{ending}"), write(rows));
        }
        assert_eq!(read_all(folder.path()).expect(ending), expected, "{i}: {ending}");
        let folder = TempDir::new().expect("a folder");
        for (table, rows) in &tables {
            put(folder.path(), &format!("{table}{}", if ending.starts_with('.') { ending } else { "" }), write(rows));
        }
        assert_eq!(read_all(folder.path()).expect(ending), expected, "one file a table, {i}: {ending}");
    }
}

#[test]
fn parquet_may_be_compressed_in_any_usual_way() {
    let columns: [(&str, ArrayRef); 2] = [
        ("customer_id", Arc::new(StringArray::from(vec!["c1", "c2"]))),
        ("created_at", Arc::new(StringArray::from(vec!["2020-01-01"; 2]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(::parquet::basic::GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4_RAW,
        Compression::LZ4,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("written");
        let source = source("customers/a.parquet", writer.into_inner().expect("the file"));
        assert_eq!(read_all(source.path()).expect("a good source").data.customers.len(), 2, "{compression:?}");
    }
}

#[test]
fn content_that_is_no_table_is_refused_by_name() {
    for (name, content) in [("a", &b"c1,2020-01-01\n"[..]), ("a.dat", b"Obj\x01"), ("a.txt", b"see the wiki")] {
        let error = refusal(source(&format!("customers/{name}"), content).path());
        assert!(error.starts_with(&format!("customers/{name} is of no known format: ")), "{error}");
    }
    let error = refusal(source("customers/a.csv.gz", "").path());
    assert!(error.starts_with("customers/a.csv.gz can't be read: "), "{error}");
}

#[test]
fn folders_give_columns_in_every_format() {
    let rows = |id: &str| table(Table::Customers, &["customer_id,created_at", &format!("{id},2020-01-01")]).1;
    let formats: [(&str, Writer); 3] = [("csv", csv), ("json", ndjson), ("parquet", parquet)];
    for (ending, write) in formats {
        let day = "customers/dt=2026-06-30";
        let source = source(&format!("{day}/Segment=Mid%20Market/a.{ending}"), write(&rows("c1")));
        put(source.path(), &format!("{day}/Segment=__HIVE_DEFAULT_PARTITION__/a.{ending}"), write(&rows("c2")));
        let read = read_all(source.path()).expect("a good source");
        assert_eq!((segments(&read), notes(&read)), (vec![Some("Mid Market"), None], vec![]), "{ending}");
    }
}

#[test]
fn a_column_of_the_file_counts_more_than_its_folder() {
    let source = source("customers/segment=Enterprise/a.csv", CUSTOMERS);
    let read = read_all(source.path()).expect("a good source");
    assert_eq!((segments(&read), notes(&read)), (vec![Some("SMB"), None], vec![]));
}

#[test]
fn a_column_in_only_some_files_is_said() {
    let source = source("customers/a.csv", CUSTOMERS);
    put(source.path(), "customers/b.csv", "customer_id,created_at\nc3,2020-01-01\n");
    put(source.path(), "customers/c.json", "{\"customer_id\":\"c4\",\"created_at\":\"2020-01-01\"}\n");
    put(source.path(), "customers/d.csv", "");
    let read = read_all(source.path()).expect("a good source");
    let said = (Table::Customers, Reason::ColumnInSomeFiles.to_string(), 2, "customers/b.csv has no segment");
    assert_eq!((segments(&read), notes(&read)), (vec![Some("SMB"), None, None, None], vec![said]));
}

#[test]
fn a_near_miss_is_said_and_another_case_is_read() {
    let near = source("customers/a.csv", CUSTOMERS.replace("segment", "segement"));
    let read = read_all(near.path()).expect("a good source");
    let example = "customers/a.csv: \"segement\" is not read, and there is no segment";
    assert_eq!(notes(&read), [(Table::Customers, Reason::NearColumn.to_string(), 1, example)]);

    let capitals = source("customers/a.csv", CUSTOMERS.replace("segment", "SEGMENT"));
    let read = read_all(capitals.path()).expect("a good source");
    assert_eq!((segments(&read), notes(&read)), (vec![Some("SMB"), None], vec![]));
    let line = "{\"Customer ID\":\"c1\",\"createdAt\":\"2020-01-01\",\"SEGMENT\":\"SMB\"}\n";
    let read = read_all(source("customers.json", line).path()).expect("a good source");
    assert_eq!(segments(&read), [Some("SMB")]);

    let mixed = source("customers/a.json", format!("{line}{}", line.replace("SEGMENT", "segment").replace("c1", "c2")));
    let read = read_all(mixed.path()).expect("each object has one");
    assert_eq!(segments(&read), [Some("SMB"), Some("SMB")]);
    let twice = source("customers/a.json", line.replace('}', ",\"segment\":\"Enterprise\"}"));
    assert_eq!(refusal(twice.path()), "customers/a.json has two columns for segment: SEGMENT and segment");
}

#[test]
fn what_is_passed_over_is_said() {
    let source = source("customers/a.csv", CUSTOMERS);
    for path in ["customers/_SUCCESS", "customers/load.sql", "usage_metric/a.csv", "README", "invoices/i.xlsx"] {
        put(source.path(), path, "?");
    }
    let read = read_all(source.path()).expect("a good source");
    let customers = "customers/_SUCCESS (a writer's bookkeeping)";
    let usage = "usage_metric/ (not a table, but named much like one)";
    assert_eq!(
        notes(&read),
        [
            (Table::Customers, Reason::FilePassedOver.to_string(), 2, customers),
            (Table::UsageMetrics, Reason::NearTable.to_string(), 1, usage),
        ]
    );
}

const COMMIT_0: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"","partitionColumns":["segment"],"configuration":{}}}
{"add":{"path":"segment=a%2520b/1.parquet","partitionValues":{"segment":"a b"},"size":1,"modificationTime":1,"dataChange":true}}
{"add":{"path":"segment=x/2.parquet","partitionValues":{"segment":"x"},"size":1,"modificationTime":1,"dataChange":true}}
"#;
const COMMIT_1: &str = r#"{"remove":{"path":"segment=x/2.parquet","dataChange":true,"deletionTimestamp":1}}
{"add":{"path":"3.parquet","partitionValues":{"segment":null},"size":1,"modificationTime":1,"dataChange":true}}
"#;

fn customer_file(id: &str) -> Vec<u8> {
    parquet(&table(Table::Customers, &["customer_id,created_at", &format!("{id},2020-01-01")]).1)
}

/// A source whose customers are a Delta table of the given commits.
fn delta(commits: &[&str]) -> TempDir {
    let source = source("customers/segment=a%20b/1.parquet", customer_file("c1"));
    put(source.path(), "customers/segment=x/2.parquet", customer_file("c2"));
    put(source.path(), "customers/3.parquet", customer_file("c3"));
    for (version, commit) in commits.iter().enumerate() {
        put(source.path(), &format!("customers/_delta_log/{version:020}.json"), commit);
    }
    source
}

fn ids(read: &Read) -> Vec<&str> {
    read.data.customers.iter().map(|customer| &*customer.customer_id).collect()
}

#[test]
fn a_delta_table_is_read_as_its_log_says() {
    let read = read_all(delta(&[COMMIT_0]).path()).expect("a good source");
    assert_eq!((ids(&read), segments(&read)), (vec!["c1", "c2"], vec![Some("a b"), Some("x")]));
    let read = read_all(delta(&[COMMIT_0, COMMIT_1]).path()).expect("a good source");
    assert_eq!((ids(&read), segments(&read)), (vec!["c1", "c3"], vec![Some("a b"), None]));
    let removed = "customers/segment=x/2.parquet (not in the log of its table)";
    assert_eq!(notes(&read), [(Table::Customers, Reason::FilePassedOver.to_string(), 1, removed)]);
}

/// The checkpoint of a table without partitions that consists of one file.
fn checkpoint(path: &str) -> Vec<u8> {
    let field = |name: &str, array: &dyn Array| Arc::new(Field::new(name, array.data_type().clone(), true));
    let group = |fields: Vec<(&str, ArrayRef)>| -> ArrayRef {
        let fields: Vec<_> = fields.into_iter().map(|(name, array)| (field(name, &array), array)).collect();
        Arc::new(StructArray::from(fields))
    };
    let mut partition = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    partition.keys().append_value("segment");
    partition.values().append_value("Large");
    partition.append(true).expect("a map");
    let mut configuration = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    configuration.append(true).expect("a map");
    let mut version = Int32Builder::new();
    version.append_value(1);
    let mut features = ListBuilder::new(StringBuilder::new());
    features.append_null();
    let columns = vec![
        ("txn".to_owned(), group(vec![("appId", Arc::new(StringArray::from(vec![None::<&str>])))])),
        (
            "add".to_owned(),
            group(vec![
                ("path", Arc::new(StringArray::from(vec![path]))),
                ("partitionValues", Arc::new(partition.finish())),
            ]),
        ),
        ("metaData".to_owned(), group(vec![("configuration", Arc::new(configuration.finish()))])),
        (
            "protocol".to_owned(),
            group(vec![
                ("minReaderVersion", Arc::new(version.finish())),
                ("readerFeatures", Arc::new(features.finish())),
            ]),
        ),
    ];
    parquet_of(columns)
}

#[test]
fn a_delta_table_goes_on_from_its_newest_checkpoint() {
    let source = delta(&["not read", "nor this", COMMIT_1]);
    let log = |name: &str| format!("customers/_delta_log/{name}");
    put(source.path(), &log("00000000000000000001.checkpoint.parquet"), checkpoint("segment=a%2520b/1.parquet"));
    put(source.path(), &log("00000000000000000002.checkpoint.0000000001.0000000002.parquet"), "incomplete");
    put(source.path(), &log("_last_checkpoint"), "{}");
    let read = read_all(source.path()).expect("a good source");
    assert_eq!((ids(&read), segments(&read)), (vec!["c1", "c3"], vec![Some("Large"), None]));
    fs::remove_file(source.path().join(log("00000000000000000002.json"))).expect("removed");
    assert_eq!(ids(&read_all(source.path()).expect("a good source")), ["c1"]);
}

#[test]
fn a_delta_table_that_needs_more_is_refused_with_the_way_out() {
    let vector =
        r#","deletionVector":{"storageType":"u","pathOrInlineDv":"x","offset":1,"sizeInBytes":1,"cardinality":1}}}"#;
    let with = |from: &str, to: &str| COMMIT_0.replace(from, to);
    for (commits, why) in [
        (vec![with(r#""dataChange":true}}"#, &format!("\"dataChange\":true{vector}"))], "deletion vector"),
        (
            vec![with(r#""configuration":{}"#, r#""configuration":{"delta.columnMapping.mode":"name"}"#)],
            "mapped by name",
        ),
        (vec![with(r#""minReaderVersion":1"#, r#""minReaderVersion":3,"readerFeatures":["new"]"#)], "the feature new"),
        (vec![with(r#""minReaderVersion":1"#, r#""minReaderVersion":4"#)], "version 4"),
        (vec![with("segment=x/2.parquet", "s3://other/2.parquet")], "lies elsewhere"),
        (vec![with("segment=x/2.parquet", "gone.parquet")], "missing"),
        (vec![with("{\"protocol\"", "{\"other\"")], "no protocol"),
        (vec!["{".to_owned()], "EOF"),
    ] {
        let commits: Vec<_> = commits.iter().map(|commit| &**commit).collect();
        let error = refusal(delta(&commits).path());
        assert!(
            error.starts_with("customers") && error.contains(" is a Delta table, ") && error.contains(why),
            "{error}"
        );
        assert!(error.contains("export its rows"), "{error}");
    }
    let source = delta(&[COMMIT_0, COMMIT_1]);
    fs::remove_file(source.path().join("customers/_delta_log/00000000000000000000.json")).expect("removed");
    assert!(refusal(source.path()).contains("commit 0 is missing in its log"));
}

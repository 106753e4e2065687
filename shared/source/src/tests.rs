//! Whole sources, written to a folder and read back.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use expansion_domain::{DataGrade, DataIssue, SourceData, Stage, Table};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Limits, Read, Reason, SourceError};

mod files;
mod fixtures;
mod mapping;
mod meanings;
mod presets;
mod spellings;
use fixtures::*;
pub(crate) use fixtures::{Seen, file_of, seen};

#[test]
fn every_column_of_every_table_arrives_in_order() {
    let source = folder_of(&every_table());
    let Read { data, issues, rows, .. } = read_all(source.path()).expect("a good source");
    assert_eq!(issues, []);
    assert_eq!(data.tables, Table::ALL);
    assert_eq!(rows[&Table::UsageMetrics], 5);

    let ids: Vec<_> = data.customers.iter().map(|customer| &*customer.customer_id).collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
    let [acme, bolt, _] = &*data.customers else { panic!("three customers") };
    assert_eq!(bolt.name.as_deref(), Some("Bolt & Söhne"));
    assert_eq!(bolt.churned_at, "2023-06-01".parse().ok());
    assert_eq!(acme.contracts.len(), 2);
    assert_eq!(acme.contracts[1].product_id.as_deref(), Some("unlisted"));
    let values: Vec<_> = acme.usage[0].readings.iter().map(|reading| reading.value).collect();
    assert_eq!((acme.usage.len(), values), (1, vec![10.5, 20.0, 21.0, 21.0]));
    assert_eq!(acme.health.len(), 2);
    let deals: Vec<_> = acme.opportunities.iter().map(|deal| (deal.stage, deal.closed_at.is_some())).collect();
    assert_eq!(deals, [(Stage::Won, true), (Stage::Open, false)]);
    assert_eq!(&*acme.signals[0].kind, "seat_inquiry");
    let roles: Vec<_> = acme.stakeholders.iter().map(|person| person.role.as_deref()).collect();
    assert_eq!(roles, [Some("champion"), Some("executive")]);
    assert_eq!(acme.engagements[0].with_executive, Some(true));
    assert_eq!(data.products[0].kind.as_deref(), Some("tier"));
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
    let dictionary = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0]), Arc::new(Int64Array::from(vec![43])));
    let ids: [(ArrayRef, &str); 5] = [
        (Arc::new(Int64Array::from(vec![42])), "42"),
        (Arc::new(dictionary), "43"),
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
        assert!(read.data.customers.iter().any(|customer| &*customer.customer_id == expected), "{expected}");
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
    const DAY: i64 = 1_600_000_000_000_000;
    let folder = folder_of(&required_tables());
    let columns: Vec<(String, ArrayRef)> = vec![
        ("customer_id".to_owned(), Arc::new(StringArray::from(vec!["c1", "c1", "c9", "c1"]))),
        ("recorded_at".to_owned(), Arc::new(TimestampMicrosecondArray::from(vec![DAY, i64::MAX, DAY, DAY]))),
        ("metric".to_owned(), Arc::new(StringArray::from(vec!["m"; 4]))),
        ("value".to_owned(), Arc::new(Float64Array::from(vec![f64::NAN, 1.0, 1.0, 1.0]))),
    ];
    put(folder.path(), "usage_metrics/u.parquet", parquet_of(columns));
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("tolerated");
    let examples: Vec<_> = read.issues.iter().map(|issue| &*issue.example).collect();
    assert_eq!(
        examples,
        [
            "usage_metrics/u.parquet:1: value is empty",
            "usage_metrics/u.parquet:2: recorded_at is \"9223372036854775807\"",
            "usage_metrics/u.parquet:3: customer_id is \"c9\"",
        ]
    );
}

/// The reasons and examples that one table's rows give beside a good source.
fn issues_of(table: Table, header: &str, rows: &[&str]) -> Vec<DataIssue> {
    let folder = folder_of(&required_tables());
    put(folder.path(), &format!("{table}/x.csv"), format!("{header}\n{}\n", rows.join("\n")));
    of_rows(&read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("all tolerated").issues)
}

#[test]
fn each_reason_is_found_in_the_rows_it_is_meant_for() {
    use Reason as R;
    const CONTRACT: &str = "contract_id,customer_id,start_date,end_date,quantity,annual_value";
    const DEAL: &str = "opportunity_id,customer_id,stage,amount,created_at,closed_at";
    const USAGE: &str = "customer_id,recorded_at,metric,value";
    let cases: [(Table, &str, &[&str], Reason); 19] = [
        (Table::Customers, "customer_id,created_at", &[",2020-01-01"], R::MissingValue),
        (Table::Customers, "customer_id,created_at", &["c9,"], R::MissingValue),
        (Table::Customers, "customer_id,created_at", &["c9,1.1.2020"], R::NotADate),
        (Table::Products, "product_id,list_price", &["p,-1"], R::Negative),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,2020-01-01,,"], R::EndBeforeStart),
        (Table::Contracts, CONTRACT, &["k,c1,2020-01-02,,-2,"], R::Negative),
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
        (
            Table::ExpansionOpportunities,
            DEAL,
            &["d,c1,open,,2020-01-02,", "d,c2,open,,2020-01-02,"],
            R::ConflictingDuplicate,
        ),
        (Table::ExpansionSignals, "customer_id,detected_at,kind", &["c1,2020-01-02,"], R::MissingValue),
        (Table::Engagements, "customer_id,occurred_at,with_executive", &["c1,2020-01-02,maybe"], R::NotABoolean),
    ];
    for (table, header, rows, reason) in cases {
        let issues = issues_of(table, header, rows);
        let found: Vec<_> = issues.iter().map(|issue| (issue.table, &*issue.reason, issue.count)).collect();
        assert_eq!(found, [(table, &*reason.to_string(), 1)], "{header}: {rows:?}");
        let line = rows.len() + 1;
        assert!(issues[0].example.starts_with(&format!("{table}/x.csv:{line}: ")), "{}", issues[0].example);
    }
}

/// A hundred usage rows, `bad` of them without a date.
fn with_bad_rows(bad: usize) -> TempDir {
    let folder = folder_of(&required_tables());
    let mut text = "customer_id,recorded_at,metric,value\n".to_owned();
    for i in 0..100 {
        let time = format!("2021-01-01T{:02}:{:02}:00Z", i / 60, i % 60);
        let time = if (10..10 + bad).contains(&i) { "soon" } else { &*time };
        let _ = writeln!(text, "c1,{time},logins,{i}");
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
        grade: DataGrade::Warned,
    };
    assert_eq!(read.issues, [issue]);
    assert_eq!(read.rows[&Table::UsageMetrics], 100);
    assert_eq!(read.data.customers[0].usage[0].readings.len(), 97);

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
        assert_eq!(read_all(folder.path()).expect("buckets read as a whole").data, whole.data);

        let mut joined = SourceData::default();
        // Bucket 0 has no file at all, and bucket 3 no opportunity: both are shards all the same.
        for shard in 0..4 {
            let read = read_shard(folder.path(), Some(shard), Limits::default()).expect("a good shard");
            assert_eq!(read.issues, []);
            assert_eq!(read.data.customers.len(), usize::from(shard > 0));
            joined.customers.extend(read.data.customers);
            joined.products = read.data.products;
            joined.tables = read.data.tables;
        }
        assert_eq!(joined, whole.data);
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

    // Of a required table it is held against the source; of others the reader of the whole has said what it is.
    put(folder.path(), "contracts/bucket=1/k.csv", "contract_id,customer_id,start_date\nk,c2,2021-01-01\n");
    let read = read_shard(folder.path(), Some(1), Limits::default()).expect("tolerated");
    assert_eq!(read.issues[0].reason, Reason::UnknownCustomer.to_string());
    let error = read_all(folder.path()).expect_err("all its contracts are misfiled");
    assert!(matches!(error, SourceError::TooManyBadRows { table: Table::Contracts, bad: 1, .. }), "{error}");
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("tolerated");
    let found: Vec<_> = read.issues.iter().map(|issue| &*issue.reason).collect();
    assert_eq!(found, [Reason::WrongBucket.to_string(), Reason::NotADate.to_string()]);

    let header = "opportunity_id,customer_id,stage,created_at";
    put(folder.path(), "expansion_opportunities/bucket=1/more.csv", format!("{header}\nd,c2,open,2021-01-01\n"));
    let error = read_shard(folder.path(), Some(1), Limits::default()).expect_err("a deal is misfiled");
    assert!(matches!(error, SourceError::TooManyBadRows { table: Table::ExpansionOpportunities, .. }), "{error}");
}

#[test]
fn the_bad_rows_that_a_table_may_have_can_all_lie_in_one_shard() {
    let folder = bucketed(&required_tables(), &[]);
    put(folder.path(), "health_score_history/bucket=2/h.csv", "customer_id,recorded_at,score\nc2,2021-01-01,300\n");
    let read = read_shard(folder.path(), Some(2), Limits::default()).expect("judged where the whole is read");
    assert_eq!(read.issues[0].reason, Reason::ScoreOutOfRange.to_string());
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
        let read = |tables: &Tables| {
            let read = read_all(folder_of(tables).path()).expect("a good source");
            let said: Vec<_> = read.issues.into_iter().map(|issue| (issue.table, issue.reason, issue.count)).collect();
            (read.data, said, read.rows, read.words, read.conventions)
        };
        prop_assert_eq!(read(&tables), read(&shuffled));
    }
}

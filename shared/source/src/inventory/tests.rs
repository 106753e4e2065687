use super::*;
use proptest::prelude::*;

fn found(path: &str) -> Found {
    Found { path: path.to_owned(), size: 1, version: "v".to_owned() }
}

fn inventory_of(paths: &[&str]) -> Result<Inventory, SourceError> {
    let sorted = Sorted::of(paths.iter().map(|path| found(path)).collect(), &Mapping::default())?;
    Inventory::new(Location::Folder("source".into()), Mapping::default(), sorted)
}

/// What is passed over beside the required tables.
fn passed_over(paths: &[&str]) -> Vec<(String, Option<Table>, Because)> {
    let required = ["customers/a.csv", "expansion_opportunities/a.csv"];
    let inventory = inventory_of(&[&required, paths].concat()).expect("valid");
    assert_eq!(inventory.files().len(), 2);
    inventory.passed_over.into_iter().map(|other| (other.path, other.table, other.because)).collect()
}

fn refusal(path: &str) -> String {
    let paths = ["customers/a.csv", "expansion_opportunities/a.csv", path];
    inventory_of(&paths).expect_err(path).to_string()
}

#[test]
fn a_missing_required_table_is_said_plainly() {
    let error = inventory_of(&["customers/a.csv", "expansion_opportunities/_SUCCESS"]).expect_err("one is missing");
    assert_eq!(
        error.to_string(),
        "the required table expansion_opportunities has no files: expected .csv, .tsv, .json, .jsonl or .ndjson \
         (each also with .gz or .zst) or .parquet in expansion_opportunities/ of source"
    );
    let error = inventory_of(&["customer/", "expansion_opportunities/a.csv"]).expect_err("one is missing");
    assert!(error.to_string().ends_with(" in customers/ of source; is customer/ meant?"), "{error}");
}

#[test]
fn tables_are_folders_or_files_matched_as_headers_are() {
    let inventory = inventory_of(&[
        "Customers.parquet",
        "Expansion-Opportunities/2026-06-30/part-0.json",
        "products.csv.gz",
        "usage metrics.csv/part-0.csv",
        "HealthScoreHistory/a.tsv",
        "contracts",
    ])
    .expect("valid");
    let tables: Vec<_> = inventory.files().iter().map(|file| (file.table, file.format)).collect();
    assert_eq!(
        tables,
        [
            (Table::Customers, Format::Parquet),
            (Table::ExpansionOpportunities, Format::Json),
            (Table::HealthScoreHistory, Format::Csv),
            (Table::Contracts, Format::ByContent),
            (Table::Products, Format::Csv),
            (Table::UsageMetrics, Format::Csv),
        ]
    );
    assert_eq!(refusal("customers.parquet"), "the table customers is in two places: customers.parquet and customers");
    assert!(refusal("Customers/a.csv").contains("two places"));
}

#[test]
fn folders_give_columns() {
    let of = |path: &str| {
        let file = SourceFile::of(found(path), Table::Customers, Arc::default(), Format::Csv).expect("valid");
        let texts = |(name, value): (String, Option<String>)| format!("{name}={}", value.unwrap_or("?".to_owned()));
        file.constants.into_iter().map(texts).collect::<Vec<_>>()
    };
    assert_eq!(of("customers/segment=SMB/region=a%2Fb%20c/x=y.csv"), ["segment=SMB", "region=a/b c"]);
    assert_eq!(of("customers/segment=__HIVE_DEFAULT_PARTITION__/a.csv"), ["segment=?"]);
    assert_eq!(of("customers/bucket=3/segment=/a=b=c/a.csv"), ["segment=", "a=b=c"]);
    assert_eq!(of("customers/2026-06-30/=x/_day=%ff/a.csv"), ["_day=%ff"]);
    assert_eq!(of("customers=x.csv"), [""; 0]);
}

#[test]
fn buckets_are_read_from_the_path() {
    let none = inventory_of(&["customers/a.csv", "expansion_opportunities/a.csv"]).expect("valid");
    assert_eq!(none.buckets(), None);
    let some = inventory_of(&[
        "customers/bucket=0/a.csv",
        "customers/bucket=2/a.csv",
        "expansion_opportunities/a.csv",
        "usage_metrics/Bucket=11/x/a.parquet",
        "products/a.csv",
    ])
    .expect("valid");
    assert_eq!(some.buckets(), Some(12));
    assert_eq!(some.files_of(Table::UsageMetrics).next().and_then(|file| file.bucket), Some(11));

    for bad in ["bucket=", "bucket=x", "bucket=-1", "bucket=4294967295", "bucket=1/bucket=2"] {
        let paths = [&*format!("customers/{bad}/a.csv"), "expansion_opportunities/a.csv"];
        assert!(matches!(inventory_of(&paths), Err(SourceError::InvalidBucket { .. })), "{bad}");
    }
}

#[test]
fn customers_are_bucketed_when_anything_is() {
    let others = ["customers/a.csv", "expansion_opportunities/bucket=0/a.csv"];
    assert!(matches!(inventory_of(&others), Err(SourceError::CustomersNotBucketed { .. })));
    let partly = ["customers/bucket=0/a.csv", "customers/b.csv", "expansion_opportunities/a.csv"];
    assert!(matches!(inventory_of(&partly), Err(SourceError::CustomersNotBucketed { .. })));
}

#[test]
fn what_lies_beside_data_is_passed_over_and_listed() {
    let bookkeeping = |path: &str| (path.to_owned(), Some(Table::Customers), Because::Bookkeeping);
    let document = |path: &str| (path.to_owned(), Some(Table::Customers), Because::Document);
    assert_eq!(
        passed_over(&[
            "customers/.a.csv.crc",
            "customers/_temporary/0/part.x",
            "customers/_temporary/1/part.x",
            "customers/manifest.json",
            "customers/README.md",
            "customers/x/schema.sql",
            "customers/~$a.xlsx",
        ]),
        [
            bookkeeping("customers/.a.csv.crc"),
            document("customers/README.md"),
            bookkeeping("customers/_temporary/"),
            bookkeeping("customers/manifest.json"),
            document("customers/x/schema.sql"),
            bookkeeping("customers/~$a.xlsx"),
        ]
    );
    assert_eq!(
        passed_over(&["README", "invoices/", "customer/", "customers_2024.csv", ".git/", "_customers/"]),
        [
            (".git/".to_owned(), None, Because::Bookkeeping),
            ("README".to_owned(), None, Because::NotATable),
            ("_customers/".to_owned(), None, Because::Bookkeeping),
            ("customer/".to_owned(), Some(Table::Customers), Because::NearTable),
            ("customers_2024.csv".to_owned(), Some(Table::Customers), Because::NearTable),
            ("invoices/".to_owned(), None, Because::NotATable),
        ]
    );
    let workbook = ("customers.xlsx".to_owned(), Some(Table::Customers), Because::Unreadable);
    assert_eq!(passed_over(&["customers.xlsx"]), [workbook]);
}

#[test]
fn what_could_be_data_is_refused_by_name() {
    assert_eq!(
        refusal("customers/a.xlsx"),
        "customers/a.xlsx is of no known format: save the sheet as CSV (UTF-8), one table a file; expected .csv, \
         .tsv, .json, .jsonl or .ndjson (each also with .gz or .zst) or .parquet"
    );
    for path in ["customers/a.avro", "customers/a.parquet.gz", "customers/a.csv.bz2", "contracts.orc"] {
        assert!(refusal(path).starts_with(&format!("{path} is of no known format")), "{path}");
    }
    for (path, system) in [
        ("contracts/metadata/00001-2.metadata.json", "an Iceberg"),
        ("contracts/metadata/version-hint.text", "an Iceberg"),
        ("contracts/.hoodie/hoodie.properties", "a Hudi"),
    ] {
        assert!(refusal(path).starts_with(&format!("contracts/ is {system} table, ")), "{path}");
    }
}

#[test]
fn of_a_delta_table_the_files_of_its_log_count() {
    let paths = ["contracts/_delta_log/0.json", "contracts/a=1/x", "contracts/y", "contracts/_change_data/z"];
    let mut sorted = Sorted::of(paths.iter().map(|path| found(path)).collect(), &Mapping::default()).expect("valid");
    let folder = sorted.deltas.remove("contracts").expect("a Delta table");
    assert_eq!((folder.log.len(), folder.files.len(), sorted.files.len()), (1, 3, 0));
    let live = |path: &str, value: &str| delta::Live {
        path: path.to_owned(),
        constants: vec![("A".to_owned(), Some(value.to_owned()))],
    };
    let mapping = Mapping::default();
    sorted.add_delta(folder.files.clone(), vec![live("contracts/a=1/x", "2")], &mapping).expect("there");
    assert_eq!(sorted.files[0].constants, live("", "2").constants);
    let because: Vec<_> = sorted.passed_over.iter().map(|other| other.because).collect();
    assert_eq!(because, [Because::Bookkeeping, Because::NotInLog]);
    let error = sorted.add_delta(folder.files, vec![live("contracts/gone", "")], &mapping).expect_err("missing");
    assert!(error.to_string().starts_with("contracts/gone is a Delta table, "), "{error}");
}

#[test]
fn the_fingerprint_follows_every_change() {
    let base = inventory_of(&["customers/a.csv", "expansion_opportunities/a.csv"]).expect("valid");
    let same = inventory_of(&["expansion_opportunities/a.csv", "customers/a.csv"]).expect("valid");
    assert_eq!(base.fingerprint(), same.fingerprint());
    assert_eq!(base.fingerprint().len(), 64);
    let mut changed = vec![base.clone(); 4];
    changed[0].files[0].size = 2;
    changed[1].files[0].version = "w".to_owned();
    changed[2].files[0].path = "customers/b.csv".to_owned();
    changed[3].files[0].constants = vec![("segment".to_owned(), Some("SMB".to_owned()))];
    for other in changed {
        assert_ne!(base.fingerprint(), other.fingerprint());
    }
}

proptest! {
    #[test]
    fn any_listing_is_sorted_and_loses_nothing(
        paths in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    Just("customers".to_owned()), Just("_delta_log".to_owned()), Just("bucket=1".to_owned()),
                    Just("a.csv".to_owned()), Just("metadata".to_owned()), ".{0,12}", "[a-z_=%.]{0,8}",
                    "(customers|usage_metrics|products)[._-]?(csv|gz|parquet|xlsx|)?",
                ],
                1..5,
            ).prop_map(|parts| parts.join("/")),
            0..20,
        )
    ) {
        let listed: BTreeSet<_> = paths.into_iter().collect();
        let found = listed.iter().map(|path| found(path)).collect();
        if let Ok(sorted) = Sorted::of(found, &Mapping::default()) {
            for path in &listed {
                let is_read = sorted.files.iter().any(|file| file.path == *path);
                let is_unread = sorted.unread.iter().any(|(_, unread, _)| unread == path);
                let is_passed_over = sorted.passed_over.iter().any(|other| path.starts_with(&other.path));
                let is_delta = sorted.deltas.values().any(|folder| {
                    folder.log.iter().chain(&folder.files).any(|found| found.path == *path)
                });
                let ways = [is_read, is_unread, is_passed_over, is_delta];
                prop_assert!(ways.iter().any(|way| *way), "{path:?} is nowhere");
            }
            let _ = Inventory::new(Location::Folder("source".into()), Mapping::default(), sorted).map(|it| it.fingerprint());
        }
    }
}

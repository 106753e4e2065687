//! One table in the many ways in which exports write it.

use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use arrow_array::{
    ArrayRef, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use encoding_rs::WINDOWS_1252;
use expansion_domain::{DataGrade, Instant, SourceData, Stage, Table};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use super::fixtures::*;
use crate::{Limits, Reason};

const DEALS: &str = "opportunity_id,customer_id,stage,amount,created_at,closed_at";

/// What a source with these files has, of which none may have a bad row.
fn read_files(files: &[(&str, &str)]) -> SourceData {
    let folder = folder_of(&required_tables());
    for (path, text) in files {
        put(folder.path(), path, text);
    }
    let read = read_all(folder.path()).expect("a good source");
    assert_eq!(of_rows(&read.issues), []);
    read.data
}

fn instant(text: &str) -> Option<Instant> {
    let at = text.parse();
    assert!(at.is_ok(), "{text}");
    at.ok()
}

#[test]
fn a_day_is_no_earlier_than_a_time_of_it() {
    let deals = "d1,c1,won,,2021-03-01T14:51:13Z,2021-03-01\nd2,c1,lost,,2021-03-01,2021-03-01 09:00:00\n";
    let data = read_files(&[("expansion_opportunities/x.csv", &format!("{DEALS}\n{deals}"))]);
    let closed = |id: &str| data.customers[0].opportunities.iter().find(|deal| &*deal.opportunity_id == id)?.closed_at;
    assert_eq!(closed("d1"), instant("2021-03-01T14:51:13Z"), "no earlier than it was created");
    assert_eq!(closed("d2"), instant("2021-03-01T09:00:00Z"));

    // Midnights are days where a column has nothing else.
    let midnights = "d1,c1,won,,2021-03-01T14:51:13Z,2021-03-01 00:00:00\nd2,c1,won,,2021-03-01,2021-04-01 00:00:00\n";
    let data = read_files(&[("expansion_opportunities/x.csv", &format!("{DEALS}\n{midnights}"))]);
    assert_eq!(data.customers[0].opportunities.len(), 3);

    let customers = "customer_id,created_at,churned_at\nc8,2020-01-01T08:00:00+00,2020-01-01\n";
    let contracts = "contract_id,customer_id,start_date,end_date\nk,c1,2020-01-01 08:00:00,2020-01-01\n";
    let data = read_files(&[("customers/x.csv", customers), ("contracts/x.csv", contracts)]);
    assert_eq!(
        data.customers.iter().find(|c| &*c.customer_id == "c8").and_then(|c| c.churned_at),
        instant("2020-01-01T08:00:00Z")
    );
    assert_eq!(data.customers[0].contracts[0].end_date, instant("2020-01-01"));

    let folder = folder_of(&required_tables());
    let before =
        format!("{DEALS}\nd1,c1,won,,2021-03-02T00:00:00Z,2021-03-01\nd2,c1,won,,2021-03-02,2021-03-01T23:59:59Z\n");
    put(folder.path(), "expansion_opportunities/x.csv", before);
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("tolerated");
    let said = &of_rows(&read.issues)[0];
    assert_eq!((said.count, &*said.reason), (2, &*Reason::ClosedBeforeCreated.to_string()));
}

#[test]
fn an_open_end_is_written_in_many_ways() {
    for end in ["9999-12-31", "9999-12-31 23:59:59", "infinity", "NULL", "NaT", "\\N", "N/A", "", "0000-00-00", "None"]
    {
        let customers = format!("customer_id,created_at,churned_at\nc8,2020-01-01,{end}\n");
        let contracts = format!("contract_id,customer_id,start_date,end_date\nk,c1,2020-01-01,{end}\n");
        let data = read_files(&[("customers/x.csv", &customers), ("contracts/x.csv", &contracts)]);
        assert!(data.customers.iter().all(|customer| customer.churned_at.is_none()), "{end}");
        assert_eq!(data.customers[0].contracts[0].end_date, None, "{end}");
    }
    let folder = folder_of(&required_tables());
    put(
        folder.path(),
        "expansion_opportunities/x.csv",
        format!("{DEALS}\nd,c1,won,,2020-01-01,9999-12-31\nd2,c1,won,,9999-12-31,\n"),
    );
    let read = read_shard(folder.path(), None, Limits { max_bad_share: 1.0 }).expect("tolerated");
    let reasons: Vec<_> = of_rows(&read.issues).into_iter().map(|issue| issue.reason).collect();
    assert_eq!(
        reasons,
        ["not a date", "won or lost without closed_at"],
        "what is won is closed, and what begins is no end"
    );
}

#[test]
fn a_missing_amount_leaves_the_deal() {
    for amount in ["", "NaN", "nan", "NULL", "N/A", "NA", "-nan"] {
        let deals = format!("{DEALS}\nd1,c1,won,{amount},2021-03-01,2021-04-01\nd2,c1,won,5,2021-03-01,2021-04-01\n");
        let data = read_files(&[("expansion_opportunities/x.csv", &deals)]);
        let amounts: Vec<_> =
            data.customers[0].opportunities[1..].iter().map(|deal| (deal.stage, deal.amount)).collect();
        assert_eq!(amounts, [(Stage::Won, None), (Stage::Won, Some(5.0))], "{amount}");
    }
    let object = r#"{"opportunity_id":"d","customer_id":"c1","stage":"won","amount":NaN,"created_at":"2021-03-01","closed_at":"2021-04-01"}"#;
    let data = read_files(&[("expansion_opportunities/x.ndjson", object)]);
    assert_eq!(data.customers[0].opportunities[1].amount, None);
}

#[test]
fn one_customer_has_one_id_in_all_forms() {
    let folder = folder_of(&required_tables());
    put(folder.path(), "customers/x.csv", "customer_id,created_at,csm_id\n1000,2020-01-01,7.0\n1001,2020-01-01,\n");
    put(
        folder.path(),
        "health_score_history/a.csv",
        "customer_id,recorded_at,score\n1000.0,2021-01-01,1\n1001.0,2021-01-01,2\n",
    );
    put(
        folder.path(),
        "health_score_history/b.ndjson",
        "{\"customer_id\":1000.0,\"recorded_at\":\"2021-01-02\",\"score\":3}\n",
    );
    let ids: ArrayRef = Arc::new(Float64Array::from(vec![1001.0]));
    let days: ArrayRef = Arc::new(StringArray::from(vec!["2021-01-03"]));
    let scores: ArrayRef = Arc::new(StringArray::from(vec!["4.0"]));
    let columns = [("Customer ID", ids), ("recorded_at", days), ("SCORE", scores)];
    put(folder.path(), "health_score_history/c.parquet", parquet_of(columns.map(|(n, a)| (n.to_owned(), a)).into()));
    let read = read_all(folder.path()).expect("a good source");
    assert_eq!(of_rows(&read.issues), []);
    let scores = |id: &str| {
        let customer = read.data.customers.iter().find(|customer| &*customer.customer_id == id).expect("a customer");
        customer.health.iter().map(|reading| reading.value).collect::<Vec<_>>()
    };
    assert_eq!((scores("1000"), scores("1001")), (vec![1.0, 3.0], vec![2.0, 4.0]));
    assert!(read.data.customers.iter().any(|customer| customer.csm_id.as_deref() == Some("7")));
}

/// A Parquet file of customers with times 96 bits wide.
fn with_wide_times(writer: &str, created: &[Int96], churned: &[Int96]) -> Vec<u8> {
    let schema =
        "message m { required binary customer_id (UTF8); required int96 created_at; required int96 churned_at; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().set_created_by(writer.to_owned()).build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    let ids: Vec<_> = (0..created.len()).map(|i| ByteArray::from(&*format!("w{i}"))).collect();
    let mut column = group.next_column().expect("written").expect("a column");
    column.typed::<ByteArrayType>().write_batch(&ids, None, None).expect("written");
    column.close().expect("closed");
    for times in [created, churned] {
        let mut column = group.next_column().expect("written").expect("a column");
        column.typed::<Int96Type>().write_batch(times, None, None).expect("written");
        column.close().expect("closed");
    }
    group.close().expect("closed");
    file.into_inner().expect("the file")
}

/// A day since 1970 and nanoseconds of it.
fn wide(days: i64, nanos: u64) -> Int96 {
    let mut value = Int96::new();
    let low = |bits: u64| u32::try_from(bits & 0xffff_ffff).expect("32 bits");
    value.set_data(low(nanos), low(nanos >> 32), u32::try_from(days + 2_440_588).expect("a day"));
    value
}

fn customers_of(parquet: &[u8]) -> Vec<(String, Option<String>)> {
    let folder = folder_of(&required_tables());
    put(folder.path(), "customers/wide.parquet", parquet);
    let read = read_all(folder.path()).expect("a good source");
    assert_eq!(of_rows(&read.issues), []);
    let added = read.data.customers.iter().filter(|customer| customer.customer_id.starts_with('w'));
    added.map(|c| (c.created_at.to_string(), c.churned_at.map(|at| at.to_string()))).collect()
}

#[test]
fn wide_times_of_parquet_do_not_wrap_around() {
    // 9999-12-31 is day 2,932,896.
    let file =
        with_wide_times("spark", &[wide(18_000, 1_500), wide(18_001, 0)], &[wide(2_932_896, 0), wide(18_100, 0)]);
    assert_eq!(
        customers_of(&file),
        [
            ("2019-04-14T00:00:00.000001Z".to_owned(), None),
            ("2019-04-15T00:00:00Z".to_owned(), Some("2019-07-23T00:00:00Z".to_owned())),
        ]
    );
}

#[test]
fn times_that_fastparquet_wrote_in_another_unit_are_read_in_theirs() {
    const WRITER: &str = "fastparquet-python version 2026.9.0 (build 0)";
    // Microseconds and seconds since 1970 where nanoseconds should be.
    let micros =
        |micros: u64| wide(i64::try_from(micros / 86_400_000_000_000).expect("days"), micros % 86_400_000_000_000);
    let file = with_wide_times(WRITER, &[micros(1_704_164_645_123_456)], &[micros(1_749_254_400)]);
    assert_eq!(
        customers_of(&file),
        [("2024-01-02T03:04:05.123456Z".to_owned(), Some("2025-06-07T00:00:00Z".to_owned()))]
    );
    let file = with_wide_times(WRITER, &[wide(18_000, 0)], &[wide(18_100, 1_000)]);
    assert_eq!(
        customers_of(&file),
        [("2019-04-14T00:00:00Z".to_owned(), Some("2019-07-23T00:00:00.000001Z".to_owned()))]
    );
}

#[test]
fn typed_parquet_columns_follow_the_same_rules() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["w1", "w2", "w3"]));
    let noon: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_577_880_000_000_000; 3]));
    let ends: [ArrayRef; 4] = [
        // 9999-12-31, nothing, and the day of the start, 2020-01-01.
        Arc::new(Date32Array::from(vec![Some(2_932_896), None, Some(18_262)])),
        Arc::new(TimestampMicrosecondArray::from(vec![
            Some(253_402_300_799_999_999),
            None,
            Some(1_577_836_800_000_000),
        ])),
        Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MAX), None, Some(1_577_836_800_000_000_000)])),
        Arc::new(StringArray::from(vec![Some("infinity"), Some("None"), Some("2020-01-01 00:00:00+00")])),
    ];
    for end in ends {
        let columns = [("customer_id", Arc::clone(&ids)), ("created_at", Arc::clone(&noon)), ("churned_at", end)];
        let file = parquet_of(columns.map(|(name, array)| (name.to_owned(), array)).into());
        let start = "2020-01-01T12:00:00Z";
        let expected = [(start.to_owned(), None), (start.to_owned(), None), (start.to_owned(), Some(start.to_owned()))];
        assert_eq!(customers_of(&file), expected);
    }
}

#[test]
fn the_times_of_a_column_may_begin_late() {
    let open = (0..1_200).map(|i| format!("d{i},c1,open,,1600000000,")).collect::<Vec<_>>().join("\n");
    for (closed, expected) in [("1600086400", "2020-09-14T12:26:40Z"), ("2020-09-15", "2020-09-15T00:00:00Z")] {
        let deals = format!("{DEALS}\n{open}\nwon,c1,won,,1600000000,{closed}\n");
        let data = read_files(&[("expansion_opportunities/x.csv", &deals)]);
        let won = data.customers[0].opportunities.iter().find(|deal| &*deal.opportunity_id == "won").expect("a deal");
        assert_eq!(won.closed_at, instant(expected));
    }
}

/// How a table is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    layout: Layout,
    times: usize,
    numbers: usize,
    missing: usize,
    flags: usize,
    open_end: usize,
    names: usize,
    has_float_ids: bool,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Csv { delimiter: char, quotes: Quotes, encoding: usize, line_end: &'static str },
    Lines,
    Array,
    Indented,
    Wrapped,
    Copied,
    Parquet,
}

#[derive(Clone, Copy, Debug)]
enum Quotes {
    Needed,
    All,
    Backslash,
}

fn styles() -> impl Strategy<Value = Style> {
    let csv = (
        prop::sample::select(vec![',', ';', '\t', '|']),
        prop::sample::select(vec![Quotes::Needed, Quotes::All, Quotes::Backslash]),
        0..5usize,
        prop::sample::select(vec!["\n", "\r\n"]),
    )
        .prop_map(|(delimiter, quotes, encoding, line_end)| Layout::Csv { delimiter, quotes, encoding, line_end });
    let others = vec![Layout::Lines, Layout::Array, Layout::Indented, Layout::Wrapped, Layout::Copied, Layout::Parquet];
    let layout = prop_oneof![csv, prop::sample::select(others)];
    (layout, 0..14usize, 0..8usize, 0..8usize, 0..6usize, 0..5usize, 0..4usize, any::<bool>()).prop_map(
        |(layout, times, numbers, missing, flags, open_end, names, has_float_ids)| Style {
            layout,
            times,
            numbers,
            missing,
            flags,
            open_end,
            names,
            has_float_ids,
        },
    )
}

/// A value before it is written.
#[derive(Clone, Debug)]
enum Fact {
    Id(u32),
    Text(String),
    Micros(i64),
    End(Option<i64>),
    Cents(Option<u32>),
    Flag(Option<bool>),
}

impl Style {
    fn name(&self, name: &str) -> String {
        match self.names {
            0 => name.to_owned(),
            1 => name.to_uppercase(),
            2 => name.replace('_', " "),
            _ => format!(" {}", name.replace('_', "-")),
        }
    }

    fn missing(&self) -> &'static str {
        // Between tabs it would be the text format of databases, in which backslashes escape.
        let is_tabbed = matches!(self.layout, Layout::Csv { delimiter: '\t', .. });
        match ["", "NULL", "\\N", "None", "nan", "NaT", "<NA>", "#N/A"][self.missing] {
            "\\N" if is_tabbed => "NULL",
            missing => missing,
        }
    }

    fn time(&self, micros: i64) -> String {
        let at = Instant::from_micros(micros).expect("in the calendar");
        let shifted = Instant::from_micros(micros + 7_200_000_000).expect("in the calendar");
        let plain = |at: Instant| at.to_string().trim_end_matches('Z').to_owned();
        let blank = plain(at).replace('T', " ");
        match self.times {
            0 => at.to_string(),
            1 => plain(at),
            2 => blank,
            3 => format!("{blank} UTC"),
            4 => format!("{blank} Z"),
            5 => format!("{}+0000", plain(at)),
            6 => format!("{blank}+00"),
            7 => format!("{blank} +0000"),
            8 => format!("{}+02:00", plain(shifted)),
            9 => format!("{:?}", seconds(micros)),
            10 => (micros / 1_000_000).to_string(),
            11 => (micros / 1_000).to_string(),
            12 => micros.to_string(),
            _ => (micros * 1_000).to_string(),
        }
    }

    fn number(&self, cents: u32) -> String {
        let (whole, cents) = (cents / 100, cents % 100);
        let grouped = |mark: &str| {
            if whole < 1000 { whole.to_string() } else { format!("{}{mark}{:03}", whole / 1000, whole % 1000) }
        };
        match self.numbers {
            0 => format!("{whole}.{cents:02}"),
            1 => format!("{}.{cents:02}", grouped(",")),
            2 => format!("{},{cents:02}", grouped(".")),
            3 => format!("{},{cents:02}", grouped("\u{a0}")),
            4 => format!("${}.{cents:02}", grouped(",")),
            5 => format!("{},{cents:02} €", grouped(".")),
            6 => format!("{}.{cents:02}", grouped("'")),
            _ => format!("USD {whole}.{cents:02}"),
        }
    }

    fn text(&self, fact: &Fact) -> String {
        match fact {
            Fact::Id(id) if self.has_float_ids => format!("{id}.0"),
            Fact::Id(id) => id.to_string(),
            Fact::Text(text) if text.is_empty() => self.missing().to_owned(),
            Fact::Text(text) => text.clone(),
            Fact::Micros(micros) | Fact::End(Some(micros)) => self.time(*micros),
            Fact::End(None) => match self.open_end {
                0 if self.times < 9 => "9999-12-31".to_owned(),
                1 if self.times < 9 => "9999-12-31 23:59:59".to_owned(),
                2 if self.times < 9 => "infinity".to_owned(),
                3 if self.times == 10 => "253402300799".to_owned(),
                _ => self.missing().to_owned(),
            },
            Fact::Cents(None) | Fact::Flag(None) => self.missing().to_owned(),
            Fact::Cents(Some(cents)) => self.number(*cents),
            Fact::Flag(Some(flag)) => {
                let words = ["true", "t", "YES", "y", "1", "1.0", "false", "f", "NO", "n", "0", "0.0"];
                words[self.flags + if *flag { 0 } else { 6 }].to_owned()
            }
        }
    }

    /// A value as programs with types write it.
    fn value(&self, fact: &Fact) -> Value {
        match fact {
            Fact::Id(id) if self.has_float_ids => f64::from(*id).into(),
            Fact::Id(id) => (*id).into(),
            Fact::Cents(Some(cents)) if self.numbers == 0 => (f64::from(*cents) / 100.0).into(),
            Fact::Flag(Some(flag)) if self.flags == 0 => (*flag).into(),
            Fact::Micros(_) | Fact::End(Some(_)) if self.times > 9 => {
                self.text(fact).parse::<i64>().expect("a whole number").into()
            }
            Fact::End(None) | Fact::Cents(None) | Fact::Flag(None) if matches!(self.layout, Layout::Copied) => {
                Value::Null
            }
            Fact::Text(text) if text.is_empty() && matches!(self.layout, Layout::Copied) => Value::Null,
            fact if self.missing == 0 && self.text(fact).is_empty() => Value::Null,
            fact => self.text(fact).into(),
        }
    }

    fn quoted(&self, text: &str) -> String {
        let Layout::Csv { delimiter, quotes, .. } = self.layout else { return text.to_owned() };
        let needs = text.contains([delimiter, '"', '\n', '\r']);
        match quotes {
            Quotes::Backslash if needs => {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Quotes::All | Quotes::Needed if needs => format!("\"{}\"", text.replace('"', "\"\"")),
            Quotes::All => format!("\"{text}\""),
            Quotes::Needed | Quotes::Backslash => text.to_owned(),
        }
    }

    /// A file's ending and content.
    fn file(&self, columns: &[&str], rows: &[Vec<Fact>]) -> (&'static str, Vec<u8>) {
        let names: Vec<_> = columns.iter().map(|name| self.name(name)).collect();
        let objects = || {
            let object = |row: &Vec<Fact>| names.iter().cloned().zip(row.iter().map(|fact| self.value(fact))).collect();
            rows.iter().map(object).map(Value::Object)
        };
        let lines = || objects().map(|object| object.to_string() + "\n").collect::<String>();
        match self.layout {
            Layout::Csv { delimiter, encoding, line_end, .. } => {
                let delimiter = delimiter.to_string();
                let line = |texts: Vec<String>| texts.join(&*delimiter) + line_end;
                let mut text = line(names.iter().map(|name| self.quoted(name)).collect());
                for row in rows {
                    text += &line(row.iter().map(|fact| self.quoted(&self.text(fact))).collect());
                }
                let bytes = match encoding {
                    0 => text.into_bytes(),
                    1 => ["\u{feff}".as_bytes(), text.as_bytes()].concat(),
                    2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                    3 => "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
                    _ => WINDOWS_1252.encode(&text).0.into_owned(),
                };
                ("csv", bytes)
            }
            Layout::Lines => ("ndjson", lines().into_bytes()),
            Layout::Array => ("ndjson", Value::Array(objects().collect()).to_string().into_bytes()),
            Layout::Indented => {
                let array = Value::Array(objects().collect());
                ("ndjson", serde_json::to_vec_pretty(&array).expect("JSON"))
            }
            Layout::Wrapped => {
                let array = Value::Array(objects().collect());
                ("ndjson", format!("{{\"total\": 3, \"records\": {array}, \"next\": null}}\n").into_bytes())
            }
            Layout::Copied => ("ndjson", lines().replace('\\', "\\\\").into_bytes()),
            Layout::Parquet => {
                let columns = names.iter().enumerate().map(|(c, name)| {
                    let texts = rows.iter().map(|row| Some(self.text(&row[c])).filter(|text| !text.is_empty()));
                    let array: ArrayRef = Arc::new(texts.collect::<StringArray>());
                    (name.clone(), array)
                });
                ("parquet", parquet_of(columns.collect()))
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit 2^53")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

type Written = Vec<(Table, Vec<&'static str>, Vec<Vec<Fact>>)>;

prop_compose! {
    fn facts()(
        // Whole seconds, which every style can write; midnights alone would be days.
        customers in prop::collection::vec((1_500_000_000..1_600_000_000i64, prop::option::of(1_600_000_001..1_700_000_000i64), "(NA|Null|Zoë & Søn|SMB)?"), 2..6),
        deals in prop::collection::vec((0..9u32, 1_600_000_001..1_650_000_000i64, prop::option::of(0..99_999_999u32)), 2..12),
        notes in prop::collection::vec((0..9u32, 1_600_000_001..1_650_000_000i64, "[a-zé\"'\\\\,;|\t\n{}\\[\\]:ß]{0,12}[a-z]"), 2..12),
        touches in prop::collection::vec((0..9u32, 1_600_000_001..1_650_000_000i64, prop::option::of(any::<bool>())), 2..12),
    ) -> Written {
        let owner = |id: u32| Fact::Id(1000 + id % u32::try_from(customers.len()).expect("few"));
        let micros = |seconds: i64| seconds * 1_000_000;
        vec![
            (Table::Customers, vec!["customer_id", "segment", "created_at", "churned_at"],
                (1000..).zip(&customers).map(|(id, (created, churned, segment))| vec![
                    Fact::Id(id), Fact::Text(segment.clone()), Fact::Micros(micros(*created)), Fact::End(churned.map(micros)),
                ]).collect()),
            (Table::ExpansionOpportunities, vec!["opportunity_id", "customer_id", "stage", "amount", "created_at", "closed_at"],
                (0..).zip(&deals).map(|(id, (customer, at, cents))| vec![
                    Fact::Id(id), owner(*customer), Fact::Text("won".to_owned()), Fact::Cents(*cents),
                    Fact::Micros(micros(*at)), Fact::Micros(micros(at + 1000)),
                ]).collect()),
            (Table::ExpansionSignals, vec!["customer_id", "detected_at", "kind", "summary"],
                (0..).zip(&notes).map(|(i, (customer, at, text))| vec![
                    owner(*customer), Fact::Micros(micros(*at)), Fact::Text("k".to_owned()), // By a quote it is told whether backslashes are doubled.
                    Fact::Text(if i == 0 { format!("27\" {text}") } else { format!("x{text}") }),
                ]).collect()),
            (Table::Engagements, vec!["customer_id", "occurred_at", "with_executive"],
                touches.iter().map(|(customer, at, flag)| vec![
                    owner(*customer), Fact::Micros(micros(*at)), Fact::Flag(*flag),
                ]).collect()),
        ]
    }
}

/// The source that these facts are, each table in a style.
fn written(facts: &Written, style: impl Fn(Table) -> Style) -> SourceData {
    let folder = TempDir::new().expect("a folder");
    for (table, columns, rows) in facts {
        let (ending, bytes) = style(*table).file(columns, rows);
        put(folder.path(), &format!("{table}/a.{ending}"), bytes);
    }
    let read = read_all(folder.path()).expect("a good source");
    // Chance makes customers come back, and rows equal.
    assert!(read.issues.iter().all(|issue| issue.grade == DataGrade::Fine), "{:?}", read.issues);
    read.data
}

const PLAIN: Style = Style {
    layout: Layout::Csv { delimiter: ',', quotes: Quotes::Needed, encoding: 0, line_end: "\n" },
    times: 0,
    numbers: 0,
    missing: 0,
    flags: 0,
    open_end: 4,
    names: 0,
    has_float_ids: false,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_table_in_any_form_is_the_same_facts(facts in facts(), styles in prop::collection::vec(styles(), 4)) {
        let style = |table: Table| styles[facts.iter().position(|(other, ..)| *other == table).expect("a table")];
        prop_assert_eq!(written(&facts, style), written(&facts, |_| PLAIN));
    }
}

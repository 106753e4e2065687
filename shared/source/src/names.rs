//! What a file's name and first bytes say of it. Owns the endings of formats, what lies beside data in real exports, and
//! which names are the same or nearly so.

use crate::SourceFile;
use crate::columns::has_required;

/// How a file stores rows. Whether it is compressed is seen in its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Separated values, such as `.csv` and `.tsv`.
    Csv,
    /// JSON objects: one a line, or those of an array.
    Json,
    Parquet,
    /// The name doesn't say it; the content must.
    ByContent,
}

/// What a file's name says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Data(Format),
    /// A writer's bookkeeping.
    Bookkeeping,
    /// Something for people or other programs.
    Document,
    /// Data that can't be read, and what can be done.
    Unread(&'static str),
}

const UNPACKED: &str = "unpack it, or compress with gzip or zstd";

impl Named {
    /// `name` is the last component of a path.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if is_hidden(&name) || name.starts_with("~$") || name.ends_with("_$folder$") {
            return Self::Bookkeeping;
        }
        let (whole, compressed) = uncompressed(&name);
        let (stem, ending) = whole.rsplit_once('.').unwrap_or((whole, ""));
        // A manifest lists the files of an export, whatever it is written as.
        if stem.ends_with("manifest") && ending != "parquet" {
            return Self::Bookkeeping;
        }
        match ending {
            "parquet" | "parq" | "pq" | "pqt" if compressed => {
                Self::Unread("unpack it: Parquet files are compressed inside")
            }
            "parquet" | "parq" | "pq" | "pqt" => Self::Data(Format::Parquet),
            "json" | "yaml" | "yml" if is_description(stem) => Self::Document,
            "csv" | "tsv" | "tab" | "psv" => Self::Data(Format::Csv),
            "json" | "jsonl" | "ndjson" | "jsonlines" => Self::Data(Format::Json),
            "crc" | "metadata" | "manifest" | "md5" | "sha1" | "sha256" | "sig" | "asc" | "tmp" | "lock" | "lck"
            | "log" | "ini" | "ds_store" => Self::Bookkeeping,
            _ if matches!(&*name, "thumbs.db") => Self::Bookkeeping,
            "md" | "rst" | "adoc" | "pdf" | "doc" | "docx" | "rtf" | "html" | "htm" | "sql" | "ddl" | "yaml"
            | "yml" | "toml" | "cfg" | "conf" | "py" | "ipynb" | "r" | "sh" | "bat" | "ps1" | "png" | "jpg"
            | "jpeg" | "svg" | "gif" | "avsc" | "xsd" | "proto" | "lnk" | "url" | "bak" => Self::Document,
            "" | "txt" if is_document(stem) => Self::Document,
            "xlsx" | "xls" | "xlsm" | "xlsb" | "ods" | "numbers" => {
                Self::Unread("save the sheet as CSV (UTF-8), one table a file")
            }
            "avro" | "orc" | "feather" | "arrow" | "ipc" | "pkl" | "pickle" | "h5" | "hdf" | "hdf5" | "dta" | "sav"
            | "sas7bdat" | "rds" | "rdata" | "xml" | "pb" | "db" | "sqlite" | "sqlite3" | "duckdb" | "mdb"
            | "accdb" | "dump" | "dmp" => Self::Unread("export the table as CSV or Parquet"),
            "zip" | "tar" | "tgz" | "7z" | "rar" | "bz2" | "xz" | "lz4" | "lzo" | "sz" | "snappy" | "br" | "z"
            | "deflate" => Self::Unread(UNPACKED),
            "gpg" | "pgp" | "enc" => Self::Unread("decrypt it"),
            _ => Self::Data(Format::ByContent),
        }
    }
}

/// Names that writers use for their own bookkeeping. A partition's folder may start with `_`.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// Names of JSON and YAML files that describe data.
fn is_description(stem: &str) -> bool {
    let last = stem.rsplit(['.', '_', '-']).next();
    matches!(stem, "catalog" | "state" | "config" | "datapackage" | "run_results")
        || matches!(last, Some("metadata" | "schema"))
}

/// Names of texts for people.
fn is_document(stem: &str) -> bool {
    ["readme", "license", "licence", "notice", "changelog", "copying"].iter().any(|name| stem.starts_with(name))
}

/// A name without the ending of a compression, and whether it had one.
fn uncompressed(name: &str) -> (&str, bool) {
    let stem = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending));
    stem.map_or((name, false), |stem| (stem, true))
}

/// Whether a path says that its file is compressed.
pub(crate) fn is_compressed(path: &str) -> bool {
    uncompressed(&path.to_ascii_lowercase()).1
}

/// A file's or folder's name without the endings that say how it stores rows.
pub(crate) fn stem(name: &str) -> &str {
    let whole = &name[..uncompressed(&name.to_ascii_lowercase()).0.len()];
    match (Named::of(name), whole.rsplit_once('.')) {
        (Named::Data(Format::ByContent), Some((stem, ending))) if ending.eq_ignore_ascii_case("txt") => stem,
        (Named::Data(Format::Csv | Format::Json | Format::Parquet) | Named::Unread(_), Some((stem, _))) => stem,
        _ => whole,
    }
}

/// The format that the first bytes of a file, uncompressed, show; or what can be done about it.
pub(crate) fn by_content(head: &[u8], file: &SourceFile) -> Result<Format, &'static str> {
    const FOREIGN: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "it is a workbook or an archive: save its tables as CSV or Parquet"),
        (b"Obj\x01", "it is Avro: export the table as CSV or Parquet"),
        (b"ORC", "it is ORC: export the table as CSV or Parquet"),
        (b"ARROW1", "it is Arrow: export the table as CSV or Parquet"),
        (b"SQLite format 3\0", "it is a database: export its tables as CSV or Parquet"),
        (b"PGDMP", "it is a database dump: export its tables as CSV or Parquet"),
        (b"BZh", UNPACKED),
        (b"\xfd7zXZ\0", UNPACKED),
    ];
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if let Some((_, way_out)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(way_out);
    }
    // Of UTF-16 the other bytes are enough to recognise it by.
    let text: Vec<u8> = head.iter().copied().filter(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{fffd}'));
    let line = text.lines().next().unwrap_or_default();
    let has_header = |delimiter| {
        let names: Vec<_> = line.split(delimiter).map(|name| name.trim().trim_matches('"')).collect();
        has_required(file, &names)
    };
    match text.chars().next() {
        None | Some('{' | '[') => Ok(Format::Json),
        _ if [',', ';', '\t', '|'].into_iter().any(has_header) => Ok(Format::Csv),
        _ => Err("its name has no such ending, and its first line no header with the table's columns"),
    }
}

/// Whether two names are the same but for case, blanks, hyphens and underscores.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let is_filler = |c: &char| matches!(c, ' ' | '_' | '-' | '\u{feff}' | '\u{a0}');
    name.trim().chars().filter(move |c| !is_filler(c)).map(|c| c.to_ascii_lowercase())
}

/// Whether `name` is so much like `wanted` that it may be meant: a slip or two, a word more or less.
pub(crate) fn is_near(name: &str, wanted: &str) -> bool {
    // Long names are no slips; comparing them costs the square of their length.
    if name.len() > 64 {
        return false;
    }
    let (a, b): (String, String) = (letters(name).collect(), letters(wanted).collect());
    let slips = strsim::osa_distance(&a, &b);
    slips <= (a.len().min(b.len()) / 4).min(2) || is_a_word_apart(&words(name), &words(wanted))
}

fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether one has all words of the other and one more, and they share more than words like `id`.
fn is_a_word_apart(a: &[String], b: &[String]) -> bool {
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let tells = |word: &String| !matches!(&**word, "id" | "at" | "on" | "date" | "time");
    many.len() == few.len() + 1 && few.iter().all(|word| many.contains(word)) && few.iter().any(tells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::file_of;
    use expansion_domain::Table;

    #[test]
    fn formats_go_by_ending() {
        let cases: [(Format, &[&str]); 4] = [
            (Format::Csv, &["a.csv", "a.b.CSV.GZ", "a.tsv.zst", "000.csv.zstd", "A.Tab"]),
            (Format::Json, &["a.json", "a.JSONL", "a.ndjson.gz", "part-0.json.zst"]),
            (Format::Parquet, &["part-0.snappy.parquet", "a.PARQUET", "part-0.gz.parquet", "a.pq"]),
            (Format::ByContent, &["a", "csv", "000000_0", "0000_part_00.gz", "a.2026-06-30", "a.txt", "customers.gz"]),
        ];
        for (format, names) in cases {
            for name in names {
                assert_eq!(Named::of(name), Named::Data(format), "{name}");
            }
        }
    }

    #[test]
    fn what_lies_beside_data_is_known() {
        let bookkeeping = [
            "_SUCCESS",
            "_committed_123",
            "_started_123",
            "_metadata",
            ".a.csv.crc",
            "a.crc",
            ".DS_Store",
            "x_$folder$",
            "~$a.xlsx",
            "manifest",
            "customers_manifest.json",
            "1234-manifest.csv",
            "a.csv.metadata",
            "Thumbs.db",
        ];
        for name in bookkeeping {
            assert_eq!(Named::of(name), Named::Bookkeeping, "{name}");
        }
        let documents =
            ["README", "readme.txt", "README.md", "schema.sql", "load.sql", "metadata.json", "a_schema.json"];
        for name in documents {
            assert_eq!(Named::of(name), Named::Document, "{name}");
        }
        for name in ["a.xlsx", "a.avro", "a.orc", "crm.db", "a.csv.bz2", "a.parquet.gz", "a.zip", "a.json.snappy"] {
            assert!(matches!(Named::of(name), Named::Unread(_)), "{name}");
        }
    }

    #[test]
    fn a_stem_has_no_ending_of_a_format() {
        for name in ["a", "a.csv", "a.CSV.GZ", "a.parquet", "a.txt", "a.xlsx", "a.gz"] {
            assert_eq!(stem(name), "a", "{name}");
        }
        for name in ["a.old", "a.bak", "a.md", "a.2024", ".csv.d"] {
            assert_eq!(stem(name), name);
        }
    }

    #[test]
    fn content_tells_what_a_name_does_not() {
        let file = file_of(Table::Customers, "customers/a");
        let of = |head: &[u8]| by_content(head, &file);
        assert_eq!(of(b"PAR1\x15"), Ok(Format::Parquet));
        assert_eq!(of(b"\xef\xbb\xbf {\"customer_id\":1}"), Ok(Format::Json));
        assert_eq!(of(b"[\n"), Ok(Format::Json));
        assert_eq!(of(b"\"Customer ID\";created_at\nc1;2020-01-01\n"), Ok(Format::Csv));
        assert_eq!(
            of(b"\xff\xfec\0u\0s\0t\0o\0m\0e\0r\0_\0i\0d\0,\0C\0r\0e\0a\0t\0e\0d\0A\0t\0\r\0\n\0"),
            Ok(Format::Csv)
        );
        for foreign in [&b"c1,2020-01-01\n"[..], b"customer_id,name\n", b"Obj\x01", b"PK\x03\x04", b"\0\0\x01"] {
            assert!(of(foreign).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn names_are_the_same_without_case_blanks_and_hyphens() {
        for name in ["customer_id", "CUSTOMER_ID", "Customer ID", "customer-id", "customerId", " customer_id\u{a0}"] {
            assert!(is_same(name, "customer_id"), "{name}");
        }
        for name in ["customer_ids", "customer.id", "id", ""] {
            assert!(!is_same(name, "customer_id"), "{name}");
        }
    }

    #[test]
    fn near_misses_are_slips_or_a_word_apart() {
        for (name, wanted) in [
            ("segement", "segment"),
            ("Segments", "segment"),
            ("customer segment", "segment"),
            ("CSM", "csm_id"),
            ("Segment__c", "segment"),
            ("annual_contract_value", "annual_value"),
            ("customer", "customers"),
            ("usage_metric", "usage_metrics"),
            ("customers_2024", "customers"),
        ] {
            assert!(is_near(name, wanted), "{name} {wanted}");
        }
        for (name, wanted) in [
            ("id", "product_id"),
            ("created_at", "churned_at"),
            ("date", "end_date"),
            ("start_date", "end_date"),
            ("role", "title"),
            ("orders", "engagements"),
            ("", "name"),
            ("unit", "kind"),
        ] {
            assert!(!is_near(name, wanted), "{name} {wanted}");
        }
    }
}

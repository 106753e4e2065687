//! Which files a source consists of. Owns the rules for names: tables, buckets, formats, what is ignored.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use aws_sdk_s3::Client;
use expansion_domain::Table;
use sha2::{Digest, Sha256};

use crate::{Location, Mapping, SourceError, TableMapping};

/// The files of a source, checked for what their names alone can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    location: Location,
    mapping: Mapping,
    /// Sorted by path.
    files: Vec<SourceFile>,
}

/// A file of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFile {
    pub table: Table,
    /// The bucket of customers whose rows it holds; any customers' when absent.
    pub bucket: Option<u32>,
    pub format: Format,
    /// Its path below the source's location, with slashes.
    pub path: String,
    pub size: u64,
    /// What changes when its content does: an `ETag` or a time of modification.
    pub version: String,
    /// What is said of its rows.
    pub mapping: Arc<TableMapping>,
}

/// How a file stores rows; its extension says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.csv`, or `.csv.gz` when gzipped.
    Csv {
        gzipped: bool,
    },
    /// `.ndjson`, or `.ndjson.gz` when gzipped.
    Ndjson {
        gzipped: bool,
    },
    Parquet,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (stem, gzipped) = name.strip_suffix(".gz").map_or((&*name, false), |stem| (stem, true));
        match stem.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv { gzipped }),
            "ndjson" => Some(Self::Ndjson { gzipped }),
            "parquet" if !gzipped => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Lists the files of a source.
///
/// Hidden files and folders (a name that starts with `.` or `_`, such as `_SUCCESS`) and whatever lies outside the
/// tables' folders are ignored.
///
/// # Errors
/// When the source can't be listed, a required table has no file, a table's folder holds a file of an unknown format
/// or an invalid bucket, or some table is bucketed and the customers are not.
pub async fn inventory(location: &Location, s3: &Client) -> Result<Inventory, SourceError> {
    let listed = match location {
        Location::Folder(folder) => list_folder(folder)?,
        Location::S3 { bucket, prefix } => list_s3(location, bucket, prefix, s3).await?,
    };
    Inventory::new(location.clone(), listed)
}

impl Inventory {
    fn new(location: Location, listed: Vec<Listed>) -> Result<Self, SourceError> {
        let mut files = listed.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let inventory = Self { location, mapping: Mapping::default(), files };
        let is_missing = |table: &Table| table.required() && inventory.files_of(*table).next().is_none();
        if let Some(table) = Table::ALL.into_iter().find(is_missing) {
            return Err(SourceError::RequiredTableMissing { table, location: inventory.location });
        }
        let bucketed = inventory.files.iter().find(|file| file.bucket.is_some());
        let whole = inventory.files_of(Table::Customers).find(|file| file.bucket.is_none());
        if let (Some(bucketed), Some(customers)) = (bucketed, whole) {
            let (bucketed, customers) = (bucketed.path.clone(), customers.path.clone());
            return Err(SourceError::CustomersNotBucketed { bucketed, customers });
        }
        Ok(inventory)
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What is said of the source as a whole.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The files, sorted by path.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The inventory of the given tables only.
    #[must_use]
    pub fn only(mut self, tables: &[Table]) -> Self {
        self.files.retain(|file| tables.contains(&file.table));
        self
    }

    /// The files of one table, sorted by path.
    pub fn files_of(&self, table: Table) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| file.table == table)
    }

    /// How many buckets of customers the source is cut into; `None` when it is not.
    pub fn buckets(&self) -> Option<u32> {
        // Names with the largest number are refused, so one more always fits.
        self.files.iter().filter_map(|file| file.bucket).max().map(|highest| highest + 1)
    }

    /// A digest (hex SHA-256) that changes when any file does.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for file in &self.files {
            // No name or version holds a line feed that could make two lists look alike: lengths come first.
            digest.update(format!("{} {} {} ", file.path.len(), file.version.len(), file.size));
            digest.update(&file.path);
            digest.update(&file.version);
        }
        hex::encode(digest.finalize())
    }
}

/// A file as found; `None` when it is hidden.
type Listed = Result<Option<SourceFile>, SourceError>;

impl SourceFile {
    /// What a file's path says of it.
    fn listed(table: Table, path: String, size: u64, version: String) -> Listed {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if path.split('/').any(is_hidden) || name.ends_with("_$folder$") {
            return Ok(None);
        }
        let mut bucket = None;
        for number in folders.split('/').filter_map(|folder| folder.strip_prefix("bucket=")) {
            match number.parse() {
                Ok(number) if number < u32::MAX && bucket.is_none() => bucket = Some(number),
                _ => return Err(SourceError::InvalidBucket { file: path }),
            }
        }
        match Format::of(name) {
            None => Err(SourceError::UnknownFormat { file: path }),
            Some(format) => Ok(Some(Self { table, bucket, format, path, size, version, mapping: Arc::default() })),
        }
    }
}

/// Names that writers use for their own bookkeeping.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// The table a sub-folder of the source is for; whatever else lies there is only mentioned in the log.
fn table_named(name: &str, location: &impl std::fmt::Display) -> Option<Table> {
    let table = Table::ALL.into_iter().find(|table| table.name() == name);
    if table.is_none() && !is_hidden(name) {
        tracing::warn!(source.location = %location, source.entry = name, "not a table of the source, ignored");
    }
    table
}

fn list_folder(folder: &Path) -> Result<Vec<Listed>, SourceError> {
    let mut listed = Vec::new();
    for (name, path) in entries(folder)? {
        if let Some(table) = table_named(&name, &folder.display()) {
            walk(table, &path, name, &mut listed)?;
        }
    }
    Ok(listed)
}

/// Adds the files at or below `path`, whose path below the source is `relative`.
fn walk(table: Table, path: &Path, relative: String, listed: &mut Vec<Listed>) -> Result<(), SourceError> {
    let metadata = fs::metadata(path).map_err(unreadable(path))?;
    if metadata.is_dir() {
        for (name, path) in entries(path)? {
            walk(table, &path, format!("{relative}/{name}"), listed)?;
        }
    } else if relative != table.name() {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let version = modified.map_or_else(String::new, |time| time.as_nanos().to_string());
        listed.push(SourceFile::listed(table, relative, metadata.len(), version));
    }
    Ok(())
}

/// The names and paths in a folder, without the hidden ones, sorted.
fn entries(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, SourceError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_hidden(&name) {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> SourceError {
    move |cause| SourceError::Unreadable { path: path.display().to_string(), cause }
}

async fn list_s3(location: &Location, bucket: &str, prefix: &str, s3: &Client) -> Result<Vec<Listed>, SourceError> {
    let root = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(&root).delimiter("/").into_paginator().send();
    let mut tables = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| SourceError::s3(location.to_string(), &error))?;
        for folder in page.common_prefixes() {
            let name = folder.prefix().and_then(|key| key.strip_prefix(&root)).unwrap_or_default();
            tables.extend(table_named(name.trim_end_matches('/'), location));
        }
    }

    let mut listed = Vec::new();
    for table in tables {
        let folder = format!("{root}{table}/");
        let mut pages = s3.list_objects_v2().bucket(bucket).prefix(&folder).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| SourceError::s3(format!("{location}/{table}"), &error))?;
            for object in page.contents() {
                let path = object.key().and_then(|key| key.strip_prefix(&root)).unwrap_or_default();
                // Keys that end with a slash stand for folders.
                if path.is_empty() || path.ends_with('/') {
                    continue;
                }
                let version =
                    object.e_tag().map(str::to_owned).or_else(|| object.last_modified().map(ToString::to_string));
                let size = object.size().and_then(|size| size.try_into().ok()).unwrap_or_default();
                listed.push(SourceFile::listed(table, path.to_owned(), size, version.unwrap_or_default()));
            }
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory_of(paths: &[&str]) -> Result<Inventory, SourceError> {
        let listed = paths
            .iter()
            .map(|path| {
                let table = table_named(path.split('/').next().unwrap_or_default(), &"test").expect("a table");
                SourceFile::listed(table, (*path).to_owned(), 1, "v".to_owned())
            })
            .collect();
        Inventory::new(Location::Folder("source".into()), listed)
    }

    #[test]
    fn formats_go_by_extension() {
        assert_eq!(Format::of("a.csv"), Some(Format::Csv { gzipped: false }));
        assert_eq!(Format::of("a.b.CSV.GZ"), Some(Format::Csv { gzipped: true }));
        assert_eq!(Format::of("a.ndjson.gz"), Some(Format::Ndjson { gzipped: true }));
        assert_eq!(Format::of("part-0.snappy.parquet"), Some(Format::Parquet));
        for name in ["a", "csv", "a.gz", "a.parquet.gz", "a.xlsx", "a.json"] {
            assert_eq!(Format::of(name), None, "{name}");
        }
    }

    #[test]
    fn a_missing_required_table_is_said_plainly() {
        let error = inventory_of(&["customers/a.csv", "expansion_opportunities/_SUCCESS"]).expect_err("one is missing");
        assert_eq!(
            error.to_string(),
            "the required table expansion_opportunities has no files: expected .csv, .csv.gz, .ndjson, .ndjson.gz or \
             .parquet in expansion_opportunities/ of source"
        );
    }

    #[test]
    fn buckets_are_read_from_the_path() {
        let none = inventory_of(&["customers/a.csv", "expansion_opportunities/a.csv"]).expect("valid");
        assert_eq!(none.buckets(), None);
        let some = inventory_of(&[
            "customers/bucket=0/a.csv",
            "customers/bucket=2/a.csv",
            "expansion_opportunities/a.csv",
            "usage_metrics/bucket=11/x/a.parquet",
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
    fn an_unknown_format_is_an_error_and_hidden_files_are_nothing() {
        let hidden = inventory_of(&[
            "customers/a.csv",
            "customers/.a.csv.crc",
            "customers/_SUCCESS",
            "customers/_temporary/0/part.x",
            "expansion_opportunities/a.csv",
        ])
        .expect("valid");
        assert_eq!(hidden.files().len(), 2);
        let unknown = inventory_of(&["customers/a.csv", "customers/a.xlsx", "expansion_opportunities/a.csv"]);
        let message = unknown.expect_err("an unknown format").to_string();
        assert!(message.starts_with("customers/a.xlsx is of no known format"), "{message}");
    }

    #[test]
    fn the_fingerprint_follows_every_change() {
        let base = inventory_of(&["customers/a.csv", "expansion_opportunities/a.csv"]).expect("valid");
        let same = inventory_of(&["expansion_opportunities/a.csv", "customers/a.csv"]).expect("valid");
        assert_eq!(base.fingerprint(), same.fingerprint());
        assert_eq!(base.fingerprint().len(), 64);
        let mut changed = vec![base.clone(), base.clone(), base.clone()];
        changed[0].files[0].size = 2;
        changed[1].files[0].version = "w".to_owned();
        changed[2].files[0].path = "customers/b.csv".to_owned();
        for other in changed {
            assert_ne!(base.fingerprint(), other.fingerprint());
        }
    }
}

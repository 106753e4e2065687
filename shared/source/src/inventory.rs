//! Which files a source consists of. Owns the rules for paths: tables, buckets, columns in folders, what is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use aws_sdk_s3::Client;
use expansion_domain::Table;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::issues::{Issues, Reason};
use crate::listing::{self, Found};
use crate::names::{Format, Named, is_hidden, is_near, is_same, stem};
use crate::open::{open, unreadable};
use crate::{Location, Mapping, SourceError, TableMapping, delta, mapping};

/// The files of a source, checked for what their names alone can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    location: Location,
    mapping: Mapping,
    /// Sorted by path.
    files: Vec<SourceFile>,
    /// Sorted by path.
    passed_over: Vec<PassedOver>,
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
    /// The columns that its folders name, such as `segment=SMB`, with what all its rows have in them.
    pub constants: Vec<(String, Option<String>)>,
}

/// A file or folder that is not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedOver {
    /// Its path below the source's location; a folder's ends with a slash.
    pub path: String,
    /// The table it lies at, or whose name is much like its own.
    pub table: Option<Table>,
    pub because: Because,
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Because {
    /// `_SUCCESS`, checksums, manifests and the like.
    #[error("a writer's bookkeeping")]
    Bookkeeping,
    /// `README`, `schema.sql` and the like.
    #[error("a document")]
    Document,
    #[error("empty, and of no known format")]
    Empty,
    /// The log of a Delta table doesn't list it, or has removed it.
    #[error("not in the log of its table")]
    NotInLog,
    /// A workbook or an archive at the top, beside files of the same table that are read.
    #[error("not readable, beside files of the same table")]
    Unreadable,
    #[error("not a table")]
    NotATable,
    /// Not the table's name, but near it.
    #[error("not a table, but named much like one")]
    NearTable,
}

/// Lists the files of a source.
///
/// A table is a folder of its name, or a single file. What lies there beside data (a name that starts with `.` or `_`,
/// manifests, documents) is [passed over](Inventory::passed_over), and so is whatever is no table.
///
/// # Errors
/// When the source can't be listed, a required table has no file, a table has a file of a format that can't be read, an
/// invalid bucket or two places, some table is bucketed and the customers are not, or a folder is the table of a system
/// (Delta, Iceberg, Hudi) whose log can't be followed.
pub async fn inventory(location: &Location, s3: &Client) -> Result<Inventory, SourceError> {
    let mut top = listing::top(location, s3).await?;
    let mapping = mapping_of(&top, location, s3).await?;
    top.retain(|entry| !mapping::FILES.contains(&&*entry.path));
    let hint = mapping::hint(&top.iter().map(|entry| &*entry.path));
    let mut found = Vec::new();
    for entry in top {
        if entry.path.ends_with('/') && may_hold_tables(&entry.path, &mapping) {
            found.extend(listing::below(location, &entry.path, s3).await?);
        } else {
            found.push(entry);
        }
    }
    let mut sorted = Sorted::of(found, &mapping)?;
    for (place, folder) in std::mem::take(&mut sorted.deltas) {
        let live = delta::live_files(location, &place, &folder.log, s3).await?;
        sorted.add_delta(folder.files, live, &mapping)?;
    }
    Inventory::new(location.clone(), mapping, sorted).map_err(|error| match error {
        SourceError::RequiredTableMissing { table, location, near, .. } => {
            SourceError::RequiredTableMissing { table, location, near, hint }
        }
        other => other,
    })
}

/// What the owner of the source says of it, in a file at its top.
async fn mapping_of(top: &[Found], location: &Location, s3: &Client) -> Result<Mapping, SourceError> {
    let found: Vec<_> = mapping::FILES.into_iter().filter(|name| top.iter().any(|entry| entry.path == *name)).collect();
    let file = match *found {
        [] => return Ok(Mapping::default()),
        [file] => file,
        [file, other, ..] => {
            let message = format!("there is another one beside it, {other}");
            return Err(SourceError::Mapping { file, message });
        }
    };
    let mut bytes = Vec::new();
    let body = open(location, file, s3).await?.bytes(file).and_then(|mut body| body.read_to_end(&mut bytes));
    body.map_err(unreadable(file))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| SourceError::Mapping { file, message: "is not UTF-8".to_owned() })?;
    Mapping::parse(file, &text)
}

impl Inventory {
    fn new(location: Location, mapping: Mapping, sorted: Sorted) -> Result<Self, SourceError> {
        let Sorted { mut files, mut passed_over, unread, .. } = sorted;
        for (table, path, way_out) in unread {
            if !files.iter().any(|file| file.table == table) {
                return Err(SourceError::UnknownFormat { file: path, way_out });
            }
            passed_over.push(PassedOver { path, table: Some(table), because: Because::Unreadable });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        passed_over.sort();
        passed_over.dedup();
        mapping.check_files(&files.iter().map(|file| &*file.path))?;
        let inventory = Self { location, mapping, files, passed_over };
        let is_missing = |table: &Table| table.required() && inventory.files_of(*table).next().is_none();
        if let Some(table) = Table::ALL.into_iter().find(is_missing) {
            let is_near = |other: &&PassedOver| other.because == Because::NearTable && other.table == Some(table);
            let near = inventory.passed_over.iter().find(is_near).map(|other| other.path.clone());
            return Err(SourceError::RequiredTableMissing { table, location: inventory.location, near, hint: None });
        }
        inventory.check_places()?;
        let bucketed = inventory.files.iter().find(|file| file.bucket.is_some());
        let whole = inventory.files_of(Table::Customers).find(|file| file.bucket.is_none());
        if let (Some(bucketed), Some(customers)) = (bucketed, whole) {
            let (bucketed, customers) = (bucketed.path.clone(), customers.path.clone());
            return Err(SourceError::CustomersNotBucketed { bucketed, customers });
        }
        Ok(inventory)
    }

    /// Two exports of one table side by side would be read as one of twice the size.
    fn check_places(&self) -> Result<(), SourceError> {
        let mut places = BTreeMap::new();
        // A mapping may well name several places.
        for file in self.files.iter().filter(|file| file.mapping.files.is_empty()) {
            let place = top_of(&file.path);
            let first = *places.entry(file.table).or_insert(place);
            if first != place {
                let [first, second] = [first, place].map(str::to_owned);
                return Err(SourceError::TableTwice { table: file.table, first, second });
            }
        }
        Ok(())
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

    /// What lies there but is not read, sorted by path.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// The inventory of the given tables only.
    #[must_use]
    pub fn only(mut self, tables: &[Table]) -> Self {
        self.files.retain(|file| tables.contains(&file.table));
        self.passed_over.retain(|other| other.table.is_none_or(|table| tables.contains(&table)));
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

    /// A digest (hex SHA-256) that changes when any file does, or what is said of them.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(&self.mapping.text);
        for file in &self.files {
            // No name or version holds a line feed that could make two lists look alike: lengths come first.
            digest.update(format!("{} {} {} ", file.path.len(), file.version.len(), file.size));
            digest.update(&file.path);
            digest.update(&file.version);
            // A log may say another value than a folder's name.
            for (name, value) in &file.constants {
                let value = value.as_deref().unwrap_or_default();
                digest.update(format!("{} {} {name}{value}", name.len(), value.len()));
            }
        }
        hex::encode(digest.finalize())
    }

    /// Says what lies at tables but is not read.
    pub(crate) fn say_passed_over(&self, issues: &mut Issues) {
        for PassedOver { path, table, because } in &self.passed_over {
            let Some(table) = *table else { continue };
            let reason = if *because == Because::NearTable { Reason::NearTable } else { Reason::FilePassedOver };
            issues.note(table, reason, 1, || format!("{path} ({because})"));
        }
    }
}

/// Whether a folder at the top can hold files of tables. Others are not even listed: they may be huge.
fn may_hold_tables(folder: &str, mapping: &Mapping) -> bool {
    table_named(top_of(folder)).is_some() || mapping.may_hold(top_of(folder))
}

/// The table that the file at `path` belongs to, and what is said of it.
fn table_of(path: &str, mapping: &Mapping) -> Option<(Table, Arc<TableMapping>)> {
    mapping.table_of(path, table_named(top_of(path)))
}

/// The table that a folder or file at the top is named after.
fn table_named(name: &str) -> Option<Table> {
    let name = stem(name);
    Table::ALL.into_iter().find(|table| !is_hidden(name) && is_same(name, table.name()))
}

/// The first component of a path.
fn top_of(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// What was found, by what it is for.
#[derive(Debug, Default)]
struct Sorted {
    files: Vec<SourceFile>,
    passed_over: Vec<PassedOver>,
    /// Files at the top that are named after a table but can't be read, and what can be done.
    unread: Vec<(Table, String, &'static str)>,
    /// By their folders.
    deltas: BTreeMap<String, DeltaFolder>,
}

/// What lies in the folder of a Delta table.
#[derive(Debug, Default)]
struct DeltaFolder {
    log: Vec<Found>,
    files: Vec<Found>,
}

impl Sorted {
    fn of(found: Vec<Found>, mapping: &Mapping) -> Result<Self, SourceError> {
        let deltas: BTreeSet<_> = found.iter().filter_map(|found| found.path.split_once("/_delta_log/")).collect();
        let mut deltas: BTreeMap<_, _> =
            deltas.into_iter().map(|(place, _)| (place.to_owned(), DeltaFolder::default())).collect();
        let mut sorted = Self::default();
        for found in found {
            let folders = found.path.match_indices('/').map(|(end, _)| &found.path[..end]);
            let place = folders.map(str::to_owned).find(|folder| deltas.contains_key(folder));
            match place.and_then(|place| deltas.get_mut(&place).map(|folder| (place, folder))) {
                Some((place, folder)) if found.path[place.len()..].starts_with("/_delta_log/") => {
                    folder.log.push(found);
                }
                Some((_, folder)) => folder.files.push(found),
                None => sorted.add(found, mapping)?,
            }
        }
        sorted.deltas = deltas;
        Ok(sorted)
    }

    /// Adds what its path alone says all about.
    fn add(&mut self, found: Found, mapping: &Mapping) -> Result<(), SourceError> {
        let said = table_of(&found.path, mapping);
        let table = said.as_ref().map(|(table, _)| *table);
        if let Some(path) = hidden_part(&found.path) {
            if path.ends_with("/.hoodie/") {
                return Err(managed(&path, "a Hudi", "export its rows as CSV or Parquet"));
            }
            self.pass_over(path, table, Because::Bookkeeping);
            return Ok(());
        }
        let Some((table, mapping)) = said else {
            let top = top_of(&found.path);
            let near = Table::ALL.into_iter().find(|table| is_near(stem(top), table.name()));
            let because = if near.is_some() { Because::NearTable } else { Because::NotATable };
            tracing::warn!(source.entry = found.path, "{because}, ignored");
            self.pass_over(found.path, near, because);
            return Ok(());
        };
        if is_iceberg(&found.path) {
            let way_out = "export its rows, for example with iceberg_scan and COPY … TO of DuckDB";
            return Err(managed(&found.path, "an Iceberg", way_out));
        }
        let name = found.path.rsplit('/').next().unwrap_or_default();
        match Named::of(name) {
            Named::Bookkeeping => self.pass_over(found.path, Some(table), Because::Bookkeeping),
            Named::Document => self.pass_over(found.path, Some(table), Because::Document),
            Named::Data(Format::ByContent) if found.size == 0 => {
                self.pass_over(found.path, Some(table), Because::Empty);
            }
            Named::Unread(way_out) if name == found.path => self.unread.push((table, found.path, way_out)),
            Named::Unread(way_out) => return Err(SourceError::UnknownFormat { file: found.path, way_out }),
            Named::Data(format) => self.files.push(SourceFile::of(found, table, mapping, format)?),
        }
        Ok(())
    }

    /// Adds the files of a Delta table that its log lists.
    fn add_delta(&mut self, found: Vec<Found>, live: Vec<delta::Live>, mapping: &Mapping) -> Result<(), SourceError> {
        let mut found: BTreeMap<_, _> = found.into_iter().map(|found| (found.path.clone(), found)).collect();
        for delta::Live { path, constants } in live {
            let Some((table, mapping)) = table_of(&path, mapping) else { continue };
            let found = found.remove(&path).ok_or_else(|| delta::unreadable(&path, &"this file of it is missing"))?;
            let mut file = SourceFile::of(found, table, mapping, Format::Parquet)?;
            file.constants.retain(|(name, _)| !constants.iter().any(|(other, _)| is_same(name, other)));
            file.constants.extend(constants);
            self.files.push(file);
        }
        for path in found.into_keys() {
            let table = table_of(&path, mapping).map(|(table, _)| table);
            match hidden_part(&path) {
                Some(path) => self.pass_over(path, table, Because::Bookkeeping),
                None => self.pass_over(path, table, Because::NotInLog),
            }
        }
        Ok(())
    }

    fn pass_over(&mut self, path: String, table: Option<Table>, because: Because) {
        self.passed_over.push(PassedOver { path, table, because });
    }
}

fn managed(path: &str, system: &'static str, way_out: &'static str) -> SourceError {
    let place = format!("{}/", top_of(path));
    SourceError::ManagedTable { place, system, why: "its metadata is not understood".to_owned(), way_out }
}

/// A path up to and with its first hidden component.
fn hidden_part(path: &str) -> Option<String> {
    let mut end = 0;
    for part in path.split_inclusive('/') {
        end += part.len();
        if is_hidden(part) {
            return Some(path[..end].to_owned());
        }
    }
    None
}

/// Whether a file is the metadata of an Iceberg table.
fn is_iceberg(path: &str) -> bool {
    path.split_once("/metadata/").is_some_and(|(_, name)| {
        name == "version-hint.text" || name.ends_with(".metadata.json") || name.ends_with(".metadata.json.gz")
    })
}

impl SourceFile {
    /// What a file's path says of it.
    fn of(found: Found, table: Table, mapping: Arc<TableMapping>, format: Format) -> Result<Self, SourceError> {
        let Found { path, size, version } = found;
        let mut bucket = None;
        let mut constants = Vec::new();
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        for (name, value) in folders.split('/').skip(1).filter_map(|folder| folder.split_once('=')) {
            if name.eq_ignore_ascii_case("bucket") {
                match value.parse() {
                    Ok(number) if number < u32::MAX && bucket.is_none() => bucket = Some(number),
                    _ => return Err(SourceError::InvalidBucket { file: path }),
                }
            } else if !name.is_empty() {
                let value = (value != "__HIVE_DEFAULT_PARTITION__").then(|| decoded(value));
                constants.push((decoded(name), value));
            }
        }
        Ok(Self { table, bucket, format, path, size, version, mapping, constants })
    }
}

/// A text in which the characters that paths can't have are percent-encoded.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}

#[cfg(test)]
mod tests;

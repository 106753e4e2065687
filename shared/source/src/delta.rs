//! Which files of a Delta table count, by its log.
//!
//! Owns as much of the protocol as says which files are live: commits and classic checkpoints. A table that needs more to
//! be read right (deletion vectors, mapped columns, reader features that came later) is refused.
//! <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::Type;
use aws_sdk_s3::Client;
use bytes::Bytes;
use serde::Deserialize;

use crate::inventory::decoded;
use crate::listing::Found;
use crate::open::{open, unreadable as unreadable_file};
use crate::{Location, SourceError};

/// Features of tables that change nothing about which rows of which files count.
const FEATURES: [&str; 10] = [
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "variantType",
    "variantType-preview",
    "vacuumProtocolCheck",
    "checkpointProtection",
];

/// A file that counts.
#[derive(Debug, PartialEq)]
pub(crate) struct Live {
    /// Its path below the source's location.
    pub(crate) path: String,
    /// The columns by which the table is partitioned, which the file itself lacks.
    pub(crate) constants: Vec<(String, Option<String>)>,
}

/// The files that count of the Delta table in the folder `place`, by the files of its log.
pub(crate) async fn live_files(
    location: &Location,
    place: &str,
    log: &[Found],
    s3: &Client,
) -> Result<Vec<Live>, SourceError> {
    let files = LogFiles::of(place, log)?;
    let mut table = Snapshot::default();
    for path in files.checkpoint {
        for action in of_checkpoint(&path, content(location, &path, s3).await?)? {
            table.apply(action, place)?;
        }
    }
    for path in files.commits {
        let content = content(location, &path, s3).await?;
        for action in serde_json::Deserializer::from_slice(&content).into_iter() {
            table.apply(action.map_err(|error| unreadable(&path, &error))?, place)?;
        }
    }
    table.live(place)
}

/// A Delta table that can't be read right.
pub(crate) fn unreadable(place: &str, why: &dyn ToString) -> SourceError {
    refused(place, why.to_string(), "export its rows, for example with delta_scan and COPY … TO of DuckDB")
}

fn refused(place: &str, why: String, way_out: &'static str) -> SourceError {
    SourceError::ManagedTable { place: place.to_owned(), system: "a Delta", why, way_out }
}

async fn content(location: &Location, path: &str, s3: &Client) -> Result<Bytes, SourceError> {
    let mut bytes = Vec::new();
    let input = open(location, path, s3).await?.bytes(path).map_err(unreadable_file(path))?;
    { input }.read_to_end(&mut bytes).map_err(unreadable_file(path))?;
    Ok(bytes.into())
}

/// The files of a log that have to be read, in order.
#[derive(Debug, Default, PartialEq)]
struct LogFiles {
    checkpoint: Vec<String>,
    commits: Vec<String>,
}

impl LogFiles {
    fn of(place: &str, log: &[Found]) -> Result<Self, SourceError> {
        let mut commits = BTreeMap::new();
        // By version and number of parts, of which each may be there or not.
        let mut checkpoints: BTreeMap<(u64, usize), BTreeSet<&str>> = BTreeMap::new();
        for found in log {
            let path = &*found.path;
            let name = path.rsplit('/').next().unwrap_or_default();
            match *name.split('.').collect::<Vec<_>>() {
                [version, "json"] => {
                    commits.extend(number(version).map(|version| (version, path)));
                }
                [version, "checkpoint", "parquet"] => {
                    checkpoints.extend(number(version).map(|version| ((version, 1), BTreeSet::from([path]))));
                }
                [version, "checkpoint", _, parts, "parquet"] => {
                    if let (Some(version), Some(parts)) = (number(version), number(parts)) {
                        let parts = parts.try_into().unwrap_or(usize::MAX);
                        checkpoints.entry((version, parts)).or_default().insert(path);
                    }
                }
                _ => {}
            }
        }
        let complete = checkpoints.into_iter().rfind(|((_, parts), found)| found.len() == *parts);
        let (checkpoint, next) = complete.map_or((Vec::new(), 0), |((version, _), paths)| {
            (paths.into_iter().map(str::to_owned).collect(), version.saturating_add(1))
        });
        let commits: BTreeMap<_, _> = commits.range(next..).collect();
        if let Some((missing, _)) = (next..).zip(commits.keys()).find(|(expected, version)| *expected != ***version) {
            return Err(unreadable(place, &format!("commit {missing} is missing in its log")));
        }
        if checkpoint.is_empty() && commits.is_empty() {
            return Err(unreadable(place, &"its log is empty"));
        }
        Ok(Self { checkpoint, commits: commits.into_values().map(|path| (*path).to_owned()).collect() })
    }
}

/// A version or a number of parts, which have leading zeros.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// One change of a table; of other kinds nothing is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Action {
    protocol: Option<Protocol>,
    meta_data: Option<Metadata>,
    add: Option<DataFile>,
    remove: Option<DataFile>,
    /// In checkpoints of the second kind, which keep their files elsewhere.
    checkpoint_metadata: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    min_reader_version: u32,
    reader_features: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    configuration: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DataFile {
    path: String,
    partition_values: Option<BTreeMap<String, Option<String>>>,
    deletion_vector: Option<DeletionVector>,
}

/// The rows of a file that are deleted: kept apart, under a name of which nothing but its equality matters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct DeletionVector {
    storage_type: String,
    path_or_inline_dv: String,
    offset: Option<i64>,
}

/// The actions of a checkpoint, whose rows have the form of a commit's lines.
fn of_checkpoint(path: &str, content: Bytes) -> Result<Vec<Action>, SourceError> {
    let damaged = |cause| SourceError::Parquet { file: path.to_owned(), cause };
    let reader = SerializedFileReader::new(content).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema();
    let is_used = |field: &&Arc<Type>| matches!(field.name(), "protocol" | "metaData" | "add" | "checkpointMetadata");
    let used = schema.get_fields().iter().filter(is_used).cloned().collect();
    let used = Type::group_type_builder(schema.name()).with_fields(used).build().map_err(damaged)?;
    reader
        .get_row_iter(Some(used))
        .map_err(damaged)?
        .map(|row| serde_json::from_value(row.map_err(damaged)?.to_json_value()).map_err(|e| unreadable(path, &e)))
        .collect()
}

/// A table as its log has left it.
#[derive(Debug, Default)]
struct Snapshot {
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    /// By path, and by what was deleted of the file: one commit may replace a file by itself with fewer rows.
    files: BTreeMap<(String, Option<DeletionVector>), BTreeMap<String, Option<String>>>,
}

impl Snapshot {
    fn apply(&mut self, action: Action, place: &str) -> Result<(), SourceError> {
        if action.checkpoint_metadata.is_some() {
            return Err(unreadable(place, &"its checkpoint is of the second version"));
        }
        self.protocol = action.protocol.or(self.protocol.take());
        self.metadata = action.meta_data.or(self.metadata.take());
        if let Some(removed) = action.remove {
            self.files.remove(&(decoded(&removed.path), removed.deletion_vector));
        }
        if let Some(added) = action.add {
            let key = (decoded(&added.path), added.deletion_vector);
            self.files.insert(key, added.partition_values.unwrap_or_default());
        }
        Ok(())
    }

    /// The files that count, if no more than their paths and partitions is needed to read them.
    fn live(self, place: &str) -> Result<Vec<Live>, SourceError> {
        let (Some(protocol), Some(metadata)) = (self.protocol, self.metadata) else {
            return Err(unreadable(place, &"its log has no protocol or no schema"));
        };
        if protocol.min_reader_version > 3 {
            return Err(unreadable(place, &format!("needs a reader of version {}", protocol.min_reader_version)));
        }
        let features = protocol.reader_features.unwrap_or_default();
        if let Some(feature) = features.iter().find(|feature| !FEATURES.contains(&&***feature)) {
            return Err(unreadable(place, &format!("needs the feature {feature}")));
        }
        let configuration = metadata.configuration.unwrap_or_default();
        let columns = configuration.get("delta.columnMapping.mode").cloned().flatten();
        if let Some(mode) = columns.filter(|mode| mode != "none") {
            return Err(unreadable(place, &format!("its columns are mapped by {mode}")));
        }
        let mut live = Vec::new();
        for ((path, deleted), partition) in self.files {
            if deleted.is_some() {
                let why = format!("rows of {path} are deleted by a deletion vector");
                return Err(refused(
                    place,
                    why,
                    "REORG TABLE … APPLY (PURGE) writes its files anew, or export its rows",
                ));
            }
            if path.starts_with('/') || path.contains("://") {
                return Err(unreadable(place, &format!("its file {path} lies elsewhere")));
            }
            // An empty text stands for null in every type.
            let missing_if_empty = |value: Option<String>| value.filter(|value| !value.is_empty());
            let constants = partition.into_iter().map(|(name, value)| (name, missing_if_empty(value))).collect();
            live.push(Live { path: format!("{place}/{path}"), constants });
        }
        Ok(live)
    }
}

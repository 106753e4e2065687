//! What can go wrong with a source as a whole. A bad row is not an error here; see [`crate::Reason`].

use std::io;

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStreamError;
use expansion_domain::Table;
use parquet::errors::ParquetError;

use crate::Location;

/// A source that can't be read. Every message is one line and names the table or file it is about.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(
        "the required table {table} has no files: expected .csv, .csv.gz, .ndjson, .ndjson.gz or .parquet in \
         {table}/ of {location}"
    )]
    RequiredTableMissing { table: Table, location: Location },
    /// The files of a required table hold not one usable row.
    #[error("the required table {table} has no usable row ({rows} read{})", first(example.as_deref()))]
    RequiredTableEmpty { table: Table, rows: u64, example: Option<String> },
    #[error(
        "{bad} of {rows} rows of {table} are bad, more than the limit of {limit_percent} %; first bad row: {example}"
    )]
    TooManyBadRows { table: Table, bad: u64, rows: u64, limit_percent: f64, example: String },
    #[error("{file} has no column {column}, which is required")]
    MissingColumn { file: String, column: &'static str },
    /// A column has a type that can't stand for a text, number, time or boolean.
    #[error("column {column} of {file} has the unsupported type {data_type}")]
    UnsupportedColumn { file: String, column: String, data_type: String },
    /// A text may be a number with thousands or one with a fraction, and no other text of the column decides it.
    #[error(
        "in column {column} of {file}, {example:?} may have thousands or a fraction: say which mark it is with \
         decimal_mark (\".\" or \",\") in source.yaml"
    )]
    UnclearNumber { file: String, column: &'static str, example: String },
    #[error(
        "column {column} of {file} writes numbers in two ways, {first:?} and {second:?}: export it in one, or say which \
         is right with decimal_mark (\".\" or \",\") in source.yaml"
    )]
    MixedNumbers { file: String, column: &'static str, first: String, second: String },
    #[error(
        "column {column} of {file} has amounts in two currencies, {first} and {second}: export plain numbers, and the \
         currency as a column"
    )]
    MixedCurrencies { file: String, column: &'static str, first: String, second: String },
    #[error("there is no time zone {zone:?}, which source.yaml names for {file}: expected one such as Europe/Berlin")]
    UnknownTimeZone { file: String, zone: String },
    /// `PostgreSQL`'s text format of COPY, which doubles backslashes, holds JSON.
    #[error(
        "{file} was written by PostgreSQL's COPY as text, which doubles the backslashes of JSON (seen in line {line}): \
         write it with psql's \\g or \\o and unaligned output, or the table as CSV"
    )]
    DoubledBackslashes { file: String, line: u64 },
    #[error("{file} is of no known format: expected .csv, .csv.gz, .ndjson, .ndjson.gz or .parquet")]
    UnknownFormat { file: String },
    /// A `bucket=` path component is not followed by a number.
    #[error("{file} names no valid bucket: expected bucket=0, bucket=1, …")]
    InvalidBucket { file: String },
    #[error("{bucketed} is bucketed but {customers} is not: when any table is bucketed, customers must be too")]
    CustomersNotBucketed { bucketed: String, customers: String },
    #[error("there is no shard {shard}: the source has {shards}")]
    NoSuchShard { shard: u32, shards: u32 },
    #[error("{path} can't be read: {cause}")]
    Unreadable { path: String, cause: io::Error },
    /// A Parquet file is damaged or uses what is not supported.
    #[error("{file} is not a readable Parquet file: {cause}")]
    Parquet { file: String, cause: ParquetError },
    /// S3 refused or did not answer; `path` is an object or a prefix.
    #[error("{path} can't be read from S3: {message}")]
    S3 { path: String, message: String, transient: bool },
}

impl SourceError {
    /// Whether the same call may succeed later with nothing changed in the source.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::S3 { transient: true, .. })
    }

    pub(crate) fn s3<E>(path: String, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let transient = match error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(service) => {
                let status = service.raw().status();
                status.is_server_error() || matches!(status.as_u16(), 408 | 429)
            }
            _ => false,
        };
        let message = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => DisplayErrorContext(error).to_string(),
        };
        Self::S3 { path, message: one_line(&message), transient }
    }

    pub(crate) fn s3_body(path: String, error: &ByteStreamError) -> Self {
        Self::S3 { path, message: one_line(&DisplayErrorContext(error).to_string()), transient: true }
    }
}

fn first(example: Option<&str>) -> String {
    example.map(|example| format!("; first bad row: {example}")).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! What the functions that events invoke share: starting, reading events and the source, and saying whether a retry may
//! help.
//!
//! Must not know: what any function does.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use expansion_domain::{
    ColumnReport, Conventions, DataConcern, DataFinding, DataGrade, DataReport, Detail, Envelope, Instant, TableReport,
    UnexpectedEvent, WordReport,
};
use expansion_service::{Config, ConfigError};
use expansion_source::{Inventory, Limits, Location, Read, Reason, SeenWord, SourceError};
use expansion_store::{S3, StoreError};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

/// Files passed over and findings that a report names; the store's items are small.
const MOST_NAMED: usize = 100;
/// A larger share of rows left out is said, even where it is tolerated.
const MOST_BAD_ROWS: f64 = 0.01;

/// An invocation failed.
pub trait Failure: std::error::Error {
    /// Whether trying again may help.
    fn is_transient(&self) -> bool;
}

/// The event is not one that the function takes.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error(transparent)]
    Unexpected(#[from] UnexpectedEvent),
    #[error("the event cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// The source tables, and what is tolerated of them.
#[derive(Debug)]
pub struct Source {
    s3: S3,
    location: Location,
    limits: Limits,
}

impl Source {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let limits = Limits { max_bad_share: config.number("MAX_BAD_ROWS", 0.0..=1.0)? };
        Ok(Self { s3: config.s3(), location: config.parsed("SOURCE_URI")?, limits })
    }

    pub async fn inventory(&self) -> Result<Inventory, SourceError> {
        expansion_source::inventory(&self.location, &self.s3).await
    }

    /// Reads all that the inventory lists, or one shard of it; by what the whole source showed, if that is known.
    pub async fn read(
        &self,
        inventory: &Inventory,
        shard: Option<u32>,
        conventions: Option<&Conventions>,
    ) -> Result<Read, SourceError> {
        expansion_source::read_by(inventory, &self.s3, shard, self.limits, conventions).await
    }
}

/// What a source that was read looks like at `as_of`.
pub fn data_report(inventory: &Inventory, read: &Read, as_of: Instant, stale_after: u16) -> DataReport {
    let DataReport { mut findings, stale, mut tables, .. } =
        expansion_features::data_report(&read.data, as_of, stale_after);
    let accepted = &inventory.mapping().accept;
    for table in &mut tables {
        table.files = inventory.files_of(table.table).count();
        table.rows = read.rows.get(&table.table).copied().unwrap_or_default();
        table.issues = read.issues.iter().filter(|issue| issue.table == table.table).cloned().collect();
        findings.extend(left_out(table).into_iter().chain(strange(table, read.data.customers.len())));
        add_words(table, &read.words);
    }
    findings.extend(near_misses(read));
    for finding in &mut findings {
        if accepted.iter().any(|name| name == finding.concern.name()) {
            finding.grade = finding.grade.min(DataGrade::Warned);
        }
    }
    let all = inventory.passed_over();
    let named = all.iter().take(MOST_NAMED).map(|other| format!("{} ({})", other.path, other.because));
    let more = all.len().checked_sub(MOST_NAMED + 1).map(|more| format!("and {} more", more + 1));
    let mut report = DataReport::new(findings, stale, tables);
    report.findings.truncate(MOST_NAMED);
    DataReport { passed_over: named.chain(more).collect(), ..report }
}

/// The words of a table's columns as they stand in its files, in place of what they were taken for.
fn add_words(table: &mut TableReport, seen: &[SeenWord]) {
    let of_table = || seen.iter().filter(|word| word.table == table.table);
    let names: BTreeSet<&str> = of_table().map(|word| word.column).collect();
    for name in names {
        let words = of_table().filter(|word| word.column == name).map(|word| WordReport {
            word: word
                .word
                .as_ref()
                .map_or_else(|| "(others)".to_owned(), |word| word.chars().take(MOST_NAMED).collect()),
            taken_for: Some(word.taken_for.clone()).filter(|meaning| word.word.as_ref() != Some(meaning)),
            rows: word.rows,
        });
        let mut words: Vec<WordReport> = words.collect();
        words.sort_by_key(|word| Reverse(word.rows));
        words.truncate(MOST_NAMED);
        if let Some(column) = table.columns.iter_mut().find(|column| column.column == name) {
            column.words = words;
        } else {
            let rows: u64 = words.iter().map(|word| word.rows).sum();
            let filled = as_share(rows, table.rows);
            table.columns.push(ColumnReport { column: name.to_owned(), filled, constant: None, words });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of rows needs no more than 53 bits")]
fn as_share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A table of which no row, or only the smaller part, is any customer's.
fn strange(table: &TableReport, of: usize) -> Option<DataFinding> {
    let few = || DataConcern::FewCustomers { table: table.table, customers: table.customers, of };
    let is_strange = table.facts == 0 || 2 * rows_of(table, Reason::UnknownCustomer) > table.rows;
    is_strange.then(|| DataFinding { grade: DataGrade::Warned, concern: few() })
}

/// What was not read although its name is much like one that is missing.
fn near_misses(read: &Read) -> impl Iterator<Item = DataFinding> + '_ {
    let near = [Reason::NearTable, Reason::NearColumn].map(|reason| reason.to_string());
    let issues = read.issues.iter().filter(move |issue| near.contains(&issue.reason));
    issues.map(|issue| {
        let concern = DataConcern::NearMiss { table: issue.table, found: issue.example.clone() };
        DataFinding { grade: DataGrade::Warned, concern }
    })
}

/// The rows of a table that an issue is about.
fn rows_of(table: &TableReport, reason: Reason) -> u64 {
    let reason = reason.to_string();
    table.issues.iter().filter(|issue| issue.reason == reason).map(|issue| issue.count).sum()
}

/// A table of which many rows are left out or doubtful, though not so many that it is refused.
fn left_out(table: &TableReport) -> Option<DataFinding> {
    let bad: u64 = table.issues.iter().filter(|issue| issue.grade != DataGrade::Fine).map(|issue| issue.count).sum();
    // Of columns, files are counted.
    let share = as_share(bad - rows_of(table, Reason::NearColumn) - rows_of(table, Reason::NearTable), table.rows);
    let concern = DataConcern::BadRows { table: table.table, share };
    (share > MOST_BAD_ROWS).then_some(DataFinding { grade: DataGrade::Warned, concern })
}

/// What may pass is an error; what will not is for the caller, who can do without.
pub fn lasting<T>(result: Result<T, StoreError>) -> Result<Result<T, StoreError>, StoreError> {
    match result {
        Err(error) if error.is_transient() => Err(error),
        lasting => Ok(lasting),
    }
}

/// Runs a function: its configuration and logs, the state that it keeps between invocations, then one event after another.
#[expect(clippy::missing_panics_doc, reason = "without a runtime there is no program")]
#[expect(clippy::needless_pass_by_value, reason = "a function is handed over once")]
#[tokio::main(flavor = "current_thread")]
pub async fn run<S, E: Failure>(
    state: impl FnOnce(&Config) -> Result<S, ConfigError>,
    handle: impl AsyncFn(&S, LambdaEvent<Value>) -> Result<Value, E>,
) -> Result<(), lambda_runtime::Error> {
    let config = Config::from_env();
    expansion_telemetry::init(&config.log_level()?)?;
    let state = state(&config)?;
    // Boxed, or the compiler gives up on how deep the futures are nested.
    let answer = async |event| Box::pin(handle(&state, event)).await.map_err(|error| diagnostic(&error));
    lambda_runtime::run(service_fn(answer)).await
}

/// How Lambda is told of a failure.
fn diagnostic(error: &impl Failure) -> Diagnostic {
    let error_type = if error.is_transient() { "Retryable" } else { "NonRetryable" };
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}

/// What kind of event came.
pub fn detail_type(event: &Value) -> Option<&str> {
    event.get("detail-type").and_then(Value::as_str)
}

/// What an event says, once it is the expected one.
pub fn open<D: Detail>(event: Value) -> Result<D, EventError> {
    Ok(serde_json::from_value::<Envelope<D>>(event)?.open()?)
}

#[cfg(test)]
mod tests {
    use expansion_domain::{AccuracyRequested, RunCheckRequested};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_opened_by_whoever_takes_it() {
        let event = json!({
            "source": "expansion-propensity",
            "detail-type": "RunCheckRequested",
            "detail": { "version": 1, "as_of": "2026-06-30T23:59:59Z" },
        });
        assert_eq!(detail_type(&event), Some(RunCheckRequested::TYPE));
        let check: RunCheckRequested = open(event.clone()).expect("it is one");
        assert_eq!(check.as_of.to_string(), "2026-06-30T23:59:59Z");
        assert!(matches!(open::<AccuracyRequested>(event), Err(EventError::Unexpected(_))));
        assert!(matches!(open::<AccuracyRequested>(json!({ "detail": 7 })), Err(EventError::Unreadable(_))));
    }

    #[test]
    fn lambda_is_told_whether_a_retry_may_help() {
        #[derive(Debug, thiserror::Error)]
        #[error("no")]
        struct No(bool);
        impl Failure for No {
            fn is_transient(&self) -> bool {
                self.0
            }
        }
        assert_eq!(diagnostic(&No(true)).error_type, "Retryable");
        assert_eq!(
            (diagnostic(&No(false)).error_type, diagnostic(&No(false)).error_message),
            ("NonRetryable".into(), "no".into())
        );
    }
}

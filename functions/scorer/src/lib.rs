//! The scorer: model + source tables → propensity rows, one shard of a run at a time.
//!
//! Takes SQS batches of `ShardRequested`, delivered at least once and in any order. Scoring is idempotent: rows overwrite
//! themselves, finished shards are a set, and whichever is last closes the run.

mod close;
mod shard;

use expansion_domain::{Envelope, ShardRequested, UnexpectedEvent};
use expansion_lambda::{ConfigError, number, parsed, required};
use expansion_model::UnknownFeature;
use expansion_records::{ReadyLine, RunStage};
use expansion_source::{Limits, Location, SourceError};
use expansion_store::{Artifacts, Bus, Clients, ControlTable, Deadline, PropensityTable, StoreError};
use expansion_telemetry::{Unit, record};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug)]
pub struct Config {
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    bucket: String,
    event_bus: String,
    source: Location,
    limits: Limits,
    ready: ReadyLine,
}

impl Config {
    pub const VARIABLES: &'static [&'static str] = &[
        "PROPENSITY_TABLE",
        "CONTROL_TABLE",
        "BUCKET",
        "EVENT_BUS",
        "SOURCE_URI",
        "MAX_BAD_ROWS",
        "READY_SCORE",
        "READY_CONFIDENCE",
        "LOG_LEVEL",
    ];

    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            propensity_table: required(&get, "PROPENSITY_TABLE")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            bucket: required(&get, "BUCKET")?,
            event_bus: required(&get, "EVENT_BUS")?,
            source: parsed(&get, "SOURCE_URI")?,
            limits: Limits { max_bad_share: number(&get, "MAX_BAD_ROWS", 0.0..=1.0)? },
            ready: ReadyLine {
                score: number(&get, "READY_SCORE", 1..=99)?,
                confidence_level: parsed(&get, "READY_CONFIDENCE")?,
            },
        })
    }
}

#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    artifacts: Artifacts,
    bus: Bus,
    s3: aws_sdk_s3::Client,
    source: Location,
    limits: Limits,
    ready: ReadyLine,
}

impl State {
    #[expect(clippy::unused_async, reason = "all functions are started alike")]
    pub async fn new(config: Config, clients: &Clients) -> Self {
        Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            propensities: PropensityTable { client: clients.dynamodb.clone(), name: config.propensity_table },
            artifacts: Artifacts { client: clients.s3.clone(), bucket: config.bucket },
            bus: Bus { client: clients.events.clone(), name: config.event_bus },
            s3: clients.s3.clone(),
            source: config.source,
            limits: config.limits,
            ready: config.ready,
        }
    }
}

/// A shard could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unexpected(#[from] UnexpectedEvent),
    #[error("the message cannot be read: {0}")]
    Message(#[from] serde_json::Error),
    /// The run has fewer shards.
    #[error("run {run_id} has no shard {shard}")]
    NoSuchShard { run_id: expansion_domain::RunId, shard: u32 },
    /// The source was bucketed differently since the run was planned.
    #[error("the source has {found} buckets now and had {planned} when the run was planned; ask for another refresh")]
    SourceChanged { planned: u32, found: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Model(#[from] UnknownFeature),
}

impl Error {
    /// Whether a retry may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Unexpected(_)
            | Self::Message(_)
            | Self::NoSuchShard { .. }
            | Self::SourceChanged { .. }
            | Self::Model(_) => false,
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = if error.is_transient() { "Retryable" } else { "NonRetryable" };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchAnswer {
    batch_item_failures: Vec<FailedItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedItem {
    item_identifier: String,
}

/// Handles a batch of messages; answers with those to be delivered again.
pub async fn handle(state: &State, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let batch: Batch = serde_json::from_value(event.payload)?;
    let deadline = shard::deadline(event.context.deadline());
    let mut answer = BatchAnswer { batch_item_failures: Vec::new() };
    for message in batch.records {
        if let Err(error) = score(state, &message.body, deadline).await {
            tracing::error!(sqs.message_id = message.message_id, error.message = %error, error.transient = error.is_transient(), "a shard was not scored");
            answer.batch_item_failures.push(FailedItem { item_identifier: message.message_id });
        }
    }
    Ok(serde_json::to_value(answer)?)
}

async fn score(state: &State, body: &str, deadline: Deadline) -> Result<(), Error> {
    let request: Envelope<ShardRequested> = serde_json::from_str(body)?;
    let ShardRequested { run_id, shard } = request.open()?;
    let scored = shard::score(state, &run_id, shard, deadline).await;
    if let Err(error) = &scored
        && !error.is_transient()
        && !matches!(error, Error::NoSuchShard { .. } | Error::Store(StoreError::NotFound(_)))
    {
        // A retry would not help: the run fails, and readers keep seeing the one before it.
        record("scorer", &[("RefreshesFailed", Unit::Count, 1.0)]);
        state.control.fail(&run_id, RunStage::Scoring, &error.to_string()).await?;
    }
    scored
}

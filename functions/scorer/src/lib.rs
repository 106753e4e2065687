//! The scorer: model + source tables → propensity rows, in the table and as a file, one shard of a run at a time.
//!
//! Takes SQS batches of `ShardRequested`, delivered at least once and in any order. Scoring is idempotent: rows overwrite
//! themselves, finished shards are a set, and whichever is last closes the run.

mod close;
mod export;
mod replay;
mod shard;
#[cfg(test)]
mod tests;

use expansion_answer::Rules;
use expansion_domain::ShardRequested;
use expansion_lambda::{EventError, Failure, Source, open};
use expansion_model::UnknownFeature;
use expansion_records::RunStage;
use expansion_service::{Config, ConfigError};
use expansion_source::SourceError;
use expansion_store::{Artifacts, Bus, ControlTable, Deadline, PropensityTable, StoreError};
use expansion_telemetry::{Unit, record};
use lambda_runtime::LambdaEvent;
use parquet::errors::ParquetError;
use serde::Deserialize;
use serde_json::{Value, json};

pub use replay::{Planned, Replayed, replay};

#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    artifacts: Artifacts,
    bus: Bus,
    source: Source,
    rules: Rules,
}

impl State {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            control: config.control()?,
            propensities: config.propensities()?,
            artifacts: config.artifacts()?,
            bus: config.bus()?,
            source: Source::new(config)?,
            rules: Rules { stale_deal_days: config.stale_deal_days()?, ready_grade: config.parsed("READY_GRADE")? },
        })
    }
}

/// A shard could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Event(#[from] EventError),
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
    #[error("the rows cannot be written as Parquet: {0}")]
    Export(#[from] ParquetError),
}

impl Failure for Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Event(_)
            | Self::Message(_)
            | Self::NoSuchShard { .. }
            | Self::SourceChanged { .. }
            | Self::Model(_)
            | Self::Export(_) => false,
        }
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

/// Handles a batch of messages; answers with those to be delivered again.
pub async fn handle(state: &State, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let batch: Batch = serde_json::from_value(event.payload)?;
    let deadline = shard::deadline(event.context.deadline());
    let mut failed = Vec::new();
    for message in batch.records {
        if let Err(error) = score(state, &message.body, deadline).await {
            tracing::error!(sqs.message_id = message.message_id, error.message = %error, error.transient = error.is_transient(), "a shard was not scored");
            failed.push(json!({ "itemIdentifier": message.message_id }));
        }
    }
    Ok(json!({ "batchItemFailures": failed }))
}

async fn score(state: &State, body: &str, deadline: Deadline) -> Result<(), Error> {
    let ShardRequested { run_id, shard } = open(serde_json::from_str(body)?)?;
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

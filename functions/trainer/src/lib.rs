//! The weekly trainer: source tables → model in S3 → plan of a scoring run.
//!
//! Takes `RefreshRequested` (train, then ask for every shard to be scored), `RunCheckRequested` (help stalled runs on) and
//! `ModelCommandRequested` (promote, roll back, pin by hand). Delivery is at-least-once; all of them are idempotent.

mod champion;
mod check;
mod refresh;

use expansion_domain::{Detail, Envelope, ModelCommandRequested, RefreshRequested, RunCheckRequested, UnexpectedEvent};
use expansion_lambda::{ConfigError, number, parsed, required};
use expansion_source::{Limits, Location, SourceError};
use expansion_store::{Artifacts, Bus, Clients, ControlTable, StoreError};
use expansion_training::FitError;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;

#[derive(Debug)]
pub struct Config {
    pub log_level: String,
    control_table: String,
    bucket: String,
    event_bus: String,
    source: Location,
    horizon_days: u16,
    limits: Limits,
}

impl Config {
    pub const VARIABLES: &'static [&'static str] =
        &["CONTROL_TABLE", "BUCKET", "EVENT_BUS", "SOURCE_URI", "HORIZON_DAYS", "MAX_BAD_ROWS", "LOG_LEVEL"];

    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            bucket: required(&get, "BUCKET")?,
            event_bus: required(&get, "EVENT_BUS")?,
            source: parsed(&get, "SOURCE_URI")?,
            horizon_days: number(&get, "HORIZON_DAYS", 1..=730)?,
            limits: Limits { max_bad_share: number(&get, "MAX_BAD_ROWS", 0.0..=1.0)? },
        })
    }
}

#[derive(Debug)]
pub struct State {
    control: ControlTable,
    artifacts: Artifacts,
    bus: Bus,
    s3: aws_sdk_s3::Client,
    source: Location,
    horizon_days: u16,
    limits: Limits,
}

impl State {
    #[expect(clippy::unused_async, reason = "all functions are started alike")]
    pub async fn new(config: Config, clients: &Clients) -> Self {
        Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            artifacts: Artifacts { client: clients.s3.clone(), bucket: config.bucket },
            bus: Bus { client: clients.events.clone(), name: config.event_bus },
            s3: clients.s3.clone(),
            source: config.source,
            horizon_days: config.horizon_days,
            limits: config.limits,
        }
    }
}

/// The invocation failed; Lambda retries it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unexpected(#[from] UnexpectedEvent),
    #[error("the event cannot be read: {0}")]
    Event(#[from] serde_json::Error),
    #[error("horizon_days is {0}, expected days from 1 to 730")]
    Horizon(u16),
    #[error("as_of {0} is in the future")]
    Future(expansion_domain::Instant),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Fit(#[from] FitError),
}

impl Error {
    /// Whether a retry may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Unexpected(_) | Self::Event(_) | Self::Horizon(_) | Self::Future(_) | Self::Fit(_) => false,
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = if error.is_transient() { "Retryable" } else { "NonRetryable" };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}

/// Handles one event; answers with the run (for a check, with the runs) as it is then.
///
/// A refresh that cannot succeed (the source has no customers, say) is no error: the run is recorded as failed, with the
/// reason, as a retry would not help.
pub async fn handle(state: &State, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let kind = event.payload.get("detail-type").and_then(Value::as_str);
    if kind == Some(RunCheckRequested::TYPE) {
        let check: Envelope<RunCheckRequested> = serde_json::from_value(event.payload)?;
        return check::help_on(state, &check.open()?).await;
    }
    if kind == Some(ModelCommandRequested::TYPE) {
        let wanted: Envelope<ModelCommandRequested> = serde_json::from_value(event.payload)?;
        return champion::command(state, &wanted.open()?).await;
    }
    let refresh: Envelope<RefreshRequested> = serde_json::from_value(event.payload)?;
    refresh::refresh(state, &refresh.open()?).await
}

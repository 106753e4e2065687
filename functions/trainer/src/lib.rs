//! The weekly trainer: source tables → model in S3 → plan of a scoring run.
//!
//! Takes `RefreshRequested` (train, then ask for every shard to be scored), `RunCheckRequested` (help stalled runs on) and
//! `ModelCommandRequested` (promote, roll back, pin by hand). Delivery is at-least-once; all are idempotent.

mod champion;
mod check;
mod refresh;

use expansion_domain::{Detail, Instant, ModelCommandRequested, RunCheckRequested};
use expansion_lambda::{EventError, Failure, Source, detail_type, open};
use expansion_model::UnknownFeature;
use expansion_records::GradeShares;
use expansion_service::{Config, ConfigError};
use expansion_source::SourceError;
use expansion_store::{Artifacts, Bus, ControlTable, StoreError};
use expansion_training::FitError;
use lambda_runtime::LambdaEvent;
use serde_json::Value;

#[derive(Debug)]
pub struct State {
    control: ControlTable,
    artifacts: Artifacts,
    bus: Bus,
    source: Source,
    horizon_days: u16,
    stale_deal_days: u16,
    grade_shares: GradeShares,
    /// The customers that a CSM finds time for.
    csm_capacity: u16,
    /// A table is stale when its newest fact is more days old.
    stale_after_days: u16,
}

impl State {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            control: config.control()?,
            artifacts: config.artifacts()?,
            bus: config.bus()?,
            source: Source::new(config)?,
            horizon_days: config.horizon_days()?,
            stale_deal_days: config.stale_deal_days()?,
            grade_shares: config.parsed("GRADE_SHARES")?,
            csm_capacity: config.number("CSM_CAPACITY", 1..=1000)?,
            stale_after_days: config.number("STALE_AFTER_DAYS", 1..=3650)?,
        })
    }
}

/// The invocation failed; Lambda retries it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("horizon_days is {0}, expected days from 1 to 730")]
    Horizon(u16),
    #[error("as_of {0} is in the future")]
    Future(Instant),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the source is wrong: {0}")]
    WrongData(String),
    #[error("nobody was a customer at {as_of}; {}", which_customers(*first))]
    Nobody { as_of: Instant, first: Option<Instant> },
    #[error(transparent)]
    Model(#[from] UnknownFeature),
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// Who else the source knows of, when nobody is a customer.
fn which_customers(first: Option<Instant>) -> String {
    match first {
        Some(first) => format!("the first one came at {first}"),
        None => "all who came before had left".to_owned(),
    }
}

impl Failure for Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Event(_)
            | Self::Horizon(_)
            | Self::Future(_)
            | Self::WrongData(_)
            | Self::Nobody { .. }
            | Self::Model(_)
            | Self::Fit(_) => false,
        }
    }
}

/// Handles one event; answers with the run (for a check, with the runs) as it is then.
///
/// A refresh that cannot succeed (the source has no customers, say) is no error: the run is recorded as failed, with the
/// reason, as a retry would not help.
pub async fn handle(state: &State, event: LambdaEvent<Value>) -> Result<Value, Error> {
    match detail_type(&event.payload) {
        Some(RunCheckRequested::TYPE) => check::help_on(state, &open(event.payload)?).await,
        Some(ModelCommandRequested::TYPE) => champion::command(state, &open(event.payload)?).await,
        _ => refresh::refresh(state, &open(event.payload)?).await,
    }
}

//! Judges past runs by the outcomes since, and warns before outcomes are in.
//!
//! Takes `PropensityRefreshed` (a run is complete) and `AccuracyRequested` (by schedule, or after the source was updated).
//! Both may be delivered more than once, and late: a record never replaces one with a later `known_at`.

mod judge;
mod warn;

use expansion_domain::{
    AccuracyDegraded, AccuracyRequested, Detail, DriftDetected, Instant, PropensityRefreshed, RefreshRequested,
};
use expansion_lambda::{EventError, Failure, Source, detail_type, open};
use expansion_records::{AccuracyRecord, Finding, Run};
use expansion_service::{Config, ConfigError};
use expansion_source::SourceError;
use expansion_store::{Artifacts, Bus, ControlTable, PropensityTable, StoreError};
use expansion_telemetry::{Unit, record};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

pub use warn::Thresholds;

/// At most so many runs are judged, the newest.
const MOST_RUNS: i32 = 60;
/// Outcomes may be recorded late: a run is judged again for so many days after its horizon.
const LATE_DAYS: i32 = 60;

#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    artifacts: Artifacts,
    bus: Bus,
    source: Source,
    thresholds: Thresholds,
}

impl State {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            control: config.control()?,
            propensities: config.propensities()?,
            artifacts: config.artifacts()?,
            bus: config.bus()?,
            source: Source::new(config)?,
            thresholds: Thresholds {
                shift: config.number("MOST_SHIFT", 0.0..=10.0)?,
                missing: config.number("MOST_MISSING_SHIFT", 0.0..=1.0)?,
                calibration_error: config.number("MOST_CALIBRATION_ERROR", 0.0..=1.0)?,
                auc_loss: config.number("MOST_AUC_LOSS", 0.0..=1.0)?,
                surprise: config.number("MOST_SURPRISE", 0.0..=100.0)?,
            },
        })
    }
}

/// The invocation failed; Lambda retries it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Failure for Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Event(_) => false,
        }
    }
}

/// Judges the runs that can be judged by what is known at the event's `as_of`; answers with how many.
pub async fn handle(state: &State, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (as_of, is_update) = match detail_type(&event.payload) {
        Some(PropensityRefreshed::TYPE) => (open::<PropensityRefreshed>(event.payload)?.as_of, false),
        _ => (open::<AccuracyRequested>(event.payload)?.as_of, true),
    };
    let Some(current) = state.control.current_run().await? else { return Ok(json!({ "judged": 0 })) };
    let mut judged = 0;
    let outcomes = judge::outcomes(state, as_of).await?;
    let champion = state.control.champion().await?.map(|champion| champion.model_id);
    let (mut degraded, mut is_requested) = (false, false);
    let mut runs = state.control.complete_runs(&current.run.run_id, MOST_RUNS).await?;
    // Readers see it already, though it may still be being closed.
    runs.insert(current.run.run_id);
    for run_id in runs.into_iter().rev() {
        let run = state.control.expect_run(&run_id).await?;
        let before = state.control.accuracy(&run_id).await?;
        if run.as_of > as_of || is_settled(&run, before.as_ref()) || knows_more(before.as_ref(), as_of) {
            continue;
        }
        let Some((plan, summary)) = run.plan().zip(run.summary()) else { continue };
        let record = judge::judge(state, &run, plan, summary, as_of, &outcomes).await?;
        // The event first, then the record: emitting it again is harmless, losing it is not.
        let is_degraded = tell(state, &record, before.as_ref()).await?;
        degraded |= is_degraded;
        // A model that was replaced since needs no successor, and right after a refresh one has just been trained.
        let is_live = champion.as_deref() == Some(&*record.model_id);
        if is_degraded && is_live && is_update && !is_requested {
            request_refresh(state, as_of).await?;
            is_requested = true;
        }
        judged += usize::from(state.control.put_accuracy(&record).await?);
    }
    Ok(json!({ "judged": judged, "degraded": degraded }))
}

/// Requests a new model. The cause is part of the run id, so a repeated request is the same run.
async fn request_refresh(state: &State, as_of: Instant) -> Result<(), StoreError> {
    state.bus.put([RefreshRequested { as_of, cause: "degraded".to_owned(), horizon_days: None }]).await
}

/// Whether a run was judged with a later `as_of` already: events may come late and in any order.
fn knows_more(record: Option<&AccuracyRecord>, as_of: Instant) -> bool {
    record.is_some_and(|record| record.known_at > as_of)
}

/// Whether a run was judged long after its horizon: then nothing new is to be expected.
fn is_settled(run: &Run, record: Option<&AccuracyRecord>) -> bool {
    let settled: Instant = run.as_of.plus_days(i32::from(run.horizon_days) + LATE_DAYS);
    record.is_some_and(|record| record.known_at >= settled)
}

/// Emits events for the findings that are new; returns whether the run's model has degraded.
async fn tell(state: &State, record: &AccuracyRecord, before: Option<&AccuracyRecord>) -> Result<bool, Error> {
    let known = before.map(|before| &before.warning.findings[..]).unwrap_or_default();
    let fresh = record.warning.findings.iter().filter(|finding| !known.iter().any(|earlier| finding.repeats(earlier)));
    let (shifts, errors): (Vec<&Finding>, Vec<&Finding>) = fresh.partition(|finding| finding.is_shift());
    let in_words = |findings: Vec<&Finding>| findings.into_iter().map(Finding::to_string).collect();
    let (run_id, as_of, model_id) = (record.run_id.clone(), record.known_at, record.model_id.clone());
    if !shifts.is_empty() {
        record_metric("DriftDetected");
        let (run_id, model_id) = (run_id.clone(), model_id.clone());
        state.bus.put([DriftDetected { run_id, as_of, model_id, findings: in_words(shifts) }]).await?;
    }
    let degraded = !errors.is_empty();
    if degraded {
        record_metric("AccuracyDegraded");
        state.bus.put([AccuracyDegraded { run_id, as_of, model_id, findings: in_words(errors) }]).await?;
    }
    Ok(degraded)
}

fn record_metric(name: &'static str) {
    record("judge", &[(name, Unit::Count, 1.0)]);
}

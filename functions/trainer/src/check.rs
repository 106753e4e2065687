//! Stalled runs: a killed invocation or a lost event must not leave a run unfinished.

use expansion_domain::{Instant, RefreshRequested, RunCheckRequested};
use expansion_records::Run;
use serde_json::{Value, json};

use crate::refresh::ask_for_missing_shards;
use crate::{Error, State};

/// A run that has not moved for so long is stalled: no invocation may take that long.
const STALLED_AFTER_MICROS: i64 = 20 * 60 * 1_000_000;

/// Emits again the events that the stalled runs are waiting for.
pub(crate) async fn help_on(state: &State, check: &RunCheckRequested) -> Result<Value, Error> {
    let mut helped = Vec::new();
    for run in state.control.open_runs().await? {
        if !stalled(&run, check.as_of) {
            continue;
        }
        tracing::warn!(run.id = %run.run_id, run.state = run.state.name(), "stalled run helped on");
        if let Some(plan) = run.plan() {
            ask_for_missing_shards(state, &run.run_id, plan).await?;
        } else {
            let (cause, horizon_days) = (run.cause.clone(), Some(run.horizon_days));
            state.bus.put([RefreshRequested { as_of: run.as_of, cause, horizon_days }]).await?;
        }
        helped.push(run.run_id);
    }
    Ok(json!({ "helped_on": helped }))
}

fn stalled(run: &Run, at: Instant) -> bool {
    at.micros() - run.touched_at.micros() > STALLED_AFTER_MICROS
}

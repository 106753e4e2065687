//! Closing a run whose last shard is in.
//!
//! The steps are ordered so that a kill between any two of them leaves readers with either the run before or the whole of
//! this one. Each is idempotent, so an attempt that finds the run unclosed repeats them all.

use expansion_domain::{ExpansionReady, PropensityRefreshed, row_id};
use expansion_records::{Listed, Plan, Run};

use crate::{Error, State};

/// Merges the shards, points readers to the run, emits the events, and marks the run as complete.
pub(crate) async fn close(state: &State, run: &Run, plan: &Plan) -> Result<(), Error> {
    let (summary, best) = state.control.merge_shards(&run.run_id, plan.shards).await?;
    state.control.put_top(&run.run_id, best.clone()).await?;
    if state.control.summarise(&run.run_id, &summary).await?.is_none() {
        // Lost the race: another invocation has closed it.
        return Ok(());
    }
    if state.control.point_to(run).await? {
        let model_id = plan.model.model_id.clone();
        let event = PropensityRefreshed { run_id: run.run_id.clone(), as_of: run.as_of, model_id, rows: summary.rows };
        state.bus.put([event]).await?;
        state.bus.put(best.iter().filter(|row| row.newly_ready).map(|row| ready(run, plan, row))).await?;
    }
    state.control.complete(&run.run_id).await?;
    tracing::info!(run.id = %run.run_id, rows.total = summary.rows, "run complete");
    Ok(())
}

/// The event for a customer who became ready.
fn ready(run: &Run, plan: &Plan, row: &Listed) -> ExpansionReady {
    let since = plan.previous.as_ref().map_or(&run.run_id, |previous| &previous.run_id);
    ExpansionReady {
        id: row_id(since, &row.customer_id),
        run_id: run.run_id.clone(),
        as_of: run.as_of,
        customer_id: row.customer_id.clone(),
        customer_name: row.customer_name.clone(),
        csm_id: row.csm_id.clone(),
        propensity_score: row.propensity_score,
        previous_score: row.previous_score,
        confidence_level: row.confidence_level.name().to_owned(),
        expected_value: row.expected_value,
        primary_signal: row.primary_signal.clone(),
        grade: row.grade.map(|grade| grade.name().to_owned()),
        lift: row.lift,
        leave_alone: row.leave_alone.clone(),
    }
}

//! Scoring one shard.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use expansion_answer::{Answer, Answering, Before, answer};
use expansion_domain::{Id, Portfolio, RunId, add_outcomes};
use expansion_features::Catalogue;
use expansion_model::{Model, Scorer};
use expansion_records::{Listed, Plan, Previous, Run, RunState, RunSummary};
use expansion_source::{inventory, read};
use expansion_store::{Deadline, StoreError};
use expansion_telemetry::{Unit, record};

use crate::close::close;
use crate::{Error, State};

/// Rows held in memory before they are written.
const ROWS_AT_ONCE: usize = 2000;
/// What is left of an invocation's time for handing the rest on.
const RESERVE: Duration = Duration::from_secs(10);

/// Until when work may go on in an invocation that ends at `end`.
#[expect(clippy::disallowed_methods, reason = "the edge: Lambda gives the deadline as a time of day")]
pub(crate) fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::Instant::now() + left.saturating_sub(RESERVE)
}

/// Scores a shard, unless it is in already, and closes the run if it was the last one.
pub(crate) async fn score(state: &State, run_id: &RunId, shard: u32, deadline: Deadline) -> Result<(), Error> {
    let mut run = state.control.expect_run(run_id).await?;
    if let RunState::Scoring { plan } = &run.state
        && !plan.done.contains(&shard)
    {
        if shard >= plan.shards {
            return Err(Error::NoSuchShard { run_id: run_id.clone(), shard });
        }
        let (listed, summary) = write_rows(state, &run, plan, shard, deadline).await?;
        state.control.put_shard(&run, shard, &summary, listed).await?;
        match state.control.finish_shard(run_id, &plan.model.model_id, shard).await? {
            Some(updated) => run = updated,
            None => return Ok(()),
        }
    }
    match &run.state {
        RunState::Scoring { plan } | RunState::Closing { plan, .. } => {
            if plan.missing_shards().next().is_none() {
                close(state, &run, plan).await?;
            }
        }
        _ => {
            tracing::info!(run.id = %run_id, run.state = run.state.name(), run.shard = shard, "nothing to score");
        }
    }
    Ok(())
}

/// Scores the shard's customers and writes their rows; returns what lists show of them, and what they add up to.
async fn write_rows(
    state: &State,
    run: &Run,
    plan: &Plan,
    shard: u32,
    deadline: Deadline,
) -> Result<(Vec<Listed>, RunSummary), Error> {
    let model = state.artifacts.model(&plan.model.model_id).await?;
    let inventory = inventory(&state.source, &state.s3).await?;
    let buckets = inventory.buckets();
    if buckets.unwrap_or(1) != plan.shards {
        return Err(Error::SourceChanged { planned: plan.shards, found: buckets.unwrap_or(1) });
    }
    let bucket = buckets.map(|_| shard);
    let mut portfolio = read(&inventory, &state.s3, bucket, state.limits).await?.portfolio;
    add_outcomes(&mut portfolio, &state.control.outcomes().await?, run.as_of);
    let previous = said_before(state, plan, &portfolio, deadline).await?;
    let before = before(state, plan).await?;
    let catalogue = Catalogue::new(&portfolio.products);
    let run_now = (&run.run_id, run.as_of, run.calculated_at);
    let mut answering = Answering::new(&model, catalogue, &portfolio.tables, state.ready, run_now)?;
    if let Some((model, run)) = &before {
        answering.before = match model {
            Ok(model) => Ok(Before {
                scorer: Scorer::new(&model.propensity)?,
                as_of: run.as_of,
                calculated_at: run.calculated_at,
            }),
            Err(reason) => Err(reason.clone()),
        };
    }
    let mut listed = Vec::with_capacity(portfolio.customers.len());
    let mut summary = RunSummary::default();
    for customers in portfolio.customers.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(customers.len());
        for history in customers {
            let said = previous.get(&history.customer_id).copied();
            let Some(Answer { row, bins }) = answer(&answering, history, said) else { continue };
            let widths = model.propensity.features.iter().map(|feature| feature.bins.len());
            summary.count(&row);
            summary.count_bins(&bins, widths);
            rows.push(row);
        }
        state.propensities.write(&rows, deadline).await?;
        listed.extend(rows.into_iter().map(|row| row.listed));
        tracing::info!(run.id = %run.run_id, run.shard = shard, rows.written = listed.len(), "propensity rows written");
    }
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
    record("scorer", &[("RowsScored", Unit::Count, listed.len() as f64), ("ShardsScored", Unit::Count, 1.0)]);
    Ok((listed, summary))
}

/// The run before with its model, or the reason why that cannot be used any more; `None` for the first run.
async fn before(state: &State, plan: &Plan) -> Result<Option<(Result<Model, String>, Run)>, StoreError> {
    let Some(previous) = &plan.previous else { return Ok(None) };
    let previous = state.control.expect_run(&previous.run_id).await?;
    let Some(model) = previous.model() else {
        return Ok(Some((Err("the run before is being put together again".to_owned()), previous)));
    };
    match state.artifacts.model(&model.model_id).await {
        Ok(model) => Ok(Some((Ok(model), previous))),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => Ok(Some((Err(format!("the model of the run before cannot be used: {error}")), previous))),
    }
}

/// What the run before said of the shard's customers.
async fn said_before(
    state: &State,
    plan: &Plan,
    portfolio: &Portfolio,
    deadline: Deadline,
) -> Result<HashMap<Id, Previous>, StoreError> {
    let Some(previous) = &plan.previous else {
        return Ok(HashMap::new());
    };
    let customers: Vec<Id> = portfolio.customers.iter().map(|history| history.customer_id.clone()).collect();
    state.propensities.scores(&customers, previous.calculated_at, deadline).await
}

//! Scoring one shard.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use expansion_answer::{Answer, Answering, Before, Rules, answer};
use expansion_domain::{Id, Instant, RunId, SourceData, add_outcomes, count};
use expansion_features::Catalogue;
use expansion_lambda::lasting;
use expansion_model::{Model, Scorer, UnknownFeature};
use expansion_records::{Listed, Plan, Previous, Run, RunState, RunSummary, Yardstick};
use expansion_store::{Deadline, StoreError};
use expansion_telemetry::{Unit, record};

use crate::close::close;
use crate::export::ScoresFile;
use crate::{Error, State};

/// Rows held in memory before they are written.
const ROWS_AT_ONCE: usize = 2000;
/// Time kept at the end of an invocation to report what is left.
const RESERVE: Duration = Duration::from_secs(10);

/// When work must stop in an invocation that ends at `end`.
#[expect(clippy::disallowed_methods, reason = "the edge: Lambda gives the deadline as a time of day")]
pub(crate) fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::Instant::now() + left.saturating_sub(RESERVE)
}

/// Scores a shard unless that is done already, and closes the run if it was the last one.
pub(crate) async fn score(state: &State, run_id: &RunId, shard: u32, deadline: Deadline) -> Result<(), Error> {
    let mut run = state.control.expect_run(run_id).await?;
    if let RunState::Scoring(plan) = &run.state
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
        RunState::Scoring(plan) | RunState::Closing(plan, _) => {
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

/// Scores the shard's customers and writes their rows, to the table and as a file; returns what lists show of them, and
/// their summary.
async fn write_rows(
    state: &State,
    run: &Run,
    plan: &Plan,
    shard: u32,
    deadline: Deadline,
) -> Result<(Vec<Listed>, RunSummary), Error> {
    let model = state.artifacts.model(&plan.model.model_id).await?;
    let inventory = state.source.inventory().await?;
    let buckets = inventory.buckets();
    if buckets.unwrap_or(1) != plan.shards {
        return Err(Error::SourceChanged { planned: plan.shards, found: buckets.unwrap_or(1) });
    }
    let read = state.source.read(&inventory, buckets.map(|_| shard), plan.conventions.as_ref());
    let mut source = read.await?.data;
    add_outcomes(&mut source, &state.control.outcomes().await?, run.as_of);
    let previous = said_before(state, plan, &source, deadline).await?;
    let basis = Basis::new(state, plan, model).await?;
    let answering = basis.answering(run, &source, state.rules)?;
    let mut listed = Vec::with_capacity(source.customers.len());
    let mut summary = RunSummary::default();
    let mut file = ScoresFile::new()?;
    for customers in source.customers.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(customers.len());
        for history in customers {
            let said = previous.get(&history.customer_id).copied();
            let Some(Answer { row, bins }) = answer(&answering, history, said) else { continue };
            let widths = answering.model.propensity.features.iter().map(|feature| feature.bins.len());
            summary.count(&row);
            summary.count_bins(&bins, widths);
            rows.push(row);
        }
        state.propensities.write(&rows, deadline).await?;
        file.add(&rows)?;
        listed.extend(rows.into_iter().map(|row| row.listed));
        tracing::info!(run.id = %run.run_id, run.shard = shard, rows.written = listed.len(), "propensity rows written");
    }
    state.artifacts.put_scores(&run.run_id, shard, file.finish()?).await?;
    record("scorer", &[("RowsScored", Unit::Count, count(listed.len())), ("ShardsScored", Unit::Count, 1.0)]);
    Ok((listed, summary))
}

/// What a run's rows are made from, beside the facts.
pub(crate) struct Basis {
    model: Model,
    yardstick: Yardstick,
    before: Former,
}

impl Basis {
    /// What a run was planned with, and the model.
    pub(crate) async fn new(state: &State, plan: &Plan, model: Model) -> Result<Self, StoreError> {
        // Runs that an earlier version planned have no yardstick.
        let yardstick = plan.yardstick.clone().unwrap_or_default();
        Ok(Self { model, yardstick, before: before(state, plan).await? })
    }

    /// What all answers of the run share.
    pub(crate) fn answering<'a>(
        &'a self,
        run: &'a Run,
        source: &'a SourceData,
        rules: Rules,
    ) -> Result<Answering<'a>, UnknownFeature> {
        let catalogue = Catalogue::new(&source.products);
        let run_now = (&run.run_id, run.as_of, run.calculated_at);
        let mut answering = Answering::new(&self.model, catalogue, &source.tables, (&self.yardstick, rules), run_now)?;
        match &self.before {
            Former::None => {}
            Former::Unusable(reason) => answering.before = Err(reason.clone()),
            Former::Run { as_of, calculated_at, model } => {
                let scorer = Scorer::new(&model.propensity)?;
                let slots = &model.slots;
                answering.before = Ok(Before { scorer, slots, as_of: *as_of, calculated_at: *calculated_at });
            }
        }
        Ok(answering)
    }
}

/// The run before, to say why scores moved.
enum Former {
    /// This is the first run.
    None,
    /// Its scores cannot be taken apart any more; why.
    Unusable(String),
    Run {
        as_of: Instant,
        calculated_at: Instant,
        model: Box<Model>,
    },
}

async fn before(state: &State, plan: &Plan) -> Result<Former, StoreError> {
    let Some(previous) = &plan.previous else { return Ok(Former::None) };
    let run = state.control.expect_run(&previous.run_id).await?;
    let Some(model) = run.model() else {
        return Ok(Former::Unusable("the run before is being put together again".to_owned()));
    };
    Ok(match lasting(state.artifacts.model(&model.model_id).await)? {
        Ok(model) => Former::Run { as_of: run.as_of, calculated_at: run.calculated_at, model: model.into() },
        Err(error) => Former::Unusable(format!("the model of the run before cannot be used: {error}")),
    })
}

/// The scores of the shard's customers in the run before.
pub(crate) async fn said_before(
    state: &State,
    plan: &Plan,
    source: &SourceData,
    deadline: Deadline,
) -> Result<HashMap<Id, Previous>, StoreError> {
    let Some(previous) = &plan.previous else { return Ok(HashMap::new()) };
    let customers: Vec<Id> = source.customers.iter().map(|history| history.customer_id.clone()).collect();
    state.propensities.scores(&customers, previous.calculated_at, deadline).await
}

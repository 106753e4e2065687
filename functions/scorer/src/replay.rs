//! One customer's row, made again from the source and a model as a run made it, or would have. Nothing is written.

use std::collections::BTreeMap;

use expansion_answer::{Answer, answer, yardstick};
use expansion_domain::add_outcomes;
use expansion_features::FEATURES;
use expansion_model::{FactorValue, Model};
use expansion_records::{GradeShares, ModelSummary, Plan, Propensity, Run};
use expansion_store::Deadline;

use crate::shard::{Basis, said_before};
use crate::{Error, State};

/// How the run was planned whose row is wanted.
#[derive(Clone, Debug)]
pub enum Planned {
    /// As it is on record.
    OnRecord(Box<Plan>),
    /// Not at all: as the first run of a source would be, with these shares of the grades.
    First(GradeShares),
}

/// A row made again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    pub row: Propensity,
    /// The features that it was made from, by name.
    pub snapshot: BTreeMap<&'static str, Option<FactorValue>>,
}

/// Makes the row of a customer in a run again; `None` for somebody who was no customer then.
///
/// It is the one that the scorer wrote as far as the source still has what was known then: of what has no history there
/// (name, segment, industry, region, CSM) it has today's.
pub async fn replay(
    state: &State,
    run: &Run,
    planned: Planned,
    model: Model,
    customer_id: &str,
    deadline: Deadline,
) -> Result<Option<Replayed>, Error> {
    let inventory = state.source.inventory().await?;
    let conventions = match &planned {
        Planned::OnRecord(plan) => plan.conventions.as_ref(),
        Planned::First(_) => None,
    };
    let mut source = state.source.read(&inventory, None, conventions).await?.data;
    add_outcomes(&mut source, &state.control.outcomes().await?, run.as_of);
    let plan = match planned {
        Planned::OnRecord(plan) => *plan,
        Planned::First(shares) => {
            let yardstick = yardstick(&model, &source, run.as_of, state.rules.stale_deal_days, shares)?;
            Plan { yardstick: Some(yardstick), ..Plan::new(unmeasured(&model), 1) }
        }
    };
    source.customers.retain(|history| *history.customer_id == *customer_id);
    let Some(history) = source.customers.first() else { return Ok(None) };
    let previous = said_before(state, &plan, &source, deadline).await?;
    let basis = Basis::new(state, &plan, model).await?;
    let answering = basis.answering(run, &source, state.rules)?;
    let said = previous.get(&history.customer_id).copied();
    Ok(answer(&answering, history, said).map(|Answer { row, .. }| {
        let snapshot = FEATURES.iter().map(|feature| feature.name).zip(row.snapshot.iter().cloned()).collect();
        Replayed { row, snapshot }
    }))
}

/// What a plan says of a model whose figures nobody asks for.
fn unmeasured(model: &Model) -> ModelSummary {
    ModelSummary {
        model_id: model.model_id.clone(),
        family: model.propensity.family.clone(),
        knowledge: model.propensity.knowledge,
        metrics: None,
        unworked: None,
        untested: None,
    }
}

//! Joins a run's rows, as stored, with the outcomes since.

use std::collections::{BTreeMap, HashMap};

use expansion_domain::{CustomerHistory, Id, Instant, Table, add_outcomes};
use expansion_features::{label, observed_until};
use expansion_lambda::lasting;
use expansion_model::{Accuracy, EARLY_DAYS, Judged, Manifest, Model, ValueRange, accuracy};
use expansion_records::{AccuracyRecord, Checkpoint, Listed, Plan, Run, RunSummary};
use expansion_store::StoreError;

use crate::{Error, State, warn};

/// Segments on record at most.
const MOST_SEGMENTS: usize = 20;

/// The outcomes known.
pub(crate) struct Outcomes {
    histories: HashMap<Id, CustomerHistory>,
    /// Until when the source knows of deals.
    until: Instant,
}

/// The customers and their deals, as the source has them now.
pub(crate) async fn outcomes(state: &State, as_of: Instant) -> Result<Outcomes, Error> {
    let inventory = state.source.inventory().await?.only(&[Table::Customers, Table::ExpansionOpportunities]);
    let mut source = state.source.read(&inventory, None).await?.data;
    // By the source alone: a single deal recorded later says nothing of the others. Without any deal nothing is known.
    let until = observed_until(&source, as_of).unwrap_or(Instant::EPOCH);
    let recorded = state.control.outcomes().await?;
    add_outcomes(&mut source, &recorded, as_of);
    let by_id = |history: CustomerHistory| (history.customer_id.clone(), history);
    Ok(Outcomes { histories: source.customers.into_iter().map(by_id).collect(), until })
}

/// Judges a run by what is known at `as_of`.
pub(crate) async fn judge(
    state: &State,
    run: &Run,
    plan: &Plan,
    summary: &RunSummary,
    as_of: Instant,
    outcomes: &Outcomes,
) -> Result<AccuracyRecord, Error> {
    let mut rows: Vec<Listed> = Vec::new();
    for csm_id in &summary.portfolios {
        rows.extend(state.propensities.portfolio(&run.run_id, csm_id.as_deref(), None, 0, usize::MAX).await?);
    }
    let model_id = plan.model.model_id.clone();
    let manifest = state.artifacts.manifest(&model_id).await?;
    let early = EARLY_DAYS.into_iter().filter(|days| *days < run.horizon_days);
    let checkpoints: Vec<Checkpoint> = early
        .chain([run.horizon_days])
        .map(|days| checkpoint(run, &rows, days, as_of.min(outcomes.until), outcomes, manifest.as_ref()))
        .collect();
    let model = usable(state.artifacts.model(&model_id).await)?;
    let warning = warn::warning(summary, &rows, model.as_ref(), &checkpoints, state.thresholds);
    Ok(AccuracyRecord {
        run_id: run.run_id.clone(),
        as_of: run.as_of,
        horizon_days: run.horizon_days,
        model_id,
        known_at: as_of,
        checkpoints,
        warning,
    })
}

/// A model, or none where it is gone or of another version: there is less to warn of then. Where S3 only cannot be
/// reached now, that is for a later attempt.
fn usable(model: Result<Model, StoreError>) -> Result<Option<Model>, StoreError> {
    let model = lasting(model)?;
    Ok(model.inspect_err(|error| tracing::warn!(error = %error, "a past run's model cannot be used")).ok())
}

/// How right the run was after so many days, if they have passed.
fn checkpoint(
    run: &Run,
    rows: &[Listed],
    days: u16,
    until: Instant,
    outcomes: &Outcomes,
    manifest: Option<&Manifest>,
) -> Checkpoint {
    let is_mature = run.as_of.plus_days(i32::from(days)) <= until;
    let is_whole = days == run.horizon_days;
    let mut checkpoint = Checkpoint { days, is_mature, ..Checkpoint::default() };
    if !is_mature {
        return checkpoint;
    }
    let mut judged: Vec<Judged> = Vec::with_capacity(rows.len());
    for row in rows {
        match outcomes.histories.get(&row.customer_id) {
            Some(history) => judged.push(join(row, history, run.as_of, days)),
            None => checkpoint.censored += 1,
        }
    }
    let share = EARLY_DAYS.iter().position(|early| *early == days).and_then(|place| Some(manifest?.timing?[place]));
    let predicted: f64 = judged.iter().map(|one| one.propensity).sum();
    checkpoint.expected_expansions = if is_whole { Some(predicted) } else { share.map(|share| share * predicted) };
    let grouped = |name: &dyn Fn(&Judged) -> Option<String>| -> BTreeMap<String, Accuracy> {
        let mut groups: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
        for one in &judged {
            if let Some(name) = name(one) {
                groups.entry(name).or_default().push(one.clone());
            }
        }
        groups.into_iter().map(|(name, group)| (name, accuracy(&group, is_whole))).collect()
    };
    checkpoint.segments = grouped(&|one| one.segment.clone());
    // A record must fit into an item: of very many segments the largest.
    while checkpoint.segments.len() > MOST_SEGMENTS {
        let smallest =
            checkpoint.segments.iter().min_by_key(|(_, group)| group.customers).map(|(name, _)| name.clone());
        checkpoint.segments.remove(&smallest.unwrap_or_default());
    }
    checkpoint.levels = grouped(&|one| Some(one.confidence_level.name().to_owned()));
    checkpoint.overall = Some(accuracy(&judged, is_whole));
    checkpoint
}

fn join(row: &Listed, history: &CustomerHistory, as_of: Instant, days: u16) -> Judged {
    let label = label(history, as_of, days);
    let ends = row.estimated_value_lower.zip(row.estimated_value_upper);
    Judged {
        segment: row.segment.as_deref().map(str::to_owned),
        confidence_level: row.confidence_level,
        propensity: row.propensity,
        interval: [row.propensity_lower / 100.0, row.propensity_upper / 100.0],
        value: row.estimated_value.zip(ends).map(|(amount, (lower, upper))| ValueRange { amount, lower, upper }),
        expected_value: row.expected_value,
        expanded: label.expanded,
        amount: label.amount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_model_that_is_not_there_does_without() {
        let service = |transient| StoreError::Service { operation: "get an object", message: String::new(), transient };
        assert!(usable(Err(service(true))).is_err_and(|error| error.is_transient()), "another attempt may find it");
        assert!(usable(Err(service(false))).is_ok_and(|model| model.is_none()));
        assert!(usable(Err(StoreError::NotFound("m".to_owned()))).is_ok_and(|model| model.is_none()));
    }
}

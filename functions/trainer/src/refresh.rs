//! One refresh: read, fit, store, promote, plan.

use expansion_answer::yardstick;
use expansion_domain::{
    DataGrade, DataIssue, DataReport, Instant, ModelTrained, RefreshRequested, RunId, ShardRequested, SourceData,
    StaleTable, Table, add_outcomes, count,
};
use expansion_lambda::{Failure, data_report};
use expansion_model::Manifest;
use expansion_records::{ChampionModel, ModelSummary, Plan, Run, RunStage, RunState};
use expansion_source::Inventory;
use expansion_store::now;
use expansion_telemetry::{Unit, record};
use expansion_training::{Fitted, Request, fit};
use serde_json::{Value, json};

use crate::{Error, State, champion};

/// An `as_of` may be ahead of this machine's clock by so much: five minutes.
const CLOCK_SKEW_MICROS: i64 = 5 * 60 * 1_000_000;

/// Carries a refresh on from wherever an earlier attempt left it.
pub(crate) async fn refresh(state: &State, request: &RefreshRequested) -> Result<Value, Error> {
    let horizon_days = request.horizon_days.unwrap_or(state.horizon_days);
    if !(1..=730).contains(&horizon_days) {
        return Err(Error::Horizon(horizon_days));
    }
    if request.as_of.micros() - now().micros() > CLOCK_SKEW_MICROS {
        return Err(Error::Future(request.as_of));
    }
    let run = Run::requested(request.as_of, &request.cause, horizon_days, now());
    let run = state.control.create_run(run).await?;
    match &run.state {
        RunState::Complete(..) => Ok(answer(&run)),
        RunState::Scoring(plan) | RunState::Closing(plan, _) => {
            ask_for_missing_shards(state, &run.run_id, plan).await?;
            Ok(answer(&run))
        }
        RunState::Requested | RunState::Training | RunState::Failed { .. } => match train_and_plan(state, &run).await {
            Ok(run) => Ok(answer(&run)),
            Err(error) if error.is_transient() => Err(error),
            Err(error) => fail(state, &run, &error).await,
        },
    }
}

async fn train_and_plan(state: &State, run: &Run) -> Result<Run, Error> {
    let Some(run) = state.control.begin_training(&run.run_id).await? else {
        // Lost the race: another invocation has moved it on.
        return Ok(state.control.expect_run(&run.run_id).await?);
    };
    let inventory = state.source.inventory().await?;
    let mut source = state.source.read(&inventory, None, None).await?;
    let report = data_report(&inventory, &source, run.as_of, state.stale_after_days);
    state.control.put_data_report(&run.run_id, &report).await?;
    refuse_wrong(&report)?;
    somebody(&source.data, run.as_of)?;
    add_outcomes(&mut source.data, &state.control.outcomes().await?, run.as_of);
    for issue in &source.issues {
        tracing::warn!(source.table = %issue.table, source.reason = issue.reason, source.count = issue.count, "rows left out or odd");
    }
    // An attempt before this one may have trained on the same data already.
    let fingerprint = inventory.fingerprint();
    let model_id = format!("{}-{:.8}", run.run_id, fingerprint);
    let seen = state.control.champion().await?;
    let manifest = match state.artifacts.intact(&model_id).await? {
        Some(manifest) => manifest,
        None => train(state, &run, &source.data, model_id, fingerprint, seen.as_ref()).await?,
    };
    let Manifest { model_id, family, knowledge, metrics, unworked, verdict, .. } =
        champion::compete(state, manifest, seen).await?;
    let scoring = state.artifacts.model(&model_id).await?;
    let yardstick = yardstick(&scoring, &source.data, run.as_of, state.stale_deal_days, state.grade_shares)?;
    say_odd(&report);
    drop(source.data);
    let current = state.control.current_run().await?.map(|current| current.run);
    let previous = current.filter(|current| run.reference().is_newer_than(current));
    let model = ModelSummary { model_id, family, knowledge, metrics, unworked, untested: verdict.untested };
    let plan = Plan {
        previous,
        data_issues: source.issues.into_iter().chain(missing_tables(&inventory)).collect(),
        conventions: Some(source.conventions),
        stale: report.stale,
        findings: report.findings,
        yardstick: Some(yardstick),
        ..Plan::new(model, inventory.buckets().unwrap_or(1))
    };
    let run = match state.control.plan(&run.run_id, &plan).await? {
        Some(run) => run,
        None => state.control.expect_run(&run.run_id).await?,
    };
    if let RunState::Scoring(plan) | RunState::Closing(plan, _) = &run.state {
        ask_for_missing_shards(state, &run.run_id, plan).await?;
    }
    Ok(run)
}

/// Whether there is anybody to score.
fn somebody(source: &SourceData, as_of: Instant) -> Result<(), Error> {
    if source.customers.iter().any(|customer| customer.known(as_of).is_some()) {
        return Ok(());
    }
    let first = source.customers.iter().map(|customer| customer.created_at).min().filter(|first| *first > as_of);
    Err(Error::Nobody { as_of, first })
}

/// Whether the source can be what it should be.
fn refuse_wrong(report: &DataReport) -> Result<(), Error> {
    let wrong = report.findings.iter().filter(|finding| finding.grade == DataGrade::Wrong);
    let said: Vec<String> = wrong.map(|finding| finding.concern.to_string()).collect();
    if said.is_empty() { Ok(()) } else { Err(Error::WrongData(said.join("; "))) }
}

/// Logs and counts what is odd about the source, and the tables of which nothing new is known.
fn say_odd(report: &DataReport) {
    for finding in &report.findings {
        tracing::warn!(source.concern = finding.concern.name(), "{}", finding.concern);
    }
    for StaleTable { table, newest, days } in &report.stale {
        tracing::warn!(source.table = %table, source.newest = %newest, source.age_days = days, "a table is stale");
    }
    let counts = [("DataFindings", report.findings.len()), ("StaleTables", report.stale.len())];
    record("trainer", &counts.map(|(name, found)| (name, Unit::Count, count(found))));
}

/// The optional tables that the source does not have; their features are missing for everybody.
fn missing_tables(inventory: &Inventory) -> impl Iterator<Item = DataIssue> + '_ {
    let missing = Table::ALL.into_iter().filter(|table| inventory.files_of(*table).next().is_none());
    missing.map(|table| DataIssue {
        table,
        reason: "not in the source, so its features are missing".to_owned(),
        count: 0,
        example: format!("no files in {table}/ of {}", inventory.location()),
        grade: DataGrade::Fine,
    })
}

/// Fits the run's model and stores it.
async fn train(
    state: &State,
    run: &Run,
    source: &SourceData,
    model_id: String,
    data_fingerprint: String,
    champion: Option<&ChampionModel>,
) -> Result<Manifest, Error> {
    let request = Request {
        model_id,
        as_of: run.as_of,
        horizon_days: run.horizon_days,
        data_fingerprint,
        stale_deal_days: state.stale_deal_days,
        csm_capacity: state.csm_capacity,
    };
    let compared = champion::comparable(state, run, champion).await?;
    let Fitted { model, manifest } = fit(source, &request, compared.as_ref())?;
    let decision = champion::held_back(&manifest.decision, (&manifest.model_id, manifest.as_of), champion);
    let manifest = Manifest { decision, ..manifest };
    let manifest = state.artifacts.put(&model, manifest).await?;
    report(&manifest);
    let event = ModelTrained { run_id: run.run_id.clone(), model_id: manifest.model_id.clone(), as_of: run.as_of };
    state.bus.put([event]).await?;
    Ok(manifest)
}

/// Asks for the shards that are not in. Where all are in but the run is not closed, the first one is asked for again:
/// its scorer finds nothing to score and closes the run.
pub(crate) async fn ask_for_missing_shards(state: &State, run_id: &RunId, plan: &Plan) -> Result<(), Error> {
    let mut shards: Vec<u32> = plan.missing_shards().collect();
    if shards.is_empty() {
        shards.push(0);
    }
    state.bus.put(shards.into_iter().map(|shard| ShardRequested { run_id: run_id.clone(), shard })).await?;
    Ok(())
}

async fn fail(state: &State, run: &Run, error: &Error) -> Result<Value, Error> {
    tracing::error!(run.id = %run.run_id, error.message = %error, "the refresh failed");
    record("trainer", &[("RefreshesFailed", Unit::Count, 1.0)]);
    state.control.fail(&run.run_id, RunStage::Training, &error.to_string()).await?;
    Ok(answer(&state.control.expect_run(&run.run_id).await?))
}

fn report(manifest: &Manifest) {
    let mut metrics = vec![
        ("ModelsTrained", Unit::Count, 1.0),
        ("TrainingRows", Unit::Count, count(manifest.rows)),
        ("TrainingExpansions", Unit::Count, count(manifest.positives)),
    ];
    if let Some(held_out) = manifest.metrics {
        metrics.push(("HeldOutAuc", Unit::None, held_out.auc));
        metrics.push(("HeldOutLogLoss", Unit::None, held_out.log_loss));
    }
    if let Some(unworked) = manifest.unworked {
        metrics.push(("HeldOutAucUnworked", Unit::None, unworked.auc));
        metrics.push(("HeldOutLogLossUnworked", Unit::None, unworked.log_loss));
        let lifts = [
            ("HeldOutLiftAt5Unworked", unworked.lift_at_5),
            ("HeldOutLiftAtCapacityUnworked", unworked.lift_at_capacity),
        ];
        metrics.extend(lifts.into_iter().filter_map(|(name, lift)| Some((name, Unit::None, lift?))));
    }
    record("trainer", &metrics);
}

fn answer(run: &Run) -> Value {
    json!({
        "run_id": run.run_id,
        "state": run.stage(),
        "model_id": run.model().map(|model| &model.model_id),
        "shards": run.plan().map(|plan| plan.shards),
        "failure": run.failure(),
    })
}

#[cfg(test)]
mod tests {
    use expansion_domain::CustomerHistory;

    use super::*;

    #[test]
    fn without_anybody_to_score_the_reason_is_said() {
        let at = |day: &str| -> Instant { day.parse().expect("a date") };
        let mut history = CustomerHistory::new("c".into(), at("2024-08-01"));
        history.churned_at = Some(at("2025-01-01"));
        let source = SourceData { customers: vec![history], ..SourceData::default() };
        let refused = |day| somebody(&source, at(day)).map_err(|error| error.to_string());
        let before = "nobody was a customer at 2020-01-01T00:00:00Z; the first one came at 2024-08-01T00:00:00Z";
        assert_eq!(refused("2020-01-01"), Err(before.to_owned()));
        assert_eq!(refused("2024-08-01"), Ok(()));
        let after = "nobody was a customer at 2025-01-01T00:00:00Z; all who came before had left";
        assert_eq!(refused("2025-01-01"), Err(after.to_owned()));
    }
}

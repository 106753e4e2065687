//! A customer's snapshot and score of the past, made again from source and model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expansion_domain::{Instant, RunId};
use expansion_local::{Options, Stack, refresh};
use expansion_model::{FactorValue, Manifest, Model, decode};
use expansion_records::{Plan, Propensity, Run};
use expansion_store::now;
use scorer::{Planned, Replayed, State, replay};
use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::cli::{ReplayArguments, about, absolute};

/// Runs of one `as_of` that are looked through.
const MOST_RUNS: i32 = 100;
/// How long the stack may take to tell the score before.
const PATIENCE: Duration = Duration::from_mins(1);
/// Where a data folder has the demo portfolio.
const DEMO: &str = "demo-source";
/// A manifest's name beside its artifact.
const MANIFEST: &str = "manifest.json";

#[derive(Serialize)]
struct Document {
    run: ReplayedRun,
    model: ReplayedModel,
    /// The features at that time, by name.
    snapshot: BTreeMap<&'static str, Option<FactorValue>>,
    row: Propensity,
    stored: Stored,
}

#[derive(Serialize)]
struct ReplayedRun {
    run_id: RunId,
    as_of: Instant,
    calculated_at: Instant,
    horizon_days: u16,
    /// Whether it was made; otherwise the row is as the first run of a source would have it.
    is_on_record: bool,
}

#[derive(Serialize)]
struct ReplayedModel {
    model_id: String,
    /// The inclusive bound of what it was fitted to. Later than the run's: a score that nobody could have given then.
    as_of: Instant,
}

/// The row on record, beside the one made again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Stored {
    /// There is none.
    Absent,
    /// It is the same, byte for byte.
    Same,
    /// Some of its attributes are different.
    Different { attributes: Vec<String> },
}

/// Prints the snapshot and the row.
pub(crate) async fn print(arguments: &ReplayArguments) -> Result<(), Failure> {
    expansion_telemetry::init_console(&arguments.log)?;
    let source = source(arguments)?;
    let stack = Stack::start(Options {
        data_dir: arguments.data_dir.clone(),
        source: Some(source.clone()),
        variables: BTreeMap::from([("MAX_BAD_ROWS".to_owned(), arguments.max_bad_rows.to_string())]),
        ..Options::default()
    })
    .await?;
    let document = document(&stack, arguments, &source).await;
    stack.shutdown().await;
    println!("{}", serde_json::to_string(&document?)?);
    Ok(())
}

/// The source folder: the one that is named, or the demo in the data folder as it was written there.
fn source(arguments: &ReplayArguments) -> Result<String, Failure> {
    if let Some(folder) = &arguments.data_dir {
        // What is mistyped must not become a new folder.
        folder.read_dir().map_err(|error| about(&format!("cannot read --data-dir {}", folder.display()), &error))?;
    }
    let demo = || arguments.data_dir.as_ref().map(|folder| folder.join(DEMO)).filter(|demo| demo.is_dir());
    let folder = arguments.source.clone().or_else(demo);
    let folder = folder.ok_or("--source is needed, or a --data-dir that has the demo portfolio")?;
    Ok(absolute(&folder)?)
}

async fn document(stack: &Stack, arguments: &ReplayArguments, source: &str) -> Result<Document, Failure> {
    let as_of = arguments.as_of;
    let given = match (&arguments.artifact, &arguments.model) {
        (Some(file), _) => Some(read(file)?),
        (None, Some(model_id)) => Some(stack.config("scorer").artifacts()?.model(model_id).await?),
        (None, None) => None,
    };
    let on_record = on_record(stack, as_of, given.as_ref()).await?;
    let model = match (given, &on_record) {
        (Some(model), _) => model,
        (None, Some((_, plan))) => stack.config("scorer").artifacts()?.model(&plan.model.model_id).await?,
        (None, None) => champion(stack, as_of).await?,
    };
    let is_on_record = on_record.is_some();
    let (run, planned) = if let Some((run, plan)) = on_record {
        (run, Planned::OnRecord(plan))
    } else {
        let cause = refresh::cause(stack, arguments.source.as_ref().map(|_| source)).await;
        let shares = stack.config("trainer").parsed("GRADE_SHARES")?;
        (Run::requested(as_of, &cause, model.horizon_days, now()), Planned::First(shares))
    };
    let state = State::new(&stack.config("scorer"))?;
    let model_said = ReplayedModel { model_id: model.model_id.clone(), as_of: model.as_of };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let replayed = replay(&state, &run, planned, model, &arguments.customer, deadline).await?;
    let Some(Replayed { row, snapshot }) = replayed else {
        return Err(format!("no customer {} at {as_of} in {source}", arguments.customer).into());
    };
    let stored = if is_on_record {
        let kept = stack.config("scorer").propensities()?.row(&row.listed.customer_id, run.calculated_at).await?;
        Stored::of(kept.filter(|kept| kept.run_id == run.run_id).as_ref(), &row)?
    } else {
        Stored::Absent
    };
    let Run { run_id, calculated_at, horizon_days, .. } = run;
    let run = ReplayedRun { run_id, as_of, calculated_at, horizon_days, is_on_record };
    Ok(Document { run, model: model_said, snapshot, row, stored })
}

/// The newest complete run of that `as_of`, of the given model if there is one, with its plan.
async fn on_record(stack: &Stack, as_of: Instant, model: Option<&Model>) -> Result<Option<(Run, Box<Plan>)>, Failure> {
    let control = stack.config("trainer").control()?;
    let any = RunId::derive(as_of, "", 0);
    let stamp = any.as_str().split('-').next().unwrap_or_default();
    let last: RunId = format!("{stamp}-ffffffff").parse()?;
    let mut newest: Option<(Run, Box<Plan>)> = None;
    for run_id in control.complete_runs(&last, MOST_RUNS).await? {
        if !run_id.as_str().starts_with(stamp) {
            continue;
        }
        let run = control.expect_run(&run_id).await?;
        let Some(plan) = run.plan().cloned() else { continue };
        let is_of_model = model.is_none_or(|model| model.model_id == plan.model.model_id);
        if is_of_model && newest.as_ref().is_none_or(|(other, _)| other.requested_at < run.requested_at) {
            newest = Some((run, plan.into()));
        }
    }
    Ok(newest)
}

/// The live model.
async fn champion(stack: &Stack, as_of: Instant) -> Result<Model, Failure> {
    let champion = stack.config("trainer").control()?.champion().await?;
    let champion = champion
        .ok_or_else(|| format!("no run as of {as_of} and no model is on record: name a --data-dir or an --artifact"))?;
    Ok(stack.config("scorer").artifacts()?.model(&champion.model_id).await?)
}

/// A model from a file that the manifest beside it vouches for.
fn read(artifact: &Path) -> Result<Model, Failure> {
    let bytes_of = |file: &Path| {
        std::fs::read(file).map_err(|error| about(&format!("cannot read --artifact: {}", file.display()), &error))
    };
    let beside: PathBuf = artifact.with_file_name(MANIFEST);
    let manifest: Manifest = serde_json::from_slice(&bytes_of(&beside)?)
        .map_err(|error| format!("cannot read --artifact: {}: {error}", beside.display()))?;
    Ok(decode(&bytes_of(artifact)?, &manifest)?)
}

impl Stored {
    fn of(kept: Option<&Propensity>, again: &Propensity) -> Result<Self, serde_json::Error> {
        let Some(kept) = kept else { return Ok(Self::Absent) };
        if serde_json::to_vec(kept)? == serde_json::to_vec(again)? {
            return Ok(Self::Same);
        }
        let [kept, again] = [serde_json::to_value(kept)?, serde_json::to_value(again)?];
        let names =
            |row: &Value| row.as_object().map(|row| row.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let mut attributes: Vec<String> = names(&kept).into_iter().chain(names(&again)).collect();
        attributes.sort_unstable();
        attributes.dedup();
        attributes.retain(|name| kept.get(name) != again.get(name));
        Ok(Self::Different { attributes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_on_record_is_compared_attribute_by_attribute() {
        let row: Propensity = serde_json::from_value(serde_json::json!({
            "customer_id": "c", "calculated_at": "2026-06-30T23:59:59Z", "propensity_score": 7,
            "propensity_lower": 1.0, "propensity_upper": 9.0, "confidence": 0.5, "confidence_level": "Low",
            "product_ids": [], "id": "00000000-0000-0000-0000-000000000001", "run_id": "20260630T235959Z-0bd1c9a2",
            "model_id": "m", "baseline_points": 7, "contributing_factors": [], "recommended_products": [],
        }))
        .expect("a row");
        let of = |kept: Option<&Propensity>| Stored::of(kept, &row).expect("JSON");
        assert_eq!(of(None), Stored::Absent);
        assert_eq!(of(Some(&row.clone())), Stored::Same);
        let mut other = Propensity { baseline_points: 8, ..row.clone() };
        other.listed.segment = Some("SMB".into());
        let attributes = vec!["baseline_points".to_owned(), "segment".to_owned()];
        assert_eq!(of(Some(&other)), Stored::Different { attributes });
    }
}

//! How right past runs were.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use expansion_domain::{Instant, RunId, feedback};
use expansion_model::{Accuracy, Metrics, Shift};
use expansion_records::{AccuracyRecord, EarlyWarning};
use expansion_store::{ControlTable, now};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Config, ConfigError, Error};

/// Runs looked through, the newest: as many as are judged. The answer shows fewer.
const MOST_RUNS: usize = 60;
/// Runs shown at most: a quarter of weekly ones. An item of the control table has at most 400 KB, and Lambda answers with
/// 6 MB at most.
const MOST_SHOWN: usize = 13;
/// As many of them are runs whose whole horizon is over, if there are: of weekly runs with a horizon of 90 days the newest
/// thirteen never have one.
const WHOLE_SHOWN: usize = 4;
/// Days that may be asked for.
pub const HORIZONS: RangeInclusive<u16> = 1..=730;
/// What is wrong with others.
pub const HORIZON_REASON: &str = "must be days from 1 to 730";

/// Which runs are asked for, and which figures of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct AccuracyRequest {
    /// Only this run.
    pub run: Option<RunId>,
    /// Figures of this segment instead of all customers.
    pub segment: Option<String>,
    /// Only after so many days.
    #[schemars(range(min = 1, max = 730))]
    pub horizon: Option<u16>,
}

/// How right past runs were, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AccuracyAnswer {
    /// The runs.
    pub data: Vec<RunAccuracyView>,
    /// The models of the newest 60 runs, or of the run asked for, as far as whole horizons are over; newest first.
    pub models: Vec<ModelAccuracyView>,
}

/// How right a model was in all runs whose whole horizon is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ModelAccuracyView {
    /// The model.
    pub model_id: String,
    /// How many runs.
    pub runs: usize,
    /// Customers of all of them; one who was in several counts as often.
    pub customers: usize,
    /// How many of those expanded.
    pub expansions: usize,
    /// How many were predicted to.
    pub predicted_expansions: f64,
    /// The runs' mean AUC, by customers; `null` where all runs had too few.
    pub auc: Option<f64>,
    /// The runs' mean calibration error, by customers.
    pub calibration_error: Option<f64>,
}

/// How right a run was.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunAccuracyView {
    /// The run.
    pub run_id: RunId,
    /// What it knew.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// The model.
    pub model_id: String,
    /// What was known when it was judged.
    pub known_at: Instant,
    /// After 7, 14, 30 and 60 days and the whole horizon.
    pub cohorts: Vec<CohortView>,
    /// What people recorded about the run's answers: how many `accepted`, `dismissed`, `opportunity_created`, `won`, `lost`;
    /// and what they had done: how many `action_create_opportunity`, `action_schedule_meeting`, `action_generate_proposal`.
    pub feedback: BTreeMap<String, usize>,
    /// What can be said without outcomes: estimated figures, shifts, findings.
    pub warning: WarningView,
}

/// How right a run was after so many days.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CohortView {
    /// Days since `as_of`.
    pub days: u16,
    /// Whether they have passed; before that nothing is told.
    pub is_mature: bool,
    /// Customers no longer in the source: what became of them is not known.
    pub censored: usize,
    /// Expansions that were to be expected within these days; `null` where that is not known.
    pub expected_expansions: Option<f64>,
    /// The figures of the customers asked for; `null` before the days have passed, or where there are none of them.
    pub accuracy: Option<Accuracy>,
    /// The figures by confidence level; of all customers only.
    pub levels: BTreeMap<String, Accuracy>,
}

/// What can be said of a run without any outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EarlyWarning")]
pub struct WarningView {
    /// What the figures will be if the propensities are right.
    pub estimated: Option<Metrics>,
    /// How the customers have shifted since the model was trained, most shifted first.
    pub shifts: Vec<Shift>,
    /// What crosses a threshold, in words.
    pub findings: Vec<String>,
}

impl From<EarlyWarning> for WarningView {
    fn from(warning: EarlyWarning) -> Self {
        let findings = warning.findings.iter().map(ToString::to_string).collect();
        Self { estimated: warning.estimated, shifts: warning.shifts, findings }
    }
}

/// Answers with how right past runs were.
#[derive(Debug)]
pub struct Accuracies {
    pub control: ControlTable,
}

impl Accuracies {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()? })
    }

    /// How right the runs were that are asked for. Figures over many customers are nobody's customers: everybody who is
    /// signed in may see them.
    pub async fn answer(&self, request: &AccuracyRequest) -> Result<AccuracyAnswer, Error> {
        if request.horizon.is_some_and(|days| !HORIZONS.contains(&days)) {
            return Err(Error::invalid("horizon", HORIZON_REASON));
        }
        let records = match &request.run {
            Some(run) => {
                let record = self.control.accuracy(run).await?;
                vec![record.ok_or(Error::NotFound("such run, or it was not judged yet"))?]
            }
            None => self.control.accuracies(MOST_RUNS).await?,
        };
        // Counted as it stands now, since what people record has nobody judge a run again. All that is on record is known,
        // by whatever clock.
        let (outcomes, actions) = (self.control.outcomes().await?, self.control.actions().await?);
        Ok(accuracy_answer(request, records, feedback(&outcomes, &actions, now().plus_days(1))))
    }
}

/// The answer from what is on record: the newest runs, or the one asked for; with what people recorded and had done about
/// each run's answers.
fn accuracy_answer(
    request: &AccuracyRequest,
    mut records: Vec<AccuracyRecord>,
    mut feedback: BTreeMap<RunId, BTreeMap<String, usize>>,
) -> AccuracyAnswer {
    if let Some(segment) = &request.segment {
        for cohort in records.iter_mut().flat_map(|record| &mut record.checkpoints) {
            cohort.overall = cohort.segments.remove(segment);
            cohort.expected_expansions = None;
            cohort.levels.clear();
        }
    }
    let view = |record: AccuracyRecord| {
        let wanted =
            record.checkpoints.into_iter().filter(|cohort| request.horizon.is_none_or(|days| cohort.days == days));
        let cohorts = wanted.map(|cohort| CohortView {
            days: cohort.days,
            is_mature: cohort.is_mature,
            censored: cohort.censored,
            expected_expansions: cohort.expected_expansions,
            accuracy: cohort.overall,
            levels: cohort.levels,
        });
        RunAccuracyView {
            feedback: feedback.remove(&record.run_id).unwrap_or_default(),
            run_id: record.run_id,
            as_of: record.as_of,
            horizon_days: record.horizon_days,
            model_id: record.model_id,
            known_at: record.known_at,
            cohorts: cohorts.collect(),
            warning: record.warning.into(),
        }
    };
    let models = by_model(&records);
    AccuracyAnswer { data: shown(request, records).into_iter().map(view).collect(), models }
}

/// The records that are shown of those on record, which are newest first.
fn shown(request: &AccuracyRequest, records: Vec<AccuracyRecord>) -> Vec<AccuracyRecord> {
    if request.run.is_some() {
        return records;
    }
    let is_over = |record: &AccuracyRecord, days| record.checkpoints.iter().any(|c| c.days == days && c.is_mature);
    if let Some(days) = request.horizon {
        return records.into_iter().filter(|record| is_over(record, days)).take(MOST_SHOWN).collect();
    }
    let mut whole = 0;
    let (mut shown, others): (Vec<_>, Vec<_>) = records.into_iter().enumerate().partition(|(_, record)| {
        whole += usize::from(is_over(record, record.horizon_days));
        whole <= WHOLE_SHOWN && is_over(record, record.horizon_days)
    });
    let room = MOST_SHOWN - shown.len();
    shown.extend(others.into_iter().take(room));
    shown.sort_unstable_by_key(|(place, _)| *place);
    shown.into_iter().map(|(_, record)| record).collect()
}

/// How right each model was over the whole horizons of its runs.
fn by_model(records: &[AccuracyRecord]) -> Vec<ModelAccuracyView> {
    let mut models: Vec<(&str, Vec<&Accuracy>)> = Vec::new();
    for record in records {
        let whole = record.checkpoints.iter().find(|cohort| cohort.days == record.horizon_days);
        let Some(accuracy) = whole.and_then(|cohort| cohort.overall.as_ref()) else { continue };
        match models.iter_mut().find(|(model, _)| *model == record.model_id) {
            Some((_, runs)) => runs.push(accuracy),
            None => models.push((&record.model_id, vec![accuracy])),
        }
    }
    models.into_iter().map(|(model_id, runs)| model_view(model_id, &runs)).collect()
}

/// A model's runs in one: counts are added up, figures averaged by customers over the runs that have them.
fn model_view(model_id: &str, runs: &[&Accuracy]) -> ModelAccuracyView {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 customers")]
    let mean = |name: &str| {
        let known = runs.iter().filter_map(|run| Some((run.figures.get(name)?.value, run.customers as f64)));
        let (sum, customers) = known.fold((0.0, 0.0), |(sum, all), (value, n)| (sum + n * value, all + n));
        (customers > 0.0).then(|| sum / customers)
    };
    ModelAccuracyView {
        model_id: model_id.to_owned(),
        runs: runs.len(),
        customers: runs.iter().map(|run| run.customers).sum(),
        expansions: runs.iter().map(|run| run.expansions).sum(),
        predicted_expansions: runs.iter().map(|run| run.predicted_expansions).sum(),
        auc: mean("auc"),
        calibration_error: mean("calibration_error"),
    }
}

#[cfg(test)]
mod tests {
    use expansion_model::Figure;
    use expansion_records::Checkpoint;

    use super::*;

    /// A run so many days before the newest, judged on the day of the newest, with a whole horizon of 90 days.
    fn record(age: u16, model_id: &str) -> AccuracyRecord {
        let known_at: Instant = "2026-06-30".parse().expect("a date");
        let as_of = known_at.plus_days(-i32::from(age));
        let cohort = |days: u16| {
            let is_mature = days <= age;
            let figure = |value: f64| Figure { value, lower: value, upper: value };
            let figures = [("auc", 0.7 + f64::from(age) / 1000.0), ("calibration_error", 0.02)];
            let overall = Accuracy {
                customers: usize::from(age),
                expansions: 10,
                predicted_expansions: 12.5,
                figures: figures.map(|(name, value)| (name.to_owned(), figure(value))).into(),
                ..Accuracy::default()
            };
            Checkpoint {
                days,
                is_mature,
                censored: 0,
                overall: is_mature.then_some(overall),
                segments: BTreeMap::new(),
                levels: BTreeMap::new(),
                expected_expansions: None,
            }
        };
        AccuracyRecord {
            run_id: RunId::derive(as_of, "schedule", 90),
            as_of,
            horizon_days: 90,
            model_id: model_id.to_owned(),
            known_at,
            checkpoints: [7, 30, 90].map(cohort).into(),
            warning: EarlyWarning::default(),
        }
    }

    /// Sixty weekly runs, newest first, and how old those are that are shown.
    fn ages(horizon: Option<u16>) -> Vec<usize> {
        let request = AccuracyRequest { horizon, ..AccuracyRequest::default() };
        let records: Vec<AccuracyRecord> = (0..60).map(|week| record(7 * week, "m")).collect();
        let places: BTreeMap<RunId, usize> =
            records.iter().enumerate().map(|(week, record)| (record.run_id.clone(), week)).collect();
        accuracy_answer(&request, records, BTreeMap::new()).data.into_iter().map(|run| places[&run.run_id]).collect()
    }

    #[test]
    fn runs_whose_horizon_is_over_are_shown_however_many_are_newer() {
        assert_eq!(ages(Some(90)), (13..26).collect::<Vec<_>>());
        assert_eq!(ages(Some(30)), (5..18).collect::<Vec<_>>());
        assert_eq!(ages(Some(60)), Vec::<usize>::new(), "nothing was judged after so many days");
        assert_eq!(ages(None), [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16]);
    }

    #[test]
    fn few_runs_are_all_shown() {
        let records = vec![record(0, "b"), record(100, "a")];
        assert_eq!(accuracy_answer(&AccuracyRequest::default(), records, BTreeMap::new()).data.len(), 2);
        let old: Vec<AccuracyRecord> = (0..20).map(|week| record(100 + 7 * week, "a")).collect();
        let shown = accuracy_answer(&AccuracyRequest::default(), old.clone(), BTreeMap::new()).data;
        assert_eq!(shown.len(), MOST_SHOWN);
        assert!(shown.iter().zip(&old).all(|(shown, record)| shown.run_id == record.run_id), "the newest, in order");
    }

    #[test]
    fn a_models_runs_are_added_up_and_averaged_by_customers() {
        let records = vec![record(50, "b"), record(100, "b"), record(300, "b"), record(400, "a")];
        let answer = accuracy_answer(&AccuracyRequest::default(), records.clone(), BTreeMap::new());
        let [b, a] = &*answer.models else { panic!("two models: {:?}", answer.models) };
        assert_eq!((&*b.model_id, b.runs, b.customers, b.expansions), ("b", 2, 400, 20), "one run is too young");
        assert!((b.predicted_expansions - 25.0).abs() < 1e-9);
        let auc = (100.0 * 0.8 + 300.0 * 1.0) / 400.0;
        assert!(b.auc.is_some_and(|mean| (mean - auc).abs() < 1e-9), "{b:?}");
        assert!(b.calibration_error.is_some_and(|mean| (mean - 0.02).abs() < 1e-9));
        assert_eq!((&*a.model_id, a.runs), ("a", 1));
        let segment = AccuracyRequest { segment: Some("SMB".to_owned()), ..AccuracyRequest::default() };
        assert_eq!(accuracy_answer(&segment, records, BTreeMap::new()).models, [], "nobody of that segment was judged");
    }
}

//! How right past runs were.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use expansion_domain::{Date, Instant, RunId, count, feedback};
use expansion_model::{Accuracy, LEAST_EXPANSIONS, Metrics, Pool, Shift, SideOutcome};
use expansion_records::{AccuracyRecord, Checkpoint, EarlyWarning, Pools};
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
/// Horizons that are looked ahead at most for when there will be enough outcomes.
const MOST_HORIZONS: f64 = 40.0;
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

/// How right a model was in all runs whose whole horizon is over: figures of all their customers together, not a mean of
/// the runs' figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ModelAccuracyView {
    /// The model.
    pub model_id: String,
    /// How many runs.
    pub runs: usize,
    /// All customers of these runs.
    #[serde(flatten)]
    pub overall: PooledView,
    /// Those whom nobody was working on; `null` where the runs do not say who they are, and of a segment.
    pub unworked: Option<PooledView>,
    /// Whether there are enough outcomes for figures.
    pub outcomes: OutcomesView,
}

/// The customers of several runs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct PooledView {
    /// How many customers; one who was in several runs counts as often.
    pub customers: usize,
    /// How many of those expanded.
    pub expansions: usize,
    /// How many were predicted to.
    pub predicted_expansions: f64,
    /// Their figures, with propensities that differ by less than a point of the score taken as equally ranked. Without
    /// intervals: the same customer is in several runs, and it is not stored which rows are theirs. `null` below 30
    /// expansions in runs whose horizons do not overlap, of runs judged by earlier versions, and of a segment. `n` is how
    /// many customers they are made of.
    pub metrics: Option<Metrics>,
}

/// Whether there are enough outcomes for figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EnoughOutcomes")]
pub struct OutcomesView {
    /// Expansions known so far. Of a model, those in runs whose horizons do not overlap, as the same expansion is an
    /// outcome of every run before it.
    pub expansions: usize,
    /// As many are needed: with fewer there are no figures.
    pub needed: usize,
    /// The day on which there will be as many, at the rate that was predicted; `null` where there are already, or where
    /// that cannot be told.
    pub enough_on: Option<Date>,
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
    /// Whether there are enough outcomes for figures.
    pub outcomes: OutcomesView,
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
    /// The share of a horizon's expansions that were to be expected within these days; 1 for the whole horizon. `null` where
    /// that is not known: then nothing is compared with what was predicted.
    pub expected_share: Option<f64>,
    /// The figures of the customers asked for; `null` before the days have passed, or where there are none of them.
    pub accuracy: Option<Accuracy>,
    /// The figures of those whom nobody was working on; of all customers only, and `null` where the run does not say who
    /// they are.
    pub unworked: Option<Accuracy>,
    /// The figures by confidence level; of all customers only.
    pub levels: BTreeMap<String, Accuracy>,
    /// By confidence level and side of the average of comparable customers, whether they turned out to be on that side; of
    /// all customers and the whole horizon only.
    pub sides: Vec<SideOutcome>,
}

/// What can be said of a run without any outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EarlyWarning")]
pub struct WarningView {
    /// What the figures will be if the propensities are right.
    pub estimated: Option<Metrics>,
    /// The same among customers whom nobody is working on.
    pub estimated_unworked: Option<Metrics>,
    /// How the customers have shifted since the model was trained, most shifted first.
    pub shifts: Vec<Shift>,
    /// What crosses a threshold, in words.
    pub findings: Vec<String>,
}

impl From<EarlyWarning> for WarningView {
    fn from(warning: EarlyWarning) -> Self {
        let findings = warning.findings.iter().map(ToString::to_string).collect();
        let EarlyWarning { estimated, estimated_unworked, shifts, .. } = warning;
        Self { estimated, estimated_unworked, shifts, findings }
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
            cohort.unworked = None;
            cohort.levels.clear();
            cohort.sides.clear();
            cohort.pools = None;
        }
    }
    let is_segment = request.segment.is_some();
    let view = |record: AccuracyRecord| {
        let outcomes = outcomes(&record, is_segment);
        let wanted =
            record.checkpoints.into_iter().filter(|cohort| request.horizon.is_none_or(|days| cohort.days == days));
        let cohorts = wanted.map(|cohort| CohortView {
            days: cohort.days,
            is_mature: cohort.is_mature,
            censored: cohort.censored,
            expected_share: cohort.expected_share,
            accuracy: cohort.overall,
            unworked: cohort.unworked,
            levels: cohort.levels,
            sides: cohort.sides,
        });
        RunAccuracyView {
            feedback: feedback.remove(&record.run_id).unwrap_or_default(),
            run_id: record.run_id,
            as_of: record.as_of,
            horizon_days: record.horizon_days,
            model_id: record.model_id,
            known_at: record.known_at,
            cohorts: cohorts.collect(),
            outcomes,
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

/// How many outcomes of a run are known, and when there will be enough: what has happened so far, and what is predicted for
/// the days until a later checkpoint.
fn outcomes(record: &AccuracyRecord, is_segment: bool) -> OutcomesView {
    let share = |checkpoint: &Checkpoint| {
        checkpoint.expected_share.or_else(|| (checkpoint.days == record.horizon_days).then_some(1.0))
    };
    let known = record.checkpoints.iter().rfind(|checkpoint| checkpoint.is_mature);
    let group = known.and_then(|checkpoint| checkpoint.overall.as_ref());
    let expansions = group.map_or(0, |group| group.expansions);
    let enough = || {
        let passed = known.map_or(Some(0.0), share)?;
        let predicted = match known {
            Some(_) => group?.predicted_expansions.filter(|_| passed > 0.0)? / passed,
            None if is_segment => return None,
            None => record.warning.estimated.map(|estimated| estimated.base_rate * count(estimated.n))?,
        };
        let is_enough = |checkpoint: &&Checkpoint| {
            let to_come = share(checkpoint).map(|share| (share - passed) * predicted);
            to_come.is_some_and(|to_come| count(expansions) + to_come >= count(LEAST_EXPANSIONS))
        };
        let first = record.checkpoints.iter().filter(|checkpoint| !checkpoint.is_mature).find(is_enough)?;
        Some(record.as_of.plus_days(i32::from(first.days)).date())
    };
    let enough_on = if expansions < LEAST_EXPANSIONS { enough() } else { None };
    OutcomesView { expansions, needed: LEAST_EXPANSIONS, enough_on }
}

/// A run whose whole horizon is over.
#[derive(Clone, Copy)]
struct Whole<'a> {
    record: &'a AccuracyRecord,
    accuracy: &'a Accuracy,
    pools: Option<&'a Pools>,
}

/// How right each model was over the whole horizons of its runs.
fn by_model(records: &[AccuracyRecord]) -> Vec<ModelAccuracyView> {
    let mut models: Vec<(&str, Vec<Whole>)> = Vec::new();
    for record in records {
        let whole = record.checkpoints.iter().find(|cohort| cohort.days == record.horizon_days);
        let Some((whole, accuracy)) = whole.and_then(|cohort| Some((cohort, cohort.overall.as_ref()?))) else {
            continue;
        };
        let run = Whole { record, accuracy, pools: whole.pools.as_ref() };
        match models.iter_mut().find(|(model, _)| *model == record.model_id) {
            Some((_, runs)) => runs.push(run),
            None => models.push((&record.model_id, vec![run])),
        }
    }
    models.into_iter().map(|(model_id, runs)| model_view(model_id, &runs)).collect()
}

/// A model's runs in one: everything is counted together, as far as it is stored.
fn model_view(model_id: &str, runs: &[Whole]) -> ModelAccuracyView {
    let overall: Vec<(Whole, &Pool)> = runs.iter().filter_map(|run| Some((*run, &run.pools?.overall))).collect();
    let unworked: Vec<(Whole, &Pool)> =
        runs.iter().filter_map(|run| Some((*run, run.pools?.unworked.as_ref()?))).collect();
    let predicted_expansions = runs.iter().filter_map(|run| run.accuracy.predicted_expansions).sum();
    let all = runs.iter().map(|run| (run.record, run.accuracy.expansions));
    ModelAccuracyView {
        model_id: model_id.to_owned(),
        runs: runs.len(),
        overall: PooledView {
            customers: runs.iter().map(|run| run.accuracy.customers).sum(),
            expansions: runs.iter().map(|run| run.accuracy.expansions).sum(),
            predicted_expansions,
            metrics: pooled(&overall).metrics,
        },
        unworked: (!unworked.is_empty()).then(|| pooled(&unworked)),
        outcomes: outcomes_of_model(runs, apart(all), predicted_expansions),
    }
}

/// The customers of runs together.
fn pooled(runs: &[(Whole, &Pool)]) -> PooledView {
    let mut pool = Pool::default();
    for (_, more) in runs {
        pool.add(more);
    }
    let is_enough = apart(runs.iter().map(|(run, pool)| (run.record, pool.expansions()))) >= LEAST_EXPANSIONS;
    PooledView {
        customers: pool.customers(),
        expansions: pool.expansions(),
        predicted_expansions: pool.predicted(),
        metrics: pool.metrics().filter(|_| is_enough),
    }
}

/// The most expansions in runs whose horizons do not overlap: none of them is counted twice.
fn apart<'a>(runs: impl Iterator<Item = (&'a AccuracyRecord, usize)>) -> usize {
    let mut runs: Vec<(&AccuracyRecord, usize)> = runs.collect();
    runs.sort_by_key(|(record, _)| end(record));
    // The most among the first so many.
    let mut most = vec![0];
    for (record, expansions) in &runs {
        let before = runs.iter().take_while(|(earlier, _)| end(earlier) <= record.as_of).count();
        let with = most.get(before).copied().unwrap_or_default() + expansions;
        most.push(with.max(most.last().copied().unwrap_or_default()));
    }
    most.pop().unwrap_or_default()
}

/// When a run's horizon ends.
fn end(record: &AccuracyRecord) -> Instant {
    record.as_of.plus_days(i32::from(record.horizon_days))
}

/// When a model will have enough outcomes, if it stays in use: after as many horizons, one after another from the newest
/// run on, as the missing ones take at the predicted rate.
fn outcomes_of_model(runs: &[Whole], expansions: usize, predicted_expansions: f64) -> OutcomesView {
    let enough = || {
        let newest = runs.iter().map(|run| run.record).max_by_key(|record| end(record))?;
        let a_horizon = predicted_expansions / count(runs.len());
        let horizons = (count(LEAST_EXPANSIONS - expansions) / a_horizon).ceil();
        #[expect(clippy::cast_possible_truncation, reason = "at most MOST_HORIZONS")]
        let horizons = (horizons <= MOST_HORIZONS).then_some(horizons as i32)?;
        let at = end(newest).plus_days(horizons * i32::from(newest.horizon_days));
        // A model that was replaced so long ago has no more runs.
        (at > newest.known_at).then(|| at.date())
    };
    let enough_on = if expansions < LEAST_EXPANSIONS { enough() } else { None };
    OutcomesView { expansions, needed: LEAST_EXPANSIONS, enough_on }
}

#[cfg(test)]
mod tests {
    use expansion_model::{ConfidenceLevel, Figure, Judged, scattered};

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
                predicted_expansions: Some(12.5),
                figures: figures.map(|(name, value)| (name.to_owned(), figure(value))).into(),
                ..Accuracy::default()
            };
            Checkpoint {
                days,
                is_mature,
                overall: is_mature.then_some(overall),
                expected_share: Some(f64::from(days) / 90.0),
                ..Checkpoint::default()
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

    /// The customers of a run, by its number, and what became of them: about one in seven expanded.
    fn customers(n: u64, seed: u64) -> Vec<Judged> {
        let one = |i: u64| {
            let u = |k: u64| scattered(seed * 1_000_003 + 7 * i + k);
            let propensity = 0.02 + 0.6 * u(0) * u(1);
            Judged {
                segment: None,
                is_unworked: i.is_multiple_of(2),
                confidence_level: ConfidenceLevel::Low,
                side: None,
                average: None,
                propensity,
                interval: [propensity; 2],
                value: None,
                expected_value: None,
                expanded: u(2) < propensity,
                amount: None,
            }
        };
        (0..n).map(one).collect()
    }

    /// A run with its outcomes, so many days before the newest.
    fn judged(age: u16, model_id: &str, customers: &[Judged]) -> AccuracyRecord {
        let mut record = record(age, model_id);
        let whole = record.checkpoints.last_mut().expect("three");
        let unworked: Vec<Judged> = customers.iter().filter(|one| one.is_unworked).cloned().collect();
        whole.overall = Some(expansion_model::accuracy(customers, expansion_model::Elapsed::Whole));
        whole.pools = Some(Pools { overall: Pool::of(customers), unworked: Some(Pool::of(&unworked)) });
        record
    }

    #[test]
    fn a_models_runs_have_the_figures_of_all_their_customers() {
        let runs = [customers(400, 1), customers(900, 2)];
        let records = vec![
            record(50, "b"),
            judged(100, "b", &runs[0]),
            judged(200, "b", &runs[1]),
            judged(400, "a", &customers(300, 3)),
        ];
        let answer = accuracy_answer(&AccuracyRequest::default(), records.clone(), BTreeMap::new());
        let [b, a] = &*answer.models else { panic!("two models: {:?}", answer.models) };
        assert_eq!((&*b.model_id, b.runs, b.overall.customers), ("b", 2, 1300), "one run is too young");
        let all = runs.concat();
        let propensities: Vec<f64> = all.iter().map(|one| one.propensity).collect();
        let expanded: Vec<bool> = all.iter().map(|one| one.expanded).collect();
        let wanted = expansion_model::evaluate(&propensities, &expanded).expect("both occur");
        let metrics = b.overall.metrics.expect("there are enough");
        assert!((metrics.auc - wanted.auc).abs() < 0.003 && (metrics.brier - wanted.brier).abs() < 1e-9, "{metrics:?}");
        assert_eq!(metrics.n, 1300);
        assert_eq!(b.overall.expansions, expanded.iter().filter(|one| **one).count());
        assert!((b.overall.predicted_expansions - propensities.iter().sum::<f64>()).abs() < 1e-6);
        let unworked = b.unworked.as_ref().expect("the runs say who they are");
        assert!(unworked.customers == 650 && unworked.metrics.is_some());
        assert_eq!((&*a.model_id, a.runs), ("a", 1));
        let segment = AccuracyRequest { segment: Some("SMB".to_owned()), ..AccuracyRequest::default() };
        assert_eq!(accuracy_answer(&segment, records, BTreeMap::new()).models, [], "nobody of that segment was judged");
    }

    #[test]
    fn an_expansion_is_not_an_outcome_twice() {
        let runs = |ages: &[u16]| -> Vec<AccuracyRecord> { ages.iter().map(|age| record(*age, "a")).collect() };
        let most = |ages: &[u16]| apart(runs(ages).iter().map(|record| (record, 10)));
        assert_eq!(most(&[]), 0);
        assert_eq!(most(&[100, 107, 114, 121]), 10, "their horizons overlap");
        assert_eq!(most(&[100, 190]), 20, "one ends as the other begins");
        assert_eq!(most(&[100, 145, 190, 235, 280]), 30);
        let records = runs(&[100, 140, 200]);
        let counts = [10, 25, 10];
        assert_eq!(apart(records.iter().zip(counts)), 25, "one in the middle has more than both others");
        // Fewer than thirty apart have no figures, however many there are together.
        let few = customers(150, 1);
        let records: Vec<AccuracyRecord> = (0..6).map(|week| judged(100 + 7 * week, "a", &few)).collect();
        let model = &by_model(&records)[0];
        assert!(model.outcomes.expansions < 30 && model.overall.expansions > 60, "{model:?}");
        assert_eq!(model.overall.metrics, None);
        // About 25 a horizon: another one has what is missing.
        assert_eq!(model.outcomes.enough_on, Some(records[0].as_of.plus_days(180).date()));
    }

    #[test]
    fn a_run_says_how_many_outcomes_it_has_and_when_there_will_be_enough() {
        let view = |record: &AccuracyRecord| {
            let answer = accuracy_answer(&AccuracyRequest::default(), vec![record.clone()], BTreeMap::new());
            answer.data[0].outcomes
        };
        // 10 of 12.5 expected within 7 days have come: 161 within 90.
        let young = record(8, "a");
        let enough = young.as_of.plus_days(30).date();
        assert_eq!(view(&young), OutcomesView { expansions: 10, needed: 30, enough_on: Some(enough) });
        // 10 and nothing more to come.
        let old = record(100, "a");
        assert_eq!(view(&old), OutcomesView { expansions: 10, needed: 30, enough_on: None });
        // Before the first checkpoint the propensities alone say it: 40 of 200 in 90 days, 31 of 200 by none before.
        let mut newest = record(0, "a");
        newest.warning.estimated = expansion_model::estimate(&[0.2; 200]);
        let whole = newest.as_of.plus_days(90).date();
        assert_eq!(view(&newest), OutcomesView { expansions: 0, needed: 30, enough_on: Some(whole) });
        newest.warning.estimated = expansion_model::estimate(&[0.1; 200]);
        assert_eq!(view(&newest).enough_on, None, "twenty in the whole horizon are too few");
        // Nobody knows when expansions come: only of the whole horizon is it said.
        newest.warning.estimated = expansion_model::estimate(&[0.9; 2000]);
        for checkpoint in &mut newest.checkpoints {
            checkpoint.expected_share = None;
        }
        assert_eq!(view(&newest).enough_on, Some(whole));
        let mut enough = record(100, "a");
        enough.checkpoints[2].overall.as_mut().expect("it is mature").expansions = 30;
        assert_eq!(view(&enough), OutcomesView { expansions: 30, needed: 30, enough_on: None });
    }
}

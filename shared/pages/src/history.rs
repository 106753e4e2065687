//! How right the answers turned out to be, how customers have shifted, and which models there were.

use askama::Template;
use axum::extract::State;
use expansion_http::{Caller, Problem, Query, Shared};
use expansion_model::{Accuracy, SideOutcome, Tenth, doubts_in_words};
use expansion_records::{ChampionModel, ModelRecord};
use expansion_service::accuracy::{
    AccuracyAnswer, AccuracyRequest, ModelAccuracyView, OutcomesView, PooledView, RunAccuracyView,
};
use expansion_service::models::ModelsAnswer;

use crate::page::{Page, Refused};
use crate::{Dashboard, charts, words};

/// Models listed.
const MODELS: usize = 20;
/// Shifts listed.
const SHIFTS: usize = 10;

#[derive(Template)]
#[template(path = "accuracy.html")]
struct History {
    runs: Vec<RunAccuracyView>,
    shown: Option<Shown>,
    over_time: Vec<(String, f64, f64)>,
    over_time_chart: String,
    outcomes: Vec<ModelAccuracyView>,
    champion: Option<ChampionModel>,
    models: Vec<ModelRecord>,
}

impl History {
    fn is_champion(&self, model: &ModelRecord) -> bool {
        self.champion.as_ref().is_some_and(|champion| champion.model_id == model.model_id)
    }
}

/// The cohort whose figures are shown.
struct Shown {
    run: RunAccuracyView,
    days: u16,
    is_whole: bool,
    accuracy: Accuracy,
    unworked: Option<Accuracy>,
    sides: Vec<SideOutcome>,
    calibration: String,
    gains: String,
    lift: String,
}

impl Shown {
    /// How many customers a point of the charts stands for.
    fn customers_a_tenth(&self) -> String {
        let sizes = || self.accuracy.tenths.iter().map(|tenth| tenth.customers);
        let (least, most) = (sizes().min().unwrap_or_default(), sizes().max().unwrap_or_default());
        if least == most { most.to_string() } else { format!("{least}–{most}") }
    }

    /// All customers, then those whom nobody was working on, where that is known.
    fn groups(&self) -> Vec<(&'static str, &Accuracy)> {
        let unworked = self.unworked.as_ref().map(|unworked| ("Nobody is working on", unworked));
        [("All", &self.accuracy)].into_iter().chain(unworked).collect()
    }
}

/// A model's customers together, all and those whom nobody was working on.
pub(crate) fn pools(model: &ModelAccuracyView) -> Vec<(&'static str, &PooledView)> {
    let unworked = model.unworked.as_ref().map(|unworked| ("nobody is working on", unworked));
    [("all", &model.overall)].into_iter().chain(unworked).collect()
}

/// How many outcomes there are, and when there will be enough.
pub(crate) fn enough(outcomes: OutcomesView) -> String {
    let OutcomesView { expansions, needed, enough_on } = outcomes;
    let until = enough_on.map_or_else(String::new, |date| format!(" There will be enough by {date}, as predicted."));
    format!("{expansions} expansions are known; figures need {needed}.{until}")
}

/// What of the history that a model was fitted to is not plausible.
pub(crate) fn doubts(model: &ModelRecord) -> Vec<String> {
    doubts_in_words(&model.doubts)
}

/// The page for what is asked, as the API's accuracy does.
pub(crate) async fn page(
    State(dashboard): State<Shared<Dashboard>>,
    caller: Result<Caller, Problem>,
    query: Query<AccuracyRequest>,
) -> Result<Page, Refused> {
    caller?;
    let AccuracyAnswer { data: runs, models: outcomes } = dashboard.accuracies.answer(&query.checked()?).await?;
    let ModelsAnswer { champion, data: mut models } = dashboard.models.answer().await?;
    models.truncate(MODELS);
    let over_time = over_time(&runs);
    Page::of(&History {
        shown: shown(&runs),
        over_time_chart: if over_time.len() > 1 { charts::over_time(&over_time) } else { String::new() },
        over_time,
        runs,
        outcomes,
        champion,
        models,
    })
}

/// The cohort that tells most: the longest one that has figures, of the newest run; or else the longest one that has counts.
fn shown(runs: &[RunAccuracyView]) -> Option<Shown> {
    let cohorts = || runs.iter().rev().flat_map(|run| run.cohorts.iter().map(move |cohort| (run, cohort)));
    let judged = cohorts().filter_map(|(run, cohort)| Some((run, cohort, cohort.accuracy.clone()?)));
    let (run, cohort, accuracy) =
        judged.max_by_key(|(_, cohort, accuracy)| (!accuracy.figures.is_empty(), cohort.days))?;
    let days = cohort.days;
    let tenths = &accuracy.tenths;
    let calibration: Vec<(f64, f64)> =
        tenths.iter().rev().filter_map(|tenth| Some((tenth.predicted?, tenth.observed))).collect();
    let mut so_far = 0;
    let gain = |tenth: &Tenth| {
        so_far += tenth.customers;
        (share(so_far, accuracy.customers), tenth.gain)
    };
    let gains: Vec<(f64, f64)> = tenths.iter().map(gain).collect();
    Some(Shown {
        run: run.clone(),
        days,
        is_whole: days == run.horizon_days,
        unworked: cohort.unworked.clone(),
        sides: cohort.sides.clone(),
        calibration: charts::calibration(&calibration),
        gains: charts::gains(&gains),
        lift: charts::lift(&tenths.iter().map(|tenth| tenth.lift).collect::<Vec<_>>()),
        accuracy,
    })
}

#[expect(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Expansions predicted and happened, of the runs whose whole horizon is over, oldest first.
#[expect(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
fn over_time(runs: &[RunAccuracyView]) -> Vec<(String, f64, f64)> {
    let whole = |run: &RunAccuracyView| {
        let cohort = run.cohorts.iter().find(|cohort| cohort.days == run.horizon_days)?;
        let accuracy = cohort.accuracy.as_ref()?;
        Some((words::day(run.as_of), accuracy.predicted_expansions?, accuracy.expansions as f64))
    };
    runs.iter().rev().filter_map(whole).collect()
}

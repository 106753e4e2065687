//! Questions about all accounts together: what has moved, how right the scores are, how far the refresh is.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use expansion_api::{
    AccuracyAnswer, AccuracyBasis, CohortView, ModelView, Principal, Problem, RunAccuracyView, ScoreView, Understood,
};
use expansion_domain::Instant;

use crate::accounts::portfolio;
use crate::rows::{self, MOST_ROWS, Parameters};
use crate::words::Whose;
use crate::{Found, State};

/// Moves shown in each direction at most.
const MOST_MOVES: usize = 5;

/// What has moved since the run before.
pub(crate) async fn changes(state: &State, principal: &Principal, whose: Option<Whose>) -> Result<Found, Problem> {
    let mut notes = Vec::new();
    let Some(parameters) = portfolio(state, principal, whose.as_ref(), &mut notes).await? else {
        return Ok(Found::nothing(notes));
    };
    let mut moved = Vec::new();
    let mut compared = 0;
    let seen = rows::look_through(state, principal, &parameters, |row| {
        compared += usize::from(row.trend.is_some());
        moved.extend(Some(row).filter(|row| delta(row) != 0));
        ControlFlow::Continue(())
    });
    let seen = seen.await?;
    if seen.is_cut {
        notes.push(format!("Only the best {MOST_ROWS} accounts were compared."));
    }
    let (up, down) = largest(moved);
    let since = match up.first().or(down.first()) {
        Some(row) => since(state, principal, row).await?,
        None => None,
    };
    let reason = if compared == 0 { "no customer was in a run before" } else { "no score has moved that way" };
    let empty = [("up", up.is_empty()), ("down", down.is_empty())];
    let understood = Understood::Changes { run: seen.run.into(), since, compared, up, down };
    let mut found = Found { notes, ..Found::plain(understood) };
    if since.is_none() {
        found.missing("since", if compared == 0 { reason } else { "no row says which run the one before was" });
    }
    for (part, _) in empty.into_iter().filter(|(_, is_empty)| *is_empty) {
        found.missing(part, reason);
    }
    Ok(found)
}

/// The run before, as the row of a customer who moved has it.
async fn since(state: &State, principal: &Principal, row: &ScoreView) -> Result<Option<Instant>, Problem> {
    let customer = get_propensity::answer(&state.customer, principal, &row.customer_id).await?;
    Ok(customer.movement.map(|movement| movement.since))
}

fn delta(row: &ScoreView) -> i16 {
    row.trend.map_or(0, |trend| trend.delta)
}

/// The largest moves up and down.
fn largest(moved: Vec<ScoreView>) -> (Vec<ScoreView>, Vec<ScoreView>) {
    let (mut up, mut down): (Vec<_>, Vec<_>) = moved.into_iter().partition(|row| delta(row) > 0);
    for moves in [&mut up, &mut down] {
        moves.sort_by_key(|row| (Reverse(delta(row).unsigned_abs()), row.customer_id.clone()));
        moves.truncate(MOST_MOVES);
    }
    (up, down)
}

/// How right the scores are: a past run beside what happened, or else what is known without.
pub(crate) async fn accuracy(state: &State, principal: &Principal) -> Result<Found, Problem> {
    let told = latest_mature(&get_accuracy::answer(&state.accuracy, "").await?);
    let (basis, accuracy) = match told {
        Some((true, accuracy)) => (AccuracyBasis::Outcomes, Some(Box::new(accuracy))),
        Some((false, accuracy)) => (AccuracyBasis::EarlyOutcomes, Some(Box::new(accuracy))),
        None => (AccuracyBasis::OutOfTime, None),
    };
    let (model, no_model) = if basis == AccuracyBasis::Outcomes {
        (None, "outcomes of a whole horizon are known, so the model's own evaluation is not needed")
    } else {
        (model(state, principal).await?, "no customer that you may see has a row that names the model")
    };
    let is_missing = [
        ("accuracy", accuracy.is_none(), "no past run's outcomes are known yet"),
        ("model", model.is_none(), no_model),
        (
            "model.metrics",
            model.as_ref().is_some_and(|model| model.metrics.is_none()),
            "history is too short to hold any of it out",
        ),
    ];
    let mut found = Found::plain(Understood::Accuracy { basis, accuracy, model: model.map(Box::new) });
    for (part, _, reason) in is_missing.into_iter().filter(|(_, is_missing, _)| *is_missing) {
        found.missing(part, reason);
    }
    Ok(found)
}

/// The newest run with figures of its whole horizon, or else of its first days; with the one cohort that has them, and
/// whether that is the whole horizon.
fn latest_mature(answer: &AccuracyAnswer) -> Option<(bool, RunAccuracyView)> {
    let has_figures = |cohort: &CohortView| {
        cohort.is_mature && cohort.accuracy.as_ref().is_some_and(|accuracy| !accuracy.figures.is_empty())
    };
    let told = |mut run: RunAccuracyView, whole: bool| {
        let wanted = |cohort: &CohortView| has_figures(cohort) && (!whole || cohort.days == run.horizon_days);
        let cohort = run.cohorts.iter().filter(|cohort| wanted(cohort)).max_by_key(|cohort| cohort.days)?.clone();
        run.cohorts = vec![cohort];
        Some((whole, run))
    };
    let runs = || answer.data.iter().cloned();
    runs().find_map(|run| told(run, true)).or_else(|| runs().find_map(|run| told(run, false)))
}

/// The model of the current run, as the row of its first customer names it.
async fn model(state: &State, principal: &Principal) -> Result<Option<ModelView>, Problem> {
    let first = rows::first(state, principal, &Parameters::new(), 1).await?.1;
    let Some(row) = first.first() else { return Ok(None) };
    Ok(get_propensity::answer(&state.customer, principal, &row.customer_id).await?.model)
}

/// How far the refresh is.
pub(crate) async fn refresh(state: &State, principal: &Principal) -> Result<Found, Problem> {
    let run = rows::list(state, principal, &vec![("limit", "1".to_owned())]).await?.run;
    let missing = [
        ("run.rows", run.rows.is_none(), "the last shard is not in yet"),
        ("run.progress", run.progress.is_none(), "the run is not planned yet"),
        ("run.model_id", run.model_id.is_none(), "the model is not trained yet"),
        ("run.failure", run.failure.is_none(), "the run has not failed"),
    ];
    let mut found = Found::plain(Understood::Refresh { run: run.into() });
    for (part, _, reason) in missing.into_iter().filter(|(_, is_missing, _)| *is_missing) {
        found.missing(part, reason);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expansion_api::TrendView;
    use expansion_model::{Accuracy, Figure};

    use super::*;
    use crate::sample::{accuracy_of, score};

    #[test]
    fn the_largest_moves_come_first_each_way() {
        let moved = [3, -8, 12, 3, -1, 5, 4, 2].into_iter().enumerate().map(|(n, delta)| ScoreView {
            trend: Some(TrendView { previous_score: 50, delta }),
            ..score(&format!("c-{n}"), "x", 50)
        });
        let (up, down) = largest(moved.collect());
        assert_eq!(up.iter().map(delta).collect::<Vec<_>>(), [12, 5, 4, 3, 3]);
        assert_eq!(down.iter().map(delta).collect::<Vec<_>>(), [-8, -1]);
        assert_eq!(&*up[3].customer_id, "c-0", "equal moves by customer");
    }

    #[test]
    fn a_whole_horizon_tells_more_than_a_newer_beginning() {
        let figures = BTreeMap::from([("auc".to_owned(), Figure { value: 0.8, lower: 0.7, upper: 0.9 })]);
        let known = Accuracy { figures, ..Accuracy::default() };
        let newer = accuracy_of(&[(30, true, Some(known.clone())), (90, false, None)]);
        let older = accuracy_of(&[(30, true, Some(known.clone())), (90, true, Some(known))]);
        let days = |runs: Vec<RunAccuracyView>| {
            latest_mature(&AccuracyAnswer { data: runs, models: Vec::new() })
                .map(|(whole, run)| (whole, run.cohorts[0].days))
        };
        assert_eq!(days(vec![newer.clone(), older]), Some((true, 90)));
        assert_eq!(days(vec![newer]), Some((false, 30)));
        let without_figures = accuracy_of(&[(90, true, Some(Accuracy::default()))]);
        assert_eq!(days(vec![without_figures]), None);
    }
}

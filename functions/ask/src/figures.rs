//! Questions about all accounts together: what has moved, how right the scores are, how far the refresh is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use expansion_api::{
    AccuracyAnswer, AccuracyBasis, CohortView, ModelView, Principal, Problem, RunAccuracyView, RunView, ScoreView,
    Understood,
};
use expansion_domain::Instant;
use expansion_lambda::to_problem;
use expansion_records::Order;

use crate::accounts::{self, count};
use crate::moves::{Moves, Way};
use crate::rows::{self, Parameters};
use crate::selection::{filters, kept, only_the_best, other_horizon, selection};
use crate::wanted::Wanted;
use crate::{Found, State};

/// From where on scores are counted together.
const STEPS: [u8; 5] = [1, 20, 40, 60, 80];

/// What has moved since the run before.
pub(crate) async fn changes(state: &State, principal: &Principal, moves: &Moves) -> Result<Found, Problem> {
    let wanted = &moves.wanted;
    let mut selection = match selection(state, principal, wanted).await? {
        Ok(selection) => selection,
        Err(found) => return Ok(found),
    };
    let notes = &mut selection.notes;
    let most = count(wanted, notes);
    if wanted.order != Order::Score {
        notes.push("Moves are sorted by how large they are.".to_owned());
    }
    if wanted.days.is_some() {
        notes.push("Moves are known since the run before only.".to_owned());
    }
    let mut rows = Vec::new();
    let mut compared = 0;
    let seen = rows::look_through(state, principal, &selection.parameters, |row| {
        if kept(wanted, &row) {
            compared += usize::from(row.trend.is_some());
            rows.extend(Some(row).filter(|row| is_asked_for(moves, delta(row))));
        }
        ControlFlow::Continue(())
    });
    let seen = seen.await?;
    notes.extend(seen.is_cut.then(only_the_best));
    let (up, down) = largest(rows, most);
    let since = match up.first().or(down.first()) {
        Some(row) => since(state, principal, row).await?,
        None => None,
    };
    let reason = if compared == 0 { "no customer was in a run before" } else { "no score has moved like this" };
    let mut filters = filters(selection.parameters, wanted);
    filters.extend(moves.way.map(|way| ("direction", way.name().to_owned())));
    filters.extend(moves.min_points.map(|least| ("min_points", least.to_string())));
    let empty = [("up", Way::Down, up.is_empty()), ("down", Way::Up, down.is_empty())];
    let understood = Understood::Changes { run: seen.run.into(), since, compared, filters, up, down };
    let mut found = Found { notes: selection.notes, ..Found::plain(understood) };
    if since.is_none() {
        found.missing("since", if compared == 0 { reason } else { "no row says which run the one before was" });
    }
    for (part, other, _) in empty.into_iter().filter(|(_, _, is_empty)| *is_empty) {
        let is_asked = moves.way != Some(other);
        found.missing(part, if is_asked { reason } else { "only moves the other way are asked about" });
    }
    Ok(found)
}

/// What has moved about a segment, or else about one account.
pub(crate) async fn changes_of(
    state: &State,
    principal: &Principal,
    name: String,
    moves: &Moves,
) -> Result<Found, Problem> {
    if rows::is_segment(state, principal, &name).await? {
        changes(state, principal, moves).await
    } else {
        accounts::one(state, principal, name, None).await
    }
}

/// How many accounts there are, and what they add up to.
pub(crate) async fn totals(state: &State, principal: &Principal, wanted: &Wanted) -> Result<Found, Problem> {
    let mut selection = match selection(state, principal, wanted).await? {
        Ok(selection) => selection,
        Err(found) => return Ok(found),
    };
    let notes = &mut selection.notes;
    if let Some(count) = wanted.count {
        notes.push(format!("All accounts are counted, not {count} of them."));
    }
    let (mut customers, mut newly_ready) = (0, 0);
    let mut expected_value: Option<f64> = None;
    let mut by_score = BTreeMap::from(STEPS.map(|step| (step, 0)));
    let seen = rows::look_through(state, principal, &selection.parameters, |row| {
        if kept(wanted, &row) {
            customers += 1;
            newly_ready += usize::from(row.newly_ready);
            expected_value = expected_value.into_iter().chain(row.expected_value).reduce(|a, b| a + b);
            if let Some((_, counted)) = by_score.range_mut(..=row.propensity_score).next_back() {
                *counted += 1;
            }
        }
        ControlFlow::Continue(())
    });
    let seen = seen.await?;
    notes.extend(other_horizon(wanted, &seen.run));
    notes.extend(seen.is_cut.then(only_the_best));
    let filters = filters(selection.parameters, wanted);
    let run = seen.run.into();
    let understood = Understood::Totals { run, filters, customers, newly_ready, by_score, expected_value };
    let mut found = Found { notes: selection.notes, ..Found::plain(understood) };
    if expected_value.is_none() {
        found.missing("expected_value", "too few won deals with an amount are known");
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

/// Whether a move is one of those asked about.
fn is_asked_for(moves: &Moves, delta: i16) -> bool {
    let is_that_way = match moves.way {
        None => delta != 0,
        Some(Way::Up) => delta > 0,
        Some(Way::Down) => delta < 0,
    };
    is_that_way && moves.min_points.is_none_or(|least| u32::from(delta.unsigned_abs()) >= least)
}

/// The largest moves up and down, so many of each.
fn largest(moved: Vec<ScoreView>, most: usize) -> (Vec<ScoreView>, Vec<ScoreView>) {
    let (mut up, mut down): (Vec<_>, Vec<_>) = moved.into_iter().partition(|row| delta(row) > 0);
    for moves in [&mut up, &mut down] {
        moves.sort_by_key(|row| (Reverse(delta(row).unsigned_abs()), row.customer_id.clone()));
        moves.truncate(most);
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
    let first = rows::first(state, principal, &Parameters::new(), 1, |_| true).await?.1;
    let Some(row) = first.first() else { return Ok(None) };
    Ok(get_propensity::answer(&state.customer, principal, &row.customer_id).await?.model)
}

/// How far the refresh is: the run under way, or else the newest on record, beside the one that readers see.
pub(crate) async fn refresh(state: &State, principal: &Principal) -> Result<Found, Problem> {
    let control = &state.control;
    let newest = match control.open_runs().await.map_err(|e| to_problem(&e))?.pop() {
        Some(open) => Some(open),
        None => control.latest_run().await.map_err(|e| to_problem(&e))?,
    };
    let newest = newest.ok_or_else(Problem::no_run_yet)?;
    let current = match control.current_run().await.map_err(|e| to_problem(&e))? {
        Some(current) => Some(control.expect_run(&current.run.run_id).await.map_err(|e| to_problem(&e))?),
        None => None,
    };
    let run = RunView::from(&newest).seen_by(principal);
    let current = current.map(|run| Box::new(RunView::from(&run).seen_by(principal)));
    let missing = [
        ("run.rows", run.rows.is_none(), "the last shard is not in"),
        ("run.progress", run.progress.is_none(), "the run was not planned"),
        ("run.model_id", run.model_id.is_none(), "the model was not trained"),
        ("run.failure", run.failure.is_none(), "the run has not failed"),
        ("current", current.is_none(), "no run is complete yet"),
        ("current.failure", current.is_some(), "the run has not failed"),
    ];
    let mut found = Found::plain(Understood::Refresh { run: run.into(), current });
    for (part, _, reason) in missing.into_iter().filter(|(_, is_missing, _)| *is_missing) {
        found.missing(part, reason);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
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
        let (up, down) = largest(moved.collect(), 5);
        assert_eq!(up.iter().map(delta).collect::<Vec<_>>(), [12, 5, 4, 3, 3]);
        assert_eq!(down.iter().map(delta).collect::<Vec<_>>(), [-8, -1]);
        assert_eq!(&*up[3].customer_id, "c-0", "equal moves by customer");
    }

    #[test]
    fn only_the_moves_that_were_asked_about_are_told() {
        let asked = |way, min_points| Moves { way, min_points, ..Moves::default() };
        let told = |moves: &Moves| [-12, -4, 0, 4, 12].map(|delta| is_asked_for(moves, delta));
        assert_eq!(told(&asked(None, None)), [true, true, false, true, true]);
        assert_eq!(told(&asked(Some(Way::Up), None)), [false, false, false, true, true]);
        assert_eq!(told(&asked(Some(Way::Down), Some(5))), [true, false, false, false, false]);
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

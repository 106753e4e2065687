//! Questions about all accounts together: what has moved, how right the scores are, how far the refresh is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use expansion_question::{Moves, Vocabulary, Wanted, Way};
use expansion_records::Order;

use crate::accuracy::{AccuracyAnswer, AccuracyRequest, CohortView, RunAccuracyView};
use crate::ask::accounts::count;
use crate::ask::selection::{Filters, only_the_best, other_horizon, selection};
use crate::ask::{AccuracyBasis, Ask, Current, Found, Stop, Understood, missing};
use crate::view::{ModelView, ScoreView};
use crate::{Error, Principal};

/// From where on scores are counted together.
const STEPS: [u8; 5] = [1, 20, 40, 60, 80];

impl Current<'_> {
    /// What has moved since the run before.
    pub(super) async fn changes(&self, moves: &Moves) -> Result<Found, Stop> {
        let (filters, mut notes) = selection(self.principal, self.listed.summary(), &moves.wanted)?;
        let filters = Filters { direction: moves.way, min_points: moves.min_points, ..filters };
        let most = count(&moves.wanted, &mut notes);
        if moves.wanted.order != Order::Score {
            notes.push("Moves are sorted by how large they are.".to_owned());
        }
        if moves.wanted.days.is_some() {
            notes.push("Moves are known since the run before only.".to_owned());
        }
        let (mut rows, mut compared) = (Vec::new(), 0);
        let look = |row| {
            if filters.keep(&row) {
                compared += usize::from(row.trend.is_some());
                rows.extend(Some(row).filter(|row| is_asked_for(moves, delta(row))));
            }
            ControlFlow::Continue(())
        };
        let is_cut = self.look_through(filters.list(), look).await?;
        notes.extend(is_cut.then(only_the_best));
        let (up, down) = largest(rows, most);
        let previous = self.listed.run.plan().filter(|_| compared > 0).and_then(|plan| plan.previous.as_ref());
        let since = previous.map(|previous| previous.calculated_at);
        let reason = if compared == 0 { "no customer was in a run before" } else { "no score has moved like this" };
        let unless_only =
            |way| if moves.way == Some(way) { "only moves the other way are asked about" } else { reason };
        let not_available = missing([
            ("since", since.is_none(), reason),
            ("up", up.is_empty(), unless_only(Way::Down)),
            ("down", down.is_empty(), unless_only(Way::Up)),
        ]);
        let understood = Understood::Changes { run: self.run(), since, compared, filters, up, down };
        Ok(Found { understood, notes, not_available })
    }

    /// What has moved about a segment, or else about one account.
    pub(super) async fn changes_of(&self, name: String, moves: &Moves) -> Result<Found, Stop> {
        let is_segment = Vocabulary::from(self.listed.summary()).segment(&name).is_some();
        if is_segment { self.changes(moves).await } else { self.account(name, None).await }
    }

    /// How many accounts there are, and what they add up to.
    pub(super) async fn totals(&self, wanted: &Wanted) -> Result<Found, Stop> {
        let (filters, mut notes) = selection(self.principal, self.listed.summary(), wanted)?;
        if let Some(count) = wanted.count {
            notes.push(format!("All accounts are counted, not {count} of them."));
        }
        let (mut customers, mut newly_ready) = (0, 0);
        let mut expected_value: Option<f64> = None;
        let mut by_score = BTreeMap::from(STEPS.map(|step| (step, 0)));
        let look = |row: ScoreView| {
            if filters.keep(&row) {
                customers += 1;
                newly_ready += usize::from(row.newly_ready);
                expected_value = expected_value.into_iter().chain(row.expected_value).reduce(|a, b| a + b);
                if let Some((_, counted)) = by_score.range_mut(..=row.propensity_score).next_back() {
                    *counted += 1;
                }
            }
            ControlFlow::Continue(())
        };
        let is_cut = self.look_through(filters.list(), look).await?;
        let run = self.run();
        notes.extend(other_horizon(wanted, &run));
        notes.extend(is_cut.then(only_the_best));
        let why = "too few won deals with an amount are known";
        let not_available = missing([("expected_value", expected_value.is_none(), why)]);
        let understood = Understood::Totals { run, filters, customers, newly_ready, by_score, expected_value };
        Ok(Found { understood, notes, not_available })
    }
}

impl Ask {
    /// How right the scores are: a past run beside what happened, or else what is known without.
    pub(super) async fn accuracy(&self) -> Result<Found, Stop> {
        let judged = self.accuracies.answer(&AccuracyRequest::default()).await?;
        let (basis, accuracy) = match latest_mature(&judged) {
            Some((true, accuracy)) => (AccuracyBasis::Outcomes, Some(Box::new(accuracy))),
            Some((false, accuracy)) => (AccuracyBasis::EarlyOutcomes, Some(Box::new(accuracy))),
            None => (AccuracyBasis::OutOfTime, latest_counted(&judged).map(Box::new)),
        };
        let has_no_figures = basis == AccuracyBasis::OutOfTime && accuracy.is_some();
        let model = match basis {
            AccuracyBasis::Outcomes => None,
            _ => self.lists.listed(None).await?.run.model().map(|model| Box::new(ModelView::from(model))),
        };
        let untested = model.as_ref().and_then(|model| model.why_untested());
        let no_model = "outcomes of a whole horizon are known, so the model's own evaluation is not needed";
        let not_available = missing([
            ("accuracy", accuracy.is_none(), "no past run's outcomes are known yet"),
            ("accuracy.cohorts.accuracy.figures", has_no_figures, "fewer than 30 expansions are known"),
            ("model", model.is_none(), no_model),
            ("model.metrics", untested.is_some(), untested.unwrap_or_default()),
        ]);
        Ok(Found { understood: Understood::Accuracy { basis, accuracy, model }, notes: Vec::new(), not_available })
    }

    /// How far the refresh is: the run under way, or else the newest on record, beside the one that readers see.
    pub(super) async fn refresh(&self, principal: &Principal) -> Result<Found, Stop> {
        let run = match self.refreshes.open(principal).await? {
            Some(open) => open,
            None => self.refreshes.latest(principal).await?.ok_or(Error::NoRunYet)?,
        };
        let current = self.refreshes.current(principal).await?.map(Box::new);
        let not_available = missing([
            ("run.rows", run.rows.is_none(), "the last shard is not in"),
            ("run.progress", run.progress.is_none(), "the run was not planned"),
            ("run.model_id", run.model_id.is_none(), "the model was not trained"),
            ("run.failure", run.failure.is_none(), "the run has not failed"),
            ("current", current.is_none(), "no run is complete yet"),
            ("current.failure", current.is_some(), "the run has not failed"),
        ]);
        let understood = Understood::Refresh { run: run.into(), current };
        Ok(Found { understood, notes: Vec::new(), not_available })
    }
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

/// The newest run with figures of its whole horizon, or else of its first days; with the one cohort that has them, and
/// whether that is the whole horizon.
fn latest_mature(answer: &AccuracyAnswer) -> Option<(bool, RunAccuracyView)> {
    let has_figures = |cohort: &CohortView| {
        cohort.is_mature && cohort.accuracy.as_ref().is_some_and(|accuracy| !accuracy.figures.is_empty())
    };
    let told = |run: &RunAccuracyView, whole: bool| {
        let wanted = |cohort: &CohortView| has_figures(cohort) && (!whole || cohort.days == run.horizon_days);
        let cohort = run.cohorts.iter().filter(|cohort| wanted(cohort)).max_by_key(|cohort| cohort.days)?.clone();
        Some((whole, RunAccuracyView { cohorts: vec![cohort], ..run.clone() }))
    };
    let newest = |whole| answer.data.iter().find_map(|run| told(run, whole));
    newest(true).or_else(|| newest(false))
}

/// The run with most expansions known, the newest of equal ones, where none has enough for figures; with the one cohort
/// that they are of.
fn latest_counted(answer: &AccuracyAnswer) -> Option<RunAccuracyView> {
    let is_known = |cohort: &&CohortView| cohort.is_mature && cohort.accuracy.is_some();
    let counted = answer.data.iter().filter_map(|run| Some((run, run.cohorts.iter().rfind(is_known)?)));
    let (run, cohort) = counted.rev().max_by_key(|(run, _)| run.outcomes.expansions)?;
    Some(RunAccuracyView { cohorts: vec![cohort.clone()], ..run.clone() })
}

#[cfg(test)]
mod tests {
    use expansion_model::{Accuracy, Figure};

    use super::*;
    use crate::ask::sample::{accuracy_of, score};
    use crate::view::TrendView;

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

    #[test]
    fn without_enough_outcomes_the_run_that_has_most_is_counted() {
        let counted = |runs: Vec<RunAccuracyView>| {
            let run = latest_counted(&AccuracyAnswer { data: runs, models: Vec::new() })?;
            Some((run.outcomes.expansions, run.cohorts.len(), run.cohorts[0].days))
        };
        let of = |expansions: usize, cohorts: &[(u16, bool, Option<Accuracy>)]| {
            let mut run = accuracy_of(cohorts);
            run.outcomes.expansions = expansions;
            run
        };
        let known = || Some(Accuracy::default());
        let young = of(0, &[(7, false, None), (90, false, None)]);
        let newer = of(3, &[(7, true, known()), (90, false, None)]);
        let older = of(12, &[(7, true, known()), (30, true, known()), (90, false, None)]);
        assert_eq!(counted(vec![young.clone(), newer, older]), Some((12, 1, 30)));
        assert_eq!(counted(vec![young]), None);
    }
}

//! `GET /api/analytics/expansion-propensity/accuracy`: how right past runs were.

use std::collections::BTreeMap;

use expansion_domain::{Instant, RunId};
use expansion_model::{Accuracy, AccuracyRecord, EarlyWarning};
use serde::Serialize;

use crate::list::parameters;
use crate::{InvalidParameter, Problem};

/// What is asked for, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccuracyQuery {
    /// Only this run.
    pub run: Option<RunId>,
    /// Figures of this segment instead of all customers.
    pub segment: Option<String>,
    /// Only after so many days.
    pub horizon: Option<u16>,
}

/// How right past runs were, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyAnswer {
    /// The runs.
    pub data: Vec<RunAccuracyView>,
}

/// How right a run was.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// What people recorded about the run's answers: how many `accepted`, `dismissed`, `opportunity_created`, `won`, `lost`.
    pub feedback: BTreeMap<String, usize>,
    /// What can be said without outcomes: estimated figures, shifts, findings.
    pub warning: EarlyWarning,
}

/// How right a run was after so many days.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

impl AccuracyQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// A 400 problem that names every parameter that is unknown or makes no sense.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut given = parameters(query, &mut wrong);
        let mut parsed = Self { segment: given.remove("segment"), ..Self::default() };
        let mut refuse = |name: &str, reason: &str| {
            wrong.push(InvalidParameter { name: name.to_owned(), reason: reason.to_owned() });
        };
        if let Some(text) = given.remove("run") {
            parsed.run = text.parse().ok();
            if parsed.run.is_none() {
                refuse("run", "is not the id of a run");
            }
        }
        if let Some(text) = given.remove("horizon") {
            parsed.horizon = text.parse().ok().filter(|days| (1..=730).contains(days));
            if parsed.horizon.is_none() {
                refuse("horizon", "must be days from 1 to 730");
            }
        }
        for name in given.keys() {
            refuse(name, "is not a parameter of this list");
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(Problem::invalid_parameters(wrong)) }
    }
}

/// The answer from what is on record.
#[must_use]
pub fn accuracy_answer(query: &AccuracyQuery, records: Vec<AccuracyRecord>) -> AccuracyAnswer {
    let view = |record: AccuracyRecord| {
        let wanted = record.cohorts.into_iter().filter(|cohort| query.horizon.is_none_or(|days| cohort.days == days));
        let cohorts = wanted.map(|mut cohort| CohortView {
            days: cohort.days,
            is_mature: cohort.is_mature,
            censored: cohort.censored,
            expected_expansions: cohort.expected_expansions.filter(|_| query.segment.is_none()),
            accuracy: match &query.segment {
                Some(segment) => cohort.segments.remove(segment),
                None => cohort.overall,
            },
            levels: if query.segment.is_none() { cohort.levels } else { BTreeMap::new() },
        });
        RunAccuracyView {
            run_id: record.run_id,
            as_of: record.as_of,
            horizon_days: record.horizon_days,
            model_id: record.model_id,
            known_at: record.known_at,
            cohorts: cohorts.collect(),
            feedback: record.feedback,
            warning: record.warning,
        }
    };
    AccuracyAnswer { data: records.into_iter().map(view).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_wrongly_is_named() {
        let wrong = AccuracyQuery::parse("run=x&horizon=0&colour=red").expect_err("all of it is wrong");
        let names: Vec<&str> = wrong.invalid_parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["run", "horizon", "colour"]);
        assert_eq!(AccuracyQuery::parse(""), Ok(AccuracyQuery::default()));
    }
}

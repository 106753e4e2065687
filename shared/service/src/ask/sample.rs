//! Answers for tests, made of the run and the row that all tests share.

use std::collections::BTreeMap;

use expansion_domain::RunId;
pub(super) use expansion_fixtures::at;
use expansion_fixtures::{complete, factor, listed, model_summary, row};
use expansion_model::Accuracy;
use expansion_records::{Listed, Run, RunSummary};

use crate::accuracy::{CohortView, OutcomesView, RunAccuracyView, WarningView};
use crate::customer::{CustomerAnswer, customer_answer};
use crate::view::{ModelView, RunView, ScoreView};

/// A complete run of three customers.
fn complete_run() -> Run {
    complete(RunSummary::of(&[94, 88, 12].map(|score| row("c-1", score))))
}

pub(super) fn run() -> RunView {
    RunView::from(&complete_run())
}

pub(super) fn model() -> ModelView {
    ModelView::from(&model_summary())
}

pub(super) fn score(id: &str, name: &str, score: u8) -> ScoreView {
    ScoreView::new(Some(1), Listed { customer_name: Some(name.into()), ..listed(id, score) }, &complete_run())
}

/// The PRD's deep dive.
pub(super) fn customer(score: ScoreView) -> CustomerAnswer {
    let factors = [
        ("seat_utilisation", "Usage at 95% of license capacity", 35),
        ("health_score", "Health score of 92", 20),
        ("seat_inquiries", "Asked about additional seats 2x", 18),
        ("executive_engagements", "Executive engagement high", 13),
        ("similar_cohort", "Similar cohort expanded 80%", 0),
        ("tickets_90", "4 support tickets in the last 90 days", -1),
    ];
    let contributing_factors = factors.map(|(feature, label, points)| factor(feature, label, points)).into();
    let mut row = row(&score.customer_id, 94);
    row.recommended_approach.entry_point = None;
    row.not_available.insert("recommended_approach.entry_point".to_owned(), "no factor speaks for one".to_owned());
    let answer = customer_answer(&complete_run(), row, Vec::new());
    CustomerAnswer { score, baseline_points: 9, contributing_factors, ..answer }
}

/// A run's accuracy with cohorts of so many days, mature or not, with these figures.
pub(super) fn accuracy_of(cohorts: &[(u16, bool, Option<Accuracy>)]) -> RunAccuracyView {
    let as_of = at("2026-03-31T23:59:59Z");
    let view = |(days, is_mature, accuracy): &(u16, bool, Option<Accuracy>)| CohortView {
        days: *days,
        is_mature: *is_mature,
        censored: 0,
        expected_share: Some(0.25),
        accuracy: accuracy.clone(),
        unworked: None,
        levels: BTreeMap::new(),
        sides: Vec::new(),
    };
    RunAccuracyView {
        run_id: RunId::derive(as_of, "schedule", 90),
        as_of,
        horizon_days: 90,
        model_id: "m-0".to_owned(),
        known_at: at("2026-06-30T23:59:59Z"),
        cohorts: cohorts.iter().map(view).collect(),
        feedback: BTreeMap::new(),
        outcomes: OutcomesView { expansions: 12, needed: 30, enough_on: Some(at("2026-06-29T00:00:00Z").date()) },
        warning: WarningView::default(),
    }
}

//! Answers for tests, made of the run and the row that all tests share.

use std::collections::BTreeMap;

use expansion_domain::RunId;
use expansion_model::Accuracy;
use expansion_records::{Direction, Factor, Listed};

use crate::accuracy::{CohortView, RunAccuracyView, WarningView};
use crate::customer::{CustomerAnswer, customer_answer};
pub(super) use crate::fixtures::at;
use crate::fixtures::{self, row};
use crate::view::{ModelView, RunView, ScoreView};

pub(super) fn run() -> RunView {
    RunView::from(&fixtures::run())
}

pub(super) fn model() -> ModelView {
    fixtures::run().model().map(ModelView::from).expect("the run is complete")
}

pub(super) fn score(id: &str, name: &str, score: u8) -> ScoreView {
    let summary = fixtures::run().summary().cloned().expect("the run is complete");
    let named = Listed { customer_name: Some(name.into()), segment: Some("SMB".into()), ..row(id, score).listed };
    ScoreView::new(Some(1), named, &summary)
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
    let factor = |(feature, label, points): (&str, &str, i32)| Factor {
        feature: feature.to_owned(),
        label: label.to_owned(),
        value: None,
        typical: None,
        points,
        direction: Direction::of(points),
    };
    let answer = customer_answer(&fixtures::run(), row(&score.customer_id, 94), Vec::new());
    CustomerAnswer { score, baseline_points: 9, contributing_factors: factors.map(factor).into(), ..answer }
}

/// A run's accuracy with cohorts of so many days, mature or not, with these figures.
pub(super) fn accuracy_of(cohorts: &[(u16, bool, Option<Accuracy>)]) -> RunAccuracyView {
    let as_of = at("2026-03-31T23:59:59Z");
    let view = |(days, is_mature, accuracy): &(u16, bool, Option<Accuracy>)| CohortView {
        days: *days,
        is_mature: *is_mature,
        censored: 0,
        expected_expansions: Some(6.5),
        accuracy: accuracy.clone(),
        levels: BTreeMap::new(),
    };
    RunAccuracyView {
        run_id: RunId::derive(as_of, "schedule", 90),
        as_of,
        horizon_days: 90,
        model_id: "m-0".to_owned(),
        known_at: at("2026-06-30T23:59:59Z"),
        cohorts: cohorts.iter().map(view).collect(),
        feedback: BTreeMap::new(),
        warning: WarningView::default(),
    }
}

//! Answers for tests, as the functions would give them.

use std::collections::BTreeMap;

use expansion_domain::{Instant, RunId};
use expansion_model::{Accuracy, ConfidenceLevel, Knowledge, Metrics, SimilarCohort, ValueRange};
use expansion_records::{Advocate, Approach, Direction, Factor, MovedFactor, Movement, Run, RunStage, Timing};

use crate::accuracy::{CohortView, RunAccuracyView, WarningView};
use crate::customer::CustomerAnswer;
use crate::view::{ConfidenceView, ModelView, ProgressView, RunView, ScoreView, TrendView};

pub(super) fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

pub(super) fn run() -> RunView {
    let run = Run::requested(at("2026-06-30T23:59:59Z"), "schedule", 90, at("2026-07-01T06:00:00Z"));
    RunView {
        state: RunStage::Complete,
        rows: Some(250),
        progress: Some(ProgressView { done: 2, shards: 2 }),
        model_id: Some("m-1".to_owned()),
        ..RunView::from(&run)
    }
}

pub(super) fn score(id: &str, name: &str, propensity_score: u8) -> ScoreView {
    ScoreView {
        rank: Some(1),
        customer_id: id.into(),
        customer_name: Some(name.into()),
        csm_id: Some("csm-07".into()),
        segment: Some("SMB".into()),
        propensity_score,
        percentile: 99.0,
        confidence: ConfidenceView { level: ConfidenceLevel::High, lower: 89.5, upper: 97.0, value: 0.91 },
        estimated_value: Some(ValueRange { amount: 85_000.0, lower: 40_000.0, upper: 150_000.0 }),
        expected_value: Some(80_000.0),
        priority: Some(72_800.0),
        leave_alone: None,
        newly_ready: true,
        primary_signal: Some("Usage at 95% capacity".to_owned()),
        trend: Some(TrendView { previous_score: 90, delta: 4 }),
        calculated_at: at("2026-06-30T23:59:59Z"),
    }
}

fn factor(feature: &str, label: &str, points: i32) -> Factor {
    Factor {
        feature: feature.to_owned(),
        label: label.to_owned(),
        value: None,
        typical: None,
        points,
        direction: Direction::of(points),
    }
}

/// The PRD's deep dive.
pub(super) fn customer(score: ScoreView) -> CustomerAnswer {
    let date = |text: &str| at(text).date();
    CustomerAnswer {
        score,
        baseline_points: 9,
        contributing_factors: vec![
            factor("seat_utilisation", "Usage at 95% of license capacity", 35),
            factor("health_score", "Health score of 92", 20),
            factor("seat_inquiries", "Asked about additional seats 2x", 18),
            factor("executive_engagements", "Executive engagement high", 13),
            factor("similar_cohort", "Similar cohort expanded 80%", 0),
            factor("tickets_90", "4 support tickets in the last 90 days", -1),
        ],
        similar_cohort: Some(SimilarCohort { customers: 50, expanded: 40, share: 0.8 }),
        recommended_products: Vec::new(),
        recommended_approach: Approach {
            product: Some("Additional 50 seats".to_owned()),
            timing: Some(Timing {
                label: "This quarter".to_owned(),
                from: date("2026-07-01"),
                to: date("2026-09-30"),
                reason: "budget cycle".to_owned(),
            }),
            advocate: Some(Advocate {
                stakeholder_id: "p-1".into(),
                name: Some("Sarah Chen".into()),
                title: Some("VP".into()),
                role: Some("champion".into()),
                new_title_since: None,
                last_engaged_at: None,
                label: "Sarah Chen (promoted to VP)".to_owned(),
            }),
            entry_point: None,
        },
        movement: Some(Movement {
            since: at("2026-06-23T23:59:59Z"),
            delta: 4,
            factors: vec![MovedFactor {
                feature: "seat_utilisation".to_owned(),
                before: "Usage at 91% of license capacity".to_owned(),
                after: "Usage at 95% of license capacity".to_owned(),
                points: 5,
            }],
            model_points: -1,
            correction_points: 0,
        }),
        not_available: BTreeMap::from([(
            "recommended_approach.entry_point".to_owned(),
            "no factor speaks for an expansion".to_owned(),
        )]),
        history: Vec::new(),
        model: Some(model()),
        run_id: run().run_id,
    }
}

pub(super) fn model() -> ModelView {
    let metrics = Metrics {
        auc: 0.8123,
        pr_auc: 0.4,
        log_loss: 0.3,
        brier: 0.1,
        ece: 0.021,
        lift_at_10: 3.1,
        base_rate: 0.12,
        n: 3000,
    };
    ModelView {
        model_id: "m-1".to_owned(),
        family: "additive".to_owned(),
        state: Knowledge::Full,
        metrics: Some(metrics),
    }
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

//! A run and a row for tests.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{DataIssue, Date, Id, Instant, Table};
use expansion_model::{ConfidenceLevel, FactorValue, Knowledge, Metrics, SimilarCohort, ValueRange};
use expansion_records::{
    Advocate, Approach, Direction, Factor, Listed, ModelSummary, MovedFactor, Movement, Plan, Propensity, Quantity,
    RecommendedProduct, Run, RunState, RunSummary, Timing,
};

pub(crate) fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

pub(crate) fn date(text: &str) -> Date {
    at(text).date()
}

fn requested() -> Run {
    Run::requested(at("2026-06-30T23:59:59Z"), "schedule", 90, at("2026-07-01T06:00:00Z"))
}

/// A complete run of three customers.
pub(crate) fn run() -> Run {
    complete(RunSummary::of(&[94, 88, 12].map(|score| row("x", score))))
}

/// A complete run that has just these rows.
pub(crate) fn run_of(rows: &[Listed]) -> Run {
    let portfolios: BTreeSet<Option<Id>> = rows.iter().map(|row| row.csm_id.clone()).collect();
    complete(RunSummary { rows: rows.len() as u64, portfolios, ..RunSummary::default() })
}

fn complete(summary: RunSummary) -> Run {
    let model = ModelSummary {
        model_id: "m-1".to_owned(),
        family: "additive".to_owned(),
        knowledge: Knowledge::Full,
        metrics: Some(Metrics {
            auc: 0.8,
            pr_auc: 0.4,
            log_loss: 0.3,
            brier: 0.1,
            ece: 0.02,
            lift_at_10: 3.1,
            base_rate: 0.12,
            n: 3000,
        }),
    };
    let data_issues = vec![DataIssue {
        table: Table::UsageMetrics,
        reason: "value is no number".to_owned(),
        count: 3,
        example: "usage_metrics/a.csv:17: \"n/a\"".to_owned(),
    }];
    let plan = Plan { model, shards: 2, done: BTreeSet::from([0, 1]), previous: None, data_issues };
    Run { state: RunState::Complete { plan, summary }, ..requested() }
}

/// A customer's row in that run.
pub(crate) fn row(customer_id: &str, score: u8) -> Propensity {
    let run = requested();
    let listed = Listed {
        customer_id: customer_id.into(),
        calculated_at: run.calculated_at,
        customer_name: Some("TechFlow Inc".into()),
        csm_id: Some("csm-07".into()),
        segment: None,
        propensity_score: score,
        propensity: f64::from(score) / 100.0,
        propensity_lower: 89.5,
        propensity_upper: 97.0,
        confidence: 0.91,
        confidence_level: ConfidenceLevel::High,
        primary_signal: Some("Usage at 95% of license capacity".to_owned()),
        product_ids: vec!["seats".into()],
        estimated_value: Some(85_000.0),
        estimated_value_lower: Some(40_000.0),
        estimated_value_upper: Some(150_000.0),
        expected_value: Some(80_000.0),
        previous_score: Some(90),
        priority: Some(72_800.0),
        leave_alone: None,
        newly_ready: true,
    };
    Propensity {
        listed,
        id: expansion_domain::row_id(&run.run_id, customer_id),
        run_id: run.run_id,
        model_id: "m-1".to_owned(),
        baseline_points: 10,
        contributing_factors: vec![
            Factor {
                feature: "seat_utilisation".to_owned(),
                label: "Usage at 95% of license capacity".to_owned(),
                value: Some(FactorValue::Number(0.95)),
                typical: Some(FactorValue::Number(0.78)),
                points: i32::from(score) - 8,
                direction: Direction::For,
            },
            Factor {
                feature: "health_score".to_owned(),
                label: "No health score in the last half year".to_owned(),
                value: None,
                typical: None,
                points: -2,
                direction: Direction::Against,
            },
        ],
        similar_cohort: Some(SimilarCohort { customers: 50, expanded: 40, share: 0.8 }),
        recommended_products: vec![RecommendedProduct {
            product_id: "seats".into(),
            name: Some("Team seats".into()),
            offer: "Additional 50 seats".to_owned(),
            probability: 0.62,
            quantity: Some(Quantity { units: 50.0, utilisation: 0.77, until: date("2026-12-31") }),
            estimated_value: Some(ValueRange { amount: 85_000.0, lower: 40_000.0, upper: 150_000.0 }),
            rationale: "Usage at 95% of license capacity; 62% of SMB expansions were of it".to_owned(),
        }],
        recommended_approach: Approach {
            product: Some("Additional 50 seats".to_owned()),
            timing: Some(Timing {
                label: "Before the seats run out".to_owned(),
                from: date("2026-06-30"),
                to: date("2026-08-14"),
                reason: "Seats are full around 2026-08-14 at the present growth".to_owned(),
            }),
            advocate: Some(Advocate {
                stakeholder_id: "p-1".into(),
                name: Some("Sarah Chen".into()),
                title: Some("VP Operations".into()),
                role: Some("champion".into()),
                new_title_since: Some(at("2026-05-04")),
                last_engaged_at: Some(at("2026-06-20T10:00:00Z")),
                label: "Sarah Chen (promoted to VP Operations)".to_owned(),
            }),
            entry_point: None,
        },
        movement: Some(Movement {
            since: at("2026-06-23T23:59:59Z"),
            delta: i32::from(score) - 90,
            factors: vec![MovedFactor {
                feature: "seat_utilisation".to_owned(),
                before: "Usage at 91% of license capacity".to_owned(),
                after: "Usage at 95% of license capacity".to_owned(),
                points: i32::from(score) - 89,
            }],
            model_points: -1,
            correction_points: 0,
        }),
        not_available: BTreeMap::from([("recommended_approach.entry_point".to_owned(), "for this test".to_owned())]),
        snapshot: Vec::new(),
    }
}

//! What clients get, word for word: the bodies are a contract.

use std::collections::{BTreeMap, BTreeSet};

use expansion_api::{CursorKey, ListQuery, Principal, Problem, RunView, customer_answer, list_answer};
use expansion_domain::{DataIssue, Date, Instant, Table};
use expansion_model::{ConfidenceLevel, FactorValue, Knowledge, Metrics, SimilarCohort, ValueRange};
use expansion_records::{
    Advocate, Approach, Direction, Factor, Listed, ModelSummary, MovedFactor, Movement, Order, PastScore, Plan,
    Propensity, Quantity, RecommendedProduct, Run, RunState, RunSummary, Timing,
};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn run() -> Run {
    let mut run = Run::requested(at("2026-06-30T23:59:59Z"), "schedule", 90, at("2026-07-01T06:00:00Z"));
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
    run.state = RunState::Complete {
        plan: Plan { model, shards: 2, done: BTreeSet::from([0, 1]), previous: None, data_issues },
        summary: RunSummary::of(&[94, 88, 12].map(|score| row("x", score))),
    };
    run
}

fn row(customer_id: &str, score: u8) -> Propensity {
    let run = Run::requested(at("2026-06-30T23:59:59Z"), "schedule", 90, at("2026-07-01T06:00:00Z"));
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

fn date(text: &str) -> Date {
    at(text).date()
}

#[test]
fn a_page_of_the_list() {
    let key = CursorKey::new("secret");
    let query = ListQuery::parse("limit=1", &Principal::Manager, &key).expect("it is fine");
    let rows = vec![row("c-1", 94).listed];
    let next = rows.last().map(|row| Order::Score.position(row));
    let answer = list_answer(&query, &run(), rows, next, &key);
    insta::assert_json_snapshot!(answer, { ".next_cursor" => "[cursor]" });
}

#[test]
fn a_page_goes_on_where_its_cursor_says() {
    let key = CursorKey::new("secret");
    let query = ListQuery::parse("limit=1", &Principal::Manager, &key).expect("it is fine");
    let first = vec![row("c-1", 94).listed];
    let next = first.last().map(|row| Order::Score.position(row));
    let cursor = list_answer(&query, &run(), first, next, &key).next_cursor.expect("there is more");
    let query = ListQuery::parse(&format!("limit=1&cursor={cursor}"), &Principal::Manager, &key).expect("a cursor");
    let answer = list_answer(&query, &run(), vec![row("c-2", 88).listed], None, &key);
    assert_eq!((answer.data[0].rank, answer.next_cursor), (Some(2), None));
    // The same cursor for another list is refused.
    let other = ListQuery::parse(&format!("min_score=50&cursor={cursor}"), &Principal::Manager, &key);
    assert_eq!(other.map_err(|problem| problem.invalid_parameters[0].name.clone()), Err("cursor".to_owned()));
}

#[test]
fn one_customer() {
    let past = [88, 90].map(|score| PastScore::from(&row("c-2", score)));
    let answer = customer_answer(&run(), row("c-2", 88), past.into());
    let points: i32 = answer.contributing_factors.iter().map(|factor| factor.points).sum();
    assert_eq!(answer.baseline_points + points, i32::from(answer.score.propensity_score));
    insta::assert_json_snapshot!(answer);
}

#[test]
fn a_run() {
    insta::assert_json_snapshot!(RunView::from(&run()));
}

#[test]
fn problems() {
    let problems = [
        Problem::invalid_parameter("limit", "must be a whole number from 1 to 200").for_request("r-1"),
        Problem::invalid_body("expected value at line 1 column 1"),
        Problem::unauthenticated(),
        Problem::forbidden("Only a manager may ask for a refresh."),
        Problem::not_found("such customer"),
        Problem::no_run_yet(),
        Problem::idempotency_conflict(at("2026-06-30T23:59:59Z")),
        Problem::unavailable(),
        Problem::internal(),
    ];
    insta::assert_json_snapshot!(problems);
}

//! What is recorded once: outcomes, actions, idempotency keys, and how right runs were.

use aws_sdk_dynamodb::types::AttributeValue;
use expansion_backend::Backend;
use expansion_domain::{OutcomeKind, RecordedOutcome, StoredAction};
use expansion_fixtures::{MODEL_ID, as_of, at, requested};
use expansion_records::{AccuracyRecord, EarlyWarning};
use serde_json::json;
use uuid::Uuid;

use crate::control;

fn outcome(id: u128, customer_id: &str) -> RecordedOutcome {
    RecordedOutcome {
        outcome_id: Uuid::from_u128(id),
        customer_id: customer_id.into(),
        run_id: requested().run_id,
        kind: OutcomeKind::Won,
        occurred_at: at("2026-07-02"),
        known_at: at("2026-07-03"),
        opportunity_id: Some("o-1".into()),
        product_id: None,
        amount: Some(5000.0),
        reason: None,
        corrects: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_recorded_once_and_never_changed() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let first = control.record_outcome(outcome(1, "c-1")).await.expect("written");
    assert_eq!(first, outcome(1, "c-1"));
    let other = RecordedOutcome { amount: Some(9.0), ..outcome(1, "c-1") };
    assert_eq!(control.record_outcome(other).await.expect("there already"), first);
    control.record_outcome(outcome(2, "c-2")).await.expect("written");
    assert_eq!(control.outcomes().await.expect("readable").len(), 2);
    assert_eq!(control.outcomes_of(&"c-1".into()).await.expect("readable"), [first]);
    assert_eq!(control.outcomes_of(&"c-3".into()).await.expect("readable"), []);
}

fn action(id: u128, note: &str) -> StoredAction {
    let (action_id, run_id, now) = (Uuid::from_u128(id), requested().run_id, at("2026-07-02T10:00:00Z"));
    let record = json!({
        "action_id": action_id, "action": "create_opportunity", "customer_id": "c-1", "run_id": run_id,
        "model_id": MODEL_ID, "propensity_score": 94, "requested_at": now, "requested_by": { "csm_id": "csm-07" },
        "request": { "action": "create_opportunity", "note": note },
        "event": {
            "action_id": action_id, "action": "create_opportunity", "requested_at": now,
            "requested_by": { "csm_id": "csm-07" }, "customer": { "id": "c-1" }, "run_id": run_id, "as_of": as_of(),
            "calculated_at": requested().calculated_at, "model_id": MODEL_ID, "propensity_score": 94,
            "propensity_interval": { "lower": 89.5, "upper": 97.0 }, "confidence_level": "High",
            "contributing_factors": [], "alternatives": [], "approach": {}, "note": note,
        },
    });
    serde_json::from_value(record).expect("an action")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_recorded_once_with_the_event_that_tells_of_it() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    assert_eq!(control.action(Uuid::from_u128(1)).await.expect("readable"), None);
    let attempts = ["They called", "They wrote"].map(|note| control.record_action(action(1, note)));
    let [one, other] = futures::future::join_all(attempts).await.try_into().expect("two answers");
    let recorded = one.expect("written");
    assert_eq!(other.expect("there already"), recorded, "both are told of the one that was quicker");
    assert_eq!(control.action(Uuid::from_u128(1)).await.expect("readable"), Some(recorded.clone()));
    control.record_action(action(2, "")).await.expect("written");
    let all = control.actions().await.expect("readable");
    assert_eq!((all.len(), &all[0]), (2, &recorded.record));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_stands_for_the_first_wish_until_it_expires() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let claim = async |as_of: &str| control.claim_key("monday", at(as_of)).await.expect("an answer");
    assert_eq!(claim("2026-06-29").await, at("2026-06-29"));
    assert_eq!(claim("2026-06-30").await, at("2026-06-29"));
    assert_eq!(control.claim_key("tuesday", at("2026-06-30")).await.expect("an answer"), at("2026-06-30"));

    // DynamoDB removes what has expired when it finds the time; until then it is there, and stands for nothing.
    let expire = backend.dynamodb.update_item().table_name(&control.name);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    expire
        .key("pk", text("idempotency"))
        .key("sk", text("monday"))
        .update_expression("SET expires_at = :then")
        .expression_attribute_values(":then", AttributeValue::N("1".to_owned()))
        .send()
        .await
        .expect("written");
    assert_eq!(claim("2026-07-01").await, at("2026-07-01"));
    assert_eq!(claim("2026-07-02").await, at("2026-07-01"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_claim_a_key_at_once_all_are_told_the_same() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let days: Vec<String> = (1..=9).map(|day| format!("2026-06-0{day}")).collect();
    let claims = futures::future::join_all(days.iter().map(|day| control.claim_key("k", at(day)))).await;
    let stands_for = control.claim_key("k", as_of()).await.expect("an answer");
    assert!(claims.into_iter().all(|claim| claim.expect("an answer") == stands_for));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_run_gives_way_only_to_what_is_known_later() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let known = |at: expansion_domain::Instant| AccuracyRecord {
        run_id: requested().run_id,
        as_of: as_of(),
        horizon_days: 90,
        model_id: MODEL_ID.to_owned(),
        known_at: at,
        checkpoints: Vec::new(),
        warning: EarlyWarning::default(),
    };
    let put = async |at| control.put_accuracy(&known(at)).await.expect("an answer");
    let [noon, later] = ["2026-09-28T12:00:00Z", "2026-09-28T12:00:00.5Z"].map(at);
    assert!(put(noon).await && put(noon).await, "the same again is no loss");
    assert!(put(later).await);
    assert!(!put(noon).await, "a fraction of a second is later, though it would sort before");
    let run = requested().run_id;
    assert_eq!(control.accuracy(&run).await.expect("readable"), Some(known(later)));
    assert_eq!(control.accuracies(5).await.expect("readable"), [known(later)]);
}

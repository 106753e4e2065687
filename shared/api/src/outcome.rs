//! `POST /api/customers/{id}/expansion-propensity/outcome`: what became of a recommendation.

use expansion_domain::{Id, Instant, OutcomeKind, RecordedOutcome, RunId};
use expansion_model::rounded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::Problem;
use crate::idempotency::check_key;
use crate::refresh::date_or_time;

/// The longest reason that is taken, in characters.
const MOST_REASON: usize = 1_000;
/// The longest id that is taken, in characters.
const MOST_ID: usize = 255;
/// The largest amount that is taken; DynamoDB has no numbers beyond 10^126.
const MOST_AMOUNT: f64 = 1e15;
/// The decimals of an amount that are kept; DynamoDB has no numbers below 10^-130 but 0.
const AMOUNT_DECIMALS: i32 = 4;

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OutcomeAnswer {
    /// The record; asking again with the same `Idempotency-Key` answers with the same.
    #[serde(flatten)]
    pub outcome: RecordedOutcome,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OutcomeBody", extend("allOf" = conditions()))]
pub(crate) struct Body {
    /// What happened.
    kind: OutcomeKind,
    /// When it happened: a date or a time, not in the future. Without it, the time of the request.
    #[serde(default)]
    #[schemars(schema_with = "date_or_time")]
    occurred_at: Option<String>,
    /// The deal, by the id that the source gives it.
    #[schemars(length(min = 1, max = 255))]
    opportunity_id: Option<Id>,
    /// What was offered.
    #[schemars(length(min = 1, max = 255))]
    product_id: Option<Id>,
    /// For how much it was won, or what the opportunity or the lost deal was about; goes with these.
    #[schemars(range(min = 0, max = 1e15))]
    amount: Option<f64>,
    /// Why, in words; needed for `dismissed`.
    #[schemars(length(max = 1000))]
    reason: Option<String>,
    /// The earlier record that this one takes the place of.
    corrects: Option<Uuid>,
}

/// What depends on the kind, as a part of the body's schema.
fn conditions() -> serde_json::Value {
    let kind = |kind: OutcomeKind| json!({"properties": {"kind": {"const": kind}}});
    let reason = json!({"type": "string", "pattern": "\\S"});
    let is_deal = json!({"properties": {"kind": {"enum": ["opportunity_created", "won", "lost"]}}});
    json!([
        {"if": kind(OutcomeKind::Dismissed), "then": {"properties": {"reason": reason}, "required": ["reason"]}},
        {"if": is_deal, "else": {"properties": {"amount": {"type": "null"}}}},
    ])
}

/// Reads what somebody recorded about a customer at `known_at`.
///
/// Its id is derived from the customer and the idempotency key: the same twice is once. Where there is no key, from the
/// customer, the run, the day and the body: a second click is no second deal, and next month's may be for the same amount.
///
/// # Errors
/// A 400 problem for a key or body that makes no sense.
pub fn recorded_outcome(
    customer_id: &str,
    run_id: &RunId,
    key: Option<&str>,
    body: &[u8],
    known_at: Instant,
) -> Result<RecordedOutcome, Problem> {
    check_key(key)?;
    let given: Body = serde_json::from_slice(body).map_err(|e| Problem::invalid_body(e.to_string()))?;
    let occurred_at = match &given.occurred_at {
        None => known_at,
        Some(text) => text
            .parse::<Instant>()
            .map_err(|e| Problem::invalid_parameter("occurred_at", e.to_string()))
            .and_then(|at| {
                let future = Problem::invalid_parameter("occurred_at", "must not be in the future");
                if at <= known_at { Ok(at) } else { Err(future) }
            })?,
    };
    let is_deal = !matches!(given.kind, OutcomeKind::Accepted | OutcomeKind::Dismissed);
    if given.amount.is_some_and(|amount| !(0.0..=MOST_AMOUNT).contains(&amount) || !is_deal) {
        let reason = "must be from 0 to 10^15, and goes with opportunity_created, won and lost";
        return Err(Problem::invalid_parameter("amount", reason));
    }
    if given.kind == OutcomeKind::Dismissed && given.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Problem::invalid_parameter("reason", "must say why a recommendation is dismissed"));
    }
    if given.reason.as_ref().is_some_and(|reason| reason.chars().count() > MOST_REASON) {
        return Err(Problem::invalid_parameter("reason", "must not be longer than 1000 characters"));
    }
    for (name, id) in [("opportunity_id", &given.opportunity_id), ("product_id", &given.product_id)] {
        if id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > MOST_ID) {
            return Err(Problem::invalid_parameter(name, "must be 1 to 255 characters"));
        }
    }
    let keyless = || format!("{run_id} {} {}", known_at.date(), String::from_utf8_lossy(body));
    let seed = key.map_or_else(keyless, |key| format!("key {key}"));
    let name = format!("expansion-propensity:outcome:{customer_id}:{seed}");
    Ok(RecordedOutcome {
        outcome_id: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
        customer_id: customer_id.into(),
        run_id: run_id.clone(),
        kind: given.kind,
        occurred_at,
        known_at,
        opportunity_id: given.opportunity_id,
        product_id: given.product_id,
        amount: given.amount.map(|amount| rounded(amount, AMOUNT_DECIMALS)),
        reason: given.reason,
        corrects: given.corrects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(at: &str, key: Option<&str>, body: &str) -> Result<RecordedOutcome, String> {
        let at: Instant = at.parse().expect("an instant");
        let run = RunId::derive("2026-06-29".parse().expect("a date"), "test", 90);
        recorded_outcome("c-1", &run, key, body.as_bytes(), at).map_err(|problem| problem.detail)
    }

    fn read(body: &str) -> Result<RecordedOutcome, String> {
        read_at("2026-06-30T12:00:00Z", None, body)
    }

    #[test]
    fn without_a_key_the_same_is_once_a_day_and_a_run() {
        let won = r#"{"kind":"won","amount":1000}"#;
        let id = |at, key| read_at(at, key, won).expect("it is fine").outcome_id;
        assert_eq!(id("2026-06-30T12:00:00Z", None), id("2026-06-30T12:00:07Z", None));
        assert_ne!(id("2026-06-30T12:00:00Z", None), id("2026-07-01T12:00:00Z", None));
        let at: Instant = "2026-06-30T12:00:00Z".parse().expect("an instant");
        let later = recorded_outcome("c-1", &RunId::derive(at, "test", 90), None, won.as_bytes(), at);
        assert_ne!(id("2026-06-30T12:00:00Z", None), later.expect("it is fine").outcome_id);
        assert_eq!(id("2026-06-30T12:00:00Z", Some("k")), id("2026-07-30T12:00:00Z", Some("k")));
    }

    #[test]
    fn a_key_stands_for_what_was_said_under_it() {
        let said = |at, body| read_at(at, Some("k"), body).expect("it is fine");
        let first = said("2026-06-30T12:00:00Z", r#"{"kind":"won","amount":1000}"#);
        assert!(first.says_the_same(&said("2026-07-02T09:00:00Z", r#"{"amount":1000,"kind":"won"}"#)));
        for other in [
            r#"{"kind":"won","amount":2000}"#,
            r#"{"kind":"lost","amount":1000}"#,
            r#"{"kind":"won","amount":1000,"occurred_at":"2026-06-30"}"#,
            r#"{"kind":"won","amount":1000,"product_id":"seats"}"#,
        ] {
            assert!(!first.says_the_same(&said("2026-07-02T09:00:00Z", other)), "{other}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let won = read(r#"{"kind":"won","amount":1200.5,"occurred_at":"2026-06-29"}"#).expect("it is fine");
        assert_eq!((won.kind, won.amount), (OutcomeKind::Won, Some(1200.5)));
        for (body, named) in [
            (r#"{"kind":"won","amount":-1}"#, "amount"),
            (r#"{"kind":"won","amount":1e300}"#, "amount"),
            (r#"{"kind":"accepted","amount":1}"#, "amount"),
            (r#"{"kind":"won","occurred_at":"2026-07-01"}"#, "occurred_at"),
            (r#"{"kind":"dismissed"}"#, "reason"),
            (r#"{"kind":"won","opportunity_id":""}"#, "opportunity_id"),
            (r#"{"kind":"eaten"}"#, "eaten"),
            ("", "EOF"),
        ] {
            let refused = read(body).expect_err(body);
            assert!(refused.contains(named), "{body}: {refused}");
        }
        for deal in [r#"{"kind":"lost","amount":1}"#, r#"{"kind":"opportunity_created","amount":1}"#] {
            assert_eq!(read(deal).expect("it is fine").amount, Some(1.0));
        }
        assert_eq!(read(r#"{"kind":"won","amount":1e-200}"#).expect("hardly anything").amount, Some(0.0));
        let long = |letters: usize| format!(r#"{{"kind":"dismissed","reason":"{}"}}"#, "ä".repeat(letters));
        assert!(read(&long(MOST_REASON)).is_ok() && read(&long(MOST_REASON + 1)).is_err(), "letters count, not bytes");
    }
}

//! `POST /api/customers/{id}/expansion-propensity/outcome`: what became of a recommendation.

use expansion_domain::{Id, Instant, OutcomeKind, RecordedOutcome, RunId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Problem;

/// The longest reason that is taken, in bytes.
const MOST_REASON: usize = 1_000;
/// The longest id that is taken.
const MOST_ID: usize = 255;

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeAnswer {
    /// The record; asking again with the same `Idempotency-Key` answers with the same.
    #[serde(flatten)]
    pub outcome: RecordedOutcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    kind: OutcomeKind,
    occurred_at: Option<String>,
    opportunity_id: Option<Id>,
    product_id: Option<Id>,
    amount: Option<f64>,
    reason: Option<String>,
    corrects: Option<Uuid>,
}

/// Reads what somebody recorded about a customer at `known_at`.
///
/// Its id is derived from the customer and the idempotency key, or from the body where there is no key: the same twice is
/// once.
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
    if key.is_some_and(|key| key.is_empty() || key.len() > MOST_ID || !key.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Problem::invalid_parameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
    }
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
    if given.amount.is_some_and(|amount| !amount.is_finite() || amount < 0.0 || given.kind != OutcomeKind::Won) {
        return Err(Problem::invalid_parameter("amount", "must be 0 or more, and goes with won"));
    }
    if given.kind == OutcomeKind::Dismissed && given.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Problem::invalid_parameter("reason", "must say why a recommendation is dismissed"));
    }
    if given.reason.as_ref().is_some_and(|reason| reason.len() > MOST_REASON) {
        return Err(Problem::invalid_parameter("reason", "must not be longer than 1000 bytes"));
    }
    for (name, id) in [("opportunity_id", &given.opportunity_id), ("product_id", &given.product_id)] {
        if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MOST_ID) {
            return Err(Problem::invalid_parameter(name, "must be 1 to 255 bytes"));
        }
    }
    let seed = key.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |key| format!("key {key}"));
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
        amount: given.amount,
        reason: given.reason,
        corrects: given.corrects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RecordedOutcome, String> {
        let at: Instant = "2026-06-30T12:00:00Z".parse().expect("an instant");
        let run = RunId::derive(at, "test", 90);
        recorded_outcome("c-1", &run, None, body.as_bytes(), at).map_err(|problem| problem.detail)
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let won = read(r#"{"kind":"won","amount":1200.5,"occurred_at":"2026-06-29"}"#).expect("it is fine");
        assert_eq!((won.kind, won.amount), (OutcomeKind::Won, Some(1200.5)));
        for (body, named) in [
            (r#"{"kind":"won","amount":-1}"#, "amount"),
            (r#"{"kind":"lost","amount":1}"#, "amount"),
            (r#"{"kind":"won","occurred_at":"2026-07-01"}"#, "occurred_at"),
            (r#"{"kind":"dismissed"}"#, "reason"),
            (r#"{"kind":"won","opportunity_id":""}"#, "opportunity_id"),
            (r#"{"kind":"eaten"}"#, "eaten"),
            ("", "EOF"),
        ] {
            let refused = read(body).expect_err(body);
            assert!(refused.contains(named), "{body}: {refused}");
        }
        assert_eq!(read(r#"{"kind":"accepted"}"#), read(r#"{"kind":"accepted"}"#));
    }
}

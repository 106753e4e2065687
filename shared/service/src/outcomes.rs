//! Recording what became of a recommendation.
//!
//! A record is never changed; a correction is another one, of the same customer. Deals won and lost have past runs judged
//! again at once; the rest is counted whenever somebody reads how right the runs were.

use expansion_domain::{AccuracyRequested, Id, OutcomeKind, RecordedOutcome, RunId};
use expansion_model::rounded;
use expansion_store::Bus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::customer::Customers;
use crate::request::{date_or_time, past};
use crate::{Config, ConfigError, Conflict, Error, Principal, Request};

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

/// What somebody records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OutcomeBody", extend("allOf" = conditions()))]
pub struct NewOutcome {
    /// What happened.
    pub kind: OutcomeKind,
    /// When it happened: a date or a time, not in the future. Without it, the time of the request.
    #[serde(default)]
    #[schemars(schema_with = "date_or_time")]
    pub occurred_at: Option<String>,
    /// The deal, by the id that the source gives it.
    #[schemars(length(min = 1, max = 255))]
    pub opportunity_id: Option<Id>,
    /// What was offered.
    #[schemars(length(min = 1, max = 255))]
    pub product_id: Option<Id>,
    /// For how much it was won, or what the opportunity or the lost deal was about; goes with these.
    #[schemars(range(min = 0, max = 1e15))]
    pub amount: Option<f64>,
    /// Why, in words; needed for `dismissed`.
    #[schemars(length(max = 1000))]
    pub reason: Option<String>,
    /// The earlier record that this one takes the place of.
    pub corrects: Option<Uuid>,
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

/// Records outcomes.
#[derive(Debug)]
pub struct Outcomes {
    pub customers: Customers,
    pub bus: Bus,
}

impl Outcomes {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { customers: Customers::new(config)?, bus: config.bus()? })
    }

    /// Records what became of the current run's recommendation for a customer whom the caller may see.
    ///
    /// # Errors
    /// [`Error`] for what makes no sense by itself or beside what is on record, for a key that was used for something else,
    /// for a customer who does not exist or is not the caller's, before the first run, and when the store fails.
    pub async fn record(
        &self,
        principal: &Principal,
        customer_id: &str,
        request: &Request<NewOutcome>,
    ) -> Result<OutcomeAnswer, Error> {
        let (current, row) = self.customers.current(principal, customer_id).await?;
        let wanted = recorded_outcome(&row.listed.customer_id, &current.run_id, request)?;
        let control = &self.customers.control;
        if wanted.corrects.is_some() || wanted.opportunity_id.is_some() {
            fits(&wanted, &control.outcomes_of(&wanted.customer_id).await?)?;
        }
        let outcome = control.record_outcome(wanted.clone()).await?;
        if !outcome.says_the_same(&wanted) {
            return Err(Conflict::KeyOfOutcome.into());
        }
        if matches!(outcome.kind, OutcomeKind::Won | OutcomeKind::Lost) {
            self.bus.put([AccuracyRequested { as_of: outcome.known_at }]).await?;
        }
        Ok(OutcomeAnswer { outcome })
    }
}

/// Whether an outcome fits the others on record of its customer.
fn fits(outcome: &RecordedOutcome, others: &[RecordedOutcome]) -> Result<(), Error> {
    if outcome.corrects.is_some_and(|corrected| !others.iter().any(|other| other.outcome_id == corrected)) {
        return Err(Error::invalid("corrects", "names nothing that was recorded of this customer"));
    }
    let is_same =
        |other: &&RecordedOutcome| other.corrects == outcome.corrects && other.outcome_id != outcome.outcome_id;
    if let Some(correction) = outcome.corrects.and_then(|_| others.iter().find(is_same)) {
        let reason = format!("was corrected already: correct that record, {}", correction.outcome_id);
        return Err(Error::invalid("corrects", reason));
    }
    if let Some(opened) = outcome.opened_later(others) {
        let reason = format!("is before the day on which the opportunity was opened, {}", opened.date());
        return Err(Error::invalid("occurred_at", reason));
    }
    Ok(())
}

/// The record that a request makes.
fn recorded_outcome(customer_id: &Id, run_id: &RunId, request: &Request<NewOutcome>) -> Result<RecordedOutcome, Error> {
    let (given, known_at) = (&request.body, request.received_at);
    let occurred_at = match &given.occurred_at {
        None => known_at,
        Some(text) => past("occurred_at", text, known_at)?,
    };
    given.check()?;
    Ok(RecordedOutcome {
        outcome_id: request.id("outcome", customer_id, run_id, given),
        customer_id: customer_id.clone(),
        run_id: run_id.clone(),
        kind: given.kind,
        occurred_at,
        known_at,
        opportunity_id: given.opportunity_id.clone(),
        product_id: given.product_id.clone(),
        amount: given.amount.map(|amount| rounded(amount, AMOUNT_DECIMALS)),
        reason: given.reason.clone(),
        corrects: given.corrects,
    })
}

impl NewOutcome {
    /// Whether what is said makes sense by itself.
    fn check(&self) -> Result<(), Error> {
        let is_deal = !matches!(self.kind, OutcomeKind::Accepted | OutcomeKind::Dismissed);
        if self.amount.is_some_and(|amount| !(0.0..=MOST_AMOUNT).contains(&amount) || !is_deal) {
            let reason = "must be from 0 to 10^15, and goes with opportunity_created, won and lost";
            return Err(Error::invalid("amount", reason));
        }
        if self.kind == OutcomeKind::Dismissed && self.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            return Err(Error::invalid("reason", "must say why a recommendation is dismissed"));
        }
        if self.reason.as_ref().is_some_and(|reason| reason.chars().count() > MOST_REASON) {
            return Err(Error::invalid("reason", "must not be longer than 1000 characters"));
        }
        for (name, id) in [("opportunity_id", &self.opportunity_id), ("product_id", &self.product_id)] {
            if id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > MOST_ID) {
                return Err(Error::invalid(name, "must be 1 to 255 characters"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(at: &str, key: Option<&str>, body: &str) -> Result<RecordedOutcome, String> {
        read_of("2026-06-29", at, key, body)
    }

    fn read_of(run: &str, at: &str, key: Option<&str>, body: &str) -> Result<RecordedOutcome, String> {
        let run = RunId::derive(run.parse().expect("a date"), "test", 90);
        let request = Request {
            body: serde_json::from_str(body).map_err(|error| error.to_string())?,
            idempotency_key: key.map(|key| key.parse().expect("a key")),
            received_at: at.parse().expect("an instant"),
        };
        recorded_outcome(&"c-1".into(), &run, &request).map_err(|error| error.to_string())
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
        let later = read_of("2026-06-30", "2026-06-30T12:00:00Z", None, won);
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
    #[test]
    fn a_record_fits_those_that_are_there() {
        let said = |at: &str, key: &str, body: &str| read_at(at, Some(key), body).expect("it is fine");
        let opened = said(
            "2026-06-30T12:00:00Z",
            "opened",
            r#"{"kind":"opportunity_created","opportunity_id":"o-1","occurred_at":"2026-06-20"}"#,
        );
        let won =
            said("2026-07-04T12:00:00Z", "won", r#"{"kind":"won","opportunity_id":"o-1","occurred_at":"2026-06-19"}"#);
        let correcting = |key, corrected: Uuid| {
            said("2026-07-03T12:00:00Z", key, &format!(r#"{{"kind":"lost","corrects":"{corrected}"}}"#))
        };
        let (first, second) = (correcting("a", opened.outcome_id), correcting("b", opened.outcome_id));
        let others = [opened, first.clone()];
        let refused = |outcome: &RecordedOutcome| fits(outcome, &others).expect_err("it does not").to_string();
        assert!(fits(&first, &others).is_ok(), "itself, again");
        assert!(
            refused(&second)
                .starts_with(&format!("corrects: was corrected already: correct that record, {}", first.outcome_id))
        );
        assert!(refused(&correcting("c", Uuid::nil())).contains("names nothing"));
        assert!(fits(&won, &others).is_ok(), "the opening was corrected");
        let still_open = fits(&won, &others[..1]).expect_err("it was opened later").to_string();
        assert_eq!(still_open, "occurred_at: is before the day on which the opportunity was opened, 2026-06-20");
    }
}

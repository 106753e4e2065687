//! The event bus: takes `PutEvents`, checks entries as EventBridge does, and delivers by the template's rules.
//!
//! Delivery is asynchronous, at least once and in no order. With a chaos seed some deliveries are late or come twice,
//! so that code which counts on order or on exactly once fails here first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};

use crate::clock::{fresh_id, now};
use crate::functions::Functions;
use crate::ledger::Ledger;
use crate::pattern;
use crate::queue::Queue;
use crate::roles::{Call, Roles, signer};
use crate::template::{ACCOUNT, REGION, Rule, Target};

/// The most entries one request may have.
const MAX_ENTRIES: usize = 10;
/// The most bytes one request may have, counted as EventBridge counts them.
const MAX_BYTES: usize = 1024 * 1024;
/// The share of deliveries that chaos delays, and the share that it repeats.
const CHAOS_SHARE: f64 = 0.1;
const CHAOS_DELAY_MS: u64 = 500;

pub(crate) struct Bus {
    pub(crate) name: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) roles: Roles,
    pub(crate) functions: Functions,
    pub(crate) queues: BTreeMap<String, Queue>,
    pub(crate) chaos: Option<Chaos>,
    pub(crate) journal: Ledger<Value>,
}

/// The source of delays and repetitions.
pub(crate) struct Chaos(Mutex<ChaCha8Rng>);

impl Chaos {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// The delay of each copy of a delivery.
    fn delays(&self) -> Vec<Duration> {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut delay = |least| Duration::from_millis(rng.random_range(least..CHAOS_DELAY_MS));
        let (late, again) = (delay(1), delay(1));
        let mut delays = vec![if rng.random_bool(CHAOS_SHARE) { late } else { Duration::ZERO }];
        if rng.random_bool(CHAOS_SHARE) {
            delays.push(again);
        }
        delays
    }
}

impl Bus {
    /// Delivers an event, given in full, to the targets of every rule that takes it.
    pub(crate) fn publish(self: &Arc<Self>, event: &Value) {
        self.journal.push(event.clone());
        let taking = self.rules.iter().filter(|rule| pattern::matches(&rule.pattern, event));
        for target in taking.flat_map(|rule| &rule.targets) {
            let delays = self.chaos.as_ref().map_or_else(|| vec![Duration::ZERO], Chaos::delays);
            for delay in delays {
                let underway = self.functions.activity.begin();
                let (bus, target, event) = (Arc::clone(self), target.clone(), event.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    bus.deliver(&target, event);
                    drop(underway);
                });
            }
        }
    }

    fn deliver(&self, target: &Target, event: Value) {
        match target {
            Target::Function(name) => self.functions.invoke_later(name, event),
            Target::Queue(name) => match self.queues.get(name) {
                Some(queue) => queue.send(event.to_string()),
                None => {
                    self.functions.dead_letters.push(json!({"queue": name, "event": event, "error": "no consumer"}));
                }
            },
        }
    }
}

/// The server that the EventBridge client talks to.
pub(crate) fn router(bus: Arc<Bus>) -> Router {
    Router::new().route("/", post(serve)).with_state(bus)
}

async fn serve(State(bus): State<Arc<Bus>>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if operation != "AWSEvents.PutEvents" {
        return refused("UnknownOperationException", &format!("{operation} is not supported by the local stack"));
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(entries) = request["Entries"].as_array() else {
        return refused("SerializationException", "the request has no list of entries");
    };
    if let Err(message) = check_request(entries) {
        return refused("ValidationException", &message);
    }
    if let Err(reason) = bus.roles.check(signer(&headers), entries.iter().map(call)) {
        return refused("AccessDeniedException", &reason);
    }
    answer(StatusCode::OK, &put_events(&bus, entries))
}

/// What putting an entry does.
fn call(entry: &Value) -> Call {
    let bus = named_bus(entry).rsplit('/').next().unwrap_or_default();
    Call {
        action: "events:PutEvents".to_owned(),
        resource: format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{bus}"),
        event_source: entry["Source"].as_str().map(str::to_owned),
        prefix: None,
    }
}

fn named_bus(entry: &Value) -> &str {
    entry["EventBusName"].as_str().unwrap_or("default")
}

fn refused(kind: &str, message: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({"__type": kind, "message": message}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}

fn put_events(bus: &Arc<Bus>, entries: &[Value]) -> Value {
    let results: Vec<_> = entries.iter().map(|entry| put_event(bus, entry)).collect();
    let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
    json!({"FailedEntryCount": failed, "Entries": results})
}

fn put_event(bus: &Arc<Bus>, entry: &Value) -> Value {
    match check_entry(entry, &bus.name) {
        Ok(event) => {
            let id = event["id"].clone();
            bus.publish(&event);
            json!({"EventId": id})
        }
        Err(refusal) => json!({"ErrorCode": refusal.code, "ErrorMessage": refusal.message}),
    }
}

/// What is wrong with a request as a whole, if anything is.
fn check_request(entries: &[Value]) -> Result<(), String> {
    if entries.is_empty() || entries.len() > MAX_ENTRIES {
        return Err(format!("a request has 1 to {MAX_ENTRIES} entries, this one {}", entries.len()));
    }
    let bytes: usize = entries.iter().map(entry_bytes).sum();
    if bytes > MAX_BYTES {
        return Err(format!("the entries have {bytes} bytes together, {MAX_BYTES} are allowed"));
    }
    Ok(())
}

/// An entry's size: 14 bytes for a time, and the length of the other texts.
fn entry_bytes(entry: &Value) -> usize {
    let text = |name: &str| entry[name].as_str().map_or(0, str::len);
    let resources = entry["Resources"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::len);
    let time = if entry.get("Time").is_some() { 14 } else { 0 };
    time + text("Source") + text("DetailType") + text("Detail") + resources.sum::<usize>()
}

#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    message: String,
}

fn refusal<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, message: message.into() })
}

/// The event that an entry stands for.
fn check_entry(entry: &Value, bus: &str) -> Result<Value, Refusal> {
    let text = |name: &'static str| match entry[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => {
            refusal("InvalidArgument", format!("Parameter {name} is not valid. Reason: {name} is a required argument."))
        }
    };
    let (source, detail_type, detail) = (text("Source")?, text("DetailType")?, text("Detail")?);
    if source.starts_with("aws.") {
        return refusal("NotAuthorizedForSourceException", "Not authorized for the source.");
    }
    let named = named_bus(entry);
    if named.rsplit('/').next() != Some(bus) {
        return refusal("ResourceNotFoundException", format!("Event bus {named} does not exist."));
    }
    let Ok(Value::Object(detail)) = serde_json::from_str(detail) else {
        return refusal("MalformedDetail", "Detail is malformed.");
    };
    let resources = entry.get("Resources").cloned().unwrap_or_else(|| json!([]));
    let time = entry["Time"].as_f64().and_then(from_epoch_seconds);
    Ok(event(source, detail_type, &Value::Object(detail), &resources, time))
}

#[allow(clippy::cast_possible_truncation, reason = "an event's time has whole seconds")]
fn from_epoch_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}

/// An event as EventBridge hands it on.
pub(crate) fn event(
    source: &str,
    detail_type: &str,
    detail: &Value,
    resources: &Value,
    time: Option<Timestamp>,
) -> Value {
    let time = time.unwrap_or_else(now);
    let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
    json!({
        "version": "0",
        "id": fresh_id(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": time.to_string(),
        "region": REGION,
        "resources": resources,
        "detail": detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::only;
    use crate::template::{TEXT, Template};

    fn entry() -> Value {
        json!({"EventBusName": "expansion", "Source": "expansion-propensity", "DetailType": "RefreshRequested",
            "Detail": r#"{"version":1}"#, "Time": 1_793_599_200})
    }

    #[test]
    fn an_entry_becomes_a_full_event() {
        let event = check_entry(&entry(), "expansion").expect("a good entry");
        assert_eq!(event["detail"], json!({"version": 1}));
        assert_eq!(event["time"], "2026-11-02T06:00:00Z");
        assert_eq!((&event["region"], &event["resources"]), (&json!("us-east-1"), &json!([])));
        let mut by_arn = entry();
        by_arn["EventBusName"] = json!("arn:aws:events:us-east-1:000000000000:event-bus/expansion");
        assert!(check_entry(&by_arn, "expansion").is_ok());
    }

    #[test]
    fn a_bad_entry_is_refused_with_its_reason() {
        for (field, value, code) in [
            ("Source", json!(""), "InvalidArgument"),
            ("DetailType", Value::Null, "InvalidArgument"),
            ("Detail", Value::Null, "InvalidArgument"),
            ("Detail", json!("[1]"), "MalformedDetail"),
            ("Detail", json!("{"), "MalformedDetail"),
            ("Source", json!("aws.s3"), "NotAuthorizedForSourceException"),
            ("EventBusName", json!("other"), "ResourceNotFoundException"),
            ("EventBusName", Value::Null, "ResourceNotFoundException"),
        ] {
            let mut bad = entry();
            bad[field] = value;
            assert_eq!(check_entry(&bad, "expansion").expect_err("refused").code, code, "{bad}");
        }
    }

    #[test]
    fn a_request_is_bounded_in_entries_and_bytes() {
        assert!(check_request(&[]).is_err());
        assert!(check_request(&vec![entry(); 10]).is_ok());
        assert!(check_request(&vec![entry(); 11]).is_err());
        let mut big = entry();
        big["Detail"] = json!("x".repeat(MAX_BYTES / 2));
        assert!(check_request(&[big.clone()]).is_ok());
        assert!(check_request(&[big.clone(), big]).is_err());
    }

    #[tokio::test]
    async fn only_matching_events_are_delivered_and_each_entry_has_its_result() {
        let functions = only("trainer", 0, |_| {
            Err(crate::FunctionError { error_type: "Seen".to_owned(), error_message: "by the trainer".to_owned() })
        });
        let rule = Rule {
            pattern: json!({"detail-type": ["RefreshRequested"]}),
            targets: vec![Target::Function("trainer".to_owned())],
        };
        let (name, queues) = ("expansion".to_owned(), BTreeMap::new());
        let bus = Arc::new(Bus {
            name,
            rules: vec![rule],
            roles: Roles::of(&Template::parse(TEXT, "").expect("the template parses")),
            functions: functions.clone(),
            queues,
            chaos: None,
            journal: Ledger::default(),
        });
        let (mut other, mut bad) = (entry(), entry());
        other["DetailType"] = json!("ModelTrained");
        bad["Detail"] = json!("no");

        let result = put_events(&bus, &[entry(), other, bad]);
        functions.activity.idle().await;
        assert_eq!(result["FailedEntryCount"], 1);
        assert_eq!(result["Entries"][2]["ErrorCode"], "MalformedDetail");
        let delivered = functions.dead_letters.all();
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0]["event"]["id"], result["Entries"][0]["EventId"]);
    }

    #[test]
    fn chaos_is_rare_and_repeatable() {
        let draw = |seed| {
            let chaos = Chaos::new(seed);
            (0..1000).map(|_| chaos.delays()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        let twice = draw(7).iter().filter(|delays| delays.len() == 2).count();
        assert!((50..200).contains(&twice), "{twice}");
    }
}

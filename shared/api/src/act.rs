//! `POST /api/customers/{id}/expansion-propensity/actions`: what a CSM does next about a recommendation.

use expansion_domain::{
    ActionKind, ActionRequest, Envelope, ExpansionActionRequested, Id, Instant, RecordedAction, RunId,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::idempotency::check_key;
use crate::{InvalidParameter, Problem};

/// The longest note that is taken, in characters.
const MOST_NOTE: usize = 1_000;
/// How long a meeting may be, in minutes.
const DURATIONS: std::ops::RangeInclusive<u16> = 5..=480;

/// What was asked for, once it makes sense as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCommand {
    /// What is to be done.
    pub request: ActionRequest,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// Under which key.
    pub idempotency_key: Option<String>,
}

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ActionAnswer {
    /// The record; asking again with the same `Idempotency-Key` answers with the same.
    #[serde(flatten)]
    pub record: RecordedAction,
    /// Whether nothing was stored and nothing sent.
    pub dry_run: bool,
    /// The event that hands it to whoever does it.
    pub event: Envelope<ExpansionActionRequested>,
    /// A meeting as an iCalendar file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// A proposal as Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_markdown: Option<String>,
    /// A proposal as an HTML document of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_html: Option<String>,
}

/// Reads what is to be done. All that is wrong is named at once.
///
/// # Errors
/// A 400 problem for a key or body that makes no sense, naming the parameters.
pub fn action_command(key: Option<&str>, body: &[u8]) -> Result<ActionCommand, Problem> {
    check_key(key)?;
    let fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|e| Problem::invalid_body(format!("must be a JSON object: {e}")))?;
    let mut fields = Fields { fields, wrong: Vec::new() };

    let kinds = "must be create_opportunity, schedule_meeting or generate_proposal";
    let action: Option<ActionKind> = fields.required("action", kinds);
    let dry_run: bool = fields.optional("dry_run", "must be true or false").unwrap_or_default();
    let product_id: Option<Id> = fields.optional("product_id", "must be a product's id");
    let starts_at: Option<String> = fields.optional("starts_at", "must be an RFC 3339 time");
    let starts_at = starts_at.and_then(|text| fields.time(&text));
    let duration: Option<u16> = fields.optional("duration_minutes", "must be a whole number from 5 to 480");
    let note: Option<String> = fields.optional("note", "must be a text");

    fields.refuse_if(duration.is_some_and(|d| !DURATIONS.contains(&d)), "duration_minutes", "must be from 5 to 480");
    let is_bad_note = note.as_ref().is_some_and(|note| note.chars().count() > MOST_NOTE || note.trim().is_empty());
    fields.refuse_if(is_bad_note, "note", "must be 1 to 1000 characters");
    if action.is_some_and(|action| action != ActionKind::ScheduleMeeting) {
        let why = "goes with schedule_meeting only";
        fields.refuse_if(starts_at.is_some(), "starts_at", why);
        fields.refuse_if(duration.is_some(), "duration_minutes", why);
    }
    match (action, fields.wrong()) {
        (Some(action), wrong) if wrong.is_empty() => Ok(ActionCommand {
            request: ActionRequest { action, product_id, starts_at, duration_minutes: duration, note },
            dry_run,
            idempotency_key: key.map(str::to_owned),
        }),
        (_, wrong) => Err(Problem::invalid_parameters(wrong)),
    }
}

/// The id of the action that a request at `requested_at` stands for: of its idempotency key, or, where there is none, of
/// the run, the day and what is asked for. A second click is no second action.
#[must_use]
pub fn action_id(customer_id: &str, run_id: &RunId, command: &ActionCommand, requested_at: Instant) -> Uuid {
    let asked = || serde_json::to_string(&command.request).unwrap_or_default();
    let seed = match &command.idempotency_key {
        Some(key) => format!("key {key}"),
        None => format!("{run_id} {} {}", requested_at.date(), asked()),
    };
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("expansion-propensity:action:{customer_id}:{seed}").as_bytes())
}

/// A body's fields, as they are taken out one by one, and what is wrong with them.
struct Fields {
    fields: Map<String, Value>,
    wrong: Vec<InvalidParameter>,
}

impl Fields {
    /// A field that may be absent, or null.
    fn optional<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.fields.remove(name).filter(|value| !value.is_null())?;
        let parsed = serde_json::from_value(value).ok();
        self.refuse_if(parsed.is_none(), name, expected);
        parsed
    }

    fn required<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let is_absent = self.fields.get(name).is_none_or(Value::is_null);
        self.refuse_if(is_absent, name, expected);
        self.optional(name, expected)
    }

    /// A time to the second; a date alone is none.
    fn time(&mut self, text: &str) -> Option<Instant> {
        let time = text.parse::<Instant>().ok().filter(|_| text.contains(':')).map(Instant::whole_second);
        self.refuse_if(time.is_none(), "starts_at", "must be an RFC 3339 time");
        time
    }

    fn refuse_if(&mut self, is_wrong: bool, name: &str, reason: &str) {
        // The first thing that is wrong with a parameter is enough.
        if is_wrong && self.wrong.iter().all(|wrong| wrong.name != name) {
            self.wrong.push(InvalidParameter { name: name.to_owned(), reason: reason.to_owned() });
        }
    }

    /// All that is wrong; what was not taken out is not known.
    fn wrong(mut self) -> Vec<InvalidParameter> {
        let unknown = self.fields.into_iter().map(|(name, _)| name);
        self.wrong.extend(unknown.map(|name| InvalidParameter { name, reason: "is not known".to_owned() }));
        self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ActionCommand, Vec<String>> {
        action_command(None, body.as_bytes())
            .map_err(|problem| problem.invalid_parameters.into_iter().map(|parameter| parameter.name).collect())
    }

    #[test]
    fn each_bad_thing_is_refused_by_name() {
        let note = |length: usize| format!(r#"{{"action":"create_opportunity","note":"{}"}}"#, "n".repeat(length));
        for (body, named) in [
            ("{}", "action"),
            (r#"{"action":null}"#, "action"),
            (r#"{"action":"eat"}"#, "action"),
            (r#"{"action":"create_opportunity","dry_run":"yes"}"#, "dry_run"),
            (r#"{"action":"create_opportunity","product_id":7}"#, "product_id"),
            (r#"{"action":"create_opportunity","starts_at":"2026-07-01T09:00:00Z"}"#, "starts_at"),
            (r#"{"action":"generate_proposal","duration_minutes":45}"#, "duration_minutes"),
            (r#"{"action":"schedule_meeting","starts_at":"2026-07-01"}"#, "starts_at"),
            (r#"{"action":"schedule_meeting","starts_at":"soon: now"}"#, "starts_at"),
            (r#"{"action":"schedule_meeting","duration_minutes":4}"#, "duration_minutes"),
            (r#"{"action":"schedule_meeting","duration_minutes":481}"#, "duration_minutes"),
            (r#"{"action":"schedule_meeting","duration_minutes":45.5}"#, "duration_minutes"),
            (r#"{"action":"schedule_meeting","duration_minutes":100000}"#, "duration_minutes"),
            (r#"{"action":"create_opportunity","note":" "}"#, "note"),
            (&note(1001), "note"),
            (r#"{"action":"create_opportunity","colour":1}"#, "colour"),
        ] {
            assert_eq!(read(body).expect_err(body), [named], "{body}");
        }
        assert_eq!(read(r#"{"action":1,"note":2,"colour":3}"#).expect_err("three"), ["action", "note", "colour"]);
        assert!(read(&note(1000)).is_ok());
        for body in ["", "[]", "{", "null", "\"create_opportunity\""] {
            assert_eq!(action_command(None, body.as_bytes()).map_err(|problem| problem.status), Err(400), "{body}");
        }
        for key in ["", "a b", "ü"] {
            let refused = action_command(Some(key), b"{}").expect_err(key);
            assert_eq!(refused.invalid_parameters[0].name, "Idempotency-Key");
        }
    }

    #[test]
    fn a_meeting_has_its_parameters_to_the_second() {
        let body = r#"{"action":"schedule_meeting","starts_at":"2026-07-01T11:00:00.25+02:00","duration_minutes":5}"#;
        let command = read(body).expect("it is fine");
        assert_eq!(command.request.starts_at.map(|at| at.to_string()).as_deref(), Some("2026-07-01T09:00:00Z"));
        assert_eq!((command.request.duration_minutes, command.dry_run), (Some(5), false));
    }

    #[test]
    fn a_key_is_one_action_and_without_one_the_same_request_on_a_day_is() {
        let at = |text: &str| text.parse::<Instant>().expect("an instant");
        let run = |day: &str| RunId::derive(at(day), "test", 90);
        let (june, july) = (run("2026-06-30"), run("2026-07-07"));
        let (noon, evening, morrow) = (at("2026-07-08T12:00:00Z"), at("2026-07-08T20:00:00Z"), at("2026-07-09"));
        let (open, meet) = (r#"{"action":"create_opportunity"}"#, r#"{"action":"schedule_meeting"}"#);
        let asked = |key: Option<&str>, body: &str| action_command(key, body.as_bytes()).expect("it is fine");
        let keyed = |customer: &str, run, body, at| action_id(customer, run, &asked(Some("k"), body), at);
        assert_eq!(keyed("c-1", &june, open, noon), keyed("c-1", &july, meet, morrow));
        assert_ne!(keyed("c-1", &june, open, noon), keyed("c-2", &june, open, noon));
        let id = |run, body, at| action_id("c-1", run, &asked(None, body), at);
        let same = r#"{ "dry_run": true, "action": "create_opportunity" }"#;
        assert_eq!(id(&june, open, noon), id(&june, same, evening));
        assert_ne!(id(&june, open, noon), id(&june, open, morrow));
        assert_ne!(id(&june, open, noon), id(&july, open, noon));
        assert_ne!(id(&june, open, noon), id(&june, meet, noon));
        assert_ne!(id(&june, open, noon), keyed("c-1", &june, open, noon));
    }
}

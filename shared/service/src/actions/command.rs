//! What may be asked for, read field by field so that all that is wrong is named at once.

use std::ops::RangeInclusive;

use expansion_domain::{ActionKind, ActionRequest, Id, Instant};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, InvalidParameter};

/// The longest note that is taken, in characters.
const MOST_NOTE: usize = 1_000;
/// How long a meeting may be, in minutes.
const DURATIONS: RangeInclusive<u16> = 5..=480;

/// What is asked for, once it makes sense as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCommand {
    /// What is to be done.
    pub request: ActionRequest,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

impl TryFrom<Map<String, Value>> for ActionCommand {
    type Error = Error;

    fn try_from(fields: Map<String, Value>) -> Result<Self, Error> {
        let mut fields = Fields { fields, wrong: Vec::new() };

        let kinds = "must be create_opportunity, schedule_meeting or generate_proposal";
        let action: Option<ActionKind> = fields.required("action", kinds);
        let dry_run: bool = fields.optional("dry_run", "must be true or false").unwrap_or_default();
        let product_id: Option<Id> = fields.optional("product_id", "must be a product's id");
        let starts_at: Option<String> = fields.optional("starts_at", "must be an RFC 3339 time");
        let starts_at = starts_at.and_then(|text| fields.time(&text));
        let duration: Option<u16> = fields.optional("duration_minutes", "must be a whole number from 5 to 480");
        let note: Option<String> = fields.optional("note", "must be a text");

        fields.refuse_if(
            duration.is_some_and(|d| !DURATIONS.contains(&d)),
            "duration_minutes",
            "must be from 5 to 480",
        );
        let is_bad_note = note.as_ref().is_some_and(|note| note.chars().count() > MOST_NOTE || note.trim().is_empty());
        fields.refuse_if(is_bad_note, "note", "must be 1 to 1000 characters");
        if action.is_some_and(|action| action != ActionKind::ScheduleMeeting) {
            let why = "goes with schedule_meeting only";
            fields.refuse_if(starts_at.is_some(), "starts_at", why);
            fields.refuse_if(duration.is_some(), "duration_minutes", why);
        }
        match (action, fields.wrong()) {
            (Some(action), wrong) if wrong.is_empty() => Ok(Self {
                request: ActionRequest { action, product_id, starts_at, duration_minutes: duration, note },
                dry_run,
            }),
            (_, wrong) => Err(Error::InvalidParameters(wrong)),
        }
    }
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
            self.wrong.push(InvalidParameter::new(name, reason));
        }
    }

    /// All that is wrong; what was not taken out is not known.
    fn wrong(mut self) -> Vec<InvalidParameter> {
        let unknown = self.fields.into_iter().map(|(name, _)| name);
        self.wrong.extend(unknown.map(|name| InvalidParameter::new(name, "is not known")));
        self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ActionCommand, Vec<String>> {
        let fields: Map<String, Value> = serde_json::from_str(body).expect("an object");
        ActionCommand::try_from(fields).map_err(|error| match error {
            Error::InvalidParameters(wrong) => wrong.into_iter().map(|parameter| parameter.name).collect(),
            other => panic!("{other}"),
        })
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
    }

    #[test]
    fn a_meeting_has_its_parameters_to_the_second() {
        let body = r#"{"action":"schedule_meeting","starts_at":"2026-07-01T11:00:00.25+02:00","duration_minutes":5}"#;
        let command = read(body).expect("it is fine");
        assert_eq!(command.request.starts_at.map(|at| at.to_string()).as_deref(), Some("2026-07-01T09:00:00Z"));
        assert_eq!((command.request.duration_minutes, command.dry_run), (Some(5), false));
    }
}

//! `POST /api/customers/{id}/expansion-propensity/actions`: what a CSM does next about a recommendation.
//!
//! The answer is JSON, or the paper itself for whoever asks for it by media type.

use std::borrow::Cow;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode as DescribedStatus};
use aide::{OperationInput, OperationOutput};
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use expansion_domain::{ActionKind, Id};
use expansion_service::actions::{ActionAnswer, ActionCommand, Actions};
use expansion_service::{Config, ConfigError, Request};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::describe::{self, Describe};
use crate::respond::entries;
use crate::{Answer, Caller, CustomerId, Identity, Key, Method, Problem, Shared, Surface, extract};

const CALENDAR: &str = "text/calendar";
const HTML: &str = "text/html";
const JSON: &str = "application/json";
/// What is shown may do nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Puts actions on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let actions = Shared::new(config, Actions::new(config)?)?;
    Ok(surface.route(Method::Post, "/api/customers/{id}/expansion-propensity/actions", act, actions, |op| {
        op.id("act")
            .tag("Outcomes")
            .summary("What a CSM does next, handed to whoever does it.")
            .example(json!({"action": "schedule_meeting", "duration_minutes": 45, "dry_run": true}))
            .says(200, "What would be done, with `dry_run`.")
            .says(201, "What is done; the same request again is answered with the same.")
            .refuses(&[400, 404, 409])
    }))
}

async fn act(
    State(actions): State<Shared<Actions>>,
    Caller(caller): Caller,
    CustomerId(id): CustomerId,
    identity: Identity,
    Key(idempotency_key): Key,
    headers: HeaderMap,
    ActionBody(body): ActionBody,
) -> Result<Action, Problem> {
    let subject = identity.claim("sub").map(Id::from);
    let request = Request { body, idempotency_key, received_at: identity.received_at };
    let papers = Papers { calendar: prefers(&headers, CALENDAR), html: prefers(&headers, HTML) };
    Ok(Action { papers, answer: actions.act(&caller, subject, &id, &request).await? })
}

/// What is to be done, read field by field.
struct ActionBody(ActionCommand);

impl<S: Send + Sync> FromRequest<S> for ActionBody {
    type Rejection = Problem;

    async fn from_request(request: HttpRequest, _: &S) -> Result<Self, Problem> {
        let body = extract::bytes(request).await?;
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body)
            .map_err(|error| Problem::invalid_body(format!("must be a JSON object: {error}")))?;
        Ok(Self(fields.try_into()?))
    }
}

impl OperationInput for ActionBody {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::body::<Self>(operation, true);
    }
}

impl JsonSchema for ActionBody {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ActionBody".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let is_meeting = json!({"properties": {"action": {"const": ActionKind::ScheduleMeeting}}});
        json_schema!({
            "type": "object",
            "properties": {
                "action": schemas.subschema_for::<ActionKind>(),
                "dry_run": {"type": ["boolean", "null"], "description": "Whether only to say what would be done."},
                "product_id": {
                    "type": ["string", "null"],
                    "description": "One of the customer's recommended products; the first of them where none is named.",
                },
                "starts_at": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "description": "When the meeting is to begin, not in the past; without it, a time is found.",
                },
                "duration_minutes": {
                    "type": ["integer", "null"],
                    "minimum": 5,
                    "maximum": 480,
                    "description": "How long the meeting is to be.",
                },
                "note": {
                    "type": ["string", "null"],
                    "pattern": "\\S",
                    "maxLength": 1000,
                    "description": "What is to be passed on.",
                },
            },
            "required": ["action"],
            "additionalProperties": false,
            "if": is_meeting,
            "else": {"properties": {"starts_at": {"type": "null"}, "duration_minutes": {"type": "null"}}},
        })
    }
}

/// Which papers the client would rather have than JSON.
struct Papers {
    calendar: bool,
    html: bool,
}

/// Whether a client names a media type, and JSON not or later or with a lower quality.
fn prefers(headers: &HeaderMap, media_type: &str) -> bool {
    let mut best: (&str, f32) = (JSON, 0.0);
    for range in entries(headers.get_all(header::ACCEPT)) {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let known = [media_type, JSON].into_iter().find(|known| named.eq_ignore_ascii_case(known));
        if let Some(known) = known
            && quality > best.1
        {
            best = (known, quality);
        }
    }
    best.0 == media_type
}

/// An action in the form that the client would rather have: 201 for what is done, 200 for what would be.
struct Action {
    papers: Papers,
    answer: ActionAnswer,
}

impl Action {
    /// The answer's paper as a file to save, if it has one and that is wanted.
    fn paper(&mut self) -> Option<Response> {
        let id = &self.answer.record.customer_id;
        if self.papers.calendar
            && let Some(text) = self.answer.documents.calendar.take()
        {
            return Some(file("text/calendar; charset=utf-8", &file_name("meeting", id, "ics"), text));
        }
        if self.papers.html
            && let Some(text) = self.answer.documents.proposal_html.take()
        {
            return Some(file("text/html; charset=utf-8", &file_name("proposal", id, "html"), text));
        }
        None
    }
}

impl IntoResponse for Action {
    fn into_response(mut self) -> Response {
        let status = if self.answer.dry_run { StatusCode::OK } else { StatusCode::CREATED };
        let mut response = self.paper().unwrap_or_else(|| Answer::<_>(self.answer).into_response());
        *response.status_mut() = status;
        response
    }
}

/// A text to be saved under a name.
fn file(media_type: &'static str, name: &str, text: String) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    (headers, text).into_response()
}

/// A name that every system takes: of the customer's id, only letters, digits, `-` and `_`.
fn file_name(what: &str, customer_id: &str, extension: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let id: String = customer_id.chars().map(kept).take(80).collect();
    format!("{what}-{id}.{extension}")
}

impl OperationOutput for Action {
    type Inner = ActionAnswer;

    fn inferred_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<DescribedStatus>, Described)> {
        let response = describe::answer::<ActionAnswer>(ctx, &[CALENDAR, HTML]);
        [200, 201].map(|status| (Some(DescribedStatus::Code(status)), response.clone())).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_the_paper_first_gets_it() {
        for (accept, wanted) in [
            ("text/html", true),
            ("Text/HTML; charset=utf-8", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html, application/json", true),
            ("application/json, text/html", false),
            ("application/json;q=0.5, text/html;q=0.9", true),
            ("text/html;q=0", false),
            ("text/calendar", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(prefers(&headers, HTML), wanted, "{accept}");
        }
        assert!(!prefers(&HeaderMap::new(), HTML));
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("meeting", "a/b\"\r\nc:ü_1", "ics"), "meeting-a-b---c--_1.ics");
    }
}

//! What each route does, takes, answers and refuses.
//!
//! Refusals are those of the functions, beside 401, 500 and 503, which all of them give, and 403, which whatever changes
//! something gives.

use expansion_domain::{ActionKind, ModelCommandRequested};
use serde_json::{Value, json};

use crate::openapi::{Schemas, parameters};
use crate::{
    AccuracyAnswer, ActionAnswer, AskAnswer, CustomerAnswer, ListAnswer, ModelsAnswer, OutcomeAnswer, RunView,
    SegmentsAnswer, WhatIfAnswer, ask, models, outcome, refresh, what_if,
};

const LIST: &str = "/api/analytics/expansion-propensity";
const CUSTOMER: &str = "/api/customers/{id}/expansion-propensity";
const WHAT_IF: &str = "/api/customers/{id}/expansion-propensity/what-if";
const OUTCOME: &str = "/api/customers/{id}/expansion-propensity/outcome";
const ACTIONS: &str = "/api/customers/{id}/expansion-propensity/actions";
const ASK: &str = "/api/analytics/expansion-propensity/ask";
const SEGMENTS: &str = "/api/analytics/expansion-propensity/segments";
const ACCURACY: &str = "/api/analytics/expansion-propensity/accuracy";
const MODELS: &str = "/api/analytics/expansion-propensity/models";
const REFRESH: &str = "/api/analytics/expansion-propensity/refresh";
const REFRESH_STATE: &str = "/api/analytics/expansion-propensity/refresh/{run_id}";

/// What can be asked at a route.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Value>,
    pub(crate) body: Option<Body>,
    /// The statuses of an answer, each with what it then is, in words.
    pub(crate) says: Vec<(u16, &'static str)>,
    /// The answer's schema.
    pub(crate) answer: Value,
    /// The media types that it may have instead of JSON.
    pub(crate) papers: &'static [&'static str],
    /// The statuses of refusals that not every function gives.
    pub(crate) refusals: &'static [u16],
    /// What can be asked next with what the answer says.
    pub(crate) links: Option<Value>,
}

/// What a request carries.
pub(crate) struct Body {
    pub(crate) schema: Value,
    pub(crate) is_required: bool,
    pub(crate) example: Value,
}

impl Operation {
    /// A question with an answer, without parameters.
    fn get(path: &'static str, id: &'static str, tag: &'static str, answer: Value) -> Self {
        Self {
            method: "GET",
            path,
            id,
            tag,
            summary: "",
            parameters: Vec::new(),
            body: None,
            says: Vec::new(),
            answer,
            papers: &[],
            refusals: &[],
            links: None,
        }
    }

    /// A request with a body, such as the example.
    fn post(path: &'static str, id: &'static str, tag: &'static str, body: (Value, Value), answer: Value) -> Self {
        let (schema, example) = body;
        let body = Some(Body { schema, is_required: true, example });
        Self { method: "POST", body, ..Self::get(path, id, tag, answer) }
    }
}

/// Every operation.
pub(crate) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all: Vec<Operation> = about_scores(schemas).into();
    all.extend(about_one_customer(schemas));
    all.extend(about_what_is_done(schemas));
    all.extend(about_models(schemas));
    all.extend(about_refreshes(schemas));
    all
}

fn about_scores(schemas: &mut Schemas) -> [Operation; 3] {
    let first = "$response.body#/data/0/customer_id";
    let question = (schemas.body::<ask::Body>(), json!({"question": "Which accounts are ready to expand?"}));
    [
        Operation {
            summary: "Customers, best first.",
            parameters: parameters::list(),
            says: vec![(
                200,
                "A page of the customers that the caller may see, of the current run or of the cursor's.",
            )],
            refusals: &[400, 404],
            links: Some(json!({
                "best": {"operationId": "getCustomer", "parameters": {"id": first}},
                "run": {"operationId": "getRefresh", "parameters": {"run_id": "$response.body#/run/run_id"}},
            })),
            ..Operation::get(LIST, "listCustomers", "Scores", schemas.answer::<ListAnswer>())
        },
        Operation {
            summary: "How the segments differ, as the current run's model found.",
            says: vec![(200, "All customers first, then segment by segment.")],
            refusals: &[400, 404],
            ..Operation::get(SEGMENTS, "listSegments", "Scores", schemas.answer::<SegmentsAnswer>())
        },
        Operation {
            summary: "A question in words, answered from what runs have stored.",
            says: vec![(200, "The answer in words, and what it rests on.")],
            refusals: &[400, 404],
            ..Operation::post(ASK, "ask", "Scores", question, schemas.answer::<AskAnswer>())
        },
    ]
}

fn about_one_customer(schemas: &mut Schemas) -> [Operation; 3] {
    let changes = (schemas.body::<what_if::Body>(), json!({"changes": {"health_score": 90}}));
    [
        Operation {
            summary: "Everything about one customer: factors with points, products, approach, movement, history, model.",
            parameters: vec![parameters::customer()],
            says: vec![(200, "The customer in the current run.")],
            refusals: &[404],
            ..Operation::get(CUSTOMER, "getCustomer", "Scores", schemas.answer::<CustomerAnswer>())
        },
        Operation {
            summary: "The smallest improvement that lifts the score to a target.",
            parameters: vec![parameters::customer(), parameters::target()],
            says: vec![(200, "The improvement, or what comes closest.")],
            refusals: &[400, 404],
            ..Operation::get(WHAT_IF, "findChanges", "Scores", schemas.answer::<WhatIfAnswer>())
        },
        Operation {
            summary: "The score with other values.",
            parameters: vec![parameters::customer()],
            says: vec![(200, "The score with the values tried.")],
            refusals: &[400, 404],
            ..Operation::post(WHAT_IF, "tryChanges", "Scores", changes, schemas.answer::<WhatIfAnswer>())
        },
    ]
}

fn about_what_is_done(schemas: &mut Schemas) -> [Operation; 2] {
    let won = (schemas.body::<outcome::Body>(), json!({"kind": "won", "amount": 12000, "occurred_at": "2026-06-29"}));
    let meeting = (action(schemas), json!({"action": "schedule_meeting", "duration_minutes": 45, "dry_run": true}));
    [
        Operation {
            summary: "Records what became of a recommendation.",
            parameters: vec![parameters::customer(), parameters::idempotency_key()],
            says: vec![(201, "What is on record; the same request again is answered with the same.")],
            refusals: &[400, 404, 409],
            ..Operation::post(OUTCOME, "recordOutcome", "Outcomes", won, schemas.answer::<OutcomeAnswer>())
        },
        Operation {
            summary: "What a CSM does next, handed to whoever does it.",
            parameters: vec![parameters::customer(), parameters::idempotency_key()],
            says: vec![
                (200, "What would be done, with `dry_run`."),
                (201, "What is done; the same request again is answered with the same."),
            ],
            papers: &["text/calendar", "text/html"],
            refusals: &[400, 404, 409],
            ..Operation::post(ACTIONS, "act", "Outcomes", meeting, schemas.answer::<ActionAnswer>())
        },
    ]
}

fn about_models(schemas: &mut Schemas) -> [Operation; 3] {
    let command = json!({"allOf": [schemas.body::<ModelCommandRequested>(), models::conditions()]});
    let pin = (command, json!({"action": "pin", "generation": 1}));
    [
        Operation {
            summary: "How right past runs were.",
            parameters: parameters::accuracy(),
            says: vec![(200, "The runs, newest first.")],
            refusals: &[400, 404],
            ..Operation::get(ACCURACY, "getAccuracy", "Models", schemas.answer::<AccuracyAnswer>())
        },
        Operation {
            summary: "The live model, and every challenger with figures, verdict and decision.",
            says: vec![(200, "The models on record, newest first.")],
            ..Operation::get(MODELS, "listModels", "Models", schemas.answer::<ModelsAnswer>())
        },
        Operation {
            summary: "Changes the live model by hand; for managers.",
            says: vec![(200, "The models after the change.")],
            refusals: &[400, 409],
            ..Operation::post(MODELS, "changeModel", "Models", pin, schemas.answer::<ModelsAnswer>())
        },
    ]
}

fn about_refreshes(schemas: &mut Schemas) -> [Operation; 2] {
    let example = json!({"as_of": "2026-06-30"});
    let body = Body { schema: schemas.body::<refresh::Body>(), is_required: false, example };
    let links = json!({"state": {"operationId": "getRefresh", "parameters": {"run_id": "$response.body#/run_id"}}});
    [
        Operation {
            method: "POST",
            summary: "Asks for a refresh: train on what was known, then score every customer; for managers.",
            parameters: vec![parameters::idempotency_key()],
            body: Some(body),
            says: vec![(202, "The run, which is yet to be worked on or was asked for before.")],
            refusals: &[400, 409],
            links: Some(links),
            ..Operation::get(REFRESH, "requestRefresh", "Refreshes", schemas.answer::<RunView>())
        },
        Operation {
            summary: "How far a refresh is.",
            parameters: vec![parameters::run_in_path()],
            says: vec![(200, "The run.")],
            refusals: &[404],
            ..Operation::get(REFRESH_STATE, "getRefresh", "Refreshes", schemas.answer::<RunView>())
        },
    ]
}

/// The schema of an action's body, as `action_command` reads it.
fn action(schemas: &mut Schemas) -> Value {
    let is_meeting = json!({"properties": {"action": {"const": ActionKind::ScheduleMeeting}}});
    json!({
        "type": "object",
        "properties": {
            "action": schemas.body::<ActionKind>(),
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

//! The parameters with their bounds, as those who parse them check them.

use expansion_domain::RunId;
use expansion_records::Order;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// What an `Idempotency-Key` must be.
const KEY: &str = "^[!-~]{1,255}$";

/// The customer that a path is about.
pub(crate) fn customer() -> Value {
    of_path("id", "The customer's id.", &json!({"type": "string", "minLength": 1}))
}

/// The run that a path is about.
pub(crate) fn run_in_path() -> Value {
    of_path("run_id", "The run's id.", &run_id())
}

/// The parameters of the list of customers.
pub(crate) fn list() -> Vec<Value> {
    let orders: Vec<&str> = Order::ALL.iter().map(|order| order.name()).collect();
    vec![
        query("limit", "Rows wanted.", &whole(1, 200, Some(50))),
        query(
            "cursor",
            "Where the list goes on: `next_cursor` of the page before, with the same other parameters.",
            &text(),
        ),
        query("csm_id", "Only this CSM's customers; for a CSM always their own.", &text()),
        query("segment", "Only this segment.", &text()),
        query("product_id", "Only customers to whom this product is recommended.", &text()),
        query("q", "Only customers whose name or id has this in it, in any case of letters.", &text()),
        query("min_score", "Only scores from here on.", &whole(0, 100, Some(0))),
        query(
            "confidence",
            "Only this confidence; any case of letters is taken.",
            &json!({"type": "string", "enum": ["High", "Medium", "Low"]}),
        ),
        query(
            "sort",
            "What comes first.",
            &json!({"type": "string", "enum": orders, "default": Order::default().name()}),
        ),
        query(
            "per_csm",
            "Each CSM's best so many; sorted by priority without those better left alone.",
            &whole(1, 100, None),
        ),
    ]
}

/// The parameters of how right past runs were.
pub(crate) fn accuracy() -> Vec<Value> {
    vec![
        query("run", "Only this run.", &run_id()),
        query("segment", "Figures of this segment instead of all customers.", &text()),
        query("horizon", "Only after so many days.", &whole(1, 730, None)),
    ]
}

/// The score to be reached.
pub(crate) fn target() -> Value {
    let mut target = query("target", "The score to be reached.", &whole(2, 99, None));
    target["required"] = true.into();
    target
}

/// The key under which a repetition is recognised.
pub(crate) fn idempotency_key() -> Value {
    let description = "The same key again is the same request again: visible ASCII characters.";
    of_header("Idempotency-Key", description, &json!({"type": "string", "pattern": KEY}))
}

/// What the caller has.
pub(crate) fn if_none_match() -> Value {
    of_header("If-None-Match", "`ETag` of the answer that the caller has.", &text())
}

fn of_path(name: &str, description: &str, schema: &Value) -> Value {
    json!({"in": "path", "name": name, "description": description, "required": true, "schema": schema})
}

fn of_header(name: &str, description: &str, schema: &Value) -> Value {
    json!({"in": "header", "name": name, "description": description, "schema": schema})
}

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({"in": "query", "name": name, "description": description, "schema": schema})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn whole(least: u16, most: u16, default: Option<u16>) -> Value {
    let mut schema = json!({"type": "integer", "minimum": least, "maximum": most});
    if let Some(default) = default {
        schema["default"] = default.into();
    }
    schema
}

fn run_id() -> Value {
    SchemaSettings::draft2020_12().into_generator().subschema_for::<RunId>().to_value()
}

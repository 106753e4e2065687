//! The API's description as a page, made from the same document that programs read.

use std::sync::LazyLock;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use expansion_http::{Caller, OPENAPI, Problem, Shared};
use serde_json::Value;

use crate::Dashboard;
use crate::page::{Page, Refused};

/// The API's description, read once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(OPENAPI).unwrap_or_default());

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    operations: Vec<Operation>,
    schemas: Vec<Schema>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Parameter>,
    body: Option<String>,
    responses: Vec<(String, String, Option<String>)>,
}

struct Parameter {
    name: String,
    place: String,
    description: String,
    required: bool,
}

struct Schema {
    name: String,
    description: String,
    properties: Vec<(String, String, String)>,
}

/// The description as programs read it; it is nobody's secret.
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// The page.
pub(crate) async fn page(_: State<Shared<Dashboard>>, caller: Result<Caller, Problem>) -> Result<Page, Refused> {
    caller?;
    Page::of(&Docs::of(&DOCUMENT))
}

impl Docs {
    fn of(document: &Value) -> Self {
        let operations = members(&document["paths"]).flat_map(|(path, methods)| {
            members(methods).map(move |(method, operation)| operation_of(document, path, method, operation))
        });
        let schemas = members(&document["components"]["schemas"]).map(|(name, schema)| Schema {
            name: name.clone(),
            description: text(&schema["description"]),
            properties: properties(schema),
        });
        Self { operations: operations.collect(), schemas: schemas.collect() }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operation_of(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let parameter = resolved(document, parameter);
        Parameter {
            name: text(&parameter["name"]),
            place: text(&parameter["in"]),
            description: text(&parameter["description"]),
            required: parameter["required"] == true,
        }
    });
    let responses = members(&operation["responses"]).map(|(status, response)| {
        let response = resolved(document, response);
        (status.clone(), text(&response["description"]), schema_of(response))
    });
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        parameters: parameters.collect(),
        body: schema_of(&operation["requestBody"]),
        responses: responses.collect(),
    }
}

/// What a reference within the document stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The name of the schema of a body.
fn schema_of(body: &Value) -> Option<String> {
    let (_, content) = members(&body["content"]).next()?;
    name_of(&content["schema"])
}

fn name_of(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.rsplit('/').next().map(str::to_owned)
}

fn properties(schema: &Value) -> Vec<(String, String, String)> {
    let property = |(name, schema): (&String, &Value)| (name.clone(), kind_of(schema), text(&schema["description"]));
    members(&schema["properties"]).map(property).collect()
}

/// A schema's type in a few words.
fn kind_of(schema: &Value) -> String {
    if let Some(name) = name_of(schema) {
        return name;
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => {
            let options = ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
            options.map(kind_of).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_told_and_its_schemas_too() {
        let docs = Docs::of(&DOCUMENT);
        let list = docs.operations.iter().find(|op| op.path == "/api/analytics/expansion-propensity");
        let list = list.expect("the list is told of");
        assert_eq!((&*list.method, &*list.summary), ("GET", "Customers, best first."));
        assert!(list.parameters.iter().any(|parameter| parameter.name == "min_score" && parameter.place == "query"));
        let schemas: BTreeSet<&str> = docs.schemas.iter().map(|schema| &*schema.name).collect();
        for operation in &docs.operations {
            let answered: Vec<&str> = operation.responses.iter().filter_map(|response| response.2.as_deref()).collect();
            assert!(!answered.is_empty(), "{} {}", operation.method, operation.path);
            for name in answered.into_iter().chain(operation.body.as_deref()) {
                assert!(schemas.contains(name), "{name} of {} {}", operation.method, operation.path);
            }
        }
        let score = docs.schemas.iter().find(|schema| schema.name == "ScoreView").expect("it is told of");
        let kind = |name: &str| score.properties.iter().find(|it| it.0 == name).map(|it| &*it.1);
        assert_eq!((kind("propensity_score"), kind("trend")), (Some("integer"), Some("TrendView or null")));
    }
}

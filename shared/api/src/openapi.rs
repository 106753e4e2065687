//! The HTTP contract as an OpenAPI 3.1 document, made from the routes and the types that requests and answers are made of.
//!
//! Only paths under `/api` are in it: the rest is pages for people. `shared/api/openapi.json` is this document, held by a
//! test; `cargo run -p expansion-api --example openapi > shared/api/openapi.json` writes it anew.

mod operations;
mod parameters;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::openapi::operations::{Operation, operations};
use crate::{Problem, ROUTES};

/// What the document says of itself.
const ABOUT: &str = "Which customers are ready to buy more: a score from 1 to 99 for each, how sure that is, why, what \
    to do next, and how right it turned out to be.\n\nA token's claims say who asks. A CSM sees their own customers, a \
    manager sees all and may refresh and change models. Problems are `application/problem+json` (RFC 9457). What API \
    Gateway refuses before a function is asked it answers with `{\"message\": …}`: 401 without a valid token, 404 for an \
    unknown path or method, 429 for too many requests.";
/// Why a request with `If-None-Match` is answered without a body.
const NOT_MODIFIED: &str = "What the caller has, by `If-None-Match`, still holds.";
/// The refusals: status, name, what it means, and whether API Gateway gives it, too, in its own form.
const REFUSALS: [(u16, &str, &str, bool); 7] = [
    (400, "Invalid", "A parameter, a header or the body makes no sense; which and why is said.", false),
    (401, "NotSignedIn", "There is no valid token, or its claims name neither a manager nor a CSM.", true),
    (403, "NotAllowed", "Only a manager may do this, or a browser sent it for a page of another site.", false),
    (
        404,
        "NotFound",
        "There is no such thing or it is not the caller's to see, or no refresh has completed yet.",
        false,
    ),
    (409, "Conflict", "Things are not as the request takes them to be.", false),
    (500, "Internal", "A fault of the service, described in its log under the request's id.", true),
    (503, "Unavailable", "Something behind the API is busy; the same request may succeed later.", true),
];

/// The document.
#[must_use]
pub fn openapi() -> Value {
    let mut schemas = Schemas::new();
    let described = operations(&mut schemas);
    let mut paths = Map::new();
    for route in ROUTES {
        let is_it = |operation: &&Operation| (operation.method, operation.path) == (route.method, route.path);
        if let Some(operation) = described.iter().find(is_it) {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.to_lowercase()] = operation_object(operation);
        }
    }
    let responses = responses(&mut schemas);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": "expansion-propensity", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "responses": responses,
            "schemas": schemas.definitions(),
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A token of the issuer that the API is deployed with. Its claims name a manager or a CSM.",
            }},
        },
    });
    say_plainly(&mut document);
    document
}

/// The schemas of what comes in and of what goes out: a type may look different from either side.
struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
        Self {
            bodies: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of what a request carries.
    fn body<T: JsonSchema>(&mut self) -> Value {
        self.bodies.subschema_for::<T>().to_value()
    }

    /// The schema of what is answered.
    fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().to_value()
    }

    /// What the schemas refer to.
    fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.bodies.take_definitions(true);
        let mut answers = self.answers.take_definitions(true);
        answers.values_mut().for_each(say_absent_is_not_null);
        all.extend(answers);
        all
    }
}

/// What an answer may leave out is left out where there is none: it is never `null`.
fn say_absent_is_not_null(definition: &mut Value) {
    let required = definition["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.iter().any(|it| it == *name)) {
        let nullable = property.get_mut("type").and_then(Value::as_array_mut);
        if let Some(kinds) = nullable.filter(|kinds| kinds.len() == 2) {
            kinds.retain(|kind| kind != "null");
            property["type"] = kinds[0].clone();
        }
        let nullable = property.get_mut("anyOf").and_then(Value::as_array_mut);
        if let Some(kinds) = nullable {
            kinds.retain(|kind| *kind != json!({"type": "null"}));
        }
    }
}

fn operation_object(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for (status, says) in &operation.says {
        responses.insert(status.to_string(), answer(operation, *status, says));
    }
    if operation.method == "GET" {
        responses.insert("304".to_owned(), json!({"$ref": "#/components/responses/NotModified"}));
    }
    for (status, name, _, _) in REFUSALS {
        if operation.refusals.contains(&status)
            || [401, 500, 503].contains(&status)
            || (status == 403 && operation.method == "POST")
        {
            responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
        }
    }
    let mut parameters = operation.parameters.clone();
    if operation.method == "GET" {
        parameters.push(parameters::if_none_match());
    }
    let mut object = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = &operation.body {
        let content = json!({"application/json": {"schema": body.schema, "example": body.example}});
        object["requestBody"] = json!({"required": body.is_required, "content": content});
    }
    object
}

/// The response of a request that is answered as asked.
fn answer(operation: &Operation, status: u16, says: &str) -> Value {
    let mut headers = Map::new();
    if operation.method == "GET" {
        headers.insert("ETag".to_owned(), header("Tells this answer from others, for `If-None-Match`."));
    }
    if status == 202 {
        headers.insert("Location".to_owned(), header("Where to read how far it is."));
    }
    let mut content = json!({"application/json": {"schema": operation.answer}});
    for media_type in operation.papers {
        content[media_type] = json!({"schema": {"type": "string"}});
    }
    let mut response = json!({"description": says, "headers": headers, "content": content});
    if let Some(links) = &operation.links {
        response["links"] = links.clone();
    }
    response
}

fn header(description: &str) -> Value {
    json!({"description": description, "required": true, "schema": {"type": "string"}})
}

/// The responses that operations share.
fn responses(schemas: &mut Schemas) -> Map<String, Value> {
    let problem = schemas.answer::<Problem>();
    let message = json!({"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]});
    let mut all = Map::new();
    all.insert("NotModified".to_owned(), json!({"description": NOT_MODIFIED}));
    for (_, name, description, is_gateways) in REFUSALS {
        let mut content = json!({Problem::MEDIA_TYPE: {"schema": problem}});
        if is_gateways {
            content["application/json"] = json!({"schema": message});
        }
        all.insert(name.to_owned(), json!({"description": description, "content": content}));
    }
    all
}

/// Doc comments are descriptions: without their links, which lead nowhere here, and without their ends of lines.
fn say_plainly(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(say_plainly),
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description") {
                let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
                let lines: Vec<String> = paragraphs.collect();
                *text = lines.join("\n\n").replace("[`", "`").replace("`]", "`");
            }
            object.values_mut().for_each(say_plainly);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_of_the_api_is_described_and_no_other() {
        let described = operations(&mut Schemas::new());
        let described: BTreeSet<_> = described.iter().map(|operation| (operation.method, operation.path)).collect();
        let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
        let of_the_api: BTreeSet<_> = routes.into_iter().filter(|(_, path)| path.starts_with("/api/")).collect();
        assert_eq!(described, of_the_api, "src/openapi/operations.rs (left) and src/routes.rs (right) must agree");
    }

    #[test]
    fn a_path_has_the_parameters_it_names() {
        for operation in operations(&mut Schemas::new()) {
            let names = operation.parameters.iter().filter(|parameter| parameter["in"] == "path");
            let given: BTreeSet<&str> = names.filter_map(|parameter| parameter["name"].as_str()).collect();
            let parts = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(given, parts.collect(), "{}", operation.path);
        }
    }

    #[test]
    fn the_document_is_the_one_that_is_checked_in() {
        let checked_in: Value = serde_json::from_str(include_str!("../openapi.json")).expect("openapi.json is JSON");
        assert!(
            openapi() == checked_in,
            "the contract has changed: `cargo run -p expansion-api --example openapi > shared/api/openapi.json`, and \
             look at the difference"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                _ => {}
            }
        }
        let document = openapi();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "the types refer to each other");
        for reference in found {
            let place = reference.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
        }
    }
}

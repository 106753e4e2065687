//! The HTTP contract as an OpenAPI 3.1 document, made from the routes and the types that requests and answers are made of.
//!
//! It is made in a test and by `cargo run -p expansion-api-functions --example openapi`; programs have it as a file.

use aide::axum::ApiRouter;
use aide::generate::in_context;
use aide::openapi::OpenApi;
use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::Problem;
use crate::describe::{REFUSALS, SCHEMAS, settings};

/// The document.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// What the document says of itself.
const ABOUT: &str = "Which customers are ready to buy more: a score from 1 to 99 for each, how sure that is, why, what \
    to do next, and how right it turned out to be.\n\nA token's claims say who asks. A CSM sees their own customers, a \
    manager sees all and may refresh and change models. Problems are `application/problem+json` (RFC 9457). What API \
    Gateway refuses before a function is asked it answers with `{\"message\": …}`: 401 without a valid token, 404 for an \
    unknown path or method, 429 for too many requests.";
/// Why a request with `If-None-Match` is answered without a body.
const NOT_MODIFIED: &str = "What the caller has, by `If-None-Match`, still holds.";

/// Makes the document of routes.
///
/// # Errors
/// What putting the routes on a surface fails with.
pub fn document<E>(routes: impl FnOnce(ApiRouter) -> Result<ApiRouter, E>) -> Result<Value, E> {
    in_context(|ctx| {
        ctx.schema = settings().for_serialize().with_transform(say_absent_is_not_null).into_generator();
    });
    let described = routes(ApiRouter::new())?;
    let problem = in_context(|ctx| ctx.schema.subschema_for::<Problem>().to_value());
    let mut api = OpenApi::default();
    let _ = described.finish_api(&mut api);
    let api = serde_json::to_value(api).unwrap_or_default();
    let mut paths = api["paths"].clone();
    let mut schemas = Map::new();
    for (method, operation) in
        paths.as_object_mut().into_iter().flatten().filter_map(|(_, path)| path.as_object_mut()).flatten()
    {
        if let Some(Value::Object(of_body)) = operation.as_object_mut().and_then(|it| it.remove(SCHEMAS)) {
            schemas.extend(of_body);
        }
        say_what_all_do(method, operation);
    }
    schemas.extend(api["components"]["schemas"].as_object().cloned().unwrap_or_default());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": "expansion-propensity", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "responses": responses(&problem),
            "schemas": schemas,
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A token of the issuer that the API is deployed with. Its claims name a manager or a CSM.",
            }},
        },
    });
    say_plainly(&mut document);
    Ok(document)
}

/// What every operation of a method takes, gives and refuses, whatever it does.
fn say_what_all_do(method: &str, operation: &mut Value) {
    let is_get = method == "get";
    let mut always = vec![401, 500, 503];
    if is_get {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let known = json!({
            "in": "header", "name": "If-None-Match", "schema": {"type": "string"},
            "description": "`ETag` of the answer that the caller has.",
        });
        operation["parameters"] = parameters.into_iter().chain([known]).collect();
    } else {
        always.push(403);
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut().filter(|(_, response)| response["$ref"].is_null()) {
        if is_get {
            response["headers"]["ETag"] = header("Tells this answer from others, for `If-None-Match`.");
        }
        if status == "202" {
            response["headers"]["Location"] = header("Where to read how far it is.");
        }
    }
    if is_get {
        responses.insert("304".to_owned(), json!({"$ref": "#/components/responses/NotModified"}));
    }
    for (status, name, ..) in REFUSALS.iter().filter(|(status, ..)| always.contains(status)) {
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
}

fn header(description: &str) -> Value {
    json!({"description": description, "required": true, "schema": {"type": "string"}})
}

/// The responses that operations share.
fn responses(problem: &Value) -> Map<String, Value> {
    let message = json!({"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]});
    let refusal = |(_, name, description, is_gateways): (u16, &str, &str, bool)| {
        let mut content = json!({Problem::MEDIA_TYPE: {"schema": problem}});
        if is_gateways {
            content["application/json"] = json!({"schema": message});
        }
        (name.to_owned(), json!({"description": description, "content": content}))
    };
    let not_modified = ("NotModified".to_owned(), json!({"description": NOT_MODIFIED}));
    REFUSALS.into_iter().map(refusal).chain([not_modified]).collect()
}

/// What an answer may leave out is left out where there is none: it is never `null`.
fn say_absent_is_not_null(schema: &mut Schema) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
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

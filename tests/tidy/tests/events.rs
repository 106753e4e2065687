//! Checks of the sample events: each is one that its function takes.

use std::collections::BTreeSet;
use std::path::Path;

use expansion_api_functions::{anywhere, routes};
use expansion_domain::{
    AccuracyRequested, Detail, Envelope, ExpansionActionRequested, Instant, ModelCommandRequested, RefreshRequested,
    RunCheckRequested, RunId, ShardRequested,
};
use expansion_http::Method;
use expansion_service::refresh::{RefreshRequest, command};
use expansion_service::{ClaimNames, Principal, Request as Asked};
use expansion_tidy::{names, text};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde_json::Value;

/// The folder of `events` that is no function's: the forms of events that others read.
const SCHEMAS: &str = "schemas";

/// The files with a function's events.
fn events(function: &str) -> impl Iterator<Item = String> {
    names(&format!("events/{function}")).into_iter().map(move |case| format!("events/{function}/{case}"))
}

fn read(file: &str) -> String {
    text(file).unwrap_or_else(|| panic!("{file}: not there, or not text"))
}

fn request(file: &str) -> Request {
    let request = lambda_http::request::from_str(&read(file));
    request.unwrap_or_else(|e| panic!("{file}: not API Gateway's payload, format 2.0: {e}"))
}

/// The detail of an event of this kind.
fn open<D: Detail>(file: &str, event: &str) -> D {
    let event: Envelope<D> = serde_json::from_str(event).unwrap_or_else(|e| panic!("{file}: not an event: {e}"));
    event.open().unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The shards that a batch of messages asks for.
fn shards(file: &str) -> Vec<ShardRequested> {
    let batch: Value = serde_json::from_str(&read(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let records = batch["Records"].as_array().unwrap_or_else(|| panic!("{file}: no Records, so not an SQS batch"));
    let of_sqs = |record: &Value| record["eventSource"] == "aws:sqs" && record["messageId"].is_string();
    assert!(records.iter().all(of_sqs), "{file}: every record has eventSource aws:sqs and a messageId");
    records.iter().map(|record| open(file, record["body"].as_str().unwrap_or_default())).collect()
}

/// What API Gateway says of a request.
fn context(file: &str, request: &Request) -> ApiGatewayV2httpRequestContext {
    let RequestContext::ApiGatewayV2(context) = request.request_context() else {
        panic!("{file}: the request context is not API Gateway's, format 2.0");
    };
    context
}

/// Who asks; `None` where the claims name neither a manager nor a CSM.
fn principal(context: &ApiGatewayV2httpRequestContext) -> Option<Principal> {
    // The defaults of the template.
    let names =
        ClaimNames { csm: "custom:csm_id".to_owned(), role: "custom:role".to_owned(), manager: "manager".to_owned() };
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    Principal::from_claims(&names, |name| claims.get(name).map(String::as_str))
}

/// Whether a request's path and parameters are those of a route.
fn fits(request: &Request, route: &'static str) -> bool {
    let parameters = request.path_parameters();
    let path: Vec<&str> = request.uri().path().split('/').collect();
    let wanted: Vec<&str> = route.split('/').collect();
    let name = |part: &'static str| part.strip_prefix('{')?.strip_suffix('}');
    path.len() == wanted.len()
        && path.iter().zip(wanted).all(|(found, wanted)| match name(wanted) {
            Some(name) => parameters.first(name) == Some(found),
            None => *found == wanted,
        })
}

#[test]
fn every_function_has_events() {
    let of_events = names("functions").into_iter().filter(|folder| folder != "api");
    let functions: BTreeSet<String> = of_events.chain(expansion_api_functions::names()).collect();
    let folders: BTreeSet<String> = names("events").into_iter().filter(|folder| folder != SCHEMAS).collect();
    assert_eq!(folders, functions, "events/ (left) has a folder for every function (right)");
    for function in functions {
        let cases = names(&format!("events/{function}"));
        assert!(!cases.is_empty(), "put a payload into events/{function}");
        for case in cases {
            let is_json = Path::new(&case).extension().is_some_and(|kind| kind == "json");
            assert!(is_json, "events/{function}/{case}: only payloads, as .json, belong here");
        }
    }
}

#[test]
fn every_schema_is_of_one_event() {
    let files = names(&format!("events/{SCHEMAS}"));
    assert!(files.contains(&format!("{}.json", ExpansionActionRequested::TYPE)), "the event for CRMs has a schema");
    for file in files {
        let path = format!("events/{SCHEMAS}/{file}");
        let schema: Value = serde_json::from_str(&read(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{path}");
        let title = schema["title"].as_str().unwrap_or_default();
        assert_eq!(file, format!("{title}.json"), "{path}: the title is the event's detail-type, and the file's name");
    }
}

#[test]
fn http_events_are_requests_to_a_route_of_the_function() {
    for function in expansion_api_functions::names() {
        let answered: Vec<(Method, &str)> =
            routes(&function, Vec::new(), &anywhere()).expect("a function").expect("its configuration");
        for file in events(&function) {
            let request = request(&file);
            let context = context(&file, &request);
            let key = context.route_key.as_deref().unwrap_or_default();
            let route = answered.iter().find(|(method, path)| key == format!("{} {path}", method.name()));
            let (method, path) = route.unwrap_or_else(|| panic!("{file}: {key:?} is none of {function}'s routes"));
            assert_eq!(request.method(), method.name(), "{file}: the method is not the route's");
            assert!(fits(&request, path), "{file}: path or pathParameters are not those of {path}");
            assert!(principal(&context).is_some(), "{file}: the claims name neither a manager nor a CSM");
            assert!(context.time_epoch > 0 && context.request_id.is_some(), "{file}: no time or no request id");
        }
    }
}

#[test]
fn trainer_events_open() {
    for file in events("trainer") {
        let event = read(&file);
        let any: Value = serde_json::from_str(&event).unwrap_or_else(|e| panic!("{file}: {e}"));
        match any["detail-type"].as_str() {
            Some(RefreshRequested::TYPE) => drop(open::<RefreshRequested>(&file, &event)),
            Some(RunCheckRequested::TYPE) => drop(open::<RunCheckRequested>(&file, &event)),
            Some(ModelCommandRequested::TYPE) => drop(open::<ModelCommandRequested>(&file, &event)),
            other => panic!("{file}: the trainer takes no {other:?}"),
        }
    }
}

#[test]
fn judge_events_open() {
    for file in events("judge") {
        let _: AccuracyRequested = open(&file, &read(&file));
    }
}

#[test]
fn scorer_events_are_batches_of_shards() {
    for file in events("scorer") {
        assert!(!shards(&file).is_empty(), "{file}: an empty batch is never delivered");
    }
}

/// The samples can be sent one after the other: the later ones are about what the earlier ones begin.
#[test]
fn the_events_are_about_the_same_runs() {
    // The default of the template.
    let horizon_days = 90;
    let file = "events/request-refresh/request.json";
    let asked = request(file);
    let key = asked.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
    let body: RefreshRequest = serde_json::from_slice(asked.body()).expect("request.json asks for a refresh");
    let received_at = Instant::from_micros(1000 * context(file, &asked).time_epoch).expect("a time");
    let idempotency_key = key.map(|key| key.parse().expect("a key"));
    let command = command(&Asked { body, idempotency_key, received_at }, None).expect("request.json is well-formed");
    let run = RunId::derive(command.as_of, &command.cause, horizon_days);
    let status = request("events/request-refresh/status.json").path_parameters();
    assert_eq!(status.first("run_id"), Some(run.as_str()), "status.json asks about the run that request.json begins");

    let file = "events/trainer/refresh.json";
    let refresh: RefreshRequested = open(file, &read(file));
    let run = RunId::derive(refresh.as_of, &refresh.cause, horizon_days);
    for shard in shards("events/scorer/shard.json") {
        assert_eq!(shard.run_id, run, "scorer/shard.json is of the run that trainer/refresh.json begins");
    }
}

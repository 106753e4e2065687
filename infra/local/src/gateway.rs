//! The front door: the HTTP API's routes and Lambda's invoke API, on one port.
//!
//! A request becomes the event that API Gateway (payload format 2.0) would send, and the function's answer becomes the
//! response. No token is checked here; see [`claims`] for who the caller is taken to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::clock::{fresh_id, now};
use crate::functions::Functions;
use crate::template::{ACCOUNT, Route, Template};

/// The most that API Gateway takes.
const MAX_HTTP_BYTES: usize = 10 * 1024 * 1024;
/// The most that a synchronous invocation takes.
const MAX_SYNC_BYTES: usize = 6 * 1024 * 1024;
/// The most that an asynchronous invocation takes.
const MAX_ASYNC_BYTES: usize = 1024 * 1024;

/// What the gateway needs to answer.
pub(crate) struct Gateway {
    pub(crate) template: Template,
    pub(crate) functions: Functions,
}

/// A request that a route has taken.
struct Routed<'a> {
    route: &'a Route,
    path_parameters: BTreeMap<String, String>,
}

/// The server.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke)).fallback(call).with_state(gateway)
}

// ---------------------------------------------------------------- the HTTP API

async fn call(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(routed) = find_route(&gateway.template.routes, &parts.method, parts.uri.path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let Ok(body) = to_bytes(body, MAX_HTTP_BYTES).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let claims = claims(&gateway.template, &routed.route.function, bearer(&parts.headers));
    let event = event(&routed, &parts.uri, &parts.headers, &body, &claims);
    match gateway.functions.invoke(&routed.route.function, event).await {
        Ok(answer) => response(&answer),
        Err(failure) => {
            tracing::error!(function = routed.route.function, error = %failure, "an API function failed");
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    json_response(status, &json!({"message": text}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The route that takes a request: the one with the fewest parameters, when several would.
fn find_route<'a>(routes: &'a [Route], method: &Method, path: &str) -> Option<Routed<'a>> {
    routes
        .iter()
        .filter(|route| route.method == method.as_str())
        .filter_map(|route| Some(Routed { route, path_parameters: match_path(&route.path, path)? }))
        .min_by_key(|routed| routed.path_parameters.len())
}

fn match_path(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    if pattern.len() != path.len() {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for (wanted, found) in pattern.into_iter().zip(path) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if found.is_empty() => return None,
            Some(name) => {
                parameters.insert(name.to_owned(), percent_decode_str(found).decode_utf8_lossy().into_owned());
            }
            None if wanted != found => return None,
            None => {}
        }
    }
    Some(parameters)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Who the caller is taken to be: a manager, or with a token such as `csm:csm-07` that CSM.
///
/// The claims' names are the ones that the function is told to look for.
fn claims(template: &Template, function: &str, token: Option<&str>) -> Value {
    let variable = |name: &str| {
        let variables = template.functions.get(function).map(|described| &described.variables);
        variables.and_then(|all| all.get(name)).cloned().unwrap_or_default()
    };
    match token.and_then(|token| token.strip_prefix("csm:")) {
        Some(csm) => json!({"sub": csm, variable("CSM_CLAIM"): csm}),
        None => json!({"sub": "local", variable("ROLE_CLAIM"): variable("MANAGER_ROLE")}),
    }
}

/// The event that API Gateway would send.
fn event(routed: &Routed<'_>, uri: &Uri, headers: &HeaderMap, body: &Bytes, claims: &Value) -> Value {
    let query = uri.query().unwrap_or_default();
    let headers = joined_headers(headers);
    let (body, is_base64) = event_body(body);
    let now = now();
    let mut event = json!({
        "version": "2.0",
        "routeKey": routed.route.key(),
        "rawPath": uri.path(),
        "rawQueryString": query,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "authorizer": {"jwt": {"claims": claims, "scopes": null}},
            "domainName": headers.get("host"),
            "domainPrefix": "local",
            "http": {
                "method": routed.route.method,
                "path": uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent").map_or("", |agent| agent),
            },
            "requestId": fresh_id(),
            "routeKey": routed.route.key(),
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "headers": headers,
        "isBase64Encoded": is_base64,
    });
    // As with API Gateway, what is empty is absent.
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !routed.path_parameters.is_empty() {
        event["pathParameters"] = json!(routed.path_parameters);
    }
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

/// Headers under their names in lower case, repeated ones joined.
fn joined_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let pairs =
        headers.iter().map(|(name, v)| (name.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into()));
    joined(pairs)
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    joined(serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap_or_default())
}

fn joined(pairs: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name).and_modify(|before| *before = format!("{before},{value}")).or_insert(value);
    }
    all
}

fn event_body(body: &Bytes) -> (Option<String>, bool) {
    match std::str::from_utf8(body) {
        Ok("") => (None, false),
        Ok(text) => (Some(text.to_owned()), false),
        Err(_) => (Some(base64(body)), true),
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The HTTP response in a function's answer; API Gateway's own 500 when there is none in it.
fn response(answer: &Value) -> Response {
    try_response(answer).unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn try_response(answer: &Value) -> Option<Response> {
    let status = StatusCode::from_u16(answer["statusCode"].as_u64()?.try_into().ok()?).ok()?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().unwrap_or(&Map::new()) {
        response = response.header(name, value.as_str()?);
    }
    response.body(Body::from(body)).ok()
}

// ---------------------------------------------------------------- Lambda's invoke API

async fn invoke(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>, request: Request) -> Response {
    let kind = request.headers().get("x-amz-invocation-type").cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or("RequestResponse");
    let Some(function) = gateway.template.function_name(&name) else {
        return lambda_error(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {name}"),
        );
    };
    let limit = if kind == "Event" { MAX_ASYNC_BYTES } else { MAX_SYNC_BYTES };
    let Ok(body) = to_bytes(request.into_body(), limit).await else {
        let text = format!("the payload has more than {limit} bytes");
        return lambda_error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &text);
    };
    let payload = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(&body) };
    match (kind, payload) {
        (_, Err(cause)) => {
            let text = format!("Could not parse request body into json: {cause}");
            lambda_error(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &text)
        }
        ("DryRun", _) => StatusCode::NO_CONTENT.into_response(),
        ("Event", Ok(payload)) => {
            gateway.functions.invoke_later(function, payload);
            StatusCode::ACCEPTED.into_response()
        }
        (_, Ok(payload)) => invoke_now(&gateway.functions, function, payload).await,
    }
}

async fn invoke_now(functions: &Functions, function: &str, payload: Value) -> Response {
    let outcome = functions.invoke(function, payload).await;
    let mut response = match &outcome {
        Ok(answer) => json_response(StatusCode::OK, answer),
        Err(failure) => json_response(
            StatusCode::OK,
            &json!({"errorType": failure.error_type, "errorMessage": failure.error_message}),
        ),
    };
    if outcome.is_err() {
        response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    response.headers_mut().insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    response
}

fn lambda_error(status: StatusCode, kind: &'static str, text: &str) -> Response {
    let mut response = json_response(status, &json!({"Type": "User", "Message": text}));
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt;
    use lambda_http::request::RequestContext;

    use super::*;
    use crate::template::TEXT;

    fn template() -> Template {
        Template::parse(TEXT, "").expect("the template parses")
    }

    fn routed<'a>(template: &'a Template, method: &Method, path: &str) -> Option<Routed<'a>> {
        find_route(&template.routes, method, path)
    }

    #[test]
    fn a_request_finds_its_route_and_parameters() {
        let template = template();
        let found = routed(&template, &Method::GET, "/api/customers/a%20b%2Fc/expansion-propensity").expect("a route");
        assert_eq!(found.route.function, "get-propensity");
        assert_eq!(found.path_parameters["id"], "a b/c");
        let refresh = "/api/analytics/expansion-propensity/refresh";
        assert!(routed(&template, &Method::POST, refresh).is_some());
        assert!(routed(&template, &Method::GET, refresh).is_none());
        assert!(routed(&template, &Method::GET, &format!("{refresh}/")).is_none());
        assert!(routed(&template, &Method::GET, "/api/customers//expansion-propensity").is_none());
    }

    #[test]
    fn the_event_is_one_that_the_runtime_reads_as_a_request() {
        let template = template();
        let uri: Uri = "/api/customers/c%2D1/expansion-propensity?limit=5&tag=a&tag=b%20c".parse().expect("a URI");
        let mut headers = HeaderMap::new();
        headers.append("Host", HeaderValue::from_static("127.0.0.1:8787"));
        headers.append("X-Tag", HeaderValue::from_static("1"));
        headers.append("X-Tag", HeaderValue::from_static("2"));
        let routed = routed(&template, &Method::GET, uri.path()).expect("a route");
        let claims = claims(&template, "get-propensity", Some("csm:csm-07"));
        let event = event(&routed, &uri, &headers, &Bytes::from_static(b"\xff"), &claims);

        assert_eq!(event["routeKey"], "GET /api/customers/{id}/expansion-propensity");
        assert_eq!(event["headers"]["x-tag"], "1,2");
        assert_eq!(event["queryStringParameters"], json!({"limit": "5", "tag": "a,b c"}));
        assert_eq!(event["pathParameters"], json!({"id": "c-1"}));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));

        let request = lambda_http::request::from_str(&event.to_string()).expect("a request");
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.uri().query(), uri.query());
        assert_eq!(request.path_parameters_ref().and_then(|all| all.first("id")), Some("c-1"));
        assert_eq!(request.body().as_ref(), b"\xff");
        let RequestContext::ApiGatewayV2(context) = request.request_context() else { panic!("the wrong context") };
        let jwt = context.authorizer.and_then(|authorizer| authorizer.jwt).expect("claims");
        assert_eq!(jwt.claims["custom:csm_id"], "csm-07");
        assert!(!jwt.claims.contains_key("custom:role"));
    }

    #[test]
    fn without_a_csms_token_the_caller_is_a_manager() {
        let template = template();
        let manager = json!({"sub": "local", "custom:role": "manager"});
        assert_eq!(claims(&template, "request-refresh", None), manager);
        assert_eq!(claims(&template, "request-refresh", Some("anything")), manager);
    }

    #[test]
    fn an_answer_becomes_a_response() {
        let answer = json!({"statusCode": 202, "headers": {"location": "/x"}, "body": "/w==", "isBase64Encoded": true});
        let made = response(&answer);
        assert_eq!(made.status(), StatusCode::ACCEPTED);
        assert_eq!(made.headers()["location"], "/x");
        assert_eq!(response(&Value::Null).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

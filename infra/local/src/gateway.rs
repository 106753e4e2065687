//! The front door: the HTTP API and Lambda's invoke API, on one port.
//!
//! The routes are those that the functions answer on AWS, served by one router. No token is checked here; see [`claims`]
//! for who the caller is taken to be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use expansion_domain::Instant;
use expansion_http::{Identity, finished};
use serde_json::{Value, json};

use crate::clock::{fresh_id, now};
use crate::functions::{FunctionError, Functions, limited};
use crate::template::Template;

/// The most that API Gateway takes.
const MAX_HTTP_BYTES: usize = 10 * 1024 * 1024;
/// The most that a synchronous invocation takes.
const MAX_SYNC_BYTES: usize = 6 * 1024 * 1024;
/// The most that an asynchronous invocation takes.
const MAX_ASYNC_BYTES: usize = 1024 * 1024;

pub(crate) struct Gateway {
    pub(crate) template: Template,
    pub(crate) functions: Functions,
}

/// The server, with the API's routes.
pub(crate) fn router(gateway: Arc<Gateway>, api: Router) -> Router {
    let api = api.fallback(not_found).method_not_allowed_fallback(not_found);
    let api = finished(api).layer(from_fn_with_state(Arc::clone(&gateway), identified));
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(gateway)
        .fallback_service(api)
}

// ---------------------------------------------------------------- the HTTP API

/// The request as API Gateway hands it on: bounded, and with who asks.
async fn identified(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        // No route has it, though a router would answer it as a GET.
        return not_found().await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_HTTP_BYTES).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    parts.extensions.insert(Identity {
        claims: claims(&gateway.template, bearer(&parts.headers)),
        request_id: Some(fresh_id()),
        received_at: Instant::from_micros(now().as_millisecond() * 1000).unwrap_or(Instant::EPOCH),
    });
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Lets a function's routes fail as the function would: within its time limit, and a panic is nobody else's.
pub(crate) async fn isolated(
    State((function, timeout)): State<(String, Duration)>,
    request: Request,
    next: Next,
) -> Response {
    limited(timeout, next.run(request)).await.unwrap_or_else(|failure| {
        tracing::error!(function, error = %failure, "an API function failed");
        message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    })
}

async fn not_found() -> Response {
    message(StatusCode::NOT_FOUND, "Not Found")
}

fn message(status: StatusCode, text: &str) -> Response {
    json_response(status, &json!({"message": text}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Who the caller is taken to be: a manager, or with a token such as `csm:csm-07` that CSM.
fn claims(template: &Template, token: Option<&str>) -> BTreeMap<String, String> {
    let variable = |name: &str| template.variable(name).unwrap_or_default().to_owned();
    let (subject, claim, value) = match token.and_then(|token| token.strip_prefix("csm:")) {
        Some(csm) => (csm, variable("CSM_CLAIM"), csm.to_owned()),
        None => ("local", variable("ROLE_CLAIM"), variable("MANAGER_ROLE")),
    };
    BTreeMap::from([("sub".to_owned(), subject.to_owned()), (claim, value)])
}

// ---------------------------------------------------------------- Lambda's invoke API

async fn invoke(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>, request: Request) -> Response {
    let kind = request.headers().get("x-amz-invocation-type").cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or("RequestResponse");
    let Some(function) = gateway.template.function_name(&name) else {
        let text = format!("Function not found: {name}");
        return lambda_error(StatusCode::NOT_FOUND, "ResourceNotFoundException", &text);
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
    let version = [("x-amz-executed-version", "$LATEST")];
    match functions.invoke(function, payload).await {
        Ok(answer) => (version, json_response(StatusCode::OK, &answer)).into_response(),
        Err(FunctionError { error_type, error_message }) => {
            let body = json!({"errorType": error_type, "errorMessage": error_message});
            let failed = [("x-amz-function-error", "Unhandled")];
            (version, failed, json_response(StatusCode::OK, &body)).into_response()
        }
    }
}

fn lambda_error(status: StatusCode, kind: &'static str, text: &str) -> Response {
    ([("x-amzn-errortype", kind)], json_response(status, &json!({"Type": "User", "Message": text}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::TEXT;

    #[test]
    fn without_a_csms_token_the_caller_is_a_manager() {
        let template = Template::parse(TEXT, "").expect("the template parses");
        let claims = |token| {
            claims(&template, token).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        let manager = ["custom:role=manager", "sub=local"];
        assert_eq!(claims(None), manager);
        assert_eq!(claims(Some("anything")), manager);
        assert_eq!(claims(Some("csm:csm-07")), ["custom:csm_id=csm-07", "sub=csm-07"]);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_gateway() {
        let router = Router::new().route("/", axum::routing::get(async || -> &'static str { panic!("no") }));
        let router = router.layer(from_fn_with_state(("f".to_owned(), Duration::from_secs(5)), isolated));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let answer = tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
            let mut answer = agent.get(url).call().expect("it answers");
            (answer.status().as_u16(), answer.body_mut().read_to_string().expect("a body"))
        });
        let (status, body) = answer.await.expect("no panic here");
        assert_eq!((status, &*body), (500, r#"{"message":"Internal Server Error"}"#));
        server.abort();
    }
}

//! Lambda's side: an event of API Gateway becomes a request that says who asks, and the response becomes an answer to Lambda.

use std::convert::Infallible;

use axum::Router;
use axum::http::Uri;
use axum::response::Response;
use expansion_domain::Instant;
use expansion_http::{Identity, finished};
use expansion_service::{Config, ConfigError};
use expansion_store::now;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Context, Error, LambdaEvent, Request, RequestExt, Service, service_fn};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Runs a function that has these routes, as Lambda wants it.
#[expect(clippy::missing_panics_doc, reason = "without a runtime there is no program")]
#[tokio::main(flavor = "current_thread")]
pub async fn run(routes: impl FnOnce(Router, &Config) -> Result<Router, ConfigError>) -> Result<(), Error> {
    let config = Config::from_env();
    expansion_telemetry::init(&config.log_level()?)?;
    let answers = finished(routes(Router::new(), &config)?);
    config.warm().await;
    lambda_http::run(service_fn(|request| respond(answers.clone(), request))).await
}

/// What a function with these routes, [`finished`], answers to an event of API Gateway.
pub async fn handle_event(router: Router, event: &Value, context: Context) -> Result<Value, serde_json::Error> {
    let request: LambdaRequest = serde_json::from_str(&event.to_string())?;
    let answering = {
        // Not kept while the answer is awaited: it may not be sent to another thread.
        let mut adapter = Adapter::from(service_fn(move |request| respond(router.clone(), request)));
        adapter.call(LambdaEvent::new(request, context))
    };
    let Ok(response) = answering.await;
    serde_json::to_value(response)
}

async fn respond(router: Router, request: Request) -> Result<Response, Infallible> {
    router.oneshot(identified(request)).await
}

/// The request with who asks, and with the path as the caller wrote it: API Gateway's is decoded.
fn identified(mut request: Request) -> Request {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return request };
    let (identity, path) = (identity(context), path(context, &request));
    if let Some(path) = path {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        *request.uri_mut() = format!("{path}{query}").parse::<Uri>().unwrap_or_default();
    }
    request.extensions_mut().insert(identity);
    request
}

fn identity(context: &ApiGatewayV2httpRequestContext) -> Identity {
    let token = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
    Identity {
        claims: token.map(|token| token.claims.clone().into_iter().collect()).unwrap_or_default(),
        request_id: context.request_id.clone(),
        received_at: context.time_epoch.checked_mul(1000).and_then(Instant::from_micros).unwrap_or_else(now),
    }
}

/// The path of the route with what stands for its parameters.
fn path(context: &ApiGatewayV2httpRequestContext, request: &Request) -> Option<String> {
    let (_, route) = context.route_key.as_deref()?.split_once(' ')?;
    let parameters = request.path_parameters();
    let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => parameters.first(name).map(|value| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()),
        None => Some(part.to_owned()),
    };
    route.split('/').map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::body::Bytes;
    use axum::extract::Path;
    use axum::routing::{get, post};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use expansion_http::{Answer, Problem};
    use flate2::read::GzDecoder;
    use serde_json::json;

    use super::*;

    /// Says what it was given.
    fn router() -> Router {
        let told = async |Path(id): Path<String>, uri: Uri, identity: Identity| {
            let Identity { claims, request_id, received_at } = identity;
            let told =
                json!({"id": id, "query": uri.query(), "claims": claims, "request": request_id, "at": received_at});
            Answer::<_>(told)
        };
        let echo = async |body: Bytes| body;
        let refuse = async || Problem::not_found("such thing");
        let router = Router::new().route("/customers/{id}/score", get(told));
        finished(router.route("/echo", post(echo)).route("/refused", get(refuse)))
    }

    fn event(method: &str, route: &str, path: &str, more: &Value) -> Value {
        let mut event = json!({
            "version": "2.0",
            "routeKey": format!("{method} {route}"),
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "api.example", "accept-encoding": "gzip"},
            "requestContext": {
                "authorizer": {"jwt": {"claims": {"sub": "u-1", "custom:csm_id": "csm-07"}, "scopes": null}},
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
                "requestId": "r-1",
                "routeKey": format!("{method} {route}"),
                "stage": "$default",
                "timeEpoch": 1_793_698_482_000_u64,
            },
            "isBase64Encoded": false,
        });
        let more = more.as_object().expect("an object").clone();
        event.as_object_mut().expect("an object").extend(more);
        event
    }

    async fn answer(event: &Value) -> Value {
        handle_event(router(), event, Context::default()).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_request_says_who_asks_when_and_about_whom() {
        // API Gateway decodes the path: what it says of the parameters is right.
        let more = json!({"pathParameters": {"id": "a/b c"}, "rawQueryString": "x=1&y=a%20b"});
        let answer = answer(&event("GET", "/customers/{id}/score", "/customers/a/b c/score", &more)).await;
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
        assert_eq!(answer["headers"]["content-type"], "application/json");
        let told: Value = serde_json::from_str(answer["body"].as_str().expect("a text")).expect("JSON");
        let expected = json!({
            "id": "a/b c",
            "query": "x=1&y=a%20b",
            "claims": {"sub": "u-1", "custom:csm_id": "csm-07"},
            "request": "r-1",
            "at": "2026-11-03T09:34:42Z",
        });
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn bodies_that_are_no_text_travel_in_base64() {
        let sent = json!({"body": STANDARD.encode(b"\xff\x00"), "isBase64Encoded": true});
        let answered = answer(&event("POST", "/echo", "/echo", &sent)).await;
        assert_eq!((&answered["body"], &answered["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
        let long = "many words ".repeat(1000);
        let answered = answer(&event("POST", "/echo", "/echo", &json!({"body": long}))).await;
        assert_eq!(
            (&answered["headers"]["content-encoding"], &answered["isBase64Encoded"]),
            (&json!("gzip"), &json!(true))
        );
        let bytes = STANDARD.decode(answered["body"].as_str().expect("a text")).expect("base64");
        let mut read = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut read).expect("gzip");
        assert!(read == long, "it is what was sent");
    }

    #[tokio::test]
    async fn a_problem_names_the_request() {
        let answered = answer(&event("GET", "/refused", "/refused", &json!({}))).await;
        assert_eq!(answered["statusCode"], 404);
        assert_eq!(answered["headers"]["content-type"], Problem::MEDIA_TYPE);
        let problem: Value = serde_json::from_str(answered["body"].as_str().expect("a text")).expect("JSON");
        assert_eq!((&problem["request_id"], &problem["detail"]), (&json!("r-1"), &json!("There is no such thing.")));
    }

    #[tokio::test]
    async fn other_events_are_refused() {
        let refused = handle_event(router(), &json!({"Records": []}), Context::default()).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}

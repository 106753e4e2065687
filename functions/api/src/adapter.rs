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
///
/// # Errors
/// A variable that is missing or makes no sense; and when Lambda cannot be reached.
pub fn run(routes: impl FnOnce(Router, &Config) -> Result<Router, ConfigError>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = Config::from_env().await;
        expansion_telemetry::init(&config.log_level()?)?;
        let router = finished(routes(Router::new(), &config)?);
        config.warm().await;
        lambda_http::run(service_fn(|request| respond(router.clone(), request))).await
    })
}

/// What a function with these routes, [`finished`], answers to an event of API Gateway.
///
/// # Errors
/// When it is no such event.
pub async fn handle_event(router: Router, event: &Value, context: Context) -> Result<Value, serde_json::Error> {
    let request: LambdaRequest = serde_json::from_str(&event.to_string())?;
    let mut adapter = Adapter::from(service_fn(|request| respond(router.clone(), request)));
    let Ok(response) = adapter.call(LambdaEvent::new(request, context)).await;
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

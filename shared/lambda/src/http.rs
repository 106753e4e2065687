//! API Gateway's requests and responses.

use expansion_api::{ClaimNames, Principal, Problem};
use expansion_domain::Instant;
use expansion_store::StoreError;
use lambda_http::http::{StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use serde::Serialize;

/// Who is asking, by the claims that the authorizer verified.
///
/// # Errors
/// A 401 problem when there are none that say so.
pub fn principal(request: &Request, names: &ClaimNames) -> Result<Principal, Problem> {
    let context = request.request_context_ref();
    let claims = context.and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => Some(&context.authorizer.as_ref()?.jwt.as_ref()?.claims),
        _ => None,
    });
    Principal::from_claims(names, |name| claims.and_then(|claims| claims.get(name)).map(String::as_str))
}

/// When API Gateway received the request.
#[must_use]
pub fn requested_at(request: &Request) -> Option<Instant> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => Instant::from_micros(context.time_epoch.checked_mul(1000)?),
        _ => None,
    }
}

/// What the client is told when the store fails; the failure itself goes to the log, here and only here.
#[must_use]
pub fn to_problem(error: &StoreError) -> Problem {
    tracing::error!(error.message = %error, error.transient = error.is_transient(), "the store failed");
    if error.is_transient() { Problem::unavailable() } else { Problem::internal() }
}

/// The response for an answer with `status`, or for a problem with its own.
#[must_use]
pub fn reply<T: Serialize>(request: &Request, status: StatusCode, answer: Result<T, Problem>) -> Response<Body> {
    let (status, media_type, body) = match answer {
        Ok(answer) => (status, "application/json", serde_json::to_vec(&answer)),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let problem = match request_id(request) {
                Some(id) => problem.for_request(id),
                None => problem,
            };
            tracing::info!(problem.kind = problem.kind, problem.detail = problem.detail, "answered with a problem");
            (status, Problem::MEDIA_TYPE, serde_json::to_vec(&problem))
        }
    };
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    match body.map(String::from_utf8) {
        Ok(Ok(json)) => *response.body_mut() = Body::Text(json),
        _ => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

fn request_id(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

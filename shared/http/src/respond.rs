//! Responses: answers as JSON, and what every response has, whichever route gives it.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode as DescribedStatus};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::{Identity, Problem, describe};

/// Texts shorter than this are not worth compressing: they fit into one packet.
const LEAST_COMPRESSED: u16 = 1_400;

/// An answer as JSON, with its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T, const STATUS: u16 = 200>(pub T);

/// What has been put on record.
pub type Created<T> = Answer<T, 201>;

impl<T: Serialize, const STATUS: u16> IntoResponse for Answer<T, STATUS> {
    fn into_response(self) -> Response {
        json(StatusCode::from_u16(STATUS).unwrap_or_default(), "application/json", &self.0)
    }
}

impl<T: JsonSchema, const STATUS: u16> OperationOutput for Answer<T, STATUS> {
    type Inner = T;

    fn inferred_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<DescribedStatus>, Described)> {
        vec![(Some(DescribedStatus::Code(STATUS)), describe::answer::<T>(ctx, &[]))]
    }
}

/// A value as JSON.
pub(crate) fn json(status: StatusCode, media_type: &'static str, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, media_type)], body).into_response(),
        Err(error) => {
            tracing::error!(error.message = %error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The router with what every response has.
pub fn finished(router: Router) -> Router {
    let gzip = CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest);
    router.layer(from_fn(finish)).layer(gzip.compress_when(SizeAbove::new(LEAST_COMPRESSED)))
}

/// Writes problems with the request's id, says how long what is sent may be kept, and sends nothing to a `GET` that has it
/// already (`If-None-Match`).
async fn finish(request: Request, next: Next) -> Response {
    let is_get = *request.method() == Method::GET;
    let known = request.headers().get_all(header::IF_NONE_MATCH).into_iter().cloned().collect::<Vec<_>>();
    let request_id = request.extensions().get::<Identity>().and_then(|identity| identity.request_id.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.log();
        response = json(problem.status(), Problem::MEDIA_TYPE, &problem.for_request(request_id));
    }
    let headers = response.headers_mut();
    // It is somebody's, and may be kept only to ask whether it still holds.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding, authorization"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_get && response.status() == StatusCode::OK { tagged(response, &known).await } else { response }
}

/// The response with its tag; without a body where that is known.
async fn tagged(response: Response, known: &[HeaderValue]) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Weak: the same text compressed is other bytes.
    let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let is_known = entries(known).any(|known| known == tag || known == "*");
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if !is_known {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// The comma-separated entries of a header's values.
pub(crate) fn entries<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a str> {
    values.into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

//! API Gateway's requests and responses.

use std::io::Write;

use expansion_api::{ClaimNames, Principal, Problem};
use expansion_domain::Instant;
use expansion_store::StoreError;
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_http::http::{HeaderValue, Method, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Texts shorter than this are not worth compressing: they fit into one packet.
const LEAST_COMPRESSED: usize = 1_400;

/// Who is asking, by the claims that the authorizer verified.
///
/// # Errors
/// A 401 problem when there are none that say so; a 403 problem where a page of another site made the browser change
/// something in the name of whoever is signed in.
pub fn principal(request: &Request, names: &ClaimNames) -> Result<Principal, Problem> {
    if is_forged(request) {
        return Err(Problem::forbidden("Another site's page may not change anything here."));
    }
    Principal::from_claims(names, |name| claim(request, name))
}

/// Whether a browser says that a page of another site had it send a request that may change something. Programs say
/// nothing of the kind.
fn is_forged(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    !request.method().is_safe() && site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
}

/// A claim of the token that the authorizer verified.
#[must_use]
pub fn claim<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => {
            context.authorizer.as_ref()?.jwt.as_ref()?.claims.get(name).map(String::as_str)
        }
        _ => None,
    }
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
    match body.map(String::from_utf8) {
        Ok(Ok(json)) => respond(request, status, media_type, json),
        _ => respond(request, StatusCode::INTERNAL_SERVER_ERROR, "application/json", String::new()),
    }
}

/// A response with a text as its body: a 304 without one where a `GET` already has it (`If-None-Match`), compressed where
/// the client takes gzip and it pays.
#[must_use]
pub fn respond(request: &Request, status: StatusCode, media_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    // It is somebody's, and may be kept only to ask whether it still holds.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, authorization"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if *request.method() == Method::GET && status == StatusCode::OK {
        // Weak: the same text compressed is other bytes.
        let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
        let is_known = entries(request, header::IF_NONE_MATCH).any(|known| known == tag || known == "*");
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        if is_known {
            headers.remove(header::CONTENT_TYPE);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    let takes_gzip = entries(request, header::ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_refused = |part: &str| {
            let quality = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            quality.is_some_and(|(_, quality)| quality.trim().parse() == Ok(0.0_f32))
        };
        parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip")) && !parts.any(is_refused)
    });
    let compressed = if takes_gzip && text.len() >= LEAST_COMPRESSED { gzip(&text) } else { None };
    match compressed {
        Some(bytes) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::Binary(bytes);
        }
        None => *response.body_mut() = Body::Text(text),
    }
    response
}

/// A header's comma-separated entries.
pub fn entries(request: &Request, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = request.headers().get_all(name).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

fn gzip(text: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}

fn request_id(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn get(headers: &[(&str, &str)]) -> Request {
        let request = headers.iter().fold(lambda_http::http::Request::builder(), |r, (name, v)| r.header(*name, *v));
        request.body(Body::Empty).expect("a request")
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let first = respond(&get(&[]), StatusCode::OK, "text/plain", "hello".to_owned());
        let tag = first.headers()[header::ETAG].to_str().expect("a tag").to_owned();
        assert_eq!(first.body(), &Body::Text("hello".to_owned()));
        let known = format!("\"other\", {tag}");
        let again = respond(&get(&[("if-none-match", &known)]), StatusCode::OK, "text/plain", "hello".to_owned());
        assert_eq!((again.status(), again.body()), (StatusCode::NOT_MODIFIED, &Body::Empty));
        let changed = respond(&get(&[("if-none-match", &tag)]), StatusCode::OK, "text/plain", "other".to_owned());
        assert_eq!(changed.status(), StatusCode::OK);
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let asked = |method: &str, site: Option<&str>| {
            let request = lambda_http::http::Request::builder().method(method);
            let request = site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site));
            is_forged(&request.body(Body::Empty).expect("a request"))
        };
        assert!(asked("POST", Some("cross-site")) && asked("POST", Some("same-site")));
        assert!(!asked("POST", Some("same-origin")) && !asked("POST", Some("none")) && !asked("POST", None));
        assert!(!asked("GET", Some("cross-site")), "a link may lead here");
    }

    #[test]
    fn long_texts_are_compressed_for_those_who_take_it() {
        let text = "many words ".repeat(1000);
        let send = |takes: &str| {
            respond(&get(&[("accept-encoding", takes)]), StatusCode::OK, "text/plain", text.clone()).into_body()
        };
        for refused in ["br, gzip;q=0", "gzip; Q=0.000", "br"] {
            assert_eq!(send(refused), Body::Text(text.clone()), "{refused}");
        }
        assert!(matches!(send("GZIP; q=0.5"), Body::Binary(_)));
        let Body::Binary(bytes) = send("br, gzip") else { panic!("it is compressed") };
        let mut read = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut read).expect("gzip");
        assert!(read == text && bytes.len() < text.len() / 10);
    }
}

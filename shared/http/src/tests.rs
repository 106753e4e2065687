//! Requests from end to end, with handlers that only say what they were given.

use std::collections::BTreeMap;
use std::io::Read;

use axum::Router;
use axum::body::{Body as HttpBody, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Builder;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use expansion_service::{Config, IdempotencyKey};
use expansion_store::SdkConfig;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    colour: Option<String>,
}

struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// What a problem says, once it looks like one.
    fn detail(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], Problem::MEDIA_TYPE);
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["request_id"]), (&json!(self.status.as_u16()), &json!("r-1")));
        (self.status.as_u16(), problem["detail"].as_str().expect("a detail").to_owned())
    }
}

fn shared() -> Shared<()> {
    let variables = [("CSM_CLAIM", "csm"), ("ROLE_CLAIM", "roles"), ("MANAGER_ROLE", "manager")];
    let variable =
        move |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, it)| (*it).to_owned());
    Shared::new(&Config::new(variable, SdkConfig::builder().build()), ()).expect("all variables are there")
}

async fn greet(_: State<Shared<()>>, Caller(caller): Caller, CustomerId(id): CustomerId) -> Answer<String> {
    Answer(format!("{id} for {caller:?}"))
}

async fn long() -> Answer<String> {
    Answer("many words ".repeat(1000))
}

async fn order(_: Caller, Key(key): Key, Body(order): Body<Order>) -> Created<Value> {
    Answer(json!({"colour": order.colour, "key": key.as_ref().map(IdempotencyKey::as_str)}))
}

async fn perhaps(Body(order): OptionalBody<Order>) -> Answer<Value> {
    Answer(json!(order.colour))
}

fn router() -> Router {
    let router = Router::new()
        .route("/customers/{id}", get(greet))
        .route("/long", get(long).post(long))
        .route("/orders", post(order))
        .route("/perhaps", post(perhaps));
    finished(router.with_state(shared()))
}

/// A request of the CSM.
fn request(method: &str, path: &str) -> Builder {
    let identity = Identity {
        claims: BTreeMap::from([("csm".to_owned(), "csm-1".to_owned())]),
        request_id: Some("r-1".to_owned()),
        received_at: "2026-06-30T12:00:00Z".parse().expect("an instant"),
    };
    Request::builder().method(method).uri(path).extension(identity)
}

async fn send(request: Builder, body: impl Into<HttpBody>) -> Response {
    let response = router().oneshot(request.body(body.into()).expect("a request")).await.expect("it never fails");
    let (parts, body) = response.into_parts();
    Response { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.expect("a body") }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let first = send(request("GET", "/customers/c-1"), "").await;
    assert_eq!((first.status, first.json()), (StatusCode::OK, json!("c-1 for Csm(\"csm-1\")")));
    let tag = first.headers[header::ETAG].to_str().expect("a tag");
    for known in [tag, &format!("\"other\", {tag}"), "*"] {
        let again = send(request("GET", "/customers/c-1").header("if-none-match", known), "").await;
        assert_eq!((again.status, &*again.body), (StatusCode::NOT_MODIFIED, &b""[..]), "{known}");
        assert_eq!(again.headers[header::ETAG], tag);
        assert!(!again.headers.contains_key(header::CONTENT_TYPE));
    }
    let other = send(request("GET", "/customers/c-2").header("if-none-match", tag), "").await;
    assert_eq!(other.status, StatusCode::OK);
    let posted = send(request("POST", "/long").header("if-none-match", "*"), "").await;
    assert_eq!((posted.status, posted.headers.get(header::ETAG)), (StatusCode::OK, None));
}

#[tokio::test]
async fn every_response_says_how_it_may_be_kept() {
    for (path, status) in [("/customers/c-1", 200), ("/perhaps", 405), ("/nowhere", 404)] {
        let response = send(request("GET", path), "").await;
        assert_eq!(response.status.as_u16(), status, "{path}");
        assert_eq!(response.headers[header::CACHE_CONTROL], "private, no-cache");
        assert_eq!(response.headers[header::VARY], "accept-encoding, authorization");
        assert_eq!(response.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

#[tokio::test]
async fn long_texts_are_compressed_for_those_who_take_it() {
    let plain = send(request("GET", "/long"), "").await;
    for refused in ["br, gzip;q=0", "gzip; q=0.000", "br"] {
        let response = send(request("GET", "/long").header("accept-encoding", refused), "").await;
        assert_eq!((response.headers.get(header::CONTENT_ENCODING), &response.body), (None, &plain.body), "{refused}");
    }
    for taken in ["br, gzip", "GZIP; q=0.5"] {
        let response = send(request("GET", "/long").header("accept-encoding", taken), "").await;
        assert_eq!(response.headers[header::CONTENT_ENCODING], "gzip", "{taken}");
        assert_eq!(response.headers[header::ETAG], plain.headers[header::ETAG], "the text is the same");
        assert_eq!(response.headers.get_all(header::VARY).iter().count(), 1);
        let mut read = Vec::new();
        GzDecoder::new(&response.body[..]).read_to_end(&mut read).expect("gzip");
        assert!(read == plain.body && response.body.len() < read.len() / 10);
    }
    let short = send(request("GET", "/customers/c-1").header("accept-encoding", "gzip"), "").await;
    assert_eq!(short.headers.get(header::CONTENT_ENCODING), None, "it fits into one packet anyway");
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let asked = async |method: &str, path: &str, site: &str| {
        send(request(method, path).header("sec-fetch-site", site), "{}").await.status.as_u16()
    };
    for site in ["cross-site", "same-site"] {
        assert_eq!(asked("POST", "/orders", site).await, 403, "{site}");
        assert_eq!(asked("GET", "/customers/c-1", site).await, 200, "a link may lead here");
    }
    for site in ["same-origin", "none"] {
        assert_eq!(asked("POST", "/orders", site).await, 201, "{site}");
    }
    assert_eq!(send(request("POST", "/orders"), "{}").await.status, 201, "programs say nothing of the kind");
}

#[tokio::test]
async fn who_asks_is_known_by_the_claims() {
    let anonymous = Request::builder().uri("/customers/c-1");
    assert_eq!(send(anonymous, "").await.status, StatusCode::UNAUTHORIZED);
    let mut nobody = request("GET", "/customers/c-1");
    nobody.extensions_mut().and_then(|all| all.get_mut::<Identity>()).expect("it is there").claims.clear();
    let expected = (401, "The request carries no claims that say who is asking.".to_owned());
    assert_eq!(send(nobody, "").await.detail(), expected);
}

#[tokio::test]
async fn an_id_is_taken_from_the_path_decoded() {
    let response = send(request("GET", "/customers/a%2Fb%20c%3F"), "").await;
    assert_eq!(response.json(), "a/b c? for Csm(\"csm-1\")");
    assert_eq!(send(request("GET", "/customers/%FF"), "").await.detail(), (400, "id: is not UTF-8".to_owned()));
    assert_eq!(send(request("GET", "/customers/"), "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_body_says_what_is_wrong_with_it() {
    let fine = send(request("POST", "/orders").header("idempotency-key", "k-1"), r#"{"colour": "red"}"#).await;
    assert_eq!((fine.status, fine.json()), (StatusCode::CREATED, json!({"colour": "red", "key": "k-1"})));
    for (body, said) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[", "EOF while parsing a list at line 1 column 1"),
        (r#"{"color": "red"}"#, "unknown field `color`, expected `colour` at line 1 column 8"),
    ] {
        assert_eq!(send(request("POST", "/orders"), body).await.detail(), (400, said.to_owned()), "{body}");
    }
    assert_eq!(send(request("POST", "/perhaps"), "").await.json(), Value::Null);
    assert_eq!(send(request("POST", "/perhaps"), "{").await.status, StatusCode::BAD_REQUEST);
    let long = format!(r#"{{"colour": "{}"}}"#, "r".repeat(3_000_000));
    assert_eq!(
        send(request("POST", "/perhaps"), long).await.status,
        StatusCode::OK,
        "API Gateway says what is too long"
    );
}

#[tokio::test]
async fn a_key_is_visible_ascii() {
    for key in ["", "a b", "ü"] {
        let refused = send(request("POST", "/orders").header("idempotency-key", key), "{}").await.detail();
        let reason = "Idempotency-Key: must be 1 to 255 visible ASCII characters";
        assert_eq!(refused, (400, reason.to_owned()), "{key:?}");
    }
}

//! What handlers are given of a request: who asks, whom it is about, under which key, and what it carries.
//!
//! What makes no sense is a problem before the handler begins.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use expansion_domain::{Instant, RunId};
use expansion_service::{ClaimNames, Config, ConfigError, IdempotencyKey, InvalidParameter, Principal};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::Problem;
use crate::describe;

/// What is known of a request besides itself. Whoever runs the router puts it among the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The claims of the token, which has been verified.
    pub claims: BTreeMap<String, String>,
    /// The request's id, for asking about it.
    pub request_id: Option<String>,
    /// When it was received.
    pub received_at: Instant,
}

impl Identity {
    /// A claim of the token.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).map(String::as_str)
    }
}

impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

impl OperationInput for Identity {}

/// What a route's handlers share: the service that answers, and how to know who asks.
#[derive(Debug)]
pub struct Shared<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    service: T,
    claims: ClaimNames,
}

impl<T> Shared<T> {
    /// Shares a service among the requests of a route.
    ///
    /// # Errors
    /// [`ConfigError`] when it isn't configured how to know who asks.
    pub fn new(config: &Config, service: T) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Inner { service, claims: config.claims()? })))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.service
    }
}

/// Who asks, by the claims of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Principal);

impl<T: Send + Sync> FromRequestParts<Shared<T>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared<T>) -> Result<Self, Problem> {
        if is_forged(parts) {
            return Err(Problem::forbidden("Another site's page may not change anything here."));
        }
        let identity = parts.extensions.get::<Identity>();
        let principal = Principal::from_claims(&shared.0.claims, |name| identity?.claim(name));
        principal.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

impl OperationInput for Caller {}

/// Whether a browser says that a page of another site had it send a request that may change something. Programs say
/// nothing of the kind.
fn is_forged(request: &Parts) -> bool {
    let site = request.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !request.method.is_safe() && site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
}

/// The customer that a path is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for CustomerId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        of_path(parts, state, "id").await.map(Self)
    }
}

impl OperationInput for CustomerId {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let schema = json!({"type": "string", "minLength": 1});
        describe::parameter(operation, "path", "id", "The customer's id.", true, &schema);
    }
}

/// What a path names as a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOfPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RunOfPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        of_path(parts, state, "run_id").await.map(Self)
    }
}

impl OperationInput for RunOfPath {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::parameter(operation, "path", "run_id", "The run's id.", true, &describe::inline::<RunId>());
    }
}

/// A part of the path, decoded.
async fn of_path<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Problem> {
    let invalid = |reason: &str| Problem::from(InvalidParameter::new(name, reason));
    let all = RawPathParams::from_request_parts(parts, state).await.map_err(|_| invalid("is not UTF-8"))?;
    let value = all.iter().find(|(given, value)| *given == name && !value.is_empty());
    value.map(|(_, value)| value.to_owned()).ok_or_else(|| invalid("is missing"))
}

/// The key under which a repetition is recognised, if one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let given = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().parse());
        Ok(Self(given.transpose()?))
    }
}

impl OperationInput for Key {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let description = "The same key again is the same request again: visible ASCII characters.";
        let schema = json!({"type": "string", "pattern": "^[!-~]{1,255}$"});
        describe::parameter(operation, "header", "Idempotency-Key", description, false, &schema);
    }
}

/// What a request carries, as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Body<T, const REQUIRED: bool = true>(pub T);

/// What a request may carry, as JSON; all of it left out when it carries nothing.
pub type OptionalBody<T> = Body<T, false>;

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(&bytes(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = bytes(request).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { read(&bytes).map(Self) }
    }
}

impl<T: JsonSchema, const REQUIRED: bool> OperationInput for Body<T, REQUIRED> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::body::<T>(operation, REQUIRED);
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::invalid_body(error.to_string()))
}

/// The whole body; API Gateway says how long it may be.
pub(crate) async fn bytes(request: Request) -> Result<Bytes, Problem> {
    to_bytes(request.into_body(), usize::MAX).await.map_err(|error| Problem::invalid_body(error.to_string()))
}

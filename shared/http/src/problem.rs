//! Problems: RFC 9457 bodies, one constructor for each thing that can be wrong.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use expansion_service::{Error, InvalidParameter};
use schemars::JsonSchema;
use serde::Serialize;

/// A problem as the client sees it. What it says is meant for the client; what happened inside goes to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// A URN that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// The request, for asking about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The parameters that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid_parameters: Vec<InvalidParameter>,
}

impl Problem {
    /// The media type of a problem's body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    fn new(slug: &str, title: &'static str, status: u16, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:expansion-propensity:problem:{slug}"),
            title,
            status,
            detail: detail.into(),
            request_id: None,
            invalid_parameters: Vec::new(),
        }
    }

    /// 400: the body is not what it should be.
    pub fn invalid_body(reason: impl Into<String>) -> Self {
        Self::new("invalid-body", "Invalid body", 400, reason)
    }

    /// 401: nobody in particular is asking.
    pub fn unauthenticated() -> Self {
        Self::new("unauthenticated", "Not signed in", 401, "The request carries no claims that say who is asking.")
    }

    /// 403: somebody else may do this.
    pub fn forbidden(what: &str) -> Self {
        Self::new("forbidden", "Not allowed", 403, what)
    }

    /// 404: no such thing, or not for this caller to see; which of the two is not said.
    pub fn not_found(what: &str) -> Self {
        Self::new("not-found", "Not found", 404, format!("There is no {what}."))
    }

    /// 503: something behind the API is busy; the same request may succeed later.
    fn unavailable() -> Self {
        Self::new("unavailable", "Try again later", 503, "The data cannot be reached right now.")
    }

    /// 500: a fault of ours, described in the log under the request id.
    pub fn internal() -> Self {
        Self::new("internal", "Internal error", 500, "Something went wrong; the log has the details.")
    }

    /// The problem with the request's id.
    pub fn for_request(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    /// The status as the protocol has it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Notes in the log what the client is told.
    pub fn log(&self) {
        tracing::info!(problem.kind = self.kind, problem.detail = self.detail, "answered with a problem");
    }
}

/// What the client is told; a failure that is ours goes to the log, here and only here.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoRunYet => {
                let detail =
                    "No refresh has completed yet. POST /api/analytics/expansion-propensity/refresh starts one.";
                Self::new("no-run-yet", "Nothing scored yet", 404, detail)
            }
            Error::NotFound(what) => Self::not_found(what),
            Error::InvalidParameters(parameters) => parameters.into(),
            Error::Forbidden(what) => Self::forbidden(what),
            Error::Conflict(conflict) if conflict.is_of_key() => {
                Self::new("idempotency-conflict", "Idempotency key already used", 409, conflict.to_string())
            }
            Error::Conflict(conflict) => Self::new("conflict", "Not as expected", 409, conflict.to_string()),
            Error::Store(error) => {
                tracing::error!(error.message = %error, error.transient = error.is_transient(), "the store failed");
                if error.is_transient() { Self::unavailable() } else { Self::internal() }
            }
            Error::Internal(message) => {
                tracing::error!(error.message = message, "a fault of ours");
                Self::internal()
            }
        }
    }
}

impl From<Vec<InvalidParameter>> for Problem {
    fn from(parameters: Vec<InvalidParameter>) -> Self {
        let named: Vec<String> = parameters.iter().map(|p| format!("{}: {}", p.name, p.reason)).collect();
        let problem = Self::new("invalid-parameter", "Invalid parameter", 400, named.join("; "));
        Self { invalid_parameters: parameters, ..problem }
    }
}

impl From<InvalidParameter> for Problem {
    fn from(parameter: InvalidParameter) -> Self {
        vec![parameter].into()
    }
}

/// Carried beside an empty body: it is written where the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What is refused is named beside each route.
impl aide::OperationOutput for Problem {
    type Inner = Self;
}

#[cfg(test)]
mod tests {
    use expansion_service::Conflict;

    use super::*;

    #[test]
    fn problems_word_for_word() {
        let as_of = "2026-06-30T23:59:59Z".parse().expect("an instant");
        let problems: [Problem; 9] = [
            Problem::from(InvalidParameter::new("limit", "must be a whole number from 1 to 200"))
                .for_request(Some("r-1".to_owned())),
            Problem::invalid_body("expected value at line 1 column 1"),
            Problem::unauthenticated(),
            Error::Forbidden("Only a manager may ask for a refresh.").into(),
            Error::NotFound("such customer").into(),
            Error::NoRunYet.into(),
            Error::Conflict(Conflict::KeyOfRefresh { as_of }).into(),
            Problem::unavailable(),
            Error::Internal("for the log".to_owned()).into(),
        ];
        insta::assert_json_snapshot!(problems);
    }
}

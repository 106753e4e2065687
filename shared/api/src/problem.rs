//! Problems: RFC 9457 bodies, one constructor for each thing that can be wrong.

use expansion_domain::Instant;
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

/// A parameter that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InvalidParameter {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
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

    /// 400: some parameters are unknown or out of range.
    #[must_use]
    pub fn invalid_parameters(parameters: Vec<InvalidParameter>) -> Self {
        let named: Vec<String> = parameters.iter().map(|p| format!("{}: {}", p.name, p.reason)).collect();
        let problem = Self::new("invalid-parameter", "Invalid parameter", 400, named.join("; "));
        Self { invalid_parameters: parameters, ..problem }
    }

    /// 400: one parameter is unknown or out of range.
    #[must_use]
    pub fn invalid_parameter(name: &str, reason: impl Into<String>) -> Self {
        Self::invalid_parameters(vec![InvalidParameter { name: name.to_owned(), reason: reason.into() }])
    }

    /// 400: the body is not what it should be.
    #[must_use]
    pub fn invalid_body(reason: impl Into<String>) -> Self {
        Self::new("invalid-body", "Invalid body", 400, reason)
    }

    /// 401: nobody in particular is asking.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new("unauthenticated", "Not signed in", 401, "The request carries no claims that say who is asking.")
    }

    /// 403: somebody else may do this.
    #[must_use]
    pub fn forbidden(what: &str) -> Self {
        Self::new("forbidden", "Not allowed", 403, what)
    }

    /// 404: no such thing, or not for this caller to see; which of the two is not said.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new("not-found", "Not found", 404, format!("There is no {what}."))
    }

    /// 404: no refresh has completed yet.
    #[must_use]
    pub fn no_run_yet() -> Self {
        let detail = "No refresh has completed yet. POST /api/analytics/expansion-propensity/refresh starts one.";
        Self::new("no-run-yet", "Nothing scored yet", 404, detail)
    }

    /// 409: the idempotency key was used for something else.
    #[must_use]
    pub fn idempotency_conflict(as_of: Instant) -> Self {
        let detail = format!("This Idempotency-Key was used for a refresh as of {as_of}.");
        Self::new("idempotency-conflict", "Idempotency key already used", 409, detail)
    }

    /// 409: the idempotency key was used for another action.
    #[must_use]
    pub fn action_conflict() -> Self {
        let detail = "This Idempotency-Key was used for another action, or for the same one with other parameters.";
        Self::new("idempotency-conflict", "Idempotency key already used", 409, detail)
    }

    /// 409: the idempotency key was used for another outcome.
    #[must_use]
    pub fn outcome_conflict() -> Self {
        let detail = "This Idempotency-Key was used to record something else.";
        Self::new("idempotency-conflict", "Idempotency key already used", 409, detail)
    }

    /// 409: things are not as the request takes them to be.
    #[must_use]
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new("conflict", "Not as expected", 409, what)
    }

    /// 503: something behind the API is busy; the same request may succeed later.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new("unavailable", "Try again later", 503, "The data cannot be reached right now.")
    }

    /// 500: a fault of ours, described in the log under the request id.
    #[must_use]
    pub fn internal() -> Self {
        Self::new("internal", "Internal error", 500, "Something went wrong; the log has the details.")
    }

    /// The problem with the request's id.
    #[must_use]
    pub fn for_request(self, request_id: &str) -> Self {
        Self { request_id: Some(request_id.to_owned()), ..self }
    }
}

//! `POST /api/analytics/expansion-propensity/refresh` asks for a refresh; `GET …/refresh/{run_id}` says how far it is.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use expansion_service::refresh::{RefreshRequest, RefreshRequests, Refreshes, may_ask};
use expansion_service::view::RefreshView;
use expansion_service::{Config, ConfigError, Request};
use serde_json::json;

use crate::describe::Describe;
use crate::{Answer, Body, Caller, Identity, Key, Method, OptionalBody, Problem, RunOfPath, Shared, Surface};

/// A run that is yet to be worked on, with where to read how far it is.
struct Accepted(RefreshView);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.0.run.location);
        let mut response = Answer::<_, 202>(self.0).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl OperationOutput for Accepted {
    type Inner = RefreshView;

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<StatusCode>, Described)> {
        Answer::<RefreshView, 202>::inferred_responses(ctx, operation)
    }
}

/// Puts refreshes on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let requests = Shared::new(config, RefreshRequests::new(config)?)?;
    let refreshes = Shared::new(config, Refreshes::new(config)?)?;
    let surface = surface.route(Method::Post, "/api/analytics/expansion-propensity/refresh", ask, requests, |op| {
        op.id("requestRefresh")
            .tag("Refreshes")
            .summary("Asks for a refresh: train on what was known, then score every customer; for managers.")
            .example(json!({"as_of": "2026-06-30"}))
            .says(202, "The run, which is yet to be worked on or was asked for before.")
            .link("state", "getRefresh", "run_id", "$response.body#/run_id")
            .refuses(&[400, 409])
    });
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity/refresh/{run_id}", get, refreshes, |op| {
        op.id("getRefresh").tag("Refreshes").summary("How far a refresh is.").says(200, "The run.").refuses(&[404])
    }))
}

async fn ask(
    State(requests): State<Shared<RefreshRequests>>,
    Caller(caller): Caller,
    Identity { received_at, .. }: Identity,
    key: Result<Key, Problem>,
    body: Result<OptionalBody<RefreshRequest>, Problem>,
) -> Result<Accepted, Problem> {
    may_ask(&caller)?;
    let Key(idempotency_key) = key?;
    let Body(body) = body?;
    let request = Request { body, idempotency_key, received_at };
    Ok(Accepted(requests.ask(&caller, &request).await?))
}

async fn get(
    State(refreshes): State<Shared<Refreshes>>,
    Caller(caller): Caller,
    RunOfPath(run_id): RunOfPath,
) -> Result<Answer<RefreshView>, Problem> {
    Ok(Answer(refreshes.run(&caller, &run_id).await?))
}

//! `POST /api/customers/{id}/expansion-propensity/outcome`: what became of a recommendation.

use axum::extract::State;
use expansion_service::outcomes::{NewOutcome, OutcomeAnswer, Outcomes};
use expansion_service::{Config, ConfigError, Request};
use serde_json::json;

use crate::describe::Describe;
use crate::{Answer, Body, Caller, Created, CustomerId, Identity, Key, Method, Problem, Shared, Surface};

/// Puts outcomes on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let outcomes = Shared::new(config, Outcomes::new(config)?)?;
    Ok(surface.route(Method::Post, "/api/customers/{id}/expansion-propensity/outcome", record, outcomes, |op| {
        op.id("recordOutcome")
            .tag("Outcomes")
            .summary("Records what became of a recommendation.")
            .example(json!({"kind": "won", "amount": 12000, "occurred_at": "2026-06-29"}))
            .says(201, "What is on record; the same request again is answered with the same.")
            .refuses(&[400, 404, 409])
    }))
}

async fn record(
    State(outcomes): State<Shared<Outcomes>>,
    Caller(caller): Caller,
    CustomerId(id): CustomerId,
    Identity { received_at, .. }: Identity,
    Key(idempotency_key): Key,
    Body(body): Body<NewOutcome>,
) -> Result<Created<OutcomeAnswer>, Problem> {
    let request = Request { body, idempotency_key, received_at };
    Ok(Answer(outcomes.record(&caller, &id, &request).await?))
}

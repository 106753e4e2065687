//! `POST /api/analytics/expansion-propensity/ask`: a question in words, and what is answered.

use axum::extract::State;
use expansion_service::ask::{Ask, AskAnswer, AskRequest};
use expansion_service::{Config, ConfigError};
use serde_json::json;

use crate::describe::Describe;
use crate::{Answer, Body, Caller, Method, Problem, Shared, Surface};

/// Puts questions on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let questions = Shared::new(config, Ask::new(config)?)?;
    Ok(surface.route(Method::Post, "/api/analytics/expansion-propensity/ask", ask, questions, |op| {
        op.id("ask")
            .tag("Scores")
            .summary("A question in words, answered from what runs have stored.")
            .example(json!({"question": "Which accounts are ready to expand?"}))
            .says(200, "The answer in words, and what it rests on.")
            .refuses(&[400, 404])
    }))
}

async fn ask(
    State(questions): State<Shared<Ask>>,
    Caller(caller): Caller,
    Body(request): Body<AskRequest>,
) -> Result<Answer<AskAnswer>, Problem> {
    Ok(Answer(questions.answer(&caller, request).await?))
}

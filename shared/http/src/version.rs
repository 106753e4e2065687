//! `GET /api/analytics/expansion-propensity/version`: which version answers.

use axum::extract::State;
use expansion_service::version::{VersionAnswer, version};
use expansion_service::{Config, ConfigError};

use crate::describe::Describe;
use crate::query::Nothing;
use crate::{Answer, Caller, Method, Problem, Query, Shared, Surface};

/// Puts the version on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let answer = Shared::new(config, version())?;
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity/version", get, answer, |op| {
        op.id("getVersion")
            .tag("Models")
            .summary("The version of the program, of its features and of its models' form.")
            .says(200, "The versions.")
            .refuses(&[400])
    }))
}

async fn get(
    State(answer): State<Shared<VersionAnswer>>,
    _: Caller,
    query: Query<Nothing>,
) -> Result<Answer<VersionAnswer>, Problem> {
    query.checked()?;
    Ok(Answer(*answer))
}

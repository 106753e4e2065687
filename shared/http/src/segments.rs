//! `GET /api/analytics/expansion-propensity/segments`: how the segments differ.

use axum::extract::State;
use expansion_service::segments::{Segments, SegmentsAnswer};
use expansion_service::{Config, ConfigError};

use crate::describe::Describe;
use crate::query::Nothing;
use crate::{Answer, Caller, Method, Problem, Query, Shared, Surface};

/// Puts the segments on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let segments = Shared::new(config, Segments::new(config)?)?;
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity/segments", list, segments, |op| {
        op.id("listSegments")
            .tag("Scores")
            .summary("How the segments differ, as the current run's model found.")
            .says(200, "All customers first, then segment by segment.")
            .refuses(&[400, 404])
    }))
}

async fn list(
    State(segments): State<Shared<Segments>>,
    _: Caller,
    query: Query<Nothing>,
) -> Result<Answer<SegmentsAnswer>, Problem> {
    query.checked()?;
    Ok(Answer(segments.answer().await?))
}

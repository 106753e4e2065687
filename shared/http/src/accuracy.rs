//! `GET /api/analytics/expansion-propensity/accuracy`: how right past runs were.

use axum::extract::State;
use expansion_service::accuracy::{Accuracies, AccuracyAnswer, AccuracyRequest, HORIZON_REASON, HORIZONS};
use expansion_service::{Config, ConfigError};

use crate::describe::Describe;
use crate::query::{FromQuery, Given};
use crate::{Answer, Caller, Method, Problem, Query, Shared, Surface};

impl FromQuery for AccuracyRequest {
    fn take(given: &mut Given) -> Self {
        let days = |text: &str| text.parse().ok().filter(|days| HORIZONS.contains(days));
        Self {
            run: given.parsed("run", "is not the id of a run", |text| text.parse().ok()),
            segment: given.text("segment"),
            horizon: given.parsed("horizon", HORIZON_REASON, days),
        }
    }
}

/// Puts accuracy on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let accuracies = Shared::new(config, Accuracies::new(config)?)?;
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity/accuracy", get, accuracies, |op| {
        op.id("getAccuracy")
            .tag("Models")
            .summary("How right past runs were.")
            .says(200, "The runs, newest first.")
            .refuses(&[400, 404])
    }))
}

async fn get(
    State(accuracies): State<Shared<Accuracies>>,
    _: Caller,
    query: Query<AccuracyRequest>,
) -> Result<Answer<AccuracyAnswer>, Problem> {
    Ok(Answer(accuracies.answer(&query.checked()?).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_wrongly_is_named() {
        let pairs = [("run", "x"), ("horizon", "0"), ("colour", "red")];
        let query = Query::<AccuracyRequest>::of(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let wrong = query.checked().expect_err("all of it is wrong");
        assert_eq!(wrong.iter().map(|wrong| &*wrong.name).collect::<Vec<_>>(), ["run", "horizon", "colour"]);
    }
}

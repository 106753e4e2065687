//! `GET` and `POST /api/customers/{id}/expansion-propensity/what-if`: what would move a score.

use axum::extract::State;
use expansion_service::what_if::{Changes, TARGETS, WhatIf, WhatIfAnswer, WhatIfRequest};
use expansion_service::{Config, ConfigError, InvalidParameter};
use schemars::JsonSchema;
use serde_json::json;

use crate::describe::Describe;
use crate::query::{FromQuery, Given};
use crate::{Answer, Body, Caller, CustomerId, Method, Problem, Query, Shared, Surface};

const PATH: &str = "/api/customers/{id}/expansion-propensity/what-if";

/// What an improvement is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
struct Target {
    /// The score to be reached.
    #[schemars(range(min = 2, max = 99))]
    target: u8,
}

impl FromQuery for Target {
    const UNKNOWN: &'static str = "is not a parameter of this question";

    fn take(given: &mut Given) -> Self {
        let is_named = given.has("target");
        let target = given.number("target", TARGETS);
        if !is_named {
            given.refuse_all([InvalidParameter::not_within("target", &TARGETS)]);
        }
        Self { target: target.unwrap_or_default() }
    }
}

/// Puts what would move a score on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let what_if = Shared::new(config, WhatIf::new(config)?)?;
    let surface = surface.route(Method::Get, PATH, find, what_if.clone(), |op| {
        op.id("findChanges")
            .tag("Scores")
            .summary("The smallest improvement that lifts the score to a target.")
            .says(200, "The improvement, or what comes closest.")
            .refuses(&[400, 404])
    });
    Ok(surface.route(Method::Post, PATH, try_out, what_if, |op| {
        op.id("tryChanges")
            .tag("Scores")
            .summary("The score with other values.")
            .example(json!({"changes": {"health_score": 90}}))
            .says(200, "The score with the values tried.")
            .refuses(&[400, 404])
    }))
}

async fn find(
    State(what_if): State<Shared<WhatIf>>,
    Caller(caller): Caller,
    CustomerId(id): CustomerId,
    query: Query<Target>,
) -> Result<Answer<WhatIfAnswer>, Problem> {
    let question = WhatIfRequest::Target(query.checked()?.target);
    Ok(Answer(what_if.answer(&caller, &id, &question).await?))
}

async fn try_out(
    State(what_if): State<Shared<WhatIf>>,
    Caller(caller): Caller,
    CustomerId(id): CustomerId,
    Body(changes): Body<Changes>,
) -> Result<Answer<WhatIfAnswer>, Problem> {
    Ok(Answer(what_if.answer(&caller, &id, &WhatIfRequest::Changes(changes)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_score() {
        let read = |query: &str| {
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).expect("pairs");
            let named = |wrong: Vec<InvalidParameter>| wrong.into_iter().map(|wrong| wrong.name).collect::<Vec<_>>();
            Query::<Target>::of(pairs).checked().map(|asked| asked.target).map_err(named)
        };
        assert_eq!(read("target=80"), Ok(80));
        for bad in ["", "target=1", "target=100", "target=x", "target=80&target=81"] {
            assert_eq!(read(bad), Err(vec!["target".to_owned()]), "{bad}");
        }
        assert_eq!(read("target=1&colour=red"), Err(vec!["target".to_owned(), "colour".to_owned()]));
    }
}

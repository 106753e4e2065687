//! `GET /api/analytics/expansion-propensity/accuracy`: how right past runs were.

use std::convert::Infallible;

use expansion_api::{AccuracyAnswer, AccuracyQuery, ClaimNames, Problem, accuracy_answer};
use expansion_domain::feedback;
use expansion_lambda::{ConfigError, claim_names, principal, reply, required, to_problem};
use expansion_store::{Clients, ControlTable, now};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

/// Runs looked through, the newest: as many as are judged. The answer shows fewer.
const MOST_RUNS: usize = 60;

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    control_table: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["CONTROL_TABLE", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    claims: ClaimNames,
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self::cold(config, clients);
        // Only to have the connection; a failure will show at the first request.
        let _ = state.control.current_run().await;
        state
    }

    /// Makes the state, for a function that has warmed the connection already.
    #[must_use]
    pub fn cold(config: Config, clients: &Clients) -> Self {
        Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            claims: config.claims,
        }
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a response too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    Ok(reply(&request, StatusCode::OK, accuracy(state, &request).await))
}

/// Figures over many customers are nobody's customers: everybody who is signed in may see them.
async fn accuracy(state: &State, request: &Request) -> Result<AccuracyAnswer, Problem> {
    principal(request, &state.claims)?;
    answer(state, request.uri().query().unwrap_or_default()).await
}

/// How right the runs were that a query string asks for.
///
/// # Errors
/// A problem for parameters that make no sense, for a run that is not known, and for a store that fails.
pub async fn answer(state: &State, query: &str) -> Result<AccuracyAnswer, Problem> {
    let query = AccuracyQuery::parse(query)?;
    let records = match &query.run {
        Some(run) => {
            let record = state.control.accuracy(run).await.map_err(|e| to_problem(&e))?;
            vec![record.ok_or_else(|| Problem::not_found("such run, or it was not judged yet"))?]
        }
        None => state.control.accuracies(MOST_RUNS).await.map_err(|e| to_problem(&e))?,
    };
    // Counted as it stands now, since what people record has nobody judge a run again. All that is on record is known, by
    // whatever clock.
    let outcomes = state.control.outcomes().await.map_err(|e| to_problem(&e))?;
    let actions = state.control.actions().await.map_err(|e| to_problem(&e))?;
    Ok(accuracy_answer(&query, records, feedback(&outcomes, &actions, now().plus_days(1))))
}

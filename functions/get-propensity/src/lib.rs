//! `GET /api/customers/{id}/expansion-propensity`: everything about one customer.

use std::convert::Infallible;

use expansion_api::{ClaimNames, CustomerAnswer, Principal, Problem, customer_answer};
use expansion_lambda::{ConfigError, claim_names, current_row, customer_id, principal, reply, required, to_problem};
use expansion_records::{Propensity, RunReference};
use expansion_store::{Clients, ControlTable, PropensityTable, StoreError};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

/// Scores shown of the past: two years of weekly runs would be 104.
const MOST_HISTORY: i32 = 104;

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["PROPENSITY_TABLE", "CONTROL_TABLE", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            propensity_table: required(&get, "PROPENSITY_TABLE")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
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
            propensities: PropensityTable { client: clients.dynamodb.clone(), name: config.propensity_table },
            claims: config.claims,
        }
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a response too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    Ok(reply(&request, StatusCode::OK, get(state, &request).await))
}

async fn get(state: &State, request: &Request) -> Result<CustomerAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    answer(state, &principal, &customer_id(request)?).await
}

/// Everything about a customer, as the caller may see it.
///
/// # Errors
/// A problem for a customer who does not exist or is not the caller's, for a store that fails, and before the first run.
pub async fn answer(state: &State, principal: &Principal, customer_id: &str) -> Result<CustomerAnswer, Problem> {
    let (current, row) = current_row(customer_id, principal, &state.control, &state.propensities).await?;
    read(state, &current, row).await.map_err(|e| to_problem(&e))
}

/// The answer, with the run and the scores so far.
async fn read(state: &State, current: &RunReference, row: Propensity) -> Result<CustomerAnswer, StoreError> {
    let run = state.control.expect_run(&current.run_id).await?;
    let mut past = state.propensities.history(&row.listed.customer_id, current.calculated_at, MOST_HISTORY).await?;
    let complete = state.control.complete_runs(&current.run_id, MOST_HISTORY).await?;
    // Rows of runs that never completed were never shown; the current run is shown even while it is being closed.
    past.retain(|past| past.run_id == current.run_id || complete.contains(&past.run_id));
    Ok(customer_answer(&run, row, past))
}

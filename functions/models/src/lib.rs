//! `GET` and `POST /api/analytics/expansion-propensity/models`: which model is live and why, and changing that by hand.

use std::convert::Infallible;

use expansion_api::{ClaimNames, ModelsAnswer, Problem, model_command};
use expansion_lambda::{ConfigError, claim_names, principal, reply, required, to_problem};
use expansion_store::{Bus, Clients, ControlTable, StoreError};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};

/// Models shown at most: half a year of weekly ones.
const MOST_MODELS: usize = 26;

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    control_table: String,
    claims: ClaimNames,
    event_bus: String,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["CONTROL_TABLE", "EVENT_BUS", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            claims: claim_names(&get)?,
            event_bus: required(&get, "EVENT_BUS")?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    claims: ClaimNames,
    bus: Bus,
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            claims: config.claims,
            bus: Bus { client: clients.events.clone(), name: config.event_bus },
        };
        // Only to have the connection; a failure will show at the first request.
        let _ = state.control.current_run().await;
        state
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a response too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    let answer = match *request.method() {
        Method::POST => change(state, &request).await,
        _ => look(state, &request).await,
    };
    Ok(reply(&request, StatusCode::OK, answer))
}

async fn look(state: &State, request: &Request) -> Result<ModelsAnswer, Problem> {
    principal(request, &state.claims)?;
    answer(state).await
}

async fn change(state: &State, request: &Request) -> Result<ModelsAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    let command = model_command(&principal, request.body())?;
    let outcome = state.control.command(&command).await.map_err(|e| to_problem(&e))?;
    let change = outcome.map_err(|refused| Problem::conflict(refused.to_string()))?;
    // Again too where the change was made by an attempt that ended before it told of it.
    state.bus.put(change.promotion()).await.map_err(|e| to_problem(&e))?;
    answer(state).await
}

/// The models on record.
///
/// # Errors
/// A problem when the store fails.
pub async fn answer(state: &State) -> Result<ModelsAnswer, Problem> {
    read(state).await.map_err(|e| to_problem(&e))
}

async fn read(state: &State) -> Result<ModelsAnswer, StoreError> {
    Ok(ModelsAnswer { champion: state.control.champion().await?, data: state.control.models(MOST_MODELS).await? })
}

//! `POST /api/analytics/expansion-propensity/refresh` asks for a refresh; `GET …/refresh/{run_id}` says how far it is.

use std::convert::Infallible;

use expansion_api::{ClaimNames, Principal, Problem, RefreshCommand, RunView, refresh_command};
use expansion_domain::{RefreshRequested, RunId};
use expansion_lambda::{ConfigError, claim_names, number, principal, reply, requested_at, required, to_problem};
use expansion_records::{Run, RunStage};
use expansion_store::{Bus, Clients, ControlTable, StoreError, now};
use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    control_table: String,
    event_bus: String,
    horizon_days: u16,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["CONTROL_TABLE", "EVENT_BUS", "HORIZON_DAYS", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing or makes no sense.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            event_bus: required(&get, "EVENT_BUS")?,
            horizon_days: number(&get, "HORIZON_DAYS", 1..=730)?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    bus: Bus,
    horizon_days: u16,
    claims: ClaimNames,
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            bus: Bus { client: clients.events.clone(), name: config.event_bus },
            horizon_days: config.horizon_days,
            claims: config.claims,
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
    if *request.method() == Method::POST {
        let answer = ask(state, &request).await;
        let location = answer.as_ref().ok().and_then(|run| header::HeaderValue::from_str(&run.location).ok());
        let mut response = reply(&request, StatusCode::ACCEPTED, answer);
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        return Ok(response);
    }
    Ok(reply(&request, StatusCode::OK, look(state, &request).await))
}

/// Asks for a refresh: the run is put on record, then the trainer is told.
async fn ask(state: &State, request: &Request) -> Result<RunView, Problem> {
    let principal = principal(request, &state.claims)?;
    let key =
        match request.headers().get("idempotency-key") {
            Some(value) => Some(value.to_str().map_err(|_| {
                Problem::invalid_parameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
            })?),
            None => None,
        };
    let at = requested_at(request).unwrap_or_else(now);
    let mut command = refresh_command(&principal, key, request.body(), at)?;
    settle_key(state, &mut command).await?;
    let run = start(state, &command).await.map_err(|e| to_problem(&e))?;
    Ok(RunView::from(&run))
}

/// A repeated key stands for the refresh it was first used for.
async fn settle_key(state: &State, command: &mut RefreshCommand) -> Result<(), Problem> {
    let Some(key) = &command.idempotency_key else {
        return Ok(());
    };
    let claimed = state.control.claim_key(key, command.as_of).await.map_err(|e| to_problem(&e))?;
    if claimed != command.as_of && command.as_of_given {
        return Err(Problem::idempotency_conflict(claimed));
    }
    command.as_of = claimed;
    Ok(())
}

async fn start(state: &State, command: &RefreshCommand) -> Result<Run, StoreError> {
    let run = Run::requested(command.as_of, &command.cause, state.horizon_days, now());
    let mut run = state.control.create_run(run).await?;
    if run.stage() == RunStage::Failed {
        run = state.control.reopen(&run.run_id).await?.unwrap_or(run);
    }
    // While it has not begun the trainer may not have heard of it.
    if run.stage() == RunStage::Requested {
        let event =
            RefreshRequested { as_of: run.as_of, cause: run.cause.clone(), horizon_days: Some(run.horizon_days) };
        state.bus.put([event]).await?;
    }
    Ok(run)
}

async fn look(state: &State, request: &Request) -> Result<RunView, Problem> {
    let principal = principal(request, &state.claims)?;
    answer(state, &principal, request.path_parameters().first("run_id").unwrap_or_default()).await
}

/// How far a run is, as the caller may see it.
///
/// # Errors
/// A problem for a run that is not known, and for a store that fails.
pub async fn answer(state: &State, principal: &Principal, run_id: &str) -> Result<RunView, Problem> {
    let run = match run_id.parse::<RunId>().ok() {
        Some(run_id) => state.control.run(&run_id).await.map_err(|e| to_problem(&e))?,
        None => None,
    };
    run.as_ref().map(|run| RunView::from(run).seen_by(principal)).ok_or_else(|| Problem::not_found("such run"))
}

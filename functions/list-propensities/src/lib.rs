//! `GET /api/analytics/expansion-propensity`: the customers of the current run, best first.

mod rows;

use std::convert::Infallible;
use std::sync::Arc;

use expansion_api::{ClaimNames, CursorKey, ListAnswer, ListQuery, Principal, Problem, list_answer};
use expansion_domain::RunId;
use expansion_lambda::{ConfigError, claim_names, principal, reply, required, to_problem};
use expansion_records::{Listed, Order, Run, RunStage, RunSummary};
use expansion_store::{Clients, ControlTable, PropensityTable, TOP_ROWS};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use tokio::sync::Mutex;

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    cursor_secret: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["PROPENSITY_TABLE", "CONTROL_TABLE", "CURSOR_SECRET", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            propensity_table: required(&get, "PROPENSITY_TABLE")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            cursor_secret: required(&get, "CURSOR_SECRET")?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    cursor_key: CursorKey,
    claims: ClaimNames,
    /// The run listed last; a complete run never changes.
    listed: Mutex<Option<Arc<ListedRun>>>,
}

/// A run with its top list.
#[derive(Debug)]
struct ListedRun {
    run: Run,
    /// In each order.
    top: [Vec<Listed>; Order::ALL.len()],
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            propensities: PropensityTable { client: clients.dynamodb.clone(), name: config.propensity_table },
            cursor_key: CursorKey::new(&config.cursor_secret),
            claims: config.claims,
            listed: Mutex::new(None),
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
    Ok(reply(&request, StatusCode::OK, list(state, &request).await))
}

async fn list(state: &State, request: &Request) -> Result<ListAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    answer(state, &principal, request.uri().query().unwrap_or_default()).await
}

/// The page that a query string asks for, as the caller may see it.
///
/// # Errors
/// A problem for parameters that make no sense, for a store that fails, and before the first run.
pub async fn answer(state: &State, principal: &Principal, query: &str) -> Result<ListAnswer, Problem> {
    let query = ListQuery::parse(query, principal, &state.cursor_key)?;
    let run_id = match &query.cursor {
        Some(cursor) => cursor.run_id.clone(),
        None => current(state).await?,
    };
    let listed = listed_run(state, &run_id).await?;
    let top = Order::ALL.iter().position(|order| *order == query.order).map_or(&[][..], |place| &listed.top[place]);
    let page = rows::page(&state.propensities, &query, &listed.run, top).await.map_err(|e| to_problem(&e))?;
    let answer = list_answer(&query, &listed.run, page.rows, page.next, &state.cursor_key);
    Ok(ListAnswer { run: answer.run.seen_by(principal), ..answer })
}

/// What the customers of a run add up to; of all of them, so for managers only.
///
/// # Errors
/// A problem for a run that is not known, and for a store that fails.
pub async fn summary(state: &State, run_id: &RunId) -> Result<RunSummary, Problem> {
    Ok(listed_run(state, run_id).await?.run.summary().cloned().unwrap_or_default())
}

async fn current(state: &State) -> Result<RunId, Problem> {
    let pointer = state.control.current_run().await.map_err(|e| to_problem(&e))?;
    Ok(pointer.ok_or_else(Problem::no_run_yet)?.run.run_id)
}

async fn listed_run(state: &State, run_id: &RunId) -> Result<Arc<ListedRun>, Problem> {
    let mut kept = state.listed.lock().await;
    if let Some(listed) = kept.as_ref().filter(|listed| listed.run.run_id == *run_id) {
        return Ok(listed.clone());
    }
    let run = state.control.expect_run(run_id).await.map_err(|e| to_problem(&e))?;
    let top = state.control.top(run_id).await.map_err(|e| to_problem(&e))?;
    let top = Order::ALL.map(|order| {
        let mut top = top.clone();
        order.sort(&mut top);
        top.truncate(TOP_ROWS);
        top
    });
    let listed = Arc::new(ListedRun { run, top });
    if listed.run.stage() == RunStage::Complete {
        *kept = Some(listed.clone());
    }
    Ok(listed)
}

//! `GET /api/analytics/expansion-propensity/segments`: how the segments differ, as the current run's model found.

use std::convert::Infallible;

use expansion_api::{ClaimNames, InvalidParameter, Problem, SegmentsAnswer, segments_answer};
use expansion_lambda::{ConfigError, claim_names, principal, reply, required, to_problem};
use expansion_store::{Artifacts, Clients, ControlTable, StoreError};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    control_table: String,
    bucket: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["CONTROL_TABLE", "BUCKET", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            bucket: required(&get, "BUCKET")?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    artifacts: Artifacts,
    claims: ClaimNames,
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            artifacts: Artifacts { client: clients.s3.clone(), bucket: config.bucket },
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
    Ok(reply(&request, StatusCode::OK, segments(state, &request).await))
}

/// Segments are nobody's customers: everybody who is signed in may see them.
async fn segments(state: &State, request: &Request) -> Result<SegmentsAnswer, Problem> {
    principal(request, &state.claims)?;
    let unknown = |(name, _): (&str, &str)| InvalidParameter {
        name: name.to_owned(),
        reason: "this list takes no parameters".to_owned(),
    };
    let wrong: Vec<InvalidParameter> = request.query_string_parameters().iter().map(unknown).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid_parameters(wrong));
    }
    read(state).await.map_err(|e| to_problem(&e))?.ok_or_else(Problem::no_run_yet)
}

async fn read(state: &State) -> Result<Option<SegmentsAnswer>, StoreError> {
    let Some(current) = state.control.current_run().await? else { return Ok(None) };
    let run = state.control.expect_run(&current.run.run_id).await?;
    let Some(model) = run.model() else { return Ok(None) };
    let model_id = model.model_id.clone();
    let manifest = state.artifacts.manifest(&model_id).await?.ok_or(StoreError::NotFound(model_id))?;
    Ok(Some(segments_answer(&run, manifest)))
}

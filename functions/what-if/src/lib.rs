//! `GET` and `POST /api/customers/{id}/expansion-propensity/what-if`: what would move a score.

use std::convert::Infallible;
use std::sync::Arc;

use expansion_api::{ClaimNames, Principal, Problem, WhatIf, WhatIfAnswer, what_if_answer};
use expansion_features::FEATURES;
use expansion_lambda::{ConfigError, claim_names, current_row, customer_id, principal, reply, required, to_problem};
use expansion_model::{Lever, Model, Scorer};
use expansion_store::{Artifacts, Clients, ControlTable, PropensityTable, StoreError};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use tokio::sync::Mutex;

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    bucket: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["PROPENSITY_TABLE", "CONTROL_TABLE", "BUCKET", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            propensity_table: required(&get, "PROPENSITY_TABLE")?,
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
    propensities: PropensityTable,
    artifacts: Artifacts,
    claims: ClaimNames,
    /// The model used last; a model never changes.
    model: Mutex<Option<Arc<Model>>>,
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
            artifacts: Artifacts { client: clients.s3.clone(), bucket: config.bucket },
            claims: config.claims,
            model: Mutex::new(None),
        }
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a response too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    Ok(reply(&request, StatusCode::OK, what_if(state, &request).await))
}

async fn what_if(state: &State, request: &Request) -> Result<WhatIfAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    let question = match *request.method() {
        Method::POST => WhatIf::changes(request.body())?,
        _ => WhatIf::target(request.uri().query().unwrap_or_default())?,
    };
    answer(state, &principal, &customer_id(request)?, &question).await
}

/// What the customer's score would be, as the caller may see it.
///
/// # Errors
/// A problem for a customer who does not exist or is not the caller's, for a store that fails, and before the first run.
pub async fn answer(
    state: &State,
    principal: &Principal,
    customer_id: &str,
    question: &WhatIf,
) -> Result<WhatIfAnswer, Problem> {
    let (_, row) = current_row(customer_id, principal, &state.control, &state.propensities).await?;
    let model = model(state, &row.model_id).await.map_err(|e| to_problem(&e))?;
    let answer = Scorer::new(&model.propensity).ok().and_then(|scorer| what_if_answer(question, &row, &model, &scorer));
    answer.ok_or_else(|| {
        tracing::error!(model.id = row.model_id, "a row and its model do not fit together");
        Problem::internal()
    })
}

/// What can be improved about a customer and is known, as the caller may see it, for somebody to try other values.
///
/// # Errors
/// A problem for a customer who does not exist or is not the caller's, for a store that fails, and before the first run.
pub async fn levers(state: &State, principal: &Principal, customer_id: &str) -> Result<Vec<Lever>, Problem> {
    let (_, row) = current_row(customer_id, principal, &state.control, &state.propensities).await?;
    let model = model(state, &row.model_id).await.map_err(|e| to_problem(&e))?;
    let Ok(scorer) = Scorer::new(&model.propensity) else { return Err(Problem::internal()) };
    // A row of an earlier version of the features has nothing to try.
    let fits = row.snapshot.len() == FEATURES.len();
    Ok(if fits {
        expansion_model::levers(&model, &scorer, &row.snapshot(), row.listed.segment.as_deref())
    } else {
        Vec::new()
    })
}

async fn model(state: &State, model_id: &str) -> Result<Arc<Model>, StoreError> {
    let mut kept = state.model.lock().await;
    if let Some(model) = kept.as_ref().filter(|model| model.model_id == model_id) {
        return Ok(model.clone());
    }
    let model = Arc::new(state.artifacts.model(model_id).await?);
    *kept = Some(model.clone());
    Ok(model)
}

//! `POST /api/customers/{id}/expansion-propensity/outcome`: what became of a recommendation.
//!
//! A record is never changed; a correction is another one, of the same customer. Deals won and lost have past runs judged
//! again at once; the rest is counted whenever somebody reads how right the runs were.

use std::convert::Infallible;

use expansion_api::{ClaimNames, OutcomeAnswer, Problem, recorded_outcome};
use expansion_domain::{AccuracyRequested, OutcomeKind, RecordedOutcome};
use expansion_lambda::{
    ConfigError, claim_names, current_row, customer_id, principal, reply, requested_at, required, to_problem,
};
use expansion_store::{Bus, Clients, ControlTable, PropensityTable, now};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

/// What the function is told.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    event_bus: String,
    claims: ClaimNames,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] =
        &["PROPENSITY_TABLE", "CONTROL_TABLE", "EVENT_BUS", "CSM_CLAIM", "ROLE_CLAIM", "MANAGER_ROLE", "LOG_LEVEL"];

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            log_level: required(&get, "LOG_LEVEL")?,
            propensity_table: required(&get, "PROPENSITY_TABLE")?,
            control_table: required(&get, "CONTROL_TABLE")?,
            event_bus: required(&get, "EVENT_BUS")?,
            claims: claim_names(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    bus: Bus,
    claims: ClaimNames,
}

impl State {
    /// Makes the state and warms the connection.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        let state = Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            propensities: PropensityTable { client: clients.dynamodb.clone(), name: config.propensity_table },
            bus: Bus { client: clients.events.clone(), name: config.event_bus },
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
    Ok(reply(&request, StatusCode::CREATED, record(state, &request).await))
}

async fn record(state: &State, request: &Request) -> Result<OutcomeAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    let (current, row) = current_row(&customer_id(request)?, &principal, &state.control, &state.propensities).await?;
    let key = request.headers().get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    let known_at = requested_at(request).unwrap_or_else(now);
    let outcome = recorded_outcome(&row.listed.customer_id, &current.run_id, key, request.body(), known_at)?;
    check_against_record(state, &outcome).await?;
    let stored = state.control.record_outcome(outcome.clone()).await.map_err(|e| to_problem(&e))?;
    if !stored.says_the_same(&outcome) {
        return Err(Problem::outcome_conflict());
    }
    let outcome = stored;
    if matches!(outcome.kind, OutcomeKind::Won | OutcomeKind::Lost) {
        let event = AccuracyRequested { as_of: outcome.known_at };
        state.bus.put([event]).await.map_err(|e| to_problem(&e))?;
    }
    Ok(OutcomeAnswer { outcome })
}

/// Whether what is to be recorded fits what is on record of the customer.
async fn check_against_record(state: &State, outcome: &RecordedOutcome) -> Result<(), Problem> {
    if outcome.corrects.is_none() && outcome.opportunity_id.is_none() {
        return Ok(());
    }
    let others = state.control.outcomes_of(&outcome.customer_id).await.map_err(|e| to_problem(&e))?;
    if outcome.corrects.is_some_and(|corrected| !others.iter().any(|other| other.outcome_id == corrected)) {
        return Err(Problem::invalid_parameter("corrects", "names nothing that was recorded of this customer"));
    }
    let is_same =
        |other: &&RecordedOutcome| other.corrects == outcome.corrects && other.outcome_id != outcome.outcome_id;
    if let Some(correction) = outcome.corrects.and_then(|_| others.iter().find(is_same)) {
        let reason = format!("was corrected already: correct that record, {}", correction.outcome_id);
        return Err(Problem::invalid_parameter("corrects", reason));
    }
    if let Some(opened) = outcome.opened_later(&others) {
        let reason = format!("is before the day on which the opportunity was opened, {}", opened.date());
        return Err(Problem::invalid_parameter("occurred_at", reason));
    }
    Ok(())
}

//! `POST /api/customers/{id}/expansion-propensity/actions`: what a CSM does next, handed to whoever does it.
//!
//! An action is put on record, then told on the bus. Asking again under the same key tells of it again, word for word as on
//! record: whoever does it may hear of it twice, and can tell by its id, but never not at all.

use std::convert::Infallible;

use expansion_api::{ActionAnswer, ActionCommand, ClaimNames, Principal, Problem, action_command, action_id};
use expansion_domain::{Envelope, Id, Requester, StoredAction};
use expansion_lambda::{
    ConfigError, claim, claim_names, current_row, customer_id, principal, requested_at, required, to_problem,
};
use expansion_store::{Bus, Clients, ControlTable, PropensityTable, now};
use lambda_http::{Body, Request, Response};

mod documents;
mod markdown;
mod meeting;
mod plan;
mod responses;

#[cfg(test)]
mod tests;

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
    Ok(responses::response(&request, act(state, &request).await))
}

async fn act(state: &State, request: &Request) -> Result<ActionAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    let key = request.headers().get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    let command = action_command(key, request.body())?;
    let planned = planned(state, request, &principal, &command).await?;
    if command.dry_run {
        return answer(planned.action(), true);
    }
    let action = match planned {
        Planned::OnRecord(action) => action,
        Planned::New(action) => state.control.record_action(action).await.map_err(|e| to_problem(&e))?,
    };
    // Somebody may have been quicker, under the same key.
    check_same(&action, &command)?;
    state.bus.put([action.event.clone()]).await.map_err(|e| to_problem(&e))?;
    answer(action, false)
}

/// An action, and whether it is on record.
enum Planned {
    OnRecord(StoredAction),
    New(StoredAction),
}

impl Planned {
    fn action(self) -> StoredAction {
        match self {
            Self::OnRecord(action) | Self::New(action) => action,
        }
    }
}

/// What is to be done; nothing is yet. What is on record stands, whatever is known by now.
async fn planned(
    state: &State,
    request: &Request,
    principal: &Principal,
    command: &ActionCommand,
) -> Result<Planned, Problem> {
    let (current, row) = current_row(&customer_id(request)?, principal, &state.control, &state.propensities).await?;
    let at = requested_at(request).unwrap_or_else(now);
    let id = action_id(&row.listed.customer_id, &current.run_id, command, at);
    if let Some(stored) = state.control.action(id).await.map_err(|e| to_problem(&e))? {
        check_same(&stored, command)?;
        return Ok(Planned::OnRecord(stored));
    }
    plan::action(&row, id, &command.request, requester(request, principal), at).map(Planned::New)
}

fn check_same(action: &StoredAction, command: &ActionCommand) -> Result<(), Problem> {
    if action.request == command.request { Ok(()) } else { Err(Problem::action_conflict()) }
}

fn answer(action: StoredAction, dry_run: bool) -> Result<ActionAnswer, Problem> {
    let documents = documents::documents(&action.event)?;
    Ok(ActionAnswer {
        record: action.record,
        dry_run,
        event: Envelope::new(action.event),
        calendar: documents.calendar,
        proposal_markdown: documents.proposal_markdown,
        proposal_html: documents.proposal_html,
    })
}

/// Who asks, by the claims that the authorizer verified.
fn requester(request: &Request, principal: &Principal) -> Requester {
    let csm_id = match principal {
        Principal::Manager => None,
        Principal::Csm(csm_id) => Some(csm_id.clone()),
    };
    Requester { subject: claim(request, "sub").map(Id::from), csm_id }
}

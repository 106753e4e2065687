//! The pages for people: portfolio, customer, accuracy, and the API's description.
//!
//! What they show are the answers that the API's functions give, so that nobody reads here what they could not ask there.

mod charts;
mod customer;
mod docs;
mod history;
mod page;
mod portfolio;
mod words;

use std::convert::Infallible;

use expansion_api::{ClaimNames, Principal, Problem};
use expansion_lambda::{ConfigError, claim_names, customer_id, principal, required, respond};
use expansion_store::{Clients, ControlTable, PropensityTable};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

/// What the function is told: what the functions are told whose answers it shows.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
    propensity_table: String,
    control_table: String,
    claims: ClaimNames,
    list: list_propensities::Config,
    customer: get_propensity::Config,
    what_if: what_if::Config,
    accuracy: get_accuracy::Config,
}

impl Config {
    /// The variables it reads.
    pub const VARIABLES: &'static [&'static str] = &[
        "PROPENSITY_TABLE",
        "CONTROL_TABLE",
        "BUCKET",
        "CURSOR_SECRET",
        "CSM_CLAIM",
        "ROLE_CLAIM",
        "MANAGER_ROLE",
        "LOG_LEVEL",
    ];

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
            list: list_propensities::Config::from_vars(&get)?,
            customer: get_propensity::Config::from_vars(&get)?,
            what_if: what_if::Config::from_vars(&get)?,
            accuracy: get_accuracy::Config::from_vars(&get)?,
        })
    }
}

/// What the function keeps between invocations.
#[derive(Debug)]
pub struct State {
    control: ControlTable,
    propensities: PropensityTable,
    claims: ClaimNames,
    list: list_propensities::State,
    customer: get_propensity::State,
    what_if: what_if::State,
    accuracy: get_accuracy::State,
}

impl State {
    /// Makes the state and warms the connection, which all of them use.
    pub async fn new(config: Config, clients: &Clients) -> Self {
        Self {
            control: ControlTable { client: clients.dynamodb.clone(), name: config.control_table },
            propensities: PropensityTable { client: clients.dynamodb.clone(), name: config.propensity_table },
            claims: config.claims,
            list: list_propensities::State::new(config.list, clients).await,
            customer: get_propensity::State::cold(config.customer, clients),
            what_if: what_if::State::cold(config.what_if, clients),
            accuracy: get_accuracy::State::cold(config.accuracy, clients),
        }
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a page too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    let query = request.uri().query().unwrap_or_default();
    let caller = principal(&request, &state.claims);
    let page = match (request.uri().path(), caller) {
        ("/openapi.json", _) => {
            return Ok(respond(&request, StatusCode::OK, "application/json", docs::OPENAPI.to_string()));
        }
        (path, _) if path.starts_with("/assets/") => return Ok(page::asset(&request, path)),
        (_, Err(problem)) => Err(problem),
        ("/", Ok(caller)) => portfolio::page(state, &caller, query).await,
        ("/accuracy", Ok(_)) => history::page(state, query).await,
        ("/docs", Ok(_)) => docs::page(),
        (_, Ok(caller)) => of_customer(state, &caller, &request).await,
    };
    Ok(page::reply(&request, page))
}

async fn of_customer(state: &State, caller: &Principal, request: &Request) -> Result<String, Problem> {
    customer::page(state, caller, &customer_id(request)?).await
}

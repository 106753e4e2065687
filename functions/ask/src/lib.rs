//! `POST /api/analytics/expansion-propensity/ask`: questions in words, answered from stored rows.
//!
//! Owns: which rows answer which question. `question.rs` says what is asked, `selection.rs` which accounts that is
//! about, `rows.rs` reads what is stored, `names.rs` finds whose name a name is, and `markdown.rs` puts the answer into
//! words. Nothing is said that no row says.

mod accounts;
mod figures;
mod markdown;
mod moves;
mod names;
mod patterns;
mod question;
mod rows;
#[cfg(test)]
mod sample;
mod selection;
mod wanted;
mod words;

use std::collections::BTreeMap;
use std::convert::Infallible;

use expansion_api::{AskAnswer, ClaimNames, Principal, Problem, Understood, asked_question};
use expansion_lambda::{ConfigError, claim_names, principal, reply, required};
use expansion_store::{Clients, ControlTable};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

use crate::question::{EXAMPLES, Question, understand};

/// What the function is told: what the functions are told whose answers it uses.
#[derive(Debug)]
pub struct Config {
    /// What is logged.
    pub log_level: String,
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
            claims: config.claims,
            list: list_propensities::State::new(config.list, clients).await,
            customer: get_propensity::State::cold(config.customer, clients),
            what_if: what_if::State::cold(config.what_if, clients),
            accuracy: get_accuracy::State::cold(config.accuracy, clients),
        }
    }
}

/// What is answered, before it is put into words.
#[derive(Debug)]
struct Found {
    understood: Understood,
    notes: Vec<String>,
    not_available: BTreeMap<String, String>,
}

impl Found {
    /// What is answered when nothing about it needs to be explained.
    fn plain(understood: Understood) -> Self {
        Self { understood, notes: Vec::new(), not_available: BTreeMap::new() }
    }

    /// The answer to what was not understood.
    fn nothing(notes: Vec<String>) -> Self {
        Self { notes, ..Self::plain(Understood::Nothing { examples: EXAMPLES.to_vec() }) }
    }

    /// Says why a part is not there.
    fn missing(&mut self, part: &str, reason: &str) {
        self.not_available.insert(part.to_owned(), reason.to_owned());
    }
}

/// Answers a request.
///
/// # Errors
/// Never: what goes wrong is a response too.
pub async fn handle(state: &State, request: Request) -> Result<Response<Body>, Infallible> {
    Ok(reply(&request, StatusCode::OK, ask(state, &request).await))
}

async fn ask(state: &State, request: &Request) -> Result<AskAnswer, Problem> {
    let principal = principal(request, &state.claims)?;
    answer(state, &principal, asked_question(request.body())?).await
}

/// The answer to a question, from what the caller may see.
///
/// # Errors
/// A problem for a store that fails, and before the first run where the question is about one.
pub async fn answer(state: &State, principal: &Principal, question: String) -> Result<AskAnswer, Problem> {
    let Found { understood, notes, not_available } = match understand(&question) {
        Question::Top(wanted) => accounts::top(state, principal, &wanted).await?,
        Question::Totals(wanted) => figures::totals(state, principal, &wanted).await?,
        Question::Account { name, score } => accounts::one(state, principal, name, score).await?,
        Question::Name(name) => accounts::perhaps(state, principal, name).await?,
        Question::Changes(moves) => figures::changes(state, principal, &moves).await?,
        Question::ChangesOf { name, moves } => figures::changes_of(state, principal, name, &moves).await?,
        Question::Lift { name, target } => accounts::lift(state, principal, name, target).await?,
        Question::Accuracy => figures::accuracy(state, principal).await?,
        Question::Refresh => figures::refresh(state, principal).await?,
        Question::Nothing => Found::nothing(Vec::new()),
    };
    let markdown = markdown::markdown(&understood, &notes, &not_available);
    Ok(AskAnswer { question, understood, markdown, notes, not_available })
}

//! What a CSM does next about a recommendation, handed to whoever does it.
//!
//! An action is put on record, then told on the bus. Asking again under the same key tells of it again, word for word as on
//! record: delivery is at least once, and whoever does it can tell repetitions by the id.

mod command;
mod documents;
mod markdown;
mod meeting;
mod plan;

#[cfg(test)]
mod tests;

use expansion_domain::{
    Currency, Envelope, ExpansionActionRequested, Id, RecordedAction, Requester, RunId, StoredAction,
};
use expansion_store::{Bus, ControlTable, PropensityTable};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::customer::current_row;
use crate::{Config, ConfigError, Conflict, Error, Principal, Request};

pub use command::ActionCommand;

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ActionAnswer {
    /// The record; asking again with the same `Idempotency-Key` answers with the same.
    #[serde(flatten)]
    pub record: RecordedAction,
    /// Whether nothing was stored and nothing sent.
    pub dry_run: bool,
    /// The event that hands it to whoever does it.
    pub event: Envelope<ExpansionActionRequested>,
    /// A meeting as an iCalendar file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// A proposal as Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_markdown: Option<String>,
    /// A proposal as an HTML document of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_html: Option<String>,
}

/// Puts actions on record and tells of them.
#[derive(Debug)]
pub struct Actions {
    pub control: ControlTable,
    pub propensities: PropensityTable,
    pub bus: Bus,
    pub currency: Option<Currency>,
}

/// An action, and whether it is on record.
enum Planned {
    OnRecord(StoredAction),
    New(StoredAction),
}

impl Actions {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            control: config.control()?,
            propensities: config.propensities()?,
            bus: config.bus()?,
            currency: config.currency()?,
        })
    }

    /// Has something done about a customer whom the caller may see, or says what would be; `subject` is the caller by name.
    ///
    /// # Errors
    /// [`Error`] for what makes no sense for this customer, for a key that was used for something else, for a customer who
    /// does not exist or is not the caller's, before the first run, and when the store fails.
    pub async fn act(
        &self,
        principal: &Principal,
        subject: Option<Id>,
        customer_id: &str,
        request: &Request<ActionCommand>,
    ) -> Result<ActionAnswer, Error> {
        let by = Requester { subject, csm_id: principal.csm_id().cloned() };
        let planned = self.planned(principal, by, customer_id, request).await?;
        let (action, dry_run) = match planned {
            Planned::OnRecord(action) | Planned::New(action) if request.body.dry_run => (action, true),
            Planned::OnRecord(action) => (action, false),
            Planned::New(action) => (self.control.record_action(action).await?, false),
        };
        // Lost the race: another request put its action on record first, under the same key.
        check_same(&action, request)?;
        if !dry_run {
            self.bus.put([action.event.clone()]).await?;
        }
        answer(action, dry_run, self.currency)
    }

    /// What is to be done; nothing is yet. What is on record stands, whatever is known by now.
    async fn planned(
        &self,
        principal: &Principal,
        by: Requester,
        customer_id: &str,
        request: &Request<ActionCommand>,
    ) -> Result<Planned, Error> {
        let (current, row) = current_row(&self.control, &self.propensities, principal, customer_id).await?;
        let id = action_id(&row.listed.customer_id, &current.run_id, request);
        if let Some(stored) = self.control.action(id).await? {
            check_same(&stored, request)?;
            return Ok(Planned::OnRecord(stored));
        }
        plan::action(&row, id, &request.body.request, by, request.received_at).map(Planned::New)
    }
}

fn check_same(action: &StoredAction, request: &Request<ActionCommand>) -> Result<(), Error> {
    if action.request == request.body.request { Ok(()) } else { Err(Conflict::KeyOfAction.into()) }
}

fn answer(action: StoredAction, dry_run: bool, currency: Option<Currency>) -> Result<ActionAnswer, Error> {
    let documents = documents::documents(&action.event, currency)?;
    Ok(ActionAnswer {
        record: action.record,
        dry_run,
        event: Envelope::new(action.event),
        calendar: documents.calendar,
        proposal_markdown: documents.proposal_markdown,
        proposal_html: documents.proposal_html,
    })
}

/// The id of the action that a request stands for: of its idempotency key, or, where there is none, of the run, the day and
/// what is asked for. A second click is no second action.
fn action_id(customer_id: &str, run_id: &RunId, request: &Request<ActionCommand>) -> Uuid {
    let asked = || serde_json::to_string(&request.body.request).unwrap_or_default();
    let seed = match &request.idempotency_key {
        Some(key) => format!("key {}", key.as_str()),
        None => format!("{run_id} {} {}", request.received_at.date(), asked()),
    };
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("expansion-propensity:action:{customer_id}:{seed}").as_bytes())
}

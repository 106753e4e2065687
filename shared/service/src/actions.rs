//! What a CSM does next about a recommendation, handed to whoever does it.
//!
//! An action is put on record, then told on the bus. Asking again under the same key tells of it again, word for word as on
//! record: delivery is at least once, and whoever does it can tell repetitions by the id.

mod command;
mod documents;
mod meeting;
mod plan;

#[cfg(test)]
mod tests;

use expansion_domain::{Currency, Envelope, ExpansionActionRequested, Id, RecordedAction, Requester, RunId};
use expansion_store::Bus;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::customer::Customers;
use crate::{Config, ConfigError, Conflict, Error, Principal, Request};

pub use command::ActionCommand;
pub use documents::Documents;

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
    #[serde(flatten)]
    pub documents: Documents,
}

/// Puts actions on record and tells of them.
#[derive(Debug)]
pub struct Actions {
    pub customers: Customers,
    pub bus: Bus,
    pub currency: Option<Currency>,
}

impl Actions {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { customers: Customers::new(config)?, bus: config.bus()?, currency: config.currency()? })
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
        let (current, row) = self.customers.current(principal, customer_id).await?;
        let id = action_id(&row.listed.customer_id, &current.run_id, request);
        let (control, ActionCommand { request: asked, dry_run }) = (&self.customers.control, &request.body);
        // What is on record stands, whatever is known by now.
        let action = if let Some(on_record) = control.action(id).await? {
            on_record
        } else {
            let by = Requester { subject, csm_id: principal.csm_id().cloned() };
            let planned = plan::action(&row, id, asked, by, request.received_at)?;
            // Another request may put its action on record first, under the same key.
            if *dry_run { planned } else { control.record_action(planned).await? }
        };
        if action.request != *asked {
            return Err(Conflict::KeyOfAction.into());
        }
        if !dry_run {
            self.bus.put([action.event.clone()]).await?;
        }
        let documents = documents::documents(&action.event, self.currency)?;
        Ok(ActionAnswer { record: action.record, dry_run: *dry_run, event: Envelope::new(action.event), documents })
    }
}

fn action_id(customer_id: &str, run_id: &RunId, request: &Request<ActionCommand>) -> Uuid {
    request.id("action", customer_id, run_id, &request.body.request)
}

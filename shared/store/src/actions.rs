//! What the control table keeps of actions: each once, with the event that it is told by.

use expansion_domain::{RecordedAction, StoredAction};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use uuid::Uuid;

use crate::items::deserialize;
use crate::{ControlTable, StoreError};

impl ControlTable {
    /// An action on record.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn action(&self, action_id: Uuid) -> Result<Option<StoredAction>, StoreError> {
        Ok(self.get("action", &action_id.to_string()).await?.map(from_item).transpose()?)
    }

    /// Records an action, unless it is on record already; returns what is on record.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or written.
    pub async fn record_action(&self, action: StoredAction) -> Result<StoredAction, StoreError> {
        let id = action.record.action_id.to_string();
        self.record("action", &id, action, "record an action").await
    }

    /// All actions, without the events they were told by.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn actions(&self) -> Result<Vec<RecordedAction>, StoreError> {
        self.query_all("action").await?.into_iter().map(deserialize).collect()
    }
}

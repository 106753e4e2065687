//! Actions in the control table: each once, with the event that was emitted for it.

use expansion_domain::{RecordedAction, StoredAction};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use uuid::Uuid;

use crate::items::deserialize;
use crate::{ControlTable, StoreError};

impl ControlTable {
    pub async fn action(&self, action_id: Uuid) -> Result<Option<StoredAction>, StoreError> {
        Ok(self.get("action", &action_id.to_string()).await?.map(from_item).transpose()?)
    }

    /// Records an action, unless it is on record already; returns what is on record.
    pub async fn record_action(&self, action: StoredAction) -> Result<StoredAction, StoreError> {
        let id = action.record.action_id.to_string();
        self.record("action", &id, action, "record an action").await
    }

    /// All actions, without their events.
    pub async fn actions(&self) -> Result<Vec<RecordedAction>, StoreError> {
        self.query_all("action").await?.into_iter().map(deserialize).collect()
    }
}

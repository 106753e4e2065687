//! What the control table keeps of actions: each once, with the event that it is told by.

use expansion_domain::{RecordedAction, StoredAction};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use uuid::Uuid;

use crate::control::{deserialize, key};
use crate::error::unless_condition_failed;
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
        let id = action.record.action_id;
        let mut item = to_item(&action)?;
        item.extend(key("action", &id.to_string()));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let result = put.condition_expression("attribute_not_exists(pk)").send().await;
        if unless_condition_failed(result, "record an action")?.is_some() {
            return Ok(action);
        }
        self.action(id).await?.ok_or_else(|| StoreError::NotFound(format!("action {id}")))
    }

    /// All actions, without the events they were told by.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn actions(&self) -> Result<Vec<RecordedAction>, StoreError> {
        self.query_all("action").await?.into_iter().map(deserialize).collect()
    }
}

//! Putting events on the bus.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_types::SdkConfig;
use backon::{BackoffBuilder, ExponentialBuilder};
use expansion_domain::{Detail, Envelope};

use crate::StoreError;

/// EventBridge takes at most so many entries a call.
const MOST_ENTRIES: usize = 10;

#[derive(Clone, Debug)]
pub struct Bus {
    pub client: Client,
    pub name: String,
}

impl Bus {
    pub fn new(aws: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(aws), name: name.into() }
    }

    /// Puts one event for each detail on the bus. Entries that fail are retried.
    ///
    /// # Errors
    /// [`StoreError`] when some are still not taken after several attempts.
    pub async fn put<D: Detail>(&self, details: impl IntoIterator<Item = D>) -> Result<(), StoreError> {
        let entry = |detail: D| {
            let event = Envelope::new(detail);
            let entry = PutEventsRequestEntry::builder().event_bus_name(&self.name).source(event.source);
            Ok(entry.detail_type(event.detail_type).detail(serde_json::to_string(&event.detail)?).build())
        };
        let entries: serde_json::Result<Vec<_>> = details.into_iter().map(entry).collect();
        let entries = entries.map_err(|source| StoreError::Json { what: format!("event {}", D::TYPE), source })?;
        if entries.is_empty() {
            return Ok(());
        }
        for chunk in entries.chunks(MOST_ENTRIES) {
            self.put_chunk(chunk.to_vec()).await?;
        }
        tracing::info!(event.detail_type = D::TYPE, event.count = entries.len(), "events put");
        Ok(())
    }

    async fn put_chunk(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), StoreError> {
        let mut delays =
            ExponentialBuilder::new().with_jitter().with_min_delay(Duration::from_millis(50)).with_max_times(6).build();
        loop {
            let request = self.client.put_events().set_entries(Some(entries.clone()));
            let answer = request.send().await.map_err(StoreError::service("put events"))?;
            let results = answer.entries();
            let message =
                results.iter().find_map(|r| r.error_message().or(r.error_code())).unwrap_or_default().to_owned();
            let mut failed = results.iter().map(|result| result.error_code().is_some());
            entries.retain(|_| failed.next().unwrap_or(false));
            if entries.is_empty() {
                return Ok(());
            }
            let Some(delay) = delays.next() else {
                return Err(StoreError::Service { operation: "put events", message, transient: true });
            };
            tokio::time::sleep(delay).await;
        }
    }
}

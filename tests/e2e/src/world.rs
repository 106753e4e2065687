//! A started stack and what one does with it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use expansion_domain::{Detail, Envelope};
use expansion_domain::{Instant, RunId, ShardRequested};
use expansion_local::{Options, Stack};
use expansion_records::{Run, RunStage};
use expansion_store::{ControlTable, PropensityTable};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Caller, Source};

/// The list's path.
pub const LIST: &str = "/api/analytics/expansion-propensity";
/// Where a refresh is asked for.
pub const REFRESH: &str = "/api/analytics/expansion-propensity/refresh";

/// Longer than anything here takes, so that nothing can hang.
const PATIENCE: Duration = Duration::from_mins(2);

/// An item of a table.
pub type Item = HashMap<String, AttributeValue>;

/// What the work gives, if it ends in time.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, work).await;
    outcome.unwrap_or_else(|_| panic!("{what} took longer than {} s", PATIENCE.as_secs()))
}

/// A stack in memory, with everything that belongs to it.
pub struct World {
    /// The stack.
    pub stack: Stack,
    /// Its control table.
    pub control: ControlTable,
    /// Its table of propensity rows.
    pub propensities: PropensityTable,
    /// What its bus carried before this process had it.
    pub(crate) events_before: Vec<Value>,
    /// Where its data are, if they are to go with it.
    pub(crate) data: Option<TempDir>,
    /// What it reads stays as long as it does.
    pub(crate) _source: Option<Source>,
}

impl World {
    /// A stack that reads a source folder.
    pub async fn over(source: &Source) -> Self {
        Self::with(source, Options::default()).await
    }

    /// A stack with options that reads a source folder.
    pub async fn with(source: &Source, options: Options) -> Self {
        let uri = source.folder().display().to_string();
        let world = Self::start(Options { source: Some(uri), ..options }).await;
        Self { _source: Some(source.clone()), ..world }
    }

    /// Any stack.
    pub async fn start(options: Options) -> Self {
        let stack = within("the start", Stack::start(options)).await.expect("the stack starts");
        let config = stack.config("scorer");
        let control = config.control().expect("a table of runs");
        let propensities = config.propensities().expect("a table of scores");
        Self { stack, control, propensities, events_before: Vec::new(), data: None, _source: None }
    }

    // --- events ------------------------------------------------------------------------------------------------------

    /// Puts the weekly event on the bus, waits until nothing happens any more, and returns what became of its run.
    pub async fn refresh(&self, as_of: Instant) -> Run {
        self.publish(&self.weekly_event(as_of)).await;
        self.run(&weekly_run(as_of)).await
    }

    /// As [`World::refresh`], for a run that must complete.
    pub async fn refreshed(&self, as_of: Instant) -> Run {
        let run = self.refresh(as_of).await;
        assert_eq!(run.stage(), RunStage::Complete, "{run:?}");
        run
    }

    /// What the schedule puts on the bus.
    pub fn weekly_event(&self, as_of: Instant) -> Value {
        self.stack.weekly_event(&as_of.to_string()).expect("there is a weekly schedule")
    }

    /// Puts an event on the bus and waits until nothing happens any more.
    pub async fn publish(&self, event: &Value) {
        self.stack.put_event(event).expect("it is an event");
        self.settle().await;
    }

    /// Waits until nothing happens any more.
    pub async fn settle(&self) {
        within("the work", self.stack.idle()).await;
    }

    /// Has one shard scored, by a message as the queue delivers it; returns the answer.
    pub async fn score(&self, run_id: &RunId, shard: u32) -> Value {
        let message = shard_message(run_id, shard);
        within("the scorer", self.stack.invoke("scorer", message)).await.expect("the scorer answers")
    }

    /// Everything the bus has carried, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.events_before.iter().cloned().chain(self.stack.events()).collect()
    }

    // --- what is stored ----------------------------------------------------------------------------------------------

    /// A run on record.
    pub async fn run(&self, run_id: &RunId) -> Run {
        self.control.expect_run(run_id).await.expect("the run is on record")
    }

    /// The run that readers see.
    pub async fn current(&self) -> Option<RunId> {
        self.control.current_run().await.expect("the pointer is readable").map(|current| current.run.run_id)
    }

    /// Every item of both tables, under its table and key.
    pub async fn everything(&self) -> BTreeMap<String, Item> {
        let mut all = self.items(&self.control.name, ["pk", "sk"]).await;
        all.extend(self.items(&self.propensities.name, ["customer_id", "calculated_at"]).await);
        all
    }

    /// How many propensity rows there are, whatever their run.
    pub async fn rows_stored(&self) -> usize {
        self.items(&self.propensities.name, ["customer_id", "calculated_at"]).await.len()
    }

    async fn items(&self, table: &str, key: [&str; 2]) -> BTreeMap<String, Item> {
        let scan = self.control.client.scan().table_name(table).consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut all = BTreeMap::new();
        while let Some(item) = items.next().await {
            let item = item.expect("the table is readable");
            let [pk, sk] = key.map(|name| item[name].as_s().expect("keys are texts"));
            all.insert(format!("{table} {pk} {sk}"), item);
        }
        all
    }

    // --- HTTP --------------------------------------------------------------------------------------------------------

    /// A manager at the API's door.
    pub fn manager(&self) -> Caller {
        Caller { address: self.stack.api_url().trim_start_matches("http://").to_owned(), csm_id: None }
    }

    /// A CSM at the API's door.
    pub fn csm(&self, csm_id: &str) -> Caller {
        Caller { csm_id: Some(csm_id.to_owned()), ..self.manager() }
    }

    /// All rows of the whole company, as the list gives them.
    pub async fn all_rows(&self) -> Vec<Value> {
        self.rows(&self.manager(), "limit=200").await
    }

    /// All rows of a list, page by page.
    pub async fn rows(&self, caller: &Caller, query: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut answer = caller.get(&format!("{LIST}?{query}{cursor}")).await.ok();
            rows.append(answer["data"].as_array_mut().expect("a list of rows"));
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Everything about one customer.
    pub async fn customer(&self, customer_id: &str) -> Value {
        self.manager().get(&customer_path(customer_id)).await.ok()
    }
}

/// The run that the weekly event of this instant stands for.
pub fn weekly_run(as_of: Instant) -> RunId {
    RunId::derive(as_of, "schedule", 90)
}

/// A customer's path.
pub fn customer_path(customer_id: &str) -> String {
    format!("/api/customers/{customer_id}/expansion-propensity")
}

/// A batch of one message that asks for a shard, as SQS hands it to the scorer.
pub fn shard_message(run_id: &RunId, shard: u32) -> Value {
    let event = Envelope::new(ShardRequested { run_id: run_id.clone(), shard });
    json!({ "Records": [{ "messageId": "m1", "body": event_json(&event).to_string() }] })
}

/// An event as it is put on the bus.
pub fn event_json<D: Detail>(event: &Envelope<D>) -> Value {
    serde_json::to_value(event).expect("an event has a JSON form")
}

//! The table `expansion_propensity`: one item a customer and run.
//!
//! An item's key is (customer, the run's instant), so a repeated write lands on itself. The score index has one
//! partition a run, CSM and standing, so a new run never touches the items a reader is listing, and a list of one
//! standing reads no other rows.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use aws_types::SdkConfig;
use backon::{BackoffBuilder, ExponentialBuilder};
use expansion_domain::{Id, Instant, RunId};
use expansion_records::{Listed, Order, PastScore, Position, Previous, Propensity, Standing};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use tokio::time;

use crate::StoreError;
use crate::clock::now;
use crate::items::{Item, seconds, text};

const SCORE_INDEX: &str = "idx_expansion_propensity_score";
/// DynamoDB takes at most so many writes a call.
const MOST_WRITES: usize = 25;
/// DynamoDB takes at most so many keys a call.
const MOST_KEYS: usize = 100;
/// The longest partition key of DynamoDB: there is nothing under a longer one.
const MOST_KEY_BYTES: usize = 2048;
/// Concurrent calls.
const CONCURRENCY: usize = 8;
/// Rows stay two years from when they are written, however old the data they speak of.
const DAYS_KEPT: i32 = 730;

/// When work must stop.
pub type Deadline = time::Instant;

/// The attributes of a [`PastScore`].
const PAST_SCORE: &str = "calculated_at, run_id, model_id, propensity_score, propensity_lower, propensity_upper";

/// A partition of the score index in a run: the customers of one CSM that stand alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition<'a> {
    /// `None`: the customers without a CSM.
    pub csm_id: Option<&'a str>,
    pub standing: Standing,
}

#[derive(Clone, Debug)]
pub struct PropensityTable {
    pub client: Client,
    pub name: String,
}

impl PropensityTable {
    pub fn new(aws: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(aws), name: name.into() }
    }

    /// Writes rows; throttled writes are retried until the deadline.
    ///
    /// # Errors
    /// [`StoreError::OutOfTime`] at the deadline, another [`StoreError`] when the table cannot be written.
    pub async fn write(&self, rows: &[Propensity], deadline: Deadline) -> Result<(), StoreError> {
        let writes = rows.chunks(MOST_WRITES).map(|chunk| chunk.iter().map(put_request).collect());
        let writes = writes.collect::<Result<Vec<_>, StoreError>>()?;
        let chunks: Vec<_> = writes.into_iter().map(|writes| self.write_chunk(writes, deadline)).collect();
        stream::iter(chunks).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn write_chunk(&self, mut writes: Vec<WriteRequest>, deadline: Deadline) -> Result<(), StoreError> {
        let mut delays = delays();
        loop {
            let request = self.client.batch_write_item().request_items(&self.name, writes);
            let answer = request.send().await.map_err(StoreError::service("write propensity rows"))?;
            writes = answer.unprocessed_items.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            pause(&mut delays, deadline, "write propensity rows", writes.len()).await?;
        }
    }

    /// A customer's row in the run whose rows are stored under `calculated_at`.
    pub async fn row(&self, customer_id: &str, calculated_at: Instant) -> Result<Option<Propensity>, StoreError> {
        if customer_id.len() > MOST_KEY_BYTES {
            return Ok(None);
        }
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key(customer_id, calculated_at)));
        let answer = request.consistent_read(true).send().await.map_err(StoreError::service("get a customer's row"))?;
        Ok(answer.item.map(from_item).transpose()?)
    }

    /// A customer's scores up to the one stored under `until`, newest first.
    pub async fn history(&self, customer_id: &str, until: Instant, most: i32) -> Result<Vec<PastScore>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("customer_id = :customer AND calculated_at <= :until")
            .expression_attribute_values(":customer", text(customer_id))
            .expression_attribute_values(":until", text(&sort_key(until)))
            .projection_expression(PAST_SCORE)
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(most);
        let answer = request.send().await.map_err(StoreError::service("query a customer's history"))?;
        Ok(answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?)
    }

    /// The scores of the given customers in the run whose rows are stored under `calculated_at`.
    ///
    /// # Errors
    /// [`StoreError::OutOfTime`] at the deadline, another [`StoreError`] when the table cannot be read.
    pub async fn scores(
        &self,
        customers: &[Id],
        calculated_at: Instant,
        deadline: Deadline,
    ) -> Result<HashMap<Id, Previous>, StoreError> {
        let chunks = customers.chunks(MOST_KEYS).map(|chunk| self.scores_of_chunk(chunk, calculated_at, deadline));
        let chunks: Vec<_> = chunks.collect();
        let scores: Vec<Vec<(Id, Previous)>> = stream::iter(chunks).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(scores.into_iter().flatten().collect())
    }

    async fn scores_of_chunk(
        &self,
        customers: &[Id],
        calculated_at: Instant,
        deadline: Deadline,
    ) -> Result<Vec<(Id, Previous)>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Scored {
            customer_id: Id,
            #[serde(flatten)]
            previous: Previous,
        }
        let mut keys: Vec<_> = customers.iter().map(|id| key(id, calculated_at)).collect();
        let mut found = Vec::with_capacity(keys.len());
        let mut delays = delays();
        loop {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .projection_expression("customer_id, propensity_score, standing, grade")
                .build()
                .map_err(StoreError::invalid("get previous scores"))?;
            let request = self.client.batch_get_item().request_items(&self.name, wanted);
            let answer = request.send().await.map_err(StoreError::service("get previous scores"))?;
            let items = answer.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
            for item in items {
                let row: Scored = from_item(item)?;
                found.push((row.customer_id, row.previous));
            }
            keys = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.name))
                .map(|left| left.keys)
                .unwrap_or_default();
            if keys.is_empty() {
                return Ok(found);
            }
            pause(&mut delays, deadline, "get previous scores", keys.len()).await?;
        }
    }

    /// The rows of a partition that come after a position, by score: at least `least` of them unless the partition ends
    /// first. A score is never cut in two, so the next call can go on from the last row.
    pub async fn partition(
        &self,
        run: &RunId,
        partition: Partition<'_>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scores are 1 to 99")]
        let highest = after.and_then(|position| position.value).map_or(100, |score| score.clamp(0.0, 100.0) as u8);
        let key = partition.key(run);
        if min_score > highest || key.len() > MOST_KEY_BYTES {
            return Ok(Vec::new());
        }
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(SCORE_INDEX)
            .key_condition_expression("run_portfolio = :portfolio AND propensity_score BETWEEN :low AND :high")
            .expression_attribute_values(":portfolio", AttributeValue::S(key))
            .expression_attribute_values(":low", AttributeValue::N(min_score.to_string()))
            .expression_attribute_values(":high", AttributeValue::N(highest.to_string()))
            .scan_index_forward(false)
            .limit(i32::try_from(least.clamp(100, 1000)).unwrap_or(1000))
            .into_paginator()
            .items()
            .send();
        let mut rows: Vec<Listed> = Vec::new();
        while let Some(item) = pages.next().await {
            let row: Listed = from_item(item.map_err(StoreError::service("query a partition"))?)?;
            let begins_a_score = rows.last().is_none_or(|last| last.propensity_score != row.propensity_score);
            if rows.len() >= least && begins_a_score {
                break;
            }
            if after.is_none_or(|after| Order::Score.position(&row) > *after) {
                rows.push(row);
            }
        }
        Order::Score.sort(&mut rows);
        Ok(rows)
    }
}

/// The item of a row: its attributes, the index's partition, and when it expires.
fn put_request(row: &Propensity) -> Result<WriteRequest, StoreError> {
    let mut item = to_item(row)?;
    let partition = Partition { csm_id: row.listed.csm_id.as_deref(), standing: row.listed.standing };
    item.insert("calculated_at".to_owned(), text(&sort_key(row.listed.calculated_at)));
    item.insert("run_portfolio".to_owned(), text(&partition.key(&row.run_id)));
    item.insert("expires_at".to_owned(), seconds(now().plus_days(DAYS_KEPT)));
    let put = PutRequest::builder().set_item(Some(item)).build();
    let put = put.map_err(StoreError::invalid("write propensity rows"))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

fn key(customer_id: &str, calculated_at: Instant) -> Item {
    let calculated_at = sort_key(calculated_at);
    HashMap::from([("customer_id".to_owned(), text(customer_id)), ("calculated_at".to_owned(), text(&calculated_at))])
}

/// An instant as a sort key. Runs' instants all have six decimals or fewer; written with exactly six they sort by time.
fn sort_key(at: Instant) -> String {
    let whole = at.whole_second().to_string();
    let micros = at.micros().rem_euclid(1_000_000);
    format!("{}.{micros:06}Z", whole.trim_end_matches('Z'))
}

impl Partition<'_> {
    /// The partition's key. The separator occurs neither in a run id nor in a standing, so no two partitions share one.
    fn key(self, run: &RunId) -> String {
        let standing = self.standing.name();
        self.csm_id.map_or_else(|| format!("{run}#{standing}"), |csm_id| format!("{run}#{standing}#{csm_id}"))
    }
}

fn delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times()
        .build()
}

/// Waits before the next retry, or gives up if that would be past the deadline.
async fn pause(
    delays: &mut impl Iterator<Item = Duration>,
    deadline: Deadline,
    operation: &'static str,
    left: usize,
) -> Result<(), StoreError> {
    let delay = delays.next().unwrap_or(Duration::from_secs(5));
    if time::Instant::now() + delay > deadline {
        return Err(StoreError::OutOfTime { operation, left });
    }
    tracing::debug!(retry.delay_ms = delay.as_millis(), retry.left = left, "throttled");
    time::sleep(delay).await;
    Ok(())
}

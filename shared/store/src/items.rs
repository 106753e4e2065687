//! Items of the control table, whatever they hold: reading, writing, writing once.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use expansion_domain::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::clock::now;
use crate::error::unless_condition_failed;
use crate::{ControlTable, StoreError};

/// Items that are needed only until a run is complete expire after so many days.
const DAYS_KEPT: i32 = 30;

pub(crate) type Item = HashMap<String, AttributeValue>;

impl ControlTable {
    pub(crate) async fn get<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key(pk, sk))).consistent_read(true);
        let answer = request.send().await.map_err(StoreError::service("read the control table"))?;
        answer.item.map(deserialize).transpose()
    }

    /// A request to write a value under a key, to which attributes and a condition can be added.
    pub(crate) fn put_request(
        &self,
        pk: &str,
        sk: &str,
        value: &impl Serialize,
    ) -> Result<PutItemFluentBuilder, StoreError> {
        let mut item: Item = to_item(value)?;
        item.extend(key(pk, sk));
        Ok(self.client.put_item().table_name(&self.name).set_item(Some(item)))
    }

    pub(crate) async fn put(
        &self,
        pk: &str,
        sk: &str,
        value: &impl Serialize,
        expires: bool,
    ) -> Result<(), StoreError> {
        let mut put = self.put_request(pk, sk, value)?;
        if expires {
            put = put.item("expires_at", seconds(now().plus_days(DAYS_KEPT)));
        }
        put.send().await.map_err(StoreError::service("write the control table"))?;
        Ok(())
    }

    /// Writes a value unless there is one under its key already; returns the stored one.
    pub(crate) async fn record<T: Serialize + DeserializeOwned>(
        &self,
        pk: &str,
        sk: &str,
        value: T,
        operation: &'static str,
    ) -> Result<T, StoreError> {
        if put_if_absent(self.put_request(pk, sk, &value)?, operation).await? {
            return Ok(value);
        }
        self.get(pk, sk).await?.ok_or_else(|| StoreError::NotFound(format!("{pk} {sk}")))
    }

    /// A query of a partition, read strongly.
    fn partition(&self, pk: &str) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", text(pk))
    }

    /// The newest items of a partition, by sort key.
    pub(crate) async fn newest<T: DeserializeOwned>(&self, pk: &str, most: usize) -> Result<Vec<T>, StoreError> {
        // A page holds a megabyte, which may be fewer than are wanted.
        let page = i32::try_from(most).unwrap_or(i32::MAX);
        let query = self.partition(pk).scan_index_forward(false).limit(page);
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < most {
            let Some(item) = items.next().await else { break };
            found.push(deserialize(item.map_err(StoreError::service("query the control table"))?)?);
        }
        Ok(found)
    }

    pub(crate) async fn query_all(&self, pk: &str) -> Result<Vec<Item>, StoreError> {
        let items = self.partition(pk).into_paginator().items().send();
        items.try_collect().await.map_err(StoreError::service("query the control table"))
    }
}

/// Writes an item unless there is one under its key; returns whether it did.
pub(crate) async fn put_if_absent(put: PutItemFluentBuilder, operation: &'static str) -> Result<bool, StoreError> {
    let result = put.condition_expression("attribute_not_exists(pk)").send().await;
    Ok(unless_condition_failed(result, operation)?.is_some())
}

pub(crate) fn deserialize<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    Ok(from_item(item)?)
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn seconds(at: Instant) -> AttributeValue {
    AttributeValue::N((at.micros() / 1_000_000).to_string())
}

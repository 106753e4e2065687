//! What the control table keeps of how right answers were: the champion, models, accuracy, recorded outcomes.

use aws_sdk_dynamodb::types::AttributeValue;
use expansion_domain::{Id, Instant, ModelAction, ModelCommandRequested, ModelPromoted, RecordedOutcome, RunId};
use expansion_records::{AccuracyRecord, ChampionModel, ModelRecord};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::error::unless_condition_failed;
use crate::items::{deserialize, key};
use crate::{ControlTable, StoreError};

/// Why nothing was done about the champion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// There is none yet.
    #[error("there is no champion yet")]
    NoChampion,
    /// Somebody changed it since.
    #[error("the champion is of generation {now} now, not {seen}: look again")]
    Changed {
        /// The generation now.
        now: u64,
        /// The one that was seen.
        seen: u64,
    },
    /// No such model.
    #[error("there is no model {0:?} on record")]
    UnknownModel(String),
    /// There was no champion before this one.
    #[error("there was no champion before this one")]
    NothingBefore,
}

/// What a command did to the champion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChampionChange {
    /// The champion now.
    pub champion: ChampionModel,
    /// The model that was live before, if there was one; the same one if it was pinned or unpinned.
    pub previous_model_id: Option<String>,
}

impl ChampionChange {
    /// What there is to tell: another model is live.
    #[must_use]
    pub fn promotion(&self) -> Option<ModelPromoted> {
        let ChampionModel { model_id, generation, .. } = &self.champion;
        let event = || ModelPromoted::new(*generation, model_id.clone(), self.previous_model_id.clone());
        (self.previous_model_id.as_ref() != Some(model_id)).then(event)
    }

    /// The change that an earlier attempt at a command has made.
    fn made_before(champion: ChampionModel) -> Self {
        let previous_model_id = match champion.changed_by {
            Some(ModelAction::Pin | ModelAction::Unpin) => Some(champion.model_id.clone()),
            Some(ModelAction::Promote | ModelAction::Rollback) | None => champion.previous.clone(),
        };
        Self { champion, previous_model_id }
    }
}

impl ControlTable {
    /// The live model; `None` before the first one.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn champion(&self) -> Result<Option<ChampionModel>, StoreError> {
        Ok(self.get("pointer", "champion").await?.map(from_item).transpose()?)
    }

    /// Puts a champion in the place of the one that was `seen` (`None`: there was none), as the next generation. `None` if
    /// somebody else changed it in between.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn replace_champion(
        &self,
        seen: Option<u64>,
        champion: ChampionModel,
    ) -> Result<Option<ChampionModel>, StoreError> {
        let champion = ChampionModel { generation: seen.unwrap_or_default() + 1, ..champion };
        let mut item = to_item(&champion)?;
        item.extend(key("pointer", "champion"));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("generation = :seen")
                .expression_attribute_values(":seen", AttributeValue::N(seen.to_string())),
        };
        Ok(unless_condition_failed(put.send().await, "replace the champion")?.map(|_| champion))
    }

    /// Does what somebody wants done about the champion, if nobody changed it since they looked. What an earlier attempt
    /// has done already is answered as if it were done now.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or written.
    pub async fn command(
        &self,
        command: &ModelCommandRequested,
    ) -> Result<Result<ChampionChange, CommandRefused>, StoreError> {
        let Some(now) = self.champion().await? else { return self.first_champion(command).await };
        if now.is_made_by(command) {
            return Ok(Ok(ChampionChange::made_before(now)));
        }
        if now.generation != command.generation {
            return Ok(Err(CommandRefused::Changed { now: now.generation, seen: command.generation }));
        }
        let generation = now.generation;
        let other = |model_id: String, as_of: Instant| ChampionModel {
            model_id,
            as_of,
            generation,
            previous: Some(now.model_id.clone()),
            previous_as_of: Some(now.as_of),
            pinned: true,
            changed_by: None,
        };
        let wanted = match command.action {
            ModelAction::Promote => {
                let model_id = command.model_id.clone().unwrap_or_default();
                let Some(model) = self.model(&model_id).await? else {
                    return Ok(Err(CommandRefused::UnknownModel(model_id)));
                };
                other(model.model_id, model.as_of)
            }
            ModelAction::Rollback => match now.previous.clone().zip(now.previous_as_of) {
                Some((model_id, as_of)) => other(model_id, as_of),
                None => return Ok(Err(CommandRefused::NothingBefore)),
            },
            ModelAction::Pin => ChampionModel { pinned: true, ..now.clone() },
            ModelAction::Unpin => ChampionModel { pinned: false, ..now.clone() },
        };
        let wanted = ChampionModel { changed_by: Some(command.action), ..wanted };
        let replaced = self.replace_champion(Some(generation), wanted).await?;
        Ok(replaced
            .map(|champion| ChampionChange { champion, previous_model_id: Some(now.model_id) })
            .ok_or(CommandRefused::Changed { now: generation + 1, seen: command.generation }))
    }

    /// Puts a model in place by hand where none was promoted yet.
    async fn first_champion(
        &self,
        command: &ModelCommandRequested,
    ) -> Result<Result<ChampionChange, CommandRefused>, StoreError> {
        if command.action != ModelAction::Promote || command.generation != 0 {
            return Ok(Err(CommandRefused::NoChampion));
        }
        let model_id = command.model_id.clone().unwrap_or_default();
        let Some(model) = self.model(&model_id).await? else {
            return Ok(Err(CommandRefused::UnknownModel(model_id)));
        };
        let wanted = ChampionModel {
            model_id,
            as_of: model.as_of,
            generation: 0,
            previous: None,
            previous_as_of: None,
            pinned: true,
            changed_by: Some(command.action),
        };
        let replaced = self.replace_champion(None, wanted).await?;
        let change = replaced.map(|champion| ChampionChange { champion, previous_model_id: None });
        Ok(change.ok_or(CommandRefused::Changed { now: 1, seen: 0 }))
    }

    /// Records an outcome, unless it is on record already; returns what is on record.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or written.
    pub async fn record_outcome(&self, outcome: RecordedOutcome) -> Result<RecordedOutcome, StoreError> {
        let id = outcome.outcome_id.to_string();
        self.record("outcome", &id, outcome, "record an outcome").await
    }

    /// What people recorded of one customer.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn outcomes_of(&self, customer_id: &Id) -> Result<Vec<RecordedOutcome>, StoreError> {
        let mut outcomes = self.outcomes().await?;
        outcomes.retain(|outcome| outcome.customer_id == *customer_id);
        Ok(outcomes)
    }

    /// Everything that people recorded.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn outcomes(&self) -> Result<Vec<RecordedOutcome>, StoreError> {
        self.query_all("outcome").await?.into_iter().map(deserialize).collect()
    }

    /// Records how right a run was; a record takes the place of one that knew no more. Returns whether it did.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_accuracy(&self, record: &AccuracyRecord) -> Result<bool, StoreError> {
        let mut item = to_item(record)?;
        item.extend(key("accuracy", record.run_id.as_str()));
        // As a number: written times do not sort, as one with a fraction of a second comes before the one without.
        let known = AttributeValue::N(record.known_at.micros().to_string());
        item.insert("known_micros".to_owned(), known.clone());
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(known_micros) OR known_micros <= :known")
            .expression_attribute_values(":known", known);
        Ok(unless_condition_failed(put.send().await, "record how right a run was")?.is_some())
    }

    /// How right a run was; `None` before it was judged.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn accuracy(&self, run: &RunId) -> Result<Option<AccuracyRecord>, StoreError> {
        Ok(self.get("accuracy", run.as_str()).await?.map(from_item).transpose()?)
    }

    /// How right the newest runs were, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn accuracies(&self, most: usize) -> Result<Vec<AccuracyRecord>, StoreError> {
        self.newest("accuracy", most).await
    }

    /// Records a model.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_model(&self, model: &ModelRecord) -> Result<(), StoreError> {
        self.put("model", &model.model_id, model, None).await
    }

    /// A model on record.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn model(&self, model_id: &str) -> Result<Option<ModelRecord>, StoreError> {
        // DynamoDB takes sort keys of 1 to 1024 bytes: under another one there is nothing.
        if !(1..=1024).contains(&model_id.len()) {
            return Ok(None);
        }
        Ok(self.get("model", model_id).await?.map(from_item).transpose()?)
    }

    /// The models on record, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn models(&self, most: usize) -> Result<Vec<ModelRecord>, StoreError> {
        self.newest("model", most).await
    }
}

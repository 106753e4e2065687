//! The feedback loop in the control table: the champion, models, accuracy, recorded outcomes and actions.

use aws_sdk_dynamodb::types::AttributeValue;
use expansion_domain::{
    Id, ModelAction, ModelCommandRequested, ModelPromoted, RecordedAction, RecordedOutcome, RunId, StoredAction,
};
use expansion_records::{AccuracyRecord, ChampionModel, ModelRecord};
use uuid::Uuid;

use crate::error::unless_condition_failed;
use crate::items::deserialize;
use crate::{ControlTable, StoreError};

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    #[error("there is no champion yet")]
    NoChampion,
    /// Another change came first.
    #[error("the champion is of generation {now} now, not {seen}: look again")]
    Changed { now: u64, seen: u64 },
    #[error("there is no model {0:?} on record")]
    UnknownModel(String),
    #[error("there was no champion before this one")]
    NothingBefore,
}

/// What a command did to the champion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChampionChange {
    pub champion: ChampionModel,
    /// The model that was live before, if there was one; the same one if it was pinned or unpinned.
    pub previous_model_id: Option<String>,
}

impl ChampionChange {
    /// The event to emit if another model is live now.
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
    pub async fn champion(&self) -> Result<Option<ChampionModel>, StoreError> {
        self.get("pointer", "champion").await
    }

    /// Replaces the champion whose generation was `seen` (`None`: there was none) by the next generation. `None` if it lost
    /// the race: another writer changed the champion first.
    pub async fn replace_champion(
        &self,
        seen: Option<u64>,
        champion: ChampionModel,
    ) -> Result<Option<ChampionModel>, StoreError> {
        let champion = ChampionModel { generation: seen.unwrap_or_default() + 1, ..champion };
        let put = self.put_request("pointer", "champion", &champion)?;
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("generation = :seen")
                .expression_attribute_values(":seen", AttributeValue::N(seen.to_string())),
        };
        Ok(unless_condition_failed(put.send().await, "replace the champion")?.map(|_| champion))
    }

    /// Carries out a command unless the champion has changed since the caller saw it. Idempotent: what an earlier attempt
    /// has done is answered as if it were done now.
    pub async fn command(
        &self,
        command: &ModelCommandRequested,
    ) -> Result<Result<ChampionChange, CommandRefused>, StoreError> {
        let (now, seen) = (self.champion().await?, command.generation);
        match &now {
            Some(now) if now.is_made_by(command) => return Ok(Ok(ChampionChange::made_before(now.clone()))),
            Some(now) if now.generation != seen => {
                return Ok(Err(CommandRefused::Changed { now: now.generation, seen }));
            }
            None if seen != 0 => return Ok(Err(CommandRefused::NoChampion)),
            _ => {}
        }
        let by_hand =
            |model_id, as_of| ChampionModel { pinned: true, ..ChampionModel::after(now.as_ref(), model_id, as_of) };
        let wanted = match (command.action, &now) {
            (ModelAction::Promote, _) => {
                let model_id = command.model_id.as_deref().unwrap_or_default();
                match self.model(model_id).await? {
                    Some(model) => by_hand(model.model_id, model.as_of),
                    None => return Ok(Err(CommandRefused::UnknownModel(model_id.to_owned()))),
                }
            }
            (_, None) => return Ok(Err(CommandRefused::NoChampion)),
            (ModelAction::Rollback, Some(now)) => match now.previous.clone().zip(now.previous_as_of) {
                Some((model_id, as_of)) => by_hand(model_id, as_of),
                None => return Ok(Err(CommandRefused::NothingBefore)),
            },
            (ModelAction::Pin, Some(now)) => ChampionModel { pinned: true, ..now.clone() },
            (ModelAction::Unpin, Some(now)) => ChampionModel { pinned: false, ..now.clone() },
        };
        let wanted = ChampionModel { changed_by: Some(command.action), ..wanted };
        let replaced = self.replace_champion(now.as_ref().map(|now| now.generation), wanted).await?;
        let previous_model_id = now.map(|now| now.model_id);
        let change = replaced.map(|champion| ChampionChange { champion, previous_model_id });
        Ok(change.ok_or(CommandRefused::Changed { now: seen + 1, seen }))
    }

    /// Records an outcome unless it is on record already; returns the outcome on record.
    pub async fn record_outcome(&self, outcome: RecordedOutcome) -> Result<RecordedOutcome, StoreError> {
        let id = outcome.outcome_id.to_string();
        self.record("outcome", &id, outcome, "record an outcome").await
    }

    /// The recorded outcomes of one customer.
    pub async fn outcomes_of(&self, customer_id: &Id) -> Result<Vec<RecordedOutcome>, StoreError> {
        let mut outcomes = self.outcomes().await?;
        outcomes.retain(|outcome| outcome.customer_id == *customer_id);
        Ok(outcomes)
    }

    /// All recorded outcomes.
    pub async fn outcomes(&self) -> Result<Vec<RecordedOutcome>, StoreError> {
        self.query_all("outcome").await?.into_iter().map(deserialize).collect()
    }

    /// Records an action with the event that was emitted for it, unless it is on record already; returns what is on
    /// record.
    pub async fn record_action(&self, action: StoredAction) -> Result<StoredAction, StoreError> {
        let id = action.record.action_id.to_string();
        self.record("action", &id, action, "record an action").await
    }

    pub async fn action(&self, action_id: Uuid) -> Result<Option<StoredAction>, StoreError> {
        self.get("action", &action_id.to_string()).await
    }

    /// All actions, without their events.
    pub async fn actions(&self) -> Result<Vec<RecordedAction>, StoreError> {
        self.query_all("action").await?.into_iter().map(deserialize).collect()
    }

    /// Records how right a run was, unless the record there knows more (has a later `known_at`). Returns whether it did.
    pub async fn put_accuracy(&self, record: &AccuracyRecord) -> Result<bool, StoreError> {
        // As a number: written times do not sort, as one with a fraction of a second comes before the one without.
        let known = AttributeValue::N(record.known_at.micros().to_string());
        let put = self
            .put_request("accuracy", record.run_id.as_str(), record)?
            .item("known_micros", known.clone())
            .condition_expression("attribute_not_exists(known_micros) OR known_micros <= :known")
            .expression_attribute_values(":known", known);
        Ok(unless_condition_failed(put.send().await, "record how right a run was")?.is_some())
    }

    /// The accuracy record of a run; `None` before it was judged.
    pub async fn accuracy(&self, run: &RunId) -> Result<Option<AccuracyRecord>, StoreError> {
        self.get("accuracy", run.as_str()).await
    }

    /// The accuracy records of the newest runs, newest first.
    pub async fn accuracies(&self, most: usize) -> Result<Vec<AccuracyRecord>, StoreError> {
        self.newest("accuracy", most).await
    }

    pub async fn put_model(&self, model: &ModelRecord) -> Result<(), StoreError> {
        self.put("model", &model.model_id, model, false).await
    }

    pub async fn model(&self, model_id: &str) -> Result<Option<ModelRecord>, StoreError> {
        // DynamoDB takes sort keys of 1 to 1024 bytes: under another one there is nothing.
        if !(1..=1024).contains(&model_id.len()) {
            return Ok(None);
        }
        self.get("model", model_id).await
    }

    /// The models on record, newest first.
    pub async fn models(&self, most: usize) -> Result<Vec<ModelRecord>, StoreError> {
        self.newest("model", most).await
    }
}

//! Which model is live and why, and changing that by hand.

use expansion_domain::{ModelAction, ModelCommandRequested};
use expansion_records::{ChampionModel, ModelRecord};
use expansion_store::{Bus, ControlTable};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Config, ConfigError, Conflict, Error, Principal};

/// Models shown at most: half a year of weekly ones.
const MOST_MODELS: usize = 26;

/// The models on record.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelsAnswer {
    /// The live one; `null` before the first.
    pub champion: Option<ChampionModel>,
    /// The newest, newest first, each with its figures out of time (of all customers, and of those on whom nobody
    /// worked), verdict and decision.
    pub data: Vec<ModelRecord>,
}

/// Answers with the models on record.
#[derive(Debug)]
pub struct Models {
    pub control: ControlTable,
}

impl Models {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()? })
    }

    pub async fn answer(&self) -> Result<ModelsAnswer, Error> {
        Ok(ModelsAnswer { champion: self.control.champion().await?, data: self.control.models(MOST_MODELS).await? })
    }
}

/// Changes which model is live.
#[derive(Debug)]
pub struct ModelCommands {
    pub models: Models,
    pub bus: Bus,
}

impl ModelCommands {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { models: Models::new(config)?, bus: config.bus()? })
    }

    /// Does what a manager wants done about the champion; answers with the models as they are then.
    ///
    /// # Errors
    /// [`Error`] for anybody but a manager, for a command that makes no sense or comes too late, and when the store fails.
    pub async fn command(&self, principal: &Principal, command: &ModelCommandRequested) -> Result<ModelsAnswer, Error> {
        may_command(principal)?;
        if (command.action == ModelAction::Promote) != command.model_id.is_some() {
            return Err(Error::invalid("model_id", "goes with promote, and with nothing else"));
        }
        let change = self.models.control.command(command).await?.map_err(Conflict::Champion)?;
        // Again too where the change was made by an attempt that ended before it told of it.
        self.bus.put(change.promotion()).await?;
        self.models.answer().await
    }
}

/// Whether the caller may change the champion.
pub fn may_command(principal: &Principal) -> Result<(), Error> {
    principal.must_be_manager("Only a manager may change the champion.")
}

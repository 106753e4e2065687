//! How the segments differ, as the current run's model found.

use expansion_domain::RunId;
use expansion_model::{Manifest, SegmentPattern};
use expansion_store::{Artifacts, ControlTable, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Config, ConfigError, Error};

/// What the current run's model found, by segment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SegmentsAnswer {
    /// The run.
    pub run_id: RunId,
    /// Its model.
    pub model_id: String,
    /// The label window in days: rates and propensities are of an expansion within it.
    pub horizon_days: u16,
    /// All customers first, then segment by segment.
    pub data: Vec<SegmentPattern>,
}

/// Answers with the segments.
#[derive(Debug)]
pub struct Segments {
    pub control: ControlTable,
    pub artifacts: Artifacts,
}

impl Segments {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()?, artifacts: config.artifacts()? })
    }

    /// The segments of the current run. They are nobody's customers: everybody who is signed in may see them.
    pub async fn answer(&self) -> Result<SegmentsAnswer, Error> {
        let current = self.control.current_run().await?.ok_or(Error::NoRunYet)?;
        let run = self.control.expect_run(&current.run.run_id).await?;
        let model = run.model().ok_or_else(|| StoreError::NotFound(format!("the model of run {}", run.run_id)))?;
        let manifest = self.artifacts.manifest(&model.model_id).await?;
        let manifest = manifest.ok_or_else(|| StoreError::NotFound(model.model_id.clone()))?;
        let Manifest { model_id, horizon_days, patterns: data, .. } = manifest;
        Ok(SegmentsAnswer { run_id: run.run_id, model_id, horizon_days, data })
    }
}

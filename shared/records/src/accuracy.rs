//! What is on record of how right a run was.

use std::collections::BTreeMap;

use expansion_domain::{Instant, RunId};
use expansion_model::{Accuracy, Metrics, Shift};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of how right a run was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyRecord {
    /// The run.
    pub run_id: RunId,
    /// What it knew.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// The model.
    pub model_id: String,
    /// What was known when this was found.
    pub known_at: Instant,
    /// After 7, 14, 30 and 60 days and the whole horizon.
    pub cohorts: Vec<CohortAccuracy>,
    /// What can be said without any outcome.
    pub warning: EarlyWarning,
}

/// How right a run was after so many days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortAccuracy {
    /// Days since the run's `as_of`.
    pub days: u16,
    /// Whether they have passed for everybody: before that nobody is judged, as no outcome yet is not no expansion.
    pub is_mature: bool,
    /// Customers who are not in the source any more: what became of them is not known.
    pub censored: usize,
    /// All customers; absent before it is mature.
    pub overall: Option<Accuracy>,
    /// By segment.
    pub segments: BTreeMap<String, Accuracy>,
    /// By confidence level.
    pub levels: BTreeMap<String, Accuracy>,
    /// Expansions that were to be expected within these days, by when expansions usually come within a horizon.
    pub expected_expansions: Option<f64>,
}

/// What can be said of a run without any outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlyWarning {
    /// What the figures will be if the propensities are right.
    pub estimated: Option<Metrics>,
    /// How the customers have shifted since the model was trained, most shifted first.
    pub shifts: Vec<Shift>,
    /// What crosses a threshold, in words.
    pub findings: Vec<String>,
}

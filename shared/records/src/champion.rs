//! The models on record, and the champion: the live one.

use expansion_domain::{Instant, ModelAction, ModelCommandRequested};
use expansion_model::{Decision, Doubt, Knowledge, Metrics, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A model on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRecord {
    /// The model.
    pub model_id: String,
    /// What it knew.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// What kind of model it is.
    pub family: String,
    /// How much there was to learn from.
    pub knowledge: Knowledge,
    /// How good it was out of time.
    pub metrics: Option<Metrics>,
    /// The same among the customers on whom nobody worked an expansion then.
    pub unworked: Option<Metrics>,
    /// How far it can be relied on.
    pub verdict: Verdict,
    /// What of the history it was fitted to is not plausible; empty for models of earlier versions.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// Whether it was to take the champion's place, and why.
    pub decision: Decision,
}

/// The live model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChampionModel {
    /// The model.
    pub model_id: String,
    /// What it knew.
    pub as_of: Instant,
    /// Counts the changes; whoever changes it says which generation they saw.
    pub generation: u64,
    /// The champion before, for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What the champion before knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_as_of: Option<Instant>,
    /// Whether it stays until somebody says otherwise.
    #[serde(default)]
    pub pinned: bool,
    /// What was done by hand that made it so; absent for a challenger that took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<ModelAction>,
}

impl ChampionModel {
    /// A model in the place of the champion before. Its generation is set where it is stored.
    pub fn after(previous: Option<&Self>, model_id: String, as_of: Instant) -> Self {
        Self {
            model_id,
            as_of,
            generation: 0,
            previous: previous.map(|champion| champion.model_id.clone()),
            previous_as_of: previous.map(|champion| champion.as_of),
            pinned: false,
            changed_by: None,
        }
    }

    /// Whether this is what a command has made of the champion it saw: then it was done already, and asked for again.
    pub fn is_made_by(&self, command: &ModelCommandRequested) -> bool {
        let is_wanted = command.action != ModelAction::Promote || command.model_id.as_ref() == Some(&self.model_id);
        self.changed_by == Some(command.action)
            && command.generation.checked_add(1) == Some(self.generation)
            && is_wanted
    }
}

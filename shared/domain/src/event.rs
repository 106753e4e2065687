//! The events on the `expansion` bus, all with source [`SOURCE`], a detail type and a versioned detail.
//!
//! Delivery is at least once and unordered: every detail names what it is about, never "the next one".

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ExpansionActionRequested, Id, Instant, RunId};

/// The source of every event of this project.
pub const SOURCE: &str = "expansion-propensity";

/// The version of the details below. A consumer refuses any other.
const VERSION: u8 = 1;

/// What an event says, under the name it has on the bus.
pub trait Detail: Serialize + DeserializeOwned {
    /// The event's `detail-type`.
    const TYPE: &'static str;
}

/// An event as EventBridge delivers it (only the parts that are relied on).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{D}Event")]
pub struct Envelope<D> {
    /// Who sent it.
    pub source: String,
    /// What kind of event it is.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// What it says.
    pub detail: Versioned<D>,
}

/// A detail with its version beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{D}Detail")]
pub struct Versioned<D> {
    /// The version of the detail's form.
    pub version: u8,
    /// The detail.
    #[serde(flatten)]
    pub body: D,
}

/// Unsupported event type, version or source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} version {VERSION} from {SOURCE}, got {detail_type} version {version} from {source_name}")]
pub struct UnexpectedEvent {
    expected: &'static str,
    detail_type: String,
    version: u8,
    source_name: String,
}

impl<D: Detail> Envelope<D> {
    /// Wraps a detail for the bus.
    pub fn new(detail: D) -> Self {
        Self {
            source: SOURCE.to_owned(),
            detail_type: D::TYPE.to_owned(),
            detail: Versioned { version: VERSION, body: detail },
        }
    }

    /// The detail, once source, type and version are the expected ones.
    pub fn open(self) -> Result<D, UnexpectedEvent> {
        if self.source == SOURCE && self.detail_type == D::TYPE && self.detail.version == VERSION {
            Ok(self.detail.body)
        } else {
            Err(UnexpectedEvent {
                expected: D::TYPE,
                detail_type: self.detail_type,
                version: self.detail.version,
                source_name: self.source,
            })
        }
    }
}

/// A refresh is wanted: train on what was known at `as_of`, then score every customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequested {
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// Why: `schedule`, or a name for the request. Part of the run's identity.
    pub cause: String,
    /// Days after `as_of` in which an expansion counts; the function's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u16>,
}

/// Stalled runs are to be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCheckRequested {
    /// When the check is made.
    pub as_of: Instant,
}

/// A model was fitted and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelTrained {
    /// The run it was trained for.
    pub run_id: RunId,
    /// The model.
    pub model_id: String,
    /// The inclusive bound of what it knew.
    pub as_of: Instant,
}

/// A model became the champion. Delivered at least once, each time with the same `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPromoted {
    /// Derived from the change, for telling repetitions.
    pub id: Uuid,
    /// The model.
    pub model_id: String,
    /// The champion before it.
    pub previous_model_id: Option<String>,
}

impl ModelPromoted {
    /// What there is to tell of the change to the champion with this `generation`.
    pub fn new(generation: u64, model_id: String, previous_model_id: Option<String>) -> Self {
        let name = format!("expansion-propensity:promoted:{generation}:{model_id}");
        Self { id: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()), model_id, previous_model_id }
    }
}

/// Somebody wants another champion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCommandRequested {
    /// What is wanted.
    pub action: ModelAction,
    /// Which model is to be promoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The generation of the champion that the caller saw, 0 where there is none: somebody else's change is never undone
    /// unseen.
    #[schemars(range(max = u64::MAX))]
    pub generation: u64,
}

/// What can be done about the champion by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelAction {
    /// Put a certain model in its place.
    Promote,
    /// Go back to the champion before.
    Rollback,
    /// Keep it until told otherwise: no challenger takes its place.
    Pin,
    /// Let challengers compete again.
    Unpin,
}

/// Past runs are to be judged by the outcomes since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccuracyRequested {
    /// The inclusive bound of what is known.
    pub as_of: Instant,
}

/// The live model is less right than it should be, or its early results say so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyDegraded {
    /// The run.
    pub run_id: RunId,
    /// The inclusive bound of what was known when this was found.
    pub as_of: Instant,
    /// The model.
    pub model_id: String,
    /// What is wrong, in words.
    pub findings: Vec<String>,
}

/// Today's customers are no longer like those that the live model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftDetected {
    /// The run.
    pub run_id: RunId,
    /// The inclusive bound of what was known when this was found.
    pub as_of: Instant,
    /// The model.
    pub model_id: String,
    /// What has shifted, in words.
    pub findings: Vec<String>,
}

/// One shard of a run is to be scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRequested {
    /// The run.
    pub run_id: RunId,
    /// Which of its shards, from 0.
    pub shard: u32,
}

/// A run is complete and is what readers now see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropensityRefreshed {
    /// The run.
    pub run_id: RunId,
    /// The inclusive bound of what it knew.
    pub as_of: Instant,
    /// The model it used.
    pub model_id: String,
    /// How many customers it scored.
    pub rows: u64,
}

/// A customer became ready for an expansion in the run that readers now see: to be approached, with grade A unless
/// configured otherwise. Sent once for each time; delivered at least once, each time with the same `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpansionReady {
    /// Derived from the customer and the run before, for telling repetitions: two runs that follow the same one tell of
    /// the same crossing.
    pub id: Uuid,
    /// The run.
    pub run_id: RunId,
    /// The inclusive bound of what it knew.
    pub as_of: Instant,
    /// The customer.
    pub customer_id: Id,
    /// Display name.
    pub customer_name: Option<Id>,
    /// The CSM in charge.
    pub csm_id: Option<Id>,
    /// 1–99.
    pub propensity_score: u8,
    /// The score in the run before; absent for a customer that was not in it.
    pub previous_score: Option<u8>,
    /// `High`, `Medium` or `Low`.
    pub confidence_level: String,
    /// Propensity times mean amount; absent when no won amount is known.
    pub expected_value: Option<f64>,
    /// The strongest factor in favour, in words.
    pub primary_signal: Option<String>,
    /// Where the propensity lies among customers of the same standing: `A` to `D`.
    #[serde(default)]
    pub grade: Option<String>,
    /// How many times as likely as comparable customers are on average.
    #[serde(default)]
    pub lift: Option<f64>,
    /// Always `null`: only customers to approach are told of.
    pub leave_alone: Option<String>,
}

macro_rules! details {
    ($($name:ident),*) => {
        $(impl Detail for $name {
            const TYPE: &'static str = stringify!($name);
        })*
    };
}
details!(
    RefreshRequested,
    RunCheckRequested,
    ModelTrained,
    ModelPromoted,
    ModelCommandRequested,
    AccuracyRequested,
    AccuracyDegraded,
    DriftDetected,
    ShardRequested,
    PropensityRefreshed,
    ExpansionReady,
    ExpansionActionRequested
);

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"source":"expansion-propensity","detail-type":"RefreshRequested","time":"2026-11-02T06:00:00Z",
        "detail":{"version":1,"as_of":"2026-11-02T06:00:00Z","cause":"schedule"}}"#;

    #[test]
    fn an_event_is_opened_only_as_what_it_is() {
        let event: Envelope<RefreshRequested> = serde_json::from_str(REQUEST).expect("it parses");
        let detail = event.clone().open().expect("it is a RefreshRequested");
        assert_eq!(Envelope::new(detail), event);

        let other = Envelope { detail_type: "ShardRequested".to_owned(), ..event.clone() };
        assert!(other.open().is_err());
        let mut newer = event;
        newer.detail.version = 2;
        assert!(newer.open().is_err());
    }
}

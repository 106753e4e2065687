//! What a CSM has done about a recommendation: the action on record, and the event that hands it to whoever does it.
//!
//! The event repeats what it is about, so that a CRM needs to ask nobody. `events/schemas/ExpansionActionRequested.json`
//! describes it for others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Date, Id, Instant, RunId};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A deal is to be opened.
    CreateOpportunity,
    /// The customer is to be met.
    ScheduleMeeting,
    /// The customer is to be sent an offer.
    GenerateProposal,
}

impl ActionKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateOpportunity => "create_opportunity",
            Self::ScheduleMeeting => "schedule_meeting",
            Self::GenerateProposal => "generate_proposal",
        }
    }
}

/// What somebody had done about a customer. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedAction {
    /// Its id.
    pub action_id: Uuid,
    /// What is to be done.
    pub action: ActionKind,
    /// The customer.
    pub customer_id: Id,
    /// The run whose answer it follows.
    pub run_id: RunId,
    /// The model that gave the answer.
    pub model_id: String,
    /// The score that the answer had, 1–99.
    pub propensity_score: u8,
    /// The product it is about; absent where none is recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// When it was asked for.
    pub requested_at: Instant,
    /// Who asked.
    pub requested_by: Requester,
}

/// Who asked for something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requester {
    /// The subject of their token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Id>,
    /// The CSM they are; absent for a manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csm_id: Option<Id>,
}

/// What the caller said about the action: what tells one request from another under the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// What is to be done.
    pub action: ActionKind,
    /// The product that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// When a meeting is to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,
    /// How long it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_minutes: Option<u16>,
    /// What is to be passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An action as it is stored: with what was asked and what is emitted, so that a retry emits the same even if another run
/// is seen by then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredAction {
    /// The action.
    #[serde(flatten)]
    pub record: RecordedAction,
    /// What the caller said.
    pub request: ActionRequest,
    /// What is emitted.
    pub event: ExpansionActionRequested,
}

/// A CSM wants something done about a customer. Delivered at least once, each time with the same `action_id` and the same
/// content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpansionActionRequested {
    /// For telling repetitions.
    pub action_id: Uuid,
    /// What is to be done.
    pub action: ActionKind,
    /// When it was asked for.
    pub requested_at: Instant,
    /// Who asked.
    pub requested_by: Requester,
    /// The customer.
    pub customer: ActionCustomer,
    /// The run whose answer it follows.
    pub run_id: RunId,
    /// What that run knew.
    pub as_of: Instant,
    /// That run's own instant: the key of its rows.
    pub calculated_at: Instant,
    /// The model that gave the answer.
    pub model_id: String,
    /// 1–99.
    pub propensity_score: u8,
    /// The 90 % interval.
    pub propensity_interval: ActionInterval,
    /// `High`, `Medium` or `Low`.
    pub confidence_level: String,
    /// The strongest factor in favour, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_signal: Option<String>,
    /// The factors with the most points for or against, most in favour first.
    pub contributing_factors: Vec<ActionFactor>,
    /// What it is about; absent where no product is recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ActionProduct>,
    /// What else is recommended; none where the caller named the product.
    pub alternatives: Vec<ActionProduct>,
    /// How to go about it.
    pub approach: ActionApproach,
    /// The meeting; only with `schedule_meeting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<ActionMeeting>,
    /// What the caller passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The customer an action is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionCustomer {
    /// Its id.
    pub id: Id,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// Segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Id>,
    /// The CSM in charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csm_id: Option<Id>,
}

/// Two ends, in points of the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionInterval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// One feature's part of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionFactor {
    /// The feature's name.
    pub feature: String,
    /// What it says about the customer, in words.
    pub label: String,
    /// Its value, where it is a number and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its points; negative ones count against an expansion.
    pub points: i32,
}

/// A product that is recommended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionProduct {
    /// The product.
    pub product_id: Id,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// What to offer, in words.
    pub offer: String,
    /// How many units more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<f64>,
    /// The probability that an expansion, if it happens, is of this product, 0–1.
    pub probability: f64,
    /// Amount of an expansion of this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_value: Option<ActionValue>,
}

/// An amount with its 80 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionValue {
    /// The median.
    pub amount: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// How to go about it. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionApproach {
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<ActionTiming>,
    /// Through whom.
    #[serde(default, rename = "champion", skip_serializing_if = "Option::is_none")]
    pub advocate: Option<ActionAdvocate>,
    /// How to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<ActionEntryPoint>,
}

/// When to talk about an expansion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionTiming {
    /// In words.
    pub label: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Why then.
    pub reason: String,
}

/// Who inside argues for the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActionChampion")]
pub struct ActionAdvocate {
    /// The person.
    pub stakeholder_id: Id,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Id>,
    /// In words.
    pub label: String,
}

/// The conversation to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionEntryPoint {
    /// Which conversation.
    pub conversation: String,
    /// What calls for it, in words.
    pub because: String,
}

/// A meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionMeeting {
    /// When it begins.
    pub starts_at: Instant,
    /// When it ends.
    pub ends_at: Instant,
    /// How the time was found; absent where the caller gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_found_by: Option<String>,
}

//! The row a run stores for a customer; the names are those of the table's attributes.

use std::collections::BTreeMap;

use expansion_domain::{Date, Id, Instant, RunId};
use expansion_features::Snapshot;
use expansion_model::{ConfidenceLevel, FactorValue, Side, SimilarCohort, ValueRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Comparable, Grade, Standing};

/// How likely a customer is to expand, how sure that is, why, with what and for how much. What later versions of the
/// program added to a row is read as absent from rows stored before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Propensity {
    /// What lists show.
    #[serde(flatten)]
    pub listed: Listed,
    /// A UUID derived from customer and run.
    pub id: Uuid,
    /// The run.
    pub run_id: RunId,
    /// The model.
    pub model_id: String,
    /// The score of a customer average in everything; with the factors' points it adds up to the score.
    pub baseline_points: i32,
    /// The features that make the score differ from the baseline, most points first.
    pub contributing_factors: Vec<Factor>,
    /// What became of the customers most similar to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar_cohort: Option<SimilarCohort>,
    /// What an expansion is most likely to be of, at most three.
    pub recommended_products: Vec<RecommendedProduct>,
    /// What to do next.
    #[serde(default)]
    pub recommended_approach: Approach,
    /// Why the score moved since the run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// For each part of the answer that the data cannot support, why.
    #[serde(default)]
    pub not_available: BTreeMap<String, String>,
    /// The values of the features that the score was made from, in the order of
    /// [`expansion_features::FEATURES`]; `None` where one is missing.
    #[serde(default)]
    pub snapshot: Vec<Option<FactorValue>>,
}

/// What the list shows of a row; the score index projects just this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The customer.
    pub customer_id: Id,
    /// The run's instant, the same for all its rows.
    pub calculated_at: Instant,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<Id>,
    /// The CSM in charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csm_id: Option<Id>,
    /// Segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Id>,
    /// Industry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry: Option<Id>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Id>,
    /// Whether to approach the customer.
    #[serde(default)]
    pub standing: Standing,
    /// 1–99.
    pub propensity_score: u8,
    /// P(expansion within the horizon), 0–1: the score before rounding.
    #[serde(default)]
    pub propensity: f64,
    /// Lower end of the 90 % interval, in points of the score.
    pub propensity_lower: f64,
    /// Upper end of the 90 % interval, in points of the score.
    pub propensity_upper: f64,
    /// The customers that this one is compared with; absent from rows of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparable: Option<Comparable>,
    /// How many times as likely as comparable customers are on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<f64>,
    /// Where the propensity lies among customers of the same standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// How sure it is that the customer's own chance lies on the `side` of the comparable customers' average, 0–1.
    pub confidence: f64,
    /// In a word.
    pub confidence_level: ConfidenceLevel,
    /// On which side of the average; absent from rows of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// The strongest factor in favour, in words; an open deal only where there is no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_signal: Option<String>,
    /// The recommended products' ids, for filtering.
    pub product_ids: Vec<Id>,
    /// Median amount of an expansion; absent when no won amount is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_value: Option<f64>,
    /// Lower end of its 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_value_lower: Option<f64>,
    /// Upper end of its 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_value_upper: Option<f64>,
    /// Propensity times mean amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_value: Option<f64>,
    /// Expected value (100 × propensity where no won amount is known at all) times the chance that the customer is
    /// likelier to expand than comparable ones; only of customers ready to be approached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<f64>,
    /// Why the customer is better left alone for now; only of those who are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_alone: Option<String>,
    /// The deal that is being worked; only of customers in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_deal: Option<String>,
    /// What may hold that deal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    /// The next day on which a contract ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Date>,
    /// The day of the last conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<Date>,
    /// Whether somebody at the customer is known to argue for a purchase.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_advocate: bool,
    /// The score in the run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_score: Option<u8>,
    /// Whether the customer became ready in this run: to be approached, and of the grade from which on that is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newly_ready: bool,
}

/// A score of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastScore {
    /// The run's instant.
    pub calculated_at: Instant,
    /// The run.
    pub run_id: RunId,
    /// The model that gave it.
    pub model_id: String,
    /// 1–99.
    pub propensity_score: u8,
    /// Lower end of its 90 % interval.
    pub propensity_lower: f64,
    /// Upper end of it.
    pub propensity_upper: f64,
}

impl Propensity {
    /// The values that the score was made from.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { values: self.snapshot.iter().map(|value| FactorValue::restored(value.as_ref())).collect() }
    }
}

impl From<&Propensity> for PastScore {
    fn from(row: &Propensity) -> Self {
        Self {
            calculated_at: row.listed.calculated_at,
            run_id: row.run_id.clone(),
            model_id: row.model_id.clone(),
            propensity_score: row.listed.propensity_score,
            propensity_lower: row.listed.propensity_lower,
            propensity_upper: row.listed.propensity_upper,
        }
    }
}

/// What the run before said of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The score.
    pub propensity_score: u8,
    /// How the customer stood.
    #[serde(default)]
    pub standing: Standing,
    /// The grade; absent from rows of earlier versions.
    #[serde(default)]
    pub grade: Option<Grade>,
}

impl Previous {
    /// Whether the customer was ready: to be approached, and of this grade or a better one.
    pub fn is_ready(&self, least: Grade) -> bool {
        self.standing == Standing::ReadyToApproach && self.grade >= Some(least)
    }
}

/// One feature's part of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Factor {
    /// The feature's name; `other` for all those of less than a point together, `similar_cohort` for what became of
    /// similar customers.
    pub feature: String,
    /// What it says about the customer, in words.
    pub label: String,
    /// Its value: a number in the feature's unit or a level; absent when missing.
    pub value: Option<FactorValue>,
    /// The value that is typical of the customer's segment; absent when hardly anybody there has one.
    pub typical: Option<FactorValue>,
    /// Its points; negative ones count against an expansion.
    pub points: i32,
    /// What the points say.
    #[serde(default)]
    pub direction: Direction,
}

/// Whether something speaks for an expansion or against one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// For one.
    For,
    /// Against one.
    Against,
    /// Neither: it adds no points.
    #[default]
    Neutral,
}

impl Direction {
    /// What so many points say.
    pub const fn of(points: i32) -> Self {
        match points {
            1.. => Self::For,
            0 => Self::Neutral,
            _ => Self::Against,
        }
    }
}

/// A product the customer may buy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendedProduct {
    /// The product.
    pub product_id: Id,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// What to offer, in words: `Additional 50 seats`.
    #[serde(default)]
    pub offer: String,
    /// The probability that an expansion, if it happens, is of this product, 0–1.
    pub probability: f64,
    /// How many units more; only for seats, and only where use and entitlement are known.
    pub quantity: Option<Quantity>,
    /// Amount of an expansion of this product; absent when too few amounts are known.
    pub estimated_value: Option<ValueRange>,
    /// Why this product, in one sentence.
    #[serde(default)]
    pub rationale: String,
}

/// How many units more, and what they are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantity {
    /// Units to add.
    pub units: f64,
    /// Forecast share of all units in use at `until`, with these, 0–1.
    pub utilisation: f64,
    /// The renewal (a year ahead at most), or the end of the horizon where none is known.
    pub until: Date,
}

/// What to do next. What is absent has its reason in [`Propensity::not_available`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approach {
    /// What to offer: the first recommended product, in words.
    pub product: Option<String>,
    /// When.
    pub timing: Option<Timing>,
    /// Through whom.
    #[serde(rename = "champion")]
    pub advocate: Option<Advocate>,
    /// How to begin.
    pub entry_point: Option<EntryPoint>,
}

/// When to talk about an expansion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// In words: `Ahead of the renewal`.
    pub label: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Why then.
    pub reason: String,
}

/// Who inside argues for the product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Champion")]
pub struct Advocate {
    /// The person.
    pub stakeholder_id: Id,
    /// Name.
    pub name: Option<Id>,
    /// Job title.
    pub title: Option<Id>,
    /// Their role: `champion`.
    pub role: Option<Id>,
    /// When they came to that title from another, if within the last half year.
    pub new_title_since: Option<Instant>,
    /// The last touch point with them on record.
    pub last_engaged_at: Option<Instant>,
    /// In words: `Sarah Chen (promoted to VP)`.
    pub label: String,
}

/// The conversation to begin with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryPoint {
    /// Which conversation.
    pub conversation: String,
    /// The factor that calls for it, in words.
    pub because: String,
}

/// A score's change since the run before, taken apart: the points of all parts add up to `delta`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Movement {
    /// The run before.
    pub since: Instant,
    /// The score now minus the score then.
    pub delta: i32,
    /// What changed about the customer, as the model of then sees it, most points first.
    pub factors: Vec<MovedFactor>,
    /// What the new model sees otherwise.
    pub model_points: i32,
    /// What facts learned or corrected since would have changed about the score then.
    pub correction_points: i32,
}

/// A feature's part of a movement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MovedFactor {
    /// The feature's name; `other` for all those of less than a point together.
    pub feature: String,
    /// What it said then, in words.
    pub before: String,
    /// What it says now, in words.
    pub after: String,
    /// The points it moved the score by.
    pub points: i32,
}

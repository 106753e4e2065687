//! The row a run stores for a customer; the names are those of the table's attributes.

use expansion_domain::{Id, Instant, RunId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ConfidenceLevel;

/// How likely a customer is to expand, how sure that is, why, with what and for how much.
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
    /// What an expansion is most likely to be of, at most three.
    pub recommended_products: Vec<RecommendedProduct>,
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
    /// 1–99.
    pub propensity_score: u8,
    /// Lower end of the 90 % interval, in points of the score.
    pub propensity_lower: f64,
    /// Upper end of the 90 % interval, in points of the score.
    pub propensity_upper: f64,
    /// 0–1.
    pub confidence: f64,
    /// In a word.
    pub confidence_level: ConfidenceLevel,
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
    /// The score in the run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_score: Option<u8>,
}

/// Where a row stands in a list: by score, highest first, then by customer id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub std::cmp::Reverse<u8>, pub Id);

impl Listed {
    /// Where the row stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(std::cmp::Reverse(self.propensity_score), self.customer_id.clone())
    }
}

/// One feature's part of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// The feature's name.
    pub feature: String,
    /// What it says about the customer, in words.
    pub label: String,
    /// Its value: a number in the feature's unit or a level; absent when missing.
    pub value: Option<FactorValue>,
    /// Its points; negative ones count against an expansion.
    pub points: i32,
}

/// A factor's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactorValue {
    /// In the feature's unit.
    Number(f64),
    /// A level of a categorical feature.
    Level(Id),
}

/// A product the customer may buy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecommendedProduct {
    /// The product.
    pub product_id: Id,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// The probability that an expansion, if it happens, is of this product, 0–1.
    pub probability: f64,
}

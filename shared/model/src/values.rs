//! The values that answers are made of: a feature's, an amount with its interval, a share of similar customers; and what
//! an expansion is worth, given that it happens: a linear model of the log-amount over the features' bins, with an interval
//! from the amounts that the fit had not seen.

use expansion_domain::Id;
use expansion_features::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A feature's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FactorValue {
    /// In the feature's unit.
    Number(f64),
    /// A level of a categorical feature.
    Level(Id),
}

impl FactorValue {
    /// The value of a feature, unless it is missing.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Missing => None,
            Value::Number(number) => Some(Self::Number(*number)),
            Value::Level(level) => Some(Self::Level(level.clone())),
        }
    }

    /// The value, a number with four decimals at most.
    pub fn rounded(self) -> Self {
        match self {
            Self::Number(number) => Self::Number(rounded(number, 4)),
            level @ Self::Level(_) => level,
        }
    }

    /// The feature's value again.
    pub fn restored(value: Option<&Self>) -> Value {
        match value {
            None => Value::Missing,
            Some(Self::Number(number)) => Value::Number(*number),
            Some(Self::Level(level)) => Value::Level(level.clone()),
        }
    }
}

/// What became of the most similar customers at earlier cutoffs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SimilarCohort {
    /// How many customers were looked at.
    pub customers: usize,
    /// How many of them expanded within the horizon.
    pub expanded: usize,
    /// The share that did, 0–1.
    pub share: f64,
}

/// An amount with its 80 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueRange {
    /// The median.
    pub amount: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// Amount given expansion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueModel {
    /// The log-amount of an average customer.
    pub intercept: f64,
    /// For each of the model's features, what each bin adds to the log-amount.
    pub weights: Vec<Vec<f64>>,
    /// Log of lower end, median and upper end over the centre: conformal quantiles of what unseen amounts left over.
    pub spread: [f64; 3],
    /// Mean amount over the centre's exponential (Duan's smearing estimate).
    pub mean_factor: f64,
}

impl ValueModel {
    /// The centre of the log-amount for a customer whose features lie in the given bins.
    pub fn centre(&self, bins: &[u16]) -> f64 {
        let parts = self.weights.iter().zip(bins).map(|(weights, bin)| weights[usize::from(*bin)]);
        self.intercept + parts.sum::<f64>()
    }

    /// The amount, when those of such customers are spread like this (see [`ValueModel::spread`]).
    pub fn range(&self, bins: &[u16], spread: [f64; 3]) -> ValueRange {
        let centre = self.centre(bins);
        let [lower, amount, upper] = spread.map(|s| (centre + s).exp());
        ValueRange { amount, lower, upper }
    }

    /// The mean amount, for expected values.
    pub fn mean(&self, bins: &[u16]) -> f64 {
        self.centre(bins).exp() * self.mean_factor
    }
}

/// A number with so many decimals: what is stored should not pretend to more. A zero is without a sign, which not every
/// store keeps.
///
/// ```
/// # use expansion_model::rounded;
/// assert_eq!(rounded(1.23456, 2), 1.23);
/// assert!(rounded(-0.001, 2).is_sign_positive());
/// ```
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let scaled = (value * scale).round() / scale;
    if scaled.is_finite() { scaled + 0.0 } else { value }
}

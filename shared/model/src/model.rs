//! The additive model as plain data: log-odds = intercept + one weight for each feature's bin.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use expansion_domain::Instant;
use expansion_features::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ProductShares, ValueModel};

/// Changes whenever the artifact's form does.
pub const ARTIFACT_SCHEMA_VERSION: u32 = 1;

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The artifact's form.
    pub schema_version: u32,
    /// The feature set it was fitted on.
    pub feature_set_version: u32,
    /// Its id.
    pub model_id: String,
    /// What kind of model it is.
    pub family: String,
    /// What it knew.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// The log-odds of a customer who is average in every feature.
    pub intercept: f64,
    /// The features' parts.
    pub terms: Vec<Term>,
    /// How uncertain intercept and weights are.
    pub covariance: Covariance,
    /// What an expansion is worth; absent when no won amount is known.
    pub value: Option<ValueModel>,
    /// Which products are bought.
    pub products: ProductShares,
}

/// One feature's part of the log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The feature's name.
    pub feature: String,
    /// How its values fall into bins.
    pub bins: Bins,
    /// One weight (log-odds) a bin, centred on the training rows; see [`Bins::of`] for their order.
    pub weights: Vec<f64>,
}

/// How a feature's values fall into bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Numbers: bin `i` holds the values up to and including edge `i`, the next one those above the last edge.
    Numbers {
        /// Ascending.
        edges: Vec<f64>,
    },
    /// Levels: one bin each, then one for every level not seen in training.
    Levels {
        /// The levels seen in training.
        names: Vec<String>,
    },
}

impl Bins {
    /// How many bins there are: the ordinary ones, then the one for a missing value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.missing() + 1
    }

    /// Never: the bin for a missing value is always there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The bin of a missing value: the last.
    #[must_use]
    pub fn missing(&self) -> usize {
        match self {
            Self::Numbers { edges } => edges.len() + 1,
            Self::Levels { names } => names.len() + 1,
        }
    }

    /// The bin of a value. A value of the wrong kind is missing.
    #[must_use]
    pub fn of(&self, value: &Value) -> usize {
        match (self, value) {
            (Self::Numbers { edges }, Value::Number(number)) => edges.partition_point(|edge| edge < number),
            (Self::Levels { names }, Value::Level(level)) => {
                names.iter().position(|name| **name == **level).unwrap_or(names.len())
            }
            _ => self.missing(),
        }
    }
}

/// The covariance of the intercept and all bin weights, in this order: the intercept, then the bins of each term.
///
/// Kept as the lower triangle, row by row, in single precision: intervals need no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    /// How many parameters.
    pub size: usize,
    /// `size · (size + 1) / 2` entries.
    pub lower: Vec<f32>,
}

impl Covariance {
    /// The covariance of two parameters.
    #[must_use]
    pub fn at(&self, a: usize, b: usize) -> f64 {
        let (row, column) = if a < b { (b, a) } else { (a, b) };
        f64::from(self.lower[row * (row + 1) / 2 + column])
    }

    /// The variance of the sum of the given parameters.
    #[must_use]
    pub fn variance_of_sum(&self, parameters: &[usize]) -> f64 {
        let mut variance = 0.0;
        for (i, &a) in parameters.iter().enumerate() {
            variance += self.at(a, a);
            variance += 2.0 * parameters[..i].iter().map(|&b| self.at(a, b)).sum::<f64>();
        }
        variance.max(0.0)
    }
}

impl Serialize for Covariance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.lower.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Covariance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let bytes = STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let (entries, rest) = bytes.as_chunks::<4>();
        let size = (1..=entries.len()).find(|n| n * (n + 1) / 2 >= entries.len()).unwrap_or_default();
        if !rest.is_empty() || size * (size + 1) / 2 != entries.len() {
            return Err(D::Error::custom("the covariance is not a triangle of 32-bit floats"));
        }
        Ok(Self { size, lower: entries.iter().map(|entry| f32::from_le_bytes(*entry)).collect() })
    }
}

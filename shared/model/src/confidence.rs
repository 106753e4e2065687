//! How sure a score is, in one number and one word.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Knowledge, Score};

/// The definition of intervals and confidence, as manifests have it.
pub const CONFIDENCE: &str = "90 % interval of the customer's own probability: posterior variance of the fitted \
    log-odds plus the variance of customers alike in every feature, mapped through the sigmoid. Confidence = (1 - width) \
    * (0.5 + 0.5 * share of the model's features that are known), at most 0.44 for rules; High from 0.75, Medium from 0.45.";
/// The confidence of rules ends below Medium.
const MOST_OF_RULES: f64 = 0.44;
/// Where Medium and High begin.
const MEDIUM: f64 = 0.45;
const HIGH: f64 = 0.75;

/// A side of the average of comparable customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Likelier to expand than comparable customers are on average.
    Above,
    /// Less likely.
    Below,
}

impl Side {
    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// A score's confidence in a word, at fixed bounds of [`confidence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ConfidenceLevel {
    /// Below 0.45.
    Low,
    /// From 0.45.
    Medium,
    /// From 0.75.
    High,
}

impl ConfidenceLevel {
    /// The level of a confidence.
    pub fn of(confidence: f64) -> Self {
        match confidence {
            c if c >= HIGH => Self::High,
            c if c >= MEDIUM => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The level's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }
}

/// The text names no confidence level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be High, Medium or Low")]
pub struct UnknownLevel;

impl FromStr for ConfidenceLevel {
    type Err = UnknownLevel;

    /// A level by its name, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let levels = [Self::Low, Self::Medium, Self::High];
        levels.into_iter().find(|level| level.name().eq_ignore_ascii_case(text)).ok_or(UnknownLevel)
    }
}

/// How sure a score is, 0–1: what the 90 % interval leaves of the whole range, times a factor from 0.5 (no feature
/// known) to 1 (all known). A narrow interval that rests on little data is thus not called sure. Rules, which nothing
/// was learned for, are never more than Low.
pub fn confidence(score: &Score, knowledge: Knowledge) -> f64 {
    let most = if knowledge == Knowledge::Rules { MOST_OF_RULES } else { 1.0 };
    ((1.0 - (score.upper - score.lower)) * (0.5 + 0.5 * score.coverage)).clamp(0.0, most)
}

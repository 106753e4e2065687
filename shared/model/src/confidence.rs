//! How sure it is that a customer's own chance lies above, or below, the average of comparable customers.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Knowledge, Score};

/// The definition of intervals and confidence, as manifests have it.
pub const CONFIDENCE: &str = "90 % interval of the customer's own probability: posterior variance of the fitted \
    log-odds plus the variance of customers alike in every feature, mapped through the sigmoid. Confidence = the chance \
    that this probability lies on the side of the average of comparable customers (same standing and segment) that the \
    score lies on, brought closer to 0.5 by half the share of the model's features that are missing, at most 0.74 for \
    rules; High from 0.9, Medium from 0.75.";
/// The confidence of rules ends below Medium.
const MOST_OF_RULES: f64 = 0.74;
/// Where Medium and High begin.
const MEDIUM: f64 = 0.75;
const HIGH: f64 = 0.9;

/// How sure it is on which side of the average a customer's own chance lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// The side that the propensity lies on.
    pub side: Side,
    /// The chance that the customer's own chance lies there too, 0–1, brought closer to 0.5 where features are missing. Just
    /// above the average it may be less than 0.5: few customers of large chances raise an average above most.
    pub value: f64,
}

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

impl Confidence {
    /// How sure it is on which side of an average propensity the customer's own chance lies. Rules, which nothing was
    /// learned for, are never more than Low.
    ///
    /// A customer's own log-odds are normal around a centre, so the chance is a normal distribution's. A score that rests
    /// on half of the features is thus not called sure, however far from the average it lies.
    pub fn of(score: &Score, average: f64, knowledge: Knowledge) -> Self {
        let average = average.clamp(1e-9, 1.0 - 1e-9);
        let distance = (score.centre - (average / (1.0 - average)).ln()) / score.deviation.max(1e-9);
        let side = if score.propensity >= average { Side::Above } else { Side::Below };
        let towards = if side == Side::Above { distance } else { -distance };
        let chance = libm::erfc(-towards / std::f64::consts::SQRT_2) / 2.0;
        let most = if knowledge == Knowledge::Rules { MOST_OF_RULES } else { 1.0 };
        let value = 0.5 + (chance - 0.5) * (0.5 + 0.5 * score.coverage);
        Self { side, value: value.min(most) }
    }

    /// The chance that the customer is likelier to expand than comparable ones.
    pub fn above(self) -> f64 {
        match self.side {
            Side::Above => self.value,
            Side::Below => 1.0 - self.value,
        }
    }

    /// In a word.
    pub fn level(self) -> ConfidenceLevel {
        ConfidenceLevel::of(self.value)
    }
}

/// A confidence in a word, at fixed bounds of [`Confidence::value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ConfidenceLevel {
    /// Below 0.75.
    Low,
    /// From 0.75.
    Medium,
    /// From 0.9.
    High,
}

impl ConfidenceLevel {
    /// Every level, the surest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

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
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(text)).ok_or(UnknownLevel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigmoid;

    fn score(centre: f64, coverage: f64) -> Score {
        Score {
            log_odds: centre,
            propensity: sigmoid(centre),
            lower: 0.0,
            upper: 0.0,
            centre,
            deviation: 1.0,
            coverage,
        }
    }

    #[test]
    fn confidence_is_the_chance_to_be_on_the_side_that_is_said() {
        // The average is at log-odds 0; 1.2816 deviations from it is the 90 % quantile.
        let of = |centre, coverage| Confidence::of(&score(centre, coverage), 0.5, Knowledge::Full);
        let sure = of(1.2817, 1.0);
        assert_eq!((sure.side, sure.level()), (Side::Above, ConfidenceLevel::High));
        assert!((sure.value - 0.9).abs() < 1e-4);
        assert_eq!((of(-1.2817, 1.0).side, of(-1.2817, 1.0).level()), (Side::Below, ConfidenceLevel::High));
        assert_eq!(of(1.2815, 1.0).level(), ConfidenceLevel::Medium);
        assert_eq!(of(0.0, 1.0), Confidence { side: Side::Above, value: 0.5 });
        assert!((of(1.2817, 0.5).value - 0.8).abs() < 1e-4, "half of the features are missing");
        let just_above = Confidence::of(&Score { propensity: 0.51, ..score(-0.2, 1.0) }, 0.5, Knowledge::Full);
        assert!(just_above.side == Side::Above && just_above.value < 0.5 && just_above.above() < 0.5);
    }

    #[test]
    fn rules_are_never_sure() {
        let confidence = Confidence::of(&score(9.0, 1.0), 0.5, Knowledge::Rules);
        assert_eq!(confidence.level(), ConfidenceLevel::Low);
    }
}

//! How right a run was.

use std::collections::BTreeMap;
use std::fmt;

use expansion_domain::{Instant, RunId};
use expansion_model::{Accuracy, Metrics, Shift};
use serde::{Deserialize, Serialize};

/// How right a run was, as far as is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyRecord {
    /// The run.
    pub run_id: RunId,
    /// The inclusive bound of what it knew.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// The model.
    pub model_id: String,
    /// The inclusive bound of what was known when it was judged.
    pub known_at: Instant,
    /// After 7, 14, 30 and 60 days and the whole horizon.
    #[serde(rename = "cohorts")]
    pub checkpoints: Vec<Checkpoint>,
    /// What can be said without any outcome.
    pub warning: EarlyWarning,
}

/// How right a run was after so many days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Days since the run's `as_of`.
    pub days: u16,
    /// Whether they have passed for everybody. Before that no customer is judged: no outcome yet is not no expansion.
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyWarning {
    /// What the figures will be if the propensities are right.
    pub estimated: Option<Metrics>,
    /// How the customers have shifted since the model was trained, most shifted first.
    pub shifts: Vec<Shift>,
    /// What crosses a threshold.
    pub findings: Vec<Finding>,
}

/// Something about a run that crosses a threshold. It becomes a sentence only where it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredFinding")]
pub struct Finding {
    /// What crosses it.
    pub what: Concern,
    /// The figure that was found; its unit depends on what it is about.
    pub found: Option<f64>,
    /// How far it may go.
    pub limit: Option<f64>,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// A feature, or the scores, have shifted: the population stability index of known values.
    Shifted(String),
    /// A feature is missing more often: the rise of its share of missing values.
    MissingMoreOften(String),
    /// Expansions within so many days, of which fewer were expected.
    MoreExpansions(u16),
    /// Expansions within so many days, of which more were expected.
    FewerExpansions(u16),
    /// The upper end of the AUC within so many days, below the one that the propensities promise.
    RankedWorse(u16),
    /// The calibration error of the whole horizon.
    Miscalibrated,
    /// What an earlier version stored as a sentence.
    Said(String),
}

/// Earlier versions stored sentences.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredFinding {
    Sentence(String),
    Finding { what: Concern, found: Option<f64>, limit: Option<f64> },
}

impl From<StoredFinding> for Finding {
    fn from(stored: StoredFinding) -> Self {
        match stored {
            StoredFinding::Sentence(sentence) => Self { what: Concern::Said(sentence), found: None, limit: None },
            StoredFinding::Finding { what, found, limit } => Self { what, found, limit },
        }
    }
}

impl Finding {
    /// A figure that lies beyond its limit.
    pub const fn new(what: Concern, found: f64, limit: f64) -> Self {
        Self { what, found: Some(found), limit: Some(limit) }
    }

    /// Whether it is about a shift, not about how right answers were.
    pub const fn is_shift(&self) -> bool {
        matches!(self.what, Concern::Shifted(_) | Concern::MissingMoreOften(_))
    }

    /// Whether an earlier finding was about the same, however large it was.
    pub fn repeats(&self, earlier: &Self) -> bool {
        match &earlier.what {
            Concern::Said(sentence) => *sentence == self.what.to_string(),
            what => *what == self.what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shifted(feature) => write!(f, "shifted: {feature}"),
            Self::MissingMoreOften(feature) => write!(f, "missing more often: {feature}"),
            Self::MoreExpansions(days) => write!(f, "more expansions within {days} days than expected"),
            Self::FewerExpansions(days) => write!(f, "fewer expansions within {days} days than expected"),
            Self::RankedWorse(days) => write!(f, "ranked worse within {days} days than expected"),
            Self::Miscalibrated => f.write_str("the calibration error of the whole horizon is too large"),
            Self::Said(sentence) => f.write_str(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_are_stored_as_data_and_earlier_sentences_are_read() {
        let shifted = Finding::new(Concern::Shifted("tenure".to_owned()), 0.5, 0.25);
        let stored = serde_json::to_value(&shifted).expect("it is written");
        assert_eq!(stored, json!({ "what": { "shifted": "tenure" }, "found": 0.5, "limit": 0.25 }));
        let read = |value| serde_json::from_value::<Finding>(value).expect("it is read");
        assert_eq!(read(stored), shifted);
        let earlier = read(json!("shifted: tenure"));
        assert_eq!(earlier.to_string(), "shifted: tenure");
        assert!(shifted.repeats(&earlier) && shifted.repeats(&Finding { found: Some(0.6), ..shifted.clone() }));
        let other = Finding::new(Concern::FewerExpansions(7), 3.0, 10.0);
        assert!(!other.repeats(&earlier) && !other.repeats(&shifted) && !other.is_shift());
        assert_eq!(other.to_string(), "fewer expansions within 7 days than expected");
    }
}

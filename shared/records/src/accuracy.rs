//! How right a run was.

use std::collections::BTreeMap;
use std::fmt;

use expansion_domain::{Instant, RunId};
use expansion_model::{Accuracy, LEAST_EXPANSIONS, Metrics, Pool, Shift, SideOutcome};
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
#[serde(from = "StoredCheckpoint")]
pub struct Checkpoint {
    /// Days since the run's `as_of`.
    pub days: u16,
    /// Whether they have passed for everybody. Before that no customer is judged: no outcome yet is not no expansion.
    pub is_mature: bool,
    /// Customers who are not in the source any more: what became of them is not known.
    pub censored: usize,
    /// All customers; absent before it is mature.
    pub overall: Option<Accuracy>,
    /// Customers whom nobody was working on; absent in runs whose rows do not say who they are.
    pub unworked: Option<Accuracy>,
    /// By segment.
    pub segments: BTreeMap<String, Accuracy>,
    /// By confidence level.
    pub levels: BTreeMap<String, Accuracy>,
    /// By confidence level and side of the average, of a whole horizon only.
    pub sides: Vec<SideOutcome>,
    /// The share of a horizon's expansions that are to be expected within these days, by when they usually come; 1 for the
    /// whole horizon. Absent where that is not known: then nothing is compared with what was predicted.
    pub expected_share: Option<f64>,
    /// What figures over several runs are made of, of a whole horizon only.
    pub pools: Option<Pools>,
}

/// A run's customers with their outcomes, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pools {
    /// All of them.
    pub overall: Pool,
    /// Those whom nobody was working on; absent in runs whose rows do not say who they are.
    pub unworked: Option<Pool>,
}

/// Earlier versions predicted for the whole horizon in every checkpoint, and kept what was to be expected within its days
/// beside it; they gave figures of however few expansions.
#[derive(Deserialize)]
struct StoredCheckpoint {
    days: u16,
    is_mature: bool,
    censored: usize,
    overall: Option<Accuracy>,
    #[serde(default)]
    unworked: Option<Accuracy>,
    segments: BTreeMap<String, Accuracy>,
    levels: BTreeMap<String, Accuracy>,
    #[serde(default)]
    sides: Vec<SideOutcome>,
    #[serde(default)]
    expected_share: Option<f64>,
    #[serde(default)]
    expected_expansions: Option<f64>,
    #[serde(default)]
    pools: Option<Pools>,
}

impl From<StoredCheckpoint> for Checkpoint {
    fn from(stored: StoredCheckpoint) -> Self {
        let share = earlier_share(&stored);
        let mut checkpoint = Self {
            days: stored.days,
            is_mature: stored.is_mature,
            censored: stored.censored,
            overall: stored.overall,
            unworked: stored.unworked,
            segments: stored.segments,
            levels: stored.levels,
            sides: stored.sides,
            expected_share: stored.expected_share.or(share),
            pools: stored.pools,
        };
        // What has a share was compared like with like already; what has none has no predictions either way.
        if stored.expected_share.is_none() {
            let groups = checkpoint.overall.iter_mut().chain(checkpoint.segments.values_mut());
            groups.chain(checkpoint.levels.values_mut()).for_each(|group| compare_within(group, share));
        }
        checkpoint
    }
}

/// The share of the horizon's expansions that an earlier version expected within a checkpoint's days.
fn earlier_share(stored: &StoredCheckpoint) -> Option<f64> {
    let predicted = stored.overall.as_ref()?.predicted_expansions.filter(|predicted| *predicted > 0.0)?;
    let share = stored.expected_expansions? / predicted;
    // Both were sums of the same numbers, in another order.
    Some(if (share - 1.0).abs() < 1e-9 { 1.0 } else { share })
}

/// Makes of predictions for a whole horizon those for a share of it, and takes away what is not told.
fn compare_within(group: &mut Accuracy, share: Option<f64>) {
    let within = |predicted: Option<f64>| predicted.zip(share).map(|(predicted, share)| share * predicted);
    group.predicted_expansions = within(group.predicted_expansions);
    group.predicted_amount = within(group.predicted_amount);
    for tenth in &mut group.tenths {
        tenth.predicted = within(tenth.predicted);
    }
    if share != Some(1.0) {
        group.figures.remove("precision_flagged");
    }
    if group.expansions < LEAST_EXPANSIONS {
        group.figures.clear();
        group.tenths.clear();
        group.interval_coverage = None;
        group.value_coverage = None;
        group.calibration_error_by_chance = None;
    }
}

/// What can be said of a run without any outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyWarning {
    /// What the figures will be if the propensities are right.
    pub estimated: Option<Metrics>,
    /// The same among customers whom nobody was working on; absent where rows do not say who they are.
    #[serde(default)]
    pub estimated_unworked: Option<Metrics>,
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
    /// The same among customers whom nobody was working on.
    RankedWorseUnworked(u16),
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
            Self::RankedWorseUnworked(days) => {
                write!(f, "ranked worse within {days} days than expected among customers that nobody is working on")
            }
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
        let unworked = Finding::new(Concern::RankedWorseUnworked(30), 0.5, 0.6);
        let all = Finding::new(Concern::RankedWorse(30), 0.5, 0.6);
        assert!(!unworked.is_shift() && !unworked.repeats(&all) && !all.repeats(&unworked), "told apart");
    }

    /// A checkpoint as an earlier version stored it: 50 expansions predicted within the horizon.
    fn earlier(days: u16, expansions: usize, expected: Option<f64>) -> Checkpoint {
        let figure = json!({ "value": 0.8, "lower": 0.7, "upper": 0.9 });
        let group = json!({
            "customers": 500, "expansions": expansions, "predicted_expansions": 50.0, "amount": 900.0,
            "predicted_amount": 1000.0, "figures": { "auc": figure, "precision_flagged": figure },
            "tenths": [{ "customers": 50, "predicted": 0.4, "observed": 0.04, "lift": 2.0, "gain": 0.2 }],
            "interval_coverage": 0.5, "value_coverage": [0.5, 2],
        });
        let stored = json!({
            "days": days, "is_mature": true, "censored": 0, "overall": group, "segments": { "SMB": group },
            "levels": { "High": group }, "expected_expansions": expected,
        });
        serde_json::from_value(stored).expect("it is read")
    }

    #[test]
    fn what_an_earlier_version_predicted_for_a_whole_horizon_is_not_set_beside_a_part_of_it() {
        let early = earlier(7, 30, Some(5.0));
        assert_eq!(early.expected_share, Some(0.1));
        for group in [early.overall.as_ref(), early.segments.get("SMB"), early.levels.get("High")] {
            let group = group.expect("it was stored");
            assert_eq!((group.predicted_expansions, group.predicted_amount), (Some(5.0), Some(100.0)));
            assert!(group.tenths[0].predicted.is_some_and(|predicted| (predicted - 0.04).abs() < 1e-12));
            assert!(group.figures.contains_key("auc") && !group.figures.contains_key("precision_flagged"));
        }
        let whole = earlier(90, 48, Some(50.0));
        let overall = whole.overall.as_ref().expect("it was stored");
        assert_eq!((whole.expected_share, overall.predicted_expansions), (Some(1.0), Some(50.0)));
        assert!(overall.figures.contains_key("precision_flagged"));
        assert_eq!((&whole.unworked, &whole.pools, whole.sides.len()), (&None, &None, 0));
        let unknown = earlier(7, 30, None);
        let overall = unknown.overall.expect("it was stored");
        assert_eq!((unknown.expected_share, overall.predicted_expansions, overall.expansions), (None, None, 30));
    }

    #[test]
    fn figures_of_few_expansions_that_an_earlier_version_stored_are_not_told() {
        let few = earlier(90, 29, Some(50.0)).overall.expect("it was stored");
        assert!(few.figures.is_empty() && few.tenths.is_empty());
        assert_eq!((few.interval_coverage, few.value_coverage), (None, None));
        assert_eq!((few.customers, few.expansions, few.predicted_expansions), (500, 29, Some(50.0)));
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        for checkpoint in [earlier(7, 30, Some(5.0)), earlier(90, 48, Some(50.0)), earlier(7, 30, None)] {
            let again = serde_json::to_value(&checkpoint).and_then(serde_json::from_value::<Checkpoint>);
            assert_eq!(again.expect("it is read"), checkpoint);
        }
    }
}

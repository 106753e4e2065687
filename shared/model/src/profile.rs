//! What is usual among customers, over all and by segment, and how the segments differ.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FactorValue;

/// What is usual among the customers that a model knew, when it was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// Over all customers.
    pub overall: Profile,
    /// By segment.
    pub segments: BTreeMap<String, Profile>,
}

/// What is usual among some customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many customers.
    pub customers: usize,
    /// The expansions they won in whole years back from then, by calendar quarter.
    pub wins_by_quarter: [usize; 4],
    /// By feature, where enough of them have a value.
    pub features: BTreeMap<String, Usual>,
}

/// What is usual of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The median, or the commonest level.
    pub typical: FactorValue,
    /// The 5th and the 95th percentile of a number.
    pub range: Option<[f64; 2]>,
    /// The smallest and the largest number; absent for levels, and in models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extremes: Option<[f64; 2]>,
}

impl Profiles {
    /// What is usual of a feature in a segment, or over all where the segment says nothing.
    pub fn usual(&self, segment: Option<&str>, feature: &str) -> Option<&Usual> {
        let own = segment.and_then(|segment| self.segments.get(segment)?.features.get(feature));
        own.or_else(|| self.overall.features.get(feature))
    }
}

/// What a model found about a segment, or over all customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentPattern {
    /// The segment; absent for all customers together.
    pub segment: Option<String>,
    /// Labelled rows: customers at cutoffs.
    pub rows: usize,
    /// Customers among them.
    pub customers: usize,
    /// Rows that ended in an expansion.
    pub expansions: usize,
    /// Their share, 0–1.
    pub base_rate: f64,
    /// Its 90 % interval, 0–1 (Wilson's, with the rows' design effect).
    pub base_rate_interval: [f64; 2],
    /// How the held-out rows turned out; absent without any.
    pub calibration: Option<SegmentCalibration>,
    /// What makes most difference between the segment's customers, strongest first.
    pub strongest_factors: Vec<StrongFactor>,
}

/// What was said of held-out rows, and what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentCalibration {
    /// How many rows.
    pub rows: usize,
    /// Their mean propensity, 0–1.
    pub predicted: f64,
    /// The share that expanded, 0–1.
    pub observed: f64,
    /// Its 90 % interval, 0–1 (Wilson's, with the rows' design effect).
    pub observed_interval: [f64; 2],
}

/// A feature that makes a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrongFactor {
    /// The feature's name.
    pub feature: String,
    /// Standard deviation of what it adds to the log-odds among the segment's customers.
    pub strength: f64,
    /// The same among all customers.
    pub overall_strength: f64,
    /// How far apart the segment's shape lies from that of all customers: the root mean square of the difference in
    /// log-odds among the segment's customers; 0 where the model found none.
    pub deviation: f64,
}

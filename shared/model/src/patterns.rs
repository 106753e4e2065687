//! How segments differ: what a model found, by segment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

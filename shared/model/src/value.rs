//! What an expansion is worth, given that it happens.
//!
//! Amounts are taken on the log scale. A customer's own past amounts are shrunk to their segment's mean and that to
//! the overall mean, each as strongly as the spread within and between groups asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Amount given expansion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueModel {
    /// Mean log-amount.
    pub overall: f64,
    /// Mean log-amount by segment, already shrunk to the overall mean.
    pub segments: BTreeMap<String, f64>,
    /// How many own amounts weigh as much as the segment's mean.
    pub own_prior: f64,
    /// Log of lower end, median and upper end over the centre: the 10 %, 50 % and 90 % quantiles of what was left
    /// over in training.
    pub spread: [f64; 3],
    /// Mean amount over the centre's exponential (the correction of Duan's smearing estimate).
    pub mean_factor: f64,
}

/// A customer's estimated value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median.
    pub amount: f64,
    /// Lower end of the 80 % interval.
    pub lower: f64,
    /// Upper end of the 80 % interval.
    pub upper: f64,
    /// The mean, for expected values.
    pub mean: f64,
}

impl ValueModel {
    /// The centre of the log-amount for a customer of the segment with these past amounts.
    #[must_use]
    pub fn centre(&self, segment: Option<&str>, own_amounts: impl Iterator<Item = f64>) -> f64 {
        let prior = segment.and_then(|s| self.segments.get(s)).copied().unwrap_or(self.overall);
        let (sum, n) = own_amounts.filter(|a| *a > 0.0).fold((0.0, 0.0), |(sum, n), a| (sum + a.ln(), n + 1.0));
        (sum + self.own_prior * prior) / (n + self.own_prior)
    }

    /// The estimate for a customer of the segment with these past amounts.
    #[must_use]
    pub fn estimate(&self, segment: Option<&str>, own_amounts: impl Iterator<Item = f64>) -> Estimate {
        let centre = self.centre(segment, own_amounts);
        let [lower, median, upper] = self.spread.map(|s| (centre + s).exp());
        Estimate { amount: median, lower, upper, mean: centre.exp() * self.mean_factor }
    }
}

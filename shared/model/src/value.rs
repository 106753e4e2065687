//! What an expansion is worth, given that it happens: a linear model of the log-amount over the features' bins, with
//! an interval from the amounts that the fit had not seen.

use serde::{Deserialize, Serialize};

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
    /// The centre of the log-amount for a customer whose features lie in the given bins.
    pub fn centre(&self, bins: &[u16]) -> f64 {
        let parts = self.weights.iter().zip(bins).map(|(weights, bin)| weights[usize::from(*bin)]);
        self.intercept + parts.sum::<f64>()
    }

    /// The estimate for a customer whose features lie in the given bins.
    pub fn estimate(&self, bins: &[u16]) -> Estimate {
        let centre = self.centre(bins);
        let [lower, median, upper] = self.spread.map(|s| (centre + s).exp());
        Estimate { amount: median, lower, upper, mean: centre.exp() * self.mean_factor }
    }
}

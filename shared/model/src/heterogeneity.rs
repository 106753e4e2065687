//! How much customers who are alike in every feature differ all the same, and the interval that follows.
//!
//! A customer's own log-odds are taken as normal around a centre, with a standard deviation estimated from how far
//! repeated outcomes of one customer agree beyond what the features explain. The propensity is the mean over such
//! customers, so the centre lies where the mean of the sigmoid is the propensity.

use serde::{Deserialize, Serialize};

use crate::sigmoid;

/// Half the width of a 90 % interval, in standard deviations.
const Z_90: f64 = 1.645;
/// Newton steps to a centre; they converge quadratically.
const STEPS: usize = 3;

/// Nodes and weights of the Gauss–Hermite rule for a standard normal (seven nodes; Abramowitz & Stegun 25.4.46).
pub const NORMAL: [(f64, f64); 7] = [
    (-3.750_439_717_725_742, 0.000_548_268_855_972_217),
    (-2.366_759_410_734_541, 0.030_757_123_967_586_5),
    (-1.154_405_394_739_968, 0.240_123_178_605_012_7),
    (0.0, 0.457_142_857_142_857_1),
    (1.154_405_394_739_968, 0.240_123_178_605_012_7),
    (2.366_759_410_734_541, 0.030_757_123_967_586_5),
    (3.750_439_717_725_742, 0.000_548_268_855_972_217),
];

/// The standard deviation of customers' own log-odds around what the features say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// For customers of no known segment.
    pub overall: f64,
    /// The position of the segment among the model's features.
    pub segment: Option<usize>,
    /// For each of the segment's bins.
    pub by_segment: Vec<f64>,
}

/// A heterogeneity made ready to give intervals: the centres are tabulated, as each takes two dozen exponentials.
#[derive(Debug)]
pub(crate) struct Intervals {
    segment: Option<usize>,
    overall: Centres,
    by_segment: Vec<Centres>,
}

/// Centres by log-odds, for one standard deviation.
#[derive(Debug)]
struct Centres {
    deviation: f64,
    /// From −[`TABLE_END`] on, at steps of 1/[`STEPS_A_UNIT`].
    table: Vec<f64>,
}

/// Log-odds beyond this are taken as this far.
const TABLE_END: f64 = 16.0;
const STEPS_A_UNIT: f64 = 16.0;

impl Centres {
    fn new(deviation: f64) -> Self {
        let at = |i: u32| centre(f64::from(i) / STEPS_A_UNIT - TABLE_END, deviation);
        Self { deviation, table: (0..=512).map(at).collect() }
    }

    /// Between the table's entries, linearly: exact to about 0.0003.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the table"
    )]
    fn at(&self, log_odds: f64) -> f64 {
        let place = (log_odds.clamp(-TABLE_END, TABLE_END) + TABLE_END) * STEPS_A_UNIT;
        let low = (place as usize).min(self.table.len() - 2);
        let part = place - low as f64;
        self.table[low] + part * (self.table[low + 1] - self.table[low])
    }
}

impl Intervals {
    pub(crate) fn new(heterogeneity: &Heterogeneity) -> Self {
        Self {
            segment: heterogeneity.segment,
            overall: Centres::new(heterogeneity.overall),
            by_segment: heterogeneity.by_segment.iter().map(|deviation| Centres::new(*deviation)).collect(),
        }
    }

    /// A customer's own log-odds, given the fitted ones and their variance.
    pub(crate) fn own(&self, log_odds: f64, variance: f64, bins: &[u16]) -> OwnLogOdds {
        let own = self.segment.and_then(|segment| self.by_segment.get(usize::from(bins[segment])));
        let centres = own.unwrap_or(&self.overall);
        let deviation = (variance + centres.deviation * centres.deviation).sqrt();
        OwnLogOdds { centre: centres.at(log_odds), deviation }
    }
}

/// What a customer's own log-odds may be: normal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnLogOdds {
    pub(crate) centre: f64,
    pub(crate) deviation: f64,
}

impl OwnLogOdds {
    /// The 90 % interval of the probability.
    pub(crate) fn interval(self) -> [f64; 2] {
        let half = Z_90 * self.deviation;
        [sigmoid(self.centre - half), sigmoid(self.centre + half)]
    }
}

/// Where normal log-odds of this standard deviation are centred if their mean probability is that of `log_odds`.
pub fn centre(log_odds: f64, deviation: f64) -> f64 {
    if deviation < 1e-6 {
        return log_odds;
    }
    let target = sigmoid(log_odds);
    // A first guess by the probit approximation, then Newton on the quadrature.
    let mut centre = log_odds * (1.0 + 0.35 * deviation * deviation).sqrt();
    for _ in 0..STEPS {
        let (mut mean, mut slope) = (0.0, 1e-12);
        for (node, weight) in NORMAL {
            let p = sigmoid(centre + deviation * node);
            mean += weight * p;
            slope += weight * p * (1.0 - p);
        }
        centre -= ((mean - target) / slope).clamp(-1.0, 1.0);
    }
    centre
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_keeps_the_mean() {
        for log_odds in [-6.0, -3.0, -1.0, 0.0, 2.0, 5.0] {
            for deviation in [0.0, 0.3, 1.0, 1.5] {
                let centre = centre(log_odds, deviation);
                let mean: f64 = NORMAL.iter().map(|(node, w)| w * sigmoid(centre + deviation * node)).sum();
                assert!((mean / sigmoid(log_odds) - 1.0).abs() < 1e-3, "{log_odds} {deviation}: {mean}");
            }
        }
    }

    #[test]
    fn the_table_of_centres_is_as_good_as_the_centre() {
        let centres = Centres::new(1.15);
        for i in -1300..1300 {
            let log_odds = f64::from(i) / 100.0;
            assert!((centres.at(log_odds) - centre(log_odds, 1.15)).abs() < 2e-3, "{log_odds}");
        }
        assert!(centres.at(1e9).is_finite() && centres.at(-1e9).is_finite());
    }

    #[test]
    fn an_interval_widens_with_what_nobody_sees() {
        let width = |overall| {
            let heterogeneity = Heterogeneity { overall, ..Heterogeneity::default() };
            let [lower, upper] = Intervals::new(&heterogeneity).own(-1.0, 0.01, &[]).interval();
            upper - lower
        };
        assert!(width(0.0) < width(0.5) && width(0.5) < width(1.0));
    }
}

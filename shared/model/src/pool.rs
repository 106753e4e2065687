//! What of a run's outcomes can be put together with other runs': counts by propensity, not figures.
//!
//! A mean of runs' figures is no figure of all their rows. Counts add up: AUC, PR-AUC, calibration and lift of the sum are
//! those of all rows together, except that rows of one bin count as tied. No bin is wider than a point of the score.

use std::collections::BTreeMap;

use expansion_domain::count;
use serde::{Deserialize, Serialize};

use crate::evaluation::{Weighed, metrics};
use crate::{Judged, Metrics};

/// The width of a bin in log-odds: at a propensity of one half, where it is widest, a point of the score.
const WIDTH: f64 = 0.04;
/// Log-odds beyond ± this share the outermost bins.
const FARTHEST: f64 = 7.0;

/// Customers with their outcomes, counted by propensity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// The bins that have customers, the least propensity first.
    pub bins: Vec<PoolBin>,
    /// The sum of the negative log-likelihoods.
    pub log_loss: f64,
    /// The sum of the squared errors of the propensities.
    pub squared_error: f64,
}

/// The customers of a bin. Its names are short as stored: a record has hundreds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolBin {
    /// Which bin.
    #[serde(rename = "b")]
    pub place: i16,
    /// How many customers.
    #[serde(rename = "n")]
    pub customers: usize,
    /// How many of them expanded.
    #[serde(rename = "y")]
    pub expansions: usize,
    /// The sum of their propensities.
    #[serde(rename = "p")]
    pub predicted: f64,
}

impl Pool {
    /// Counts customers.
    pub fn of<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Self {
        let mut pool = Self::default();
        let mut bins: BTreeMap<i16, PoolBin> = BTreeMap::new();
        for one in judged {
            let place = place(one.propensity);
            let one_bin =
                PoolBin { place, customers: 1, expansions: usize::from(one.expanded), predicted: one.propensity };
            bins.entry(place).and_modify(|bin| bin.add(&one_bin)).or_insert(one_bin);
            let happened = if one.expanded { one.propensity } else { 1.0 - one.propensity };
            pool.log_loss -= happened.clamp(1e-15, 1.0).ln();
            pool.squared_error += (1.0 - happened).powi(2);
        }
        pool.bins = bins.into_values().collect();
        pool
    }

    /// Adds another run's customers; one who was in both runs counts twice.
    pub fn add(&mut self, other: &Self) {
        let mut bins: BTreeMap<i16, PoolBin> = self.bins.iter().map(|bin| (bin.place, *bin)).collect();
        for bin in &other.bins {
            bins.entry(bin.place).and_modify(|own| own.add(bin)).or_insert(*bin);
        }
        self.bins = bins.into_values().collect();
        self.log_loss += other.log_loss;
        self.squared_error += other.squared_error;
    }

    /// How many customers.
    pub fn customers(&self) -> usize {
        self.bins.iter().map(|bin| bin.customers).sum()
    }

    /// How many of them expanded.
    pub fn expansions(&self) -> usize {
        self.bins.iter().map(|bin| bin.expansions).sum()
    }

    /// How many were predicted to.
    pub fn predicted(&self) -> f64 {
        self.bins.iter().map(|bin| bin.predicted).sum()
    }

    /// The figures of all customers together; `None` unless both outcomes occur.
    pub fn metrics(&self) -> Option<Metrics> {
        let rows: Vec<Weighed> = self.bins.iter().rev().map(PoolBin::weighed).collect();
        let customers = self.customers();
        let metrics = metrics(&rows, customers)?;
        // Sums over customers, exact where a bin's mean would not be.
        let all = count(customers);
        Some(Metrics { log_loss: self.log_loss / all, brier: self.squared_error / all, ..metrics })
    }
}

impl PoolBin {
    fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.expansions += other.expansions;
        self.predicted += other.predicted;
    }

    fn weighed(&self) -> Weighed {
        let up = count(self.expansions);
        Weighed { p: self.predicted / count(self.customers).max(1.0), up, down: count(self.customers) - up }
    }
}

/// The bin of a propensity.
fn place(propensity: f64) -> i16 {
    let log_odds = (propensity / (1.0 - propensity)).ln().clamp(-FARTHEST, FARTHEST);
    #[expect(clippy::cast_possible_truncation, reason = "at most 175 bins on either side")]
    let place = (log_odds / WIDTH).round() as i16;
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::tests::judged;
    use crate::evaluate;

    /// The figures of customers, one by one.
    fn metrics_of(judged: &[Judged]) -> Metrics {
        let propensities: Vec<f64> = judged.iter().map(|one| one.propensity).collect();
        let outcomes: Vec<bool> = judged.iter().map(|one| one.expanded).collect();
        evaluate(&propensities, &outcomes).expect("both outcomes occur")
    }

    #[test]
    fn runs_together_have_the_figures_of_all_their_rows() {
        let runs = [judged(900, 1), judged(300, 2), judged(2000, 3)];
        let mut pool = Pool::default();
        for run in &runs {
            pool.add(&Pool::of(run));
        }
        let all = runs.concat();
        assert_eq!(pool.customers(), all.len());
        assert_eq!(pool.expansions(), all.iter().filter(|one| one.expanded).count());
        assert!((pool.predicted() - all.iter().map(|one| one.propensity).sum::<f64>()).abs() < 1e-6);
        let (pooled, wanted) = (pool.metrics().expect("both outcomes occur"), metrics_of(&all));
        assert!((pooled.log_loss - wanted.log_loss).abs() < 1e-9 && (pooled.brier - wanted.brier).abs() < 1e-9);
        assert!((pooled.auc - wanted.auc).abs() < 0.002, "{pooled:?} {wanted:?}");
        assert!((pooled.pr_auc - wanted.pr_auc).abs() < 0.01, "{pooled:?} {wanted:?}");
        assert!((pooled.ece - wanted.ece).abs() < 0.01, "{pooled:?} {wanted:?}");
        assert!((pooled.lift_at_10 - wanted.lift_at_10).abs() < 0.1, "{pooled:?} {wanted:?}");
    }

    #[test]
    fn the_order_of_runs_and_rows_is_irrelevant() {
        let (a, b) = (Pool::of(&judged(200, 1)), Pool::of(&judged(300, 2)));
        let sum = |first: &Pool, second: &Pool| {
            let mut sum = first.clone();
            sum.add(second);
            sum.bins.iter().map(|bin| (bin.place, bin.customers, bin.expansions)).collect::<Vec<_>>()
        };
        assert_eq!(sum(&a, &b), sum(&b, &a));
        let both = [judged(300, 2), judged(200, 1)].concat();
        assert_eq!(sum(&a, &b), sum(&Pool::of(&both), &Pool::default()));
    }

    #[test]
    fn rows_that_are_told_apart_by_the_score_are_in_different_bins_and_bins_are_bounded() {
        let places: Vec<i16> = (1..=99).map(|score| place(f64::from(score) / 100.0)).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert_eq!((place(0.0), place(1.0)), (-175, 175));
    }

    #[test]
    fn a_mean_of_figures_is_not_the_figure() {
        // Two runs that rank perfectly, each at its own level: together the order is not perfect.
        let at = |propensity: f64, expanded: bool| Judged { propensity, expanded, ..judged(1, 1).remove(0) };
        let runs = [vec![at(0.2, true), at(0.1, false)], vec![at(0.9, true), at(0.8, false)]];
        let mut pool = Pool::of(&runs[0]);
        pool.add(&Pool::of(&runs[1]));
        assert!(runs.iter().all(|run| Pool::of(run).metrics().is_some_and(|metrics| metrics.auc > 1.0 - 1e-12)));
        assert!(pool.metrics().is_some_and(|metrics| (metrics.auc - 0.75).abs() < 1e-12), "{pool:?}");
        assert_eq!(Pool::default().metrics(), None);
    }
}

//! How far today's customers are from those that a model was trained on: a covariate shift, seen before any outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts below this share of a bin are taken as this much, so that an empty bin does not count without end.
const LEAST_SHARE: f64 = 1e-4;

/// How the values of a feature, or the scores, have shifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    /// The feature; `propensity_score` for the scores.
    pub feature: String,
    /// Population stability index: below 0.1 nothing to speak of, from 0.25 on a large shift.
    pub psi: f64,
    /// What of it chance alone gives in 95 of 100 cases at most: the fewer customers, the more.
    #[serde(default)]
    pub psi_by_chance: f64,
    /// Jensen–Shannon distance (base 2), 0–1.
    pub jensen_shannon: f64,
    /// The share of missing values then; 0 for scores.
    pub missing_before: f64,
    /// The share of missing values now.
    pub missing_now: f64,
}

/// Compares two counts over the same bins, the last of which holds missing values if `has_missing`. `None` where one
/// side has no rows.
#[must_use]
pub fn shift(feature: &str, before: &[u64], now: &[u64], has_missing: bool) -> Option<Shift> {
    let psi_by_chance = by_chance(before, now);
    let (before, now) = (shares(before)?, shares(now)?);
    if before.len() != now.len() {
        return None;
    }
    let pairs = || before.iter().zip(&now).map(|(a, b)| (a.max(LEAST_SHARE), b.max(LEAST_SHARE)));
    let psi = pairs().map(|(a, b)| (b - a) * (b / a).ln()).sum();
    let divergence: f64 = pairs()
        .map(|(a, b)| {
            let middle = f64::midpoint(a, b);
            0.5 * (a * (a / middle).log2() + b * (b / middle).log2())
        })
        .sum();
    let missing = |shares: &[f64]| if has_missing { shares.last().copied().unwrap_or_default() } else { 0.0 };
    Some(Shift {
        feature: feature.to_owned(),
        psi,
        psi_by_chance,
        jensen_shannon: divergence.clamp(0.0, 1.0).sqrt(),
        missing_before: missing(&before),
        missing_now: missing(&now),
    })
}

/// The 95 % quantile of the index of two samples from the same shares: χ² with one degree of freedom less than there are
/// bins, times the sum of one over each sample's size (Yurdakul 2018); the quantile of χ² by Wilson & Hilferty (1931).
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn by_chance(before: &[u64], now: &[u64]) -> f64 {
    let bins = before.iter().zip(now).filter(|(before, now)| **before + **now > 0).count();
    let size = |counts: &[u64]| counts.iter().sum::<u64>().max(1) as f64;
    let freedom = bins.saturating_sub(1).max(1) as f64;
    let ninth = 2.0 / (9.0 * freedom);
    let quantile = freedom * (1.0 - ninth + 1.645 * ninth.sqrt()).powi(3);
    quantile * (1.0 / size(before) + 1.0 / size(now))
}

#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn shares(counts: &[u64]) -> Option<Vec<f64>> {
    let total: u64 = counts.iter().sum();
    (total > 0).then(|| counts.iter().map(|count| *count as f64 / total as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scattered;

    #[test]
    fn the_same_shares_are_no_shift_and_others_are_one() {
        let same = shift("f", &[10, 20, 30], &[100, 200, 300], true).expect("rows on both sides");
        assert!(same.psi.abs() < 1e-12 && same.jensen_shannon < 1e-6);
        assert!((same.missing_before - 0.5).abs() < 1e-12);
        let other = shift("f", &[50, 50, 0], &[10, 40, 50], true).expect("rows on both sides");
        // By hand: (0.1 − 0.5) ln 0.2 + (0.4 − 0.5) ln 0.8 + (0.5 − 0.0001) ln 5000.
        assert!((other.psi - (0.4 * 5.0_f64.ln() + 0.1 * 1.25_f64.ln() + 0.4999 * 5000.0_f64.ln())).abs() < 1e-9);
        assert!(other.jensen_shannon > 0.3 && other.missing_now > other.missing_before);
        assert_eq!(shift("f", &[0, 0], &[1, 1], false), None);
    }

    #[test]
    fn samples_of_the_same_customers_shift_by_chance_once_in_twenty_times() {
        let sample = |seed: u64, rows: u64| {
            let mut counts = [0; 20];
            for row in 0..rows {
                let level = scattered(seed << 32 | row) * 20.0;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..20")]
                let bin = level as usize;
                counts[bin] += 1;
            }
            counts
        };
        let shifts = |seed| {
            let shift = shift("f", &sample(seed, 200), &sample(seed + 1000, 1000), true).expect("rows on both sides");
            shift.psi > shift.psi_by_chance
        };
        let share = f64::from(u8::try_from((0..200).filter(|seed| shifts(*seed)).count()).expect("few")) / 200.0;
        assert!(share <= 0.1, "{share}");
    }
}

//! How far today's customers are from those that a model was trained on: a covariate shift, seen before any outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Spread;

/// Counts below this share of a bin are taken as this much, so that an empty bin does not count without end.
const LEAST_SHARE: f64 = 1e-4;

/// How the values of a feature, or the scores, have shifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    /// The feature; `propensity_score` for the scores.
    pub feature: String,
    /// Population stability index of the values that are known: below 0.1 nothing to speak of, from 0.25 on a large shift.
    /// `null` where none were known then or none are now.
    pub psi: Option<f64>,
    /// What of it chance alone gives in 95 of 100 cases at most: the fewer customers, the more.
    #[serde(default)]
    pub psi_by_chance: f64,
    /// The largest index, beyond chance, over as much time in the history that the model was fitted to: what a season or
    /// growth may do. `null` where that history was too short to tell.
    #[serde(default)]
    pub psi_usual: Option<f64>,
    /// Jensen–Shannon distance (base 2) of the values that are known, 0–1.
    pub jensen_shannon: Option<f64>,
    /// The share of missing values then; 0 for scores.
    pub missing_before: f64,
    /// The share of missing values now.
    pub missing_now: f64,
    /// The largest rise of that share over as much time in that history.
    #[serde(default)]
    pub missing_usual: Option<f64>,
}

/// Compares counts over the same bins, the last for missing values if `has_missing`; `None` where one side has no rows.
pub fn shift(feature: &str, before: &Spread, now: &[u64], has_missing: bool) -> Option<Shift> {
    let (all_before, all_now) = (shares(&before.counts)?, shares(now)?);
    if all_before.len() != all_now.len() {
        return None;
    }
    let known = all_now.len() - usize::from(has_missing);
    let (known_before, known_now) = (&before.counts[..known], &now[..known]);
    let distances = shares(known_before).zip(shares(known_now)).map(|(before, now)| distances(&before, &now));
    let missing = |shares: &[f64]| if has_missing { shares.last().copied().unwrap_or_default() } else { 0.0 };
    Some(Shift {
        feature: feature.to_owned(),
        psi: distances.map(|(psi, _)| psi),
        psi_by_chance: by_chance(known_before, known_now),
        psi_usual: before.usual.map(|usual| usual.psi),
        jensen_shannon: distances.map(|(_, jensen_shannon)| jensen_shannon),
        missing_before: missing(&all_before),
        missing_now: missing(&all_now),
        missing_usual: before.usual.map(|usual| usual.missing),
    })
}

/// The population stability index and the Jensen–Shannon distance of two spreads over the same bins.
fn distances(before: &[f64], now: &[f64]) -> (f64, f64) {
    let pairs = || before.iter().zip(now).map(|(a, b)| (a.max(LEAST_SHARE), b.max(LEAST_SHARE)));
    let psi = pairs().map(|(a, b)| (b - a) * (b / a).ln()).sum();
    let divergence: f64 = pairs()
        .map(|(a, b)| {
            let middle = f64::midpoint(a, b);
            0.5 * (a * (a / middle).log2() + b * (b / middle).log2())
        })
        .sum();
    (psi, divergence.clamp(0.0, 1.0).sqrt())
}

/// Counts by score, position 0 to 100, as counts by tens.
pub fn tens(scores: &[u64]) -> Vec<u64> {
    scores.chunks(10).map(|ten| ten.iter().sum()).collect()
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

    fn spread(counts: &[u64]) -> Spread {
        Spread { counts: counts.to_vec(), usual: None }
    }

    #[test]
    fn the_same_shares_are_no_shift_and_others_are_one() {
        let same = shift("f", &spread(&[10, 20, 30]), &[100, 200, 300], true).expect("rows on both sides");
        assert!(same.psi.is_some_and(|psi| psi.abs() < 1e-12) && same.jensen_shannon.is_some_and(|d| d < 1e-6));
        assert!((same.missing_before - 0.5).abs() < 1e-12);
        let other = shift("f", &spread(&[50, 50, 0]), &[10, 40, 50], false).expect("rows on both sides");
        // By hand: (0.1 − 0.5) ln 0.2 + (0.4 − 0.5) ln 0.8 + (0.5 − 0.0001) ln 5000.
        let by_hand = 0.4 * 5.0_f64.ln() + 0.1 * 1.25_f64.ln() + 0.4999 * 5000.0_f64.ln();
        assert!(other.psi.is_some_and(|psi| (psi - by_hand).abs() < 1e-9));
        assert!(other.jensen_shannon.is_some_and(|distance| distance > 0.3));
        assert_eq!(shift("f", &spread(&[0, 0]), &[1, 1], false), None);
    }

    #[test]
    fn what_is_missing_is_told_apart_from_what_is_known() {
        let more = shift("f", &spread(&[40, 40, 20]), &[10, 10, 80], true).expect("rows on both sides");
        assert!(more.psi.is_some_and(|psi| psi.abs() < 1e-12), "{more:?}");
        assert!((more.missing_now - more.missing_before - 0.6).abs() < 1e-12, "{more:?}");
        let silent = shift("f", &spread(&[40, 40, 20]), &[0, 0, 80], true).expect("rows on both sides");
        assert_eq!((silent.psi, silent.jensen_shannon, silent.missing_now), (None, None, 1.0));
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
            let shift =
                shift("f", &spread(&sample(seed, 200)), &sample(seed + 1000, 1000), true).expect("rows on both sides");
            shift.psi.is_some_and(|psi| psi > shift.psi_by_chance)
        };
        let share = f64::from(u8::try_from((0..200).filter(|seed| shifts(*seed)).count()).expect("few")) / 200.0;
        assert!(share <= 0.1, "{share}");
    }
}

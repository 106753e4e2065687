//! How good probabilities were, once the outcomes are known.

use serde::{Deserialize, Serialize};

/// The figures of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Area under the ROC curve: P(an expanding customer is ranked above another); ties count half.
    pub auc: f64,
    /// Area under the precision-recall curve (average precision); the base rate is what guessing reaches.
    pub pr_auc: f64,
    /// Mean negative log-likelihood.
    pub log_loss: f64,
    /// Mean squared error of the probabilities.
    pub brier: f64,
    /// Expected calibration error over ten bins of equal size.
    pub ece: f64,
    /// Share of expansions among the best-ranked tenth, over the base rate.
    pub lift_at_10: f64,
    /// Share of expansions.
    pub base_rate: f64,
    /// How many rows.
    pub n: usize,
}

/// Compares probabilities with outcomes; `None` unless both outcomes occur.
///
/// ```
/// # use expansion_model::evaluate;
/// let perfect = evaluate(&[0.9, 0.8, 0.1, 0.2], &[true, true, false, false]).expect("both outcomes occur");
/// assert_eq!(perfect.auc, 1.0);
/// assert_eq!(evaluate(&[0.9], &[true]), None);
/// ```
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
pub fn evaluate(probabilities: &[f64], outcomes: &[bool]) -> Option<Metrics> {
    let n = outcomes.len();
    let positives = outcomes.iter().filter(|y| **y).count();
    if positives == 0 || positives == n || probabilities.len() != n {
        return None;
    }
    let mut ranked: Vec<(f64, f64)> =
        probabilities.iter().zip(outcomes).map(|(p, y)| (*p, if *y { 1.0 } else { 0.0 })).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rows = n as f64;
    let base_rate = positives as f64 / rows;
    let mean = |f: &dyn Fn(f64, f64) -> f64| ranked.iter().map(|(p, y)| f(*p, *y)).sum::<f64>() / rows;
    Some(Metrics {
        auc: auc(&ranked, positives as f64),
        pr_auc: average_precision(&ranked, positives as f64),
        log_loss: mean(&|p, y| {
            let p = p.clamp(1e-15, 1.0 - 1e-15);
            -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
        }),
        brier: mean(&|p, y| (p - y) * (p - y)),
        ece: calibration_error(&ranked),
        lift_at_10: rate_of_best(&ranked, n.div_ceil(10)) / base_rate,
        base_rate,
        n,
    })
}

/// AUC of rows in descending order of probability, by ranks with ties averaged.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn auc(ranked: &[(f64, f64)], positives: f64) -> f64 {
    let negatives = ranked.len() as f64 - positives;
    let (mut below, mut wins) = (negatives, 0.0);
    for group in ranked.chunk_by(tied) {
        let up: f64 = group.iter().map(|(_, y)| y).sum();
        let down = group.len() as f64 - up;
        below -= down;
        wins += up * (below + down / 2.0);
    }
    wins / (positives * negatives)
}

/// Precision at every rank that finds an expansion, averaged over them; tied rows share one rank.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn average_precision(ranked: &[(f64, f64)], positives: f64) -> f64 {
    let (mut seen, mut found, mut area) = (0.0, 0.0, 0.0);
    for group in ranked.chunk_by(tied) {
        let up: f64 = group.iter().map(|(_, y)| y).sum();
        seen += group.len() as f64;
        found += up;
        area += up * found / seen;
    }
    area / positives
}

/// Σ |mean probability − share of expansions| · share of rows, over ten bins of equal size.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn calibration_error(ranked: &[(f64, f64)]) -> f64 {
    let bin = ranked.len().div_ceil(10);
    let gap = |rows: &[(f64, f64)]| rows.iter().map(|(p, y)| p - y).sum::<f64>().abs();
    ranked.chunks(bin).map(gap).sum::<f64>() / ranked.len() as f64
}

/// The expected share of expansions among the best `k`, where rows tied at the border take part in proportion.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn rate_of_best(ranked: &[(f64, f64)], k: usize) -> f64 {
    let (mut left, mut found) = (k as f64, 0.0);
    for group in ranked.chunk_by(tied) {
        let size = group.len() as f64;
        let taken = left.min(size);
        found += group.iter().map(|(_, y)| y).sum::<f64>() * taken / size;
        left -= taken;
        if left <= 0.0 {
            break;
        }
    }
    found / k as f64
}

/// Whether two rows have exactly the same probability.
fn tied(a: &(f64, f64), b: &(f64, f64)) -> bool {
    a.0.total_cmp(&b.0).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_guess_ranks_nothing_and_lifts_nothing() {
        let outcomes: Vec<bool> = (0..1000).map(|i| i % 10 == 0).collect();
        let m = evaluate(&[0.1; 1000], &outcomes).expect("both outcomes occur");
        assert!((m.auc - 0.5).abs() < 1e-12 && (m.lift_at_10 - 1.0).abs() < 1e-12);
        assert!(m.ece < 1e-12 && (m.brier - 0.09).abs() < 1e-12 && m.n == 1000);
    }

    #[test]
    fn auc_counts_pairs_with_ties_as_half() {
        // Pairs (positive, negative): (0.8, 0.5) won, (0.8, 0.2) won, (0.5, 0.5) tied, (0.5, 0.2) won.
        let m = evaluate(&[0.8, 0.5, 0.5, 0.2], &[true, false, true, false]).expect("both outcomes occur");
        assert!((m.auc - 3.5 / 4.0).abs() < 1e-12);
    }
}

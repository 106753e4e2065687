//! How good probabilities were, once the outcomes are known.

use std::collections::BTreeMap;

use expansion_domain::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The figures of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// The same among the best-ranked twentieth; absent in records of before it was measured.
    pub lift_at_5: Option<f64>,
    /// Share of expansions among the best-ranked twentieth; absent in records of before it was measured.
    pub precision_at_5: Option<f64>,
    /// Share of expansions among the best-ranked tenth; absent in records of before it was measured.
    pub precision_at_10: Option<f64>,
    /// Share of expansions among the customers that the CSMs find time for, the best-ranked of each portfolio, over that of
    /// all in a portfolio; absent where no portfolios are known.
    pub lift_at_capacity: Option<f64>,
    /// Share of expansions among the customers that the CSMs find time for; absent where no portfolios are known.
    pub precision_at_capacity: Option<f64>,
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
pub fn evaluate(probabilities: &[f64], outcomes: &[bool]) -> Option<Metrics> {
    if probabilities.len() != outcomes.len() {
        return None;
    }
    let weigh = |(p, y): (&f64, &bool)| Weighed::of(*p, *y, 1.0);
    metrics(&ranked(probabilities.iter().zip(outcomes).map(weigh)), outcomes.len())
}

/// As [`evaluate`], with what is found among the best `capacity` customers of each portfolio. `portfolios` says whose portfolio
/// a row is in, if any.
///
/// ```
/// # use expansion_model::evaluate_portfolios;
/// let (probabilities, outcomes) = ([0.9, 0.8, 0.2, 0.1], [true, false, true, false]);
/// let portfolios = [Some("a"), Some("a"), Some("b"), Some("b")];
/// let metrics = evaluate_portfolios(&probabilities, &outcomes, &portfolios, 1).expect("both outcomes occur");
/// assert_eq!((metrics.precision_at_capacity, metrics.lift_at_capacity), (Some(1.0), Some(2.0)));
/// ```
pub fn evaluate_portfolios<K: Ord>(
    probabilities: &[f64],
    outcomes: &[bool],
    portfolios: &[Option<K>],
    capacity: usize,
) -> Option<Metrics> {
    let metrics = evaluate(probabilities, outcomes)?;
    let mut by_portfolio: BTreeMap<&K, Vec<Weighed>> = BTreeMap::new();
    for ((p, expanded), portfolio) in probabilities.iter().zip(outcomes).zip(portfolios) {
        if let Some(portfolio) = portfolio {
            by_portfolio.entry(portfolio).or_default().push(Weighed::of(*p, *expanded, 1.0));
        }
    }
    let (mut called, mut found, mut all, mut expansions) = (0.0, 0.0, 0.0, 0.0);
    for rows in by_portfolio.into_values() {
        let ranked = ranked(rows.into_iter());
        called += count(capacity.min(ranked.len()));
        found += found_among_best(&ranked, count(capacity));
        all += count(ranked.len());
        expansions += ranked.iter().map(|row| row.up).sum::<f64>();
    }
    let precision = (called > 0.0).then(|| found / called);
    let lift = precision.filter(|_| expansions > 0.0).map(|precision| precision * all / expansions);
    Some(Metrics { lift_at_capacity: lift, precision_at_capacity: precision, ..metrics })
}

/// What the figures will be if the probabilities are right, without any outcome: each row counts as an expansion by its
/// probability (confidence-based performance estimation, as in `NannyML`). Blind to a change of what the features mean.
pub fn estimate(probabilities: &[f64]) -> Option<Metrics> {
    let rows = probabilities.iter().map(|p| Weighed { p: *p, up: *p, down: 1.0 - p });
    metrics(&ranked(rows), probabilities.len())
}

/// A probability with how much of it expanded and how much did not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    pub(crate) p: f64,
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl Weighed {
    /// A probability with what happened, counting so often.
    pub(crate) fn of(p: f64, expanded: bool, weight: f64) -> Self {
        let up = if expanded { weight } else { 0.0 };
        Self { p, up, down: weight - up }
    }

    pub(crate) fn weight(self) -> f64 {
        self.up + self.down
    }
}

/// Rows in descending order of probability.
fn ranked(rows: impl Iterator<Item = Weighed>) -> Vec<Weighed> {
    let mut rows: Vec<Weighed> = rows.collect();
    rows.sort_by(|a, b| b.p.total_cmp(&a.p));
    rows
}

/// The figures of ranked rows; `None` unless both outcomes occur.
pub(crate) fn metrics(ranked: &[Weighed], n: usize) -> Option<Metrics> {
    let (up, down) = ranked.iter().fold((0.0, 0.0), |(up, down), row| (up + row.up, down + row.down));
    if up <= 0.0 || down <= 0.0 {
        return None;
    }
    let total = up + down;
    let base_rate = up / total;
    let log_loss = |row: &Weighed| {
        let p = row.p.clamp(1e-15, 1.0 - 1e-15);
        -(row.up * p.ln() + row.down * (1.0 - p).ln())
    };
    let precision = |share: f64| found_among_best(ranked, share * total) / (share * total);
    let [precision_at_5, precision_at_10] = [precision(0.05), precision(0.1)];
    Some(Metrics {
        auc: auc(ranked, up, down),
        pr_auc: average_precision(ranked, up),
        log_loss: ranked.iter().map(log_loss).sum::<f64>() / total,
        brier: ranked.iter().map(|row| row.up * (1.0 - row.p).powi(2) + row.down * row.p.powi(2)).sum::<f64>() / total,
        ece: calibration_error(ranked, total),
        lift_at_10: precision_at_10 / base_rate,
        lift_at_5: Some(precision_at_5 / base_rate),
        precision_at_5: Some(precision_at_5),
        precision_at_10: Some(precision_at_10),
        lift_at_capacity: None,
        precision_at_capacity: None,
        base_rate,
        n,
    })
}

/// AUC by ranks, with ties averaged.
fn auc(ranked: &[Weighed], up: f64, down: f64) -> f64 {
    let (mut below, mut wins) = (down, 0.0);
    for group in ranked.chunk_by(tied) {
        let (more_up, more_down) = group.iter().fold((0.0, 0.0), |(up, down), row| (up + row.up, down + row.down));
        below -= more_down;
        wins += more_up * (below + more_down / 2.0);
    }
    wins / (up * down)
}

/// Precision at every rank that finds an expansion, averaged over them; tied rows share one rank.
fn average_precision(ranked: &[Weighed], up: f64) -> f64 {
    let (mut seen, mut found, mut area) = (0.0, 0.0, 0.0);
    for group in ranked.chunk_by(tied) {
        let more: f64 = group.iter().map(|row| row.up).sum();
        seen += group.iter().map(|row| row.weight()).sum::<f64>();
        found += more;
        if seen > 0.0 {
            area += more * found / seen;
        }
    }
    area / up
}

/// Σ |mean probability − share of expansions| · share of rows, over ten bins of equal size.
pub(crate) fn calibration_error(ranked: &[Weighed], total: f64) -> f64 {
    let gap = |rows: &[Weighed]| rows.iter().map(|row| row.p * row.weight() - row.up).sum::<f64>().abs();
    tenths(ranked, total).map(gap).sum::<f64>() / total
}

/// Ranked rows cut into ten parts of about equal weight, best first.
pub(crate) fn tenths(ranked: &[Weighed], total: f64) -> impl Iterator<Item = &[Weighed]> {
    let mut begin = 0;
    let mut seen = 0.0;
    (1..=10).map(move |part| {
        let start = begin;
        while begin < ranked.len()
            && (part == 10 || seen + ranked[begin].weight() / 2.0 < f64::from(part) * total / 10.0)
        {
            seen += ranked[begin].weight();
            begin += 1;
        }
        &ranked[start..begin]
    })
}

/// The expansions among the best rows of the given weight, where rows tied at the border take part in proportion.
pub(crate) fn found_among_best(ranked: &[Weighed], weight: f64) -> f64 {
    let (mut left, mut found) = (weight, 0.0);
    for group in ranked.chunk_by(tied) {
        let size: f64 = group.iter().map(|row| row.weight()).sum();
        let taken = left.min(size);
        if size > 0.0 {
            found += group.iter().map(|row| row.up).sum::<f64>() * taken / size;
        }
        left -= taken;
        if left <= 0.0 {
            break;
        }
    }
    found
}

/// Whether two rows have exactly the same probability.
fn tied(a: &Weighed, b: &Weighed) -> bool {
    a.p.total_cmp(&b.p).is_eq()
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

    #[test]
    fn the_best_ranked_are_counted_and_compared_with_all() {
        // The best 20 of 400 hold 10 of the 40 expansions, the best 40 hold 15.
        let probabilities: Vec<f64> = (0..400).map(|i| 1.0 - f64::from(i) / 400.0).collect();
        let is_expansion = |i: i32| i < 20 && i % 2 == 0 || (20..40).contains(&i) && i % 4 == 0 || i >= 375;
        let outcomes: Vec<bool> = (0..400).map(is_expansion).collect();
        let m = evaluate(&probabilities, &outcomes).expect("both outcomes occur");
        let close = |value: Option<f64>, expected: f64| value.is_some_and(|value| (value - expected).abs() < 1e-12);
        assert!(close(m.precision_at_5, 0.5) && close(m.lift_at_5, 5.0), "{m:?}");
        assert!(close(m.precision_at_10, 0.375) && close(Some(m.lift_at_10), 3.75), "{m:?}");
        assert_eq!((m.precision_at_capacity, m.lift_at_capacity), (None, None));
    }

    #[test]
    fn capacity_counts_by_portfolio_and_small_ones_are_called_out() {
        // One CSM has four customers and calls the best two, another has one; the last customer is in nobody's portfolio.
        let probabilities = [0.5, 0.4, 0.3, 0.2, 0.1, 0.9];
        let outcomes = [true, false, true, false, false, true];
        let portfolios = [Some(1), Some(1), Some(1), Some(1), Some(2), None];
        let m = evaluate_portfolios(&probabilities, &outcomes, &portfolios, 2).expect("both outcomes occur");
        assert_eq!(m.precision_at_capacity, Some(1.0 / 3.0));
        assert!(m.lift_at_capacity.is_some_and(|lift| (lift - 1.0 / 3.0 / (2.0 / 5.0)).abs() < 1e-12), "{m:?}");
        let nobody = evaluate_portfolios(&probabilities, &outcomes, &[None::<u8>; 6], 2).expect("both outcomes occur");
        assert_eq!(Some(nobody), evaluate(&probabilities, &outcomes));
    }

    #[test]
    fn figures_of_before_the_lift_was_measured_are_read() {
        let before =
            r#"{"auc":0.8,"pr_auc":0.4,"log_loss":0.3,"brier":0.1,"ece":0.02,"lift_at_10":3.1,"base_rate":0.1,"n":9}"#;
        let read: Metrics = serde_json::from_str(before).expect("it can be read");
        assert_eq!((read.lift_at_5, read.lift_at_capacity), (None, None));
    }

    #[test]
    fn what_is_estimated_without_outcomes_is_what_right_probabilities_reach() {
        // Of a hundred customers of each probability so many expand as it says.
        let probabilities: Vec<f64> = (0..1000).map(|i| f64::from(i / 100) / 10.0 + 0.05).collect();
        let outcomes: Vec<bool> =
            (0..1000).zip(&probabilities).map(|(i, p)| f64::from(i % 100) + 0.5 < 100.0 * p).collect();
        let estimated = estimate(&probabilities).expect("both occur");
        let realized = evaluate(&probabilities, &outcomes).expect("both occur");
        assert!((estimated.auc - realized.auc).abs() < 1e-9, "{estimated:?} {realized:?}");
        assert!((estimated.brier - realized.brier).abs() < 1e-9 && realized.ece < 1e-9);
    }
}

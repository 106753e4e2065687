//! The additive model: a scorecard. Each feature is cut into bins, each bin coded by its weight of evidence, and a
//! ridge logistic regression finds how much each feature counts beside the others.

use expansion_features::Dataset;
use expansion_model::{Bins, Covariance, Term};

use crate::card::Card;
use crate::regression::{self, Regression};
use crate::{FitError, bins};

/// The name of this kind of model.
pub(crate) const FAMILY: &str = "additive_scorecard";

/// Numbers fall into at most so many bins.
const MOST_BINS: usize = 10;
/// A bin's evidence is shrunk as if so many average rows were in it.
const PRIOR_ROWS: f64 = 50.0;
/// The regression uses at most about so many rows; customers are sampled whole.
const MOST_ROWS: usize = 60_000;
/// A feature whose coefficient contradicts its own evidence is left out, and the rest fitted again, so often.
const MOST_ROUNDS: usize = 4;

/// One feature, binned and coded.
struct Coded {
    feature: String,
    bins: Bins,
    /// The bin of each row.
    codes: Vec<u16>,
    /// Weight of evidence of each bin: log-odds against the base rate, centred on the rows.
    evidence: Vec<f64>,
    /// Its sampling variance, were all rows independent.
    variance: Vec<f64>,
}

/// Fits a scorecard to the given rows.
pub(crate) fn fit(data: &Dataset, rows: &[usize]) -> Result<Card, FitError> {
    let labels: Vec<bool> = rows.iter().map(|&row| data.labels[row].expanded).collect();
    let mut features: Vec<Coded> = data
        .frame
        .names
        .iter()
        .zip(&data.frame.columns)
        .filter_map(|(name, column)| bins::bins(column, rows, MOST_BINS).map(|bins| (name, column, bins)))
        .map(|(name, column, bins)| code(name, bins::codes(column, &bins, rows), bins, &labels))
        .collect();
    let sample = sample(data, rows);
    let sampled_labels: Vec<bool> = sample.iter().map(|&i| labels[i]).collect();
    let sampled_customers: Vec<u32> = sample.iter().map(|&i| data.customers[rows[i]]).collect();
    let mut rounds = 1;
    let regression = loop {
        if features.is_empty() {
            return Err(FitError::NoFeatures);
        }
        let regression =
            regression::fit(&design(&features, &sample), features.len(), &sampled_labels, &sampled_customers)?;
        if rounds == MOST_ROUNDS || regression.slopes.iter().all(|slope| *slope > 0.0) {
            break regression;
        }
        let mut slopes = regression.slopes.iter();
        features.retain(|_| slopes.next().is_some_and(|slope| *slope > 0.0));
        rounds += 1;
    };
    Ok(assemble(features, &regression, sample.len()))
}

/// Bins one feature and weighs the evidence of each bin.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn code(feature: &str, codes: Vec<u16>, bins: Bins, labels: &[bool]) -> Coded {
    let mut tally = vec![(0.0, 0.0); bins.len()];
    for (code, label) in codes.iter().zip(labels) {
        let (up, down) = &mut tally[usize::from(*code)];
        *(if *label { up } else { down }) += 1.0;
    }
    let base = labels.iter().filter(|y| **y).count() as f64 / labels.len() as f64;
    let (prior_up, prior_down) = (PRIOR_ROWS * base, PRIOR_ROWS * (1.0 - base));
    let evidence: Vec<f64> = tally
        .iter()
        .map(|(up, down)| ((up + prior_up) / (down + prior_down)).ln() - (base / (1.0 - base)).ln())
        .collect();
    let counts: Vec<f64> = tally.iter().map(|(up, down)| up + down).collect();
    // Centred, so that the intercept is that of an average customer, and its covariance too.
    let mean = evidence.iter().zip(&counts).map(|(e, n)| e * n).sum::<f64>() / labels.len() as f64;
    let evidence = evidence.into_iter().map(|e| e - mean).collect();
    let variance = tally.iter().map(|(up, down)| 1.0 / (up + prior_up) + 1.0 / (down + prior_down)).collect();
    Coded { feature: feature.to_owned(), bins, codes, evidence, variance }
}

/// Positions of the rows the regression uses: all, or those of every k-th customer.
fn sample(data: &Dataset, rows: &[usize]) -> Vec<usize> {
    let every = u32::try_from(rows.len().div_ceil(MOST_ROWS)).unwrap_or(u32::MAX);
    (0..rows.len()).filter(|&i| data.customers[rows[i]].is_multiple_of(every)).collect()
}

/// The evidence of each sampled row, row by row.
fn design(features: &[Coded], sample: &[usize]) -> Vec<f64> {
    let of_row = |&i: &usize| features.iter().map(move |f| f.evidence[usize::from(f.codes[i])]);
    sample.iter().flat_map(of_row).collect()
}

/// Turns evidence and slopes into weights with their covariance.
#[expect(clippy::cast_possible_truncation, reason = "the covariance is kept in single precision")]
fn assemble(features: Vec<Coded>, regression: &Regression, rows_fitted: usize) -> Card {
    // Each parameter (the intercept, then every bin) is a linear function of the regression's coefficients; `at` holds
    // the position of its slope and the factor, `own` the variance of its evidence.
    let mut at = vec![(0, 1.0)];
    let mut own = vec![0.0];
    let mut terms = Vec::with_capacity(features.len());
    for (i, feature) in features.into_iter().enumerate() {
        let slope = regression.slopes[i];
        let weights = feature.evidence.iter().map(|e| slope * e).collect();
        for (evidence, variance) in feature.evidence.iter().zip(&feature.variance) {
            at.push((i + 1, *evidence));
            own.push(slope * slope * variance * regression.design_effect);
        }
        terms.push(Term { feature: feature.feature, bins: feature.bins, weights });
    }
    let mut lower = Vec::with_capacity(at.len() * (at.len() + 1) / 2);
    for (row, &(a, x)) in at.iter().enumerate() {
        for (column, &(b, y)) in at[..=row].iter().enumerate() {
            let own = if row == column { own[row] } else { 0.0 };
            lower.push((x * y * regression.covariance[a][b] + own) as f32);
        }
    }
    Card { intercept: regression.intercept, terms, covariance: Covariance { size: at.len(), lower }, rows_fitted }
}

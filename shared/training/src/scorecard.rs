//! The additive model: a scorecard. Each feature is cut into bins, each bin coded by its weight of evidence, and a
//! ridge logistic regression finds how much each feature counts beside the others.

use expansion_features::Dataset;
use expansion_model::{Bins, Covariance, Term};

use crate::regression::{self, Regression};
use crate::{FitError, bins};

/// The name of this kind of model.
pub(crate) const FAMILY: &str = "additive_scorecard";

/// A bin's evidence is shrunk as if so many average rows were in it.
const PRIOR_ROWS: f64 = 50.0;
/// The regression uses at most about so many rows; customers are sampled whole.
const MOST_ROWS: usize = 60_000;
/// A feature whose coefficient contradicts its own evidence is left out, and the rest fitted again, so often.
const MOST_ROUNDS: usize = 4;

/// A fitted scorecard.
pub(crate) struct Scorecard {
    pub(crate) intercept: f64,
    pub(crate) terms: Vec<Term>,
    pub(crate) covariance: Covariance,
    pub(crate) rows_fitted: usize,
}

/// One feature, binned and coded.
struct Coded {
    feature: String,
    bins: Bins,
    /// The bin of each row.
    codes: Vec<u16>,
    /// Rows a bin.
    counts: Vec<f64>,
    /// Weight of evidence of each bin, log-odds against the base rate.
    evidence: Vec<f64>,
    /// Its sampling variance, were all rows independent.
    variance: Vec<f64>,
}

/// Fits a scorecard to the given rows.
pub(crate) fn fit(data: &Dataset, rows: &[usize]) -> Result<Scorecard, FitError> {
    let labels: Vec<bool> = rows.iter().map(|&row| data.labels[row].expanded).collect();
    let positives = labels.iter().filter(|y| **y).count();
    if positives < crate::LEAST_POSITIVES {
        return Err(FitError::TooFewPositives { have: positives });
    }
    let mut features: Vec<Coded> = data
        .frame
        .names
        .iter()
        .zip(&data.frame.columns)
        .filter_map(|(name, column)| bins::bins(column, rows).map(|bins| (name, column, bins)))
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
    let evidence = tally
        .iter()
        .map(|(up, down)| ((up + prior_up) / (down + prior_down)).ln() - (base / (1.0 - base)).ln())
        .collect();
    let variance = tally.iter().map(|(up, down)| 1.0 / (up + prior_up) + 1.0 / (down + prior_down)).collect();
    let counts = tally.iter().map(|(up, down)| up + down).collect();
    Coded { feature: feature.to_owned(), bins, codes, counts, evidence, variance }
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

/// Turns evidence and slopes into centred weights with their covariance.
#[expect(clippy::cast_possible_truncation, reason = "the covariance is kept in single precision")]
fn assemble(features: Vec<Coded>, regression: &Regression, rows_fitted: usize) -> Scorecard {
    // Each parameter (the intercept, then every bin) is a linear function of the regression's coefficients; `at` holds
    // the position of its slope and the factor, `own` the variance of its evidence.
    let mut at = vec![(0, 1.0)];
    let mut own = vec![0.0];
    let mut intercept = regression.intercept;
    let mut terms = Vec::with_capacity(features.len());
    for (i, feature) in features.into_iter().enumerate() {
        let slope = regression.slopes[i];
        let rows: f64 = feature.counts.iter().sum();
        let mean = feature.evidence.iter().zip(&feature.counts).map(|(e, n)| e * n).sum::<f64>() / rows;
        intercept += slope * mean;
        let weights = feature.evidence.iter().map(|e| slope * (e - mean)).collect();
        for (evidence, variance) in feature.evidence.iter().zip(&feature.variance) {
            at.push((i + 1, evidence - mean));
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
    Scorecard { intercept, terms, covariance: Covariance { size: at.len(), lower }, rows_fitted }
}

#[cfg(test)]
mod tests {
    use expansion_domain::Instant;
    use expansion_features::{Column, Frame, Label};
    use expansion_model::{Model, ProductShares, Scorer, evaluate, sigmoid};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Rows whose log-odds are −2 + 2·x₀ − x₁ (x₀ missing for every fifth), with a column of noise, and their true
    /// probabilities; each customer has `repeats` identical rows.
    fn rows(customers: u32, repeats: u32, seed: u64) -> (Dataset, Vec<f64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        let mut data = Dataset::default();
        let mut truth = Vec::new();
        for customer in 0..customers {
            let x: [f64; 3] = [rng.random(), rng.random(), rng.random()];
            let missing = customer % 5 == 0;
            let log_odds = -2.0 + if missing { 0.5 } else { 2.0 * x[0] } - x[1];
            let expanded = rng.random::<f64>() < sigmoid(log_odds);
            for _ in 0..repeats {
                truth.push(sigmoid(log_odds));
                columns[0].push(if missing { f64::NAN } else { x[0] });
                columns[1].push(x[1]);
                columns[2].push(x[2]);
                data.labels.push(Label { expanded, amount: None });
                data.customers.push(customer);
                data.as_of.push(Instant::EPOCH);
            }
        }
        data.frame = Frame {
            names: ["a", "b", "noise"].map(str::to_owned).to_vec(),
            rows: data.labels.len(),
            columns: columns.map(Column::Numbers).to_vec(),
        };
        (data, truth)
    }

    fn fitted(data: &Dataset) -> Model {
        let card = fit(data, &(0..data.labels.len()).collect::<Vec<_>>()).expect("it fits");
        Model {
            schema_version: 1,
            feature_set_version: 1,
            model_id: "m".to_owned(),
            family: FAMILY.to_owned(),
            as_of: Instant::EPOCH,
            horizon_days: 90,
            intercept: card.intercept,
            terms: card.terms,
            covariance: card.covariance,
            value: None,
            products: ProductShares::default(),
        }
    }

    fn propensities(model: &Model, data: &Dataset) -> Vec<f64> {
        let scorer = Scorer::for_columns(model, &data.frame.names).expect("its own columns");
        (0..data.frame.rows).map(|row| scorer.score(&data.frame.row(row)).propensity).collect()
    }

    #[test]
    fn a_planted_relation_is_found_on_fresh_rows() {
        let model = fitted(&rows(6000, 1, 1).0);
        let (fresh, truth) = rows(6000, 1, 2);
        let outcomes: Vec<bool> = fresh.labels.iter().map(|label| label.expanded).collect();
        let found = evaluate(&propensities(&model, &fresh), &outcomes).expect("both outcomes occur");
        let best = evaluate(&truth, &outcomes).expect("both outcomes occur");
        assert!(found.auc > best.auc - 0.02 && found.log_loss < best.log_loss + 0.01, "{found:?} {best:?}");
        let rising = &model.terms.iter().find(|term| term.feature == "a").expect("a matters").weights;
        assert!(rising[8] > rising[0] + 0.8, "{rising:?}");
    }

    #[test]
    fn repeating_every_row_teaches_nothing_new() {
        let width = |repeats| {
            let (data, _) = rows(1500, repeats, 3);
            let model = fitted(&data);
            let scorer = Scorer::for_columns(&model, &data.frame.names).expect("its own columns");
            let score = scorer.score(&data.frame.row(1));
            score.upper - score.lower
        };
        let (once, four_times) = (width(1), width(4));
        assert!((four_times / once - 1.0).abs() < 0.25, "{once} {four_times}");
    }

    #[test]
    fn too_few_expansions_are_refused() {
        let (mut data, _) = rows(200, 1, 4);
        for label in &mut data.labels {
            label.expanded = false;
        }
        let all: Vec<usize> = (0..data.labels.len()).collect();
        assert_eq!(fit(&data, &all).err(), Some(FitError::TooFewPositives { have: 0 }));
    }
}

//! Fits and evaluates the value model: ridge regression (smartcore) of the log-amount, with a conformal interval.

use std::collections::BTreeMap;

use expansion_domain::{count, share};
use expansion_features::Dataset;
use expansion_model::{BinnedFeature, ValueEvaluation, ValueModel};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters, RidgeRegressionSolverName};

use crate::logistic::{Linear, linear};
use crate::split::Split;
use crate::{FitError, Result, bins};

/// Fewer amounts than this say nothing about their spread.
const LEAST_AMOUNTS: usize = 20;
/// … and so do the amounts of fewer customers.
const LEAST_CUSTOMERS: usize = 10;
/// The regression uses at most about so many amounts; customers are sampled whole. More would tell little more, and
/// smartcore's products of matrices take their time.
const MOST_AMOUNTS: usize = 5_000;
/// The ridge penalties tried; the one with the smallest error on customers left out is taken.
const RIDGES: [f64; 4] = [3.0, 10.0, 30.0, 100.0];
/// Customers fall into so many parts, each predicted from the others.
const PARTS: u32 = 4;
/// The interval leaves so much out on either side.
const TAIL: f64 = 0.1;

/// Rows with an amount: binned, with the log-amount and the customer.
struct Amounts {
    codes: Vec<Vec<u16>>,
    logs: Vec<f64>,
    customers: Vec<u32>,
}

/// What fits that had not seen the customer left over of the log-amounts, by row.
pub(crate) type LeftOver = BTreeMap<usize, f64>;

/// Fits the value model on those of the given rows that ended in an expansion of known amount; `None` when they are
/// too few. The interval is cross-conformal: its quantiles are those of what was left over by fits that had not seen
/// the customer (split-conformal prediction, with every part in turn the one set aside; Vovk 2015).
pub(crate) fn fit(
    data: &Dataset,
    rows: &[usize],
    features: &[BinnedFeature],
) -> Result<Option<(ValueModel, LeftOver)>> {
    let mut rows = with_amount(data, rows);
    let every = u32::try_from(rows.len().div_ceil(MOST_AMOUNTS)).unwrap_or(u32::MAX);
    rows.retain(|row| data.customers[*row].is_multiple_of(every.max(1)));
    if rows.len() < LEAST_AMOUNTS {
        return Ok(None);
    }
    let mut amounts = amounts(data, &rows, features);
    // Customers by rank, so that they fall into parts evenly.
    let mut ranks: Vec<u32> = amounts.customers.clone();
    ranks.sort_unstable();
    ranks.dedup();
    if ranks.len() < LEAST_CUSTOMERS {
        return Ok(None);
    }
    for customer in &mut amounts.customers {
        *customer = u32::try_from(ranks.partition_point(|rank| rank < customer)).unwrap_or_default();
    }
    let linear = linear(features, &amounts.codes, &data.frame, &rows);
    let tried = |ridge| Ok((ridge, left_over(&amounts, &linear, ridge)?));
    let tried: Vec<(f64, Vec<f64>)> = RIDGES.into_iter().map(tried).collect::<Result<_>>()?;
    let error = |(_, rests): &(f64, Vec<f64>)| rests.iter().map(|rest| rest * rest).sum::<f64>();
    let best = tried.into_iter().min_by(|a, b| error(a).total_cmp(&error(b)));
    let Some((ridge, mut left_over)) = best else { return Ok(None) };
    let all: Vec<usize> = (0..rows.len()).collect();
    let (intercept, slopes) = regress(&amounts, &linear, &all, ridge)?;
    let (weights, lifted) = linear.weights(&slopes, &amounts.codes);
    let by_row = rows.iter().copied().zip(left_over.iter().copied()).collect();
    left_over.sort_unstable_by(f64::total_cmp);
    let model = ValueModel {
        intercept: intercept + lifted,
        weights,
        spread: interval(&left_over),
        mean_factor: left_over.iter().map(|rest| rest.exp()).sum::<f64>() / count(left_over.len()),
    };
    Ok(Some((model, by_row)))
}

/// Conformal quantiles of sorted values: lower end (the ⌊q (n + 1)⌋-th smallest), median and upper end of 80 %.
pub(crate) fn interval(sorted: &[f64]) -> [f64; 3] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tenth of a length")]
    let rank = (TAIL * count(sorted.len() + 1)).floor() as usize;
    let left_out = rank.saturating_sub(1);
    [sorted[left_out], sorted[sorted.len() / 2], sorted[sorted.len() - 1 - left_out]]
}

/// How often the amounts held out fall into their intervals, by a fit to the earlier rows; `None` without any.
pub(crate) fn evaluate(data: &Dataset, split: &Split, features: &[BinnedFeature]) -> Result<Option<ValueEvaluation>> {
    let Some((model, _)) = fit(data, &split.train, features)? else { return Ok(None) };
    let rows = with_amount(data, &split.held_out);
    let amounts = amounts(data, &rows, features);
    let inside = |i: &usize| {
        let bins: Vec<u16> = amounts.codes.iter().map(|codes| codes[*i]).collect();
        let rest = amounts.logs[*i] - model.centre(&bins);
        model.spread[0] <= rest && rest <= model.spread[2]
    };
    let hits = (0..rows.len()).filter(inside).count();
    Ok((!rows.is_empty()).then(|| ValueEvaluation { coverage_80: share(hits, rows.len()), n: rows.len() }))
}

fn with_amount(data: &Dataset, rows: &[usize]) -> Vec<usize> {
    rows.iter().copied().filter(|row| data.labels[*row].amount.is_some_and(|amount| amount > 0.0)).collect()
}

fn amounts(data: &Dataset, rows: &[usize], features: &[BinnedFeature]) -> Amounts {
    let codes = |feature: &BinnedFeature| match data.frame.column(&feature.name) {
        Some(column) => bins::codes(&feature.bins, column, rows),
        None => vec![0; rows.len()],
    };
    Amounts {
        codes: features.iter().map(codes).collect(),
        logs: rows.iter().filter_map(|row| data.labels[*row].amount.map(f64::ln)).collect(),
        customers: rows.iter().map(|row| data.customers[*row]).collect(),
    }
}

/// What is left of each log-amount, predicted from other customers'.
fn left_over(amounts: &Amounts, linear: &Linear, ridge: f64) -> Result<Vec<f64>> {
    let mut rest = vec![0.0; amounts.logs.len()];
    for part in 0..PARTS {
        let is_out = |row: &usize| amounts.customers[*row] % PARTS == part;
        let (out, others): (Vec<usize>, Vec<usize>) = (0..amounts.logs.len()).partition(is_out);
        let (intercept, slopes) = regress(amounts, linear, &others, ridge)?;
        let design = linear.design(&amounts.codes, out.iter().copied());
        for (row, line) in out.iter().zip(design.chunks_exact(linear.columns)) {
            let centre = intercept + line.iter().zip(&slopes).map(|(x, slope)| x * slope).sum::<f64>();
            rest[*row] = amounts.logs[*row] - centre;
        }
    }
    Ok(rest)
}

/// Intercept and slopes of the log-amount.
fn regress(amounts: &Amounts, linear: &Linear, rows: &[usize], ridge: f64) -> Result<(f64, Vec<f64>)> {
    let logs: Vec<f64> = rows.iter().map(|row| amounts.logs[*row]).collect();
    let mean = logs.iter().sum::<f64>() / count(logs.len());
    let mut outcomes: Vec<f64> = logs.iter().map(|log| log - mean).collect();
    // Rows of zeros with an outcome of zero change nothing, and let few amounts be regressed on many columns.
    let fill = (linear.columns + 1).saturating_sub(rows.len());
    let mut design = linear.design(&amounts.codes, rows.iter().copied());
    design.resize(design.len() + fill * linear.columns, 0.0);
    outcomes.resize(outcomes.len() + fill, 0.0);
    let x = DenseMatrix::new(outcomes.len(), linear.columns, design, false)?;
    let parameters = RidgeRegressionParameters::default()
        .with_alpha(ridge)
        .with_normalize(false)
        .with_solver(RidgeRegressionSolverName::Cholesky);
    let fitted = RidgeRegression::fit(&x, &outcomes, parameters)?;
    let slopes: Vec<f64> = (0..linear.columns).map(|i| *fitted.coefficients().get((i, 0))).collect();
    if slopes.iter().any(|slope| !slope.is_finite()) {
        return Err(FitError::Solver("the value regression diverged".to_owned()));
    }
    Ok((mean + fitted.intercept(), slopes))
}

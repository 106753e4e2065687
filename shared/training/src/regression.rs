//! Ridge logistic regression by smartcore, with the covariance of its coefficients.

use expansion_model::sigmoid;
use smartcore::linalg::basic::arrays::{Array, Array2};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

use crate::FitError;
use crate::card::design_effect;

/// The ridge penalty on each slope (½ α β²).
const RIDGE: f64 = 10.0;

/// A fitted regression.
pub(crate) struct Regression {
    pub(crate) intercept: f64,
    pub(crate) slopes: Vec<f64>,
    /// Covariance of the intercept and the slopes, in this order.
    pub(crate) covariance: Vec<Vec<f64>>,
    /// How many times wider than independent rows the repeated rows of customers make the uncertainty (variance).
    pub(crate) design_effect: f64,
}

/// Fits labels to a design of `columns` columns, given row by row. Rows of one customer are not independent: the
/// covariance is widened by their design effect.
pub(crate) fn fit(design: &[f64], columns: usize, labels: &[bool], customers: &[u32]) -> Result<Regression, FitError> {
    let solver = |e: smartcore::error::Failed| FitError::Solver(e.to_string());
    let x = DenseMatrix::new(labels.len(), columns, design.to_vec(), false).map_err(solver)?;
    let y: Vec<i32> = labels.iter().map(|label| i32::from(*label)).collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(RIDGE);
    let fitted = LogisticRegression::fit(&x, &y, parameters).map_err(solver)?;
    drop(x);
    let slopes: Vec<f64> = (0..columns).map(|i| *fitted.coefficients().get((0, i))).collect();
    let intercept = *fitted.intercept().get((0, 0));
    if !intercept.is_finite() || slopes.iter().any(|slope| !slope.is_finite()) {
        return Err(FitError::Solver("the coefficients diverged".to_owned()));
    }
    let propensities: Vec<f64> = design
        .chunks_exact(columns)
        .map(|row| sigmoid(intercept + row.iter().zip(&slopes).map(|(x, slope)| x * slope).sum::<f64>()))
        .collect();
    let design_effect = design_effect(&propensities, labels, customers);
    let covariance = covariance(design, columns, &propensities, design_effect).map_err(solver)?;
    Ok(Regression { intercept, slopes, covariance, design_effect })
}

/// Inverse of the penalised information matrix, widened by the design effect.
fn covariance(
    design: &[f64],
    columns: usize,
    propensities: &[f64],
    design_effect: f64,
) -> Result<Vec<Vec<f64>>, smartcore::error::Failed> {
    let size = columns + 1;
    let mut information = vec![0.0; size * size];
    let mut row_with_one = vec![1.0; size];
    for (row, p) in design.chunks_exact(columns).zip(propensities) {
        row_with_one[1..].copy_from_slice(row);
        let weight = p * (1.0 - p);
        for (a, x) in row_with_one.iter().enumerate() {
            let scaled = weight * x;
            for (b, y) in row_with_one[..=a].iter().enumerate() {
                information[a * size + b] += scaled * y;
            }
        }
    }
    for a in 0..size {
        if a > 0 {
            information[a * size + a] += RIDGE;
        }
        for b in 0..a {
            information[b * size + a] = information[a * size + b];
        }
    }
    let information = DenseMatrix::new(size, size, information, false)?;
    let inverse = information.cholesky_solve_mut(DenseMatrix::eye(size))?;
    Ok((0..size).map(|a| (0..size).map(|b| design_effect * inverse.get((a, b))).collect()).collect())
}

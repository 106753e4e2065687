//! Plain ridge logistic regression by smartcore: linear in each feature, one coefficient a level.

use expansion_domain::count;
use expansion_features::{Column, Frame};
use expansion_model::{BinnedFeature, Bins, Term, Uncertainty, sigmoid};
use faer::{Mat, Side};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

use crate::additive::Binned;
use crate::assemble::{Assembled, low_rank, pack};
use crate::outcomes::{Outcomes, design_effect};
use crate::{FitError, Result};

/// The ridge penalty on each slope (½ α β²).
const RIDGE: f32 = 5.0;
/// The regression uses at most about so many rows; customers are sampled whole.
const MOST_ROWS: usize = 2_000;

/// What each bin of a feature puts into a linear design: at most one entry, in one column.
pub(crate) struct Linear {
    /// By feature and bin: the column and what stands there.
    pub(crate) entries: Vec<Vec<Option<(usize, f64)>>>,
    /// How many columns there are.
    pub(crate) columns: usize,
}

/// Codes numbers by their bins' standardised mean of a symmetric logarithm (a missing one by a column of its own),
/// levels one column each.
pub(crate) fn linear(features: &[BinnedFeature], codes: &[Vec<u16>], frame: &Frame, rows: &[usize]) -> Linear {
    let mut columns = 0;
    let mut entries = Vec::with_capacity(features.len());
    for (feature, codes) in features.iter().zip(codes) {
        let missing = feature.bins.missing();
        let mut of_bin = vec![None; missing + 1];
        let mut new_column = || {
            columns += 1;
            columns - 1
        };
        match (&feature.bins, frame.column(&feature.name)) {
            (Bins::Numbers { .. }, Some(Column::Numbers(values))) => {
                let place = new_column();
                let means = standardised(&rows.iter().map(|row| values[*row]).zip(codes), missing);
                for (bin, mean) in means.into_iter().enumerate() {
                    of_bin[bin] = Some((place, mean));
                }
            }
            _ => {
                for bin in of_bin.iter_mut().take(missing) {
                    *bin = Some((new_column(), 1.0));
                }
            }
        }
        if codes.iter().any(|bin| usize::from(*bin) == missing) {
            of_bin[missing] = Some((new_column(), 1.0));
        }
        entries.push(of_bin);
    }
    Linear { entries, columns }
}

/// The mean of each bin's values on a symmetric logarithmic scale, standardised over all rows that have one.
fn standardised<'a>(values: &(impl Iterator<Item = (f64, &'a u16)> + Clone), bins: usize) -> Vec<f64> {
    let known = || values.clone().filter(|(value, _)| !value.is_nan());
    let scale = known().map(|(value, _)| value.abs()).sum::<f64>() / count(known().count()).max(1.0);
    let shape = |value: f64| (value / scale.max(1e-12)).asinh();
    let (mut sums, mut counts) = (vec![0.0; bins], vec![0.0; bins]);
    for (value, bin) in known() {
        sums[usize::from(*bin)] += shape(value);
        counts[usize::from(*bin)] += 1.0;
    }
    let rows: f64 = counts.iter().sum();
    let mean = sums.iter().sum::<f64>() / rows.max(1.0);
    let means: Vec<f64> = sums.iter().zip(&counts).map(|(sum, n)| if *n > 0.0 { sum / n } else { mean }).collect();
    let variance = means.iter().zip(&counts).map(|(m, n)| n * (m - mean).powi(2)).sum::<f64>() / rows.max(1.0);
    means.into_iter().map(|m| (m - mean) / variance.sqrt().max(1e-9)).collect()
}

impl Linear {
    /// The design of the given rows, row by row.
    pub(crate) fn design(&self, codes: &[Vec<u16>], rows: impl ExactSizeIterator<Item = usize>) -> Vec<f64> {
        let mut design = vec![0.0; rows.len() * self.columns];
        for (line, row) in design.chunks_exact_mut(self.columns).zip(rows) {
            for (entries, codes) in self.entries.iter().zip(codes) {
                if let Some((column, x)) = entries[usize::from(codes[row])] {
                    line[column] = x;
                }
            }
        }
        design
    }

    /// What each bin of each feature adds, given the slopes, centred on the rows; and the sum of the means.
    pub(crate) fn weights(&self, slopes: &[f64], codes: &[Vec<u16>]) -> (Vec<Vec<f64>>, f64) {
        let mut lifted = 0.0;
        let weights = self
            .entries
            .iter()
            .zip(codes)
            .map(|(entries, codes)| {
                let raw: Vec<f64> =
                    entries.iter().map(|entry| entry.map_or(0.0, |(column, x)| slopes[column] * x)).collect();
                let mean = codes.iter().map(|bin| raw[usize::from(*bin)]).sum::<f64>() / count(codes.len()).max(1.0);
                lifted += mean;
                raw.into_iter().map(|weight| weight - mean).collect()
            })
            .collect();
        (weights, lifted)
    }
}

/// Fits the regression to binned rows.
pub(crate) fn fit(data: &Binned<'_>, linear: &Linear) -> Result<Assembled> {
    let Outcomes { labels, customers, .. } = data.outcomes;
    let every = u32::try_from(labels.len().div_ceil(MOST_ROWS)).unwrap_or(u32::MAX);
    let sample: Vec<usize> = (0..labels.len()).filter(|&row| customers[row].is_multiple_of(every)).collect();
    let sampled = data.outcomes.take(&sample);
    if sampled.labels.iter().all(|y| *y == sampled.labels[0]) {
        return Err(FitError::Solver("a sample of the rows has one outcome only".to_owned()));
    }
    let design = linear.design(data.codes, sample.iter().copied());
    let (intercept, slopes) = regress(&design, linear.columns, &sampled.labels, RIDGE)?;
    let uncertainty = uncertainty(&design, linear, intercept, &slopes, &sampled)?;
    let (weights, lifted) = linear.weights(&slopes, data.codes);
    let terms = weights.into_iter().enumerate().map(|(feature, weights)| Term::shape(feature, weights));
    Ok(Assembled { intercept: intercept + lifted, terms: terms.collect(), uncertainty })
}

/// Intercept and slopes of a ridge logistic regression on the rows of a design.
///
/// In single precision: the solver goes on until the objective no longer changes, which is precise enough and much sooner.
pub(crate) fn regress(design: &[f64], columns: usize, labels: &[bool], ridge: f32) -> Result<(f64, Vec<f64>)> {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    let x = DenseMatrix::new(labels.len(), columns, design.iter().map(|x| *x as f32).collect(), false)?;
    let y: Vec<i32> = labels.iter().map(|label| i32::from(*label)).collect();
    let fitted = LogisticRegression::fit(&x, &y, LogisticRegressionParameters::default().with_alpha(ridge))?;
    let slopes: Vec<f64> = (0..columns).map(|i| f64::from(*fitted.coefficients().get((0, i)))).collect();
    let intercept = f64::from(*fitted.intercept().get((0, 0)));
    if !intercept.is_finite() || slopes.iter().any(|slope| !slope.is_finite()) {
        return Err(FitError::Solver("the coefficients diverged".to_owned()));
    }
    Ok((intercept, slopes))
}

/// The inverse penalised information, widened by the design effect, bin by bin.
fn uncertainty(
    design: &[f64],
    linear: &Linear,
    intercept: f64,
    slopes: &[f64],
    outcomes: &Outcomes,
) -> Result<Uncertainty> {
    let columns = linear.columns;
    let log_odds = |row: &[f64]| intercept + row.iter().zip(slopes).map(|(x, slope)| x * slope).sum::<f64>();
    let propensities: Vec<f64> = design.chunks_exact(columns).map(|row| sigmoid(log_odds(row))).collect();
    let effect = design_effect(&propensities, outcomes);
    let rows = propensities.len();
    let with_one = Mat::from_fn(rows, columns + 1, |i, j| if j == 0 { 1.0 } else { design[i * columns + j - 1] });
    let weighted = Mat::from_fn(rows, columns + 1, |i, j| {
        with_one[(i, j)] * (propensities[i] * (1.0 - propensities[i])).max(1e-9) / effect
    });
    let mut information = with_one.transpose() * &weighted;
    for i in 0..=columns {
        information[(i, i)] += if i == 0 { 1e-6 } else { f64::from(RIDGE) };
    }
    let factor = information.llt(Side::Lower).map_err(|error| FitError::Solver(format!("{error:?}")))?;
    let metric = with_one.transpose() * &with_one * faer::Scale(1.0 / count(rows));
    let of_column = low_rank(&factor, &metric)?;
    let cells: Vec<Option<(usize, f64)>> = linear.entries.iter().flatten().copied().collect();
    let of_cell =
        Mat::from_fn(cells.len() + 1, of_column.ncols(), |i, j| match i.checked_sub(1).map(|cell| cells[cell]) {
            None => of_column[(0, j)],
            Some(entry) => entry.map_or(0.0, |(column, x)| x * of_column[(column + 1, j)]),
        });
    Ok(pack(&of_cell))
}

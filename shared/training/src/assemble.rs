//! From fitted parameters to the model's terms: pairs without what their sides say alone, everything centred, and the
//! covariance as a low-rank factor.

use expansion_domain::count;
use expansion_model::{Axis, MOST_RANK, Term, TermKind, Uncertainty, scattered};
use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

use crate::penalised::{Block, Fit, gram};
use crate::{FitError, Result};

/// Numbers a row of the uncertainty.
const RANK: usize = 48;
/// Rounds of subspace iteration.
const ROUNDS: usize = 4;
/// Random vectors that tell how much variance is left out.
const PROBES: usize = 64;
/// Rounds of taking a pair's sides out of it.
const SWEEPS: usize = 30;

/// An intercept, terms and their uncertainty.
pub(crate) struct Assembled {
    pub(crate) intercept: f64,
    pub(crate) terms: Vec<Term>,
    pub(crate) uncertainty: Uncertainty,
}

pub(crate) fn assemble(blocks: Vec<Block>, fit: &Fit) -> Result<Assembled> {
    let rows = fit.propensities.len();
    let size = fit.parameters.len();
    let mut metric = gram(&blocks, &vec![1.0 / count(rows); rows], size);
    for a in 0..size {
        for b in 0..a {
            metric[(b, a)] = metric[(a, b)];
        }
    }
    let mut uncertainty = pack(&low_rank(&fit.factor(&blocks)?, &metric)?);
    let counts: Vec<Vec<f64>> = blocks.iter().map(counts).collect();
    let mut intercept = fit.parameters[0];
    let mut terms: Vec<Term> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let weights = block.own(&fit.parameters).to_vec();
        terms.push(Term { weights, ..block.term });
    }
    for (i, counts) in counts.iter().enumerate() {
        if terms[i].kind != TermKind::Shape {
            let (sides, mean) = purify(&mut terms[i], counts);
            intercept += mean;
            for (axis, moved) in sides {
                add_to_shape(&mut terms, &axis, &moved);
            }
        }
    }
    let added = terms[counts.len()..].iter().map(|term| term.weights.len()).sum::<usize>();
    uncertainty.rows.resize(uncertainty.rows.len() + added * uncertainty.rank, 0.0);
    for (term, counts) in terms.iter_mut().zip(&counts) {
        let mean = term.weights.iter().zip(counts).map(|(w, n)| w * n).sum::<f64>() / count(rows);
        // Where nothing was seen there is nothing to say: the weight of an average customer.
        for (weight, n) in term.weights.iter_mut().zip(counts) {
            *weight = if *n > 0.0 { *weight - mean } else { 0.0 };
        }
        intercept += mean;
    }
    Ok(Assembled { intercept, terms, uncertainty })
}

fn counts(block: &Block) -> Vec<f64> {
    let mut counts = vec![0.0; block.cells()];
    for code in &block.codes {
        counts[usize::from(*code)] += 1.0;
    }
    counts
}

/// Takes what each side says alone out of a pair (functional ANOVA with the rows' own weights; Lengerich et al. 2020,
/// *AISTATS*); returns it by side, each with a mean of zero over the rows, and the mean.
fn purify(term: &mut Term, counts: &[f64]) -> (Vec<(Axis, Vec<f64>)>, f64) {
    let (rows, columns) = (term.axes[0].len, term.axes[1].len);
    let mut moved = [vec![0.0; rows], vec![0.0; columns]];
    for _ in 0..SWEEPS {
        for (side, moved) in moved.iter_mut().enumerate() {
            for (line, moved) in moved.iter_mut().enumerate() {
                let cells: Vec<usize> = match side {
                    0 => (0..columns).map(|b| line * columns + b).collect(),
                    _ => (0..rows).map(|a| a * columns + line).collect(),
                };
                let total: f64 = cells.iter().map(|i| counts[*i]).sum();
                if total > 0.0 {
                    let mean = cells.iter().map(|i| counts[*i] * term.weights[*i]).sum::<f64>() / total;
                    for i in cells {
                        term.weights[i] -= mean;
                    }
                    *moved += mean;
                }
            }
        }
    }
    // A combination never seen says nothing beyond its sides.
    for (weight, n) in term.weights.iter_mut().zip(counts) {
        if *n == 0.0 {
            *weight = 0.0;
        }
    }
    let total: f64 = counts.iter().sum();
    let mut mean = 0.0;
    for (side, moved) in moved.iter_mut().enumerate() {
        let line = |cell: usize| if side == 0 { cell / columns } else { cell % columns };
        let own = counts.iter().enumerate().map(|(cell, n)| n * moved[line(cell)]).sum::<f64>() / total.max(1.0);
        for value in moved.iter_mut() {
            *value -= own;
        }
        mean += own;
    }
    (term.axes.iter().cloned().zip(moved).collect(), mean)
}

/// Adds what a pair's side says alone to the feature's shape.
fn add_to_shape(terms: &mut Vec<Term>, side: &Axis, moved: &[f64]) {
    let is_shape = |term: &Term| term.kind == TermKind::Shape && term.axes[0].feature == side.feature;
    let place = terms.iter().position(is_shape).unwrap_or_else(|| {
        terms.push(Term::shape(side.feature, vec![0.0; side.cells.len()]));
        terms.len() - 1
    });
    for (weight, cell) in terms[place].weights.iter_mut().zip(&side.cells) {
        *weight += moved[usize::from(*cell)];
    }
}

/// `B` with few columns, so that `xᵀ B Bᵀ x` is near `xᵀ H⁻¹ x` for rows `x` distributed as in `metric` (their mean
/// outer product): the leading directions by subspace iteration, scaled to the same mean variance.
pub(crate) fn low_rank(factor: &Llt<f64>, metric: &Mat<f64>) -> Result<Mat<f64>> {
    let size = metric.nrows();
    let rank = RANK.min(MOST_RANK).min(size);
    let mut basis = Mat::from_fn(size, rank, |i, j| scattered((i * rank + j) as u64) - 0.5);
    for _ in 0..ROUNDS {
        let image = metric * &basis;
        basis = factor.solve(&image);
        let inner = basis.transpose() * &image;
        let eigen = inner.self_adjoint_eigen(Side::Lower).map_err(|error| FitError::Solver(format!("{error:?}")))?;
        let values: Vec<f64> = (0..rank).map(|i| eigen.S()[i]).collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        let vectors = eigen.U();
        let scaled = Mat::from_fn(rank, rank, |i, j| {
            if values[j] > 1e-12 * largest { vectors[(i, j)] / values[j].sqrt() } else { 0.0 }
        });
        basis = &basis * &scaled;
    }
    // The mean variance is the trace of H⁻¹ M: exact for what is kept, and for the rest by random signs (Hutch++: Meyer,
    // Musco, Musco & Woodruff 2021, *SOSA*).
    let image = metric * &basis;
    let kept: f64 = (0..rank).map(|j| (0..size).map(|i| basis[(i, j)] * image[(i, j)]).sum::<f64>()).sum();
    let signs = Mat::from_fn(size, PROBES, |i, j| (scattered((i * PROBES + j) as u64) - 0.5).signum());
    let image = metric * &signs;
    let left = factor.solve(&image) - &basis * (basis.transpose() * &image);
    let rest: f64 = (0..PROBES).map(|j| (0..size).map(|i| signs[(i, j)] * left[(i, j)]).sum::<f64>()).sum();
    let rest = (rest / count(PROBES)).max(0.0);
    Ok(basis * faer::Scale((1.0 + rest / kept.max(1e-300)).sqrt().min(10.0)))
}

/// A factor as the model keeps it, row by row.
#[expect(clippy::cast_possible_truncation, reason = "the uncertainty is kept in single precision")]
pub(crate) fn pack(factor: &Mat<f64>) -> Uncertainty {
    let rank = factor.ncols();
    let rows = (0..factor.nrows()).flat_map(|i| (0..rank).map(move |j| (i, j))).map(|at| factor[at] as f32).collect();
    Uncertainty { rank, rows }
}

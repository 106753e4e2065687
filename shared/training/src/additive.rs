//! The additive model: one shape function a feature, fitted by penalised iteratively reweighted least squares.
//!
//! Every feature is cut into bins; numeric bins are kept smooth by a second-difference penalty and, like all bins,
//! lightly shrunk. How strongly is estimated by generalised Fellner–Schall updates (Wood & Fasiolo 2017, *Biometrics*)
//! between the Newton steps. The normal matrix is assembled from bin codes, never from an expanded design (Wood, Li,
//! Shaddick & Augustin 2017, *JASA*). Rows of one customer are not independent: the likelihood is divided by their
//! design effect before anything is smoothed.

use expansion_features::Dataset;
use expansion_model::{Bins, Covariance, Term, sigmoid};
use faer::linalg::solvers::{DenseSolveCore, Solve};
use faer::{Mat, Side};

use crate::card::{Card, design_effect};
use crate::deals::count;
use crate::{FitError, bins};

/// The name of this kind of model.
pub(crate) const FAMILY: &str = "additive";

/// Numbers fall into at most so many bins.
const MOST_BINS: usize = 16;
/// Newton steps, each followed by an update of the smoothing parameters.
const MOST_STEPS: usize = 40;
/// The fit stands when a step changes the penalised deviance by no more than this share of it …
const TOLERANCE: f64 = 1e-5;
/// … and no smoothing parameter by more than this factor (as a logarithm).
const SMOOTHING_TOLERANCE: f64 = 0.1;
/// Halvings of a step that makes things worse.
const MOST_HALVINGS: usize = 12;
/// Bounds of a smoothing parameter.
const SMOOTHING: [f64; 2] = [1e-2, 1e7];
/// Where smoothing begins: the second differences, then all bins.
const FIRST_SMOOTHING: [f64; 2] = [10.0, 1.0];
/// The design effect before it can be estimated.
const FIRST_DESIGN_EFFECT: f64 = 2.0;

/// One feature among the parameters.
struct Block {
    feature: String,
    bins: Bins,
    /// The bin of each row.
    codes: Vec<u16>,
    /// Rows a bin.
    counts: Vec<f64>,
    /// Position of its first bin among the parameters; the intercept is at 0.
    first: usize,
    /// What is held down, as quadratic forms: second differences of ordered bins (zero for levels), and all bins.
    penalties: [Mat<f64>; 2],
    /// How strongly.
    smoothing: [f64; 2],
}

/// Where a fit stands.
struct Fit {
    parameters: Vec<f64>,
    propensities: Vec<f64>,
    /// Penalised deviance.
    objective: f64,
}

/// Fits an additive model to the given rows.
pub(crate) fn fit(data: &Dataset, rows: &[usize]) -> Result<Card, FitError> {
    let labels: Vec<bool> = rows.iter().map(|&row| data.labels[row].expanded).collect();
    let customers: Vec<u32> = rows.iter().map(|&row| data.customers[row]).collect();
    let mut blocks = blocks(data, rows);
    let size = blocks.last().map(|last| last.first + last.bins.len()).ok_or(FitError::NoFeatures)?;
    let base = count(labels.iter().filter(|y| **y).count()) / count(labels.len());
    let mut parameters = vec![0.0; size];
    parameters[0] = (base / (1.0 - base)).ln();
    let mut effect = FIRST_DESIGN_EFFECT;
    let mut now = evaluate(&blocks, parameters, &labels, effect);
    for _ in 0..MOST_STEPS {
        let before = now.objective;
        let hessian = hessian(&blocks, &now.propensities, effect, size);
        let factor = hessian.llt(Side::Lower).map_err(|error| FitError::Solver(format!("{error:?}")))?;
        let direction = factor.solve(&gradient(&blocks, &now, &labels, effect));
        now = step(&blocks, now, &direction, &labels, effect);
        let moved = update_smoothing(&mut blocks, &factor.inverse(), &now.parameters);
        effect = design_effect(&now.propensities, &labels, &customers);
        now = evaluate(&blocks, now.parameters, &labels, effect);
        if (before - now.objective).abs() <= TOLERANCE * before.abs() && moved <= SMOOTHING_TOLERANCE {
            break;
        }
    }
    let hessian = hessian(&blocks, &now.propensities, effect, size);
    let factor = hessian.llt(Side::Lower).map_err(|error| FitError::Solver(format!("{error:?}")))?;
    if now.parameters.iter().any(|parameter| !parameter.is_finite()) {
        return Err(FitError::Solver("the parameters diverged".to_owned()));
    }
    Ok(centred(blocks, &now.parameters, factor.inverse(), rows.len()))
}

/// Bins every feature that says something in these rows.
fn blocks(data: &Dataset, rows: &[usize]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut first = 1;
    for (name, column) in data.frame.names.iter().zip(&data.frame.columns) {
        let Some(bins) = bins::bins(column, rows, MOST_BINS) else { continue };
        let codes = bins::codes(column, &bins, rows);
        let mut counts = vec![0.0; bins.len()];
        for &code in &codes {
            counts[usize::from(code)] += 1.0;
        }
        let size = bins.len();
        let penalties = [roughness(&bins), Mat::identity(size, size)];
        blocks.push(Block { feature: name.clone(), bins, codes, counts, first, penalties, smoothing: FIRST_SMOOTHING });
        first += size;
    }
    blocks
}

/// `DᵀD` of the second differences of the ordered bins; zero for levels. The bin for a missing value takes no part.
fn roughness(bins: &Bins) -> Mat<f64> {
    let size = bins.len();
    let mut form = Mat::zeros(size, size);
    if let Bins::Numbers { edges } = bins {
        for middle in 1..edges.len() {
            let difference = [(middle - 1, 1.0), (middle, -2.0), (middle + 1, 1.0)];
            for (a, x) in difference {
                for (b, y) in difference {
                    form[(a, b)] += x * y;
                }
            }
        }
    }
    form
}

/// Propensities and penalised deviance at some parameters.
fn evaluate(blocks: &[Block], parameters: Vec<f64>, labels: &[bool], effect: f64) -> Fit {
    let mut log_odds = vec![parameters[0]; labels.len()];
    for block in blocks {
        let own = &parameters[block.first..];
        for (sum, code) in log_odds.iter_mut().zip(&block.codes) {
            *sum += own[usize::from(*code)];
        }
    }
    // ln(1 + e^η) − y·η, without overflow.
    let loss = |(eta, y): (&f64, &bool)| eta.max(0.0) + (-eta.abs()).exp().ln_1p() - if *y { *eta } else { 0.0 };
    let likelihood: f64 = log_odds.iter().zip(labels).map(loss).sum();
    let penalty: f64 = blocks.iter().map(|block| block.penalty(&parameters)).sum();
    let propensities = log_odds.into_iter().map(sigmoid).collect();
    Fit { parameters, propensities, objective: 2.0 * likelihood / effect + penalty }
}

/// The information matrix of the working likelihood, with the penalties.
fn hessian(blocks: &[Block], propensities: &[f64], effect: f64, size: usize) -> Mat<f64> {
    let weights: Vec<f64> = propensities.iter().map(|p| (p * (1.0 - p)).max(1e-9) / effect).collect();
    let mut matrix: Mat<f64> = Mat::zeros(size, size);
    matrix[(0, 0)] = weights.iter().sum();
    for (i, block) in blocks.iter().enumerate() {
        let width = block.bins.len();
        let mut own = vec![0.0; width];
        for (weight, code) in weights.iter().zip(&block.codes) {
            own[usize::from(*code)] += weight;
        }
        for (bin, sum) in own.iter().enumerate() {
            let at = block.first + bin;
            matrix[(at, 0)] = *sum;
            matrix[(at, at)] += sum;
        }
        for (form, smoothing) in block.penalties.iter().zip(block.smoothing) {
            for a in 0..width {
                for b in 0..=a {
                    matrix[(block.first + a, block.first + b)] += smoothing * form[(a, b)];
                }
            }
        }
        for other in &blocks[..i] {
            let across = other.bins.len();
            let mut table = vec![0.0; width * across];
            for ((weight, a), b) in weights.iter().zip(&block.codes).zip(&other.codes) {
                table[usize::from(*a) * across + usize::from(*b)] += weight;
            }
            for (a, row) in table.chunks_exact(across).enumerate() {
                for (b, sum) in row.iter().enumerate() {
                    matrix[(block.first + a, other.first + b)] = *sum;
                }
            }
        }
    }
    matrix
}

/// The gradient of the penalised log-likelihood.
fn gradient(blocks: &[Block], now: &Fit, labels: &[bool], effect: f64) -> Mat<f64> {
    let residuals: Vec<f64> =
        now.propensities.iter().zip(labels).map(|(p, y)| (if *y { 1.0 - p } else { -p }) / effect).collect();
    let mut gradient = Mat::zeros(now.parameters.len(), 1);
    gradient[(0, 0)] = residuals.iter().sum();
    for block in blocks {
        for (residual, code) in residuals.iter().zip(&block.codes) {
            gradient[(block.first + usize::from(*code), 0)] += residual;
        }
        let own = block.own(&now.parameters);
        for (form, smoothing) in block.penalties.iter().zip(block.smoothing) {
            for a in 0..own.len() {
                let pull: f64 = own.iter().enumerate().map(|(b, value)| form[(a, b)] * value).sum();
                gradient[(block.first + a, 0)] -= smoothing * pull;
            }
        }
    }
    gradient
}

/// A Newton step, halved until it makes things no worse.
fn step(blocks: &[Block], now: Fit, direction: &Mat<f64>, labels: &[bool], effect: f64) -> Fit {
    let mut length = 1.0;
    for _ in 0..MOST_HALVINGS {
        let moved = now.parameters.iter().enumerate().map(|(i, value)| value + length * direction[(i, 0)]).collect();
        let next = evaluate(blocks, moved, labels, effect);
        if next.objective <= now.objective {
            return next;
        }
        length /= 2.0;
    }
    now
}

/// One generalised Fellner–Schall update of every smoothing parameter; returns how far the furthest moved, as a
/// logarithm.
fn update_smoothing(blocks: &mut [Block], covariance: &Mat<f64>, parameters: &[f64]) -> f64 {
    let mut furthest: f64 = 0.0;
    for block in blocks {
        let width = block.bins.len();
        let Ok(prior) = block.prior().llt(Side::Lower) else { continue };
        let prior = prior.inverse();
        let own = block.own(parameters).to_vec();
        for (form, smoothing) in block.penalties.iter().zip(&mut block.smoothing) {
            let (mut in_prior, mut in_posterior, mut used) = (0.0, 0.0, 0.0);
            for a in 0..width {
                for b in 0..width {
                    in_prior += prior[(a, b)] * form[(b, a)];
                    in_posterior += covariance[(block.first + a, block.first + b)] * form[(b, a)];
                    used += own[a] * form[(a, b)] * own[b];
                }
            }
            if in_prior <= 0.0 {
                continue;
            }
            let factor = ((in_prior - in_posterior).max(1e-8) / used.max(1e-12)).clamp(0.1, 10.0);
            let next = (*smoothing * factor).clamp(SMOOTHING[0], SMOOTHING[1]);
            furthest = furthest.max((next / *smoothing).ln().abs());
            *smoothing = next;
        }
    }
    furthest
}

impl Block {
    /// This feature's parameters.
    fn own<'a>(&self, parameters: &'a [f64]) -> &'a [f64] {
        &parameters[self.first..self.first + self.bins.len()]
    }

    /// What the penalties take off at some parameters.
    fn penalty(&self, parameters: &[f64]) -> f64 {
        let own = self.own(parameters);
        let form = self.prior();
        let row = |a: usize| own.iter().enumerate().map(|(b, value)| form[(a, b)] * value).sum::<f64>();
        (0..own.len()).map(|a| own[a] * row(a)).sum()
    }

    /// Both penalties with their strengths.
    fn prior(&self) -> Mat<f64> {
        let [rough, ridge] = &self.penalties;
        let width = self.bins.len();
        Mat::from_fn(width, width, |a, b| self.smoothing[0] * rough[(a, b)] + self.smoothing[1] * ridge[(a, b)])
    }
}

/// Centres every shape on the training rows, and the covariance with it.
#[expect(clippy::cast_possible_truncation, reason = "the covariance is kept in single precision")]
fn centred(blocks: Vec<Block>, parameters: &[f64], mut covariance: Mat<f64>, rows_fitted: usize) -> Card {
    let size = parameters.len();
    let rows = count(rows_fitted);
    let mut intercept = parameters[0];
    // The centring is linear: first over the columns, then over the rows.
    for transposed in [false, true] {
        let at = |line: usize, i: usize| if transposed { (i, line) } else { (line, i) };
        for line in 0..size {
            let mut lifted = 0.0;
            for block in &blocks {
                let cells = || block.first..block.first + block.bins.len();
                let mean: f64 = cells().zip(&block.counts).map(|(i, n)| covariance[at(line, i)] * n / rows).sum();
                for i in cells() {
                    covariance[at(line, i)] -= mean;
                }
                lifted += mean;
            }
            covariance[at(line, 0)] += lifted;
        }
    }
    let mut terms = Vec::with_capacity(blocks.len());
    for block in blocks {
        let own = block.own(parameters);
        let mean = own.iter().zip(&block.counts).map(|(value, n)| value * n).sum::<f64>() / rows;
        intercept += mean;
        let weights = own.iter().map(|value| value - mean).collect();
        terms.push(Term { feature: block.feature, bins: block.bins, weights });
    }
    let lower = (0..size).flat_map(|a| (0..=a).map(move |b| (a, b))).map(|at| covariance[at] as f32).collect();
    Card { intercept, terms, covariance: Covariance { size, lower }, rows_fitted }
}

//! Penalised iteratively reweighted least squares over bins, with its smoothing parameters.
//!
//! The normal matrix is assembled from bin codes, never from an expanded design (Wood, Li, Shaddick & Augustin 2017,
//! *JASA*). Between the Newton steps every smoothing parameter moves by a generalised Fellner–Schall update (Wood &
//! Fasiolo 2017, *Biometrics*). Rows of one customer are not independent: the likelihood is divided by their design
//! effect before anything is smoothed.

use expansion_domain::count;
use expansion_model::{Term, sigmoid};
use faer::linalg::solvers::{DenseSolveCore, Llt, Solve};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Mat, Par, Side};

use crate::outcomes::{Outcomes, design_effect, residuals};
use crate::{FitError, Result};

/// Newton steps, each followed by an update of the smoothing parameters.
const MOST_STEPS: usize = 30;
/// Updates go this much further (as a power): those towards a straight line or nothing at all would take many steps.
const ACCELERATION: f64 = 1.6;
/// Newton steps before the smoothing parameters move at all, unless the start is a good one.
const COLD_STEPS: usize = 2;
/// Halvings of a step that makes things worse.
const MOST_HALVINGS: usize = 12;
/// The information matrix is assembled anew when working weights have changed by more than this share in the mean.
/// Most steps late in a fit move smoothing parameters only; the gradient is exact at each.
const STALE: f64 = 0.1;
/// No smoothing parameter rises above this.
const MOST_SMOOTHING: f64 = 1e7;
/// A bare hold on every parameter, so that the normal matrix can always be factored.
const HOLD: f64 = 1e-3;
/// Log-odds beyond this say that the fit has diverged.
const MOST_LOG_ODDS: f64 = 500.0;

/// One term among the parameters.
#[derive(Clone)]
pub(crate) struct Block {
    /// The term; its weights are filled in at the end.
    pub(crate) term: Term,
    pub(crate) codes: Vec<u16>,
    /// What is held down, as quadratic forms.
    pub(crate) penalties: Vec<Mat<f64>>,
    /// How strongly.
    pub(crate) smoothing: Vec<f64>,
    /// Position of its first cell among the parameters; the intercept is at 0.
    pub(crate) first: usize,
}

/// How a fit is carried out.
#[derive(Clone, Copy)]
pub(crate) struct Control {
    /// No smoothing parameter falls below this.
    pub(crate) least_smoothing: f64,
    /// The fit stands when a step changes the effective degrees of freedom by no more than this share of them, and
    /// the penalised deviance by no more than a hundredth of that.
    pub(crate) tolerance: f64,
    /// The design effect before it is estimated.
    pub(crate) design_effect: f64,
    /// Whether it starts near its end. Otherwise the smoothing parameters wait until the parameters mean something.
    pub(crate) is_warm: bool,
}

/// Where a fit stands.
pub(crate) struct Fit {
    pub(crate) parameters: Vec<f64>,
    pub(crate) propensities: Vec<f64>,
    /// Minus the log-likelihood, and what the penalties add.
    misfit: f64,
    penalty: f64,
    /// Of the repeated rows of customers.
    pub(crate) design_effect: f64,
    /// Of each block.
    pub(crate) freedom: Vec<f64>,
}

impl Fit {
    fn objective(&self, effect: f64) -> f64 {
        2.0 * self.misfit / effect + self.penalty
    }

    /// The Cholesky factor of the penalised information.
    pub(crate) fn factor(&self, blocks: &[Block]) -> Result<Llt<f64>> {
        let information = gram(blocks, &working_weights(self), self.parameters.len());
        factor(blocks, information, self.design_effect)
    }
}

impl Block {
    pub(crate) fn cells(&self) -> usize {
        self.term.weights.len()
    }

    pub(crate) fn own<'a>(&self, parameters: &'a [f64]) -> &'a [f64] {
        &parameters[self.first..self.first + self.cells()]
    }

    /// The penalties with their strengths.
    fn prior(&self) -> Mat<f64> {
        let mut prior: Mat<f64> = Mat::identity(self.cells(), self.cells());
        prior *= faer::Scale(HOLD);
        for (form, smoothing) in self.penalties.iter().zip(&self.smoothing) {
            prior += form * faer::Scale(*smoothing);
        }
        prior
    }
}

/// Gives the blocks their places among the parameters; returns how many there are.
pub(crate) fn place(blocks: &mut [Block]) -> usize {
    let mut size = 1;
    for block in blocks {
        block.first = size;
        size += block.cells();
    }
    size
}

/// Fits the blocks' parameters, from `start` as far as it goes, and their smoothing parameters.
pub(crate) fn fit(blocks: &mut [Block], outcomes: &Outcomes, start: Vec<f64>, control: Control) -> Result<Fit> {
    let size = place(blocks);
    let mut parameters = start;
    parameters.resize(size, 0.0);
    let mut effect = control.design_effect;
    let mut now = evaluate(blocks, parameters, outcomes);
    let mut weights = working_weights(&now);
    let mut information = gram(blocks, &weights, size);
    let mut freedom_before = f64::INFINITY;
    for number in 0..MOST_STEPS {
        now.penalty = penalty(blocks, &now.parameters);
        let before = now.objective(effect);
        let moved = working_weights(&now);
        let change: f64 = moved.iter().zip(&weights).map(|(now, then)| (now - then).abs()).sum();
        if change > STALE * weights.iter().sum::<f64>() {
            information = gram(blocks, &moved, size);
            weights = moved;
        }
        let factor = factor(blocks, information.clone(), effect)?;
        let direction = factor.solve(&gradient(blocks, &now, outcomes, effect));
        now = step(blocks, now, &direction, outcomes, effect);
        let after = now.objective(effect);
        effect = design_effect(&now.propensities, outcomes);
        if !control.is_warm && number < COLD_STEPS {
            continue;
        }
        now.freedom = update_smoothing(blocks, &factor, &now.parameters, control.least_smoothing);
        let freedom: f64 = now.freedom.iter().sum();
        let settled = (before - after).abs() <= control.tolerance / 100.0 * before.abs()
            && (freedom - freedom_before).abs() <= control.tolerance * freedom;
        freedom_before = freedom;
        if settled {
            break;
        }
    }
    if now.parameters.iter().any(|parameter| parameter.is_nan() || parameter.abs() > MOST_LOG_ODDS) {
        return Err(FitError::Solver("the parameters diverged".to_owned()));
    }
    now.design_effect = effect;
    Ok(now)
}

/// Where blocks stand whose parameters were found elsewhere.
pub(crate) fn at(blocks: &mut [Block], parameters: Vec<f64>, outcomes: &Outcomes) -> Fit {
    place(blocks);
    let fit = evaluate(blocks, parameters, outcomes);
    Fit { design_effect: design_effect(&fit.propensities, outcomes), ..fit }
}

/// Propensities and penalised deviance at some parameters.
fn evaluate(blocks: &[Block], parameters: Vec<f64>, outcomes: &Outcomes) -> Fit {
    let mut log_odds = vec![parameters[0]; outcomes.labels.len()];
    for (sum, known) in log_odds.iter_mut().zip(&outcomes.known) {
        *sum += known;
    }
    for block in blocks {
        let own = block.own(&parameters);
        for (sum, code) in log_odds.iter_mut().zip(&block.codes) {
            *sum += own[usize::from(*code)];
        }
    }
    let mut misfit = 0.0;
    let propensities = log_odds
        .into_iter()
        .zip(&outcomes.labels)
        .map(|(eta, y)| {
            // ln(1 + e^η) − y·η, without overflow.
            let tail = (-eta.abs()).exp();
            misfit += eta.max(0.0) + (1.0 + tail).ln() - if *y { eta } else { 0.0 };
            if eta >= 0.0 { 1.0 / (1.0 + tail) } else { tail / (1.0 + tail) }
        })
        .collect();
    let penalty = penalty(blocks, &parameters);
    Fit { parameters, propensities, misfit, penalty, design_effect: 1.0, freedom: Vec::new() }
}

/// What the penalties add at some parameters.
fn penalty(blocks: &[Block], parameters: &[f64]) -> f64 {
    blocks.iter().map(|block| quadratic(&block.prior(), block.own(parameters))).sum()
}

/// `xᵀ A x`.
fn quadratic(form: &Mat<f64>, x: &[f64]) -> f64 {
    x.iter().enumerate().map(|(a, xa)| xa * x.iter().enumerate().map(|(b, xb)| form[(a, b)] * xb).sum::<f64>()).sum()
}

/// The curvature of the log-likelihood, row by row.
fn working_weights(now: &Fit) -> Vec<f64> {
    now.propensities.iter().map(|p| (p * (1.0 - p)).max(1e-9)).collect()
}

/// The Cholesky factor of an information matrix divided by the design effect, with the penalties.
fn factor(blocks: &[Block], mut matrix: Mat<f64>, effect: f64) -> Result<Llt<f64>> {
    for column in 0..matrix.ncols() {
        for value in &mut matrix.col_as_slice_mut(column)[column..] {
            *value /= effect;
        }
    }
    for block in blocks {
        let prior = block.prior();
        for a in 0..block.cells() {
            for b in 0..=a {
                matrix[(block.first + a, block.first + b)] += prior[(a, b)];
            }
        }
    }
    matrix.llt(Side::Lower).map_err(|error| FitError::Solver(format!("{error:?}")))
}

/// The lower triangle of `Xᵀ W X`, where X marks the intercept and each row's cells.
pub(crate) fn gram(blocks: &[Block], weights: &[f64], size: usize) -> Mat<f64> {
    let mut matrix: Mat<f64> = Mat::zeros(size, size);
    matrix[(0, 0)] = weights.iter().sum();
    for (i, block) in blocks.iter().enumerate() {
        let mut own = vec![0.0; block.cells()];
        for (weight, code) in weights.iter().zip(&block.codes) {
            own[usize::from(*code)] += weight;
        }
        for (a, sum) in own.iter().enumerate() {
            matrix[(block.first + a, 0)] = *sum;
            matrix[(block.first + a, block.first + a)] = *sum;
        }
        // Two earlier blocks at a time: the row's weight and own cell are read once for both.
        for pair in blocks[..i].chunks(2) {
            let widths = [pair[0].cells(), pair.last().map_or(0, Block::cells)];
            let (mut one, mut other) = (vec![0.0; block.cells() * widths[0]], vec![0.0; block.cells() * widths[1]]);
            if let [first, second] = pair {
                let cells = block.codes.iter().zip(&first.codes).zip(&second.codes);
                for (weight, ((a, b), c)) in weights.iter().zip(cells) {
                    one[usize::from(*a) * widths[0] + usize::from(*b)] += weight;
                    other[usize::from(*a) * widths[1] + usize::from(*c)] += weight;
                }
            } else {
                for ((weight, a), b) in weights.iter().zip(&block.codes).zip(&pair[0].codes) {
                    one[usize::from(*a) * widths[0] + usize::from(*b)] += weight;
                }
            }
            for ((earlier, sums), width) in pair.iter().zip([&one, &other]).zip(widths) {
                for (a, row) in sums.chunks_exact(width).enumerate() {
                    for (b, sum) in row.iter().enumerate() {
                        matrix[(block.first + a, earlier.first + b)] = *sum;
                    }
                }
            }
        }
    }
    matrix
}

/// The gradient of the penalised log-likelihood.
fn gradient(blocks: &[Block], now: &Fit, outcomes: &Outcomes, effect: f64) -> Mat<f64> {
    let residuals: Vec<f64> = residuals(&now.propensities, &outcomes.labels).map(|r| r / effect).collect();
    let mut gradient = Mat::zeros(now.parameters.len(), 1);
    gradient[(0, 0)] = residuals.iter().sum();
    for block in blocks {
        for (residual, code) in residuals.iter().zip(&block.codes) {
            gradient[(block.first + usize::from(*code), 0)] += residual;
        }
        let (own, prior) = (block.own(&now.parameters), block.prior());
        for a in 0..own.len() {
            let pull: f64 = own.iter().enumerate().map(|(b, value)| prior[(a, b)] * value).sum();
            gradient[(block.first + a, 0)] -= pull;
        }
    }
    gradient
}

/// A Newton step, halved until it makes things no worse.
fn step(blocks: &[Block], now: Fit, direction: &Mat<f64>, outcomes: &Outcomes, effect: f64) -> Fit {
    let mut length = 1.0;
    for _ in 0..MOST_HALVINGS {
        let moved = now.parameters.iter().enumerate().map(|(i, value)| value + length * direction[(i, 0)]).collect();
        let next = evaluate(blocks, moved, outcomes);
        if next.objective(effect) <= now.objective(effect) {
            return next;
        }
        length /= 2.0;
    }
    now
}

/// One generalised Fellner–Schall update of every smoothing parameter; returns each block's effective degrees of freedom.
fn update_smoothing(blocks: &mut [Block], factor: &Llt<f64>, parameters: &[f64], least: f64) -> Vec<f64> {
    // (L Lᵀ)⁻¹ = L⁻ᵀ L⁻¹, of which only the blocks on the diagonal are needed.
    let total = parameters.len();
    let mut root: Mat<f64> = Mat::zeros(total, total);
    invert_lower_triangular(root.as_mut(), factor.L(), Par::Seq);
    let mut freedoms = Vec::with_capacity(blocks.len());
    for block in blocks {
        let size = block.cells();
        let own = block.own(parameters).to_vec();
        let prior = block.prior();
        let columns = root.submatrix(block.first, block.first, total - block.first, size);
        let covariance = columns.transpose() * columns;
        let trace = |one: &Mat<f64>, other: &Mat<f64>| -> f64 {
            (0..size).map(|a| (0..size).map(|b| one[(a, b)] * other[(b, a)]).sum::<f64>()).sum()
        };
        freedoms.push((count(size) - trace(&covariance, &prior)).max(0.0));
        let Ok(inverse) = prior.llt(Side::Lower).map(|factor| factor.inverse()) else { continue };
        for (form, smoothing) in block.penalties.iter().zip(&mut block.smoothing) {
            let in_prior = trace(&inverse, form);
            let in_posterior = trace(&covariance, form);
            let used = quadratic(form, &own);
            let factor = ((in_prior - in_posterior).max(1e-8) / used.max(1e-12)).clamp(0.05, 20.0);
            *smoothing = (*smoothing * factor.powf(ACCELERATION)).clamp(least, MOST_SMOOTHING);
        }
    }
    freedoms
}

/// The log-odds of a share.
pub(crate) fn logit(share: f64) -> f64 {
    debug_assert!((sigmoid((share / (1.0 - share)).ln()) - share).abs() < 1e-9);
    (share / (1.0 - share)).ln()
}

//! What every family of models fits: an additive card of weights, with its uncertainty.

use std::collections::BTreeMap;

use expansion_model::{Covariance, Term};

/// A fitted card, centred on the rows it was fitted to.
pub(crate) struct Card {
    pub(crate) intercept: f64,
    pub(crate) terms: Vec<Term>,
    pub(crate) covariance: Covariance,
    pub(crate) rows_fitted: usize,
}

/// Variance of the customers' summed residuals over that of independent rows (Kish's design effect); at least 1.
pub(crate) fn design_effect(propensities: &[f64], labels: &[bool], customers: &[u32]) -> f64 {
    let mut by_customer: BTreeMap<u32, f64> = BTreeMap::new();
    let mut independent = 0.0;
    for ((p, y), customer) in propensities.iter().zip(labels).zip(customers) {
        let residual = if *y { 1.0 - p } else { -p };
        *by_customer.entry(*customer).or_default() += residual;
        independent += residual * residual;
    }
    let clustered: f64 = by_customer.values().map(|sum| sum * sum).sum();
    (clustered / independent).max(1.0)
}

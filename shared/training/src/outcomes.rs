//! What models are fitted to: whether the customers of some rows expanded, and what deals they won.

use std::collections::BTreeMap;

use expansion_domain::{CustomerHistory, Instant, Opportunity, Stage};
use expansion_features::Dataset;
use expansion_model::{Metrics, evaluate, sigmoid};

/// Labels and whose they are.
#[derive(Clone, Copy)]
pub(crate) struct Outcomes<'a> {
    pub(crate) labels: &'a [bool],
    pub(crate) customers: &'a [u32],
}

/// The labels of some rows, and whose they are.
pub(crate) fn outcomes_of(data: &Dataset, rows: &[usize]) -> (Vec<bool>, Vec<u32>) {
    rows.iter().map(|&row| (data.labels[row].expanded, data.customers[row])).unzip()
}

/// Outcome less propensity, row by row.
pub(crate) fn residuals<'a>(propensities: &'a [f64], labels: &'a [bool]) -> impl Iterator<Item = f64> + 'a {
    propensities.iter().zip(labels).map(|(p, y)| if *y { 1.0 - p } else { -p })
}

/// Variance of the customers' summed residuals over that of independent rows (Kish's design effect); at least 1.
pub(crate) fn design_effect(propensities: &[f64], outcomes: Outcomes<'_>) -> f64 {
    let mut by_customer: BTreeMap<u32, f64> = BTreeMap::new();
    let mut independent = 0.0;
    for (residual, customer) in residuals(propensities, outcomes.labels).zip(outcomes.customers) {
        *by_customer.entry(*customer).or_default() += residual;
        independent += residual * residual;
    }
    let clustered: f64 = by_customer.values().map(|sum| sum * sum).sum();
    (clustered / independent).max(1.0)
}

/// How log-odds do on the rows that they are of; `None` where only one outcome occurs.
pub(crate) fn metrics(log_odds: &[f64], data: &Dataset, rows: &[usize]) -> Option<Metrics> {
    let propensities: Vec<f64> = log_odds.iter().map(|eta| sigmoid(*eta)).collect();
    evaluate(&propensities, &outcomes_of(data, rows).0)
}

/// The deals known to be won at `as_of`, those of customers who have left since among them.
pub(crate) fn won_by(history: &CustomerHistory, as_of: Instant) -> impl Iterator<Item = &Opportunity> {
    let won = move |o: &&Opportunity| o.stage == Stage::Won && o.closed_at.is_some_and(|closed| closed <= as_of);
    history.opportunities.iter().filter(won)
}

//! What models are fitted to: whether the customers of some rows expanded, and what deals they won; and whose rows they are.

use std::collections::BTreeMap;

use expansion_domain::{CustomerHistory, Id, Instant, Opportunity, SourceData, Stage};
use expansion_features::{Dataset, Value};
use expansion_model::{Metrics, evaluate, evaluate_portfolios, sigmoid};

use crate::SEGMENT;

/// The labels of some rows, and whose they are.
pub(crate) struct Outcomes {
    pub(crate) labels: Vec<bool>,
    pub(crate) customers: Vec<u32>,
    /// Log-odds that are taken as given, to which a fit adds; empty where there are none.
    pub(crate) known: Vec<f64>,
}

impl Outcomes {
    pub(crate) fn of(data: &Dataset, rows: &[usize]) -> Self {
        let (labels, customers) = rows.iter().map(|&row| (data.labels[row].expanded, data.customers[row])).unzip();
        Self { labels, customers, known: Vec::new() }
    }

    /// Those of some of the rows, by position.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        let known = if self.known.is_empty() { Vec::new() } else { rows.iter().map(|row| self.known[*row]).collect() };
        let (labels, customers) = rows.iter().map(|row| (self.labels[*row], self.customers[*row])).unzip();
        Self { labels, customers, known }
    }
}

/// The segment of each row; `None` where there is no column of segments.
pub(crate) fn segments(data: &Dataset) -> Option<impl Fn(usize) -> Option<Id>> {
    let column = data.frame.column(SEGMENT)?;
    Some(|row| match column.value(row) {
        Value::Level(segment) => Some(segment),
        _ => None,
    })
}

/// The feature that tells the age of a customer's newest open deal.
const OPEN_DEAL_AGE: &str = "open_deal_age";

/// Whether somebody works an expansion of the customer of each row: there is an open deal, not older than so many days.
/// `None` where there is no column that tells.
pub fn worked(data: &Dataset, stale_deal_days: u16) -> Option<impl Fn(usize) -> bool> {
    let column = data.frame.column(OPEN_DEAL_AGE)?;
    Some(move |row| column.value(row).as_number().is_some_and(|age| age <= f64::from(stale_deal_days)))
}

/// The places of the rows whose customers nobody works on. None at all where no column tells.
pub(crate) fn unworked(data: &Dataset, rows: &[usize], stale_deal_days: u16) -> Vec<usize> {
    let Some(is_worked) = worked(data, stale_deal_days) else { return Vec::new() };
    (0..rows.len()).filter(|place| !is_worked(rows[*place])).collect()
}

/// Groups the first so many places by what they have in common; those without it are left out.
pub(crate) fn grouped<K: Ord>(places: usize, key: impl Fn(usize) -> Option<K>) -> BTreeMap<K, Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (place, key) in (0..places).filter_map(|place| Some((place, key(place)?))) {
        groups.entry(key).or_default().push(place);
    }
    groups
}

/// Outcome less propensity, row by row.
pub(crate) fn residuals<'a>(propensities: &'a [f64], labels: &'a [bool]) -> impl Iterator<Item = f64> + 'a {
    propensities.iter().zip(labels).map(|(p, y)| if *y { 1.0 - p } else { -p })
}

/// Variance of the customers' summed residuals over that of independent rows (Kish's design effect); at least 1.
pub(crate) fn design_effect(propensities: &[f64], outcomes: &Outcomes) -> f64 {
    let mut by_customer: BTreeMap<u32, f64> = BTreeMap::new();
    let mut independent = 0.0;
    for (residual, customer) in residuals(propensities, &outcomes.labels).zip(&outcomes.customers) {
        *by_customer.entry(*customer).or_default() += residual;
        independent += residual * residual;
    }
    let clustered: f64 = by_customer.values().map(|sum| sum * sum).sum();
    (clustered / independent).max(1.0)
}

/// How log-odds do on the rows that they are of; `None` where only one outcome occurs.
pub(crate) fn metrics(log_odds: &[f64], data: &Dataset, rows: &[usize]) -> Option<Metrics> {
    let propensities: Vec<f64> = log_odds.iter().map(|eta| sigmoid(*eta)).collect();
    evaluate(&propensities, &Outcomes::of(data, rows).labels)
}

/// The figures of log-odds on the rows that they are of, those of what CSMs find among the best of their portfolios at each
/// cutoff included.
pub(crate) fn portfolio_metrics(
    log_odds: &[f64],
    (source, data): (&SourceData, &Dataset),
    rows: &[usize],
    csm_capacity: u16,
) -> Option<Metrics> {
    let propensities: Vec<f64> = log_odds.iter().map(|eta| sigmoid(*eta)).collect();
    let csm = |row: usize| source.customers[data.customers[row] as usize].csm_id.as_deref();
    let portfolios: Vec<Option<(Instant, &str)>> = rows.iter().map(|&row| Some((data.as_of[row], csm(row)?))).collect();
    evaluate_portfolios(&propensities, &Outcomes::of(data, rows).labels, &portfolios, usize::from(csm_capacity))
}

/// The deals known to be won at `as_of`, those of customers who have left since among them.
pub(crate) fn won_by(history: &CustomerHistory, as_of: Instant) -> impl Iterator<Item = &Opportunity> {
    let won = move |o: &&Opportunity| o.stage == Stage::Won && o.closed_at.is_some_and(|closed| closed <= as_of);
    history.opportunities.iter().filter(won)
}

//! Fits and evaluates the value model: how much is bought when a customer expands.

use std::collections::BTreeMap;

use expansion_domain::{Instant, Portfolio};
use expansion_features::Dataset;
use expansion_model::{ValueEvaluation, ValueModel};

use crate::deals::{count, won_by};

/// A segment's mean is shrunk as if so many amounts of the overall mean were among its own.
const PRIOR_AMOUNTS: f64 = 20.0;
/// Fewer amounts than this say nothing about their spread.
const LEAST_AMOUNTS: usize = 20;

/// Fits the value model on the amounts known at `as_of` and the spread that the labelled rows show around it; `None`
/// when too few amounts are known.
pub(crate) fn fit(portfolio: &Portfolio, data: &Dataset, rows: &[usize], as_of: Instant) -> Option<ValueModel> {
    let by_customer = log_amounts(portfolio, as_of);
    let all: Vec<f64> = by_customer.iter().flat_map(|(_, amounts)| amounts).copied().collect();
    if all.len() < LEAST_AMOUNTS {
        return None;
    }
    let overall = mean(&all);
    let mut by_segment: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (segment, amounts) in &by_customer {
        if let Some(segment) = segment {
            by_segment.entry((*segment).to_owned()).or_default().extend(amounts);
        }
    }
    let shrunk = |amounts: &Vec<f64>| {
        (amounts.iter().sum::<f64>() + PRIOR_AMOUNTS * overall) / (count(amounts.len()) + PRIOR_AMOUNTS)
    };
    let mut model = ValueModel {
        overall,
        segments: by_segment.iter().map(|(segment, amounts)| (segment.clone(), shrunk(amounts))).collect(),
        own_prior: own_prior(&by_customer),
        spread: [0.0; 3],
        mean_factor: 1.0,
    };
    let mut left_over: Vec<f64> =
        held_amounts(&model, portfolio, data, rows).map(|(centre, amount)| amount.ln() - centre).collect();
    if left_over.len() < LEAST_AMOUNTS {
        return None;
    }
    left_over.sort_unstable_by(f64::total_cmp);
    model.spread = [0.1, 0.5, 0.9].map(|q| quantile(&left_over, q));
    model.mean_factor = mean(&left_over.iter().map(|rest| rest.exp()).collect::<Vec<_>>());
    Some(model)
}

/// How often the held-out amounts fall into their intervals; `None` without any.
pub(crate) fn evaluate(
    model: &ValueModel,
    portfolio: &Portfolio,
    data: &Dataset,
    rows: &[usize],
) -> Option<ValueEvaluation> {
    let inside: Vec<bool> = held_amounts(model, portfolio, data, rows)
        .map(|(centre, amount)| {
            let rest = amount.ln() - centre;
            model.spread[0] <= rest && rest <= model.spread[2]
        })
        .collect();
    let hits = inside.iter().filter(|hit| **hit).count();
    (!inside.is_empty()).then(|| ValueEvaluation { coverage_80: count(hits) / count(inside.len()), n: inside.len() })
}

/// For each row that ended in an expansion of known amount: the model's centre, from what was known then, and the
/// amount.
fn held_amounts<'a>(
    model: &'a ValueModel,
    portfolio: &'a Portfolio,
    data: &'a Dataset,
    rows: &'a [usize],
) -> impl Iterator<Item = (f64, f64)> + 'a {
    rows.iter().filter_map(move |&row| {
        let amount = data.labels[row].amount.filter(|amount| *amount > 0.0)?;
        let history = &portfolio.customers[data.customers[row] as usize];
        let known = history.known(data.as_of[row])?;
        let own = known.wins().filter_map(|win| win.amount);
        Some((model.centre(history.segment.as_deref(), own), amount))
    })
}

/// The log-amounts won by `as_of`, customer by customer, with the customer's segment.
fn log_amounts(portfolio: &Portfolio, as_of: Instant) -> Vec<(Option<&str>, Vec<f64>)> {
    let amounts = |history: &expansion_domain::CustomerHistory| -> Vec<f64> {
        won_by(history, as_of).filter_map(|o| o.amount).filter(|amount| *amount > 0.0).map(f64::ln).collect()
    };
    portfolio
        .customers
        .iter()
        .map(|history| (history.segment.as_deref(), amounts(history)))
        .filter(|(_, amounts)| !amounts.is_empty())
        .collect()
}

/// Variance within customers over variance between them (one-way analysis of variance): so many own amounts weigh as
/// much as the group's mean.
fn own_prior(by_customer: &[(Option<&str>, Vec<f64>)]) -> f64 {
    let (mut within, mut freedom, mut means) = (0.0, 0.0, Vec::new());
    for (_, amounts) in by_customer {
        let centre = mean(amounts);
        within += amounts.iter().map(|a| (a - centre).powi(2)).sum::<f64>();
        freedom += count(amounts.len()) - 1.0;
        means.push((centre, count(amounts.len())));
    }
    if freedom < 1.0 {
        return 1.0;
    }
    let within = within / freedom;
    let centre = mean(&means.iter().map(|(m, _)| *m).collect::<Vec<_>>());
    let spread = means.iter().map(|(m, _)| (m - centre).powi(2)).sum::<f64>() / (count(means.len()) - 1.0).max(1.0);
    let noise = within * means.iter().map(|(_, n)| 1.0 / n).sum::<f64>() / count(means.len());
    (within / (spread - noise).max(1e-6)).clamp(0.1, 100.0)
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "q is in 0..=1")]
    let position = (q * count(sorted.len() - 1)).round() as usize;
    sorted[position]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

//! Laws of the simulated tables, and the truth held against what happens.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use jiff::Span;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::*;

const HORIZON: u32 = 90;

fn settings(customers: usize) -> Settings {
    Settings { customers, seed: 11, ..Settings::demo(date(2025, 6, 30)) }
}

/// Cutoffs whose horizons have elapsed and do not overlap.
fn cutoffs(settings: &Settings) -> Vec<Date> {
    (1..8)
        .map(|windows| {
            let days = windows * i64::from(HORIZON);
            settings.end.saturating_sub(Span::new().days(days))
        })
        .collect()
}

/// Whether a row's customer won an expansion within the horizon.
fn outcomes(portfolio: &Portfolio, known: &[Truth]) -> Vec<bool> {
    let mut wins: HashMap<&str, Vec<Date>> = HashMap::new();
    for row in &portfolio.expansion_opportunities {
        if let ("won", Some(closed)) = (row.stage, row.closed_at) {
            wins.entry(&row.customer_id).or_default().push(closed);
        }
    }
    known
        .iter()
        .map(|row| {
            let last = row.cutoff.saturating_add(Span::new().days(HORIZON));
            wins.get(row.customer_id.as_str())
                .is_some_and(|days| days.iter().any(|&day| row.cutoff < day && day <= last))
        })
        .collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// The chance that a positive outranks a negative, ties counting half.
fn auc(scores: &[f64], outcomes: &[bool]) -> f64 {
    let scores_of = |wanted: bool| -> Vec<f64> {
        let pairs = scores.iter().zip(outcomes);
        pairs.filter_map(|(&score, &outcome)| (outcome == wanted).then_some(score)).collect()
    };
    let (positives, negatives) = (scores_of(true), scores_of(false));
    mean(positives.iter().map(|positive| {
        mean(negatives.iter().map(|negative| match positive.total_cmp(negative) {
            Ordering::Greater => 1.0,
            Ordering::Equal => 0.5,
            Ordering::Less => 0.0,
        }))
    }))
}

/// How many standard errors the share of positives is away from what was foretold.
fn deviation(scores: &[f64], outcomes: &[bool]) -> f64 {
    let surplus: f64 = outcomes.iter().map(|&won| f64::from(won)).sum::<f64>() - scores.iter().sum::<f64>();
    let variance: f64 = scores.iter().map(|score| score * (1.0 - score)).sum();
    surplus / variance.sqrt()
}

fn all_unique<'a>(ids: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    ids.into_iter().all(|id| seen.insert(id))
}

#[test]
fn equal_settings_give_identical_rows() {
    let settings = settings(60);
    assert_eq!(simulate(&settings), simulate(&settings));
    let other_seed = Settings { seed: settings.seed + 1, ..settings.clone() };
    assert_ne!(simulate(&settings), simulate(&other_seed));
}

#[test]
fn customers_do_not_depend_on_how_many_there_are() {
    let few = simulate(&settings(40));
    let many = simulate(&settings(80));
    assert_eq!(few.customers, many.customers[..40]);
    assert_eq!(few.expansion_opportunities, many.expansion_opportunities[..few.expansion_opportunities.len()]);
    assert_eq!(few.engagements, many.engagements[..few.engagements.len()]);
}

#[test]
fn ids_are_unique() {
    let portfolio = simulate(&settings(300));
    let customers = &portfolio.customers;
    assert!(all_unique(customers.iter().map(|row| row.customer_id.as_str())));
    assert!(all_unique(customers.iter().map(|row| row.name.as_str())));
    assert!(all_unique(portfolio.products.iter().map(|row| row.product_id)));
    let contracts = &portfolio.contracts;
    assert!(all_unique(contracts.iter().map(|row| row.contract_id.as_str())));
    let opportunities = &portfolio.expansion_opportunities;
    assert!(all_unique(opportunities.iter().map(|row| row.opportunity_id.as_str())));
}

#[test]
fn foreign_keys_are_valid() {
    let portfolio = simulate(&settings(300));
    let customers: HashSet<&str> = portfolio.customers.iter().map(|row| row.customer_id.as_str()).collect();
    let products: HashSet<&str> = portfolio.products.iter().map(|row| row.product_id).collect();
    let people: HashSet<(&str, &str)> =
        portfolio.stakeholders.iter().map(|row| (row.customer_id.as_str(), row.stakeholder_id.as_str())).collect();
    let known = |id: &String| customers.contains(id.as_str());

    assert!(portfolio.contracts.iter().all(|row| known(&row.customer_id)));
    assert!(portfolio.contracts.iter().all(|row| products.contains(row.product_id)));
    assert!(portfolio.usage_metrics.iter().all(|row| known(&row.customer_id)));
    assert!(portfolio.health_score_history.iter().all(|row| known(&row.customer_id)));
    assert!(portfolio.expansion_signals.iter().all(|row| known(&row.customer_id)));
    assert!(portfolio.stakeholders.iter().all(|row| known(&row.customer_id)));
    for row in &portfolio.expansion_opportunities {
        assert!(known(&row.customer_id) && products.contains(row.product_id));
    }
    for row in &portfolio.engagements {
        let person = row.stakeholder_id.as_deref();
        assert!(known(&row.customer_id));
        assert!(person.is_none_or(|id| people.contains(&(row.customer_id.as_str(), id))));
    }
}

#[test]
fn nothing_is_dated_out_of_order_or_after_the_end() {
    let settings = settings(300);
    let portfolio = simulate(&settings);
    let end = settings.end;
    let lives: HashMap<&str, (Date, Date)> = portfolio
        .customers
        .iter()
        .map(|row| {
            let last = row.churned_at.unwrap_or(end);
            (row.customer_id.as_str(), (row.created_at, last))
        })
        .collect();
    let lives_on = |id: &String, day: Date| {
        let (first, last) = lives[id.as_str()];
        first <= day && day <= last
    };
    let utc = |at: jiff::Timestamp| at.to_zoned(TimeZone::UTC).date();

    assert!(lives.values().all(|(first, last)| first <= last && *last <= end));
    for row in &portfolio.contracts {
        assert!(row.start_date <= end);
        assert!(row.end_date.is_some_and(|last| row.start_date <= last));
    }
    for row in &portfolio.expansion_opportunities {
        assert!(lives_on(&row.customer_id, row.created_at));
        assert!(row.closed_at.is_none_or(|day| row.created_at < day && day <= end));
        assert_eq!(row.closed_at.is_some(), matches!(row.stage, "won" | "lost"));
    }
    for row in &portfolio.usage_metrics {
        assert!(lives_on(&row.customer_id, utc(row.recorded_at)) && row.value >= 0.0);
    }
    for row in &portfolio.health_score_history {
        assert!(lives_on(&row.customer_id, row.recorded_at));
        assert!((0.0..=100.0).contains(&row.score));
    }
    for row in &portfolio.expansion_signals {
        assert!(lives_on(&row.customer_id, row.detected_at));
    }
    for row in &portfolio.stakeholders {
        assert!(lives_on(&row.customer_id, row.recorded_at));
    }
    for row in &portfolio.engagements {
        assert!(lives_on(&row.customer_id, utc(row.occurred_at)));
    }
}

#[test]
fn every_won_expansion_has_its_contract() {
    let portfolio = simulate(&settings(300));
    let contracts: HashSet<(&str, &str, Date)> =
        portfolio.contracts.iter().map(|row| (row.customer_id.as_str(), row.product_id, row.start_date)).collect();
    for row in &portfolio.expansion_opportunities {
        if let ("won", Some(day)) = (row.stage, row.closed_at) {
            assert!(contracts.contains(&(row.customer_id.as_str(), row.product_id, day)));
        }
    }
}

#[test]
fn the_portfolio_has_the_variety_of_a_real_one() {
    let portfolio = simulate(&settings(400));
    let customers = &portfolio.customers;
    let segments: HashSet<_> = customers.iter().filter_map(|row| row.segment).collect();
    assert_eq!(segments.len(), 4);
    assert!(customers.iter().any(|row| row.segment.is_none()));
    assert!(customers.iter().any(|row| row.csm_id.is_none()));
    assert!(customers.iter().any(|row| row.churned_at.is_some()));

    let measured: HashSet<_> = portfolio.usage_metrics.iter().map(|row| row.customer_id.as_str()).collect();
    assert!(measured.len() < customers.len());

    let opportunities = &portfolio.expansion_opportunities;
    let wanted: HashSet<_> = opportunities.iter().map(|row| row.product_id).collect();
    assert_eq!(wanted.len(), portfolio.products.len());
    assert!(opportunities.iter().any(|row| row.closed_at.is_none()));

    let kinds: HashSet<_> = portfolio.expansion_signals.iter().map(|row| row.kind).collect();
    assert_eq!(kinds.len(), 6);
    let contacts: HashSet<_> = portfolio.engagements.iter().map(|row| row.kind).collect();
    assert_eq!(contacts.len(), 5);
}

#[test]
fn truth_foretells_what_happens() {
    let settings = settings(500);
    let known = truth(&settings, &cutoffs(&settings), HORIZON, 200);
    let happened = outcomes(&simulate(&settings), &known);
    let scores: Vec<f64> = known.iter().map(|row| row.probability).collect();

    let base_rate = mean(happened.iter().map(|&won| f64::from(won)));
    assert!((0.05..0.18).contains(&base_rate), "base rate {base_rate}");

    let overall = deviation(&scores, &happened);
    assert!(overall.abs() < 3.5, "{overall} standard errors off");
    let (high_scores, high_outcomes): (Vec<f64>, Vec<bool>) =
        scores.iter().zip(&happened).filter(|(score, _)| **score > 0.2).unzip();
    let high = deviation(&high_scores, &high_outcomes);
    assert!(high.abs() < 3.5, "{high} standard errors off among the likely ones");

    let auc = auc(&scores, &happened);
    assert!((0.78..0.95).contains(&auc), "AUC {auc}");
}

//! From one customer's history to the row a run stores: snapshot, score, points, value, products.

use std::collections::BTreeSet;

use expansion_domain::{CustomerHistory, Id, Instant, Known, Product, RunId, Table, row_id};
use expansion_features::{Catalogue, FEATURES, Value, View};

use crate::propensity::FactorValue;
use crate::{
    Attribution, ConfidenceLevel, Factor, Listed, Model, Propensity, RecommendedProduct, Scorer, attribute, confidence,
};

/// How many products are recommended at most.
const MOST_PRODUCTS: usize = 3;

/// The features that tell of deals being worked.
const BEING_WORKED: [&str; 2] = ["open_deals", "open_deal_age"];

/// What all answers of a run share.
#[derive(Debug)]
pub struct Answering<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its propensity part, made ready.
    pub scorer: Scorer<'a>,
    /// The products for sale.
    pub products: &'a [Product],
    /// The same, as the features need them.
    pub catalogue: Catalogue,
    /// The tables the source holds.
    pub tables: &'a [Table],
    /// The run.
    pub run_id: &'a RunId,
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// The instant under which the run's rows are stored.
    pub calculated_at: Instant,
}

/// The row of one customer, or `None` for somebody who is not a customer at `as_of`.
#[must_use]
pub fn answer(run: &Answering<'_>, history: &CustomerHistory, previous_score: Option<u8>) -> Option<Propensity> {
    let known = history.known(run.as_of)?;
    let view = View { known, catalogue: &run.catalogue, tables: run.tables };
    let snapshot = view.snapshot();
    let model = run.model;
    let bins = run.scorer.bins(&snapshot);
    let mut contributions = vec![0.0; bins.len()];
    let score = run.scorer.score(&bins, &mut contributions);
    let points = attribute(model.propensity.intercept, &contributions);
    let contributing_factors = factors(run, &view, &snapshot.values, &points);
    let confidence = confidence(&score, model.propensity.knowledge);
    let value = model.value.as_ref().map(|value| value.estimate(&bins));
    let recommended_products = recommend(run, &known);
    let listed = Listed {
        customer_id: history.customer_id.clone(),
        calculated_at: run.calculated_at,
        customer_name: history.name.clone(),
        csm_id: history.csm_id.clone(),
        segment: history.segment.clone(),
        propensity_score: u8::try_from(points.score).unwrap_or_default(),
        propensity_lower: rounded(100.0 * score.lower, 1),
        propensity_upper: rounded(100.0 * score.upper, 1),
        confidence: rounded(confidence, 3),
        confidence_level: ConfidenceLevel::of(confidence),
        primary_signal: primary_signal(&contributing_factors),
        product_ids: recommended_products.iter().map(|p| p.product_id.clone()).collect(),
        estimated_value: value.map(|v| rounded(v.amount, 2)),
        estimated_value_lower: value.map(|v| rounded(v.lower, 2)),
        estimated_value_upper: value.map(|v| rounded(v.upper, 2)),
        expected_value: value.map(|v| rounded(score.propensity * v.mean, 2)),
        previous_score,
    };
    Some(Propensity {
        listed,
        id: row_id(run.run_id, &history.customer_id),
        run_id: run.run_id.clone(),
        model_id: model.model_id.clone(),
        baseline_points: points.baseline,
        contributing_factors,
        recommended_products,
    })
}

/// The strongest factor in favour, in words. That a deal is being worked is no news to whoever works it, so it counts
/// only where nothing else speaks for the customer.
fn primary_signal(factors: &[Factor]) -> Option<String> {
    let mut in_favour = factors.iter().filter(|factor| factor.points > 0);
    let news = in_favour.clone().find(|factor| !BEING_WORKED.contains(&&*factor.feature));
    news.or_else(|| in_favour.next()).map(|factor| factor.label.clone())
}

/// The features with points, most points first. Those that round to none are left out: the sum stays the same.
fn factors(run: &Answering<'_>, view: &View<'_>, values: &[Value], parts: &Attribution) -> Vec<Factor> {
    let mut factors: Vec<Factor> = run
        .scorer
        .columns()
        .iter()
        .zip(&parts.points)
        .filter(|(_, points)| **points != 0)
        .map(|(&feature, points)| Factor {
            feature: FEATURES[feature].name.to_owned(),
            label: FEATURES[feature].describe(view, &values[feature]),
            value: match &values[feature] {
                Value::Missing => None,
                Value::Number(number) => Some(FactorValue::Number(rounded(*number, 4))),
                Value::Level(level) => Some(FactorValue::Level(level.clone())),
            },
            points: *points,
        })
        .collect();
    factors.sort_by(|a, b| b.points.cmp(&a.points).then_with(|| a.feature.cmp(&b.feature)));
    factors
}

/// The likeliest products, without those that are bought once and owned already.
fn recommend(run: &Answering<'_>, known: &Known<'_>) -> Vec<RecommendedProduct> {
    let running = known.contracts.iter().filter(|c| c.in_force(run.as_of));
    let owned: BTreeSet<&Id> = running.filter_map(|c| c.product_id.as_ref()).collect();
    let product = |id: &str| run.products.iter().find(|p| *p.product_id == *id);
    let bought_once = |id: &str| {
        owned.iter().any(|owned| ***owned == *id)
            && product(id).is_some_and(|p| matches!(p.kind.as_deref(), Some("tier" | "add_on")))
    };
    let segment = known.segment().map(|s| &**s);
    let ranked = run.model.products.ranked(segment, bought_once);
    ranked
        .into_iter()
        .take(MOST_PRODUCTS)
        .map(|(id, probability)| RecommendedProduct {
            product_id: product(id).map_or_else(|| Id::from(id), |p| p.product_id.clone()),
            name: product(id).and_then(|p| p.name.clone()),
            probability: rounded(probability, 3),
        })
        .collect()
}

/// A number with so many decimals: what is stored should not pretend to more.
fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let scaled = (value * scale).round() / scale;
    if scaled.is_finite() { scaled } else { value }
}

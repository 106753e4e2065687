//! What to offer: products, how many units, for how much, and why.

use expansion_domain::Instant;
use expansion_features::{Catalogue, SeatOutlook};
use expansion_model::{Candidate, ValueRange, rounded};
use expansion_records::{Quantity, RecommendedProduct};

use crate::{Missing, Scored};

/// Products offered at most.
const MOST_PRODUCTS: usize = 3;
/// A product less likely than this is not offered.
const LEAST_PROBABILITY: f64 = 0.02;
/// Nothing is certain.
const MOST_PROBABILITY: f64 = 0.999;
/// The forecast share of seats in use that is aimed at.
const MOST_UTILISATION: f64 = 0.80;
const LEAST_UTILISATION: f64 = 0.75;
/// The growth of the last 90 days is not taken further than a year.
const FORECAST_DAYS: f64 = 365.0;
/// A growth seen over fewer days is not taken further at all.
const LEAST_SPAN: f64 = 28.0;
/// Smaller steps, for where the usual one would give too many.
const STEPS: [f64; 6] = [50.0, 25.0, 10.0, 5.0, 2.0, 1.0];

/// The likeliest products that the customer could still buy, best first; or why there is none.
pub(crate) fn offers(scored: &Scored<'_>) -> Result<Vec<RecommendedProduct>, &'static str> {
    let candidates = scored.run.assortment.candidates(&scored.inputs);
    let probabilities = scored.run.model.products.probabilities(&candidates);
    let mut ranked: Vec<(&Candidate<'_>, f64)> = candidates.iter().zip(probabilities).collect();
    let likelier = |a: &(&Candidate<'_>, f64), b: &(&Candidate<'_>, f64)| {
        b.1.total_cmp(&a.1).then_with(|| a.0.product_id.cmp(b.0.product_id))
    };
    if ranked.len() > MOST_PRODUCTS {
        ranked.select_nth_unstable_by(MOST_PRODUCTS, likelier);
        ranked.truncate(MOST_PRODUCTS);
    }
    ranked.sort_by(likelier);
    // The first one is offered however unlikely it is, unless others are just as likely: then it is any of them.
    let first = match &*ranked {
        [] => return Err("no product is on record that the customer does not have"),
        [(_, first), (_, second), ..] if first.total_cmp(second).is_eq() => 0,
        _ => 1,
    };
    ranked.truncate(ranked.partition_point(|(_, probability)| *probability >= LEAST_PROBABILITY).max(first));
    if ranked.is_empty() {
        return Err("no product is likelier than many others");
    }
    Ok(ranked.into_iter().map(|(candidate, probability)| offer(scored, candidate, probability)).collect())
}

fn offer(scored: &Scored<'_>, candidate: &Candidate<'_>, probability: f64) -> RecommendedProduct {
    let model = scored.run.model;
    let quantity = quantity(scored, candidate);
    let value = model.value.as_ref();
    let value = value.and_then(|value| model.products.value(candidate.product_id, value, &scored.bins));
    RecommendedProduct {
        product_id: candidate.product_id.clone(),
        name: candidate.product.and_then(|product| product.name.clone()),
        offer: in_words(candidate, quantity.as_ref()),
        probability: rounded(probability, 3).min(MOST_PROBABILITY),
        rationale: rationale(scored, candidate, quantity.as_ref()),
        quantity,
        estimated_value: value.map(|v| ValueRange {
            amount: rounded(v.amount, 2),
            lower: rounded(v.lower, 2),
            upper: rounded(v.upper, 2),
        }),
    }
}

/// Says why a part of an offer is not there.
pub(crate) fn explain(offer: &RecommendedProduct, catalogue: &Catalogue, missing: &mut Missing) {
    let part = |name: &str| format!("recommended_products.{}.{name}", offer.product_id);
    let kind = catalogue.product(&offer.product_id).and_then(|product| product.kind.as_deref());
    let no_quantity = if kind == Some("seats") {
        "the seats suffice at the present growth, or use and entitlement are not known for four weeks"
    } else {
        "a number of units is forecast for seats only"
    };
    missing.unless(offer.quantity.is_some(), &part("quantity"), no_quantity);
    missing.unless(offer.estimated_value.is_some(), &part("estimated_value"), "too few of its amounts are known");
}

/// How many seats bring the forecast utilisation at the renewal to 75–80 %, in the product's usual steps or, where those
/// are too large for that, smaller ones; `None` of other products, and where the forecast is not known or the seats suffice.
fn quantity(scored: &Scored<'_>, candidate: &Candidate<'_>) -> Option<Quantity> {
    if candidate.kind() != Some("seats") {
        return None;
    }
    let Scored { run, inputs, .. } = scored;
    let outlook = SeatOutlook::of(inputs).filter(|outlook| outlook.span >= LEAST_SPAN)?;
    let own = inputs.known.running().filter(|contract| contract.product_id.as_ref() == Some(candidate.product_id));
    let renewal = own.filter_map(|contract| contract.end_date).min();
    let until = renewal.unwrap_or_else(|| run.as_of.plus_days(i32::from(run.model.horizon_days)));
    let days = until.days_since(run.as_of).min(FORECAST_DAYS);
    let forecast = outlook.active_in(days);
    let usual = run.model.products.steps.get(&**candidate.product_id).copied().unwrap_or(1.0).max(1.0);
    let least = forecast / MOST_UTILISATION - outlook.entitled;
    let steps = [usual].into_iter().chain(STEPS.into_iter().filter(|step| *step < usual));
    let units_of = |step: f64| (least / step).ceil() * step;
    let utilisation_of = |units: f64| forecast / (outlook.entitled + units);
    let fitting = steps.map(units_of).find(|units| utilisation_of(*units) >= LEAST_UTILISATION);
    let units = fitting.unwrap_or_else(|| units_of(1.0));
    let utilisation = utilisation_of(units);
    let until = if days < FORECAST_DAYS { until } else { run.as_of.plus_days(365) };
    (units > 0.0).then(|| Quantity { units, utilisation: rounded(utilisation, 3), until: until.date() })
}

/// An offer, in words.
fn in_words(candidate: &Candidate<'_>, quantity: Option<&Quantity>) -> String {
    let name = candidate.product.and_then(|product| product.name.as_deref()).unwrap_or(candidate.product_id);
    match (candidate.kind(), quantity) {
        (Some("seats"), Some(quantity)) => {
            let unit = candidate.product.and_then(|product| product.unit.as_deref()).unwrap_or("seat");
            let plural = if quantity.units > 1.0 && !unit.ends_with('s') { "s" } else { "" };
            format!("Additional {:.0} {unit}{plural}", quantity.units)
        }
        (Some("seats"), None) => format!("Additional {name}"),
        (Some("tier"), _) => format!("Upgrade to {name}"),
        (Some("usage"), _) => format!("More {name}"),
        _ => name.to_owned(),
    }
}

/// Why this product, in one sentence of facts.
fn rationale(scored: &Scored<'_>, candidate: &Candidate<'_>, quantity: Option<&Quantity>) -> String {
    let days = |at: Instant| scored.run.as_of.days_since(at);
    let mut facts = Vec::new();
    if let Some(since) = candidate.open_since {
        facts.push(format!("a deal for it has been open for {:.0} days", days(since)));
    }
    if let Some(at) = candidate.lost_at {
        facts.push(format!("a deal for it was lost {:.0} days ago", days(at)));
    }
    // What calls for a product of each kind: the feature, and from which value on it is worth a word.
    let calls: &[(&str, f64)] = match candidate.kind() {
        Some("seats") => &[("seat_utilisation", 0.75), ("seat_inquiries", 0.05), ("new_teams", 0.05)],
        Some("tier") => &[("enterprise_inquiries", 0.05)],
        Some("add_on") => &[("feature_requests", 0.05)],
        Some("usage") => &[("api_calls_change", 0.1)],
        _ => &[],
    };
    let calling = calls.iter().filter(|(name, least)| scored.number(name).is_some_and(|value| value >= *least));
    facts.extend(calling.filter_map(|(name, _)| scored.described(name)).map(|fact| uncapitalised(&fact)));
    if let Some(Quantity { utilisation, until, .. }) = quantity {
        let percent = 100.0 * utilisation;
        facts.push(format!("with these, {percent:.0}% of the seats would be in use on {until} at the present growth"));
    }
    facts.push(share(scored, candidate));
    let mut sentence = facts.join("; ");
    if let Some(first) = sentence.get(..1) {
        sentence.replace_range(..1, &first.to_uppercase());
    }
    sentence
}

/// How often customers like this one buy the product.
fn share(scored: &Scored<'_>, candidate: &Candidate<'_>) -> String {
    let products = &scored.run.model.products;
    let segment = scored.inputs.known.segment();
    let group = segment.and_then(|segment| Some((&**segment, products.segments.get(&**segment)?)));
    let share = products.share(candidate.product_id, group.map(|(_, deals)| deals));
    let who = group.map_or("all", |(segment, _)| segment);
    format!("an estimated {:.0}% of {who} expansions are of it", 100.0 * share)
}

fn uncapitalised(fact: &str) -> String {
    let mut letters = fact.chars();
    // `API calls` stays as it is.
    if letters.clone().nth(1).is_some_and(char::is_uppercase) {
        return fact.to_owned();
    }
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

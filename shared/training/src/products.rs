//! Which products are bought, and for how much: shares of won deals, slopes of a conditional logit, spreads of amounts.

use std::collections::BTreeMap;

use expansion_domain::{Contract, Instant, Opportunity, SourceData, count};
use expansion_features::{Catalogue, Dataset, Inputs};
use expansion_model::{ProductModel, ProductValue, Shares, TRAITS};

use crate::Result;
use crate::logistic::regress;
use crate::outcomes::won_by;
use crate::value::{LeftOver, interval};

/// A segment's or industry's shares are shrunk as if so many deals of the overall mix were among them.
const PRIOR_DEALS: f64 = 20.0;
/// With fewer choices than this the slopes are not fitted: shares alone decide.
const LEAST_CHOICES: usize = 60;
/// Choices used at most, the newest: they are many enough, and smartcore's solver takes its time.
const MOST_CHOICES: usize = 1_500;
/// The ridge penalty on each slope (½ α β²).
const RIDGE: f32 = 3.0;
/// The slopes without a fit: the segment's share decides, an open deal is likely to be the one.
const PRIOR_SLOPES: [f64; TRAITS.len()] = [1.0, 0.5, 1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// A product's amounts are shrunk to those of all as if so many of them were among them.
const PRIOR_AMOUNTS: f64 = 5.0;
/// Fewer amounts of a product than this say nothing.
const LEAST_AMOUNTS: usize = 5;
/// From so many on they have a spread of their own.
const OWN_SPREAD: usize = 40;
/// Steps in which quantities are sold.
const STEPS: [f64; 5] = [100.0, 50.0, 25.0, 10.0, 5.0];
/// … if at least this share of the quantities are multiples of it, of at least so many.
const OF_THE_STEP: (f64, usize) = (0.8, 10);

/// What was won within the horizon of a row, if exactly one deal was.
struct Choice {
    row: usize,
    product: String,
    deal: String,
}

/// Fits the product model to what is known at `as_of`; the rows' horizons have elapsed by then.
pub(crate) fn fit(
    source: &SourceData,
    data: &Dataset,
    as_of: Instant,
    horizon_days: u16,
    left_over: &LeftOver,
) -> ProductModel {
    let mut model = shares(source, as_of);
    model.slopes = PRIOR_SLOPES;
    model.steps = steps(source, as_of);
    let choices = choices(source, data, horizon_days);
    model.values = values(&choices, left_over);
    if choices.len() >= LEAST_CHOICES {
        // Recommending is not worth failing for.
        model.slopes = slopes(source, data, &choices, &model).unwrap_or(PRIOR_SLOPES);
    }
    model
}

/// The shares of the deals known to be won at `as_of`. Deals without a product don't count.
fn shares(source: &SourceData, as_of: Instant) -> ProductModel {
    let mut overall = Shares::new();
    let (mut segments, mut industries) = (BTreeMap::<String, Shares>::new(), BTreeMap::<String, Shares>::new());
    for history in &source.customers {
        for product in won_by(history, as_of).flat_map(Opportunity::products) {
            *overall.entry(product.to_string()).or_default() += 1.0;
            for (groups, name) in [(&mut segments, &history.segment), (&mut industries, &history.industry)] {
                if let Some(name) = name {
                    *groups.entry(name.to_string()).or_default().entry(product.to_string()).or_default() += 1.0;
                }
            }
        }
    }
    let deals: f64 = overall.values().sum();
    for share in overall.values_mut() {
        *share /= deals;
    }
    for shares in segments.values_mut().chain(industries.values_mut()) {
        let own: f64 = shares.values().sum();
        let shrunk = |(product, share): (&String, &f64)| {
            let won = shares.get(product).copied().unwrap_or_default();
            (product.clone(), (won + PRIOR_DEALS * share) / (own + PRIOR_DEALS))
        };
        *shares = overall.iter().map(shrunk).collect();
    }
    ProductModel { overall, segments, industries, least_share: 0.5 / (deals + 1.0), ..ProductModel::default() }
}

/// The product of each row that ended in exactly one won deal with a product.
fn choices(source: &SourceData, data: &Dataset, horizon_days: u16) -> Vec<Choice> {
    let of_row = |row: usize| {
        let (history, as_of) = (&source.customers[data.customers[row] as usize], data.as_of[row]);
        let end = as_of.plus_days(i32::from(horizon_days));
        let mut won = won_by(history, end).filter(|deal| deal.closed_at.is_some_and(|closed| closed > as_of));
        let only = won.next().filter(|_| won.next().is_none())?;
        let (product, deal) = (only.product_id.as_deref()?.to_owned(), only.opportunity_id.to_string());
        Some(Choice { row, product, deal })
    };
    (0..data.labels.len()).filter(|row| data.labels[*row].expanded).filter_map(of_row).collect()
}

/// The slopes of the traits: logistic regression (smartcore) over everything that could have been chosen, in which what
/// was chosen is a one. Within a choice the probabilities are then made to add up, as in a conditional logit.
fn slopes(
    source: &SourceData,
    data: &Dataset,
    choices: &[Choice],
    model: &ProductModel,
) -> Result<[f64; TRAITS.len()]> {
    let catalogue = Catalogue::new(&source.products);
    let (mut design, mut chosen) = (Vec::new(), Vec::new());
    for choice in choices.iter().rev().take(MOST_CHOICES) {
        let history = &source.customers[data.customers[choice.row] as usize];
        let Some(known) = history.known(data.as_of[choice.row]) else { continue };
        let inputs = Inputs { known, catalogue: &catalogue, tables: &source.tables };
        for candidate in model.candidates(&inputs) {
            design.extend(candidate.traits);
            chosen.push(*candidate.product_id == *choice.product);
        }
    }
    if chosen.iter().all(|one| *one == chosen[0]) {
        return Ok(PRIOR_SLOPES);
    }
    let (_, slopes) = regress(&design, TRAITS.len(), &chosen, RIDGE)?;
    Ok(std::array::from_fn(|trait_| slopes[trait_]))
}

/// How each product's amounts lie around the value model's centre, by what its fits left over.
fn values(choices: &[Choice], left_over: &LeftOver) -> BTreeMap<String, ProductValue> {
    // A deal lies within the horizon of several rows, and counts once.
    let deals: BTreeMap<&str, &Choice> = choices.iter().map(|choice| (&*choice.deal, choice)).collect();
    let mut by_product: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for choice in deals.values() {
        if let Some(rest) = left_over.get(&choice.row) {
            by_product.entry(&choice.product).or_default().push(*rest);
        }
    }
    let centre = left_over.values().sum::<f64>() / count(left_over.len()).max(1.0);
    by_product.retain(|_, rests| rests.len() >= LEAST_AMOUNTS);
    let centred = |(product, rests): (&str, Vec<f64>)| {
        let shift = (rests.iter().sum::<f64>() + PRIOR_AMOUNTS * centre) / (count(rests.len()) + PRIOR_AMOUNTS);
        let mut around: Vec<f64> = rests.iter().map(|rest| rest - shift).collect();
        around.sort_unstable_by(f64::total_cmp);
        (product.to_owned(), shift, around)
    };
    let products: Vec<(String, f64, Vec<f64>)> = by_product.into_iter().map(centred).collect();
    let mut pooled: Vec<f64> = products.iter().flat_map(|(_, _, around)| around).copied().collect();
    pooled.sort_unstable_by(f64::total_cmp);
    let value = |(product, shift, around): (String, f64, Vec<f64>)| {
        let spread = interval(if around.len() >= OWN_SPREAD { &around } else { &pooled }).map(|rest| rest + shift);
        (product, ProductValue { deals: around.len(), spread })
    };
    products.into_iter().map(value).collect()
}

/// The usual step of each product's quantities under contract.
fn steps(source: &SourceData, as_of: Instant) -> BTreeMap<String, f64> {
    let mut quantities: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let known = |contract: &&Contract| contract.start_date <= as_of && !contract.is_unlimited();
    for contract in source.customers.iter().flat_map(|history| history.contracts.iter().filter(known)) {
        if let (Some(product), Some(quantity)) = (&contract.product_id, contract.quantity) {
            quantities.entry(product).or_default().push(quantity);
        }
    }
    let step = |quantities: &[f64]| {
        let (share, least) = OF_THE_STEP;
        let multiples = |step: &f64| quantities.iter().filter(|quantity| (*quantity % step).abs() < 1e-9).count();
        let usual = |step: &f64| quantities.len() >= least && count(multiples(step)) >= share * count(quantities.len());
        STEPS.into_iter().find(usual).unwrap_or(1.0)
    };
    quantities.iter().map(|(product, quantities)| ((*product).to_owned(), step(quantities))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_s_amounts_are_told_from_those_of_others() {
        let choices: Vec<Choice> = (0..200)
            .map(|row| Choice {
                row,
                product: if row % 2 == 0 { "small" } else { "large" }.to_owned(),
                deal: row.to_string(),
            })
            .collect();
        let rest = |row: usize| if row.is_multiple_of(2) { -1.0 } else { 1.0 } + 0.01 * count(row % 10);
        let left_over: LeftOver = (0..200).map(|row| (row, rest(row))).collect();
        let values = values(&choices, &left_over);
        let [lower, median, upper] = values["small"].spread;
        assert!(lower < median && median < upper && (median + 0.95).abs() < 0.1, "{lower} {median} {upper}");
        assert!(values["large"].spread[0] > values["small"].spread[2]);
    }
}

//! Which products are bought, and for how much: shares of won deals, slopes of a conditional logit, spreads of amounts.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{Contract, Instant, Opportunity, SourceData, count};
use expansion_features::{Catalogue, Dataset, Inputs, Slots};
use expansion_model::{Assortment, GroupDeals, ProductModel, ProductValue, TRAITS};

use crate::Result;
use crate::logistic::regress;
use crate::outcomes::won_by;
use crate::value::{LeftOver, interval};

/// A product with fewer won deals has no share of its own.
const LEAST_WON: f64 = 5.0;
/// With fewer choices than this the slopes are not fitted: shares alone decide.
const LEAST_CHOICES: usize = 60;
/// Choices used at most, the newest: they are many enough, and smartcore's solver takes its time.
const MOST_CHOICES: usize = 1_500;
/// Of what else could have been chosen, so many are compared with what was. That tells the slopes as well, if less surely
/// (`McFadden` 1978, *Modelling the choice of residential location*).
const MOST_ALTERNATIVES: usize = 20;
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
    (data, slots): (&Dataset, &Slots),
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
        model.slopes = slopes(source, (data, slots), &choices, &model).unwrap_or(PRIOR_SLOPES);
    }
    model
}

/// The shares of the deals known to be won at `as_of`. Deals without a product don't count. Rare products are taken together:
/// that one of thousands was sold once and its neighbour never says nothing about either.
fn shares(source: &SourceData, as_of: Instant) -> ProductModel {
    let mut won = BTreeMap::<&str, f64>::new();
    let (mut segments, mut industries) = (BTreeMap::new(), BTreeMap::new());
    for history in &source.customers {
        for product in won_by(history, as_of).flat_map(Opportunity::products) {
            *won.entry(product).or_default() += 1.0;
            for (groups, name) in [(&mut segments, &history.segment), (&mut industries, &history.industry)] {
                if let Some(name) = name {
                    let group: &mut GroupDeals = groups.entry(name.to_string()).or_default();
                    group.deals += 1.0;
                    *group.won.entry(product.to_string()).or_default() += 1.0;
                }
            }
        }
    }
    let deals: f64 = won.values().sum();
    let (common, rare): (BTreeMap<&str, f64>, BTreeMap<&str, f64>) =
        won.into_iter().partition(|(_, won)| *won >= LEAST_WON);
    for group in segments.values_mut().chain(industries.values_mut()) {
        group.won.retain(|product, _| common.contains_key(&**product));
    }
    let catalogue = source.products.iter().map(|product| &*product.product_id);
    let others: BTreeSet<&str> =
        catalogue.chain(rare.keys().copied()).filter(|product| !common.contains_key(product)).collect();
    let together = (rare.values().sum::<f64>() + 0.5) / (deals + 1.0);
    ProductModel {
        overall: common.into_iter().map(|(product, won)| (product.to_owned(), won / deals)).collect(),
        rare: rare.into_keys().map(str::to_owned).collect(),
        rare_share: together / count(others.len().max(1)),
        segments,
        industries,
        ..ProductModel::default()
    }
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

/// The slopes of the traits: logistic regression (smartcore) over what could have been chosen, in which what was chosen is a
/// one. Within a choice the probabilities are then made to add up, as in a conditional logit.
fn slopes(
    source: &SourceData,
    (data, slots): (&Dataset, &Slots),
    choices: &[Choice],
    model: &ProductModel,
) -> Result<[f64; TRAITS.len()]> {
    let catalogue = Catalogue::new(&source.products);
    let assortment = Assortment::new(model, &catalogue);
    let (mut design, mut chosen) = (Vec::new(), Vec::new());
    for choice in choices.iter().rev().take(MOST_CHOICES) {
        let history = &source.customers[data.customers[choice.row] as usize];
        let Some(known) = history.known(data.as_of[choice.row]) else { continue };
        let inputs = Inputs { known, catalogue: &catalogue, tables: &source.tables, slots };
        for candidate in assortment.some_candidates(&inputs, &choice.product, MOST_ALTERNATIVES, choice.row as u64) {
            design.extend(candidate.traits);
            chosen.push(**candidate.product_id == *choice.product);
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
    use expansion_domain::{CustomerHistory, Id, Opportunity, Product, Stage};

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

    /// Customers of a segment and an industry of their own; what each won, by number.
    fn source(won: &[&[usize]], products: usize) -> SourceData {
        let at: Instant = "2025-06-01".parse().expect("a date");
        let id = |i: usize| -> Id { format!("p-{i:04}").as_str().into() };
        let customer = |(place, won): (usize, &&[usize])| {
            let name: Id = format!("c-{place}").as_str().into();
            let deal = |(number, product): (usize, &usize)| Opportunity {
                opportunity_id: format!("{name}-{number}").as_str().into(),
                product_id: Some(id(*product)),
                other_products: Vec::new(),
                stage: Stage::Won,
                amount: None,
                created_at: at,
                closed_at: Some(at),
                known_at: None,
                outcome_known_at: None,
            };
            let opportunities = won.iter().enumerate().map(deal).collect();
            let (segment, industry) = (Some(name.clone()), Some(name.clone()));
            CustomerHistory { segment, industry, opportunities, ..CustomerHistory::new(name.clone(), at) }
        };
        let product = |i: usize| Product { product_id: id(i), name: None, kind: None, unit: None, list_price: None };
        SourceData {
            customers: won.iter().enumerate().map(customer).collect(),
            products: (0..products).map(product).collect(),
            tables: Vec::new(),
        }
    }

    #[test]
    fn rare_products_share_equally_and_groups_list_what_they_won_only() {
        // One product is won by each of 60 customers, each of 30 others by one, and 4,969 by nobody.
        let won: Vec<Vec<usize>> = (0..60).map(|i| if i % 2 == 0 { vec![0, 1 + i / 2] } else { vec![0] }).collect();
        let won: Vec<&[usize]> = won.iter().map(|won| &**won).collect();
        let model = shares(&source(&won, 5_000), "2026-01-01".parse().expect("a date"));
        assert_eq!(model.overall, [("p-0000".to_owned(), 60.0 / 90.0)].into());
        assert_eq!(model.rare.len(), 30);
        assert!((model.rare_share * 4_999.0 - 30.5 / 91.0).abs() < 1e-12, "{}", model.rare_share);
        let listed: usize = model.segments.values().map(|group| group.won.len()).sum();
        assert_eq!((model.segments.len(), listed), (60, 60), "and no share of 5,000 products for each of 60 segments");
        assert!((model.segments["c-0"].deals - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_product_never_won_has_half_a_deal() {
        let won: Vec<&[usize]> = vec![&[0, 1]; 10];
        let model = shares(&source(&won, 3), "2026-01-01".parse().expect("a date"));
        assert_eq!(model.overall.len(), 2);
        assert_eq!((model.rare.len(), model.rare_share), (0, 0.5 / 21.0));
    }
}

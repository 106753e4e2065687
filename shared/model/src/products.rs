//! What a customer could still buy, which of it they are likely to, and for how much.
//!
//! The probability of a product, given that an expansion happens, is a conditional logit over what the customer could
//! buy: how often their segment and industry buy it (shares of won deals, shrunk to the whole), and what is known of the
//! customer and the product ([`TRAITS`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use expansion_domain::{Id, Instant, Product, count};
use expansion_features::{Catalogue, Inputs, feature};
use serde::{Deserialize, Serialize};

use crate::{ValueModel, ValueRange, scattered};

/// Shares of won deals by product.
pub type Shares = BTreeMap<String, f64>;

/// What is looked at of a customer and a product they could buy, in this order. A trait is 0 where it does not apply
/// and where nothing is known.
pub const TRAITS: [&str; 11] = [
    "log share of the segment's won deals",
    "log share of the industry's won deals over that of all",
    "a deal for it is open",
    "a deal for it was lost in the last year",
    "seats: utilisation above 80 %, in steps of 20 points",
    "seats: full within 90 days at the present growth",
    "seats: asked about seats",
    "seats: new teams",
    "tiers: asked about enterprise",
    "add-ons: feature requests",
    "usage: API calls against the two months before",
];

/// A lost deal is remembered for a year.
const LOST_DAYS: f64 = 365.0;

/// A segment's or industry's shares are shrunk as if so many deals of the overall mix were among them.
const PRIOR_DEALS: f64 = 20.0;
/// A share is not taken to be smaller than this.
const SMALLEST_SHARE: f64 = 1e-9;

/// Which products are bought, and for how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProductModel {
    /// The shares of the products that were won often enough to have one of their own, over all won deals.
    pub overall: Shares,
    /// The products that were won more rarely.
    pub rare: BTreeSet<String>,
    /// The share of each product that has none of its own, won or not: all of them together share equally what they were
    /// won, and half a deal.
    pub rare_share: f64,
    /// By segment.
    pub segments: BTreeMap<String, GroupDeals>,
    /// By industry.
    pub industries: BTreeMap<String, GroupDeals>,
    /// One slope for each of [`TRAITS`].
    pub slopes: [f64; TRAITS.len()],
    /// What deals of a product bring, where enough amounts are known.
    pub values: BTreeMap<String, ProductValue>,
    /// The usual step of quantities under contract, by product: 1, 5, 10, ….
    pub steps: BTreeMap<String, f64>,
}

/// The won deals of a segment or industry. It lists what was won there only: a share for every product in every group
/// would be as many as both multiplied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupDeals {
    /// How many, rare products among them.
    pub deals: f64,
    /// How many by product, of those that have a share of their own.
    pub won: BTreeMap<String, f64>,
}

/// How a product's amounts lie around what the value model says of the customer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductValue {
    /// How many amounts are known.
    pub deals: usize,
    /// Lower end, median and upper end over the value model's centre, in logarithms: an 80 % interval.
    pub spread: [f64; 3],
}

/// A product model made ready for a catalogue: everything that anybody could buy.
#[derive(Clone, Debug)]
pub struct Assortment<'m> {
    model: &'m ProductModel,
    items: Vec<Item>,
    /// Where each product is among the items.
    places: HashMap<Id, usize>,
    segments: HashMap<&'m str, Group>,
    industries: HashMap<&'m str, Group>,
}

#[derive(Clone, Debug)]
struct Item {
    product_id: Id,
    /// Its line in the catalogue.
    product: Option<Product>,
    /// Its share of all won deals.
    overall: f64,
    /// Whether that is its own.
    is_own: bool,
}

/// The won deals of a segment or industry, by the products' places.
#[derive(Clone, Debug)]
struct Group {
    deals: f64,
    won: HashMap<usize, f64>,
}

/// Something a customer could buy.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The product.
    pub product_id: &'a Id,
    /// Its line in the catalogue.
    pub product: Option<&'a Product>,
    /// Since when a deal for it is open.
    pub open_since: Option<Instant>,
    /// When the last deal for it was lost, if within a year.
    pub lost_at: Option<Instant>,
    /// The customer's [`TRAITS`] for it.
    pub traits: [f64; TRAITS.len()],
}

impl Candidate<'_> {
    /// What kind of product it is, where that is known.
    pub fn kind(&self) -> Option<&str> {
        self.product.and_then(|product| product.kind.as_deref())
    }
}

/// What is known of a customer, whatever the product.
struct Customer<'a> {
    owned: HashSet<usize>,
    /// Of these, the ones without limit.
    unlimited: HashSet<usize>,
    nothing_on_record: bool,
    /// The dearest tier they own.
    tier: f64,
    /// By product.
    deals: HashMap<usize, Deals>,
    segment: Option<&'a Group>,
    industry: Option<&'a Group>,
    utilisation: Option<f64>,
    days_to_capacity: Option<f64>,
    /// What signals and use point to, by kind of product.
    seat_inquiries: f64,
    new_teams: f64,
    enterprise_inquiries: f64,
    feature_requests: f64,
    api_calls_change: f64,
}

/// What became of a customer's deals for a product.
#[derive(Clone, Copy, Default)]
struct Deals {
    /// Since when one is open.
    open_since: Option<Instant>,
    /// When the last one was lost.
    lost_at: Option<Instant>,
}

impl<'m> Assortment<'m> {
    /// Everything in the catalogue, and everything that was ever won.
    pub fn new(model: &'m ProductModel, catalogue: &Catalogue) -> Self {
        let item = |product_id: Id, product: Option<&Product>| {
            let own = model.overall.get(&*product_id).copied();
            let overall = own.unwrap_or_default().max(model.least_share());
            Item { overall, is_own: own.is_some(), product: product.cloned(), product_id }
        };
        let in_catalogue = catalogue.products().map(|product| item(product.product_id.clone(), Some(product)));
        let won = model.overall.keys().chain(&model.rare);
        let others = won.filter(|id| catalogue.product(id).is_none()).map(|id| item(Id::from(&**id), None));
        let items: Vec<Item> = in_catalogue.chain(others).collect();
        let places: HashMap<Id, usize> =
            items.iter().enumerate().map(|(place, item)| (item.product_id.clone(), place)).collect();
        let ready = |groups: &'m BTreeMap<String, GroupDeals>| {
            let won = |deals: &GroupDeals| {
                deals.won.iter().filter_map(|(id, won)| Some((*places.get(&**id)?, *won))).collect()
            };
            groups.iter().map(|(name, deals)| (&**name, Group { deals: deals.deals, won: won(deals) })).collect()
        };
        let (segments, industries) = (ready(&model.segments), ready(&model.industries));
        Self { model, items, places, segments, industries }
    }

    /// What a customer could still buy: more of the seats they own unless these have no limit, a tier above theirs, add-ons and services they don't
    /// own, more usage; of what was sold and the catalogue holds. A customer without any contract on record could buy
    /// anything.
    pub fn candidates(&self, inputs: &Inputs<'_>) -> Vec<Candidate<'_>> {
        let customer = self.customer(inputs);
        (0..self.items.len()).filter_map(|place| self.candidate(&customer, place)).collect()
    }

    /// At most so many of the candidates, `chosen` among them where it is one. Which others is a matter of the seed alone.
    pub fn some_candidates(&self, inputs: &Inputs<'_>, chosen: &str, most: usize, seed: u64) -> Vec<Candidate<'_>> {
        if self.items.len() <= most {
            return self.candidates(inputs);
        }
        let customer = self.customer(inputs);
        let chosen = self.places.get(chosen).copied();
        let others = shuffled(self.items.len(), seed).filter(|place| Some(*place) != chosen);
        let places = chosen.into_iter().chain(others);
        places.filter_map(|place| self.candidate(&customer, place)).take(most).collect()
    }

    fn customer(&self, inputs: &Inputs<'_>) -> Customer<'_> {
        let known = &inputs.known;
        let place = |product_id: Option<&Id>| self.places.get(product_id?).copied();
        let owned: HashSet<usize> =
            known.running().filter_map(|contract| place(contract.product_id.as_ref())).collect();
        let products = owned.iter().filter_map(|place| self.items[*place].product.as_ref());
        let tiers = products.filter(|product| product.kind.as_deref() == Some("tier"));
        let tier = tiers.filter_map(|product| product.list_price).fold(f64::NEG_INFINITY, f64::max);
        let mut deals: HashMap<usize, Deals> = HashMap::new();
        for deal in known.deals() {
            let Some(place) = place(deal.product_id) else { continue };
            let Deals { open_since, lost_at } = deals.entry(place).or_default();
            match deal.outcome {
                None => *open_since = (*open_since).max(Some(deal.created_at)),
                Some(outcome) if !outcome.won => *lost_at = (*lost_at).max(Some(outcome.closed_at)),
                Some(_) => {}
            }
        }
        for Deals { lost_at, .. } in deals.values_mut() {
            *lost_at = lost_at.filter(|at| known.as_of.days_since(*at) <= LOST_DAYS);
        }
        let number = |name: &str| feature(name).and_then(|(_, feature)| feature.value(inputs).as_number());
        let number_within = |name: &str, most: f64| number(name).unwrap_or_default().clamp(-most, most);
        let unlimited = known.running().filter(|contract| contract.is_unlimited());
        Customer {
            unlimited: unlimited.filter_map(|contract| place(contract.product_id.as_ref())).collect(),
            owned,
            nothing_on_record: known.contracts.is_empty(),
            tier,
            deals,
            segment: known.segment().and_then(|name| self.segments.get(&**name)),
            industry: known.industry().and_then(|name| self.industries.get(&**name)),
            utilisation: number("seat_utilisation"),
            days_to_capacity: number("days_to_capacity"),
            seat_inquiries: number_within("seat_inquiries", 3.0),
            new_teams: number_within("new_teams", 3.0),
            enterprise_inquiries: number_within("enterprise_inquiries", 3.0),
            feature_requests: number_within("feature_requests", 3.0),
            api_calls_change: number_within("api_calls_change", 1.0),
        }
    }

    fn could_buy(&self, customer: &Customer<'_>, place: usize) -> bool {
        let Some(product) = &self.items[place].product else { return true };
        let owns = || customer.owned.contains(&place);
        match product.kind.as_deref() {
            Some("seats") => customer.nothing_on_record || owns() && !customer.unlimited.contains(&place),
            // A tier of unknown price may be above.
            Some("tier") => !owns() && product.list_price.is_none_or(|price| price > customer.tier),
            Some("add_on" | "service") => !owns(),
            _ => true,
        }
    }

    /// What is known of one product for a customer; `None` if they could not buy it.
    fn candidate(&self, customer: &Customer<'_>, place: usize) -> Option<Candidate<'_>> {
        if !self.could_buy(customer, place) {
            return None;
        }
        let item = &self.items[place];
        let Deals { open_since, lost_at } = customer.deals.get(&place).copied().unwrap_or_default();
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        let kind = item.product.as_ref().and_then(|product| product.kind.as_deref());
        let of = |wanted: &str, value: f64| if kind == Some(wanted) { value } else { 0.0 };
        let is_seats = kind == Some("seats");
        let pressure = customer.utilisation.filter(|_| is_seats);
        let soon_full = customer.days_to_capacity.filter(|days| is_seats && *days <= 90.0);
        // Of a rare product a group tells nothing.
        let share = |group: Option<&Group>| match group.filter(|_| item.is_own) {
            Some(group) => {
                let won = group.won.get(&place).copied().unwrap_or_default();
                shrunk(won, group.deals, item.overall).max(self.model.least_share())
            }
            None => item.overall,
        };
        let traits = [
            share(customer.segment).ln(),
            (share(customer.industry) / item.overall).ln(),
            flag(open_since.is_some()),
            flag(lost_at.is_some()),
            pressure.map_or(0.0, |share| ((share - 0.8) / 0.2).clamp(-3.0, 2.0)),
            flag(soon_full.is_some()),
            of("seats", customer.seat_inquiries),
            of("seats", customer.new_teams),
            of("tier", customer.enterprise_inquiries),
            of("add_on", customer.feature_requests),
            of("usage", customer.api_calls_change),
        ];
        let (product_id, product) = (&item.product_id, item.product.as_ref());
        Some(Candidate { product_id, product, open_since, lost_at, traits })
    }
}

impl ProductModel {
    /// The share of a product among the won deals of a group, or among all.
    pub fn share(&self, product_id: &str, group: Option<&GroupDeals>) -> f64 {
        let Some(&overall) = self.overall.get(product_id) else { return self.rare_share };
        let won = |group: &GroupDeals| group.won.get(product_id).copied().unwrap_or_default();
        group.map_or(overall, |group| shrunk(won(group), group.deals, overall))
    }

    /// No product is taken to have a smaller share.
    fn least_share(&self) -> f64 {
        self.rare_share.max(SMALLEST_SHARE)
    }

    /// The probability of each candidate, given that one of them is bought.
    pub fn probabilities(&self, candidates: &[Candidate<'_>]) -> Vec<f64> {
        let utility = |candidate: &Candidate<'_>| -> f64 {
            candidate.traits.iter().zip(&self.slopes).map(|(x, slope)| x * slope).sum()
        };
        let utilities: Vec<f64> = candidates.iter().map(utility).collect();
        let largest = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = utilities.iter().map(|utility| (utility - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    }

    /// What an expansion of a product brings, by the customer's bins; `None` where too few of its amounts are known.
    pub fn value(&self, product_id: &str, model: &ValueModel, bins: &[u16]) -> Option<ValueRange> {
        Some(model.range(bins, self.values.get(product_id)?.spread))
    }
}

/// A group's share of a product that it won so often among so many deals, shrunk to the share of all.
fn shrunk(won: f64, deals: f64, overall: f64) -> f64 {
    (won + PRIOR_DEALS * overall) / (deals + PRIOR_DEALS)
}

/// All numbers below `n` once, far from their neighbours, from a start that the seed decides.
fn shuffled(n: usize, seed: u64) -> impl Iterator<Item = usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let part = |share: f64| (share * count(n)) as usize;
    // Steps of the golden ratio spread most evenly; steps that have no divisor in common with `n` come by every number.
    let step = (part(0.618).max(1)..=n).find(|step| greatest_common_divisor(*step, n) == 1).unwrap_or(1);
    let start = part(scattered(seed));
    (0..n).scan(start, move |place, _| {
        *place = (*place + step) % n;
        Some(*place)
    })
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    use expansion_domain::{Contract, CustomerHistory, Opportunity, Stage, Table};
    use expansion_features::Slots;

    fn as_of() -> Instant {
        "2026-01-01".parse().expect("a date")
    }

    /// A thousand add-ons of which one was won often, most of all in the segment SMB, and a tenth rarely.
    fn many() -> (ProductModel, Catalogue) {
        let id = |i: usize| format!("p-{i:04}");
        let model = ProductModel {
            overall: [(id(0), 0.5)].into(),
            rare: (1..=100).map(id).collect(),
            rare_share: 0.0005,
            segments: [("SMB".to_owned(), GroupDeals { deals: 20.0, won: [(id(0), 15.0)].into() })].into(),
            slopes: [1.0, 0.5, 1.5, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ..ProductModel::default()
        };
        let product = |i: usize| Product {
            product_id: id(i).as_str().into(),
            name: None,
            kind: Some("add_on".into()),
            unit: None,
            list_price: None,
        };
        // One of the rare ones is not for sale any more.
        let catalogue = Catalogue::new(&(0..1000).filter(|i| *i != 100).map(product).collect::<Vec<_>>());
        (model, catalogue)
    }

    fn customer() -> CustomerHistory {
        let mut history = CustomerHistory::new("c".into(), as_of().plus_days(-1000));
        history.segment = Some("SMB".into());
        history.contracts.push(Contract {
            contract_id: "k".into(),
            product_id: Some("p-0007".into()),
            quantity: None,
            annual_value: None,
            start_date: as_of().plus_days(-100),
            end_date: None,
        });
        let deal = |id: &str, stage: Stage, product: &str, created: i32, closed: Option<i32>| Opportunity {
            opportunity_id: id.into(),
            product_id: Some(product.into()),
            other_products: Vec::new(),
            stage,
            amount: None,
            created_at: as_of().plus_days(-created),
            closed_at: closed.map(|days| as_of().plus_days(-days)),
            known_at: None,
            outcome_known_at: None,
        };
        history.opportunities = vec![
            deal("a", Stage::Lost, "p-0005", 900, Some(800)),
            deal("b", Stage::Lost, "p-0004", 300, Some(200)),
            deal("c", Stage::Open, "p-0003", 40, None),
            deal("d", Stage::Open, "p-0003", 30, None),
        ];
        history.sort();
        history
    }

    #[test]
    fn candidates_have_what_is_known_of_the_customer_and_each_product() {
        let ((model, catalogue), history) = (many(), customer());
        let known = history.known(as_of()).expect("it is a customer");
        let inputs = Inputs { known, catalogue: &catalogue, tables: &Table::ALL, slots: &Slots::default() };
        let assortment = Assortment::new(&model, &catalogue);
        let candidates = assortment.candidates(&inputs);
        assert_eq!(candidates.len(), 999, "all but the one they own");
        let of = |id: &str| candidates.iter().find(|candidate| **candidate.product_id == *id).expect("it is for sale");
        let segment_share = (15.0 + 20.0 * 0.5) / 40.0_f64;
        assert_eq!(of("p-0000").traits[..4], [segment_share.ln(), 0.0, 0.0, 0.0]);
        let rare = 0.0005_f64.ln();
        let bits = |id: &str| of(id).traits.map(f64::to_bits);
        assert_eq!(bits("p-0001"), bits("p-0900"), "won once or never, rare is rare");
        assert_eq!(bits("p-0001"), bits("p-0100"));
        assert_eq!(of("p-0003").traits[..4], [rare, 0.0, 1.0, 0.0]);
        assert_eq!(of("p-0003").open_since, Some(as_of().plus_days(-30)));
        assert_eq!(of("p-0004").traits[..4], [rare, 0.0, 0.0, 1.0]);
        assert_eq!((of("p-0004").lost_at, of("p-0005").lost_at), (Some(as_of().plus_days(-200)), None));
        let probabilities = model.probabilities(&candidates);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let shares = [Some(&model.segments["SMB"]), None].map(|group| model.share("p-0000", group));
        assert_eq!((shares, model.share("p-0900", None)), ([segment_share, 0.5], 0.0005));
    }

    #[test]
    fn some_candidates_are_as_many_as_wanted_with_the_one_chosen() {
        let ((model, catalogue), history) = (many(), customer());
        let known = history.known(as_of()).expect("it is a customer");
        let inputs = Inputs { known, catalogue: &catalogue, tables: &Table::ALL, slots: &Slots::default() };
        let assortment = Assortment::new(&model, &catalogue);
        let some = |chosen: &str, seed: u64| -> Vec<Id> {
            let candidates = assortment.some_candidates(&inputs, chosen, 20, seed);
            candidates.iter().map(|candidate| candidate.product_id.clone()).collect()
        };
        let all: HashSet<Id> = assortment.candidates(&inputs).iter().map(|one| one.product_id.clone()).collect();
        for (chosen, is_for_sale) in [("p-0500", true), ("p-0007", false), ("unknown", false)] {
            let found = some(chosen, 1);
            assert_eq!(found.iter().collect::<HashSet<_>>().len(), 20);
            assert!(found.iter().all(|id| all.contains(id)));
            assert_eq!(found.iter().any(|id| **id == *chosen), is_for_sale, "{chosen}");
        }
        assert_eq!(some("p-0500", 1), some("p-0500", 1));
        assert_ne!(some("p-0500", 1), some("p-0500", 2));
        assert_eq!(assortment.some_candidates(&inputs, "p-0500", 1000, 1).len(), 999);
    }

    #[test]
    fn every_number_comes_once_in_an_order_that_the_seed_decides() {
        for n in 1..200 {
            let mut numbers: Vec<usize> = shuffled(n, 7).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..n).collect::<Vec<_>>());
        }
        let first = |seed| shuffled(5_000, seed).take(20).collect::<Vec<_>>();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}

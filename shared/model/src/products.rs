//! What a customer could still buy, which of it they are likely to, and for how much.
//!
//! The probability of a product, given that an expansion happens, is a conditional logit over what the customer could
//! buy: how often their segment and industry buy it (shares of won deals, shrunk to the whole), and what is known of the
//! customer and the product ([`TRAITS`]).

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{Id, Instant, Product};
use expansion_features::{Inputs, feature};
use serde::{Deserialize, Serialize};

use crate::{ValueModel, ValueRange};

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

/// Which products are bought, and for how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProductModel {
    /// Shares over all won deals.
    pub overall: Shares,
    /// By segment, shrunk to the overall shares.
    pub segments: BTreeMap<String, Shares>,
    /// By industry, shrunk to the overall shares.
    pub industries: BTreeMap<String, Shares>,
    /// The share that a product without a won deal is taken to have: half a deal's.
    pub least_share: f64,
    /// One slope for each of [`TRAITS`].
    pub slopes: [f64; TRAITS.len()],
    /// What deals of a product bring, where enough amounts are known.
    pub values: BTreeMap<String, ProductValue>,
    /// The usual step of quantities under contract, by product: 1, 5, 10, ….
    pub steps: BTreeMap<String, f64>,
}

/// How a product's amounts lie around what the value model says of the customer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductValue {
    /// How many amounts are known.
    pub deals: usize,
    /// Lower end, median and upper end over the value model's centre, in logarithms: an 80 % interval.
    pub spread: [f64; 3],
}

/// Something a customer could buy.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The product.
    pub product_id: Id,
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

impl ProductModel {
    /// What a customer could still buy: more of the seats they own unless these have no limit, a tier above theirs, add-ons
    /// and services they don't own, more usage; of what was sold and the catalogue holds. A customer without any contract
    /// on record could buy anything.
    pub fn candidates<'a>(&self, inputs: &Inputs<'a>) -> Vec<Candidate<'a>> {
        let known = &inputs.known;
        let owned: BTreeSet<&Id> = known.running().filter_map(|contract| contract.product_id.as_ref()).collect();
        let nothing_on_record = known.contracts.is_empty();
        let products = || inputs.catalogue.products();
        let tier = products()
            .filter(|product| product.kind.as_deref() == Some("tier") && owned.contains(&product.product_id))
            .filter_map(|product| product.list_price)
            .fold(f64::NEG_INFINITY, f64::max);
        let could_buy = |product: &Product| {
            let owns = owned.contains(&product.product_id);
            match product.kind.as_deref() {
                Some("seats") => (owns && !known.is_unlimited(&product.product_id)) || nothing_on_record,
                // A tier of unknown price may be above.
                Some("tier") => !owns && product.list_price.is_none_or(|price| price > tier),
                Some("add_on" | "service") => !owns,
                _ => true,
            }
        };
        let in_catalogue = products().filter(|product| could_buy(product)).map(|p| (p.product_id.clone(), Some(p)));
        let others =
            self.overall.keys().filter(|id| inputs.catalogue.product(id).is_none()).map(|id| (Id::from(&**id), None));
        in_catalogue.chain(others).map(|(product_id, product)| self.candidate(inputs, product_id, product)).collect()
    }

    /// What is known of one product for a customer.
    fn candidate<'a>(&self, inputs: &Inputs<'a>, product_id: Id, product: Option<&'a Product>) -> Candidate<'a> {
        let known = &inputs.known;
        let deals = || known.deals().filter(|deal| deal.product_id == Some(&product_id));
        let open_since = deals().filter(|deal| deal.outcome.is_none()).map(|deal| deal.created_at).max();
        let lost =
            deals().filter_map(|deal| deal.outcome).filter(|outcome| !outcome.won).map(|outcome| outcome.closed_at);
        let lost_at = lost.max().filter(|at| known.as_of.days_since(*at) <= LOST_DAYS);
        let number = |name: &str| feature(name).and_then(|(_, feature)| feature.value(inputs).as_number());
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        let kind = product.and_then(|product| product.kind.as_deref());
        let of = |wanted: &str, name: &str, most: f64| {
            if kind == Some(wanted) { number(name).unwrap_or_default().clamp(-most, most) } else { 0.0 }
        };
        let is_seats = kind == Some("seats");
        let pressure = number("seat_utilisation").filter(|_| is_seats);
        let soon_full = number("days_to_capacity").filter(|days| is_seats && *days <= 90.0);
        let share =
            |shares: &Shares| shares.get(&*product_id).copied().unwrap_or_default().max(self.least_share).max(1e-9);
        let overall = share(&self.overall);
        let of_segment = known.segment().and_then(|name| self.segments.get(&**name)).map_or(overall, share);
        let of_industry = known.industry().and_then(|name| self.industries.get(&**name)).map_or(overall, share);
        let traits = [
            of_segment.ln(),
            (of_industry / overall).ln(),
            flag(open_since.is_some()),
            flag(lost_at.is_some()),
            pressure.map_or(0.0, |share| ((share - 0.8) / 0.2).clamp(-3.0, 2.0)),
            flag(soon_full.is_some()),
            of("seats", "seat_inquiries", 3.0),
            of("seats", "new_teams", 3.0),
            of("tier", "enterprise_inquiries", 3.0),
            of("add_on", "feature_requests", 3.0),
            of("usage", "api_calls_change", 1.0),
        ];
        Candidate { product_id, product, open_since, lost_at, traits }
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

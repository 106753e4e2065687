//! Which products were bought, by segment shrunk to the whole.

use std::collections::BTreeMap;

use expansion_domain::{Instant, Portfolio};
use expansion_model::{ProductShares, Shares};

use crate::deals::won_by;

/// A segment's shares are shrunk as if so many deals of the overall mix were among them.
const PRIOR_DEALS: f64 = 20.0;

/// The shares of the deals known to be won at `as_of`. Deals without a product don't count.
pub(crate) fn shares(portfolio: &Portfolio, as_of: Instant) -> ProductShares {
    let mut overall = Shares::new();
    let mut segments: BTreeMap<String, Shares> = BTreeMap::new();
    for history in &portfolio.customers {
        for product in won_by(history, as_of).filter_map(|o| o.product_id.as_deref()) {
            *overall.entry(product.to_owned()).or_default() += 1.0;
            if let Some(segment) = &history.segment {
                *segments.entry(segment.to_string()).or_default().entry(product.to_owned()).or_default() += 1.0;
            }
        }
    }
    let deals: f64 = overall.values().sum();
    for share in overall.values_mut() {
        *share /= deals;
    }
    for shares in segments.values_mut() {
        let deals: f64 = shares.values().sum();
        *shares = overall
            .iter()
            .map(|(product, share)| {
                let own = shares.get(product).copied().unwrap_or_default();
                (product.clone(), (own + PRIOR_DEALS * share) / (deals + PRIOR_DEALS))
            })
            .collect();
    }
    ProductShares { overall, segments }
}

//! Which products are bought when customers expand: shares of won deals, by segment shrunk to the whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Shares of won deals by product.
pub type Shares = BTreeMap<String, f64>;

/// Which products are bought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProductShares {
    /// Over all won deals.
    pub overall: Shares,
    /// By segment, shrunk to the overall shares.
    pub segments: BTreeMap<String, Shares>,
}

impl ProductShares {
    /// The products with the probability that an expansion is of them, likeliest first, without those that
    /// `excluded` names; the shares are of what remains.
    #[must_use]
    pub fn ranked(&self, segment: Option<&str>, excluded: impl Fn(&str) -> bool) -> Vec<(&str, f64)> {
        let shares = segment.and_then(|s| self.segments.get(s)).unwrap_or(&self.overall);
        let mut open: Vec<_> = shares.iter().map(|(id, p)| (id.as_str(), *p)).filter(|(id, _)| !excluded(id)).collect();
        let total: f64 = open.iter().map(|(_, p)| p).sum();
        for (_, share) in &mut open {
            *share /= total;
        }
        open.retain(|(_, share)| *share > 0.0);
        open.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        open
    }
}

//! What the features need to know of the product catalogue.

use std::collections::BTreeMap;

use expansion_domain::{Contract, Id, Product};

/// The products by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    kinds: BTreeMap<Id, Option<Id>>,
}

impl Catalogue {
    /// The catalogue of a source; empty when the source has no `products` table.
    #[must_use]
    pub fn new(products: &[Product]) -> Self {
        Self { kinds: products.iter().map(|p| (p.product_id.clone(), p.kind.clone())).collect() }
    }

    /// Whether a contract's quantity counts users. A product of unknown kind is taken to: leaving out seats that were
    /// sold would make every customer look full.
    #[must_use]
    pub fn counts_seats(&self, contract: &Contract) -> bool {
        let kind = contract.product_id.as_ref().and_then(|id| self.kinds.get(id)).and_then(Option::as_deref);
        matches!(kind, None | Some("seats"))
    }
}

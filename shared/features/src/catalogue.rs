//! The product catalogue, by id.

use std::collections::BTreeMap;

use expansion_domain::{Contract, Id, Product};

/// The products by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    products: BTreeMap<Id, Product>,
}

impl Catalogue {
    /// The catalogue of a source; empty when the source has no `products` table.
    pub fn new(products: &[Product]) -> Self {
        Self { products: products.iter().map(|p| (p.product_id.clone(), p.clone())).collect() }
    }

    /// A product, if it is in the catalogue.
    pub fn product(&self, product_id: &str) -> Option<&Product> {
        self.products.get(product_id)
    }

    /// Every product, by id.
    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.values()
    }

    /// Whether a contract's quantity counts users. A product of unknown kind is taken to: leaving out seats that were
    /// sold would make every customer look full.
    pub fn counts_seats(&self, contract: &Contract) -> bool {
        let product = contract.product_id.as_ref().and_then(|id| self.products.get(id));
        matches!(product.and_then(|product| product.kind.as_deref()), None | Some("seats"))
    }
}

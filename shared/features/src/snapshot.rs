//! One customer's features at one `as_of`, and what they are computed from.

use std::collections::BTreeMap;

use expansion_domain::{Contract, Id, Known, Product, Table, count};

use crate::{FEATURES, Slots};

/// A feature's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known. Never replaced by a guess.
    Missing,
    /// A number in the feature's unit; finite.
    Number(f64),
    /// A level of a categorical feature.
    Level(Id),
}

impl Value {
    /// A number, or missing when it is not finite. A zero is without a sign: an empty sum of floats is −0.0, and not every
    /// store keeps that.
    pub fn number(value: f64) -> Self {
        if value.is_finite() { Self::Number(value + 0.0) } else { Self::Missing }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Missing | Self::Level(_) => None,
        }
    }
}

impl From<Option<f64>> for Value {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(count(number))
    }
}

impl From<Option<&Id>> for Value {
    fn from(level: Option<&Id>) -> Self {
        level.map_or(Self::Missing, |level| Self::Level(level.clone()))
    }
}

/// The values of [`FEATURES`], in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// One a feature.
    pub values: Vec<Value>,
}

/// What a feature is computed from: what was known of one customer, the catalogue, which tables exist at all, and what the
/// slots stand for.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The facts known at `as_of`.
    pub known: Known<'a>,
    /// The products.
    pub catalogue: &'a Catalogue,
    /// The tables the source holds.
    pub tables: &'a [Table],
    /// The slots of the model that the snapshot is for.
    pub slots: &'a Slots,
}

impl Inputs<'_> {
    /// The customer's features.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { values: FEATURES.iter().map(|feature| feature.value(self)).collect() }
    }
}

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

//! One customer's features at one `as_of`.

use expansion_domain::{Id, Known, Table};

use crate::{Catalogue, FEATURES};

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
    /// A number, or missing when it is not finite.
    pub fn number(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Missing }
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

/// What a feature is computed from: what was known of one customer, the catalogue, and which tables exist at all.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The facts known at `as_of`.
    pub known: Known<'a>,
    /// The products.
    pub catalogue: &'a Catalogue,
    /// The tables the source holds.
    pub tables: &'a [Table],
}

impl Inputs<'_> {
    /// The customer's features.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { values: FEATURES.iter().map(|feature| feature.value(self)).collect() }
    }
}

//! Earlier customers with their outcomes, for finding the ones most similar to a customer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fingerprint;

/// Customers at cutoffs whose horizon had elapsed when the model was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// The features that similarity is judged by, as positions among the model's.
    pub features: Vec<usize>,
    /// For each of them and each of its bins, the coordinate it sets, if any, and to what: standardised numbers, and 1
    /// for a level or a missing value.
    pub coordinates: Vec<Vec<Option<(usize, f32)>>>,
    /// How many coordinates there are.
    pub dimensions: usize,
    /// The bin of each of the features, member by member.
    pub bins: Bytes,
    /// Whether the members expanded within the horizon, one byte each.
    pub expanded: Bytes,
    /// Who they are: [`customer_tag`] of each, four bytes.
    pub tags: Bytes,
}

impl Cohort {
    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expanded.0.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a member expanded.
    #[must_use]
    pub fn expanded(&self, member: usize) -> bool {
        self.expanded.0[member] == 1
    }

    /// The tag of a member.
    #[must_use]
    pub fn tag(&self, member: usize) -> [u8; 4] {
        self.tags.0.as_chunks().0[member]
    }

    /// The coordinates of somebody whose features lie in the given bins (those of [`Cohort::features`]).
    #[must_use]
    pub fn point(&self, bins: impl Iterator<Item = usize>) -> Vec<f32> {
        let mut point = vec![0.0; self.dimensions];
        for (of_bin, bin) in self.coordinates.iter().zip(bins) {
            if let Some((at, value)) = of_bin.get(bin).copied().flatten() {
                point[at] = value;
            }
        }
        point
    }

    /// The coordinates of a member.
    #[must_use]
    pub fn member(&self, member: usize) -> Vec<f32> {
        let width = self.features.len();
        self.point(self.bins.0[member * width..(member + 1) * width].iter().map(|bin| usize::from(*bin)))
    }

    /// What of the parts does not fit together, for a model whose features have so many bins.
    pub(crate) fn misfit(&self, bins: &[usize]) -> Option<&'static str> {
        let widths = self.features.iter().map(|feature| bins.get(*feature).copied());
        let fits = widths.eq(self.coordinates.iter().map(|of_bin| Some(of_bin.len())))
            && self.coordinates.iter().flatten().flatten().all(|(at, _)| *at < self.dimensions)
            && self.bins.0.len() == self.len() * self.features.len()
            && self.tags.0.len() == 4 * self.len();
        (!fits).then_some("the cohort is of other features")
    }
}

/// Tells a customer from others without naming them: the first four bytes of the id's SHA-256.
#[must_use]
pub fn customer_tag(customer_id: &str) -> [u8; 4] {
    let digest = fingerprint(customer_id.as_bytes());
    u32::from_str_radix(&digest[..8], 16).unwrap_or_default().to_be_bytes()
}

/// Bytes, written as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

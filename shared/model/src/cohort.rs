//! Earlier customers with their outcomes, for finding the ones most similar to a customer.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use expansion_domain::{Id, share};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::SimilarCohort;

/// The most similar customers looked at; of few customers a tenth.
const NEIGHBOURS: usize = 50;

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
    fn len(&self) -> usize {
        self.expanded.0.len()
    }

    /// The coordinates of a customer whose features lie in the given bins (those of [`Cohort::features`]).
    fn point(&self, bins: impl Iterator<Item = usize>) -> Vec<f32> {
        let mut point = vec![0.0; self.dimensions];
        for (of_bin, bin) in self.coordinates.iter().zip(bins) {
            if let Some((at, value)) = of_bin.get(bin).copied().flatten() {
                point[at] = value;
            }
        }
        point
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

/// A cohort made ready to be searched.
#[derive(Clone, Debug)]
pub struct Neighbours<'a> {
    cohort: &'a Cohort,
    /// The coordinates of all members, one after another.
    points: Vec<f32>,
}

impl<'a> Neighbours<'a> {
    /// Lays the cohort out; `None` if it has no member.
    pub fn new(cohort: &'a Cohort) -> Option<Self> {
        let width = cohort.features.len();
        let member = |member: usize| cohort.bins.0[member * width..][..width].iter().map(|bin| usize::from(*bin));
        let points = (0..cohort.len()).flat_map(|i| cohort.point(member(i))).collect();
        (cohort.len() > 0).then_some(Self { cohort, points })
    }

    /// What became of the customers most similar to one whose features (all of the model's) lie in the given bins. The
    /// customer's own past is left out.
    pub fn of(&self, bins: &[u16], customer_id: &Id) -> Option<SimilarCohort> {
        let point = self.cohort.point(self.cohort.features.iter().map(|feature| usize::from(bins[*feature])));
        let own = customer_tag(customer_id);
        let nearest = self.nearest(&point, |member| self.cohort.tags.0.as_chunks().0[member] != own);
        let expanded = nearest.iter().filter(|member| self.cohort.expanded.0[**member] == 1).count();
        let customers = nearest.len();
        (customers > 0).then(|| SimilarCohort { customers, expanded, share: share(expanded, customers) })
    }

    /// The nearest members by Euclidean distance, among those that count; of equally distant ones the first.
    fn nearest(&self, point: &[f32], counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let distance = |member: usize| -> f64 {
            let of_member = &self.points[member * point.len()..][..point.len()];
            point.iter().zip(of_member).map(|(a, b)| f64::from((a - b) * (a - b))).sum()
        };
        let nearer = |a: &(f64, usize), b: &(f64, usize)| -> Ordering { a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)) };
        let mut found: Vec<(f64, usize)> =
            (0..self.cohort.len()).filter(|member| counts(*member)).map(|member| (distance(member), member)).collect();
        let wanted = NEIGHBOURS.min(self.cohort.len() / 10);
        if wanted < found.len() {
            found.select_nth_unstable_by(wanted, nearer);
            found.truncate(wanted);
        }
        found.into_iter().map(|(_, member)| member).collect()
    }
}

/// Identifies a customer without naming them: the first four bytes of the id's SHA-256.
pub fn customer_tag(customer_id: &str) -> [u8; 4] {
    Sha256::digest(customer_id).first_chunk().copied().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_found_without_the_customer_themself() {
        // Members lie on a line, at the squares of 0 to 199; every fourth expanded.
        let places: Vec<u8> = (0..200).collect();
        let id = |member: u8| Id::from(format!("c-{member}"));
        let cohort = Cohort {
            features: vec![1],
            coordinates: vec![places.iter().map(|place| Some((0, f32::from(*place).powi(2)))).collect()],
            dimensions: 1,
            expanded: Bytes(places.iter().map(|place| u8::from(place % 4 == 0)).collect()),
            tags: Bytes(places.iter().flat_map(|place| customer_tag(&id(*place))).collect()),
            bins: Bytes(places),
        };
        let neighbours = Neighbours::new(&cohort).expect("there are members");
        let mut nearest = neighbours.nearest(&[100.0_f32.powi(2)], |member| member != 100);
        nearest.sort_unstable();
        let expected: Vec<usize> = (89..=109).filter(|member| *member != 100).collect();
        assert_eq!(nearest, expected, "a tenth of 200, more of them below, where they lie closer");

        let found = neighbours.of(&[0, 100], &id(100)).expect("there are others");
        assert_eq!((found.customers, found.expanded), (20, 4));
        let other = neighbours.of(&[0, 100], &id(7)).expect("there are others");
        assert_eq!((other.customers, other.expanded), (20, 5), "who is not themself is among them");
    }
}

//! What is usual among customers, over all and by segment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::FactorValue;

/// What is usual among the customers that a model knew, when it was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// Over all customers.
    pub overall: Profile,
    /// By segment.
    pub segments: BTreeMap<String, Profile>,
}

/// What is usual among some customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many customers.
    pub customers: usize,
    /// The expansions they won in whole years back from then, by calendar quarter.
    pub wins_by_quarter: [usize; 4],
    /// By feature, where enough of them have a value.
    pub features: BTreeMap<String, Usual>,
}

/// What is usual of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The median, or the commonest level.
    pub typical: FactorValue,
    /// The 5th and the 95th percentile of a number.
    pub range: Option<[f64; 2]>,
}

impl Profiles {
    /// What is usual of a feature in a segment, or over all where the segment says nothing.
    pub fn usual(&self, segment: Option<&str>, feature: &str) -> Option<&Usual> {
        let own = segment.and_then(|segment| self.segments.get(segment)?.features.get(feature));
        own.or_else(|| self.overall.features.get(feature))
    }
}

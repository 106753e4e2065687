//! How a source's values are meant, where only the source as a whole shows it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What the whole of a source shows of how its values are meant. A part of the source is read by what the whole showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conventions {
    /// What a health score in full is in the files; absent when that can't be told, and then no score is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_health: Option<f64>,
    /// Usage metrics whose readings count from the beginning on.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub counters: BTreeSet<String>,
    /// Usage metrics of which each row is one event.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub events: BTreeSet<String>,
    /// The currency that amounts are in, where rows name theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether the end of a contract is the first day on which it is over.
    pub exclusive_ends: bool,
    /// Ids that also occur in a longer form, by their shorter one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub longer_ids: BTreeMap<String, String>,
}

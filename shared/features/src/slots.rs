//! Which of a source's usage metrics and kinds of signals are looked at one by one, whatever they are called.
//!
//! A snapshot has a fixed number of slots for them: the features of `metric_1`, `metric_2`, … and `signals_1`,
//! `signals_2`, …. What each slot stands for is chosen once, when a model is trained, and kept with the model: whoever makes
//! snapshots for a model makes them by its slots. Chosen by how many customers have readings or signals, never by what
//! became of them.

use std::collections::BTreeMap;

use expansion_domain::{Id, Instant, Known, SourceData, count, share};
use serde::{Deserialize, Serialize};

use crate::Catalogue;
use crate::extract::{after, entitled, is_named_kind, mean};

/// So many metrics have features of their own.
pub const METRICS: usize = 4;
/// So many kinds of signals, besides those with a feature by name.
pub const KINDS: usize = 6;
/// The metric of seats in use, where a source has one of this name.
pub const ACTIVE_SEATS: &str = "active_seats";

/// A metric counts where it was read within so many days: one that has ended says nothing of customers now.
const METRIC_DAYS: i32 = 90;
/// A kind of signal counts for as long: a signal is a rare thing.
const KIND_DAYS: i32 = 365;
/// What fewer of the customers have is not looked at.
const LEAST_SHARE: f64 = 0.01;
/// A metric counts seats where it lies within this range of the seats under contract for so many of the customers who have
/// both, of whom there must be some.
const OF_ENTITLED: std::ops::RangeInclusive<f64> = 0.2..=1.1;
const MOSTLY: f64 = 0.8;
const LEAST_CUSTOMERS: usize = 20;

/// What the slots of a snapshot stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// The metric that counts seats in use; absent where the source has none.
    pub seats: Option<Id>,
    /// The metrics that most customers have, in the order of their names: at most [`METRICS`].
    pub metrics: Vec<Id>,
    /// The kinds of signals that most customers gave and that have no feature by name, likewise: at most [`KINDS`].
    pub kinds: Vec<Id>,
}

/// A slot, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Of [`Slots::metrics`].
    Metric(usize),
    /// Of [`Slots::kinds`].
    Kind(usize),
}

impl Slots {
    /// The slots of a source by what was known at `at`.
    pub fn of(source: &SourceData, at: Instant) -> Self {
        let catalogue = Catalogue::new(&source.products);
        let customers: Vec<Known<'_>> = source.customers.iter().filter_map(|history| history.known(at)).collect();
        let (mut metrics, mut kinds) = (BTreeMap::new(), BTreeMap::new());
        let mut ratios: BTreeMap<&Id, Vec<f64>> = BTreeMap::new();
        for known in &customers {
            let seats = entitled(known, &catalogue);
            for (metric, readings) in known.all_usage() {
                if let Some(mean) = mean(after(readings, at.plus_days(-METRIC_DAYS))) {
                    *metrics.entry(metric).or_default() += 1;
                    ratios.entry(metric).or_default().extend(seats.map(|seats| mean / seats));
                }
            }
            let start = at.plus_days(-KIND_DAYS);
            let recent = known.signals.iter().rev().take_while(|signal| signal.detected_at > start);
            let mut own: Vec<&Id> = recent.map(|signal| &signal.kind).filter(|kind| !is_named_kind(kind)).collect();
            own.sort_unstable();
            own.dedup();
            for kind in own {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        Self {
            seats: seats(&ratios),
            metrics: commonest(metrics, METRICS, customers.len()),
            kinds: commonest(kinds, KINDS, customers.len()),
        }
    }

    /// What a slot stands for, if for anything.
    pub fn name(&self, slot: Slot) -> Option<&Id> {
        match slot {
            Slot::Metric(place) => self.metrics.get(place),
            Slot::Kind(place) => self.kinds.get(place),
        }
    }

    /// What a slot stands for, as a sentence begins with it: `credits_used` as `Credits used`.
    pub(crate) fn spoken(&self, slot: Slot) -> String {
        let Some(name) = self.name(slot) else {
            return match slot {
                Slot::Metric(place) => format!("Usage metric {}", place + 1),
                Slot::Kind(place) => format!("Kind of signal {}", place + 1),
            };
        };
        let words = name.replace(['_', '-', '.'], " ");
        let mut letters = words.trim().chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

/// The metric of seats in use: the one of that name, or else the one that most often lies below and near the seats under
/// contract.
fn seats(ratios: &BTreeMap<&Id, Vec<f64>>) -> Option<Id> {
    if let Some((named, _)) = ratios.iter().find(|(metric, _)| &****metric == ACTIVE_SEATS) {
        return Some((*named).clone());
    }
    let fitting = |ratios: &[f64]| {
        share(ratios.iter().filter(|ratio| OF_ENTITLED.contains(*ratio)).count(), ratios.len().max(1))
    };
    let enough = ratios.iter().filter(|(_, ratios)| ratios.len() >= LEAST_CUSTOMERS);
    let mut found: Vec<(f64, &Id)> = enough.map(|(metric, ratios)| (fitting(ratios), *metric)).collect();
    found.retain(|(fitting, _)| *fitting >= MOSTLY);
    // Of equally good ones the first by name.
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.first().map(|(_, metric)| (*metric).clone())
}

/// The names that most customers have. In the order of the names, so that a small change of how many have each does not make
/// one slot mean another.
fn commonest(names: BTreeMap<&Id, usize>, most: usize, customers: usize) -> Vec<Id> {
    let mut names: Vec<(&Id, usize)> =
        names.into_iter().filter(|(_, n)| count(*n) >= LEAST_SHARE * count(customers)).collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    names.truncate(most);
    let mut names: Vec<Id> = names.into_iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names
}

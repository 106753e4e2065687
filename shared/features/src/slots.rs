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

/// The metric of seats in use: the one of that name, or else of those that mostly lie below and near the seats under contract
/// the nearest one.
fn seats(ratios: &BTreeMap<&Id, Vec<f64>>) -> Option<Id> {
    if let Some((named, _)) = ratios.iter().find(|(metric, _)| &****metric == ACTIVE_SEATS) {
        return Some((*named).clone());
    }
    let nearness = |(metric, ratios): (&&Id, &Vec<f64>)| {
        // What is the same as the seats under contract counts these, not those in use.
        let fitting = ratios.iter().filter(|ratio| OF_ENTITLED.contains(*ratio) && (*ratio - 1.0).abs() > 1e-9);
        let fits = ratios.len() >= LEAST_CUSTOMERS && share(fitting.clone().count(), ratios.len()) >= MOSTLY;
        fits.then(|| (fitting.clone().sum::<f64>() / count(fitting.count()), (*metric).clone()))
    };
    ratios.iter().filter_map(nearness).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, metric)| metric)
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

#[cfg(test)]
mod tests {
    use expansion_domain::{Contract, CustomerHistory, Reading, Signal, UsageSeries};

    use super::*;

    fn at() -> Instant {
        "2026-01-01".parse().expect("a date")
    }

    /// So many customers with 10, 11, … seats under contract and a weekly reading of each metric, so many times the seats.
    fn source(customers: u8, metrics: &[(&str, f64)]) -> SourceData {
        let customer = |n: u8| {
            let seats = 10.0 + f64::from(n);
            let contract = Contract {
                contract_id: "k".into(),
                product_id: None,
                quantity: Some(seats),
                annual_value: None,
                start_date: at().plus_days(-300),
                end_date: None,
            };
            let reading = |value| (0..20).rev().map(move |week| Reading { at: at().plus_days(-7 * week), value });
            let series = |(metric, of_seats): &(&str, f64)| UsageSeries {
                metric: (*metric).into(),
                readings: reading(of_seats * seats).collect(),
            };
            let mut history = CustomerHistory {
                contracts: vec![contract],
                usage: metrics.iter().map(series).collect(),
                ..CustomerHistory::new(n.to_string().into(), at().plus_days(-400))
            };
            history.sort();
            history
        };
        SourceData { customers: (0..customers).map(customer).collect(), ..SourceData::default() }
    }

    fn names(names: &[Id]) -> Vec<&str> {
        names.iter().map(|name| &**name).collect()
    }

    #[test]
    fn the_metrics_that_most_customers_have_come_in_the_order_of_their_names() {
        let mut source =
            source(40, &[("zoom", 9.0), ("mau", 0.7), ("credits_used", 30.0), ("alerts", 1.5), ("old", 1.0)]);
        for (n, history) in source.customers.iter_mut().enumerate() {
            // Nearly everybody has alerts, a few have exports, and one metric has ended.
            history.usage.retain(|series| &*series.metric != "alerts" || n > 0);
            history.usage.retain(|series| &*series.metric != "zoom" || n > 30);
            let old = history.usage.iter_mut().filter(|series| &*series.metric == "old");
            old.for_each(|series| {
                series.readings.iter_mut().for_each(|reading| reading.at = reading.at.plus_days(-100));
            });
            history.usage.extend(
                (n < 20).then(|| UsageSeries {
                    metric: "exports".into(),
                    readings: vec![Reading { at: at(), value: 1.0 }],
                }),
            );
            history.sort();
        }
        let slots = Slots::of(&source, at());
        assert_eq!(names(&slots.metrics), ["alerts", "credits_used", "exports", "mau"]);
        assert_eq!(slots.name(Slot::Metric(1)).map(|name| &**name), Some("credits_used"));
        assert_eq!(Slots::of(&source, at().plus_days(-100)).metrics.len(), 4, "the old one, and no exports yet");
    }

    #[test]
    fn seats_in_use_are_found_by_name_or_by_the_seats_under_contract() {
        let seats = |customers, metrics: &[(&str, f64)]| Slots::of(&source(customers, metrics), at()).seats;
        let found = |metrics: &[(&str, f64)]| seats(40, metrics).as_deref().map(str::to_owned);
        assert_eq!(found(&[("mau", 0.7), ("sessions", 3.0)]).as_deref(), Some("mau"));
        assert_eq!(found(&[("active_seats", 3.0), ("mau", 0.7)]).as_deref(), Some("active_seats"));
        assert_eq!(found(&[("dau", 0.3), ("mau", 0.7), ("seats_bought", 1.0)]).as_deref(), Some("mau"), "the nearest");
        assert_eq!(found(&[("sessions", 3.0), ("errors", 0.01)]), None);
        assert_eq!(seats(10, &[("mau", 0.7)]), None, "too few to tell");
    }

    #[test]
    fn kinds_of_signals_without_a_feature_by_name_get_a_slot() {
        let mut source = source(4, &[]);
        for (n, history) in source.customers.iter_mut().enumerate() {
            let kinds = ["demo_request", "seat_inquiry", "webinar"].into_iter().take(n);
            history.signals.extend(kinds.map(|kind| Signal { detected_at: at(), kind: kind.into(), summary: None }));
            let detected_at = at().plus_days(-500);
            history.signals.push(Signal { detected_at, kind: "forgotten".into(), summary: None });
            history.sort();
        }
        assert_eq!(names(&Slots::of(&source, at()).kinds), ["demo_request", "webinar"]);
    }

    #[test]
    fn names_are_spoken_as_words() {
        let slots = Slots { metrics: vec!["credits_used".into(), "mau".into()], ..Slots::default() };
        let spoken = [0, 1, 2].map(|place| slots.spoken(Slot::Metric(place)));
        assert_eq!(spoken, ["Credits used", "Mau", "Usage metric 3"]);
    }
}

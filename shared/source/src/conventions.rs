//! What the whole of a source shows of how its values are meant: the scale of health scores, metrics that count from the
//! beginning on, metrics of which each row is one event, ends of contracts.
//!
//! Each is either found in all histories, or given by whoever read the whole before.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{Conventions, CustomerHistory, Id, Instant, Reading, Table, UsageSeries};

use crate::deliveries::{add_up, equal_facts, example};
use crate::issues::{Issues, Reason};

/// With fewer scores a scale can't be told.
const LEAST_SCORES: usize = 20;
/// Steps from one reading to the next that show whether a metric ever falls, and series they must come from.
const LEAST_STEPS: u64 = 50;
const LEAST_SERIES: u64 = 5;
/// A counter falls in so few of a thousand steps (where it is reset), and rises in so many of a hundred.
const MOST_FALLS: u64 = 2;
const LEAST_RISES: u64 = 50;
/// A counter grows from its first to its last reading by so much, in most series.
const LEAST_GROWTH: f64 = 1.5;
/// Days with several readings that show whether each is one event.
const LEAST_DAYS: u64 = 10;
/// The days of a hundred on which all of several readings must be ones.
const LEAST_ONES: u64 = 95;

/// Joins the usage of every customer as its metrics are meant, and says so.
pub(crate) fn read_usage(
    customers: &mut [CustomerHistory],
    found: &mut Conventions,
    given: Option<&Conventions>,
    issues: &mut Issues,
) {
    let say = |issues: &mut Issues, reason, count, customer: &Id, metric: &Id, at: Instant| {
        issues.note(Table::UsageMetrics, reason, count, || format!("{metric} of {}", example(customer, at)));
    };
    found.events = given.map_or_else(|| events(customers), |given| given.events.clone());
    for customer in &mut *customers {
        for series in &mut customer.usage {
            if series.readings.windows(2).any(|pair| pair[0].at == pair[1].at) {
                let (added, first) = add_up(&mut series.readings);
                let at = first.unwrap_or_default();
                say(issues, Reason::SameTime, added, &customer.customer_id, &series.metric, at);
            }
            if found.events.contains(&*series.metric) {
                let (added, first) = add_up_days(&mut series.readings);
                let at = first.unwrap_or_default();
                say(issues, Reason::Events, added, &customer.customer_id, &series.metric, at);
            }
        }
    }
    found.counters = given.map_or_else(|| counters(customers), |given| given.counters.clone());
    for customer in customers.iter_mut().filter(|_| !found.counters.is_empty()) {
        for series in customer.usage.iter_mut().filter(|series| found.counters.contains(&*series.metric)) {
            let Some(first) = series.readings.first().copied() else { continue };
            let read = series.readings.len() as u64;
            series.readings = growth(&series.readings);
            say(issues, Reason::Counter, read, &customer.customer_id, &series.metric, first.at);
        }
    }
}

/// The metrics of which several readings a day are nearly always ones: each row is an event.
fn events(customers: &[CustomerHistory]) -> BTreeSet<String> {
    let mut days: BTreeMap<&Id, (u64, u64)> = BTreeMap::new();
    for series in customers.iter().flat_map(|customer| &customer.usage) {
        let several = series.readings.chunk_by(same_day).filter(|day| day[0].at < day[day.len() - 1].at);
        let mut of_series = (0, 0);
        for day in several {
            of_series.0 += 1;
            #[expect(clippy::float_cmp, reason = "a row that stands for one event says one")]
            let are_ones = day.iter().all(|reading| reading.value == 1.0);
            of_series.1 += u64::from(are_ones);
        }
        if of_series.0 > 0 {
            let (all, ones) = days.entry(&series.metric).or_default();
            *all += of_series.0;
            *ones += of_series.1;
        }
    }
    let are_events = |(all, ones): &(u64, u64)| *all >= LEAST_DAYS && ones * 100 >= all * LEAST_ONES;
    days.into_iter().filter(|(_, days)| are_events(days)).map(|(metric, _)| metric.to_string()).collect()
}

const DAY_MICROS: i64 = 86_400_000_000;

fn same_day(a: &Reading, b: &Reading) -> bool {
    // Most readings are a day apart or more, and comparing is faster than dividing.
    b.at.micros() - a.at.micros() < DAY_MICROS
        && a.at.micros().div_euclid(DAY_MICROS) == b.at.micros().div_euclid(DAY_MICROS)
}

/// Adds up each day's readings. The sum is known when the last of them is.
fn add_up_days(readings: &mut Vec<Reading>) -> (u64, Option<Instant>) {
    let before = readings.len();
    let mut first = None;
    readings.dedup_by(|later, kept| {
        let is_same = same_day(kept, later);
        if is_same {
            *kept = Reading { at: later.at, value: kept.value + later.value };
            first.get_or_insert(later.at);
        }
        is_same
    });
    ((before - readings.len()) as u64, first)
}

/// How a metric moves from reading to reading.
#[derive(Default)]
struct Steps {
    rises: u64,
    falls: u64,
    all: u64,
    series: u64,
    grown: u64,
}

/// The metrics that rise nearly always and never fall.
fn counters(customers: &[CustomerHistory]) -> BTreeSet<String> {
    let mut metrics: BTreeMap<&Id, Steps> = BTreeMap::new();
    // Seats in use are a level, also where all portfolios grow.
    let is_told = |series: &&UsageSeries| series.readings.len() > 2 && &*series.metric != "active_seats";
    for series in customers.iter().flat_map(|customer| &customer.usage).filter(is_told) {
        let steps = metrics.entry(&series.metric).or_default();
        for pair in series.readings.windows(2) {
            steps.rises += u64::from(pair[1].value > pair[0].value);
            steps.falls += u64::from(pair[1].value < pair[0].value);
        }
        steps.all += series.readings.len() as u64 - 1;
        let value = |reading: Option<&Reading>| reading.map_or(0.0, |reading| reading.value);
        let (first, last) = (value(series.readings.first()), value(series.readings.last()));
        steps.series += 1;
        steps.grown += u64::from(last > first * LEAST_GROWTH);
    }
    let is_counter = |steps: &Steps| {
        let is_enough = steps.all >= LEAST_STEPS && steps.series >= LEAST_SERIES;
        let only_grows = steps.falls * 1000 <= steps.all * MOST_FALLS && steps.rises * 100 >= steps.all * LEAST_RISES;
        is_enough && only_grows && steps.grown * 2 > steps.series
    };
    metrics.into_iter().filter(|(_, steps)| is_counter(steps)).map(|(metric, _)| metric.to_string()).collect()
}

/// By how much a counter grew from each reading to the next. After a reset it began at nothing; by how much it had grown at
/// its first reading is not known.
fn growth(readings: &[Reading]) -> Vec<Reading> {
    let step = |pair: &[Reading]| {
        let grown = pair[1].value - pair[0].value;
        Reading { at: pair[1].at, value: if grown < 0.0 { pair[1].value } else { grown } }
    };
    readings.windows(2).map(step).collect()
}

/// Brings health scores to 0 to 100, or leaves them out where their scale can't be told. `is_scaled` where files say theirs.
pub(crate) fn read_health(
    customers: &mut [CustomerHistory],
    is_scaled: bool,
    found: &mut Conventions,
    given: Option<&Conventions>,
    issues: &mut Issues,
) {
    found.full_health = match given {
        Some(given) => given.full_health,
        None if is_scaled => Some(100.0),
        None => full_health(customers.iter().flat_map(|customer| &customer.health).map(|score| score.value)),
    };
    for customer in customers.iter_mut().filter(|customer| !customer.health.is_empty()) {
        let (equal, first) = equal_facts(&customer.health);
        if let Some(first) = first {
            let said = || example(&customer.customer_id, first);
            issues.note(Table::HealthScoreHistory, Reason::Repeated, equal, said);
            customer.health.dedup();
        }
        let scores = customer.health.len() as u64;
        match found.full_health {
            Some(100.0) => {}
            Some(full) => {
                for score in &mut customer.health {
                    score.value = (score.value * 100.0 / full).min(100.0);
                }
                let said = || format!("from 0 to {full}");
                issues.note(Table::HealthScoreHistory, Reason::HealthScale, scores, said);
            }
            None => {
                let said = || format!("{} has {}", customer.customer_id, customer.health[0].value);
                issues.note(Table::HealthScoreHistory, Reason::UnknownHealthScale, scores, said);
                customer.health.clear();
            }
        }
    }
}

/// What a score in full is, by the largest of many; `None` when that may be on one scale as well as on another.
fn full_health(scores: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, most) = scores.fold((0, 0.0), |(count, most), score| (count + 1, score.max(most)));
    if count < LEAST_SCORES || most > 10.0 {
        Some(100.0)
    } else if most > 5.0 {
        Some(10.0)
    } else if most >= 4.5 {
        Some(5.0)
    } else if most <= 1.0 {
        Some(1.0)
    } else {
        None
    }
}

/// Takes contracts as ended the day before the next one begins, where ends are the first days on which a contract is over.
pub(crate) fn read_ends(
    customers: &mut [CustomerHistory],
    found: &mut Conventions,
    given: Option<&Conventions>,
    issues: &mut Issues,
) {
    found.exclusive_ends = given.map_or_else(|| are_ends_exclusive(customers), |given| given.exclusive_ends);
    for customer in customers {
        let begins: BTreeSet<(Option<Id>, Instant)> = customer.contracts.iter().map(|c| begin_of(c, 0)).collect();
        for contract in &mut customer.contracts {
            let Some(end) = contract.end_date.filter(|end| end.plus_days(-1) >= contract.start_date) else { continue };
            if found.exclusive_ends || begins.contains(&(contract.product_id.clone(), end)) {
                contract.end_date = Some(end.plus_days(-1));
                issues.note(Table::Contracts, Reason::ExclusiveEnd, 1, || {
                    format!("{} of {}: end_date is {}", contract.contract_id, customer.customer_id, end.date())
                });
            }
        }
    }
}

/// A contract's product, and the day on which it begins or so many days before.
fn begin_of(contract: &expansion_domain::Contract, days_before: i32) -> (Option<Id>, Instant) {
    let day = Instant::from_date(contract.start_date.date()).unwrap_or(contract.start_date);
    (contract.product_id.clone(), day.plus_days(-days_before))
}

/// Whether more contracts end on the day on which the next one of the same product begins than on the day before.
fn are_ends_exclusive(customers: &[CustomerHistory]) -> bool {
    let (mut same_day, mut day_before) = (0_usize, 0_usize);
    for customer in customers.iter().filter(|customer| customer.contracts.len() > 1) {
        let begins: BTreeSet<_> = customer.contracts.iter().map(|c| begin_of(c, 0)).collect();
        for contract in &customer.contracts {
            let Some(end) = contract.end_date else { continue };
            let begins = |at: Instant| begins.contains(&(contract.product_id.clone(), at));
            same_day += usize::from(begins(end));
            day_before += usize::from(begins(end.plus_days(1)));
        }
    }
    same_day > day_before
}

#[cfg(test)]
mod tests {

    use super::*;

    fn customers(of_each: impl Fn(i32) -> Vec<(i64, f64)>) -> Vec<CustomerHistory> {
        let customer = |i: i32| CustomerHistory {
            usage: vec![UsageSeries {
                metric: "m".into(),
                readings: of_each(i).into_iter().map(|(hour, value)| Reading { at: at_hour(hour), value }).collect(),
            }],
            ..CustomerHistory::new(format!("c{i}").into(), Instant::EPOCH)
        };
        (0..20).map(customer).collect()
    }

    fn at_hour(hour: i64) -> Instant {
        Instant::from_micros(1_700_006_400_000_000 + hour * 3_600_000_000).expect("an instant")
    }

    fn read(customers: &mut [CustomerHistory]) -> (Conventions, Vec<(String, u64)>) {
        let (mut found, mut issues) = (Conventions::default(), Issues::default());
        read_usage(customers, &mut found, None, &mut issues);
        (found, issues.into_list().into_iter().map(|issue| (issue.reason, issue.count)).collect())
    }

    fn values(customer: &CustomerHistory) -> Vec<f64> {
        customer.usage[0].readings.iter().map(|reading| reading.value).collect()
    }

    #[test]
    fn a_counter_is_read_as_its_growth() {
        // Each week i logins more; nobody used it in the fourth week.
        let total = |i: i32| {
            let grown = |week: i32| f64::from(if week > 3 { week - 1 } else { week });
            (0..10).map(move |week| (i64::from(week) * 168, f64::from(i + 1) * grown(week)))
        };
        let mut source = customers(|i| total(i).collect());
        let (found, said) = read(&mut source);
        assert_eq!(found.counters, BTreeSet::from(["m".to_owned()]));
        assert_eq!(values(&source[1]), [2.0, 2.0, 2.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(said, [(Reason::Counter.to_string(), 200)]);
        // A part of the source alone may not show it.
        let mut part = customers(|i| total(i).take(3).collect());
        part.truncate(2);
        let mut alone = part.clone();
        assert_eq!(read(&mut alone).0.counters, BTreeSet::new());
        read_usage(&mut part, &mut Conventions::default(), Some(&found), &mut Issues::default());
        assert_eq!(values(&part[0]), [1.0, 1.0]);
    }

    #[test]
    fn a_reset_counter_begins_at_nothing() {
        let readings =
            [(0, 5.0), (1, 9.0), (2, 3.0), (3, 4.0)].map(|(hour, value)| Reading { at: at_hour(hour), value });
        let grown: Vec<_> = growth(&readings).iter().map(|reading| reading.value).collect();
        assert_eq!(grown, [4.0, 3.0, 1.0]);
    }

    #[test]
    fn what_grows_and_sometimes_falls_is_no_counter() {
        let level = |i: i32| {
            (0..30).map(move |week| {
                let fallen = if week % 10 == 9 { 3 } else { 0 };
                (i64::from(week) * 168, f64::from(10 + week - fallen + i))
            })
        };
        let mut source = customers(|i| level(i).collect());
        let before = source.clone();
        assert_eq!(read(&mut source), (Conventions::default(), Vec::new()));
        assert_eq!(source, before);
        // Nor is what stands still.
        assert_eq!(read(&mut customers(|_| (0..30).map(|week| (week * 168, 7.0)).collect())).0, Conventions::default());
    }

    #[test]
    fn rows_of_one_event_each_are_added_up_by_day() {
        let events = |i: i32| {
            (0..20_i64).flat_map(move |day| (0..i64::from(i) + 2).map(move |hour| (day * 24 + hour % 20, 1.0)))
        };
        let mut source = customers(|i| events(i).collect());
        for customer in &mut source {
            customer.sort();
        }
        let (found, said) = read(&mut source);
        assert_eq!(found.events, BTreeSet::from(["m".to_owned()]));
        for (i, customer) in (0..).zip(&source) {
            assert_eq!(values(customer), vec![f64::from(i) + 2.0; 20]);
        }
        let (same_hour, others) = (said[0].clone(), said[1].clone());
        assert_eq!(same_hour, (Reason::SameTime.to_string(), 20));
        assert_eq!(others.0, Reason::Events.to_string());
        let last = source[3].usage[0].readings[0].at;
        assert_eq!(last, at_hour(4), "the sum of a day is known when the last of it is");
    }

    #[test]
    fn samples_of_a_level_are_not_added_up() {
        let mut source = customers(|i| (0..500).map(|hour| (hour, f64::from(i) + 3.0)).collect());
        let before = source.clone();
        assert_eq!(read(&mut source), (Conventions::default(), Vec::new()));
        assert_eq!(source, before);
    }

    #[test]
    fn the_scale_of_health_scores_is_told_by_the_largest() {
        let full = |most: f64| full_health((0..40).map(|i| most * f64::from(i) / 39.0));
        assert_eq!(full(97.0), Some(100.0));
        assert_eq!(full(9.8), Some(10.0));
        assert_eq!(full(5.0), Some(5.0));
        assert_eq!(full(1.0), Some(1.0));
        assert_eq!(full(3.0), None, "low on one scale, or high on another");
        assert_eq!(full_health([3.0, 4.0].into_iter()), Some(100.0), "too few to tell");
    }
}

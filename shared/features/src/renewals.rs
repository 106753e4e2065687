//! Whether the deals won are renewals of what customers have, rather than expansions.

use expansion_domain::{CustomerHistory, Instant, SourceData, Stage, count, share};

use crate::observed_until;

/// A deal is near the end of a contract within so many days of it.
const NEAR_DAYS: i32 = 30;
/// Fewer contract ends say nothing.
const LEAST_ENDS: usize = 30;
/// Renewals are won at so large a share of contract ends: customers stay as a rule, and expand as an exception.
const RENEWED: f64 = 0.5;
/// … and so many times as many deals are near an end as chance would give: where contracts end every month or something
/// is sold every month, everything is near everything.
const TIMES_CHANCE: f64 = 2.0;

/// How the deals won coincide with the ends of the same customers' contracts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renewals {
    /// Days on which contracts of a customer ended while deals were watched.
    pub ends: usize,
    /// The share of these within 30 days of which the customer bought.
    pub ends_won: f64,
    /// Deals won by these customers.
    pub deals: usize,
    /// The share of these within 30 days of an end.
    pub deals_near: f64,
    /// What chance would give: the share of the customers' time that is as near to an end, weighed by their deals.
    pub near_by_chance: f64,
}

impl Renewals {
    /// Whether the deals won are renewals as far as dates can tell.
    pub fn are_likely(&self) -> bool {
        self.ends_won >= RENEWED && self.deals_near >= TIMES_CHANCE * self.near_by_chance
    }
}

/// How the deals won by `as_of` coincide with contract ends; `None` where too few contracts ended to tell.
///
/// Starts of contracts don't tell: an expansion, too, begins a contract on the day on which it is won.
pub fn renewals(source: &SourceData, as_of: Instant) -> Option<Renewals> {
    let until = observed_until(source, as_of)?;
    let since = source.customers.iter().flat_map(|history| wins(history, until)).min()?;
    let customers: Vec<Coincidence> =
        source.customers.iter().filter_map(|history| Coincidence::of(history, since, until)).collect();
    let sum = |of: fn(&Coincidence) -> usize| customers.iter().map(of).sum::<usize>();
    let (ends, deals) = (sum(|one| one.ends), sum(|one| one.deals));
    let by_chance = customers.iter().map(|one| count(one.deals) * one.time_near).sum::<f64>();
    (ends >= LEAST_ENDS && deals > 0).then(|| Renewals {
        ends,
        ends_won: share(sum(|one| one.ends_won), ends),
        deals,
        deals_near: share(sum(|one| one.deals_near), deals),
        near_by_chance: by_chance / count(deals),
    })
}

/// The same of one customer.
struct Coincidence {
    ends: usize,
    ends_won: usize,
    deals: usize,
    deals_near: usize,
    /// The share of the customer's time that is near an end.
    time_near: f64,
}

impl Coincidence {
    /// `None` for a customer none of whose contracts ended while deals were watched.
    fn of(history: &CustomerHistory, since: Instant, until: Instant) -> Option<Self> {
        let from = history.created_at.max(since);
        let to = history.churned_at.map_or(until, |left| left.min(until));
        // What is bought after an end must have been seen, too.
        let is_watched = |end: &Instant| from <= *end && end.plus_days(NEAR_DAYS) <= until;
        let mut ends: Vec<Instant> = history.contracts.iter().filter_map(|contract| contract.end_date).collect();
        ends.retain(is_watched);
        ends.sort_unstable();
        ends.dedup();
        let days = to.days_since(from);
        if ends.is_empty() || days <= 0.0 {
            return None;
        }
        let mut won: Vec<Instant> = wins(history, until).collect();
        won.sort_unstable();
        Some(Self {
            ends: ends.len(),
            ends_won: ends.iter().filter(|end| is_near_any(**end, &won)).count(),
            deals: won.len(),
            deals_near: won.iter().filter(|win| is_near_any(**win, &ends)).count(),
            time_near: days_near(&ends, from, to) / days,
        })
    }
}

/// When a customer's deals were won.
fn wins(history: &CustomerHistory, until: Instant) -> impl Iterator<Item = Instant> + '_ {
    let won = history.opportunities.iter().filter(|deal| deal.stage == Stage::Won);
    won.filter_map(move |deal| deal.known_close(until))
}

/// Whether an instant is near one of others in ascending order.
fn is_near_any(at: Instant, others: &[Instant]) -> bool {
    let place = others.partition_point(|other| *other < at.plus_days(-NEAR_DAYS));
    others.get(place).is_some_and(|other| *other <= at.plus_days(NEAR_DAYS))
}

/// Days between `from` and `to` that are near one of some ends in ascending order.
fn days_near(ends: &[Instant], from: Instant, to: Instant) -> f64 {
    let mut counted = from;
    let mut days = 0.0;
    for end in ends {
        let (begin, over) = (end.plus_days(-NEAR_DAYS).max(counted), end.plus_days(NEAR_DAYS).min(to));
        days += over.days_since(begin).max(0.0);
        counted = counted.max(over);
    }
    days
}

#[cfg(test)]
mod tests {
    use expansion_domain::{Contract, Opportunity};

    use super::*;

    fn day(offset: i32) -> Instant {
        "2024-01-01".parse::<Instant>().expect("a date").plus_days(offset)
    }

    /// A customer with contracts of a year that end on the given days, and deals won on others.
    fn customer(ends: &[i32], won: &[i32]) -> CustomerHistory {
        let contract = |end: &i32| Contract {
            contract_id: format!("k{end}").into(),
            product_id: None,
            quantity: None,
            annual_value: None,
            start_date: day(end - 365),
            end_date: Some(day(*end)),
        };
        let deal = |on: &i32| Opportunity {
            opportunity_id: format!("o{on}").into(),
            product_id: None,
            other_products: Vec::new(),
            stage: Stage::Won,
            amount: None,
            created_at: day(on - 20),
            closed_at: Some(day(*on)),
            known_at: None,
            outcome_known_at: None,
        };
        CustomerHistory {
            contracts: ends.iter().map(contract).collect(),
            opportunities: won.iter().map(deal).collect(),
            ..CustomerHistory::new("c".into(), day(-365))
        }
    }

    fn source(customers: impl Iterator<Item = CustomerHistory>) -> SourceData {
        SourceData { customers: customers.collect(), ..SourceData::default() }
    }

    #[test]
    fn deals_won_at_the_end_of_nearly_every_contract_are_renewals() {
        // One in ten customers leaves; one in three expands at another time.
        let of = |n: i32| {
            let end = 100 + 7 * n;
            let renewed = (n % 10 > 0).then_some(end - 10);
            let expanded = (n % 3 == 0).then_some(end + 150);
            customer(&[end, end + 365], &renewed.into_iter().chain(expanded).collect::<Vec<i32>>())
        };
        let all = source((0..50).map(of).chain([customer(&[], &[0, 700])]));
        let found = renewals(&all, day(700)).expect("enough contracts ended");
        assert_eq!((found.ends, found.deals), (50 + 30, 45 + 17));
        assert!((found.ends_won - 45.0 / 80.0).abs() < 1e-12, "{found:?}");
        assert!((found.deals_near - 45.0 / 62.0).abs() < 1e-12, "{found:?}");
        assert!(found.near_by_chance > 60.0 / 700.0 && found.near_by_chance < 120.0 / 700.0 + 1e-9, "{found:?}");
        assert!(found.are_likely());
    }

    #[test]
    fn expansions_at_any_time_are_none() {
        let all = source((0..50).map(|n| customer(&[100 + 7 * n], &[20 + 13 * n])).chain([customer(&[], &[0, 700])]));
        let found = renewals(&all, day(700)).expect("enough contracts ended");
        assert!(!found.are_likely() && found.ends_won < 0.3, "{found:?}");
    }

    #[test]
    fn where_something_is_sold_or_ends_every_month_nearness_says_nothing() {
        let every_month: Vec<i32> = (0..24).map(|month| 30 * month).collect();
        let all = source((0..3).map(|_| customer(&every_month, &every_month)));
        let found = renewals(&all, day(690)).expect("enough contracts ended");
        assert!(found.ends_won > 0.9 && found.near_by_chance > 0.9 && !found.are_likely(), "{found:?}");
        let all = source((0..40).map(|n| customer(&[100 + n], &every_month)));
        let found = renewals(&all, day(690)).expect("enough contracts ended");
        assert!(found.ends_won > 0.9 && !found.are_likely(), "{found:?}");
    }

    #[test]
    fn few_ends_and_those_before_anybody_watched_deals_say_nothing() {
        assert_eq!(renewals(&source((0..29).map(|n| customer(&[300], &[n, 300, 400]))), day(700)), None);
        assert_eq!(renewals(&source((0..50).map(|_| customer(&[100], &[300, 400]))), day(700)), None);
        assert_eq!(renewals(&source((0..50).map(|_| customer(&[300], &[]))), day(700)), None);
    }
}

//! How new what is known is: until when deals were watched, and which tables have ended.

use std::collections::BTreeSet;

use expansion_domain::{CustomerHistory, Instant, SourceData, StaleTable, Table};

/// Pauses that ended within so many days before a table's newest fact tell its rhythm: a year.
const RHYTHM_DAYS: i32 = 365;

/// Until when outcomes are known: the end of the day of the newest deal of the source that was opened or closed by
/// `as_of`, or `as_of` if that is earlier; `None` without any.
///
/// Only deals tell: that usage goes on says nothing of whether somebody still exports deals, and time in which nobody did
/// would turn every customer into one who did not expand. Where deals are rare this costs the days since the newest one,
/// in which indeed nobody may have bought: cutoffs lie that much earlier, and runs are judged that much later.
///
/// What people recorded does not count: that one deal is known says nothing of all others at that time.
pub fn observed_until(source: &SourceData, as_of: Instant) -> Option<Instant> {
    let last = source.customers.iter().flat_map(deals).filter(|at| *at <= as_of).max();
    last.map(|last| last.end_of_day().min(as_of))
}

/// The tables of the source whose newest fact known at `as_of` is more than `stale_after` days old.
///
/// Products and customers have no date that says how new they are. Deals, contracts and people come when they come, so
/// they are stale only after a pause that is also longer than every one in the year before. A table of which nothing was
/// known by then has no newest fact.
pub fn stale_tables(source: &SourceData, as_of: Instant, stale_after: u16) -> Vec<StaleTable> {
    let stale = |table: &Table| {
        let newest = facts(source, *table).filter(|at| *at <= as_of).max()?;
        let is_stale = as_of.days_since(newest) > f64::from(stale_after)
            && (!is_irregular(*table) || as_of.days_since(newest) > longest_pause(source, *table, newest));
        is_stale.then(|| StaleTable { table: *table, newest, days: whole_days(as_of, newest) })
    };
    source.tables.iter().filter_map(stale).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a calendar's days, and newest is earlier")]
fn whole_days(as_of: Instant, newest: Instant) -> u32 {
    as_of.days_since(newest) as u32
}

/// Whether a table's facts come without any rhythm that an export would have.
const fn is_irregular(table: Table) -> bool {
    matches!(table, Table::ExpansionOpportunities | Table::Contracts | Table::Stakeholders)
}

/// The longest time in days between two facts of a table, of which the later lies in the year up to the newest.
fn longest_pause(source: &SourceData, table: Table, newest: Instant) -> f64 {
    let days: BTreeSet<Instant> = facts(source, table).filter(|at| *at <= newest).collect();
    let begin = newest.plus_days(-RHYTHM_DAYS);
    let pauses = days.iter().zip(days.iter().skip(1)).filter(|(_, later)| **later > begin);
    pauses.map(|(earlier, later)| later.days_since(*earlier)).fold(0.0, f64::max)
}

/// When the facts of a table became known.
fn facts(source: &SourceData, table: Table) -> Box<dyn Iterator<Item = Instant> + '_> {
    let all = source.customers.iter();
    match table {
        Table::Customers | Table::Products => Box::new(std::iter::empty()),
        Table::Contracts => Box::new(all.flat_map(|c| c.contracts.iter().map(|contract| contract.start_date))),
        Table::UsageMetrics => Box::new(
            all.flat_map(|c| c.usage.iter().flat_map(|series| series.readings.iter().map(|reading| reading.at))),
        ),
        Table::HealthScoreHistory => Box::new(all.flat_map(|c| c.health.iter().map(|reading| reading.at))),
        Table::ExpansionOpportunities => Box::new(all.flat_map(deals)),
        Table::ExpansionSignals => Box::new(all.flat_map(|c| c.signals.iter().map(|signal| signal.detected_at))),
        Table::Stakeholders => Box::new(all.flat_map(|c| c.stakeholders.iter().map(|person| person.recorded_at))),
        Table::Engagements => Box::new(all.flat_map(|c| c.engagements.iter().map(|engagement| engagement.occurred_at))),
    }
}

/// When the source's deals with a customer were opened and closed.
fn deals(history: &CustomerHistory) -> impl Iterator<Item = Instant> + '_ {
    let opened = history.opportunities.iter().filter(|o| o.known_at.is_none()).map(|o| o.created_at);
    let closed = history.opportunities.iter().filter(|o| o.outcome_known_at.is_none()).filter_map(|o| o.closed_at);
    opened.chain(closed)
}

#[cfg(test)]
mod tests {
    use expansion_domain::{Contract, Opportunity, Reading, Stage, UsageSeries};

    use super::*;

    fn day(offset: i32) -> Instant {
        "2026-01-01".parse::<Instant>().expect("a date").plus_days(offset)
    }

    /// One customer with usage and a deal opened on each of the given days.
    fn source(usage: &[i32], deals: &[i32]) -> SourceData {
        let readings = usage.iter().map(|at| Reading { at: day(*at), value: 1.0 }).collect();
        let deal = |at: &i32| Opportunity {
            opportunity_id: format!("o{at}").into(),
            product_id: None,
            other_products: Vec::new(),
            stage: Stage::Open,
            amount: None,
            created_at: day(*at),
            closed_at: None,
            known_at: None,
            outcome_known_at: None,
        };
        let history = CustomerHistory {
            usage: vec![UsageSeries { metric: "logins".into(), readings }],
            opportunities: deals.iter().map(deal).collect(),
            ..CustomerHistory::new("c".into(), day(0))
        };
        SourceData { customers: vec![history], tables: Table::ALL.to_vec(), ..SourceData::default() }
    }

    fn stale(source: &SourceData, as_of: i32) -> Vec<(Table, u32)> {
        stale_tables(source, day(as_of), 14).into_iter().map(|stale| (stale.table, stale.days)).collect()
    }

    #[test]
    fn a_table_is_stale_once_its_newest_fact_is_older_than_allowed() {
        let source = source(&[0, 7, 14], &[]);
        assert_eq!(stale(&source, 28), [], "14 days are allowed");
        assert_eq!(stale(&source, 164), [(Table::UsageMetrics, 150)]);
        assert_eq!(stale(&source, 10), [], "what is not known yet does not count");
        assert_eq!(stale_tables(&source, day(164), 150), []);
    }

    #[test]
    fn deals_are_stale_after_a_pause_longer_than_any_in_the_year_before() {
        // The first pause, of 400 days, ended more than a year before the newest deal; the longest since is of 60 days.
        let source = source(&[], &[0, 400, 460, 520, 560, 600, 640, 680, 720, 780]);
        assert_eq!(stale(&source, 840), []);
        assert_eq!(stale(&source, 841), [(Table::ExpansionOpportunities, 61)]);
        let one = self::source(&[], &[0]);
        assert_eq!(
            stale(&one, 15),
            [(Table::ExpansionOpportunities, 15)],
            "without a pause before it, as other tables"
        );
    }

    #[test]
    fn contracts_of_every_new_year_are_not_stale_before_the_next() {
        let mut source = source(&[], &[]);
        source.customers[0].contracts = [0, 365, 730]
            .map(|start| Contract {
                contract_id: "k".into(),
                product_id: None,
                quantity: None,
                annual_value: None,
                start_date: day(start),
                end_date: None,
            })
            .to_vec();
        assert_eq!(stale(&source, 1095), []);
        assert_eq!(stale(&source, 1096), [(Table::Contracts, 366)]);
    }

    #[test]
    fn outcomes_are_known_until_the_end_of_the_newest_deals_day() {
        let source = source(&[0, 500], &[100, 310]);
        assert_eq!(observed_until(&source, day(500)), Some(day(310).end_of_day()));
        assert_eq!(observed_until(&source, day(310)), Some(day(310)), "never later than what is asked for");
        assert_eq!(observed_until(&source, day(200)), Some(day(100).end_of_day()));
        assert_eq!(observed_until(&source, day(99)), None);
    }
}

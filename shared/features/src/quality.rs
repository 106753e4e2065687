//! What a source looks like as a whole: what each table holds, and what is odd about it.
//!
//! A single bad row is counted where it is read. Here whole columns and tables are looked at, because a column that is
//! read wrongly is wrong in every row.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use expansion_domain::{
    ColumnReport, CustomerHistory, DataConcern, DataFinding, DataGrade, DataReport, Date, Id, Instant, SourceData,
    Stage, Table, TableReport, UsageSeries, WordReport, count, share,
};

use crate::renewals::{Renewals, renewals};
use crate::{Catalogue, Inputs, Slots, Value, feature, label, observed_until, stale_tables};

/// Fewer rows than this may all be alike by chance.
const LEAST_ROWS: usize = 20;
/// A day that so large a share of rows has is said.
const MOST_ON_A_DAY: f64 = 0.5;
/// A table that knows a smaller share of the customers is said.
const LEAST_CUSTOMERS: f64 = 0.05;
/// All of a table's facts may be of one day only so many days before `as_of`: it has just begun.
const JUST_BEGUN_DAYS: f64 = 31.0;
/// A deal that has been open for so many days would have closed.
const OLD_DEAL_DAYS: f64 = 180.0;
/// A metric that begins so many days after the others is said.
const LATE_BEGIN_DAYS: f64 = 90.0;
/// A metric that ends so many days before the others is said.
const EARLY_END_DAYS: f64 = 14.0;
/// Seats in use to seats bought, in the median: outside, another unit is likely.
const USUAL_SEATS: RangeInclusive<f64> = 0.05..=3.0;
/// The share of customers who expand within a quarter: outside, something else may be counted.
const USUAL_RATE: RangeInclusive<f64> = 0.002..=0.5;
/// The quarter, in days.
const QUARTER: u16 = 90;
/// The commonest words of a column that are shown.
const MOST_WORDS: usize = 30;
/// More distinct words than this are names, not words.
const MOST_DISTINCT: usize = 1000;

/// What a source looks like at `as_of`, as far as its facts tell; what only its files can tell is left to whoever read them.
pub fn data_report(source: &SourceData, as_of: Instant, stale_after: u16) -> DataReport {
    let mut findings = Vec::new();
    let mut find = |(grade, concern)| findings.push(DataFinding { grade, concern });
    no_won_deal(source, as_of).map(|concern| (DataGrade::Wrong, concern)).into_iter().for_each(&mut find);
    let tallies: Vec<(Table, TableTally<'_>)> =
        source.tables.iter().map(|table| (*table, tally(source, *table))).collect();
    for (table, tally) in &tallies {
        tally.columns.iter().filter_map(|column| column.alike(*table, tally, as_of)).for_each(&mut find);
    }
    let few = tallies.iter().filter_map(|(table, tally)| few_customers(*table, tally, source.customers.len()));
    let renewals = renewals(source, as_of).filter(Renewals::are_likely).map(|found| DataConcern::Renewals {
        ends: found.ends,
        ends_won: found.ends_won,
        deals_near: found.deals_near,
        near_by_chance: found.near_by_chance,
    });
    let of_deals = base_rate(source, as_of).into_iter().chain(renewals);
    let others = metrics(source, as_of).into_iter().chain(seat_units(source, as_of)).chain(of_deals);
    few.chain(others).map(|concern| (DataGrade::Warned, concern)).for_each(&mut find);
    let tables = tallies.into_iter().map(|(table, tally)| tally.report(table)).collect();
    DataReport::new(findings, stale_tables(source, as_of, stale_after), tables)
}

/// A table of customers' facts that knows few of them.
fn few_customers(table: Table, tally: &TableTally<'_>, of: usize) -> Option<DataConcern> {
    let is_of_customers = !matches!(table, Table::Customers | Table::Products | Table::ExpansionOpportunities);
    let customers = tally.customers;
    (is_of_customers && tally.facts >= LEAST_ROWS && share(customers, of) < LEAST_CUSTOMERS)
        .then_some(DataConcern::FewCustomers { table, customers, of })
}

/// Deals close and none is won.
fn no_won_deal(source: &SourceData, as_of: Instant) -> Option<DataConcern> {
    let deals = || source.customers.iter().flat_map(|customer| &customer.opportunities);
    let of = |stage| deals().filter(|deal| deal.stage == stage).count();
    let old = deals().filter(|deal| deal.stage == Stage::Open && as_of.days_since(deal.created_at) > OLD_DEAL_DAYS);
    let (lost, old) = (of(Stage::Lost), old.count());
    (of(Stage::Won) == 0 && lost + old >= LEAST_ROWS).then(|| DataConcern::NoWonDeal { lost, open: of(Stage::Open) })
}

/// The metrics that end or begin for everybody while others go on.
fn metrics(source: &SourceData, as_of: Instant) -> Vec<DataConcern> {
    struct Span {
        first: Instant,
        last: Instant,
        customers: usize,
    }
    let mut spans: BTreeMap<&Id, Span> = BTreeMap::new();
    for UsageSeries { metric, readings } in source.customers.iter().flat_map(|customer| &customer.usage) {
        let (Some(first), Some(last)) = (readings.first(), readings.iter().rev().find(|reading| reading.at <= as_of))
        else {
            continue;
        };
        let span = spans.entry(metric).or_insert(Span { first: first.at, last: last.at, customers: 0 });
        span.first = span.first.min(first.at);
        span.last = span.last.max(last.at);
        span.customers += 1;
    }
    let Some((first, last)) =
        spans.values().map(|span| (span.first, span.last)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    else {
        return Vec::new();
    };
    let of = source.customers.len();
    let mut concerns = Vec::new();
    for (metric, span) in spans {
        let Span { customers, .. } = span;
        if customers < LEAST_ROWS || share(customers, of) < LEAST_CUSTOMERS {
            continue;
        }
        if last.days_since(span.last) > EARLY_END_DAYS {
            concerns.push(DataConcern::MetricEnded { metric: metric.clone(), last: span.last.date(), customers });
        }
        if span.first.days_since(first) > LATE_BEGIN_DAYS {
            concerns.push(DataConcern::MetricBegan { metric: metric.clone(), first: span.first.date(), customers });
        }
    }
    concerns
}

/// Seats in use and seats bought that cannot be the same unit.
fn seat_units(source: &SourceData, as_of: Instant) -> Option<DataConcern> {
    let (_, utilisation) = feature("seat_utilisation")?;
    let (catalogue, slots) = (Catalogue::new(&source.products), Slots::of(source, as_of));
    let known = source.customers.iter().filter_map(|customer| customer.known(as_of));
    let mut ratios: Vec<f64> = known
        .filter_map(|known| {
            match utilisation.value(&Inputs { known, catalogue: &catalogue, tables: &source.tables, slots: &slots }) {
                Value::Number(ratio) => Some(ratio),
                _ => None,
            }
        })
        .collect();
    if ratios.len() < LEAST_ROWS {
        return None;
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    (!USUAL_SEATS.contains(&ratio)).then_some(DataConcern::SeatUnits { ratio })
}

/// Expansions that are too frequent, or too rare, over the last four quarters of which deals are known.
fn base_rate(source: &SourceData, as_of: Instant) -> Option<DataConcern> {
    let end = observed_until(source, as_of)?;
    let (mut rows, mut expanded) = (0, 0);
    for quarter in 1..=4 {
        let cutoff = end.plus_days(-quarter * i32::from(QUARTER));
        for customer in source.customers.iter().filter(|customer| customer.known(cutoff).is_some()) {
            rows += 1;
            expanded += usize::from(label(customer, cutoff, QUARTER).expanded);
        }
    }
    let rate = share(expanded, rows);
    (rows >= 5 * LEAST_ROWS && expanded > 0 && !USUAL_RATE.contains(&rate)).then_some(DataConcern::BaseRate { rate })
}

/// A value as far as it matters here.
#[derive(Clone, Copy, PartialEq)]
enum Seen<'a> {
    Missing,
    Text(&'a str),
    /// One of few words: a stage, kind, role or metric.
    Word(&'a str),
    Number(f64),
    /// When a fact was true.
    Time(Instant),
    /// Another time.
    Day(Instant),
}

impl Seen<'_> {
    fn written(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) | Self::Word(text) => text.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Time(at) | Self::Day(at) => at.date().to_string(),
        }
    }

    fn day(self) -> Option<Date> {
        match self {
            Self::Time(at) | Self::Day(at) => Some(at.date()),
            _ => None,
        }
    }
}

/// What the values of a column look like.
struct ColumnTally<'a> {
    name: &'static str,
    filled: usize,
    /// The first value.
    first: Seen<'a>,
    /// Whether another one was seen.
    varies: bool,
    /// How often each day was seen; not counted for readings, of which there are too many.
    days: BTreeMap<Date, usize>,
    words: BTreeMap<&'a str, usize>,
}

/// What the facts of a table look like.
struct TableTally<'a> {
    facts: usize,
    customers: usize,
    span: Option<(Instant, Instant)>,
    /// Whether days are counted.
    counts_days: bool,
    columns: Vec<ColumnTally<'a>>,
}

impl<'a> TableTally<'a> {
    fn fact<const N: usize>(&mut self, cells: [(&'static str, Seen<'a>); N]) {
        if self.columns.is_empty() {
            let blank = |(name, _): &(&'static str, Seen<'a>)| ColumnTally {
                name,
                filled: 0,
                first: Seen::Missing,
                varies: false,
                days: BTreeMap::new(),
                words: BTreeMap::new(),
            };
            self.columns = cells.iter().map(blank).collect();
        }
        self.facts += 1;
        for (column, (_, seen)) in self.columns.iter_mut().zip(cells) {
            column.add(seen, self.counts_days);
            if let Seen::Time(at) = seen {
                let (first, last) = self.span.unwrap_or((at, at));
                self.span = Some((first.min(at), last.max(at)));
            }
        }
    }

    fn report(self, table: Table) -> TableReport {
        let facts = self.facts;
        TableReport {
            table,
            files: 0,
            rows: 0,
            facts,
            customers: self.customers,
            first: self.span.map(|span| span.0),
            last: self.span.map(|span| span.1),
            columns: self.columns.into_iter().map(|column| column.report(facts)).collect(),
            issues: Vec::new(),
        }
    }
}

impl<'a> ColumnTally<'a> {
    fn add(&mut self, seen: Seen<'a>, counts_days: bool) {
        if seen == Seen::Missing {
            return;
        }
        self.filled += 1;
        if self.first == Seen::Missing {
            self.first = seen;
        }
        self.varies |= match (seen.day(), self.first.day()) {
            (Some(day), Some(first)) => day != first,
            _ => seen != self.first,
        };
        if let (true, Some(day)) = (counts_days, seen.day()) {
            *self.days.entry(day).or_default() += 1;
        }
        if let Seen::Word(word) = seen
            && (self.words.len() < MOST_DISTINCT || self.words.contains_key(word))
        {
            *self.words.entry(word).or_default() += 1;
        }
    }

    fn constant(&self) -> Option<String> {
        (self.filled > 0 && !self.varies).then(|| self.first.written())
    }

    /// What is odd about values that are all, or mostly, alike.
    fn alike(&self, table: Table, tally: &TableTally<'_>, as_of: Instant) -> Option<(DataGrade, DataConcern)> {
        if self.filled < LEAST_ROWS {
            return None;
        }
        let column = self.name.to_owned();
        let same_day = |day, share| DataConcern::SameDay { table, column: column.clone(), day, share };
        match self.first {
            Seen::Time(first) | Seen::Day(first) if !self.varies => {
                // Many systems give all that was brought into them the day on which it was. Events have days of their own.
                let is_event = matches!(self.name, "recorded_at" | "closed_at" | "detected_at" | "occurred_at")
                    && table != Table::Stakeholders;
                let has_just_begun = !table.required() && as_of.days_since(first) <= JUST_BEGUN_DAYS;
                let grade = if is_event && !has_just_begun { DataGrade::Wrong } else { DataGrade::Warned };
                Some((grade, same_day(first.date(), 1.0)))
            }
            Seen::Time(_) | Seen::Day(_) => {
                let (day, rows) = self.days.iter().max_by_key(|(day, rows)| (**rows, std::cmp::Reverse(**day)))?;
                let on_day = share(*rows, self.filled);
                (on_day > MOST_ON_A_DAY).then(|| (DataGrade::Warned, same_day(*day, on_day)))
            }
            Seen::Number(_) if !self.varies => {
                let value = self.first.written();
                let concern = DataConcern::Constant { table, column, value, rows: tally.facts };
                (self.filled == tally.facts).then_some((DataGrade::Warned, concern))
            }
            _ => None,
        }
    }

    fn report(self, facts: usize) -> ColumnReport {
        let constant = self.constant();
        let mut words: Vec<(&str, usize)> = self.words.into_iter().collect();
        words.sort_by_key(|(word, rows)| (std::cmp::Reverse(*rows), *word));
        words.truncate(MOST_WORDS);
        let word =
            |(word, rows): (&str, usize)| WordReport { word: word.to_owned(), taken_for: None, rows: rows as u64 };
        ColumnReport {
            column: self.name.to_owned(),
            filled: if facts == 0 { 0.0 } else { count(self.filled) / count(facts) },
            constant,
            words: words.into_iter().map(word).collect(),
        }
    }
}

/// Looks at every fact of a table.
fn tally(source: &SourceData, table: Table) -> TableTally<'_> {
    let counts_days = !matches!(table, Table::UsageMetrics | Table::HealthScoreHistory);
    let mut tally = TableTally { facts: 0, customers: 0, span: None, counts_days, columns: Vec::new() };
    if table == Table::Products {
        for product in &source.products {
            let list_price = number(product.list_price);
            tally.fact([
                ("name", text(product.name.as_ref())),
                ("kind", word(product.kind.as_ref())),
                ("unit", text(product.unit.as_ref())),
                ("list_price", list_price),
            ]);
        }
        tally.customers = tally.facts;
        return tally;
    }
    for customer in &source.customers {
        let before = tally.facts;
        of_customer(&mut tally, customer, table);
        tally.customers += usize::from(tally.facts > before);
    }
    tally
}

fn of_customer<'a>(tally: &mut TableTally<'a>, customer: &'a CustomerHistory, table: Table) {
    match table {
        Table::Products => {}
        Table::Customers => tally.fact([
            ("name", text(customer.name.as_ref())),
            ("segment", text(customer.segment.as_ref())),
            ("industry", text(customer.industry.as_ref())),
            ("region", text(customer.region.as_ref())),
            ("csm_id", text(customer.csm_id.as_ref())),
            ("created_at", Seen::Day(customer.created_at)),
            ("churned_at", day(customer.churned_at)),
        ]),
        Table::Contracts => {
            for contract in &customer.contracts {
                tally.fact([
                    ("product_id", text(contract.product_id.as_ref())),
                    ("quantity", number(contract.quantity)),
                    ("annual_value", number(contract.annual_value)),
                    ("start_date", Seen::Day(contract.start_date)),
                    ("end_date", day(contract.end_date)),
                ]);
            }
        }
        Table::UsageMetrics => {
            for series in &customer.usage {
                for reading in &series.readings {
                    tally.fact([
                        ("recorded_at", Seen::Time(reading.at)),
                        ("metric", Seen::Word(&series.metric)),
                        ("value", Seen::Number(reading.value)),
                    ]);
                }
            }
        }
        Table::HealthScoreHistory => {
            for reading in &customer.health {
                tally.fact([("recorded_at", Seen::Time(reading.at)), ("score", Seen::Number(reading.value))]);
            }
        }
        Table::ExpansionOpportunities => {
            for deal in &customer.opportunities {
                let stage = match deal.stage {
                    Stage::Won => "won",
                    Stage::Lost => "lost",
                    Stage::Open => "open",
                };
                tally.fact([
                    ("product_id", text(deal.product_id.as_ref())),
                    ("stage", Seen::Word(stage)),
                    ("amount", number(deal.amount)),
                    ("created_at", Seen::Time(deal.created_at)),
                    ("closed_at", day(deal.closed_at)),
                ]);
            }
        }
        Table::ExpansionSignals => {
            for signal in &customer.signals {
                tally.fact([
                    ("detected_at", Seen::Time(signal.detected_at)),
                    ("kind", Seen::Word(&signal.kind)),
                    ("summary", text(signal.summary.as_ref())),
                ]);
            }
        }
        Table::Stakeholders => {
            for person in &customer.stakeholders {
                tally.fact([
                    ("name", text(person.name.as_ref())),
                    ("title", text(person.title.as_ref())),
                    ("role", word(person.role.as_ref())),
                    ("recorded_at", Seen::Time(person.recorded_at)),
                ]);
            }
        }
        Table::Engagements => {
            for engagement in &customer.engagements {
                tally.fact([
                    ("occurred_at", Seen::Time(engagement.occurred_at)),
                    ("kind", word(engagement.kind.as_ref())),
                    ("with_executive", engagement.with_executive.map_or(Seen::Missing, |with| Seen::Word(flag(with)))),
                    ("stakeholder_id", text(engagement.stakeholder_id.as_ref())),
                ]);
            }
        }
    }
}

const fn flag(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn text(id: Option<&Id>) -> Seen<'_> {
    id.map_or(Seen::Missing, |id| Seen::Text(id))
}

fn word(id: Option<&Id>) -> Seen<'_> {
    id.map_or(Seen::Missing, |id| Seen::Word(id))
}

fn number(number: Option<f64>) -> Seen<'static> {
    number.map_or(Seen::Missing, Seen::Number)
}

fn day(at: Option<Instant>) -> Seen<'static> {
    at.map_or(Seen::Missing, Seen::Day)
}

#[cfg(test)]
mod tests;

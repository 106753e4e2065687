//! The nine tables: their columns, and how a row of each becomes a fact.

use std::borrow::Cow;
use std::sync::Arc;

use expansion_domain::{
    Contract, CustomerHistory, Engagement, Id, Instant, Opportunity, Product, Reading, Signal, Stage, Stakeholder,
    Table,
};
use foldhash::HashSet;

use crate::cells::{Cell, Field, Row};
use crate::issues::{Reason, Rejection};
use crate::times::Moment;
use crate::words::{DealKind, StageKind, Vocabulary, deal_kind, stage_kind};

/// A column of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Whether every file must have it.
    pub(crate) required: bool,
    /// What other systems call it, the first ones first.
    pub(crate) aliases: &'static [&'static str],
}

/// When a row was last changed: by whoever edits it, or else by whatever loads it.
const UPDATED: &[&str] = &[
    "updatedat",
    "updated_on",
    "updated",
    "last_updated",
    "last_updated_at",
    "systemmodstamp",
    "system_modstamp",
    "lastmodifieddate",
    "last_modified_date",
    "last_modified",
    "lastmodified",
    "modified_at",
    "modifiedon",
    "modified_on",
    "hs_lastmodifieddate",
    "write_date",
    "update_time",
    "_ab_cdc_updated_at",
    "_fivetran_synced",
    "_fivetran_start",
    "dbt_valid_from",
    "_airbyte_extracted_at",
    "_airbyte_emitted_at",
    "_sdc_extracted_at",
    "_sdc_received_at",
    "_sdc_batched_at",
    "_dlt_load_id",
];
/// Whether a row was deleted where it comes from.
const DELETED: &[&str] =
    &["isdeleted", "deleted", "archived", "is_archived", "_fivetran_deleted", "__deleted", "_deleted", "_is_deleted"];
/// When it was.
const DELETED_AT: &[&str] =
    &["deletedat", "deleted_on", "date_deleted", "deleted_date", "_sdc_deleted_at", "_ab_cdc_deleted_at"];

/// Makes [`columns`] of a list; a file need not have the columns with a `?`, and other names follow in brackets.
macro_rules! tables {
    ($($table:ident: $($($required:ident)? $(? $optional:ident)? $([$aliases:expr])?),+;)+) => {
        /// The columns of a table, in the order in which its parse function takes them.
        pub(crate) const fn columns(table: Table) -> &'static [Column] {
            match table {
                $(Table::$table => &[$(
                    Column {
                        $(name: stringify!($required), required: true,)?
                        $(name: stringify!($optional), required: false,)?
                        aliases: tables!(@aliases $($aliases)?),
                    }
                ),+],)+
            }
        }
    };
    (@aliases) => { &[] };
    (@aliases $aliases:expr) => { $aliases };
}

tables! {
    Customers: customer_id, ?name, ?segment, ?industry, ?region, ?csm_id, created_at, ?churned_at,
        ?updated_at [UPDATED], ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    Products: product_id, ?name, ?kind, ?unit, ?list_price,
        ?updated_at [UPDATED], ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    Contracts: contract_id, customer_id, ?product_id, ?quantity, ?annual_value, start_date, ?end_date,
        ?currency [CURRENCY], ?updated_at [UPDATED], ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    UsageMetrics: customer_id, recorded_at, metric, value, ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    HealthScoreHistory: customer_id, recorded_at, score, ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    ExpansionOpportunities: opportunity_id, customer_id, ?product_id, stage, ?amount, created_at, ?closed_at,
        ?deal_type [&["dealtype", "opportunity_type", "opportunitytype", "type"]], ?currency [CURRENCY],
        ?is_won [&["iswon", "hs_is_closed_won"]], ?is_closed [&["isclosed", "hs_is_closed"]],
        ?updated_at [UPDATED], ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    ExpansionSignals: customer_id, detected_at, kind, ?summary, ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    Stakeholders: stakeholder_id, customer_id, ?name, ?title, ?role, recorded_at,
        ?updated_at [UPDATED], ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
    Engagements: customer_id, occurred_at, ?kind, ?with_executive, ?stakeholder_id,
        ?is_deleted [DELETED], ?deleted_at [DELETED_AT];
}

/// The currency of a row's amount.
const CURRENCY: &[&str] = &["currencyisocode", "currency_iso_code", "currency_code", "deal_currency_code"];

/// The position of the column that says whose fact a row is; `None` for the two tables of no one's facts.
pub(crate) const fn owner_column(table: Table) -> Option<usize> {
    match table {
        Table::Customers | Table::Products => None,
        Table::Contracts | Table::ExpansionOpportunities | Table::Stakeholders => Some(1),
        Table::UsageMetrics | Table::HealthScoreHistory | Table::ExpansionSignals | Table::Engagements => Some(0),
    }
}

/// The place of a column in a row of its table.
pub(crate) fn place_of(table: Table, name: &str) -> Option<usize> {
    columns(table).iter().position(|column| column.name == name)
}

/// Keeps one copy of each text that many rows repeat.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    seen: HashSet<Id>,
}

impl Strings {
    /// The shared copy of a text.
    pub(crate) fn share(&mut self, text: &str) -> Id {
        if let Some(shared) = self.seen.get(text) {
            return Arc::clone(shared);
        }
        let shared: Id = text.into();
        self.seen.insert(Arc::clone(&shared));
        shared
    }

    fn text(&mut self, field: &Field<'_>) -> Result<Option<Id>, Rejection> {
        Ok(field.text()?.map(|text| self.share(&text)))
    }

    fn word(&mut self, field: &Field<'_>) -> Result<Option<Id>, Rejection> {
        Ok(field.word()?.map(|word| self.share(&word)))
    }

    /// A currency's code, in capitals.
    fn currency(&mut self, field: &Field<'_>) -> Result<Option<Id>, Rejection> {
        Ok(field.text()?.map(|code| self.share(&code.to_uppercase())))
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.seen.contains(text)
    }

    /// Every text that was shared.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Id> {
        self.seen.iter()
    }
}

/// A text that is hardly ever repeated, such as a row's own id.
fn own(field: &Field<'_>) -> Result<Option<Id>, Rejection> {
    Ok(field.text()?.map(Into::into))
}

/// What is said of rows that are kept although something in them is odd.
pub(crate) type Notes = Vec<Rejection>;

/// A time before 1971 or from 2100 on was hardly meant: it is a year mistyped, or a zero that stands for nothing.
const MEANT_MICROS: std::ops::Range<i64> = 31_536_000_000_000..4_102_444_800_000_000;

/// Whether a date is one that somebody may have meant.
pub(crate) fn is_meant(at: Instant) -> bool {
    MEANT_MICROS.contains(&at.micros())
}

/// A time that must be there, with a note if nobody can have meant it.
fn time(field: &Field<'_>, notes: &mut Notes) -> Result<Instant, Rejection> {
    moment(field, notes).map(|moment| moment.at)
}

/// The same, with whether it is a whole day.
fn moment(field: &Field<'_>, notes: &mut Notes) -> Result<Moment, Rejection> {
    let moment = field.require(Field::moment)?;
    if !is_meant(moment.at) {
        notes.push(field.reject(Reason::ImplausibleDate));
    }
    Ok(moment)
}

/// How new a row is among those of its id. One that can't be read makes a bad row: the order of the rows would decide.
fn version(updated_at: &Field<'_>) -> Result<Option<i64>, Rejection> {
    let micros = |number: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "only the order counts")]
        let micros = (number * 1e6) as i64;
        micros
    };
    match (updated_at.instant(), updated_at.number()) {
        (Ok(at), _) => Ok(at.map(Instant::micros)),
        // Some loaders write seconds since 1970.
        (Err(_), Ok(number)) => Ok(number.map(micros)),
        (Err(unreadable), Err(_)) => Err(unreadable),
    }
}

/// Whether a row was deleted: by a flag, or by a time at which it was. What says neither makes the row a bad one: taken for
/// no, it would let deleted rows count in silence.
pub(crate) fn is_deleted(flag: &Field<'_>, at: &Field<'_>) -> Result<bool, Rejection> {
    Ok(says_deleted(flag)? || says_deleted(at)?)
}

fn says_deleted(field: &Field<'_>) -> Result<bool, Rejection> {
    match field.cell {
        Cell::Missing => Ok(false),
        Cell::Bool(flag) => Ok(flag),
        _ => match (field.flag(), field.instant(), field.number()) {
            (Ok(flag), ..) => Ok(flag.unwrap_or_default()),
            // Zeros and the end of the calendar stand for never.
            (Err(_), Ok(at), _) => Ok(at.is_some_and(is_meant)),
            (Err(_), Err(_), Ok(number)) => Ok(number.is_some_and(|number| number > 1.0)),
            (Err(unreadable), Err(_), Err(_)) => Err(unreadable),
        },
    }
}

/// What a row with an id says, and which of the rows of that id it is.
pub(crate) struct Identified<T> {
    pub(crate) fact: T,
    pub(crate) updated_at: Option<i64>,
    pub(crate) is_deleted: bool,
}

impl<T> Identified<T> {
    fn new(fact: T, [updated_at, deleted, deleted_at]: [&Field<'_>; 3]) -> Result<Self, Rejection> {
        Ok(Self { fact, updated_at: version(updated_at)?, is_deleted: is_deleted(deleted, deleted_at)? })
    }
}

pub(crate) fn customer(
    row: &Row<'_>,
    strings: &mut Strings,
    notes: &mut Notes,
) -> Result<Identified<CustomerHistory>, Rejection> {
    let [customer_id, name, segment, industry, region, csm_id, created, churned, updated, deleted, deleted_at, ..] =
        row;
    let begun = moment(created, notes)?;
    let mut created_at = begun.at;
    let end = churned.end()?;
    if let Some(end) = end.filter(|end| end.is_before(begun)) {
        notes.push(churned.reject(Reason::ChurnedBeforeCreated));
        created_at = end.at;
    }
    let churned_at = end.map(|end| end.at.max(created_at));
    let history = CustomerHistory {
        name: own(name)?,
        segment: strings.text(segment)?,
        industry: strings.text(industry)?,
        region: strings.text(region)?,
        csm_id: strings.text(csm_id)?,
        churned_at,
        ..CustomerHistory::new(customer_id.require(own)?, created_at)
    };
    Identified::new(history, [updated, deleted, deleted_at])
}

pub(crate) fn product(row: &Row<'_>, strings: &mut Strings) -> Result<Identified<Product>, Rejection> {
    let [product_id, name, kind, unit, list_price, updated, deleted, deleted_at, ..] = row;
    let product = Product {
        product_id: product_id.require(|field| strings.text(field))?,
        name: own(name)?,
        kind: strings.word(kind)?,
        unit: strings.text(unit)?,
        list_price: list_price.amount()?,
    };
    Identified::new(product, [updated, deleted, deleted_at])
}

/// A contract with the currency of its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ContractRow {
    pub(crate) contract: Contract,
    pub(crate) currency: Option<Id>,
}

pub(crate) fn contract(
    row: &Row<'_>,
    strings: &mut Strings,
    notes: &mut Notes,
) -> Result<Identified<ContractRow>, Rejection> {
    let [contract_id, _, product_id, quantity, annual_value, start, end, currency, updated, deleted, deleted_at, ..] =
        row;
    let begun = moment(start, notes)?;
    let ended = end.unless(end.end()?, |end| end.is_before(begun), Reason::EndBeforeStart)?;
    let start_date = begun.at;
    // An end is a day; some systems write its last second.
    let end_date = ended.map(|ended| start_of_day(ended.at));
    let contract = Contract {
        contract_id: contract_id.require(own)?,
        product_id: strings.text(product_id)?,
        quantity: units(quantity, notes)?,
        annual_value: annual_value.amount()?,
        start_date,
        end_date,
    };
    let currency = strings.currency(currency)?;
    Identified::new(ContractRow { contract, currency }, [updated, deleted, deleted_at])
}

fn start_of_day(at: Instant) -> Instant {
    Instant::from_date(at.date()).unwrap_or(at)
}

/// Largest numbers of some types, which stand for no limit.
const NO_LIMIT: [f64; 4] = [2_147_483_647.0, 4_294_967_295.0, 9_007_199_254_740_991.0, 9_223_372_036_854_775_807.0];
const NO_LIMIT_WORDS: [&str; 6] = ["unlimited", "infinite", "infinity", "inf", "∞", "no limit"];

/// A number of units; infinite where it is written as having no limit: as -1, as many nines, or in words.
fn units(quantity: &Field<'_>, notes: &mut Notes) -> Result<Option<f64>, Rejection> {
    let is_no_limit = |number: f64| {
        #[expect(clippy::float_cmp, reason = "these very numbers")]
        let is_written = number == -1.0 || NO_LIMIT.contains(&number) || is_nines(number);
        is_written
    };
    let no_limit = match quantity.number() {
        Ok(Some(number)) => is_no_limit(number),
        Ok(None) => false,
        Err(_) => quantity.word()?.is_some_and(|word| NO_LIMIT_WORDS.contains(&&*word)),
    };
    if no_limit {
        notes.push(quantity.reject(Reason::Unlimited));
        return Ok(Some(f64::INFINITY));
    }
    quantity.amount()
}

/// Whether a number is written with five or more nines alone.
fn is_nines(number: f64) -> bool {
    let written = (5..=15).map(|digits| 10_f64.powi(digits) - 1.0);
    written.into_iter().any(|nines| (number - nines).abs() < 0.5)
}

/// A row of `usage_metrics`: the metric's name, which is not copied because millions of rows repeat it, and the reading.
pub(crate) fn usage<'a>(row: &Row<'a>, notes: &mut Notes) -> Result<(Cow<'a, str>, Reading), Rejection> {
    let [_, recorded_at, metric, value, ..] = row;
    let reading = Reading { at: time(recorded_at, notes)?, value: value.require(Field::amount)? };
    Ok((metric.require(Field::word)?, reading))
}

/// A health score; `full` is what one in full is in the file, where that is known.
pub(crate) fn health(row: &Row<'_>, full: Option<f64>, notes: &mut Notes) -> Result<Reading, Rejection> {
    let [_, recorded_at, score, ..] = row;
    let at = time(recorded_at, notes)?;
    let value = match full {
        None => score.require(Field::score)?,
        Some(full) => {
            let scaled = score.number()?.map(|score| score / full * 100.0);
            let scaled = score.unless(scaled, |scaled| !(0.0..=100.0).contains(&scaled), Reason::ScoreOutOfRange)?;
            score.require(|_| Ok(scaled))?
        }
    };
    Ok(Reading { at, value })
}

/// A deal with what decides whether it is an expansion, and whether its amount can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DealRow {
    pub(crate) deal: Opportunity,
    pub(crate) kind: DealKind,
    /// The type as written.
    pub(crate) deal_type: Option<Id>,
    pub(crate) currency: Option<Id>,
    /// When a deal of an unknown stage was to be closed, and the stage.
    pub(crate) unknown: Option<(Instant, Id)>,
}

/// The words seen in the deals' columns.
#[derive(Debug)]
pub(crate) struct DealWords {
    pub(crate) stages: Vocabulary<StageKind>,
    pub(crate) types: Vocabulary<DealKind>,
}

impl Default for DealWords {
    fn default() -> Self {
        Self { stages: Vocabulary::new(stage_kind), types: Vocabulary::new(deal_kind) }
    }
}

pub(crate) fn opportunity(
    row: &Row<'_>,
    strings: &mut Strings,
    words: &mut DealWords,
    notes: &mut Notes,
) -> Result<Identified<DealRow>, Rejection> {
    let [opportunity_id, _, product_id, stage, amount, created, closed, rest @ ..] = row;
    let [deal_type, currency, is_won, is_closed, updated, deleted, deleted_at, ..] = rest;
    let begun = moment(created, notes)?;
    let mut created_at = begun.at;
    let word = stage.require(Field::word)?;
    let stage_kind = flagged(is_won, is_closed, words.stages.kind(&word))?;
    words.stages.count(&word, stage_kind);
    let stage = match stage_kind {
        StageKind::Won => Stage::Won,
        StageKind::Lost => Stage::Lost,
        StageKind::Open | StageKind::Deleted | StageKind::Unknown => Stage::Open,
    };
    let (mut closed_at, mut unknown) = (None, None);
    match stage {
        // Many sales systems keep the expected closing date here while a deal is open.
        Stage::Open if stage_kind == StageKind::Unknown => {
            let expected = closed.instant().ok().flatten();
            unknown = expected.map(|expected| (expected, strings.share(&word)));
        }
        Stage::Open => {}
        Stage::Won | Stage::Lost => {
            let end = closed.end()?.ok_or_else(|| closed.reject(Reason::ClosedWithoutDate))?;
            if !is_meant(end.at) {
                notes.push(closed.reject(Reason::ImplausibleDate));
            }
            // The row was created later than the deal, as rows are that were moved from another system.
            if end.is_before(begun) {
                notes.push(created.reject(Reason::ClosedBeforeCreated));
                created_at = end.at;
            }
            // On the same day one of both is a plain date, and the later one counts.
            closed_at = Some(end.at.max(created_at));
        }
    }
    let kind = deal_type.word()?.map(|word| {
        let kind = words.types.kind(&word);
        words.types.count(&word, kind);
        kind
    });
    let deal = Opportunity {
        opportunity_id: opportunity_id.require(own)?,
        product_id: strings.text(product_id)?,
        other_products: Vec::new(),
        stage,
        // One below zero makes the deal a contraction, or is a discount among its lines.
        amount: amount.number()?,
        created_at,
        closed_at,
        known_at: None,
        outcome_known_at: None,
    };
    let deal_type = strings.text(deal_type)?;
    let kind = kind.unwrap_or(DealKind::Expansion);
    let row = DealRow { deal, kind, deal_type, currency: strings.currency(currency)?, unknown };
    let mut identified = Identified::new(row, [updated, deleted, deleted_at])?;
    identified.is_deleted |= stage_kind == StageKind::Deleted;
    Ok(identified)
}

/// What a stage is taken for where flags say whether the deal is won and whether it is closed.
fn flagged(is_won: &Field<'_>, is_closed: &Field<'_>, by_word: StageKind) -> Result<StageKind, Rejection> {
    Ok(match (is_won.flag()?, is_closed.flag()?, by_word) {
        (Some(true), _, _) => StageKind::Won,
        (Some(false), Some(true), _) | (Some(false), None, StageKind::Lost) => StageKind::Lost,
        (_, Some(false), _) | (Some(false), None, StageKind::Won) => StageKind::Open,
        (_, _, by_word) => by_word,
    })
}

pub(crate) fn signal(row: &Row<'_>, strings: &mut Strings, notes: &mut Notes) -> Result<Signal, Rejection> {
    let [_, detected_at, kind, summary, ..] = row;
    Ok(Signal {
        detected_at: time(detected_at, notes)?,
        kind: kind.require(|field| strings.word(field))?,
        summary: own(summary)?,
    })
}

pub(crate) fn stakeholder(
    row: &Row<'_>,
    strings: &mut Strings,
    notes: &mut Notes,
) -> Result<Identified<Stakeholder>, Rejection> {
    let [stakeholder_id, _, name, title, role, recorded_at, updated, deleted, deleted_at, ..] = row;
    let person = Stakeholder {
        stakeholder_id: stakeholder_id.require(|field| strings.text(field))?,
        name: own(name)?,
        title: strings.text(title)?,
        role: strings.word(role)?,
        recorded_at: time(recorded_at, notes)?,
    };
    Identified::new(person, [updated, deleted, deleted_at])
}

pub(crate) fn engagement(row: &Row<'_>, strings: &mut Strings, notes: &mut Notes) -> Result<Engagement, Rejection> {
    let [_, occurred_at, kind, with_executive, stakeholder_id, ..] = row;
    Ok(Engagement {
        occurred_at: time(occurred_at, notes)?,
        kind: strings.word(kind)?,
        with_executive: with_executive.flag()?,
        stakeholder_id: strings.text(stakeholder_id)?,
    })
}

/// Whether a row of a table without ids was deleted.
pub(crate) fn is_gone(table: Table, row: &Row<'_>) -> Result<bool, Rejection> {
    let first = match table {
        Table::UsageMetrics | Table::ExpansionSignals => 4,
        Table::HealthScoreHistory => 3,
        Table::Engagements => 5,
        // The rows of the others say so when their versions are compared.
        Table::Customers | Table::Products | Table::Contracts | Table::ExpansionOpportunities | Table::Stakeholders => {
            return Ok(false);
        }
    };
    is_deleted(&row[first], &row[first + 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::MAX_COLUMNS;

    #[test]
    fn the_columns_with_a_meaning_of_their_own_are_where_they_are_looked_for() {
        for table in Table::ALL {
            assert!(columns(table).len() <= MAX_COLUMNS);
            if let Some(position) = owner_column(table) {
                assert_eq!(columns(table)[position].name, "customer_id", "{table}");
                assert!(columns(table)[position].required);
            }
            let names: Vec<_> = columns(table).iter().map(|column| column.name).collect();
            let deleted = names.iter().position(|name| *name == "is_deleted").expect("every table has it");
            assert_eq!(names[deleted + 1], "deleted_at");
            let is_versioned = names[deleted - 1] == "updated_at";
            let mut row = Row::default();
            row[deleted].cell = Cell::Bool(true);
            assert_eq!(is_gone(table, &row), Ok(!is_versioned), "{table}");
        }
    }
}

//! What a source looks like, to be read before anybody trusts a score that was made of it.

use std::cmp::Reverse;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DataIssue, Id, Instant, StaleTable, Table};

/// How far a source can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataGrade {
    /// Nothing is odd.
    #[default]
    Fine,
    /// Something is odd; runs are published and say so.
    Warned,
    /// The source cannot be what it should be; runs are refused.
    Wrong,
}

impl DataGrade {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warned => "warned",
            Self::Wrong => "wrong",
        }
    }
}

/// Something odd about a source as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataFinding {
    /// How bad it is.
    pub grade: DataGrade,
    /// What it is.
    #[serde(flatten)]
    pub concern: DataConcern,
}

/// What is odd about a source. Shares are between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "concern", rename_all = "snake_case")]
pub enum DataConcern {
    /// Deals close and none is won: their stages are not understood, or won deals are not exported.
    NoWonDeal {
        /// Deals that were lost.
        lost: usize,
        /// Deals that are open although most of those as old are closed, or none is.
        open: usize,
    },
    /// The rows of a table have the same day in a column: the day of an import, or a column that is read wrongly.
    SameDay {
        /// The table.
        table: Table,
        /// Its column.
        column: String,
        /// The day.
        day: Date,
        /// The share of rows with it.
        share: f64,
    },
    /// All rows of a table have the same value in a column.
    Constant {
        /// The table.
        table: Table,
        /// Its column.
        column: String,
        /// The value.
        value: String,
        /// How many rows.
        rows: usize,
    },
    /// Nobody has readings of a metric any more, though others go on.
    MetricEnded {
        /// The metric.
        metric: Id,
        /// Its last day.
        last: Date,
        /// The customers who had readings of it.
        customers: usize,
    },
    /// Nobody had readings of a metric before a day, though of others.
    MetricBegan {
        /// The metric.
        metric: Id,
        /// Its first day.
        first: Date,
        /// The customers who have readings of it.
        customers: usize,
    },
    /// A table knows few of the customers: its ids may be others.
    FewCustomers {
        /// The table.
        table: Table,
        /// Customers with any row.
        customers: usize,
        /// All customers.
        of: usize,
    },
    /// Many rows of a table are left out, or doubtful.
    BadRows {
        /// The table.
        table: Table,
        /// Their share.
        share: f64,
    },
    /// Customers have many times as many seats in use as they bought, or hardly any: another unit, or another metric.
    SeatUnits {
        /// Seats in use to seats bought, in the median.
        ratio: f64,
    },
    /// Expansions are so frequent, or so rare, that something else may be counted.
    BaseRate {
        /// The share of customers who expanded within 90 days, over the last year.
        rate: f64,
    },
    /// Something is not read whose name is much like one that is missing.
    NearMiss {
        /// The table.
        table: Table,
        /// The file or column, and what it is near to.
        found: String,
    },
    /// Deals are won when contracts end: they may be renewals.
    Renewals {
        /// Ends of contracts.
        ends: usize,
        /// The share of these within 30 days of which the customer bought.
        ends_won: f64,
        /// The share of deals won within 30 days of an end.
        deals_near: f64,
        /// What chance would give.
        near_by_chance: f64,
    },
}

impl DataConcern {
    /// The names of all concerns.
    pub const NAMES: [&str; 11] = [
        "no_won_deal",
        "same_day",
        "constant",
        "metric_ended",
        "metric_began",
        "few_customers",
        "bad_rows",
        "seat_units",
        "base_rate",
        "renewals",
        "near_miss",
    ];

    /// The concern's name, as in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoWonDeal { .. } => "no_won_deal",
            Self::SameDay { .. } => "same_day",
            Self::Constant { .. } => "constant",
            Self::MetricEnded { .. } => "metric_ended",
            Self::MetricBegan { .. } => "metric_began",
            Self::FewCustomers { .. } => "few_customers",
            Self::BadRows { .. } => "bad_rows",
            Self::SeatUnits { .. } => "seat_units",
            Self::BaseRate { .. } => "base_rate",
            Self::Renewals { .. } => "renewals",
            Self::NearMiss { .. } => "near_miss",
        }
    }
}

impl fmt::Display for DataConcern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        match self {
            Self::NoWonDeal { lost, open } => write!(
                f,
                "no deal is won: {lost} are lost and {open} open; are the stages won and lost written otherwise, or only \
                 some deals exported?"
            ),
            Self::SameDay { table, column, day, share } => {
                write!(f, "{:.0} % of {table} have {column} on {day}; is it the day of an import?", percent(*share))
            }
            Self::Constant { table, column, value, rows } => {
                write!(f, "all {rows} rows of {table} have {column} {value:?}")
            }
            Self::MetricEnded { metric, last, customers } => {
                write!(f, "the usage metric {metric} ended on {last} for all {customers} customers who had it")
            }
            Self::MetricBegan { metric, first, customers } => {
                write!(f, "the usage metric {metric} began on {first} for all {customers} customers who have it")
            }
            Self::FewCustomers { table, customers, of } => {
                write!(f, "{table} has rows of {customers} of {of} customers only; are its customer ids the same?")
            }
            Self::BadRows { table, share } => {
                write!(f, "{:.1} % of the rows of {table} are left out or doubtful", percent(*share))
            }
            Self::SeatUnits { ratio } => {
                write!(f, "customers use {ratio:.2} seats for each seat bought, in the median; is the unit the same?")
            }
            Self::NearMiss { table, found } => write!(f, "not read, but named much like something of {table}: {found}"),
            Self::Renewals { ends_won, deals_near, near_by_chance, .. } => write!(
                f,
                "{:.0} % of won deals closed within 30 days of a contract's end, where chance would give {:.0} %, and {:.0} % of \
                 the ends have one; are they renewals?",
                percent(*deals_near),
                percent(*near_by_chance),
                percent(*ends_won)
            ),
            Self::BaseRate { rate } => write!(
                f,
                "{:.1} % of customers expanded within 90 days over the last year; are all won deals expansions?",
                percent(*rate)
            ),
        }
    }
}

/// What a source looks like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataReport {
    /// The worst of its findings; warned where a table is stale.
    pub grade: DataGrade,
    /// What is odd, the worst first.
    pub findings: Vec<DataFinding>,
    /// The tables of which nothing new is known.
    pub stale: Vec<StaleTable>,
    /// The tables that it has.
    pub tables: Vec<TableReport>,
    /// Files and folders beside the tables that were passed over.
    pub passed_over: Vec<String>,
}

impl DataReport {
    /// The report with these findings, which it puts into order and grades.
    pub fn new(mut findings: Vec<DataFinding>, stale: Vec<StaleTable>, tables: Vec<TableReport>) -> Self {
        findings.sort_by_key(|finding| Reverse(finding.grade));
        let worst = findings.first().map(|worst| worst.grade);
        let of_age = if stale.is_empty() { DataGrade::Fine } else { DataGrade::Warned };
        Self { grade: worst.unwrap_or_default().max(of_age), findings, stale, tables, passed_over: Vec::new() }
    }
}

/// What a table of a source looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableReport {
    /// The table.
    pub table: Table,
    /// Its files.
    pub files: usize,
    /// Rows read from them.
    pub rows: u64,
    /// Facts that they became.
    pub facts: usize,
    /// Customers with any fact of it; for products, how many there are.
    pub customers: usize,
    /// The time of its oldest fact, of those with a time.
    pub first: Option<Instant>,
    /// The time of its newest fact.
    pub last: Option<Instant>,
    /// Its columns.
    pub columns: Vec<ColumnReport>,
    /// Rows left out, merged or taken for something else, and why.
    pub issues: Vec<DataIssue>,
}

/// What a column of a table looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnReport {
    /// Its name.
    pub column: String,
    /// The share (0–1) of facts that have a value.
    pub filled: f64,
    /// The value that all of them have, where it is one.
    pub constant: Option<String>,
    /// The commonest words and what they were taken for, for stages, kinds, roles and metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<WordReport>,
}

/// How often a word stands in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WordReport {
    /// The word, as it stands there.
    pub word: String,
    /// What it was taken for, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_for: Option<String>,
    /// In how many rows.
    pub rows: u64,
}

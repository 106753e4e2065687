//! Why a row is left out or said to be odd, and the count of such rows.

use std::collections::BTreeMap;

use expansion_domain::{DataGrade, DataIssue, Table};

/// Every reason for which a row is left out, or kept and said to be odd. Their texts are stable: alarms and reports may
/// name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// A CSV row has more or fewer fields than the header.
    #[error("wrong number of fields")]
    WrongFieldCount,
    /// A CSV row of several lines has a quote in the wrong place, or goes on for so many that a quote must be open; each
    /// line counts as a row.
    #[error("quote not closed")]
    UnclosedQuote,
    /// A CSV field is not UTF-8.
    #[error("not UTF-8")]
    InvalidUtf8,
    /// A line is not one JSON object with plain values.
    #[error("malformed JSON")]
    MalformedJson,
    #[error("required value missing")]
    MissingValue,
    /// No date and no time, in none of the usual ways to write one or not in the column's.
    #[error("not a date")]
    NotADate,
    #[error("not a number")]
    NotANumber,
    /// None of the usual words for true and false.
    #[error("not a boolean")]
    NotABoolean,
    #[error("number not finite")]
    NotFinite,
    /// A quantity, usage value, price, annual value or amount below zero.
    #[error("negative number")]
    Negative,
    #[error("score outside 0 to 100")]
    ScoreOutOfRange,
    #[error("end before start")]
    EndBeforeStart,
    #[error("won or lost without closed_at")]
    ClosedWithoutDate,
    /// The table customers has no such (usable) customer.
    #[error("unknown customer")]
    UnknownCustomer,
    /// The file of another bucket holds the customer.
    #[error("in another bucket than its customer")]
    WrongBucket,
    /// In one file, without a time of change, the id is two customers'; the first row is kept.
    #[error("one id of two customers")]
    ConflictingDuplicate,

    // What follows are notes: the row counts, as is said, or is left out on purpose.
    /// A note about files: some have no such column, so that it is missing in their rows.
    #[error("column in only some files")]
    ColumnInSomeFiles,
    /// A note about files: a column that is not read is named much like one that is missing.
    #[error("column not read, named much like a missing one")]
    NearColumn,
    /// A note about files beside the data.
    #[error("file passed over")]
    FilePassedOver,
    /// A note about a folder or file that is named much like a table.
    #[error("passed over, named much like the table")]
    NearTable,
    /// By its filters, or because a value is missing without which rows don't count.
    #[error("left out by source.yaml")]
    LeftOut,
    #[error("of an account that is no customer")]
    NoCustomer,
    /// It was over when the account became a customer, by the first deal won.
    #[error("deal from before the account was a customer")]
    BeforeCustomer,
    #[error("marked as deleted")]
    Deleted,
    #[error("of a deleted customer")]
    DeletedCustomer,
    /// Another row of the id was updated later or, where none has a time, stands later.
    #[error("replaced by a newer row")]
    OlderVersion,
    /// The same was told before, by a row of the same id or in another file.
    #[error("told again, counted once")]
    Repeated,
    /// Rows without an id that one file holds more than once, beyond the first.
    #[error("equal rows in one file, each counted")]
    EqualRows,
    /// Readings of one metric and time in one file, beyond the first.
    #[error("several readings of one time, added up")]
    SameTime,
    /// Readings of a metric of which each row is one event.
    #[error("one row an event, added up by day")]
    Events,
    /// Readings of a metric that only grows.
    #[error("a counter that only grows, read as its growth")]
    Counter,
    #[error("further line of a deal or contract, added to it")]
    FurtherLine,
    #[error("renewal, no expansion")]
    Renewal,
    #[error("new business, no expansion")]
    NewBusiness,
    /// By its type, or because the amount is negative.
    #[error("contraction, no expansion")]
    Contraction,
    #[error("unknown type of deal, taken for an expansion")]
    UnknownDealType,
    /// The stage is taken for open although the closing date has passed.
    #[error("closing date passed, stage unknown, taken for open")]
    UnknownStage,
    #[error("closed before created, taken as created when closed")]
    ClosedBeforeCreated,
    #[error("churned before created, taken as created when churned")]
    ChurnedBeforeCreated,
    /// Before 1971, or from 2100 on.
    #[error("year that was hardly meant")]
    ImplausibleDate,
    #[error("quantity without limit")]
    Unlimited,
    /// The customer counts again from when that showed.
    #[error("active after churned_at, taken as returned")]
    Returned,
    /// The example says which one.
    #[error("health scores on another scale, taken as a share of 100")]
    HealthScale,
    #[error("scale of health scores unknown, left out")]
    UnknownHealthScale,
    /// The example says which.
    #[error("amount in another currency without a rate, left out")]
    ForeignCurrency,
    #[error("amount without a currency, taken as in the usual one")]
    NoCurrency,
    #[error("contract ends when the next begins, taken as ended the day before")]
    ExclusiveEnd,
}

impl Reason {
    /// Whether it says of rows only what they were taken for, or that they are left out on purpose.
    pub const fn is_note(self) -> bool {
        match self {
            Self::WrongFieldCount
            | Self::UnclosedQuote
            | Self::InvalidUtf8
            | Self::MalformedJson
            | Self::MissingValue
            | Self::NotADate
            | Self::NotANumber
            | Self::NotABoolean
            | Self::NotFinite
            | Self::Negative
            | Self::ScoreOutOfRange
            | Self::EndBeforeStart
            | Self::ClosedWithoutDate
            | Self::UnknownCustomer
            | Self::WrongBucket
            | Self::ConflictingDuplicate => false,
            Self::LeftOut
            | Self::NoCustomer
            | Self::BeforeCustomer
            | Self::Deleted
            | Self::DeletedCustomer
            | Self::OlderVersion
            | Self::Repeated
            | Self::EqualRows
            | Self::SameTime
            | Self::Events
            | Self::Counter
            | Self::FurtherLine
            | Self::Renewal
            | Self::NewBusiness
            | Self::Contraction
            | Self::UnknownDealType
            | Self::UnknownStage
            | Self::ClosedBeforeCreated
            | Self::ChurnedBeforeCreated
            | Self::ImplausibleDate
            | Self::Unlimited
            | Self::Returned
            | Self::HealthScale
            | Self::UnknownHealthScale
            | Self::ForeignCurrency
            | Self::NoCurrency
            | Self::ExclusiveEnd
            | Self::ColumnInSomeFiles
            | Self::NearColumn
            | Self::FilePassedOver
            | Self::NearTable => true,
        }
    }

    /// How far rows of `table` can be trusted for this reason.
    pub fn grade(self, table: Table) -> DataGrade {
        let is_doubtful = matches!(
            self,
            Self::UnknownStage
                | Self::UnknownHealthScale
                | Self::ForeignCurrency
                | Self::ImplausibleDate
                | Self::NearColumn
                | Self::NearTable
        );
        if self.is_bad(table) || is_doubtful { DataGrade::Warned } else { DataGrade::Fine }
    }

    /// Whether rows of `table` are bad for this reason, so that they are held against what is tolerated. Tables that are
    /// not required may tell of whoever is no customer, such as users of a free plan.
    pub fn is_bad(self, table: Table) -> bool {
        !self.is_note() && (self != Self::UnknownCustomer || table.required())
    }
}

/// The longest value an example quotes, in characters.
const QUOTE: usize = 80;

/// A row that is left out or said to be odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) found: String,
    /// How many rows it stands for; 1 but for an open quote.
    pub(crate) rows: u64,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, found: impl Into<String>) -> Self {
        Self { reason, found: found.into(), rows: 1 }
    }

    /// The rejection of one value.
    pub(crate) fn of_value(reason: Reason, column: &str, value: &str) -> Self {
        let mut quoted: String = value.chars().take(QUOTE).collect();
        if quoted.len() < value.len() {
            quoted.push('…');
        }
        Self::new(reason, format!("{column} is {quoted:?}"))
    }

    /// The rejection as an example: where and what, but not the reason.
    fn example(&self, file: &str, line: u64) -> String {
        format!("{file}:{line}: {}", self.found)
    }

    /// Where, what and why.
    pub(crate) fn described(&self, file: &str, line: u64) -> String {
        format!("{} ({})", self.example(file, line), self.reason)
    }
}

/// The rows left out or said to be odd so far, by table and reason.
#[derive(Debug, Default)]
pub(crate) struct Issues {
    counts: BTreeMap<(Table, Reason), (u64, String)>,
}

impl Issues {
    /// Counts a rejection; the first of its kind becomes the example.
    pub(crate) fn add(&mut self, table: Table, file: &str, line: u64, rejection: &Rejection) {
        let (count, _) =
            self.counts.entry((table, rejection.reason)).or_insert_with(|| (0, rejection.example(file, line)));
        *count += rejection.rows;
    }

    /// Counts what is no single row; the first of its kind becomes the example.
    pub(crate) fn note(&mut self, table: Table, reason: Reason, count: u64, example: impl FnOnce() -> String) {
        if count > 0 {
            self.counts.entry((table, reason)).or_insert_with(|| (0, example())).0 += count;
        }
    }

    /// By table, then reason.
    pub(crate) fn into_list(self) -> Vec<DataIssue> {
        self.counts
            .into_iter()
            .map(|((table, reason), (count, example))| DataIssue {
                table,
                reason: reason.to_string(),
                count,
                example,
                grade: reason.grade(table),
            })
            .collect()
    }
}

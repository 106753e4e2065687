//! Why a row is left out, and the count of rows left out.

use std::collections::BTreeMap;

use expansion_domain::{DataIssue, Table};

/// Every reason for which a row is left out. Their texts are stable: alarms and reports may name them.
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
    #[error("closed before created")]
    ClosedBeforeCreated,
    #[error("won or lost without closed_at")]
    ClosedWithoutDate,
    #[error("churned before created")]
    ChurnedBeforeCreated,
    /// The table customers has no such (usable) customer.
    #[error("unknown customer")]
    UnknownCustomer,
    /// The id was seen before with other content; the first row is kept.
    #[error("duplicate id with other content")]
    ConflictingDuplicate,
}

/// The longest value an example quotes, in characters.
const QUOTE: usize = 80;

/// A row that is left out.
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

/// The rows left out so far, by table and reason.
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

    /// By table, then reason.
    pub(crate) fn into_list(self) -> Vec<DataIssue> {
        self.counts
            .into_iter()
            .map(|((table, reason), (count, example))| DataIssue { table, reason: reason.to_string(), count, example })
            .collect()
    }
}

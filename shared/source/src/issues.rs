//! Why a row is left out, and the count of rows left out.

use std::collections::BTreeMap;
use std::fmt;

use expansion_domain::{DataIssue, Table};

/// Every reason for which a row is left out. Their texts are stable: alarms and reports may name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A CSV row has more or fewer fields than the header.
    WrongFieldCount,
    /// A CSV row goes on for so many lines that a quote must be open; each line counts as a row.
    UnclosedQuote,
    /// A CSV field is not UTF-8.
    InvalidUtf8,
    /// A line is not one JSON object with plain values.
    MalformedJson,
    /// A required value is empty or absent.
    MissingValue,
    /// Neither a date (`YYYY-MM-DD`) nor an RFC 3339 time.
    NotADate,
    NotANumber,
    /// Neither `true`, `yes`, `1` nor `false`, `no`, `0`.
    NotABoolean,
    /// NaN or infinite.
    NotFinite,
    /// A quantity, usage value, price, annual value or amount below zero.
    Negative,
    /// A health score outside 0 to 100.
    ScoreOutOfRange,
    /// A contract's `end_date` is before its `start_date`.
    EndBeforeStart,
    /// An opportunity's `closed_at` is before its `created_at`.
    ClosedBeforeCreated,
    /// A won or lost opportunity has no `closed_at`.
    ClosedWithoutDate,
    /// A customer's `churned_at` is before its `created_at`.
    ChurnedBeforeCreated,
    /// The table customers has no such (usable) customer.
    UnknownCustomer,
    /// The id was seen before with other content; the first row is kept.
    ConflictingDuplicate,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongFieldCount => "wrong number of fields",
            Self::UnclosedQuote => "quote not closed",
            Self::InvalidUtf8 => "not UTF-8",
            Self::MalformedJson => "malformed JSON",
            Self::MissingValue => "required value missing",
            Self::NotADate => "not a date",
            Self::NotANumber => "not a number",
            Self::NotABoolean => "not a boolean",
            Self::NotFinite => "number not finite",
            Self::Negative => "negative number",
            Self::ScoreOutOfRange => "score outside 0 to 100",
            Self::EndBeforeStart => "end before start",
            Self::ClosedBeforeCreated => "closed before created",
            Self::ClosedWithoutDate => "won or lost without closed_at",
            Self::ChurnedBeforeCreated => "churned before created",
            Self::UnknownCustomer => "unknown customer",
            Self::ConflictingDuplicate => "duplicate id with other content",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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

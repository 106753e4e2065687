//! What the owner of a source says of it in `source.yaml`: which files and columns the tables are in, and what values mean.
//!
//! [`document`] is the file's form, [`check`] turns it into the [`Mapping`] that the rest of the crate reads, [`presets`]
//! are such files for well-known systems. Must not know how rows are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::Table;

use crate::SourceError;
use crate::tables::columns;

mod check;
mod document;
mod names;
mod overlay;
mod pattern;
mod presets;
#[cfg(test)]
mod tests;

pub use document::schema;
pub use pattern::Pattern;
pub(crate) use presets::hint;

/// The names that the file may have.
pub(crate) const FILES: [&str; 2] = ["source.yaml", "source.yml"];

/// What is said of a source as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// One or several places where the rows of a table are; a table that is not named lies in the folder of its name.
    pub tables: BTreeMap<Table, Vec<Arc<TableMapping>>>,
    /// What is said of the files of tables that are not named.
    pub others: Arc<TableMapping>,
    /// What one unit of a currency is worth in the one that amounts are reported in.
    pub rates: BTreeMap<String, f64>,
    /// The currency of amounts that have none of their own.
    pub currency: Option<String>,
    /// The concerns of the data report that runs are not refused for.
    pub accept: Vec<String>,
    /// The name of the file, for messages.
    pub file: &'static str,
    /// Everything that was said, as it was written.
    pub text: String,
}

/// What is said of files that hold rows of a table. By default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableMapping {
    /// Where the files are below the source; in the table's folder when empty.
    pub files: Vec<Pattern>,
    /// Whether it is no mistake if no file is there.
    pub files_are_optional: bool,
    pub rows: Rows,
    /// A column's name in the contract to its names in the files: the first that a file has stands for all of them where
    /// only one can. In a row, the first of [`choices`](Self::choices) with a value counts.
    pub columns: BTreeMap<String, Vec<String>>,
    /// By column of the contract, where its value may come from; only of columns for which a name alone doesn't say it.
    pub choices: BTreeMap<String, Vec<Choice>>,
    /// By column of the contract, what a value in the files (in lower case) stands for.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// A row must pass every one of them.
    pub filters: Vec<Filter>,
    /// Columns of the contract without which a row is left out and not bad.
    pub only_with: Vec<String>,
    /// Values of columns of the contract that no column of the files has.
    pub constants: BTreeMap<String, String>,
    /// By column of the contract, what its numbers are multiplied by.
    pub factors: BTreeMap<String, f64>,
    /// The zone of times without one, by its IANA name; UTC by default.
    pub timezone: Option<String>,
    /// Texts that stand for a missing value, in place of the usual ones.
    pub missing: Option<Vec<String>>,
    /// The decimal mark of numbers in texts, where the texts alone don't tell it.
    pub decimal_mark: Option<DecimalMark>,
    /// What a value in full is on the scale of the files, for health scores.
    pub scale: Option<f64>,
    /// Whether an account with a won deal is a customer whatever the filters keep, since its first one closed.
    pub won_deals: bool,
    /// The largest share (0 to 1) of rows that may be bad.
    pub max_bad_share: Option<f64>,
    /// The largest share (0 to 1) of rows that may be of unknown customers.
    pub max_unknown_share: Option<f64>,
}

/// What one row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// A row of the table.
    #[default]
    Facts,
    /// A product of a deal that another file has.
    LineItems,
}

/// A column of the files in which a value may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Its names: the first that a file has counts.
    pub columns: Vec<String>,
    /// What a value (in lower case) stands for; one that is not here doesn't count. Any value counts as it is when empty.
    pub values: BTreeMap<String, String>,
    /// Characters that separate several values, of which the first counts.
    pub separator: Option<String>,
}

/// Which rows are wanted, by a column of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Its names: the first that a file has counts.
    pub columns: Vec<String>,
    /// In lower case; an empty one stands for a missing value.
    pub values: Vec<String>,
    /// Whether rows with one of the values are those wanted; else all others are.
    pub keep: bool,
    /// Whether it is a mistake if a file has no such column.
    pub required: bool,
}

/// What separates the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// As in 1,234.50.
    Point,
    /// As in 1.234,50.
    Comma,
}

/// What a reader delivers of a file besides the columns of the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extra<'m> {
    /// The column of the contract whose value may be here, by its position.
    pub(crate) serves: Option<usize>,
    /// The column's names in the files: the first that a file has counts.
    pub(crate) names: &'m [String],
    /// Whether every file must have it.
    pub(crate) required: bool,
}

impl Mapping {
    /// Reads what a source's `source.yaml` says.
    ///
    /// # Errors
    /// When it is no YAML, has unknown keys, or says what can't be: every message names the key.
    pub fn parse(file: &'static str, text: &str) -> Result<Self, SourceError> {
        check::parse(file, text).map_err(|message| SourceError::Mapping { file, message })
    }

    /// The table whose rows are in the file at `path` below the source, and what is said of them; by its folder's name alone
    /// it would be `named`.
    pub fn table_of(&self, path: &str, named: Option<Table>) -> Option<(Table, Arc<TableMapping>)> {
        let entries = self.tables.iter().flat_map(|(table, entries)| entries.iter().map(move |entry| (*table, entry)));
        let by_pattern = entries.clone().find(|(_, entry)| entry.files.iter().any(|pattern| pattern.matches(path)));
        if let Some((table, entry)) = by_pattern {
            return Some((table, Arc::clone(entry)));
        }
        let table = named?;
        match self.tables.get(&table) {
            None => Some((table, Arc::clone(&self.others))),
            Some(entries) => {
                let entry = entries.iter().find(|entry| entry.files.is_empty() || entry.files_are_optional)?;
                let entry = if entry.files.is_empty() { entry } else { &self.others };
                Some((table, Arc::clone(entry)))
            }
        }
    }

    /// Whether files below the entry `name` of the source's own folder may be meant by a pattern.
    pub(crate) fn may_hold(&self, name: &str) -> bool {
        let mut patterns = self.tables.values().flatten().flat_map(|entry| &entry.files);
        patterns.any(|pattern| pattern.may_begin(name))
    }

    /// An error when a pattern of the owner's matches none of the source's files, or two match the same.
    pub(crate) fn check_files<'p>(&self, paths: &(impl Iterator<Item = &'p str> + Clone)) -> Result<(), SourceError> {
        let mut matched = BTreeMap::new();
        for (table, entry) in self.tables.iter().flat_map(|(table, entries)| entries.iter().map(move |e| (table, e))) {
            for pattern in entry.files.iter().filter(|_| !entry.files_are_optional) {
                let mut paths = paths.clone().filter(|path| pattern.matches(path)).peekable();
                if paths.peek().is_none() {
                    return Err(self.error(format!("tables.{table}.files: {pattern:?} matches no file")));
                }
                for path in paths {
                    let (first, of) = *matched.entry(path).or_insert((pattern, entry));
                    if !Arc::ptr_eq(of, entry) {
                        return Err(self.error(format!("{path} is among two `files`: {first:?} and {pattern:?}")));
                    }
                }
            }
        }
        Ok(())
    }

    fn error(&self, message: String) -> SourceError {
        SourceError::Mapping { file: self.file, message }
    }
}

impl TableMapping {
    /// The columns of the files that are read besides those that stand for a column of the contract.
    pub(crate) fn extras(&self, table: Table) -> impl Iterator<Item = Extra<'_>> {
        let serves = move |name: &str| columns(table).iter().position(|column| column.name == name);
        let choices = self.choices.iter().flat_map(move |(column, choices)| {
            let serves = serves(column);
            choices.iter().map(move |choice| Extra { serves, names: &choice.columns, required: false })
        });
        let filters = self.filters.iter();
        let filters = filters.map(|filter| Extra { serves: None, names: &filter.columns, required: filter.required });
        choices.chain(filters)
    }

    /// Whether each file must have a column that the contract requires.
    pub(crate) fn requires(&self, column: &str) -> bool {
        match self.rows {
            Rows::Facts => true,
            Rows::LineItems => matches!(column, "opportunity_id" | "product_id"),
        }
    }
}

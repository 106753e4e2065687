//! What the owner of a source says of it in `source.yaml`: which files and columns the tables are in, and what values mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::Table;

/// What is said of a source as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// One or several places where the rows of a table are; a table that is not named lies in the folder of its name.
    pub tables: BTreeMap<Table, Vec<Arc<TableMapping>>>,
    /// What one unit of a currency is worth in the one that amounts are reported in.
    pub rates: BTreeMap<String, f64>,
}

/// What is said of files that hold rows of a table. By default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableMapping {
    /// Patterns of paths below the source, with `*` and `**`.
    pub files: Vec<String>,
    /// A column's name in the contract to its name in the files; the first that a file has counts.
    pub columns: BTreeMap<String, Vec<String>>,
    /// By column of the contract, what a value in the files (in lower case) stands for.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// By column of the files, the values (in lower case) whose rows are kept.
    pub keep: BTreeMap<String, Vec<String>>,
    /// Values of columns of the contract that no column of the files has.
    pub constants: BTreeMap<String, String>,
    /// The zone of times without one, by its IANA name; UTC by default.
    pub timezone: Option<String>,
    /// Texts that stand for a missing value, in place of the usual ones.
    pub missing: Option<Vec<String>>,
    /// The decimal mark of numbers in texts, where the texts alone don't tell it.
    pub decimal_mark: Option<DecimalMark>,
    /// What a value in full is on the scale of the files, for health scores.
    pub scale: Option<f64>,
    /// The largest share (0 to 1) of rows that may be bad.
    pub max_bad_share: Option<f64>,
}

/// What separates the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// As in 1,234.50.
    Point,
    /// As in 1.234,50.
    Comma,
}

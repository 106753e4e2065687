//! Snapshots side by side, one column a feature.

use std::collections::HashMap;

use expansion_domain::Id;

use crate::{FEATURES, Feature, Snapshot, Unit, Value};

/// The code of a missing level.
pub const MISSING_LEVEL: u32 = u32::MAX;

/// Many snapshots in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The features' names, one a column.
    pub names: Vec<String>,
    /// The values.
    pub columns: Vec<Column>,
    /// How many rows every column has.
    pub rows: usize,
}

/// The values of one feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN is missing.
    Numbers(Vec<f64>),
    /// Levels, as positions in `names`; [`MISSING_LEVEL`] is missing.
    Levels {
        /// One a row.
        codes: Vec<u32>,
        /// The levels, in the order they first appeared.
        names: Vec<Id>,
    },
}

impl Column {
    /// The value in a row.
    pub fn value(&self, row: usize) -> Value {
        match self {
            Self::Numbers(values) => Value::number(values[row]),
            Self::Levels { codes, names } => {
                names.get(codes[row] as usize).map_or(Value::Missing, |name| Value::Level(name.clone()))
            }
        }
    }

    /// The column with only the given rows.
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(rows.iter().map(|&r| values[r]).collect()),
            Self::Levels { codes, names } => {
                Self::Levels { codes: rows.iter().map(|&r| codes[r]).collect(), names: names.clone() }
            }
        }
    }
}

impl Frame {
    /// Without a row, for snapshots of [`FEATURES`].
    pub(crate) fn empty() -> Self {
        let column = |feature: &Feature| match feature.unit {
            Unit::Level => Column::Levels { codes: Vec::new(), names: Vec::new() },
            _ => Column::Numbers(Vec::new()),
        };
        Self {
            names: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
            columns: FEATURES.iter().map(column).collect(),
            rows: 0,
        }
    }

    /// The column of the given name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.names.iter().position(|known| known == name).map(|place| &self.columns[place])
    }

    /// The frame with only the given rows, in that order.
    pub fn take(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|c| c.take(rows)).collect(),
            rows: rows.len(),
        }
    }

    /// Adds a row. `levels` has the codes of the levels met so far, column by column.
    pub(crate) fn push(&mut self, snapshot: &Snapshot, levels: &mut [HashMap<Id, u32>]) {
        debug_assert_eq!(snapshot.values.len(), self.columns.len());
        for ((column, known), value) in self.columns.iter_mut().zip(levels).zip(&snapshot.values) {
            match (column, value) {
                (Column::Numbers(numbers), value) => numbers.push(value.as_number().unwrap_or(f64::NAN)),
                (Column::Levels { codes, names }, Value::Level(level)) => {
                    codes.push(*known.entry(level.clone()).or_insert_with(|| {
                        names.push(level.clone());
                        u32::try_from(names.len() - 1).unwrap_or(MISSING_LEVEL)
                    }));
                }
                (Column::Levels { codes, .. }, _) => codes.push(MISSING_LEVEL),
            }
        }
        self.rows += 1;
    }
}

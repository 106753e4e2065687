//! Snapshots side by side, one column a feature.

use std::collections::HashMap;

use expansion_domain::Id;

use crate::{Snapshot, Value};

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
    /// The frame with only the given rows, in that order.
    pub fn take(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|c| c.take(rows)).collect(),
            rows: rows.len(),
        }
    }

    /// The values of one row.
    pub fn row(&self, row: usize) -> Snapshot {
        Snapshot { values: self.columns.iter().map(|c| c.value(row)).collect() }
    }
}

/// Collects snapshots into a frame.
pub(crate) struct FrameBuilder {
    frame: Frame,
    levels: Vec<HashMap<Id, u32>>,
}

impl FrameBuilder {
    /// An empty frame of columns with the given names; `true` marks a column of levels.
    pub(crate) fn new(columns: impl Iterator<Item = (String, bool)>) -> Self {
        let (names, columns): (Vec<_>, Vec<_>) = columns
            .map(|(name, is_level)| {
                let column = if is_level {
                    Column::Levels { codes: Vec::new(), names: Vec::new() }
                } else {
                    Column::Numbers(Vec::new())
                };
                (name, column)
            })
            .unzip();
        let levels = vec![HashMap::new(); columns.len()];
        Self { frame: Frame { names, columns, rows: 0 }, levels }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, snapshot: &Snapshot) {
        debug_assert_eq!(snapshot.values.len(), self.frame.columns.len());
        for ((column, known), value) in self.frame.columns.iter_mut().zip(&mut self.levels).zip(&snapshot.values) {
            match (column, value) {
                (Column::Numbers(numbers), value) => numbers.push(value.as_number().unwrap_or(f64::NAN)),
                (Column::Levels { codes, names }, Value::Level(level)) => {
                    let code = *known.entry(level.clone()).or_insert_with(|| {
                        names.push(level.clone());
                        u32::try_from(names.len() - 1).unwrap_or(MISSING_LEVEL)
                    });
                    codes.push(code);
                }
                (Column::Levels { codes, .. }, _) => codes.push(MISSING_LEVEL),
            }
        }
        self.frame.rows += 1;
    }

    /// The frame.
    pub(crate) fn finish(self) -> Frame {
        self.frame
    }
}

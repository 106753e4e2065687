//! How a feature's values fall into bins.

use std::ops::Range;

use expansion_features::{Column, MISSING_LEVEL, Value};
use serde::{Deserialize, Serialize};

/// How a feature's values fall into bins. The last bin is that of a missing value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Numbers: bin `i` holds the values up to and including edge `i`, the next one those above the last edge.
    Numbers {
        /// Ascending.
        edges: Vec<f64>,
    },
    /// Levels: one bin each, then one for every level not seen in training.
    Levels {
        /// The levels seen in training.
        names: Vec<String>,
    },
}

impl Bins {
    /// How many bins there are: the ordinary ones, then the one for a missing value.
    pub fn len(&self) -> usize {
        self.missing() + 1
    }

    /// Always false: there is a bin for a missing value.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The bin of a missing value: the last.
    pub fn missing(&self) -> usize {
        match self {
            Self::Numbers { edges } => edges.len() + 1,
            Self::Levels { names } => names.len() + 1,
        }
    }

    /// The bin of a value. A value of the wrong kind is missing.
    pub fn of(&self, value: &Value) -> u16 {
        match (self, value) {
            (Self::Numbers { .. }, Value::Number(number)) => self.of_number(*number),
            (Self::Levels { .. }, Value::Level(level)) => self.of_level(level),
            _ => small(self.missing()),
        }
    }

    /// Writes the bins of some rows of a column.
    pub fn fill(&self, column: &Column, rows: Range<usize>, bins: &mut [u16]) {
        match column {
            Column::Numbers(values) => {
                for (bin, value) in bins.iter_mut().zip(&values[rows]) {
                    *bin = self.of_number(*value);
                }
            }
            Column::Levels { codes, names } => {
                // One look-up a level that is there, not one a row.
                let mut of_level: Vec<Option<u16>> = vec![None; names.len()];
                let missing = small(self.missing());
                for (bin, code) in bins.iter_mut().zip(&codes[rows]) {
                    *bin = match *code {
                        MISSING_LEVEL => missing,
                        code => {
                            let code = code as usize;
                            *of_level[code].get_or_insert_with(|| self.of_level(&names[code]))
                        }
                    };
                }
            }
        }
    }

    /// NaN is missing.
    fn of_number(&self, number: f64) -> u16 {
        match self {
            Self::Numbers { edges } if !number.is_nan() => small(edges.partition_point(|edge| *edge < number)),
            _ => small(self.missing()),
        }
    }

    fn of_level(&self, level: &str) -> u16 {
        match self {
            Self::Levels { names } => small(names.iter().position(|name| name == level).unwrap_or(names.len())),
            Self::Numbers { .. } => small(self.missing()),
        }
    }
}

/// A bin's number: a feature has far fewer than 65,536.
fn small(bin: usize) -> u16 {
    u16::try_from(bin).unwrap_or(u16::MAX)
}

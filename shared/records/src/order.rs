//! The orders that lists come in, and where a row stands in them.

use std::cmp::Ordering;

use expansion_domain::Id;
use serde::{Deserialize, Serialize};

use crate::Listed;

/// What a list is sorted by, largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The propensity score.
    #[default]
    Score,
    /// Propensity times mean amount.
    ExpectedValue,
    /// Expected value times confidence; customers better left alone come last.
    Priority,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Score, Self::ExpectedValue, Self::Priority];

    /// The order's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::ExpectedValue => "expected_value",
            Self::Priority => "priority",
        }
    }

    /// What a row is sorted by; `None` comes last.
    pub fn value(self, row: &Listed) -> Option<f64> {
        match self {
            Self::Score => Some(f64::from(row.propensity_score)),
            Self::ExpectedValue => row.expected_value,
            Self::Priority => row.priority,
        }
    }

    /// Where a row stands.
    pub fn position(self, row: &Listed) -> Position {
        Position { value: self.value(row), customer_id: row.customer_id.clone() }
    }

    /// Brings rows into this order.
    pub fn sort(self, rows: &mut [Listed]) {
        rows.sort_by_cached_key(|row| self.position(row));
    }
}

/// Where a row stands in a list: by value, largest first and absent ones last, then by customer id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// What the list is sorted by.
    pub value: Option<f64>,
    /// Whose row it is.
    pub customer_id: Id,
}

impl Eq for Position {}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (self.value, other.value) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_value.then_with(|| self.customer_id.cmp(&other.customer_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: Option<f64>, id: &str) -> Position {
        Position { value, customer_id: id.into() }
    }

    #[test]
    fn large_values_come_first_and_absent_ones_last() {
        let mut all = [at(None, "a"), at(Some(1.0), "c"), at(Some(2.0), "d"), at(Some(1.0), "b")];
        all.sort();
        let order: Vec<&str> = all.iter().map(|position| &*position.customer_id).collect();
        assert_eq!(order, ["d", "b", "c", "a"]);
    }
}

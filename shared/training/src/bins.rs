//! How a column falls into bins: quantiles for numbers, levels for categories.

use expansion_features::{Column, MISSING_LEVEL};
use expansion_model::Bins;

/// A level with fewer rows than this is treated like one that was never seen.
const LEAST_ROWS_A_LEVEL: usize = 20;

/// The bins of a column as seen in the given rows, at most `most` for numbers; `None` when the column says nothing there.
pub(crate) fn bins(column: &Column, rows: &[usize], most: usize) -> Option<Bins> {
    match column {
        Column::Numbers(values) => {
            let mut known: Vec<f64> = rows.iter().map(|&row| values[row]).filter(|v| !v.is_nan()).collect();
            let some_missing = known.len() < rows.len();
            known.sort_unstable_by(f64::total_cmp);
            let edges = quantile_edges(&known, most);
            (!edges.is_empty() || (some_missing && !known.is_empty())).then_some(Bins::Numbers { edges })
        }
        Column::Levels { codes, names } => {
            let mut counts = vec![0_usize; names.len()];
            for &row in rows {
                if codes[row] != MISSING_LEVEL {
                    counts[codes[row] as usize] += 1;
                }
            }
            let mut kept: Vec<String> = names
                .iter()
                .zip(&counts)
                .filter(|(_, count)| **count >= LEAST_ROWS_A_LEVEL)
                .map(|(name, _)| name.to_string())
                .collect();
            kept.sort();
            (kept.len() > 1).then_some(Bins::Levels { names: kept })
        }
    }
}

/// The distinct quantiles that part sorted values, without the largest value (nothing lies above it).
fn quantile_edges(sorted: &[f64], most: usize) -> Vec<f64> {
    let Some(largest) = sorted.last() else {
        return Vec::new();
    };
    let mut edges: Vec<f64> = (1..most).map(|i| sorted[i * (sorted.len() - 1) / most]).collect();
    edges.dedup();
    edges.retain(|edge| edge < largest);
    edges
}

/// The bin of every given row.
pub(crate) fn codes(column: &Column, bins: &Bins, rows: &[usize]) -> Vec<u16> {
    match (column, bins) {
        (Column::Levels { codes, names }, _) => {
            // One look-up a level, not one a row.
            let of_level: Vec<u16> =
                names.iter().map(|name| code(bins.of(&expansion_features::Value::Level(name.clone())))).collect();
            let missing = code(bins.missing());
            rows.iter().map(|&row| of_level.get(codes[row] as usize).copied().unwrap_or(missing)).collect()
        }
        (Column::Numbers(values), _) => {
            rows.iter().map(|&row| code(bins.of(&expansion_features::Value::number(values[row])))).collect()
        }
    }
}

fn code(bin: usize) -> u16 {
    u16::try_from(bin).unwrap_or(u16::MAX)
}

//! How a column falls into bins: quantiles for numbers, levels for categories.

use expansion_features::{Column, Frame, MISSING_LEVEL};
use expansion_model::{BinnedFeature, Bins};

/// A level with fewer rows than this is treated like one that was never seen.
const LEAST_ROWS_A_LEVEL: usize = 10;
/// So many levels at most, the commonest.
const MOST_LEVELS: usize = 60;
/// A bin of numbers has at least so many rows.
const LEAST_ROWS_A_BIN: usize = 10;

/// Those of the wanted features that say something in the given rows, with at most `most` bins for numbers, and these rows'
/// bins.
pub(crate) fn features(
    frame: &Frame,
    rows: &[usize],
    most: usize,
    is_wanted: impl Fn(&str) -> bool,
) -> (Vec<BinnedFeature>, Vec<Vec<u16>>) {
    let mut features = Vec::new();
    let mut codes = Vec::new();
    for (name, column) in frame.names.iter().zip(&frame.columns).filter(|(name, _)| is_wanted(name)) {
        let Some(bins) = bins(column, rows, most) else { continue };
        codes.push(self::codes(&bins, column, rows));
        features.push(BinnedFeature { name: name.clone(), bins });
    }
    (features, codes)
}

/// The bins that the values of some rows fall into.
pub(crate) fn codes(bins: &Bins, column: &Column, rows: &[usize]) -> Vec<u16> {
    let mut codes = vec![0; rows.len()];
    bins.fill(&column.take(rows), 0..rows.len(), &mut codes);
    codes
}

/// The bins of a column as seen in the given rows; `None` when the column says nothing there.
fn bins(column: &Column, rows: &[usize], most: usize) -> Option<Bins> {
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
            let mut common: Vec<(usize, &str)> = counts.into_iter().zip(names.iter().map(|name| &**name)).collect();
            common.retain(|(count, _)| *count >= LEAST_ROWS_A_LEVEL);
            common.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            common.truncate(MOST_LEVELS);
            let mut kept: Vec<String> = common.into_iter().map(|(_, name)| name.to_owned()).collect();
            kept.sort_unstable();
            (kept.len() > 1).then_some(Bins::Levels { names: kept })
        }
    }
}

/// Edges between sorted values that part them into bins of about equally many. A value that fills a bin alone gets one
/// of its own, and the others share what is left, so that a common zero does not swallow the rest.
fn quantile_edges(sorted: &[f64], most: usize) -> Vec<f64> {
    let mut edges = Vec::new();
    let (mut left, mut bins_left, mut in_bin) = (sorted.len(), most, 0_usize);
    let mut groups = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).peekable();
    while let (Some(group), Some(next)) = (groups.next(), groups.peek()) {
        in_bin += group.len();
        let target = (left / bins_left.max(1)).max(LEAST_ROWS_A_BIN);
        // Closed when full, or when what comes next fills a bin alone.
        let full = in_bin >= target || (in_bin >= LEAST_ROWS_A_BIN && next.len() >= target);
        if full && left - in_bin >= LEAST_ROWS_A_BIN && edges.len() + 1 < most {
            edges.push(f64::midpoint(group[0], next[0]));
            left -= in_bin;
            bins_left = bins_left.saturating_sub(1);
            in_bin = 0;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_value_gets_its_own_bin_and_the_others_share_the_rest() {
        let mut values = vec![0.0; 900];
        values.extend((1..=100).map(f64::from));
        let edges = quantile_edges(&values, 5);
        assert_eq!(edges.len(), 4);
        assert!((edges[0] - 0.5).abs() < 1e-12, "{edges:?}");
    }

    #[test]
    fn equal_values_have_no_edge() {
        assert!(quantile_edges(&[3.0; 50], 10).is_empty());
        assert!(quantile_edges(&[], 10).is_empty());
    }
}

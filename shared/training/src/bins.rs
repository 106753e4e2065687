//! How a column falls into bins: quantiles for numbers, levels for categories.

use std::collections::HashSet;

use expansion_features::{Column, Dataset, MISSING_LEVEL};
use expansion_model::{BinnedFeature, Bins};

/// A level with fewer rows than this, or of fewer customers, is treated like one that was never seen: all such levels share a
/// bin. What there is to see of one customer's own segment is that customer.
const LEAST_ROWS_A_LEVEL: usize = 10;
const LEAST_CUSTOMERS_A_LEVEL: usize = 5;
/// So many levels at most, the commonest.
const MOST_LEVELS: usize = 60;
/// A bin of numbers has at least so many rows.
const LEAST_ROWS_A_BIN: usize = 10;

/// Those of the wanted features that say something in the given rows, with at most `most` bins for numbers, and these rows'
/// bins.
pub(crate) fn features(
    data: &Dataset,
    rows: &[usize],
    most: usize,
    is_wanted: impl Fn(&str) -> bool,
) -> (Vec<BinnedFeature>, Vec<Vec<u16>>) {
    let mut features = Vec::new();
    let mut codes = Vec::new();
    for (name, column) in data.frame.names.iter().zip(&data.frame.columns).filter(|(name, _)| is_wanted(name)) {
        let Some(bins) = bins(column, &data.customers, rows, most) else { continue };
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

/// The bins of a column, whose rows are of the given customers, as seen in some of the rows; `None` when the column says
/// nothing there.
pub(crate) fn bins(column: &Column, customers: &[u32], rows: &[usize], most: usize) -> Option<Bins> {
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
            let mut customers_of = vec![0_usize; names.len()];
            let mut seen = HashSet::new();
            for &row in rows.iter().filter(|row| codes[**row] != MISSING_LEVEL) {
                let level = codes[row] as usize;
                counts[level] += 1;
                customers_of[level] += usize::from(seen.insert((level, customers[row])));
            }
            let is_common =
                |level: &usize| counts[*level] >= LEAST_ROWS_A_LEVEL && customers_of[*level] >= LEAST_CUSTOMERS_A_LEVEL;
            let common = (0..names.len()).filter(is_common);
            let mut common: Vec<(usize, &str)> = common.map(|level| (counts[level], &*names[level])).collect();
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
    fn levels_of_few_customers_share_the_bin_of_those_never_seen() {
        let rows: Vec<usize> = (0..600).collect();
        let customers: Vec<u32> = (0..600).map(|row| row % 50).collect();
        let kept = |level: &dyn Fn(u32) -> u32| {
            let codes: Vec<u32> = customers.iter().map(|customer| level(*customer)).collect();
            let names = (0..100).map(|code| format!("{code:02}").as_str().into()).collect();
            match bins(&Column::Levels { names, codes }, &customers, &rows, 20) {
                Some(Bins::Levels { names }) => names,
                other => other.map(|bins| panic!("{bins:?}")).unwrap_or_default(),
            }
        };
        // Twelve rows a customer: two levels of five customers each, one of four, and a level each of the others.
        let level = |customer: u32| if customer < 14 { customer / 5 } else { customer };
        assert_eq!(kept(&level), ["00", "01"]);
        assert!(kept(&|customer| customer).is_empty(), "a level each says nothing");
    }

    #[test]
    fn equal_values_have_no_edge() {
        assert!(quantile_edges(&[3.0; 50], 10).is_empty());
        assert!(quantile_edges(&[], 10).is_empty());
    }
}

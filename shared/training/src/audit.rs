//! Whether the columns that a model is to be fitted to are plausible, before it is: those that say nothing, those that say
//! too much, and those that are known otherwise for the customers to be scored.

use expansion_domain::{count, share};
use expansion_features::{Column, Dataset, Frame, MISSING_LEVEL};
use expansion_model::{Bins, Doubt};

use crate::bins;
use crate::propensity::MOST_BINS;

/// A feature known for a smaller share of labelled rows is dropped.
const LEAST_FILL: f64 = 0.001;
/// A feature that reaches a larger area under the ROC curve alone is dropped as a suspected leak.
const MOST_AUC: f64 = 0.95;
/// A larger difference between the shares known of labelled rows and of the customers to be scored is told.
const MOST_FILL_GAP: f64 = 0.5;
/// A half of the customers with fewer rows of either outcome does not tell how a column is associated with it.
const LEAST_OUTCOMES: usize = 20;

/// What is implausible about the columns of labelled rows; `now` has the same columns of the customers to be scored. Columns
/// that are not in the source at all are none to doubt.
pub(crate) fn doubts(data: &Dataset, now: &Frame, is_in_source: impl Fn(&str) -> bool) -> Vec<Doubt> {
    let halves = halves(data);
    let columns = data.frame.names.iter().zip(&data.frame.columns).zip(&now.columns);
    let of_column = |((name, column), now_column): ((&String, &Column), &Column)| {
        let feature = || name.clone();
        let fill = fill(column, data.frame.rows);
        let scoring = self::fill(now_column, now.rows);
        let gap = (now.rows > 0 && (fill - scoring).abs() > MOST_FILL_GAP).then(|| Doubt::FillGap {
            feature: feature(),
            training: fill,
            scoring,
        });
        let dropped = if fill < LEAST_FILL {
            Some(Doubt::HardlyFilled { feature: feature(), fill })
        } else if is_constant(column) {
            Some(Doubt::Constant { feature: feature() })
        } else {
            let auc = halves.as_ref().and_then(|halves| association(column, data, halves));
            auc.filter(|auc| *auc > MOST_AUC).map(|auc| Doubt::SuspectedLeak { feature: feature(), auc })
        };
        dropped.into_iter().chain(gap)
    };
    columns.filter(|((name, _), _)| data.frame.rows > 0 && is_in_source(name)).flat_map(of_column).collect()
}

/// The features that nothing is to be fitted to.
pub(crate) fn dropped(doubts: &[Doubt]) -> Vec<String> {
    doubts.iter().filter(|doubt| doubt.drops()).filter_map(Doubt::feature).map(str::to_owned).collect()
}

/// The features that tell the outcome by themselves.
pub(crate) fn leaks(doubts: &[Doubt]) -> Vec<String> {
    let leaks = doubts.iter().filter(|doubt| matches!(doubt, Doubt::SuspectedLeak { .. }));
    leaks.filter_map(Doubt::feature).map(str::to_owned).collect()
}

fn fill(column: &Column, rows: usize) -> f64 {
    let known = match column {
        Column::Numbers(values) => values.iter().filter(|value| !value.is_nan()).count(),
        Column::Levels { codes, .. } => codes.iter().filter(|code| **code != MISSING_LEVEL).count(),
    };
    share(known, rows)
}

/// Whether every row has the same value; that it is missing from some makes a difference.
#[expect(clippy::float_cmp, reason = "the same value is meant, not a near one")]
fn is_constant(column: &Column) -> bool {
    match column {
        Column::Numbers(values) => values.windows(2).all(|pair| pair[0] == pair[1]),
        Column::Levels { codes, .. } => codes.windows(2).all(|pair| pair[0] == pair[1]),
    }
}

/// The rows of either half of the customers; `None` where one has too few of either outcome.
fn halves(data: &Dataset) -> Option<[Vec<usize>; 2]> {
    // Multiplicative hashing scatters neighbours.
    let is_second = |row: &usize| data.customers[*row].wrapping_mul(0x9E37_79B1) >> 31 != 0;
    let (second, first): (Vec<usize>, Vec<usize>) = (0..data.labels.len()).partition(is_second);
    let is_enough = |rows: &Vec<usize>| {
        let expanded = rows.iter().filter(|row| data.labels[**row].expanded).count();
        expanded.min(rows.len() - expanded) >= LEAST_OUTCOMES
    };
    let halves = [first, second];
    halves.iter().all(is_enough).then_some(halves)
}

/// How well a column alone tells which rows end in an expansion: the area under the ROC curve of its bins' rates of
/// expansions, learned from one half of the customers and tried on the other, as the mean of both ways. Unlike the area of
/// the values themselves it sees what is not monotone, levels, and a column that is known only of those who expand.
fn association(column: &Column, data: &Dataset, halves: &[Vec<usize>; 2]) -> Option<f64> {
    let [first, second] = halves;
    let areas = [(first, second), (second, first)].map(|(learned, tried)| {
        let bins = bins::bins(column, &data.customers, learned, MOST_BINS)?;
        Some(area(&tally(&bins, column, data, learned), &tally(&bins, column, data, tried)))
    });
    let [one, other] = areas;
    one.zip(other).map(|(one, other)| f64::midpoint(one, other))
}

/// The rows in a bin, by outcome.
#[derive(Clone, Copy, Default)]
struct Tally {
    up: usize,
    down: usize,
}

fn tally(bins: &Bins, column: &Column, data: &Dataset, rows: &[usize]) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); bins.len()];
    for (row, bin) in rows.iter().zip(bins::codes(bins, column, rows)) {
        let tally = &mut tallies[usize::from(bin)];
        *(if data.labels[*row].expanded { &mut tally.up } else { &mut tally.down }) += 1;
    }
    tallies
}

/// The area under the ROC curve of bins ranked by their rates in other rows; ties, and bins without any, count half.
fn area(learned: &[Tally], tried: &[Tally]) -> f64 {
    let total = |tallies: &[Tally], of: fn(&Tally) -> usize| count(tallies.iter().map(of).sum());
    let base = total(learned, |t| t.up) / total(learned, |t| t.up + t.down);
    let rate = |tally: &Tally| (count(tally.up) + base) / (count(tally.up + tally.down) + 1.0);
    let mut ranked: Vec<(f64, Tally)> = learned.iter().map(rate).zip(tried.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (up, down) = (total(tried, |t| t.up), total(tried, |t| t.down));
    let (mut below, mut wins) = (down, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let tied_down = tied.iter().map(|(_, tally)| count(tally.down)).sum::<f64>();
        below -= tied_down;
        wins += tied.iter().map(|(_, tally)| count(tally.up)).sum::<f64>() * (below + tied_down / 2.0);
    }
    wins / (up * down)
}

#[cfg(test)]
mod tests {
    use expansion_domain::Instant;
    use expansion_features::Label;
    use expansion_model::scattered;

    use super::*;

    const ROWS: u32 = 4000;

    /// Between 0 and 1, another for each row and purpose.
    fn chance(row: u32, purpose: u64) -> f64 {
        scattered(purpose << 32 | u64::from(row))
    }

    /// Rows of a thousand customers of which one in ten ends in an expansion, with columns made of row and outcome.
    fn data(columns: Vec<(&str, Column)>, outcomes: &[bool]) -> Dataset {
        let (names, columns): (Vec<&str>, Vec<Column>) = columns.into_iter().unzip();
        Dataset {
            frame: Frame { names: names.into_iter().map(str::to_owned).collect(), columns, rows: outcomes.len() },
            labels: outcomes.iter().map(|expanded| Label { expanded: *expanded, amount: None }).collect(),
            customers: (0..ROWS).map(|row| row % 1000).collect(),
            as_of: vec![Instant::EPOCH; outcomes.len()],
        }
    }

    fn outcomes() -> Vec<bool> {
        (0..ROWS).map(|row| chance(row, 1) < 0.1).collect()
    }

    fn numbers(of: impl Fn(u32, bool) -> f64) -> Column {
        Column::Numbers((0_u32..).zip(outcomes()).map(|(row, expanded)| of(row, expanded)).collect())
    }

    fn levels(of: impl Fn(u32, bool) -> u32) -> Column {
        let codes: Vec<u32> = (0_u32..).zip(outcomes()).map(|(row, expanded)| of(row, expanded)).collect();
        let most = codes.iter().filter(|code| **code != MISSING_LEVEL).max().copied().unwrap_or_default();
        Column::Levels { names: (0..=most).map(|level| format!("l{level}").into()).collect(), codes }
    }

    /// The doubts about a column of which the same is known today, by its name `f`.
    fn about(column: &Column) -> Vec<Doubt> {
        let data = data(vec![("f", column.clone())], &outcomes());
        doubts(&data, &data.frame, |_| true)
    }

    fn leak(column: &Column) -> Option<f64> {
        match &about(column)[..] {
            [Doubt::SuspectedLeak { feature, auc }] if feature == "f" => Some(*auc),
            [] => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_column_that_tells_the_outcome_is_a_suspected_leak_however_it_does_so() {
        let noise = |row| chance(row, 2);
        let rising = numbers(|row, expanded| noise(row) + if expanded { 0.9 } else { 0.0 });
        let falling = numbers(|row, expanded| -noise(row) - if expanded { 0.9 } else { 0.0 });
        let in_the_middle = numbers(|row, expanded| if expanded { 0.5 } else { noise(row).round() });
        let only_of_expanding = numbers(|row, expanded| if expanded { noise(row) } else { f64::NAN });
        let never_of_expanding = levels(|row, expanded| if expanded { MISSING_LEVEL } else { row % 5 });
        let level = levels(|row, expanded| if expanded { row % 2 } else { 2 + row % 20 });
        for column in [rising, falling, in_the_middle, only_of_expanding, never_of_expanding, level] {
            assert!(leak(&column).is_some_and(|auc| auc > MOST_AUC), "{:?}", about(&column));
        }
    }

    #[test]
    fn a_strong_column_is_none() {
        // One in eight of those who don't expand looks the same: AUC 0.94.
        let strong = numbers(|row, expanded| f64::from(u8::from(expanded || chance(row, 3) < 0.125)));
        assert_eq!(leak(&strong), None);
        let data = data(vec![("f", strong.clone())], &outcomes());
        let auc = association(&strong, &data, &halves(&data).expect("enough")).expect("it varies");
        assert!((auc - 0.9375).abs() < 0.01, "{auc}");
    }

    #[test]
    fn chance_tells_nothing_even_in_many_levels() {
        // Rates learned from the same rows would be an area of about 0.7.
        let column = levels(|row, _| row % 59);
        let data = data(vec![("f", column.clone())], &outcomes());
        let auc = association(&column, &data, &halves(&data).expect("enough")).expect("it varies");
        assert!((auc - 0.5).abs() < 0.05, "{auc}");
    }

    #[test]
    fn what_is_hardly_known_or_the_same_for_everybody_is_dropped() {
        let known = |rows| numbers(move |row, _| if row < rows { f64::from(row) } else { f64::NAN });
        let expected = |fill| vec![Doubt::HardlyFilled { feature: "f".to_owned(), fill }];
        assert_eq!(about(&known(0)), expected(0.0));
        assert_eq!(about(&known(3)), expected(3.0 / f64::from(ROWS)));
        assert_eq!(about(&known(4)), [], "one in a thousand is enough");
        assert_eq!(about(&levels(|_, _| MISSING_LEVEL)), expected(0.0));
        let constant = [Doubt::Constant { feature: "f".to_owned() }];
        assert_eq!(about(&numbers(|_, _| 7.0)), constant);
        assert_eq!(about(&levels(|_, _| 0)), constant);
        assert_eq!(
            about(&numbers(|row, _| if row < 400 { f64::NAN } else { 7.0 })),
            [],
            "whom it is known of may matter"
        );
        assert_eq!(dropped(&expected(0.0)), ["f"]);
    }

    #[test]
    fn a_column_known_otherwise_of_todays_customers_is_told_and_kept() {
        let filled = |share: f64| numbers(move |row, _| if chance(row, 4) < share { chance(row, 5) } else { f64::NAN });
        let of = |then, now| {
            let data = data(vec![("f", filled(then))], &outcomes());
            let now = Frame { columns: vec![filled(now)], ..data.frame.clone() };
            doubts(&data, &now, |_| true)
        };
        for (then, now) in [(0.2, 0.8), (0.9, 0.3)] {
            let found = of(then, now);
            let [Doubt::FillGap { feature, training, scoring }] = &found[..] else { panic!("{found:?}") };
            assert!(feature == "f" && (training - then).abs() < 0.05 && (scoring - now).abs() < 0.05, "{found:?}");
            assert!(dropped(&found).is_empty());
        }
        assert_eq!(of(0.3, 0.75), []);
        // Nobody to score is no gap.
        let data = data(vec![("f", filled(1.0))], &outcomes());
        assert_eq!(
            doubts(&data, &Frame { columns: vec![Column::Numbers(Vec::new())], rows: 0, ..data.frame.clone() }, |_| {
                true
            }),
            []
        );
    }

    #[test]
    fn what_is_not_in_the_source_is_said_elsewhere_and_few_outcomes_tell_of_no_leak() {
        let nothing = data(vec![("f", numbers(|_, _| f64::NAN))], &outcomes());
        assert_eq!(doubts(&nothing, &nothing.frame, |_| false), []);
        let mut few = data(vec![("f", numbers(|_, expanded| f64::from(u8::from(expanded))))], &outcomes());
        assert_eq!(leaks(&doubts(&few, &few.frame, |_| true)), ["f"]);
        let expanded: Vec<usize> = (0..few.labels.len()).filter(|row| few.labels[*row].expanded).collect();
        expanded[20..].iter().for_each(|row| few.labels[*row].expanded = false);
        assert_eq!(doubts(&few, &few.frame, |_| true), []);
        let none = data(vec![("f", Column::Numbers(Vec::new()))], &[]);
        assert_eq!(doubts(&none, &none.frame, |_| true), []);
    }
}

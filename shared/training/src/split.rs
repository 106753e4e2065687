//! The split in time: the newest cutoffs are held out, and no training row's label window reaches into them.

use expansion_domain::Instant;
use expansion_features::Dataset;

/// Enough expansions among the held-out rows to tell models apart.
const HELD_OUT_POSITIVES: usize = 200;

/// Rows to fit on and rows to evaluate on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows whose label window ends before the first held-out cutoff.
    pub train: Vec<usize>,
    /// Rows of the newest cutoffs.
    pub held_out: Vec<usize>,
    /// Those cutoffs, oldest first.
    pub held_out_cutoffs: Vec<Instant>,
}

/// Holds out as few of the newest cutoffs as give 200 expansions, at most a third; `None` when none are left to train on.
pub fn out_of_time(data: &Dataset, cutoffs: &[Instant], horizon_days: u16) -> Option<Split> {
    let positives = |cutoff: Instant| {
        data.as_of.iter().zip(&data.labels).filter(|(at, label)| **at == cutoff && label.expanded).count()
    };
    let (mut held, mut found) = (0, 0);
    for &cutoff in cutoffs.iter().rev().take((cutoffs.len() / 3).max(1)) {
        held += 1;
        found += positives(cutoff);
        if found >= HELD_OUT_POSITIVES {
            break;
        }
    }
    let held_out_cutoffs = cutoffs[cutoffs.len() - held..].to_vec();
    let first = *held_out_cutoffs.first()?;
    let rows = |wanted: &dyn Fn(Instant) -> bool| -> Vec<usize> {
        (0..data.as_of.len()).filter(|&row| wanted(data.as_of[row])).collect()
    };
    let train = rows(&|at| at.plus_days(i32::from(horizon_days)) <= first);
    let held_out = rows(&|at| at >= first);
    (!train.is_empty()).then_some(Split { train, held_out, held_out_cutoffs })
}

/// A fifth of the customers, for rows that know no time.
pub(crate) fn by_customer(data: &Dataset) -> Split {
    // Multiplicative hashing scatters neighbours.
    let is_out = |row: &usize| data.customers[*row].wrapping_mul(0x9E37_79B1) >> 16 & 0xFFFF < 0xFFFF / 5;
    let (held_out, train) = (0..data.labels.len()).partition(is_out);
    Split { train, held_out, held_out_cutoffs: Vec::new() }
}

#[cfg(test)]
mod tests {
    use expansion_features::Label;

    use super::*;

    fn monthly(cutoffs: i32, positives_each: usize) -> (Dataset, Vec<Instant>) {
        let first: Instant = "2024-01-01".parse().expect("a date");
        let cutoffs: Vec<Instant> = (0..cutoffs).map(|i| first.plus_days(30 * i)).collect();
        let mut data = Dataset::default();
        for &cutoff in &cutoffs {
            for i in 0..positives_each * 2 {
                data.as_of.push(cutoff);
                data.labels.push(Label { expanded: i < positives_each, amount: None });
            }
        }
        (data, cutoffs)
    }

    #[test]
    fn no_training_window_reaches_into_the_held_out_cutoffs() {
        let (data, cutoffs) = monthly(12, 90);
        let split = out_of_time(&data, &cutoffs, 90).expect("there is enough");
        assert_eq!(split.held_out_cutoffs, cutoffs[9..]);
        let first_held_out = split.held_out.iter().map(|&row| data.as_of[row]).min().expect("rows");
        let last_window = split.train.iter().map(|&row| data.as_of[row].plus_days(90)).max().expect("rows");
        assert!(last_window <= first_held_out);
        // Between the two lies one horizon of rows that are in neither.
        assert_eq!(split.train.len() + split.held_out.len(), data.labels.len() - 2 * 180);
    }

    #[test]
    fn one_cutoff_is_held_out_when_it_tells_enough_and_a_third_at_most() {
        let (data, cutoffs) = monthly(12, 200);
        assert_eq!(out_of_time(&data, &cutoffs, 90).expect("there is enough").held_out_cutoffs, cutoffs[11..]);
        let (data, cutoffs) = monthly(12, 1);
        assert_eq!(out_of_time(&data, &cutoffs, 90).expect("there is enough").held_out_cutoffs, cutoffs[8..]);
    }

    #[test]
    fn a_short_history_cannot_be_held_out() {
        let (data, cutoffs) = monthly(3, 200);
        assert_eq!(out_of_time(&data, &cutoffs, 90), None);
    }
}

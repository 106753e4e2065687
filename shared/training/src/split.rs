//! The split in time: the newest cutoffs are held out, and no training row's label window reaches into them.

use expansion_domain::Instant;
use expansion_features::Dataset;

/// Enough expansions among the held-out rows to tell models apart.
const HELD_OUT_POSITIVES: usize = 200;

/// Rows to fit on and rows to evaluate on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Rows whose label window ends before the first held-out cutoff.
    pub(crate) train: Vec<usize>,
    /// Rows of the newest cutoffs.
    pub(crate) held_out: Vec<usize>,
    /// Those cutoffs, oldest first.
    pub(crate) held_out_cutoffs: Vec<Instant>,
}

/// Holds out as few of the newest cutoffs as give 200 expansions, at most a third; `None` when nothing is left to
/// train on.
#[must_use]
pub(crate) fn out_of_time(data: &Dataset, cutoffs: &[Instant], horizon_days: u16) -> Option<Split> {
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

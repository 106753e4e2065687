//! Rows for training: every customer at every cutoff whose horizon has elapsed.

use std::collections::HashMap;

use expansion_domain::{Instant, SourceData};

use crate::{Catalogue, FEATURES, Frame, Inputs, Label, Slots, label, observed_until};

/// Days between two training cutoffs.
const STEP_DAYS: i32 = 30;

/// Snapshots with their labels.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// The snapshots.
    pub frame: Frame,
    /// What followed, one a row.
    pub labels: Vec<Label>,
    /// Which customer, as a position in the source, one a row.
    pub customers: Vec<u32>,
    /// Which cutoff, one a row.
    pub as_of: Vec<Instant>,
}

impl Dataset {
    /// The dataset with only the given rows, in that order.
    pub fn take(&self, rows: &[usize]) -> Self {
        Self {
            frame: self.frame.take(rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            customers: rows.iter().map(|&row| self.customers[row]).collect(),
            as_of: rows.iter().map(|&row| self.as_of[row]).collect(),
        }
    }
}

/// The training cutoffs, oldest first: one every 30 days, at most `most` of them, as long as some customer had been
/// there for one horizon. The newest lies one horizon before where the deals known at `as_of` end ([`observed_until`]): the
/// time since was not observed, and would turn every customer into one who did not expand.
pub fn cutoffs(source: &SourceData, as_of: Instant, horizon_days: u16, most: usize) -> Vec<Instant> {
    let horizon = i32::from(horizon_days);
    let first = source.customers.iter().map(|c| c.created_at).min();
    let Some((first, until)) = first.zip(observed_until(source, as_of)) else {
        return Vec::new();
    };
    let mut cutoffs: Vec<_> = (0..)
        .map(|step| until.plus_days(-horizon - STEP_DAYS * step))
        .take_while(|cutoff| *cutoff >= first.plus_days(horizon))
        .take(most)
        .collect();
    cutoffs.reverse();
    cutoffs
}

/// The slots that rows at the given cutoffs are made with, oldest first: those of the newest one, or of `as_of` where there
/// is none. What began later cannot be learned from.
pub fn slots(source: &SourceData, cutoffs: &[Instant], as_of: Instant) -> Slots {
    Slots::of(source, cutoffs.last().copied().unwrap_or(as_of))
}

/// The rows of all customers at the given cutoffs, cutoff by cutoff.
pub fn dataset(source: &SourceData, cutoffs: &[Instant], horizon_days: u16, slots: &Slots) -> Dataset {
    let catalogue = Catalogue::new(&source.products);
    let mut data = Dataset { frame: Frame::empty(), ..Dataset::default() };
    let mut levels = vec![HashMap::new(); FEATURES.len()];
    for &as_of in cutoffs {
        for (customer, history) in (0_u32..).zip(&source.customers) {
            if let Some(known) = history.known(as_of) {
                let inputs = Inputs { known, catalogue: &catalogue, tables: &source.tables, slots };
                data.frame.push(&inputs.snapshot(), &mut levels);
                data.labels.push(label(history, as_of, horizon_days));
                data.customers.push(customer);
                data.as_of.push(as_of);
            }
        }
    }
    data
}

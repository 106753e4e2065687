//! Rows for training: every customer at every cutoff whose horizon has elapsed.

use std::collections::HashMap;

use expansion_domain::{CustomerHistory, Instant, SourceData};

use crate::{Catalogue, FEATURES, Frame, Inputs, Label, label};

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
/// there for one horizon. The newest lies one horizon before `as_of`, or before the last thing the source knows of if
/// that is earlier: the time since was not observed, and would turn every customer into one who did not expand.
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

/// The end of the day of the last fact of the source known at `as_of`, or `as_of` if that is earlier; `None` without any.
///
/// What people recorded does not count: that one deal is known says nothing of all others at that time.
pub fn observed_until(source: &SourceData, as_of: Instant) -> Option<Instant> {
    let known = |at: &Instant| *at <= as_of;
    let last = |history: &CustomerHistory| {
        let usage = history.usage.iter().flat_map(|series| &series.readings);
        let readings = usage.chain(&history.health).map(|reading| reading.at);
        let opened = history.opportunities.iter().filter(|o| o.known_at.is_none()).map(|o| o.created_at);
        let closed = history.opportunities.iter().filter(|o| o.outcome_known_at.is_none()).filter_map(|o| o.closed_at);
        let contracts = history.contracts.iter().map(|contract| contract.start_date);
        let signals = history.signals.iter().map(|signal| signal.detected_at);
        let people = history.stakeholders.iter().map(|person| person.recorded_at);
        let engagements = history.engagements.iter().map(|engagement| engagement.occurred_at);
        let all = readings.chain(opened).chain(closed).chain(contracts).chain(signals).chain(people).chain(engagements);
        all.chain([history.created_at]).filter(known).max()
    };
    source.customers.iter().filter_map(last).max().map(|last| last.end_of_day().min(as_of))
}

/// The rows of all customers at the given cutoffs, cutoff by cutoff.
pub fn dataset(source: &SourceData, cutoffs: &[Instant], horizon_days: u16) -> Dataset {
    let catalogue = Catalogue::new(&source.products);
    let mut data = Dataset { frame: Frame::empty(), ..Dataset::default() };
    let mut levels = vec![HashMap::new(); FEATURES.len()];
    for &as_of in cutoffs {
        for (customer, history) in (0_u32..).zip(&source.customers) {
            if let Some(known) = history.known(as_of) {
                let inputs = Inputs { known, catalogue: &catalogue, tables: &source.tables };
                data.frame.push(&inputs.snapshot(), &mut levels);
                data.labels.push(label(history, as_of, horizon_days));
                data.customers.push(customer);
                data.as_of.push(as_of);
            }
        }
    }
    data
}

//! Rows for training: every customer at every cutoff whose horizon has elapsed.

use expansion_domain::{Instant, Portfolio};

use crate::frame::FrameBuilder;
use crate::{Catalogue, FEATURES, Frame, Label, View, label};

/// Days between two training cutoffs.
const STEP_DAYS: i32 = 30;

/// Snapshots with their labels.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// The snapshots.
    pub frame: Frame,
    /// What followed, one a row.
    pub labels: Vec<Label>,
    /// Which customer, as a position in the portfolio, one a row.
    pub customers: Vec<u32>,
    /// Which cutoff, one a row.
    pub as_of: Vec<Instant>,
}

/// The training cutoffs, oldest first: one every 30 days back from `as_of − horizon`, at most `most` of them, as long
/// as some customer had been there for one horizon. Nothing later than `as_of` is looked at.
#[must_use]
pub fn cutoffs(portfolio: &Portfolio, as_of: Instant, horizon_days: u16, most: usize) -> Vec<Instant> {
    let horizon = i32::from(horizon_days);
    let Some(first) = portfolio.customers.iter().map(|c| c.created_at).min() else {
        return Vec::new();
    };
    let mut cutoffs: Vec<_> = (0..)
        .map(|step| as_of.plus_days(-horizon - STEP_DAYS * step))
        .take_while(|cutoff| *cutoff >= first.plus_days(horizon))
        .take(most)
        .collect();
    cutoffs.reverse();
    cutoffs
}

/// The rows of all customers at the given cutoffs, cutoff by cutoff.
#[must_use]
pub fn dataset(portfolio: &Portfolio, cutoffs: &[Instant], horizon_days: u16) -> Dataset {
    let catalogue = Catalogue::new(&portfolio.products);
    let mut rows = FrameBuilder::new(FEATURES.iter().map(|f| (f.name.to_owned(), f.is_level())));
    let mut data = Dataset::default();
    for &as_of in cutoffs {
        for (customer, history) in (0_u32..).zip(&portfolio.customers) {
            if let Some(known) = history.known(as_of) {
                rows.push(&View { known, catalogue: &catalogue, tables: &portfolio.tables }.snapshot());
                data.labels.push(label(history, as_of, horizon_days));
                data.customers.push(customer);
                data.as_of.push(as_of);
            }
        }
    }
    data.frame = rows.finish();
    data
}

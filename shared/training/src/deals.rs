//! What value and products are learned from: deals, and how many.

use expansion_domain::{CustomerHistory, Instant, Opportunity, Stage};

/// The deals known to be won at `as_of`, those of customers who have left since among them.
pub(crate) fn won_by(history: &CustomerHistory, as_of: Instant) -> impl Iterator<Item = &Opportunity> {
    let won = move |o: &&Opportunity| o.stage == Stage::Won && o.closed_at.is_some_and(|closed| closed <= as_of);
    history.opportunities.iter().filter(won)
}

/// A number of things, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

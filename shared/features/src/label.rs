//! What happened after `as_of`: the one place where the future is looked at.

use expansion_domain::{CustomerHistory, Instant, Opportunity, Stage};

/// The outcome within the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Whether an expansion was won in `(as_of, as_of + horizon]`.
    pub expanded: bool,
    /// The amounts won in that window, added up; `None` when nothing was won or an amount is not recorded.
    pub amount: Option<f64>,
}

/// The label of a customer at `as_of`. The caller must know that the horizon has elapsed; before that the outcome
/// is censored, not negative.
pub fn label(history: &CustomerHistory, as_of: Instant, horizon_days: u16) -> Label {
    let end = as_of.plus_days(i32::from(horizon_days));
    let is_won =
        |o: &&Opportunity| o.stage == Stage::Won && o.closed_at.is_some_and(|closed| as_of < closed && closed <= end);
    let won = || history.opportunities.iter().filter(is_won);
    let expanded = won().next().is_some();
    Label { expanded, amount: won().map(|o| o.amount).sum::<Option<f64>>().filter(|_| expanded) }
}

//! Why a model could not be tried on newer rows than it was fitted to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Knowledge;

/// Why there are no figures out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Untested {
    /// No row has a label: from the first customer to the newest deal it is less than two horizons, one to look back on and
    /// one to see what followed.
    NoLabels,
    /// Too few labelled rows end in an expansion: rules rank the customers, and nothing was fitted.
    TooFewExpansions,
    /// No row is a whole horizon older than the newest ones.
    HistoryTooShort,
    /// Of the rows that are old enough to fit to, too few end in an expansion.
    TooFewEarlierExpansions,
    /// Of the newest rows, on which it would be tried, all ended the same.
    OneOutcome,
}

/// The rows that a model was to be fitted to and tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether any row has a label.
    pub is_labelled: bool,
    /// What all rows allow to be learned.
    pub knowledge: Knowledge,
    /// What the rows a horizon older than the newest allow; `None` where there are none.
    pub earlier: Option<Knowledge>,
}

impl Untested {
    /// The reason, for a model that was not tried.
    pub const fn of(trial: Trial) -> Self {
        match trial {
            Trial { is_labelled: false, .. } => Self::NoLabels,
            Trial { knowledge: Knowledge::Rules, .. } => Self::TooFewExpansions,
            Trial { earlier: None, .. } => Self::HistoryTooShort,
            Trial { earlier: Some(Knowledge::Rules), .. } => Self::TooFewEarlierExpansions,
            Trial { earlier: Some(_), .. } => Self::OneOutcome,
        }
    }

    /// The reason in words, to stand after a colon.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoLabels => {
                "the history is too short: less than two horizons lie between the first customer and the newest deal"
            }
            Self::TooFewExpansions => "too few past expansions are known to fit anything, so rules rank the customers",
            Self::HistoryTooShort => "the history is too short to hold its newest part out",
            Self::TooFewEarlierExpansions => {
                "too few past expansions are known from before the newest part of the history"
            }
            Self::OneOutcome => "in the newest part of the history nobody expanded, or everybody did",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_history_is_called_one() {
        let trial = |is_labelled, knowledge, earlier| Untested::of(Trial { is_labelled, knowledge, earlier });
        assert_eq!(trial(false, Knowledge::Rules, None), Untested::NoLabels);
        assert_eq!(trial(true, Knowledge::Rules, None), Untested::TooFewExpansions);
        assert_eq!(trial(true, Knowledge::Full, None), Untested::HistoryTooShort);
        assert_eq!(trial(true, Knowledge::Shrunk, Some(Knowledge::Rules)), Untested::TooFewEarlierExpansions);
        assert_eq!(trial(true, Knowledge::Full, Some(Knowledge::Full)), Untested::OneOutcome);
    }
}

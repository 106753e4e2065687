//! What of the history that a model is fitted to is not plausible: a column that says nothing or too much, or outcomes that
//! are something else.

use std::fmt;

use expansion_features::Renewals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something implausible about the history that a model was fitted to, by name. It becomes a sentence only where it is
/// shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Doubt {
    /// The feature is known for fewer than one in a thousand labelled rows, though its table is in the source; it was
    /// dropped.
    HardlyFilled {
        /// The feature.
        feature: String,
        /// The share of labelled rows for which it is known.
        fill: f64,
    },
    /// The feature is the same in every labelled row; it was dropped.
    Constant {
        /// The feature.
        feature: String,
    },
    /// The feature tells the outcome by itself, so it is suspected to be a leak; it was dropped.
    SuspectedLeak {
        /// The feature.
        feature: String,
        /// The area under the ROC curve that it reaches alone, on customers other than those it was learned from; above
        /// 0.95.
        auc: f64,
    },
    /// The feature is known for a share of today's customers that differs by more than 0.5 from that of labelled rows.
    FillGap {
        /// The feature.
        feature: String,
        /// The share of labelled rows for which it is known.
        training: f64,
        /// The share of the customers to be scored for whom it is known.
        scoring: f64,
    },
    /// The deals won seem to be renewals, not expansions: they are won near the ends of contracts.
    Renewals {
        /// Days on which contracts of a customer ended while deals were watched.
        ends: usize,
        /// The share of these within 30 days of which the customer bought.
        ends_won: f64,
        /// Deals won by these customers.
        deals: usize,
        /// The share of these within 30 days of an end.
        deals_near: f64,
        /// What chance would give.
        near_by_chance: f64,
    },
}

impl Doubt {
    /// The feature that it is about, if it is about one.
    pub fn feature(&self) -> Option<&str> {
        match self {
            Self::HardlyFilled { feature, .. }
            | Self::Constant { feature }
            | Self::SuspectedLeak { feature, .. }
            | Self::FillGap { feature, .. } => Some(feature),
            Self::Renewals { .. } => None,
        }
    }

    /// Whether nothing was fitted to the feature because of it.
    pub const fn drops(&self) -> bool {
        matches!(self, Self::HardlyFilled { .. } | Self::Constant { .. } | Self::SuspectedLeak { .. })
    }
}

impl From<Renewals> for Doubt {
    fn from(Renewals { ends, ends_won, deals, deals_near, near_by_chance }: Renewals) -> Self {
        Self::Renewals { ends, ends_won, deals, deals_near, near_by_chance }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HardlyFilled { feature, .. } => write!(f, "dropped, as hardly ever known: {feature}"),
            Self::Constant { feature } => write!(f, "dropped, as the same for everybody: {feature}"),
            Self::SuspectedLeak { feature, auc } => write!(
                f,
                "dropped as a suspected leak: {feature} tells the outcome by itself (AUC {auc:.3}); check when it is recorded"
            ),
            Self::FillGap { feature, training, scoring } => write!(
                f,
                "{feature} is known for {} of the past rows and for {} of today's customers",
                percent(*training),
                percent(*scoring)
            ),
            Self::Renewals { ends, ends_won, deals, deals_near, near_by_chance } => write!(
                f,
                "the deals won seem to be renewals: there is one within 30 days of {} of {ends} contract ends, and {} of \
                 {deals} deals are as near to one, where chance would give {}",
                percent(*ends_won),
                percent(*deals_near),
                percent(*near_by_chance)
            ),
        }
    }
}

/// What is implausible, in words: what matters most first, and what was dropped for the same reason in one sentence.
pub fn doubts_in_words(doubts: &[Doubt]) -> Vec<String> {
    let of = |wanted: fn(&Doubt) -> bool| doubts.iter().filter(move |doubt| wanted(doubt));
    let more = |doubts: &mut dyn Iterator<Item = &Doubt>| {
        let first = doubts.next()?.to_string();
        let others = doubts.filter_map(Doubt::feature);
        Some(others.fold(first, |said, feature| format!("{said}, {feature}")))
    };
    let apart = of(|doubt| matches!(doubt, Doubt::Renewals { .. }))
        .chain(of(|doubt| matches!(doubt, Doubt::SuspectedLeak { .. })))
        .chain(of(|doubt| matches!(doubt, Doubt::FillGap { .. })));
    let mut said: Vec<String> = apart.map(ToString::to_string).collect();
    said.extend(more(&mut of(|doubt| matches!(doubt, Doubt::HardlyFilled { .. }))));
    said.extend(more(&mut of(|doubt| matches!(doubt, Doubt::Constant { .. }))));
    said
}

/// A share in percent.
fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts() -> Vec<Doubt> {
        let name = |name: &str| name.to_owned();
        vec![
            Doubt::HardlyFilled { feature: name("api_calls"), fill: 0.0 },
            Doubt::Constant { feature: name("region") },
            Doubt::HardlyFilled { feature: name("logins_change"), fill: 0.0004 },
            Doubt::FillGap { feature: name("health_score"), training: 0.12, scoring: 0.93 },
            Doubt::SuspectedLeak { feature: name("wins_90"), auc: 0.9871 },
            Doubt::Renewals { ends: 412, ends_won: 0.91, deals: 700, deals_near: 0.85, near_by_chance: 0.17 },
        ]
    }

    #[test]
    fn what_matters_most_is_said_first_and_like_things_together() {
        let expected = [
            "the deals won seem to be renewals: there is one within 30 days of 91 % of 412 contract ends, and 85 % of 700 \
             deals are as near to one, where chance would give 17 %",
            "dropped as a suspected leak: wins_90 tells the outcome by itself (AUC 0.987); check when it is recorded",
            "health_score is known for 12 % of the past rows and for 93 % of today's customers",
            "dropped, as hardly ever known: api_calls, logins_change",
            "dropped, as the same for everybody: region",
        ];
        assert_eq!(doubts_in_words(&doubts()), expected);
        assert!(doubts_in_words(&[]).is_empty());
    }

    #[test]
    fn a_doubt_is_read_as_it_was_written() {
        for doubt in doubts() {
            let json = serde_json::to_value(&doubt).expect("JSON");
            assert!(json["kind"].is_string(), "{json}");
            assert_eq!(serde_json::from_value::<Doubt>(json).expect("it is read"), doubt);
        }
    }
}

//! How far a model can be relied on, and whether it may take the champion's place.

use expansion_domain::share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Figure, Knowledge, Metrics, Untested};

/// An area under the curve above this is too good: something among the features tells the outcome.
pub const SUSPICIOUS_AUC: f64 = 0.95;
/// A model is ready from this area on, if its interval is no wider than that.
const READY_AUC: f64 = 0.70;
const READY_WIDTH: f64 = 0.1;
/// … and of no use below this one.
const LEAST_AUC: f64 = 0.55;

/// What became of a challenger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Whether it may take the champion's place.
    pub promote: bool,
    /// Why, in words.
    pub reason: String,
    /// The champion it was compared with, if there was one.
    pub champion: Option<String>,
    /// Log-loss of the champion on the newest labelled rows.
    pub champion_log_loss: Option<f64>,
    /// Log-loss of the challenger on the same rows.
    pub challenger_log_loss: Option<f64>,
    /// The challenger's log-loss less the champion's, with its 90 % bootstrap interval by customer.
    pub difference: Option<Figure>,
    /// The same among the customers on whom nobody worked an expansion then.
    pub difference_unworked: Option<Figure>,
}

/// How far a model can be relied on, by what it did on the rows held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// In a word.
    pub readiness: Readiness,
    /// Why, in words.
    pub reason: String,
    /// Area under the ROC curve on the rows held out, with its 90 % bootstrap interval; absent without any.
    pub auc: Option<Figure>,
    /// The share of rows that expanded, of those held out or, where none were, of all: what guessing by chance would find.
    pub base_rate: Option<f64>,
    /// What is missing to learn more, in words; absent when everything can be learned.
    pub needs: Option<String>,
    /// Why no rows were held out; absent where some were.
    #[serde(default)]
    pub untested: Option<Untested>,
}

/// The labelled rows that a model was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelledRows {
    /// How many there are.
    pub all: usize,
    /// How many of them end in an expansion.
    pub positives: usize,
}

/// A verdict in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It ranks customers well, and that is certain.
    Ready,
    /// It ranks customers better than chance.
    Ok,
    /// It does not rank customers, or nobody can tell yet.
    NotReady,
    /// It ranks customers better than is plausible.
    Suspicious,
}

impl Verdict {
    /// `ready` with an AUC from 0.70 on whose interval is no wider than 0.1, `ok` from 0.55 on, `suspicious` above 0.95.
    /// Without metrics there is a reason for that.
    pub fn of(
        knowledge: Knowledge,
        rows: LabelledRows,
        auc: Option<Figure>,
        metrics: Result<Metrics, Untested>,
    ) -> Self {
        let (readiness, reason) = match auc {
            None => (Readiness::NotReady, without_auc(metrics.err(), rows)),
            Some(Figure { value, .. }) if value > SUSPICIOUS_AUC => (
                Readiness::Suspicious,
                format!("an AUC of {value:.3} is too good to be true: check whether a feature tells the outcome"),
            ),
            Some(Figure { value, lower, upper }) if value >= READY_AUC && upper - lower <= READY_WIDTH => {
                (Readiness::Ready, format!("AUC {value:.3} ({lower:.3}–{upper:.3})"))
            }
            Some(Figure { value, lower, upper }) if value >= READY_AUC => {
                let reason = format!("AUC {value:.3}, but it could be anything from {lower:.3} to {upper:.3}");
                (Readiness::Ok, reason)
            }
            Some(Figure { value, .. }) if value >= LEAST_AUC => (Readiness::Ok, format!("AUC {value:.3}, below 0.70")),
            Some(Figure { value, .. }) => (Readiness::NotReady, format!("AUC {value:.3}, hardly better than chance")),
        };
        let needs = knowledge.next().map(|(next, from)| {
            let more = from.saturating_sub(rows.positives);
            format!("needs {more} more labelled rows that end in an expansion to be {next}")
        });
        let base_rate = match metrics {
            Ok(metrics) => Some(metrics.base_rate),
            Err(_) => (rows.all > 0).then(|| share(rows.positives, rows.all)),
        };
        Self { readiness, reason, auc, base_rate, needs, untested: metrics.err() }
    }
}

/// Why there is no AUC out of time, in words.
fn without_auc(untested: Option<Untested>, LabelledRows { all, positives }: LabelledRows) -> String {
    match untested {
        None => "too few of the held-out customers expanded, or did not, to compare them".to_owned(),
        Some(Untested::NoLabels) => Untested::NoLabels.reason().to_owned(),
        Some(Untested::TooFewExpansions) => {
            let (rarer, how) =
                if 2 * positives <= all { (positives, "in an expansion") } else { (all - positives, "without one") };
            format!(
                "only {rarer} of {all} labelled rows end {how}: rules rank the customers, and nothing was fitted that \
                 could be checked"
            )
        }
        Some(untested) => {
            format!("{} ({positives} of {all} labelled rows end in an expansion)", untested.reason())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rows(all: usize, positives: usize) -> LabelledRows {
        LabelledRows { all, positives }
    }

    #[test]
    fn a_verdict_follows_the_figure_and_how_sure_it_is() {
        let untested = Err(Untested::HistoryTooShort);
        let of = |value: f64, width: f64| {
            let auc = Figure { value, lower: value - width / 2.0, upper: value + width / 2.0 };
            Verdict::of(Knowledge::Full, rows(9000, 500), Some(auc), untested).readiness
        };
        assert_eq!(of(0.80, 0.05), Readiness::Ready);
        assert_eq!(of(0.80, 0.20), Readiness::Ok);
        assert_eq!(of(0.60, 0.05), Readiness::Ok);
        assert_eq!(of(0.52, 0.05), Readiness::NotReady);
        assert_eq!(of(0.97, 0.02), Readiness::Suspicious);
        let young = Verdict::of(Knowledge::Shrunk, rows(3000, 177), None, untested);
        assert_eq!(young.readiness, Readiness::NotReady);
        assert_eq!(young.needs.as_deref(), Some("needs 23 more labelled rows that end in an expansion to be full"));
        assert_eq!(Verdict::of(Knowledge::Full, rows(9000, 500), None, untested).needs, None);
    }

    #[test]
    fn without_figures_the_base_rate_is_there_and_the_reason_is_the_real_one() {
        let of = |knowledge, rows, untested| Verdict::of(knowledge, rows, None, Err(untested));
        let rules = of(Knowledge::Rules, rows(4800, 24), Untested::TooFewExpansions);
        assert_eq!(rules.base_rate, Some(0.005));
        assert!(rules.reason.starts_with("only 24 of 4800 labelled rows end in an expansion"), "{}", rules.reason);
        let nearly_all = of(Knowledge::Rules, rows(4800, 4776), Untested::TooFewExpansions);
        assert!(nearly_all.reason.starts_with("only 24 of 4800 labelled rows end without"), "{}", nearly_all.reason);
        let none = of(Knowledge::Rules, rows(0, 0), Untested::NoLabels);
        assert_eq!((none.base_rate, none.readiness), (None, Readiness::NotReady));
        assert!(none.reason.contains("two horizons"), "{}", none.reason);
        let earlier = of(Knowledge::Shrunk, rows(900, 50), Untested::TooFewEarlierExpansions);
        assert!(!earlier.reason.contains("too short") && earlier.reason.contains("(50 of 900"), "{}", earlier.reason);
    }
}

//! What people say became of a recommendation, and what that adds to what the source knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CustomerHistory, Id, Instant, Opportunity, Portfolio, RunId, Stage};

/// What somebody recorded about a customer. Never changed: a correction is another one, known later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedOutcome {
    /// Its id.
    pub outcome_id: Uuid,
    /// The customer.
    pub customer_id: Id,
    /// The run whose answer it is about.
    pub run_id: RunId,
    /// What happened.
    pub kind: OutcomeKind,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub known_at: Instant,
    /// The deal, by the id that the source gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opportunity_id: Option<Id>,
    /// What was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// For how much it was won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The earlier record that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
}

/// What became of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The CSM takes it up.
    Accepted,
    /// The CSM does not, for a reason.
    Dismissed,
    /// A deal was opened.
    OpportunityCreated,
    /// A deal was won.
    Won,
    /// A deal was lost.
    Lost,
}

impl OutcomeKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
            Self::OpportunityCreated => "opportunity_created",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    const fn stage(self) -> Option<Stage> {
        match self {
            Self::Accepted | Self::Dismissed => None,
            Self::OpportunityCreated => Some(Stage::Open),
            Self::Won => Some(Stage::Won),
            Self::Lost => Some(Stage::Lost),
        }
    }
}

/// The outcomes that stand at `as_of`: of those known by then, each that no later one corrects.
#[must_use]
pub fn standing(outcomes: &[RecordedOutcome], as_of: Instant) -> Vec<&RecordedOutcome> {
    let known = || outcomes.iter().filter(|outcome| outcome.known_at <= as_of);
    let corrected: Vec<Uuid> = known().filter_map(|outcome| outcome.corrects).collect();
    known().filter(|outcome| !corrected.contains(&outcome.outcome_id)).collect()
}

/// Adds the deals that people recorded by `as_of` to the histories, as if the source had them. What the source itself says
/// of a closed deal stands.
pub fn add_outcomes(portfolio: &mut Portfolio, outcomes: &[RecordedOutcome], as_of: Instant) {
    let mut by_customer: BTreeMap<&Id, Vec<&RecordedOutcome>> = BTreeMap::new();
    for outcome in standing(outcomes, as_of) {
        by_customer.entry(&outcome.customer_id).or_default().push(outcome);
    }
    for history in &mut portfolio.customers {
        let Some(outcomes) = by_customer.get_mut(&history.customer_id) else { continue };
        outcomes.sort_by_key(|outcome| (outcome.known_at, outcome.outcome_id));
        for outcome in outcomes {
            add(history, outcome);
        }
        history.sort();
    }
}

fn add(history: &mut CustomerHistory, outcome: &RecordedOutcome) {
    let Some(stage) = outcome.kind.stage() else { return };
    let closed_at = (stage != Stage::Open).then_some(outcome.occurred_at);
    let id = outcome.opportunity_id.clone().unwrap_or_else(|| outcome.outcome_id.to_string().as_str().into());
    match history.opportunities.iter_mut().find(|deal| deal.opportunity_id == id) {
        Some(deal) if deal.stage == Stage::Open && closed_at.is_some_and(|closed| closed >= deal.created_at) => {
            deal.stage = stage;
            deal.closed_at = closed_at;
            deal.amount = outcome.amount.or(deal.amount);
        }
        Some(_) => {}
        None => history.opportunities.push(Opportunity {
            opportunity_id: id,
            product_id: outcome.product_id.clone(),
            stage,
            amount: outcome.amount,
            created_at: outcome.occurred_at,
            closed_at,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn outcome(n: u128, kind: OutcomeKind, known: &str, amount: f64) -> RecordedOutcome {
        RecordedOutcome {
            outcome_id: Uuid::from_u128(n),
            customer_id: "c".into(),
            run_id: RunId::derive(at("2026-01-01"), "test", 90),
            kind,
            occurred_at: at("2026-03-01"),
            known_at: at(known),
            opportunity_id: Some("o-1".into()),
            product_id: None,
            amount: Some(amount),
            reason: None,
            corrects: None,
        }
    }

    fn portfolio() -> Portfolio {
        let customer = CustomerHistory {
            customer_id: "c".into(),
            name: None,
            segment: None,
            industry: None,
            region: None,
            csm_id: None,
            created_at: at("2025-01-01"),
            churned_at: None,
            contracts: Vec::new(),
            usage: Vec::new(),
            health: Vec::new(),
            opportunities: Vec::new(),
            signals: Vec::new(),
            stakeholders: Vec::new(),
            engagements: Vec::new(),
        };
        Portfolio { customers: vec![customer], ..Portfolio::default() }
    }

    fn amounts(outcomes: &[RecordedOutcome], as_of: &str) -> Vec<Option<f64>> {
        let mut portfolio = portfolio();
        add_outcomes(&mut portfolio, outcomes, at(as_of));
        portfolio.customers[0].opportunities.iter().map(|deal| deal.amount).collect()
    }

    #[test]
    fn a_correction_counts_from_when_it_was_known() {
        let won = outcome(1, OutcomeKind::Won, "2026-03-02", 100.0);
        let corrected =
            RecordedOutcome { corrects: Some(won.outcome_id), ..outcome(2, OutcomeKind::Won, "2026-04-01", 70.0) };
        let all = [won, corrected];
        assert_eq!(amounts(&all, "2026-03-01"), Vec::<Option<f64>>::new(), "nobody knew yet");
        assert_eq!(amounts(&all, "2026-03-15"), [Some(100.0)], "as it was known then");
        assert_eq!(amounts(&all, "2026-04-01"), [Some(70.0)]);
    }

    #[test]
    fn a_deal_of_the_source_is_closed_once_and_accepting_is_no_deal() {
        let mut portfolio = portfolio();
        let open = outcome(1, OutcomeKind::OpportunityCreated, "2026-03-01", 100.0);
        let won = outcome(2, OutcomeKind::Won, "2026-03-05", 90.0);
        let accepted = RecordedOutcome { opportunity_id: None, ..outcome(3, OutcomeKind::Accepted, "2026-03-05", 1.0) };
        for _ in 0..2 {
            add_outcomes(&mut portfolio, &[open.clone(), won.clone(), accepted.clone()], at("2026-06-01"));
        }
        let deals = &portfolio.customers[0].opportunities;
        assert_eq!(deals.len(), 1);
        assert_eq!((deals[0].stage, deals[0].amount), (Stage::Won, Some(90.0)));
    }
}

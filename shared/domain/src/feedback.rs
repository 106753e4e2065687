//! What people say became of a recommendation, and what that adds to what the source knows.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CustomerHistory, Id, Instant, Opportunity, RecordedAction, RunId, SourceData, Stage};

/// What somebody recorded about a customer. Never changed: a correction is another one, known later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// For how much it was won, or what an opportunity or a lost deal was about.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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

impl RecordedOutcome {
    /// Whether both are readings of one request, made once or again: whatever the caller said is the same. (Who says nothing
    /// of when it happened means the time of the request.)
    pub fn says_the_same(&self, other: &Self) -> bool {
        let said = |one: &Self| Self {
            outcome_id: self.outcome_id,
            run_id: self.run_id.clone(),
            occurred_at: if one.occurred_at == one.known_at { Instant::EPOCH } else { one.occurred_at },
            known_at: Instant::EPOCH,
            ..one.clone()
        };
        said(self) == said(other)
    }

    /// The day on which the deal was opened as people recorded it, if this one says it was closed on an earlier one.
    pub fn opened_later(&self, others: &[Self]) -> Option<Instant> {
        let deal =
            self.opportunity_id.as_ref().filter(|_| matches!(self.kind.stage(), Some(Stage::Won | Stage::Lost)))?;
        let opened = |one: &&Self| {
            let is_same = one.customer_id == self.customer_id && one.opportunity_id.as_ref() == Some(deal);
            is_same && one.kind == OutcomeKind::OpportunityCreated && self.corrects != Some(one.outcome_id)
        };
        let opened = standing(others, self.known_at).into_iter().filter(opened).map(|one| one.occurred_at).min()?;
        (self.occurred_at.date() < opened.date()).then_some(opened)
    }
}

/// The outcomes that stand at `as_of`: of those known by then, each that no other one of the same customer corrects; where
/// two correct the same one, the later of them.
pub fn standing(outcomes: &[RecordedOutcome], as_of: Instant) -> Vec<&RecordedOutcome> {
    let known = || outcomes.iter().filter(|outcome| outcome.known_at <= as_of);
    let order = |outcome: &RecordedOutcome| (outcome.known_at, outcome.outcome_id);
    let mut corrections: HashMap<(&Id, Uuid), (Instant, Uuid)> = HashMap::new();
    for (corrected, by) in known().filter_map(|one| Some(((&one.customer_id, one.corrects?), order(one)))) {
        let latest = corrections.entry(corrected).or_insert(by);
        *latest = by.max(*latest);
    }
    let stands = |one: &&RecordedOutcome| {
        let correction = |id: Uuid| corrections.get(&(&one.customer_id, id));
        correction(one.outcome_id).is_none()
            && one.corrects.and_then(correction).is_none_or(|latest| *latest == order(one))
    };
    known().filter(stands).collect()
}

/// What people recorded and had done about each run's answers by `as_of`: how many, by kind.
pub fn feedback(
    outcomes: &[RecordedOutcome],
    actions: &[RecordedAction],
    as_of: Instant,
) -> BTreeMap<RunId, BTreeMap<String, usize>> {
    let outcomes = standing(outcomes, as_of).into_iter().map(|one| (&one.run_id, one.kind.name().to_owned()));
    let actions = actions.iter().filter(|action| action.requested_at <= as_of);
    let actions = actions.map(|one| (&one.run_id, format!("action_{}", one.action.name())));
    let mut counts: BTreeMap<RunId, BTreeMap<String, usize>> = BTreeMap::new();
    for (run_id, kind) in outcomes.chain(actions) {
        *counts.entry(run_id.clone()).or_default().entry(kind).or_default() += 1;
    }
    counts
}

/// Adds the deals that people recorded by `as_of` to the histories, as if the source had them. What the source itself says
/// of a closed deal stands. A correction takes what it corrects away from all the time before it too: that is known too late
/// then, never too early.
pub fn add_outcomes(source: &mut SourceData, outcomes: &[RecordedOutcome], as_of: Instant) {
    let mut by_customer: BTreeMap<&Id, Vec<&RecordedOutcome>> = BTreeMap::new();
    for outcome in standing(outcomes, as_of) {
        by_customer.entry(&outcome.customer_id).or_default().push(outcome);
    }
    for history in &mut source.customers {
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
        Some(deal) => {
            if let (Stage::Open, Some(closed)) = (deal.stage, closed_at) {
                // A date means its first instant, and no deal was closed on its day before it was opened. Where it is an
                // earlier day, it counts then; that it was opened stays known from when it was.
                let is_same_day = closed.date() == deal.created_at.date();
                deal.closed_at = Some(if is_same_day { closed.max(deal.created_at) } else { closed });
                deal.stage = stage;
                deal.amount = outcome.amount.or(deal.amount);
                deal.outcome_known_at = Some(outcome.known_at);
            }
        }
        None => history.opportunities.push(Opportunity {
            opportunity_id: id,
            product_id: outcome.product_id.clone(),
            other_products: Vec::new(),
            stage,
            amount: outcome.amount,
            created_at: outcome.occurred_at,
            closed_at,
            known_at: Some(outcome.known_at),
            outcome_known_at: closed_at.map(|_| outcome.known_at),
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

    fn source() -> SourceData {
        let customer = CustomerHistory::new("c".into(), at("2025-01-01"));
        SourceData { customers: vec![customer], ..SourceData::default() }
    }

    fn amounts(outcomes: &[RecordedOutcome], as_of: &str) -> Vec<Option<f64>> {
        let mut source = source();
        add_outcomes(&mut source, outcomes, at(as_of));
        source.customers[0].opportunities.iter().map(|deal| deal.amount).collect()
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
    fn of_two_corrections_of_one_record_the_later_stands() {
        let won = outcome(1, OutcomeKind::Won, "2026-03-02", 100.0);
        let correct = |n, known, amount| RecordedOutcome {
            corrects: Some(won.outcome_id),
            opportunity_id: None,
            ..outcome(n, OutcomeKind::Won, known, amount)
        };
        let all = [correct(3, "2026-04-02", 80.0), correct(2, "2026-04-01", 70.0), won.clone()];
        assert_eq!(amounts(&all, "2026-04-01"), [Some(70.0)]);
        assert_eq!(amounts(&all, "2026-04-02"), [Some(80.0)]);
    }

    #[test]
    fn a_deal_of_the_source_is_closed_once_and_accepting_is_no_deal() {
        let mut source = source();
        let open = outcome(1, OutcomeKind::OpportunityCreated, "2026-03-01", 100.0);
        let won = outcome(2, OutcomeKind::Won, "2026-03-05", 90.0);
        let accepted = RecordedOutcome { opportunity_id: None, ..outcome(3, OutcomeKind::Accepted, "2026-03-05", 1.0) };
        for _ in 0..2 {
            add_outcomes(&mut source, &[open.clone(), won.clone(), accepted.clone()], at("2026-06-01"));
        }
        let deals = &source.customers[0].opportunities;
        assert_eq!(deals.len(), 1);
        assert_eq!((deals[0].stage, deals[0].amount), (Stage::Won, Some(90.0)));
    }

    #[test]
    fn nobody_corrects_what_was_recorded_of_another_customer() {
        let won = outcome(1, OutcomeKind::Won, "2026-03-02", 100.0);
        let others = RecordedOutcome {
            customer_id: "another".into(),
            corrects: Some(won.outcome_id),
            ..outcome(2, OutcomeKind::Lost, "2026-04-01", 0.0)
        };
        assert_eq!(amounts(&[won, others], "2026-05-01"), [Some(100.0)]);
    }

    fn deal_after(opened: &str, closed: &str) -> Opportunity {
        let told = |n, kind, occurred: &str, known| RecordedOutcome {
            occurred_at: at(occurred),
            ..outcome(n, kind, known, 100.0)
        };
        let created = told(1, OutcomeKind::OpportunityCreated, opened, "2026-03-05");
        let won = told(2, OutcomeKind::Won, closed, "2026-03-06");
        let mut source = source();
        add_outcomes(&mut source, &[created, won], at("2026-06-01"));
        source.customers.remove(0).opportunities.remove(0)
    }

    #[test]
    fn a_win_counts_though_it_is_dated_before_its_deal() {
        let same_day = deal_after("2026-03-04T14:00:00Z", "2026-03-04");
        assert_eq!((same_day.stage, same_day.closed_at), (Stage::Won, Some(at("2026-03-04T14:00:00Z"))));
        let earlier = deal_after("2026-03-04T14:00:00Z", "2026-03-02");
        assert_eq!((earlier.stage, earlier.closed_at), (Stage::Won, Some(at("2026-03-02"))));
        assert_eq!((earlier.created_at, earlier.known_at), (at("2026-03-04T14:00:00Z"), Some(at("2026-03-05"))));
    }

    #[test]
    fn features_know_a_deal_from_when_it_was_told_of() {
        let told = outcome(1, OutcomeKind::Won, "2026-05-01", 100.0);
        let mut source = source();
        add_outcomes(&mut source, &[told], at("2026-06-01"));
        let known = |day| source.customers[0].known(at(day)).expect("a customer").deals().count();
        assert_eq!((known("2026-04-30"), known("2026-05-01")), (0, 1), "it happened on March 1st");

        // Recorded twice: as it was opened, and as it was won.
        let open = outcome(1, OutcomeKind::OpportunityCreated, "2026-03-05", 100.0);
        let won = outcome(2, OutcomeKind::Won, "2026-05-01", 90.0);
        let mut source = super::tests::source();
        add_outcomes(&mut source, &[open, won], at("2026-06-01"));
        let deals = |day| -> Vec<bool> {
            let known = source.customers[0].known(at(day)).expect("a customer");
            known.deals().map(|deal| deal.outcome.is_some()).collect()
        };
        assert_eq!([deals("2026-03-04"), deals("2026-03-05"), deals("2026-05-01")], [vec![], vec![false], vec![true]]);
    }

    #[test]
    fn a_deal_is_not_closed_on_a_day_before_the_one_it_was_opened_on() {
        let opened = RecordedOutcome {
            occurred_at: at("2026-03-01T14:00:00Z"),
            ..outcome(1, OutcomeKind::OpportunityCreated, "2026-03-02", 1.0)
        };
        let won = |day| RecordedOutcome { occurred_at: at(day), ..outcome(2, OutcomeKind::Won, "2026-03-09", 1.0) };
        let all = [opened.clone()];
        assert_eq!(won("2026-03-01").opened_later(&all), None);
        assert_eq!(won("2026-02-28").opened_later(&all), Some(opened.occurred_at));
        let instead = RecordedOutcome { corrects: Some(opened.outcome_id), ..won("2026-02-28") };
        assert_eq!(instead.opened_later(&all), None, "it takes the place of what says so");
    }

    #[test]
    fn feedback_is_what_stands() {
        let won = outcome(1, OutcomeKind::Won, "2026-03-02", 100.0);
        let lost =
            RecordedOutcome { corrects: Some(won.outcome_id), ..outcome(2, OutcomeKind::Lost, "2026-04-01", 0.0) };
        let run_id = won.run_id.clone();
        let counts = |as_of| feedback(&[won.clone(), lost.clone()], &[], at(as_of)).remove(&run_id);
        assert_eq!(counts("2026-03-01"), None);
        assert_eq!(counts("2026-03-02"), Some([("won".to_owned(), 1)].into()));
        assert_eq!(counts("2026-04-01"), Some([("lost".to_owned(), 1)].into()));
    }
}

//! What of a history was known at an instant: the only way the rest of the project looks at a customer's past.

use std::collections::HashSet;

use crate::{Contract, CustomerHistory, Engagement, Id, Instant, Opportunity, Reading, Signal, Stage, Stakeholder};

/// The facts of one customer with `known_at ≤ as_of`.
///
/// An opportunity's outcome is known from `closed_at`, or from when people recorded it if that is later; until then it is
/// an open [`Deal`] without an amount, whatever is said today. Name, segment, industry, region and CSM have no history in
/// the source and are taken as they stand.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    history: &'a CustomerHistory,
    /// The inclusive bound of what was known.
    pub as_of: Instant,
    /// Contracts begun by then, by `start_date`.
    pub contracts: &'a [Contract],
    /// Health scores by then.
    pub health: &'a [Reading],
    /// Signals by then.
    pub signals: &'a [Signal],
    /// People as recorded by then.
    pub stakeholders: &'a [Stakeholder],
    /// Touch points by then.
    pub engagements: &'a [Engagement],
    opportunities: &'a [Opportunity],
}

/// An expansion deal as it was known at some instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deal<'a> {
    /// What is offered.
    pub product_id: Option<&'a Id>,
    /// When it was opened.
    pub created_at: Instant,
    /// How it ended, if that was known.
    pub outcome: Option<Outcome>,
}

/// How a deal ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Bought or not.
    pub won: bool,
    /// When.
    pub closed_at: Instant,
    /// For how much, when recorded.
    pub amount: Option<f64>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(history: &'a CustomerHistory, as_of: Instant) -> Self {
        Self {
            history,
            as_of,
            contracts: until(&history.contracts, |c| c.start_date <= as_of),
            health: until(&history.health, |r| r.at <= as_of),
            signals: until(&history.signals, |s| s.detected_at <= as_of),
            stakeholders: until(&history.stakeholders, |s| s.recorded_at <= as_of),
            engagements: until(&history.engagements, |e| e.occurred_at <= as_of),
            opportunities: until(&history.opportunities, |o| o.created_at <= as_of),
        }
    }

    /// The customer's segment.
    pub fn segment(&self) -> Option<&'a Id> {
        self.history.segment.as_ref()
    }

    /// The customer's industry.
    pub fn industry(&self) -> Option<&'a Id> {
        self.history.industry.as_ref()
    }

    /// The customer's region.
    pub fn region(&self) -> Option<&'a Id> {
        self.history.region.as_ref()
    }

    /// When they became a customer; never after `as_of`.
    pub fn created_at(&self) -> Instant {
        self.history.created_at
    }

    /// The readings of one usage metric by `as_of`; empty when there are none.
    pub fn usage(&self, metric: &str) -> &'a [Reading] {
        let usage = &self.history.usage;
        let found = usage.binary_search_by(|series| (*series.metric).cmp(metric));
        found.map_or(&[], |place| until(&usage[place].readings, |r| r.at <= self.as_of))
    }

    /// Every usage metric with its readings by `as_of`.
    pub fn all_usage(&self) -> impl Iterator<Item = (&'a Id, &'a [Reading])> + use<'a> {
        let as_of = self.as_of;
        self.history.usage.iter().map(move |series| (&series.metric, until(&series.readings, |r| r.at <= as_of)))
    }

    /// The deals known at `as_of`, in the order in which they were opened, each with the outcome known then.
    pub fn deals(&self) -> impl Iterator<Item = Deal<'a>> + use<'a> {
        let as_of = self.as_of;
        self.opportunities.iter().filter(move |o| o.is_known(as_of)).map(move |o| Deal {
            product_id: o.product_id.as_ref(),
            created_at: o.created_at,
            outcome: o.known_close(as_of).map(|closed_at| Outcome {
                won: o.stage == Stage::Won,
                closed_at,
                amount: o.amount,
            }),
        })
    }

    /// What was recorded last of each person by `as_of`, in the order in which it was recorded.
    pub fn people(&self) -> Vec<&'a Stakeholder> {
        let mut seen = HashSet::with_capacity(self.stakeholders.len());
        let mut latest: Vec<_> =
            self.stakeholders.iter().rev().filter(|row| seen.insert(&*row.stakeholder_id)).collect();
        latest.reverse();
        latest
    }

    /// The last conversation by `as_of`.
    pub fn last_conversation(&self) -> Option<&'a Engagement> {
        self.engagements.iter().rev().find(|engagement| engagement.is_conversation())
    }

    /// The contracts in force at `as_of`.
    pub fn running(&self) -> impl Iterator<Item = &'a Contract> + use<'a> {
        let as_of = self.as_of;
        self.contracts.iter().filter(move |contract| contract.in_force(as_of))
    }

    /// Whether a contract in force at `as_of` sets no limit to the units of a product.
    pub fn is_unlimited(&self, product_id: &Id) -> bool {
        self.running().any(|contract| contract.product_id.as_ref() == Some(product_id) && contract.is_unlimited())
    }

    /// The outcomes of the deals won by `as_of`, in the order the deals were opened.
    pub fn wins(&self) -> impl Iterator<Item = Outcome> + use<'a> {
        self.deals().filter_map(|deal| deal.outcome).filter(|outcome| outcome.won)
    }
}

/// The leading part of a sorted list for which `known` holds.
fn until<T>(sorted: &[T], known: impl Fn(&T) -> bool) -> &[T] {
    &sorted[..sorted.partition_point(known)]
}

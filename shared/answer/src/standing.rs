//! How a customer stands: ready to be approached, in progress, or better left alone.

use expansion_domain::Instant;
use expansion_features::{Inputs, feature};
use expansion_records::Standing;

/// An escalation is remembered for so many days.
const ESCALATION_DAYS: f64 = 30.0;
/// Kinds of signals and touch points that speak of an unhappy customer.
const ESCALATIONS: [&str; 3] = ["escalation", "churn_risk", "complaint"];
/// A health score below this, or one that fell by more than this in a quarter, is a risk of losing the customer.
const LEAST_HEALTH: f64 = 40.0;
const MOST_FALL: f64 = 15.0;
/// A customer who was contacted within so many days is left alone.
const CONTACT_DAYS: f64 = 14.0;
/// A deal is at risk when nobody has met the customer for so many days.
const SILENCE_DAYS: f64 = 45.0;

/// How a customer stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    pub standing: Standing,
    /// Why they are better left alone; only of those who are.
    pub leave_alone: Option<String>,
    /// The deal that is being worked; only of those in progress.
    pub open_deal: Option<String>,
    /// What may hold the deal; only of those in progress.
    pub risks: Vec<String>,
}

/// Where a customer stands. An open deal makes it in progress, unless it is stale; else a reason makes it better left
/// alone, the gravest first:
///
/// | Reason | When |
/// |---|---|
/// | an escalation | a signal or touch point of the kind `escalation`, `churn_risk` or `complaint` within 30 days |
/// | falling health | a score below 40, or 15 points lower than a quarter before |
/// | just contacted | a meeting, review or call within 14 days |
pub fn stands(inputs: &Inputs<'_>, stale_deal_days: u16) -> Stands {
    let grave = || escalation(inputs).into_iter().chain(poor_health(inputs));
    let open_deal = worked_deal(inputs, stale_deal_days);
    let (standing, leave_alone, risks) = match &open_deal {
        Some(_) => (Standing::InProgress, None, grave().chain(silence(inputs)).chain(no_advocate(inputs)).collect()),
        None => match grave().next().or_else(|| just_met(inputs)) {
            Some(reason) => (Standing::LeaveAlone, Some(reason), Vec::new()),
            None => (Standing::ReadyToApproach, None, Vec::new()),
        },
    };
    Stands { standing, leave_alone, open_deal, risks }
}

fn escalation(inputs: &Inputs<'_>) -> Option<String> {
    let known = &inputs.known;
    let signals = known.signals.iter().filter(|signal| ESCALATIONS.contains(&&*signal.kind)).map(|s| s.detected_at);
    let is_escalation = |kind: Option<&str>| kind.is_some_and(|kind| ESCALATIONS.contains(&kind));
    let touches = known.engagements.iter().filter(|e| is_escalation(e.kind.as_deref())).map(|e| e.occurred_at);
    let days = days_since(inputs, signals.chain(touches).max()?);
    (days <= ESCALATION_DAYS).then(|| format!("Escalation {} ago", in_days(days)))
}

fn poor_health(inputs: &Inputs<'_>) -> Option<String> {
    if let Some(fall) = value(inputs, "health_change").filter(|change| *change <= -MOST_FALL) {
        return Some(format!("Health score fell by {:.0} points in a quarter", -fall));
    }
    let health = value(inputs, "health_score").filter(|score| *score < LEAST_HEALTH)?;
    Some(format!("Health score of {health:.0}"))
}

/// The newest open deal, unless it is stale.
fn worked_deal(inputs: &Inputs<'_>, stale_deal_days: u16) -> Option<String> {
    let open = inputs.known.deals().filter(|deal| deal.outcome.is_none()).max_by_key(|deal| deal.created_at)?;
    let days = days_since(inputs, open.created_at);
    let product = || {
        let id = open.product_id?;
        Some(inputs.catalogue.product(id).and_then(|product| product.name.clone()).unwrap_or_else(|| id.clone()))
    };
    let product = || product().map_or_else(String::new, |name| format!(" for {name}"));
    (days <= f64::from(stale_deal_days)).then(|| format!("A deal{} opened {} ago", product(), in_days(days)))
}

fn just_met(inputs: &Inputs<'_>) -> Option<String> {
    let last = inputs.known.last_conversation()?;
    let days = days_since(inputs, last.occurred_at);
    let kind = last.kind.as_deref().unwrap_or_default();
    (days <= CONTACT_DAYS).then(|| format!("Contacted {} ago ({kind})", in_days(days)))
}

fn silence(inputs: &Inputs<'_>) -> Option<String> {
    let days = days_since(inputs, inputs.known.last_conversation()?.occurred_at);
    (days >= SILENCE_DAYS).then(|| format!("Last met {} ago", in_days(days)))
}

/// Only where people are on record: that a source has none says nothing of the customer.
fn no_advocate(inputs: &Inputs<'_>) -> Option<String> {
    let nobody = !inputs.known.stakeholders.is_empty() && value(inputs, "champions") == Some(0.0);
    nobody.then(|| "No champion known".to_owned())
}

fn value(inputs: &Inputs<'_>, name: &str) -> Option<f64> {
    feature(name).and_then(|(_, feature)| feature.value(inputs).as_number())
}

fn days_since(inputs: &Inputs<'_>, at: Instant) -> f64 {
    inputs.known.as_of.days_since(at)
}

fn in_days(days: f64) -> String {
    let days = days.round();
    format!("{days:.0} day{}", if (days - 1.0).abs() < 0.5 { "" } else { "s" })
}

//! Which customers to leave alone for now.

use expansion_domain::Instant;
use expansion_features::{Inputs, feature};

/// An escalation is remembered for so many days.
const ESCALATION_DAYS: f64 = 30.0;
/// Kinds of signals and touch points that speak of an unhappy customer.
const ESCALATIONS: [&str; 3] = ["escalation", "churn_risk", "complaint"];
/// A health score below this, or one that fell by more than this in a quarter, is a risk of losing the customer.
const LEAST_HEALTH: f64 = 40.0;
const MOST_FALL: f64 = 15.0;
/// An open deal older than this is not being worked any more.
const WORKED_DAYS: f64 = 180.0;
/// Touch points that are conversations. (E-mail may be anything.)
const CONVERSATIONS: [&str; 3] = ["meeting", "qbr", "call"];
/// A customer who was contacted within so many days is left alone.
const CONTACT_DAYS: f64 = 14.0;

/// Why the customer is better left alone for now; `None` when nothing speaks against asking. The gravest reason first:
///
/// | Reason | When |
/// |---|---|
/// | an escalation | a signal or touch point of the kind `escalation`, `churn_risk` or `complaint` within 30 days |
/// | falling health | a score below 40, or 15 points lower than a quarter before |
/// | a deal being worked | an open expansion deal not older than 180 days |
/// | just contacted | a meeting, review or call within 14 days |
pub(crate) fn leave_alone(inputs: &Inputs<'_>) -> Option<String> {
    escalation(inputs).or_else(|| falling_health(inputs)).or_else(|| worked(inputs)).or_else(|| contacted(inputs))
}

fn escalation(inputs: &Inputs<'_>) -> Option<String> {
    let known = &inputs.known;
    let signals = known.signals.iter().filter(|signal| ESCALATIONS.contains(&&*signal.kind)).map(|s| s.detected_at);
    let is_escalation = |kind: Option<&str>| kind.is_some_and(|kind| ESCALATIONS.contains(&kind));
    let touches = known.engagements.iter().filter(|e| is_escalation(e.kind.as_deref())).map(|e| e.occurred_at);
    let days = days_ago(inputs, signals.chain(touches).max()).filter(|days| *days <= ESCALATION_DAYS)?;
    Some(format!("Escalation {days:.0} days ago"))
}

fn falling_health(inputs: &Inputs<'_>) -> Option<String> {
    let value = |name: &str| feature(name).and_then(|(_, feature)| feature.value(inputs).as_number());
    if let Some(fall) = value("health_change").filter(|change| *change <= -MOST_FALL) {
        return Some(format!("Health score fell by {:.0} points in a quarter", -fall));
    }
    let health = value("health_score").filter(|score| *score < LEAST_HEALTH)?;
    Some(format!("Health score of {health:.0}"))
}

fn worked(inputs: &Inputs<'_>) -> Option<String> {
    let open = inputs.known.deals().filter(|deal| deal.outcome.is_none()).max_by_key(|deal| deal.created_at)?;
    let days = days_ago(inputs, Some(open.created_at)).filter(|days| *days <= WORKED_DAYS)?;
    let product =
        open.product_id.map(|id| inputs.catalogue.product(id).and_then(|p| p.name.clone()).unwrap_or(id.clone()));
    let product = product.map_or_else(String::new, |name| format!(" for {name}"));
    Some(format!("A deal{product} opened {days:.0} days ago is being worked"))
}

fn contacted(inputs: &Inputs<'_>) -> Option<String> {
    let talked = |kind: Option<&str>| kind.is_some_and(|kind| CONVERSATIONS.contains(&kind));
    let last = inputs.known.engagements.iter().rev().find(|engagement| talked(engagement.kind.as_deref()))?;
    let days = days_ago(inputs, Some(last.occurred_at)).filter(|days| *days <= CONTACT_DAYS)?;
    Some(format!("Contacted {days:.0} days ago ({})", last.kind.as_deref().unwrap_or_default()))
}

fn days_ago(inputs: &Inputs<'_>, at: Option<Instant>) -> Option<f64> {
    at.map(|at| inputs.known.as_of.days_since(at))
}

//! What a row and a request make of an action: its record, and the event with all that a CRM needs.

use std::cmp::Reverse;

use expansion_domain::{
    ActionAdvocate, ActionApproach, ActionCustomer, ActionEntryPoint, ActionFactor, ActionInterval, ActionKind,
    ActionProduct, ActionRequest, ActionTiming, ActionValue, ExpansionActionRequested, Instant, RecordedAction,
    Requester, StoredAction,
};
use expansion_model::{FactorValue, ValueRange};
use expansion_records::{Approach, Factor, Propensity, RecommendedProduct};
use uuid::Uuid;

use super::meeting;
use crate::Error;

/// So many factors are told.
const MOST_FACTORS: usize = 10;
/// What all features of less than a point are together: not one to tell of.
const REST: &str = "other";

/// The action that is asked for about a row.
///
/// # Errors
/// [`Error::InvalidParameters`] for a product that is not recommended and for a time that has passed.
pub(crate) fn action(
    row: &Propensity,
    action_id: Uuid,
    request: &ActionRequest,
    requested_by: Requester,
    requested_at: Instant,
) -> Result<StoredAction, Error> {
    let (product, alternatives) = products(row, request)?;
    let window = row.recommended_approach.timing.as_ref().map(|timing| (timing.from, timing.to));
    let is_meeting = request.action == ActionKind::ScheduleMeeting;
    let meeting = is_meeting.then(|| meeting::meeting(request, window, requested_at)).transpose()?;
    let record = RecordedAction {
        action_id,
        action: request.action,
        customer_id: row.listed.customer_id.clone(),
        run_id: row.run_id.clone(),
        model_id: row.model_id.clone(),
        propensity_score: row.listed.propensity_score,
        product_id: product.as_ref().map(|product| product.product_id.clone()),
        requested_at,
        requested_by: requested_by.clone(),
    };
    let event = ExpansionActionRequested {
        action_id,
        action: request.action,
        requested_at,
        requested_by,
        customer: ActionCustomer {
            id: row.listed.customer_id.clone(),
            name: row.listed.customer_name.clone(),
            segment: row.listed.segment.clone(),
            csm_id: row.listed.csm_id.clone(),
        },
        run_id: row.run_id.clone(),
        // A run's own instant is its `as_of` with a fraction of a second.
        as_of: row.listed.calculated_at.whole_second(),
        calculated_at: row.listed.calculated_at,
        model_id: row.model_id.clone(),
        propensity_score: row.listed.propensity_score,
        propensity_interval: ActionInterval { lower: row.listed.propensity_lower, upper: row.listed.propensity_upper },
        confidence_level: row.listed.confidence_level.name().to_owned(),
        primary_signal: row.listed.primary_signal.clone(),
        contributing_factors: top_factors(&row.contributing_factors),
        product,
        alternatives,
        approach: approach(&row.recommended_approach),
        meeting,
        note: request.note.clone(),
    };
    Ok(StoredAction { record, request: request.clone(), event })
}

/// The product that was named, or else the first that is recommended with all others beside it.
fn products(row: &Propensity, request: &ActionRequest) -> Result<(Option<ActionProduct>, Vec<ActionProduct>), Error> {
    let mut all = row.recommended_products.iter();
    match &request.product_id {
        None => Ok((all.next().map(product), all.map(product).collect())),
        Some(named) => match all.find(|offer| offer.product_id == *named) {
            Some(offer) => Ok((Some(product(offer)), Vec::new())),
            None => Err(Error::invalid("product_id", "is none of the customer's recommended products")),
        },
    }
}

fn product(offer: &RecommendedProduct) -> ActionProduct {
    let value = |ValueRange { amount, lower, upper }| ActionValue { amount, lower, upper };
    ActionProduct {
        product_id: offer.product_id.clone(),
        name: offer.name.clone(),
        offer: offer.offer.clone(),
        quantity: offer.quantity.as_ref().map(|quantity| quantity.units),
        probability: offer.probability,
        estimated_value: offer.estimated_value.map(value),
    }
}

/// The factors with the most points for or against, in the order of the row: most in favour first.
fn top_factors(factors: &[Factor]) -> Vec<ActionFactor> {
    let mut told: Vec<&Factor> = factors.iter().filter(|factor| factor.points != 0 && factor.feature != REST).collect();
    told.sort_by_key(|factor| Reverse(factor.points.abs()));
    told.truncate(MOST_FACTORS);
    told.sort_by_key(|factor| Reverse(factor.points));
    let event = |factor: &Factor| ActionFactor {
        feature: factor.feature.clone(),
        label: factor.label.clone(),
        value: match factor.value {
            Some(FactorValue::Number(number)) => Some(number),
            Some(FactorValue::Level(_)) | None => None,
        },
        points: factor.points,
    };
    told.into_iter().map(event).collect()
}

fn approach(approach: &Approach) -> ActionApproach {
    ActionApproach {
        timing: approach.timing.as_ref().map(|timing| ActionTiming {
            label: timing.label.clone(),
            from: timing.from,
            to: timing.to,
            reason: timing.reason.clone(),
        }),
        advocate: approach.advocate.as_ref().map(|advocate| ActionAdvocate {
            stakeholder_id: advocate.stakeholder_id.clone(),
            name: advocate.name.clone(),
            title: advocate.title.clone(),
            label: advocate.label.clone(),
        }),
        entry_point: approach
            .entry_point
            .as_ref()
            .map(|entry| ActionEntryPoint { conversation: entry.conversation.clone(), because: entry.because.clone() }),
    }
}

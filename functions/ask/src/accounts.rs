//! Questions about accounts: which to turn to, what is to be said of one, what would lift one.

use std::collections::BTreeMap;

use expansion_api::{Principal, Problem, ScoreView, Understood, WhatIf};
use expansion_model::Order;

use crate::names::{Named, Narrowing, Vocabulary};
use crate::rows::{self, Parameters};
use crate::top::Top;
use crate::words::Whose;
use crate::{Found, State};

/// Accounts shown unless asked otherwise, and at most.
const USUAL_COUNT: u32 = 5;
const MOST_COUNT: u32 = 50;
/// The score that an account is to be lifted to unless asked otherwise, and the highest there is.
const USUAL_TARGET: u8 = 80;
const HIGHEST: u8 = 99;

/// Which accounts to turn to.
pub(crate) async fn top(state: &State, principal: &Principal, top: &Top) -> Result<Found, Problem> {
    let mut notes = Vec::new();
    let Some(mut parameters) = portfolio(state, principal, top.whose.as_ref(), &mut notes).await? else {
        return Ok(Found::nothing(notes));
    };
    match rows::narrowings(state, principal, &top.phrases).await? {
        Ok(narrowings) => {
            if let Err(note) = narrow(&mut parameters, narrowings) {
                return Ok(Found::nothing(vec![note]));
            }
        }
        Err((phrase, vocabulary)) => return Ok(Found::nothing(vec![names_nothing(&phrase, &vocabulary)])),
    }
    if let Some(least) = top.min_score {
        // No score is 100, so a list from there on is as empty as one from 101 on.
        parameters.push(("min_score", least.min(100).to_string()));
    }
    if let Some(level) = top.confidence {
        parameters.push(("confidence", level.name().to_owned()));
    }
    if top.order != Order::Score {
        parameters.push(("sort", top.order.name().to_owned()));
    }
    let count = top.count.unwrap_or(USUAL_COUNT).clamp(1, MOST_COUNT);
    if top.count.is_some_and(|asked| asked > MOST_COUNT) {
        notes.push(format!("At most {MOST_COUNT} accounts are shown; the list itself has them all."));
    }
    let (run, accounts) = rows::first(state, principal, &parameters, count as usize).await?;
    let customer = match accounts.first() {
        Some(first) => Some(get_propensity::answer(&state.customer, principal, &first.customer_id).await?),
        None => None,
    };
    let is_empty = accounts.is_empty();
    let absent = absent_parts(&accounts);
    let filters: BTreeMap<&str, String> = parameters.into_iter().collect();
    let customer = customer.map(Box::new);
    let mut found =
        Found { notes, ..Found::plain(Understood::TopAccounts { run: run.into(), filters, accounts, customer }) };
    if is_empty {
        found.missing("accounts", "no account of the run is like this");
        found.missing("customer", "no account of the run is like this");
    }
    for (part, reason) in absent {
        found.missing(part, reason);
    }
    Ok(found)
}

/// What some of the accounts have no value of, and why.
fn absent_parts(accounts: &[ScoreView]) -> Vec<(&'static str, &'static str)> {
    let no_amounts = "too few won deals with an amount are known";
    let mut absent = Vec::new();
    let mut unless = |is_there: fn(&ScoreView) -> bool, part, reason| {
        if !accounts.iter().all(is_there) {
            absent.push((part, reason));
        }
    };
    unless(|row| row.estimated_value.is_some(), "accounts.estimated_value", no_amounts);
    unless(|row| row.expected_value.is_some(), "accounts.expected_value", no_amounts);
    unless(|row| row.primary_signal.is_some(), "accounts.primary_signal", "no factor speaks for an expansion");
    unless(|row| row.trend.is_some(), "accounts.trend", "the customer was not in the run before");
    unless(|row| row.priority.is_some(), "accounts.priority", "the customer is better left alone for now");
    absent
}

/// The parameters of a portfolio's list; `None` where the caller may not see it or nobody has it, which is noted.
pub(crate) async fn portfolio(
    state: &State,
    principal: &Principal,
    whose: Option<&Whose>,
    notes: &mut Vec<String>,
) -> Result<Option<Parameters>, Problem> {
    let id = match (whose, principal) {
        (None, _) | (Some(Whose::Mine), Principal::Csm(_)) => return Ok(Some(Parameters::new())),
        (Some(Whose::Mine), Principal::Manager) => {
            notes.push("A manager has no portfolio of their own: these are all portfolios.".to_owned());
            return Ok(Some(Parameters::new()));
        }
        (Some(Whose::Csm(id)), Principal::Csm(own)) if !crate::names::is_same_csm(id, own) => {
            notes.push("A CSM sees only their own customers.".to_owned());
            return Ok(None);
        }
        (Some(Whose::Csm(_)), Principal::Csm(own)) => Some(own.clone()),
        (Some(Whose::Csm(id)), Principal::Manager) => {
            let found = rows::csm(state, principal, id).await?;
            if found.is_none() {
                notes.push(format!("No CSM \"{id}\" has customers in this run."));
            }
            found
        }
    };
    Ok(id.map(|id| vec![("csm_id", id.to_string())]))
}

/// Adds what narrows a list; the note says why where that cannot be.
fn narrow(parameters: &mut Parameters, narrowings: Vec<Narrowing>) -> Result<(), String> {
    for narrowing in narrowings {
        let (name, value) = match narrowing {
            Narrowing::Segment(segment) => ("segment", segment),
            Narrowing::Product(product) => ("product_id", product),
        };
        if parameters.iter().any(|(taken, _)| *taken == name) {
            let what = if name == "segment" { "segment" } else { "product" };
            return Err(format!("A list can be of one {what} at a time."));
        }
        parameters.push((name, value.to_string()));
    }
    Ok(())
}

fn names_nothing(phrase: &str, vocabulary: &Vocabulary) -> String {
    let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let segments = list(vocabulary.segments.iter().map(|segment| &**segment).collect());
    let products = vocabulary.products.iter().map(|(id, name)| name.as_deref().unwrap_or(id));
    let products = list(products.collect());
    format!(
        "\"{phrase}\" is no word that is understood, and no segment or product that is known. Segments: {segments}. \
         Recommended products: {products}."
    )
}

/// Whom a name is, with what is to be said about how it was read.
struct Reading {
    account: Option<Box<ScoreView>>,
    did_you_mean: Vec<ScoreView>,
    notes: Vec<String>,
}

impl Reading {
    fn of(name: &str, named: Named) -> Self {
        match named {
            Named::One(account) => Self { account: Some(account), did_you_mean: Vec::new(), notes: Vec::new() },
            Named::Likely(account) => {
                let notes = vec![format!("\"{name}\" was read as {}.", account.shown_name())];
                Self { account: Some(account), did_you_mean: Vec::new(), notes }
            }
            Named::OneOf(did_you_mean) => Self { account: None, did_you_mean, notes: Vec::new() },
        }
    }

    /// Why there is no account.
    fn reason(&self) -> &'static str {
        if self.did_you_mean.is_empty() {
            "no customer that you may see has a name like this"
        } else {
            "the name could be one of several customers'"
        }
    }
}

/// What is to be said of one account.
pub(crate) async fn one(
    state: &State,
    principal: &Principal,
    name: String,
    score: Option<u8>,
) -> Result<Found, Problem> {
    let (name, score, mut reading) = read(state, principal, name, score).await?;
    let customer = match &reading.account {
        Some(account) => Some(get_propensity::answer(&state.customer, principal, &account.customer_id).await?),
        None => None,
    };
    if let (Some(asked), Some(customer)) = (score, &customer)
        && asked != customer.score.propensity_score
    {
        reading.notes.push(format!("The score is {}, not {asked}.", customer.score.propensity_score));
    }
    let reason = reading.reason();
    let is_missing = customer.is_none();
    let Reading { did_you_mean, notes, .. } = reading;
    let understood = Understood::Account { name, asked_score: score, customer: customer.map(Box::new), did_you_mean };
    let mut found = Found { notes, ..Found::plain(understood) };
    if is_missing {
        found.missing("customer", reason);
    }
    Ok(found)
}

/// Finds out whom a name is. A number after it may be a score or the name's last word: "why is Area 51?".
async fn read(
    state: &State,
    principal: &Principal,
    name: String,
    score: Option<u8>,
) -> Result<(String, Option<u8>, Reading), Problem> {
    let named = rows::named(state, principal, &name).await?;
    if let (Some(number), Named::Likely(_) | Named::OneOf(_)) = (score, &named) {
        let whole = format!("{name} {number}");
        if let Named::One(account) = rows::named(state, principal, &whole).await? {
            return Ok((whole, None, Reading::of(&name, Named::One(account))));
        }
    }
    let reading = Reading::of(&name, named);
    Ok((name, score, reading))
}

/// What would lift an account.
pub(crate) async fn lift(
    state: &State,
    principal: &Principal,
    name: String,
    target: Option<u32>,
) -> Result<Found, Problem> {
    let mut reading = Reading::of(&name, rows::named(state, principal, &name).await?);
    let wanted = reading.account.as_ref().and_then(|account| target_for(account.propensity_score, target));
    if let (Some(asked), Some(wanted)) = (target, wanted)
        && asked != u32::from(wanted)
    {
        reading.notes.push(format!("Scores lie between 1 and {HIGHEST}, so {wanted} is looked at instead of {asked}."));
    }
    let what_if = match (&reading.account, wanted) {
        (Some(account), Some(target)) => {
            let question = WhatIf::Target(target);
            Some(what_if::answer(&state.what_if, principal, &account.customer_id, &question).await?)
        }
        _ => None,
    };
    let reason = if reading.account.is_some() { "the score is the highest there is" } else { reading.reason() };
    let (no_account, no_answer) = (reading.account.is_none(), what_if.is_none());
    let Reading { account, did_you_mean, notes } = reading;
    let understood = Understood::Lift { name, account, what_if: what_if.map(Box::new), did_you_mean };
    let mut found = Found { notes, ..Found::plain(understood) };
    if no_account {
        found.missing("account", reason);
    }
    if no_answer {
        found.missing("what_if", reason);
    }
    Ok(found)
}

/// The score to lift to: the one asked for, or 80, or the next above the score; `None` when there is none above.
fn target_for(score: u8, asked: Option<u32>) -> Option<u8> {
    match asked {
        Some(asked) => Some(u8::try_from(asked.clamp(2, u32::from(HIGHEST))).unwrap_or(HIGHEST)),
        None if score < USUAL_TARGET => Some(USUAL_TARGET),
        None => Some(score + 1).filter(|target| *target <= HIGHEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::score;

    #[test]
    fn the_target_is_the_one_asked_for_or_the_next() {
        assert_eq!(target_for(62, None), Some(80));
        assert_eq!(target_for(80, None), Some(81));
        assert_eq!(target_for(99, None), None);
        assert_eq!(
            (target_for(62, Some(70)), target_for(62, Some(0)), target_for(62, Some(4_000))),
            (Some(70), Some(2), Some(99))
        );
    }

    #[test]
    fn parts_that_an_account_lacks_have_a_reason() {
        let whole = score("c-1", "A", 62);
        assert_eq!(absent_parts(std::slice::from_ref(&whole)), []);
        let absent = absent_parts(&[whole.clone(), ScoreView { trend: None, priority: None, ..whole }]);
        assert_eq!(absent.iter().map(|(part, _)| *part).collect::<Vec<_>>(), ["accounts.trend", "accounts.priority"]);
    }

    #[test]
    fn a_list_is_of_one_segment_and_one_product() {
        let mut parameters = Parameters::new();
        let (segment, product) = (Narrowing::Segment("SMB".into()), Narrowing::Product("seats".into()));
        assert_eq!(narrow(&mut parameters, vec![segment.clone(), product]), Ok(()));
        assert_eq!(parameters, [("segment", "SMB".to_owned()), ("product_id", "seats".to_owned())]);
        assert!(narrow(&mut parameters, vec![segment]).is_err_and(|note| note.contains("one segment")));
    }

    #[test]
    fn what_was_read_otherwise_is_said() {
        let account = Box::new(score("c-1", "TechFlow Inc", 94));
        assert_eq!(Reading::of("Tecflow", Named::Likely(account)).notes, ["\"Tecflow\" was read as TechFlow Inc."]);
        assert!(Reading::of("x", Named::OneOf(Vec::new())).reason().contains("no customer"));
    }
}

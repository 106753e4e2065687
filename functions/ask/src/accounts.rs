//! Questions about accounts: which to turn to, what is to be said of one, what would lift one.

use std::iter;

use expansion_api::{Principal, Problem, ScoreView, Understood, WhatIf};

use crate::names::{Named, resembles};
use crate::rows;
use crate::selection::{filters, kept, only_the_best, other_horizon, selection, sort};
use crate::wanted::Wanted;
use crate::{Found, State};

/// Accounts shown unless asked otherwise, and at most.
const USUAL_COUNT: u32 = 5;
const MOST_COUNT: u32 = 50;
/// The score that an account is to be lifted to unless asked otherwise, and the highest there is.
const USUAL_TARGET: u8 = 80;
const HIGHEST: u8 = 99;

/// How many accounts to show, with a note where that is fewer than asked for.
pub(crate) fn count(wanted: &Wanted, notes: &mut Vec<String>) -> usize {
    if wanted.count.is_some_and(|asked| asked > MOST_COUNT) {
        notes.push(format!("At most {MOST_COUNT} accounts are shown; the list itself has them all."));
    }
    wanted.count.unwrap_or(USUAL_COUNT).clamp(1, MOST_COUNT) as usize
}

/// Which accounts to turn to.
pub(crate) async fn top(state: &State, principal: &Principal, wanted: &Wanted) -> Result<Found, Problem> {
    let mut selection = match selection(state, principal, wanted).await? {
        Ok(selection) => selection,
        Err(found) => return Ok(found),
    };
    selection.parameters.extend(sort(wanted));
    let notes = &mut selection.notes;
    let count = count(wanted, notes);
    let (seen, mut accounts) =
        rows::first(state, principal, &selection.parameters, count, |row| kept(wanted, row)).await?;
    notes.extend(other_horizon(wanted, &seen.run));
    notes.extend((seen.is_cut && accounts.len() < count).then(only_the_best));
    // A rank is the place among the accounts that are shown.
    for (place, row) in (1..).zip(&mut accounts) {
        row.rank = row.rank.map(|_| place);
    }
    let customer = match accounts.first() {
        Some(first) => Some(get_propensity::answer(&state.customer, principal, &first.customer_id).await?),
        None => None,
    };
    let is_empty = accounts.is_empty();
    let absent = absent_parts(&accounts);
    let filters = filters(selection.parameters, wanted);
    let understood =
        Understood::TopAccounts { run: seen.run.into(), filters, accounts, customer: customer.map(Box::new) };
    let mut found = Found { notes: selection.notes, ..Found::plain(understood) };
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

/// Whom a name is, with what is to be said about how it was read.
struct Reading {
    account: Option<Box<ScoreView>>,
    did_you_mean: Vec<ScoreView>,
    notes: Vec<String>,
}

impl Reading {
    /// `is_cut` says whether there are accounts that were not looked at.
    fn of(name: &str, named: Named, is_cut: bool) -> Self {
        let cut = is_cut.then(only_the_best);
        match named {
            Named::One(account) => Self { account: Some(account), did_you_mean: Vec::new(), notes: Vec::new() },
            Named::Likely(account) => {
                let read = format!("\"{name}\" was read as {}.", account.shown_name());
                let notes = iter::once(read).chain(cut).collect();
                Self { account: Some(account), did_you_mean: Vec::new(), notes }
            }
            Named::OneOf(did_you_mean) => Self { account: None, did_you_mean, notes: cut.into_iter().collect() },
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
    let (name, score, reading) = read(state, principal, name, score).await?;
    told(state, principal, name, score, reading).await
}

/// What is to be said of the account that a text names, if it is a name at all.
pub(crate) async fn perhaps(state: &State, principal: &Principal, name: String) -> Result<Found, Problem> {
    let (named, is_cut) = rows::named(state, principal, &name).await?;
    let named = match named {
        Named::Likely(row) if !resembles(&name, &row) => Named::OneOf(Vec::new()),
        Named::OneOf(rows) => Named::OneOf(rows.into_iter().filter(|row| resembles(&name, row)).collect()),
        named => named,
    };
    if named == Named::OneOf(Vec::new()) {
        let note = format!("\"{name}\" is no question that is understood, and no customer's name that you may see.");
        return Ok(Found::nothing(iter::once(note).chain(is_cut.then(only_the_best)).collect()));
    }
    let reading = Reading::of(&name, named, is_cut);
    told(state, principal, name, None, reading).await
}

/// The answer about the account that a name was read as.
async fn told(
    state: &State,
    principal: &Principal,
    name: String,
    score: Option<u8>,
    mut reading: Reading,
) -> Result<Found, Problem> {
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
    let (named, is_cut) = rows::named(state, principal, &name).await?;
    if let (Some(number), Named::Likely(_) | Named::OneOf(_)) = (score, &named) {
        let whole = format!("{name} {number}");
        if let (Named::One(account), _) = rows::named(state, principal, &whole).await? {
            return Ok((whole, None, Reading::of(&name, Named::One(account), false)));
        }
    }
    let reading = Reading::of(&name, named, is_cut);
    Ok((name, score, reading))
}

/// What would lift an account.
pub(crate) async fn lift(
    state: &State,
    principal: &Principal,
    name: String,
    target: Option<u32>,
) -> Result<Found, Problem> {
    let (named, is_cut) = rows::named(state, principal, &name).await?;
    let mut reading = Reading::of(&name, named, is_cut);
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
    fn what_was_read_otherwise_is_said() {
        let account = Box::new(score("c-1", "TechFlow Inc", 94));
        let read = Reading::of("Tecflow", Named::Likely(account), false);
        assert_eq!(read.notes, ["\"Tecflow\" was read as TechFlow Inc."]);
        assert!(Reading::of("x", Named::OneOf(Vec::new()), false).reason().contains("no customer"));
    }

    #[test]
    fn that_not_every_account_was_looked_at_is_said_unless_the_one_was_found() {
        let account = || Box::new(score("c-1", "TechFlow Inc", 94));
        let notes = |named| Reading::of("Tecflow", named, true).notes;
        assert_eq!(notes(Named::OneOf(Vec::new())), ["Only the best 20000 accounts were looked at."]);
        assert_eq!(notes(Named::Likely(account())).len(), 2);
        assert!(notes(Named::One(account())).is_empty());
    }
}

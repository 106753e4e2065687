//! Questions about accounts: which to turn to, what is to be said of one, what would lift one.

use std::iter;

use expansion_question::Wanted;
use expansion_question::names::{Named, resembles};

use crate::ask::selection::{Filters, only_the_best, other_horizon, selection};
use crate::ask::{Ask, Found, Stop, Understood};
use crate::view::ScoreView;
use crate::what_if::{TARGETS, WhatIfRequest};
use crate::{Error, Principal};

/// Accounts shown unless asked otherwise, and at most.
const USUAL_COUNT: u32 = 5;
const MOST_COUNT: u32 = 50;
/// The score that an account is to be lifted to unless asked otherwise.
const USUAL_TARGET: u8 = 80;

/// How many accounts to show, with a note where that is fewer than asked for.
pub(super) fn count(wanted: &Wanted, notes: &mut Vec<String>) -> usize {
    if wanted.count.is_some_and(|asked| asked > MOST_COUNT) {
        notes.push(format!("At most {MOST_COUNT} accounts are shown; the list itself has them all."));
    }
    wanted.count.unwrap_or(USUAL_COUNT).clamp(1, MOST_COUNT) as usize
}

impl Ask {
    /// Which accounts to turn to.
    pub(super) async fn top(&self, principal: &Principal, wanted: &Wanted) -> Result<Found, Stop> {
        let (filters, mut notes) = selection(principal, &self.current().await?.summary(), wanted)?;
        let filters = Filters { order: wanted.order, ..filters };
        let count = count(wanted, &mut notes);
        let (seen, mut accounts) = self.first(principal, filters.list(), count, |row| filters.keep(row)).await?;
        notes.extend(other_horizon(wanted, &seen.run));
        notes.extend((seen.is_cut && accounts.len() < count).then(only_the_best));
        // A rank is the place among the accounts that are shown.
        for (place, row) in (1..).zip(&mut accounts) {
            row.rank = row.rank.map(|_| place);
        }
        let customer = match accounts.first() {
            Some(first) => Some(Box::new(self.customers.answer(principal, &first.customer_id).await?)),
            None => None,
        };
        let is_empty = accounts.is_empty();
        let absent = absent_parts(&accounts);
        let understood = Understood::TopAccounts { run: seen.run.into(), filters, accounts, customer };
        let mut found = Found::new(understood, notes);
        for part in ["accounts", "customer"] {
            found.missing_if(is_empty, part, "no account of the run is like this");
        }
        for (part, reason) in absent {
            found.missing_if(true, part, reason);
        }
        Ok(found)
    }

    /// What is to be said of one account.
    pub(super) async fn account(&self, principal: &Principal, name: String, score: Option<u8>) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(principal, &name).await?;
        // A number after a name may be a score or the name's last word: "why is Area 51?".
        if let (Some(number), Named::Likely(_) | Named::OneOf(_)) = (score, &named) {
            let whole = format!("{name} {number}");
            if let (Named::One(account), _) = self.named(principal, &whole).await? {
                let reading = Reading::of(&whole, Named::One(account), false);
                return Ok(self.told(principal, whole, None, reading).await?);
            }
        }
        let reading = Reading::of(&name, named, is_cut);
        Ok(self.told(principal, name, score, reading).await?)
    }

    /// What is to be said of the account that a text names, if it is a name at all.
    pub(super) async fn perhaps_account(&self, principal: &Principal, name: String) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(principal, &name).await?;
        let named = match named {
            Named::Likely(row) if !resembles(&name, &*row) => Named::OneOf(Vec::new()),
            Named::OneOf(rows) => Named::OneOf(rows.into_iter().filter(|row| resembles(&name, row)).collect()),
            named => named,
        };
        if named == Named::OneOf(Vec::new()) {
            let note =
                format!("\"{name}\" is no question that is understood, and no customer's name that you may see.");
            return Err(Stop::Nothing(iter::once(note).chain(is_cut.then(only_the_best)).collect()));
        }
        let reading = Reading::of(&name, named, is_cut);
        Ok(self.told(principal, name, None, reading).await?)
    }

    /// The answer about the account that a name was read as.
    async fn told(
        &self,
        principal: &Principal,
        name: String,
        asked_score: Option<u8>,
        reading: Reading,
    ) -> Result<Found, Error> {
        let reason = reading.reason();
        let Reading { account, did_you_mean, mut notes } = reading;
        let customer = match account {
            Some(account) => Some(Box::new(self.customers.answer(principal, &account.customer_id).await?)),
            None => None,
        };
        if let (Some(asked), Some(customer)) = (asked_score, &customer)
            && asked != customer.score.propensity_score
        {
            notes.push(format!("The score is {}, not {asked}.", customer.score.propensity_score));
        }
        let is_missing = customer.is_none();
        let mut found = Found::new(Understood::Account { name, asked_score, customer, did_you_mean }, notes);
        found.missing_if(is_missing, "customer", reason);
        Ok(found)
    }

    /// What would lift an account.
    pub(super) async fn lift(&self, principal: &Principal, name: String, target: Option<u32>) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(principal, &name).await?;
        let mut reading = Reading::of(&name, named, is_cut);
        let wanted = reading.account.as_ref().and_then(|account| target_for(account.propensity_score, target));
        if let (Some(asked), Some(wanted)) = (target, wanted)
            && asked != u32::from(wanted)
        {
            let highest = TARGETS.end();
            let note = format!("Scores lie between 1 and {highest}, so {wanted} is looked at instead of {asked}.");
            reading.notes.push(note);
        }
        let what_if = match (&reading.account, wanted) {
            (Some(account), Some(target)) => {
                let request = WhatIfRequest::Target(target);
                Some(Box::new(self.what_if.answer(principal, &account.customer_id, &request).await?))
            }
            _ => None,
        };
        let reason = if reading.account.is_some() { "the score is the highest there is" } else { reading.reason() };
        let (no_account, no_answer) = (reading.account.is_none(), what_if.is_none());
        let Reading { account, did_you_mean, notes } = reading;
        let mut found = Found::new(Understood::Lift { name, account, what_if, did_you_mean }, notes);
        found.missing_if(no_account, "account", reason);
        found.missing_if(no_answer, "what_if", reason);
        Ok(found)
    }
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
    fn of(name: &str, named: Named<ScoreView>, is_cut: bool) -> Self {
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

/// The score to lift to: the one asked for, or 80, or the next above the score; `None` when there is none above.
fn target_for(score: u8, asked: Option<u32>) -> Option<u8> {
    match asked {
        Some(asked) => Some(u8::try_from(asked).unwrap_or(u8::MAX).clamp(*TARGETS.start(), *TARGETS.end())),
        None if score < USUAL_TARGET => Some(USUAL_TARGET),
        None => Some(score + 1).filter(|target| TARGETS.contains(target)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::sample::score;

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

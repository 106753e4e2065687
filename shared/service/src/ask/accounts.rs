//! Questions about accounts: which to turn to, what is to be said of one, what would lift one.

use std::iter;

use expansion_question::Wanted;
use expansion_question::names::{Named, resembles};
use expansion_records::Standing;

use crate::Error;
use crate::ask::selection::{Filters, only_the_best, other_horizon, selection};
use crate::ask::{Current, Found, Stop, Understood, missing};
use crate::customer::CustomerAnswer;
use crate::view::ScoreView;
use crate::what_if::{TARGETS, WhatIfRequest};

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

impl Current<'_> {
    /// Which accounts to turn to: those ready to approach, unless others are asked for.
    pub(super) async fn top(&self, wanted: &Wanted) -> Result<Found, Stop> {
        let (filters, mut notes) = selection(self.principal, self.listed.summary(), wanted)?;
        let standing = filters.standing.or(Some(Standing::ReadyToApproach));
        let filters = Filters { order: wanted.order, standing, ..filters };
        let count = count(wanted, &mut notes);
        let (mut accounts, is_cut) = self.first(filters.list(), count, |row| filters.keep(row)).await?;
        let run = self.run();
        notes.extend(other_horizon(wanted, &run));
        notes.extend((is_cut && accounts.len() < count).then(only_the_best));
        // A rank is the place among the accounts that are shown.
        for (place, row) in (1..).zip(&mut accounts) {
            row.rank = row.rank.map(|_| place);
        }
        let customer = self.customer(accounts.first()).await?;
        let totals = self.ask.lists.totals(&self.listed, self.principal, &filters.list()).await?;
        let standings = totals.standings;
        let nobody = ["accounts", "customer"].map(|part| (part, "no account of the run is like this"));
        let nobody = nobody.into_iter().filter(|_| accounts.is_empty());
        let absent = nobody.chain(absent_parts(&accounts)).map(|(part, reason)| (part, true, reason));
        let not_available = missing(absent);
        Ok(Found {
            understood: Understood::TopAccounts { run, filters, accounts, standings, customer },
            notes,
            not_available,
        })
    }

    /// What is to be said of one account.
    pub(super) async fn account(&self, name: String, score: Option<u8>) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(&name).await?;
        // A number after a name may be a score or the name's last word: "why is Area 51?".
        if let (Some(number), Named::Likely(_) | Named::OneOf(_)) = (score, &named) {
            let whole = format!("{name} {number}");
            if let (Named::One(account), is_cut) = self.named(&whole).await? {
                return self.told(whole, None, Named::One(account), is_cut).await;
            }
        }
        self.told(name, score, named, is_cut).await
    }

    /// What is to be said of the account that a text names, if it is a name at all.
    pub(super) async fn perhaps_account(&self, name: String) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(&name).await?;
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
        self.told(name, None, named, is_cut).await
    }

    /// The answer about the account that has a name.
    async fn told(
        &self,
        name: String,
        asked_score: Option<u8>,
        named: Named<ScoreView>,
        is_cut: bool,
    ) -> Result<Found, Stop> {
        let reading = Reading::of(&name, named, is_cut);
        let reason = reading.reason();
        let Reading { account, did_you_mean, mut notes } = reading;
        let customer = self.customer(account.as_deref()).await?;
        if let (Some(asked), Some(customer)) = (asked_score, &customer)
            && asked != customer.score.propensity_score
        {
            notes.push(format!("The score is {}, not {asked}.", customer.score.propensity_score));
        }
        let not_available = missing([("customer", customer.is_none(), reason)]);
        Ok(Found {
            understood: Understood::Account { name, asked_score, customer, did_you_mean },
            notes,
            not_available,
        })
    }

    async fn customer(&self, account: Option<&ScoreView>) -> Result<Option<Box<CustomerAnswer>>, Error> {
        let Some(account) = account else { return Ok(None) };
        Ok(Some(Box::new(self.ask.customers.answer(self.principal, &account.customer_id).await?)))
    }

    /// What would lift an account.
    pub(super) async fn lift(&self, name: String, target: Option<u32>) -> Result<Found, Stop> {
        let (named, is_cut) = self.named(&name).await?;
        let reading = Reading::of(&name, named, is_cut);
        let reason = if reading.account.is_some() { "the score is the highest there is" } else { reading.reason() };
        let Reading { account, did_you_mean, mut notes } = reading;
        let wanted = account.as_ref().and_then(|account| target_for(account.propensity_score, target));
        if let (Some(asked), Some(wanted)) = (target, wanted)
            && asked != u32::from(wanted)
        {
            let highest = TARGETS.end();
            notes.push(format!("Scores lie between 1 and {highest}, so {wanted} is looked at instead of {asked}."));
        }
        let what_if = match (&account, wanted) {
            (Some(account), Some(target)) => {
                let request = WhatIfRequest::Target(target);
                Some(Box::new(self.ask.what_if.answer(self.principal, &account.customer_id, &request).await?))
            }
            _ => None,
        };
        let not_available = missing([("account", account.is_none(), reason), ("what_if", what_if.is_none(), reason)]);
        Ok(Found { understood: Understood::Lift { name, account, what_if, did_you_mean }, notes, not_available })
    }
}

/// What some of the accounts have no value of, and why.
fn absent_parts(accounts: &[ScoreView]) -> Vec<(&'static str, &'static str)> {
    let no_amounts = "too few won deals with an amount are known";
    let lacks = |is_absent: fn(&ScoreView) -> bool| accounts.iter().any(is_absent);
    let parts = [
        (lacks(|row| row.estimated_value.is_none()), "accounts.estimated_value", no_amounts),
        (lacks(|row| row.expected_value.is_none()), "accounts.expected_value", no_amounts),
        (lacks(|row| row.primary_signal.is_none()), "accounts.primary_signal", "no factor speaks for an expansion"),
        (lacks(|row| row.trend.is_none()), "accounts.trend", "the customer was not in the run before"),
        (lacks(|row| row.priority.is_none()), "accounts.priority", "the customer is not one to approach now"),
    ];
    parts.into_iter().filter(|(is_absent, ..)| *is_absent).map(|(_, part, reason)| (part, reason)).collect()
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
        let (account, did_you_mean, notes) = match named {
            Named::One(account) => (Some(account), Vec::new(), Vec::new()),
            Named::Likely(account) => {
                let read = format!("\"{name}\" was read as {}.", account.shown_name());
                (Some(account), Vec::new(), iter::once(read).chain(cut).collect())
            }
            Named::OneOf(did_you_mean) => (None, did_you_mean, cut.into_iter().collect()),
        };
        Self { account, did_you_mean, notes }
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

//! Questions in words, answered from stored rows.
//!
//! Owns: which rows answer which question. `expansion_question` says what is asked, `selection.rs` which accounts that is
//! about, `rows.rs` reads what is stored, and `markdown.rs` puts the answer into words. Nothing is said that is not stored.

mod accounts;
mod figures;
mod markdown;
mod rows;
#[cfg(test)]
mod sample;
mod selection;

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::{Currency, Instant};
use expansion_question::{EXAMPLES, Question, understand};
use expansion_records::Standing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accuracy::{Accuracies, RunAccuracyView};
use crate::customer::{CustomerAnswer, Customers};
use crate::list::{ListedRun, Lists};
use crate::refresh::Refreshes;
use crate::view::{ModelView, RunView, ScoreView, oddities, staleness};
use crate::what_if::{WhatIf, WhatIfAnswer};
use crate::{Config, ConfigError, Error, Principal};

pub use selection::Filters;

/// The longest question that is taken, in characters.
const MOST_QUESTION: usize = 500;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskBody")]
pub struct AskRequest {
    /// The question, in words.
    #[schemars(length(max = 500), regex(pattern = r"\S"))]
    pub question: String,
}

/// The answer to a question. Everything in it comes from what runs have stored.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AskAnswer {
    /// The question as it was asked.
    pub question: String,
    /// What it was taken to ask, with what is answered.
    #[serde(flatten)]
    pub understood: Understood,
    /// The answer as a person reads it. Names and labels in it are escaped: they are text, never markup.
    pub markdown: String,
    /// How the question was read, where it could be read otherwise, and which tables of the source are out of date.
    pub notes: Vec<String>,
    /// For each part that is `null` or empty, why; a customer's parts have their own.
    pub not_available: BTreeMap<String, String>,
}

/// What a question was taken to ask, with what is answered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "understood", rename_all = "snake_case")]
pub enum Understood {
    /// Which accounts to turn to.
    TopAccounts {
        /// The run.
        run: Box<RunView>,
        /// What the list was narrowed to and sorted by: parameters of the list, and `newly_ready`, `min_estimated_value`
        /// and `min_expected_value`.
        #[schemars(with = "BTreeMap<String, String>")]
        filters: Filters,
        /// The accounts, in the order asked for.
        accounts: Vec<ScoreView>,
        /// How many accounts of each standing are like this, but for `newly_ready` and `min_expected_value`.
        standings: BTreeMap<Standing, u64>,
        /// Everything about the first of them; `null` when there is none.
        customer: Option<Box<CustomerAnswer>>,
    },
    /// How many accounts there are, and what they add up to.
    Totals {
        /// The run.
        run: Box<RunView>,
        /// What the accounts were narrowed to, as in a list of accounts.
        #[schemars(with = "BTreeMap<String, String>")]
        filters: Filters,
        /// How many there are.
        customers: usize,
        /// How many of them crossed the line to being ready in this run.
        newly_ready: usize,
        /// How many have a score from here on, up to the next step: of 1, 20, 40, 60 and 80.
        by_score: BTreeMap<u8, usize>,
        /// The sum of the expected values; `null` where none is known.
        expected_value: Option<f64>,
    },
    /// What is to be said of one account.
    Account {
        /// The name or id in the question.
        name: String,
        /// The score in the question, if it named one.
        asked_score: Option<u8>,
        /// Everything about the customer; `null` when the name is nobody's or could be several's.
        customer: Option<Box<CustomerAnswer>>,
        /// Whose name it may have been meant to be.
        did_you_mean: Vec<ScoreView>,
    },
    /// Which scores have moved since the run before.
    Changes {
        /// The run.
        run: Box<RunView>,
        /// The run before, where its date is known.
        since: Option<Instant>,
        /// How many customers could be compared.
        compared: usize,
        /// What the moves were narrowed to: as in a list of accounts, and `direction` (`up` or `down`) and `min_points`.
        #[schemars(with = "BTreeMap<String, String>")]
        filters: Filters,
        /// The largest moves up, largest first.
        up: Vec<ScoreView>,
        /// The largest moves down, largest first.
        down: Vec<ScoreView>,
    },
    /// What would lift an account's score.
    Lift {
        /// The name or id in the question.
        name: String,
        /// The customer's score; `null` when the name is nobody's or could be several's.
        account: Option<Box<ScoreView>>,
        /// The smallest change to the target; `null` without a customer, or when no score lies above theirs.
        what_if: Option<Box<WhatIfAnswer>>,
        /// Whose name it may have been meant to be.
        did_you_mean: Vec<ScoreView>,
    },
    /// How right the scores are.
    Accuracy {
        /// What the figures rest on.
        basis: AccuracyBasis,
        /// A past run beside what happened, with the one cohort that is told of; `null` before any has matured.
        accuracy: Option<Box<RunAccuracyView>>,
        /// The current run's model with its out-of-time figures; `null` where a whole horizon of outcomes is known.
        model: Option<Box<ModelView>>,
    },
    /// How far the refresh is.
    Refresh {
        /// The run under way, or else the newest, which may have failed.
        run: Box<RunView>,
        /// The run that readers see; `null` before the first is complete.
        current: Option<Box<RunView>>,
    },
    /// Nothing that can be answered.
    Nothing {
        /// Questions that can be.
        examples: Vec<&'static str>,
    },
}

/// What figures of accuracy rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccuracyBasis {
    /// A past run beside the outcomes of its whole horizon.
    Outcomes,
    /// A past run beside the outcomes of its first days, and the model's out-of-time evaluation.
    EarlyOutcomes,
    /// The model's out-of-time evaluation alone.
    OutOfTime,
}

/// Answers questions in words.
#[derive(Debug)]
pub struct Ask {
    pub lists: Lists,
    pub customers: Customers,
    pub what_if: WhatIf,
    pub accuracies: Accuracies,
    pub refreshes: Refreshes,
    pub currency: Option<Currency>,
}

/// The run that readers see, as a caller asks about it.
struct Current<'a> {
    ask: &'a Ask,
    principal: &'a Principal,
    listed: Arc<ListedRun>,
}

/// What is answered, before it is put into words.
#[derive(Debug)]
struct Found {
    understood: Understood,
    notes: Vec<String>,
    not_available: BTreeMap<String, String>,
}

/// Why an answer is not found.
#[derive(Debug)]
enum Stop {
    /// The question is about nothing that there is, as the notes say.
    Nothing(Vec<String>),
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// For each of the parts that is missing, why.
fn missing<'a>(parts: impl IntoIterator<Item = (&'a str, bool, &'a str)>) -> BTreeMap<String, String> {
    let missing = parts.into_iter().filter(|(_, is_missing, _)| *is_missing);
    missing.map(|(part, _, reason)| (part.to_owned(), reason.to_owned())).collect()
}

impl Ask {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            lists: Lists::new(config)?,
            customers: Customers::new(config)?,
            what_if: WhatIf::new(config)?,
            accuracies: Accuracies::new(config)?,
            refreshes: Refreshes::new(config)?,
            currency: config.currency()?,
        })
    }

    /// The answer to a question, from what the caller may see.
    pub async fn answer(&self, principal: &Principal, request: AskRequest) -> Result<AskAnswer, Error> {
        request.check()?;
        let question = request.question;
        let Found { understood, mut notes, not_available } = match self.find(principal, understand(&question)).await {
            Ok(found) => found,
            Err(Stop::Nothing(notes)) => Found {
                understood: Understood::Nothing { examples: EXAMPLES.to_vec() },
                notes,
                not_available: missing([]),
            },
            Err(Stop::Failed(error)) => return Err(error),
        };
        notes.extend(self.oddities(&understood).await?);
        let markdown = markdown::markdown(&understood, &notes, &not_available, self.currency);
        Ok(AskAnswer { question, understood, markdown, notes, not_available })
    }

    /// What the run that scores are told of doesn't know, and what is odd about its source.
    async fn oddities(&self, understood: &Understood) -> Result<Vec<String>, Error> {
        match understood {
            Understood::Accuracy { .. } | Understood::Refresh { .. } | Understood::Nothing { .. } => Ok(Vec::new()),
            _ => {
                let listed = self.lists.listed(None).await?;
                let Some(plan) = listed.run.plan() else { return Ok(Vec::new()) };
                Ok(staleness(&plan.stale).into_iter().chain(oddities(&plan.findings)).collect())
            }
        }
    }

    async fn find(&self, principal: &Principal, question: Question) -> Result<Found, Stop> {
        let current = async || -> Result<_, Error> {
            let listed = self.lists.listed(None).await?;
            Ok(Current { ask: self, principal, listed })
        };
        match question {
            Question::Top(wanted) => current().await?.top(&wanted).await,
            Question::Totals(wanted) => current().await?.totals(&wanted).await,
            Question::Account { name, score } => current().await?.account(name, score).await,
            Question::Name(name) => current().await?.perhaps_account(name).await,
            Question::Changes(moves) => current().await?.changes(&moves).await,
            Question::ChangesOf { name, moves } => current().await?.changes_of(name, &moves).await,
            Question::Lift { name, target } => current().await?.lift(name, target).await,
            Question::Accuracy => self.accuracy().await,
            Question::Refresh => self.refresh(principal).await,
            Question::Nothing => Err(Stop::Nothing(Vec::new())),
        }
    }
}

impl AskRequest {
    fn check(&self) -> Result<(), Error> {
        if self.question.trim().is_empty() {
            return Err(Error::invalid("question", "must not be empty"));
        }
        if self.question.chars().count() > MOST_QUESTION {
            return Err(Error::invalid("question", "must not be longer than 500 characters"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_question() {
        for (body, reason) in [
            ("", "EOF"),
            ("Which accounts?", "expected"),
            ("{}", "question"),
            (r#"{"question": 7}"#, "string"),
            (r#"{"question": "Hm?", "tone": "kind"}"#, "tone"),
            (r#"{"question": "a", "question": "b"}"#, "duplicate"),
        ] {
            let refused = serde_json::from_str::<AskRequest>(body).expect_err(body).to_string();
            assert!(refused.contains(reason), "{body}: {refused}");
        }
    }

    #[test]
    fn a_question_has_500_characters_at_most() {
        let refused = |question: &str| {
            let refused = AskRequest { question: question.to_owned() }.check();
            refused.map_err(|error| error.to_string())
        };
        assert_eq!(refused("Which accounts are ready to expand?"), Ok(()));
        assert_eq!(refused(&"ä".repeat(500)), Ok(()), "characters are counted, not bytes");
        assert_eq!(refused(&"x".repeat(501)), Err("question: must not be longer than 500 characters".to_owned()));
        assert_eq!(refused(" \n "), Err("question: must not be empty".to_owned()));
    }
}

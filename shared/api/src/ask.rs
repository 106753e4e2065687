//! `POST /api/analytics/expansion-propensity/ask`: a question in words, and what is answered.

use std::collections::BTreeMap;

use expansion_domain::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CustomerAnswer, ModelView, Problem, RunAccuracyView, RunView, ScoreView, WhatIfAnswer};

/// The longest question that is taken, in characters.
const MOST_QUESTION: usize = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskBody")]
pub(crate) struct Body {
    /// The question, in words.
    #[schemars(length(max = 500), regex(pattern = r"\S"))]
    question: String,
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
    /// How the question was read, where it could be read otherwise.
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
        filters: BTreeMap<&'static str, String>,
        /// The accounts, in the order asked for.
        accounts: Vec<ScoreView>,
        /// Everything about the first of them; `null` when there is none.
        customer: Option<Box<CustomerAnswer>>,
    },
    /// How many accounts there are, and what they add up to.
    Totals {
        /// The run.
        run: Box<RunView>,
        /// What the accounts were narrowed to, as in a list of accounts.
        filters: BTreeMap<&'static str, String>,
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
        filters: BTreeMap<&'static str, String>,
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

/// Reads the body: `{"question": "Which accounts are ready to expand?"}`.
///
/// # Errors
/// A 400 problem for a body that is something else, or whose question is empty or too long.
pub fn asked_question(body: &[u8]) -> Result<String, Problem> {
    let body: Body = serde_json::from_slice(body).map_err(|e| Problem::invalid_body(e.to_string()))?;
    if body.question.trim().is_empty() {
        return Err(Problem::invalid_parameter("question", "must not be empty"));
    }
    if body.question.chars().count() > MOST_QUESTION {
        return Err(Problem::invalid_parameter("question", "must not be longer than 500 characters"));
    }
    Ok(body.question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_question() {
        let asked = asked_question(br#"{"question": "Which accounts are ready to expand?"}"#);
        assert_eq!(asked, Ok("Which accounts are ready to expand?".to_owned()));
        let long = format!(r#"{{"question": "{}"}}"#, "ä".repeat(MOST_QUESTION));
        assert!(asked_question(long.as_bytes()).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let too_long = format!(r#"{{"question": "{}"}}"#, "x".repeat(MOST_QUESTION + 1));
        for (body, named) in [
            ("", "EOF"),
            ("Which accounts?", "expected"),
            ("{}", "question"),
            (r#"{"question": 7}"#, "string"),
            (r#"{"question": " \n "}"#, "question"),
            (r#"{"question": "Hm?", "tone": "kind"}"#, "tone"),
            (r#"{"question": "a", "question": "b"}"#, "duplicate"),
            (&too_long, "500"),
        ] {
            let problem = asked_question(body.as_bytes()).expect_err(body);
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains(named), "{body}: {}", problem.detail);
        }
    }
}

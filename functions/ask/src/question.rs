//! What a question asks. Pure: no data is looked at.
//!
//! `patterns.rs` has the table of how questions are put, `top.rs` the words that a list of accounts is asked for with, and
//! `words.rs` cuts a text into words.

use crate::patterns::{Kind, first_fitting};
use crate::top::{Top, top};
use crate::words::{Whose, whose, words};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which accounts to turn to.
    Top(Top),
    /// What is to be said of one account.
    Account {
        /// Its name or id, as written.
        name: String,
        /// The score that the question takes it to have.
        score: Option<u8>,
    },
    /// What has moved since the run before.
    Changes {
        /// Whose customers.
        whose: Option<Whose>,
    },
    /// What would lift an account.
    Lift {
        /// Its name or id, as written.
        name: String,
        /// To which score.
        target: Option<u32>,
    },
    /// How right the scores are.
    Accuracy,
    /// How far the refresh is.
    Refresh,
    /// Nothing that can be answered.
    Nothing,
}

/// A question of each kind, for whoever does not know what can be asked.
pub(crate) const EXAMPLES: &[&str] = &[
    "Which accounts are ready to expand?",
    "Top 10 accounts of csm-07 by value",
    "My accounts above 70 with high confidence",
    "Which Enterprise accounts are worth most?",
    "Who should we offer Advanced Analytics?",
    "Which accounts first, by priority?",
    "Why is TechFlow 94?",
    "Tell me about TechFlow",
    "What changed since last week?",
    "What would lift TechFlow to 80?",
    "How accurate are you?",
    "When was the last refresh?",
];

/// Understands a question.
pub(crate) fn understand(text: &str) -> Question {
    let words = words(text);
    let Some((kind, caught)) = first_fitting(&words) else {
        return top(&words).map_or(Question::Nothing, Question::Top);
    };
    match (kind, caught.name) {
        (Kind::Lift, Some(name)) => Question::Lift { name, target: caught.number },
        (Kind::Account, Some(name)) => {
            Question::Account { name, score: caught.number.and_then(|score| score.try_into().ok()) }
        }
        (Kind::Changes, _) => Question::Changes { whose: (0..words.len()).find_map(|n| Some(whose(&words[n..])?.0)) },
        (Kind::Accuracy, _) => Question::Accuracy,
        (Kind::Refresh, _) => Question::Refresh,
        (Kind::Lift | Kind::Account, None) => Question::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use expansion_model::Order;

    use super::*;

    fn account(name: &str, score: Option<u8>) -> Question {
        Question::Account { name: name.to_owned(), score }
    }

    fn lift(name: &str, target: Option<u32>) -> Question {
        Question::Lift { name: name.to_owned(), target }
    }

    #[test]
    fn every_example_is_understood() {
        for &example in EXAMPLES {
            for text in [example.to_owned(), example.to_uppercase(), format!("Please, {}", example.to_lowercase())] {
                assert_ne!(understand(&text), Question::Nothing, "{text}");
            }
        }
    }

    #[test]
    fn one_account() {
        for text in [
            "why is TechFlow 94?",
            "Why is TechFlow at 94%?",
            "Why does TechFlow have a score of 94?",
            "why is the TechFlow account 94/100",
        ] {
            assert_eq!(understand(text), account("TechFlow", Some(94)), "{text}");
        }
        for text in [
            "Tell me about TechFlow Inc.",
            "tell me more about TechFlow Inc",
            "What about the TechFlow Inc account?",
            "Why is TechFlow Inc so high?",
            "Is TechFlow Inc ready to expand?",
            "How likely is TechFlow Inc to expand?",
            "What's the score of TechFlow Inc?",
            "what is TechFlow Inc's score?",
            "Deep dive on TechFlow Inc",
            "What should I offer TechFlow Inc?",
            "Who is the champion at TechFlow Inc?",
            "What changed for TechFlow Inc since last week?",
            "Why did TechFlow Inc drop?",
            "Explain TechFlow Inc",
        ] {
            assert_eq!(understand(text), account("TechFlow Inc", None), "{text}");
        }
    }

    #[test]
    fn a_lift() {
        for text in [
            "What would lift TechFlow to 80?",
            "what would it take to get TechFlow to 80%",
            "How can I raise TechFlow's score to 80?",
            "What does TechFlow need to reach 80?",
            "What would it take for TechFlow to reach 80?",
            "what could raise the score of TechFlow to 80",
        ] {
            assert_eq!(understand(text), lift("TechFlow", Some(80)), "{text}");
        }
        assert_eq!(understand("What would lift TechFlow?"), lift("TechFlow", None));
        assert_eq!(understand("What would improve Improved Labs?"), lift("Improved Labs", None));
    }

    #[test]
    fn what_changed() {
        for text in ["What changed since last week?", "what's new", "Biggest movers", "Which accounts dropped?"] {
            assert_eq!(understand(text), Question::Changes { whose: None }, "{text}");
        }
        let mine = Question::Changes { whose: Some(Whose::Mine) };
        assert_eq!(understand("What changed in my accounts since last week?"), mine);
        let of_csm = Question::Changes { whose: Some(Whose::Csm("csm-07".to_owned())) };
        assert_eq!(understand("what changed for csm-07 since last week"), of_csm);
    }

    #[test]
    fn accuracy_and_the_refresh() {
        for text in ["How accurate are you?", "How good are your predictions?", "Can I trust you?", "what is your AUC"]
        {
            assert_eq!(understand(text), Question::Accuracy, "{text}");
        }
        for text in [
            "When was the last refresh?",
            "What is the status of the refresh?",
            "Is the refresh done?",
            "How old is the data?",
            "Which model is in use?",
            "state of the refresh",
            "Tell me about the last refresh",
        ] {
            assert_eq!(understand(text), Question::Refresh, "{text}");
        }
    }

    #[test]
    fn everything_else_is_nothing() {
        for text in [
            "?!",
            "hello",
            "What is the weather in Paris?",
            "Ignore all previous instructions",
            "how do I expand my portfolio",
            "what would lift",
            "which accounts will churn",
        ] {
            let question = understand(text);
            let is_list = matches!(&question, Question::Top(top) if !top.phrases.is_empty());
            assert!(question == Question::Nothing || is_list, "{text}: {question:?}");
        }
    }

    #[test]
    fn a_list_is_asked_for_in_any_order_of_words() {
        let plain = Top::default();
        for text in ["Which accounts are ready to expand?", "top accounts", "Who is most likely to expand?"] {
            assert_eq!(understand(text), Question::Top(plain.clone()), "{text}");
        }
        let mine = Top { whose: Some(Whose::Mine), ..plain.clone() };
        assert_eq!(understand("tell me about my accounts"), Question::Top(mine), "that is nobody's name");
        let valued = Top { count: Some(10), order: Order::ExpectedValue, whose: Some(Whose::Mine), ..plain };
        for text in ["my top ten accounts by value", "Which 10 of my customers are worth most?"] {
            assert_eq!(understand(text), Question::Top(valued.clone()), "{text}");
        }
    }
}

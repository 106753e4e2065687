//! What a question in words asks: text in, a typed [`Question`] out.
//!
//! Owns: how people put their questions, and whose name a name is among given ones ([`names`], [`Vocabulary`]). Knows no
//! rows, no caller and no answers: no data is looked at.
//!
//! `patterns.rs` has the table of how questions are put, `wanted.rs` the words that say which accounts are meant,
//! `moves.rs` those that say which moves, and `words.rs` cuts a text into words.

mod moves;
pub mod names;
mod patterns;
mod vocabulary;
mod wanted;
mod words;

pub use moves::{Moves, Way};
pub use vocabulary::{Narrowed, NotNarrowed, Vocabulary};
pub use wanted::Wanted;
pub use words::Whose;

use moves::moves;
use patterns::{Kind, first_fitting, only_a_name};
use wanted::{top, wanted};
use words::{Word, words};

/// What is asked. A name is that of a customer, or a customer id, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Which accounts to turn to.
    Top(Wanted),
    /// How many accounts there are, and what they add up to.
    Totals(Wanted),
    /// What is to be said of one account, which the question takes to have this score.
    Account { name: String, score: Option<u8> },
    /// What is to be said of one account, if this is a name: nothing else was understood.
    Name(String),
    /// What has moved since the run before.
    Changes(Moves),
    /// What has moved about whatever has this name: a segment, whose moves these are, or else one account.
    ChangesOf { name: String, moves: Moves },
    /// What would lift an account, to which score.
    Lift { name: String, target: Option<u32> },
    /// How right the scores are.
    Accuracy,
    /// How far the refresh is.
    Refresh,
    /// Nothing that can be answered.
    Nothing,
}

/// A question of each kind, for whoever does not know what can be asked.
pub const EXAMPLES: &[&str] = &[
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
    "How many accounts are ready to expand?",
    "How accurate are you?",
    "When was the last refresh?",
];

/// What asks for totals, beside what says which accounts are meant.
const ADDED_UP: &[&str] =
    &["how", "many", "much", "total", "totals", "sum", "overall", "combined", "together", "bring"];

/// Understands a question.
pub fn understand(text: &str) -> Question {
    let words = words(text);
    let Some((kind, caught)) = first_fitting(&words) else {
        let name = || only_a_name(&words).map_or(Question::Nothing, Question::Name);
        return top(&words).map_or_else(name, Question::Top);
    };
    match (kind, caught.name) {
        (Kind::Lift, Some(name)) => Question::Lift { name, target: caught.number },
        (Kind::Account, Some(name)) => {
            Question::Account { name, score: caught.number.and_then(|score| score.try_into().ok()) }
        }
        (Kind::ChangesOf, Some(name)) => Question::ChangesOf { name, moves: moves(&words) },
        (Kind::Changes, _) => Question::Changes(moves(&words)),
        (Kind::Totals, _) => {
            let adds_up = |words: &[Word]| words.first().is_some_and(|word| word.is_one_of(ADDED_UP));
            Question::Totals(wanted(&words, |words| adds_up(words).then_some(1)))
        }
        (Kind::Accuracy, _) => Question::Accuracy,
        (Kind::Refresh, _) => Question::Refresh,
        (Kind::Lift | Kind::Account | Kind::ChangesOf, None) => Question::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use expansion_records::{Order, Standing};

    use super::*;
    use crate::moves::Way;
    use crate::words::Whose;

    fn account(name: &str, score: Option<u8>) -> Question {
        Question::Account { name: name.to_owned(), score }
    }

    fn lift(name: &str, target: Option<u32>) -> Question {
        Question::Lift { name: name.to_owned(), target }
    }

    #[test]
    fn every_example_is_understood_however_it_is_written() {
        let kind = |text: &str| match understand(text) {
            Question::Top(_) => "top",
            Question::Totals(_) => "totals",
            Question::Account { .. } => "account",
            Question::Changes(_) => "changes",
            Question::Lift { .. } => "lift",
            Question::Accuracy => "accuracy",
            Question::Refresh => "refresh",
            other => panic!("{text}: {other:?}"),
        };
        let kinds = ["top", "top", "top", "top", "top", "top", "account", "account", "changes", "lift", "totals"];
        for (&example, kind_of_it) in EXAMPLES.iter().zip(kinds.into_iter().chain(["accuracy", "refresh"])) {
            for text in [example.to_owned(), example.to_uppercase(), format!("Please, {}", example.to_lowercase())] {
                assert_eq!(kind(&text), kind_of_it, "{text}");
            }
        }
        assert_eq!(EXAMPLES.len(), kinds.len() + 2);
    }

    #[test]
    fn one_account() {
        for text in [
            "why is TechFlow 94?",
            "Why is TechFlow at 94%?",
            "Why does TechFlow have a score of 94?",
            "why is the TechFlow account 94/100",
            "Why is the score of TechFlow 94?",
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
            "Why did TechFlow Inc drop?",
            "Explain TechFlow Inc",
            "Why is TechFlow Inc ranked first?",
            "Why is TechFlow Inc number 1?",
            "Why is TechFlow Inc on top?",
            "What's driving TechFlow Inc's score?",
            "What's behind TechFlow Inc's score?",
            "What drives TechFlow Inc?",
            "Deep dive TechFlow Inc",
            "How does TechFlow Inc look?",
            "Who is my champion at TechFlow Inc?",
            "How much is TechFlow Inc worth?",
            "What is TechFlow Inc's expected value?",
            "Should I call TechFlow Inc?",
            "Should we talk to TechFlow Inc this week?",
            "How confident are you about TechFlow Inc?",
            "Show me the details of TechFlow Inc",
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
            "How can we move TechFlow from 60 to 80?",
            "What would lift TechFlow from 60% to 80%?",
            "Lift TechFlow from 60 to 80",
        ] {
            assert_eq!(understand(text), lift("TechFlow", Some(80)), "{text}");
        }
        assert_eq!(understand("What would lift TechFlow?"), lift("TechFlow", None));
        assert_eq!(understand("What would improve Improved Labs?"), lift("Improved Labs", None));
    }

    #[test]
    fn a_name_on_its_own() {
        for text in ["TechFlow", "Show me TechFlow", "TechFlow's score", "TechFlow score", "pull up TechFlow"] {
            assert_eq!(understand(text), Question::Name("TechFlow".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_changed() {
        let changes = |moves| Question::Changes(moves);
        for text in ["What changed since last week?", "what's new", "Biggest movers", "Has anything changed?"] {
            assert_eq!(understand(text), changes(Moves::default()), "{text}");
        }
        let down = Moves { way: Some(Way::Down), ..Moves::default() };
        for text in ["Which accounts dropped?", "Which accounts went down since last week?", "Did my scores fall?"] {
            let whose = text.contains("my").then_some(Whose::Mine);
            let wanted = Wanted { whose, ..Wanted::default() };
            assert_eq!(understand(text), changes(Moves { wanted, ..down.clone() }), "{text}");
        }
        let of =
            |whose| changes(Moves { wanted: Wanted { whose: Some(whose), ..Wanted::default() }, ..Moves::default() });
        assert_eq!(understand("What changed in my accounts since last week?"), of(Whose::Mine));
        assert!(matches!(understand("Did Enterprise accounts go up?"), Question::Changes(_)));
        assert_eq!(understand("what changed for csm-07 since last week"), of(Whose::Csm("csm-07".to_owned())));
        let enterprise = Wanted { phrases: vec!["Enterprise".to_owned()], ..Wanted::default() };
        let dropped = changes(Moves { wanted: enterprise.clone(), ..down });
        assert_eq!(understand("Which Enterprise accounts dropped since last week?"), dropped);
        let both_ways = changes(Moves { wanted: enterprise, ..Moves::default() });
        assert_eq!(understand("What changed in my Enterprise accounts?"), {
            let Question::Changes(mut moves) = both_ways else { unreachable!("it was made above") };
            moves.wanted.whose = Some(Whose::Mine);
            changes(moves)
        });
    }

    #[test]
    fn what_changed_about_one() {
        for (text, named) in [
            ("What changed for TechFlow Inc since last week?", "TechFlow Inc"),
            ("What changed in SMB since last week?", "SMB"),
            ("Did TechFlow go up?", "TechFlow"),
            ("Has TechFlow dropped?", "TechFlow"),
        ] {
            let understood = understand(text);
            assert!(matches!(&understood, Question::ChangesOf { name, .. } if name == named), "{text}: {understood:?}");
        }
    }

    #[test]
    fn how_many_and_how_much() {
        for text in [
            "How many accounts are ready to expand?",
            "What's the total expected value?",
            "What is the expected value?",
            "How much are all accounts worth?",
            "What are the accounts worth together?",
        ] {
            assert!(matches!(understand(text), Question::Totals(_)), "{text}: {:?}", understand(text));
        }
        let wanted = Wanted { min_score: Some(71), phrases: vec!["Enterprise".to_owned()], ..Wanted::default() };
        assert_eq!(understand("How many Enterprise accounts are above 70?"), Question::Totals(wanted));
        let mine = Wanted { whose: Some(Whose::Mine), order: Order::ExpectedValue, ..Wanted::default() };
        assert_eq!(understand("How much is my portfolio worth?"), Question::Totals(mine));
    }

    #[test]
    fn accuracy_and_the_refresh() {
        for text in [
            "How accurate are you?",
            "How good are your predictions?",
            "Can I trust you?",
            "what is your AUC",
            "How confident are you?",
            "How confident are you in your predictions?",
        ] {
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
            "Is the refresh running?",
            "Is a refresh running?",
            "Did the refresh fail?",
            "Why did the refresh fail?",
            "How far is the refresh?",
            "Is there a refresh running?",
            "What happened to the last refresh?",
        ] {
            assert_eq!(understand(text), Question::Refresh, "{text}");
        }
    }

    #[test]
    fn everything_else_is_nothing_or_is_looked_up() {
        for text in ["?!", "how do I expand my portfolio", "What do they say about the weather in Paris and in Rome?"] {
            assert_eq!(understand(text), Question::Nothing, "{text}");
        }
        for text in ["why", "what would lift", "What is the weather in Paris", "Ignore all previous instructions"] {
            assert_eq!(understand(text), Question::Name(text.to_owned()), "nobody has this name");
        }
        let phrases = vec!["churn".to_owned()];
        assert_eq!(understand("which accounts will churn"), Question::Top(Wanted { phrases, ..Wanted::default() }));
    }

    #[test]
    fn a_list_is_asked_for_in_any_order_of_words() {
        let plain = Wanted::default();
        for text in ["top accounts", "Who is most likely to expand?"] {
            assert_eq!(understand(text), Question::Top(plain.clone()), "{text}");
        }
        let standing = |standing| Wanted { standing: Some(standing), ..plain.clone() };
        for text in ["Which accounts are ready to expand?", "Who is ready to approach?"] {
            assert_eq!(understand(text), Question::Top(standing(Standing::ReadyToApproach)), "{text}");
        }
        assert_eq!(understand("Which accounts are in progress?"), Question::Top(standing(Standing::InProgress)));
        assert_eq!(understand("How many accounts are in progress?"), Question::Totals(standing(Standing::InProgress)));
        assert_eq!(understand("Which accounts are better left alone?"), Question::Top(standing(Standing::LeaveAlone)));
        let mine = Wanted { whose: Some(Whose::Mine), ..plain.clone() };
        assert_eq!(understand("tell me about my accounts"), Question::Top(mine), "that is nobody's name");
        let valued = Wanted { count: Some(10), order: Order::ExpectedValue, whose: Some(Whose::Mine), ..plain };
        for text in ["my top ten accounts by value", "Which 10 of my customers are worth most?"] {
            assert_eq!(understand(text), Question::Top(valued.clone()), "{text}");
        }
    }
}

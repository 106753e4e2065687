//! What a list of accounts is asked for with: words in any order, each of which is understood or handed on.
//!
//! | Words | Meaning |
//! |---|---|
//! | `my`, `our` · `csm-07`, `csm 07` | whose customers |
//! | `top 5`, `ten accounts`, `first 3` | how many |
//! | `above 70`, `more than 70`, `> 70` | a score from 71 on |
//! | `at least 70`, `from 70`, `70+`, `70 or more`, `>= 70` | a score from 70 on |
//! | `by value`, `worth most`, `biggest` | sorted by expected value |
//! | `by priority`, `call first`, `urgent` | sorted by priority |
//! | `high confidence` | only this confidence |
//! | anything else but [`FILLERS`] | a phrase: the name of a segment or of a product, which only the data can tell |

use expansion_model::{ConfidenceLevel, Order};

use crate::words::{Whose, Word, number, whose};

/// Which accounts are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Top {
    /// How many.
    pub(crate) count: Option<u32>,
    /// Whose customers.
    pub(crate) whose: Option<Whose>,
    /// The least score.
    pub(crate) min_score: Option<u32>,
    /// The confidence.
    pub(crate) confidence: Option<ConfidenceLevel>,
    /// What they are sorted by.
    pub(crate) order: Order,
    /// Runs of words that may name a segment or a product.
    pub(crate) phrases: Vec<String>,
}

/// A list is asked for only with one of these.
#[rustfmt::skip]
const SUBJECTS: &[&str] = &[
    "account", "accounts", "customer", "customers", "client", "clients", "company", "companies", "opportunity",
    "opportunities", "top", "best", "ready", "expand", "expanding", "expansion", "expansions", "upsell",
    "portfolio", "leads", "prospects", "priority", "priorities", "prioritise", "prioritize", "ranking",
    "ranked", "worth", "offer", "sell", "pitch", "buy", "call", "contact", "scores", "focus", "likely",
    "candidates",
];
/// Other questions than for a list begin so.
const OTHER_QUESTIONS: &[&str] = &["why", "how", "when", "where", "explain", "is"];
/// Words that say nothing about which accounts are meant.
#[rustfmt::skip]
pub(crate) const FILLERS: &[&str] = &[
    "a", "about", "account", "accounts", "all", "an", "and", "any", "approach", "are", "as", "at", "be", "belonging", "best",
    "buy", "buying", "by", "call", "can", "candidate", "candidates", "care", "chance", "chances", "client", "clients",
    "companies", "company", "contact", "could", "cross-sell", "currently", "customer", "customers", "do", "does", "else",
    "expand", "expanding", "expansion", "expansions", "find", "first", "focus", "for", "from", "get", "give", "good", "great",
    "has", "have", "high", "highest", "highly", "hot", "hottest", "i", "in", "interested", "is", "it", "its", "leads",
    "likeliest", "likely", "list", "look", "managed", "may", "me", "month", "more", "most", "need", "needs", "next", "now",
    "of", "offer", "on", "only", "opportunities", "opportunity", "or", "order", "ordered", "our", "owned", "pitch", "please",
    "portfolio", "portfolios", "product", "products", "propensity", "prospects", "quarter", "rank", "ranked", "ranking",
    "ready", "reach", "recommend", "score", "scored", "scores", "see", "segment", "segments", "sell", "should", "show", "sold",
    "some", "sort", "sorted", "strongest", "talk", "tell", "that", "the", "their", "them", "there", "these", "they", "this",
    "those", "to", "top", "turn", "up", "upsell", "us", "want", "week", "were", "what",
];
/// More of them, with which a question begins.
const QUESTION_WORDS: &[&str] = &[
    "which", "who", "whom", "whose", "where", "will", "with", "would", "we", "you", "work", "today", "wants", "right",
];
/// Words before a score that is not enough, and before one that is.
const ABOVE: &[&str] = &["above", "over", "exceeding", "beyond", ">"];
const FROM: &[&str] = &["from", "min", "minimum", "minimal", ">="];
/// Words between those and the score.
const BETWEEN: &[&str] = &["a", "an", "the", "of", "score", "scores", "propensity", "than"];
#[rustfmt::skip]
const VALUE: &[&str] = &[
    "value", "values", "valuable", "worth", "amount", "amounts", "revenue", "money", "biggest", "largest",
    "dollars", "expected_value", "lucrative", "value-wise",
];
const PRIORITY: &[&str] =
    &["priority", "priorities", "prioritise", "prioritize", "prioritised", "prioritized", "urgent", "important"];

/// The list that the words ask for; `None` when they ask for no list.
pub(crate) fn top(words: &[Word]) -> Option<Top> {
    let asks = words.iter().any(|word| SUBJECTS.contains(&&*word.low));
    if !asks || words.first().is_some_and(|word| OTHER_QUESTIONS.contains(&&*word.low)) {
        return None;
    }
    let mut top = Top::default();
    let mut phrase: Vec<&str> = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if let Some(taken) = understood(&mut top, rest) {
            end(&mut phrase, &mut top.phrases);
            rest = &rest[taken..];
        } else {
            phrase.push(&word.text);
            rest = after;
        }
    }
    end(&mut phrase, &mut top.phrases);
    Some(top)
}

fn end(phrase: &mut Vec<&str>, phrases: &mut Vec<String>) {
    if !phrase.is_empty() {
        phrases.push(phrase.join(" "));
        phrase.clear();
    }
}

/// Takes in the words at the beginning; returns how many, `None` where they are not understood.
fn understood(top: &mut Top, words: &[Word]) -> Option<usize> {
    if let Some((whose, taken)) = whose(words) {
        top.whose = Some(whose);
        return Some(taken);
    }
    if let Some((least, taken)) = least_score(words) {
        top.min_score = Some(least);
        return Some(taken);
    }
    if let Some((level, taken)) = confidence(words) {
        top.confidence = Some(level);
        return Some(taken);
    }
    let (word, after) = words.split_first()?;
    if let Some(count) = number(&word.low) {
        // A second number would have to mean something that is not understood.
        return top.count.replace(count).is_none().then_some(1);
    }
    if VALUE.contains(&&*word.low) {
        top.order = Order::ExpectedValue;
        return Some(1);
    }
    let is_first_call = || word.low == "first" && after.first().is_none_or(|next| number(&next.low).is_none());
    if PRIORITY.contains(&&*word.low) || is_first_call() {
        top.order = Order::Priority;
        return Some(1);
    }
    (FILLERS.contains(&&*word.low) || QUESTION_WORDS.contains(&&*word.low)).then_some(1)
}

/// The least score that the words begin with, and how many they are.
fn least_score(words: &[Word]) -> Option<(u32, usize)> {
    let low = |n: usize| words.get(n).map(|word: &Word| &*word.low);
    let two = [low(0)?, low(1).unwrap_or_default()];
    // What precedes the score, in words, and by how much the score must be exceeded.
    let (before, more) = match two {
        ["at", "least"] => (2, 0),
        ["more" | "greater" | "higher" | "better", "than"] => (2, 1),
        [first, _] if ABOVE.contains(&first) => (1, 1),
        [first, _] if FROM.contains(&first) => (1, 0),
        _ => return glued(two).or_else(|| followed(words)),
    };
    let between = words[before..].iter().take_while(|word| BETWEEN.contains(&&*word.low)).count();
    let score = number(low(before + between)?)?;
    Some((score.saturating_add(more), before + between + 1))
}

/// `>70`, `>=70`, `≥70` and `70+`.
fn glued([word, _]: [&str; 2]) -> Option<(u32, usize)> {
    let reached = word.strip_prefix(">=").or_else(|| word.strip_prefix('≥')).or_else(|| word.strip_suffix('+'));
    let (text, more) = reached.map_or_else(|| Some((word.strip_prefix('>')?, 1)), |text| Some((text, 0)))?;
    Some((number(text)?.saturating_add(more), 1))
}

/// `70 or more`, `70 and above`.
fn followed(words: &[Word]) -> Option<(u32, usize)> {
    let [score, or, more, ..] = words else { return None };
    let fits =
        ["or", "and"].contains(&&*or.low) && ["more", "higher", "above", "better", "up", "over"].contains(&&*more.low);
    Some((number(&score.low).filter(|_| fits)?, 3))
}

/// The confidence that the words begin with, and how many they are: `high confidence`, `confidence high`.
fn confidence(words: &[Word]) -> Option<(ConfidenceLevel, usize)> {
    let [first, second, ..] = words else { return None };
    let ((level, "confidence") | ("confidence", level)) = (&*first.low, &*second.low) else { return None };
    Some((level.parse().ok()?, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    fn asked(text: &str) -> Top {
        top(&words(text)).unwrap_or_else(|| panic!("{text}: no list"))
    }

    #[test]
    fn scores_are_bounds_and_other_numbers_are_counts() {
        for text in [
            "accounts above 70",
            "top accounts with a score over 70",
            "accounts >70",
            "accounts with more than 70% propensity",
        ] {
            assert_eq!((asked(text).min_score, asked(text).count), (Some(71), None), "{text}");
        }
        for text in [
            "accounts from 70",
            "accounts at least 70",
            "top accounts with a minimum score of 70",
            "accounts 70+",
            "accounts with 70 or more",
        ] {
            assert_eq!((asked(text).min_score, asked(text).count), (Some(70), None), "{text}");
        }
        let both = asked("top 5 accounts above 70");
        assert_eq!((both.min_score, both.count), (Some(71), Some(5)));
        assert_eq!(asked("ten accounts").count, Some(10));
    }

    #[test]
    fn orders_and_confidence() {
        for text in ["accounts by value", "which accounts are worth most", "the biggest opportunities"] {
            assert_eq!(asked(text).order, Order::ExpectedValue, "{text}");
        }
        for text in ["accounts by priority", "whom should I call first", "which accounts first", "priorities"] {
            assert_eq!(asked(text).order, Order::Priority, "{text}");
        }
        let three = asked("first 3 accounts with high confidence");
        assert_eq!((three.order, three.count, three.confidence), (Order::Score, Some(3), Some(ConfidenceLevel::High)));
    }

    #[test]
    fn what_is_not_understood_is_handed_on_in_one_piece() {
        let phrases = |text: &str| asked(text).phrases;
        assert_eq!(phrases("Which Public Sector accounts are ready to expand?"), ["Public Sector"]);
        assert_eq!(
            phrases("Who should I offer Advanced Analytics in the Mid-Market segment?"),
            ["Advanced Analytics", "Mid-Market"]
        );
        assert_eq!(phrases("top accounts for prd-seats"), ["prd-seats"]);
        assert_eq!(phrases("accounts below 70"), ["below"]);
        assert_eq!(phrases("which accounts will churn"), ["churn"]);
        assert!(phrases("top 5 accounts of csm-07 by value").is_empty());
    }

    #[test]
    fn a_portfolio_is_mine_or_of_a_csm() {
        assert_eq!(asked("my best accounts").whose, Some(Whose::Mine));
        assert_eq!(asked("csm-07's accounts").whose, Some(Whose::Csm("csm-07".to_owned())));
        assert_eq!(top(&words("why is it so")), None);
    }
}

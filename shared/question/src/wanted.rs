//! Which accounts a question is about: words in any order, each of which is understood or handed on.
//!
//! | Words | Meaning |
//! |---|---|
//! | `my`, `our` · `csm-07`, `csm 07` | whose customers |
//! | `top 5`, `ten accounts`, `first 3` | how many |
//! | `above 70`, `more than 70`, `> 70` | a score from 71 on |
//! | `at least 70`, `from 70`, `70+`, `70 or more`, `>= 70` | a score from 70 on |
//! | `worth more than 100000`, `value over 50k`, `above $50,000` | an estimated value from there on |
//! | `expected value over 50000` | an expected value from there on |
//! | `by value`, `worth most`, `biggest` | sorted by expected value |
//! | `by priority`, `call first`, `urgent` | sorted by priority |
//! | `high confidence`, `high-confidence` | only this confidence |
//! | `newly ready` | only those who became ready in the run |
//! | `in progress`, `being worked`, `open deals` · `leave alone`, `left alone` | only those who stand so |
//! | `in the next 90 days` | within which time, which the horizon is held against |
//! | anything else but [`FILLERS`], as `over 50 seats` | a phrase: a segment or a product, as only the data can tell |

use expansion_model::ConfidenceLevel;
use expansion_records::{Order, Standing};

use crate::words::{Whose, Word, amount, number, whose};

/// Which accounts are asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// How many.
    pub count: Option<u32>,
    pub whose: Option<Whose>,
    pub min_score: Option<u32>,
    pub min_estimated_value: Option<f64>,
    pub min_expected_value: Option<f64>,
    pub confidence: Option<ConfidenceLevel>,
    /// Only those who became ready in the run.
    pub newly_ready: bool,
    /// Only those who stand so.
    pub standing: Option<Standing>,
    /// Within how many days.
    pub days: Option<u32>,
    pub order: Order,
    /// Runs of words that may name a segment or a product.
    pub phrases: Vec<String>,
}

/// A list is asked for only with one of these.
#[rustfmt::skip]
const SUBJECTS: &[&str] = &[
    "account", "accounts", "customer", "customers", "client", "clients", "company", "companies", "opportunity",
    "opportunities", "top", "best", "ready", "expand", "expanding", "expansion", "expansions", "upsell",
    "portfolio", "leads", "prospects", "priority", "priorities", "prioritise", "prioritize", "ranking",
    "ranked", "worth", "offer", "sell", "pitch", "buy", "call", "contact", "scores", "focus", "likely",
    "candidates", "segment", "newly",
];
/// Other questions than for a list begin so.
const OTHER_QUESTIONS: &[&str] = &["why", "how", "when", "where", "explain", "is"];
/// Words that say nothing about which accounts are meant.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "a", "about", "account", "accounts", "all", "an", "and", "any", "approach", "are", "as", "at", "be",
    "belonging", "best", "buy", "buying", "by", "call", "can", "candidate", "candidates", "care", "chance",
    "chances", "client", "clients", "coming", "companies", "company", "contact", "could", "cross-sell",
    "currently", "customer", "customers", "do", "does", "else", "expand", "expanding", "expansion",
    "expansions", "expected", "find", "first", "focus", "following", "for", "from", "get", "give", "good",
    "great", "has", "have", "high", "highest", "highly", "hot", "hottest", "i", "in", "interested", "is", "it",
    "its", "leads", "likeliest", "likely", "list", "look", "managed", "may", "me", "month", "more", "most",
    "need", "needs", "next", "now", "of", "offer", "on", "only", "opportunities", "opportunity", "or", "order",
    "ordered", "our", "owned", "percent", "pitch", "please", "point", "points", "portfolio", "portfolios",
    "product", "products", "propensity", "prospects", "quarter", "rank", "ranked", "ranking", "reach", "ready",
    "recommend", "score", "scored", "scores", "see", "segment", "segments", "sell", "should", "show", "sold",
    "some", "sort", "sorted", "strongest", "talk", "tell", "that", "the", "their", "them", "there", "these",
    "they", "this", "those", "to", "top", "turn", "up", "upcoming", "upsell", "us", "want", "week", "were",
    "what", "within", "which", "who", "whom", "whose", "where", "will", "with", "would", "we", "you", "work", "today",
    "wants", "right", "why",
];
/// Words before a bound that is not enough, and before one that is.
const ABOVE: &[&str] = &["above", "over", "exceeding", "beyond", ">"];
const FROM: &[&str] = &["from", "min", "minimum", "minimal", ">=", "≥"];
/// Words between those and the bound.
const BETWEEN: &[&str] = &["a", "an", "the", "of", "score", "scores", "propensity", "than"];
/// What sorts by value; the first of them are said of a bound on it too.
const AMOUNTS: &[&str] = &["value", "values", "worth", "amount", "amounts", "revenue", "money"];
const VALUABLE: &[&str] = &["valuable", "biggest", "largest", "dollars", "expected_value", "lucrative", "value-wise"];
const PRIORITY: &[&str] =
    &["priority", "priorities", "prioritise", "prioritize", "prioritised", "prioritized", "urgent", "important"];
const CURRENCIES: &[&str] = &["dollar", "dollars", "usd", "euro", "euros", "eur", "pounds", "gbp", "bucks"];
/// What a score is counted in, and what is counted in something else.
const SCORE_UNITS: &[&str] = &["point", "points", "percent", "%"];
#[rustfmt::skip]
const OTHER_UNITS: &[&str] = &[
    "seat", "seats", "user", "users", "licence", "licences", "license", "licenses", "people", "employees", "logins",
    "teams", "tickets", "meetings", "signals", "requests", "deals", "contracts", "product", "products", "account",
    "accounts", "customer", "customers", "client", "clients", "opportunity", "opportunities", "day", "days", "week",
    "weeks", "month", "months", "quarter", "quarters", "year", "years",
];
/// How many days there are in what the next time is counted in.
const TIMES: &[(&str, u32)] = &[("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365)];
/// No more than this is how many accounts are wanted.
const MOST_COUNT: u32 = 1_000;

/// The list that the words ask for; `None` when they ask for no list.
pub(crate) fn top(words: &[Word]) -> Option<Wanted> {
    let asks = words.iter().any(|word| word.is_one_of(SUBJECTS));
    if !asks || words.first().is_some_and(|word| word.is_one_of(OTHER_QUESTIONS)) {
        return None;
    }
    Some(wanted(words, |_| None))
}

/// Which accounts the words are about. What else a kind of question understands comes first: `also` takes in the words
/// at the beginning and returns how many, like [`understood`].
pub(crate) fn wanted(words: &[Word], mut also: impl FnMut(&[Word]) -> Option<usize>) -> Wanted {
    let mut wanted = Wanted::default();
    let mut phrase: Vec<&str> = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        if let Some(taken) = also(rest).or_else(|| understood(&mut wanted, rest)) {
            end(&mut phrase, &mut wanted.phrases);
            rest = &rest[taken..];
        } else {
            // A bound on something that is not known stays in one piece.
            let (unknown, after) = rest.split_at(bound(rest).map_or(1, |bound| bound.taken));
            phrase.extend(unknown.iter().map(|word| &*word.text));
            rest = after;
        }
    }
    end(&mut phrase, &mut wanted.phrases);
    wanted
}

fn end(phrase: &mut Vec<&str>, phrases: &mut Vec<String>) {
    if !phrase.is_empty() {
        phrases.push(phrase.join(" "));
        phrase.clear();
    }
}

/// Takes in the words at the beginning; returns how many, `None` where they are not understood.
fn understood(wanted: &mut Wanted, words: &[Word]) -> Option<usize> {
    if let Some((whose, taken)) = whose(words) {
        wanted.whose = Some(whose);
        return Some(taken);
    }
    if let Some(taken) = sorted_by_value(words) {
        wanted.order = Order::ExpectedValue;
        return Some(taken);
    }
    if let Some(bound) = bound(words) {
        match bound.on {
            On::Score(least) => wanted.min_score = Some(least),
            On::EstimatedValue => wanted.min_estimated_value = Some(bound.least),
            On::ExpectedValue => wanted.min_expected_value = Some(bound.least),
            On::Other => return None,
        }
        return Some(bound.taken);
    }
    if let Some((level, taken)) = confidence(words) {
        wanted.confidence = Some(level);
        return Some(taken);
    }
    if let Some((standing, taken)) = standing(words) {
        wanted.standing = Some(standing);
        return Some(taken);
    }
    let (word, after) = words.split_first()?;
    let next = after.first().map(|next| &*next.low);
    if let Some(number) = number(&word.low) {
        let time = next.map(|next| next.strip_suffix('s').unwrap_or(next));
        if let Some((_, days)) = TIMES.iter().find(|(one, _)| time == Some(one)) {
            wanted.days = Some(number.saturating_mul(*days));
            return Some(2);
        }
        // A second number would have to mean something that is not understood.
        let is_count = number <= MOST_COUNT && !next.is_some_and(|next| SCORE_UNITS.contains(&next));
        return (is_count && wanted.count.is_none()).then(|| {
            wanted.count = Some(number);
            1
        });
    }
    if word.low == "newly" {
        wanted.newly_ready = true;
        return Some(1);
    }
    if word.is_one_of(AMOUNTS) || word.is_one_of(VALUABLE) {
        wanted.order = Order::ExpectedValue;
        return Some(1);
    }
    let is_first_call = || word.low == "first" && next.is_none_or(|next| number(next).is_none());
    if word.is_one_of(PRIORITY) || is_first_call() {
        wanted.order = Order::Priority;
        return Some(1);
    }
    word.is_one_of(FILLERS).then_some(1)
}

/// How accounts stand, and how many words say it.
fn standing(words: &[Word]) -> Option<(Standing, usize)> {
    match (low(words, 0), low(words, 1), low(words, 2)) {
        ("better", "left" | "leave", "alone") => Some((Standing::LeaveAlone, 3)),
        ("left" | "leave", "alone", _) => Some((Standing::LeaveAlone, 2)),
        ("open", "deal" | "deals", _) | ("in", "progress", _) | ("being", "worked", _) => {
            Some((Standing::InProgress, 2))
        }
        ("ready", "to", "approach") => Some((Standing::ReadyToApproach, 3)),
        ("ready", ..) => Some((Standing::ReadyToApproach, 1)),
        _ => None,
    }
}

/// `by value`, `by expected value`: a bound after that is not one on the value.
fn sorted_by_value(words: &[Word]) -> Option<usize> {
    match (low(words, 0), low(words, 1), low(words, 2)) {
        ("by", "expected", amount) if AMOUNTS.contains(&amount) => Some(3),
        ("by", amount, _) if AMOUNTS.contains(&amount) => Some(2),
        _ => None,
    }
}

/// A word in lower case; nothing where there are fewer.
fn low(words: &[Word], place: usize) -> &str {
    words.get(place).map_or("", |word| &*word.low)
}

/// What a bound is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// The score, which is at least this.
    Score(u32),
    /// The amount of an expansion if it happens.
    EstimatedValue,
    /// The chance times the amount.
    ExpectedValue,
    /// Something that no list can be narrowed by.
    Other,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound {
    /// What it is on.
    pub(crate) on: On,
    /// The least there may be, as it was written.
    pub(crate) least: f64,
    /// How many words say so.
    pub(crate) taken: usize,
}

/// The bound that the words begin with: what it is on, from where on, and in what it is counted; of these the first and
/// the last are not always said.
pub(crate) fn bound(words: &[Word]) -> Option<Bound> {
    let (on, named) = measure(words);
    let of = words[named..].iter().take_while(|word| named > 0 && word.is_one_of(BETWEEN)).count();
    let (written, more, length) = from(&words[named + of..])?;
    let (least, is_money) = amount(written)?;
    let taken = named + of + length;
    let Unit { on: unit, factor, taken: counted } = unit(&words[taken..]);
    let score = number(written).filter(|score| *score <= 100).map(|score| On::Score(score.saturating_add(more)));
    let on = match (on, unit) {
        (Some(On::Other), _) | (_, Some(On::Other)) => On::Other,
        (Some(on), _) | (None, Some(on)) => on,
        (None, None) if is_money || factor > 1.0 => On::EstimatedValue,
        (None, None) => score.unwrap_or(On::Other),
    };
    Some(Bound { on, least: least * factor, taken: taken + counted })
}

/// What is measured by the words at the beginning, where they say so, and how many say it.
fn measure(words: &[Word]) -> (Option<On>, usize) {
    match (low(words, 0), low(words, 1)) {
        ("expected", amount) if AMOUNTS.contains(&amount) => (Some(On::ExpectedValue), 2),
        ("estimated" | "est", amount) if AMOUNTS.contains(&amount) => (Some(On::EstimatedValue), 2),
        (amount, _) if AMOUNTS.contains(&amount) => (Some(On::EstimatedValue), 1),
        ("confidence" | "priority", _) => (Some(On::Other), 1),
        _ => (None, 0),
    }
}

/// The number from which on, as it was written, by how much it must be exceeded, and how many words say so.
fn from(words: &[Word]) -> Option<(&str, u32, usize)> {
    let low = |n: usize| low(words, n);
    // What precedes the number, in words.
    let (before, more) = match (low(0), low(1)) {
        ("at", "least") => (2, 0),
        ("more" | "greater" | "higher" | "better" | "bigger" | "larger", "than") => (2, 1),
        (first, _) if ABOVE.contains(&first) => (1, 1),
        (first, _) if FROM.contains(&first) => (1, 0),
        _ => return glued(low(0)).or_else(|| followed([low(0), low(1), low(2)])),
    };
    let between = words[before..].iter().take_while(|word| word.is_one_of(BETWEEN)).count();
    Some((low(before + between), more, before + between + 1))
}

/// `>70`, `>=70`, `≥70` and `70+`.
fn glued(word: &str) -> Option<(&str, u32, usize)> {
    let reached = word.strip_prefix(">=").or_else(|| word.strip_prefix('≥')).or_else(|| word.strip_suffix('+'));
    let (text, more) = reached.map_or_else(|| Some((word.strip_prefix('>')?, 1)), |text| Some((text, 0)))?;
    Some((text, more, 1))
}

/// `70 or more`, `70 and above`.
fn followed([number, or, more]: [&str; 3]) -> Option<(&str, u32, usize)> {
    let fits = ["or", "and"].contains(&or) && ["more", "higher", "above", "better", "up", "over"].contains(&more);
    fits.then_some((number, 0, 3))
}

/// What a number is counted in.
struct Unit {
    /// What that says of what the bound is on.
    on: Option<On>,
    /// By how much the number is to be multiplied.
    factor: f64,
    /// How many words say so.
    taken: usize,
}

/// The unit that the words begin with: `thousand dollars`, `in expected value`, `seats`, `points`.
fn unit(words: &[Word]) -> Unit {
    let low = |n: usize| low(words, n);
    let factor = match low(0) {
        "thousand" | "k" => 1e3,
        "million" | "m" => 1e6,
        _ => 1.0,
    };
    let taken = usize::from(factor > 1.0);
    if OTHER_UNITS.contains(&low(taken)) {
        return Unit { on: Some(On::Other), factor, taken: taken + 1 };
    }
    let currency = usize::from(CURRENCIES.contains(&low(taken)));
    if let ("in" | "of", (Some(on), named)) =
        (low(taken + currency), measure(words.get(taken + currency + 1..).unwrap_or_default()))
    {
        return Unit { on: Some(on), factor, taken: taken + currency + 1 + named };
    }
    let points = usize::from(currency == 0 && SCORE_UNITS.contains(&low(taken)));
    Unit { on: (currency > 0).then_some(On::EstimatedValue), factor, taken: taken + currency + points }
}

/// The confidence that the words begin with, and how many they are: `high confidence`, `confidence high`.
fn confidence(words: &[Word]) -> Option<(ConfidenceLevel, usize)> {
    let (level, taken) = match (low(words, 0).strip_suffix("-confidence"), low(words, 0), low(words, 1)) {
        (Some(level), ..) => (level, 1),
        (None, level, "confidence") | (None, "confidence", level) => (level, 2),
        _ => return None,
    };
    Some((level.parse().ok()?, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    fn asked(text: &str) -> Wanted {
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
        for text in [
            "accounts by value",
            "which accounts are worth most",
            "the biggest opportunities",
            "top accounts by expected value",
        ] {
            assert_eq!((asked(text).order, asked(text).phrases), (Order::ExpectedValue, vec![]), "{text}");
        }
        for text in ["accounts by priority", "whom should I call first", "which accounts first", "priorities"] {
            assert_eq!(asked(text).order, Order::Priority, "{text}");
        }
        let three = asked("first 3 accounts with high confidence");
        assert_eq!((three.order, three.count, three.confidence), (Order::Score, Some(3), Some(ConfidenceLevel::High)));
        assert_eq!(asked("high-confidence accounts").confidence, Some(ConfidenceLevel::High));
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
    fn a_bound_on_a_value_is_none_on_the_score() {
        let estimated = |text: &str| (asked(text).min_score, asked(text).count, asked(text).min_estimated_value);
        for text in [
            "accounts worth more than 100000",
            "accounts worth more than $100,000",
            "accounts with a value of at least 100k",
            "accounts above $100K",
            "accounts over 100 thousand dollars",
            "accounts with over 100000 in value",
        ] {
            assert_eq!(estimated(text), (None, None, Some(100_000.0)), "{text}");
        }
        let enterprise = asked("Enterprise accounts with value over 50000");
        assert_eq!((enterprise.min_score, enterprise.min_estimated_value), (None, Some(50_000.0)));
        assert_eq!(enterprise.phrases, ["Enterprise"]);
        let expected = asked("accounts with expected value over 80");
        assert_eq!((expected.min_score, expected.min_expected_value), (None, Some(80.0)));
        let sorted = asked("top accounts by expected value above 70");
        assert_eq!((sorted.min_score, sorted.order), (Some(71), Order::ExpectedValue));
        assert_eq!(sorted.min_estimated_value, None);
    }

    #[test]
    fn a_bound_on_something_else_is_handed_on() {
        for (text, phrase) in [
            ("top 20 customers with over 50 seats", "over 50 seats"),
            ("accounts with at least 20 users", "at least 20 users"),
            ("accounts above 50000", "above 50000"),
            ("accounts with confidence above 80", "confidence above 80"),
            ("top customers with more than 3 products", "more than 3 products"),
            ("accounts with 100000 or more", "100000 or more"),
            ("accounts worth 100000", "100000"),
        ] {
            let asked = asked(text);
            assert_eq!((asked.min_score, &*asked.phrases), (None, &[phrase.to_owned()][..]), "{text}");
        }
    }

    #[test]
    fn times_and_who_is_new_are_no_counts() {
        for (text, days) in [
            ("Which accounts are ready to expand in the next 90 days?", 90),
            ("accounts likely to buy within 3 months", 90),
            ("top accounts for the next two weeks", 14),
        ] {
            assert_eq!(
                (asked(text).days, asked(text).count, asked(text).phrases),
                (Some(days), None, vec![]),
                "{text}"
            );
        }
        for text in ["newly ready", "Which accounts are newly ready?"] {
            assert!(asked(text).newly_ready && asked(text).phrases.is_empty(), "{text}");
        }
        let both = asked("Which accounts are ready to expand and why?");
        assert_eq!(both, Wanted { standing: Some(Standing::ReadyToApproach), ..Wanted::default() });
    }

    #[test]
    fn a_portfolio_is_mine_or_of_a_csm() {
        assert_eq!(asked("my best accounts").whose, Some(Whose::Mine));
        assert_eq!(asked("csm-07's accounts").whose, Some(Whose::Csm("csm-07".to_owned())));
        assert_eq!(top(&words("why is it so")), None);
    }
}

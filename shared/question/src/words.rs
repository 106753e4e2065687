//! The words of a question: cut apart, cleaned, and read as numbers, names and portfolios.

/// A word, without the punctuation around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// As it was written.
    pub(crate) text: String,
    /// In lower case.
    pub(crate) low: String,
}

impl Word {
    pub(crate) fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&&*self.low)
    }
}

/// Whose customers are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The caller's own.
    Mine,
    /// Those of this CSM, as written.
    Csm(String),
}

/// What stands around words but belongs to the sentence.
const PUNCTUATION: &[char] = &['?', '!', '.', ',', ';', ':', '"', '“', '”', '„', '«', '»', '*', '…', '\''];
/// What `'s` and `'re` are short for `is` and `are` after, rather than a possessive.
const BEFORE_IS: &[&str] = &["what", "who", "how", "where", "when", "why", "that", "it", "there", "they"];
/// What a polite question may begin with.
const BEGINNINGS: &[&str] =
    &["please", "hi", "hey", "hello", "ok", "okay", "so", "and", "can you", "could you", "would you", "kindly"];
/// What a question may end with that says nothing.
#[rustfmt::skip]
const ENDINGS: &[&str] = &[
    "please", "thanks", "thank you", "now", "right now", "today", "currently", "at the moment", "then", "again",
    "right",
];
/// What says nothing before and after a name.
const BEFORE_NAMES: &[&str] = &["the", "account", "customer", "our", "my"];
const AFTER_NAMES: &[&str] = &["account", "customer", "score", "propensity", "now", "today"];
/// What is said of somebody: `the score of TechFlow`.
const MEASURES: &[&str] = &["score", "propensity", "rank", "ranking", "confidence", "chance", "chances", "value"];
const OF: &[&str] = &["of", "for", "at"];
/// What has one of these in it, or ends with one of those after, is several accounts and not one: `customers in SMB`,
/// `the SMB segment`.
const SEVERAL: &[&str] = &["accounts", "customers", "clients", "portfolios", "segments", "opportunities", "scores"];
const GROUPS: &[&str] = &["segment", "portfolio"];
/// Words that are nobody's name on their own.
#[rustfmt::skip]
const NOBODY: &[&str] = &[
    "the", "a", "an", "my", "mine", "our", "ours", "your", "all", "any", "some", "every", "everything",
    "everybody", "everyone", "account", "accounts", "customer", "customers", "client", "clients", "portfolio",
    "score", "scores", "it", "they", "them", "this", "that", "these", "those", "of", "for", "in", "me", "us",
    "i", "we", "you", "csm", "most", "best", "top", "ready", "week", "month", "year", "last", "and", "so",
    "anything", "anybody", "anyone", "something", "somebody", "someone", "nothing", "there", "who", "what", "which",
    "refresh", "run", "scoring", "data", "model", "predictions", "forecasts", "numbers", "value", "expected",
    "estimated", "total",
];
/// Numbers that people write out.
#[rustfmt::skip]
const NUMBERS: &[(&str, u32)] = &[
    ("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7), ("eight", 8),
    ("nine", 9), ("ten", 10), ("twelve", 12), ("dozen", 12), ("fifteen", 15), ("twenty", 20),
];

/// The words of a text; contractions are written out, and what is only polite is left out.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let text = text.replace(['’', '‘'], "'");
    let mut words: Vec<Word> = text.split_whitespace().flat_map(written_out).collect();
    let polite = |phrases: &[&str], says: fn(&[&str], &[&str]) -> bool, words: &[Word]| {
        let low: Vec<&str> = words.iter().map(|word| &*word.low).collect();
        let phrases = phrases.iter().map(|phrase| phrase.split(' ').collect::<Vec<_>>());
        // A text is more than what is polite about it.
        phrases.filter(|phrase| phrase.len() < low.len()).find(|phrase| says(&low, phrase)).map(|phrase| phrase.len())
    };
    while let Some(length) = polite(BEGINNINGS, |low, phrase| low.starts_with(phrase), &words) {
        words.drain(..length);
    }
    while let Some(length) = polite(ENDINGS, |low, phrase| low.ends_with(phrase), &words) {
        words.truncate(words.len() - length);
    }
    words
}

fn word(text: &str) -> Word {
    Word { text: text.to_owned(), low: text.to_lowercase() }
}

fn written_out(text: &str) -> Vec<Word> {
    let trimmed = text.trim_matches(PUNCTUATION);
    let low = trimmed.to_lowercase();
    for (ending, verb) in [("'s", "is"), ("'re", "are")] {
        if let Some(stem) = low.strip_suffix(ending).filter(|stem| BEFORE_IS.contains(stem)) {
            return vec![word(stem), word(verb)];
        }
    }
    match &*low {
        "whats" => vec![word("what"), word("is")],
        "whos" => vec![word("who"), word("is")],
        "" | "-" | "–" | "—" => Vec::new(),
        _ => vec![word(trimmed)],
    }
}

/// A whole number, written in digits (with `%`, `/100` or `+`) or as a word up to `twenty`.
pub(crate) fn number(low: &str) -> Option<u32> {
    let bare = low.strip_suffix("/100").unwrap_or(low).trim_end_matches(['%', '+']);
    let digits = || bare.parse().ok().filter(|_| bare.bytes().all(|b| b.is_ascii_digit()));
    NUMBERS.iter().find(|(name, _)| *name == bare).map(|(_, number)| *number).or_else(digits)
}

/// An amount (`80`, `100,000`, `$100K`, `1.5m`), and whether it is written as money.
pub(crate) fn amount(low: &str) -> Option<(f64, bool)> {
    if let Some(number) = number(low) {
        return Some((number.into(), false));
    }
    let bare = low.trim_end_matches('+').trim_start_matches(['$', '€', '£']);
    let (digits, factor) = match bare.strip_suffix(['k', 'm']) {
        Some(thousands) if bare.ends_with('k') => (thousands, 1e3),
        Some(millions) => (millions, 1e6),
        None => (bare, 1.0),
    };
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    let value: f64 = digits.replace(',', "").parse().ok().filter(|_| is_number)?;
    Some((value * factor, factor > 1.0 || low.starts_with(['$', '€', '£'])))
}

/// The name that words are, unless they are nobody's.
pub(crate) fn name_of(words: &[Word]) -> Option<String> {
    let mut words = words;
    loop {
        // `the`, `score of`, and what says nothing after a name.
        words = match words {
            [first, rest @ ..] if !rest.is_empty() && first.is_one_of(BEFORE_NAMES) => rest,
            [measure, of, rest @ ..] if !rest.is_empty() && measure.is_one_of(MEASURES) && of.is_one_of(OF) => rest,
            [rest @ .., last] if !rest.is_empty() && last.is_one_of(AFTER_NAMES) => rest,
            _ => break,
        };
    }
    let somebody = |word: &Word| !word.is_one_of(NOBODY) && number(&word.low).is_none();
    let is_of_csm = words.first().is_some_and(|word| csm_of(&word.text).is_some());
    let is_group = words.len() > 1 && words.last().is_some_and(|word| word.is_one_of(GROUPS));
    let is_several = is_group || words.iter().any(|word| word.is_one_of(SEVERAL));
    if is_of_csm || is_several || !words.iter().any(somebody) || words.iter().any(|word| word.low == "since") {
        return None;
    }
    let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    Some(without_possessive(&texts.join(" ")).to_owned())
}

/// A text without the `'s` or `'` at its end.
pub(crate) fn without_possessive(text: &str) -> &str {
    let text = text.strip_suffix("'s").or_else(|| text.strip_suffix("'S")).unwrap_or(text);
    text.trim_end_matches('\'')
}

/// The id of a CSM that a word is: `csm-07`.
pub(crate) fn csm_of(text: &str) -> Option<&str> {
    let text = without_possessive(text);
    let is_one = text.to_lowercase().starts_with("csm") && text.bytes().any(|b| b.is_ascii_digit());
    is_one.then_some(text)
}

/// Whose customers the words speak of, and how many words that takes, if they begin with it.
pub(crate) fn whose(words: &[Word]) -> Option<(Whose, usize)> {
    let (first, rest) = words.split_first()?;
    if first.is_one_of(&["my", "mine", "our", "ours"]) {
        return Some((Whose::Mine, 1));
    }
    if let Some(id) = csm_of(&first.text) {
        return Some((Whose::Csm(id.to_owned()), 1));
    }
    let named = rest.first().filter(|_| first.low == "csm")?;
    Some((Whose::Csm(without_possessive(&named.text).to_owned()), 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn low(text: &str) -> String {
        words(text).iter().map(|word| &*word.low).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_without_what_is_only_polite() {
        assert_eq!(low("Hi, could you please tell me “What’s new”, thanks!"), "tell me what is new");
        assert_eq!(low("  "), "");
        assert_eq!(low("please"), "please", "nothing would be left");
    }

    #[test]
    fn numbers_come_in_many_forms() {
        for (text, value) in [("94", 94), ("94%", 94), ("94/100", 94), ("70+", 70), ("ten", 10)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "%", "+5", "-5", "9x", "4.5", "99999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_come_in_many_forms() {
        for (text, value, is_money) in [
            ("70", 70.0, false),
            ("100,000", 100_000.0, false),
            ("$100k", 100_000.0, true),
            ("1.5m", 1_500_000.0, true),
            ("€80", 80.0, true),
            ("50k+", 50_000.0, true),
        ] {
            assert_eq!(amount(text), Some((value, is_money)), "{text}");
        }
        for text in ["", "$", "k", "m", ".", "inf", "nan", "1e9", "-5", "5x"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn names_lose_their_possessive_and_generic_words_are_no_names() {
        let name = |text: &str| name_of(&words(text));
        assert_eq!(name("the TechFlow Inc account").as_deref(), Some("TechFlow Inc"));
        assert_eq!(name("TechFlow's score").as_deref(), Some("TechFlow"));
        assert_eq!(name("the score of the TechFlow account").as_deref(), Some("TechFlow"));
        for nobody in [
            "my accounts",
            "csm-07",
            "everything",
            "the",
            "the top 5 accounts",
            "TechFlow since last week",
            "my Enterprise accounts",
            "customers in SMB",
            "the SMB segment",
            "the refresh",
            "the total expected value",
        ] {
            assert_eq!(name(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn portfolios_are_mine_or_somebodys() {
        let found = |text: &str| whose(&words(text));
        assert_eq!(found("my accounts"), Some((Whose::Mine, 1)));
        assert_eq!(found("CSM-07's accounts"), Some((Whose::Csm("CSM-07".to_owned()), 1)));
        assert_eq!(found("csm 7 has"), Some((Whose::Csm("7".to_owned()), 2)));
        assert_eq!(found("csm"), None);
    }
}

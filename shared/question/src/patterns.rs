//! How questions are put, in one table, and how words are matched against it.
//!
//! A question is what the first pattern says that fits it from its first word to its last. A question that fits none
//! may still ask for a list of accounts, which is told by its words in any order (`wanted.rs`), or be just a name.

use std::collections::HashMap;

use crate::words::{Word, name_of, number};

/// What a pattern asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What would lift an account.
    Lift,
    /// How many accounts there are, and what they add up to.
    Totals,
    /// What is to be said of one account.
    Account,
    /// What has moved.
    Changes,
    /// What has moved about one account, or about a segment.
    ChangesOf,
    /// How right the scores are.
    Accuracy,
    /// How far the refresh is.
    Refresh,
}

/// Every pattern, the more particular ones first.
///
/// | Part | Fits |
/// |---|---|
/// | `a\|b` | one of these words |
/// | `a\|b?` | one of these words, or nothing |
/// | `ASKER` | one of the words that [`SETS`] has under this name |
/// | `{name}` | one word or more, as few as will do; not words like `my accounts` that are nobody's name |
/// | `{number}` | a whole number: `80`, `80%`, `80/100`, `eighty` is none |
/// | `..` | any words, or none |
#[rustfmt::skip]
const PATTERNS: &[(Kind, &str)] = &[
    // What would lift X to 80?
    (Kind::Lift, "what|which .. LIFT {name} from .. ABOVE {number}"),
    (Kind::Lift, "what|which .. LIFT {name} ABOVE {number}"),
    (Kind::Lift, "how COULD ASKER? LIFT {name} from .. ABOVE {number}"),
    (Kind::Lift, "how COULD ASKER? LIFT {name} ABOVE {number}"),
    (Kind::Lift, "what .. take|need|needed|necessary for {name} to reach|hit|get|score|be to|at? {number}"),
    (Kind::Lift, "what does|would|must|should {name} need|have to|for reach|hit|get|score|be? to|at? {number}"),
    (Kind::Lift, "how can|could|does|would|should {name} reach|hit|get to? {number}"),
    (Kind::Lift, "LIFT {name} from .. ABOVE {number}"),
    (Kind::Lift, "lift|raise|bring|get|push {name} to|above|over {number}"),
    (Kind::Lift, "what|which .. lift|raise|move|improve|increase|boost {name}"),
    (Kind::Lift, "how COULD ASKER? lift|raise|improve|increase|boost {name}"),
    (Kind::Lift, "lift|raise {name}"),
    // How accurate are you?
    (Kind::Account, "how confident|sure|certain are|is you|we|it about|of|in|on {name}"),
    (Kind::Accuracy, "how accurate|reliable|trustworthy|calibrated|precise|confident|certain .."),
    (Kind::Accuracy, "how good|right|well|sure|wrong are|is|were|do|did JUDGED \
        score|scores|predictions|model|forecasts|figures|numbers|do|predict|work? .."),
    (Kind::Accuracy, "how often|much are|were|is|was|can|do you|scores|predictions|we|i|the \
        model|trust|scores|predictions? right|wrong|correct|you|them|it|this|scores .."),
    (Kind::Accuracy, "what|show|give|tell .. accuracy|auc|calibration|precision|track .."),
    (Kind::Accuracy, "your|the? accuracy|auc|calibration|precision|track .."),
    (Kind::Accuracy, "can|should|do|could ASKER trust|believe .."),
    (Kind::Accuracy, "are|were|is|was you|your|the|these|those|last .. \
        right|accurate|reliable|calibrated|correct|trustworthy"),
    // State of the refresh?
    (Kind::Refresh, "when .. refresh|refreshed|run|updated|update|calculated|scored|trained .."),
    (Kind::Refresh, "what|which|how|tell|show .. status|state|progress of|is .. refresh|run|scoring|data|model .."),
    (Kind::Refresh, "what .. state|status|progress .."),
    (Kind::Refresh, "how is|does|far .. state|status|progress .."),
    (Kind::Refresh, "which state|status|progress .."),
    (Kind::Refresh, "status|state|progress of? the? LATEST? refresh|run|scoring|data|model? .."),
    (Kind::Refresh, "refresh|run status|state|progress"),
    (Kind::Refresh, "why did|has|have|is|was|does|can THE LATEST? refresh|run|scoring|training .."),
    (Kind::Refresh, "is|has|did|was there? THE LATEST? refresh|run|scoring|data .."),
    (Kind::Refresh, "is|has|did|was LATEST? refresh|scoring|training .."),
    (Kind::Refresh, "how old|fresh|recent|current|stale|new|up-to-date is|are .."),
    (Kind::Refresh, "how is|are the|last .. refresh|run .."),
    (Kind::Refresh, "how far|long .. refresh|run|scoring .."),
    (Kind::Refresh, "what .. happened|wrong to|with THE LATEST? refresh|run|scoring"),
    (Kind::Refresh, "which|what model .."),
    (Kind::Refresh, "how many accounts|customers|rows are|were|have|has been? scored .."),
    (Kind::Refresh, "tell|show|what|how me|us|about|is|was? about|the? THE? LATEST? refresh|run"),
    (Kind::Refresh, "LATEST? refresh|run"),
    // How many are there?
    (Kind::Totals, "how many .. account|accounts|customer|customers|client|clients|companies|opportunities .."),
    (Kind::Totals, "how many are|of|have .."),
    (Kind::Totals, "what|how|show|give|tell .. total|overall|combined|together|sum .. WORTH .."),
    (Kind::Totals, "total|overall|combined .. WORTH .."),
    // As of when?
    (Kind::Refresh, "as of when|what .."),
    // What has changed about one account is part of what is said of it.
    (Kind::ChangesOf, "what .. changed|happened|new|different for|at|with|about|to|in {name} since|over|in|during \
        last|the|this|past week|run|refresh|time|month"),
    (Kind::ChangesOf, "what .. changed|happened|new|different for|at|with|about|to {name}"),
    (Kind::ChangesOf, "did|does|has|have|is {name} go|goes|going|gone|move|moved|moving MOVED|up|down? .."),
    (Kind::ChangesOf, "did|does|has|have|is {name} MOVED|up|down .."),
    // What changed since last week?
    (Kind::Changes, "what|which|who|whose|anything|has|have|did|show|list|give .. \
        change|changed|changes|changing|moved|mover|movers|MOVED|trending .."),
    (Kind::Changes, "what|which|who|whose|has|have|did|does|is|are .. go|goes|going|gone|went|come|came|is|are \
        up|down .."),
    (Kind::Changes, "is|are .. up|down .."),
    (Kind::Changes, "what .. happened|happening .."),
    (Kind::Changes, ".. since|versus|vs|against last|the|this|previous|yesterday week|run|refresh|time|month?"),
    (Kind::Changes, "biggest|largest|top|strongest|best|worst .. \
        movers|changes|moves|trends|drops|gains|risers|fallers|gainers|losers .."),
    (Kind::Changes, "movers|trends|changes|risers|fallers .."),
    (Kind::Changes, "what is|are? new|different .."),
    // Why is X 94? Tell me about X.
    (Kind::Account, "why is|was {name} ranked|rated|placed|listed? number|rank|place|position .."),
    (Kind::Account, "why is|was {name} ranked|placed|listed|sorted .."),
    (Kind::Account, "why is|was {name} at|a|an|only|just|still|rated|scored? a|an|at? score|propensity? of? \
        {number} .."),
    (Kind::Account, "why does|did|do|has {name} have|score|get|got|show|stand a|an|only|at? score|propensity? of? \
        {number} .."),
    (Kind::Account, "why is|was|are|does|did|has {name} so|too|this|that|score|scored? \
        high|low|hot|cold|ready|promising|likely|go|going|gone|move|moved|change|changed|MOVED|up|down .."),
    (Kind::Account, "why do|did you say|think|rate|score that? {name} is|at|as|has? {number}"),
    (Kind::Account, "why is|was|are|does|did|has? {name} {number}"),
    (Kind::Account, "why is|was {name} FIRST|on|at|in|above|below|ahead|behind|better|worse|here|recommended|\
        suggested|shown .."),
    (Kind::Account, "why should|would|must ASKER CALL to|with? {name}"),
    (Kind::Account, "why should|would {name} expand|buy|grow|upgrade .."),
    (Kind::Account, "why is|was|are|does|did|has? {name}"),
    (Kind::Account, "what is|was driving|behind|pushing|pulling|holding|hurting|helping {name} up|down|back?"),
    (Kind::Account, "what drives|drove|explains|affects|influences {name}"),
    (Kind::Account, "tell|show|give me|us .. about|on|for {name}"),
    (Kind::Account, "what|how about|of {name}"),
    (Kind::Account, "what do|can|could you|we|i know|say|tell|have me|us? about|on|of {name}"),
    (Kind::Account, "how is|are {name} doing|looking|going? now?"),
    (Kind::Account, "how does|do|did {name} look|do|score|rank|compare|stand|fare|perform .."),
    (Kind::Account, "explain|describe|summarise|summarize|analyse|analyze {name}"),
    (Kind::Account, "show|give|do? me|us? the|a? deep dive on|into|in|of|for|about? {name}"),
    (Kind::Account, "show|give|tell? me|us? the|a? deep? dive|details|detail|score|propensity|factors|reasons \
        of|on|into|in|for|about|at|behind {name}"),
    (Kind::Account, "what|how|which .. score|propensity|chance|chances|confidence|factors|reasons|signal|signals|\
        champion|value of|for|at|behind {name}"),
    (Kind::Account, "what is {name} score|propensity|chance|confidence|champion|rank|trend|worth"),
    (Kind::Account, "what is {name} expected|estimated|est? value"),
    (Kind::Account, "how much is|are|was|would|could|will|can {name} worth|bring|pay|spend|buy .."),
    (Kind::Account, "how high|likely|ready|sure|hot|warm|close|promising is {name} to? expand|buy|grow|expanding?"),
    (Kind::Account, "is|are {name} ready|likely|going|about|expected to|for? a|an? expand|buy|grow|expansion?"),
    (Kind::Account, "will|would|should|can {name} expand|buy|grow|upgrade .."),
    (Kind::Account, "should|can|could|may|shall ASKER CALL to|with? {name} this|next week|month|quarter"),
    (Kind::Account, "should|can|could|may|shall ASKER CALL to|with? {name} first|next|again|soon|now|today?"),
    (Kind::Account, "what|which product|products|offer? should|can|could|do|would ASKER \
        offer|sell|pitch|propose|recommend|suggest to|for? {name}"),
    (Kind::Account, "what .. recommended|recommend|recommendation|recommendations|approach .. for|with|to|at {name}"),
    (Kind::Account, "how should|can|could|do|to|would ASKER? approach|pitch|convince|contact|engage|expand {name}"),
    (Kind::Account, "who is|are the|our|my? champion|sponsor|contact|stakeholder at|of|for|in {name}"),
    (Kind::Account, "who should|can|do ASKER talk|speak|write|turn|call to|with? at|in {name}"),
    (Kind::Account, "when should|can|do|could ASKER CALL to|with? {name}"),
    (Kind::Account, "{name} deep dive"),
    // What is my portfolio worth?
    (Kind::Totals, "how much .. worth|bring .."),
    (Kind::Totals, "what is|are .. worth together|overall|combined?"),
    (Kind::Totals, "what is|are the|my|our expected|estimated? value|values .."),
];

/// Words that many patterns have. What is written so in a pattern is one of them.
#[rustfmt::skip]
const SETS: &[(&str, &str)] = &[
    ("ABOVE", "to|above|over|past|beyond"),
    ("ASKER", "i|we|you|one"),
    ("CALL", "call|contact|approach|pitch|meet|email|ask|talk|speak|write|turn|visit"),
    ("COULD", "can|could|do|would|should|might|to"),
    ("FIRST", "first|second|third|last|top|#1|#2|#3|1st|2nd|3rd"),
    ("JUDGED", "you|scores|predictions|model|forecasts|they|your|the|these|those"),
    ("LATEST", "last|latest|current|weekly|new"),
    ("LIFT", "lift|raise|move|bring|get|push|improve|increase|boost"),
    ("MOVED", "rise|risen|rose|rising|fall|fallen|fell|falling|drop|dropped|dropping|climb|climbed|climbing|improve|\
        improved|improving|decline|declined|slip|slipped|gain|gained|lose|lost"),
    ("THE", "the|a|an|any|our|this|that|last"),
    ("WORTH", "worth|value|values|revenue|amount"),
];

/// What may be asked with nothing but a name, where nothing else fits. Longer than this a text is nobody's name.
const NAMES: &[&str] = &["show|give|open|find|get|see me|us? {name}", "look|pull up {name}", "{name}"];
const MOST_WORDS_OF_A_NAME: usize = 6;

/// What the words between a pattern's own are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caught {
    pub(crate) name: Option<String>,
    pub(crate) number: Option<u32>,
}

/// The first pattern that fits, with what it caught.
pub(crate) fn first_fitting(words: &[Word]) -> Option<(Kind, Caught)> {
    PATTERNS.iter().find_map(|(kind, pattern)| Some((*kind, Fitting::of(pattern, words).whole()?)))
}

/// The name that a text may be on its own.
pub(crate) fn only_a_name(words: &[Word]) -> Option<String> {
    let is_short = words.len() <= MOST_WORDS_OF_A_NAME;
    NAMES.iter().filter(|_| is_short).find_map(|pattern| Fitting::of(pattern, words).whole()?.name)
}

/// A pattern held against all the words of a text. Alternatives are tried in order and taken back where what follows
/// does not fit. What has been tried is known, so that no part is held against the same place twice.
struct Fitting<'w> {
    parts: Vec<&'w str>,
    words: &'w [Word],
    /// What the parts from one on catch from a word on, if they fit.
    known: HashMap<(usize, usize), Option<Caught>>,
}

impl<'w> Fitting<'w> {
    fn of(pattern: &'w str, words: &'w [Word]) -> Self {
        Self { parts: pattern.split(' ').collect(), words, known: HashMap::new() }
    }

    fn whole(&mut self) -> Option<Caught> {
        self.fit(0, 0)
    }

    fn fit(&mut self, part: usize, from: usize) -> Option<Caught> {
        if let Some(known) = self.known.get(&(part, from)) {
            return known.clone();
        }
        let caught = self.look(part, from);
        let before = self.known.insert((part, from), caught.clone());
        debug_assert!(before.is_none(), "part {part} was looked at twice from word {from} on");
        caught
    }

    fn look(&mut self, part: usize, from: usize) -> Option<Caught> {
        let words = self.words;
        let Some(&written) = self.parts.get(part) else { return (from == words.len()).then(Caught::default) };
        match written {
            ".." => self.fit(part + 1, from).or_else(|| (from < words.len()).then(|| self.fit(part, from + 1))?),
            "{number}" => {
                let number = number(&words.get(from)?.low)?;
                Some(Caught { number: Some(number), ..self.fit(part + 1, from + 1)? })
            }
            "{name}" => (from + 1..=words.len()).find_map(|end| {
                let caught = self.fit(part + 1, end)?;
                Some(Caught { name: Some(name_of(&words[from..end])?), ..caught })
            }),
            literal => {
                let (literal, optional) = literal.strip_suffix('?').map_or((literal, false), |literal| (literal, true));
                let fits = words.get(from).is_some_and(|word| is_one_of(literal, &word.low));
                let taken = fits.then(|| self.fit(part + 1, from + 1)).flatten();
                taken.or_else(|| optional.then(|| self.fit(part + 1, from)).flatten())
            }
        }
    }
}

/// Whether a word is one of the alternatives, or in one of the [`SETS`] among them.
fn is_one_of(alternatives: &str, word: &str) -> bool {
    alternatives.split('|').any(|one| {
        let set = SETS.iter().find(|(name, _)| *name == one);
        set.map_or(one == word, |(_, words)| words.split('|').any(|one| one == word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn a_pattern_catches_what_its_kind_asks_about() {
        for (kind, pattern) in PATTERNS {
            let is_named = matches!(kind, Kind::Lift | Kind::Account | Kind::ChangesOf);
            let names = pattern.split(' ').filter(|part| *part == "{name}").count();
            assert_eq!(names, usize::from(is_named), "{pattern}");
            let is_set = |part: &str| part.bytes().all(|b| b.is_ascii_uppercase());
            let sets = pattern.split([' ', '|', '?']).filter(|part| part.len() > 1 && is_set(part));
            for set in sets {
                assert!(SETS.iter().any(|(name, _)| *name == set), "{set} in {pattern}");
            }
        }
    }

    #[test]
    fn the_work_for_a_question_grows_with_its_words_and_no_faster() {
        for repeated in ["smb ", "what lift to 5 ", "what recommended to ", "why is from ", "since ", "lift the from "]
        {
            for text in [repeated.repeat(500 / repeated.len()), format!("what {} to 80", repeated.repeat(30))] {
                let words = words(&text);
                for (_, pattern) in PATTERNS {
                    let mut fitting = Fitting::of(pattern, &words);
                    fitting.whole();
                    // A part more for the end of the pattern, a word more for the end of the text.
                    let most = (fitting.parts.len() + 1) * (words.len() + 1);
                    assert!(fitting.known.len() <= most, "{} looks at {text} for {pattern}", fitting.known.len());
                }
            }
        }
    }

    #[test]
    fn what_begins_otherwise_is_looked_at_once() {
        let words = words("techflow is what would lift us to 80");
        let mut fitting = Fitting::of("what|which .. LIFT {name} ABOVE {number}", &words);
        assert_eq!((fitting.whole(), fitting.known.len()), (None, 1));
    }
}

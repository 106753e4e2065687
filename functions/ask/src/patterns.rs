//! How questions are put, in one table, and how words are matched against it.
//!
//! A question is what the first pattern says that fits it from its first word to its last. A question that fits none may
//! still ask for a list of accounts: that is told by its words in any order (`top.rs`).

use crate::words::{Word, name_of, number};

/// What a pattern asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What would lift an account.
    Lift,
    /// What is to be said of one account.
    Account,
    /// What has moved.
    Changes,
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
/// | `{name}` | one word or more, as few as will do; not words like `my accounts` that are nobody's name |
/// | `{number}` | a whole number: `80`, `80%`, `80/100`, `eighty` is none |
/// | `..` | any words, or none |
#[rustfmt::skip]
pub(crate) const PATTERNS: &[(Kind, &str)] = &[
    // What would lift X to 80?
    (Kind::Lift, "what|which .. lift|raise|move|bring|get|push|improve|increase|boost the? score|propensity of|for {name} to|above|over|past|beyond {number}"),
    (Kind::Lift, "what|which .. lift|raise|move|bring|get|push|improve|increase|boost {name} to|above|over|past|beyond {number}"),
    (Kind::Lift, "how can|could|do|would|should|might|to i|we|you|one? lift|raise|move|bring|get|push|improve|increase|boost the? score|propensity of|for {name} to|above|over|past|beyond {number}"),
    (Kind::Lift, "how can|could|do|would|should|might|to i|we|you|one? lift|raise|move|bring|get|push|improve|increase|boost {name} to|above|over|past|beyond {number}"),
    (Kind::Lift, "what .. take|need|needed|necessary for {name} to reach|hit|get|score|be to|at? {number}"),
    (Kind::Lift, "what does|would|must|should {name} need|have to|for reach|hit|get|score|be? to|at? {number}"),
    (Kind::Lift, "how can|could|does|would|should {name} reach|hit|get to? {number}"),
    (Kind::Lift, "lift|raise|bring|get|push {name} to|above|over {number}"),
    (Kind::Lift, "what|which .. lift|raise|move|improve|increase|boost the? score|propensity of|for {name}"),
    (Kind::Lift, "what|which .. lift|raise|move|improve|increase|boost {name}"),
    (Kind::Lift, "how can|could|do|would|should|might|to i|we|you|one? lift|raise|improve|increase|boost the? score|propensity of|for {name}"),
    (Kind::Lift, "how can|could|do|would|should|might|to i|we|you|one? lift|raise|improve|increase|boost {name}"),
    (Kind::Lift, "lift|raise {name}"),
    // How accurate are you?
    (Kind::Accuracy, "how accurate|reliable|trustworthy|calibrated|precise .."),
    (Kind::Accuracy, "how good|right|well|sure|wrong are|is|were|do|did you|scores|predictions|model|forecasts|they|your|the|these|those score|scores|predictions|model|forecasts|figures|numbers|do|predict|work? .."),
    (Kind::Accuracy, "how often|much are|were|is|was|can|do you|scores|predictions|we|i|the model|trust|scores|predictions? right|wrong|correct|you|them|it|this|scores .."),
    (Kind::Accuracy, "what|show|give|tell .. accuracy|auc|calibration|precision|track .."),
    (Kind::Accuracy, "your|the? accuracy|auc|calibration|precision|track .."),
    (Kind::Accuracy, "can|should|do|could i|we|one|you trust|believe .."),
    (Kind::Accuracy, "are|were|is|was you|your|the|these|those|last .. right|accurate|reliable|calibrated|correct|trustworthy"),
    // State of the refresh?
    (Kind::Refresh, "when .. refresh|refreshed|run|updated|update|calculated|scored|trained .."),
    (Kind::Refresh, "what|which|how|tell|show .. status|state|progress of|is .. refresh|run|scoring|data|model .."),
    (Kind::Refresh, "what|which|how .. state|status|progress .."),
    (Kind::Refresh, "status|state|progress of? the? last|latest|current|weekly? refresh|run|scoring|data|model? .."),
    (Kind::Refresh, "refresh|run status|state|progress"),
    (Kind::Refresh, "is|has|did|was the|last|this|weekly .. refresh|run|scoring|data .."),
    (Kind::Refresh, "how old|fresh|recent|current|stale|new|up-to-date is|are .."),
    (Kind::Refresh, "how is|are the|last .. refresh|run .."),
    (Kind::Refresh, "which|what model .."),
    (Kind::Refresh, "how many accounts|customers|rows are|were|have|has been? scored .."),
    (Kind::Refresh, "tell|show|what|how me|us|about|is|was? about|the? the|our? last|latest|current|weekly? refresh|run"),
    (Kind::Refresh, "last|latest|current|weekly? refresh|run"),
    (Kind::Refresh, "as of when|what .."),
    // What has changed about one account is part of what is said of it.
    (Kind::Account, "what .. changed|happened|new|different for|at|with|about|to|in {name} since|over|in|during last|the|this|past week|run|refresh|time|month"),
    (Kind::Account, "what .. changed|happened|new|different for|at|with|about|to {name}"),
    // What changed since last week?
    (Kind::Changes, "what|which|who|whose|anything|has|have|did|show|list|give .. change|changed|changes|changing|moved|mover|movers|risen|rose|rising|fallen|fell|falling|dropped|climbed|improved|declined|slipped|gained|lost|trending .."),
    (Kind::Changes, ".. since|versus|vs|against last|the|this|previous|yesterday week|run|refresh|time|month?"),
    (Kind::Changes, "biggest|largest|top|strongest|best|worst .. movers|changes|moves|trends|drops|gains|risers|fallers|gainers|losers .."),
    (Kind::Changes, "movers|trends|changes|risers|fallers .."),
    (Kind::Changes, "what is|are? new|different .."),
    // Why is X 94? Tell me about X.
    (Kind::Account, "why is|was {name} at|a|an|only|just|still|rated|scored? a|an|at? score|propensity? of? {number} .."),
    (Kind::Account, "why does|did|do|has {name} have|score|get|got|show|stand a|an|only|at? score|propensity? of? {number} .."),
    (Kind::Account, "why is|was|are|does|did|has {name} so|too|this|that|score|scored? high|low|hot|cold|ready|promising|likely|drop|dropped|fall|fallen|rise|risen|change|changed|move|moved|up|down .."),
    (Kind::Account, "why is|was|are|does|did|has? {name} {number}"),
    (Kind::Account, "why is|was|are|does|did|has? {name}"),
    (Kind::Account, "tell|show|give me|us .. about|on|for {name}"),
    (Kind::Account, "what|how about|of {name}"),
    (Kind::Account, "what do|can|could you|we|i know|say|tell|have me|us? about|on|of {name}"),
    (Kind::Account, "how is|are {name} doing|looking|going? now?"),
    (Kind::Account, "explain|describe|summarise|summarize|analyse|analyze the? score|propensity? of|for? {name}"),
    (Kind::Account, "deep? dive|details|detail|score|propensity|factors|reasons of|on|into|in|for|about|at|behind {name}"),
    (Kind::Account, "what|how|which .. score|propensity|chance|chances|confidence|factors|reasons|signal|signals|champion of|for|at|behind {name}"),
    (Kind::Account, "what is {name} score|propensity|chance|confidence|champion|value"),
    (Kind::Account, "how high|likely|ready|sure|hot|warm|close|promising is {name} to? expand|buy|grow|expanding?"),
    (Kind::Account, "is|are {name} ready|likely|going|about|expected to|for? a|an? expand|buy|grow|expansion?"),
    (Kind::Account, "will|would|should|can {name} expand|buy|grow|upgrade .."),
    (Kind::Account, "what|which product|products|offer? should|can|could|do|would i|we|you|one offer|sell|pitch|propose|recommend|suggest to|for? {name}"),
    (Kind::Account, "what .. recommended|recommend|recommendation|recommendations|approach .. for|with|to|at {name}"),
    (Kind::Account, "how should|can|could|do|to|would i|we|you|one? approach|pitch|convince|contact|engage|expand {name}"),
    (Kind::Account, "who is|are the|our? champion|sponsor|contact|stakeholder at|of|for|in {name}"),
    (Kind::Account, "who should|can|do i|we|one talk|speak|write|turn|call to|with? at|in {name}"),
    (Kind::Account, "when should|can|do|could i|we|one call|contact|approach|talk|speak|meet|ask to|with? {name}"),
    (Kind::Account, "{name} deep dive"),
];

/// What the words between a pattern's own are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caught {
    /// The name.
    pub(crate) name: Option<String>,
    /// The number.
    pub(crate) number: Option<u32>,
}

/// The first pattern that fits, with what it caught.
pub(crate) fn first_fitting(words: &[Word]) -> Option<(Kind, Caught)> {
    PATTERNS.iter().find_map(|(kind, pattern)| {
        let parts: Vec<&str> = pattern.split(' ').collect();
        fit(&parts, words).map(|caught| (*kind, caught))
    })
}

/// Fits the parts of a pattern to all of the words. Alternatives are tried in order and taken back where what follows
/// does not fit; with at most 500 characters that ends soon.
fn fit(parts: &[&str], words: &[Word]) -> Option<Caught> {
    let Some((part, rest)) = parts.split_first() else {
        return words.is_empty().then(Caught::default);
    };
    match *part {
        ".." => (0..=words.len()).find_map(|skipped| fit(rest, &words[skipped..])),
        "{number}" => {
            let (word, after) = words.split_first()?;
            let number = number(&word.low)?;
            Some(Caught { number: Some(number), ..fit(rest, after)? })
        }
        "{name}" => (1..=words.len()).find_map(|length| {
            let (named, after) = words.split_at(length);
            let caught = fit(rest, after)?;
            Some(Caught { name: Some(name_of(named)?), ..caught })
        }),
        literal => {
            let (literal, optional) = literal.strip_suffix('?').map_or((literal, false), |literal| (literal, true));
            let taken = words.split_first().filter(|(word, _)| literal.split('|').any(|one| one == word.low));
            let taken = taken.and_then(|(_, after)| fit(rest, after));
            taken.or_else(|| optional.then(|| fit(rest, words)).flatten())
        }
    }
}

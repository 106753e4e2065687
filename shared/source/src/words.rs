//! What people call the stages and the types of their deals.
//!
//! Owns the words that sales systems come with, and those of the usual European languages. A word of the owner's own is
//! not guessed: it is taken for an open stage, or for an expansion, and counted as unknown.

use std::collections::BTreeMap;
use std::fmt;

/// What a stage is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StageKind {
    Won,
    Lost,
    Open,
    /// Pipedrive keeps deleted deals under this status.
    Deleted,
    /// Taken for open.
    Unknown,
}

/// What a type of deal is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DealKind {
    Expansion,
    NewBusiness,
    Renewal,
    Contraction,
    /// Taken for an expansion.
    Unknown,
}

impl fmt::Display for StageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Open => "open",
            Self::Deleted => "deleted",
            Self::Unknown => "open, as the word is unknown",
        })
    }
}

impl fmt::Display for DealKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expansion => "expansion",
            Self::NewBusiness => "new business",
            Self::Renewal => "renewal",
            Self::Contraction => "contraction",
            Self::Unknown => "expansion, as the word is unknown",
        })
    }
}

const WON: &[&str] = &[
    "won",
    "closedwon",
    "closewon",
    "wonclosed",
    "dealwon",
    "gewonnen",
    "gagne",
    "gagnee",
    "gagnes",
    "gagnees",
    "ganado",
    "ganada",
    "ganados",
    "ganadas",
    "ganho",
    "ganha",
    "vinto",
    "vinta",
    "vinte",
    "vunnen",
    "vunnet",
    "vundet",
    "wygrana",
    "wygrane",
    "wygrany",
    "voitettu",
];
const LOST: &[&str] = &[
    "lost",
    "closedlost",
    "closelost",
    "lostclosed",
    "deallost",
    "outsold",
    "canceled",
    "cancelled",
    "disqualified",
    "abandoned",
    "dead",
    "declined",
    "rejected",
    "verloren",
    "perdu",
    "perdue",
    "perdus",
    "perdues",
    "perdido",
    "perdida",
    "perdidos",
    "perdidas",
    "perso",
    "persa",
    "perse",
    "forlorad",
    "forlorat",
    "tabt",
    "tapt",
    "przegrana",
    "przegrane",
    "przegrany",
    "havitty",
];
/// Before a word for won or lost they say that it is not so, or not yet.
const NOT_SO: &[&str] = &[
    "not", "no", "be", "almost", "nearly", "likely", "probably", "expected", "verbal", "verbally", "nicht", "fast",
    "non", "pas", "nao", "inte", "ikke", "nie",
];
/// Wherever they stand they make it doubtful that a deal is won: `Won by competitor`, `Pending close won`.
const DOUBTFUL: &[&str] = &[
    "never",
    "competitor",
    "competition",
    "wont",
    "pending",
    "pre",
    "soft",
    "projected",
    "forecast",
    "forecasted",
    "soon",
    "awaiting",
    "best",
    "case",
];
/// How the words for stages of open deals begin.
const OPEN: &[&str] = &[
    "open", "new", "active", "prospect", "lead", "qualif", "discover", "demo", "present", "propos", "quot", "negotia",
    "review", "contract", "appoint", "decision", "evaluat", "trial", "pilot", "poc", "commit", "forecast", "pipeline",
    "need", "analys", "percept", "progress", "hold", "verbal", "pending", "nurtur", "contact", "engag", "develop",
    "meeting", "identif", "scop", "legal", "procure", "budget", "approv", "interest", "offen", "angebot", "verhandl",
    "ouvert", "offre", "devis", "negoci", "abiert", "propuest", "oferta", "apert", "offert", "propost", "abert",
];

/// What a stage stands for, in lower case.
pub(crate) fn stage_kind(word: &str) -> StageKind {
    let words = words_of(word);
    let is_so = |i: usize| i == 0 || !NOT_SO.contains(&&*words[i - 1]);
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&&**word));
    let is_open_again = word.contains('?') || any(&["reopened"]);
    let says = |known: &[&str]| {
        !is_open_again && any(known) && (0..words.len()).all(|i| !known.contains(&&*words[i]) || is_so(i))
    };
    let out_sold = words.windows(2).any(|pair| pair[0] == "out" && pair[1] == "sold");
    let alone = |known: &str| {
        let mut rest = words.iter().filter(|word| !matches!(&***word, "closed" | "close" | "deal"));
        rest.next().is_some_and(|word| word == known) && rest.next().is_none()
    };
    match (any(WON) || alone("win"), any(LOST) || out_sold || alone("loss")) {
        (true, false) if (!any(DOUBTFUL) && says(WON)) || alone("win") => StageKind::Won,
        (false, true) if says(LOST) || out_sold || alone("loss") => StageKind::Lost,
        (true, _) | (_, true) => StageKind::Unknown,
        (false, false) if alone("deleted") => StageKind::Deleted,
        (false, false) => {
            let is_closed = words.iter().any(|word| word.starts_with("close"));
            let is_undecided = words.windows(2).any(|pair| pair[0] == "no" && pair[1] == "decision");
            let is_open = !is_undecided && words.iter().any(|word| OPEN.iter().any(|stem| word.starts_with(stem)));
            if is_open && !is_closed { StageKind::Open } else { StageKind::Unknown }
        }
    }
}

const CONTRACTION: &[&str] =
    &["downsell", "downgrade", "contraction", "downsize", "downsizing", "reduction", "decrease", "shrink", "churn"];
const EXPANSION: &[&str] = &[
    "expansion",
    "expand",
    "upsell",
    "upsale",
    "crosssell",
    "crosssale",
    "addon",
    "addons",
    "upgrade",
    "growth",
    "additional",
    "erweiterung",
    "zusatzgeschaft",
    "ampliacion",
    "espansione",
    "expansao",
    "utokning",
];
const RENEWAL: &[&str] =
    &["renew", "renov", "renouvel", "rinnov", "verlanger", "vertragsverlanger", "fornyelse", "forny", "odnowien"];
const EXISTING: &[&str] = &["existing", "bestand", "existant", "existente", "esistente", "installed"];
const NEW: &[&str] = &["newbusiness", "newlogo", "newcustomer", "newclient", "newaccount", "neukunde", "neugeschaft"];
/// What follows `new` where a customer is new, and not a product.
const NEW_CUSTOMER: &[&str] = &["business", "logo", "customer", "customers", "client", "account", "deal", "sale"];

/// What a type of deal stands for, in lower case.
pub(crate) fn deal_kind(word: &str) -> DealKind {
    let words = words_of(word);
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&&**word));
    let begins = |known: &[&str]| words.iter().any(|word| known.iter().any(|stem| word.starts_with(stem)));
    let pair =
        |first: &str, second: &[&str]| words.windows(2).any(|pair| pair[0] == first && second.contains(&&*pair[1]));
    let sale = ["sell", "sale", "selling"];
    if any(CONTRACTION) || pair("down", &sale) {
        DealKind::Contraction
    } else if any(EXPANSION) || pair("up", &sale) || pair("cross", &sale) || pair("add", &["on", "ons"]) {
        DealKind::Expansion
    } else if begins(RENEWAL) {
        DealKind::Renewal
    } else if begins(EXISTING) {
        DealKind::Expansion
    } else if begins(NEW) || pair("new", NEW_CUSTOMER) || words == ["new"] {
        DealKind::NewBusiness
    } else {
        DealKind::Unknown
    }
}

/// The words of a text without accents; numbers, as before or behind a stage, are none.
fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let plain = |word: &str| word.trim_matches(|c: char| c.is_numeric()).chars().map(without_accent).collect();
    words.map(plain).filter(|word: &String| !word.is_empty()).collect()
}

fn without_accent(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    }
}

/// So many words of a column are counted one by one.
const MOST_WORDS: usize = 200;

/// The words seen in a column, with what they were taken for.
#[derive(Debug)]
pub(crate) struct Vocabulary<K> {
    kind_of: fn(&str) -> K,
    seen: BTreeMap<String, BTreeMap<K, u64>>,
    /// The rows with one of the other words.
    others: BTreeMap<K, u64>,
}

impl<K: Copy + Ord> Vocabulary<K> {
    pub(crate) fn new(kind_of: fn(&str) -> K) -> Self {
        Self { kind_of, seen: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// What a word stands for.
    pub(crate) fn kind(&self, word: &str) -> K {
        (self.kind_of)(word)
    }

    /// Counts a row whose word was taken for `kind`.
    pub(crate) fn count(&mut self, word: &str, kind: K) {
        if self.seen.len() < MOST_WORDS && !self.seen.contains_key(word) {
            self.seen.insert(word.to_owned(), BTreeMap::new());
        }
        let kinds = self.seen.get_mut(word).unwrap_or(&mut self.others);
        *kinds.entry(kind).or_default() += 1;
    }

    /// Each word, what it was taken for, and in how many rows; without a word those beyond the first ones.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Option<&str>, K, u64)> {
        let seen =
            self.seen.iter().flat_map(|(word, kinds)| kinds.iter().map(move |(kind, n)| (Some(&**word), *kind, *n)));
        seen.chain(self.others.iter().map(|(kind, n)| (None, *kind, *n)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_won_yet_or_by_another_is_doubtful() {
        for word in [
            "won by competitor",
            "never won",
            "pending close won",
            "pre-won",
            "soft won",
            "won?",
            "reopened - won before",
            "deal lost - reopened",
            "no decision",
            "projected won",
        ] {
            assert_eq!(stage_kind(word), StageKind::Unknown, "{word}");
        }
    }

    #[test]
    fn the_stages_of_the_usual_systems_are_known() {
        use StageKind as S;
        let cases = [
            // The contract, and Salesforce.
            ("won", S::Won),
            ("lost", S::Lost),
            ("closed won", S::Won),
            ("closed lost", S::Lost),
            ("prospecting", S::Open),
            ("needs analysis", S::Open),
            ("id. decision makers", S::Open),
            ("proposal/price quote", S::Open),
            ("negotiation/review", S::Open),
            // HubSpot.
            ("closedwon", S::Won),
            ("closedlost", S::Lost),
            ("appointmentscheduled", S::Open),
            ("qualifiedtobuy", S::Open),
            ("presentationscheduled", S::Open),
            ("decisionmakerboughtin", S::Open),
            ("contractsent", S::Open),
            // Dynamics.
            ("out-sold", S::Lost),
            ("canceled", S::Lost),
            ("in progress", S::Open),
            ("on hold", S::Open),
            ("2-develop", S::Open),
            // Pipedrive.
            ("open", S::Open),
            ("deleted", S::Deleted),
            // Odoo.
            ("new", S::Open),
            ("proposition", S::Open),
            // With numbers, shares and reasons.
            ("6 - closed won", S::Won),
            ("06_closed_lost", S::Lost),
            ("closed won (100%)", S::Won),
            ("7.closedwon", S::Won),
            ("closed - won", S::Won),
            ("deal won", S::Won),
            ("won - expansion", S::Won),
            ("lost - no budget", S::Lost),
            ("closed lost to competitor", S::Lost),
            ("no decision, lost", S::Lost),
            ("win", S::Won),
            ("closed/win", S::Won),
            // Other languages.
            ("gewonnen", S::Won),
            ("geschlossen – verloren", S::Lost),
            ("fermée gagnée", S::Won),
            ("fermé perdu", S::Lost),
            ("cerrada ganada", S::Won),
            ("perdido", S::Lost),
            ("chiusa vinta", S::Won),
            ("fechado e ganho", S::Won),
            ("förlorad", S::Lost),
            // Not so, not yet, or nobody knows.
            ("not won", S::Unknown),
            ("verbal - won", S::Unknown),
            ("to be won", S::Unknown),
            ("closed (won/lost)", S::Unknown),
            ("closed", S::Unknown),
            ("4-close", S::Unknown),
            ("signed", S::Unknown),
            ("wonder", S::Unknown),
            ("100", S::Unknown),
            ("", S::Unknown),
        ];
        for (word, kind) in cases {
            assert_eq!(stage_kind(word), kind, "{word}");
        }
    }

    #[test]
    fn the_usual_types_of_deals_are_known() {
        use DealKind as D;
        let cases = [
            ("renewal", D::Renewal),
            ("auto-renewal", D::Renewal),
            ("existing business - renewal", D::Renewal),
            ("vertragsverlängerung", D::Renewal),
            ("renouvellement", D::Renewal),
            ("renewal + upsell", D::Expansion),
            ("renewal with downsell", D::Contraction),
            ("new business", D::NewBusiness),
            ("newbusiness", D::NewBusiness),
            ("new customer", D::NewBusiness),
            ("new", D::NewBusiness),
            ("new logo", D::NewBusiness),
            ("neukunde", D::NewBusiness),
            ("new product", D::Unknown),
            ("expansion", D::Expansion),
            ("upsell", D::Expansion),
            ("up-sell", D::Expansion),
            ("cross sell", D::Expansion),
            ("add-on business", D::Expansion),
            ("existing business", D::Expansion),
            ("existingbusiness", D::Expansion),
            ("existing customer - upgrade", D::Expansion),
            ("existing customer - replacement", D::Expansion),
            ("existing customer - downgrade", D::Contraction),
            ("down-sell", D::Contraction),
            ("contraction", D::Contraction),
            ("services", D::Unknown),
            ("", D::Unknown),
        ];
        for (word, kind) in cases {
            assert_eq!(deal_kind(word), kind, "{word}");
        }
    }

    #[test]
    fn a_column_of_endless_words_is_counted_in_bounded_memory() {
        let mut stages = Vocabulary::new(stage_kind);
        for i in 0..10_000 {
            let word = format!("{i}-{}", if i % 2 == 0 { "won" } else { "whatever" });
            stages.count(&word, stages.kind(&word));
        }
        let counts: Vec<_> = stages.counts().collect();
        assert_eq!(counts.len(), MOST_WORDS + 2);
        assert_eq!(counts.iter().map(|(.., rows)| rows).sum::<u64>(), 10_000);
        assert!(counts.contains(&(None, StageKind::Won, 4_900)));
    }
}

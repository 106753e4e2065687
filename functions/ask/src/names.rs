//! Whose name a name is, and which segment or product a phrase names. Pure: the candidates are given.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use expansion_api::ScoreView;
use expansion_domain::Id;
use strsim::normalized_damerau_levenshtein;

/// From here on a name is near enough to be suggested, and near enough to be taken for what was meant.
const NEAR: f64 = 0.6;
const SURE: f64 = 0.8;
/// Names this much less near than the nearest are about as near.
const ABOUT: f64 = 0.1;
/// Names suggested at most.
const MOST_SUGGESTED: usize = 5;
/// What companies' names end with and people leave out.
const FORMS: &[&str] = &[
    "inc",
    "incorporated",
    "ltd",
    "limited",
    "llc",
    "llp",
    "plc",
    "gmbh",
    "ag",
    "sa",
    "bv",
    "corp",
    "corporation",
    "co",
    "company",
    "group",
    "labs",
    "partners",
    "systems",
    "holding",
    "holdings",
];

/// Whose name it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Named {
    /// This customer's.
    One(Box<ScoreView>),
    /// Very likely this customer's, who is written otherwise.
    Likely(Box<ScoreView>),
    /// One of these customers' about equally, the nearest first; nobody's when there are none.
    OneOf(Vec<ScoreView>),
}

/// The customer meant among those that have the name in theirs: a likely one where it is just some of their letters.
pub(crate) fn among(name: &str, rows: Vec<ScoreView>) -> Named {
    let wanted = key(name);
    let exact: [&dyn Fn(&ScoreView) -> bool; 3] =
        [&|row| key(&row.customer_id) == wanted, &|row| key(row.shown_name()) == wanted, &|row| {
            core(row.shown_name()) == core(name)
        }];
    for is_exact in exact {
        let mut fitting = rows.iter().filter(|row| is_exact(row));
        if let (Some(one), None) = (fitting.next(), fitting.next()) {
            return Named::One(Box::new(one.clone()));
        }
    }
    let mut rows = rows;
    if rows.len() == 1 {
        let row = Box::new(rows.remove(0));
        return if has_words(name, &row) { Named::One(row) } else { Named::Likely(row) };
    }
    rows.sort_by(|a, b| nearness(name, b).total_cmp(&nearness(name, a)));
    rows.truncate(MOST_SUGGESTED);
    Named::OneOf(rows)
}

/// Whether a customer's name or id has the words of a name in it, whole and one after the other.
fn has_words(name: &str, row: &ScoreView) -> bool {
    let wanted = format!(" {} ", key(name));
    [row.shown_name(), &row.customer_id].iter().any(|own| format!(" {} ", key(own)).contains(&wanted))
}

/// Whether a customer may be meant by a text that may be no name at all.
pub(crate) fn resembles(name: &str, row: &ScoreView) -> bool {
    has_words(name, row) || is_near(name, row)
}

/// Whether a name is near enough to a customer's to be looked at by [`nearest`].
pub(crate) fn is_near(name: &str, row: &ScoreView) -> bool {
    nearness(name, row) >= NEAR
}

/// The customer meant among those with a similar name.
pub(crate) fn nearest(name: &str, rows: Vec<ScoreView>) -> Named {
    let mut ranked: Vec<(f64, ScoreView)> = rows.into_iter().map(|row| (nearness(name, &row), row)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = ranked.first().map_or(0.0, |(nearness, _)| *nearness);
    ranked.retain(|(nearness, _)| *nearness >= NEAR && *nearness >= best - ABOUT);
    ranked.truncate(MOST_SUGGESTED);
    let mut rows: Vec<ScoreView> = ranked.into_iter().map(|(_, row)| row).collect();
    if rows.len() == 1 && best >= SURE { Named::Likely(Box::new(rows.remove(0))) } else { Named::OneOf(rows) }
}

/// How near a name is to a customer's name or id, 0–1: one minus the edits needed over the length, blanks and company
/// forms aside.
fn nearness(name: &str, row: &ScoreView) -> f64 {
    let [name, shown, id] = [name, row.shown_name(), &row.customer_id].map(|text| core(text).replace(' ', ""));
    similarity(&name, &shown).max(similarity(&name, &id))
}

/// How similar two texts are, 0–1. Texts of very different lengths are not compared: that would take long and tell
/// nothing.
fn similarity(a: &str, b: &str) -> f64 {
    let (a_long, b_long) = (a.chars().count(), b.chars().count());
    let is_far = a_long.max(b_long) > 2 * a_long.min(b_long);
    if is_far { 0.0 } else { normalized_damerau_levenshtein(a, b) }
}

/// A text's letters and digits in lower case, a blank for everything between them.
fn key(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A name's [`key`] without the company's form.
fn core(text: &str) -> String {
    let key = key(text);
    match key.rsplit_once(' ') {
        Some((stem, form)) if FORMS.contains(&form) => stem.to_owned(),
        _ => key,
    }
}

/// Whether two names are the same to people, whatever stands between their words.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    key(a) == key(b)
}

/// Whether two ids of CSMs are the same to people: `csm-07`, `CSM 7` and `7`.
pub(crate) fn is_same_csm(a: &str, b: &str) -> bool {
    let bare = |id: &str| {
        let key = key(id).replace(' ', "");
        key.strip_prefix("csm").unwrap_or(&key).trim_start_matches('0').to_owned()
    };
    bare(a) == bare(b)
}

/// The segments and products that phrases may name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Vocabulary {
    /// The segments.
    pub(crate) segments: BTreeSet<Id>,
    /// The products by id, with their names.
    pub(crate) products: BTreeMap<Id, Option<Id>>,
}

/// What a phrase narrows a list to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Narrowing {
    /// To a segment.
    Segment(Id),
    /// To a product.
    Product(Id),
}

impl Vocabulary {
    /// What a phrase names: all of it, or each of its parts.
    pub(crate) fn named(&self, phrase: &str) -> Option<Vec<Narrowing>> {
        let names = self.names();
        let key = key(phrase);
        let words: Vec<&str> = key.split_whitespace().collect();
        // A misspelt name may be in one piece more than it should be.
        let longest = names.iter().map(|(name, _)| name.split(' ').count()).max().unwrap_or_default() + 1;
        // What the words from each place on name. The last place comes first, so that no place is looked at twice.
        let mut from: Vec<Option<Vec<Narrowing>>> = vec![None; words.len()];
        from.push(Some(Vec::new()));
        for place in (0..words.len()).rev() {
            // As much as possible in one piece: half a name may be enough to be recognised.
            let mut ends = (place + 1..=words.len().min(place + longest)).rev();
            from[place] = ends.find_map(|end| {
                let rest = from[end].as_ref()?;
                let first = one(&names, &words[place..end])?;
                Some(iter::once(first).chain(rest.iter().cloned()).collect())
            });
        }
        from.swap_remove(0).filter(|all| !all.is_empty())
    }

    /// Every name and id, as a [`key`], with what it stands for.
    fn names(&self) -> Vec<(String, Narrowing)> {
        let segments = self.segments.iter().map(|segment| (key(segment), Narrowing::Segment(segment.clone())));
        let ids = self.products.keys().map(|id| (key(id), Narrowing::Product(id.clone())));
        let names =
            self.products.iter().filter_map(|(id, name)| Some((key(name.as_ref()?), Narrowing::Product(id.clone()))));
        segments.chain(ids).chain(names).collect()
    }
}

/// What has this name; otherwise the only one with these words in its name, or with one nearly so.
fn one(names: &[(String, Narrowing)], words: &[&str]) -> Option<Narrowing> {
    let wanted = words.join(" ");
    if let Some((_, exact)) = names.iter().find(|(name, _)| *name == wanted) {
        return Some(exact.clone());
    }
    let has_words = |name: &str| {
        let own: Vec<&str> = name.split(' ').collect();
        // A word that is said twice must be in the name twice.
        let times = |words: &[&str], word: &str| words.iter().filter(|other| **other == word).count();
        words.iter().all(|word| times(words, word) <= times(&own, word))
    };
    let is_near = |name: &str| similarity(name, &wanted) >= SURE;
    only(names.iter().filter(|(name, _)| has_words(name)))
        .or_else(|| only(names.iter().filter(|(name, _)| is_near(name))))
}

/// What all of the entries stand for, if it is one and the same.
fn only<'a>(mut entries: impl Iterator<Item = &'a (String, Narrowing)>) -> Option<Narrowing> {
    let (_, first) = entries.next()?;
    entries.all(|(_, other)| other == first).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::score;

    fn rows(names: &[&str]) -> Vec<ScoreView> {
        names.iter().enumerate().map(|(n, name)| score(&format!("cus-{n}"), name, 50)).collect()
    }

    fn shown(named: &Named) -> Vec<&str> {
        match named {
            Named::One(row) | Named::Likely(row) => vec![row.shown_name()],
            Named::OneOf(rows) => rows.iter().map(ScoreView::shown_name).collect(),
        }
    }

    #[test]
    fn a_name_without_its_form_is_one_customers() {
        let found = among("techflow", rows(&["TechFlow Partners North", "TechFlow Inc", "TechFlows GmbH"]));
        assert!(matches!(found, Named::One(_)), "{found:?}");
        assert_eq!(shown(&found), ["TechFlow Inc"]);
        assert!(matches!(among("CUS-1", rows(&["a", "b"])), Named::One(row) if &*row.customer_id == "cus-1"));
    }

    #[test]
    fn some_letters_of_a_name_are_a_likely_one() {
        let found = among("Ann", rows(&["Planner Corp"]));
        assert!(matches!(found, Named::Likely(_)), "{found:?}");
        let found = among("Ann", rows(&["Ann Arbor Co-op"]));
        assert!(matches!(found, Named::One(_)), "{found:?}");
        assert!(resembles("Arbor", &rows(&["Ann Arbor Co-op"])[0]), "a whole word");
        assert!(!resembles("ok", &rows(&["Brookfield"])[0]));
    }

    #[test]
    fn several_of_a_name_are_all_named() {
        let found = among("techflow", rows(&["TechFlow Inc", "TechFlow Ltd", "The TechFlow Fund"]));
        assert!(matches!(found, Named::OneOf(_)));
        assert_eq!(shown(&found), ["TechFlow Inc", "TechFlow Ltd", "The TechFlow Fund"]);
    }

    #[test]
    fn a_misspelt_name_is_found_or_asked_about() {
        let found = nearest("Techfolw", rows(&["TechFlow Inc", "DataDrive Co", "CloudFirst"]));
        assert!(matches!(found, Named::Likely(_)), "{found:?}");
        assert_eq!(shown(&found), ["TechFlow Inc"]);
        let found = nearest("DataDriv", rows(&["DataDrive Co", "DataDrives Ltd", "CloudFirst"]));
        assert_eq!(shown(&found), ["DataDrive Co", "DataDrives Ltd"], "both are about as near");
        assert_eq!(nearest("Nobody", rows(&["TechFlow Inc"])), Named::OneOf(Vec::new()));
    }

    #[test]
    fn phrases_name_segments_and_products() {
        let vocabulary = Vocabulary {
            segments: ["Enterprise", "Mid-Market"].map(Id::from).into(),
            products: BTreeMap::from([
                ("prd-analytics".into(), Some("Advanced Analytics".into())),
                ("prd-security".into(), Some("Security & Audit".into())),
                ("prd-enterprise".into(), Some("Enterprise Plan".into())),
                ("prd-business".into(), Some("Business Plan".into())),
            ]),
        };
        let named = |phrase| vocabulary.named(phrase);
        let (segment, product) = (|id: &str| Narrowing::Segment(id.into()), |id: &str| Narrowing::Product(id.into()));
        assert_eq!(named("enterprise"), Some(vec![segment("Enterprise")]));
        assert_eq!(named("enterprise plan"), Some(vec![product("prd-enterprise")]));
        assert_eq!(named("mid market"), Some(vec![segment("Mid-Market")]));
        assert_eq!(named("mid market analytics"), Some(vec![segment("Mid-Market"), product("prd-analytics")]));
        assert_eq!(named("PRD-SECURITY"), Some(vec![product("prd-security")]));
        assert_eq!(named("advanced analitics"), Some(vec![product("prd-analytics")]));
        assert_eq!(named("plan"), None, "two have it");
        assert_eq!(named("enterprise & analytics"), Some(vec![segment("Enterprise"), product("prd-analytics")]));
        assert_eq!(named("churn"), None);
        assert_eq!(named("&"), None);
    }

    #[test]
    fn a_phrase_of_many_words_is_soon_looked_at() {
        let vocabulary = Vocabulary {
            segments: ["SMB", "SMB Plus", "SMB SMB Extra"].map(Id::from).into(),
            products: BTreeMap::from([("prd-smb".into(), Some("SMB Seats".into()))]),
        };
        for repeated in ["smb", "smb seats", "prd smb"] {
            let phrase = format!("{repeated} ").repeat(100);
            assert!(vocabulary.named(&phrase).is_some(), "{repeated}");
            assert_eq!(vocabulary.named(&format!("{phrase} zzz")), None, "{repeated}");
        }
    }

    #[test]
    fn a_csm_is_written_in_many_ways() {
        assert!(is_same_csm("csm-07", "CSM 7") && is_same_csm("csm-07", "7"));
        assert!(!is_same_csm("csm-07", "csm-17"));
    }
}

//! Whose name a name is, and which segment or product a phrase names. Pure: the candidates are given.

use std::collections::{BTreeMap, BTreeSet};

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

/// The customer meant among those that have the name in theirs.
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
        return Named::One(Box::new(rows.remove(0)));
    }
    rows.sort_by(|a, b| nearness(name, b).total_cmp(&nearness(name, a)));
    rows.truncate(MOST_SUGGESTED);
    Named::OneOf(rows)
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
    normalized_damerau_levenshtein(&name, &shown).max(normalized_damerau_levenshtein(&name, &id))
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
        if let Some(one) = self.one(phrase) {
            return Some(vec![one]);
        }
        // As much as possible in one piece: half a name may be enough to be recognised.
        phrase.match_indices(' ').rev().find_map(|(place, _)| {
            let first = self.one(&phrase[..place])?;
            let mut rest = self.named(phrase[place..].trim_start())?;
            rest.insert(0, first);
            Some(rest)
        })
    }

    /// The segment or product of this name; otherwise the only one with these words in its name, or with one nearly so.
    fn one(&self, phrase: &str) -> Option<Narrowing> {
        let wanted = key(phrase);
        let segments = self.segments.iter().map(|segment| (key(segment), Narrowing::Segment(segment.clone())));
        let ids = self.products.keys().map(|id| (key(id), Narrowing::Product(id.clone())));
        let names =
            self.products.iter().filter_map(|(id, name)| Some((key(name.as_ref()?), Narrowing::Product(id.clone()))));
        let all: Vec<(String, Narrowing)> = segments.chain(ids).chain(names).collect();
        if wanted.is_empty() {
            return None;
        }
        if let Some((_, exact)) = all.iter().find(|(name, _)| *name == wanted) {
            return Some(exact.clone());
        }
        let has_words = |name: &str| wanted.split(' ').all(|word| name.split(' ').any(|own| own == word));
        let is_near = |name: &str| normalized_damerau_levenshtein(name, &wanted) >= SURE;
        only(all.iter().filter(|(name, _)| has_words(name)))
            .or_else(|| only(all.iter().filter(|(name, _)| is_near(name))))
    }
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
        assert_eq!(named("churn"), None);
        assert_eq!(named("&"), None);
    }

    #[test]
    fn a_csm_is_written_in_many_ways() {
        assert!(is_same_csm("csm-07", "CSM 7") && is_same_csm("csm-07", "7"));
        assert!(!is_same_csm("csm-07", "csm-17"));
    }
}

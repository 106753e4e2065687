//! Which segments and products phrases name, among those that the run has on record.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::ops::Range;

use expansion_domain::Id;
use expansion_records::{Facet, RunSummary};

use crate::names::{SURE, key, similarity};

/// The segments and products that phrases may name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    pub segments: BTreeSet<Id>,
    /// By id, with their names.
    pub products: BTreeMap<Id, Option<Id>>,
}

/// What phrases narrow a list to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    pub segment: Option<Id>,
    pub product: Option<Id>,
}

/// Why phrases narrow a list to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotNarrowed {
    /// This phrase names nothing.
    Unknown(String),
    /// Several segments are named, and a list is of one.
    Segments,
    /// Several products are named, and a list is of one.
    Products,
}

/// What a phrase, or a part of it, stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Segment(Id),
    Product(Id),
}

impl From<&RunSummary> for Vocabulary {
    fn from(summary: &RunSummary) -> Self {
        Self {
            segments: summary.values(Facet::Segment).cloned().collect(),
            products: summary.products.iter().map(|(id, to)| (id.clone(), to.name.clone())).collect(),
        }
    }
}

impl Vocabulary {
    /// The segment of this name, whatever stands between its words.
    pub fn segment(&self, name: &str) -> Option<&Id> {
        let wanted = key(name);
        self.segments.iter().find(|segment| key(segment) == wanted)
    }

    /// What all the phrases narrow a list to.
    ///
    /// # Errors
    /// [`NotNarrowed`] where one of them names nothing, or they name more than a list can be of.
    pub fn narrowed(&self, phrases: &[String]) -> Result<Narrowed, NotNarrowed> {
        // Segments are looked at first: a product of the same name has a longer one too.
        let segments = Self { segments: self.segments.clone(), products: BTreeMap::new() };
        let meanings = segments.meanings(phrases).or_else(|_| self.meanings(phrases))?;
        let mut narrowed = Narrowed::default();
        for meaning in meanings {
            let (place, id, several) = match meaning {
                Meaning::Segment(id) => (&mut narrowed.segment, id, NotNarrowed::Segments),
                Meaning::Product(id) => (&mut narrowed.product, id, NotNarrowed::Products),
            };
            if place.replace(id.clone()).is_some_and(|other| other != id) {
                return Err(several);
            }
        }
        Ok(narrowed)
    }

    fn meanings(&self, phrases: &[String]) -> Result<Vec<Meaning>, NotNarrowed> {
        let meanings =
            phrases.iter().map(|phrase| self.named(phrase).ok_or_else(|| NotNarrowed::Unknown(phrase.clone())));
        Ok(meanings.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// What a phrase names: all of it, or each of its parts.
    fn named(&self, phrase: &str) -> Option<Vec<Meaning>> {
        let names = self.names();
        let key = key(phrase);
        let words: Vec<&str> = key.split_whitespace().collect();
        // A misspelt name may be in one piece more than it should be.
        let longest = names.iter().map(|(name, _)| name.split(' ').count()).max().unwrap_or_default() + 1;
        pieces(words.len(), longest, |piece| one(&names, &words[piece])).filter(|all| !all.is_empty())
    }

    /// Every name and id, as a [`key`], with what it stands for.
    fn names(&self) -> Vec<(String, Meaning)> {
        let segments = self.segments.iter().map(|segment| (key(segment), Meaning::Segment(segment.clone())));
        let ids = self.products.keys().map(|id| (key(id), Meaning::Product(id.clone())));
        let names =
            self.products.iter().filter_map(|(id, name)| Some((key(name.as_ref()?), Meaning::Product(id.clone()))));
        segments.chain(ids).chain(names).collect()
    }
}

/// Cuts so many words into pieces, of at most `longest` words, that all mean something.
fn pieces<M: Clone>(
    words: usize,
    longest: usize,
    mut meaning: impl FnMut(Range<usize>) -> Option<M>,
) -> Option<Vec<M>> {
    // What the words from each place on mean. The last place comes first, so that no piece is looked at twice.
    let mut from: Vec<Option<Vec<M>>> = vec![None; words];
    from.push(Some(Vec::new()));
    for place in (0..words).rev() {
        // As much as possible in one piece: half a name may be enough to be recognised.
        let mut ends = (place + 1..=words.min(place + longest)).rev();
        from[place] = ends.find_map(|end| {
            let rest = from[end].as_ref()?;
            Some(iter::once(meaning(place..end)?).chain(rest.iter().cloned()).collect())
        });
    }
    from.swap_remove(0)
}

/// What has this name; otherwise the only one with these words in its name, or with one nearly so.
fn one(names: &[(String, Meaning)], words: &[&str]) -> Option<Meaning> {
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
fn only<'a>(mut entries: impl Iterator<Item = &'a (String, Meaning)>) -> Option<Meaning> {
    let (_, first) = entries.next()?;
    entries.all(|(_, other)| other == first).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (segment, product) = (|id: &str| Meaning::Segment(id.into()), |id: &str| Meaning::Product(id.into()));
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
    fn every_piece_of_a_phrase_is_looked_at_once_at_most() {
        let vocabulary = Vocabulary {
            segments: ["SMB", "SMB Plus", "SMB SMB Extra"].map(Id::from).into(),
            products: BTreeMap::from([("prd-smb".into(), Some("SMB Seats".into()))]),
        };
        let (names, longest) = (vocabulary.names(), 4);
        for repeated in ["smb", "smb seats", "prd smb"] {
            let phrase = format!("{repeated} ").repeat(100);
            assert!(vocabulary.named(&phrase).is_some(), "{repeated}");
            let phrase = format!("{phrase} zzz");
            assert_eq!(vocabulary.named(&phrase), None, "{repeated}");
            let words: Vec<&str> = phrase.split_whitespace().collect();
            let mut looks = Vec::new();
            pieces(words.len(), longest, |piece| {
                looks.push(piece.clone());
                one(&names, &words[piece])
            });
            let distinct: BTreeSet<_> = looks.iter().map(|piece| (piece.start, piece.end)).collect();
            assert_eq!(looks.len(), distinct.len(), "{repeated}");
            assert!(looks.len() <= longest * words.len(), "{} looks at {repeated}", looks.len());
        }
    }

    #[test]
    fn a_list_is_of_one_segment_and_one_product() {
        let vocabulary = Vocabulary {
            segments: ["SMB", "Enterprise"].map(Id::from).into(),
            products: BTreeMap::from([("seats".into(), None), ("smb-plan".into(), Some("SMB Plan".into()))]),
        };
        let narrowed = |phrases: &[&str]| {
            let phrases: Vec<String> = phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
            vocabulary.narrowed(&phrases)
        };
        let both = Narrowed { segment: Some("SMB".into()), product: Some("seats".into()) };
        assert_eq!(narrowed(&["smb", "seats", "SMB"]), Ok(both));
        assert_eq!(narrowed(&[]), Ok(Narrowed::default()));
        assert_eq!(narrowed(&["sm"]), Err(NotNarrowed::Unknown("sm".to_owned())));
        assert_eq!(narrowed(&["smb enterprise"]), Err(NotNarrowed::Segments));
        assert_eq!(narrowed(&["seats", "smb plan"]), Err(NotNarrowed::Products));
        assert_eq!(vocabulary.segment("smb"), Some(&"SMB".into()));
        assert_eq!(vocabulary.segment("smb plan"), None);
    }
}

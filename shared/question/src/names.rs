//! Whose name a name is among given candidates.

use strsim::normalized_damerau_levenshtein;

/// From here on a name is near enough to be suggested, and near enough to be taken for what was meant.
const NEAR: f64 = 0.6;
pub(crate) const SURE: f64 = 0.8;
/// Names this much less near than the nearest are about as near.
const ABOUT: f64 = 0.1;
/// Names suggested at most.
const MOST_SUGGESTED: usize = 5;
/// What companies' names end with and people leave out.
#[rustfmt::skip]
const FORMS: &[&str] = &[
    "inc", "incorporated", "ltd", "limited", "llc", "llp", "plc", "gmbh", "ag", "sa", "bv", "corp", "corporation",
    "co", "company", "group", "labs", "partners", "systems", "holding", "holdings",
];

/// What has a name to be found by.
pub trait Customer {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

/// Whose name it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Named<C> {
    /// This customer's.
    One(Box<C>),
    /// Very likely this customer's, who is written otherwise.
    Likely(Box<C>),
    /// One of these customers' about equally, the nearest first; nobody's when there are none.
    OneOf(Vec<C>),
}

/// The customer meant among those that have the name in theirs: a likely one where it is just some of their letters.
pub fn among<C: Customer>(name: &str, mut rows: Vec<C>) -> Named<C> {
    let wanted = key(name);
    let exact: [&dyn Fn(&C) -> bool; 3] =
        [&|row| key(row.id()) == wanted, &|row| key(row.name()) == wanted, &|row| core(row.name()) == core(name)];
    for is_exact in exact {
        let mut fitting = (0..rows.len()).filter(|place| is_exact(&rows[*place]));
        if let (Some(one), None) = (fitting.next(), fitting.next()) {
            return Named::One(Box::new(rows.swap_remove(one)));
        }
    }
    if rows.len() == 1 {
        let row = Box::new(rows.remove(0));
        return if has_words(name, &*row) { Named::One(row) } else { Named::Likely(row) };
    }
    rows.sort_by(|a, b| nearness(name, b).total_cmp(&nearness(name, a)));
    rows.truncate(MOST_SUGGESTED);
    Named::OneOf(rows)
}

/// Whether a customer's name or id has the words of a name in it, whole and one after the other.
fn has_words(name: &str, row: &impl Customer) -> bool {
    let wanted = format!(" {} ", key(name));
    [row.name(), row.id()].iter().any(|own| format!(" {} ", key(own)).contains(&wanted))
}

/// Whether a customer may be meant by a text that may be no name at all.
pub fn resembles(name: &str, row: &impl Customer) -> bool {
    has_words(name, row) || is_near(name, row)
}

/// Whether a name is near enough to a customer's to be looked at by [`nearest`].
pub fn is_near(name: &str, row: &impl Customer) -> bool {
    nearness(name, row) >= NEAR
}

/// The customer meant among those with a similar name.
pub fn nearest<C: Customer>(name: &str, rows: Vec<C>) -> Named<C> {
    let mut ranked: Vec<(f64, C)> = rows.into_iter().map(|row| (nearness(name, &row), row)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = ranked.first().map_or(0.0, |(nearness, _)| *nearness);
    ranked.retain(|(nearness, _)| *nearness >= NEAR && *nearness >= best - ABOUT);
    ranked.truncate(MOST_SUGGESTED);
    let mut rows: Vec<C> = ranked.into_iter().map(|(_, row)| row).collect();
    if rows.len() == 1 && best >= SURE { Named::Likely(Box::new(rows.remove(0))) } else { Named::OneOf(rows) }
}

/// How near a name is to a customer's name or id, 0–1: one minus the edits needed over the length, blanks and company
/// forms aside.
fn nearness(name: &str, row: &impl Customer) -> f64 {
    let [name, shown, id] = [name, row.name(), row.id()].map(|text| core(text).replace(' ', ""));
    similarity(&name, &shown).max(similarity(&name, &id))
}

/// How similar two texts are, 0–1. Texts of very different lengths are not compared: that would take long and tell
/// nothing.
pub(crate) fn similarity(a: &str, b: &str) -> f64 {
    let (a_long, b_long) = (a.chars().count(), b.chars().count());
    let is_far = a_long.max(b_long) > 2 * a_long.min(b_long);
    if is_far { 0.0 } else { normalized_damerau_levenshtein(a, b) }
}

/// A text's letters and digits in lower case, a blank for everything between them.
pub(crate) fn key(text: &str) -> String {
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
pub fn is_same_csm(a: &str, b: &str) -> bool {
    let bare = |id: &str| {
        let key = key(id).replace(' ', "");
        key.strip_prefix("csm").unwrap_or(&key).trim_start_matches('0').to_owned()
    };
    bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id and a name.
    #[derive(Clone, Debug, PartialEq)]
    struct Row(String, String);

    impl Customer for Row {
        fn id(&self) -> &str {
            &self.0
        }

        fn name(&self) -> &str {
            &self.1
        }
    }

    fn rows(names: &[&str]) -> Vec<Row> {
        names.iter().enumerate().map(|(n, name)| Row(format!("cus-{n}"), (*name).to_owned())).collect()
    }

    fn shown(named: &Named<Row>) -> Vec<&str> {
        match named {
            Named::One(row) | Named::Likely(row) => vec![row.name()],
            Named::OneOf(rows) => rows.iter().map(Row::name).collect(),
        }
    }

    #[test]
    fn a_name_without_its_form_is_one_customers() {
        let found = among("techflow", rows(&["TechFlow Partners North", "TechFlow Inc", "TechFlows GmbH"]));
        assert!(matches!(found, Named::One(_)), "{found:?}");
        assert_eq!(shown(&found), ["TechFlow Inc"]);
        assert!(matches!(among("CUS-1", rows(&["a", "b"])), Named::One(row) if row.id() == "cus-1"));
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
    fn a_csm_is_written_in_many_ways() {
        assert!(is_same_csm("csm-07", "CSM 7") && is_same_csm("csm-07", "7"));
        assert!(!is_same_csm("csm-07", "csm-17"));
    }
}

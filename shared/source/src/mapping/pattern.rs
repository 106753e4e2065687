//! Patterns of paths below a source.

use std::fmt;

/// Which files are meant: a path whose parts may have `*` (anything but a slash) and `**` (any folders). What it names is a
/// file, with or without the ending, or a folder with all that is in it: `Account` means `Account.csv`,
/// `Account.csv.gz` and `Account/2024/part-0.parquet`. Case makes no difference.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// The parts between the slashes, in lower case.
    parts: Vec<String>,
}

impl Pattern {
    /// A pattern, unless it is empty or leaves the source.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let parts: Vec<String> = text.split('/').map(str::to_lowercase).collect();
        let is_valid = parts.iter().all(|part| !part.is_empty() && part != "." && part != "..");
        is_valid.then(|| Self { text: text.to_owned(), parts })
    }

    /// Whether the file at `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        let path = path.to_lowercase();
        match_parts(&self.parts, &path.split('/').collect::<Vec<_>>())
    }

    /// Whether files below the source's own folder or file `name` may be meant.
    pub(super) fn may_begin(&self, name: &str) -> bool {
        let first = &self.parts[0];
        first == "**" || match_file(first, &name.to_lowercase())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

fn match_parts(pattern: &[String], path: &[&str]) -> bool {
    match (pattern, path) {
        // All that is in a folder.
        ([], _) => true,
        (_, []) => false,
        ([any, rest @ ..], _) if any == "**" => {
            rest.is_empty() || (0..path.len()).any(|skipped| match_parts(rest, &path[skipped..]))
        }
        ([last], [file]) => match_file(last, file),
        ([first, rest @ ..], [folder, below @ ..]) => match_part(first, folder) && match_parts(rest, below),
    }
}

/// Whether a name is as the pattern says, with or without its endings.
fn match_file(pattern: &str, name: &str) -> bool {
    let stems = name.char_indices().filter(|(_, c)| *c == '.').map(|(dot, _)| &name[..dot]);
    std::iter::once(name).chain(stems.filter(|stem| !stem.is_empty())).any(|name| match_part(pattern, name))
}

fn match_part(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(i, _)| i).chain([name.len()]);
            ends.into_iter().any(|end| match_part(rest, &name[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).expect("a pattern").matches(path)
    }

    #[test]
    fn a_name_means_the_file_and_the_folder() {
        for path in ["Account.csv", "account.CSV.gz", "Account", "Account/a.csv", "Account/2024/05/part-0.parquet"] {
            assert!(matches("Account", path), "{path}");
        }
        for path in ["Accounts.csv", "AccountHistory/a.csv", "x/Account.csv", "MyAccount.csv"] {
            assert!(!matches("Account", path), "{path}");
        }
    }

    #[test]
    fn stars_stay_within_a_part_and_two_cross_folders() {
        assert!(matches("crm/deals-*.csv", "crm/deals-2024-05.csv"));
        assert!(matches("crm/*", "crm/deals.csv"));
        assert!(matches("crm/*/deals.csv", "crm/eu/deals.csv"));
        assert!(!matches("crm/*/deals.csv", "crm/eu/west/deals.csv"));
        assert!(matches("crm/**/deals.csv", "crm/eu/west/deals.csv"));
        assert!(matches("crm/**/deals.csv", "crm/deals.csv"));
        assert!(matches("**/deals*", "a/b/deals_1.parquet"));
        assert!(matches("hubspot-*-deals*", "hubspot-crm-exports-all-deals-2024-05-01.csv"));
        assert!(!matches("deals*.csv", "deals.parquet"));
    }

    #[test]
    fn a_pattern_stays_in_the_source() {
        for text in ["", "/etc", "../x", "a//b", "./a"] {
            assert_eq!(Pattern::new(text), None, "{text:?}");
        }
        assert!(Pattern::new("a/").expect("a folder").matches("a/b.csv"));
    }

    #[test]
    fn only_folders_that_may_matter_are_entered() {
        let begins = |pattern: &str, name| Pattern::new(pattern).expect("a pattern").may_begin(name);
        assert!(begins("crm/deals.csv", "CRM") && begins("**/x", "a") && begins("Account", "account.csv"));
        assert!(!begins("crm/deals.csv", "old"));
    }

    proptest! {
        #[test]
        fn every_path_matches_itself(path in "[a-zA-Z0-9_.-]{1,8}(/[a-zA-Z0-9_.-]{1,8}){0,3}") {
            prop_assume!(path.split('/').all(|part| part != "." && part != ".."));
            prop_assert!(matches(&path, &path));
            prop_assert!(matches("**", &path));
        }
    }
}

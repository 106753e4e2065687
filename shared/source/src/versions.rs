//! Rows with an id, of which a source may hold several: versions, or further products of one deal.
//!
//! Owns which row of an id counts. Must not know what the rows say.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use foldhash::HashMap;

/// Where a row stands. Of rows of which nothing else says which is newer, the last one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The number of its file, in the order of paths.
    pub(crate) file: u32,
    pub(crate) line: u64,
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version<T> {
    pub(crate) fact: T,
    /// Whose fact it is, as a number; 0 in tables of no one's facts.
    pub(crate) owner: usize,
    /// Microseconds, or whatever else grows from version to version.
    pub(crate) updated_at: Option<i64>,
    pub(crate) is_deleted: bool,
    pub(crate) place: Place,
}

impl<T> Version<T> {
    /// What makes one version newer than another.
    fn age(&self) -> (Option<i64>, Place) {
        (self.updated_at, self.place)
    }
}

/// What a row turned out to be when its id was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing like it was there before.
    New,
    /// It says what another row said.
    Repeated,
    /// In one file, without a time, its id is another customer's too: it is no id.
    Conflicting,
}

/// So many rows of one id are looked through for one that says the same; a change feed may hold any number.
const LOOK_BACK: usize = 32;

/// All different rows of a table, by id.
pub(crate) struct Versions<K, T> {
    numbers: HashMap<K, usize>,
    rows: Vec<Version<T>>,
    /// The further ones of an id that has several, by the number of its first.
    further: HashMap<usize, Vec<Version<T>>>,
}

impl<K, T> Default for Versions<K, T> {
    fn default() -> Self {
        Self { numbers: HashMap::default(), rows: Vec::new(), further: HashMap::default() }
    }
}

impl<K: Eq + Hash, T: PartialEq> Versions<K, T> {
    /// Takes a row.
    pub(crate) fn add(&mut self, key: K, version: Version<T>) -> Arrival {
        let number = match self.numbers.entry(key) {
            Entry::Vacant(free) => {
                free.insert(self.rows.len());
                self.rows.push(version);
                return Arrival::New;
            }
            Entry::Occupied(taken) => *taken.get(),
        };
        let further = self.further.get_mut(&number).map_or(&mut [][..], |further| &mut further[..]);
        for known in std::iter::once(&mut self.rows[number]).chain(further.iter_mut().rev().take(LOOK_BACK)) {
            if known.owner == version.owner && known.is_deleted == version.is_deleted && known.fact == version.fact {
                known.updated_at = known.updated_at.max(version.updated_at);
                known.place = known.place.max(version.place);
                return Arrival::Repeated;
            }
            let is_undecided = known.updated_at == version.updated_at && known.place.file == version.place.file;
            if known.owner != version.owner && is_undecided {
                return Arrival::Conflicting;
            }
        }
        self.further.entry(number).or_default().push(version);
        Arrival::New
    }

    /// The rows of each id, the oldest first.
    pub(crate) fn into_groups(mut self) -> impl Iterator<Item = Group<T>> {
        self.rows.into_iter().enumerate().map(move |(number, first)| match self.further.remove(&number) {
            None => Group { older: Vec::new(), newest: first },
            Some(mut older) => {
                older.push(first);
                older.sort_unstable_by_key(Version::age);
                // There are two at least.
                let newest = older.swap_remove(older.len() - 1);
                Group { older, newest }
            }
        })
    }
}

/// The rows of one id.
pub(crate) struct Group<T> {
    /// The oldest first.
    pub(crate) older: Vec<Version<T>>,
    pub(crate) newest: Version<T>,
}

/// The rows of an id that count, and those that newer ones replace.
pub(crate) struct Standing<T> {
    pub(crate) newest: Version<T>,
    /// Further lines of what the newest row is a line of.
    pub(crate) lines: Vec<Version<T>>,
    pub(crate) replaced: Vec<Version<T>>,
}

impl<T> Group<T> {
    /// Takes the newest row alone.
    pub(crate) fn newest_alone(self) -> Standing<T> {
        Standing { newest: self.newest, lines: Vec::new(), replaced: self.older }
    }

    /// Takes the newest row with the lines that stand beside it: rows updated at the same time that are a `line_of` the
    /// same thing, each of another product. Two lines of one product are lines where there are other products, too, and
    /// versions otherwise.
    pub(crate) fn newest_with_lines<P: PartialEq>(
        self,
        is_line_of_same: impl Fn(&T, &T) -> bool,
        product: impl Fn(&T) -> Option<P>,
    ) -> Standing<T> {
        let newest = self.newest;
        if product(&newest.fact).is_none() {
            return Standing { newest, lines: Vec::new(), replaced: self.older };
        }
        let beside = |row: &Version<T>| {
            row.owner == newest.owner
                && row.updated_at == newest.updated_at
                && row.is_deleted == newest.is_deleted
                && product(&row.fact).is_some()
                && is_line_of_same(&row.fact, &newest.fact)
        };
        let (mut lines, mut replaced): (Vec<_>, Vec<_>) = self.older.into_iter().partition(beside);
        if newest.updated_at.is_none() {
            // A file that tells one of the products anew tells all of them.
            let is_last = |row: &Version<T>| row.place.file == newest.place.file;
            let told = |lines: &[Version<T>]| -> Vec<P> {
                let last = lines.iter().filter(|row| is_last(row)).chain([&newest]);
                last.filter_map(|row| product(&row.fact)).collect()
            };
            let told = told(&lines);
            let is_anew = lines
                .iter()
                .any(|row| !is_last(row) && product(&row.fact).is_some_and(|product| told.contains(&product)));
            if is_anew {
                let (last, earlier): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_last);
                lines = last;
                replaced.extend(earlier);
            }
        }
        if lines.iter().all(|row| product(&row.fact) == product(&newest.fact)) {
            replaced.append(&mut lines);
        }
        Standing { newest, lines, replaced }
    }
}

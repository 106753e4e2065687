//! Which of a file's columns are the table's. Owns the matching of names, in headers as in the keys of JSON objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::Table;
use foldhash::HashMap;

use crate::cells::{Cell, MAX_COLUMNS};
use crate::issues::{Issues, Reason};
use crate::names::{is_near, is_same};
use crate::tables::{Column, columns};
use crate::{SourceError, SourceFile, TableMapping};

/// Where a file has the columns of its table.
pub(crate) struct Columns<'f, const N: usize = MAX_COLUMNS> {
    pub(crate) positions: [Option<usize>; N],
    /// What every row has in the columns that the file hasn't.
    pub(crate) constants: [Cell<'f>; N],
    pub(crate) seen: SeenColumns,
}

/// Which columns of its table a file had.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SeenColumns {
    has: [bool; MAX_COLUMNS],
    near: Vec<NearMiss>,
}

/// A column that was not read although it may be meant for one that is missing.
#[derive(Debug, PartialEq)]
struct NearMiss {
    found: String,
    missing: &'static str,
}

impl<'f, const N: usize> Columns<'f, N> {
    /// Finds the columns of a row among the file's own, where the required ones must be.
    pub(crate) fn find(file: &'f SourceFile, header: &[&str]) -> Result<Self, SourceError> {
        let mut positions = [None; N];
        let mut constants = [Cell::Missing; N];
        let mut has = [false; MAX_COLUMNS];
        for (i, column) in columns(file.table).iter().enumerate() {
            positions[i] = best(file, column, &header.iter().copied())?;
            let constant = constant(file, column)?;
            constants[i] = constant.unwrap_or_default();
            has[i] = positions[i].is_some() || constant.is_some();
            if column.required && !has[i] && file.mapping.requires(column.name) {
                let near = header.iter().find(|name| is_near(name, column.name)).map(|name| name.trim().to_owned());
                return Err(SourceError::MissingColumn { file: file.path.clone(), column: column.name, near });
            }
        }
        for (extra, position) in file.mapping.extras(file.table).zip(&mut positions[columns(file.table).len()..]) {
            let ranked = header.iter().enumerate().filter_map(|(i, name)| Some((named(extra.names, name)?, i)));
            *position = ranked.min().map(|(_, i)| i);
            if extra.required && position.is_none() {
                let column = extra.names.first().cloned().unwrap_or_default();
                return Err(SourceError::MissingFilter { file: file.path.clone(), column });
            }
        }
        let seen = SeenColumns { has, near: near_misses(file, &has, header.iter().copied()) };
        Ok(Self { positions, constants, seen })
    }
}

/// Whether a header has the columns that every file of the table must have.
pub(crate) fn has_required(file: &SourceFile, header: &[&str]) -> bool {
    let has = |column: &Column| {
        header.iter().any(|name| rank(&file.mapping, column, name).is_some())
            || constant(file, column).is_ok_and(|constant| constant.is_some())
    };
    let required = |column: &&Column| column.required && file.mapping.requires(column.name);
    columns(file.table).iter().filter(required).all(has)
}

/// How many cells a row of a file has.
pub(crate) fn width_of(file: &SourceFile) -> usize {
    columns(file.table).len() + file.mapping.extras(file.table).count()
}

/// Whether a file's column of that name is read.
pub(crate) fn is_column(file: &SourceFile, name: &str) -> bool {
    columns(file.table).iter().any(|column| rank(&file.mapping, column, name).is_some())
        || file.mapping.extras(file.table).any(|extra| named(extra.names, name).is_some())
}

/// The place of a column among the names of a file: the mapping's first name that is there, or the contract's, or else
/// one that other systems use for it.
fn best<'a>(
    file: &SourceFile,
    column: &Column,
    names: &(impl Iterator<Item = &'a str> + Clone),
) -> Result<Option<usize>, SourceError> {
    let ranked = names.clone().enumerate().filter_map(|(i, name)| Some((rank(&file.mapping, column, name)?, i, name)));
    let Some((best, position, first)) = ranked.clone().min() else { return Ok(None) };
    match ranked.into_iter().find(|(rank, other, _)| *rank == best && *other != position) {
        Some((_, _, second)) => Err(ambiguous(file, column, first, second)),
        None => Ok(Some(position)),
    }
}

fn ambiguous(file: &SourceFile, column: &Column, first: &str, second: &str) -> SourceError {
    let [first, second] = [first, second].map(|name| name.trim().to_owned());
    SourceError::AmbiguousColumn { file: file.path.clone(), column: column.name, first, second }
}

/// How good a name is for a column: the smaller, the better; `None` when it is another column's.
fn rank(mapping: &TableMapping, column: &Column, name: &str) -> Option<usize> {
    match mapping.columns.get(column.name) {
        Some(mapped) => named(mapped, name),
        None if is_same(name, column.name) => Some(0),
        None => column.aliases.iter().position(|alias| is_same(name, alias)).map(|alias| alias + 1),
    }
}

/// The place of a file's column among the names that a mapping has for it.
fn named(mapped: &[String], name: &str) -> Option<usize> {
    mapped.iter().enumerate().find_map(|(i, mapped)| {
        // Somebody who wrote a name down means exactly that one, if it is there.
        if mapped == name.trim() { Some(2 * i) } else { is_same(name, mapped).then_some(2 * i + 1) }
    })
}

/// What all rows of a file have in a column: by the mapping, or by the names of its folders.
fn constant<'f>(file: &'f SourceFile, column: &Column) -> Result<Option<Cell<'f>>, SourceError> {
    if let Some(constant) = file.mapping.constants.get(column.name) {
        return Ok(Some(Cell::Text(constant)));
    }
    let position = best(file, column, &file.constants.iter().map(|(name, _)| &**name))?;
    Ok(position.map(|position| file.constants[position].1.as_deref().map_or(Cell::Missing, Cell::Text)))
}

/// The names of a file that no column has, but that are much like a missing one's.
fn near_misses<'a>(
    file: &'a SourceFile,
    has: &[bool; MAX_COLUMNS],
    names: impl Iterator<Item = &'a str>,
) -> Vec<NearMiss> {
    let table = columns(file.table);
    let missing = table.iter().zip(has).filter(|(_, has)| !**has).map(|(column, _)| column.name);
    let folders = file.constants.iter().map(|(name, _)| &**name);
    let unread = names.chain(folders).filter(|name| !is_column(file, name));
    unread
        .filter_map(|name| {
            let missing = missing.clone().find(|missing| is_near(name, missing))?;
            Some(NearMiss { found: name.trim().to_owned(), missing })
        })
        .collect()
}

/// The keys of a file's JSON objects, each looked up once: most objects have the same in the same order.
pub(crate) struct Keys<'f, const N: usize = MAX_COLUMNS> {
    file: &'f SourceFile,
    constants: [Cell<'f>; N],
    known: Vec<(String, Vec<Place>)>,
    index: HashMap<String, usize>,
    /// The key that is likely to come next.
    next: usize,
    /// Two keys for one column.
    ambiguous: Option<SourceError>,
}

/// A cell that a key is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) column: usize,
    /// Of several keys for one column the one with the lowest rank counts.
    pub(crate) rank: usize,
}

impl<'f, const N: usize> Keys<'f, N> {
    /// Keys of no column beyond these are looked up each time.
    const MOST: usize = 4096;

    pub(crate) fn of(file: &'f SourceFile) -> Result<Self, SourceError> {
        let mut constants = [Cell::Missing; N];
        for (cell, column) in constants.iter_mut().zip(columns(file.table)) {
            *cell = constant(file, column)?.unwrap_or_default();
        }
        Ok(Self { file, constants, known: Vec::new(), index: HashMap::default(), next: 0, ambiguous: None })
    }

    /// What a row has in columns for which it has no key.
    pub(crate) fn constants(&self) -> &[Cell<'f>; N] {
        &self.constants
    }

    /// The columns that a key is for; most have none.
    pub(crate) fn places(&mut self, key: &str) -> &[Place] {
        let hit = self.known.get(self.next).is_some_and(|(known, _)| known == key);
        let i = if hit {
            self.next
        } else if let Some(&i) = self.index.get(key) {
            i
        } else {
            let places = self.find(key);
            if places.is_empty() && self.known.len() >= Self::MOST {
                return &[];
            }
            self.learn(key, places)
        };
        self.next = if i + 1 == self.known.len() { 0 } else { i + 1 };
        &self.known[i].1
    }

    fn find(&self, key: &str) -> Vec<Place> {
        let file = self.file;
        let own = columns(file.table).iter().map(|column| rank(&file.mapping, column, key));
        let others = file.mapping.extras(file.table).map(|extra| named(extra.names, key));
        let ranks = own.chain(others).enumerate();
        ranks.filter_map(|(column, rank)| rank.map(|rank| Place { column, rank })).collect()
    }

    fn learn(&mut self, key: &str, places: Vec<Place>) -> usize {
        self.index.insert(key.to_owned(), self.known.len());
        self.known.push((key.to_owned(), places));
        self.known.len() - 1
    }

    /// Notes that an object has a second key for a column, which is as good as its first.
    pub(crate) fn refuse(&mut self, place: Place, key: &str) {
        // A column that rows are only filtered by has no place in the contract.
        let Some(column) = columns(self.file.table).get(place.column) else { return };
        let is_first = |(known, places): &&(String, Vec<Place>)| known != key && places.contains(&place);
        let first = self.known.iter().find(is_first).map_or(key, |(known, _)| known);
        let error = ambiguous(self.file, column, first, key);
        self.ambiguous.get_or_insert(error);
    }

    /// An error once an object had two keys for one column.
    pub(crate) fn check(&mut self) -> Result<(), SourceError> {
        self.ambiguous.take().map_or(Ok(()), Err)
    }

    /// The columns seen; `None` when no object was.
    pub(crate) fn seen(&self) -> Result<Option<SeenColumns>, SourceError> {
        if self.known.is_empty() {
            return Ok(None);
        }
        let mut has = [false; MAX_COLUMNS];
        for (i, column) in columns(self.file.table).iter().enumerate() {
            let is_key = self.known.iter().any(|(_, places)| places.iter().any(|place| place.column == i));
            has[i] = is_key || constant(self.file, column)?.is_some();
        }
        let near = near_misses(self.file, &has, self.known.iter().map(|(key, _)| &**key));
        Ok(Some(SeenColumns { has, near }))
    }
}

/// The columns that the files of one table had.
pub(crate) struct TableColumns {
    table: Table,
    /// Apart by mapping: files of different mappings are meant to differ.
    groups: Vec<(Arc<TableMapping>, Group)>,
}

#[derive(Default)]
struct Group {
    /// Of each column, how many files have it.
    with: [u64; MAX_COLUMNS],
    /// How many have not, and the first of them.
    without: [(u64, String); MAX_COLUMNS],
    /// How many files have a column that may be meant for another, and the first of them.
    near: BTreeMap<(String, &'static str), (u64, String)>,
}

impl TableColumns {
    pub(crate) fn of(table: Table) -> Self {
        Self { table, groups: Vec::new() }
    }

    pub(crate) fn add(&mut self, file: &SourceFile, seen: SeenColumns) {
        let known = self.groups.iter().position(|(mapping, _)| Arc::ptr_eq(mapping, &file.mapping));
        let known = known.unwrap_or_else(|| {
            self.groups.push((Arc::clone(&file.mapping), Group::default()));
            self.groups.len() - 1
        });
        let group = &mut self.groups[known].1;
        for (i, has) in seen.has.into_iter().enumerate() {
            if has {
                group.with[i] += 1;
            } else {
                count(&mut group.without[i], &file.path);
            }
        }
        for NearMiss { found, missing } in seen.near {
            count(group.near.entry((found, missing)).or_default(), &file.path);
        }
    }

    /// Says which columns only some files have, and which may be meant for ones that are missing.
    pub(crate) fn say(&self, issues: &mut Issues) {
        for (_, group) in &self.groups {
            for ((column, with), (without, first)) in columns(self.table).iter().zip(group.with).zip(&group.without) {
                if with > 0 && *without > 0 {
                    let example = format!("{first} has no {}", column.name);
                    issues.note(self.table, Reason::ColumnInSomeFiles, *without, || example);
                }
            }
            for ((found, missing), (files, first)) in &group.near {
                let example = || format!("{first}: {found:?} is not read, and there is no {missing}");
                issues.note(self.table, Reason::NearColumn, *files, example);
            }
        }
    }
}

fn count((files, first): &mut (u64, String), path: &str) {
    if *files == 0 {
        path.clone_into(first);
    }
    *files += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::file_of;

    fn find(file: &SourceFile, header: &[&str]) -> Result<[Option<usize>; MAX_COLUMNS], String> {
        Columns::find(file, header).map(|columns| columns.positions).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_are_matched_without_case_blanks_and_hyphens() {
        let file = file_of(Table::HealthScoreHistory, "h.csv");
        let positions = find(&file, &["Score", "Recorded-At", "other", "CUSTOMER ID"]).expect("all there");
        assert_eq!(positions[..3], [Some(3), Some(1), Some(0)]);
    }

    #[test]
    fn two_columns_for_one_are_refused_by_name() {
        let file = file_of(Table::HealthScoreHistory, "h.csv");
        let error = find(&file, &["score", "recorded_at", "customer_id", "Customer ID"]).expect_err("ambiguous");
        assert_eq!(error, "h.csv has two columns for customer_id: customer_id and Customer ID");
        assert!(find(&file, &["score", "recorded_at", "customer_id", "score"]).is_err());
    }

    #[test]
    fn a_missing_column_is_named_with_what_may_be_meant() {
        let file = file_of(Table::HealthScoreHistory, "h.csv");
        let error = find(&file, &["score", "recorded_at", "custmer_id"]).expect_err("missing");
        assert_eq!(error, "h.csv has no column customer_id, which is required; is custmer_id meant?");
    }

    #[test]
    fn a_folder_gives_a_column_unless_the_file_has_it() {
        let mut file = file_of(Table::Customers, "c.csv");
        let constant = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        file.constants = vec![constant("Segment", Some("SMB")), constant("region", None), constant("day", Some("1"))];
        let found = Columns::<MAX_COLUMNS>::find(&file, &["customer_id", "created_at", "region"]).expect("all there");
        assert_eq!(found.positions[2..4], [None, None]);
        assert_eq!(found.constants[2..5], [Cell::Text("SMB"), Cell::Missing, Cell::Missing]);
        assert_eq!(found.positions[4], Some(2), "the file's own");
        assert_eq!(found.seen.near, []);

        file.constants = vec![constant("segement", Some("SMB")), constant("customer_id", Some("c1"))];
        let found = Columns::<MAX_COLUMNS>::find(&file, &["created_at"]).expect("a folder has the required column");
        assert_eq!(found.seen.near, [NearMiss { found: "segement".to_owned(), missing: "segment" }]);
    }

    #[test]
    fn a_mapping_says_which_columns_count() {
        let mut file = file_of(Table::Customers, "c.csv");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut mapping = TableMapping::default();
        mapping.columns.insert("customer_id".to_owned(), names(&["AccountId", "Id"]));
        mapping.columns.insert("name".to_owned(), names(&["Id"]));
        mapping.constants.insert("segment".to_owned(), "SMB".to_owned());
        file.mapping = Arc::new(mapping);
        let found = Columns::<MAX_COLUMNS>::find(&file, &["customer_id", "created_at", "ID", "Id"]).expect("all there");
        assert_eq!(found.positions[..2], [Some(3), Some(3)], "the exact name, for both");
        assert_eq!(found.constants[2], Cell::Text("SMB"));
        let found = Columns::<MAX_COLUMNS>::find(&file, &["Id", "created_at", "account_id"]).expect("all there");
        assert_eq!(found.positions[0], Some(2), "the first of the mapping's names");
        assert!(find(&file, &["customer_id", "created_at"]).is_err());
    }

    #[test]
    fn keys_are_looked_up_in_any_order() {
        let file = file_of(Table::Customers, "c.json");
        let mut keys = Keys::<MAX_COLUMNS>::of(&file).expect("keys");
        for _ in 0..2 {
            for (key, column) in [("customer_id", 0), ("Segment", 2), ("CreatedAt", 6)] {
                assert_eq!(keys.places(key), [Place { column, rank: 0 }], "{key}");
            }
            assert_eq!(keys.places("segement"), []);
        }
        for i in 0..2 * Keys::<MAX_COLUMNS>::MOST {
            assert_eq!(keys.places(&format!("x{i}")), []);
        }
        assert_eq!(keys.places("region"), [Place { column: 4, rank: 0 }], "beyond those remembered");
        assert!(keys.check().is_ok());
        let place = keys.places("SEGMENT")[0];
        assert!(keys.check().is_ok(), "other objects may write it otherwise");
        keys.refuse(place, "SEGMENT");
        let error = keys.check().expect_err("two keys for one").to_string();
        assert_eq!(error, "c.json has two columns for segment: Segment and SEGMENT");
    }
}

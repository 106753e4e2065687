//! Reading a source, table by table and file by file.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use expansion_domain::{Conventions, DataIssue, SourceData, Table};

use crate::assembly::{Assembly, Owner};
use crate::columns::TableColumns;
use crate::first_won::FirstWon;
use crate::issues::{Issues, Reason, Rejection};
use crate::line_items::LineItems;
use crate::mapping::Rows;
use crate::open::{decode, open};
use crate::shape::Shape;
use crate::tables::DealWords;
use crate::words::Vocabulary;
use crate::{Inventory, SourceError, SourceFile};

/// What is still tolerated of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The largest share (0 to 1) of a table's rows that may be bad.
    pub max_bad_share: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bad_share: 0.05 }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The histories and the catalogue.
    pub data: SourceData,
    /// The rows left out or said to be odd, by table and reason.
    pub issues: Vec<DataIssue>,
    /// Rows read of each table the source holds: good, bad, repeated, and other shards' rows alike.
    pub rows: BTreeMap<Table, u64>,
    /// The words of stages and types of deals, with what they were taken for.
    pub words: Vec<SeenWord>,
    /// How values were taken to be meant.
    pub conventions: Conventions,
}

/// A word that rows have in a column whose words have a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenWord {
    pub table: Table,
    pub column: &'static str,
    /// In lower case; `None` for all those beyond the first 200.
    pub word: Option<String>,
    pub taken_for: String,
    pub rows: u64,
}

/// Reads a source, or one shard of it.
///
/// A shard consists of the files of bucket `shard` and all files without a bucket, from which the rows of customers
/// outside the shard are skipped. The catalogue is always read whole. The tables listed are those of the
/// whole source, so that all shards agree. Files of a folder are read on the calling thread.
///
/// What only the whole of a source shows is found out of what is read; [`read_by`] is told it.
///
/// # Errors
/// When a file can't be read, lacks a required column or has one of an unsupported type; when more of a table's rows
/// are bad than `limits` or its mapping allow (of a shard's rows only those of unknown customers are held against that, and
/// only in required tables: all other bad rows of a table may well lie in one shard); when a required table has no good row (a shard may well have none);
/// when there is no such shard.
pub async fn read(inventory: &Inventory, s3: &Client, shard: Option<u32>, limits: Limits) -> Result<Read, SourceError> {
    read_by(inventory, s3, shard, limits, None).await
}

/// Reads a source, or one shard of it, by what the whole of it showed. A shard alone may show something else.
///
/// # Errors
/// As [`read`].
pub async fn read_by(
    inventory: &Inventory,
    s3: &Client,
    shard: Option<u32>,
    limits: Limits,
    conventions: Option<&Conventions>,
) -> Result<Read, SourceError> {
    let shards = inventory.buckets().unwrap_or(1);
    if let Some(shard) = shard.filter(|shard| *shard >= shards) {
        return Err(SourceError::NoSuchShard { shard, shards });
    }
    let mut assembly = Assembly::new(inventory.mapping(), conventions);
    let mut issues = Issues::default();
    let mut rows = BTreeMap::new();
    let mut owners = Vec::new();
    if shard.is_none() {
        inventory.say_passed_over(&mut issues);
    }
    let first_won = FirstWon::read(inventory, s3, shard).await?;
    let mut items = LineItems::default();
    for table in Table::ALL {
        if inventory.files_of(table).next().is_none() {
            continue;
        }
        let mut left_out = Vec::new();
        let mut columns = TableColumns::of(table);
        let mut tally = Tally { whole: shard.is_none(), ..Tally::default() };
        let mut files: Vec<_> = inventory.files_of(table).filter(|file| in_shard(file, shard)).collect();
        // The products of deals come before the deals.
        files.sort_by_key(|file| file.mapping.rows == Rows::Facts);
        for file in files {
            let body = open(inventory.location(), &file.path, s3).await?;
            assembly.begin(file);
            if file.mapping.rows == Rows::LineItems {
                let nothing = LineItems::default();
                let shape = Shape::of(file, &first_won, &nothing);
                decode(body, file, shape.as_ref(), &mut left_out, &mut |line, rows| match rows {
                    Ok(rows) => {
                        for (line, row) in (line..).zip(rows) {
                            tally.count(&mut issues, file, line, items.add(row));
                        }
                    }
                    Err(rejection) => tally.count(&mut issues, file, line, Err(rejection)),
                })?;
                continue;
            }
            let shape = Shape::of(file, &first_won, &items);
            // In a file of all shards, a customer who is not there is another shard's; elsewhere there is none.
            let is_of_all = shard.is_some() && file.bucket.is_none() && shards > 1;
            let seen = decode(body, file, shape.as_ref(), &mut left_out, &mut |line, rows| match rows {
                Ok(rows) => {
                    // All look-ups first: they wait for memory together instead of one after the other.
                    owners.extend(rows.iter().map(|row| assembly.owner(table, row)));
                    for ((line, row), owner) in (line..).zip(rows).zip(owners.drain(..)) {
                        let outcome = match owner {
                            Ok(Owner::Stranger) if is_of_all => Ok(()),
                            owner => owner.and_then(|owner| assembly.add(table, line, row, owner)),
                        };
                        for note in assembly.notes.drain(..) {
                            issues.add(table, &file.path, line, &note);
                        }
                        tally.count(&mut issues, file, line, outcome);
                    }
                }
                Err(rejection) => tally.count(&mut issues, file, line, Err(rejection)),
            })?;
            if let Some(seen) = seen {
                columns.add(file, seen);
            }
        }
        // What is said of files is said once, where all of them are read.
        if shard.is_none() {
            columns.say(&mut issues);
        }
        for id in &left_out {
            assembly.leave_out(id);
        }
        let any = assembly.close(table, &first_won, &mut issues);
        let of_table = inventory.files_of(table).find_map(|file| file.mapping.max_bad_share);
        tally.check(table, any, of_table.map_or(limits, |max_bad_share| Limits { max_bad_share }))?;
        // The rows of unknown customers may well lie in one shard.
        let of_table = inventory.files_of(table).find_map(|file| file.mapping.max_unknown_share);
        if let Some(limit) = of_table.filter(|_| shard.is_none()) {
            tally.check_unknown(table, limit)?;
        }
        rows.insert(table, tally.rows);
    }
    let tables = rows.keys().copied().collect();
    let words = seen_words(&assembly.words);
    let (data, conventions) = assembly.finish(tables, &mut issues);
    Ok(Read { data, issues: issues.into_list(), rows, words, conventions })
}

fn seen_words(words: &DealWords) -> Vec<SeenWord> {
    fn of<K: Copy + Ord + ToString>(column: &'static str, words: &Vocabulary<K>) -> impl Iterator<Item = SeenWord> {
        words.counts().map(move |(word, kind, rows)| SeenWord {
            table: Table::ExpansionOpportunities,
            column,
            word: word.map(str::to_owned),
            taken_for: kind.to_string(),
            rows,
        })
    }
    of("stage", &words.stages).chain(of("deal_type", &words.types)).collect()
}

pub(crate) fn in_shard(file: &SourceFile, shard: Option<u32>) -> bool {
    file.table == Table::Products || shard.is_none() || file.bucket.is_none() || file.bucket == shard
}

/// Good and bad rows of one table.
#[derive(Default)]
struct Tally {
    /// Whether the whole table is read.
    whole: bool,
    rows: u64,
    /// Bad rows that count towards the limit.
    bad: u64,
    /// The first of them.
    example: Option<String>,
    /// Rows of customers who are not there, and the first of them.
    unknown: u64,
    stranger: Option<String>,
}

impl Tally {
    fn count(&mut self, issues: &mut Issues, file: &SourceFile, line: u64, outcome: Result<(), Rejection>) {
        match outcome {
            Ok(()) => self.rows += 1,
            Err(rejection) => {
                self.rows += rejection.rows;
                if rejection.reason == Reason::UnknownCustomer {
                    self.unknown += rejection.rows;
                    self.stranger.get_or_insert_with(|| rejection.described(&file.path, line));
                }
                let is_bad = rejection.reason.is_bad(file.table);
                if is_bad && (self.whole || rejection.reason == Reason::UnknownCustomer) {
                    self.bad += rejection.rows;
                    self.example.get_or_insert_with(|| rejection.described(&file.path, line));
                }
                issues.add(file.table, &file.path, line, &rejection);
            }
        }
    }

    /// Fails a table of too many bad rows, and a required one of which no row counts.
    fn check(&self, table: Table, any: bool, limits: Limits) -> Result<(), SourceError> {
        if self.whole && table.required() && !any {
            return Err(SourceError::RequiredTableEmpty { table, rows: self.rows, example: self.example.clone() });
        }
        self.check_share(table, self.bad, limits.max_bad_share, self.example.as_ref())
    }

    /// Fails a table of too many rows of customers who are not there.
    fn check_unknown(&self, table: Table, limit: f64) -> Result<(), SourceError> {
        self.check_share(table, self.unknown, limit, self.stranger.as_ref())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of rows needs no more than 53 bits")]
    fn check_share(&self, table: Table, bad: u64, limit: f64, example: Option<&String>) -> Result<(), SourceError> {
        if bad as f64 <= limit * self.rows as f64 {
            return Ok(());
        }
        Err(SourceError::TooManyBadRows {
            table,
            bad,
            rows: self.rows,
            // To two places, so that 0.07 reads as 7 and not as 7.000000000000001.
            limit_percent: (limit * 1e4).round() / 1e2,
            example: example.cloned().unwrap_or_default(),
        })
    }
}

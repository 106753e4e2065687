//! Reading a source, table by table and file by file.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use expansion_domain::{DataIssue, SourceData, Table};

use crate::assembly::{Assembly, Owner};
use crate::columns::TableColumns;
use crate::issues::{Issues, Reason, Rejection};
use crate::open::{decode, open};
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
    /// The rows left out, by table and reason, and what else is to be said.
    pub issues: Vec<DataIssue>,
    /// Rows read of each table the source holds: good, bad, repeated, and other shards' rows alike.
    pub rows: BTreeMap<Table, u64>,
}

/// Reads a source, or one shard of it.
///
/// A shard consists of the files of bucket `shard` and all files without a bucket, from which the rows of customers
/// outside the shard are skipped. The catalogue is always read whole. The tables listed are those of the
/// whole source, so that all shards agree. Files of a folder are read on the calling thread.
///
/// # Errors
/// When a file can't be read, lacks a required column or has one of an unsupported type; when more of a table's rows
/// are bad than `limits` allow (of a shard's rows only those in the wrong bucket are held against that: all other bad
/// rows of a table may well lie in one shard); when a required table has no good row (a shard may well have none);
/// when there is no such shard.
pub async fn read(inventory: &Inventory, s3: &Client, shard: Option<u32>, limits: Limits) -> Result<Read, SourceError> {
    let shards = inventory.buckets().unwrap_or(1);
    if let Some(shard) = shard.filter(|shard| *shard >= shards) {
        return Err(SourceError::NoSuchShard { shard, shards });
    }
    let mut assembly = Assembly::default();
    let mut issues = Issues::default();
    let mut rows = BTreeMap::new();
    let mut owners = Vec::new();
    if shard.is_none() {
        inventory.say_passed_over(&mut issues);
    }
    for table in Table::ALL {
        if inventory.files_of(table).next().is_none() {
            continue;
        }
        let mut columns = TableColumns::of(table);
        let mut tally = Tally { whole: shard.is_none(), ..Tally::default() };
        for file in inventory.files_of(table).filter(|file| in_shard(file, shard)) {
            let body = open(inventory.location(), &file.path, s3).await?;
            // In a file of all shards, a customer who is not there is another shard's; elsewhere there is none.
            let is_of_all = shard.is_some() && file.bucket.is_none() && shards > 1;
            let seen = decode(body, file, &mut |line, rows| match rows {
                Ok(rows) => {
                    // All look-ups first: they wait for memory together instead of one after the other.
                    owners.extend(rows.iter().map(|row| assembly.owner(table, row)));
                    for ((line, row), owner) in (line..).zip(rows).zip(owners.drain(..)) {
                        let outcome = match owner {
                            Ok(Owner::Stranger) if is_of_all => Ok(()),
                            owner => owner.and_then(|owner| assembly.add(table, row, owner)),
                        };
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
        tally.check(table, limits)?;
        rows.insert(table, tally.rows);
    }
    let tables = rows.keys().copied().collect();
    Ok(Read { data: assembly.finish(tables), issues: issues.into_list(), rows })
}

fn in_shard(file: &SourceFile, shard: Option<u32>) -> bool {
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
}

impl Tally {
    fn count(&mut self, issues: &mut Issues, file: &SourceFile, line: u64, outcome: Result<(), Rejection>) {
        match outcome {
            Ok(()) => self.rows += 1,
            Err(rejection) => {
                self.rows += rejection.rows;
                if self.whole || rejection.reason == Reason::UnknownCustomer {
                    self.bad += rejection.rows;
                    self.example.get_or_insert_with(|| rejection.described(&file.path, line));
                }
                issues.add(file.table, &file.path, line, &rejection);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of rows needs no more than 53 bits")]
    fn check(&self, table: Table, limits: Limits) -> Result<(), SourceError> {
        if self.whole && table.required() && self.bad == self.rows {
            return Err(SourceError::RequiredTableEmpty { table, rows: self.rows, example: self.example.clone() });
        }
        if self.bad as f64 > limits.max_bad_share * self.rows as f64 {
            return Err(SourceError::TooManyBadRows {
                table,
                bad: self.bad,
                rows: self.rows,
                // To two places, so that 0.07 reads as 7 and not as 7.000000000000001.
                limit_percent: (limits.max_bad_share * 1e4).round() / 1e2,
                example: self.example.clone().unwrap_or_default(),
            });
        }
        Ok(())
    }
}

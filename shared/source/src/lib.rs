//! Reads the source tables into customers' histories.
//!
//! Owns the contract of the nine tables: where their files lie, which formats and columns they have, which rows are
//! bad. Must not know what the histories are for.
//!
//! [`inventory`] says which files there are; [`read`] turns them into a [`SourceData`](expansion_domain::SourceData).
//! A bad row is counted and left out; a source as a whole that can't be trusted is a [`SourceError`].

mod assembly;
mod cells;
mod columns;
mod conventions;
mod csv;
mod deals;
mod deliveries;
mod delta;
mod error;
mod first_won;
mod forms;
mod inventory;
mod issues;
mod line_items;
mod listing;
mod location;
mod mapping;
mod names;
mod ndjson;
mod numbers;
mod open;
mod parquet;
mod read;
mod salesforce;
mod shape;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod times;
mod usage;
mod versions;
mod words;

pub use error::SourceError;
pub use inventory::{Because, Inventory, PassedOver, SourceFile, inventory};
pub use issues::Reason;
pub use location::{InvalidLocation, Location};
pub use mapping::{Choice, DecimalMark, Filter, Mapping, Pattern, Rows, TableMapping, schema};
pub use names::Format;
pub use read::{Limits, Read, SeenWord, read, read_by};

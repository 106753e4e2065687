//! What the end-to-end tests share: simulated sources, a started stack, and callers of its API.
//!
//! Everything goes through the real handlers. A helper that cannot help fails its test, so there is nothing to check
//! for whoever calls it.

#![allow(clippy::missing_panics_doc, reason = "a helper that cannot help fails its test")]

mod binary;
mod caller;
mod kept;
mod source;
mod world;

pub use binary::Binary;
pub use caller::{Caller, Reply};
pub use source::{END, Source, as_of, portfolio, young};
pub use world::{Item, LIST, REFRESH, World, customer_path, event_json, shard_message, weekly_run, within};

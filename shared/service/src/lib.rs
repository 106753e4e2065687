//! What the product answers, one module for each thing: a typed request comes in, a typed answer or error goes out.
//!
//! Owns: answers and their form, bounds of what may be asked, who may see what, configuration. Must not know: HTTP, Lambda,
//! how answers travel. Reads and writes through `expansion_store`.

pub mod accuracy;
pub mod actions;
pub mod ask;
pub mod config;
pub mod customer;
mod error;
pub mod export;
pub mod list;
pub mod models;
pub mod outcomes;
mod principal;
pub mod refresh;
mod request;
pub mod segments;
pub mod version;
pub mod view;
pub mod what_if;

pub use config::{Config, ConfigError};
pub use error::{Conflict, Error, InvalidParameter};
pub use principal::{ClaimNames, Principal};
pub use request::{IdempotencyKey, Request};

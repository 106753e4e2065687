//! The HTTP API: each route's path, parameters, description and handler in one place.
//!
//! Owns: what requests look like and how they are read, how answers and problems are written, cursors, the OpenAPI document.
//! Must not know: Lambda, where answers come from. Whoever runs the routes says who asks ([`Identity`]).

pub mod accuracy;
pub mod actions;
pub mod ask;
mod cursor;
pub mod customer;
pub mod describe;
pub mod export;
mod extract;
pub mod list;
pub mod models;
mod openapi;
pub mod outcomes;
mod problem;
pub mod query;
pub mod refreshes;
mod respond;
pub mod segments;
mod surface;
#[cfg(test)]
mod tests;
pub mod version;
pub mod what_if;

pub use extract::{Body, Caller, CustomerId, Identity, Key, OptionalBody, RunOfPath, Shared};
pub use openapi::{OPENAPI, document};
pub use problem::Problem;
pub use query::Query;
pub use respond::{Answer, Created, finished};
pub use surface::{Method, State, Surface};

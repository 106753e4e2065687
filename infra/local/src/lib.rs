//! The whole product on this machine, in one process: no account, no container.
//!
//! What exists is read from `infra/template.yaml`, the same text that is deployed. The functions' real handlers run;
//! their AWS clients talk to embedded services over loopback. Functions, queues and the bus behave as on AWS where a
//! program could tell: at least once, in no order, with time limits, retries and dead letters.

#![allow(clippy::doc_markdown, reason = "the services' names are not code")]

mod bus;
mod clock;
mod dynamodb;
mod functions;
mod gateway;
mod ledger;
mod pattern;
mod queue;
pub mod refresh;
mod roles;
mod s3;
mod stack;
pub mod template;

pub use functions::{FunctionError, Outcome};
pub use stack::{Endpoints, Options, Stack, StackError};

//! What the functions share at their edge: the environment on the one side, API Gateway on the other.
//!
//! Owns: reading variables, turning requests into principals and into the row of the customer they are about, and answers
//! into responses. Must not know: what any
//! function does.

mod customer;
mod environment;
mod http;

pub use customer::{current_row, customer_id};
pub use environment::{ConfigError, claim_names, environment, number, parsed, required};
pub use http::{claim, entries, principal, reply, requested_at, respond, to_problem};

//! What the functions share at their edge: the environment on the one side, API Gateway on the other.
//!
//! Owns: reading variables, and turning requests into principals and answers into responses. Must not know: what any
//! function does.

mod environment;
mod http;

pub use environment::{ConfigError, claim_names, environment, number, parsed, required};
pub use http::{principal, reply, requested_at, to_problem};

//! What can go wrong with a request, whatever it travels by.

use std::fmt::Display;
use std::ops::RangeInclusive;

use expansion_domain::Instant;
use expansion_store::{CommandRefused, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

/// A request is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no refresh has completed yet")]
    NoRunYet,
    /// There is no such thing, or it is not the caller's to see; which of the two is not said.
    #[error("there is no {0}")]
    NotFound(&'static str),
    #[error("{}", in_words(.0))]
    InvalidParameters(Vec<InvalidParameter>),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

/// Things are not as the request takes them to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("This Idempotency-Key was used for a refresh as of {as_of}.")]
    KeyOfRefresh { as_of: Instant },
    #[error("This Idempotency-Key was used for another action, or for the same one with other parameters.")]
    KeyOfAction,
    #[error("This Idempotency-Key was used to record something else.")]
    KeyOfOutcome,
    #[error(transparent)]
    Champion(#[from] CommandRefused),
}

impl Conflict {
    /// Whether an idempotency key was used for something else.
    pub const fn is_of_key(&self) -> bool {
        !matches!(self, Self::Champion(_))
    }
}

/// A parameter that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InvalidParameter {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidParameter {
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: reason.into() }
    }

    /// A number is no number, or out of bounds.
    pub fn not_within<T: Display>(name: &str, bounds: &RangeInclusive<T>) -> Self {
        Self::new(name, format!("must be a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

impl From<InvalidParameter> for Error {
    fn from(parameter: InvalidParameter) -> Self {
        Self::InvalidParameters(vec![parameter])
    }
}

impl Error {
    /// One parameter is wrong.
    pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Self {
        InvalidParameter::new(name, reason).into()
    }
}

fn in_words(parameters: &[InvalidParameter]) -> String {
    let named: Vec<String> = parameters.iter().map(|wrong| format!("{}: {}", wrong.name, wrong.reason)).collect();
    named.join("; ")
}

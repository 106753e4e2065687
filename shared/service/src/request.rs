//! What comes with a request that changes something, whatever it asks for.

use std::str::FromStr;

use expansion_domain::Instant;
use schemars::{Schema, SchemaGenerator, json_schema};

use crate::{Error, InvalidParameter};

/// The longest idempotency key that is taken.
const MOST_KEY: usize = 255;

/// A request that changes something.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<T> {
    /// What is asked for.
    pub body: T,
    pub idempotency_key: Option<IdempotencyKey>,
    pub received_at: Instant,
}

/// The key under which a repeated request is recognised: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidParameter;

    fn from_str(key: &str) -> Result<Self, InvalidParameter> {
        if key.is_empty() || key.len() > MOST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidParameter::new("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
        }
        Ok(Self(key.to_owned()))
    }
}

/// Reads a date or a time that must not lie after the request.
pub(crate) fn past(name: &str, text: &str, received_at: Instant) -> Result<Instant, Error> {
    let at: Instant =
        text.parse().map_err(|e: expansion_domain::InvalidInstant| Error::invalid(name, e.to_string()))?;
    if at > received_at { Err(Error::invalid(name, "must not be in the future")) } else { Ok(at) }
}

/// The schema of a text that is read as an [`Instant`], or nothing.
pub(crate) fn date_or_time(_: &mut SchemaGenerator) -> Schema {
    let formats = ["date", "date-time"].map(|format| json_schema!({"type": "string", "format": format}));
    let [date, time] = formats;
    json_schema!({"anyOf": [date, time, {"type": "null"}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        for bad in ["", "a b", "ü", &"k".repeat(256)] {
            let refused = bad.parse::<IdempotencyKey>().map_err(|wrong| wrong.name);
            assert_eq!(refused, Err("Idempotency-Key".to_owned()), "{bad:?}");
        }
        assert_eq!("k-1".parse::<IdempotencyKey>().as_ref().map(IdempotencyKey::as_str), Ok("k-1"));
    }
}

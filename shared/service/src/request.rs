//! What comes with a request that changes something, whatever it asks for.

use std::str::FromStr;

use expansion_domain::{Instant, InvalidInstant, RunId};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

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

impl<T> Request<T> {
    /// The id of what a request about a customer makes: derived from its idempotency key, or, where there is none, from the
    /// run, the day and what is said. The same twice, or a second click, is once; next month's may be just like it.
    pub(crate) fn id(&self, made: &str, customer_id: &str, run_id: &RunId, said: &impl Serialize) -> Uuid {
        let said = || serde_json::to_string(said).unwrap_or_default();
        let seed = match &self.idempotency_key {
            Some(key) => format!("key {}", key.as_str()),
            None => format!("{run_id} {} {}", self.received_at.date(), said()),
        };
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("expansion-propensity:{made}:{customer_id}:{seed}").as_bytes())
    }
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
    let at: Instant = text.parse().map_err(|e: InvalidInstant| Error::invalid(name, e.to_string()))?;
    if at > received_at { Err(Error::invalid(name, "must not be in the future")) } else { Ok(at) }
}

/// The schema of a text that is read as an [`Instant`], or nothing.
pub(crate) fn date_or_time(_: &mut SchemaGenerator) -> Schema {
    let text = |format| json!({"type": "string", "format": format});
    json_schema!({"anyOf": [text("date"), text("date-time"), {"type": "null"}]})
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

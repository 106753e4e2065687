//! The two things that nothing else here may reach for: the clock and chance.

use jiff::Timestamp;

#[allow(clippy::disallowed_methods, reason = "the local stack stands where AWS would stamp the time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// An id that no one else has.
pub(crate) fn fresh_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// 32 random bytes in hexadecimal.
pub(crate) fn fresh_secret() -> String {
    let [high, low]: [u128; 2] = rand::random();
    format!("{high:032x}{low:032x}")
}

//! The `Idempotency-Key` header: what a key looks like.

use crate::Problem;

/// The longest key that is taken.
const MOST_KEY: usize = 255;

/// Checks a key, if one was given.
///
/// # Errors
/// A 400 problem for a key that is none.
pub(crate) fn check_key(key: Option<&str>) -> Result<(), Problem> {
    match key {
        Some(key) if key.is_empty() || key.len() > MOST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(Problem::invalid_parameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
        }
        _ => Ok(()),
    }
}

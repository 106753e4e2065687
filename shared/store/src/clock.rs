//! The clock. Only records of when something was done use it; what is known is always bounded by `as_of`.

use std::time::{SystemTime, UNIX_EPOCH};

use expansion_domain::Instant;

#[expect(clippy::disallowed_methods, reason = "the edge: records of when something was done")]
pub fn now() -> Instant {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_epoch.as_secs()).unwrap_or_default().saturating_mul(1_000_000);
    Instant::from_micros(micros).unwrap_or(Instant::EPOCH)
}

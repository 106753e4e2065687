//! Counts as numbers to calculate with.

/// A count, to calculate with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn count(n: usize) -> f64 {
    n as f64
}

/// A part of a whole, 0–1; 0 of nothing.
#[must_use]
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { count(part) / count(whole) }
}

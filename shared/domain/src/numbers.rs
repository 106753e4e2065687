//! Numbers: counts to calculate with, and how large ones are written.

/// A count, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn count(n: usize) -> f64 {
    n as f64
}

/// A part of a whole, 0–1; 0 of nothing.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { count(part) / count(whole) }
}

/// A whole number with thousands separated: `1,250,000`.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    format!("{}{}", if value <= -0.5 { "-" } else { "" }, groups.join(","))
}

//! What a refresh run is called. Everything here is derived, so that a repeated request finds its own run again.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Instant;

/// The id of a run, such as `20220630T235959Z-0bd1c9a2`: its `as_of`, then a digest of what caused it.
///
/// Ids sort by `as_of`, so "newer" is a comparison of strings, which a conditional write can make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String", extend("pattern" = "^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$"), description = "")]
pub struct RunId(String);

/// The text is not a run id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run id")]
pub struct InvalidRunId(pub String);

impl RunId {
    /// The run that scores the customers as known at `as_of`, asked for by `cause`, over `horizon_days`.
    ///
    /// ```
    /// # use expansion_domain::{Instant, RunId};
    /// let as_of: Instant = "2022-06-30T23:59:59Z".parse()?;
    /// assert_eq!(RunId::derive(as_of, "schedule", 90), RunId::derive(as_of, "schedule", 90));
    /// assert_ne!(RunId::derive(as_of, "schedule", 90), RunId::derive(as_of, "manual", 90));
    /// # Ok::<(), expansion_domain::InvalidInstant>(())
    /// ```
    pub fn derive(as_of: Instant, cause: &str, horizon_days: u16) -> Self {
        let digest = Sha256::digest(format!("{as_of}\n{cause}\n{horizon_days}"));
        let compact: String = as_of.whole_second().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let tail = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self(format!("{compact}-{tail:08x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number in the id's digest.
    fn digest(&self) -> i64 {
        self.0.rsplit('-').next().and_then(|tail| i64::from_str_radix(tail, 16).ok()).unwrap_or_default()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        let (stamp, digest) = text.split_once('-').unwrap_or_default();
        let (day, second) = stamp.split_once('T').unwrap_or_default();
        let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let valid = digits(day, 8)
            && second.strip_suffix('Z').is_some_and(|second| digits(second, 6))
            && digest.len() == 8
            && digest.bytes().all(is_hex);
        if valid { Ok(Self(text)) } else { Err(InvalidRunId(text)) }
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        text.to_owned().try_into()
    }
}

/// The instant under which a run's rows are stored: its `as_of`, with a fraction of a second that tells apart the
/// runs of one `as_of`. All rows of a run share it, so a repeated write lands on itself, and no run can touch the
/// rows of another.
pub fn calculated_at(as_of: Instant, run: &RunId) -> Instant {
    let fraction = run.digest() % 999_999 + 1;
    Instant::from_micros(as_of.whole_second().micros() + fraction).unwrap_or(as_of)
}

/// The id of a customer's row in a run: a UUID (version 5) derived from both.
pub fn row_id(run: &RunId, customer_id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("expansion-propensity:{run}:{customer_id}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn ids_sort_by_as_of_and_survive_a_round_trip() {
        let older = RunId::derive(at("2022-06-30"), "z", 90);
        let newer = RunId::derive(at("2022-07-01"), "a", 90);
        assert!(older < newer);
        assert_eq!(older.to_string().parse(), Ok(older));
    }

    #[test]
    fn what_is_not_a_run_id_is_refused() {
        for bad in [
            "",
            "x",
            "20220630T000000Z",
            "20220630T000000Z-xyzzy123",
            "20220630T000000Z-0bd1c9a2#top",
            "2022-06-30-0bd1c9a2",
        ] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn rows_of_two_runs_of_one_as_of_never_share_a_key() {
        let as_of = at("2022-06-30");
        let (a, b) = (RunId::derive(as_of, "schedule", 90), RunId::derive(as_of, "manual", 90));
        assert_ne!(calculated_at(as_of, &a), calculated_at(as_of, &b));
        assert!(calculated_at(as_of, &a) > as_of && calculated_at(as_of, &a).whole_second() == as_of);
        assert_ne!(row_id(&a, "c1"), row_id(&b, "c1"));
    }
}

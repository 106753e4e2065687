//! The one kind of time the project uses: an instant in UTC, to the microsecond.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// The beginning of the year 0: what is earlier has no RFC 3339 form.
const YEAR_ZERO_MICROS: i64 = -62_167_219_200_000_000;

/// An instant in UTC with microsecond precision, eight bytes wide because histories hold millions of them.
///
/// Written and read as RFC 3339; a plain date reads as that day's midnight.
///
/// ```
/// # use expansion_domain::Instant;
/// let day: Instant = "2022-06-30".parse()?;
/// assert_eq!(day.to_string(), "2022-06-30T00:00:00Z");
/// assert_eq!(day.plus_days(90).date().to_string(), "2022-09-28");
/// # Ok::<(), expansion_domain::InvalidInstant>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, with = "String", extend("format" = "date-time"), description = "")]
pub struct Instant(i64);

/// The text is neither `YYYY-MM-DD` nor RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a date (YYYY-MM-DD) nor an RFC 3339 time")]
pub struct InvalidInstant(pub String);

impl Instant {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant `micros` microseconds after 1970-01-01T00:00:00Z, or `None` outside the years −9999 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        Timestamp::from_microsecond(micros).is_ok().then_some(Self(micros))
    }

    /// Midnight (UTC) at the start of `date`, or `None` at the very edge of the calendar.
    pub fn from_date(date: Date) -> Option<Self> {
        let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(Self(midnight.as_microsecond()))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by whole days; it saturates at the ends of the calendar.
    pub fn plus_days(self, days: i32) -> Self {
        let moved = self.0.saturating_add(i64::from(days).saturating_mul(MICROS_PER_DAY));
        Self(moved.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond()))
    }

    /// The last whole second of this instant's day: what "as of that date" means.
    pub fn end_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(MICROS_PER_DAY) + MICROS_PER_DAY - 1_000_000)
    }

    /// This instant without its fraction of a second.
    pub fn whole_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000_000))
    }

    /// Days from `earlier` to `self`, with fraction; negative when `earlier` is later.
    #[expect(clippy::cast_precision_loss, reason = "a calendar's microseconds fit 2^53 to within a millisecond")]
    pub fn days_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / MICROS_PER_DAY as f64
    }

    /// The calendar date (UTC) of this instant.
    pub fn date(self) -> Date {
        Offset::UTC.to_datetime(self.timestamp()).date()
    }

    /// The calendar quarter (UTC) of this instant, from 0.
    pub fn quarter(self) -> usize {
        usize::try_from((self.date().month() - 1) / 3).unwrap_or_default()
    }

    fn timestamp(self) -> Timestamp {
        // Every constructor keeps the value in range, so the fallback is never taken.
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl FromStr for Instant {
    type Err = InvalidInstant;

    fn from_str(text: &str) -> Result<Self, InvalidInstant> {
        let parsed = if text.len() == 10 {
            text.parse::<Date>().ok().and_then(Self::from_date)
        } else {
            text.parse::<Timestamp>().ok().map(|t| Self(t.as_microsecond()))
        };
        parsed.filter(|at| at.0 >= YEAR_ZERO_MICROS).ok_or_else(|| InvalidInstant(text.to_owned()))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_and_rfc_3339_and_nothing_else() {
        let day: Instant = "2024-02-29".parse().expect("a leap day");
        assert_eq!(day, "2024-02-29T00:00:00Z".parse().expect("the same as a time"));
        assert_eq!(day, "2024-02-29T01:00:00+01:00".parse().expect("an offset is converted"));
        let before_year_zero = ["-000001-12-31T23:59:59Z", "0000-01-01T00:00:00+01:00"];
        for bad in
            ["", "2023-02-29", "29.02.2024", "2024-02-29T00:00:00", "yesterday"].into_iter().chain(before_year_zero)
        {
            assert!(bad.parse::<Instant>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn days_count_both_ways_and_saturate() {
        let day: Instant = "2022-06-30".parse().expect("a date");
        assert!((day.plus_days(-90).days_since(day) + 90.0).abs() < 1e-9);
        assert_eq!(day.plus_days(i32::MAX), day.plus_days(i32::MAX).plus_days(1));
        assert_eq!(day.end_of_day().to_string(), "2022-06-30T23:59:59Z");
    }
}

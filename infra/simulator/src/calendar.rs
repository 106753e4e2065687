//! Day numbers: the state machine counts days since 1970-01-01; dates are made when a row is recorded.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

/// Days since 1970-01-01.
pub(crate) type Day = i32;

/// Days in a step of the state machine.
pub(crate) const WEEK: Day = 7;

const EPOCH: Date = Date::constant(1970, 1, 1);
const SECONDS_PER_DAY: i64 = 86_400;

pub(crate) fn day_of(date: Date) -> Day {
    (EPOCH.duration_until(date).as_secs() / SECONDS_PER_DAY) as Day
}

pub(crate) fn date_of(day: Day) -> Date {
    Offset::UTC.to_datetime(moment_of(day, 0)).date()
}

/// The month (1–12) of a day.
pub(crate) fn month_of(day: Day) -> u8 {
    date_of(day).month().unsigned_abs()
}

/// The same day `months` calendar months later (the last of a shorter month).
pub(crate) fn months_later(day: Day, months: i32) -> Day {
    day_of(date_of(day).saturating_add(Span::new().months(months)))
}

/// A moment of a day, UTC.
pub(crate) fn moment_of(day: Day, second: i64) -> Timestamp {
    Timestamp::from_second(i64::from(day) * SECONDS_PER_DAY + second).unwrap_or(Timestamp::MAX)
}

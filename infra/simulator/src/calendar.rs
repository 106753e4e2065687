//! Day numbers and the months they fall in.
//!
//! The state machine counts days since 1970 and only asks which month it is;
//! dates are made when a row is recorded.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// Days since 1970-01-01.
pub(crate) type Day = i32;

/// Days in a step of the state machine.
pub(crate) const WEEK: Day = 7;

const EPOCH: Date = Date::constant(1970, 1, 1);
const HOURS_PER_DAY: i64 = 24;
const SECONDS_PER_DAY: i64 = 86_400;

/// The day number of a date.
pub(crate) fn day_of(date: Date) -> Day {
    (EPOCH.duration_until(date).as_hours() / HOURS_PER_DAY) as Day
}

/// The date of a day number.
pub(crate) fn date_of(day: Day) -> Date {
    EPOCH.saturating_add(Span::new().days(day))
}

/// The same day `months` calendar months later (the last of a shorter month).
pub(crate) fn months_later(day: Day, months: i32) -> Day {
    day_of(date_of(day).saturating_add(Span::new().months(months)))
}

/// A moment of a day, UTC.
pub(crate) fn moment_of(day: Day, second: i64) -> Timestamp {
    Timestamp::from_second(i64::from(day) * SECONDS_PER_DAY + second).unwrap_or(Timestamp::MAX)
}

/// The months of a range of days, looked up at every step.
pub(crate) struct Calendar {
    first: Day,
    months: Vec<u8>,
}

impl Calendar {
    /// Covers `first ..= last` and the weeks that overlap its edges.
    pub(crate) fn new(first: Date, last: Date) -> Self {
        let first = day_of(first);
        let months = (first..=day_of(last) + WEEK).map(|day| date_of(day).month().unsigned_abs()).collect();
        Self { first, months }
    }

    /// The month (1–12) of a covered day; the nearest covered one otherwise.
    pub(crate) fn month(&self, day: Day) -> u8 {
        let offset = (day - self.first).max(0) as usize;
        let nearest = offset.min(self.months.len().saturating_sub(1));
        self.months.get(nearest).copied().unwrap_or(1)
    }
}

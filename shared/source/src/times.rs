//! Times as texts and numbers: which moment one stands for.
//!
//! Owns the ways in which exports write times. Must not know rows or columns.

use expansion_domain::Instant;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// 2262-04-11, where calendars that count nanoseconds in 64 bits end: their highest time stands for "never".
const END_OF_NANOSECONDS: i64 = 106_751 * MICROS_PER_DAY;

/// The beginning of the year 0: what is earlier has no RFC 3339 form.
const YEAR_ZERO: i64 = -719_528 * MICROS_PER_DAY;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// A whole day, by its midnight in microseconds since 1970.
    Day(i64),
    /// A time without a zone: the microseconds that clocks of the column's zone showed.
    Local(i64),
    /// Microseconds since 1970 in UTC.
    Utc(i64),
    /// Later than any calendar.
    Never,
}

/// A moment that knows whether it is a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// A day's midnight in UTC, as everywhere in the project.
    pub(crate) at: Instant,
    /// Days since 1970 in the column's zone.
    day: i64,
    is_day: bool,
}

impl Moment {
    /// Whether this moment is certainly over when `other` begins. A day lasts to its end.
    pub(crate) fn is_before(self, other: Self) -> bool {
        if self.is_day || other.is_day { self.day < other.day } else { self.at < other.at }
    }
}

/// How a column writes its times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) style: Style,
    /// The zone of times without one; UTC by default.
    pub(crate) zone: Option<TimeZone>,
    /// Every time is a midnight, so that each stands for its day.
    pub(crate) are_days: bool,
}

/// What the numbers and texts of a column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// Dates and times such as `2024-01-31 12:00:00`.
    #[default]
    Calendar,
    /// No row showed any: each value says by itself what it is.
    Unseen,
    /// Numbers such as 20240131.
    Digits,
    /// Time since 1970.
    Epoch(Unit),
}

/// The seconds since 1970 that are told from larger units by their size alone: from 1973 to 2201.
const EARLIEST: i64 = 100_000_000;
const LATEST: i64 = 7_300_000_000;

/// The unit of times since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    const ALL: [Self; 4] = [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos];

    const fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    fn of(value: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| (EARLIEST..LATEST).contains(&(value / unit.per_second())))
    }

    fn stamp(self, value: i64) -> Option<Stamp> {
        let micros = i128::from(value) * 1_000_000 / i128::from(self.per_second());
        match Self::of(value) {
            _ if is_last_day(value) => Some(Stamp::Never),
            Some(unit) if unit == self => i64::try_from(micros).ok().map(Stamp::Utc),
            None if value / self.per_second() >= LATEST => Some(Stamp::Never),
            _ => None,
        }
    }
}

/// Whether a time since 1970 lies on 9999-12-31 in any unit.
fn is_last_day(value: i64) -> bool {
    Unit::ALL.into_iter().any(|unit| (253_402_214_400..=253_402_300_800).contains(&(value / unit.per_second())))
}

/// What a number or text may be a time as.
pub(crate) fn style_of_number(value: i64) -> Option<Style> {
    if is_last_day(value) {
        return None;
    }
    Unit::of(value).map(Style::Epoch).or_else(|| day_of_digits(value).map(|_| Style::Digits))
}

/// 20240131 as a day.
fn day_of_digits(value: i64) -> Option<Stamp> {
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    (1900..=9999).contains(&year).then(|| days(year, month, day))?.map(|days| Stamp::Day(days * MICROS_PER_DAY))
}

/// The whole number that a text is, also as floats are written: `1717200000.0`, `1.7172E9`.
pub(crate) fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let begins = text.starts_with(|c: char| c.is_ascii_digit());
        begins.then(|| fast_float2::parse(text).ok().and_then(whole_of)).flatten()
    })
}

/// A number as a whole one; a fraction is cut off.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
pub(crate) fn whole_of(number: f64) -> Option<i64> {
    (number.abs() < 9.2e18).then_some(number as i64)
}

impl Times {
    /// The time a text is.
    pub(crate) fn text(&self, text: &str) -> Option<Stamp> {
        match self.style {
            Style::Calendar => parse(text),
            Style::Unseen => parse(text).or_else(|| self.integer(whole(text)?)),
            Style::Digits | Style::Epoch(_) => match text.parse() {
                Ok(value) => self.integer(value),
                Err(_) => self.number(fast_float2::parse(text).ok()?),
            },
        }
    }

    pub(crate) fn integer(&self, value: i64) -> Option<Stamp> {
        match self.style {
            // A column that has nothing but this says so in no unit.
            Style::Calendar => is_last_day(value).then_some(Stamp::Never),
            Style::Unseen => match style_of_number(value) {
                Some(Style::Epoch(unit)) => unit.stamp(value),
                _ => day_of_digits(value).or_else(|| is_last_day(value).then_some(Stamp::Never)),
            },
            Style::Digits => day_of_digits(value),
            Style::Epoch(unit) => unit.stamp(value),
        }
    }

    /// A number, whose fraction counts where it is a time since 1970.
    #[expect(clippy::cast_precision_loss, reason = "units are powers of ten below 2^53")]
    pub(crate) fn number(&self, number: f64) -> Option<Stamp> {
        let whole = whole_of(number)?;
        match self.style {
            Style::Epoch(unit @ (Unit::Seconds | Unit::Millis)) if number.fract() != 0.0 => {
                let micros = whole_of((number * (1_000_000 / unit.per_second()) as f64).round())?;
                unit.stamp(whole).map(|stamp| if stamp == Stamp::Never { stamp } else { Stamp::Utc(micros) })
            }
            _ => self.integer(whole),
        }
    }

    /// When a stamp is, or `None` beyond the calendar.
    pub(crate) fn at(&self, stamp: Stamp) -> Option<Instant> {
        let micros = match (stamp, &self.zone) {
            (Stamp::Never, _) => return None,
            (Stamp::Local(micros), Some(zone)) => in_zone(micros, zone)?,
            (Stamp::Day(micros) | Stamp::Local(micros) | Stamp::Utc(micros), _) => micros,
        };
        Instant::from_micros(micros).filter(|at| at.micros() >= YEAR_ZERO)
    }

    /// The moment of a stamp, or `None` beyond the calendar.
    pub(crate) fn moment(&self, stamp: Stamp) -> Option<Moment> {
        let (at, local) = (self.at(stamp)?, self.local(stamp)?);
        let is_day = matches!(stamp, Stamp::Day(_)) || (self.are_days && local.rem_euclid(MICROS_PER_DAY) == 0);
        Some(Moment { at, day: local.div_euclid(MICROS_PER_DAY), is_day })
    }

    /// What clocks of the column's zone show.
    fn local(&self, stamp: Stamp) -> Option<i64> {
        match (stamp, &self.zone) {
            (Stamp::Never, _) => None,
            (Stamp::Utc(micros), Some(zone)) => {
                let offset = zone.to_offset(Timestamp::from_microsecond(micros).ok()?);
                Some(micros + i64::from(offset.seconds()) * 1_000_000)
            }
            (Stamp::Day(micros) | Stamp::Local(micros) | Stamp::Utc(micros), _) => Some(micros),
        }
    }

    /// Whether a time is the midnight of a day.
    pub(crate) fn is_midnight(&self, stamp: Stamp) -> bool {
        self.local(stamp).is_some_and(|local| local.rem_euclid(MICROS_PER_DAY) == 0)
    }

    /// Whether a time is so late that it stands for "never" where something ends.
    pub(crate) fn is_never(stamp: Stamp) -> bool {
        match stamp {
            Stamp::Never => true,
            Stamp::Day(micros) | Stamp::Local(micros) | Stamp::Utc(micros) => micros >= END_OF_NANOSECONDS,
        }
    }
}

/// The instant at which clocks of a zone show a time; the earlier one where they show it twice.
fn in_zone(local: i64, zone: &TimeZone) -> Option<i64> {
    let shown = Timestamp::from_microsecond(local).ok()?;
    zone.to_timestamp(Offset::UTC.to_datetime(shown)).ok().map(Timestamp::as_microsecond)
}

/// Reads `2024-01-31`, alone or with a time behind a `T` or a blank and, behind that, `Z`, `UTC` or an offset.
pub(crate) fn parse(text: &str) -> Option<Stamp> {
    written(text.as_bytes()).or_else(|| {
        // The rarer forms of RFC 3339 and RFC 9557, and times beyond the calendar.
        let at = text.parse::<Instant>().ok().map(|at| Stamp::Utc(at.micros()));
        at.or_else(|| is_beyond(text).then_some(Stamp::Never))
    })
}

fn written(text: &[u8]) -> Option<Stamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = match date {
        [y @ .., b'-', m1, m2, b'-', d1, d2] | [y @ .., b'/', m1, m2, b'/', d1, d2] => {
            (100 * two(y[0], y[1])? + two(y[2], y[3])?, two(*m1, *m2)?, two(*d1, *d2)?)
        }
        _ => return None,
    };
    let midnight = days(year, month, day)? * MICROS_PER_DAY;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then_some(Stamp::Day(midnight));
    };
    let (time, rest) = time_of_day(rest)?;
    let local = midnight + time;
    match rest.trim_ascii() {
        [] => Some(Stamp::Local(local)),
        b"Z" | b"z" | b"UTC" | b"utc" | b"GMT" => Some(Stamp::Utc(local)),
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let offset = offset_micros(offset)?;
            Some(Stamp::Utc(if *sign == b'+' { local - offset } else { local + offset }))
        }
        _ => None,
    }
}

/// `12:30`, `12:30:15` or `12:30:15.25` in microseconds, and what follows.
fn time_of_day(text: &[u8]) -> Option<(i64, &[u8])> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let (second, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2)?, rest),
        _ => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Leap seconds are no part of UTC as computers count it.
    let micros = ((hour * 60 + minute) * 60 + second.min(59)) * 1_000_000;
    let Some((b'.' | b',', fraction)) = rest.split_first() else { return Some((micros, rest)) };
    let places = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at(places);
    let value = fraction.iter().take(6).fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let scale = 10i64.pow(6 - u32::try_from(places.min(6)).ok()?);
    (places > 0).then_some((micros + value * scale, rest))
}

/// `01`, `0100`, `01:00` or with seconds.
fn offset_micros(text: &[u8]) -> Option<i64> {
    let (h, m, s) = match text {
        [h1, h2] => (two(*h1, *h2)?, 0, 0),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?),
        _ => return None,
    };
    (h <= 25 && m <= 59 && s <= 59).then_some(((h * 60 + m) * 60 + s) * 1_000_000)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Days since 1970-01-01, or `None` when there is no such day.
/// From Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Whether a text is a time after the year 9999: `PostgreSQL`'s `infinity`, or a year of more digits.
fn is_beyond(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.eq_ignore_ascii_case("infinity") {
        return true;
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_date = |rest: &[u8]| {
        let [b'-', m1, m2, b'-', d1, d2, ..] = rest else { return false };
        two(*m1, *m2).is_some_and(|month| (1..=12).contains(&month))
            && two(*d1, *d2).is_some_and(|day| (1..=31).contains(&day))
    };
    (5..=12).contains(&digits) && !text.starts_with('0') && is_date(&text.as_bytes()[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc() -> Times {
        Times::default()
    }

    fn at(text: &str) -> Option<String> {
        Some(utc().at(parse(text)?)?.to_string())
    }

    #[test]
    fn one_moment_has_many_spellings() {
        for text in [
            "2024-02-29T08:05:06Z",
            "2024-02-29t08:05:06z",
            "2024-02-29T08:05:06",
            "2024-02-29 08:05:06",
            "2024-02-29 08:05:06 UTC",
            "2024-02-29 08:05:06UTC",
            "2024-02-29 08:05:06 Z",
            "2024-02-29 08:05:06.000",
            "2024-02-29 08:05:06.000000000",
            "2024-02-29T08:05:06.000+0000",
            "2024-02-29 08:05:06+00",
            "2024-02-29 08:05:06 +0000",
            "2024-02-29 08:05:06 +00:00",
            "2024-02-29 09:35:06+01:30",
            "2024-02-29 03:05:06 -0500",
            "2024-02-28T22:05:06-10:00",
            "2024/02/29 08:05:06",
            "2024-02-29T09:05:06+01:00[Europe/Berlin]",
        ] {
            assert_eq!(at(text).as_deref(), Some("2024-02-29T08:05:06Z"), "{text}");
        }
        assert_eq!(at("2024-02-29").as_deref(), Some("2024-02-29T00:00:00Z"));
        assert_eq!(at("2024-02-29 08:05").as_deref(), Some("2024-02-29T08:05:00Z"));
        assert_eq!(at("2024-02-29 08:05:06.1234567+00").as_deref(), Some("2024-02-29T08:05:06.123456Z"));
        assert_eq!(at("2024-02-29 08:05:06,5").as_deref(), Some("2024-02-29T08:05:06.5Z"));
        assert_eq!(at("1969-12-31 23:59:59.5").as_deref(), Some("1969-12-31T23:59:59.5Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "29.02.2024",
            "02/29/2024",
            "2024-02-29 24:00:00",
            "2024-02-29 08:60:00",
            "2024-02-29 8:05:06",
            "2024-02-29 08:05:06 PM",
            "2024-02-29T",
            "2024-02-29 08",
            "2024-02-29 08:05:06.",
            "2024-02-29 08:05:06 +1",
            "2024-02-29x",
            "yesterday",
            "0000-01-01T00:00:00+01:00",
            "20240229",
            "-infinity",
            "99999-99-99",
            "2024-02-29 08:05:06 CET",
            "２024-02-29",
        ] {
            assert_eq!(parse(text).and_then(|stamp| utc().at(stamp)), None, "{text:?}");
            assert_ne!(parse(text), Some(Stamp::Never), "{text:?}");
        }
    }

    #[test]
    fn what_lies_beyond_the_calendar_never_ends() {
        for text in [
            "9999-12-31",
            "9999-12-31T23:59:59Z",
            "9999-12-31 00:00:00",
            "9999-12-31 23:59:59.999999+00",
            "infinity",
            "10000-01-01",
            "+10000-01-01T00:00:00Z",
            "294276-12-31 23:59:59",
            "2262-04-11 23:47:16.854775807",
        ] {
            assert!(parse(text).is_some_and(Times::is_never), "{text}");
        }
        for text in ["2206-01-05", "2262-04-10 23:59:59", "0001-01-01"] {
            assert!(parse(text).is_some_and(|stamp| !Times::is_never(stamp)), "{text}");
        }
    }

    #[test]
    fn a_day_lasts_to_its_end() {
        let moment = |text: &str| utc().moment(parse(text).expect("a time")).expect("in the calendar");
        let (day, noon) = (moment("2024-05-01"), moment("2024-05-01T12:00:00Z"));
        assert!(!day.is_before(noon) && !noon.is_before(day));
        assert!(moment("2024-04-30").is_before(noon) && noon.is_before(moment("2024-05-02")));
        assert!(moment("2024-05-01 11:59:59").is_before(noon));
        // Midnights are times like others, unless the column has nothing else.
        assert!(moment("2024-05-01 00:00:00").is_before(noon));
        let days = Times { are_days: true, ..Times::default() };
        let midnight = days.moment(parse("2024-05-01 00:00:00").expect("a time")).expect("in the calendar");
        assert!(!midnight.is_before(noon));
    }

    #[test]
    fn times_without_a_zone_are_of_the_columns_zone() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let times = Times { zone: Some(zone), ..Times::default() };
        let at = |text: &str| times.at(parse(text).expect("a time")).expect("in the calendar").to_string();
        assert_eq!(at("2024-01-15 20:00:00"), "2024-01-16T01:00:00Z");
        assert_eq!(at("2024-07-15T20:00:00"), "2024-07-16T00:00:00Z");
        assert_eq!(at("2024-07-15 20:00:00Z"), "2024-07-15T20:00:00Z");
        assert_eq!(at("2024-07-15"), "2024-07-15T00:00:00Z", "a date is a date everywhere");
        // Clocks go back at 2:00 on 2024-11-03, so that 1:30 comes twice, and forward over 2:30 on 2024-03-10.
        assert_eq!(at("2024-11-03 01:30:00"), "2024-11-03T05:30:00Z");
        assert_eq!(at("2024-03-10 02:30:00"), "2024-03-10T07:30:00Z");
        let moment = |text: &str| times.moment(parse(text).expect("a time")).expect("in the calendar");
        assert!(!moment("2024-01-15").is_before(moment("2024-01-16T01:00:00Z")), "still the 15th in New York");
        assert!(moment("2024-01-15").is_before(moment("2024-01-16T05:00:00Z")));
    }

    #[test]
    fn numbers_are_times_in_the_unit_of_their_column() {
        let style = |style| Times { style, ..Times::default() };
        let expected = Some(Stamp::Utc(1_717_200_000_000_000));
        for (unit, value, text) in [
            (Unit::Seconds, 1_717_200_000, "1717200000"),
            (Unit::Millis, 1_717_200_000_000, "1717200000000"),
            (Unit::Micros, 1_717_200_000_000_000, "1717200000000000"),
            (Unit::Nanos, 1_717_200_000_000_000_000, "1717200000000000000"),
        ] {
            assert_eq!(style_of_number(value), Some(Style::Epoch(unit)));
            let times = style(Style::Epoch(unit));
            assert_eq!((times.integer(value), times.text(text)), (expected, expected));
            assert_eq!(times.text(&format!("{text}.0")), expected);
            assert_eq!(times.text("2024-01-01"), None);
            assert_eq!(times.integer(5_000), None);
        }
        assert_eq!(style(Style::Epoch(Unit::Seconds)).integer(1_717_200_000_000), None, "a value of another unit");
        assert_eq!(style(Style::Epoch(Unit::Seconds)).integer(80_000_000_000), Some(Stamp::Never), "the year 4505");
        assert_eq!(style(Style::Epoch(Unit::Millis)).integer(1_717_200_000), None);
        assert_eq!(
            style(Style::Epoch(Unit::Seconds)).number(1_717_200_000.25),
            Some(Stamp::Utc(1_717_200_000_250_000))
        );
        assert_eq!(style(Style::Epoch(Unit::Seconds)).text("1.7172E9"), expected);
        assert_eq!(style(Style::Epoch(Unit::Seconds)).integer(253_402_300_799), Some(Stamp::Never));
        assert_eq!(style(Style::Calendar).integer(253_402_300_799_000), Some(Stamp::Never));
        assert_eq!(style_of_number(253_402_300_799), None);

        assert_eq!(style_of_number(20_240_131), Some(Style::Digits));
        assert_eq!(style(Style::Digits).text("20240131"), parse("2024-01-31"));
        assert_eq!(style(Style::Digits).text("99991231"), parse("9999-12-31"));
        for value in [0, -1, 20_240_132, 20_240_131_120_000, 5_000] {
            assert_eq!(style_of_number(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(micros in YEAR_ZERO..253_402_000_000_000_000) {
            let at = Instant::from_micros(micros).expect("in the calendar");
            prop_assert_eq!(parse(&at.to_string()), Some(Stamp::Utc(micros)));
            let date = at.date();
            prop_assert_eq!(parse(&date.to_string()), Some(Stamp::Day(micros.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY)));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9TZ:. /]{0,24}|\\PC{0,12}") {
            let _ = parse(&text);
        }
    }
}

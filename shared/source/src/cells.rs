//! A row as every format delivers it, and what its cells mean.
//!
//! Owns the reading of texts, numbers, times and booleans from a cell, so that a value means the same in all formats.

use std::borrow::Cow;

use expansion_domain::Instant;

use crate::forms::{Form, NO_FORM};
use crate::issues::{Reason, Rejection};
use crate::times::{Moment, Stamp, Times};

/// The most columns a table has.
pub(crate) const MAX_COLUMNS: usize = 12;

/// One row: the table's columns in the contract's order, then missing fields up to the width of the widest table.
pub(crate) type Row<'a> = [Field<'a>; MAX_COLUMNS];

/// A value as its format stores it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Null, empty or absent.
    #[default]
    Missing,
    /// A text, which may stand for anything.
    Text(&'a str),
    /// A whole number; apart from `Number` because ids are often large integers.
    Integer(i64),
    Number(f64),
    Bool(bool),
    Instant(Instant),
    /// A time without a zone, as if it were in UTC.
    Local(Instant),
    /// A whole day, by its midnight.
    Day(Instant),
    /// A time outside the calendar, in microseconds since 1970.
    Beyond(i64),
}

/// A cell with the form of its column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) form: &'a Form,
    pub(crate) cell: Cell<'a>,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self { form: &NO_FORM, cell: Cell::Missing }
    }
}

impl<'a> Field<'a> {
    /// What `read` makes of this field, which must be there.
    pub(crate) fn require<'s, T>(
        &'s self,
        read: impl FnOnce(&'s Self) -> Result<Option<T>, Rejection>,
    ) -> Result<T, Rejection> {
        read(self)?.ok_or_else(|| Rejection::new(Reason::MissingValue, format!("{} is empty", self.form.name)))
    }

    /// The field as text, trimmed; what is no text reads as it would be written in CSV.
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as the other readings, for `require`")]
    pub(crate) fn text(&self) -> Result<Option<Cow<'a, str>>, Rejection> {
        Ok(match self.trimmed() {
            Cell::Missing => None,
            Cell::Text(text) if self.form.are_whole => Some(Cow::Borrowed(without_zeros(text))),
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.written())),
        })
    }

    /// The field as a word of a vocabulary: trimmed and in lower case.
    pub(crate) fn word(&self) -> Result<Option<Cow<'a, str>>, Rejection> {
        let is_lower = |text: &str| text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
        Ok(self.text()?.map(|text| if is_lower(&text) { text } else { Cow::Owned(text.to_lowercase()) }))
    }

    pub(crate) fn instant(&self) -> Result<Option<Instant>, Rejection> {
        self.time(Times::at)
    }

    /// The field as a moment, which knows whether it is a whole day.
    pub(crate) fn moment(&self) -> Result<Option<Moment>, Rejection> {
        self.time(Times::moment)
    }

    /// The field as the end of something; `None` when it is open, which many systems write as 9999-12-31.
    pub(crate) fn end(&self) -> Result<Option<Moment>, Rejection> {
        match self.stamp() {
            Ok(Some(stamp)) if Times::is_never(stamp) => Ok(None),
            _ => self.moment(),
        }
    }

    fn stamp(&self) -> Result<Option<Stamp>, Rejection> {
        match self.trimmed() {
            Cell::Missing => Ok(None),
            cell => cell.stamp(&self.form.times).map(Some).ok_or_else(|| self.reject(Reason::NotADate)),
        }
    }

    fn time<T>(&self, of: impl FnOnce(&Times, Stamp) -> Option<T>) -> Result<Option<T>, Rejection> {
        let Some(stamp) = self.stamp()? else { return Ok(None) };
        of(&self.form.times, stamp).map(Some).ok_or_else(|| self.reject(Reason::NotADate))
    }

    /// The field as a finite number; "not a number" is how programs with floats write a missing one.
    #[expect(clippy::cast_precision_loss, reason = "an integer beyond 2^53 is near enough as a measurement")]
    pub(crate) fn number(&self) -> Result<Option<f64>, Rejection> {
        let number = match self.trimmed() {
            Cell::Missing => return Ok(None),
            Cell::Number(number) => number,
            Cell::Integer(integer) => integer as f64,
            Cell::Text(text) => self.form.numbers.read(text).ok_or_else(|| self.reject(Reason::NotANumber))?,
            _ => return Err(self.reject(Reason::NotANumber)),
        };
        if number.is_nan() {
            return Ok(None);
        }
        // Adding zero turns -0 into 0, so that equal numbers have equal bits.
        if number.is_finite() { Ok(Some(number + 0.0)) } else { Err(self.reject(Reason::NotFinite)) }
    }

    /// The field as a number that can't be below zero.
    pub(crate) fn amount(&self) -> Result<Option<f64>, Rejection> {
        self.unless(self.number()?, |number| number < 0.0, Reason::Negative)
    }

    /// The field as a health score, from 0 to 100.
    pub(crate) fn score(&self) -> Result<Option<f64>, Rejection> {
        self.unless(self.number()?, |number| !(0.0..=100.0).contains(&number), Reason::ScoreOutOfRange)
    }

    pub(crate) fn flag(&self) -> Result<Option<bool>, Rejection> {
        const YES: [&str; 6] = ["true", "t", "yes", "y", "on", "1"];
        const NO: [&str; 6] = ["false", "f", "no", "n", "off", "0"];
        let is_any = |text: &str, words: [&str; 6]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match self.trimmed() {
            Cell::Missing => Ok(None),
            Cell::Bool(flag) => Ok(Some(flag)),
            // Exports of a nullable 0/1 column often hold floats.
            Cell::Integer(0) | Cell::Number(0.0) => Ok(Some(false)),
            Cell::Integer(1) | Cell::Number(1.0) => Ok(Some(true)),
            Cell::Text(text) if is_any(without_zeros(text), YES) => Ok(Some(true)),
            Cell::Text(text) if is_any(without_zeros(text), NO) => Ok(Some(false)),
            _ => Err(self.reject(Reason::NotABoolean)),
        }
    }

    /// The cell with its text trimmed and, where the mapping says so, replaced; missing if it stands for that.
    pub(crate) fn trimmed(&self) -> Cell<'a> {
        let trimmed = match self.cell {
            Cell::Text(text) => Cell::Text(text.trim()),
            Cell::Number(number) if number.is_nan() => Cell::Missing,
            other => other,
        };
        let trimmed = if self.form.values.is_some() { self.replaced(trimmed) } else { trimmed };
        match trimmed {
            Cell::Text(text) if text.is_empty() || self.form.missing.has(text) => Cell::Missing,
            other => other,
        }
    }

    /// What a cell stands for by the mapping.
    fn replaced(&self, cell: Cell<'a>) -> Cell<'a> {
        let stands_for = |written: &str| self.form.values.as_ref()?.get(&written.to_lowercase());
        let replacement = match cell {
            Cell::Text(text) => stands_for(text),
            other => stands_for(&other.written()),
        };
        replacement.map_or(cell, |text| Cell::Text(text))
    }

    /// What was read from this field, unless it is `wrong`.
    pub(crate) fn unless<T: Copy>(
        &self,
        read: Option<T>,
        wrong: impl FnOnce(T) -> bool,
        reason: Reason,
    ) -> Result<Option<T>, Rejection> {
        if read.is_some_and(wrong) { Err(self.reject(reason)) } else { Ok(read) }
    }

    /// A rejection that quotes this field.
    pub(crate) fn reject(&self, reason: Reason) -> Rejection {
        Rejection::of_value(reason, self.form.name, &self.cell.written())
    }
}

impl Cell<'_> {
    /// The time this is in a column of `times`.
    pub(crate) fn stamp(self, times: &Times) -> Option<Stamp> {
        match self {
            Self::Text(text) => times.text(text),
            Self::Integer(integer) => times.integer(integer),
            Self::Number(number) => times.number(number),
            Self::Instant(at) => Some(Stamp::Utc(at.micros())),
            Self::Local(shown) => Some(Stamp::Local(shown.micros())),
            Self::Day(midnight) => Some(Stamp::Day(midnight.micros())),
            Self::Beyond(micros) => (micros > 0).then_some(Stamp::Never),
            Self::Missing | Self::Bool(_) => None,
        }
    }

    /// The value as CSV would hold it.
    fn written(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.to_owned(),
            Self::Integer(integer) => integer.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Instant(instant) | Self::Local(instant) => instant.to_string(),
            Self::Day(midnight) => midnight.date().to_string(),
            Self::Beyond(micros) => micros.to_string(),
        }
    }
}

/// A whole number as texts of floats write it, without the fraction: 1000 for `1000.0`.
fn without_zeros(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && text.bytes().all(|b| b == b'.' || b.is_ascii_digit())
                && zeros.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(cell: Cell<'_>) -> Field<'_> {
        Field { form: &NO_FORM, cell }
    }

    #[test]
    fn an_id_reads_the_same_from_text_and_numbers() {
        for cell in [Cell::Text(" 123 "), Cell::Integer(123), Cell::Number(123.0)] {
            assert_eq!(field(cell).text(), Ok(Some("123".into())));
        }
    }

    #[test]
    fn white_space_is_missing_in_every_reading() {
        let blank = field(Cell::Text("  "));
        assert_eq!(blank.text(), Ok(None));
        assert_eq!(blank.instant(), Ok(None));
        assert_eq!(blank.number(), Ok(None));
        assert_eq!(blank.flag(), Ok(None));
        assert_eq!(blank.require(Field::text).map_err(|r| r.reason), Err(Reason::MissingValue));
    }

    #[test]
    fn booleans_take_any_case_and_the_usual_words() {
        for (text, flag) in [
            ("TRUE", true),
            ("Yes", true),
            ("1", true),
            ("t", true),
            ("Y", true),
            ("on", true),
            ("1.0", true),
            ("false", false),
            ("NO", false),
            ("0", false),
            ("f", false),
            ("n", false),
            ("Off", false),
            ("0.0", false),
        ] {
            assert_eq!(field(Cell::Text(text)).flag(), Ok(Some(flag)), "{text}");
        }
        assert_eq!(field(Cell::Number(1.0)).flag(), Ok(Some(true)));
        for bad in [Cell::Text("maybe"), Cell::Text("1.5"), Cell::Text("2"), Cell::Integer(2), Cell::Number(0.5)] {
            assert!(field(bad).flag().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_finite_and_zero_has_one_form() {
        let zero = field(Cell::Text("-0")).number().expect("a number").expect("there");
        assert!(zero.is_sign_positive());
        for cell in [Cell::Text("inf"), Cell::Text("-Infinity"), Cell::Number(f64::INFINITY)] {
            assert_eq!(field(cell).number().map_err(|r| r.reason), Err(Reason::NotFinite));
        }
        for cell in [Cell::Text("NaN"), Cell::Text("nan"), Cell::Text("-nan"), Cell::Number(f64::NAN)] {
            assert_eq!(field(cell).amount(), Ok(None), "a missing amount");
            assert_eq!(field(cell).require(Field::number).map_err(|r| r.reason), Err(Reason::MissingValue));
        }
        assert_eq!(field(Cell::Text("1,5")).number().map_err(|r| r.reason), Err(Reason::NotANumber));
    }

    #[test]
    fn a_long_value_is_quoted_in_part() {
        let long = "ü".repeat(500);
        let rejection = field(Cell::Text(&long)).number().expect_err("no number");
        assert!(rejection.found.chars().count() < 100, "{}", rejection.found);
    }
}

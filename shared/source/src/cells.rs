//! A row as every format delivers it, and what its cells mean.
//!
//! Owns the reading of texts, numbers, times and booleans from a cell, so that a value means the same in all formats.

use std::borrow::Cow;

use expansion_domain::Instant;

use crate::forms::{Form, NO_FORM};
use crate::issues::{Reason, Rejection};

/// The most columns a table has.
pub(crate) const MAX_COLUMNS: usize = 16;

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
        match self.trimmed() {
            Cell::Missing => Ok(None),
            Cell::Instant(instant) => Ok(Some(instant)),
            Cell::Text(text) => text.parse().map(Some).map_err(|_| self.reject(Reason::NotADate)),
            _ => Err(self.reject(Reason::NotADate)),
        }
    }

    /// The field as a finite number.
    #[expect(clippy::cast_precision_loss, reason = "an integer beyond 2^53 is near enough as a measurement")]
    pub(crate) fn number(&self) -> Result<Option<f64>, Rejection> {
        let number = match self.trimmed() {
            Cell::Missing => return Ok(None),
            Cell::Number(number) => number,
            Cell::Integer(integer) => integer as f64,
            Cell::Text(text) => fast_float2::parse(text).map_err(|_| self.reject(Reason::NotANumber))?,
            _ => return Err(self.reject(Reason::NotANumber)),
        };
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
        let is_any = |text: &str, words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match self.trimmed() {
            Cell::Missing => Ok(None),
            Cell::Bool(flag) => Ok(Some(flag)),
            // Exports of a nullable 0/1 column often hold floats.
            Cell::Integer(0) | Cell::Number(0.0) => Ok(Some(false)),
            Cell::Integer(1) | Cell::Number(1.0) => Ok(Some(true)),
            Cell::Text(text) if is_any(text, ["true", "yes", "1"]) => Ok(Some(true)),
            Cell::Text(text) if is_any(text, ["false", "no", "0"]) => Ok(Some(false)),
            _ => Err(self.reject(Reason::NotABoolean)),
        }
    }

    /// The cell with its text trimmed; a blank one is missing.
    fn trimmed(&self) -> Cell<'a> {
        match self.cell {
            Cell::Text(text) => match text.trim() {
                "" => Cell::Missing,
                text => Cell::Text(text),
            },
            other => other,
        }
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
    /// The value as CSV would hold it.
    fn written(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.to_owned(),
            Self::Integer(integer) => integer.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Instant(instant) => instant.to_string(),
        }
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
        for (text, flag) in [("TRUE", true), ("Yes", true), ("1", true), ("false", false), ("NO", false), ("0", false)]
        {
            assert_eq!(field(Cell::Text(text)).flag(), Ok(Some(flag)));
        }
        assert!(field(Cell::Text("maybe")).flag().is_err());
        assert!(field(Cell::Integer(2)).flag().is_err());
    }

    #[test]
    fn numbers_are_finite_and_zero_has_one_form() {
        let zero = field(Cell::Text("-0")).number().expect("a number").expect("there");
        assert!(zero.is_sign_positive());
        for cell in [Cell::Text("NaN"), Cell::Text("inf"), Cell::Number(f64::NAN)] {
            assert_eq!(field(cell).number().map_err(|r| r.reason), Err(Reason::NotFinite));
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

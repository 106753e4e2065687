//! Rows of a file with one JSON object a line.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cells::{Cell, Field, MAX_COLUMNS, Row};
use crate::forms::forms;
use crate::issues::{Reason, Rejection};
use crate::tables::{Column, columns};
use crate::{SourceError, SourceFile};

/// Hands each row of a file to `sink` with its line; blank lines are no rows.
pub(crate) fn read(
    input: impl Read,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_>], Rejection>),
) -> Result<(), SourceError> {
    let mut input = std::io::BufReader::with_capacity(1 << 16, input);
    let forms = forms(file);
    let mut buffer = Vec::new();
    for line in 1.. {
        buffer.clear();
        let read = input.read_until(b'\n', &mut buffer);
        if read.map_err(|cause| SourceError::Unreadable { path: file.path.clone(), cause })? == 0 {
            break;
        }
        let text = buffer.strip_prefix("\u{feff}".as_bytes()).filter(|_| line == 1).unwrap_or(&buffer).trim_ascii();
        if text.is_empty() {
            continue;
        }
        match parse(text, columns(file.table)) {
            Ok(values) => {
                let row = std::array::from_fn(|i| Field { form: &forms[i], cell: values[i].cell() });
                sink(line, Ok(&[row]));
            }
            Err(error) => sink(line, Err(Rejection::new(Reason::MalformedJson, error.to_string()))),
        }
    }
    Ok(())
}

fn parse<'de>(line: &'de [u8], columns: &'static [Column]) -> serde_json::Result<Values<'de>> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let values = deserializer.deserialize_map(Object(columns))?;
    deserializer.end()?;
    Ok(values)
}

type Values<'de> = [Value<'de>; MAX_COLUMNS];

/// A string, number, boolean or null.
#[derive(Debug)]
enum Value<'de> {
    Plain(Cell<'de>),
    /// A text that had escapes, or a number that fits no cell.
    Owned(String),
}

impl Value<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Plain(cell) => *cell,
            Self::Owned(text) => Cell::Text(text),
        }
    }
}

impl Default for Value<'_> {
    fn default() -> Self {
        Self::Plain(Cell::Missing)
    }
}

struct Object(&'static [Column]);

impl<'de> Visitor<'de> for Object {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Values::default();
        while let Some(Name(name)) = map.next_key()? {
            match self.0.iter().position(|column| column.name == name.trim()) {
                Some(position) => values[position] = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// A key, which is copied only if it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)
    }
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, number, boolean or null")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Plain(Cell::Text(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Owned(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Plain(Cell::Bool(flag)))
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Self::Value, E> {
        Ok(Value::Plain(Cell::Integer(integer)))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Self::Value, E> {
        // An id beyond the signed range keeps its digits as a text.
        Ok(i64::try_from(integer)
            .map_or_else(|_| Value::Owned(integer.to_string()), |integer| Value::Plain(Cell::Integer(integer))))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Plain(Cell::Number(number)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Seen, file_of, seen};
    use expansion_domain::Table;

    fn rows(text: &[u8]) -> Vec<Seen> {
        seen(4, |mut sink| read(text, &file_of(Table::ExpansionSignals, "s.ndjson"), &mut sink))
    }

    #[test]
    fn values_are_taken_by_name_whatever_their_type() {
        let text =
            "\u{feff}{\"other\":{\"customer_id\":[1]},\"customer_id\":7,\"kind\":null,\"summary\":\"a\\n\\u00fc\"}\n";
        assert_eq!(rows(text.as_bytes()), [(1, Ok("7|||a\nü".into()), 1)]);
        let text = br#"{"customer_id":18446744073709551615,"kind":true,"summary":1.5}"#;
        assert_eq!(rows(text), [(1, Ok("18446744073709551615||true|1.5".into()), 1)]);
    }

    #[test]
    fn blank_lines_are_skipped_and_broken_ones_rejected_alone() {
        let text =
            b"\r\n{\"customer_id\":\n{}\n[1]\n{\"customer_id\":{}}\n{\"kind\":\"\xff\"}\n{} {}\n{\"kind\":\"x\"}";
        let malformed = Err(Reason::MalformedJson);
        assert_eq!(
            rows(text),
            [
                (2, malformed.clone(), 1),
                (3, Ok("|||".into()), 1),
                (4, malformed.clone(), 1),
                (5, malformed.clone(), 1),
                (6, malformed.clone(), 1),
                (7, malformed, 1),
                (8, Ok("||x|".into()), 1),
            ]
        );
    }
}

//! Rows of a file with JSON objects: one a line, one after the other, or in an array.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cells::{Cell, Field, MAX_COLUMNS, Row};
use crate::forms::{Forms, Sample};
use crate::issues::{Reason, Rejection};
use crate::tables::{Column, columns, matches_name};
use crate::text::Text;
use crate::{SourceError, SourceFile};

/// Hands each row of a file to `sink` with its line; blank lines are no rows.
pub(crate) fn read(
    input: impl Read,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_>], Rejection>),
) -> Result<(), SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: file.path.clone(), cause };
    let text = Text::open(input).map_err(unreadable)?;
    let columns = columns(file.table);
    let cut = Cut::of(&text, columns);
    let (forms, is_doubled) = sampled(&text, &cut, file)?;

    let start = cut.start();
    let line = 1 + text.head()[..start].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    let mut pieces = Pieces::new(BufReader::with_capacity(1 << 16, text.reader(start)), cut, line);
    let mut repaired = Vec::new();
    while let Some((line, piece)) = pieces.next().map_err(unreadable)? {
        match parse(piece, columns, is_doubled, &mut repaired) {
            Ok(values) => sink(line, Ok(&[row(&values, &forms)])),
            Err(Malformed::Doubled) => return Err(SourceError::DoubledBackslashes { file: file.path.clone(), line }),
            Err(Malformed::Otherwise(error)) => {
                sink(line, Err(Rejection::new(Reason::MalformedJson, error.to_string())));
            }
        }
    }
    Ok(())
}

fn row<'r>(values: &'r Values<'_>, forms: &'r Forms) -> Row<'r> {
    std::array::from_fn(|i| Field { form: &forms[i], cell: values[i].cell() })
}

/// What the first rows show: the forms of the columns, and whether every backslash is doubled.
fn sampled(text: &Text<'_>, cut: &Cut, file: &SourceFile) -> Result<(Forms, bool), SourceError> {
    let columns = columns(file.table);
    let bytes = if *cut == Cut::Lines { text.whole_lines() } else { &text.head()[cut.start()..] };
    let pieces = || Pieces::new(bytes, cut.clone(), 1);
    let mut repaired = Vec::new();
    let mut is_doubled = false;
    let mut all = pieces();
    // The last piece may be cut off, which only the whole file can tell from a broken one.
    while let Ok(Some((_, piece))) = all.next() {
        if let Err(Malformed::Doubled) = parse(piece, columns, false, &mut repaired) {
            is_doubled = true;
            break;
        }
    }
    let mut sample = Sample::new(file)?;
    let known = sample.known();
    let mut all = pieces();
    while let (false, Ok(Some((_, piece)))) = (sample.is_full(), all.next()) {
        if let Ok(values) = parse(piece, columns, is_doubled, &mut repaired) {
            sample.see(&row(&values, &known));
        }
    }
    Ok((sample.forms()?, is_doubled))
}

/// Why a piece is no row.
enum Malformed {
    /// It would be one if no backslash were doubled, as `PostgreSQL`'s COPY does.
    Doubled,
    Otherwise(serde_json::Error),
}

/// The values of a piece, which may have to be `repaired` first.
fn parse<'p>(
    piece: &'p [u8],
    columns: &'static [Column],
    is_doubled: bool,
    repaired: &'p mut Vec<u8>,
) -> Result<Values<'p>, Malformed> {
    if is_doubled {
        undouble(piece, repaired);
        return object(repaired, columns).map_err(Malformed::Otherwise);
    }
    let error = match object(piece, columns) {
        Ok(values) => return Ok(values),
        Err(error) => error,
    };
    undouble(piece, repaired);
    if repaired.len() < piece.len() && object(repaired, columns).is_ok() {
        return Err(Malformed::Doubled);
    }
    if name_numbers(piece, repaired) {
        object(repaired, columns).map_err(|_| Malformed::Otherwise(error))
    } else {
        Err(Malformed::Otherwise(error))
    }
}

fn object<'de>(text: &'de [u8], columns: &'static [Column]) -> serde_json::Result<Values<'de>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let values = deserializer.deserialize_map(Object(columns))?;
    deserializer.end()?;
    Ok(values)
}

/// Writes `piece` to `undoubled` with one backslash for two.
fn undouble(piece: &[u8], undoubled: &mut Vec<u8>) {
    undoubled.clear();
    let mut bytes = piece.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        undoubled.push(byte);
        if byte == b'\\' {
            bytes.next_if_eq(&b'\\');
        }
    }
}

/// Writes `piece` to `named` with the numbers that JSON lacks, as Python writes them: `NaN` as null, which it stands
/// for, and `Infinity` as a text. Whether there is any.
fn name_numbers(piece: &[u8], named: &mut Vec<u8>) -> bool {
    const NAMES: [(&[u8], &[u8]); 3] =
        [(b"NaN", b"null"), (b"-Infinity", b"\"-Infinity\""), (b"Infinity", b"\"Infinity\"")];
    named.clear();
    let (mut rest, mut scan, mut found) = (piece, Scan::default(), false);
    while let Some((&byte, after)) = rest.split_first() {
        if !scan.in_text
            && let Some((name, value)) = NAMES.into_iter().find(|(name, _)| rest.starts_with(name))
        {
            named.extend_from_slice(value);
            rest = &rest[name.len()..];
            found = true;
            continue;
        }
        scan.step(byte);
        named.push(byte);
        rest = after;
    }
    found
}

/// How a file is cut into rows.
#[derive(Clone, Debug, PartialEq)]
enum Cut {
    /// A row a line.
    Lines,
    /// Objects one after the other, or in arrays.
    Values,
    /// The objects of an array within an object, which begin at this byte.
    Wrapped(usize),
}

impl Cut {
    fn of(text: &Text<'_>, columns: &[Column]) -> Self {
        let head = text.head();
        let begin = head.len() - head.trim_ascii_start().len();
        let line = head[begin..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.starts_with(b"[") {
            Self::Values
        } else if let Some(start) = wrapped(&head[begin..], columns) {
            Self::Wrapped(begin + start)
        } else if first_value(line).is_none() && first_value(&head[begin..]).is_some() {
            Self::Values
        } else {
            Self::Lines
        }
    }

    fn start(&self) -> usize {
        if let Self::Wrapped(start) = self { *start } else { 0 }
    }
}

/// The length of the value that a text begins with, if it is a whole one.
fn first_value(text: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Where the objects begin in a text such as `{"count":2,"results":[{…},{…}]}`: an object that is itself no row of the
/// table, and has an array of objects.
fn wrapped(text: &[u8], columns: &[Column]) -> Option<usize> {
    let mut rest = text.strip_prefix(b"{")?;
    loop {
        rest = rest.trim_ascii_start();
        let key = first_value(rest).map(|length| &rest[..length])?;
        let Name(name) = serde_json::from_slice(key).ok()?;
        if position(columns, &name).is_some() {
            return None;
        }
        rest = rest[key.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        if let Some(array) = rest.strip_prefix(b"[")
            && matches!(array.trim_ascii_start().first(), Some(b'{' | b']'))
        {
            return Some(text.len() - array.len());
        }
        rest = rest[first_value(rest)?..].trim_ascii_start().strip_prefix(b",")?;
    }
}

/// A file's pieces, each of which should be an object.
struct Pieces<R> {
    input: R,
    cut: Cut,
    /// The line that comes next.
    line: u64,
    piece: Vec<u8>,
    in_array: bool,
}

/// No object of a row is longer; what seems to be is never closed.
const LONGEST: usize = 1 << 26;

impl<R: BufRead> Pieces<R> {
    fn new(input: R, cut: Cut, line: u64) -> Self {
        let in_array = matches!(cut, Cut::Wrapped(_));
        Self { input, cut, line, piece: Vec::new(), in_array }
    }

    /// The next piece and the line it begins in.
    fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        match self.cut {
            Cut::Lines => self.next_line(),
            Cut::Values | Cut::Wrapped(_) => self.next_value(),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        loop {
            self.piece.clear();
            if self.input.read_until(b'\n', &mut self.piece)? == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if !self.piece.trim_ascii().is_empty() {
                return Ok(Some((line, self.piece.trim_ascii())));
            }
        }
    }

    fn next_value(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.piece.clear();
        let Some(first) = self.begin()? else { return Ok(None) };
        let line = self.line;
        let mut scan = Scan::default();
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() && scan.depth == 0 && !scan.in_text && !self.in_array {
                return Ok(Some((line, &self.piece)));
            } else if bytes.is_empty() {
                return Err(cut_off());
            }
            let end = bytes.iter().position(|byte| scan.ends_before(*byte) || scan.step(*byte));
            let taken = end.map_or(bytes.len(), |end| end + usize::from(scan.is_closed));
            self.piece.extend_from_slice(&bytes[..taken]);
            self.line += bytes[..taken].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            self.input.consume(taken);
            debug_assert_eq!(self.piece.first(), Some(&first));
            if end.is_some() {
                return Ok(Some((line, &self.piece)));
            }
            if self.piece.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an object that is never closed"));
            }
        }
    }

    /// Passes over what lies between values; the first byte of the next one, or `None` at the end.
    fn begin(&mut self) -> io::Result<Option<u8>> {
        loop {
            let Some(&byte) = self.input.fill_buf()?.first() else {
                return if self.in_array { Err(cut_off()) } else { Ok(None) };
            };
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b'\x1e' => {}
                b'[' if !self.in_array => self.in_array = true,
                b']' if self.cut == Cut::Values => self.in_array = false,
                b']' => {
                    self.in_array = false;
                    self.end()?;
                    return Ok(None);
                }
                byte => return Ok(Some(byte)),
            }
            self.input.consume(1);
        }
    }

    /// Passes over what follows the wrapped array, in which no second one may be.
    fn end(&mut self) -> io::Result<()> {
        let (mut scan, mut before) = (Scan::default(), b' ');
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(());
            }
            for &byte in bytes {
                if !scan.in_text && byte == b'{' && before == b'[' {
                    let several = "it has several arrays of objects: write each into a file of its own";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, several));
                }
                scan.step(byte);
                before = if byte.is_ascii_whitespace() { before } else { byte };
            }
            let read = bytes.len();
            self.input.consume(read);
        }
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the JSON ends in the middle")
}

/// How far a value has been read.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// Whether the last byte closed the value.
    is_closed: bool,
}

impl Scan {
    /// Takes a byte; whether the value ends with it.
    fn step(&mut self, byte: u8) -> bool {
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_closed = self.depth == 0;
            }
            _ => {}
        }
        self.is_closed
    }

    /// Whether a value that is no object or array ends before a byte.
    fn ends_before(&self, byte: u8) -> bool {
        let ends = matches!(byte, b',' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        self.depth == 0 && !self.in_text && ends
    }
}

/// The place of a key's column.
fn position(columns: &[Column], key: &str) -> Option<usize> {
    let exact = columns.iter().position(|column| column.name == key.trim());
    exact.or_else(|| columns.iter().position(|column| matches_name(key, column.name)))
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
            match position(self.0, &name) {
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
            b"\r\n{\"customer_id\":\n{}\n[1]\n{\"customer_id\":{}}\n{\"kind\":\"\xff\"}\n{} {}\n{\"kind\":\"\xc3\xbc\"}";
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
                (8, Ok("||ü|".into()), 1),
            ]
        );
    }

    #[test]
    fn objects_may_stand_in_an_array_or_over_several_lines() {
        let expected = |lines: [u64; 3]| {
            let texts = ["a|1|x|[1, {\"}]", "b|2||", "c|3|y\nz|"];
            let rows: Vec<Seen> = lines.into_iter().zip(texts).map(|(line, text)| (line, Ok(text.into()), 1)).collect();
            rows
        };
        let (a, b, c) = (
            r#"{"customer_id":"a","detected_at":1,"kind":"x","summary":"[1, {\"}]","deep":[{"kind":[0]}]}"#,
            r#"{"Customer ID":"b","DETECTED_AT":2}"#,
            r#"{"customer_id":"c","detected_at":3,"kind":"y\nz"}"#,
        );
        for (text, lines) in [
            (format!("{a}\n{b}\n\n{c}"), [1, 2, 4]),
            (format!("[{a},{b},{c}]"), [1, 1, 1]),
            (format!("\u{feff}\n[\n{a},\n{b}\n,{c}\n]\n"), [3, 4, 5]),
            (format!("[{a}]\n[{b},\n{c}]\n"), [1, 2, 3]),
            (
                format!("{{\"count\":3,\"next\":null,\"results\":[\n{a},{b},{c}],\"meta\":{{\"pages\":[1]}}}}"),
                [2, 2, 2],
            ),
            (
                format!("{{\n \"links\": [],\n \"data\" : [ {a}, {b},\n{c} ] }}")
                    .replace("\"links\": [],", "\"links\": [1],"),
                [3, 3, 4],
            ),
            (format!("{}\n{b}\n{c}", a.replace(",\"k", ",\n\"k")), [1, 3, 4]),
            (format!("{}{b}{c}", a.replace(",\"k", ",\n\"k")), [1, 2, 2]),
        ] {
            assert_eq!(rows(text.as_bytes()), expected(lines), "{text}");
        }
        assert_eq!(rows(b"[]"), []);
        assert_eq!(rows(b"{\"data\": []}\n"), []);
        assert_eq!(rows(b" \n"), []);
    }

    #[test]
    fn a_long_array_is_read_piece_by_piece() {
        let object = |i: usize| format!("{{\"customer_id\": {i}, \"summary\": \"{}\"}}", "ü]}\\\"".repeat(i % 50));
        let text = format!("[{}]", (0..5_000).map(object).collect::<Vec<_>>().join(",\n"));
        let rows = rows(text.as_bytes());
        assert_eq!(rows.len(), 5_000);
        assert_eq!(rows[4_999], (5_000, Ok(format!("4999|||{}", "ü]}\"".repeat(49))), 1));
    }

    #[test]
    fn a_broken_element_is_rejected_alone_and_a_broken_array_is_no_short_table() {
        let malformed = Err(Reason::MalformedJson);
        assert_eq!(
            rows(b"[{\"kind\":\"x\"},\n{\"kind\" \"x\"},5,[{}],\n{\"kind\":\"y\"}]"),
            [
                (1, Ok("||x|".into()), 1),
                (2, malformed.clone(), 1),
                (2, malformed.clone(), 1),
                (2, malformed, 1),
                (3, Ok("||y|".into()), 1),
            ]
        );
        for (text, cause) in [
            ("[{\"kind\":\"x\"},{\"kind\":\"y\"", "the JSON ends in the middle"),
            ("[{\"kind\":\"x\"}", "the JSON ends in the middle"),
            ("{\"data\":[{\"kind\":\"x\"}", "the JSON ends in the middle"),
            ("{\"deals\":[{\"kind\":\"x\"}],\"won\":[{\"kind\":\"y\"}]}", "it has several arrays of objects"),
        ] {
            let error = read(text.as_bytes(), &file_of(Table::ExpansionSignals, "s.json"), &mut |_, _| {});
            let error = error.expect_err("broken").to_string();
            assert!(error.starts_with("s.json can't be read: ") && error.contains(cause), "{error}");
        }
    }

    #[test]
    fn backslashes_that_copy_doubled_are_taken_once() {
        let copied = br#"{"customer_id":"a","summary":"two\\nlines"}
{"customer_id":"b","summary":"Asked for 27\\" screens, C:\\\\"}"#;
        assert_eq!(
            rows(copied),
            [(1, Ok("a|||two\nlines".into()), 1), (2, Ok("b|||Asked for 27\" screens, C:\\".into()), 1)]
        );
        let mut late = "{\"customer_id\":\"a\",\"summary\":\"two\\\\nlines\"}\n".repeat(3_000).into_bytes();
        late.extend(copied);
        let error = read(&*late, &file_of(Table::ExpansionSignals, "s.json"), &mut |_, _| {});
        let error = error.expect_err("seen too late").to_string();
        assert!(
            error.starts_with("s.json was written by PostgreSQL's COPY as text") && error.contains("line 3002"),
            "{error}"
        );
    }

    #[test]
    fn numbers_that_json_lacks_are_read_as_python_writes_them() {
        let text = br#"{"customer_id":"NaN, Infinity","detected_at":NaN,"kind":-Infinity,"summary":"x"}"#;
        assert_eq!(rows(text), [(1, Ok("NaN, Infinity||-Infinity|x".into()), 1)]);
    }
}

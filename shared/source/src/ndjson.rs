//! Rows of a file with JSON objects: one a line, one after the other, or in an array.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cells::{Cell, Field, Row};
use crate::columns::{Keys, Place, SeenColumns, is_column};
use crate::forms::{Forms, Sample};
use crate::issues::{Reason, Rejection};
use crate::text::Text;
use crate::{SourceError, SourceFile};

/// Hands each row of a file to `sink` with its line; returns the columns it had. Blank lines are no rows.
pub(crate) fn read<const N: usize>(
    input: impl Read,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_, N>], Rejection>),
) -> Result<Option<SeenColumns>, SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: file.path.clone(), cause };
    let text = Text::open(input).map_err(unreadable)?;
    let mut keys = Keys::<N>::of(file)?;
    let cut = Cut::of(&text, file);
    let (forms, is_doubled) = sampled(&text, &cut, file, &mut keys)?;

    let start = cut.start();
    let line = 1 + text.head()[..start].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    let mut pieces = Pieces::new(BufReader::with_capacity(1 << 16, text.reader(start)), cut, line);
    let mut repaired = Vec::new();
    while let Some((line, piece)) = pieces.next().map_err(unreadable)? {
        match parse(piece, &mut keys, is_doubled, &mut repaired) {
            Ok(values) => sink(line, Ok(&[row(&values, &forms)])),
            Err(Malformed::Doubled) => return Err(SourceError::DoubledBackslashes { file: file.path.clone(), line }),
            Err(Malformed::Otherwise(error)) => {
                sink(line, Err(Rejection::new(Reason::MalformedJson, error.to_string())));
            }
        }
        keys.check()?;
    }
    keys.seen()
}

fn row<'r, const N: usize>(values: &'r Values<'_, N>, forms: &'r Forms<N>) -> Row<'r, N> {
    std::array::from_fn(|i| Field { form: &forms[i], cell: values[i].cell() })
}

/// What the first rows show: the forms of the columns, and whether every backslash is doubled.
fn sampled<const N: usize>(
    text: &Text<'_>,
    cut: &Cut,
    file: &SourceFile,
    keys: &mut Keys<'_, N>,
) -> Result<(Forms<N>, bool), SourceError> {
    let bytes = if *cut == Cut::Lines { text.whole_lines() } else { &text.head()[cut.start()..] };
    let pieces = || Pieces::new(bytes, cut.clone(), 1);
    let mut repaired = Vec::new();
    let mut is_doubled = false;
    let mut all = pieces();
    // The last piece may be cut off, which only the whole file can tell from a broken one.
    while let Ok(Some((_, piece))) = all.next() {
        if let Err(Malformed::Doubled) = parse(piece, keys, false, &mut repaired) {
            is_doubled = true;
            break;
        }
    }
    let mut sample = Sample::new(file)?;
    let known = sample.known();
    let mut all = pieces();
    while let (false, Ok(Some((_, piece)))) = (sample.is_full(), all.next()) {
        if let Ok(values) = parse(piece, keys, is_doubled, &mut repaired) {
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
fn parse<'p, 'f: 'p, const N: usize>(
    piece: &'p [u8],
    keys: &mut Keys<'f, N>,
    is_doubled: bool,
    repaired: &'p mut Vec<u8>,
) -> Result<Values<'p, N>, Malformed> {
    if is_doubled {
        undouble(piece, repaired);
        return object(repaired, keys).map_err(Malformed::Otherwise);
    }
    let error = match object(piece, keys) {
        Ok(values) => return Ok(values),
        Err(error) => error,
    };
    undouble(piece, repaired);
    if repaired.len() < piece.len() && object(repaired, keys).is_ok() {
        return Err(Malformed::Doubled);
    }
    if name_numbers(piece, repaired) {
        object(repaired, keys).map_err(|_| Malformed::Otherwise(error))
    } else {
        Err(Malformed::Otherwise(error))
    }
}

fn object<'de, 'f: 'de, const N: usize>(text: &'de [u8], keys: &mut Keys<'f, N>) -> serde_json::Result<Values<'de, N>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let values = deserializer.deserialize_map(Object(keys))?;
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
    fn of(text: &Text<'_>, file: &SourceFile) -> Self {
        let head = text.head();
        let begin = head.len() - head.trim_ascii_start().len();
        let line = head[begin..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.starts_with(b"[") {
            Self::Values
        } else if let Some(start) = wrapped(&head[begin..], file) {
            Self::Wrapped(begin + start)
        } else if is_first_of_several(line, &head[begin..]) {
            Self::Values
        } else {
            Self::Lines
        }
    }

    fn start(&self) -> usize {
        if let Self::Wrapped(start) = self { *start } else { 0 }
    }
}

/// Whether the first line ends within a value, or has another object behind its first.
fn is_first_of_several(line: &[u8], text: &[u8]) -> bool {
    match first_value(line) {
        None => first_value(text).is_some(),
        Some(end) => {
            let rest = line[end..].trim_ascii_start();
            rest.starts_with(b"{") && first_value(rest).is_some()
        }
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
fn wrapped(text: &[u8], file: &SourceFile) -> Option<usize> {
    let mut rest = text.strip_prefix(b"{")?;
    loop {
        rest = rest.trim_ascii_start();
        let key = first_value(rest).map(|length| &rest[..length])?;
        let Name(name) = serde_json::from_slice(key).ok()?;
        if is_column(file, &name) {
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

type Values<'de, const N: usize> = [Value<'de>; N];

/// A string, number, boolean or null.
#[derive(Clone, Debug)]
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

struct Object<'k, 'f, const N: usize>(&'k mut Keys<'f, N>);

impl<'de, 'f: 'de, const N: usize> Visitor<'de> for Object<'_, 'f, N> {
    type Value = Values<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = self.0.constants().map(Value::Plain);
        let mut ranks = [usize::MAX; N];
        while let Some(Name(name)) = map.next_key()? {
            let places = self.0.places(&name);
            if places.is_empty() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Value<'de> = map.next_value()?;
            let mut second = None;
            for place @ &Place { column, rank } in places {
                if rank == ranks[column] {
                    second = Some(*place);
                } else if rank < ranks[column] {
                    ranks[column] = rank;
                    values[column] = value.clone();
                }
            }
            if let Some(place) = second {
                self.0.refuse(place, &name);
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
mod tests;

//! Rows of a file with separated values.

use std::io::{self, Read};

use crate::cells::{Cell, Field, Row, WIDE};
use crate::columns::{Columns, SeenColumns, width_of};
use crate::forms::{Forms, Sample};
use crate::issues::{Reason, Rejection};
use crate::text::{Text, windows_1252};
use crate::{SourceError, SourceFile};
use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

/// A row of more lines than this has an open quote that swallowed the rows after it.
const MAX_LINES: u64 = 100;

/// Hands each row of a file to `sink` with its line. A file without even a header has no rows.
pub(crate) fn read<const N: usize>(
    input: impl Read,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_, N>], Rejection>),
) -> Result<Option<SeenColumns>, SourceError> {
    let unreadable = |error: ::csv::Error| SourceError::Unreadable { path: file.path.clone(), cause: io_error(error) };
    let text = Text::open(input).map_err(|cause| SourceError::Unreadable { path: file.path.clone(), cause })?;
    let Some(dialect) = Dialect::of(&text, file)? else { return Ok(None) };
    let layout = Layout::of(&text, &dialect, file)?;

    let skipped = u64::from(dialect.skipped > 0);
    let mut reader = dialect.reader(Recent::new(text.reader(dialect.skipped)));
    reader.byte_headers().map_err(unreadable)?;
    // With CRLF the reader is still before the line feed when it has read a row.
    let behind = u64::from(reader.position().line() == 1);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let begun = record.position().map_or(0, ::csv::Position::line);
        let passed = reader.position().line().saturating_sub(begun);
        let lines = if passed > 1 { lines_of(&record) } else { 1 };
        // Blank lines before the row count as passed, too.
        let line = begun + behind + passed.saturating_sub(lines) + skipped;
        if lines > 1 && has_stray_quote(&reader, &record, &dialect) {
            let found = format!("a row of {lines} lines");
            sink(line, Err(Rejection { rows: lines, ..Rejection::new(Reason::UnclosedQuote, found) }));
            continue;
        }
        match unescaped(&record, dialect) {
            Some(record) => layout.deliver(&record, line, lines, sink),
            None => layout.deliver(&record, line, lines, sink),
        }
    }
    Ok(Some(layout.columns.seen))
}

/// How a file separates and quotes its values.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dialect {
    delimiter: u8,
    quotes: Quotes,
    /// Bytes before the header: a line such as `sep=;`, which is meant for Excel.
    skipped: usize,
}

/// How a quote is written within a quoted value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quotes {
    Doubled,
    /// Behind a backslash, as Spark and `MySQL` do.
    Backslash,
    /// Quotes are letters like others.
    Plain,
    /// So they are, and a backslash stands before what has another meaning: the text format of COPY in `PostgreSQL`, `MySQL`
    /// and `ClickHouse`, separated by tabs.
    Escaped,
}

impl Quotes {
    const fn are_letters(self) -> bool {
        matches!(self, Self::Plain | Self::Escaped)
    }
}

impl Dialect {
    const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

    /// The dialect of a file, by its beginning; `None` when it has no header.
    fn of(text: &Text<'_>, file: &SourceFile) -> Result<Option<Self>, SourceError> {
        let skipped = separator_line(text.head());
        let candidates = Self::DELIMITERS.map(|delimiter| Self { delimiter, quotes: Quotes::Doubled, skipped });
        let mut widest = None;
        for dialect in candidates {
            let Some(header) = dialect.header(text) else { return Ok(None) };
            let names: Vec<_> = header.iter().map(AsRef::as_ref).collect();
            match Columns::<WIDE>::find(file, &names) {
                Ok(_) => return Ok(Some(Self { quotes: dialect.quotes(text, names.len()), ..dialect })),
                // The error is about the header as its writer most likely meant it.
                Err(error) if widest.as_ref().is_none_or(|(width, _)| *width < names.len()) => {
                    widest = Some((names.len(), error));
                }
                Err(_) => {}
            }
        }
        widest.map_or(Ok(None), |(_, error)| Err(error))
    }

    fn header(&self, text: &Text<'_>) -> Option<Vec<String>> {
        let mut reader = self.reader(&text.head()[self.skipped..]);
        let header = reader.byte_headers().ok().filter(|header| !header.is_empty())?;
        Some(header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// The way of quoting with which the beginning of a file has the fewest faults.
    fn quotes(&self, text: &Text<'_>, width: usize) -> Quotes {
        let sample = &text.whole_lines()[self.skipped..];
        let faults = |quotes| Self { quotes, ..*self }.faults(sample, width, text.is_whole());
        if self.delimiter == b'\t' && is_escaped(sample) && faults(Quotes::Escaped) == 0 {
            return Quotes::Escaped;
        }
        if !sample.contains(&b'"') {
            return Quotes::Doubled;
        }
        if faults(Quotes::Doubled) == 0 {
            return Quotes::Doubled;
        }
        let all = [Quotes::Doubled, Quotes::Backslash, Quotes::Plain];
        all.into_iter().min_by_key(|quotes| faults(*quotes)).unwrap_or(Quotes::Doubled)
    }

    fn reader<R: Read>(&self, input: R) -> Reader<R> {
        let mut builder = ReaderBuilder::new();
        builder.flexible(true).buffer_capacity(1 << 16).delimiter(self.delimiter);
        match self.quotes {
            Quotes::Doubled => {}
            Quotes::Backslash => {
                builder.escape(Some(b'\\'));
            }
            Quotes::Plain | Quotes::Escaped => {
                builder.quoting(false);
            }
        }
        builder.from_reader(input)
    }

    /// The places at which rows break this dialect: something behind the quote that ends a value, a quote that is never
    /// closed, a row that is not `width` values wide; where quotes are letters, a value within quotes. A quote within a
    /// value that has none around it is a letter in any case.
    fn faults(&self, rows: &[u8], width: usize, is_whole: bool) -> usize {
        #[derive(Clone, Copy, PartialEq)]
        enum Within {
            Nothing,
            Value,
            Quotes,
            /// Behind a quote within quotes: it ends them, unless another follows.
            Quote,
            /// Behind a backslash within quotes.
            Backslash,
        }
        let (mut within, mut faults, mut values) = (Within::Nothing, 0, 1);
        // Quotes around a whole value are hardly part of it.
        let is_quoted = |value: &[u8]| matches!(value.trim_ascii_end(), [b'"', .., b'"']);
        let mut begin = 0;
        for (i, &byte) in rows.iter().enumerate() {
            if self.quotes == Quotes::Plain && (byte == self.delimiter || byte == b'\n') {
                faults += usize::from(is_quoted(&rows[begin..i]));
                begin = i + 1;
            }
            let is_quote = byte == b'"' && !self.quotes.are_letters();
            within = match within {
                Within::Quotes if is_quote => Within::Quote,
                Within::Quotes if byte == b'\\' && self.quotes == Quotes::Backslash => Within::Backslash,
                Within::Quotes | Within::Backslash => Within::Quotes,
                Within::Quote | Within::Nothing if is_quote => Within::Quotes,
                _ if byte == self.delimiter => {
                    values += 1;
                    Within::Nothing
                }
                _ if byte == b'\n' => {
                    let is_blank = values == 1 && within == Within::Nothing;
                    faults += usize::from(values != width && !is_blank);
                    values = 1;
                    Within::Nothing
                }
                _ if byte == b'\r' => within,
                _ => {
                    faults += usize::from(within == Within::Quote);
                    Within::Value
                }
            };
        }
        let is_open = matches!(within, Within::Quotes | Within::Backslash);
        faults + usize::from(is_open && is_whole)
    }
}

/// Whether backslashes escape in a text without quotes in its header: some value is `\N`, which stands for a missing one, and
/// each backslash stands before a letter that it gives a meaning.
fn is_escaped(text: &[u8]) -> bool {
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has_missing = || text.split(|byte| matches!(byte, b'\t' | b'\n' | b'\r')).any(|value| value == br"\N");
    let mut bytes = text.iter();
    let mut are_all_meant = || {
        while let Some(byte) = bytes.next() {
            if *byte != b'\\' {
                continue;
            }
            let Some(b'N' | b'\\' | b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'0' | b'\'') = bytes.next() else {
                return false;
            };
        }
        true
    };
    !header.contains(&b'"') && has_missing() && are_all_meant()
}

/// A record with what its backslashes stand for, if the dialect gives them a meaning and it has any.
fn unescaped(record: &ByteRecord, dialect: Dialect) -> Option<ByteRecord> {
    let has_any = dialect.quotes == Quotes::Escaped && record.as_slice().contains(&b'\\');
    has_any.then(|| record.iter().map(unescape).collect())
}

fn unescape(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, byte == b'\\') {
            (_, true) if value == br"\N" => return value.to_vec(),
            (_, true) => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(b'0') => 0,
                Some(other) => other,
                None => byte,
            },
            (byte, false) => byte,
        });
    }
    plain
}

/// The length of a line that names the separator.
fn separator_line(head: &[u8]) -> usize {
    let Some(end) = head.iter().take(8).position(|byte| *byte == b'\n') else { return 0 };
    let is_named = matches!(head[..end].trim_ascii_end(), [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', _]);
    // A tab is trimmed.
    if is_named || head.starts_with(b"sep=\t") { end + 1 } else { 0 }
}

/// Whether a row of several lines has a quote that doesn't belong there, which swallowed the end of its line.
fn has_stray_quote<R: Read>(reader: &Reader<Recent<R>>, record: &ByteRecord, dialect: &Dialect) -> bool {
    let Some(start) = record.position().map(::csv::Position::byte) else { return false };
    let end = reader.position().byte();
    reader.get_ref().range(start, end).is_some_and(|row| {
        // The ends of this line and of the one before.
        let begin = row.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(row.len());
        dialect.faults(&row[begin..], record.len(), true) > 0
    })
}

/// Keeps what was read last, so that a row can be looked at as it was written.
struct Recent<R> {
    input: R,
    bytes: Vec<u8>,
    /// The place of the first of them in the input.
    start: u64,
}

impl<R> Recent<R> {
    /// The fewest bytes kept; rows are hardly ever longer.
    const KEPT: usize = 1 << 18;

    fn new(input: R) -> Self {
        Self { input, bytes: Vec::new(), start: 0 }
    }

    /// The bytes from `start` to `end` of the input, if they are still there.
    fn range(&self, start: u64, end: u64) -> Option<&[u8]> {
        let place = |byte: u64| usize::try_from(byte.checked_sub(self.start)?).ok();
        self.bytes.get(place(start)?..place(end)?)
    }
}

impl<R: Read> Read for Recent<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if self.bytes.len() + read > 2 * Self::KEPT {
            let dropped = self.bytes.len().saturating_sub(Self::KEPT);
            self.bytes.drain(..dropped);
            self.start += dropped as u64;
        }
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

/// What there is to know of a file to read its rows.
struct Layout<'f, const N: usize> {
    width: usize,
    used: usize,
    forms: Forms<N>,
    columns: Columns<'f, N>,
    /// The encoding is not known: the beginning is ASCII.
    may_be_windows: bool,
}

impl<'f, const N: usize> Layout<'f, N> {
    fn of(text: &Text<'_>, dialect: &Dialect, file: &'f SourceFile) -> Result<Self, SourceError> {
        let header = dialect.header(text).unwrap_or_default();
        let header: Vec<_> = header.iter().map(AsRef::as_ref).collect();
        let mut sample = Sample::new(file)?;
        let mut layout = Self {
            width: header.len(),
            used: width_of(file),
            forms: sample.known(),
            columns: Columns::find(file, &header)?,
            may_be_windows: text.is_ascii(),
        };
        let mut reader = dialect.reader(&text.whole_lines()[dialect.skipped..]);
        let mut record = ByteRecord::new();
        while !sample.is_full() && reader.read_byte_record(&mut record).unwrap_or(false) {
            let unescaped = unescaped(&record, *dialect);
            if let Ok(row) = layout.row(unescaped.as_ref().unwrap_or(&record), 1) {
                sample.see(&row);
            }
        }
        layout.forms = sample.forms()?;
        Ok(layout)
    }

    /// Hands a record that takes up `lines` lines to `sink`.
    fn deliver(
        &self,
        record: &ByteRecord,
        line: u64,
        lines: u64,
        sink: &mut impl FnMut(u64, Result<&[Row<'_, N>], Rejection>),
    ) {
        match self.row(record, lines) {
            Ok(row) => sink(line, Ok(&[row])),
            Err(rejection) => {
                let is_foreign = rejection.reason == Reason::InvalidUtf8 && self.may_be_windows;
                let decoded = record.iter().map(decoded).collect::<Option<ByteRecord>>().filter(|_| is_foreign);
                match decoded.as_ref().map(|decoded| self.row(decoded, lines)) {
                    Some(Ok(row)) => sink(line, Ok(&[row])),
                    Some(Err(_)) | None => sink(line, Err(rejection)),
                }
            }
        }
    }

    /// The cells of a record that takes up `lines` lines.
    fn row<'r>(&'r self, record: &'r ByteRecord, lines: u64) -> Result<Row<'r, N>, Rejection> {
        if record.len() != self.width {
            let found = format!("{} instead of {}", record.len(), self.width);
            return Err(Rejection { rows: lines, ..Rejection::new(Reason::WrongFieldCount, found) });
        }
        if lines > MAX_LINES {
            let found = format!("a row of {lines} lines");
            return Err(Rejection { rows: lines, ..Rejection::new(Reason::UnclosedQuote, found) });
        }
        let mut row = [Field::default(); N];
        let columns = self.columns.positions.into_iter().zip(&self.columns.constants);
        for ((field, form), (position, constant)) in row.iter_mut().zip(&self.forms).zip(columns).take(self.used) {
            let cell = match position.and_then(|position| record.get(position)) {
                None => *constant,
                Some([]) => Cell::Missing,
                Some(bytes) => Cell::Text(std::str::from_utf8(bytes).map_err(|_| {
                    Rejection::of_value(Reason::InvalidUtf8, form.name, &String::from_utf8_lossy(bytes))
                })?),
            };
            *field = Field { form, cell };
        }
        Ok(row)
    }
}

/// How many lines a record takes up.
fn lines_of(record: &ByteRecord) -> u64 {
    record.as_slice().trim_ascii_end().iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>() + 1
}

fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A value of a file that began as ASCII, and so may be in Windows-1252.
fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(bytes).is_ok() { Some(bytes.to_vec()) } else { windows_1252(bytes).map(String::into_bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::MAX_COLUMNS;
    use crate::tests::{Seen, file_of, seen};
    use expansion_domain::Table;

    fn rows(text: &[u8]) -> Vec<Seen> {
        seen(3, |mut sink| read::<MAX_COLUMNS>(text, &file_of(Table::HealthScoreHistory, "h.csv"), &mut sink))
    }

    #[test]
    fn the_text_format_of_databases_is_unescaped() {
        let text = b"customer_id\trecorded_at\tscore\na\\\\b\\tc\t\\N\t5\n\"d\"\t2024-01-01\t6\n";
        assert_eq!(rows(text), [(2, Ok("a\\b\tc||5".into()), 1), (3, Ok("\"d\"|2024-01-01|6".into()), 1)]);
        let path = b"customer_id\trecorded_at\tscore\nC:\\new\t2024-01-01\t5\n";
        assert_eq!(rows(path), [(2, Ok("C:\\new|2024-01-01|5".into()), 1)]);
    }

    #[test]
    fn columns_are_found_by_name_behind_a_byte_order_mark() {
        let text = "\u{feff} customer_id ,ignored,score,recorded_at\nc1,x,50,2024-01-01\n";
        assert_eq!(rows(text.as_bytes()), [(2, Ok("c1|2024-01-01|50".into()), 1)]);
    }

    #[test]
    fn lines_are_counted_with_either_line_end_and_blank_lines() {
        for end in ["\n", "\r\n"] {
            let text = ["customer_id,recorded_at,score", "a,\"1\n1\",1", "", "b,1,1", "c,1,1", ""].join(end);
            let lines: Vec<_> = rows(text.as_bytes()).into_iter().map(|(line, ..)| line).collect();
            assert_eq!(lines, [2, 5, 6], "{end:?}");
        }
    }

    #[test]
    fn a_ragged_or_foreign_row_is_rejected_alone() {
        let text = b"customer_id,recorded_at,score\na,1\nb,\xff,1\nc,1,1,1\n\xc3\xbc,1,1\n";
        let outcomes: Vec<_> = rows(text).into_iter().map(|(_, outcome, _)| outcome.err()).collect();
        assert_eq!(
            outcomes,
            [Some(Reason::WrongFieldCount), Some(Reason::InvalidUtf8), Some(Reason::WrongFieldCount), None]
        );
    }

    #[test]
    fn the_rows_an_open_quote_swallows_are_counted() {
        let good = "b,1,1\n".repeat(20_000);
        let text = format!("customer_id,recorded_at,score\n{good}a,1,\"1\n{}", &good[..1200]);
        let mut rows = rows(text.as_bytes());
        assert_eq!(rows.pop(), Some((20_002, Err(Reason::UnclosedQuote), 201)));
        assert!(rows.len() == 20_000 && rows.iter().all(|(_, row, _)| row.is_ok()));
    }

    #[test]
    fn a_required_column_must_be_there_unless_the_file_is_empty() {
        let error = read::<MAX_COLUMNS>(
            &b"customer_id,score\n"[..],
            &file_of(Table::HealthScoreHistory, "h.csv"),
            &mut |_, _| {},
        );
        assert_eq!(
            error.expect_err("a column is missing").to_string(),
            "h.csv has no column recorded_at, which is required"
        );
        assert_eq!(rows(b""), []);
    }

    #[test]
    fn the_separator_is_told_by_the_header() {
        for (text, line) in [
            ("customer_id;recorded_at;score\n1,5;2024-01-01;50\n", 2),
            ("\"customer_id\"\t\"recorded_at\"\t\"score\"\r\n1,5\t2024-01-01\t50\r\n", 2),
            ("CUSTOMER ID|Recorded-At|Score\n\"1,5\"|2024-01-01|50\n", 2),
            ("sep=;\r\ncustomer_id;recorded_at;score\r\n1,5;2024-01-01;50\r\n", 3),
            ("sep=\t\ncustomer_id\trecorded_at\tscore\n1,5\t2024-01-01\t50\n", 3),
        ] {
            assert_eq!(rows(text.as_bytes()), [(line, Ok("1,5|2024-01-01|50".into()), 1)], "{text}");
        }
        let text = &b"customer_id;recorded_at\nc1;2024-01-01\n"[..];
        let error = read::<MAX_COLUMNS>(text, &file_of(Table::HealthScoreHistory, "h.csv"), &mut |_, _| {});
        assert_eq!(error.expect_err("missing").to_string(), "h.csv has no column score, which is required");
    }

    const SIGNALS: &str = "customer_id,detected_at,kind,summary\n";

    fn signals(rows: &str) -> Vec<Seen> {
        let text = SIGNALS.to_owned() + rows;
        seen(4, |mut sink| read::<MAX_COLUMNS>(text.as_bytes(), &file_of(Table::ExpansionSignals, "s.csv"), &mut sink))
    }

    fn summaries(rows: &str) -> Vec<Result<String, Reason>> {
        let rows = signals(rows).into_iter();
        rows.map(|(_, row, _)| row.map(|row| row.rsplit('|').next().unwrap_or_default().to_owned())).collect()
    }

    #[test]
    fn the_way_of_quoting_is_told_by_the_first_rows() {
        let spark =
            "c1,2026-06-01,k,\"screens of 27\\\"\"\nc1,2026-06-10,k,\"27\\\" or \\\\ more\"\nc2,2026-06-11,k,plain\n";
        assert_eq!(summaries(spark), [Ok("screens of 27\"".into()), Ok("27\" or \\ more".into()), Ok("plain".into())]);
        let doubled = "c1,1,k,\"in C:\\\"\nc1,1,k,\"say \"\"hi\"\", twice\"\nc1,1,k,\"two\nlines \"\"here\"\"\"\n";
        assert_eq!(
            summaries(doubled),
            [Ok("in C:\\".into()), Ok("say \"hi\", twice".into()), Ok("two\nlines \"here\"".into())]
        );
        let unquoted = "c1,1,k,\"Big\" deal\nc1,1,k,\"never closed\nc1,1,k,27\"\n";
        assert_eq!(summaries(unquoted), [Ok("\"Big\" deal".into()), Ok("\"never closed".into()), Ok("27\"".into())]);
        // One slip among quoted values doesn't make their quotes letters.
        let slip = "c1,1,k,\"a\"\nc1,1,k,\"b\"\nc1,1,k,\"c\" d\n";
        assert_eq!(summaries(slip)[..2], [Ok("a".into()), Ok("b".into())]);
    }

    #[test]
    fn a_stray_quote_behind_the_first_rows_makes_a_bad_row() {
        let good = "c1,2026-06-01,k,plain\n".repeat(5_000);
        let line = 5_002;
        let spark =
            good.clone() + "c2,1,k,\"of 27\\\"\"\nc2,1,k,\"of 27\\\"\"\nc2,1,k,\"two\n\"\"lines\"\"\"\nc3,1,k,x\n";
        assert_eq!(
            signals(&spark)[5_000..],
            [
                (line, Err(Reason::UnclosedQuote), 2),
                (line + 2, Ok("c2|1|k|two\n\"lines\"".into()), 1),
                (line + 4, Ok("c3|1|k|x".into()), 1),
            ]
        );
        let tabs = (SIGNALS.to_owned() + &good).replace(',', "\t") + "\t1\tk\t\"two\nlines\"\r\nc3\t1\t\"k\nk\"\t\n";
        let rows = seen(4, |mut sink| {
            read::<MAX_COLUMNS>(tabs.as_bytes(), &file_of(Table::ExpansionSignals, "s.tsv"), &mut sink)
        });
        assert_eq!(rows[5_000..], [(line, Ok("|1|k|two\nlines".into()), 1), (line + 2, Ok("c3|1|k\nk|".into()), 1)]);
        let open = good + "c2,1,k,\"never closed\nc3,1,k,x\n";
        assert_eq!(signals(&open)[5_000..], [(line, Err(Reason::UnclosedQuote), 2)]);
    }

    #[test]
    fn other_encodings_are_recognised() {
        let text = SIGNALS.to_owned() + "c1,1,k,\"Zürich – \"\"Büro\"\"\"\nc2,1,k,größer\n";
        let expected = [(2, Ok("c1|1|k|Zürich – \"Büro\"".into()), 1), (3, Ok("c2|1|k|größer".into()), 1)];
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let windows = encoding_rs::WINDOWS_1252.encode(&text).0;
        for bytes in [&*utf_16, &*windows, &[b"\xff\xfe", &*utf_16].concat(), text.as_bytes()] {
            let found =
                seen(4, |mut sink| read::<MAX_COLUMNS>(bytes, &file_of(Table::ExpansionSignals, "s.csv"), &mut sink));
            assert_eq!(found, expected);
        }
        // The first letter beyond ASCII comes after what is looked at before.
        let late = SIGNALS.to_owned() + &"c1,2026-06-01,k,plain\n".repeat(5_000);
        let late = [late.as_bytes(), b"c2,1,k,gr\xf6\xdfer\nc3,1,k,\x81\n"].concat();
        let rows =
            seen(4, |mut sink| read::<MAX_COLUMNS>(&*late, &file_of(Table::ExpansionSignals, "s.csv"), &mut sink));
        assert_eq!(rows[5_000..], [(5_002, Ok("c2|1|k|größer".into()), 1), (5_003, Err(Reason::InvalidUtf8), 1)]);
    }
}

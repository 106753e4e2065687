//! Rows of a CSV file.

use std::io::{self, Read};

use crate::cells::{Cell, Field, MAX_COLUMNS, Row};
use crate::forms::{Forms, forms};
use crate::issues::{Reason, Rejection};
use crate::tables::{columns, positions};
use crate::{SourceError, SourceFile};
use ::csv::{ByteRecord, ErrorKind, ReaderBuilder};

/// A row of more lines than this has an open quote that swallowed the rows after it.
const MAX_LINES: u64 = 100;

/// Hands each row of a file to `sink` with its line. A file without even a header has no rows.
pub(crate) fn read(
    input: impl Read,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_>], Rejection>),
) -> Result<(), SourceError> {
    let unreadable = |error: ::csv::Error| SourceError::Unreadable { path: file.path.clone(), cause: io_error(error) };
    let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 16).from_reader(input);
    let header = reader.byte_headers().map_err(unreadable)?;
    if header.is_empty() {
        return Ok(());
    }
    let width = header.len();
    let header: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
    let header: Vec<_> = header.iter().map(AsRef::as_ref).collect();
    let layout =
        Layout { width, used: columns(file.table).len(), forms: forms(file), positions: positions(file, &header)? };

    // With CRLF the reader is still before the line feed when it has read a row.
    let behind = u64::from(reader.position().line() == 1);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let begun = record.position().map_or(0, ::csv::Position::line);
        let passed = reader.position().line().saturating_sub(begun);
        let lines = if passed > 1 { lines_of(&record) } else { 1 };
        // Blank lines before the row count as passed, too.
        let line = begun + behind + passed.saturating_sub(lines);
        match layout.row(&record, lines) {
            Ok(row) => sink(line, Ok(&[row])),
            Err(rejection) => sink(line, Err(rejection)),
        }
    }
    Ok(())
}

/// Where a file has the columns of its table.
struct Layout {
    width: usize,
    used: usize,
    forms: Forms,
    positions: [Option<usize>; MAX_COLUMNS],
}

impl Layout {
    /// The cells of a record that takes up `lines` lines.
    fn row<'r>(&'r self, record: &'r ByteRecord, lines: u64) -> Result<Row<'r>, Rejection> {
        if record.len() != self.width {
            let found = format!("{} instead of {}", record.len(), self.width);
            return Err(Rejection { rows: lines, ..Rejection::new(Reason::WrongFieldCount, found) });
        }
        if lines > MAX_LINES {
            let found = format!("a row of {lines} lines");
            return Err(Rejection { rows: lines, ..Rejection::new(Reason::UnclosedQuote, found) });
        }
        let mut row = Row::default();
        for ((field, form), position) in row.iter_mut().zip(&self.forms).zip(self.positions).take(self.used) {
            let cell = match position.and_then(|position| record.get(position)) {
                None | Some([]) => Cell::Missing,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Seen, file_of, seen};
    use expansion_domain::Table;

    fn rows(text: &[u8]) -> Vec<Seen> {
        seen(3, |mut sink| read(text, &file_of(Table::HealthScoreHistory, "h.csv"), &mut sink))
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
        let text = b"customer_id,recorded_at,score\na,1\nb,\xff,1\nc,1,1,1\nd,1,1\n";
        let outcomes: Vec<_> = rows(text).into_iter().map(|(_, outcome, _)| outcome.err()).collect();
        assert_eq!(
            outcomes,
            [Some(Reason::WrongFieldCount), Some(Reason::InvalidUtf8), Some(Reason::WrongFieldCount), None]
        );
    }

    #[test]
    fn the_rows_an_open_quote_swallows_are_counted() {
        let mut text = "customer_id,recorded_at,score\na,1,\"1\n".to_owned();
        text.push_str(&"b,1,1\n".repeat(200));
        assert_eq!(rows(text.as_bytes()), [(2, Err(Reason::UnclosedQuote), 201)]);
    }

    #[test]
    fn a_required_column_must_be_there_unless_the_file_is_empty() {
        let error = read(&b"customer_id,score\n"[..], &file_of(Table::HealthScoreHistory, "h.csv"), &mut |_, _| {});
        assert_eq!(
            error.expect_err("a column is missing").to_string(),
            "h.csv has no column recorded_at, which is required"
        );
        assert_eq!(rows(b""), []);
    }
}

//! How the cells of a file's columns are written: what each column of the table is called in messages, and how its texts
//! are to be understood. Owns what is told from a sample of a file's first rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::cells::{Cell, MAX_COLUMNS, Row};
use crate::numbers::{Numbers, NumbersSeen, Unclear};
use crate::tables::columns;
use crate::times::{Style, Times, style_of_number, whole, whole_of};
use crate::{DecimalMark, SourceError, SourceFile, TableMapping};

/// How the cells of one column are written in one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// The column's name in the contract, for messages.
    pub(crate) name: &'static str,
    pub(crate) missing: Missing,
    /// What a text (in lower case) stands for.
    pub(crate) values: Option<Arc<BTreeMap<String, String>>>,
    /// Ids were written by a program that keeps whole numbers as floats: `1000.0` is 1000.
    pub(crate) are_whole: bool,
    pub(crate) times: Times,
    pub(crate) numbers: Numbers,
}

/// The form of a cell beyond the table's columns.
pub(crate) static NO_FORM: Form = Form {
    name: "",
    missing: Missing::OfTexts,
    values: None,
    are_whole: false,
    times: Times { style: Style::Calendar, zone: None, are_days: false },
    numbers: Numbers::Plain,
};

/// The forms of a file's columns, in the contract's order.
pub(crate) type Forms = [Form; MAX_COLUMNS];

/// Texts that stand for a missing value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Missing {
    /// As programs write them, letter by letter: `Null` and `Nan` are names of people, `NA` is Namibia or North America.
    #[default]
    OfTexts,
    /// In any case, and more of them: no time, number or flag looks like that.
    OfValues,
    /// Only these.
    Listed(Arc<[String]>),
}

impl Missing {
    /// Whether a trimmed text stands for a missing value.
    pub(crate) fn has(&self, text: &str) -> bool {
        match self {
            Self::OfTexts => matches!(
                text,
                "\\N"
                    | "NULL"
                    | "null"
                    | "None"
                    | "NaN"
                    | "nan"
                    | "NaT"
                    | "<NA>"
                    | "<null>"
                    | "(null)"
                    | "[NULL]"
                    | "N/A"
                    | "n/a"
                    | "#N/A"
                    | "#NULL!"
            ),
            Self::OfValues => {
                const WORDS: [&str; 14] = [
                    "\\n", "null", "none", "nan", "nat", "<na>", "<null>", "(null)", "[null]", "n/a", "#n/a", "#null!",
                    "na", "nil",
                ];
                // Most values begin with a digit.
                let may_be = text.bytes().next().is_some_and(|first| !matches!(first, b'1'..=b'9' | b'-'));
                may_be && (WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.starts_with("0000-00-00"))
            }
            Self::Listed(words) => words.iter().any(|word| word == text),
        }
    }
}

/// What the cells of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An id or a label, such as a segment.
    Text,
    /// A name or a sentence.
    Prose,
    Time,
    Money,
    Measure,
    Flag,
}

impl Kind {
    fn of(column: &str) -> Self {
        match column {
            "name" | "title" | "summary" => Self::Prose,
            "list_price" | "annual_value" | "amount" => Self::Money,
            "quantity" | "value" | "score" => Self::Measure,
            "with_executive" | "is_deleted" => Self::Flag,
            _ if column.ends_with("_at") || column.ends_with("_date") => Self::Time,
            _ => Self::Text,
        }
    }
}

/// Rows that are looked at to tell a file's forms.
pub(crate) const SAMPLE_ROWS: usize = 1000;

/// What the first rows of a file show of its columns.
pub(crate) struct Sample<'f> {
    file: &'f SourceFile,
    columns: Vec<Seen>,
    rows: usize,
}

struct Seen {
    /// What is said of the column, and what is known without any row.
    form: Form,
    kind: Kind,
    whole: WholeSeen,
    times: TimesSeen,
    numbers: NumbersSeen,
}

/// Whether a column's texts are whole numbers.
#[derive(Debug, Default)]
struct WholeSeen {
    /// As in `1000.0`.
    floats: usize,
    others: usize,
}

/// In which ways a column's times are written.
#[derive(Debug, Default)]
struct TimesSeen {
    styles: BTreeMap<Style, usize>,
    midnights: usize,
}

impl<'f> Sample<'f> {
    pub(crate) fn new(file: &'f SourceFile) -> Result<Self, SourceError> {
        let zone = zone(file)?;
        let columns = columns(file.table).iter().map(|column| Seen::new(column.name, &file.mapping, zone.clone()));
        Ok(Self { file, columns: columns.collect(), rows: 0 })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= SAMPLE_ROWS
    }

    /// The forms by which a sample is read: what is known without any row.
    pub(crate) fn known(&self) -> Forms {
        std::array::from_fn(|i| self.columns.get(i).map_or_else(Form::default, |seen| seen.form.clone()))
    }

    pub(crate) fn see(&mut self, row: &Row<'_>) {
        self.rows += 1;
        for (seen, field) in self.columns.iter_mut().zip(row) {
            seen.see(field.trimmed());
        }
    }

    /// The forms of the whole file.
    pub(crate) fn forms(self) -> Result<Forms, SourceError> {
        let file = self.file;
        let mut forms = Forms::default();
        for (form, seen) in forms.iter_mut().zip(self.columns) {
            let column = seen.form.name;
            *form = seen.form(file.mapping.decimal_mark).map_err(|unclear| unclear.of(file, column))?;
        }
        Ok(forms)
    }
}

fn zone(file: &SourceFile) -> Result<Option<TimeZone>, SourceError> {
    let Some(name) = &file.mapping.timezone else { return Ok(None) };
    let unknown = |_| SourceError::UnknownTimeZone { file: file.path.clone(), zone: name.clone() };
    TimeZone::get(name).map(|zone| Some(zone).filter(|zone| *zone != TimeZone::UTC)).map_err(unknown)
}

impl Seen {
    fn new(column: &'static str, mapping: &TableMapping, zone: Option<TimeZone>) -> Self {
        let kind = Kind::of(column);
        let missing = match (&mapping.missing, kind) {
            (Some(words), _) => Missing::Listed(words.as_slice().into()),
            (None, Kind::Text | Kind::Prose) => Missing::OfTexts,
            (None, Kind::Time | Kind::Money | Kind::Measure | Kind::Flag) => Missing::OfValues,
        };
        let values = mapping.values.get(column).map(|values| Arc::new(values.clone()));
        let times = Times { zone, ..Times::default() };
        let form = Form { name: column, missing, values, times, ..Form::default() };
        Self { form, kind, whole: WholeSeen::default(), times: TimesSeen::default(), numbers: NumbersSeen::default() }
    }

    fn see(&mut self, cell: Cell<'_>) {
        match (self.kind, cell) {
            (Kind::Text, Cell::Text(text)) => self.whole.see(text),
            (Kind::Money | Kind::Measure, Cell::Text(text)) => self.numbers.see(text),
            (Kind::Time, cell) => self.times.see(cell, &self.form.times),
            _ => {}
        }
    }

    fn form(self, decimal: Option<DecimalMark>) -> Result<Form, Unclear> {
        let Self { mut form, kind, whole, times, numbers } = self;
        match kind {
            Kind::Text => form.are_whole = whole.floats > 0 && whole.others == 0,
            Kind::Time => times.fill(&mut form.times),
            Kind::Money | Kind::Measure => form.numbers = numbers.numbers(decimal, kind == Kind::Money)?,
            Kind::Prose | Kind::Flag => {}
        }
        Ok(form)
    }
}

impl WholeSeen {
    fn see(&mut self, text: &str) {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        // Floats have no leading zeros.
        if !is_number || (whole.starts_with('0') && whole.len() > 1) || fraction.bytes().any(|byte| byte != b'0') {
            self.others += 1;
        } else if text.len() > whole.len() {
            self.floats += 1;
        }
    }
}

impl TimesSeen {
    fn see(&mut self, cell: Cell<'_>, times: &Times) {
        let number = match cell {
            Cell::Integer(integer) => Some(integer),
            Cell::Number(number) => whole_of(number),
            Cell::Text(text) => whole(text),
            _ => None,
        };
        let style = match number {
            Some(number) => style_of_number(number),
            None => Some(Style::Calendar),
        };
        let Some(style) = style else { return };
        let styled = Times { style, ..times.clone() };
        if let Some(stamp) = cell.stamp(&styled).filter(|stamp| !Times::is_never(*stamp)) {
            *self.styles.entry(style).or_default() += 1;
            self.midnights += usize::from(times.is_midnight(stamp));
        }
    }

    /// The style of most times, the calendar's among equals.
    fn fill(self, times: &mut Times) {
        let seen: usize = self.styles.values().sum();
        let most = self.styles.into_iter().rev().max_by_key(|(_, count)| *count);
        times.style = most.map_or(Style::Unseen, |(style, _)| style);
        times.are_days = seen > 0 && self.midnights == seen;
    }
}

impl Unclear {
    fn of(self, file: &SourceFile, column: &'static str) -> SourceError {
        let file = file.path.clone();
        match self {
            Self::Mark(example) => SourceError::UnclearNumber { file, column, example },
            Self::Marks(first, second) => SourceError::MixedNumbers { file, column, first, second },
            Self::Currencies(first, second) => SourceError::MixedCurrencies { file, column, first, second },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    use crate::cells::Field;
    use crate::tests::file_of;
    use expansion_domain::Table;

    /// The form of the column at `position` of a table whose first rows have these cells there.
    fn form(table: Table, position: usize, cells: &[Cell<'_>]) -> Result<Form, SourceError> {
        form_in(&file_of(table, "x.csv"), position, cells)
    }

    fn form_in(file: &SourceFile, position: usize, cells: &[Cell<'_>]) -> Result<Form, SourceError> {
        let mut sample = Sample::new(file)?;
        let known = sample.known();
        for cell in cells {
            let mut row = Row::default();
            row[position] = Field { form: &known[position], cell: *cell };
            sample.see(&row);
        }
        sample.forms().map(|mut forms| std::mem::take(&mut forms[position]))
    }

    fn texts<'a>(texts: &[&'a str]) -> Vec<Cell<'a>> {
        texts.iter().map(|text| Cell::Text(text)).collect()
    }

    #[test]
    fn every_column_is_of_a_kind() {
        let kinds = |wanted: Kind| {
            let names = Table::ALL.into_iter().flat_map(columns).map(|column| column.name);
            let mut names: Vec<_> = names.filter(|name| Kind::of(name) == wanted).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        assert_eq!(kinds(Kind::Prose), ["name", "summary", "title"]);
        assert_eq!(kinds(Kind::Money), ["amount", "annual_value", "list_price"]);
        assert_eq!(kinds(Kind::Measure), ["quantity", "score", "value"]);
        assert!(kinds(Kind::Time).iter().all(|name| name.ends_with("_at") || name.ends_with("_date")));
        assert!(kinds(Kind::Text).iter().all(|name| !name.ends_with("_at") && !name.contains("date")));
    }

    #[test]
    fn words_for_missing_values_depend_on_what_the_column_has() {
        let word = |column: usize, text: &str| {
            let form = form(Table::Customers, column, &[]).expect("a form");
            Field { form: &form, cell: Cell::Text(text) }.trimmed() == Cell::Missing
        };
        for text in ["", " ", "\\N", "NULL", "null", "NaT", "None", "nan", "NaN", "<NA>", "N/A", "#N/A", " NULL "] {
            assert!(word(1, text) && word(2, text) && word(6, text), "{text}");
        }
        // Namibia, a name, and a segment that is called so: only a date can't be that.
        for text in ["NA", "Null", "Nan", "NONE", "nil", "0000-00-00", "0000-00-00 00:00:00"] {
            assert!(!word(1, text) && !word(2, text) && word(6, text), "{text}");
        }
        for text in ["0", "-", "n", "Nanny", "nulls", "2024-01-01"] {
            assert!(!word(1, text) && !word(6, text), "{text}");
        }
    }

    #[test]
    fn the_mapping_says_more_than_the_texts() {
        let mapping = TableMapping {
            missing: Some(vec!["?".to_owned()]),
            values: [(
                "segment".to_owned(),
                [("1".to_owned(), "SMB".to_owned()), ("x".to_owned(), "?".to_owned())].into(),
            )]
            .into(),
            ..TableMapping::default()
        };
        let file = SourceFile { mapping: Arc::new(mapping), ..file_of(Table::Customers, "x.csv") };
        let form = form_in(&file, 2, &[]).expect("a form");
        let read = |cell| Field { form: &form, cell }.text().expect("a text").map(Cow::into_owned);
        assert_eq!(read(Cell::Text("NULL")).as_deref(), Some("NULL"));
        assert_eq!(read(Cell::Text("?")), None);
        assert_eq!(read(Cell::Text(" 1 ")).as_deref(), Some("SMB"));
        assert_eq!(read(Cell::Integer(1)).as_deref(), Some("SMB"));
        assert_eq!(read(Cell::Text("X")), None, "a value that stands for a missing one");

        let mapping = TableMapping { timezone: Some("Europe/Berlin".to_owned()), ..TableMapping::default() };
        let file = SourceFile { mapping: Arc::new(mapping), ..file_of(Table::Customers, "x.csv") };
        let form = form_in(&file, 6, &[]).expect("a form");
        let at = Field { form: &form, cell: Cell::Text("2024-07-01 12:00") }.instant().expect("a time").expect("there");
        assert_eq!(at.to_string(), "2024-07-01T10:00:00Z");
        let mapping = TableMapping { timezone: Some("Berlin".to_owned()), ..TableMapping::default() };
        let file = SourceFile { mapping: Arc::new(mapping), ..file_of(Table::Customers, "customers/x.csv") };
        assert_eq!(
            form_in(&file, 6, &[]).expect_err("no such zone").to_string(),
            "there is no time zone \"Berlin\", which source.yaml names for customers/x.csv: expected one such as \
             Europe/Berlin"
        );
    }

    #[test]
    fn ids_of_float_columns_are_whole() {
        let ids = |cells: &[&str]| {
            let form = form(Table::Products, 0, &texts(cells)).expect("a form");
            let read =
                |text| Field { form: &form, cell: Cell::Text(text) }.text().expect("a text").map(Cow::into_owned);
            cells.iter().filter_map(|text| read(text)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&["1000.0", "1", "2.00", "0.0", "", "NULL"]), ["1000", "1", "2", "0"]);
        for kept in [&["1.0", "2.1"][..], &["1.0", "pro"], &["007.0"], &["1.0", "1.0.0"], &["1", "2"], &["1.0", "-1.0"]]
        {
            assert_eq!(ids(kept), kept);
        }
        let form = form(Table::Products, 0, &[Cell::Number(1000.0)]).expect("a form");
        assert_eq!(Field { form: &form, cell: Cell::Number(1000.0) }.text(), Ok(Some("1000".into())));
        assert_eq!(Field { form: &form, cell: Cell::Number(f64::NAN) }.text(), Ok(None));
    }

    #[test]
    fn the_style_of_times_is_that_of_most() {
        let style = |cells: &[Cell<'_>]| form(Table::Customers, 6, cells).expect("a form").times.style;
        assert_eq!(style(&texts(&["2024-01-01", "soon"])), Style::Calendar);
        assert_eq!(
            style(&texts(&["1717200000", "1717200001.5", "x", "NULL"])),
            Style::Epoch(crate::times::Unit::Seconds)
        );
        assert_eq!(style(&[Cell::Integer(1_717_200_000_000), Cell::Missing]), Style::Epoch(crate::times::Unit::Millis));
        assert_eq!(style(&[Cell::Number(1_717_200_000_000_000.0)]), Style::Epoch(crate::times::Unit::Micros));
        assert_eq!(style(&texts(&["20240131", "20240201"])), Style::Digits);
        assert_eq!(style(&texts(&["20240131", "2024-01-01"])), Style::Calendar);
        for unseen in [&["5", "6"][..], &["", "NULL"], &[]] {
            assert_eq!(style(&texts(unseen)), Style::Unseen);
        }
        assert_eq!(style(&texts(&["253402300799", "1717200000"])), Style::Epoch(crate::times::Unit::Seconds));

        let are_days = |cells: &[&str]| form(Table::Customers, 6, &texts(cells)).expect("a form").times.are_days;
        assert!(are_days(&["2024-01-01 00:00:00", "2024-01-02T00:00:00Z", "2024-01-03", "9999-12-31 23:59:59"]));
        assert!(!are_days(&["2024-01-01 00:00:00", "2024-01-02T00:00:01Z"]) && !are_days(&["x"]));
    }

    #[test]
    fn numbers_that_nobody_can_tell_are_refused_by_name() {
        let file = file_of(Table::ExpansionOpportunities, "d.csv");
        let error = |cells: &[&str]| form_in(&file, 4, &texts(cells)).expect_err("unclear").to_string();
        assert_eq!(
            error(&["950", "1,234"]),
            "in column amount of d.csv, \"1,234\" may have thousands or a fraction: say which mark it is with \
             decimal_mark (\".\" or \",\") in source.yaml"
        );
        assert_eq!(
            error(&["1,234.50", "1.234,50"]),
            "column amount of d.csv writes numbers in two ways, \"1,234.50\" and \"1.234,50\": export it in one, or say \
             which is right with decimal_mark (\".\" or \",\") in source.yaml"
        );
        assert_eq!(
            error(&["$1.50", "€1.50"]),
            "column amount of d.csv has amounts in two currencies, EUR and USD: export plain numbers, and the currency \
             as a column"
        );
        let mapping = TableMapping { decimal_mark: Some(DecimalMark::Comma), ..TableMapping::default() };
        let file = SourceFile { mapping: Arc::new(mapping), ..file };
        let form = form_in(&file, 4, &texts(&["1,234"])).expect("said");
        assert_eq!(Field { form: &form, cell: Cell::Text("1.234,5") }.number(), Ok(Some(1234.5)));
    }
}

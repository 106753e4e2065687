//! The model on any flat table: fitted on one CSV file, tried on another.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use expansion_domain::{Id, Instant};
use expansion_features::{Column, Dataset, Label, MISSING_LEVEL};
use expansion_training::fit_flat;
use serde_json::Value;

use crate::Failure;
use crate::measure::tried;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The rows to fit on: a CSV file with a header, `,` or `;` between cells; an empty cell is a missing value.
    #[arg(long)]
    train: PathBuf,
    /// The rows to try on, with the same columns.
    #[arg(long)]
    test: PathBuf,
    /// The column with the outcome, 0 or 1.
    #[arg(long)]
    label: String,
    /// The column that says which rows belong together (a customer's); it is no feature.
    #[arg(long)]
    group: Option<String>,
    /// The column with the segment; it is a feature too.
    #[arg(long)]
    segment: Option<String>,
    /// Write `p,lower,upper,score,points_sum` here, a line for each test row.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Fits, tries and prints.
pub(crate) fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let (train, test) = (read(&arguments.train)?, read(&arguments.test)?);
    let names = train.header.iter().enumerate();
    let numeric: HashMap<&str, bool> = names.map(|(place, name)| (&**name, train.is_numeric(place))).collect();
    let (train, test) = (dataset(&train, arguments, &numeric)?, dataset(&test, arguments, &numeric)?);
    let fit = |train: &Dataset| fit_flat(train, arguments.segment.as_deref());
    Ok(tried(&train, &test, arguments.out.as_deref(), fit)?.measured.into())
}

/// Cells as text, row by row.
struct Cells {
    file: PathBuf,
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Cells {
    fn place(&self, name: &str) -> Result<usize, Failure> {
        let place = self.header.iter().position(|column| column == name);
        place.ok_or_else(|| format!("{} has no column {name:?}", self.file.display()).into())
    }

    /// Whether every known cell of a column is a number.
    fn is_numeric(&self, place: usize) -> bool {
        self.column(place).all(|cell| is_missing(cell) || number(cell).is_some())
    }

    fn column(&self, place: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.get(place).unwrap_or_default().trim())
    }
}

/// Whether a cell of a column of numbers holds none.
fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell.eq_ignore_ascii_case("nan") || cell == "NA"
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

fn read(path: &Path) -> Result<Cells, Failure> {
    let open = || File::open(path).map_err(|error| format!("{}: {error}", path.display()));
    let mut first = String::new();
    BufReader::new(open()?).read_line(&mut first)?;
    let delimiter = if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(open()?);
    let header = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    let rows = reader.records().collect::<Result<_, _>>().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Cells { file: path.to_owned(), header, rows })
}

/// The features are the columns of the training file (keys of `numeric`) but the label and the group, in this file's
/// order; `numeric` says which of them are numbers.
fn dataset(cells: &Cells, arguments: &Arguments, numeric: &HashMap<&str, bool>) -> Result<Dataset, Failure> {
    let label = cells.place(&arguments.label)?;
    let group = arguments.group.as_deref().map(|name| cells.place(name)).transpose()?;
    if let Some(segment) = &arguments.segment {
        cells.place(segment)?;
    }
    let mut data = Dataset::default();
    let mut groups: HashMap<&str, u32> = HashMap::new();
    for (line, row) in (2_usize..).zip(&cells.rows) {
        let cell = row.get(label).unwrap_or_default().trim();
        let expanded = match number(cell) {
            Some(0.0) => false,
            Some(1.0) => true,
            _ => return Err(format!("{}: line {line}: label {cell:?} is neither 0 nor 1", cells.file.display()).into()),
        };
        data.labels.push(Label { expanded, amount: None });
        data.as_of.push(Instant::EPOCH);
        let next = u32::try_from(groups.len())?;
        // A row without a group is one of its own.
        data.customers.push(
            match group.and_then(|group| row.get(group)).map(str::trim).filter(|key| !key.is_empty()) {
                Some(key) => *groups.entry(key).or_insert(next),
                None => u32::MAX - u32::try_from(line)?,
            },
        );
    }
    data.frame.rows = cells.rows.len();
    for (place, name) in cells.header.iter().enumerate() {
        let Some(numeric) = numeric.get(&**name).filter(|_| place != label && Some(place) != group) else { continue };
        // A segment is a name, even one that is written as a number.
        let is_segment = arguments.segment.as_deref() == Some(name);
        data.frame.columns.push(if *numeric && !is_segment {
            numbers(cells, place)
        } else {
            levels(cells.column(place))
        });
        data.frame.names.push(name.clone());
    }
    Ok(data)
}

/// Numbers; says which cells are neither a number nor missing.
fn numbers(cells: &Cells, place: usize) -> Column {
    let is_bad = |cell: &str| !is_missing(cell) && number(cell).is_none();
    let bad: Vec<usize> =
        (2..).zip(cells.column(place)).filter(|(_, cell)| is_bad(cell)).map(|(line, _)| line).collect();
    if let Some(line) = bad.first() {
        let (file, name, n) = (cells.file.display(), &cells.header[place], bad.len());
        eprintln!("{file}: {n} cells of {name} are no numbers and count as missing, first: line {line}");
    }
    Column::Numbers(cells.column(place).map(|cell| number(cell).unwrap_or(f64::NAN)).collect())
}

fn levels<'a>(texts: impl Iterator<Item = &'a str>) -> Column {
    let mut names: Vec<Id> = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let codes = texts.map(|text| {
        if text.is_empty() {
            return MISSING_LEVEL;
        }
        *known.entry(text).or_insert_with(|| {
            names.push(text.into());
            u32::try_from(names.len() - 1).unwrap_or(MISSING_LEVEL)
        })
    });
    let codes = codes.collect();
    Column::Levels { codes, names }
}

/// Writes a table as [`Arguments::out`] has it.
pub(crate) fn write_lines(path: &Path, header: &str, lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{header}")?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(())
}

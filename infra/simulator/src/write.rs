//! A source folder on disk, complete or absent.
//!
//! The formats are mixed on purpose: a reader of sources must take all of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde::Serialize;

use crate::tables::Portfolio;

/// Names the files that were written, each with a hash of its bytes: what may be replaced later. Readers of sources pass
/// over hidden files.
const MARKER: &str = ".expansion-demo";

/// Writes a portfolio as a source: one folder a table.
///
/// With `buckets` every table but `products` is split into `bucket=K` folders, `K` being a hash of the customer id; a bucket
/// without rows has no folder. Equal portfolios give equal bytes.
///
/// The source appears under `dir` only when it is complete. It replaces a source that this function wrote and nobody has
/// changed since; a folder with anything else in it is refused. After an error (that one, a file cannot be written, `dir`
/// has no name, or `buckets` is zero) `dir` is what it was before.
pub fn write(portfolio: &Portfolio, dir: &Path, buckets: Option<u32>) -> io::Result<()> {
    if buckets == Some(0) {
        return Err(invalid("a source has at least one bucket"));
    }
    check_replaceable(dir)?;
    let partial = sibling(dir, "partial")?;
    remove_if_present(&partial)?;
    let written = write_tables(portfolio, &partial, buckets)
        .and_then(|()| fs::write(partial.join(MARKER), inventory(&partial)?))
        .and_then(|()| replace(dir, &partial));
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = remove_if_present(&partial);
    }
    written
}

/// How a table is stored.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    CsvGz,
    Ndjson,
}

fn write_tables(portfolio: &Portfolio, root: &Path, buckets: Option<u32>) -> io::Result<()> {
    let table = |name, format| Table { folder: root.join(name), format, buckets };
    Table { buckets: None, ..table("products", Format::Csv) }.write(&portfolio.products, |row| row.product_id)?;
    table("customers", Format::Csv).write(&portfolio.customers, |row| &row.customer_id)?;
    table("contracts", Format::CsvGz).write(&portfolio.contracts, |row| &row.customer_id)?;
    table("usage_metrics", Format::CsvGz).write(&portfolio.usage_metrics, |row| &row.customer_id)?;
    table("health_score_history", Format::CsvGz).write(&portfolio.health_score_history, |row| &row.customer_id)?;
    table("expansion_opportunities", Format::CsvGz)
        .write(&portfolio.expansion_opportunities, |row| &row.customer_id)?;
    table("expansion_signals", Format::Ndjson).write(&portfolio.expansion_signals, |row| &row.customer_id)?;
    table("stakeholders", Format::CsvGz).write(&portfolio.stakeholders, |row| &row.customer_id)?;
    table("engagements", Format::CsvGz).write(&portfolio.engagements, |row| &row.customer_id)
}

/// Where and how one table is stored.
struct Table {
    folder: PathBuf,
    format: Format,
    buckets: Option<u32>,
}

impl Table {
    /// Writes all rows to one file, or to one file a bucket.
    fn write<T: Serialize>(&self, rows: &[T], customer: impl Fn(&T) -> &str) -> io::Result<()> {
        let Some(buckets) = self.buckets else { return self.write_file(&self.folder, rows) };
        let mut members: BTreeMap<u32, Vec<&T>> = BTreeMap::new();
        for row in rows {
            members.entry(bucket_of(customer(row), buckets)).or_default().push(row);
        }
        members
            .iter()
            .try_for_each(|(bucket, rows)| self.write_file(&self.folder.join(format!("bucket={bucket}")), rows))
    }

    fn write_file<T: Serialize>(&self, folder: &Path, rows: &[T]) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let part = |extension| File::create(folder.join(format!("part-0000.{extension}"))).map(BufWriter::new);
        // The header of a compressed file names neither a file nor a time.
        let gzip = |file| GzBuilder::new().mtime(0).write(file, Compression::fast());
        match self.format {
            Format::Csv => write_csv(rows, part("csv")?)?.flush(),
            Format::CsvGz => write_csv(rows, gzip(part("csv.gz")?))?.finish()?.flush(),
            Format::Ndjson => write_ndjson(rows, part("ndjson")?)?.flush(),
        }
    }
}

fn write_csv<T: Serialize, W: Write>(rows: &[T], to: W) -> io::Result<W> {
    let mut writer = csv::Writer::from_writer(to);
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn write_ndjson<T: Serialize, W: Write>(rows: &[T], mut to: W) -> io::Result<W> {
    for row in rows {
        serde_json::to_writer(&mut to, row)?;
        to.write_all(b"\n")?;
    }
    Ok(to)
}

/// The bucket of a customer, the same on every machine.
fn bucket_of(customer_id: &str, buckets: u32) -> u32 {
    (fnv_1a(customer_id.as_bytes()) % u64::from(buckets)) as u32
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// Whether nothing would be lost if `dir` were replaced.
fn check_replaceable(dir: &Path) -> io::Result<()> {
    if !dir.try_exists()? {
        return Ok(());
    }
    if !dir.is_dir() {
        return Err(invalid("it is a file, not a folder"));
    }
    let found = inventory(dir)?;
    let written = match fs::read_to_string(dir.join(MARKER)) {
        Ok(written) => written,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let refused = |what: &str| {
        let text = format!("the folder has {what}, which would be deleted: name another folder, or empty it yourself");
        io::Error::new(io::ErrorKind::AlreadyExists, text)
    };
    match found.lines().find(|line| !written.lines().any(|of_ours| of_ours == *line)) {
        None => Ok(()),
        Some(_) if written.is_empty() => Err(refused("files that are no demo of this program")),
        Some(line) => {
            let name = line.split_once(' ').map_or(line, |(_, name)| name);
            Err(refused(&format!("a file that was added or changed since the demo was written ({name})")))
        }
    }
}

/// The files below a folder but the marker, a line each: a hash of its bytes and its path.
fn inventory(root: &Path) -> io::Result<String> {
    let (mut lines, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap_or(&path);
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if name != Path::new(MARKER) {
                lines.push(format!("{:016x} {}\n", fnv_1a(&fs::read(&path)?), name.display()));
            }
        }
    }
    lines.sort_unstable();
    Ok(lines.concat())
}

/// Puts a complete source in the place of the previous one.
fn replace(dir: &Path, complete: &Path) -> io::Result<()> {
    if !dir.try_exists()? {
        return fs::rename(complete, dir);
    }
    let previous = sibling(dir, "previous")?;
    remove_if_present(&previous)?;
    fs::rename(dir, &previous)?;
    if let Err(error) = fs::rename(complete, dir) {
        fs::rename(&previous, dir)?;
        return Err(error);
    }
    fs::remove_dir_all(previous)
}

/// A hidden folder beside `dir`, on the same file system.
fn sibling(dir: &Path, purpose: &str) -> io::Result<PathBuf> {
    let name = dir.file_name().ok_or_else(|| invalid("the source folder needs a name"))?;
    Ok(dir.with_file_name(format!(".{}.{purpose}", name.to_string_lossy())))
}

fn remove_if_present(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;
    use crate::{Settings, simulate};

    fn portfolio() -> Portfolio {
        simulate(&Settings { customers: 30, months: 6, end: date(2025, 6, 30), seed: 5, drift: None })
    }

    /// All files below a folder, by relative path.
    fn files(root: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(relative) = path.strip_prefix(root) {
                    found.insert(relative.to_owned(), fs::read(&path)?);
                }
            }
        }
        Ok(found)
    }

    #[test]
    fn equal_portfolios_give_equal_bytes() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        write(&portfolio(), &one, None)?;
        write(&portfolio(), &two, None)?;
        let written = files(&one)?;
        assert_eq!(written.len(), 10, "nine tables and the marker");
        assert_eq!(written, files(&two)?);
        Ok(())
    }

    #[test]
    fn columns_and_dates_are_those_of_the_contract() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let source = place.path().join("source");
        write(&portfolio(), &source, None)?;
        let customers = fs::read_to_string(source.join("customers/part-0000.csv"))?;
        assert!(customers.starts_with("customer_id,name,segment,industry,region,csm_id,created_at,churned_at\n"));
        let signals = fs::read_to_string(source.join("expansion_signals/part-0000.ndjson"))?;
        assert!(signals.starts_with(r#"{"customer_id":"cus-"#));

        let usage = File::open(source.join("usage_metrics/part-0000.csv.gz"))?;
        let usage = io::read_to_string(flate2::read::GzDecoder::new(usage))?;
        let mut lines = usage.lines();
        assert_eq!(lines.next(), Some("customer_id,recorded_at,metric,value"));
        let at = lines.next().and_then(|line| line.split(',').nth(1));
        assert!(at.is_some_and(|at| at.len() == "2025-01-05T05:12:00Z".len() && at.ends_with('Z')));
        Ok(())
    }

    #[test]
    fn a_customer_is_in_the_same_bucket_of_every_table() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let source = place.path().join("source");
        let portfolio = portfolio();
        write(&portfolio, &source, Some(4))?;

        let mut seen = BTreeSet::new();
        for (path, bytes) in files(&source)? {
            let bucket = path.iter().nth(1).and_then(|part| part.to_str());
            if path == Path::new(MARKER) {
                continue;
            }
            if path.starts_with("products") {
                assert_eq!(bucket, Some("part-0000.csv"));
            } else if path.starts_with("customers") {
                for record in csv::Reader::from_reader(&bytes[..]).into_records() {
                    let id = record?.get(0).unwrap_or_default().to_owned();
                    let expected = format!("bucket={}", bucket_of(&id, 4));
                    assert_eq!(bucket, Some(expected.as_str()));
                    seen.insert(id);
                }
            } else {
                assert!(bucket.is_some_and(|folder| folder.starts_with("bucket=")));
            }
        }
        assert_eq!(seen.len(), portfolio.customers.len());
        Ok(())
    }

    #[test]
    fn an_earlier_source_is_replaced_and_nothing_else_is_left() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let source = place.path().join("source");
        write(&portfolio(), &source, Some(4))?;
        write(&portfolio(), &source, None)?;
        assert_eq!(files(&source)?.len(), 10);
        assert_eq!(fs::read_dir(place.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn what_somebody_else_wrote_is_never_replaced() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let refusal = |dir: &Path| {
            let before = files(dir)?;
            let refused = write(&portfolio(), dir, None).expect_err("it would be deleted").to_string();
            assert_eq!(files(dir)?, before);
            io::Result::Ok(refused)
        };
        let theirs = place.path().join("theirs");
        fs::create_dir_all(theirs.join("customers"))?;
        write(&portfolio(), &theirs, None)?;
        fs::remove_file(theirs.join(MARKER))?;
        assert!(refusal(&theirs)?.contains("no demo of this program"), "the same names are not enough");

        let ours = place.path().join("ours");
        write(&portfolio(), &ours, None)?;
        fs::write(ours.join("notes.txt"), "mine")?;
        assert!(refusal(&ours)?.contains("added or changed since the demo was written (notes.txt)"));
        fs::remove_file(ours.join("notes.txt"))?;
        let customers = ours.join("customers/part-0000.csv");
        fs::write(&customers, fs::read_to_string(&customers)?.replace("cus-00001", "cus-99999"))?;
        assert!(refusal(&ours)?.contains("part-0000.csv"));
        fs::remove_file(customers)?;
        write(&portfolio(), &ours, None)?;

        let file = place.path().join("file");
        fs::write(&file, "mine")?;
        assert!(write(&portfolio(), &file, None).is_err());
        assert_eq!(fs::read_to_string(file)?, "mine");
        Ok(())
    }

    #[test]
    fn a_failure_leaves_no_source() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let source = place.path().join("source");
        assert!(write(&portfolio(), &source, Some(0)).is_err());
        assert!(write(&portfolio(), Path::new("/"), None).is_err());
        fs::write(place.path().join(".source.partial"), "in the way")?;
        assert!(write(&portfolio(), &source, None).is_err());
        assert!(!source.try_exists()?);
        Ok(())
    }
}

//! A look at a source before anything is made of it.

use std::process::ExitCode;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use expansion_domain::{DataGrade, DataReport, Instant, TableReport};
use expansion_lambda::data_report;
use expansion_service::view::{DataReportView, FindingView};
use expansion_source::{Limits, Location, SourceError, inventory, read};
use expansion_store::{S3, now, sdk_config};
use serde_json::json;

use crate::Failure;
use crate::cli::{CheckArguments, absolute};

/// Words of a column that are shown.
const WORDS: usize = 12;

/// Prints the data report of a source. The exit code is 0 where it is fine, 3 where runs would be published with warnings,
/// 4 where they would be refused.
pub(crate) async fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let location = Location::Folder(absolute(&arguments.source)?.into());
    let as_of = arguments.as_of.unwrap_or_else(now);
    let limits = Limits { max_bad_share: arguments.max_bad_rows };
    let report = look(&location, as_of, limits, arguments.stale_after_days).await;
    let grade = report.as_ref().map_or(DataGrade::Wrong, |report| report.grade);
    match report {
        Ok(report) if arguments.json => println!("{}", serde_json::to_string(&DataReportView::from(report))?),
        Err(error) if arguments.json => println!("{}", json!({ "grade": grade, "error": error.to_string() })),
        Ok(report) => print(&arguments.source.display().to_string(), &report, as_of),
        Err(error) => println!("Data of {}: wrong\n\n  {error}", arguments.source.display()),
    }
    Ok(match grade {
        DataGrade::Fine => ExitCode::SUCCESS,
        DataGrade::Warned => ExitCode::from(3),
        DataGrade::Wrong => ExitCode::from(4),
    })
}

async fn look(
    location: &Location,
    as_of: Instant,
    limits: Limits,
    stale_after_days: u16,
) -> Result<DataReport, SourceError> {
    // Never called: a folder needs no S3.
    let s3 = S3::new(&sdk_config(|_| None));
    let files = inventory(location, &s3).await?;
    let source = read(&files, &s3, None, limits).await?;
    Ok(data_report(&files, &source, as_of, stale_after_days))
}

fn print(source: &str, report: &DataReport, as_of: Instant) {
    println!("Data of {source} as of {as_of}: {}\n", report.grade.name());
    for FindingView { finding, message } in report.findings.iter().map(FindingView::from) {
        println!("  {}: {message}", finding.grade.name());
    }
    for stale in &report.stale {
        println!("  warned: {} is known up to {} only, {} days before", stale.table, stale.newest.date(), stale.days);
    }
    println!("{}", tables(&report.tables));
    let missing =
        expansion_domain::Table::ALL.iter().filter(|table| report.tables.iter().all(|read| read.table != **table));
    for table in missing {
        println!("{table}: not in the source");
    }
    for table in &report.tables {
        print_columns(table);
    }
    for issue in report.tables.iter().flat_map(|table| &table.issues) {
        println!("{}: {} rows ({}), first: {}", issue.table, issue.count, issue.reason, issue.example);
    }
    for path in &report.passed_over {
        println!("Passed over: {path}");
    }
}

fn tables(reports: &[TableReport]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["Table", "Files", "Rows", "Facts", "Customers", "First", "Last"]);
    let day = |at: Option<Instant>| at.map_or_else(String::new, |at| at.date().to_string());
    for report in reports {
        table.add_row([
            report.table.to_string(),
            report.files.to_string(),
            report.rows.to_string(),
            report.facts.to_string(),
            report.customers.to_string(),
            day(report.first),
            day(report.last),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// How full the columns are, and the words in them.
fn print_columns(table: &TableReport) {
    let filled = table.columns.iter().map(|column| match &column.constant {
        Some(value) => format!("{} always {value:?}", column.column),
        None => format!("{} {:.0} %", column.column, 100.0 * column.filled),
    });
    println!("{}: {}", table.table, filled.collect::<Vec<_>>().join(", "));
    for column in table.columns.iter().filter(|column| !column.words.is_empty()) {
        let words = column.words.iter().take(WORDS).map(|seen| match &seen.taken_for {
            Some(meaning) => format!("{} ({}, taken for {meaning})", seen.word, seen.rows),
            None => format!("{} ({})", seen.word, seen.rows),
        });
        let more = column.words.len().saturating_sub(WORDS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        println!("  {}: {}{more}", column.column, words.collect::<Vec<_>>().join(", "));
    }
}

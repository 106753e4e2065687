//! `GET /api/analytics/expansion-propensity/export`: the list as one CSV file; `…/export/files`: links to a run's files.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode as DescribedStatus};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use expansion_service::export::{ExportFiles, Exports};
use expansion_service::list::{ListRequest, Page};
use expansion_service::view::ScoreView;
use expansion_service::{Config, ConfigError, Error};
use serde_json::Value;

use crate::describe::{self, Describe};
use crate::list::Selection;
use crate::query::Nothing;
use crate::{Answer, Caller, Identity, Method, Problem, Query, Shared, Surface};

const MEDIA_TYPE: &str = "text/csv";
/// Says that there are more rows than the file has.
const TRUNCATED: HeaderName = HeaderName::from_static("x-truncated");
/// Lambda answers with 6 MB at most, in which quotes and ends of lines count double.
const MOST_BYTES: usize = 5_000_000;

/// The fields of a row that are columns, as JSON pointers. A column's name is the field's, after those it lies in.
const COLUMNS: [&str; 36] = [
    "/rank",
    "/customer_id",
    "/customer_name",
    "/csm_id",
    "/segment",
    "/industry",
    "/region",
    "/standing",
    "/propensity_score",
    "/percentile",
    "/lift",
    "/comparable/average",
    "/comparable/customers",
    "/comparable/segment",
    "/grade",
    "/confidence/level",
    "/confidence/side",
    "/confidence/value",
    "/confidence/lower",
    "/confidence/upper",
    "/estimated_value/amount",
    "/estimated_value/lower",
    "/estimated_value/upper",
    "/expected_value",
    "/priority",
    "/leave_alone",
    "/open_deal",
    "/risks",
    "/renewal",
    "/last_contact",
    "/has_advocate",
    "/newly_ready",
    "/primary_signal",
    "/trend/previous_score",
    "/trend/delta",
    "/calculated_at",
];

/// Puts exports on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let exports = Shared::new(config, Exports::new(config)?)?;
    let surface =
        surface.route(Method::Get, "/api/analytics/expansion-propensity/export", rows, exports.clone(), |op| {
            op.id("exportCustomers")
                .tag("Scores")
                .summary("The list as one CSV file: up to 10,000 customers, best first.")
                .says(200, "A line with the fields' names, then a line for each customer that the caller may see.")
                .refuses(&[400, 404])
        });
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity/export/files", files, exports, |op| {
        op.id("exportFiles")
            .tag("Scores")
            .summary("Links to the Parquet files with all rows of the current run, factors included.")
            .says(200, "The links, which can be used for 15 minutes by whoever has them.")
            .refuses(&[400, 403, 404])
    }))
}

async fn rows(
    State(exports): State<Shared<Exports>>,
    Caller(caller): Caller,
    mut query: Query<Selection>,
) -> Result<CsvFile, Problem> {
    let request = ListRequest::from(query.asked.clone());
    query.given.refuse_all(request.wrong(&caller));
    query.checked().map_err(Error::InvalidParameters)?;
    let page = exports.rows(&caller, &request).await?;
    CsvFile::of(&page, MOST_BYTES).map_err(|error| Error::Internal(error.to_string()).into())
}

async fn files(
    State(exports): State<Shared<Exports>>,
    Caller(caller): Caller,
    identity: Identity,
    query: Query<Nothing>,
) -> Result<Answer<ExportFiles>, Problem> {
    query.checked()?;
    Ok(Answer(exports.files(&caller, identity.received_at).await?))
}

/// A file to be saved.
#[derive(Debug)]
struct CsvFile {
    name: String,
    text: Vec<u8>,
    /// Whether there are more rows than the file has.
    is_cut: bool,
}

impl CsvFile {
    /// The rows of a page, as many as fit.
    fn of(page: &Page, most_bytes: usize) -> Result<Self, csv::Error> {
        let Csv { text, rows } = csv(&page.data, most_bytes)?;
        let name = format!("expansion-propensity-{}.csv", page.run.as_of.date());
        Ok(Self { name, text, is_cut: page.next.is_some() || rows < page.data.len() })
    }
}

impl IntoResponse for CsvFile {
    fn into_response(self) -> Response {
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name));
        let mut headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        ]);
        if self.is_cut {
            headers.insert(TRUNCATED, HeaderValue::from_static("true"));
        }
        (headers, self.text).into_response()
    }
}

impl OperationOutput for CsvFile {
    type Inner = String;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<DescribedStatus>, Described)> {
        let cut = "`true` where there are more customers than the file has; otherwise absent.";
        let response = describe::text(MEDIA_TYPE, &[("X-Truncated", cut, "true")]);
        vec![(Some(DescribedStatus::Code(200)), response)]
    }
}

/// Rows as CSV.
#[derive(Debug)]
pub struct Csv {
    /// A line of names, then a line for each row.
    pub text: Vec<u8>,
    /// How many rows it has.
    pub rows: usize,
}

/// Rows as CSV, as many as fit into so many bytes.
///
/// # Errors
/// [`csv::Error`] where a row is no JSON.
pub fn csv(rows: &[ScoreView], most_bytes: usize) -> Result<Csv, csv::Error> {
    let mut text = line(COLUMNS.map(|pointer| pointer[1..].replace('/', "_")))?;
    for (written, row) in rows.iter().enumerate() {
        let row = serde_json::to_value(row).map_err(std::io::Error::other)?;
        let more = line(COLUMNS.map(|pointer| cell(row.pointer(pointer).unwrap_or(&Value::Null))))?;
        if text.len() + more.len() > most_bytes {
            return Ok(Csv { text, rows: written });
        }
        text.extend(more);
    }
    Ok(Csv { text, rows: rows.len() })
}

fn line<const N: usize>(cells: [String; N]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A field as a cell; what is `null` is empty.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text.clone()),
        Value::Array(items) => harmless(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")),
        other => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula: one that begins like it begins with an apostrophe instead.
fn harmless(text: String) -> String {
    // A full-width sign is one, too, where such are typed.
    let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(signs) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expansion_fixtures::{listed, run};
    use expansion_records::Listed;
    use expansion_service::view::RunView;

    use super::*;

    fn score(listed: Listed) -> ScoreView {
        ScoreView::new(Some(1), listed, &run())
    }

    fn read(csv: &Csv) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*csv.text);
        reader.records().map(|record| record.expect("CSV").iter().map(str::to_owned).collect()).collect()
    }

    /// The fields that hold no others.
    fn leaves(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), found));
            }
            _ => drop(found.insert(at.to_owned())),
        }
    }

    #[test]
    fn every_field_of_a_row_is_a_column() {
        let mut fields = BTreeSet::new();
        leaves(&serde_json::to_value(score(listed("c-1", 94))).expect("JSON"), "", &mut fields);
        assert_eq!(fields, COLUMNS.map(str::to_owned).into(), "COLUMNS (right) has every field of a row (left)");
    }

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"] {
            assert_eq!(cell(&text.into()), format!("'{text}"));
        }
        for text in ["1=1", "Acme", "", "'=1"] {
            assert_eq!(cell(&text.into()), text);
        }
        assert_eq!(cell(&(-3).into()), "-3", "a number is none");
        assert_eq!(cell(&serde_json::json!(["-a", "b"])), "'-a; b");
    }

    #[test]
    fn cells_are_what_the_fields_say() {
        let name = "=HYPERLINK(\"http://x\"), Inc\nSecond line";
        let risks = vec!["Health is down".to_owned(), "No champion".to_owned()];
        let first = Listed { customer_name: Some(name.into()), risks, ..listed("c-1", 94) };
        let second = Listed { previous_score: None, estimated_value: None, ..listed("c-2", 8) };
        let csv = csv(&[score(first), score(second)], usize::MAX).expect("CSV");
        let rows = read(&csv);
        assert_eq!((csv.rows, rows.len()), (2, 3));
        let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
        let cells = |name: &str| [&*rows[1][column(name)], &*rows[2][column(name)]];
        assert_eq!(cells("customer_name"), [&*format!("'{name}"), "TechFlow Inc"]);
        assert_eq!(cells("risks"), ["Health is down; No champion", ""]);
        assert_eq!(cells("propensity_score"), ["94", "8"]);
        assert_eq!(cells("trend_delta"), ["4", ""]);
        assert_eq!(cells("estimated_value_amount"), ["85000.0", ""]);
        assert_eq!(cells("confidence_level"), ["High", "High"]);
        assert_eq!(cells("has_advocate"), ["true", "true"]);
    }

    #[test]
    fn a_file_that_is_cut_says_so() {
        let data = vec![score(listed("c-1", 94)), score(listed("c-2", 8))];
        let page = Page { run: RunView::from(&run()), data, next: None };
        let whole = CsvFile::of(&page, usize::MAX).expect("CSV");
        assert_eq!((&*whole.name, whole.is_cut), ("expansion-propensity-2026-06-30.csv", false));
        let cut = CsvFile::of(&page, whole.text.len() - 1).expect("CSV");
        assert!(cut.is_cut && whole.text.starts_with(&cut.text) && cut.text.ends_with(b"\n"));
        let headers = |file: CsvFile| file.into_response().headers().clone();
        assert_eq!(headers(cut)["x-truncated"], "true");
        let headers = headers(whole);
        assert_eq!(headers.get("x-truncated"), None);
        assert_eq!(headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        let disposition = "attachment; filename=\"expansion-propensity-2026-06-30.csv\"";
        assert_eq!(headers[header::CONTENT_DISPOSITION], disposition);
    }
}

//! A client of the HTTP API: every customer from a score on, page by page.
//!
//! `cargo run -p expansion-local --example client -- http://127.0.0.1:8787 60 [TOKEN]`

use serde::Deserialize;

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    rank: Option<u64>,
    customer_id: String,
    customer_name: Option<String>,
    propensity_score: u8,
    confidence: Confidence,
    primary_signal: Option<String>,
}

#[derive(Deserialize)]
struct Confidence {
    level: String,
    lower: f64,
    upper: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let base = arguments.first().map_or("http://127.0.0.1:8787", String::as_str);
    let least = arguments.get(1).map_or("60", String::as_str);
    let mut cursor = None;
    loop {
        let mut request = ureq::get(format!("{base}/api/analytics/expansion-propensity")).query("min_score", least);
        if let Some(cursor) = &cursor {
            request = request.query("cursor", cursor);
        }
        if let Some(token) = arguments.get(2) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let page: Page = request.call()?.body_mut().read_json()?;
        for row in page.data {
            let name = row.customer_name.unwrap_or(row.customer_id);
            let Confidence { level, lower, upper } = row.confidence;
            let rank = row.rank.map_or_else(String::new, |rank| rank.to_string());
            let signal = row.primary_signal.unwrap_or_default();
            println!("{rank:>5}  {name:<30} {:>3}  ({lower:.0}–{upper:.0}, {level})  {signal}", row.propensity_score);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

//! What a person sees: the top accounts, how good the model was out of time, what was left out, what to try next.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use expansion_api::said_amount;
use expansion_local::Stack;
use expansion_records::Run;
use serde_json::{Value, json};

use crate::Failure;

/// Accounts shown.
const TOP: usize = 10;

/// Prints the result of a run.
pub(crate) async fn print(stack: &Stack, run: &Run) -> Result<(), Failure> {
    let rows = run.summary().map_or(0, |summary| summary.rows);
    println!("Expansion propensity as of {}: {rows} customers, next {} days\n", run.as_of, run.horizon_days);
    let answer = list(stack, TOP).await?;
    println!("{}\n", table(answer["data"].as_array().map(Vec::as_slice).unwrap_or_default()));
    println!("{}", quality(run));
    for issue in run.plan().into_iter().flat_map(|plan| &plan.data_issues) {
        if issue.count == 0 {
            println!("Missing: {} ({})", issue.table, issue.reason);
            continue;
        }
        println!("Left out: {} rows of {} ({}), first: {}", issue.count, issue.table, issue.reason, issue.example);
    }
    Ok(())
}

/// Prints what can be tried while the API is served.
pub(crate) async fn print_urls(stack: &Stack, run: &Run) -> Result<(), Failure> {
    let url = stack.api_url();
    let answer = list(stack, 1).await?;
    let customer = answer["data"][0]["customer_id"].as_str().unwrap_or("CUSTOMER").to_owned();
    println!("\nServing on {url} until Ctrl-C. Try:");
    println!("  curl '{url}/api/analytics/expansion-propensity?limit=5&min_score=50'");
    println!("  curl '{url}/api/customers/{customer}/expansion-propensity'");
    println!(
        "  curl -X POST '{url}/api/analytics/expansion-propensity/refresh' -d '{{\"as_of\":\"{}\"}}'",
        run.as_of.date()
    );
    println!("As a CSM instead of a manager: add -H 'Authorization: Bearer csm:csm-01'");
    Ok(())
}

/// The head of the list, from the real handler.
async fn list(stack: &Stack, limit: usize) -> Result<Value, Failure> {
    let variables = stack.environment("list-propensities");
    let variable = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let path = "/api/analytics/expansion-propensity";
    let event = json!({
        "version": "2.0",
        "routeKey": format!("GET {path}"),
        "rawPath": path,
        "rawQueryString": format!("limit={limit}"),
        "queryStringParameters": { "limit": limit.to_string() },
        "headers": { "host": "127.0.0.1" },
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "stage": "$default", "requestId": "report",
            "routeKey": format!("GET {path}"), "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "" },
            "authorizer": { "jwt": { "claims": { variable("ROLE_CLAIM"): variable("MANAGER_ROLE") }, "scopes": null } },
        },
        "isBase64Encoded": false,
    });
    let answer = stack.invoke("list-propensities", event).await?;
    let body = answer["body"].as_str().ok_or("the list has no body")?;
    if answer["statusCode"] != 200 {
        return Err(body.to_owned().into());
    }
    Ok(serde_json::from_str(body)?)
}

fn table(rows: &[Value]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["Rank", "Customer", "Propensity", "90 % interval", "Confidence", "Est. value", "Primary signal"]);
    for row in rows {
        let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
        let name = if row["customer_name"].is_null() { &row["customer_id"] } else { &row["customer_name"] };
        table.add_row([
            row["rank"].to_string(),
            text(name),
            format!("{}%", row["propensity_score"]),
            format!("{:.0}–{:.0}", number(&row["confidence"]["lower"]), number(&row["confidence"]["upper"])),
            text(&row["confidence"]["level"]),
            row["estimated_value"]["amount"].as_f64().map_or_else(|| "–".to_owned(), said_amount),
            text(&row["primary_signal"]),
        ]);
    }
    for column in [0, 2, 3, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn quality(run: &Run) -> String {
    let metrics = run.model().and_then(|model| model.metrics.map(|metrics| (&model.family, metrics)));
    metrics.map_or_else(
        || "Out of time: not measured, the history is too short to hold anything out".to_owned(),
        |(family, m)| {
            format!(
                "Out of time ({} rows, {family}): AUC {:.3}, log-loss {:.4}, Brier {:.4}, calibration error {:.4}, lift at 10 % {:.1}, base rate {:.1} %",
                m.n, m.auc, m.log_loss, m.brier, m.ece, m.lift_at_10, 100.0 * m.base_rate
            )
        },
    )
}

//! What a person sees: the top accounts, how good the model was out of time, what was left out, what to try next.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use expansion_domain::{Currency, DataGrade, Money};
use expansion_local::Stack;
use expansion_model::{Doubt, Metrics, doubts_in_words};
use expansion_records::{Run, Standing};
use expansion_service::Principal;
use expansion_service::list::{ListFilters, ListRequest, Lists};
use expansion_service::view::{ModelView, ScoreView, staleness};

use crate::Failure;

/// Accounts shown.
const TOP: usize = 10;

pub(crate) async fn print(stack: &Stack, run: &Run) -> Result<(), Failure> {
    let count = |standing: Standing| {
        let customers = run.summary().and_then(|summary| summary.standings.get(&standing));
        customers.map_or(0, |all| all.tally.customers)
    };
    let [ready, in_progress, alone] = Standing::ALL.map(count);
    let rows = run.summary().map_or(0, |summary| summary.rows);
    println!("Expansion propensity as of {}: {rows} customers, next {} days\n", run.as_of, run.horizon_days);
    println!("Whom to call: the best of {ready} customers who are ready to approach\n");
    println!("{}\n", table(&list(stack, run, TOP).await?, stack.config("list-propensities").currency()?));
    println!(
        "Besides: {in_progress} in progress (standing=in_progress), {alone} better left alone (standing=leave_alone)"
    );
    println!("{}", quality(run));
    for doubt in doubts_in_words(&doubts(stack, run).await?) {
        println!("In doubt: {doubt}");
    }
    if let Some(stale) = run.plan().and_then(|plan| staleness(&plan.stale)) {
        println!("Out of date: {stale}");
    }
    for finding in run.plan().into_iter().flat_map(|plan| &plan.findings) {
        println!("Odd: {}", finding.concern);
    }
    for issue in run.plan().into_iter().flat_map(|plan| &plan.data_issues) {
        if issue.count == 0 {
            println!("Missing: {} ({})", issue.table, issue.reason);
            continue;
        }
        let kind = if issue.grade == DataGrade::Fine { "Noted" } else { "Left out or doubtful" };
        println!("{kind}: {} rows of {} ({}), first: {}", issue.count, issue.table, issue.reason, issue.example);
    }
    Ok(())
}

/// Prints what can be tried while the API is served.
pub(crate) async fn print_urls(stack: &Stack, run: &Run) -> Result<(), Failure> {
    let url = stack.api_url();
    let first = list(stack, run, 1).await?.pop();
    let customer = first.map_or_else(|| "CUSTOMER".to_owned(), |row| row.customer_id.to_string());
    println!("\nServing on {url} until Ctrl-C. Try:");
    println!("  curl '{url}/api/analytics/expansion-propensity?standing=ready_to_approach&limit=5'");
    println!("  curl '{url}/api/customers/{customer}/expansion-propensity'");
    println!(
        "  curl -X POST '{url}/api/analytics/expansion-propensity/refresh' -d '{{\"as_of\":\"{}\"}}'",
        run.as_of.date()
    );
    println!("As a CSM instead of a manager: add -H 'Authorization: Bearer csm:csm-01'");
    Ok(())
}

/// The run's best customers to approach, as a manager sees them.
async fn list(stack: &Stack, run: &Run, limit: usize) -> Result<Vec<ScoreView>, Failure> {
    let filters = ListFilters { standing: Some(Standing::ReadyToApproach), ..ListFilters::default() };
    let request = ListRequest { limit, ..filters.into() };
    let lists = Lists::new(&stack.config("list-propensities"))?;
    Ok(lists.page(&*lists.of_run(&run.run_id).await?, &Principal::Manager, &request).await?.data)
}

fn table(rows: &[ScoreView], currency: Option<Currency>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "Rank",
        "Customer",
        "Propensity",
        "90 % interval",
        "Lift",
        "Grade",
        "Confidence",
        "Est. value",
        "Primary signal",
    ]);
    let nothing = || "–".to_owned();
    for row in rows {
        table.add_row([
            row.rank.map_or_else(nothing, |rank| rank.to_string()),
            row.customer_name.as_ref().unwrap_or(&row.customer_id).to_string(),
            format!("{}%", row.propensity_score),
            format!("{:.0}–{:.0}", row.confidence.lower, row.confidence.upper),
            row.lift.map_or_else(nothing, |lift| format!("{lift:.1}×")),
            row.grade.map_or_else(nothing, |grade| grade.name().to_owned()),
            confidence(row),
            row.estimated_value.map_or_else(nothing, |value| Money { amount: value.amount, currency }.to_string()),
            row.primary_signal.clone().unwrap_or_else(nothing),
        ]);
    }
    for column in [0, 2, 3, 4, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How sure it is on which side of the average of comparable customers the customer lies.
fn confidence(row: &ScoreView) -> String {
    let side = row.confidence.side.map_or_else(String::new, |side| format!(", {}", side.name()));
    format!("{}{side}", row.confidence.level.name())
}

/// What of the history that the run's model was fitted to is not plausible.
pub(crate) async fn doubts(stack: &Stack, run: &Run) -> Result<Vec<Doubt>, Failure> {
    let Some(model) = run.model() else { return Ok(Vec::new()) };
    let record = stack.config("trainer").control()?.model(&model.model_id).await?;
    Ok(record.map_or_else(Vec::new, |record| record.doubts))
}

fn quality(run: &Run) -> String {
    let Some(model) = run.model() else { return "Out of time: not measured".to_owned() };
    let (family, Some(m)) = (&model.family, model.metrics) else {
        let reason = ModelView::from(model).why_untested().unwrap_or_default();
        return format!("Out of time: not measured: {reason}");
    };
    let all = format!("Out of time ({} rows, {family}): {}", m.n, figures(&m));
    let unworked = model.unworked.map(|m| format!("\n… whom nobody worked on ({} rows): {}", m.n, figures(&m)));
    all + &unworked.unwrap_or_default()
}

fn figures(m: &Metrics) -> String {
    let lift_at_5 = m.lift_at_5.map_or_else(String::new, |lift| format!(", lift at 5 % {lift:.1}"));
    format!(
        "AUC {:.3}, log-loss {:.4}, calibration error {:.4}{lift_at_5}, base rate {:.1} %",
        m.auc,
        m.log_loss,
        m.ece,
        100.0 * m.base_rate
    )
}

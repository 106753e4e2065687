//! Portfolios in which one customer has most of the facts, or every customer something of their own, beside the same
//! portfolio as usual: how much longer does a refresh take? Work that grows with a square shows here first.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use expansion_bench::Failure;
use expansion_domain::Instant;
use expansion_local::{Options, Stack, refresh};
use expansion_simulator::{DEMO_END, DEMO_SEED, Portfolio, Settings, simulate, write};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use crate::measure::cpu_seconds;

/// Days over which a customer's added facts are spread, back from the end of the portfolio.
const DAYS: usize = 800;
/// The portfolio as usual is refreshed so often; the least of its times counts.
const REPEATS: usize = 2;
const HORIZON_DAYS: u16 = 90;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many customers.
    #[arg(long, value_name = "N", default_value_t = 460)]
    customers: usize,
    /// The seed of all chance.
    #[arg(long, value_name = "N", default_value_t = DEMO_SEED)]
    seed: u64,
    /// Only the cases whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// How long a refresh took.
#[derive(Debug, Serialize)]
struct Refreshed {
    case: &'static str,
    cpu_seconds: f64,
    /// Over that of the portfolio as usual.
    times: f64,
}

/// What a case does to a portfolio.
struct Case {
    name: &'static str,
    change: fn(&mut Portfolio),
}

const CASES: [Case; 17] = [
    Case { name: "30,000 contacts of one customer", change: |portfolio| contacts(portfolio, 30_000) },
    Case { name: "60,000 contacts of one customer", change: |portfolio| contacts(portfolio, 60_000) },
    Case { name: "30,000 titles of one contact", change: titles },
    Case { name: "100,000 touch points of one customer", change: touch_points },
    Case { name: "100,000 signals of one customer", change: signals },
    Case { name: "100,000 readings of one customer", change: readings },
    Case { name: "100,000 health scores of one customer", change: health_scores },
    Case { name: "100,000 contracts of one customer", change: contracts },
    Case { name: "100,000 deals of one customer, delivered twice", change: deals },
    Case { name: "20,000 won deals of one customer", change: wins },
    Case { name: "5,000 products", change: |portfolio| products(portfolio, 5_000) },
    Case { name: "a segment a customer", change: |portfolio| segments(portfolio, usize::MAX) },
    Case { name: "60 segments", change: |portfolio| segments(portfolio, 60) },
    Case { name: "an industry, a region and a CSM a customer", change: levels },
    Case { name: "2,000 metrics of one customer", change: metrics },
    Case { name: "500 kinds of signals", change: kinds },
    Case { name: "5,000 products, a segment and an industry a customer", change: everything },
];

/// Refreshes each case and the portfolio as usual.
pub(crate) async fn measure(arguments: &Arguments) -> Result<String, Failure> {
    expansion_telemetry::init_console("error")?;
    let settings = Settings { customers: arguments.customers, seed: arguments.seed, ..Settings::demo(DEMO_END) };
    let usual = simulate(&settings);
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        least = least.min(refreshed(&usual).await?);
    }
    let mut all = vec![Refreshed { case: "as usual", cpu_seconds: least, times: 1.0 }];
    for Case { name, change } in CASES.into_iter().filter(|case| case.name.contains(&arguments.only)) {
        let mut portfolio = usual.clone();
        change(&mut portfolio);
        let cpu_seconds = refreshed(&portfolio).await?;
        eprintln!("{name}: {cpu_seconds:.1} s");
        all.push(Refreshed { case: name, cpu_seconds, times: cpu_seconds / least });
    }
    if arguments.json {
        return Ok(json!(all).to_string());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["", "CPU s", "times as usual"]);
    for Refreshed { case, cpu_seconds, times } in &all {
        table.add_row([(*case).to_owned(), format!("{cpu_seconds:.1}"), format!("{times:.2}")]);
    }
    Ok(table.to_string())
}

/// The CPU time of a refresh through the real functions.
async fn refreshed(portfolio: &Portfolio) -> Result<f64, Failure> {
    let scratch = TempDir::new()?;
    let folder = scratch.path().join("source");
    write(portfolio, &folder, None)?;
    let options = Options { source: Some(folder.display().to_string()), ..Options::default() };
    let stack = Stack::start(options).await?;
    let as_of = Instant::from_date(DEMO_END).ok_or("no such day")?.end_of_day();
    let before = cpu_seconds();
    refresh::refresh(&stack, as_of, HORIZON_DAYS, "lopsided".to_owned()).await?;
    // Before the judge begins, who asks for every CSM's portfolio one by one.
    let took = cpu_seconds() - before;
    stack.idle().await;
    stack.shutdown().await;
    Ok(took)
}

/// The customer who gets the facts: the first one who was there from the start and has not left.
fn one(portfolio: &Portfolio) -> String {
    let customers = portfolio.customers.iter().filter(|customer| customer.churned_at.is_none());
    customers
        .min_by_key(|customer| customer.created_at)
        .map(|customer| customer.customer_id.clone())
        .unwrap_or_default()
}

/// The day of the i-th added fact.
fn day(i: usize) -> Date {
    DEMO_END.saturating_sub(i64::try_from(i % DAYS).unwrap_or_default().days())
}

/// Its time: no two facts of one day have the same.
fn time(i: usize) -> Timestamp {
    let seconds = i64::try_from(i / DAYS).unwrap_or_default();
    let midnight = Instant::from_date(day(i)).map_or(0, Instant::micros);
    Timestamp::from_microsecond(midnight + 1_000_000 * seconds).unwrap_or_default()
}

/// A name that lives as long as the process, which the portfolio's rows want.
fn name(prefix: &str, i: usize) -> &'static str {
    format!("{prefix}-{i:05}").leak()
}

fn contacts(portfolio: &mut Portfolio, contacts: usize) {
    let Some(row) = portfolio.stakeholders.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.stakeholders.extend((0..contacts).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        name("contact", i).clone_into(&mut row.stakeholder_id);
        row.role = if i.is_multiple_of(3) { "champion" } else { "user" };
        row.recorded_at = day(i);
        row
    }));
}

fn titles(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.stakeholders.first().cloned() else { return };
    let customer_id = one(portfolio);
    // One row a day and person is all there can be.
    portfolio.stakeholders.extend((0..30_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        name("contact", i / DAYS).clone_into(&mut row.stakeholder_id);
        row.role = "champion";
        row.title = format!("Title {i}");
        row.recorded_at = day(i);
        row
    }));
}

fn touch_points(portfolio: &mut Portfolio) {
    contacts(portfolio, 10_000);
    let Some(row) = portfolio.engagements.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.engagements.extend((0..100_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        row.occurred_at = time(i);
        row.stakeholder_id = Some(name("contact", i % 10_000).to_owned());
        row
    }));
}

fn signals(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.expansion_signals.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.expansion_signals.extend((0..100_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        row.detected_at = day(i);
        row
    }));
}

fn readings(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.usage_metrics.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.usage_metrics.extend((0..100_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        row.recorded_at = time(i);
        row
    }));
}

fn metrics(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.usage_metrics.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.usage_metrics.extend((0..20_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        row.metric = name("metric", i % 2_000);
        row.recorded_at = time(i);
        row
    }));
}

fn health_scores(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.health_score_history.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.health_score_history.extend((0..100_000_u32).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        row.recorded_at = day(i as usize);
        row.score = f64::from(i % 1_000) / 10.0;
        row
    }));
}

fn contracts(portfolio: &mut Portfolio) {
    let Some(row) = portfolio.contracts.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.contracts.extend((0..100_000).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        name("contract", i).clone_into(&mut row.contract_id);
        (row.start_date, row.end_date) = (day(i), None);
        row
    }));
}

fn deals(portfolio: &mut Portfolio) {
    add_deals(portfolio, 100_000, "negotiation");
    add_deals(portfolio, 100_000, "negotiation");
}

fn wins(portfolio: &mut Portfolio) {
    add_deals(portfolio, 20_000, "won");
}

fn add_deals(portfolio: &mut Portfolio, deals: usize, stage: &'static str) {
    let Some(row) = portfolio.expansion_opportunities.first().cloned() else { return };
    let customer_id = one(portfolio);
    portfolio.expansion_opportunities.extend((0..deals).map(|i| {
        let mut row = row.clone();
        row.customer_id.clone_from(&customer_id);
        name("deal", i).clone_into(&mut row.opportunity_id);
        row.stage = stage;
        (row.created_at, row.closed_at) = (day(i), (stage == "won").then(|| day(i)));
        row
    }));
}

/// As many add-ons, of which deals and contracts are about one or another.
fn products(portfolio: &mut Portfolio, products: usize) {
    let Some(row) = portfolio.products.iter().find(|product| product.kind == "add_on").cloned() else { return };
    let names: Vec<&'static str> = (0..products).map(|i| name("product", i)).collect();
    portfolio.products = names
        .iter()
        .map(|id| {
            let mut row = row.clone();
            (row.product_id, row.name) = (id, id);
            row
        })
        .collect();
    // Steps without a divisor in common with their number come by all products.
    for (i, contract) in portfolio.contracts.iter_mut().enumerate() {
        contract.product_id = names[i * 2_003 % products];
    }
    for (i, deal) in portfolio.expansion_opportunities.iter_mut().enumerate() {
        deal.product_id = names[i * 1_009 % products];
    }
}

fn segments(portfolio: &mut Portfolio, segments: usize) {
    for (i, customer) in portfolio.customers.iter_mut().enumerate() {
        customer.segment = Some(name("segment", i % segments));
    }
}

fn levels(portfolio: &mut Portfolio) {
    for (i, customer) in portfolio.customers.iter_mut().enumerate() {
        customer.industry = Some(name("industry", i));
        customer.region = Some(name("region", i));
        customer.csm_id = Some(name("csm", i).to_owned());
    }
}

fn kinds(portfolio: &mut Portfolio) {
    for (i, signal) in portfolio.expansion_signals.iter_mut().enumerate() {
        signal.kind = name("kind", i % 500);
    }
}

fn everything(portfolio: &mut Portfolio) {
    products(portfolio, 5_000);
    segments(portfolio, usize::MAX);
    levels(portfolio);
}

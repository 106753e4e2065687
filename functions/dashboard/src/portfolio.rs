//! The portfolio: customers in order, found by filters, with what they add up to.

use std::collections::BTreeMap;

use askama::Template;
use expansion_api::{ListAnswer, Principal, Problem, RunView, ScoreView, TrendView};
use expansion_domain::Id;
use expansion_lambda::to_problem;
use expansion_model::ConfidenceLevel;
use expansion_records::{Order, RunSummary};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::{State, charts, page, words};

/// Rows a page.
const ROWS: &str = "25";
/// Scores in a row's small curve.
const CURVE: i32 = 12;
/// What can be chosen.
const ORDERS: [Order; 3] = Order::ALL;
const LEVELS: [ConfidenceLevel; 3] = [ConfidenceLevel::High, ConfidenceLevel::Medium, ConfidenceLevel::Low];
/// Curves read at once.
const CONCURRENCY: usize = 8;

#[derive(Template)]
#[template(path = "portfolio.html")]
struct Portfolio {
    run: RunView,
    is_manager: bool,
    latest: Latest,
    rows: Vec<Row>,
    filters: BTreeMap<String, String>,
    choices: Choices,
    next: Option<String>,
    totals: Totals,
    distribution: String,
}

/// The page before any refresh is complete.
#[derive(Template)]
#[template(path = "first.html")]
struct First {
    is_manager: bool,
    latest: Latest,
}

/// What is to be said of refreshes.
struct Latest {
    /// The one under way.
    open: Option<RunView>,
    /// Why the latest one failed, if it did.
    failure: Option<String>,
}

struct Row {
    score: ScoreView,
    /// Segment and CSM.
    about: String,
    /// The past scores as points of a curve 100 wide and 24 high; empty with fewer than two.
    curve: String,
    /// The change since the run before, in words.
    course: String,
}

/// What can be chosen in the filters.
struct Choices {
    csms: Vec<Id>,
    segments: Vec<Id>,
    products: Vec<Id>,
}

/// What the customers add up to.
#[derive(Default)]
struct Totals {
    customers: u64,
    expected_value: Option<f64>,
    /// Customers by score, in parts of five points.
    counts: Vec<u64>,
}

impl Portfolio {
    fn filter(&self, name: &str) -> &str {
        self.filters.get(name).map_or("", String::as_str)
    }

    /// The list in another order, from its beginning.
    fn sorted_by(&self, order: Order) -> String {
        linked(&self.filters, &[("cursor", None), ("sort", Some(order.name()))])
    }

    /// The list's first page.
    fn first(&self) -> String {
        linked(&self.filters, &[("cursor", None)])
    }

    fn is_sorted_by(&self, order: Order) -> bool {
        let chosen = self.filter("sort");
        chosen == order.name() || (chosen.is_empty() && order == Order::Score)
    }
}

/// The page for what a query string asks for.
pub(crate) async fn page(state: &State, caller: &Principal, query: &str) -> Result<String, Problem> {
    // An empty field of the form is no filter.
    let given: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let filters: BTreeMap<String, String> = given.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let is_manager = *caller == Principal::Manager;
    let latest = latest(state, caller).await?;
    let list = match list(state, caller, &filters).await {
        Err(problem) if problem.kind == Problem::no_run_yet().kind => {
            return page::render(&First { is_manager, latest });
        }
        list => list?,
    };
    let summary = list_propensities::summary(&state.list, &list.run.run_id).await?;
    let totals = totals(state, caller, &list.run, &summary).await?;
    let next = list.next_cursor.map(|cursor| linked(&filters, &[("cursor", Some(&cursor))]));
    page::render(&Portfolio {
        is_manager,
        latest,
        rows: rows(state, list.data, &list.run).await?,
        choices: Choices {
            csms: summary.portfolios.into_iter().flatten().collect(),
            segments: summary.segments.into_keys().collect(),
            products: summary.products.into_keys().collect(),
        },
        distribution: charts::distribution(&totals.counts),
        totals,
        run: list.run,
        filters,
        next,
    })
}

async fn latest(state: &State, caller: &Principal) -> Result<Latest, Problem> {
    let (open, latest) =
        tokio::try_join!(state.control.open_runs(), state.control.latest_run()).map_err(|error| to_problem(&error))?;
    let latest = latest.map(|run| RunView::from(&run).seen_by(caller));
    let failure = |run: RunView| Some(format!("The refresh as of {} failed: {}", words::day(run.as_of), run.failure?));
    Ok(Latest { open: open.last().map(|run| RunView::from(run).seen_by(caller)), failure: latest.and_then(failure) })
}

/// The link to the list with some filters set otherwise, or not at all.
fn linked(filters: &BTreeMap<String, String>, otherwise: &[(&str, Option<&str>)]) -> String {
    let mut filters: BTreeMap<&str, &str> = filters.iter().map(|(name, value)| (&**name, &**value)).collect();
    for (name, value) in otherwise {
        match value {
            Some(value) => filters.insert(name, value),
            None => filters.remove(name),
        };
    }
    format!("/?{}", serde_urlencoded::to_string(filters).unwrap_or_default())
}

async fn list(state: &State, caller: &Principal, filters: &BTreeMap<String, String>) -> Result<ListAnswer, Problem> {
    let mut filters = filters.clone();
    filters.entry("limit".to_owned()).or_insert_with(|| ROWS.to_owned());
    let query = serde_urlencoded::to_string(&filters).unwrap_or_default();
    list_propensities::answer(&state.list, caller, &query).await
}

/// A manager sees what the whole run adds up to, a CSM what their own portfolio does.
async fn totals(state: &State, caller: &Principal, run: &RunView, summary: &RunSummary) -> Result<Totals, Problem> {
    let mut totals = Totals { counts: vec![0; 20], ..Totals::default() };
    let part = |score: usize| (score / 5).min(19);
    let csm_id = match caller {
        Principal::Manager => {
            totals.customers = summary.rows;
            totals.expected_value = summary.expected_value;
            for (score, count) in summary.histogram.iter().enumerate() {
                totals.counts[part(score)] += count;
            }
            return Ok(totals);
        }
        Principal::Csm(csm_id) => csm_id,
    };
    let own = state.propensities.portfolio(&run.run_id, Some(csm_id), None, 0, usize::MAX).await;
    for row in own.map_err(|e| to_problem(&e))? {
        totals.customers += 1;
        totals.counts[part(usize::from(row.propensity_score))] += 1;
        totals.expected_value = totals.expected_value.into_iter().chain(row.expected_value).reduce(|a, b| a + b);
    }
    Ok(totals)
}

/// The rows with their curves.
async fn rows(state: &State, scores: Vec<ScoreView>, run: &RunView) -> Result<Vec<Row>, Problem> {
    let complete = state.control.complete_runs(&run.run_id, 4 * CURVE).await.map_err(|e| to_problem(&e))?;
    let row = async |score: ScoreView| {
        let past = state.propensities.history(&score.customer_id, score.calculated_at, CURVE).await;
        let mut past = past.map_err(|e| to_problem(&e))?;
        past.retain(|past| past.run_id == run.run_id || complete.contains(&past.run_id));
        let scores: Vec<u8> = past.iter().rev().map(|past| past.propensity_score).collect();
        let about: Vec<&str> = [&score.segment, &score.csm_id].into_iter().filter_map(|part| part.as_deref()).collect();
        Ok(Row { about: about.join(" · "), curve: curve(&scores), course: course(score.trend), score })
    };
    let reads: Vec<_> = scores.into_iter().map(row).collect();
    stream::iter(reads).buffered(CONCURRENCY).try_collect().await
}

/// Scores, oldest first, as the points of a curve 100 wide and 24 high.
#[expect(clippy::cast_precision_loss, reason = "a dozen scores")]
fn curve(scores: &[u8]) -> String {
    if scores.len() < 2 {
        return String::new();
    }
    let step = 100.0 / (scores.len() - 1) as f64;
    let point = |(i, score): (usize, &u8)| format!("{:.1},{:.1}", i as f64 * step, 23.0 - f64::from(*score) * 0.22);
    scores.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

fn course(trend: Option<TrendView>) -> String {
    match trend {
        None => "no score in the run before".to_owned(),
        Some(TrendView { delta: 0, .. }) => "unchanged".to_owned(),
        Some(TrendView { delta, .. }) => format!("{delta:+} since the run before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_needs_two_scores() {
        assert_eq!(curve(&[50]), "");
        assert_eq!(curve(&[0, 100]), "0.0,23.0 100.0,1.0");
        let moved = course(Some(TrendView { previous_score: 50, delta: -3 }));
        assert_eq!((course(None), moved), ("no score in the run before".into(), "-3 since the run before".into()));
    }
}

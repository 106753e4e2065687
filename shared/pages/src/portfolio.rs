//! The portfolio: customers in order, found by filters, with what they add up to.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use expansion_domain::Currency;
use expansion_http::list::ListParameters;
use expansion_http::{Caller, Problem, Query, Shared};
use expansion_model::ConfidenceLevel;
use expansion_records::{Facet, Grade, Order, RunSummary, Standing};
use expansion_service::list::Totals;
use expansion_service::view::{RunView, ScoreView, TrendView};
use expansion_service::{Error, Principal};

use crate::page::{Page, Refused};
use crate::{Dashboard, charts, words};

/// Rows a page.
const ROWS: usize = 25;
/// Scores in a row's small curve.
const CURVE: i32 = 12;
/// What can be chosen.
const ORDERS: [Order; 3] = Order::ALL;
const LEVELS: [ConfidenceLevel; 3] = ConfidenceLevel::ALL;
const GRADES: [Grade; 4] = Grade::ALL;
const FACETS: [(&str, &str, Facet); 3] = [
    ("Segment", "segment", Facet::Segment),
    ("Industry", "industry", Facet::Industry),
    ("Region", "region", Facet::Region),
];
/// Parts of the scores in the chart, and how many scores make one.
const PARTS: usize = 20;
const PART: usize = 5;

#[derive(Template)]
#[template(path = "portfolio.html")]
struct Portfolio<'a> {
    run: RunView,
    currency: Option<Currency>,
    is_manager: bool,
    latest: Latest,
    rows: Vec<Row>,
    tabs: Vec<Tab>,
    filters: BTreeMap<String, String>,
    /// Whose CSMs, segments and products can be chosen.
    choices: &'a RunSummary,
    next: Option<String>,
    download: String,
    totals: Totals,
    /// Customers by score, in parts.
    counts: Vec<u64>,
    distribution: String,
}

/// The list of one standing, or of all customers.
struct Tab {
    title: &'static str,
    customers: u64,
    link: String,
    is_shown: bool,
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

impl Portfolio<'_> {
    fn filter(&self, name: &str) -> &str {
        self.filters.get(name).map_or("", String::as_str)
    }

    /// The values of a facet that can be chosen.
    fn values(&self, facet: Facet) -> impl Iterator<Item = &str> {
        self.choices.values(facet).map(|value| &**value)
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

/// The page for what the form asks for.
pub(crate) async fn page(
    State(dashboard): State<Shared<Dashboard>>,
    caller: Result<Caller, Problem>,
    RawQuery(query): RawQuery,
) -> Result<Page, Refused> {
    let Caller(caller) = caller?;
    // An empty field of the form is no filter.
    let given: Vec<(String, String)> = serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let mut filters: BTreeMap<String, String> = given.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    filters.entry("standing".to_owned()).or_insert_with(|| Standing::ReadyToApproach.name().to_owned());
    let mut query = Query::<ListParameters>::of(filters.clone());
    query.asked.limit.get_or_insert(ROWS);
    let is_manager = caller == Principal::Manager;
    let latest = latest(&dashboard, &caller).await?;
    let (list, listed) = match dashboard.pages.page(&caller, query).await {
        Err(Error::NoRunYet) => return Page::of(&First { is_manager, latest }),
        page => page?,
    };
    // Further pages of a list come without its totals.
    let totals = list.totals.unwrap_or_default();
    let counts = parts(&totals.histogram);
    let next = list.next_cursor.map(|cursor| linked(&filters, &[("cursor", Some(&cursor))]));
    let curves = dashboard.customers.curves(&list.run.run_id, &list.data, CURVE).await?;
    Page::of(&Portfolio {
        is_manager,
        latest,
        rows: list.data.into_iter().zip(curves).map(|(score, past)| Row::new(score, &past)).collect(),
        tabs: tabs(&totals, &filters),
        choices: listed.summary(),
        distribution: charts::distribution(&counts),
        counts,
        totals,
        run: list.run,
        currency: dashboard.currency,
        download: download(&filters),
        filters,
        next,
    })
}

/// The standings, and all customers, each with how many the other filters leave.
fn tabs(totals: &Totals, filters: &BTreeMap<String, String>) -> Vec<Tab> {
    let tab = |title, name: &'static str, customers| Tab {
        title,
        customers,
        link: linked(filters, &[("cursor", None), ("standing", Some(name))]),
        is_shown: filters.get("standing").is_some_and(|shown| shown == name),
    };
    let of = |standing: Standing| totals.standings.get(&standing).copied().unwrap_or_default();
    let one = |standing: Standing| tab(standing.title(), standing.name(), of(standing));
    let all = tab("All", "all", totals.standings.values().sum());
    Standing::ALL.into_iter().map(one).chain([all]).collect()
}

async fn latest(dashboard: &Dashboard, caller: &Principal) -> Result<Latest, Error> {
    let refreshes = &dashboard.refreshes;
    let (open, latest) = tokio::try_join!(refreshes.open(caller), refreshes.latest(caller))?;
    let failure = |run: RunView| Some(format!("The refresh as of {} failed: {}", words::day(run.as_of), run.failure?));
    Ok(Latest { open, failure: latest.and_then(failure) })
}

/// Customers by score, in parts.
fn parts(histogram: &[u64]) -> Vec<u64> {
    let mut parts = vec![0; PARTS];
    for (score, count) in histogram.iter().enumerate() {
        parts[(score / PART).min(PARTS - 1)] += count;
    }
    parts
}

/// The link to the list with some filters set otherwise, or not at all.
fn linked(filters: &BTreeMap<String, String>, otherwise: &[(&str, Option<&str>)]) -> String {
    format!("/?{}", query(filters, otherwise))
}

/// The link to the whole list as a file.
fn download(filters: &BTreeMap<String, String>) -> String {
    let of_a_page = [("cursor", None), ("limit", None), ("per_csm", None)];
    format!("/api/analytics/expansion-propensity/export?{}", query(filters, &of_a_page))
}

/// Filters, some of them set otherwise or not at all, as a query string.
fn query(filters: &BTreeMap<String, String>, otherwise: &[(&str, Option<&str>)]) -> String {
    let mut filters: BTreeMap<&str, &str> = filters.iter().map(|(name, value)| (&**name, &**value)).collect();
    for (name, value) in otherwise {
        match value {
            Some(value) => filters.insert(name, value),
            None => filters.remove(name),
        };
    }
    serde_urlencoded::to_string(filters).unwrap_or_default()
}

impl Row {
    /// The row of a score, with the past ones.
    fn new(score: ScoreView, past: &[u8]) -> Self {
        let about: Vec<&str> = [&score.segment, &score.csm_id].into_iter().filter_map(|part| part.as_deref()).collect();
        Self { about: about.join(" · "), curve: curve(past), course: course(score.trend), score }
    }
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
    fn scores_are_counted_in_parts_of_five_points() {
        let mut histogram = vec![0; 101];
        (histogram[4], histogram[5], histogram[94], histogram[99], histogram[100]) = (1, 2, 3, 4, 5);
        let counts = parts(&histogram);
        assert_eq!((counts.len(), counts[0], counts[1], counts[18], counts[19]), (20, 1, 2, 3, 9));
        assert_eq!(parts(&[]), [0; 20]);
    }

    #[test]
    fn a_download_has_the_filters_and_the_order_of_the_page() {
        let chosen = [("segment", "R&D"), ("sort", "priority"), ("cursor", "x"), ("limit", "5")];
        let filters = chosen.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let link = "/api/analytics/expansion-propensity/export?segment=R%26D&sort=priority";
        assert_eq!(download(&filters), link);
    }

    #[test]
    fn a_curve_needs_two_scores() {
        assert_eq!(curve(&[50]), "");
        assert_eq!(curve(&[0, 100]), "0.0,23.0 100.0,1.0");
        let moved = course(Some(TrendView { previous_score: 50, delta: -3 }));
        assert_eq!((course(None), moved), ("no score in the run before".into(), "-3 since the run before".into()));
    }
}

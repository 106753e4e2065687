use expansion_domain::Id;
use expansion_fixtures as fixtures;
use expansion_model::ConfidenceLevel;
use expansion_records::RunSummary;

use super::*;
use crate::list::{ListFilters, PageStart};

/// The rows of a run, as the score index has them.
struct Table(Vec<Listed>);

impl Partitions for Table {
    async fn partition(
        &self,
        _: &RunId,
        partition: Partition<'_>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let is_wanted = |row: &&Listed| {
            row.csm_id.as_deref() == partition.csm_id
                && row.standing == partition.standing
                && row.propensity_score >= min_score
                && after.is_none_or(|after| Order::Score.position(row) > *after)
        };
        let mut rows: Vec<Listed> = self.0.iter().filter(is_wanted).cloned().collect();
        Order::Score.sort(&mut rows);
        // A score is never cut in two.
        if let Some(last) = rows.get(least.saturating_sub(1)).map(|row| row.propensity_score) {
            rows.retain(|row| row.propensity_score >= last);
        }
        Ok(rows)
    }
}

/// So many customers of three CSMs and of nobody. Half of them have the same score, and every third no value.
fn table(customers: usize) -> Table {
    let row = |n: usize| {
        let score = if n.is_multiple_of(2) { 50 } else { u8::try_from(1 + n * 31 % 99).expect("a score") };
        let mut row = fixtures::row(&format!("c-{n:04}"), score).listed;
        row.csm_id = [Some("csm-1"), Some("csm-2"), Some("csm-3"), None][n % 4].map(Id::from);
        row.segment = [Some("SMB"), None][n / 7 % 2].map(Id::from);
        row.product_ids = if n.is_multiple_of(5) { vec!["seats".into()] } else { Vec::new() };
        row.confidence_level = if n.is_multiple_of(6) { ConfidenceLevel::Low } else { ConfidenceLevel::High };
        row.expected_value = (!n.is_multiple_of(3)).then_some(f64::from(score) * 100.0);
        row.standing = Standing::ALL[n % 11 % 3];
        row.priority = row.expected_value.filter(|_| row.standing == Standing::ReadyToApproach);
        row
    };
    Table((0..customers).map(row).collect())
}

/// The complete run that the table has the rows of.
fn run(table: &Table) -> Run {
    let portfolios = table.0.iter().map(|row| row.csm_id.clone()).collect();
    let mut summary = RunSummary { rows: table.0.len() as u64, portfolios, ..RunSummary::default() };
    for row in &table.0 {
        summary.standings.entry(row.standing).or_default().tally.customers += 1;
    }
    fixtures::complete(summary)
}

/// All rows of a list, page by page, and how many rows each page had.
async fn all(table: &Table, request: &ListRequest, ready: usize) -> (Vec<Listed>, Vec<usize>) {
    let run = run(table);
    let mut best = table.0.clone();
    request.order.sort(&mut best);
    let is_shown = |row: &&Listed| request.filters.standing.is_none_or(|standing| row.standing == standing);
    let top: Vec<&Listed> = best.iter().filter(is_shown).take(ready).collect();
    let mut request = request.clone();
    let (mut rows, mut pages) = (Vec::new(), Vec::new());
    loop {
        let source = Source { table, request: &request, run: &run, top: &top };
        let found = source.page().await.expect("a page");
        pages.push(found.rows.len());
        rows.extend(found.rows);
        let Some(after) = found.next else { return (rows, pages) };
        request.from = Some(PageStart { run_id: run.run_id.clone(), after, rank: rows.len() as u64 });
    }
}

/// What a list should have, found by looking at everything.
fn expected(table: &Table, request: &ListRequest) -> Vec<Listed> {
    let mut rows = table.0.clone();
    request.order.sort(&mut rows);
    let mut of_each = std::collections::BTreeMap::<Option<Id>, usize>::new();
    rows.retain(|row| {
        let is_wanted = request.wants(row, &fixtures::run());
        let count = of_each.entry(row.csm_id.clone()).or_default();
        *count += usize::from(is_wanted);
        is_wanted && request.per_csm.is_none_or(|most| *count <= most)
    });
    rows
}

#[tokio::test]
async fn pages_together_are_the_whole_list_in_order() {
    let table = table(1000);
    let any = ListRequest { limit: 7, ..ListRequest::default() };
    let none = ListFilters::default;
    let with = |filters| ListRequest { filters, ..any.clone() };
    let mut seen = 0;
    for order in Order::ALL {
        for request in [
            ListRequest { limit: 200, ..any.clone() },
            with(ListFilters { csm_id: Some("csm-2".into()), ..none() }),
            with(ListFilters { standing: Some(Standing::InProgress), ..none() }),
            with(ListFilters { standing: Some(Standing::ReadyToApproach), csm_id: Some("csm-2".into()), ..none() }),
            with(ListFilters { segment: Some("SMB".into()), min_score: 50, ..none() }),
            with(ListFilters { product_id: Some("seats".into()), confidence: Some(ConfidenceLevel::Low), ..none() }),
            with(ListFilters { q: Some("c-07".to_owned()), ..none() }),
            with(ListFilters { q: Some("nobody".to_owned()), ..none() }),
            ListRequest { per_csm: Some(3), ..any.clone() },
            ListRequest { per_csm: Some(100), ..with(ListFilters { csm_id: Some("csm-1".into()), ..none() }) },
            with(ListFilters { min_score: 99, ..none() }),
        ] {
            let request = ListRequest { order, ..request };
            // With all rows ready, with the first of them, with none.
            for ready in [1000, 260, 0] {
                let (rows, pages) = all(&table, &request, ready).await;
                assert_eq!(rows, expected(&table, &request), "{request:?}, {ready} ready");
                assert!(pages.iter().all(|rows| *rows <= request.limit), "{pages:?}");
                let (_, full) = pages.split_last().expect("a page");
                assert!(full.iter().all(|rows| *rows == request.limit), "only the last page may be short: {pages:?}");
                seen += rows.len();
            }
        }
    }
    assert!(seen > 9 * 1000, "only {seen} rows were looked at");
}

#[tokio::test]
async fn a_page_that_ends_the_list_has_no_next() {
    let table = table(40);
    let request = ListRequest { limit: 40, ..ListRequest::default() };
    assert_eq!(all(&table, &request, 40).await.1, [40]);
    assert_eq!(all(&table, &request, 0).await.1, [40]);
}

#[tokio::test]
async fn a_rare_filter_gives_short_pages_rather_than_slow_ones() {
    let table = table(2 * MOST_EXAMINED);
    let last = expected(&table, &ListRequest::default()).pop().expect("rows");
    let request = ListRequest::from(ListFilters { q: Some(last.customer_id.to_string()), ..ListFilters::default() });
    let (rows, pages) = all(&table, &request, 1000).await;
    assert_eq!((rows, &pages[..2]), (vec![last], &[0, 1][..]));
}

#[tokio::test]
async fn the_whole_list_is_its_pages_together() {
    let table = table(1000);
    let (run, none) = (run(&table), ListFilters::default);
    for order in Order::ALL {
        for filters in [
            none(),
            ListFilters { csm_id: Some("csm-2".into()), ..none() },
            ListFilters { standing: Some(Standing::InProgress), min_score: 40, ..none() },
            ListFilters { segment: Some("SMB".into()), q: Some("c-0".to_owned()), ..none() },
        ] {
            let request = ListRequest { order, ..filters.into() };
            let source = Source { table: &table, request: &request, run: &run, top: &[] };
            let expected = expected(&table, &request);
            let found = source.whole(expected.len()).await.expect("rows");
            assert!(found.rows == expected && found.next.is_none() && !expected.is_empty(), "{request:?}");
            let cut = source.whole(expected.len() - 1).await.expect("rows");
            assert_eq!(cut.rows, expected[..expected.len() - 1], "{request:?}");
            assert_eq!(cut.next, cut.rows.last().map(|row| order.position(row)), "there is one more");
        }
    }
}

#[tokio::test]
async fn a_run_without_a_summary_still_has_its_best_rows() {
    let table = table(10);
    let top: Vec<&Listed> = table.0.iter().filter(|row| row.propensity_score == 50).collect();
    let request = ListRequest::from(ListFilters { min_score: 50, ..ListFilters::default() });
    let source = Source { table: &table, request: &request, run: &fixtures::requested(), top: &top };
    assert_eq!(source.whole(10).await.expect("rows").rows.len(), top.len());
}

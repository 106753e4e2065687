//! Where the rows of a page come from.
//!
//! A portfolio by score is one query. The whole company's list begins with the run's best rows, which are stored ready for
//! every order; what comes after them is merged from the portfolios. Other orders than by score have no index: a
//! portfolio is read whole and sorted.

use expansion_api::ListQuery;
use expansion_records::{Listed, Order, Position, Run};
use expansion_store::{PropensityTable, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};

/// Rows looked at in one go.
const BATCH: usize = 250;
/// Rows looked at for one page: a rare filter gives short pages rather than slow ones.
const MOST_EXAMINED: usize = 5000;
/// Portfolios queried at once.
const CONCURRENCY: usize = 8;

/// The rows of a page, and after which row the list goes on.
pub(crate) struct Page {
    pub(crate) rows: Vec<Listed>,
    pub(crate) next: Option<Position>,
}

/// The page that a query asks for.
pub(crate) async fn page(
    table: &PropensityTable,
    query: &ListQuery,
    run: &Run,
    top: &[Listed],
) -> Result<Page, StoreError> {
    let mut after = query.cursor.as_ref().map(|cursor| cursor.after.clone());
    if let Some(most) = query.per_csm {
        let mut rows = best_of_each(table, query, run, most).await?;
        rows.retain(|row| after.as_ref().is_none_or(|after| query.order.position(row) > *after));
        let goes_on = rows.len() > query.limit;
        rows.truncate(query.limit);
        let next = rows.last().filter(|_| goes_on).map(|row| query.order.position(row));
        return Ok(Page { rows, next });
    }
    let mut rows = Vec::new();
    let mut examined = 0;
    loop {
        let batch = batch(table, query, run, top, after.as_ref()).await?;
        if batch.is_empty() {
            return Ok(Page { rows, next: None });
        }
        for row in batch {
            if rows.len() == query.limit {
                // There is at least this one row more.
                return Ok(Page { rows, next: after });
            }
            after = Some(query.order.position(&row));
            examined += 1;
            if query.wants(&row) {
                rows.push(row);
            }
        }
        if query.csm_id.is_some() && query.order != Order::Score {
            // That was the whole portfolio.
            return Ok(Page { rows, next: None });
        }
        if examined >= MOST_EXAMINED {
            return Ok(Page { rows, next: after });
        }
    }
}

/// The next rows of the list that is looked through, in order; none at its end.
async fn batch(
    table: &PropensityTable,
    query: &ListQuery,
    run: &Run,
    top: &[Listed],
    after: Option<&Position>,
) -> Result<Vec<Listed>, StoreError> {
    if let Some(csm_id) = &query.csm_id {
        return portfolio(table, query, run, Some(csm_id), after).await;
    }
    let begin = after.map_or(0, |after| top.partition_point(|row| query.order.position(row) <= *after));
    let summary = run.summary();
    let complete = summary.is_none_or(|summary| usize::try_from(summary.rows).is_ok_and(|rows| rows <= top.len()));
    let is_low = |row: &Listed| query.order == Order::Score && row.propensity_score < query.min_score;
    if top.get(begin).is_some_and(is_low) {
        return Ok(Vec::new());
    }
    let ready: Vec<Listed> = top[begin..].iter().take_while(|row| !is_low(row)).take(BATCH).cloned().collect();
    if !ready.is_empty() || complete {
        return Ok(ready);
    }
    let mut merged = of_all_portfolios(run, |csm_id| portfolio(table, query, run, csm_id, after)).await?.concat();
    query.order.sort(&mut merged);
    // Every portfolio gave its next BATCH rows or all it has, so the first BATCH of all are surely among them.
    merged.truncate(if query.order == Order::Score { BATCH } else { MOST_EXAMINED });
    Ok(merged)
}

/// The next rows of a portfolio, in order: at least [`BATCH`] by score, all of them in another order.
async fn portfolio(
    table: &PropensityTable,
    query: &ListQuery,
    run: &Run,
    csm_id: Option<&str>,
    after: Option<&Position>,
) -> Result<Vec<Listed>, StoreError> {
    if query.order == Order::Score {
        return table.portfolio(&run.run_id, csm_id, after, query.min_score, BATCH).await;
    }
    let mut rows = table.portfolio(&run.run_id, csm_id, None, query.min_score, usize::MAX).await?;
    rows.retain(|row| after.is_none_or(|after| query.order.position(row) > *after));
    query.order.sort(&mut rows);
    Ok(rows)
}

/// The best rows of each CSM's portfolio (of the one asked for, or of all), together and in order.
async fn best_of_each(
    table: &PropensityTable,
    query: &ListQuery,
    run: &Run,
    most: usize,
) -> Result<Vec<Listed>, StoreError> {
    let best = async |csm_id: Option<&str>| -> Result<Vec<Listed>, StoreError> {
        let mut best: Vec<Listed> = Vec::new();
        let mut after = None;
        loop {
            let batch = portfolio(table, query, run, csm_id, after.as_ref()).await?;
            let Some(last) = batch.last() else { return Ok(best) };
            after = Some(query.order.position(last));
            best.extend(batch.into_iter().filter(|row| query.wants(row)));
            // In another order than by score that was all of it.
            if best.len() >= most || query.order != Order::Score {
                best.truncate(most);
                return Ok(best);
            }
        }
    };
    let mut rows = match &query.csm_id {
        Some(csm_id) => best(Some(csm_id)).await?,
        None => of_all_portfolios(run, best).await?.concat(),
    };
    query.order.sort(&mut rows);
    Ok(rows)
}

/// What a query of each of the run's portfolios gives.
async fn of_all_portfolios<'a, F: Future<Output = Result<Vec<Listed>, StoreError>>>(
    run: &'a Run,
    query: impl Fn(Option<&'a str>) -> F,
) -> Result<Vec<Vec<Listed>>, StoreError> {
    let portfolios = run.summary().into_iter().flat_map(|summary| &summary.portfolios);
    let queries: Vec<F> = portfolios.map(|csm_id| query(csm_id.as_deref())).collect();
    stream::iter(queries).buffer_unordered(CONCURRENCY).try_collect().await
}

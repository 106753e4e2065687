//! Where the rows of a page come from.
//!
//! A portfolio is one query. The whole company's list begins with the run's top rows, which are stored ready; what
//! comes after them is merged from the portfolios.

use expansion_api::ListQuery;
use expansion_model::{Listed, Position, Run};
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
            after = Some(row.position());
            examined += 1;
            if query.wants(&row) {
                rows.push(row);
            }
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
        return table.portfolio(&run.run_id, Some(csm_id), after, query.min_score, BATCH).await;
    }
    let begin = after.map_or(0, |after| top.partition_point(|row| row.position() <= *after));
    let ready: Vec<Listed> =
        top[begin..].iter().take_while(|row| row.propensity_score >= query.min_score).take(BATCH).cloned().collect();
    let summary = run.summary.as_ref();
    let complete = summary.is_none_or(|summary| usize::try_from(summary.rows).is_ok_and(|rows| rows <= top.len()));
    let below = top.get(begin).is_some_and(|row| row.propensity_score < query.min_score);
    if !ready.is_empty() || complete || below {
        return Ok(ready);
    }
    let mut queries = Vec::new();
    for csm_id in summary.into_iter().flat_map(|summary| &summary.portfolios) {
        queries.push(table.portfolio(&run.run_id, csm_id.as_deref(), after, query.min_score, BATCH));
    }
    let parts: Vec<Vec<Listed>> = stream::iter(queries).buffer_unordered(CONCURRENCY).try_collect().await?;
    let mut merged = parts.concat();
    merged.sort_by_key(Listed::position);
    // Every portfolio gave its next BATCH rows or all it has, so the first BATCH of all are surely among them.
    merged.truncate(BATCH);
    Ok(merged)
}

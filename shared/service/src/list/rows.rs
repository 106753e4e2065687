//! Where the rows of a page come from.
//!
//! A portfolio by score is one request. The whole company's list begins with the run's best rows, which are stored ready for
//! every order; what comes after them is merged from the portfolios. Other orders than by score have no index: a
//! portfolio is read whole and sorted.

use expansion_domain::RunId;
use expansion_records::{Listed, Order, Position, Run};
use expansion_store::{PropensityTable, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::list::ListRequest;

/// Rows looked at in one go.
const BATCH: usize = 250;
/// Rows looked at for one page: a rare filter gives short pages rather than slow ones.
const MOST_EXAMINED: usize = 5000;
/// Portfolios queried at once.
const CONCURRENCY: usize = 8;

/// The rows of a page, and after which row the list goes on.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Listed>,
    pub(super) next: Option<Position>,
}

/// Where a portfolio's rows are read: the table, or a test's rows.
pub(super) trait Portfolios: Sync {
    /// As [`PropensityTable::portfolio`].
    fn portfolio(
        &self,
        run: &RunId,
        csm_id: Option<&str>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;
}

impl Portfolios for PropensityTable {
    async fn portfolio(
        &self,
        run: &RunId,
        csm_id: Option<&str>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        Self::portfolio(self, run, csm_id, after, min_score, least).await
    }
}

/// What a page is made of: the run that is listed, with its best rows in the order asked for, and its portfolios.
pub(super) struct Source<'a, P> {
    pub(super) table: &'a P,
    pub(super) request: &'a ListRequest,
    pub(super) run: &'a Run,
    pub(super) top: &'a [Listed],
}

impl<P: Portfolios> Source<'_, P> {
    /// The page that the request asks for.
    pub(super) async fn page(&self) -> Result<Found, StoreError> {
        let Self { request, .. } = self;
        let mut after = request.from.as_ref().map(|start| start.after.clone());
        if let Some(most) = request.per_csm {
            let mut rows = self.best_of_each(most).await?;
            rows.retain(|row| self.is_after(row, after.as_ref()));
            let goes_on = rows.len() > request.limit;
            rows.truncate(request.limit);
            let next = rows.last().filter(|_| goes_on).map(|row| request.order.position(row));
            return Ok(Found { rows, next });
        }
        let mut rows = Vec::new();
        let mut examined = 0;
        loop {
            let batch = self.batch(after.as_ref()).await?;
            if batch.is_empty() {
                return Ok(Found { rows, next: None });
            }
            for row in batch {
                if rows.len() == request.limit {
                    // There is at least this one row more.
                    return Ok(Found { rows, next: after });
                }
                after = Some(request.order.position(&row));
                examined += 1;
                if request.wants(&row) {
                    rows.push(row);
                }
            }
            if request.csm_id.is_some() && request.order != Order::Score {
                // That was the whole portfolio.
                return Ok(Found { rows, next: None });
            }
            if examined >= MOST_EXAMINED {
                return Ok(Found { rows, next: after });
            }
        }
    }

    /// The next rows of the list that is looked through, in order; none at its end.
    async fn batch(&self, after: Option<&Position>) -> Result<Vec<Listed>, StoreError> {
        let Self { request, run, top, .. } = self;
        if let Some(csm_id) = &request.csm_id {
            return self.portfolio(Some(csm_id), after).await;
        }
        let begin = top.partition_point(|row| !self.is_after(row, after));
        let summary = run.summary();
        let complete = summary.is_none_or(|summary| usize::try_from(summary.rows).is_ok_and(|rows| rows <= top.len()));
        let is_low = |row: &Listed| request.order == Order::Score && row.propensity_score < request.min_score;
        if top.get(begin).is_some_and(is_low) {
            return Ok(Vec::new());
        }
        let ready: Vec<Listed> = top[begin..].iter().take_while(|row| !is_low(row)).take(BATCH).cloned().collect();
        if !ready.is_empty() || complete {
            return Ok(ready);
        }
        let mut merged = of_all_portfolios(run, |csm_id| self.portfolio(csm_id, after)).await?;
        request.order.sort(&mut merged);
        // Every portfolio gave its next BATCH rows or all it has, so the first BATCH of all are surely among them.
        merged.truncate(if request.order == Order::Score { BATCH } else { MOST_EXAMINED });
        Ok(merged)
    }

    /// The next rows of a portfolio, in order: at least [`BATCH`] by score, all of them in another order.
    async fn portfolio(&self, csm_id: Option<&str>, after: Option<&Position>) -> Result<Vec<Listed>, StoreError> {
        let Self { table, request, run, .. } = self;
        if request.order == Order::Score {
            return table.portfolio(&run.run_id, csm_id, after, request.min_score, BATCH).await;
        }
        let mut rows = table.portfolio(&run.run_id, csm_id, None, request.min_score, usize::MAX).await?;
        rows.retain(|row| self.is_after(row, after));
        request.order.sort(&mut rows);
        Ok(rows)
    }

    /// The best rows of each CSM's portfolio (of the one asked for, or of all), together and in order.
    async fn best_of_each(&self, most: usize) -> Result<Vec<Listed>, StoreError> {
        let Self { request, .. } = self;
        let best = async |csm_id: Option<&str>| -> Result<Vec<Listed>, StoreError> {
            let mut best: Vec<Listed> = Vec::new();
            let mut after = None;
            loop {
                let batch = self.portfolio(csm_id, after.as_ref()).await?;
                let Some(last) = batch.last() else { return Ok(best) };
                after = Some(request.order.position(last));
                best.extend(batch.into_iter().filter(|row| request.wants(row)));
                // In another order than by score that was all of it.
                if best.len() >= most || request.order != Order::Score {
                    best.truncate(most);
                    return Ok(best);
                }
            }
        };
        let mut rows = match &request.csm_id {
            Some(csm_id) => best(Some(csm_id)).await?,
            None => of_all_portfolios(self.run, best).await?,
        };
        request.order.sort(&mut rows);
        Ok(rows)
    }

    fn is_after(&self, row: &Listed, after: Option<&Position>) -> bool {
        after.is_none_or(|after| self.request.order.position(row) > *after)
    }
}

/// What a query of each of the run's portfolios gives, together.
async fn of_all_portfolios<'a, F: Future<Output = Result<Vec<Listed>, StoreError>>>(
    run: &'a Run,
    query: impl Fn(Option<&'a str>) -> F,
) -> Result<Vec<Listed>, StoreError> {
    let portfolios = run.summary().into_iter().flat_map(|summary| &summary.portfolios);
    let queries: Vec<F> = portfolios.map(|csm_id| query(csm_id.as_deref())).collect();
    stream::iter(queries).buffer_unordered(CONCURRENCY).try_concat().await
}

#[cfg(test)]
mod tests;

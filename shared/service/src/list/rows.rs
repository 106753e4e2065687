//! Where the rows of a page come from.
//!
//! The index has a partition for each CSM and standing; a list merges those that it may need. The whole company's list begins
//! with the run's best rows, which are stored ready for every order and standing. Other orders than by score have no index:
//! a partition is read whole and sorted.

use expansion_domain::RunId;
use expansion_records::{Listed, Order, Position, Run, Standing};
use expansion_store::{Partition, PropensityTable, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::list::ListRequest;

/// Rows looked at in one go.
const BATCH: usize = 250;
/// Rows looked at for one page: a rare filter gives short pages rather than slow ones.
const MOST_EXAMINED: usize = 5000;
/// Partitions queried at once.
const CONCURRENCY: usize = 8;

/// The rows of a page, and after which row the list goes on.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Listed>,
    pub(super) next: Option<Position>,
}

/// Where a partition's rows are read: the table, or a test's rows.
pub(super) trait Partitions: Sync {
    /// As [`PropensityTable::partition`].
    fn partition(
        &self,
        run: &RunId,
        partition: Partition<'_>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;
}

impl Partitions for PropensityTable {
    async fn partition(
        &self,
        run: &RunId,
        partition: Partition<'_>,
        after: Option<&Position>,
        min_score: u8,
        least: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        Self::partition(self, run, partition, after, min_score, least).await
    }
}

/// What a page is made of: the run that is listed, with the best rows of the standing and in the order asked for, and its
/// partitions.
pub(super) struct Source<'a, P> {
    pub(super) table: &'a P,
    pub(super) request: &'a ListRequest,
    pub(super) run: &'a Run,
    pub(super) top: &'a [&'a Listed],
}

impl<P: Partitions> Source<'_, P> {
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
                if request.wants(&row, self.run) {
                    rows.push(row);
                }
            }
            if request.filters.csm_id.is_some() && request.order != Order::Score {
                // That was the whole portfolio.
                return Ok(Found { rows, next: None });
            }
            if examined >= MOST_EXAMINED {
                return Ok(Found { rows, next: after });
            }
        }
    }

    /// The best rows of the whole list, up to so many. Every partition is read once, so that no order costs more than another.
    pub(super) async fn whole(&self, most: usize) -> Result<Found, StoreError> {
        let Self { table, request, run, top } = self;
        let csm_ids = self.portfolios();
        // A run that failed after readers saw it has no portfolios while it is made again; its best rows are still there.
        let mut rows: Vec<Listed> = match &*csm_ids {
            [] => top.iter().filter(|row| request.wants(row, run)).map(|row| (*row).clone()).collect(),
            _ => Vec::new(),
        };
        let min_score = request.filters.min_score;
        let queries = self.partitions(&csm_ids);
        let queries = queries.map(|partition| table.partition(&run.run_id, partition, None, min_score, usize::MAX));
        let queries: Vec<_> = queries.collect();
        let mut found = stream::iter(queries).buffer_unordered(CONCURRENCY);
        while let Some(more) = found.try_next().await? {
            rows.extend(more.into_iter().filter(|row| request.wants(row, run)));
            request.order.sort(&mut rows);
            // One more than wanted, to tell that there are more.
            rows.truncate(most.saturating_add(1));
        }
        let goes_on = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| goes_on).map(|row| request.order.position(row));
        Ok(Found { rows, next })
    }

    /// The next rows of the list that is looked through, in order; none at its end.
    async fn batch(&self, after: Option<&Position>) -> Result<Vec<Listed>, StoreError> {
        let Self { request, top, .. } = self;
        if let Some(csm_id) = &request.filters.csm_id {
            return self.merged(&[Some(csm_id)], after).await;
        }
        let begin = top.partition_point(|row| !self.is_after(row, after));
        let is_low = |row: &Listed| request.order == Order::Score && row.propensity_score < request.filters.min_score;
        if top.get(begin).is_some_and(|row| is_low(row)) {
            return Ok(Vec::new());
        }
        let best = top[begin..].iter().take_while(|row| !is_low(row)).take(BATCH);
        let best: Vec<Listed> = best.map(|row| (*row).clone()).collect();
        if !best.is_empty() || self.is_whole() {
            return Ok(best);
        }
        self.merged(&self.csm_ids(), after).await
    }

    /// Whether the best rows are all that there are of the standing asked for.
    fn is_whole(&self) -> bool {
        self.run.summary().is_none_or(|summary| {
            let of = |standing| summary.standings.get(&standing).map_or(0, |all| all.tally.customers);
            let rows = self.request.filters.standing.map_or(summary.rows, of);
            rows <= self.top.len() as u64
        })
    }

    /// The next rows of these portfolios together, in order.
    async fn merged(&self, csm_ids: &[Option<&str>], after: Option<&Position>) -> Result<Vec<Listed>, StoreError> {
        let Self { request, .. } = self;
        let queries: Vec<_> = self.partitions(csm_ids).map(|partition| self.partition(partition, after)).collect();
        let mut rows: Vec<Listed> = stream::iter(queries).buffer_unordered(CONCURRENCY).try_concat().await?;
        request.order.sort(&mut rows);
        // Every partition gave its next BATCH rows or all it has, so the first BATCH of all are surely among them.
        match request.order {
            Order::Score => rows.truncate(BATCH),
            // A portfolio is looked at whole.
            _ if request.filters.csm_id.is_some() => {}
            _ => rows.truncate(MOST_EXAMINED),
        }
        Ok(rows)
    }

    /// The partitions of these portfolios that the list may need.
    fn partitions<'b>(&self, csm_ids: &'b [Option<&'b str>]) -> impl Iterator<Item = Partition<'b>> + use<'b, P> {
        let one = self.request.filters.standing;
        let standings = Standing::ALL.into_iter().filter(move |standing| one.is_none_or(|one| one == *standing));
        standings.flat_map(move |standing| csm_ids.iter().map(move |csm_id| Partition { csm_id: *csm_id, standing }))
    }

    /// The portfolio that is asked for, or all of them.
    fn portfolios(&self) -> Vec<Option<&str>> {
        match &self.request.filters.csm_id {
            Some(csm_id) => vec![Some(csm_id)],
            None => self.csm_ids(),
        }
    }

    /// The CSMs with customers in the run; `None` where customers have none.
    fn csm_ids(&self) -> Vec<Option<&str>> {
        let portfolios = self.run.summary().into_iter().flat_map(|summary| &summary.portfolios);
        portfolios.map(Option::as_deref).collect()
    }

    /// The next rows of a partition, in order: at least [`BATCH`] by score, all of them in another order.
    async fn partition(&self, partition: Partition<'_>, after: Option<&Position>) -> Result<Vec<Listed>, StoreError> {
        let Self { table, request, run, .. } = self;
        let min_score = request.filters.min_score;
        if request.order == Order::Score {
            return table.partition(&run.run_id, partition, after, min_score, BATCH).await;
        }
        let mut rows = table.partition(&run.run_id, partition, None, min_score, usize::MAX).await?;
        rows.retain(|row| self.is_after(row, after));
        Ok(rows)
    }

    /// The best rows of each CSM's portfolio (of the one asked for, or of all), together and in order.
    async fn best_of_each(&self, most: usize) -> Result<Vec<Listed>, StoreError> {
        let Self { request, .. } = self;
        let best = async |csm_id: Option<&str>| -> Result<Vec<Listed>, StoreError> {
            let mut best: Vec<Listed> = Vec::new();
            let mut after = None;
            loop {
                let batch = self.merged(&[csm_id], after.as_ref()).await?;
                let Some(last) = batch.last() else { return Ok(best) };
                after = Some(request.order.position(last));
                best.extend(batch.into_iter().filter(|row| request.wants(row, self.run)));
                if best.len() >= most {
                    best.truncate(most);
                    return Ok(best);
                }
            }
        };
        let queries: Vec<_> = self.portfolios().into_iter().map(best).collect();
        let mut rows = stream::iter(queries).buffer_unordered(CONCURRENCY).try_concat().await?;
        request.order.sort(&mut rows);
        Ok(rows)
    }

    fn is_after(&self, row: &Listed, after: Option<&Position>) -> bool {
        after.is_none_or(|after| self.request.order.position(row) > *after)
    }
}

#[cfg(test)]
mod tests;

//! The stored rows that an answer is made of.
//!
//! A list shows a CSM only their own customers, so nothing here can show more.

use std::ops::ControlFlow;
use std::sync::Arc;

use expansion_question::names::{Customer, Named, among, is_near, nearest};

use crate::ask::Ask;
use crate::list::{LIMITS, ListRequest, ListedRun};
use crate::view::{RunView, ScoreView};
use crate::{Error, Principal};

/// Rows looked through for one question; more would take longer than people wait.
pub(super) const MOST_ROWS: usize = 20_000;
/// Pages asked for at most: with a rare filter, pages may be short.
const MOST_PAGES: usize = 2 * MOST_ROWS / *LIMITS.end();

/// What was looked through.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) run: RunView,
    /// Whether there are more rows than are looked through.
    pub(super) is_cut: bool,
}

impl Customer for ScoreView {
    fn id(&self) -> &str {
        &self.customer_id
    }

    fn name(&self) -> &str {
        self.shown_name()
    }
}

impl Ask {
    /// The run that readers see.
    pub(super) async fn current(&self) -> Result<Arc<ListedRun>, Error> {
        let current = self.lists.control.current_run().await?.ok_or(Error::NoRunYet)?;
        self.lists.run(&current.run.run_id).await
    }

    /// Shows the rows of a list one by one, page after page, until `look` has seen enough or there are no more.
    pub(super) async fn look_through(
        &self,
        principal: &Principal,
        list: ListRequest,
        mut look: impl FnMut(ScoreView) -> ControlFlow<()>,
    ) -> Result<Seen, Error> {
        let mut request = ListRequest { limit: *LIMITS.end(), ..list };
        let (mut rows, mut pages) = (0, 0);
        loop {
            let page = self.lists.page(principal, &request).await?;
            rows += page.data.len();
            pages += 1;
            let is_over = page.data.into_iter().try_for_each(&mut look).is_break() || page.next.is_none();
            if is_over || rows >= MOST_ROWS || pages >= MOST_PAGES {
                return Ok(Seen { run: page.run, is_cut: !is_over });
            }
            request.from = page.next;
        }
    }

    /// The first rows of a list that are kept.
    pub(super) async fn first(
        &self,
        principal: &Principal,
        list: ListRequest,
        count: usize,
        keep: impl Fn(&ScoreView) -> bool,
    ) -> Result<(Seen, Vec<ScoreView>), Error> {
        let mut rows = Vec::new();
        let seen = self.look_through(principal, list, |row| {
            rows.extend(Some(row).filter(&keep));
            if rows.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        Ok((seen.await?, rows))
    }

    /// The customer of a name: with it in their name or id, or else with a similar one; and whether there are accounts that
    /// were not looked at.
    pub(super) async fn named(&self, principal: &Principal, name: &str) -> Result<(Named<ScoreView>, bool), Error> {
        let with_it = ListRequest { q: Some(name.to_owned()), ..ListRequest::default() };
        let (seen, rows) = self.first(principal, with_it, MOST_ROWS, |_| true).await?;
        if !rows.is_empty() {
            return Ok((among(name, rows), seen.is_cut));
        }
        let (seen, near) = self.first(principal, ListRequest::default(), MOST_ROWS, |row| is_near(name, row)).await?;
        Ok((nearest(name, near), seen.is_cut))
    }
}

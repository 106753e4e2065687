//! The stored rows that an answer is made of.
//!
//! A list shows a CSM only their own customers, so nothing here can show more.

use std::ops::ControlFlow;

use expansion_question::names::{Customer, Named, among, is_near, nearest};

use crate::Error;
use crate::ask::Current;
use crate::list::{LIMITS, ListFilters, ListRequest};
use crate::view::{RunView, ScoreView};

/// Rows looked through for one question; more would take longer than people wait.
pub(super) const MOST_ROWS: usize = 20_000;
/// Pages asked for at most: with a rare filter, pages may be short.
const MOST_PAGES: usize = 2 * MOST_ROWS / *LIMITS.end();

impl Customer for ScoreView {
    fn id(&self) -> &str {
        &self.customer_id
    }

    fn name(&self) -> &str {
        self.shown_name()
    }
}

impl Current<'_> {
    pub(super) fn run(&self) -> Box<RunView> {
        Box::new(RunView::from(&self.listed.run).seen_by(self.principal))
    }

    /// Shows the rows of a list one by one, page after page, until `look` has seen enough or there are no more. Returns
    /// whether there are more rows than are looked through.
    pub(super) async fn look_through(
        &self,
        list: ListRequest,
        mut look: impl FnMut(ScoreView) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let mut request = ListRequest { limit: *LIMITS.end(), ..list };
        let (mut rows, mut pages) = (0, 0);
        loop {
            let page = self.ask.lists.page(&self.listed, self.principal, &request).await?;
            rows += page.data.len();
            pages += 1;
            let is_over = page.data.into_iter().try_for_each(&mut look).is_break() || page.next.is_none();
            if is_over || rows >= MOST_ROWS || pages >= MOST_PAGES {
                return Ok(!is_over);
            }
            request.from = page.next;
        }
    }

    /// The first rows of a list that are kept, and whether there are more than are looked through.
    pub(super) async fn first(
        &self,
        list: ListRequest,
        count: usize,
        keep: impl Fn(&ScoreView) -> bool,
    ) -> Result<(Vec<ScoreView>, bool), Error> {
        let mut rows = Vec::new();
        let look = |row| {
            rows.extend(Some(row).filter(&keep));
            if rows.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let is_cut = self.look_through(list, look).await?;
        Ok((rows, is_cut))
    }

    /// The customer of a name: with it in their name or id, or else with a similar one; and whether there are accounts that
    /// were not looked at.
    pub(super) async fn named(&self, name: &str) -> Result<(Named<ScoreView>, bool), Error> {
        let with_it = ListFilters { q: Some(name.to_owned()), ..ListFilters::default() }.into();
        let (rows, is_cut) = self.first(with_it, MOST_ROWS, |_| true).await?;
        if !rows.is_empty() {
            return Ok((among(name, rows), is_cut));
        }
        let (near, is_cut) = self.first(ListRequest::default(), MOST_ROWS, |row| is_near(name, row)).await?;
        Ok((nearest(name, near), is_cut))
    }
}

//! The customers of a run, best first, and what they add up to.

mod rows;

use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use expansion_domain::{Id, RunId};
use expansion_model::ConfidenceLevel;
use expansion_records::{Listed, Order, Position, Run, RunStage, RunSummary};
use expansion_store::{ControlTable, PropensityTable, TOP_ROWS};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::view::{RunView, ScoreView};
use crate::{Config, ConfigError, Error, InvalidParameter, Principal};

/// Rows a page unless asked otherwise.
pub const DEFAULT_LIMIT: usize = 50;
/// Rows that a page may have.
pub const LIMITS: RangeInclusive<usize> = 1..=200;
pub const SCORES: RangeInclusive<u8> = 0..=100;
/// Customers that may be asked for of each CSM.
pub const OF_EACH_CSM: RangeInclusive<usize> = 1..=100;

/// Which customers are asked for, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    pub limit: usize,
    /// Only this CSM's portfolio; a CSM may name only their own, and gets it anyway.
    pub csm_id: Option<Id>,
    pub segment: Option<String>,
    /// Only customers to whom this product is recommended.
    pub product_id: Option<String>,
    /// Only customers whose name or id has this in it, in any case of letters.
    pub q: Option<String>,
    pub min_score: u8,
    pub confidence: Option<ConfidenceLevel>,
    pub order: Order,
    /// Only so many of each CSM's portfolio, their best; in the order of priority without those better left alone.
    pub per_csm: Option<usize>,
    /// Where to go on; without it the list of the current run begins.
    pub from: Option<PageStart>,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStart {
    /// The run being listed; it stays listed even when a newer one completes.
    pub run_id: RunId,
    /// The last row that was given out.
    pub after: Position,
    /// How many rows were given out.
    pub rank: u64,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub run: RunView,
    pub data: Vec<ScoreView>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<PageStart>,
}

/// What the customers that a caller sees add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    pub customers: u64,
    pub expected_value: Option<f64>,
    /// How many have each score; position 0 to 100.
    pub histogram: Vec<u64>,
}

/// Answers with the customers of a run.
#[derive(Debug)]
pub struct Lists {
    pub control: ControlTable,
    pub propensities: PropensityTable,
    /// The run listed last, which never changes once it is complete.
    listed: Mutex<Option<Arc<ListedRun>>>,
}

/// A run with its best rows.
#[derive(Debug)]
pub struct ListedRun {
    pub run: Run,
    /// In each order, as [`Order::ALL`] has them.
    top: [Vec<Listed>; Order::ALL.len()],
}

impl Lists {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()?, propensities: config.propensities()?, listed: Mutex::default() })
    }

    /// The run in which a list goes on, or else the one that readers see.
    ///
    /// # Errors
    /// [`Error::NoRunYet`]; [`Error::Store`] when there is no such run or it cannot be read.
    pub async fn listed(&self, from: Option<&PageStart>) -> Result<Arc<ListedRun>, Error> {
        let run_id = match from {
            Some(start) => start.run_id.clone(),
            None => self.control.current_run().await?.ok_or(Error::NoRunYet)?.run.run_id,
        };
        let mut kept = self.listed.lock().await;
        if let Some(listed) = kept.as_ref().filter(|listed| listed.run.run_id == run_id) {
            return Ok(listed.clone());
        }
        let run = self.control.expect_run(&run_id).await?;
        let listed = Arc::new(ListedRun::new(run, &self.control.top(&run_id).await?));
        if listed.run.stage() == RunStage::Complete {
            *kept = Some(listed.clone());
        }
        Ok(listed)
    }

    /// A page of a run's customers that the caller may see.
    pub async fn page(
        &self,
        ListedRun { run, top }: &ListedRun,
        principal: &Principal,
        request: &ListRequest,
    ) -> Result<Page, Error> {
        let wrong = request.wrong(principal);
        if !wrong.is_empty() {
            return Err(Error::InvalidParameters(wrong));
        }
        let request = &request.clone().settled(principal);
        let source = rows::Source { table: &self.propensities, request, run, top: &top[request.order as usize] };
        let page = page(request, run, source.page().await?);
        Ok(Page { run: page.run.seen_by(principal), ..page })
    }

    /// What the caller's customers of a run add up to: all of them for a manager, their own portfolio for a CSM.
    pub async fn totals(&self, principal: &Principal, listed: &ListedRun) -> Result<Totals, Error> {
        let Some(csm_id) = principal.csm_id() else {
            let RunSummary { rows, expected_value, histogram, .. } = listed.summary();
            return Ok(Totals { customers: *rows, expected_value: *expected_value, histogram: histogram.clone() });
        };
        let run_id = &listed.run.run_id;
        Ok(Totals::of(&self.propensities.portfolio(run_id, Some(csm_id), None, 0, usize::MAX).await?))
    }
}

impl Totals {
    fn of(rows: &[Listed]) -> Self {
        let mut histogram = vec![0; 101];
        for row in rows {
            histogram[usize::from(row.propensity_score.min(100))] += 1;
        }
        let expected_value = rows.iter().filter_map(|row| row.expected_value).reduce(|a, b| a + b);
        Self { customers: rows.len() as u64, expected_value, histogram }
    }
}

impl ListedRun {
    fn new(run: Run, best: &[Listed]) -> Self {
        let top = Order::ALL.map(|order| {
            let mut top = best.to_vec();
            order.sort(&mut top);
            top.truncate(TOP_ROWS);
            top
        });
        Self { run, top }
    }

    /// What all its customers add up to: nothing while a run that failed after readers saw it is made again.
    pub fn summary(&self) -> &RunSummary {
        static NOTHING: LazyLock<RunSummary> = LazyLock::new(RunSummary::default);
        self.run.summary().unwrap_or(&NOTHING)
    }
}

impl Default for ListRequest {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            csm_id: None,
            segment: None,
            product_id: None,
            q: None,
            min_score: 0,
            confidence: None,
            order: Order::Score,
            per_csm: None,
            from: None,
        }
    }
}

impl ListRequest {
    /// What is wrong with the request of this caller.
    pub fn wrong(&self, principal: &Principal) -> Vec<InvalidParameter> {
        let per_csm = self.per_csm.is_none_or(|most| OF_EACH_CSM.contains(&most));
        let is_own = self.csm_id.as_ref().zip(principal.csm_id()).is_none_or(|(asked, own)| asked == own);
        let rules = [
            (LIMITS.contains(&self.limit), InvalidParameter::not_within("limit", &LIMITS)),
            (SCORES.contains(&self.min_score), InvalidParameter::not_within("min_score", &SCORES)),
            (per_csm, InvalidParameter::not_within("per_csm", &OF_EACH_CSM)),
            (is_own, InvalidParameter::new("csm_id", "must be your own")),
        ];
        rules.into_iter().filter(|(is_met, _)| !is_met).map(|(_, refused)| refused).collect()
    }

    /// Names the list that this caller asks for: everything that decides which rows are in it, and in which order.
    pub fn identity(&self, principal: &Principal) -> String {
        let list = Self { from: None, ..self.clone() }.settled(principal);
        let confidence = list.confidence.map(ConfidenceLevel::name);
        let order = (list.order, list.per_csm);
        let parts = (&list.csm_id, &list.segment, &list.product_id, &list.q, list.min_score, confidence, order);
        serde_json::to_string(&parts).unwrap_or_default()
    }

    /// The request as it is answered: a CSM's is about their own portfolio.
    fn settled(self, principal: &Principal) -> Self {
        let csm_id = principal.csm_id().cloned().or(self.csm_id);
        let q = self.q.map(|q| q.to_lowercase()).filter(|q| !q.is_empty());
        Self { csm_id, q, ..self }
    }

    /// Whether a row belongs in the list, beside score and portfolio, which choose the rows that are looked at.
    fn wants(&self, row: &Listed) -> bool {
        let names = || row.customer_name.iter().chain([&row.customer_id]);
        row.propensity_score >= self.min_score
            && self.csm_id.as_ref().is_none_or(|csm| row.csm_id.as_ref() == Some(csm))
            && self.segment.as_deref().is_none_or(|segment| row.segment.as_deref() == Some(segment))
            && self.product_id.as_deref().is_none_or(|product| row.product_ids.iter().any(|id| **id == *product))
            && self.q.as_deref().is_none_or(|q| names().any(|name| name.to_lowercase().contains(q)))
            && self.confidence.is_none_or(|level| row.confidence_level == level)
            && !(self.per_csm.is_some() && self.order == Order::Priority && row.leave_alone.is_some())
    }
}

/// The page that shows these rows of a run.
fn page(request: &ListRequest, run: &Run, found: rows::Found) -> Page {
    let before = request.from.as_ref().map_or(0, |start| start.rank);
    let has_rank = |row: &Listed| request.order != Order::Priority || row.leave_alone.is_none();
    let view = |(rank, row)| ScoreView::new(has_rank(&row).then_some(rank), row, run);
    let data: Vec<ScoreView> = (before + 1..).zip(found.rows).map(view).collect();
    let rank = before + data.len() as u64;
    let next = found.next.map(|after| PageStart { run_id: run.run_id.clone(), after, rank });
    Page { run: run.into(), data, next }
}

#[cfg(test)]
mod tests {
    use expansion_fixtures::{row, run};

    use super::*;

    #[test]
    fn a_page_of_the_list() {
        let rows = vec![row("c-1", 94).listed];
        let next = rows.last().map(|row| Order::Score.position(row));
        let request = ListRequest { limit: 1, ..ListRequest::default() };
        let first = page(&request, &run(), rows::Found { rows, next });
        assert_eq!(first.run, RunView::from(&run()));
        insta::assert_json_snapshot!(first.data);

        let goes_on = ListRequest { from: first.next, ..request };
        let rows = vec![row("c-2", 88).listed];
        let second = page(&goes_on, &run(), rows::Found { rows, next: None });
        assert_eq!((second.data[0].rank, second.next), (Some(2), None));
    }

    #[test]
    fn those_better_left_alone_have_no_rank_by_priority() {
        let mut rows = vec![row("c-1", 94).listed, row("c-2", 88).listed];
        rows[0].leave_alone = Some("A deal is being worked".to_owned());
        let ranks = |order| {
            let request = ListRequest { order, ..ListRequest::default() };
            let page = page(&request, &run(), rows::Found { rows: rows.clone(), next: None });
            page.data.iter().map(|row| row.rank).collect::<Vec<_>>()
        };
        assert_eq!(ranks(Order::Priority), [None, Some(2)]);
        assert_eq!(ranks(Order::Score), [Some(1), Some(2)]);
    }

    #[test]
    fn a_csm_sees_what_their_own_customers_add_up_to() {
        let rows = [94, 88, 88].map(|score| row("c", score).listed);
        let totals = Totals::of(&rows);
        assert_eq!((totals.customers, totals.expected_value), (3, Some(240_000.0)));
        assert_eq!((totals.histogram.len(), totals.histogram[88], totals.histogram[94]), (101, 2, 1));
        assert_eq!(Totals::of(&[]).expected_value, None);
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let csm = Principal::Csm("csm-1".into());
        let request = ListRequest {
            limit: 201,
            min_score: 101,
            per_csm: Some(0),
            csm_id: Some("csm-2".into()),
            ..ListRequest::default()
        };
        let names = |principal| request.wrong(principal).into_iter().map(|wrong| wrong.name).collect::<Vec<_>>();
        assert_eq!(names(&csm), ["limit", "min_score", "per_csm", "csm_id"]);
        assert_eq!(names(&Principal::Manager), ["limit", "min_score", "per_csm"], "a manager may see anybody's");
    }

    #[test]
    fn a_csm_is_kept_to_their_own_portfolio() {
        let settled = ListRequest::default().settled(&Principal::Csm("csm-1".into()));
        assert_eq!(settled.csm_id.as_deref(), Some("csm-1"));
        assert_eq!(ListRequest::default().settled(&Principal::Manager).csm_id, None);
    }

    #[test]
    fn a_list_is_named_by_what_decides_its_rows() {
        let manager = Principal::Manager;
        let list = ListRequest { q: Some("Acme".to_owned()), ..ListRequest::default() };
        let identity = |list: &ListRequest| list.identity(&manager);
        let same = ListRequest { q: Some("ACME".to_owned()), limit: 7, ..ListRequest::default() };
        assert_eq!(identity(&list), identity(&same), "any case of letters, pages of any length");
        assert_ne!(list.identity(&Principal::Csm("csm-1".into())), identity(&list));
        for other in [
            ListRequest { q: None, ..list.clone() },
            ListRequest { order: Order::Priority, ..list.clone() },
            ListRequest { per_csm: Some(5), ..list.clone() },
            ListRequest { min_score: 1, ..list.clone() },
            ListRequest { segment: Some("SMB".to_owned()), ..list.clone() },
            ListRequest { product_id: Some("seats".to_owned()), ..list.clone() },
            ListRequest { confidence: Some(ConfidenceLevel::Low), ..list.clone() },
        ] {
            assert_ne!(identity(&other), identity(&list), "{other:?}");
        }
    }
}

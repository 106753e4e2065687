//! The customers of a run, best first, and what they add up to.

mod filters;
mod rows;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use expansion_domain::RunId;
use expansion_records::{Listed, Order, Position, Run, RunStage, RunSummary, Standing, Tally};
use expansion_store::{ControlTable, PropensityTable, TOP_ROWS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::view::{RunView, ScoreView};
use crate::{Config, ConfigError, Error, InvalidParameter, Principal};

pub use filters::ListFilters;

/// Rows a page unless asked otherwise.
pub const DEFAULT_LIMIT: usize = 50;
/// Rows that a page may have.
pub const LIMITS: RangeInclusive<usize> = 1..=200;
pub const SCORES: RangeInclusive<u8> = 0..=100;
/// What is wrong with other values.
pub const AMOUNT: &str = "must be an amount from 0 on";
/// Days that may be asked for.
pub const DAYS: RangeInclusive<u16> = 0..=3650;
/// Of so many customers all rows are read where the summary has no counts of a list.
const MOST_COUNTED: u64 = 5000;
/// Customers that may be asked for of each CSM.
pub const OF_EACH_CSM: RangeInclusive<usize> = 1..=100;

/// Which customers are asked for, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRequest {
    pub filters: ListFilters,
    pub limit: usize,
    pub order: Order,
    /// Only so many of each CSM's portfolio, their best; in the order of priority only those ready to approach.
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

/// What the customers of a list add up to, whatever page is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// How many customers.
    pub customers: u64,
    /// The sum of their expected values; `null` where none has one.
    pub expected_value: Option<f64>,
    /// How many customers of each standing the list would have with no filter by standing.
    pub standings: BTreeMap<Standing, u64>,
    /// How many customers were examined where not all could be: the best of each standing. `null` where all were, so that
    /// the totals are exact.
    pub examined: Option<u64>,
    /// How many have each score; position 0 to 100. Empty where that was not counted.
    #[serde(skip)]
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
    /// In each order, as [`Order::ALL`] has them: at least the best [`TOP_ROWS`] of each standing.
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
        match from {
            Some(start) => self.of_run(&start.run_id).await,
            None => self.of_run(&self.control.current_run().await?.ok_or(Error::NoRunYet)?.run.run_id).await,
        }
    }

    /// A run to be listed, whether readers see it or not.
    ///
    /// # Errors
    /// [`Error::Store`] when there is no such run or it cannot be read.
    pub async fn of_run(&self, run_id: &RunId) -> Result<Arc<ListedRun>, Error> {
        let mut kept = self.listed.lock().await;
        if let Some(listed) = kept.as_ref().filter(|listed| listed.run.run_id == *run_id) {
            return Ok(listed.clone());
        }
        let run = self.control.expect_run(run_id).await?;
        let listed = Arc::new(ListedRun::new(run, &self.control.top(run_id).await?));
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
        let request = &request.clone().checked(principal)?;
        let top = best_of(&top[request.order as usize], request.filters.standing);
        let source = rows::Source { table: &self.propensities, request, run, top: &top };
        let page = page(request, run, source.page().await?);
        Ok(Page { run: page.run.seen_by(principal), ..page })
    }

    /// All customers of a run that the caller may see, up to so many; there is a `next` where there are more.
    pub async fn whole(
        &self,
        ListedRun { run, top }: &ListedRun,
        principal: &Principal,
        request: &ListRequest,
        most: usize,
    ) -> Result<Page, Error> {
        let request = &request.clone().checked(principal)?;
        let top = best_of(&top[request.order as usize], request.filters.standing);
        let source = rows::Source { table: &self.propensities, request, run, top: &top };
        let page = page(request, run, source.whole(most).await?);
        Ok(Page { run: page.run.seen_by(principal), ..page })
    }

    /// What the customers of a list add up to. Exact where the run's summary has the counts, for one portfolio, and for a
    /// run of few customers; otherwise over the best rows of each standing, which says so.
    pub async fn totals(
        &self,
        ListedRun { run, top }: &ListedRun,
        principal: &Principal,
        request: &ListRequest,
    ) -> Result<Totals, Error> {
        let filters = request.clone().settled(principal).filters;
        if let Some(totals) = run.summary().and_then(|summary| Totals::counted(summary, &filters)) {
            return Ok(totals);
        }
        let best = &top[Order::Score as usize];
        let is_small = run.summary().is_some_and(|summary| summary.rows <= MOST_COUNTED);
        if filters.csm_id.is_some() || is_small {
            let of_any_standing = ListFilters { standing: None, ..filters.clone() }.into();
            let top: Vec<&Listed> = best.iter().collect();
            let source = rows::Source { table: &self.propensities, request: &of_any_standing, run, top: &top };
            return Ok(Totals::of(&source.whole(usize::MAX).await?.rows, &filters, run));
        }
        let is_whole = run.summary().is_none_or(|summary| summary.rows == best.len() as u64);
        let examined = (!is_whole).then_some(best.len() as u64);
        Ok(Totals { examined, ..Totals::of(best, &filters, run) })
    }
}

/// The best rows in an order, of one standing or of all: as many as are surely the best.
fn best_of(top: &[Listed], standing: Option<Standing>) -> Vec<&Listed> {
    top.iter().filter(|row| standing.is_none_or(|standing| row.standing == standing)).take(TOP_ROWS).collect()
}

impl Totals {
    /// What the company's summary says of the filters; `None` where it has no counts of that.
    fn counted(summary: &RunSummary, filters: &ListFilters) -> Option<Self> {
        let counted = filters.counted()?;
        let mut totals = Self::default();
        let wanted = |standing: Standing| counted.standing.is_none_or(|wanted| wanted == standing);
        let mut sum = Tally::default();
        let mut add = |standing: Standing, tally: Tally| {
            totals.standings.insert(standing, tally.customers);
            if wanted(standing) {
                sum.add(tally);
            }
        };
        match &counted.facet {
            Some((facet, value)) => {
                let standings = summary.facets.get(facet)?.get(value);
                standings.into_iter().flatten().for_each(|(standing, tally)| add(*standing, *tally));
            }
            None => summary.standings.iter().for_each(|(standing, all)| add(*standing, all.tally)),
        }
        // Scores are counted by standing only.
        if counted.facet.is_none() {
            totals.histogram = vec![0; 101];
            for (_, all) in summary.standings.iter().filter(|(standing, _)| wanted(**standing)) {
                totals.histogram.iter_mut().zip(&all.histogram).for_each(|(sum, more)| *sum += more);
            }
        }
        Some(Self { customers: sum.customers, expected_value: sum.expected_value, ..totals })
    }

    fn of(rows: &[Listed], filters: &ListFilters, run: &Run) -> Self {
        let mut totals = Self { histogram: vec![0; 101], ..Self::default() };
        let of_any_standing = ListFilters { standing: None, ..filters.clone() };
        let mut sum = Tally::default();
        for row in rows.iter().filter(|row| of_any_standing.wants(row, run.as_of.date())) {
            *totals.standings.entry(row.standing).or_default() += 1;
            if filters.standing.is_none_or(|standing| row.standing == standing) {
                sum.add(Tally::of(row));
                totals.histogram[usize::from(row.propensity_score.min(100))] += 1;
            }
        }
        Self { customers: sum.customers, expected_value: sum.expected_value, ..totals }
    }
}

impl ListedRun {
    fn new(run: Run, best: &[Listed]) -> Self {
        let top = Order::ALL.map(|order| {
            let mut top = best.to_vec();
            order.sort(&mut top);
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
        Self { filters: ListFilters::default(), limit: DEFAULT_LIMIT, order: Order::Score, per_csm: None, from: None }
    }
}

impl From<ListFilters> for ListRequest {
    fn from(filters: ListFilters) -> Self {
        Self { filters, ..Self::default() }
    }
}

impl ListRequest {
    /// What is wrong with the request of this caller.
    pub fn wrong(&self, principal: &Principal) -> Vec<InvalidParameter> {
        let per_csm = self.per_csm.is_none_or(|most| OF_EACH_CSM.contains(&most));
        let is_own = self.filters.csm_id.as_ref().zip(principal.csm_id()).is_none_or(|(asked, own)| asked == own);
        let rules = [
            (LIMITS.contains(&self.limit), InvalidParameter::not_within("limit", &LIMITS)),
            (SCORES.contains(&self.filters.min_score), InvalidParameter::not_within("min_score", &SCORES)),
            (per_csm, InvalidParameter::not_within("per_csm", &OF_EACH_CSM)),
            (is_own, InvalidParameter::new("csm_id", "must be your own")),
            (self.filters.min_value.is_none_or(|least| least >= 0.0), InvalidParameter::new("min_value", AMOUNT)),
        ];
        rules.into_iter().filter(|(is_met, _)| !is_met).map(|(_, refused)| refused).collect()
    }

    /// Names the list that this caller asks for: everything that decides which rows are in it, and in which order.
    pub fn identity(&self, principal: &Principal) -> String {
        let list = self.clone().settled(principal);
        serde_json::to_string(&(&list.filters, list.order, list.per_csm)).unwrap_or_default()
    }

    /// The request as it is answered, unless something is wrong with it.
    fn checked(self, principal: &Principal) -> Result<Self, Error> {
        let wrong = self.wrong(principal);
        if wrong.is_empty() { Ok(self.settled(principal)) } else { Err(Error::InvalidParameters(wrong)) }
    }

    /// The request as it is answered.
    fn settled(self, principal: &Principal) -> Self {
        Self { filters: self.filters.settled(principal), ..self }
    }

    /// Whether a row of the run belongs in the list.
    fn wants(&self, row: &Listed, run: &Run) -> bool {
        let has_place = self.per_csm.is_none() || self.order != Order::Priority || row.priority.is_some();
        has_place && self.filters.wants(row, run.as_of.date())
    }
}

/// The page that shows these rows of a run.
fn page(request: &ListRequest, run: &Run, found: rows::Found) -> Page {
    let before = request.from.as_ref().map_or(0, |start| start.rank);
    let has_rank = |row: &Listed| request.order != Order::Priority || row.priority.is_some();
    let view = |(rank, row)| ScoreView::new(has_rank(&row).then_some(rank), row, run);
    let data: Vec<ScoreView> = (before + 1..).zip(found.rows).map(view).collect();
    let rank = before + data.len() as u64;
    let next = found.next.map(|after| PageStart { run_id: run.run_id.clone(), after, rank });
    Page { run: run.into(), data, next }
}

#[cfg(test)]
mod tests {
    use expansion_fixtures::{row, run};
    use expansion_records::Propensity;

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
    fn those_not_to_approach_have_no_rank_by_priority() {
        let mut rows = vec![row("c-1", 94).listed, row("c-2", 88).listed];
        rows[0].priority = None;
        let ranks = |order| {
            let request = ListRequest { order, ..ListRequest::default() };
            let page = page(&request, &run(), rows::Found { rows: rows.clone(), next: None });
            page.data.iter().map(|row| row.rank).collect::<Vec<_>>()
        };
        assert_eq!(ranks(Order::Priority), [None, Some(2)]);
        assert_eq!(ranks(Order::Score), [Some(1), Some(2)]);
    }

    /// Customers who stand and are in segments as named.
    fn customers() -> Vec<Listed> {
        let of = |(n, (standing, segment)): (usize, (Standing, &str))| {
            let listed = row(&format!("c-{n}"), 50).listed;
            Listed { standing, segment: Some(segment.into()), ..listed }
        };
        let (ready, alone) = (Standing::ReadyToApproach, Standing::LeaveAlone);
        let all = [(ready, "SMB"), (ready, "Enterprise"), (ready, "SMB"), (alone, "SMB")];
        all.into_iter().enumerate().map(of).collect()
    }

    #[test]
    fn totals_by_the_summary_are_those_of_the_rows() {
        let run = run();
        let rows = customers();
        let stored: Vec<_> = rows.iter().map(|listed| Propensity { listed: listed.clone(), ..row("x", 50) }).collect();
        let summary = RunSummary::of(&stored);
        let smb = ListFilters { segment: Some("SMB".into()), ..ListFilters::default() };
        let alone = ListFilters { standing: Some(Standing::LeaveAlone), ..smb.clone() };
        let nobody = ListFilters { segment: Some("none".into()), ..ListFilters::default() };
        for (filters, customers) in [(ListFilters::default(), 4), (smb, 3), (alone, 1), (nobody, 0)] {
            let counted = Totals::counted(&summary, &filters).expect("the summary has it");
            let histogram = counted.histogram.clone();
            let seen = Totals::of(&rows, &filters, &run);
            assert_eq!(counted.customers, customers, "{filters:?}");
            assert_eq!(Totals { histogram: Vec::new(), ..counted }, Totals { histogram: Vec::new(), ..seen.clone() });
            assert!(histogram.is_empty() || histogram == seen.histogram);
        }
        let rare = ListFilters { min_score: 10, ..ListFilters::default() };
        assert_eq!(Totals::counted(&summary, &rare), None);
    }

    #[test]
    fn the_best_of_a_standing_are_as_many_as_are_surely_the_best() {
        let rows: Vec<Listed> = customers().into_iter().cycle().take(4 * TOP_ROWS).collect();
        assert_eq!(best_of(&rows, None).len(), TOP_ROWS);
        let alone = best_of(&rows, Some(Standing::LeaveAlone));
        assert!(alone.len() == TOP_ROWS && alone.iter().all(|row| row.standing == Standing::LeaveAlone));
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let csm = Principal::Csm("csm-1".into());
        let filters = ListFilters {
            min_score: 101,
            csm_id: Some("csm-2".into()),
            min_value: Some(f64::NAN),
            ..ListFilters::default()
        };
        let request = ListRequest { limit: 201, per_csm: Some(0), ..filters.into() };
        let names = |principal| request.wrong(principal).into_iter().map(|wrong| wrong.name).collect::<Vec<_>>();
        assert_eq!(names(&csm), ["limit", "min_score", "per_csm", "csm_id", "min_value"]);
        assert_eq!(
            names(&Principal::Manager),
            ["limit", "min_score", "per_csm", "min_value"],
            "a manager may see anybody's"
        );
    }

    #[test]
    fn a_csm_is_kept_to_their_own_portfolio() {
        let settled = ListRequest::default().settled(&Principal::Csm("csm-1".into()));
        assert_eq!(settled.filters.csm_id.as_deref(), Some("csm-1"));
        assert_eq!(ListRequest::default().settled(&Principal::Manager).filters.csm_id, None);
    }

    #[test]
    fn a_list_is_named_by_what_decides_its_rows() {
        let manager = Principal::Manager;
        let named = |q: &str| ListFilters { q: Some(q.to_owned()), ..ListFilters::default() };
        let list = ListRequest::from(named("Acme"));
        let identity = |list: &ListRequest| list.identity(&manager);
        let same = ListRequest { limit: 7, ..named("ACME").into() };
        assert_eq!(identity(&list), identity(&same), "any case of letters, pages of any length");
        assert_ne!(list.identity(&Principal::Csm("csm-1".into())), identity(&list));
        for other in [
            ListFilters::default().into(),
            ListRequest { order: Order::Priority, ..list.clone() },
            ListRequest { per_csm: Some(5), ..list.clone() },
            ListFilters { min_score: 1, ..named("Acme") }.into(),
            ListFilters { standing: Some(Standing::InProgress), ..named("Acme") }.into(),
            ListFilters { has_advocate: Some(false), ..named("Acme") }.into(),
        ] {
            assert_ne!(identity(&other), identity(&list), "{other:?}");
        }
    }
}

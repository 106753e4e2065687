//! The parts that answers are made of.

use expansion_domain::{
    DataFinding, DataGrade, DataIssue, DataReport, Date, Id, Instant, RunId, StaleTable, TableReport,
};
use expansion_model::{ConfidenceLevel, Knowledge, Metrics, Side, Untested, ValueRange};
use expansion_records::{Comparable, Grade, Listed, ModelSummary, Run, RunStage, Standing};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Principal;

/// A run as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunView {
    /// Its id.
    pub run_id: RunId,
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// What asked for it.
    pub cause: String,
    /// How far it is.
    pub state: RunStage,
    /// When it was first asked for.
    pub requested_at: Instant,
    /// When it last moved on.
    pub touched_at: Instant,
    /// Customers scored; `null` until the last shard is in.
    pub rows: Option<u64>,
    /// Shards that are in, of how many; `null` until the run is planned.
    pub progress: Option<ProgressView>,
    /// The model; `null` until it is trained.
    pub model_id: Option<String>,
    /// Rows of the source that were left out.
    pub data_issues: Vec<DataIssue>,
    /// Tables of the source whose newest fact was older than allowed: scores know nothing of what came after it.
    pub stale: Vec<StaleTable>,
    /// What is odd about the source: scores are made of it all the same.
    pub findings: Vec<FindingView>,
    /// Why it failed; `null` unless it did.
    pub failure: Option<String>,
    /// Where this can be read again.
    pub location: String,
}

/// Something odd about a source.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FindingView {
    #[serde(flatten)]
    pub finding: DataFinding,
    /// The same in words.
    pub message: String,
}

impl From<&DataFinding> for FindingView {
    fn from(finding: &DataFinding) -> Self {
        Self { finding: finding.clone(), message: finding.concern.to_string() }
    }
}

/// What the source of a run looked like.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DataReportView {
    /// The worst of what was found; runs are refused where it is `wrong`.
    pub grade: DataGrade,
    /// What is odd, the worst first.
    pub findings: Vec<FindingView>,
    /// The tables of which nothing new was known.
    pub stale: Vec<StaleTable>,
    /// The tables, column by column.
    pub tables: Vec<TableReport>,
    /// Files and folders beside the tables that were passed over.
    pub passed_over: Vec<String>,
}

impl From<DataReport> for DataReportView {
    fn from(report: DataReport) -> Self {
        let DataReport { grade, findings, stale, tables, passed_over } = report;
        Self { grade, findings: findings.iter().map(FindingView::from).collect(), stale, tables, passed_over }
    }
}

/// A refresh, beside what readers see.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RefreshView {
    #[serde(flatten)]
    pub run: RunView,
    /// Whether readers see a newer run, and go on seeing it when this one is complete: a run of the past is made for the
    /// record only.
    pub is_older_than_current: bool,
    /// What the source looked like, for managers; `null` before it was read.
    pub data: Option<DataReportView>,
}

/// How many shards are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProgressView {
    /// Shards that are in.
    pub done: usize,
    /// Of how many.
    pub shards: u32,
}

/// A model as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelView {
    /// Its id.
    pub model_id: String,
    /// What kind of model it is.
    pub family: String,
    /// How much it could learn: `rules` (fewer than 40 labelled rows that end in an expansion: prior weights, no fit),
    /// `shrunk` (40–199) or `full`.
    pub state: Knowledge,
    /// Out-of-time figures; `null` when they could not be told.
    pub metrics: Option<Metrics>,
    /// The same among the customers on whom nobody worked an expansion then: without an open deal that is not stale.
    pub unworked: Option<Metrics>,
    /// Why they could not; `null` where they could, and for models of earlier versions.
    pub untested: Option<Untested>,
}

impl ModelView {
    /// Why there are no out-of-time figures, in words; `None` where there are some.
    pub fn why_untested(&self) -> Option<&'static str> {
        self.metrics.is_none().then(|| self.untested.map_or("no reason is on record", Untested::reason))
    }
}

/// A customer's score as the list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ScoreView {
    /// Place in the list, from 1; in a list by priority `null` for customers who are not ready to approach.
    pub rank: Option<u64>,
    /// The customer.
    pub customer_id: Id,
    /// Display name.
    pub customer_name: Option<Id>,
    /// The CSM in charge.
    pub csm_id: Option<Id>,
    /// Segment.
    pub segment: Option<Id>,
    /// Industry.
    pub industry: Option<Id>,
    /// Region.
    pub region: Option<Id>,
    /// Whether to approach the customer.
    pub standing: Standing,
    /// Chance in 100 of an expansion within the horizon, 1–99.
    #[schemars(range(min = 1, max = 99))]
    pub propensity_score: u8,
    /// Share of all customers with a lower score, in percent (ties count half).
    #[schemars(range(min = 0, max = 100))]
    pub percentile: f64,
    /// How many times as likely as comparable customers are on average; `null` in runs of earlier versions.
    pub lift: Option<f64>,
    /// The comparable customers: those of the same standing and segment, or of the standing where they are fewer than 100.
    pub comparable: Option<Comparable>,
    /// Where the propensity lies among the customers of the same standing: A (the best 10 %, unless configured otherwise) to
    /// D.
    pub grade: Option<Grade>,
    /// How sure it is that the customer's own chance lies above, or below, the average of comparable customers.
    pub confidence: ConfidenceView,
    /// Amount of an expansion, if it happens; `null` when no won amount is known.
    pub estimated_value: Option<ValueRange>,
    /// Propensity times mean amount; `null` when no won amount is known.
    pub expected_value: Option<f64>,
    /// Expected value times the chance that the customer is likelier to expand than comparable ones; `null` unless they are
    /// ready to approach.
    pub priority: Option<f64>,
    /// Why the customer is better left alone for now; `null` unless they are.
    pub leave_alone: Option<String>,
    /// The deal that is being worked; `null` unless the customer is in progress. The score is the chance that it, or
    /// another one, is won within the horizon.
    pub open_deal: Option<String>,
    /// What may hold that deal.
    pub risks: Vec<String>,
    /// The next day on which a contract ends.
    pub renewal: Option<Date>,
    /// The day of the last meeting, review or call.
    pub last_contact: Option<Date>,
    /// Whether somebody at the customer is known to argue for a purchase.
    pub has_advocate: bool,
    /// Whether the customer became ready in this run: to approach, with grade A unless configured otherwise.
    pub newly_ready: bool,
    /// The strongest factor in favour that is news, in words.
    pub primary_signal: Option<String>,
    /// The change since the run before; `null` for a customer that was not in it.
    pub trend: Option<TrendView>,
    /// The run's instant.
    pub calculated_at: Instant,
}

/// How sure a score is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConfidenceView {
    /// In a word.
    pub level: ConfidenceLevel,
    /// Lower end of the 90 % interval, in points of the score.
    pub lower: f64,
    /// Upper end of the 90 % interval, in points of the score.
    pub upper: f64,
    /// The chance that the customer's own chance lies on that side, 0–1, brought closer to 0.5 where features are missing.
    #[schemars(range(min = 0, max = 1))]
    pub value: f64,
    /// The side of the average that the propensity lies on.
    pub side: Option<Side>,
}

/// A change since the run before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrendView {
    /// The score then.
    pub previous_score: u8,
    /// The score now minus the score then.
    pub delta: i16,
}

/// Which tables are out of date, in words, oldest first; `None` without any.
pub fn staleness(stale: &[StaleTable]) -> Option<String> {
    let mut oldest: Vec<&StaleTable> = stale.iter().collect();
    oldest.sort_by_key(|stale| (stale.newest, stale.table));
    let said = oldest.into_iter().map(|StaleTable { table, newest, days }| {
        format!("{table} is known up to {} only, {days} days before this run", newest.date())
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// What is odd about a source, in words; `None` when nothing is.
pub fn oddities<'a>(findings: impl IntoIterator<Item = &'a DataFinding>) -> Option<String> {
    let said: Vec<String> = findings.into_iter().map(|finding| finding.concern.to_string()).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// Where a run's state can be read.
pub fn run_location(run: &RunId) -> String {
    format!("/api/analytics/expansion-propensity/refresh/{run}")
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        Self {
            run_id: run.run_id.clone(),
            as_of: run.as_of,
            horizon_days: run.horizon_days,
            cause: run.cause.clone(),
            state: run.stage(),
            requested_at: run.requested_at,
            touched_at: run.touched_at,
            rows: run.summary().map(|summary| summary.rows),
            progress: run.plan().map(|plan| ProgressView { done: plan.done.len(), shards: plan.shards }),
            model_id: run.model().map(|model| model.model_id.clone()),
            data_issues: run.plan().map(|plan| plan.data_issues.clone()).unwrap_or_default(),
            stale: run.plan().map(|plan| plan.stale.clone()).unwrap_or_default(),
            findings: run.plan().map(|plan| plan.findings.iter().map(FindingView::from).collect()).unwrap_or_default(),
            failure: run.failure().map(str::to_owned),
            location: run_location(&run.run_id),
        }
    }
}

impl RunView {
    /// What of the source is out of date, in words; `None` when nothing is.
    pub fn staleness(&self) -> Option<String> {
        staleness(&self.stale)
    }

    /// What is odd about the source, in words; `None` when nothing is.
    pub fn oddities(&self) -> Option<String> {
        oddities(self.findings.iter().map(|finding| &finding.finding))
    }

    /// The run as this caller may see it: only managers see cells of the source, which may be of anybody's customers.
    pub fn seen_by(mut self, principal: &Principal) -> Self {
        if let Principal::Csm(_) = principal {
            for issue in &mut self.data_issues {
                issue.example.clear();
            }
            self.failure = self.failure.map(|_| "the refresh failed; a manager sees why".to_owned());
        }
        self
    }
}

impl From<&ModelSummary> for ModelView {
    fn from(model: &ModelSummary) -> Self {
        Self {
            model_id: model.model_id.clone(),
            family: model.family.clone(),
            state: model.knowledge,
            metrics: model.metrics,
            unworked: model.unworked,
            untested: model.untested,
        }
    }
}

impl ScoreView {
    /// The name the customer is shown by: the id where there is no name.
    pub fn shown_name(&self) -> &str {
        self.customer_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.customer_id)
    }

    /// A row at a place in the list of a run.
    pub fn new(rank: Option<u64>, row: Listed, run: &Run) -> Self {
        let amounts = row.estimated_value.zip(row.estimated_value_lower).zip(row.estimated_value_upper);
        Self {
            rank,
            percentile: run.summary().map_or(0.0, |summary| summary.percentile(row.propensity_score)),
            confidence: ConfidenceView {
                level: row.confidence_level,
                lower: row.propensity_lower,
                upper: row.propensity_upper,
                value: row.confidence,
                side: row.side,
            },
            estimated_value: amounts.map(|((amount, lower), upper)| ValueRange { amount, lower, upper }),
            trend: row.previous_score.map(|previous_score| TrendView {
                previous_score,
                delta: i16::from(row.propensity_score) - i16::from(previous_score),
            }),
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            csm_id: row.csm_id,
            segment: row.segment,
            industry: row.industry,
            region: row.region,
            standing: row.standing,
            lift: row.lift,
            comparable: row.comparable,
            grade: row.grade,
            propensity_score: row.propensity_score,
            expected_value: row.expected_value,
            priority: row.priority,
            leave_alone: row.leave_alone,
            open_deal: row.open_deal,
            risks: row.risks,
            renewal: row.renewal,
            last_contact: row.last_contact,
            has_advocate: row.has_advocate,
            newly_ready: row.newly_ready,
            primary_signal: row.primary_signal,
            calculated_at: row.calculated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use expansion_domain::Table;
    use expansion_fixtures::run;
    use expansion_records::RunState;

    use super::*;

    #[test]
    fn a_run() {
        insta::assert_json_snapshot!(RunView::from(&run()));
    }

    #[test]
    fn what_is_out_of_date_is_said_oldest_first() {
        assert_eq!(staleness(&[]), None);
        let stale = |table, newest, days| StaleTable { table, newest: expansion_fixtures::at(newest), days };
        let both =
            [stale(Table::UsageMetrics, "2026-06-30", 150), stale(Table::ExpansionOpportunities, "2026-05-31", 180)];
        let said = "expansion_opportunities is known up to 2026-05-31 only, 180 days before this run; usage_metrics is \
                    known up to 2026-06-30 only, 150 days before this run";
        assert_eq!(staleness(&both).as_deref(), Some(said));
    }

    #[test]
    fn only_managers_see_cells_of_the_source() {
        let mut failed = run();
        failed.state =
            RunState::Failed { reason: "a.csv:17 is odd".to_owned(), plan: failed.plan().cloned(), summary: None };
        let seen = |principal| {
            let view = RunView::from(&failed).seen_by(&principal);
            (view.data_issues[0].example.clone(), view.failure)
        };
        let csm = (String::new(), Some("the refresh failed; a manager sees why".to_owned()));
        assert_eq!(seen(Principal::Csm("csm-07".into())), csm);
        let manager = ("usage_metrics/a.csv:17: \"n/a\"".to_owned(), Some("a.csv:17 is odd".to_owned()));
        assert_eq!(seen(Principal::Manager), manager);
    }
}

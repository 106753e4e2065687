//! A refresh run: what was asked for, how far it is, what it gave.

use std::collections::BTreeSet;

use expansion_domain::{Conventions, DataFinding, DataIssue, Instant, RunId, StaleTable, calculated_at};
use expansion_model::{Knowledge, Metrics, Untested};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RunSummary, Yardstick};

/// The record of a run: which one it is, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredRun", into = "StoredRun")]
pub struct Run {
    /// Derived from `as_of`, cause and horizon.
    pub run_id: RunId,
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// The instant under which its rows are stored.
    pub calculated_at: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// What asked for it.
    pub cause: String,
    /// When it was first asked for.
    pub requested_at: Instant,
    /// When it last moved on.
    pub touched_at: Instant,
    /// How far it is, with what it has by then.
    pub state: RunState,
}

/// How far a run is, with what it has by then.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// Asked for, not begun.
    Requested,
    /// The source is read and the model fitted.
    Training,
    /// Shards are being scored.
    Scoring(Plan),
    /// All shards are in and summed up; readers may see the run already. Stored and shown as `scoring`.
    Closing(Plan, RunSummary),
    /// Readers see it, or a newer one.
    Complete(Plan, RunSummary),
    /// It ended without result.
    Failed {
        /// Why.
        reason: String,
        /// With which model, and which shards, if it came so far.
        plan: Option<Plan>,
        /// What the rows add up to, if it came so far: readers may see the run then.
        summary: Option<RunSummary>,
    },
}

/// How a run's customers are scored, and how far that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The model that scores them.
    pub model: ModelSummary,
    /// How many shards there are.
    pub shards: u32,
    /// The shards that are in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub done: BTreeSet<u32>,
    /// The run before it, for trends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunReference>,
    /// Rows of the source that were left out.
    #[serde(default)]
    pub data_issues: Vec<DataIssue>,
    /// How the whole source showed its values to be meant; absent from runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conventions: Option<Conventions>,
    /// The tables of the source of which nothing new was known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleTable>,
    /// What is odd about the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<DataFinding>,
    /// What its customers are compared with; absent from runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yardstick: Option<Yardstick>,
}

/// A run's state without what it has: what is shown, and what the store's conditions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RunState", description = "How far a run is.")]
pub enum RunStage {
    /// Asked for, not begun.
    Requested,
    /// The model is being fitted.
    Training,
    /// Customers are being scored.
    Scoring,
    /// Every row is in.
    Complete,
    /// It ended without result; the reason is on the run.
    Failed,
}

impl RunStage {
    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Training => "training",
            Self::Scoring => "scoring",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }

    /// Whether the run is over.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

/// A run as it is stored: flat, so that one attribute can be written under a condition on another.
#[derive(Serialize, Deserialize)]
struct StoredRun {
    run_id: RunId,
    as_of: Instant,
    calculated_at: Instant,
    horizon_days: u16,
    cause: String,
    state: RunStage,
    requested_at: Instant,
    touched_at: Instant,
    #[serde(flatten)]
    plan: Option<Plan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<RunSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl TryFrom<StoredRun> for Run {
    type Error = String;

    fn try_from(stored: StoredRun) -> Result<Self, String> {
        let StoredRun { run_id, as_of, calculated_at, horizon_days, cause, requested_at, touched_at, .. } = stored;
        let StoredRun { state, plan, summary, failure, .. } = stored;
        // A summary beside missing shards is that of an earlier attempt.
        let is_whole = plan.as_ref().is_some_and(|plan| plan.missing_shards().next().is_none());
        let summary = summary.filter(|_| is_whole);
        let lacks = |missing| format!("run {run_id} is {} but has no {missing}", state.name());
        let state = match state {
            RunStage::Requested => RunState::Requested,
            RunStage::Training => RunState::Training,
            RunStage::Scoring => {
                let plan = plan.ok_or_else(|| lacks("plan"))?;
                match summary {
                    Some(summary) => RunState::Closing(plan, summary),
                    None => RunState::Scoring(plan),
                }
            }
            RunStage::Complete => {
                RunState::Complete(plan.ok_or_else(|| lacks("plan"))?, summary.ok_or_else(|| lacks("summary"))?)
            }
            RunStage::Failed => {
                RunState::Failed { reason: failure.unwrap_or_else(|| "the refresh failed".to_owned()), plan, summary }
            }
        };
        Ok(Self { run_id, as_of, calculated_at, horizon_days, cause, requested_at, touched_at, state })
    }
}

impl From<Run> for StoredRun {
    fn from(run: Run) -> Self {
        let state = run.stage();
        let (plan, summary, failure) = match run.state {
            RunState::Requested | RunState::Training => (None, None, None),
            RunState::Scoring(plan) => (Some(plan), None, None),
            RunState::Closing(plan, summary) | RunState::Complete(plan, summary) => (Some(plan), Some(summary), None),
            RunState::Failed { reason, plan, summary } => (plan, summary, Some(reason)),
        };
        Self {
            run_id: run.run_id,
            as_of: run.as_of,
            calculated_at: run.calculated_at,
            horizon_days: run.horizon_days,
            cause: run.cause,
            state,
            requested_at: run.requested_at,
            touched_at: run.touched_at,
            plan,
            summary,
            failure,
        }
    }
}

/// Which run, and where its rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReference {
    /// The run.
    pub run_id: RunId,
    /// The instant under which its rows are stored.
    pub calculated_at: Instant,
    /// When it was first asked for.
    pub requested_at: Instant,
}

/// What readers need to know of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// The model.
    pub model_id: String,
    /// What kind of model it is.
    pub family: String,
    /// How much there was to learn from.
    pub knowledge: Knowledge,
    /// How good it was out of time; absent when that could not be told.
    pub metrics: Option<Metrics>,
    /// The same among the customers on whom nobody worked an expansion then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unworked: Option<Metrics>,
    /// Why it could not; absent where it could, and from models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<Untested>,
}

impl RunState {
    /// The state without what it has.
    pub const fn stage(&self) -> RunStage {
        match self {
            Self::Requested => RunStage::Requested,
            Self::Training => RunStage::Training,
            Self::Scoring(..) | Self::Closing(..) => RunStage::Scoring,
            Self::Complete(..) => RunStage::Complete,
            Self::Failed { .. } => RunStage::Failed,
        }
    }

    /// As it is stored and shown.
    pub const fn name(&self) -> &'static str {
        self.stage().name()
    }
}

impl Plan {
    /// A plan of which no shard is in, after no other run.
    pub fn new(model: ModelSummary, shards: u32) -> Self {
        Self {
            model,
            shards,
            done: BTreeSet::new(),
            previous: None,
            data_issues: Vec::new(),
            conventions: None,
            stale: Vec::new(),
            findings: Vec::new(),
            yardstick: None,
        }
    }

    /// The shards that are not in yet.
    pub fn missing_shards(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.shards).filter(|shard| !self.done.contains(shard))
    }
}

impl Run {
    /// A run that was just asked for.
    pub fn requested(as_of: Instant, cause: &str, horizon_days: u16, now: Instant) -> Self {
        let as_of = as_of.whole_second();
        let run_id = RunId::derive(as_of, cause, horizon_days);
        Self {
            calculated_at: calculated_at(as_of, &run_id),
            run_id,
            as_of,
            horizon_days,
            cause: cause.to_owned(),
            requested_at: now,
            touched_at: now,
            state: RunState::Requested,
        }
    }

    /// Which run, and where its rows are.
    pub fn reference(&self) -> RunReference {
        RunReference { run_id: self.run_id.clone(), calculated_at: self.calculated_at, requested_at: self.requested_at }
    }

    /// The state without what it has.
    pub const fn stage(&self) -> RunStage {
        self.state.stage()
    }

    /// How its customers are scored; `None` before that is known.
    pub const fn plan(&self) -> Option<&Plan> {
        match &self.state {
            RunState::Requested | RunState::Training => None,
            RunState::Scoring(plan) | RunState::Closing(plan, _) | RunState::Complete(plan, _) => Some(plan),
            RunState::Failed { plan, .. } => plan.as_ref(),
        }
    }

    /// The model that scores its customers; `None` before that is known.
    pub fn model(&self) -> Option<&ModelSummary> {
        self.plan().map(|plan| &plan.model)
    }

    /// What its rows add up to; `None` before all are in.
    pub const fn summary(&self) -> Option<&RunSummary> {
        match &self.state {
            RunState::Closing(_, summary) | RunState::Complete(_, summary) => Some(summary),
            RunState::Failed { summary, .. } => summary.as_ref(),
            RunState::Requested | RunState::Training | RunState::Scoring(_) => None,
        }
    }

    /// Why it failed; `None` unless it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.state {
            RunState::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

impl RunReference {
    /// Whether this run is newer than another: it knows more, or as much and was asked for later.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        let order = |run: &Self| (run.calculated_at.whole_second(), run.requested_at);
        (order(self), &self.run_id) > (order(other), &other.run_id)
    }
}

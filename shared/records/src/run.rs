//! A refresh run: what was asked for, how far it is, what it gave.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{DataIssue, Id, Instant, RunId, calculated_at};
use expansion_model::{Knowledge, Metrics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Listed;

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id, derived from `as_of`, cause and horizon.
    pub run_id: RunId,
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// The instant under which its rows are stored.
    pub calculated_at: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// What asked for it.
    pub cause: String,
    /// How far it is.
    pub state: RunState,
    /// When it was first asked for.
    pub requested_at: Instant,
    /// When it last moved on.
    pub touched_at: Instant,
    /// The model it uses, once trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSummary>,
    /// How many shards it has, once planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// The shards that are in.
    #[serde(skip)]
    pub done: BTreeSet<u32>,
    /// The run before it, for trends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunReference>,
    /// What its rows add up to, once the last shard is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<RunSummary>,
    /// Rows of the source that were left out.
    #[serde(default)]
    pub data_issues: Vec<DataIssue>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
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

impl RunState {
    /// The state's name.
    #[must_use]
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
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
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
    /// How good it was out of time; absent when history was too short to tell.
    pub metrics: Option<Metrics>,
}

/// What the rows of a run (or of one shard) add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// How many customers were scored.
    pub rows: u64,
    /// How many have each score; position 0 to 100.
    pub histogram: Vec<u64>,
    /// The sum of all expected values; absent where no customer has one.
    #[serde(default)]
    pub expected_value: Option<f64>,
    /// The CSMs with customers, `None` first where customers have none.
    pub portfolios: BTreeSet<Option<Id>>,
    /// How many customers each segment has.
    #[serde(default)]
    pub segments: BTreeMap<Id, u64>,
    /// To how many customers each product is recommended.
    #[serde(default)]
    pub products: BTreeMap<Id, u64>,
    /// How many customers are in each bin of each of the model's features.
    #[serde(default)]
    pub bins: Vec<Vec<u64>>,
}

impl Run {
    /// A run that was just asked for.
    #[must_use]
    pub fn requested(as_of: Instant, cause: &str, horizon_days: u16, now: Instant) -> Self {
        let as_of = as_of.whole_second();
        let run_id = RunId::derive(as_of, cause, horizon_days);
        Self {
            calculated_at: calculated_at(as_of, &run_id),
            run_id,
            as_of,
            horizon_days,
            cause: cause.to_owned(),
            state: RunState::Requested,
            requested_at: now,
            touched_at: now,
            model: None,
            shards: None,
            done: BTreeSet::new(),
            previous: None,
            summary: None,
            data_issues: Vec::new(),
            failure: None,
        }
    }

    /// Which run, and where its rows are.
    #[must_use]
    pub fn reference(&self) -> RunReference {
        RunReference { run_id: self.run_id.clone(), calculated_at: self.calculated_at, requested_at: self.requested_at }
    }

    /// The shards that are not in yet; none before the run is planned.
    pub fn missing_shards(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.shards.unwrap_or(0)).filter(|shard| !self.done.contains(shard))
    }
}

impl RunReference {
    /// Whether this run is newer than another: it knows more, or as much and was asked for later.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        let order = |run: &Self| (run.calculated_at.whole_second(), run.requested_at);
        (order(self), &self.run_id) > (order(other), &other.run_id)
    }
}

/// The sum of what is there.
fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(|a, b| a + b)
}

impl RunSummary {
    /// The summary of some rows.
    #[must_use]
    pub fn of<'a>(rows: impl Iterator<Item = &'a Listed>) -> Self {
        let mut summary = Self { histogram: vec![0; 101], ..Self::default() };
        for row in rows {
            summary.rows += 1;
            summary.histogram[usize::from(row.propensity_score.min(100))] += 1;
            summary.expected_value = sum(summary.expected_value, row.expected_value);
            if let Some(segment) = &row.segment {
                *summary.segments.entry(segment.clone()).or_default() += 1;
            }
            for product in &row.product_ids {
                *summary.products.entry(product.clone()).or_default() += 1;
            }
            if !summary.portfolios.contains(&row.csm_id) {
                summary.portfolios.insert(row.csm_id.clone());
            }
        }
        summary
    }

    /// Counts a customer whose features lie in the given bins, of so many each.
    pub fn count_bins(&mut self, bins: &[u16], widths: impl Iterator<Item = usize>) {
        if self.bins.is_empty() {
            self.bins = widths.map(|width| vec![0; width]).collect();
        }
        for (counts, bin) in self.bins.iter_mut().zip(bins) {
            counts[usize::from(*bin)] += 1;
        }
    }

    /// This summary and another one together.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.rows += other.rows;
        self.expected_value = sum(self.expected_value, other.expected_value);
        self.histogram.resize(self.histogram.len().max(other.histogram.len()), 0);
        for (sum, more) in self.histogram.iter_mut().zip(&other.histogram) {
            *sum += more;
        }
        self.portfolios.extend(other.portfolios);
        for (mine, theirs) in [(&mut self.segments, other.segments), (&mut self.products, other.products)] {
            for (name, more) in theirs {
                *mine.entry(name).or_default() += more;
            }
        }
        if self.bins.is_empty() {
            self.bins = other.bins;
        } else {
            for (sums, more) in self.bins.iter_mut().flatten().zip(other.bins.iter().flatten()) {
                *sums += more;
            }
        }
        self
    }

    /// The share of customers with a lower score, plus half of those with the same one, in percent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
    pub fn percentile(&self, score: u8) -> f64 {
        let (below, from) = self.histogram.split_at(usize::from(score).min(self.histogram.len()));
        let same = from.first().copied().unwrap_or_default();
        let share = (below.iter().sum::<u64>() as f64 + same as f64 / 2.0) / (self.rows.max(1) as f64);
        (1000.0 * share).round() / 10.0
    }
}

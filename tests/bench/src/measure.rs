//! What is measured of a fitted model: how good, how sure, how fast.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant as Stopwatch;

use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Metrics, Scorer, TermKind, attribute, evaluate, sigmoid};
use expansion_training::FittedPropensity;
use serde_json::{Value, json};

use crate::Failure;
use crate::table::write_lines;

/// Speed is measured on at least so many rows: the test rows, as often as it takes.
const ROWS_TIMED: usize = 400_000;

/// Wall and CPU time, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

/// A running stopwatch.
pub(crate) struct Clock {
    wall: Stopwatch,
    cpu: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Stopwatch::now(), cpu: cpu_seconds() }
    }

    pub(crate) fn stop(&self) -> Times {
        Times { wall: self.wall.elapsed().as_secs_f64(), cpu: cpu_seconds() - self.cpu }
    }
}

/// The CPU time that this process has used, in seconds; NaN where the system doesn't tell (it is not Linux).
fn cpu_seconds() -> f64 {
    // utime and stime are the 14th and 15th fields, in ticks of 1/100 s; the name before them may hold spaces.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / 100.0 } else { f64::NAN }
}

/// One test row's answer.
struct Row {
    propensity: f64,
    lower: f64,
    upper: f64,
    score: i32,
    points_sum: i32,
}

/// A model tried on test rows.
pub(crate) struct Report {
    rows: Vec<Row>,
    metrics: Metrics,
    training: Times,
    score_rows_per_s: f64,
    explain_rows_per_s: f64,
    n_train: usize,
    family: String,
    /// Log-loss of each family on the rows that the fit held out.
    tried: BTreeMap<String, f64>,
    features: usize,
    tables: usize,
    artifact_bytes: usize,
    artifact_load_ms: f64,
}

impl Report {
    pub(crate) fn new(
        fitted: &FittedPropensity,
        train: &Dataset,
        test: &Dataset,
        training: Times,
    ) -> Result<Self, Failure> {
        let model = &fitted.model;
        let scorer = Scorer::for_columns(model, &test.frame.names)?;
        let mut rows = Vec::with_capacity(test.frame.rows);
        scorer.each(&test.frame, |_, score, contributions| {
            let parts = attribute(model.intercept, contributions);
            rows.push(Row {
                propensity: score.propensity,
                lower: score.lower,
                upper: score.upper,
                score: parts.score,
                points_sum: parts.baseline + parts.points.iter().sum::<i32>(),
            });
        });
        let propensities: Vec<f64> = rows.iter().map(|row| row.propensity).collect();
        let outcomes: Vec<bool> = test.labels.iter().map(|label| label.expanded).collect();
        let metrics = evaluate(&propensities, &outcomes).ok_or("the test rows have one outcome only")?;

        let repeats = ROWS_TIMED.div_ceil(test.frame.rows);
        let mut checksum = 0.0;
        let score_rows_per_s = speed(repeats * test.frame.rows, || {
            for _ in 0..repeats {
                checksum += scorer.log_odds(&test.frame).into_iter().map(sigmoid).sum::<f64>();
            }
        });
        let explain_rows_per_s = speed(repeats * test.frame.rows, || {
            for _ in 0..repeats {
                scorer.each(&test.frame, |_, score, contributions| {
                    checksum += score.lower + f64::from(attribute(model.intercept, contributions).score);
                });
            }
        });
        std::hint::black_box(checksum);
        let artifact = serde_json::to_vec(model)?;
        let watch = Stopwatch::now();
        let loaded: AdditiveModel = serde_json::from_slice(&artifact)?;
        let artifact_load_ms = 1000.0 * watch.elapsed().as_secs_f64();
        if loaded != *model {
            return Err("the model is another one when it is read again".into());
        }
        Ok(Self {
            rows,
            metrics,
            training,
            score_rows_per_s,
            explain_rows_per_s,
            n_train: train.labels.len(),
            family: model.family.clone(),
            tried: fitted.tried.iter().cloned().collect(),
            features: model.features.len(),
            tables: model.terms.iter().filter(|term| term.kind != TermKind::Shape).count(),
            artifact_bytes: artifact.len(),
            artifact_load_ms,
        })
    }

    pub(crate) fn json(&self) -> Value {
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let width = self.rows.iter().map(|row| row.upper - row.lower).sum::<f64>() / count(self.rows.len());
        json!({
            "auc": self.metrics.auc,
            "pr_auc": self.metrics.pr_auc,
            "log_loss": self.metrics.log_loss,
            "brier": self.metrics.brier,
            "ece": self.metrics.ece,
            "train_seconds": self.training.wall,
            "cpu_seconds": self.training.cpu,
            "score_rows_per_s": self.score_rows_per_s.round(),
            "explain_rows_per_s": self.explain_rows_per_s.round(),
            "interval_mean_width": width,
            "n_train": self.n_train,
            "n_test": self.rows.len(),
            "family": self.family,
            "tried": self.tried,
            "features": self.features,
            "tables": self.tables,
            "artifact_bytes": self.artifact_bytes,
            "artifact_load_ms": self.artifact_load_ms,
        })
    }

    /// Writes a line for each test row.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let line =
            |row: &Row| format!("{},{},{},{},{}", row.propensity, row.lower, row.upper, row.score, row.points_sum);
        write_lines(path, "p,lower,upper,score,points_sum", self.rows.iter().map(line))
    }
}

/// Rows a second of some work.
fn speed(rows: usize, work: impl FnOnce()) -> f64 {
    let watch = Stopwatch::now();
    work();
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / watch.elapsed().as_secs_f64()
}

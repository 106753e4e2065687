//! What is measured of a fitted model: how good, how sure, how fast.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant as Stopwatch;

use expansion_domain::count;
use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Score, Scorer, TermKind, attribute, evaluate, sigmoid};
use expansion_training::{FitError, FittedPropensity};
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::table::write_lines;

/// Speed is measured on at least so many rows: the test rows, as often as it takes.
const ROWS_TIMED: usize = 400_000;

/// The CPU time that this process has used, in seconds; NaN where the system doesn't tell (it is not Linux).
pub(crate) fn cpu_seconds() -> f64 {
    // utime and stime are the 14th and 15th fields, in ticks of 1/100 s; the name before them may hold spaces.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / 100.0 } else { f64::NAN }
}

/// What trying a model gave.
pub(crate) struct Tried {
    /// P(expansion) of each test row.
    pub(crate) propensities: Vec<f64>,
    /// How good, how sure, how fast.
    pub(crate) measured: Map<String, Value>,
}

/// Fits on some rows, tries the model on others, of which it writes `p,lower,upper,score,points_sum` line by line to `out`.
pub(crate) fn tried(
    train: &Dataset,
    test: &Dataset,
    out: Option<&Path>,
    fit: impl FnOnce(&Dataset) -> Result<FittedPropensity, FitError>,
) -> Result<Tried, Failure> {
    let (watch, cpu) = (Stopwatch::now(), cpu_seconds());
    let FittedPropensity { model, tried: families, .. } = fit(train)?;
    let (train_seconds, train_cpu_seconds) = (watch.elapsed().as_secs_f64(), cpu_seconds() - cpu);

    let scorer = Scorer::for_columns(&model, &test.frame.names)?;
    let (mut propensities, mut lines, mut width) = (Vec::new(), Vec::new(), 0.0);
    scorer.each(&test.frame, |_, Score { propensity, lower, upper, .. }, contributions| {
        let parts = attribute(model.intercept, contributions);
        let points_sum = parts.baseline + parts.points.iter().sum::<i32>();
        lines.push(format!("{propensity},{lower},{upper},{},{points_sum}", parts.score));
        propensities.push(propensity);
        width += upper - lower;
    });
    let outcomes: Vec<bool> = test.labels.iter().map(|label| label.expanded).collect();
    let metrics = evaluate(&propensities, &outcomes).ok_or("the test rows have one outcome only")?;

    let rows = test.frame.rows;
    let mut checksum = 0.0;
    let score_rows_per_s = speed(rows, || {
        checksum += scorer.log_odds(&test.frame).into_iter().map(sigmoid).sum::<f64>();
    });
    let explain_rows_per_s = speed(rows, || {
        scorer.each(&test.frame, |_, score, contributions| {
            checksum += score.lower + f64::from(attribute(model.intercept, contributions).score);
        });
    });
    std::hint::black_box(checksum);
    let artifact = serde_json::to_vec(&model)?;
    let watch = Stopwatch::now();
    let loaded: AdditiveModel = serde_json::from_slice(&artifact)?;
    let artifact_load_ms = 1000.0 * watch.elapsed().as_secs_f64();
    if loaded != model {
        return Err("the model is another one when it is read again".into());
    }
    if let Some(out) = out {
        write_lines(out, "p,lower,upper,score,points_sum", lines.into_iter())?;
    }
    let measured = json!({
        "auc": metrics.auc,
        "pr_auc": metrics.pr_auc,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier,
        "ece": metrics.ece,
        "train_seconds": train_seconds,
        "cpu_seconds": train_cpu_seconds,
        "score_rows_per_s": score_rows_per_s.round(),
        "explain_rows_per_s": explain_rows_per_s.round(),
        "interval_mean_width": width / count(rows),
        "n_train": train.labels.len(),
        "n_test": rows,
        "family": model.family,
        // Log-loss of each family on the rows that the fit held out.
        "tried": families.into_iter().collect::<BTreeMap<_, _>>(),
        "features": model.features.len(),
        "tables": model.terms.iter().filter(|term| term.kind != TermKind::Shape).count(),
        "artifact_bytes": artifact.len(),
        "artifact_load_ms": artifact_load_ms,
    });
    let Value::Object(measured) = measured else { return Err("no object".into()) };
    Ok(Tried { propensities, measured })
}

/// Rows a second of some work on so many, done as often as it takes.
fn speed(rows: usize, mut work: impl FnMut()) -> f64 {
    let repeats = ROWS_TIMED.div_ceil(rows);
    let watch = Stopwatch::now();
    for _ in 0..repeats {
        work();
    }
    count(repeats * rows) / watch.elapsed().as_secs_f64()
}

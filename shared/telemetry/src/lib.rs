//! JSON logs and one metrics record per invocation, both on standard error, from where Lambda takes them to CloudWatch.
//!
//! Logs are JSON lines with dotted field names and unit suffixes; a failure is logged once, where it is answered.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const NAMESPACE: &str = "ExpansionPropensity";

/// Metrics are recorded only where something collects them.
static RECORDING: AtomicBool = AtomicBool::new(false);

/// The log level is not one.
#[derive(thiserror::Error)]
#[error("LOG_LEVEL is {level:?}: {source}")]
pub struct InvalidLevel {
    level: String,
    source: tracing_subscriber::filter::ParseError,
}

/// In words: this is the form in which an error that ends `main` is shown.
impl fmt::Debug for InvalidLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Starts logging at a level (`info`) or by directives (`info,scorer=debug`).
pub fn init(level: &str) -> Result<(), InvalidLevel> {
    let filter = filter(level)?;
    RECORDING.store(true, Ordering::Relaxed);
    let format = layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let format = format.with_writer(std::io::stderr).with_filter(filter);
    // A second start in one process (a test) keeps the first.
    let _ = tracing_subscriber::registry().with(format).try_init();
    Ok(())
}

/// Starts logging for a person at a terminal; metrics are not recorded.
pub fn init_console(level: &str) -> Result<(), InvalidLevel> {
    let format = layer().with_target(false).with_writer(std::io::stderr).with_filter(filter(level)?);
    let _ = tracing_subscriber::registry().with(format).try_init();
    Ok(())
}

fn filter(level: &str) -> Result<Targets, InvalidLevel> {
    level.parse().map_err(|source| InvalidLevel { level: level.to_owned(), source })
}

/// A metric's unit, as CloudWatch names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration in milliseconds.
    Milliseconds,
    None,
}

/// Writes one record of metrics in CloudWatch's embedded metric format, once [`init`] has been called.
pub fn record(function: &str, metrics: &[(&str, Unit, f64)]) {
    if RECORDING.load(Ordering::Relaxed) {
        eprintln!("{}", embedded(function, metrics, millis_now()));
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge: a metrics record says when it was made")]
fn millis_now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn embedded(function: &str, metrics: &[(&str, Unit, f64)], at_millis: u64) -> Value {
    let described: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": format!("{unit:?}") })).collect();
    let mut record = Map::new();
    record.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at_millis,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["function"]], "Metrics": described }],
        }),
    );
    record.insert("function".to_owned(), json!(function));
    record.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_embedded_metric_format() {
        let record = embedded("scorer", &[("Rows", Unit::Count, 25.0)], 1_700_000_000_000);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_700_000_000_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "ExpansionPropensity",
                    "Dimensions": [["function"]],
                    "Metrics": [{ "Name": "Rows", "Unit": "Count" }],
                }],
            },
            "function": "scorer",
            "Rows": 25.0,
        });
        assert_eq!(record, expected);
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        assert!(init("loud=very=much").is_err());
    }
}

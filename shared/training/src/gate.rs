//! Whether a challenger takes the champion's place.
//!
//! Both are compared as they are delivered, on the same newest labelled rows. Each has seen nearly all of these rows when
//! it was fitted (the champion those known a week ago), so neither has an advantage; that a model does not merely repeat
//! what it has seen is the business of the figures out of time, which the challenger must have as well.

use std::collections::BTreeMap;

use expansion_features::{Dataset, Value};
use expansion_model::{AdditiveModel, Decision, Figure, Metrics, Model, SAMPLES, evaluate, scattered, sigmoid};

use crate::deals::count;
use crate::propensity::scorer;
use crate::{FitError, SEGMENT};

/// A challenger whose calibration error out of time is larger than this, and than the champion's, is refused.
const MOST_CALIBRATION_ERROR: f64 = 0.05;
/// In a segment with at least so many rows a challenger may not be worse than the champion by so much log-loss, beyond
/// chance.
const SEGMENT_ROWS: usize = 200;
const SEGMENT_LOSS: f64 = 0.01;

/// Decides about a challenger, whose figures out of time are given, by the given rows, the newest with labels.
///
/// # Errors
/// [`FitError`] when one of the models cannot be applied to the rows.
pub fn decide(
    champion: Option<&Model>,
    challenger: &AdditiveModel,
    metrics: Option<&Metrics>,
    data: &Dataset,
    rows: &[usize],
) -> Result<Decision, FitError> {
    let decision = |promote: bool, reason: String| Decision {
        promote,
        reason,
        champion: champion.map(|champion| champion.model_id.clone()),
        champion_log_loss: None,
        challenger_log_loss: None,
        difference: None,
    };
    let Some(champion) = champion else {
        return Ok(decision(true, "there is no champion that could be used".to_owned()));
    };
    let losses = |model: &AdditiveModel| -> Result<Vec<f64>, FitError> {
        let log_odds = scorer(model, data)?.log_odds(&data.frame.take(rows));
        Ok(log_odds.iter().zip(rows).map(|(eta, row)| loss(sigmoid(*eta), data.labels[*row].expanded)).collect())
    };
    // A champion of other features cannot be compared.
    let Ok(of_champion) = losses(&champion.propensity) else {
        return Ok(decision(true, "the champion cannot be applied to these rows".to_owned()));
    };
    let of_challenger = losses(challenger)?;
    let Some(difference) = difference(&of_challenger, &of_champion, data, rows) else {
        return Ok(decision(true, "there are no labelled rows to compare by, and it knows more".to_owned()));
    };
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / count(losses.len());
    let (champion_loss, challenger_loss) = (mean(&of_champion), mean(&of_challenger));
    let compared = |promote: bool, reason: String| Decision {
        champion_log_loss: Some(champion_loss),
        challenger_log_loss: Some(challenger_loss),
        difference: Some(difference),
        ..decision(promote, reason)
    };
    if difference.lower > 0.0 {
        let reason = format!("its log-loss is larger by {:.4}, beyond chance", difference.value);
        return Ok(compared(false, reason));
    }
    if let Some(metrics) = metrics
        && metrics.ece > MOST_CALIBRATION_ERROR
        && metrics.ece > calibration_error(champion, data, rows)
    {
        let reason = format!("its calibration error out of time is {:.3}", metrics.ece);
        return Ok(compared(false, reason));
    }
    if let Some((segment, worse)) = worse_segment(&of_challenger, &of_champion, data, rows) {
        return Ok(compared(false, format!("in {segment} its log-loss is larger by {worse:.4}, beyond chance")));
    }
    let reason = if difference.value <= 0.0 {
        format!("its log-loss is smaller by {:.4}", -difference.value)
    } else {
        format!("its log-loss is larger by {:.4}, which chance would explain, and it knows more", difference.value)
    };
    Ok(compared(true, reason))
}

/// Minus the log-likelihood of one outcome.
fn loss(propensity: f64, expanded: bool) -> f64 {
    let p = propensity.clamp(1e-15, 1.0 - 1e-15);
    if expanded { -p.ln() } else { -(1.0 - p).ln() }
}

/// The mean difference of two losses, with its 90 % bootstrap interval (customers drawn with replacement, by weights).
fn difference(one: &[f64], other: &[f64], data: &Dataset, rows: &[usize]) -> Option<Figure> {
    let mut by_customer: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for ((one, other), row) in one.iter().zip(other).zip(rows) {
        let sums = by_customer.entry(data.customers[*row]).or_default();
        sums.0 += one - other;
        sums.1 += 1.0;
    }
    let mean = |weight: &dyn Fn(u64) -> f64| {
        let (mut sum, mut n) = (0.0, 0.0);
        for (customer, (differences, rows)) in (0_u64..).zip(by_customer.values()) {
            let weight = weight(customer);
            sum += weight * differences;
            n += weight * rows;
        }
        sum / n
    };
    let value = mean(&|_| 1.0);
    // Exponential weights: the Bayesian bootstrap (Rubin 1981).
    let sample = |sample: u64| mean(&|customer| -(1.0 - scattered(sample << 32 | customer)).ln());
    value.is_finite().then(|| Figure::of(value, (0..SAMPLES).map(sample).collect()))
}

fn calibration_error(champion: &Model, data: &Dataset, rows: &[usize]) -> f64 {
    let Ok(scorer) = scorer(&champion.propensity, data) else { return f64::INFINITY };
    let propensities: Vec<f64> = scorer.log_odds(&data.frame.take(rows)).into_iter().map(sigmoid).collect();
    let outcomes: Vec<bool> = rows.iter().map(|row| data.labels[*row].expanded).collect();
    evaluate(&propensities, &outcomes).map_or(f64::INFINITY, |metrics| metrics.ece)
}

/// The segment in which a challenger is worse than it may be, if there is one.
fn worse_segment(challenger: &[f64], champion: &[f64], data: &Dataset, rows: &[usize]) -> Option<(String, f64)> {
    let column = data.frame.names.iter().position(|name| name == SEGMENT)?;
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        if let Value::Level(segment) = data.frame.columns[column].value(*row) {
            groups.entry(segment.to_string()).or_default().push(place);
        }
    }
    groups.into_iter().filter(|(_, places)| places.len() >= SEGMENT_ROWS).find_map(|(segment, places)| {
        let of = |losses: &[f64]| places.iter().map(|place| losses[*place]).collect::<Vec<f64>>();
        let own: Vec<usize> = places.iter().map(|place| rows[*place]).collect();
        let worse = difference(&of(challenger), &of(champion), data, &own)?;
        (worse.lower > 0.0 && worse.value > SEGMENT_LOSS).then_some((segment, worse.value))
    })
}

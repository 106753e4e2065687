//! How intervals and confidence did on the rows held out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use expansion_domain::{Id, count};
use expansion_features::Dataset;
use expansion_model::{
    AdditiveModel, CONFIDENCE, Confidence, ConfidenceEvaluation, ConfidenceLevel, GroupEvaluation, Score,
};

use crate::propensity::scorer;
use crate::{Result, outcomes};

/// Compares a model's scores of held-out rows with their outcomes, by confidence level and by segment.
pub(crate) fn evaluate(model: &AdditiveModel, data: &Dataset, held_out: &[usize]) -> Result<ConfidenceEvaluation> {
    let mut levels: BTreeMap<Reverse<ConfidenceLevel>, Vec<(Score, bool)>> = BTreeMap::new();
    let mut segments: BTreeMap<Id, Vec<(Score, bool)>> = BTreeMap::new();
    let segment_of = outcomes::segments(data);
    scorer(model, data)?.each(&data.frame.take(held_out), |i, score, _| {
        let outcome = (score, data.labels[held_out[i]].expanded);
        levels.entry(Reverse(Confidence::of(&score, 0.1, model.knowledge).level())).or_default().push(outcome);
        if let Some(segment_of) = &segment_of {
            let name = segment_of(held_out[i]).unwrap_or_else(|| "unknown".into());
            segments.entry(name).or_default().push(outcome);
        }
    });
    Ok(ConfidenceEvaluation {
        definition: CONFIDENCE.to_owned(),
        heterogeneity: model.heterogeneity.overall,
        levels: levels.iter().map(|(level, rows)| evaluation(level.0.name(), rows)).collect(),
        segments: segments.iter().map(|(name, rows)| evaluation(name, rows)).collect(),
    })
}

fn evaluation(name: &str, rows: &[(Score, bool)]) -> GroupEvaluation {
    let mean = |of: fn(&(Score, bool)) -> f64| rows.iter().map(of).sum::<f64>() / count(rows.len());
    GroupEvaluation {
        name: name.to_owned(),
        n: rows.len(),
        mean_propensity: mean(|(score, _)| score.propensity),
        observed_rate: mean(|(_, expanded)| f64::from(*expanded)),
        mean_width: mean(|(score, _)| score.upper - score.lower),
    }
}

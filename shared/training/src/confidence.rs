//! How intervals and confidence did on the rows held out.

use std::collections::BTreeMap;

use expansion_domain::count;
use expansion_features::Dataset;
use expansion_model::{
    AdditiveModel, CONFIDENCE, ConfidenceEvaluation, ConfidenceLevel, GroupEvaluation, Score, confidence,
};

use crate::FitError;
use crate::propensity::scorer;

/// Sums over a group's rows.
#[derive(Default)]
struct Sums {
    n: usize,
    propensity: f64,
    expanded: usize,
    width: f64,
}

impl Sums {
    fn add(&mut self, score: Score, expanded: bool) {
        self.n += 1;
        self.propensity += score.propensity;
        self.expanded += usize::from(expanded);
        self.width += score.upper - score.lower;
    }

    fn evaluation(&self, name: String) -> GroupEvaluation {
        let n = count(self.n);
        GroupEvaluation {
            name,
            n: self.n,
            mean_propensity: self.propensity / n,
            observed_rate: count(self.expanded) / n,
            mean_width: self.width / n,
        }
    }
}

/// Compares a model's scores of held-out rows with their outcomes, by confidence level and by the column of segments.
pub(crate) fn evaluate(
    model: &AdditiveModel,
    data: &Dataset,
    held_out: &[usize],
    segment: Option<&str>,
) -> Result<ConfidenceEvaluation, FitError> {
    let mut levels: BTreeMap<std::cmp::Reverse<ConfidenceLevel>, Sums> = BTreeMap::new();
    let mut segments: BTreeMap<String, Sums> = BTreeMap::new();
    let column = data.frame.names.iter().position(|name| Some(&**name) == segment);
    scorer(model, data)?.each(&data.frame.take(held_out), |i, score, _| {
        let row = held_out[i];
        let expanded = data.labels[row].expanded;
        let level = ConfidenceLevel::of(confidence(&score, model.knowledge));
        levels.entry(std::cmp::Reverse(level)).or_default().add(score, expanded);
        if let Some(column) = column {
            let name = match data.frame.columns[column].value(row) {
                expansion_features::Value::Level(level) => level.to_string(),
                _ => "unknown".to_owned(),
            };
            segments.entry(name).or_default().add(score, expanded);
        }
    });
    Ok(ConfidenceEvaluation {
        definition: CONFIDENCE.to_owned(),
        heterogeneity: model.heterogeneity.overall,
        levels: levels.into_iter().map(|(level, sums)| sums.evaluation(level.0.name().to_owned())).collect(),
        segments: segments.into_iter().map(|(name, sums)| sums.evaluation(name)).collect(),
    })
}

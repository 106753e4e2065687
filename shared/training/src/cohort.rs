//! Earlier customers with their outcomes, for the scorer to look for those most similar to a customer.

use expansion_domain::SourceData;
use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Bytes, Cohort, customer_tag};

use crate::logistic::linear;
use crate::propensity::scorer;
use crate::{Result, bins};

/// Features that similarity is judged by: those that make most difference to the score.
const FEATURES_COMPARED: usize = 10;
/// Customers that are compared with, at most and at least.
const MOST_MEMBERS: usize = 3_000;
const LEAST_MEMBERS: usize = 100;

/// Each customer at the newest cutoff whose horizon has elapsed, with what became of them; `None` when they are too few.
/// What is needed of the dataset is known when the model is made: the rows are labelled, so their horizons are over.
pub(crate) fn fit(source: &SourceData, data: &Dataset, model: &AdditiveModel) -> Result<Option<Cohort>> {
    let Some(newest) = data.as_of.iter().max() else { return Ok(None) };
    let all: Vec<usize> = (0..data.labels.len()).filter(|row| data.as_of[*row] == *newest).collect();
    let every = all.len().div_ceil(MOST_MEMBERS).max(1);
    let rows: Vec<usize> = all.into_iter().step_by(every).collect();
    if rows.len() < LEAST_MEMBERS {
        return Ok(None);
    }
    let scorer = scorer(model, data)?;
    let mut squares = vec![0.0; model.features.len()];
    scorer.each(&data.frame.take(&rows), |_, _, contributions| {
        for (square, contribution) in squares.iter_mut().zip(contributions) {
            *square += contribution * contribution;
        }
    });
    let mut features: Vec<usize> =
        (0..squares.len()).filter(|f| squares[*f] > 0.0 && model.features[*f].bins.len() <= 256).collect();
    features.sort_by(|a, b| squares[*b].total_cmp(&squares[*a]).then(a.cmp(b)));
    features.truncate(FEATURES_COMPARED);
    if features.is_empty() {
        return Ok(None);
    }
    let binned: Vec<_> = features.iter().map(|feature| model.features[*feature].clone()).collect();
    let column = |feature: &usize| &data.frame.columns[scorer.columns()[*feature]];
    let codes: Vec<Vec<u16>> =
        features.iter().map(|f| bins::codes(&model.features[*f].bins, column(f), &rows)).collect();
    let linear = linear(&binned, &codes, &data.frame, &rows);
    #[expect(clippy::cast_possible_truncation, reason = "standardised values")]
    let coordinates =
        linear.entries.iter().map(|of_bin| of_bin.iter().map(|at| at.map(|(i, x)| (i, x as f32))).collect());
    let bins = (0..rows.len()).flat_map(|i| codes.iter().map(move |codes| u8::try_from(codes[i]).unwrap_or(u8::MAX)));
    let customer = |row: &usize| &*source.customers[data.customers[*row] as usize].customer_id;
    Ok(Some(Cohort {
        coordinates: coordinates.collect(),
        dimensions: linear.columns,
        bins: Bytes(bins.collect()),
        expanded: Bytes(rows.iter().map(|row| u8::from(data.labels[*row].expanded)).collect()),
        tags: Bytes(rows.iter().flat_map(|row| customer_tag(customer(row))).collect()),
        features,
    }))
}

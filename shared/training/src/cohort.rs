//! Earlier customers with their outcomes, for the scorer to look for those most similar to a customer.

use expansion_domain::SourceData;
use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Bytes, Cohort, customer_tag};

use crate::FitError;
use crate::logistic::linear;
use crate::propensity::scorer;

/// Features that similarity is judged by: those that make most difference to the score.
const FEATURES_COMPARED: usize = 10;
/// Customers that are compared with, at most and at least.
const MOST_MEMBERS: usize = 3_000;
const LEAST_MEMBERS: usize = 100;

/// Each customer at the newest cutoff whose horizon has elapsed, with what became of them; `None` when they are too few.
/// What is needed of the dataset is known when the model is made: the rows are labelled, so their horizons are over.
pub(crate) fn fit(source: &SourceData, data: &Dataset, model: &AdditiveModel) -> Result<Option<Cohort>, FitError> {
    let Some(newest) = data.as_of.iter().max() else { return Ok(None) };
    let all: Vec<usize> = (0..data.labels.len()).filter(|row| data.as_of[*row] == *newest).collect();
    let every = all.len().div_ceil(MOST_MEMBERS).max(1);
    let rows: Vec<usize> = all.into_iter().step_by(every).collect();
    if rows.len() < LEAST_MEMBERS {
        return Ok(None);
    }
    let scorer = scorer(model, data)?;
    let frame = data.frame.take(&rows);
    let mut squares = vec![0.0; model.features.len()];
    scorer.each(&frame, |_, _, contributions| {
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
    let codes: Vec<Vec<u16>> = features
        .iter()
        .map(|feature| {
            let mut codes = vec![0; frame.rows];
            let column = &frame.columns[scorer.columns()[*feature]];
            model.features[*feature].bins.fill(column, 0..frame.rows, &mut codes);
            codes
        })
        .collect();
    let here: Vec<usize> = (0..frame.rows).collect();
    let linear = linear(&binned, &codes, &frame, &here);
    #[expect(clippy::cast_possible_truncation, reason = "standardised values")]
    let coordinates =
        linear.entries.iter().map(|of_bin| of_bin.iter().map(|at| at.map(|(i, x)| (i, x as f32))).collect());
    let bins = here.iter().flat_map(|row| codes.iter().map(|codes| u8::try_from(codes[*row]).unwrap_or(u8::MAX)));
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

//! What is known before anything can be learned: prior weights for the state `rules`.
//!
//! They say no more than what people who sell software agree on: customers near their entitlement, in good health, who
//! ask or have bought before, buy sooner. In log-odds; a missing value weighs nothing. They only rank; the level comes
//! from the outcomes there are, shrunk to a base rate of 10 %.

use expansion_domain::count;
use expansion_model::{AdditiveModel, BinnedFeature, Bins, Heterogeneity, Knowledge, Term, Uncertainty};

use crate::penalised::logit;

/// The name of this kind of model.
pub(crate) const FAMILY: &str = "rules";

/// The base rate before any outcome, and how many rows it weighs as much as.
const BASE_RATE: f64 = 0.10;
const BASE_ROWS: f64 = 30.0;
/// Standard deviation of customers' own log-odds: how far rules may be off.
const DEVIATION: f64 = 1.2;

/// Feature, edges, and the weight of each bin between them.
#[rustfmt::skip]
const WEIGHTS: [(&str, &[f64], &[f64]); 9] = [
    ("seat_utilisation",      &[0.5, 0.8, 0.95], &[-0.6, -0.2, 0.3, 0.9]),
    ("health_score",          &[50.0, 70.0, 85.0], &[-0.7, -0.1, 0.2, 0.5]),
    ("seat_inquiries",        &[0.25, 1.25], &[-0.1, 0.6, 0.9]),
    ("enterprise_inquiries",  &[0.25], &[-0.05, 0.6]),
    ("new_teams",             &[0.25], &[-0.05, 0.4]),
    ("champion_promotions",   &[0.25], &[-0.05, 0.4]),
    ("executive_engagements", &[0.5, 2.5], &[-0.1, 0.2, 0.4]),
    ("wins_365",              &[0.5, 1.5], &[-0.1, 0.3, 0.6]),
    ("open_deals",            &[0.5], &[-0.1, 1.0]),
];

/// The rules for columns of the given names, where so many of `rows` labelled rows end in an expansion.
pub(crate) fn model(names: &[String], rows: usize, positives: usize) -> AdditiveModel {
    let mut features = Vec::new();
    let mut terms = Vec::new();
    for (name, edges, weights) in WEIGHTS {
        if !names.iter().any(|known| known == name) {
            continue;
        }
        let weights = weights.iter().copied().chain([0.0]).collect();
        terms.push(Term::shape(features.len(), weights));
        features.push(BinnedFeature { name: name.to_owned(), bins: Bins::Numbers { edges: edges.to_vec() } });
    }
    AdditiveModel {
        family: FAMILY.to_owned(),
        knowledge: Knowledge::Rules,
        intercept: logit((count(positives) + BASE_RATE * BASE_ROWS) / (count(rows) + BASE_ROWS)),
        features,
        terms,
        uncertainty: Uncertainty::default(),
        heterogeneity: Heterogeneity { overall: DEVIATION, segment: None, by_segment: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use expansion_model::{Scorer, points_of};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_score_by_rules_lies_within_its_interval(
            bins in prop::collection::vec(0_usize..5, WEIGHTS.len()),
            positives in 0_usize..40,
            others in 0_usize..100_000,
        ) {
            let names = WEIGHTS.map(|(name, ..)| name.to_owned());
            let model = model(&names, positives + others, positives);
            let bin = |(bin, feature): (&usize, &BinnedFeature)| {
                u16::try_from(*bin.min(&feature.bins.missing())).expect("few")
            };
            let bins: Vec<u16> = bins.iter().zip(&model.features).map(bin).collect();
            let scorer = Scorer::for_columns(&model, &names).expect("its own columns");
            let score = scorer.score(&bins, &mut vec![0.0; bins.len()]);
            let [lower, upper] = score.interval_in_points();
            let points = f64::from(points_of(score.propensity));
            prop_assert!(lower <= points && points <= upper, "{points} is not within {lower} to {upper}");
        }
    }
}

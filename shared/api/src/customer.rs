//! `GET /api/customers/{id}/expansion-propensity`: everything about one customer.

use std::collections::BTreeMap;

use expansion_domain::{Instant, RunId};
use expansion_model::SimilarCohort;
use expansion_records::{Approach, Factor, Movement, PastScore, Propensity, RecommendedProduct, Run};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ModelView, ScoreView};

/// A customer's score with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CustomerAnswer {
    /// What the list shows; the rank is among all customers of the run, equal scores sharing the best place.
    #[serde(flatten)]
    pub score: ScoreView,
    /// The score of a customer average in everything; with the factors' points it adds up to the score.
    pub baseline_points: i32,
    /// What makes the score differ from the baseline, most points first.
    pub contributing_factors: Vec<Factor>,
    /// What became of the customers most similar to this one; `null` when there are too few.
    pub similar_cohort: Option<SimilarCohort>,
    /// What an expansion is most likely to be of, at most three.
    pub recommended_products: Vec<RecommendedProduct>,
    /// What to do next.
    pub recommended_approach: Approach,
    /// Why the score moved since the run before.
    pub movement: Option<Movement>,
    /// For each part that is `null` or empty, why.
    pub not_available: BTreeMap<String, String>,
    /// The scores so far, newest first, this one included.
    pub history: Vec<HistoryView>,
    /// The model.
    pub model: Option<ModelView>,
    /// The run.
    pub run_id: RunId,
}

/// An earlier score.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HistoryView {
    /// The run's instant.
    pub calculated_at: Instant,
    /// The score then.
    pub propensity_score: u8,
    /// Lower end of its 90 % interval.
    pub lower: f64,
    /// Upper end of its 90 % interval.
    pub upper: f64,
    /// The model that gave it.
    pub model_id: String,
}

/// The answer for the customer whose row of the given run this is, with the scores so far.
#[must_use]
pub fn customer_answer(run: &Run, row: Propensity, past: Vec<PastScore>) -> CustomerAnswer {
    let view = |past: PastScore| HistoryView {
        calculated_at: past.calculated_at,
        propensity_score: past.propensity_score,
        lower: past.propensity_lower,
        upper: past.propensity_upper,
        model_id: past.model_id,
    };
    let history = past.into_iter().map(view).collect();
    let summary = run.summary().cloned().unwrap_or_default();
    let higher = summary.histogram.iter().skip(usize::from(row.listed.propensity_score) + 1).sum::<u64>();
    CustomerAnswer {
        score: ScoreView::new(Some(higher + 1), row.listed, &summary),
        baseline_points: row.baseline_points,
        contributing_factors: row.contributing_factors,
        similar_cohort: row.similar_cohort,
        recommended_products: row.recommended_products,
        recommended_approach: row.recommended_approach,
        movement: row.movement,
        not_available: row.not_available,
        history,
        model: run.model().map(Into::into),
        run_id: row.run_id,
    }
}

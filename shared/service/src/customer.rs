//! Everything about one customer.

use std::collections::BTreeMap;

use expansion_domain::{Instant, RunId};
use expansion_model::SimilarCohort;
use expansion_records::{Approach, Factor, Movement, PastScore, Propensity, RecommendedProduct, Run, RunReference};
use expansion_store::{ControlTable, PropensityTable, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::Serialize;

use crate::view::{ModelView, ScoreView};
use crate::{Config, ConfigError, Error, Principal};

/// Scores shown of the past: two years of weekly runs would be 104.
const MOST_HISTORY: i32 = 104;
/// Histories read at once.
const CONCURRENCY: usize = 8;

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

/// Answers with one customer.
#[derive(Debug)]
pub struct Customers {
    pub control: ControlTable,
    pub propensities: PropensityTable,
}

impl Customers {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()?, propensities: config.propensities()? })
    }

    /// Everything about a customer, as the caller may see it.
    pub async fn answer(&self, principal: &Principal, customer_id: &str) -> Result<CustomerAnswer, Error> {
        let (current, row) = self.current(principal, customer_id).await?;
        let run = self.control.expect_run(&current.run_id).await?;
        let mut past = self.propensities.history(customer_id, current.calculated_at, MOST_HISTORY).await?;
        let complete = self.control.complete_runs(&current.run_id, MOST_HISTORY).await?;
        // Rows of runs that never completed were never shown; the current run is shown even while it is being closed.
        past.retain(|past| past.run_id == current.run_id || complete.contains(&past.run_id));
        Ok(customer_answer(&run, row, past))
    }

    /// The scores so far of customers on a page of this run, at most so many of each, oldest first.
    pub async fn curves(&self, run_id: &RunId, rows: &[ScoreView], most: i32) -> Result<Vec<Vec<u8>>, Error> {
        let complete = self.control.complete_runs(run_id, 4 * most).await?;
        let curve = async |row: &ScoreView| -> Result<Vec<u8>, StoreError> {
            let past = self.propensities.history(&row.customer_id, row.calculated_at, most).await?;
            let shown = past.iter().rev().filter(|past| past.run_id == *run_id || complete.contains(&past.run_id));
            Ok(shown.map(|past| past.propensity_score).collect())
        };
        let reads: Vec<_> = rows.iter().map(curve).collect();
        Ok(stream::iter(reads).buffered(CONCURRENCY).try_collect().await?)
    }

    /// The current run, and the row it has of a customer.
    ///
    /// # Errors
    /// [`Error::NoRunYet`]; [`Error::NotFound`] when there is no such customer or the caller may not see them.
    pub(crate) async fn current(
        &self,
        principal: &Principal,
        customer_id: &str,
    ) -> Result<(RunReference, Propensity), Error> {
        let current = self.control.current_run().await?.ok_or(Error::NoRunYet)?.run;
        let row = self.propensities.row(customer_id, current.calculated_at).await?;
        let seen = row.filter(|row| row.run_id == current.run_id && principal.may_see(row.listed.csm_id.as_ref()));
        Ok((current, seen.ok_or(Error::NotFound("such customer"))?))
    }
}

/// The answer for the customer whose row of the given run this is, with the scores so far.
pub fn customer_answer(run: &Run, row: Propensity, past: Vec<PastScore>) -> CustomerAnswer {
    let view = |past: PastScore| HistoryView {
        calculated_at: past.calculated_at,
        propensity_score: past.propensity_score,
        lower: past.propensity_lower,
        upper: past.propensity_upper,
        model_id: past.model_id,
    };
    let history = past.into_iter().map(view).collect();
    let counts = run.summary().into_iter().flat_map(|summary| &summary.histogram);
    let higher: u64 = counts.skip(usize::from(row.listed.propensity_score) + 1).sum();
    CustomerAnswer {
        score: ScoreView::new(Some(higher + 1), row.listed, run),
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

#[cfg(test)]
mod tests {
    use expansion_fixtures::{row, run};

    use super::*;

    #[test]
    fn one_customer() {
        let past = [88, 90].map(|score| PastScore::from(&row("c-2", score)));
        let answer = customer_answer(&run(), row("c-2", 88), past.into());
        let points: i32 = answer.contributing_factors.iter().map(|factor| factor.points).sum();
        assert_eq!(answer.baseline_points + points, i32::from(answer.score.propensity_score));
        insta::assert_json_snapshot!(answer);
    }
}

//! The most similar of earlier customers, by smartcore's neighbour search on standardised features.

use expansion_domain::{Id, Portfolio};
use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Bytes, Cohort, SimilarCohort, customer_tag};
use smartcore::algorithm::neighbour::linear_search::LinearKNNSearch;
use smartcore::metrics::distance::euclidian::Euclidian;

use crate::FitError;
use crate::deals::count;
use crate::logistic::linear;
use crate::propensity::scorer;

/// Features that similarity is judged by: those that make most difference to the score.
const FEATURES_COMPARED: usize = 10;
/// Customers that are compared with, at most and at least.
const MOST_MEMBERS: usize = 3_000;
const LEAST_MEMBERS: usize = 100;
/// The most similar customers looked at; of few customers a tenth.
const NEIGHBOURS: usize = 50;

/// Each customer at the newest cutoff whose horizon has elapsed, with what became of them; `None` when they are too few.
/// What is needed of the dataset is known when the model is made: the rows are labelled, so their horizons are over.
pub(crate) fn fit(portfolio: &Portfolio, data: &Dataset, model: &AdditiveModel) -> Result<Option<Cohort>, FitError> {
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
    let customer = |row: &usize| &*portfolio.customers[data.customers[*row] as usize].customer_id;
    Ok(Some(Cohort {
        coordinates: coordinates.collect(),
        dimensions: linear.columns,
        bins: Bytes(bins.collect()),
        expanded: Bytes(rows.iter().map(|row| u8::from(data.labels[*row].expanded)).collect()),
        tags: Bytes(rows.iter().flat_map(|row| customer_tag(customer(row))).collect()),
        features,
    }))
}

/// A cohort made ready to be searched.
pub struct Neighbours<'a> {
    cohort: &'a Cohort,
    search: LinearKNNSearch<Vec<f32>, Euclidian<f32>>,
}

impl std::fmt::Debug for Neighbours<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Neighbours").field("members", &self.cohort.len()).finish_non_exhaustive()
    }
}

impl<'a> Neighbours<'a> {
    /// Lays the cohort out; `None` if it has no member.
    #[must_use]
    pub fn new(cohort: &'a Cohort) -> Option<Self> {
        let points: Vec<Vec<f32>> = (0..cohort.len()).map(|member| cohort.member(member)).collect();
        let search = (!points.is_empty()).then(|| LinearKNNSearch::new(points, Euclidian::new()).ok()).flatten()?;
        Some(Self { cohort, search })
    }

    /// What became of the customers most similar to one whose features (all of the model's) lie in the given bins. The
    /// customer's own past is left out.
    #[must_use]
    pub fn of(&self, bins: &[u16], customer_id: &Id) -> Option<SimilarCohort> {
        let point = self.cohort.point(self.cohort.features.iter().map(|feature| usize::from(bins[*feature])));
        let wanted = NEIGHBOURS.min(self.cohort.len() / 10);
        let found = self.search.find(&point, wanted + 1).ok()?;
        let own = customer_tag(customer_id);
        let mut nearest: Vec<(f64, usize)> = found
            .into_iter()
            .filter(|(member, _, _)| self.cohort.tag(*member) != own)
            .map(|(member, distance, _)| (distance, member))
            .collect();
        nearest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        nearest.truncate(wanted);
        let expanded = nearest.iter().filter(|(_, member)| self.cohort.expanded(*member)).count();
        let customers = nearest.len();
        (customers > 0).then(|| SimilarCohort { customers, expanded, share: count(expanded) / count(customers) })
    }
}

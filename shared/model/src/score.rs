//! A snapshot's score: log-odds, propensity and interval.

use expansion_features::{FEATURES, Snapshot};

use crate::{Model, Term};

/// Half the width of a 90 % interval, in standard deviations.
const Z_90: f64 = 1.645;

/// A model made ready to score snapshots: every term knows the position of its feature.
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a Model,
    terms: Vec<Placed<'a>>,
}

#[derive(Debug)]
struct Placed<'a> {
    term: &'a Term,
    /// The feature's position in a snapshot.
    feature: usize,
    /// The position of the term's first weight among the parameters.
    first: usize,
}

/// The model names a feature that the snapshots don't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model needs the feature {0:?}, which this feature set does not have")]
pub struct UnknownFeature(pub String);

/// How likely an expansion within the horizon is.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The model's raw score.
    pub log_odds: f64,
    /// P(expansion within the horizon), in (0, 1).
    pub propensity: f64,
    /// Lower end of the 90 % interval.
    pub lower: f64,
    /// Upper end of the 90 % interval.
    pub upper: f64,
    /// The share of the model's features that are known for this customer, 0–1.
    pub coverage: f64,
    /// What each term adds to the log-odds, in the order of the model's terms.
    pub contributions: Vec<f64>,
}

impl<'a> Scorer<'a> {
    /// For snapshots of [`FEATURES`].
    ///
    /// # Errors
    /// [`UnknownFeature`] when the model needs one that isn't there.
    pub fn new(model: &'a Model) -> Result<Self, UnknownFeature> {
        let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        Self::for_columns(model, &names)
    }

    /// For snapshots whose values have the given names.
    ///
    /// # Errors
    /// [`UnknownFeature`] when the model needs one that isn't there.
    pub fn for_columns(model: &'a Model, names: &[impl AsRef<str>]) -> Result<Self, UnknownFeature> {
        let mut first = 1;
        let mut terms = Vec::with_capacity(model.terms.len());
        for term in &model.terms {
            let feature = names
                .iter()
                .position(|name| name.as_ref() == term.feature)
                .ok_or_else(|| UnknownFeature(term.feature.clone()))?;
            terms.push(Placed { term, feature, first });
            first += term.bins.len();
        }
        Ok(Self { model, terms })
    }

    /// The feature positions of the terms, in the order of [`Score::contributions`].
    pub fn features(&self) -> impl Iterator<Item = usize> + '_ {
        self.terms.iter().map(|placed| placed.feature)
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &'a Model {
        self.model
    }

    /// The score of one snapshot.
    #[must_use]
    pub fn score(&self, snapshot: &Snapshot) -> Score {
        let mut parameters = Vec::with_capacity(self.terms.len() + 1);
        parameters.push(0);
        let mut contributions = Vec::with_capacity(self.terms.len());
        let mut known = 0_usize;
        for placed in &self.terms {
            let bin = placed.term.bins.of(&snapshot.values[placed.feature]);
            known += usize::from(bin != placed.term.bins.missing());
            contributions.push(placed.term.weights[bin]);
            parameters.push(placed.first + bin);
        }
        let log_odds = self.model.intercept + contributions.iter().sum::<f64>();
        let deviation = self.model.covariance.variance_of_sum(&parameters).sqrt();
        Score {
            log_odds,
            propensity: sigmoid(log_odds),
            lower: sigmoid(log_odds - Z_90 * deviation),
            upper: sigmoid(log_odds + Z_90 * deviation),
            coverage: share(known, self.terms.len()),
            contributions,
        }
    }
}

/// The probability that has the given log-odds.
#[must_use]
pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[expect(clippy::cast_precision_loss, reason = "a model has fewer than 2^53 terms")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
